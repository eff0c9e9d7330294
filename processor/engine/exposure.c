/* Experiments: who is shown which arm, and what comes of it. LANGUAGE.md section 8.
 *
 * An exposure is kept in the customer's record, once per experiment and version: what comes within
 * the time of its success counts for that arm, clicked or not, by the time of the event.
 */
#include "processor/engine/step_work.h"

#include "processor/base/check.h"
#include "processor/base/hash.h"
#include "processor/base/mem.h"

const struct arm_plan *exposure_arm(const struct work *w, const struct email_plan *e)
{
    return e->experiment == NULL ? NULL : arm_of(&e->experiment->arms, w->s->customer);
}

static int64_t day_of(const struct exposure *e)
{
    return instant_floor_days(e->at_ms);
}

static void keep_segments(const struct work *w, struct exposure *e, const struct experiment_plan *x,
                          struct text arm)
{
    const struct text *ids;
    uint32_t count = segments_of(&w->rules->segments, w->c, w->s->scratch, &ids);

    for (uint32_t i = 0; i < count; i++) {
        e->segments =
            mem_grow32(e->segments, e->segment_count, &e->segment_capacity, sizeof(uint32_t));
        e->segments[e->segment_count++] = hash32(ids[i]);
        count_week(w, x, arm, day_of(e), ids[i], "exposed");
    }
}

void exposure_note(const struct work *w, const struct email_plan *e)
{
    const struct experiment_plan *x = e->experiment;
    const struct arm_plan *arm = exposure_arm(w, e);
    struct exposure *made;

    if (arm == NULL || customer_exposure(w->c, x->key) != NULL) {
        return;
    }
    made = customer_need_exposure(w->c, x->key);
    made->arm = arm->key;
    made->at_ms = w->now_ms;
    count_day(w, x, arm->name, day_of(made), "exposed");
    keep_segments(w, made, x, arm->name);
}

static void forget_segments(struct exposure *e)
{
    mem_free(e->segments);
    e->segments = NULL;
    e->segment_count = e->segment_capacity = 0;
}

static void count_segments(const struct work *w, const struct exposure *e,
                           const struct experiment_plan *x, struct text arm, struct text id)
{
    uint32_t key = hash32(id);

    for (uint32_t i = 0; i < e->segment_count; i++) {
        if (e->segments[i] == key) {
            count_week(w, x, arm, day_of(e), id, "converted");
        }
    }
}

/* By the segments at the exposure, those that the configuration still has. */
static void convert(const struct work *w, struct exposure *e, const struct experiment_plan *x,
                    struct text arm)
{
    const struct segments_plan *plan = &w->rules->segments;

    e->is_converted = true;
    count_day(w, x, arm, day_of(e), "converted");
    count_day(w, x, arm, instant_floor_days(w->event->at_ms), "successes");
    for (uint32_t i = 0; i < plan->count && e->segment_count > 0; i++) {
        const struct segment_plan *s = &plan->segments[i];

        if (!s->is_ladder) {
            count_segments(w, e, x, arm, s->id);
        }
        for (uint32_t r = 0; r < s->rung_count; r++) {
            count_segments(w, e, x, arm, s->rungs[r].id);
        }
    }
    forget_segments(e);
}

static bool is_success(const struct work *w, const struct experiment_plan *x)
{
    for (uint32_t i = 0; !w->is_known_order && i < x->event_count; i++) {
        if (work_is_match(w, x->events[i], x->filters[i])) {
            return true;
        }
    }
    return false;
}

static void consider(const struct work *w, struct exposure *e, const struct experiment_plan *x,
                     struct text arm)
{
    int64_t since_ms = w->event->at_ms - e->at_ms;

    if (since_ms > 0 && since_ms < x->within_ms) {
        if (!e->is_converted && is_success(w, x)) {
            convert(w, e, x, arm);
        }
        if (w->event->kind == EVENT_UNSUBSCRIBE && !e->is_unsubscribed) {
            e->is_unsubscribed = true;
            count_day(w, x, arm, day_of(e), "unsubscribed");
        }
        if (w->event->kind == EVENT_COMPLAINT && !e->is_complained) {
            e->is_complained = true;
            count_day(w, x, arm, day_of(e), "complained");
        }
    }
    if (e->segment_count > 0 &&
        w->now_ms - e->at_ms > x->within_ms + w->rules->allowed_lateness_ms) {
        forget_segments(e); /* what is later than that counts, but not by segment */
    }
}

void exposure_event(const struct work *w)
{
    for (uint32_t i = 0; i < w->rules->experiment_count && w->c->exposure_count > 0; i++) {
        const struct experiment_plan *x = &w->rules->experiments[i];
        struct exposure *e = customer_exposure(w->c, x->key);

        for (uint32_t k = 0; e != NULL && k < x->arms.count; k++) {
            if (x->arms.arms[k].key == e->arm) {
                consider(w, e, x, x->arms.arms[k].name);
            }
        }
    }
}

/* --- what records say --- */

static void add_pair(const struct work *w, const struct email_plan *e, struct text_pair *pairs,
                     uint32_t *count)
{
    const struct arm_plan *arm = exposure_arm(w, e);

    for (uint32_t i = 0; arm != NULL && i < *count; i++) {
        if (text_equal(pairs[i].name, e->experiment->id)) {
            return;
        }
    }
    if (arm != NULL) {
        pairs[(*count)++] = (struct text_pair){ e->experiment->id, arm->name };
    }
}

const struct text_pair *exposure_pairs(const struct work *w, const struct run *r, struct text email,
                                       uint32_t *out_count)
{
    const struct sequence_plan *s = rules_sequence(w->rules, r->sequence);
    struct text_pair *pairs = NULL;

    *out_count = 0;
    if (s == NULL || w->rules->experiment_count == 0) {
        return NULL;
    }
    pairs = arena_alloc(w->s->out->arena, (s->email_count + 1) * sizeof(*pairs));
    for (uint32_t i = 0; i < s->email_count; i++) {
        const struct email_plan *e = &s->emails[i];
        bool is_sent = false;

        for (uint32_t k = 0; k < r->email_count; k++) {
            is_sent = is_sent || (r->emails[k].email == e->key && r->emails[k].sent > 0);
        }
        if (email.at == NULL ? is_sent : text_equal(e->id, email)) {
            add_pair(w, e, pairs, out_count);
        }
    }
    return pairs;
}
