#include "processor/cli/explained.h"

#include "processor/base/instant.h"

#define HORIZON_MS (400 * DAY_MS)

static struct step step_of(struct explained *x, int64_t stream_ms, struct outputs *out)
{
    return (struct step){ .rules = x->rules,
                          .customer = x->id,
                          .stream_ms = stream_ms,
                          .wall_ms = STEP_NO_WALL,
                          .out = out,
                          .scratch = &x->arena };
}

/* What time does to the customer up to and with until_ms. */
static void run_to(struct explained *x, struct customer *c, int64_t until_ms, struct outputs *out)
{
    struct step s = step_of(x, until_ms + 1, out);

    out->arena = &x->arena;
    step_time(&s, c);
}

/* The same record once more: what comes next must not change what is. */
static void look_ahead(struct explained *x)
{
    struct bytes_out bytes = { 0 };
    struct customer *copy = NULL;

    customer_encode(x->customer, &bytes);
    if (customer_decode(bytes_out_view(&bytes), &copy) == OK) {
        run_to(x, copy, x->now_ms + HORIZON_MS, &x->next);
        customer_free(copy);
    }
    bytes_out_fini(&bytes);
}

void explained_init(struct explained *out_explained, const struct config *c, struct text id,
                    struct customer_found *found, int64_t at_ms, int64_t now_ms)
{
    struct explained *x = out_explained;

    *x = (struct explained){ .config = c,
                             .rules = c->rules,
                             .id = id,
                             .customer = found->customer,
                             .now_ms = now_ms,
                             .record_size = found->record_size,
                             .partition = found->partition,
                             .partition_count = found->partition_count };
    found->customer = NULL;
    x->recorded_ms = x->customer->decided_at_ms;
    if (at_ms != INSTANT_NEVER) {
        x->now_ms = at_ms;
        run_to(x, x->customer, at_ms, &x->since);
    }
    x->now_ms = x->now_ms < x->recorded_ms ? x->recorded_ms : x->now_ms;
    look_ahead(x);
}

void explained_fini(struct explained *x)
{
    customer_free(x->customer);
    outputs_fini(&x->since);
    outputs_fini(&x->next);
    arena_fini(&x->arena);
}

struct view explained_view(struct explained *x)
{
    return (struct view){ .plan = &x->rules->facts,
                          .customer = x->customer,
                          .id = x->id,
                          .now_ms = x->now_ms,
                          .arena = &x->arena };
}

static struct text dotted(struct explained *x, struct text sequence, struct text email)
{
    return email.at == NULL
               ? sequence
               : arena_format(&x->arena, "%.*s.%.*s", TEXT_PRINTF(sequence), TEXT_PRINTF(email));
}

struct text explained_output(struct explained *x, const struct output *o)
{
    struct text name;

    switch (o->type) {
    case OUTPUT_MEMBERSHIP:
        return arena_format(&x->arena, "%s %.*s", o->as.membership.is_entered ? "enters" : "leaves",
                            TEXT_PRINTF(o->as.membership.segment));
    case OUTPUT_TRIGGER:
        name = dotted(x, o->as.trigger.sequence, o->as.trigger.email);
        return arena_format(&x->arena, "trigger %.*s, reason %s, attempt %d", TEXT_PRINTF(name),
                            outcome_name(o->as.trigger.reason), o->as.trigger.attempt);
    case OUTPUT_OUTCOME:
        name = dotted(x, o->as.outcome.sequence, o->as.outcome.email);
        return arena_format(&x->arena, "outcome %.*s is %s%s%s", TEXT_PRINTF(name),
                            outcome_name(o->as.outcome.outcome),
                            o->as.outcome.reason == REASON_NONE ? "" : ", reason ",
                            reason_name(o->as.outcome.reason));
    case OUTPUT_DEAD_LETTER:
    case OUTPUT_TYPE__COUNT:
        break;
    }
    return TEXT("");
}

int32_t explained_cap_left(const struct explained *x, const struct cap_plan *cap,
                           int64_t *out_again_ms)
{
    int32_t used = 0;

    *out_again_ms = INSTANT_NEVER;
    for (uint32_t k = x->customer->sent_count; k > 0; k--) {
        const struct sent *t = &x->customer->sent[k - 1];

        if (!t->is_transactional && t->sent_at_ms + cap->window_ms > x->now_ms) {
            used++;
            if (used <= cap->count) { /* the oldest of the newest `count` frees the next slot */
                *out_again_ms = t->sent_at_ms + cap->window_ms;
            }
        }
    }
    if (used < cap->count) {
        *out_again_ms = INSTANT_NEVER;
    }
    return used < cap->count ? cap->count - used : 0;
}

const struct sent *explained_open(const struct explained *x, const struct run *r)
{
    for (uint32_t i = x->customer->sent_count; i > 0; i--) {
        const struct sent *t = &x->customer->sent[i - 1];

        if (t->sequence == r->sequence && t->run == r->number && !t->is_judged) {
            return t;
        }
    }
    return NULL;
}

const struct sequence_plan *explained_sequence(const struct explained *x, uint32_t key)
{
    return rules_sequence(x->rules, key);
}

struct text explained_sequence_name(const struct explained *x, uint32_t key)
{
    const struct sequence_plan *s = rules_sequence(x->rules, key);

    return s == NULL ? TEXT("(a sequence that is gone)") : s->id;
}

struct text explained_email_name(const struct explained *x, uint32_t sequence, uint32_t email)
{
    const struct sequence_plan *s = rules_sequence(x->rules, sequence);
    const struct email_plan *e;
    uint32_t index;

    e = s == NULL ? NULL : rules_email(s, email, &index);
    return e == NULL ? TEXT("(an email that is gone)") : e->id;
}

static bool is_true(struct explained *x, const struct predicate *p)
{
    struct view v = explained_view(x);

    return p != NULL && predicate_eval(p, &v).truth == TRUTH_TRUE;
}

/* The order in which the engine asks (engine/entry.c). */
const char *explained_refusal(struct explained *x, const struct sequence_plan *s,
                              int64_t *out_from_ms)
{
    const struct customer *c = x->customer;
    const struct entry *e = customer_entry(c, s->key);
    const struct subscription *all = customer_subscription(c, 0);

    *out_from_ms = INSTANT_NEVER;
    if (customer_run(c, s->key) != NULL) {
        return reason_name(REASON_ACTIVE);
    }
    if (e != NULL && e->runs > 0 &&
        (s->is_once || x->now_ms - e->last_ms < s->reenter_after_ms || x->now_ms <= e->last_ms)) {
        *out_from_ms = s->is_once ? INSTANT_NEVER : e->last_ms + s->reenter_after_ms;
        return reason_name(REASON_REENTER_AFTER);
    }
    if (s->condition != NULL && !is_true(x, s->condition)) {
        return reason_name(REASON_IF);
    }
    if (is_true(x, s->stop_if)) {
        return reason_name(REASON_STOP_IF);
    }
    if (is_true(x, s->goal.when) ||
        (s->goal.is_entering && segments_is_in(c, s->goal.key, s->goal.rung))) {
        return reason_name(REASON_GOAL);
    }
    if (c->blocked_ms != INSTANT_NEVER || (all != NULL && all->is_unsubscribed)) {
        return reason_name(REASON_SUPPRESSION);
    }
    return NULL;
}
