/* DESIGN. A window of twenty rows. The record that would exceed the share stays where it is, so
 * what was good enough to be read again with other rules, or by another schema, is still there to
 * be read. It never closes by itself: that would drain a topic of rubbish into the dead letters bit
 * by bit. A window's first records are few, so a handful of dead letters is let pass whatever their
 * share: one poisonous record stops nothing.
 */
#include "processor/engine/breaker.h"

#include <string.h>

static void turn_to(struct breaker *b, int64_t now_ms)
{
    int64_t row_ms = b->plan.window_ms / BREAKER_ROWS, row;

    row = now_ms / (row_ms > 0 ? row_ms : 1);
    if (row - b->latest >= BREAKER_ROWS) {
        memset(b->rows, 0, sizeof(b->rows));
        b->latest = row;
    }
    while (b->latest < row) {
        b->latest++;
        memset(&b->rows[b->latest % BREAKER_ROWS], 0, sizeof(b->rows[0]));
    }
}

bool breaker_admits(struct breaker *b, bool is_letter, int64_t now_ms)
{
    int64_t records = 0, letters = 0, letters_min = b->plan.share == 0 ? 1 : BREAKER_LETTERS_MIN;

    if (b->plan.window_ms == 0 || b->is_open) {
        return !b->is_open;
    }
    turn_to(b, now_ms);
    b->rows[b->latest % BREAKER_ROWS].records++;
    if (!is_letter) {
        return true;
    }
    b->rows[b->latest % BREAKER_ROWS].letters++;
    for (int i = 0; i < BREAKER_ROWS; i++) {
        records += b->rows[i].records;
        letters += b->rows[i].letters;
    }
    if (letters < letters_min || letters * BREAKER_SHARE_NEVER <= records * b->plan.share) {
        return true;
    }
    b->is_open = true;
    b->records = records;
    b->letters = letters;
    return false;
}
