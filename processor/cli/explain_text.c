/* A customer explained for people: one thing a line, what holds first. */
#include "processor/cli/explain_parts.h"

#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "segmenters/score.h"

#include <inttypes.h>
#include <stdio.h>

#define SOURCE_WIDTH 58

static void heading(FILE *to, const char *name)
{
    fprintf(to, "\n%s\n", name);
}

static struct text at(struct explained *x, int64_t at_ms)
{
    return value_text_instant(&x->arena, at_ms);
}

/* --- who --- */

static void say_head(struct explained *x, FILE *to)
{
    const struct customer *c = x->customer;

    fprintf(to, "%.*s   at %.*s\n", TEXT_PRINTF(x->id), TEXT_PRINTF(at(x, x->now_ms)));
    fprintf(to, "  record     %zu bytes, decided up to %.*s", x->record_size,
            TEXT_PRINTF(at(x, x->recorded_ms)));
    if (x->partition_count > 0) {
        fprintf(to, ", partition %" PRId32 " of %" PRId32, x->partition, x->partition_count);
    }
    fprintf(to, "\n  rules      %.*s%s\n", TEXT_PRINTF(x->rules->config_hex),
            x->customer->config == x->rules->config || x->customer->config == 0
                ? ""
                : ", not those the record was decided by");
    fprintf(to, "  events     first %.*s, last %.*s, last engagement %.*s\n",
            TEXT_PRINTF(at(x, c->created_at_ms)), TEXT_PRINTF(at(x, c->last_event_ms)),
            TEXT_PRINTF(at(x, c->last_engaged_ms)));
    if (c->erased_ms != INSTANT_NEVER) {
        fprintf(to, "  erased     %.*s; older events are dropped\n",
                TEXT_PRINTF(at(x, c->erased_ms)));
    }
}

/* --- facts --- */

static void say_attributes(struct explained *x, FILE *to)
{
    const struct facts_plan *plan = &x->rules->facts;

    for (uint32_t i = 0; i < plan->attribute_count; i++) {
        const struct attribute_plan *a = &plan->attributes[i];
        const struct attribute *is = customer_attribute(x->customer, a->key);
        bool is_set = is != NULL && is->value.type != VALUE_NULL;
        struct text name = arena_format(&x->arena, "customer.%.*s", TEXT_PRINTF(a->name));
        struct text value =
            value_text(&x->arena, is_set ? &is->value : &a->fallback, plan->currency);

        fprintf(to, "  %-28.*s %.*s", TEXT_PRINTF(name), TEXT_PRINTF(value));
        if (is_set) {
            fprintf(to, "   since %.*s", TEXT_PRINTF(at(x, is->at_ms)));
        } else if (a->fallback.type != VALUE_NULL) {
            fprintf(to, "   by default");
        }
        fputc('\n', to);
    }
}

static void say_until(struct explained *x, int64_t until_ms, FILE *to)
{
    if (until_ms != INSTANT_NEVER) {
        fprintf(to, " (until %.*s)", TEXT_PRINTF(at(x, until_ms)));
    }
}

static void say_rfm(struct explained *x, FILE *to)
{
    struct text currency = x->rules->facts.currency;
    struct rfm r;

    if (!x->rules->facts.rfm.is_used) {
        return;
    }
    r = rfm_value(&x->rules->facts.rfm, x->customer, x->now_ms);
    fprintf(to, "  %-28s %.*s", "rfm", TEXT_PRINTF(r.segment));
    if (r.is_known) {
        fprintf(to, ": r %" PRId32, r.r);
        say_until(x, r.r_until_ms, to);
        fprintf(to, ", f %" PRId32, r.f);
        say_until(x, r.f_until_ms, to);
        fprintf(to, ", m %" PRId32, r.m);
        say_until(x, r.m_until_ms, to);
    }
    fprintf(to, "\n  %-28s %" PRId64 " in the window, net %.*s; %" PRId64 " ever\n", "orders",
            r.frequency, TEXT_PRINTF(value_text_money(&x->arena, r.monetary, currency)),
            x->customer->orders_ever);
}

