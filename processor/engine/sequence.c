/* Runs: what ends them, how an email is judged, which branch follows.
 *
 *   PLANNED --send--> JUDGING --judge--> PLANNED (next, goto, resend) | ACTION (start, end wait) |
 * done |                                                                    |
 *      +-- skip, suppress --> PLANNED (next) | done (completed)             +--> done (moved,
 * ended) every phase -- goal, stop_if, bounce, complaint, unsubscribe, erase --> done
 */
#include "processor/engine/step_work.h"

#include "processor/base/check.h"
#include "processor/base/hash.h"
#include "processor/base/mem.h"

struct run_email *sequence_run_email(struct run *r, uint32_t email)
{
    for (uint32_t i = 0; i < r->email_count; i++) {
        if (r->emails[i].email == email) {
            return &r->emails[i];
        }
    }
    r->emails = mem_grow32(r->emails, r->email_count, &r->email_capacity, sizeof(*r->emails));
    r->emails[r->email_count] = (struct run_email){ .email = email };
    return &r->emails[r->email_count++];
}

static struct sent *open_email(const struct work *w, const struct run *r)
{
    for (uint32_t i = w->c->sent_count; i > 0; i--) {
        struct sent *t = &w->c->sent[i - 1];

        if (t->sequence == r->sequence && t->run == r->number && !t->is_judged) {
            return t;
        }
    }
    return NULL;
}

static const struct run_step *step_of(const struct run *r, uint32_t email)
{
    for (uint32_t i = 0; i < r->plan_count; i++) {
        if (r->plan[i].key == email) {
            return &r->plan[i];
        }
    }
    return NULL;
}

struct text sequence_email_id(const struct work *w, const struct run *r, uint32_t email)
{
    const struct sequence_plan *s = rules_sequence(w->rules, r->sequence);
    const struct run_step *step = step_of(r, email);
    const struct email_plan *e;
    uint32_t index;

    if (step != NULL) {
        return arena_text(w->s->out->arena, step->id); /* known, even if it is gone by now */
    }
    e = s == NULL ? NULL : rules_email(s, email, &index);
    return e == NULL ? TEXT("") : e->id;
}

/* --- judging --- */
bool sequence_is_human_click(const struct work *w, const struct sent *t, const struct click *k)
{
    if (k->is_machine) {
        return false;
    }
    for (uint32_t i = 0; i < t->click_count; i++) {
        int64_t gap = t->clicks[i].at_ms - k->at_ms;

        if (t->clicks[i].link != k->link && gap < w->rules->bot_wait_ms &&
            -gap < w->rules->bot_wait_ms) {
            return false;
        }
    }
    return true;
}

/* The first click or reply that counts in the engagement window of t; never: none. It may name any
 * attempt of the same email in the same run. */
static int64_t first_click(const struct work *w, const struct sequence_plan *s,
                           const struct sent *t)
{
    int64_t end_ms = t->sent_at_ms + s->engagement_window_ms;
    int64_t first = t->first_reply_ms;

    for (uint32_t n = 0; n < w->c->sent_count; n++) {
        const struct sent *named = &w->c->sent[n];
        bool is_same =
            named->sequence == t->sequence && named->run == t->run && named->email == t->email;

        for (uint32_t i = 0; is_same && i < named->click_count; i++) {
            const struct click *k = &named->clicks[i];

            if (k->at_ms >= t->sent_at_ms && k->at_ms <= end_ms && k->at_ms < first &&
                (s->counts_machines || sequence_is_human_click(w, named, k))) {
                first = k->at_ms;
            }
        }
    }
    return first;
}

int64_t sequence_deadline(const struct work *w, const struct run *r, const struct sent *t)
{
    const struct sequence_plan *s = rules_sequence(w->rules, r->sequence);
    int64_t end_ms, clicked_ms;

    if (s == NULL || t == NULL) {
        return w->now_ms; /* the sequence is gone from the configuration: nothing to wait for */
    }
    end_ms = t->sent_at_ms + s->engagement_window_ms;
    clicked_ms = first_click(w, s, t);
    if (clicked_ms != INSTANT_NEVER && clicked_ms + s->conversion_window_ms > end_ms) {
        end_ms = clicked_ms + s->conversion_window_ms;
    }
    return end_ms;
}

int64_t step_deadline(const struct step *s, struct customer *c, const struct run *r)
{
    struct work w = { .s = s, .rules = s->rules, .c = c, .now_ms = c->decided_at_ms };

    return sequence_deadline(&w, r, open_email(&w, r));
}

