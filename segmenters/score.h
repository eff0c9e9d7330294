/* A decaying score in integers: S(t) = sum of points * 2^-((t - t_i) / half_life).
 *
 * Layer: segmenters (pure, no libm). Units: q40 = 2^-40 point. State (S, t_ref) in struct score; a
 * late event is decayed to t_ref before it is added, so arrival order moves the value by rounding
 * only. Decay is a 128-bit product with a table of 2^-(i/2^k), so every machine gets the same bits.
 */
#ifndef SEGMENTERS_SCORE_H
#define SEGMENTERS_SCORE_H
#include "schemas/customer.h"

#include <stdint.h>

#define SCORE_POINT INT64_C(1099511627776) /* 2^40: one point */
#define SCORE_MAX   (INT64_MAX / 2)        /* saturates */

/* Requires: half_life_ms > 0. */
void score_add(struct score *s, int64_t points_q40, int64_t at_ms, int64_t half_life_ms);

/* The value at t_ms; before at_ms it is the value at at_ms (events still to come are not undone).
 */
int64_t score_value(const struct score *s, int64_t t_ms, int64_t half_life_ms);

/* The earliest instant after now_ms at which the value is below `least_q40`, found by binary search
 * over score_value, so evaluation and timer cannot disagree; now_ms + 1 at the earliest; never when
 * least_q40 <= 0 or it is below now. */
int64_t score_falls_below(const struct score *s, int64_t least_q40, int64_t now_ms,
                          int64_t half_life_ms);

#endif /* SEGMENTERS_SCORE_H */