static void say_scores(struct explained *x, FILE *to)
{
    const struct facts_plan *plan = &x->rules->facts;

    for (uint32_t i = 0; i < plan->score_count; i++) {
        struct explained_score s = explained_score(x, &plan->scores[i]);

        fprintf(to, "  %-28.*s %.*s points", TEXT_PRINTF(plan->scores[i].name),
                TEXT_PRINTF(value_text_points(&x->arena, s.points_q40)));
        if (s.level != NULL) {
            fprintf(to, ": %.*s", TEXT_PRINTF(s.level->name));
        }
        if (s.below != NULL) {
            fprintf(to, ", falls to %.*s at %.*s", TEXT_PRINTF(s.below->name),
                    TEXT_PRINTF(at(x, s.falls_ms)));
        }
        fputc('\n', to);
    }
}

static void say_histories(struct explained *x, FILE *to)
{
    const struct facts_plan *plan = &x->rules->facts;

    for (uint32_t i = 0; i < plan->history_count; i++) {
        const struct history_plan *p = &plan->histories[i];
        const struct history *h = customer_history(x->customer, p->key);
        struct text name = explained_history_name(x, p);

        fprintf(to, "  %-28.*s ", TEXT_PRINTF(name));
        if (h == NULL || h->total_count == 0) {
            fprintf(to, "never\n");
            continue;
        }
        if (h->since_ms != INSTANT_MIN && h->since_ms != INSTANT_NEVER) {
            fprintf(to, "(counted since %.*s) ", TEXT_PRINTF(at(x, h->since_ms)));
        }
        fprintf(to, "%" PRId64 " ever, first %.*s, last %.*s%s\n", h->total_count,
                TEXT_PRINTF(at(x, h->first_ms)), TEXT_PRINTF(at(x, h->last_ms)),
                h->is_truncated ? "; truncated: older ones are folded into days" : "");
    }
}

static void say_facts(struct explained *x, FILE *to)
{
    const struct customer *c = x->customer;

    heading(to, "FACTS");
    say_attributes(x, to);
    say_rfm(x, to);
    say_scores(x, to);
    say_histories(x, to);
    for (uint32_t i = 0; i < c->kind_count; i++) {
        struct text name = arena_format(&x->arena, "last %.*s", TEXT_PRINTF(c->kinds[i].kind));

        fprintf(to, "  %-28.*s %.*s\n", TEXT_PRINTF(name), TEXT_PRINTF(at(x, c->kinds[i].last_ms)));
    }
}

/* --- predicates --- */

struct saying {
    struct explained *x;
    FILE *to;
    int indent;
};

static void say_part(void *context, const struct predicate_part *part)
{
    static const char *const groups[] = { [PREDICATE_PART_ALL] = "all of",
                                          [PREDICATE_PART_ANY] = "any of",
                                          [PREDICATE_PART_NONE] = "none of",
                                          [PREDICATE_PART_NOT] = "not" };
    const struct saying *s = context;
    int indent = s->indent + 2 * (int)part->depth;
    struct text operands;

    fprintf(s->to, "%*s%-8s", indent, "", explained_truth(part->answer.truth));
    if (part->kind != PREDICATE_PART_TEST) {
        fprintf(s->to, "%s\n", groups[part->kind]);
        return;
    }
    operands = value_text_operands(&s->x->arena, part, s->x->rules->facts.currency);
    if (operands.size > 0) {
        fprintf(s->to, "%-*.*s  %.*s", SOURCE_WIDTH - 2 * (int)part->depth,
                TEXT_PRINTF(part->source), TEXT_PRINTF(operands));
    } else {
        fprintf(s->to, "%.*s", TEXT_PRINTF(part->source));
    }
    say_until(s->x, part->answer.until_ms, s->to);
    fputc('\n', s->to);
}

