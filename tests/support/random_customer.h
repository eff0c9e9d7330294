/* A random customer by seed, with every list in use and every field set.
 *
 * Test support.
 */
#ifndef TESTS_SUPPORT_RANDOM_CUSTOMER_H
#define TESTS_SUPPORT_RANDOM_CUSTOMER_H
#include "tests/support/random_records.h"

/* A list of 0 to 3 zeroed items on the heap. */
static inline void *random_list(struct rng *r, size_t item_size, uint32_t *out_count,
                                uint32_t *out_capacity)
{
    *out_count = (uint32_t)rng_below(r, RANDOM_LIST_MAX);
    *out_capacity = *out_count;
    return mem_alloc(*out_count * item_size);
}

static inline int64_t random_since(struct rng *r)
{
    return rng_chance(r, 5000) ? INSTANT_MIN : random_instant(r);
}

static inline struct history_day *random_days(struct rng *r, uint32_t *out_count,
                                              uint32_t *out_capacity)
{
    struct history_day *days = random_list(r, sizeof(*days), out_count, out_capacity);

    for (uint32_t i = 0; i < *out_count; i++) {
        days[i].day = (int32_t)(rng_between(r, -1000, 1000) + 10000 * (int32_t)i);
        days[i].count = random_long(r);
        days[i].sum = random_long(r);
        days[i].least = random_long(r);
        days[i].most = random_long(r);
    }
    return days;
}

static inline void random_facts(struct rng *r, struct arena *a, struct customer *c)
{
    for (uint64_t i = rng_below(r, RANDOM_LIST_MAX); i > 0; i--) {
        struct attribute *at = customer_need_attribute(c, (uint32_t)rng_next(r));
        struct value v = random_value(r, a);

        value_fini(&at->value);
        at->value = value_dup(&v);
        at->set_by = (uint32_t)rng_next(r);
        at->at_ms = random_instant(r);
    }
    for (uint64_t i = rng_below(r, RANDOM_LIST_MAX); i > 0; i--) {
        struct history *h = customer_need_history(c, (uint32_t)rng_next(r));

        mem_free(h->entries);
        mem_free(h->days);
        h->since_ms = random_since(r);
        h->from_ms = random_since(r);
        h->least = random_long(r);
        h->most = random_long(r);
        h->days = random_days(r, &h->day_count, &h->day_capacity);
        h->is_truncated = rng_chance(r, 5000);
        h->total_count = random_long(r);
        h->total_sum = random_long(r);
        h->first_ms = random_instant_or_never(r);
        h->last_ms = random_instant_or_never(r);
        h->entries = random_list(r, sizeof(*h->entries), &h->count, &h->capacity);
        for (uint32_t k = 0; k < h->count; k++) {
            h->entries[k].at_ms = random_instant(r);
            h->entries[k].value = random_long(r);
        }
    }
    for (uint64_t i = rng_below(r, RANDOM_LIST_MAX); i > 0; i--) {
        struct score *s = customer_need_score(c, (uint32_t)rng_next(r));

        s->points_q40 = rng_between(r, 0, INT64_MAX);
        s->at_ms = random_instant(r);
    }
    c->orders = random_list(r, sizeof(*c->orders), &c->order_count, &c->order_capacity);
    for (uint32_t i = 0; i < c->order_count; i++) {
        c->orders[i].id = rng_next(r);
        c->orders[i].event_id = rng_next(r);
        c->orders[i].at_ms = random_instant_or_never(r);
        c->orders[i].amount = random_long(r);
        c->orders[i].refunded = random_long(r);
        c->orders[i].is_foreign = rng_chance(r, 5000);
    }
    c->order_days = random_days(r, &c->order_day_count, &c->order_day_capacity);
    c->counters = random_list(r, sizeof(*c->counters), &c->counter_count, &c->counter_capacity);
    for (uint32_t i = 0; i < c->counter_count; i++) {
        c->counters[i] = (uint32_t)rng_below(r, 1000) + 1000 * i;
    }
    c->kinds = random_list(r, sizeof(*c->kinds), &c->kind_count, &c->kind_capacity);
    for (uint32_t i = 0; i < c->kind_count; i++) {
        c->kinds[i].kind = text_dup(random_name(r, a, i));
        c->kinds[i].last_ms = random_instant(r);
    }
}

