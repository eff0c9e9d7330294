/* Segments and ladders: which a customer is in, since when, and until when that can hold without an
 * event.
 *
 * Layer: segmenters (pure). Source: LANGUAGE.md section 5.
 */
#ifndef SEGMENTERS_SEGMENT_H
#define SEGMENTERS_SEGMENT_H
#include "segmenters/predicate.h"

#include <stdbool.h>
#include <stdint.h>

enum dimension {
    DIMENSION_DEMOGRAPHIC,
    DIMENSION_BEHAVIORAL,
    DIMENSION_PSYCHOGRAPHIC,
    DIMENSION_FIRMOGRAPHIC,
    DIMENSION_INTENT,
    DIMENSION_LIFECYCLE,
    DIMENSION__COUNT
};
const char *dimension_name(enum dimension d);

struct rung_plan {
    struct text name;
    struct text id;                     /* "ladder.rung": what records carry */
    uint32_t key;                       /* hash32(name) */
    const struct predicate *when;       /* NULL in a ladder `from: rfm.segment` */
    const struct predicate *leave_when; /* NULL: left when `when` is not true */
};

struct segment_plan {
    struct text id;
    uint32_t key; /* hash32(id) */
    enum dimension dimension;
    bool is_ladder;
    bool is_from_rfm; /* ladder of rfm.segment's names */
    const struct predicate *when;
    const struct predicate *leave_when; /* NULL: none */
    int64_t for_ms;
    int64_t min_stay_ms;
    struct rung_plan *rungs;
    uint32_t rung_count;
    uint64_t depends; /* FACT_ bits of all its predicates */
    uint32_t rank;    /* place of its key among all: where a customer who has all keeps it */
    uint32_t turn;    /* place in `order` */
    uint32_t family;  /* index in `families` + 1; 0: none */
    uint32_t place;   /* in it */
};

/* Segments that are the same but for one bound, the easiest first (segment_family.c). */
struct segment_family {
    uint32_t *members; /* indexes */
    uint32_t count;
    uint64_t depends;
};

struct segments_plan {
    struct segment_plan *segments; /* file order */
    uint32_t count;
    uint32_t capacity;
    uint32_t *order;         /* dependency order of evaluation: indexes */
    uint32_t *by_key;        /* indexes, by key */
    uint32_t *plain;         /* those in no family, in that order: indexes .. */
    uint64_t *plain_depends; /* .. and their `depends`, side by side: scanned for every event */
    uint32_t plain_count;
    struct segment_family *families;
    uint32_t family_count;
    uint32_t family_min; /* segments that make one; 0: as measured best */
};

/* Order by in_segment; Errors: ERR_CONFIG and a sentence naming the cycle. Owner: arena. */
enum err segments_order(struct segments_plan *plan, struct arena *arena, char out_text[256]);

/* Resolve a name as the configuration writes it: a segment's id, "ladder.rung", or a bare rung name
 * that only one ladder has (a segment's own id wins). Returns: false and *out_is_ambiguous. */
bool segments_find(const struct segments_plan *plan, struct text name, uint32_t *out_key,
                   uint32_t *out_rung, bool *out_is_ambiguous);

struct segment_change {
    struct text id; /* segment id, or "ladder.rung" */
    uint32_t key;   /* of the segment or ladder */
    uint32_t rung;  /* 0: a plain segment */
    bool is_entered;
};

/* Decide every segment that `changed` facts (FACT_ bits; FACT_ALL: all) or time (until_ms <= now)
 * can have changed, in dependency order, at view->now_ms. The memberships of c, the view's
 * customer, are brought up to date; changes are appended in that order, a ladder's move as left
 * then entered (room for two per segment is the caller's: out_changes[2 * plan->count]). Returns:
 * number of changes. *out_until_ms: the earliest instant > now_ms at which time alone may change
 * any. */
uint32_t segments_decide(const struct segments_plan *plan, const struct view *view,
                         struct customer *c, uint64_t changed, struct segment_change *out_changes,
                         int64_t *out_until_ms);

/* All the customer's segment ids, rungs as "ladder.rung", in file order. Returns: the count; Owner:
 * arena. */
uint32_t segments_of(const struct segments_plan *plan, const struct customer *c,
                     struct arena *arena, const struct text **out_ids);

/* Give a record of another configuration its places: new segments as not entered, looked at when
 * something they depend on changes; those that are gone are dropped. */
void segments_adopt(const struct segments_plan *plan, struct customer *c);

bool segments_is_in(const struct customer *c, uint32_t key, uint32_t rung);

#endif /* SEGMENTERS_SEGMENT_H */
