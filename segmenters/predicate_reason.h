/* What can be said of a predicate before any customer is there: that it holds for nobody, for
 * everybody, or only where others hold; and which facts it asks for.
 *
 * Layer: segmenters (pure). Sound, not complete: a "true" is proven, a "false" may only mean that
 * the proof was not found or too long.
 */
#ifndef SEGMENTERS_PREDICATE_REASON_H
#define SEGMENTERS_PREDICATE_REASON_H
#include "segmenters/predicate.h"

/* No facts make it true. */
bool predicate_never(const struct predicate *p);

/* No facts make it false or unknown. */
bool predicate_always(const struct predicate *p);

/* Whenever p is true, at least one of the others is. True also when p never is. */
bool predicate_implies_any(const struct predicate *p, const struct predicate *const *others,
                           uint32_t count);

/* The i-th of all, any or none; NULL: the predicate is one text, or has fewer. */
const struct predicate *predicate_item(const struct predicate *p, uint32_t i);

enum predicate_use_kind { USE_ATTRIBUTE, USE_HISTORY, USE_SEGMENT, USE_SEQUENCE, USE_ORDERS };

struct predicate_use {
    enum predicate_use_kind kind;
    const struct attribute_plan *attribute; /* ATTRIBUTE */
    uint32_t history;                       /* HISTORY: index in the plan */
    uint32_t key, rung;                     /* SEGMENT (rung 0: any), SEQUENCE */
    int64_t window_ms;                      /* HISTORY ORDERS: never: for ever; 0: no window */
};

/* Call visit for each fact the predicate names, left to right, repeated ones too. */
void predicate_uses(const struct predicate *p,
                    void (*visit)(void *context, const struct predicate_use *use), void *context);

#endif /* SEGMENTERS_PREDICATE_REASON_H */
