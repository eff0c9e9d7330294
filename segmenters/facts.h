/* The facts a configuration keeps per customer, and how an event changes them.
 *
 * Layer: segmenters (pure: no clock, no I/O, no libm). The plan is built once at start (by
 * processor/config and by the predicate compiler, which adds the histories its calls need) and
 * never changes afterwards.
 */
#ifndef SEGMENTERS_FACTS_H
#define SEGMENTERS_FACTS_H
#include "processor/base/arena.h"
#include "processor/base/zone.h"
#include "schemas/customer.h"
#include "schemas/event.h"
#include "schemas/value.h"
#include "segmenters/rfm.h"

#include <stdbool.h>
#include <stdint.h>

struct predicate;

/* What depends on what: one bit per group of facts, so that an event re-evaluates only what it can
 * change. Histories and scores share bits by index % 16; a clash costs time, never truth. */
#define FACT_ATTRIBUTES (UINT64_C(1) << 0)
#define FACT_RFM        (UINT64_C(1) << 1) /* orders */
#define FACT_RUNS       (UINT64_C(1) << 2) /* in_sequence, completed */
#define FACT_SEGMENTS   (UINT64_C(1) << 3) /* in_segment: re-evaluated after its segment changed */
#define FACT_SCORE(i)   (UINT64_C(1) << (16 + (i) % 16))
#define FACT_HISTORY(i) (UINT64_C(1) << (32 + (i) % 32))
#define FACT_ALL        UINT64_MAX

struct attribute_plan {
    struct text name;     /* customer.<name> */
    uint32_t key;         /* hash32(name) */
    enum value_type type; /* INT DOUBLE TEXT BOOL DATE STRINGS; enum: TEXT with allowed values */
    const struct text *allowed; /* enum only */
    uint32_t allowed_count;
    struct value fallback; /* `default:`; VALUE_NULL: none */
    struct text
        remember_kind; /* `remember`: event kind it is taken from; absent: set by profile events */
    uint32_t remember_field; /* key of the event field */
};

struct filter_plan {
    struct text
        name; /* "click.pricing": the part before the dot is the kind, of human events only */
    struct text kind;
    struct text source;                /* its text: part of the key of every history over it */
    const struct predicate *predicate; /* scope: event */
};

/* What a history keeps of each event. */
enum history_class {
    HISTORY_TIMES,    /* its time */
    HISTORY_NUMBERS,  /* and a number: sum, min, max; of orders net of refunds */
    HISTORY_EXTREMES, /* min and max of orders, which no refund undoes */
    HISTORY_VALUES    /* and what tells a value from others: distinct */
};

/* Numbers are kept as millionths, so that sums do not depend on the order of arrival; money in
 * minor units. */
#define HISTORY_NUMBER_UNIT INT64_C(1000000)

struct history_plan {
    uint32_t key;     /* hash32 of "kind-or-filter US filter-text US field US class" */
    struct text name; /* kind or filter name; "open.any", "click.any" count machines too */
    struct text kind;
    const struct filter_plan *filter; /* NULL: every event of the kind */
    enum history_class class;
    uint32_t field;    /* key of the event field; 0: none */
    int64_t window_ms; /* the widest any rule asks for; never: for ever */
    uint32_t keep; /* newest entries the rules can ask for, 1..CUSTOMER_ENTRIES_MAX; 0: only first,
                      last, totals */
};

struct score_point {
    struct text kind;                 /* "click", "click.any", or the kind of the filter */
    const struct filter_plan *filter; /* NULL: every event of the kind */
    int64_t points_q40;
};

struct score_level {
    struct text name;
    int64_t least_q40; /* the level holds while score >= this */
};

struct score_plan {
    struct text name;
    uint32_t key;
    int64_t half_life_ms;
    const struct score_point *points;
    uint32_t point_count;
    const struct score_level *levels; /* rising, the first from 0 */
    uint32_t level_count;
};

/* The four growing arrays are on the heap: grown by mem_grow32, freed by facts_plan_fini. All they
 * point to is in the arena. Items move while the plan is built: keep indexes (a filter stays). */
struct facts_plan {
    struct arena *arena;  /* lives as long as the rules */
    struct text currency; /* ISO 4217; absent: no money */
    struct attribute_plan *attributes;
    uint32_t attribute_count;
    uint32_t attribute_capacity;
    struct filter_plan **filters;
    uint32_t filter_count;
    uint32_t filter_capacity;
    struct history_plan *histories;
    uint32_t history_count;
    uint32_t history_capacity;
    struct score_plan *scores;
    uint32_t score_count;
    uint32_t score_capacity;
    struct rfm_plan rfm;  /* is_used false: no rfm score */
    bool has_cadence;     /* scores.rfm.cadence: how often customers come back (domain: gamma) */
    double cadence_r;     /* shape of the rate of orders over customers */
    double cadence_alpha; /* its scale, weeks */
    const struct zone_table *zones;
    int64_t order_window_ms; /* the widest any rule asks of orders; never: for ever */
};

/* Find by name; NULL: none. */
const struct attribute_plan *facts_attribute(const struct facts_plan *plan, struct text name);
const struct filter_plan *facts_filter(const struct facts_plan *plan, struct text name);
const struct score_plan *facts_score(const struct facts_plan *plan, struct text name);
void facts_plan_fini(struct facts_plan *plan);

/* How an event counts: what it is for the facts of a human (open, click), or of any. */
struct facts_event {
    const struct event *event;
    bool is_human; /* open and click: counts as open, click; others: always true */
    bool is_first; /* the first application of this event: counts for open.any and click.any. A
                    * waiting click is applied twice: at once (first, not human), and as a human one
                    * when bot_wait has passed */
};

/* The instant at which a day's folded entries are counted: its last. */
int64_t facts_day_end(const struct history_day *d);

/* Before the first input under this plan: counters that the customer is not known to have begun
 * begin now, so that questions about before are bounds; of a new customer all is known. */
void facts_adopt(const struct facts_plan *plan, struct customer *c, bool is_new);

/* Apply one accepted event to the facts: attributes (last writer by event time wins, equal times:
 * later arrival), remember, orders and refunds, histories, scores, last times of kinds. Facts are
 * order-free: the same events in any order give the same facts. now_ms: the instant it is evaluated
 * at; histories shed what left every window by then. Returns: the groups of facts that may have
 * changed. out_is_known_order: a second record of an order (no points, no goal, no entry). Thread:
 * any; the customer is the caller's. */
uint64_t facts_apply(const struct facts_plan *plan, struct customer *c, const struct facts_event *e,
                     int64_t now_ms, bool *out_is_known_order);

/* Set or unset one declared attribute (at_end; tests' `given`). */
void facts_set_attribute(struct customer *c, const struct attribute_plan *a,
                         const struct value *value, int64_t at_ms, uint32_t set_by);

/* The value as the attribute's type ("2000-05-01" to a date ...). Returns: false when it cannot be.
 */
bool facts_convert(const struct attribute_plan *a, const struct value *from, struct arena *arena,
                   struct value *out);

/* True when the profile event's values fit the declared attributes; else a sentence for the dead
 * letter. Undeclared names are let through and ignored. */
bool facts_check_profile(const struct facts_plan *plan, const struct event *ev, char out_text[128]);

#endif /* SEGMENTERS_FACTS_H */
