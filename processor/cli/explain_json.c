/* A customer explained for programs: one JSON object. Times are integer ms, as in a backtest;
 * values are the texts people see.
 */
#include "processor/cli/explain_parts.h"
#include "processor/cli/json_out.h"

#include "processor/base/instant.h"

static const char *const causes[] = { [PREDICATE_KNOWN] = "",
                                      [PREDICATE_NOT_SET] = "not_set",
                                      [PREDICATE_NEVER] = "never_happened",
                                      [PREDICATE_NO_ORDER] = "no_order",
                                      [PREDICATE_UNDECIDED] = "undecided" };

static const char *truth_name(enum truth t)
{
    return t == TRUTH_TRUE ? "true" : t == TRUTH_FALSE ? "false" : "unknown";
}

/* --- facts --- */

static void say_attributes(struct explained *x, struct json_out *j)
{
    const struct facts_plan *plan = &x->rules->facts;

    json_out_open(j, "attributes", '{');
    for (uint32_t i = 0; i < plan->attribute_count; i++) {
        const struct attribute_plan *a = &plan->attributes[i];
        const struct attribute *is = customer_attribute(x->customer, a->key);
        bool is_set = is != NULL && is->value.type != VALUE_NULL;
        const struct value *v = is_set ? &is->value : &a->fallback;

        json_out_open(j, arena_text(&x->arena, a->name).at, '{');
        json_out_text(j, "value",
                      v->type == VALUE_NULL   ? TEXT_NONE
                      : v->type == VALUE_TEXT ? v->as.text
                                              : value_text(&x->arena, v, plan->currency));
        json_out_instant(j, "since", is_set ? is->at_ms : INSTANT_NEVER);
        json_out_close(j, '}');
    }
    json_out_close(j, '}');
}

static void say_rfm(struct explained *x, struct json_out *j)
{
    struct rfm r;

    if (!x->rules->facts.rfm.is_used) {
        return;
    }
    r = rfm_value(&x->rules->facts.rfm, x->customer, x->now_ms);
    json_out_open(j, "rfm", '{');
    json_out_text(j, "segment", r.segment);
    json_out_int(j, "r", r.r);
    json_out_int(j, "f", r.f);
    json_out_int(j, "m", r.m);
    json_out_instant(j, "r_until", r.r_until_ms);
    json_out_instant(j, "f_until", r.f_until_ms);
    json_out_instant(j, "m_until", r.m_until_ms);
    json_out_int(j, "frequency", r.frequency);
    json_out_int(j, "monetary", r.monetary);
    json_out_close(j, '}');
}

static void say_scores(struct explained *x, struct json_out *j)
{
    const struct facts_plan *plan = &x->rules->facts;

    json_out_open(j, "scores", '{');
    for (uint32_t i = 0; i < plan->score_count; i++) {
        struct explained_score s = explained_score(x, &plan->scores[i]);

        json_out_open(j, arena_text(&x->arena, plan->scores[i].name).at, '{');
        json_out_text(j, "points", value_text_points(&x->arena, s.points_q40));
        json_out_text(j, "level", s.level == NULL ? TEXT_NONE : s.level->name);
        json_out_instant(j, "falls_at", s.falls_ms);
        json_out_close(j, '}');
    }
    json_out_close(j, '}');
}

static void say_histories(struct explained *x, struct json_out *j)
{
    const struct facts_plan *plan = &x->rules->facts;

    json_out_open(j, "histories", '[');
    for (uint32_t i = 0; i < plan->history_count; i++) {
        const struct history *h = customer_history(x->customer, plan->histories[i].key);

        json_out_open(j, NULL, '{');
        json_out_text(j, "name", explained_history_name(x, &plan->histories[i]));
        json_out_int(j, "count", h == NULL ? 0 : h->total_count);
        json_out_instant(j, "first", h == NULL ? INSTANT_NEVER : h->first_ms);
        json_out_instant(j, "last", h == NULL || h->total_count == 0 ? INSTANT_NEVER : h->last_ms);
        json_out_instant(j, "counted_since",
                         h == NULL || h->since_ms == INSTANT_MIN ? INSTANT_NEVER : h->since_ms);
        json_out_bool(j, "truncated", h != NULL && h->is_truncated);
        json_out_close(j, '}');
    }
    json_out_close(j, ']');
    json_out_open(j, "last_events", '{');
    for (uint32_t i = 0; i < x->customer->kind_count; i++) {
        json_out_instant(j, arena_text(&x->arena, x->customer->kinds[i].kind).at,
                         x->customer->kinds[i].last_ms);
    }
    json_out_close(j, '}');
}

/* --- segments --- */

struct saying {
    struct explained *x;
    struct json_out *j;
};