static void say_predicate(struct explained *x, const struct predicate *p, int indent, FILE *to)
{
    struct saying s = { x, to, indent };
    struct view v = explained_view(x);

    predicate_explain(p, &v, say_part, &s);
}

/* --- segments --- */

static void say_membership(struct explained *x, const struct segment_plan *s,
                           const struct membership *m, FILE *to)
{
    struct text is = explained_membership(x, s, m);

    fprintf(to, "%.*s = %.*s", TEXT_PRINTF(s->id), TEXT_PRINTF(is));
    if (m != NULL && m->is_member) {
        fprintf(to, "   since %.*s", TEXT_PRINTF(at(x, m->since_ms)));
    }
    if (m != NULL && m->pending_ms != INSTANT_NEVER && !m->is_member) {
        fprintf(to, "   `when` holds since %.*s, in after %.*s of it",
                TEXT_PRINTF(at(x, m->pending_ms)),
                TEXT_PRINTF(value_text_duration(&x->arena, s->for_ms)));
    }
    if (m != NULL && m->is_member && s->min_stay_ms > x->now_ms - m->since_ms) {
        fprintf(to, "   kept by min_stay until %.*s",
                TEXT_PRINTF(at(x, m->since_ms + s->min_stay_ms)));
    }
    if (m == NULL || m->until_ms == INSTANT_NEVER) {
        fprintf(to, "   no change without an event\n");
    } else {
        fprintf(to, "   no change before %.*s\n", TEXT_PRINTF(at(x, m->until_ms)));
    }
}

static void say_ladder(struct explained *x, const struct segment_plan *s,
                       const struct membership *m, FILE *to)
{
    for (uint32_t i = 0; i < s->rung_count; i++) {
        const struct rung_plan *r = &s->rungs[i];
        bool is_here = m != NULL && m->is_member && m->rung == r->key;

        fprintf(to, "  %s %.*s\n", is_here ? "->" : "  ", TEXT_PRINTF(r->name));
        say_predicate(x, r->when, 7, to);
        if (is_here && r->leave_when != NULL) {
            fprintf(to, "     leave_when\n");
            say_predicate(x, r->leave_when, 7, to);
        }
        if (is_here) {
            return; /* those below are not asked */
        }
    }
}

static void say_segments(struct explained *x, FILE *to)
{
    const struct segments_plan *plan = &x->rules->segments;

    heading(to, "SEGMENTS");
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct segment_plan *s = &plan->segments[i];
        const struct membership *m = customer_membership(x->customer, s->key);

        say_membership(x, s, m, to);
        if (s->is_from_rfm) {
            fprintf(to, "  as rfm.segment says\n");
        } else if (s->is_ladder) {
            say_ladder(x, s, m, to);
        } else {
            say_predicate(x, s->when, 2, to);
            if (s->leave_when != NULL && m != NULL && m->is_member) {
                fprintf(to, "  leave_when\n");
                say_predicate(x, s->leave_when, 2, to);
            }
        }
    }
}

/* --- sequences --- */

static void say_sent(struct explained *x, const struct sent *t, FILE *to)
{
    struct explained_signs signs = explained_signs(t);

    fprintf(to, "  %.*s sent %.*s (attempt %" PRId32 ")",
            TEXT_PRINTF(explained_email_name(x, t->sequence, t->email)),
            TEXT_PRINTF(at(x, t->sent_at_ms)), t->attempt);
    if (t->first_open_ms != INSTANT_NEVER) {
        fprintf(to, ", opened %.*s", TEXT_PRINTF(at(x, t->first_open_ms)));
    }
    if (signs.clicked_ms != INSTANT_NEVER) {
        fprintf(to, ", clicked %.*s", TEXT_PRINTF(at(x, signs.clicked_ms)));
    }
    if (signs.machine_clicks > 0) {
        fprintf(to, ", %u clicks of machines", signs.machine_clicks);
    }
    if (t->first_reply_ms != INSTANT_NEVER) {
        fprintf(to, ", replied %.*s", TEXT_PRINTF(at(x, t->first_reply_ms)));
    }
    if (t->soft_bounce_ms != INSTANT_NEVER) {
        fprintf(to, ", bounced softly %.*s", TEXT_PRINTF(at(x, t->soft_bounce_ms)));
    }
    fprintf(to, "%s\n", t->is_judged ? ", judged" : "");
}

