/* Values, instants and parts of predicates as people read them.
 *
 * Layer: cli. Owner: the arena.
 */
#ifndef CLI_VALUE_TEXT_H
#define CLI_VALUE_TEXT_H
#include "segmenters/predicate.h"

struct text value_text(struct arena *arena, const struct value *v, struct text currency);
struct text value_text_points(struct arena *arena, int64_t points_q40); /* 18.47 */
struct text value_text_money(struct arena *arena, int64_t minor_units, struct text currency);
/* The two largest units: 61d8h, 250ms. */
struct text value_text_duration(struct arena *arena, int64_t ms);
struct text value_text_instant(struct arena *arena, int64_t at_ms); /* never: "never" */

/* "customer.company_size is 480"; of an unknown one its cause: "customer.birth_date is not set". */
struct text value_text_operand(struct arena *arena, const struct predicate_operand *o,
                               struct text currency);
/* All operands of a part, with commas; empty: none. */
struct text value_text_operands(struct arena *arena, const struct predicate_part *part,
                                struct text currency);

#endif /* CLI_VALUE_TEXT_H */