static void say_part(void *context, const struct predicate_part *part)
{
    static const char *const kinds[] = { [PREDICATE_PART_ALL] = "all",
                                         [PREDICATE_PART_ANY] = "any",
                                         [PREDICATE_PART_NONE] = "none",
                                         [PREDICATE_PART_NOT] = "not",
                                         [PREDICATE_PART_TEST] = "test" };
    const struct saying *s = context;
    struct explained *x = s->x;

    json_out_open(s->j, NULL, '{');
    json_out_int(s->j, "depth", part->depth);
    json_out_text(s->j, "kind", text_of(kinds[part->kind]));
    json_out_text(s->j, "truth", text_of(truth_name(part->answer.truth)));
    json_out_instant(s->j, "until", part->answer.until_ms);
    if (part->kind == PREDICATE_PART_TEST) {
        json_out_text(s->j, "source", part->source);
        json_out_open(s->j, "values", '[');
        for (uint32_t i = 0; i < part->operand_count; i++) {
            const struct predicate_operand *o = &part->operands[i];

            json_out_open(s->j, NULL, '{');
            json_out_text(s->j, "source", o->source);
            json_out_text(s->j, "unknown",
                          o->cause == PREDICATE_KNOWN ? TEXT_NONE : text_of(causes[o->cause]));
            json_out_text(s->j, "says", value_text_operand(&x->arena, o, x->rules->facts.currency));
            json_out_close(s->j, '}');
        }
        json_out_close(s->j, ']');
    }
    json_out_close(s->j, '}');
}

static void say_predicate(struct explained *x, const char *key, const struct predicate *p,
                          struct json_out *j)
{
    struct saying s = { x, j };
    struct view v = explained_view(x);

    if (p != NULL) {
        json_out_open(j, key, '[');
        predicate_explain(p, &v, say_part, &s);
        json_out_close(j, ']');
    }
}

static void say_segments(struct explained *x, struct json_out *j)
{
    const struct segments_plan *plan = &x->rules->segments;

    json_out_open(j, "segments", '{');
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct segment_plan *s = &plan->segments[i];
        const struct membership *m = customer_membership(x->customer, s->key);
        bool is_in = m != NULL && m->is_member;

        json_out_open(j, arena_text(&x->arena, s->id).at, '{');
        json_out_text(j, "is", explained_membership(x, s, m));
        json_out_bool(j, "member", is_in);
        json_out_instant(j, "since", is_in ? m->since_ms : INSTANT_NEVER);
        json_out_instant(j, "pending_since", m == NULL ? INSTANT_NEVER : m->pending_ms);
        json_out_instant(j, "until", m == NULL ? INSTANT_NEVER : m->until_ms);
        say_predicate(x, "when", s->when, j);
        say_predicate(x, "leave_when", s->leave_when, j);
        json_out_open(j, "rungs", '{');
        for (uint32_t r = 0; !s->is_from_rfm && r < s->rung_count; r++) {
            json_out_open(j, arena_text(&x->arena, s->rungs[r].name).at, '{');
            say_predicate(x, "when", s->rungs[r].when, j);
            say_predicate(x, "leave_when", s->rungs[r].leave_when, j);
            json_out_close(j, '}');
        }
        json_out_close(j, '}');
        json_out_close(j, '}');
    }
    json_out_close(j, '}');
}

/* --- sequences --- */

static void say_sent(struct explained *x, const struct run *r, struct json_out *j)
{
    json_out_open(j, "sent", '[');
    for (uint32_t i = 0; i < x->customer->sent_count; i++) {
        const struct sent *t = &x->customer->sent[i];

        if (t->sequence != r->sequence || t->run != r->number) {
            continue;
        }
        json_out_open(j, NULL, '{');
        json_out_text(j, "email", explained_email_name(x, t->sequence, t->email));
        json_out_int(j, "attempt", t->attempt);
        json_out_instant(j, "sent_at", t->sent_at_ms);
        json_out_instant(j, "opened_at", t->first_open_ms);
        json_out_instant(j, "clicked_at", explained_signs(t).clicked_ms);
        json_out_instant(j, "replied_at", t->first_reply_ms);
        json_out_bool(j, "judged", t->is_judged);
        json_out_close(j, '}');
    }
    json_out_close(j, ']');
}

static void say_run(struct explained *x, const struct run *r, struct json_out *j)
{
    static const char *const phases[] = { [RUN_PLANNED] = "planned",
                                          [RUN_JUDGING] = "judging",
                                          [RUN_ACTION] = "action",
                                          [RUN_HELD_OUT] = "held_out" };
    struct explained_phase p = explained_phase(x, r);

    json_out_int(j, "run", r->number);
    json_out_instant(j, "entered_at", r->entered_at_ms);
    json_out_text(j, "cause", r->cause);
    json_out_text(j, "phase", text_of(phases[r->phase]));
    json_out_text(j, "email", explained_email_name(x, r->sequence, r->email));
    json_out_instant(j, "planned_at", r->phase == RUN_PLANNED ? r->planned_at_ms : INSTANT_NEVER);
    json_out_instant(j, "due_at", p.due_ms);
    json_out_text(j, "held_by",
                  p.held_by == REASON_NONE ? TEXT_NONE : text_of(reason_name(p.held_by)));
    say_sent(x, r, j);
}

