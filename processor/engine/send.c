/* What happens at the instant of an email. */
#include "processor/engine/step_work.h"

#include "processor/base/check.h"
#include "processor/base/mem.h"

#define REPLAN_MS (5 * MINUTE_MS) /* so far behind the wall clock it is planned again from it */

bool send_is_suppressed(const struct customer *c, const struct email_plan *e)
{
    const struct subscription *all = customer_subscription(c, 0);
    const struct subscription *own = e == NULL || e->subscription_key == 0
                                         ? NULL
                                         : customer_subscription(c, e->subscription_key);

    if (c->blocked_ms != INSTANT_NEVER) {
        return true;
    }
    if (e != NULL && e->is_transactional) {
        return false;
    }
    return (all != NULL && all->is_unsubscribed) || (own != NULL && own->is_unsubscribed);
}

/* --- at its instant --- */
static void make_room(struct customer *c)
{
    for (uint32_t i = 0; c->sent_count >= CUSTOMER_SENT_MAX && i < c->sent_count;) {
        if (c->sent[i].is_judged) {
            customer_remove_sent(c, i);
        } else {
            i++;
        }
    }
}

static void remember_sent(struct work *w, struct run *r, const struct email_plan *e,
                          struct hash128 id, int32_t attempt)
{
    struct customer *c = w->c;

    make_room(c);
    c->sent = mem_grow32(c->sent, c->sent_count, &c->sent_capacity, sizeof(struct sent));
    c->sent[c->sent_count++] = (struct sent){
        .trigger_id = id,
        .sequence = r->sequence,
        .email = e->key,
        .run = r->number,
        .attempt = attempt,
        .sent_at_ms = w->now_ms,
        .is_transactional = e->is_transactional,
        .first_open_ms = INSTANT_NEVER,
        .first_reply_ms = INSTANT_NEVER,
        .soft_bounce_ms = INSTANT_NEVER,
        .last_sign_ms = INSTANT_NEVER,
    };
}

static void fill_experiment(const struct work *w, const struct email_plan *e,
                            const struct arm_plan *arm, struct trigger *t)
{
    struct text_pair *pair = arena_alloc(w->s->out->arena, sizeof(*pair));

    *pair = (struct text_pair){ e->experiment->id, arm->name };
    t->experiments = pair;
    t->experiment_count = 1;
}

static void leave(struct work *w, struct run *r, const struct sequence_plan *s,
                  const struct email_plan *e)
{
    struct run_email *counts = sequence_run_email(r, e->key);
    int32_t attempt = 1 + counts->sent;
    struct output *o = work_output(w, OUTPUT_TRIGGER, w->now_ms);
    struct trigger *t = &o->as.trigger;
    const struct arm_plan *arm = exposure_arm(w, e);

    t->trigger_id =
        trigger_id(w->rules->app, w->s->customer, s->id, r->entered_at_ms, e->id, attempt);
    t->sequence = s->id;
    t->run = r->number;
    t->entered_at_ms = r->entered_at_ms;
    t->email = e->id;
    t->attempt = attempt;
    t->reason = r->reason;
    t->planned_at_ms = r->planned_at_ms;
    t->sent_at_ms = w->now_ms;
    t->expires_at_ms = w->now_ms + e->expires_in_ms;
    t->template = arm != NULL && e->experiment->is_template ? arm->use : e->template;
    t->purpose = e->purpose;
    t->theme = e->theme;
    t->subscription = e->subscription;
    t->is_transactional = e->is_transactional;
    if (r->reason == OUTCOME_ENTERED) {
        o->cause = arena_text(w->s->out->arena, r->cause);
    }
    if (arm != NULL) {
        fill_experiment(w, e, arm, t);
    }
    content_fill(w, r, e, t);
    remember_sent(w, r, e, t->trigger_id, attempt);
    if (attempt == 1) {
        exposure_note(w, e);
    }
    count_sent(w, t);
    r->shown_rows = content_rows(w);
    content_count(w, r, e, r->shown_rows, TEXT("sent"));
    counts->sent++;
    r->emails_sent++;
    r->previous_ms = w->now_ms;
    r->phase = RUN_JUDGING;
    sequence_plan_due(w, r);
}

/* Not sent: its instant stands in for the sending, and the next email is planned. */
static void pass_over(struct work *w, struct run *r, const struct sequence_plan *s,
                      enum outcome outcome, enum reason reason)
{
    work_outcome(w, r, sequence_email_id(w, r, r->email), 1 + sequence_run_email(r, r->email)->sent,
                 outcome, reason, w->now_ms, w->now_ms);
    r->previous_ms = w->now_ms;
    sequence_next(w, r, s, w->now_ms, w->now_ms);
}

