/* DESIGN. "No engagement" is a conclusion from silence; silence that comes from answers which no
 * longer name our triggers proves nothing. A partition counts the last hour's opens and clicks that
 * carry an email id, in twelve five-minute rows of stream time, by whether they name a trigger of
 * ours. While too many do not, or none ever did, who would be judged so is looked at again later.
 */
#include "processor/engine/step_work.h"

#define ROW_MS (5 * MINUTE_MS)

static struct join_row *row_of(struct joins *j)
{
    return &j->rows[j->latest % COMMIT_JOIN_ROWS];
}

/* Forget the rows that the last hour has left behind. What came before 1970 is in the first. */
static void turn_to(struct joins *j, int64_t stream_ms)
{
    int64_t row = stream_ms < 0 ? 0 : stream_ms / ROW_MS;

    if (row - j->latest >= COMMIT_JOIN_ROWS) {
        memset(j->rows, 0, sizeof(j->rows));
        j->latest = row;
    }
    while (j->latest < row) {
        j->latest++;
        *row_of(j) = (struct join_row){ 0, 0 };
    }
}

void join_note(const struct step *s, bool is_named)
{
    struct join_row *row;

    if (!s->rules->has_join_guard || s->joins == NULL) {
        return;
    }
    turn_to(s->joins, s->stream_ms);
    row = row_of(s->joins);
    *(is_named ? &row->named : &row->unnamed) += 1;
    s->joins->has_named = s->joins->has_named || is_named;
}

int64_t join_held_until(const struct step *s, int64_t now_ms)
{
    int64_t named = 0, unnamed = 0, from_ms = s->stream_ms > now_ms ? s->stream_ms : now_ms;

    if (!s->rules->has_join_guard || s->joins == NULL) {
        return now_ms;
    }
    turn_to(s->joins, s->stream_ms);
    for (uint32_t i = 0; i < COMMIT_JOIN_ROWS; i++) {
        named += s->joins->rows[i].named;
        unnamed += s->joins->rows[i].unnamed;
    }
    if (s->joins->has_named && unnamed * 10000 <= (named + unnamed) * s->rules->join_guard) {
        return now_ms;
    }
    step_count(s, STEP_COUNT_JOIN);
    return from_ms + ROW_MS;
}