static void say_sequences(struct explained *x, struct json_out *j)
{
    json_out_open(j, "sequences", '{');
    for (uint32_t i = 0; i < x->rules->sequence_count; i++) {
        const struct sequence_plan *s = &x->rules->sequences[i];
        const struct run *r = customer_run(x->customer, s->key);
        const struct entry *e = customer_entry(x->customer, s->key);
        int64_t from_ms;
        const char *refusal = explained_refusal(x, s, &from_ms);

        json_out_open(j, arena_text(&x->arena, s->id).at, '{');
        json_out_bool(j, "active", r != NULL);
        json_out_int(j, "runs", e == NULL ? 0 : e->runs);
        json_out_instant(j, "last_entry", e == NULL || e->runs == 0 ? INSTANT_NEVER : e->last_ms);
        json_out_text(j, "refused_by", text_of(refusal));
        json_out_instant(j, "refused_until", from_ms);
        if (r != NULL) {
            say_run(x, r, j);
        }
        json_out_close(j, '}');
    }
    json_out_close(j, '}');
}

static void say_experiments(struct explained *x, struct json_out *j)
{
    json_out_open(j, "experiments", '{');
    for (uint32_t i = 0; i < x->rules->experiment_count; i++) {
        const struct experiment_plan *p = &x->rules->experiments[i];
        const struct arm_plan *arm = arm_of(&p->arms, x->id);
        const struct exposure *e = customer_exposure(x->customer, p->key);

        json_out_open(j, arena_text(&x->arena, p->id).at, '{');
        json_out_int(j, "version", p->version);
        json_out_text(j, "arm", arm->name);
        json_out_instant(j, "shown_at", e == NULL ? INSTANT_NEVER : e->at_ms);
        json_out_bool(j, "success", e != NULL && e->is_converted);
        json_out_close(j, '}');
    }
    json_out_close(j, '}');
}

static void say_limits(struct explained *x, struct json_out *j)
{
    const struct customer *c = x->customer;

    json_out_instant(j, "suppressed_since", c->blocked_ms);
    json_out_open(j, "subscriptions", '[');
    for (uint32_t i = 0; i < c->subscription_count; i++) {
        json_out_open(j, NULL, '{');
        json_out_text(j, "subscription", explained_subscription_name(x, c->subscriptions[i].key));
        json_out_bool(j, "unsubscribed", c->subscriptions[i].is_unsubscribed);
        json_out_instant(j, "since", c->subscriptions[i].at_ms);
        json_out_close(j, '}');
    }
    json_out_close(j, ']');
    json_out_open(j, "caps", '[');
    for (uint32_t i = 0; i < x->rules->cap_count; i++) {
        int64_t again_ms;
        int32_t left = explained_cap_left(x, &x->rules->caps[i], &again_ms);

        json_out_open(j, NULL, '{');
        json_out_int(j, "count", x->rules->caps[i].count);
        json_out_int(j, "window_ms", x->rules->caps[i].window_ms);
        json_out_int(j, "left", left);
        json_out_instant(j, "again_at", again_ms);
        json_out_close(j, '}');
    }
    json_out_close(j, ']');
    say_predicate(x, "send_if", x->rules->send_if, j);
}

static void say_outputs(struct explained *x, const char *key, const struct outputs *out,
                        struct json_out *j)
{
    json_out_open(j, key, '[');
    for (uint32_t i = 0; i < out->count && i < EXPLAINED_NEXT_MAX; i++) {
        json_out_open(j, NULL, '{');
        json_out_instant(j, "at", out->items[i].at_ms);
        json_out_text(j, "what", explained_output(x, &out->items[i]));
        json_out_close(j, '}');
    }
    json_out_close(j, ']');
}

void explained_say_json(struct explained *x, FILE *to)
{
    struct json_out j = { .to = to };
    const struct customer *c = x->customer;

    json_out_open(&j, NULL, '{');
    json_out_text(&j, "customer", x->id);
    json_out_instant(&j, "at", x->now_ms);
    json_out_instant(&j, "decided_at", x->recorded_ms);
    json_out_int(&j, "record_bytes", (int64_t)x->record_size);
    if (x->partition_count > 0) {
        json_out_int(&j, "partition", x->partition);
        json_out_int(&j, "partition_count", x->partition_count);
    }
    json_out_text(&j, "config", x->rules->config_hex);
    json_out_instant(&j, "first_event", c->created_at_ms);
    json_out_instant(&j, "last_event",
                     c->created_at_ms == INSTANT_NEVER ? INSTANT_NEVER : c->last_event_ms);
    json_out_instant(&j, "last_engagement", c->last_engaged_ms);
    say_outputs(x, "since_record", &x->since, &j);
    say_attributes(x, &j);
    say_rfm(x, &j);
    say_scores(x, &j);
    say_histories(x, &j);
    say_segments(x, &j);
    say_sequences(x, &j);
    say_experiments(x, &j);
    say_limits(x, &j);
    say_outputs(x, "next", &x->next, &j);
    json_out_close(&j, '}');
    fputc('\n', to);
}