/* Decide one planned email that is due. */
static void decide(struct work *w, struct run *r)
{
    const struct sequence_plan *s = rules_sequence(w->rules, r->sequence);
    int64_t from_ms = r->planned_at_ms > r->not_before_ms ? r->planned_at_ms : r->not_before_ms;
    int64_t behind_ms = w->s->wall_ms == STEP_NO_WALL ? 0 : w->s->wall_ms - r->due_ms;
    const struct email_plan *e;
    enum reason held_by;
    int64_t free_ms;
    uint32_t index;

    if (s == NULL) {
        r->phase = RUN_ACTION;
        sequence_end(w, r, OUTCOME_ENDED, REASON_GONE, w->now_ms, w->now_ms);
        return;
    }
    e = rules_email(s, r->email, &index);
    if (e == NULL) {
        pass_over(w, r, s, OUTCOME_SKIPPED, REASON_GONE);
    } else if (behind_ms > w->rules->stale_after_ms) {
        pass_over(w, r, s, OUTCOME_SUPPRESSED, REASON_STALE);
    } else if (behind_ms > REPLAN_MS) {
        r->not_before_ms = w->s->wall_ms;
        sequence_plan_due(w, r);
    } else if (send_allowed(w, r, s, e, w->now_ms, &held_by) > w->now_ms) {
        if (w->now_ms < r->planned_at_ms + w->rules->max_delay_ms) {
            sequence_plan_due(w, r); /* something else moved it meanwhile */
        } else {
            (void)send_allowed(w, r, s, e, from_ms, &held_by);
            pass_over(w, r, s, OUTCOME_SUPPRESSED, held_by);
        }
    } else if (e->condition != NULL && !work_is_true(w, e->condition)) {
        pass_over(w, r, s, OUTCOME_SKIPPED, REASON_IF);
    } else if (send_is_suppressed(w->c, e)) {
        pass_over(w, r, s, OUTCOME_SUPPRESSED, REASON_SUPPRESSION);
    } else if (w->rules->send_if != NULL && !work_is_true(w, w->rules->send_if)) {
        pass_over(w, r, s, OUTCOME_SUPPRESSED, REASON_SEND_IF);
    } else if ((free_ms = ceiling_take(w->s, s, w->now_ms)) > w->now_ms) {
        r->held_until_ms = free_ms;
        r->held_for_ms += free_ms - w->now_ms;
        sequence_plan_due(w, r);
    } else {
        leave(w, r, s, e);
    }
}

enum reason step_held_by(const struct step *s, struct customer *c, const struct run *r)
{
    struct work w = { .s = s, .rules = s->rules, .c = c, .now_ms = c->decided_at_ms };
    const struct sequence_plan *plan = rules_sequence(s->rules, r->sequence);
    int64_t from_ms = r->planned_at_ms > r->not_before_ms ? r->planned_at_ms : r->not_before_ms;
    const struct email_plan *e;
    enum reason held_by;
    uint32_t index;

    e = plan == NULL ? NULL : rules_email(plan, r->email, &index);
    if (e == NULL || send_allowed(&w, r, plan, e, from_ms, &held_by) == from_ms) {
        return REASON_NONE;
    }
    return held_by;
}

/* By priority, then the older plan, then the order of the file. */
static bool goes_before(const struct work *w, const struct run *a, const struct run *b)
{
    const struct sequence_plan *sa = rules_sequence(w->rules, a->sequence),
                               *sb = rules_sequence(w->rules, b->sequence);

    if (sa == NULL || sb == NULL) {
        return sa == NULL && sb != NULL;
    }
    if (sa->priority != sb->priority) {
        return sa->priority < sb->priority;
    }
    if (a->planned_at_ms != b->planned_at_ms) {
        return a->planned_at_ms < b->planned_at_ms;
    }
    return sa < sb;
}

bool send_due(struct work *w)
{
    struct run *best = NULL;

    for (uint32_t i = 0; i < w->c->run_count; i++) {
        struct run *r = &w->c->runs[i];

        if (r->phase == RUN_PLANNED && work_is_due(w, r->due_ms) &&
            (best == NULL || goes_before(w, r, best))) {
            best = r;
        }
    }
    if (best == NULL) {
        return false;
    }
    decide(w, best);
    return true;
}
