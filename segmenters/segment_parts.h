/* What the files of segment share; nobody else includes this.
 *
 * Layer: segmenters. segment.c: one pass over a customer's segments; segment_family.c: segments
 * that are the same but for one bound.
 */
#ifndef SEGMENTERS_SEGMENT_PARTS_H
#define SEGMENTERS_SEGMENT_PARTS_H
#include "segmenters/segment.h"

/* What the pass over all segments of one customer shares. */
struct pass {
    const struct segments_plan *plan;
    const struct facts_plan *facts;
    struct customer *c;
    struct view view;
    struct segment_change *changes;
    uint32_t change_count;
    uint64_t changed; /* FACT_ bits, those of segments decided so far in this pass included */
};

/* --- segment.c --- */
bool segment_holds(const struct pass *p, const struct predicate *predicate, int64_t *out_until_ms);
void segment_note_change(struct pass *p, const struct segment_plan *s, struct text id,
                         uint32_t rung, bool is_entered);
const struct segment_plan *segment_by_key(const struct segments_plan *plan, uint32_t key);

/* --- segment_family.c --- */
/* Requires: the order and what each depends on are known. Owner: arena. */
void segment_families_find(struct segments_plan *plan, struct arena *arena);
/* Where the customer stands in each family: c->places. */
void segment_places_find(const struct segments_plan *plan, struct customer *c);
/* Another configuration: each segment stands for itself until all are decided. */
void segment_places_forget(const struct segments_plan *plan, struct customer *c);
bool segment_family_is_due(const struct pass *p, uint32_t index); /* time may have changed it */
/* is_asked: what it depends on has changed, else only time. */
void segment_family_decide(struct pass *p, uint32_t index, bool is_asked);

#endif /* SEGMENTERS_SEGMENT_PARTS_H */