static enum outcome judge(const struct work *w, const struct sequence_plan *s, const struct sent *t,
                          int64_t deadline_ms)
{
    bool is_bounced = t->soft_bounce_ms != INSTANT_NEVER && t->soft_bounce_ms <= deadline_ms &&
                      (t->last_sign_ms == INSTANT_NEVER || t->last_sign_ms <= t->soft_bounce_ms);

    if (first_click(w, s, t) != INSTANT_NEVER) {
        return OUTCOME_CLICKED_NOT_CONVERTED;
    }
    if (t->first_open_ms != INSTANT_NEVER) {
        return OUTCOME_OPENED_NOT_CLICKED;
    }
    return is_bounced ? OUTCOME_NOT_DELIVERED : OUTCOME_NO_ENGAGEMENT;
}

static enum branch_kind branch_of(enum outcome o)
{
    return o == OUTCOME_CLICKED_NOT_CONVERTED ? BRANCH_CLICKED
           : o == OUTCOME_OPENED_NOT_CLICKED  ? BRANCH_OPENED
           : o == OUTCOME_NOT_DELIVERED       ? BRANCH_NOT_DELIVERED
                                              : BRANCH_NO_ENGAGEMENT;
}

/* --- ends --- */
/* An end and an entry of one sequence within one input exclude each other, a click that has waited
 * included; by time they do not. */
static void note(struct work *w, uint32_t **list, uint32_t *count, uint32_t sequence)
{
    uint32_t *longer;

    if (!w->is_by_event && w->event == NULL) {
        return;
    }
    longer = arena_alloc(w->s->scratch, (*count + 1) * sizeof(*longer));
    if (*count > 0) {
        memcpy(longer, *list, *count * sizeof(*longer));
    }
    longer[(*count)++] = sequence;
    *list = longer;
}

bool sequence_has(const uint32_t *list, uint32_t count, uint32_t sequence)
{
    for (uint32_t i = 0; i < count; i++) {
        if (list[i] == sequence) {
            return true;
        }
    }
    return false;
}

void sequence_entered(struct work *w, uint32_t sequence)
{
    note(w, &w->entered, &w->entered_count, sequence);
}

static void write_at_end(struct work *w, const struct sequence_plan *s, enum outcome last,
                         int64_t at_ms)
{
    for (uint32_t i = 0; i < s->at_end_count; i++) {
        const struct at_end_plan *end = &s->at_end[i];

        for (uint32_t k = 0; end->outcome == last && k < end->count; k++) {
            facts_set_attribute(w->c, end->attributes[k], &end->values[k], at_ms, s->key);
            w->changed |= FACT_ATTRIBUTES;
        }
    }
}

void sequence_end(struct work *w, struct run *r, enum outcome outcome, enum reason reason,
                  int64_t at_ms, int64_t decided_ms)
{
    const struct sequence_plan *s = rules_sequence(w->rules, r->sequence);
    struct sent *t = r->phase == RUN_JUDGING ? open_email(w, r) : NULL;

    if (t != NULL) {
        t->is_judged = true;
        work_outcome(w, r, sequence_email_id(w, r, t->email), t->attempt, outcome, REASON_NONE,
                     at_ms, decided_ms);
    }
    work_outcome(w, r, TEXT_NONE, 0, outcome, reason, at_ms, decided_ms);
    if (outcome == OUTCOME_COMPLETED) {
        customer_need_entry(w->c, r->sequence)->is_completed = true;
        if (s != NULL) {
            write_at_end(w, s, r->reason, at_ms);
        }
    }
    note(w, &w->ended, &w->ended_count, r->sequence);
    w->changed |= FACT_RUNS;
    customer_remove_run(w->c, (uint32_t)(r - w->c->runs));
}

static bool is_goal(const struct work *w, const struct goal_plan *g)
{
    for (uint32_t i = 0; w->event != NULL && !w->is_known_order && i < g->event_count; i++) {
        if (work_is_match(w, g->events[i], g->filters[i])) {
            return true;
        }
    }
    for (uint32_t i = w->changes_seen; g->is_entering && i < w->change_count; i++) {
        if (w->changes[i].is_entered && w->changes[i].key == g->key &&
            (g->rung == 0 || w->changes[i].rung == g->rung)) {
            return true;
        }
    }
    return g->when != NULL && work_is_true(w, g->when);
}

void sequence_ends(struct work *w)
{
    for (uint32_t i = 0; i < w->c->run_count;) {
        struct run *r = &w->c->runs[i];
        const struct sequence_plan *s = rules_sequence(w->rules, r->sequence);

        if (sequence_has(w->entered, w->entered_count, r->sequence)) {
            i++;
        } else if (s != NULL && is_goal(w, &s->goal)) {
            sequence_end(w, r, OUTCOME_CONVERTED, REASON_NONE, w->now_ms, w->now_ms);
        } else if (s != NULL && s->stop_if != NULL && work_is_true(w, s->stop_if)) {
            sequence_end(w, r, OUTCOME_STOPPED, REASON_NONE, w->now_ms, w->now_ms);
        } else {
            i++;
        }
    }
}

