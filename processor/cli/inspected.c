#include "processor/cli/inspected.h"

#include "processor/base/instant.h"
#include "processor/cli/value_text.h"

#include <inttypes.h>

struct saying {
    struct outline *o;
    const struct rules *rules;
    const struct customer *c;
    struct arena *arena;
};

/* --- names --- */

static struct text unknown(struct arena *arena, uint32_t key)
{
    return arena_format(arena, "#%08" PRIx32, key);
}

static struct text sequence_name(const struct rules *rules, struct arena *arena, uint32_t key)
{
    const struct sequence_plan *s = rules_sequence(rules, key);

    return s == NULL ? unknown(arena, key) : s->id;
}

static struct text email_name(const struct rules *rules, struct arena *arena, uint32_t sequence,
                              uint32_t email)
{
    const struct sequence_plan *s = rules_sequence(rules, sequence);
    uint32_t index;
    const struct email_plan *e = s == NULL ? NULL : rules_email(s, email, &index);

    return e == NULL ? unknown(arena, email) : e->id;
}

static struct text segment_name(const struct saying *s, uint32_t key, uint32_t rung)
{
    const struct segments_plan *plan = &s->rules->segments;

    for (uint32_t i = 0; i < plan->count; i++) {
        const struct segment_plan *p = &plan->segments[i];

        for (uint32_t k = 0; p->key == key && rung != 0 && k < p->rung_count; k++) {
            if (p->rungs[k].key == rung) {
                return p->rungs[k].id;
            }
        }
        if (p->key == key) {
            return p->id;
        }
    }
    return unknown(s->arena, key);
}

static struct text attribute_name(const struct saying *s, uint32_t key)
{
    const struct facts_plan *plan = &s->rules->facts;

    for (uint32_t i = 0; i < plan->attribute_count; i++) {
        if (plan->attributes[i].key == key) {
            return plan->attributes[i].name;
        }
    }
    return unknown(s->arena, key);
}

static struct text score_name(const struct saying *s, uint32_t key)
{
    const struct facts_plan *plan = &s->rules->facts;

    for (uint32_t i = 0; i < plan->score_count; i++) {
        if (plan->scores[i].key == key) {
            return plan->scores[i].name;
        }
    }
    return unknown(s->arena, key);
}

static struct text history_name(const struct saying *s, uint32_t key)
{
    const struct facts_plan *plan = &s->rules->facts;

    for (uint32_t i = 0; i < plan->history_count; i++) {
        if (plan->histories[i].key == key) {
            return plan->histories[i].name;
        }
    }
    return unknown(s->arena, key);
}

static struct text subscription_name(const struct saying *s, uint32_t key)
{
    for (uint32_t i = 0; key != 0 && i < s->rules->sequence_count; i++) {
        const struct sequence_plan *p = &s->rules->sequences[i];

        for (uint32_t k = 0; k < p->email_count; k++) {
            if (p->emails[k].subscription_key == key) {
                return p->emails[k].subscription;
            }
        }
    }
    return key == 0 ? TEXT("all") : unknown(s->arena, key);
}

static const struct experiment_plan *experiment(const struct saying *s, uint32_t key)
{
    for (uint32_t i = 0; i < s->rules->experiment_count; i++) {
        if (s->rules->experiments[i].key == key) {
            return &s->rules->experiments[i];
        }
    }
    return NULL;
}

/* --- facts --- */

static void say_attributes(const struct saying *s)
{
    outline_open(s->o, "attributes", '[');
    for (uint32_t i = 0; i < s->c->attribute_count; i++) {
        const struct attribute *a = &s->c->attributes[i];

        outline_open(s->o, NULL, '{');
        outline_text(s->o, "name", attribute_name(s, a->key));
        outline_text(s->o, "value",
                     a->value.type == VALUE_NULL
                         ? TEXT_NONE
                         : value_text(s->arena, &a->value, s->rules->facts.currency));
        outline_instant(s->o, "at", a->at_ms);
        if (a->set_by != 0) {
            outline_text(s->o, "set_by", sequence_name(s->rules, s->arena, a->set_by));
        }
        outline_close(s->o, '}');
    }
    outline_close(s->o, ']');
}

static void say_orders(const struct saying *s)
{
    outline_int(s->o, "orders_ever", s->c->orders_ever);
    outline_open(s->o, "orders", '[');
    for (uint32_t i = 0; i < s->c->order_count; i++) {
        const struct order *r = &s->c->orders[i];

        outline_open(s->o, NULL, '{');
        outline_text(s->o, "id_hash", arena_format(s->arena, "%016" PRIx64, r->id));
        outline_instant(s->o, "at", r->at_ms);
        outline_int(s->o, "amount", r->amount);
        outline_int(s->o, "refunded", r->refunded);
        outline_bool(s->o, "foreign", r->is_foreign);
        outline_close(s->o, '}');
    }
    outline_close(s->o, ']');
}

