/* DESIGN. The list holds the orders that a rule can ask for, by time, and behind them (time never)
 * refunds whose order was not seen yet. An order that left every window is held some time longer:
 * a second record of it must still be known as such. orders_ever and order_first_ms speak of all
 * orders placed, those that left the list included, less those refunded to nothing while held.
 */
#include "segmenters/facts_parts.h"

#include "processor/base/check.h"
#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"

/* A second record of an order is told from a new order for so long. */
#define ORDER_KEEP_MS_MIN (90 * DAY_MS)
/* Refunds that wait for their order; of more, those with the smallest ids. */
#define REFUNDS_WAITING_MAX 64

bool facts_is_foreign(const struct facts_plan *plan, const struct event *ev)
{
    return plan->currency.at != NULL && ev->currency.at != NULL &&
           !text_equal(plan->currency, ev->currency);
}

/* The rank of an event id among equal times. Its first six bytes, so that ids that differ there
 * rank as texts do; then bits of its hash, so that the rest still rank alike everywhere. */
static uint64_t id_rank(struct text id)
{
    uint64_t rank = 0;

    for (size_t i = 0; i < 6; i++) {
        rank = rank << 8 | (i < id.size ? (uint8_t)id.at[i] : 0);
    }
    return id.size == 0 ? 0 : rank << 16 | (hash64(id) & 0xffff);
}

static bool is_purchase(const struct order *o)
{
    return rfm_order_counts(o, INSTANT_NEVER - 1);
}

static bool is_before(const struct order *a, const struct order *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->id < b->id;
}

/* Put the order at `place` where it belongs. */
static void settle(struct customer *c, uint32_t place)
{
    struct order o = c->orders[place];

    CHECK(place < c->order_count);
    for (; place > 0 && is_before(&o, &c->orders[place - 1]); place--) {
        c->orders[place] = c->orders[place - 1];
    }
    for (; place + 1 < c->order_count && is_before(&c->orders[place + 1], &o); place++) {
        c->orders[place] = c->orders[place + 1];
    }
    c->orders[place] = o;
}

static void remove_order(struct customer *c, uint32_t place)
{
    CHECK(place < c->order_count);
    c->order_count--;
    memmove(&c->orders[place], &c->orders[place + 1],
            (c->order_count - place) * sizeof c->orders[0]);
}

static struct order *find_order(const struct customer *c, uint64_t id, uint32_t *out_place)
{
    for (uint32_t i = c->order_count; i-- > 0;) { /* the newest are asked for most */
        if (c->orders[i].id == id) {
            *out_place = i;
            return &c->orders[i];
        }
    }
    return NULL;
}

/* How long an order is held; never: for ever. */
static int64_t keep_for(const struct facts_plan *plan)
{
    int64_t keep_ms =
        plan->order_window_ms > ORDER_KEEP_MS_MIN ? plan->order_window_ms : ORDER_KEEP_MS_MIN;

    return plan->rfm.is_used && plan->rfm.window_ms > keep_ms ? plan->rfm.window_ms : keep_ms;
}

static bool is_outlived(const struct facts_plan *plan, int64_t at_ms, int64_t now_ms)
{
    int64_t keep_ms = keep_for(plan);

    return keep_ms != INSTANT_NEVER && at_ms <= now_ms && now_ms - at_ms >= keep_ms;
}

/* The newest purchase stays whatever its age: last("purchase") asks for it. */
static void shed_orders(const struct facts_plan *plan, struct customer *c, int64_t now_ms)
{
    struct facts_days days = { &c->order_days, &c->order_day_count, &c->order_day_capacity };
    uint32_t newest = c->order_count;
    uint32_t gone = 0;

    if (c->order_day_count > 0 && keep_for(plan) != INSTANT_NEVER) {
        facts_shed_days(&days, keep_for(plan), now_ms, &c->orders_from_ms);
    }
    if (newest == 0 || !is_outlived(plan, c->orders[0].at_ms, now_ms)) {
        return;
    }
    while (newest > 0 && !is_purchase(&c->orders[newest - 1])) {
        newest--;
    }
    newest = newest == 0 ? c->order_count : newest - 1;
    while (gone < newest && is_outlived(plan, c->orders[gone].at_ms, now_ms)) {
        gone++;
    }
    if (gone > 0) {
        facts_raise(&c->orders_from_ms, c->orders[gone - 1].at_ms);
        c->order_count -= gone;
        memmove(c->orders, c->orders + gone, c->order_count * sizeof c->orders[0]);
    }
}