int64_t sequence_until(const struct work *w, const struct run *r)
{
    const struct sequence_plan *s = rules_sequence(w->rules, r->sequence);
    int64_t until_ms = INSTANT_NEVER;
    struct view v = work_view(w);

    if (s != NULL && s->goal.when != NULL) {
        until_ms = predicate_eval(s->goal.when, &v).until_ms;
    }
    if (s != NULL && s->stop_if != NULL) {
        int64_t stop_ms = predicate_eval(s->stop_if, &v).until_ms;

        until_ms = stop_ms < until_ms ? stop_ms : until_ms;
    }
    return until_ms;
}

/* --- plans --- */
static void plan_email(struct work *w, struct run *r, uint32_t email, int64_t planned_ms,
                       int64_t not_before_ms, int64_t judged_ms)
{
    const struct sequence_plan *s = rules_sequence(w->rules, r->sequence);

    if (s == NULL || r->emails_sent >= s->max_emails) {
        r->phase = RUN_ACTION; /* nothing is open any more */
        sequence_end(w, r, OUTCOME_EXHAUSTED, REASON_NONE, judged_ms, w->now_ms);
        return;
    }
    r->phase = RUN_PLANNED;
    r->email = email;
    r->held_until_ms = INSTANT_NEVER;
    r->held_for_ms = 0;
    r->planned_at_ms = planned_ms;
    r->not_before_ms = not_before_ms;
    sequence_plan_due(w, r);
}

static void forget_resend(struct run *r)
{
    mem_free((void *)(uintptr_t)r->use_id.at);
    r->use_id = TEXT_NONE;
    r->use_slot = 0;
    r->slot_use = 0;
}

/* The email after this one in the version the run entered with; behind one that a later version
 * brought (by goto), in that. Returns: false after the last. */
static bool following(const struct run *r, const struct sequence_plan *s, uint32_t *out_email,
                      int64_t *out_after_ms)
{
    const struct run_step *step = step_of(r, r->email);
    uint32_t index = 0;

    if (step != NULL) {
        if (++step == r->plan + r->plan_count) {
            return false;
        }
        *out_email = step->key;
        *out_after_ms = step->after_ms;
        return true;
    }
    if (rules_email(s, r->email, &index) == NULL || index + 1 == s->email_count) {
        return false;
    }
    *out_email = s->emails[index + 1].key;
    *out_after_ms = s->emails[index + 1].after_ms;
    return true;
}

void sequence_next(struct work *w, struct run *r, const struct sequence_plan *s, int64_t judged_ms,
                   int64_t not_before_ms)
{
    int64_t planned_ms, after_ms = 0;
    uint32_t email;

    forget_resend(r);
    if (!following(r, s, &email, &after_ms)) {
        r->phase = RUN_ACTION;
        sequence_end(w, r, OUTCOME_COMPLETED, REASON_NONE, judged_ms, w->now_ms);
        return;
    }
    planned_ms = r->previous_ms + after_ms;
    plan_email(w, r, email, planned_ms > judged_ms ? planned_ms : judged_ms, not_before_ms,
               judged_ms);
}

void sequence_plan_due(struct work *w, struct run *r)
{
    const struct sequence_plan *s = rules_sequence(w->rules, r->sequence);
    const struct email_plan *e;
    int64_t from_ms = r->planned_at_ms > r->not_before_ms ? r->planned_at_ms : r->not_before_ms;
    int64_t now_ms = from_ms > w->now_ms ? from_ms : w->now_ms;
    enum reason held_by;
    uint32_t index;

    switch (r->phase) {
    case RUN_PLANNED:
        e = s == NULL ? NULL : rules_email(s, r->email, &index);
        r->due_ms = e == NULL ? from_ms : send_allowed(w, r, s, e, now_ms, &held_by);
        if (r->due_ms > r->planned_at_ms + w->rules->max_delay_ms) {
            r->due_ms = r->planned_at_ms + w->rules->max_delay_ms;
            r->due_ms = r->due_ms > from_ms ? r->due_ms : from_ms;
        }
        break;
    case RUN_JUDGING:
        r->due_ms = sequence_deadline(w, r, open_email(w, r)) + w->lateness_ms;
        if (r->held_until_ms != INSTANT_NEVER && r->held_until_ms > r->due_ms) {
            r->due_ms = r->held_until_ms;
        }
        break;
    case RUN_ACTION: /* at the very end with its judgement, which did not wait either */
        r->due_ms = w->s->is_final ? r->planned_at_ms : from_ms;
        break;
    case RUN_HELD_OUT:
        r->due_ms = r->planned_at_ms;
        break;
    }
}

