/* Questions about history: count, sum, first, last; from the orders for purchases, else from the
 * kept histories. */
#include "segmenters/predicate_node.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "segmenters/rfm.h"

/* One thing counted: from a history entry or an order. */
struct item {
    int64_t at_ms;
    int64_t value;
};

static bool is_purchase(const struct order *o)
{
    return rfm_order_counts(o, INSTANT_NEVER - 1);
}

/* The items the question is about, oldest first. Returns: how many; *out_before: count and sum of
 * those no longer listed, for questions without a window. */
static uint32_t collect(const struct node *n, const struct view *v, const struct item **out_items,
                        struct item *out_before)
{
    const struct customer *c = v->customer;
    const struct history *h;
    struct item *items;
    uint32_t count = 0;

    *out_before = (struct item){ 0, 0 };
    *out_items = NULL;
    if (n->has_orders) {
        items = arena_alloc(v->arena, (c->order_count + 1) * sizeof(*items));
        for (uint32_t i = 0; i < c->order_count; i++) {
            if (is_purchase(&c->orders[i])) {
                items[count++] = (struct item){ c->orders[i].at_ms, rfm_order_net(&c->orders[i]) };
            }
        }
        *out_items = items;
        return count;
    }
    h = customer_history(c, v->plan->histories[n->histories[0]].key);
    if (h == NULL) {
        return 0;
    }
    items = arena_alloc(v->arena, (h->count + 1) * sizeof(*items));
    *out_before = (struct item){ h->total_count, h->total_sum };
    for (uint32_t i = 0; i < h->count; i++) {
        items[i] = (struct item){ h->entries[i].at_ms, h->entries[i].value };
        out_before->at_ms--;
        out_before->value -= h->entries[i].value;
    }
    *out_items = items;
    return h->count;
}

/* A sweep over time: items arrive at their instant and leave a window after it. */
struct sweep {
    const struct item *items;
    uint32_t count;
    uint32_t first; /* oldest still in the window */
    uint32_t next;  /* first not arrived yet */
    int64_t window_ms;
    bool is_sum;
    int64_t value;
};

static int64_t weight(const struct sweep *s, uint32_t i)
{
    return s->is_sum ? s->items[i].value : 1;
}

static int64_t leaves_at(const struct sweep *s, uint32_t i)
{
    return s->window_ms == INSTANT_NEVER ? INSTANT_NEVER : s->items[i].at_ms + s->window_ms;
}

static void sweep_to(struct sweep *s, int64_t now_ms)
{
    while (s->next < s->count && s->items[s->next].at_ms <= now_ms) {
        s->value += weight(s, s->next++);
    }
    while (s->first < s->next && leaves_at(s, s->first) <= now_ms) {
        s->value -= weight(s, s->first++);
    }
}

/* The next instant at which an item arrives or leaves. */
static int64_t sweep_next(const struct sweep *s)
{
    int64_t arrives = s->next < s->count ? s->items[s->next].at_ms : INSTANT_NEVER;
    int64_t leaves = s->first < s->next ? leaves_at(s, s->first) : INSTANT_NEVER;

    return arrives < leaves ? arrives : leaves;
}

static struct sweep sweep_start(const struct node *n, const struct view *v)
{
    struct sweep s = { .window_ms = n->window_ms, .is_sum = n->kind == NODE_SUM };
    struct item before;

    s.count = collect(n, v, &s.items, &before);
    if (n->window_ms == INSTANT_NEVER) {
        s.value = s.is_sum ? before.value : before.at_ms;
    }
    sweep_to(&s, v->now_ms);
    return s;
}

struct result predicate_aggregate(const struct node *n, const struct view *v)
{
    struct sweep s = sweep_start(n, v);
    struct result r = { .until_ms = sweep_next(&s) };

    r.value.type = n->type == TYPE_MONEY ? VALUE_MONEY : VALUE_INT;
    r.value.as.integer = s.value;
    return r;
}

struct answer predicate_aggregate_compare(const struct node *n, enum operator op, int64_t constant,
                                          const struct view *v)
{
    struct sweep s = sweep_start(n, v);
    bool is_true = predicate_compare_int(s.value, op, constant);
    int64_t until_ms;

    for (;;) { /* each turn an item arrives or leaves: at most twice their number */
        until_ms = sweep_next(&s);
        if (until_ms == INSTANT_NEVER) {
            break;
        }
        sweep_to(&s, until_ms);
        if (predicate_compare_int(s.value, op, constant) != is_true) {
            break;
        }
    }
    return (struct answer){ is_true ? TRUTH_TRUE : TRUTH_FALSE, until_ms };
}

static void consider(bool is_last, int64_t at_ms, int64_t now_ms, int64_t *best, int64_t *until_ms)
{
    if (at_ms == INSTANT_NEVER) {
        return;
    }
    if (at_ms > now_ms) {
        *until_ms = at_ms < *until_ms ? at_ms : *until_ms;
    } else if (*best == INSTANT_NEVER || (is_last ? at_ms > *best : at_ms < *best)) {
        *best = at_ms;
    }
}

struct result predicate_extreme_time(const struct node *n, const struct view *v)
{
    bool is_last = n->kind == NODE_LAST;
    const struct customer *c = v->customer;
    int64_t best = INSTANT_NEVER;
    struct result r = { .until_ms = INSTANT_NEVER };

    for (uint32_t i = 0; n->has_orders && i < c->order_count; i++) {
        if (is_purchase(&c->orders[i])) {
            consider(is_last, c->orders[i].at_ms, v->now_ms, &best, &r.until_ms);
        }
    }
    if (n->has_orders && !is_last && c->orders_ever > (int64_t)c->order_count) {
        consider(false, c->order_first_ms, v->now_ms, &best, &r.until_ms);
    }
    for (uint32_t i = 0; i < n->history_count; i++) {
        const struct history *h = customer_history(c, v->plan->histories[n->histories[i]].key);

        if (h != NULL) {
            consider(is_last, is_last ? h->last_ms : h->first_ms, v->now_ms, &best, &r.until_ms);
        }
    }
    r.is_unknown = best == INSTANT_NEVER;
    r.value = (struct value){ .type = VALUE_INSTANT, .as.integer = best };
    return r;
}