static void say_phase(struct explained *x, const struct run *r, FILE *to)
{
    struct explained_phase p = explained_phase(x, r);

    fprintf(to, "  now: %.*s", TEXT_PRINTF(p.what));
    if (p.held_by != REASON_NONE) {
        fprintf(to, ", held by %s", reason_name(p.held_by));
    }
    if (p.when != NULL) {
        fprintf(to, " %s %.*s", p.when, TEXT_PRINTF(at(x, p.due_ms)));
    }
    if (r->phase == RUN_JUDGING && x->rules->allowed_lateness_ms > 0) {
        fprintf(to, ", %.*s later (allowed_lateness)",
                TEXT_PRINTF(value_text_duration(&x->arena, x->rules->allowed_lateness_ms)));
    }
    fputc('\n', to);
}

static void say_run(struct explained *x, const struct run *r, FILE *to)
{
    fprintf(to, "%.*s   run %" PRId64 ", entered %.*s by %.*s, %" PRId32 " email%s sent\n",
            TEXT_PRINTF(explained_sequence_name(x, r->sequence)), r->number,
            TEXT_PRINTF(at(x, r->entered_at_ms)), TEXT_PRINTF(r->cause), r->emails_sent,
            r->emails_sent == 1 ? "" : "s");
    for (uint32_t i = 0; i < x->customer->sent_count; i++) {
        const struct sent *t = &x->customer->sent[i];

        if (t->sequence == r->sequence && t->run == r->number) {
            say_sent(x, t, to);
        }
    }
    say_phase(x, r, to);
}

static void say_no_run(struct explained *x, const struct sequence_plan *s, FILE *to)
{
    const struct entry *e = customer_entry(x->customer, s->key);
    int64_t from_ms;
    const char *refusal = explained_refusal(x, s, &from_ms);

    fprintf(to, "%.*s   no run", TEXT_PRINTF(s->id));
    if (e != NULL && e->runs > 0) {
        fprintf(to, "; entered %" PRId64 " times, last %.*s%s", e->runs,
                TEXT_PRINTF(at(x, e->last_ms)), e->is_completed ? ", once completed" : "");
    }
    if (refusal == NULL) {
        fprintf(to, "; may be entered: waits for its `enter`\n");
        return;
    }
    fprintf(to, "; would not be entered: %s", refusal);
    if (from_ms != INSTANT_NEVER) {
        fprintf(to, " until %.*s", TEXT_PRINTF(at(x, from_ms)));
    }
    fputc('\n', to);
    if (strcmp(refusal, reason_name(REASON_IF)) == 0) {
        say_predicate(x, s->condition, 2, to);
    }
    if (strcmp(refusal, reason_name(REASON_STOP_IF)) == 0) {
        say_predicate(x, s->stop_if, 2, to);
    }
}

static void say_sequences(struct explained *x, FILE *to)
{
    if (x->rules->sequence_count == 0) {
        return;
    }
    heading(to, "SEQUENCES");
    for (uint32_t i = 0; i < x->rules->sequence_count; i++) {
        const struct sequence_plan *s = &x->rules->sequences[i];
        const struct run *r = customer_run(x->customer, s->key);

        if (r != NULL) {
            say_run(x, r, to);
        } else {
            say_no_run(x, s, to);
        }
    }
}

/* --- experiments --- */