static void say_histories(const struct saying *s)
{
    outline_open(s->o, "histories", '[');
    for (uint32_t i = 0; i < s->c->history_count; i++) {
        const struct history *h = &s->c->histories[i];

        outline_open(s->o, NULL, '{');
        outline_text(s->o, "of", history_name(s, h->key));
        outline_int(s->o, "entries", h->count);
        outline_int(s->o, "days", h->day_count);
        outline_int(s->o, "count", h->total_count);
        outline_instant(s->o, "first", h->first_ms);
        outline_instant(s->o, "last", h->last_ms);
        if (h->since_ms != INSTANT_MIN && h->since_ms != INSTANT_NEVER) {
            outline_instant(s->o, "counted_since", h->since_ms);
        }
        outline_bool(s->o, "truncated", h->is_truncated);
        outline_close(s->o, '}');
    }
    outline_close(s->o, ']');
    outline_open(s->o, "scores", '[');
    for (uint32_t i = 0; i < s->c->score_count; i++) {
        const struct score *p = &s->c->scores[i];

        outline_open(s->o, NULL, '{');
        outline_text(s->o, "name", score_name(s, p->key));
        outline_text(s->o, "points", value_text_points(s->arena, p->points_q40));
        outline_instant(s->o, "at", p->at_ms);
        outline_close(s->o, '}');
    }
    outline_close(s->o, ']');
    outline_open(s->o, "last_events", '[');
    for (uint32_t i = 0; i < s->c->kind_count; i++) {
        outline_open(s->o, NULL, '{');
        outline_text(s->o, "kind", s->c->kinds[i].kind);
        outline_instant(s->o, "at", s->c->kinds[i].last_ms);
        outline_close(s->o, '}');
    }
    outline_close(s->o, ']');
}

/* --- segments --- */

static void say_memberships(const struct saying *s)
{
    outline_open(s->o, "memberships", '[');
    for (uint32_t i = 0; i < s->c->membership_count; i++) {
        const struct membership *m = &s->c->memberships[i];

        outline_open(s->o, NULL, '{');
        outline_text(s->o, "segment", segment_name(s, m->key, m->rung));
        outline_bool(s->o, "member", m->is_member);
        outline_instant(s->o, "since", m->is_member ? m->since_ms : INSTANT_NEVER);
        outline_instant(s->o, "pending_since", m->pending_ms);
        outline_instant(s->o, "until", m->until_ms);
        outline_close(s->o, '}');
    }
    outline_close(s->o, ']');
}

/* --- sequences --- */

static const char *const phases[] = { [RUN_PLANNED] = "planned",
                                      [RUN_JUDGING] = "judging",
                                      [RUN_ACTION] = "action",
                                      [RUN_HELD_OUT] = "held_out" };

static void say_runs(const struct saying *s)
{
    outline_open(s->o, "runs", '[');
    for (uint32_t i = 0; i < s->c->run_count; i++) {
        const struct run *r = &s->c->runs[i];

        outline_open(s->o, NULL, '{');
        outline_text(s->o, "sequence", sequence_name(s->rules, s->arena, r->sequence));
        outline_int(s->o, "run", r->number);
        outline_text(s->o, "phase", text_of(phases[r->phase]));
        outline_text(s->o, "email", email_name(s->rules, s->arena, r->sequence, r->email));
        outline_instant(s->o, "entered_at", r->entered_at_ms);
        outline_text(s->o, "cause", r->cause);
        outline_instant(s->o, "planned_at", r->planned_at_ms);
        outline_instant(s->o, "due_at", r->due_ms);
        outline_int(s->o, "emails_sent", r->emails_sent);
        outline_text(s->o, "reason", text_of(outcome_name(r->reason)));
        outline_open(s->o, "plan", '[');
        for (uint32_t k = 0; k < r->plan_count; k++) {
            outline_text(s->o, NULL, r->plan[k].id);
        }
        outline_close(s->o, ']');
        outline_close(s->o, '}');
    }
    outline_close(s->o, ']');
    outline_open(s->o, "entries", '[');
    for (uint32_t i = 0; i < s->c->entry_count; i++) {
        const struct entry *e = &s->c->entries[i];

        outline_open(s->o, NULL, '{');
        outline_text(s->o, "sequence", sequence_name(s->rules, s->arena, e->sequence));
        outline_int(s->o, "runs", e->runs);
        outline_instant(s->o, "last", e->runs == 0 ? INSTANT_NEVER : e->last_ms);
        outline_bool(s->o, "completed", e->is_completed);
        outline_close(s->o, '}');
    }
    outline_close(s->o, ']');
}