/* An order for which there is no room: its day does not forget it. */
static void give_up(struct customer *c, const struct order *o)
{
    struct facts_days days = { &c->order_days, &c->order_day_count, &c->order_day_capacity };

    if (is_purchase(o)) {
        facts_fold(&days, o->at_ms, rfm_order_net(o));
    }
}

/* Hold one more. When there is no room the oldest goes, of waiting refunds the one with the largest
 * id; that may be the new one itself. */
static void hold_order(struct customer *c, const struct order *o)
{
    uint32_t waiting = 0;

    while (waiting < c->order_count &&
           c->orders[c->order_count - 1 - waiting].at_ms == INSTANT_NEVER) {
        waiting++;
    }
    CHECK(waiting <= REFUNDS_WAITING_MAX);
    if (o->at_ms == INSTANT_NEVER && waiting == REFUNDS_WAITING_MAX) {
        if (!is_before(o, &c->orders[c->order_count - 1])) {
            return;
        }
        remove_order(c, c->order_count - 1);
    } else if (c->order_count == CUSTOMER_ENTRIES_MAX) {
        if (is_before(o, &c->orders[0])) {
            give_up(c, o);
            return;
        }
        give_up(c, &c->orders[0]);
        remove_order(c, 0);
    }
    if (c->order_count == c->order_capacity) {
        c->orders = mem_grow32(c->orders, c->order_count, &c->order_capacity, sizeof c->orders[0]);
    }
    c->orders[c->order_count] = *o;
    c->order_count++;
    settle(c, c->order_count - 1);
}

/* Bring the totals of all time up to date after one order changed from `was` to `is`. */
static void count_order(struct customer *c, const struct order *was, const struct order *is)
{
    bool was_purchase = was != NULL && is_purchase(was);

    if (is_purchase(is)) {
        c->orders_ever += was_purchase ? 0 : 1;
        c->order_first_ms = is->at_ms < c->order_first_ms ? is->at_ms : c->order_first_ms;
        return;
    }
    if (!was_purchase) {
        return;
    }
    c->orders_ever -= c->orders_ever > 0 ? 1 : 0;
    if (was->at_ms == c->order_first_ms) {
        int64_t held = 0;
        int64_t first_ms = INSTANT_NEVER;

        for (uint32_t i = 0; i < c->order_count; i++) {
            if (is_purchase(&c->orders[i])) {
                held++;
                first_ms = c->orders[i].at_ms < first_ms ? c->orders[i].at_ms : first_ms;
            }
        }
        /* With older ones gone from the list, the first is among those. */
        c->order_first_ms = held == c->orders_ever ? first_ms : c->order_first_ms;
    }
}

/* An order without an id gets a number that no order held has. */
static uint64_t own_number(const struct customer *c)
{
    uint64_t number = (uint64_t)c->orders_ever + 1;
    uint32_t place;

    while (find_order(c, number, &place) != NULL) {
        number++;
    }
    return number;
}

/* Which of two records of one order stands: the earlier, then the one with the smaller id. */
static bool is_earlier_record(const struct order *a, const struct order *b)
{
    if (a->at_ms != b->at_ms) {
        return a->at_ms < b->at_ms;
    }
    return a->event_id != b->event_id ? a->event_id < b->event_id : a->amount < b->amount;
}

static bool is_newest(const struct customer *c, int64_t at_ms)
{
    for (uint32_t i = 0; i < c->order_count; i++) {
        if (c->orders[i].at_ms >= at_ms && is_purchase(&c->orders[i])) {
            return false;
        }
    }
    return true;
}

/* True when no other order has the same time: what histories hold of that time is this order's. */
static bool is_alone(const struct customer *c, uint32_t place)
{
    int64_t at_ms = c->orders[place].at_ms;

    CHECK(place < c->order_count);
    return (place == 0 || c->orders[place - 1].at_ms != at_ms) &&
           (place + 1 == c->order_count || c->orders[place + 1].at_ms != at_ms);
}