/* --- branches --- */
static void resend(struct work *w, struct run *r, const struct branch_plan *b)
{
    forget_resend(r);
    if (b->slot.at != NULL) {
        r->use_slot = hash32(b->slot);
        r->slot_use = b->use_number;
        r->use_id = text_dup(b->use_id);
    }
    (void)w;
}

static void act(struct work *w, struct run *r, const struct sequence_plan *s,
                const struct branch_plan *b, int64_t judged_ms, int64_t not_before_ms)
{
    int64_t at_ms = judged_ms + b->after_ms;

    switch (b->action) {
    case ACTION_NEXT:
        sequence_next(w, r, s, judged_ms, not_before_ms);
        break;
    case ACTION_GOTO:
        forget_resend(r);
        plan_email(w, r, s->emails[b->email].key, at_ms, not_before_ms, judged_ms);
        break;
    case ACTION_RESEND:
        resend(w, r, b);
        plan_email(w, r, r->email, at_ms, not_before_ms, judged_ms);
        break;
    case ACTION_START:
    case ACTION_END:
        r->phase = RUN_ACTION;
        r->action = b->action == ACTION_START ? w->rules->sequences[b->sequence].key : 0;
        r->planned_at_ms = at_ms;
        r->not_before_ms = not_before_ms;
        sequence_plan_due(w, r);
        break;
    }
}

static void judge_run(struct work *w, struct run *r)
{
    const struct sequence_plan *s = rules_sequence(w->rules, r->sequence);
    struct sent *t = open_email(w, r);
    int64_t deadline_ms = sequence_deadline(w, r, t);
    int64_t not_before_ms = deadline_ms + w->rules->allowed_lateness_ms;
    const struct branch_plan *b;
    struct run_email *counts;
    enum branch_kind kind;
    enum outcome outcome;

    if (s == NULL || t == NULL) { /* no such sequence any more */
        r->phase = RUN_ACTION;
        sequence_end(w, r, OUTCOME_ENDED, REASON_GONE, w->now_ms, w->now_ms);
        return;
    }
    outcome = judge(w, s, t, deadline_ms);
    if (outcome == OUTCOME_NO_ENGAGEMENT) {
        int64_t held_ms = join_held_until(w->s, w->now_ms);

        if (held_ms > w->now_ms) {
            r->held_until_ms = held_ms;
            sequence_plan_due(w, r);
            return;
        }
    }
    w->is_early = w->s->is_final;
    t->is_judged = true;
    work_outcome(w, r, sequence_email_id(w, r, t->email), t->attempt, outcome, REASON_NONE,
                 deadline_ms, w->now_ms);
    kind = branch_of(outcome);
    if (outcome != OUTCOME_NOT_DELIVERED) {
        r->row_count = outcome == r->last_judged ? r->row_count + 1 : 1;
        r->last_judged = outcome;
    }
    r->reason = outcome;
    b = &s->branches[kind];
    counts = sequence_run_email(r, t->email);
    if (b->action == ACTION_NEXT ||
        (kind != BRANCH_NOT_DELIVERED && r->row_count < b->times_in_a_row) ||
        (b->at_most > 0 && counts->acted[kind] >= b->at_most)) {
        sequence_next(w, r, s, deadline_ms, not_before_ms);
        return;
    }
    counts->acted[kind]++;
    act(w, r, s, b, deadline_ms, not_before_ms);
}

static void perform_action(struct work *w, struct run *r)
{
    const struct sequence_plan *target =
        r->action == 0 ? NULL : rules_sequence(w->rules, r->action);
    int64_t at_ms = r->planned_at_ms, not_before_ms = r->not_before_ms;
    enum reason refusal;

    if (target == NULL) {
        sequence_end(w, r, OUTCOME_ENDED, REASON_NONE, at_ms, w->now_ms);
        return;
    }
    refusal = entry_refusal(w, target, at_ms);
    sequence_end(w, r, OUTCOME_MOVED, refusal, at_ms, w->now_ms);
    if (refusal == REASON_NONE) {
        entry_enter(w, target, at_ms, not_before_ms);
    } else if (refusal == REASON_SUPPRESSION || refusal == REASON_STALE) {
        work_not_entered(w, target, refusal);
    }
}

bool sequence_judge_due(struct work *w)
{
    for (uint32_t i = 0; i < w->c->run_count; i++) {
        struct run *r = &w->c->runs[i];

        if (r->phase == RUN_PLANNED || !work_is_due(w, r->due_ms)) {
            continue;
        }
        if (r->phase == RUN_JUDGING) {
            judge_run(w, r);
        } else if (r->phase == RUN_ACTION) {
            perform_action(w, r);
        } else {
            sequence_end(w, r, OUTCOME_COMPLETED, REASON_NONE, r->planned_at_ms, w->now_ms);
        }
        return true;
    }
    return false;
}
