#include "segmenters/facts.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "segmenters/facts_parts.h"
#include "segmenters/predicate.h"
#include "segmenters/score.h"

const struct attribute_plan *facts_attribute(const struct facts_plan *plan, struct text name)
{
    for (uint32_t i = 0; i < plan->attribute_count; i++) {
        if (text_equal(plan->attributes[i].name, name)) {
            return &plan->attributes[i];
        }
    }
    return NULL;
}

const struct filter_plan *facts_filter(const struct facts_plan *plan, struct text name)
{
    for (uint32_t i = 0; i < plan->filter_count; i++) {
        if (text_equal(plan->filters[i]->name, name)) {
            return plan->filters[i];
        }
    }
    return NULL;
}

const struct score_plan *facts_score(const struct facts_plan *plan, struct text name)
{
    for (uint32_t i = 0; i < plan->score_count; i++) {
        if (text_equal(plan->scores[i].name, name)) {
            return &plan->scores[i];
        }
    }
    return NULL;
}

void facts_plan_fini(struct facts_plan *plan)
{
    mem_free(plan->attributes);
    mem_free(plan->filters);
    mem_free(plan->histories);
    mem_free(plan->scores);
    *plan = (struct facts_plan){ 0 };
}

static bool passes(struct facts_input *in, const struct filter_plan *filter)
{
    const struct view view = {
        .plan = in->plan, .event = in->e->event, .now_ms = in->now_ms, .arena = &in->scratch
    };
    bool is_match;

    for (uint32_t i = 0; i < in->match_count; i++) {
        if (in->matches[i].filter == filter) {
            return in->matches[i].is_match;
        }
    }
    is_match = predicate_eval(filter->predicate, &view).truth == TRUTH_TRUE;
    if (in->match_count < FACTS_MATCHES_KEPT) {
        in->matches[in->match_count].filter = filter;
        in->matches[in->match_count].is_match = is_match;
        in->match_count++;
    }
    return is_match;
}

bool facts_is_match(struct facts_input *in, struct text name, const struct filter_plan *filter)
{
    const struct event *ev = in->e->event;

    if (filter != NULL) {
        return in->e->is_human && text_equal(filter->kind, ev->kind_name) && passes(in, filter);
    }
    if (text_equal(name, ev->kind_name)) {
        return in->e->is_human;
    }
    /* Machines too, and each event once: the human half of a waiting click comes later. */
    return in->e->is_first && ((ev->kind == EVENT_CLICK && text_is(name, "click.any")) ||
                               (ev->kind == EVENT_OPEN && text_is(name, "open.any")));
}

/* All points of a score that the event matches add up. */
static uint64_t apply_scores(struct facts_input *in, struct customer *c)
{
    uint64_t changed = 0;

    for (uint32_t i = 0; i < in->plan->score_count; i++) {
        const struct score_plan *plan = &in->plan->scores[i];
        int64_t points_q40 = 0;

        for (uint32_t p = 0; p < plan->point_count; p++) {
            const struct score_point *point = &plan->points[p];

            if (facts_is_match(in, point->kind, point->filter)) {
                CHECK(point->points_q40 >= 0 && point->points_q40 <= SCORE_MAX);
                points_q40 = points_q40 > SCORE_MAX - point->points_q40
                                 ? SCORE_MAX
                                 : points_q40 + point->points_q40;
            }
        }
        if (points_q40 > 0) {
            score_add(customer_need_score(c, plan->key), points_q40, in->e->event->at_ms,
                      plan->half_life_ms);
            changed |= FACT_SCORE(i);
        }
    }
    return changed;
}

static bool is_older(const struct kind_time *a, const struct kind_time *b)
{
    return a->last_ms != b->last_ms ? a->last_ms < b->last_ms : text_compare(a->kind, b->kind) < 0;
}

/* The last time of each kind; of too many kinds, those that came last. */
static void note_kind(struct customer *c, const struct event *ev)
{
    struct kind_time fresh = { .kind = ev->kind_name, .last_ms = ev->at_ms };
    struct kind_time *oldest = NULL;

    for (uint32_t i = 0; i < c->kind_count; i++) {
        struct kind_time *k = &c->kinds[i];

        if (text_equal(k->kind, ev->kind_name)) {
            k->last_ms = k->last_ms > ev->at_ms ? k->last_ms : ev->at_ms;
            return;
        }
        oldest = oldest == NULL || is_older(k, oldest) ? k : oldest;
    }
    if (c->kind_count < CUSTOMER_KINDS_MAX) {
        if (c->kind_count == c->kind_capacity) {
            c->kinds = mem_grow32(c->kinds, c->kind_count, &c->kind_capacity, sizeof c->kinds[0]);
        }
        oldest = &c->kinds[c->kind_count++];
    } else if (is_older(&fresh, oldest)) {
        return;
    } else {
        mem_free((void *)(uintptr_t)oldest->kind.at);
    }
    oldest->kind = text_dup(ev->kind_name);
    oldest->last_ms = ev->at_ms;
}

static bool is_engagement(enum event_kind kind)
{
    return kind == EVENT_OPEN || kind == EVENT_CLICK || kind == EVENT_REPLY ||
           kind == EVENT_PURCHASE;
}

static void note_times(struct customer *c, const struct facts_event *e)
{
    int64_t at_ms = e->event->at_ms;

    if (e->is_first) {
        c->created_at_ms = at_ms < c->created_at_ms ? at_ms : c->created_at_ms;
        c->last_event_ms = at_ms > c->last_event_ms ? at_ms : c->last_event_ms;
    }
    if (!e->is_human) {
        return;
    }
    note_kind(c, e->event);
    if (is_engagement(e->event->kind) &&
        (c->last_engaged_ms == INSTANT_NEVER || at_ms > c->last_engaged_ms)) {
        c->last_engaged_ms = at_ms;
    }
}

uint64_t facts_apply(const struct facts_plan *plan, struct customer *c, const struct facts_event *e,
                     int64_t now_ms, bool *out_is_known_order)
{
    struct facts_input in = { .plan = plan, .e = e, .now_ms = now_ms };
    struct facts_purchase purchase = { .is_known = false };
    struct facts_refund refund;
    bool is_purchase = e->event->kind == EVENT_PURCHASE;
    uint64_t changed = 0;

    CHECK(e->is_human || e->event->kind == EVENT_OPEN || e->event->kind == EVENT_CLICK);
    CHECK(e->is_human || e->is_first);
    note_times(c, e);
    if (is_purchase) {
        changed |= facts_apply_purchase(plan, c, e->event, now_ms, &purchase);
    } else if (e->event->kind == EVENT_REFUND) {
        changed |= facts_apply_refund(plan, c, e->event, now_ms, &refund);
        changed |= refund.is_changed ? facts_refund_histories(plan, c, &refund) : 0;
    } else if (e->event->kind == EVENT_PROFILE) {
        changed |= facts_apply_profile(plan, c, e->event);
    }
    changed |= facts_apply_remember(&in, c);
    changed |= facts_apply_histories(&in, c, is_purchase ? &purchase : NULL);
    if (!purchase.is_known) { /* points stay where the first record to arrive put them */
        changed |= apply_scores(&in, c);
    }
    arena_fini(&in.scratch);
    *out_is_known_order = purchase.is_known;
    return changed;
}