/* The refunds that waited for this order now lower it. */
static void take_refunds(struct order *o, const struct order *waiting)
{
    o->refunded = waiting->is_foreign && !o->is_foreign ? 0 : waiting->refunded;
    if (o->amount == 0 && o->refunded == 0 && waiting->is_foreign == o->is_foreign) {
        o->refunded = 1; /* nothing was refunded of nothing: refunded all the same */
    }
}

uint64_t facts_apply_purchase(const struct facts_plan *plan, struct customer *c,
                              const struct event *ev, int64_t now_ms,
                              struct facts_purchase *out_purchase)
{
    struct facts_purchase purchase = { .is_known = false };
    struct order o = { .at_ms = ev->at_ms,
                       .event_id = id_rank(ev->id),
                       .amount = ev->has_amount && ev->amount > 0 ? ev->amount : 0,
                       .is_foreign = facts_is_foreign(plan, ev) };
    struct order *known = NULL;
    struct order was;
    uint32_t place = 0;

    CHECK(ev->kind == EVENT_PURCHASE);
    shed_orders(plan, c, now_ms);
    o.id = ev->order.at != NULL ? hash64(ev->order) : own_number(c);
    known = ev->order.at != NULL ? find_order(c, o.id, &place) : NULL;
    if (known == NULL) {
        if (!is_outlived(plan, o.at_ms, now_ms) || is_newest(c, o.at_ms)) {
            hold_order(c, &o);
        } else {
            facts_raise(&c->orders_from_ms, o.at_ms);
        }
        count_order(c, NULL, &o);
        purchase.net = rfm_order_net(&o);
        *out_purchase = purchase;
        return FACT_RFM;
    }
    was = *known;
    if (was.at_ms == INSTANT_NEVER) {
        take_refunds(&o, &was);
    } else {
        purchase.is_known = true;
        if (!is_earlier_record(&o, &was)) {
            *out_purchase = purchase;
            return 0;
        }
        o.refunded = was.refunded;
        purchase.is_moved = is_alone(c, place);
        purchase.old_at_ms = was.at_ms;
    }
    *known = o;
    settle(c, place);
    count_order(c, &was, &o);
    purchase.net = rfm_order_net(&o);
    purchase.is_spent = !is_purchase(&o);
    *out_purchase = purchase;
    return FACT_RFM;
}

uint64_t facts_apply_refund(const struct facts_plan *plan, struct customer *c,
                            const struct event *ev, int64_t now_ms, struct facts_refund *out_refund)
{
    /* Without an amount all of it is refunded. */
    int64_t amount = !ev->has_amount ? INT64_MAX : ev->amount > 0 ? ev->amount : 0;
    bool is_foreign = facts_is_foreign(plan, ev);
    struct order *known;
    struct order was;
    uint32_t place = 0;

    CHECK(ev->kind == EVENT_REFUND);
    *out_refund = (struct facts_refund){ .is_changed = false };
    if (ev->order.at == NULL) {
        return 0; /* names no order */
    }
    shed_orders(plan, c, now_ms);
    known = find_order(c, hash64(ev->order), &place);
    if (known == NULL) {
        struct order waiting = { .id = hash64(ev->order),
                                 .at_ms = INSTANT_NEVER,
                                 .refunded = amount,
                                 .is_foreign = is_foreign };

        hold_order(c, &waiting);
        return 0;
    }
    was = *known;
    if (is_foreign && !known->is_foreign) {
        return 0; /* cannot be told how much of that order it is */
    }
    if (known->at_ms != INSTANT_NEVER && known->amount == 0 && amount == 0) {
        amount = 1; /* nothing was refunded of nothing: refunded all the same */
    }
    if (__builtin_add_overflow(known->refunded, amount, &known->refunded)) {
        known->refunded = INT64_MAX;
    }
    if (known->at_ms == INSTANT_NEVER || known->refunded == was.refunded) {
        return 0;
    }
    count_order(c, &was, known);
    *out_refund = (struct facts_refund){ .is_changed = is_purchase(&was),
                                         .is_spent = !is_purchase(known),
                                         .at_ms = known->at_ms,
                                         .old_net = rfm_order_net(&was),
                                         .new_net = rfm_order_net(known) };
    return FACT_RFM;
}
