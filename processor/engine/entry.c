/* Who enters a sequence, and who does not. */
#include "processor/engine/step_work.h"

#include "processor/base/check.h"
#include "processor/base/hash.h"
#include "processor/base/mem.h"

/* Suppressed for all that the sequence could send: an unsubscribe does not stop transactional
 * emails, and each of the others is asked again at its instant. */
static bool is_suppressed(const struct work *w, const struct sequence_plan *s)
{
    const struct email_plan *most = &s->emails[0];

    for (uint32_t i = 0; i < s->email_count && !most->is_transactional; i++) {
        most = &s->emails[i];
    }
    return most->is_transactional ? send_is_suppressed(w->c, most) : send_is_suppressed(w->c, NULL);
}

static bool goal_holds(const struct work *w, const struct sequence_plan *s)
{
    if (s->goal.is_entering && segments_is_in(w->c, s->goal.key, s->goal.rung)) {
        return true;
    }
    return s->goal.when != NULL && work_is_true(w, s->goal.when);
}

enum reason entry_refusal(const struct work *w, const struct sequence_plan *s, int64_t at_ms)
{
    const struct entry *e = customer_entry(w->c, s->key);

    if (customer_run(w->c, s->key) != NULL || sequence_has(w->ended, w->ended_count, s->key)) {
        return REASON_ACTIVE;
    }
    if (e != NULL && e->runs > 0 &&
        (s->is_once || at_ms <= e->last_ms || at_ms - e->last_ms < s->reenter_after_ms)) {
        return REASON_REENTER_AFTER;
    }
    if (s->condition != NULL && !work_is_true(w, s->condition)) {
        return REASON_IF;
    }
    if (s->stop_if != NULL && work_is_true(w, s->stop_if)) {
        return REASON_STOP_IF;
    }
    if (goal_holds(w, s)) {
        return REASON_GOAL;
    }
    if (is_suppressed(w, s)) {
        return REASON_SUPPRESSION;
    }
    if (w->s->wall_ms != STEP_NO_WALL && w->s->wall_ms - at_ms > w->rules->stale_after_ms) {
        return REASON_STALE;
    }
    return REASON_NONE;
}

/* The entering event's values that the sequence's emails personalize with. */
static void keep_context(struct work *w, const struct sequence_plan *s, struct run *r)
{
    const struct text prefix = TEXT("event.");

    for (uint32_t i = 0; w->event != NULL && i < s->email_count; i++) {
        for (uint32_t k = 0; k < s->emails[i].personalize_count; k++) {
            struct text name = s->emails[i].personalize[k];
            const struct value *v;
            bool is_kept = false;

            if (!text_starts_with(name, prefix)) {
                continue;
            }
            for (uint32_t j = 0; j < r->context_count; j++) {
                is_kept = is_kept || text_equal(r->context[j].name, name);
            }
            v = event_field(
                w->event, hash32((struct text){ name.at + prefix.size, name.size - prefix.size }));
            if (!is_kept && v != NULL) {
                r->context = mem_grow32(r->context, r->context_count, &r->context_capacity,
                                        sizeof(*r->context));
                r->context[r->context_count++] =
                    (struct context_entry){ text_dup(name),
                                            text_dup(content_value_text(w->s->scratch, v)) };
            }
        }
    }
}

/* The run keeps the emails of this version, their order and their distances. */
static void keep_plan(const struct sequence_plan *s, struct run *r)
{
    r->plan_count = r->plan_capacity = s->email_count;
    r->plan = mem_alloc(s->email_count * sizeof(*r->plan));
    for (uint32_t i = 0; i < s->email_count; i++) {
        r->plan[i] =
            (struct run_step){ text_dup(s->emails[i].id), s->emails[i].key, s->emails[i].after_ms };
    }
}

static bool is_held_out(const struct work *w, const struct sequence_plan *s)
{
    struct text salt = arena_format(w->s->scratch, "holdout.%.*s", TEXT_PRINTF(s->id));

    return (s->holdout_bucket > 0 && hash_bucket(salt, w->s->customer) < s->holdout_bucket) ||
           (w->rules->holdout_bucket > 0 &&
            hash_bucket(TEXT("holdout"), w->s->customer) < w->rules->holdout_bucket);
}

void entry_enter(struct work *w, const struct sequence_plan *s, int64_t at_ms,
                 int64_t not_before_ms)
{
    struct customer *c = w->c;
    struct entry *e = customer_need_entry(c, s->key);
    struct run *r;

    CHECK(s->email_count > 0);
    e->runs++;
    e->last_ms = at_ms;
    c->runs = mem_grow32(c->runs, c->run_count, &c->run_capacity, sizeof(*r));
    r = &c->runs[c->run_count++];
    *r = (struct run){
        .sequence = s->key, .number = e->runs, .entered_at_ms = at_ms, .cause = text_dup(w->cause)
    };
    r->phase = RUN_PLANNED;
    r->email = s->emails[0].key;
    r->previous_ms = at_ms;
    r->planned_at_ms = at_ms + s->emails[0].after_ms;
    r->not_before_ms = not_before_ms;
    r->reason = OUTCOME_ENTERED;
    r->last_judged = OUTCOME_ENTERED;
    r->held_until_ms = INSTANT_NEVER;
    keep_plan(s, r);
    sequence_entered(w, s->key);
    keep_context(w, s, r);
    if (is_held_out(w, s)) {
        r->phase = RUN_HELD_OUT;
        r->planned_at_ms = at_ms + s->engagement_window_ms;
        for (uint32_t i = 0; i < s->email_count; i++) {
            r->planned_at_ms += s->emails[i].after_ms;
        }
    }
    work_outcome(w, r, TEXT_NONE, 0, OUTCOME_ENTERED, REASON_NONE, at_ms, w->now_ms);
    w->changed |= FACT_RUNS;
    sequence_plan_due(w, r);
}

static bool is_entry(const struct work *w, const struct entry_plan *e)
{
    if (e->kind == ENTRY_ON_EVENT) {
        return w->event != NULL && w->changes_seen == 0 && !w->is_known_order &&
               work_is_match(w, e->event, e->filter);
    }
    for (uint32_t i = w->changes_seen; i < w->change_count; i++) {
        const struct segment_change *change = &w->changes[i];

        if (change->key == e->key && (e->rung == 0 || change->rung == e->rung) &&
            change->is_entered == (e->kind == ENTRY_ON_ENTERING)) {
            return true;
        }
    }
    return false;
}

void entry_decide(struct work *w)
{
    const struct event *ev = w->event;

    for (uint32_t i = 0; i < w->rules->sequence_count; i++) {
        const struct sequence_plan *s = &w->rules->sequences[i];
        bool is_asked = false;
        enum reason refusal;

        for (uint32_t k = 0; k < s->entry_count && !is_asked; k++) {
            is_asked = is_entry(w, &s->entries[k]);
        }
        if (!is_asked || (w->is_config && !s->is_backfill) || w->now_ms < w->rules->live_from_ms) {
            continue;
        }
        refusal = entry_refusal(w, s, w->now_ms);
        if (refusal == REASON_NONE) {
            entry_enter(w, s, w->now_ms, w->now_ms);
        } else if (refusal == REASON_SUPPRESSION || refusal == REASON_STALE) {
            work_not_entered(w, s, refusal);
        }
    }
    w->changes_seen = w->change_count;
    if (ev != NULL) {
        w->is_known_order =
            true; /* the event has had its say: it enters nothing in a later round */
    }
}