static inline void random_sent(struct rng *r, struct sent *s)
{
    s->trigger_id = random_hash(r);
    s->sequence = (uint32_t)rng_next(r);
    s->email = (uint32_t)rng_next(r);
    s->run = random_long(r);
    s->attempt = random_count(r);
    s->sent_at_ms = random_instant(r);
    s->is_transactional = rng_chance(r, 5000);
    s->is_judged = rng_chance(r, 5000);
    s->first_open_ms = random_instant_or_never(r);
    s->first_reply_ms = random_instant_or_never(r);
    s->soft_bounce_ms = random_instant_or_never(r);
    s->last_sign_ms = random_instant_or_never(r);
    s->clicks = random_list(r, sizeof(*s->clicks), &s->click_count, &s->click_capacity);
    for (uint32_t i = 0; i < s->click_count; i++) {
        s->clicks[i].at_ms = random_instant(r);
        s->clicks[i].link = (uint32_t)rng_next(r);
        s->clicks[i].is_machine = rng_chance(r, 5000);
    }
}

static inline void random_run(struct rng *r, struct arena *a, struct run *run)
{
    run->sequence = (uint32_t)rng_next(r);
    run->number = random_long(r);
    run->entered_at_ms = random_instant(r);
    run->cause = text_dup(random_text(r, a, 12));
    run->phase = (enum run_phase)rng_below(r, RUN_HELD_OUT + 1);
    run->email = (uint32_t)rng_next(r);
    run->slot_use = random_count(r);
    run->use_slot = (uint32_t)rng_next(r);
    run->use_id = text_dup(random_text_or_none(r, a));
    run->previous_ms = random_instant(r);
    run->planned_at_ms = random_instant_or_never(r);
    run->not_before_ms = random_instant(r);
    run->due_ms = random_instant_or_never(r);
    run->reason = (enum outcome)rng_below(r, OUTCOME__COUNT);
    run->last_judged = (enum outcome)rng_below(r, OUTCOME__COUNT);
    run->row_count = random_count(r);
    run->emails_sent = random_count(r);
    run->action = (uint32_t)rng_next(r);
    run->held_until_ms = random_instant_or_never(r);
    run->held_for_ms = random_long(r);
    run->shown_rows = (int32_t)rng_below(r, INT32_MAX);
    run->plan = random_list(r, sizeof(*run->plan), &run->plan_count, &run->plan_capacity);
    for (uint32_t i = 0; i < run->plan_count; i++) {
        run->plan[i].id = text_dup(random_name(r, a, i));
        run->plan[i].key = hash32(run->plan[i].id);
        run->plan[i].after_ms = random_long(r);
    }
    run->emails = random_list(r, sizeof(*run->emails), &run->email_count, &run->email_capacity);
    for (uint32_t i = 0; i < run->email_count; i++) {
        run->emails[i].email = (uint32_t)rng_next(r);
        run->emails[i].sent = random_count(r);
        for (unsigned k = 0; k < 4; k++) {
            run->emails[i].acted[k] = random_count(r);
        }
    }
    run->context =
        random_list(r, sizeof(*run->context), &run->context_count, &run->context_capacity);
    for (uint32_t i = 0; i < run->context_count; i++) {
        run->context[i].name = text_dup(random_name(r, a, i));
        run->context[i].value = text_dup(random_text_or_none(r, a));
    }
}

