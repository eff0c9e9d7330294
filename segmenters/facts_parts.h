/* What the files of facts share; nobody else includes this.
 *
 * Layer: segmenters.
 */
#ifndef SEGMENTERS_FACTS_PARTS_H
#define SEGMENTERS_FACTS_PARTS_H
#include "segmenters/facts.h"

#define FACTS_MATCHES_KEPT 16

/* One event being applied, and what its filters answered so far: a filter that several histories
 * and points name is evaluated once. */
struct facts_input {
    const struct facts_plan *plan;
    const struct facts_event *e;
    int64_t now_ms;
    struct arena scratch; /* of predicates; mostly stays empty */
    struct {
        const struct filter_plan *filter;
        bool is_match;
    } matches[FACTS_MATCHES_KEPT];
    uint32_t match_count;
};

/* Does the event count for this name ("click", "click.any"), or pass this filter? */
bool facts_is_match(struct facts_input *in, struct text name, const struct filter_plan *filter);

/* True when the event's amount is in another currency than the deployment's. */
bool facts_is_foreign(const struct facts_plan *plan, const struct event *ev);

/* What became of a purchase: whether its order was known, and whether this record, being earlier,
 * took the place of the one known so far. */
struct facts_purchase {
    bool is_known;
    bool is_moved;
    int64_t old_at_ms; /* is_moved */
    int64_t net;
    bool is_spent; /* refunded to nothing before it came */
};

/* What a refund did to its order. */
struct facts_refund {
    bool is_changed;
    bool is_spent; /* no purchase from now on */
    int64_t at_ms; /* of the order */
    int64_t old_net, new_net;
};

/* Both return FACT_RFM when the orders changed, else 0. */
uint64_t facts_apply_purchase(const struct facts_plan *plan, struct customer *c,
                              const struct event *ev, int64_t now_ms,
                              struct facts_purchase *out_purchase);
uint64_t facts_apply_refund(const struct facts_plan *plan, struct customer *c,
                            const struct event *ev, int64_t now_ms,
                            struct facts_refund *out_refund);

/* `purchase` NULL: the event is none. Returns: FACT_HISTORY bits. */
uint64_t facts_apply_histories(struct facts_input *in, struct customer *c,
                               const struct facts_purchase *purchase);

uint64_t facts_refund_histories(const struct facts_plan *plan, struct customer *c,
                                const struct facts_refund *refund);

/* Older entries, folded by UTC day: of a history, or of the orders. */
struct facts_days {
    struct history_day **items;
    uint32_t *count;
    uint32_t *capacity;
};

void facts_fold(struct facts_days *days, int64_t at_ms, int64_t value);

/* Days that left the window go, and *from_ms says so. Requires: the window is not for ever. */
void facts_shed_days(struct facts_days *days, int64_t window_ms, int64_t now_ms, int64_t *from_ms);

/* What was at gone_ms is gone: what is known begins after it. */
void facts_raise(int64_t *from_ms, int64_t gone_ms);

/* Attributes that profile events write, and those remembered of other events. Return:
 * FACT_ATTRIBUTES when a value changed, else 0. */
uint64_t facts_apply_profile(const struct facts_plan *plan, struct customer *c,
                             const struct event *ev);
uint64_t facts_apply_remember(struct facts_input *in, struct customer *c);

#endif /* SEGMENTERS_FACTS_PARTS_H */
