/* When too much of a partition's input is unusable: dead_letters.stop_above.
 *
 * Layer: engine (pure). Source: LANGUAGE.md section 12, deploy/LANGUAGE.md "Dead letters". Times
 * are monotonic: a flood is one in real time, whatever its records say.
 */
#ifndef ENGINE_BREAKER_H
#define ENGINE_BREAKER_H
#include <stdbool.h>
#include <stdint.h>

#define BREAKER_ROWS        20    /* of a window, which moves by one of them at a time */
#define BREAKER_LETTERS_MIN 10    /* fewer dead letters in a window stop nothing .. */
#define BREAKER_SHARE_NEVER 10000 /* .. and 100% is never exceeded */

struct breaker_plan {
    int64_t window_ms; /* 0: off */
    int64_t share;     /* stop above so many hundredths of a percent; 0: above none at all */
};

struct breaker {
    struct breaker_plan plan;
    struct {
        int64_t records, letters;
    } rows[BREAKER_ROWS];
    int64_t latest;           /* row of the newest record, of all rows of time */
    bool is_open;             /* stopped, for good */
    int64_t records, letters; /* of the window that stopped it, with the record that is held */
};

/* The next record: it may be applied. Returns: false when it would exceed the share; that record
 * and all behind it are held, for as long as the breaker lives. */
bool breaker_admits(struct breaker *b, bool is_letter, int64_t now_ms);

#endif /* ENGINE_BREAKER_H */
