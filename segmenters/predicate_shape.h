/* What a predicate is but for one bound: "score >= _ && rest".
 *
 * Layer: segmenters (pure). Of two predicates of one shape the one with the harder bound is true
 * only while the other is: the bound stands in a comparison of order, under nothing but && and ||.
 */
#ifndef SEGMENTERS_PREDICATE_SHAPE_H
#define SEGMENTERS_PREDICATE_SHAPE_H
#include "segmenters/predicate.h"

#define PREDICATE_SHAPES_MAX 8

struct predicate_shape {
    struct text text;          /* equal: the same but for the bound; no text for people */
    const struct value *bound; /* of one type in one shape */
    bool is_harder_above;      /* a larger bound is harder: >= and > */
};

/* One shape for each bound that can be left out. Returns: their number. Owner: arena. */
uint32_t predicate_shapes(const struct predicate *p, struct arena *arena,
                          struct predicate_shape out_shapes[PREDICATE_SHAPES_MAX]);

/* < 0: a is the easier bound, 0: they are equal. Requires: of one shape. */
int predicate_shape_order(const struct predicate_shape *a, const struct predicate_shape *b);

#endif /* SEGMENTERS_PREDICATE_SHAPE_H */