static void say_sent(const struct saying *s)
{
    outline_open(s->o, "sent", '[');
    for (uint32_t i = 0; i < s->c->sent_count; i++) {
        const struct sent *t = &s->c->sent[i];
        char hex[33];

        hash128_hex(t->trigger_id, hex);
        outline_open(s->o, NULL, '{');
        outline_text(s->o, "trigger_id", text_of(hex));
        outline_text(s->o, "sequence", sequence_name(s->rules, s->arena, t->sequence));
        outline_text(s->o, "email", email_name(s->rules, s->arena, t->sequence, t->email));
        outline_int(s->o, "run", t->run);
        outline_int(s->o, "attempt", t->attempt);
        outline_instant(s->o, "sent_at", t->sent_at_ms);
        outline_instant(s->o, "first_open", t->first_open_ms);
        outline_int(s->o, "clicks", t->click_count);
        outline_bool(s->o, "judged", t->is_judged);
        outline_close(s->o, '}');
    }
    outline_close(s->o, ']');
    outline_open(s->o, "waiting_clicks", '[');
    for (uint32_t i = 0; i < s->c->waiting_count; i++) {
        char hex[33];

        hash128_hex(s->c->waiting[i].trigger_id, hex);
        outline_open(s->o, NULL, '{');
        outline_text(s->o, "trigger_id", text_of(hex));
        outline_instant(s->o, "due_at", s->c->waiting[i].due_ms);
        outline_close(s->o, '}');
    }
    outline_close(s->o, ']');
}

static void say_subscriptions(const struct saying *s)
{
    outline_open(s->o, "subscriptions", '[');
    for (uint32_t i = 0; i < s->c->subscription_count; i++) {
        const struct subscription *u = &s->c->subscriptions[i];

        outline_open(s->o, NULL, '{');
        outline_text(s->o, "name", subscription_name(s, u->key));
        outline_bool(s->o, "unsubscribed", u->is_unsubscribed);
        outline_instant(s->o, "at", u->at_ms);
        outline_close(s->o, '}');
    }
    outline_close(s->o, ']');
}

static void say_exposures(const struct saying *s)
{
    outline_open(s->o, "exposures", '[');
    for (uint32_t i = 0; i < s->c->exposure_count; i++) {
        const struct exposure *e = &s->c->exposures[i];
        const struct experiment_plan *p = experiment(s, e->key);
        struct text arm = unknown(s->arena, e->arm);

        for (uint32_t k = 0; p != NULL && k < p->arms.count; k++) {
            arm = hash32(p->arms.arms[k].name) == e->arm ? p->arms.arms[k].name : arm;
        }
        outline_open(s->o, NULL, '{');
        outline_text(s->o, "experiment", p == NULL ? unknown(s->arena, e->key) : p->id);
        outline_text(s->o, "arm", arm);
        outline_instant(s->o, "at", e->at_ms);
        outline_bool(s->o, "converted", e->is_converted);
        outline_close(s->o, '}');
    }
    outline_close(s->o, ']');
}

void inspected_say(struct outline *o, const struct rules *rules, const struct customer *c)
{
    struct arena arena = { 0 };
    struct saying s = { o, rules, c, &arena };

    outline_text(o, "config", arena_format(&arena, "%016" PRIx64, c->config));
    outline_instant(o, "created_at", c->created_at_ms);
    outline_instant(o, "decided_at", c->decided_at_ms);
    outline_instant(o, "last_event",
                    c->created_at_ms == INSTANT_NEVER ? INSTANT_NEVER : c->last_event_ms);
    outline_instant(o, "last_engaged", c->last_engaged_ms);
    outline_instant(o, "erased_at", c->erased_ms);
    outline_instant(o, "suppressed_since", c->blocked_ms);
    outline_instant(o, "due_at", c->due_ms);
    outline_text(o, "due_for",
                 c->due_ms == INSTANT_NEVER ? TEXT_NONE
                                            : inspected_due(rules, c, c->due_ms, &arena));
    outline_int(o, "event_ids", c->id_count);
    say_attributes(&s);
    say_orders(&s);
    say_histories(&s);
    say_memberships(&s);
    say_runs(&s);
    say_sent(&s);
    say_subscriptions(&s);
    say_exposures(&s);
    arena_fini(&arena);
}

struct text inspected_due(const struct rules *rules, const struct customer *c, int64_t due_ms,
                          struct arena *arena)
{
    struct saying s = { NULL, rules, c, arena };

    for (uint32_t i = 0; i < c->run_count; i++) {
        const struct run *r = &c->runs[i];

        if (r->due_ms == due_ms) {
            struct text name = sequence_name(rules, arena, r->sequence);
            struct text email = email_name(rules, arena, r->sequence, r->email);

            return arena_format(arena, "%.*s %s %.*s", TEXT_PRINTF(name), phases[r->phase],
                                TEXT_PRINTF(email));
        }
    }
    for (uint32_t i = 0; i < c->waiting_count; i++) {
        if (c->waiting[i].due_ms == due_ms) {
            return TEXT("a click that waits for bot_wait");
        }
    }
    for (uint32_t i = 0; i < c->membership_count; i++) {
        if (c->memberships[i].until_ms == due_ms) {
            struct text name = segment_name(&s, c->memberships[i].key, 0);

            return arena_format(arena, "segment %.*s", TEXT_PRINTF(name));
        }
    }
    return TEXT("a condition of a sequence, or forget_after");
}