static void say_experiments(struct explained *x, FILE *to)
{
    for (uint32_t i = 0; i < x->rules->experiment_count; i++) {
        const struct experiment_plan *p = &x->rules->experiments[i];
        const struct arm_plan *arm = arm_of(&p->arms, x->id);
        const struct exposure *e = customer_exposure(x->customer, p->key);

        if (i == 0) {
            heading(to, "EXPERIMENTS");
        }
        fprintf(to, "%.*s version %" PRId32 "   arm %.*s (%.*s)", TEXT_PRINTF(p->id), p->version,
                TEXT_PRINTF(arm->name), TEXT_PRINTF(arm->use));
        if (e == NULL) {
            fprintf(to, ", not shown yet\n");
        } else {
            fprintf(to, ", shown %.*s%s\n", TEXT_PRINTF(at(x, e->at_ms)),
                    e->is_converted ? ", a success" : "");
        }
    }
}

/* --- limits --- */

static void say_suppressions(struct explained *x, FILE *to)
{
    const struct customer *c = x->customer;

    if (c->blocked_ms != INSTANT_NEVER) {
        fprintf(to, "  suppressed for ever since %.*s: a hard bounce or a complaint\n",
                TEXT_PRINTF(at(x, c->blocked_ms)));
    }
    for (uint32_t i = 0; i < c->subscription_count; i++) {
        const struct subscription *s = &c->subscriptions[i];

        fprintf(to, "  %s %.*s since %.*s\n",
                s->is_unsubscribed ? "unsubscribed from" : "subscribed to",
                TEXT_PRINTF(explained_subscription_name(x, s->key)), TEXT_PRINTF(at(x, s->at_ms)));
    }
}

static void say_limits(struct explained *x, FILE *to)
{
    const struct rules *rules = x->rules;

    heading(to, "LIMITS");
    say_suppressions(x, to);
    for (uint32_t i = 0; i < rules->cap_count; i++) {
        int64_t again_ms;
        int32_t left = explained_cap_left(x, &rules->caps[i], &again_ms);

        fprintf(to, "  %" PRId32 " of %" PRId32 " emails left in %.*s", left, rules->caps[i].count,
                TEXT_PRINTF(value_text_duration(&x->arena, rules->caps[i].window_ms)));
        if (left == 0) {
            fprintf(to, ", the next at %.*s", TEXT_PRINTF(at(x, again_ms)));
        }
        fputc('\n', to);
    }
    if (rules->send_if != NULL) {
        fprintf(to, "  send_if\n");
        say_predicate(x, rules->send_if, 4, to);
    }
    if (rules->cap_count == 0 && rules->send_if == NULL && x->customer->subscription_count == 0 &&
        x->customer->blocked_ms == INSTANT_NEVER) {
        fprintf(to, "  none\n");
    }
}

static void say_outputs(struct explained *x, const char *name, const struct outputs *out, FILE *to)
{
    heading(to, name);
    for (uint32_t i = 0; i < out->count && i < EXPLAINED_NEXT_MAX; i++) {
        struct text line = explained_output(x, &out->items[i]);

        fprintf(to, "  %.*s  %.*s\n", TEXT_PRINTF(at(x, out->items[i].at_ms)), TEXT_PRINTF(line));
    }
    if (out->count > EXPLAINED_NEXT_MAX) {
        fprintf(to, "  and %u more\n", out->count - EXPLAINED_NEXT_MAX);
    }
    if (out->count == 0) {
        fprintf(to, "  nothing\n");
    }
}

void explained_say_text(struct explained *x, FILE *to)
{
    say_head(x, to);
    if (x->since.count > 0) {
        say_outputs(x, "SINCE THE RECORD, BY TIME ALONE", &x->since, to);
    }
    say_facts(x, to);
    say_segments(x, to);
    say_sequences(x, to);
    say_experiments(x, to);
    say_limits(x, to);
    say_outputs(x, "NEXT, IF NOTHING NEW COMES", &x->next, to);
}