static inline void random_exposure(struct rng *r, struct exposure *e)
{
    e->arm = (uint32_t)rng_next(r);
    e->at_ms = random_instant(r);
    e->is_converted = rng_chance(r, 5000);
    e->is_unsubscribed = rng_chance(r, 5000);
    e->is_complained = rng_chance(r, 5000);
    mem_free(e->segments); /* a key drawn twice */
    e->segments = random_list(r, sizeof(uint32_t), &e->segment_count, &e->segment_capacity);
    for (uint32_t i = 0; i < e->segment_count; i++) {
        e->segments[i] = (uint32_t)rng_next(r);
    }
}

static inline void random_state(struct rng *r, struct arena *a, struct customer *c)
{
    for (uint64_t i = rng_below(r, RANDOM_LIST_MAX); i > 0; i--) {
        struct membership *m = customer_need_membership(c, (uint32_t)rng_next(r));

        m->rung = (uint32_t)rng_next(r);
        m->is_member = rng_chance(r, 5000);
        m->since_ms = random_instant(r);
        m->pending_ms = random_instant_or_never(r);
        m->until_ms = random_instant_or_never(r);
    }
    c->sent = random_list(r, sizeof(*c->sent), &c->sent_count, &c->sent_capacity);
    for (uint32_t i = 0; i < c->sent_count; i++) {
        random_sent(r, &c->sent[i]);
    }
    c->waiting = random_list(r, sizeof(*c->waiting), &c->waiting_count, &c->waiting_capacity);
    for (uint32_t i = 0; i < c->waiting_count; i++) {
        struct event ev = random_event(r, a);
        struct bytes_out kept = { NULL, 0, 0 };

        event_encode(&ev, &kept);
        c->waiting[i].due_ms = random_instant(r);
        c->waiting[i].trigger_id = random_hash(r);
        c->waiting[i].event = bytes_out_view(&kept); /* the customer owns it now */
    }
    c->runs = random_list(r, sizeof(*c->runs), &c->run_count, &c->run_capacity);
    for (uint32_t i = 0; i < c->run_count; i++) {
        random_run(r, a, &c->runs[i]);
    }
    for (uint64_t i = rng_below(r, RANDOM_LIST_MAX); i > 0; i--) {
        struct entry *e = customer_need_entry(c, (uint32_t)rng_next(r));

        e->is_completed = rng_chance(r, 5000);
        e->runs = random_long(r);
        e->last_ms = random_instant(r);
    }
    for (uint64_t i = rng_below(r, RANDOM_LIST_MAX); i > 0; i--) {
        struct subscription *s = customer_need_subscription(c, (uint32_t)rng_next(r));

        s->is_unsubscribed = rng_chance(r, 5000);
        s->at_ms = random_instant(r);
    }
    for (uint64_t i = rng_below(r, RANDOM_LIST_MAX); i > 0; i--) {
        random_exposure(r, customer_need_exposure(c, (uint32_t)rng_next(r)));
    }
}

/* Owner: the caller, customer_free. */
static inline struct customer *random_customer(struct rng *r, struct arena *a)
{
    struct customer *c = customer_new();

    c->config = rng_next(r);
    c->created_at_ms = random_instant_or_never(r);
    c->decided_at_ms = random_instant(r);
    c->last_event_ms = random_instant(r);
    c->last_engaged_ms = random_instant_or_never(r);
    c->erased_ms = random_instant_or_never(r);
    c->blocked_ms = random_instant_or_never(r);
    c->due_ms = random_instant_or_never(r);
    c->orders_ever = random_long(r);
    c->order_first_ms = random_instant_or_never(r);
    c->orders_from_ms = random_since(r);
    c->id_count = (uint32_t)rng_below(r, CUSTOMER_IDS_MAX + 1);
    c->id_capacity = c->id_count;
    c->ids = mem_alloc(c->id_count * sizeof(*c->ids));
    for (uint32_t i = 0; i < c->id_count; i++) {
        c->ids[i] = rng_next(r);
    }
    random_facts(r, a, c);
    random_state(r, a, c);
    return c;
}

#endif /* TESTS_SUPPORT_RANDOM_CUSTOMER_H */
