/* DESIGN. Questions about history: count, sum, min, max, distinct, first, last; of purchases from
 * the orders, else from the kept histories.
 *
 * A question becomes a list of items by time: entries or orders, before them the days of those that
 * were folded, for distinct one item per value at its newest time. A sweep walks over time: items
 * arrive at their instant and leave the window after it. The value of min and max is that of a
 * suffix of the list, whose extremes are found once.
 *
 * What is known of the past may begin later than the window: then the value is a bound until the
 * window has filled.
 */
#include "segmenters/predicate_node.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "segmenters/rfm.h"

__extension__ typedef __int128 wide; /* no sum of what is listed overflows it */

struct item {
    int64_t at_ms;
    int64_t count; /* of events: a day has more than one */
    int64_t value; /* sum; of min and max the extreme */
};

struct sweep {
    enum node_kind kind;
    bool is_number; /* values are millionths */
    enum value_type type;
    struct item *items;
    uint32_t count;
    int64_t *extremes; /* MIN MAX: of the items from each place on */
    uint32_t first;    /* oldest still in the window */
    uint32_t next;     /* first not arrived yet */
    int64_t window_ms;
    wide value;         /* COUNT SUM DISTINCT */
    bool has_before;    /* MIN MAX without a window: of those no longer listed too */
    int64_t before;     /* the extreme of all time */
    bool is_bound;      /* more may have happened than is known .. */
    int64_t settled_ms; /* .. until then */
};

static bool is_extreme(enum node_kind kind)
{
    return kind == NODE_MIN || kind == NODE_MAX;
}

static bool is_better(enum node_kind kind, int64_t a, int64_t b)
{
    return kind == NODE_MIN ? a < b : a > b;
}

static bool is_purchase(const struct order *o)
{
    return rfm_order_counts(o, INSTANT_NEVER - 1);
}

static void put(struct sweep *s, int64_t at_ms, int64_t count, int64_t value)
{
    s->items[s->count++] = (struct item){ at_ms, count, value };
}

static void put_days(struct sweep *s, const struct history_day *days, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        put(s, facts_day_end(&days[i]), days[i].count,
            s->kind == NODE_MIN   ? days[i].least
            : s->kind == NODE_MAX ? days[i].most
                                  : days[i].sum);
    }
}

/* What is known begins at from_ms: is the window still larger than that? */
static void bound(struct sweep *s, int64_t from_ms, int64_t now_ms)
{
    int64_t until_ms;

    if (from_ms == INSTANT_MIN) {
        return;
    }
    if (s->window_ms == INSTANT_NEVER ||
        __builtin_add_overflow(from_ms - 1, s->window_ms, &until_ms)) {
        until_ms = INSTANT_NEVER;
    }
    s->is_bound = until_ms > now_ms;
    s->settled_ms = s->is_bound ? until_ms : INSTANT_NEVER;
}

/* Days end after some of the entries: by time all the same. */
static void sort_items(struct sweep *s)
{
    for (uint32_t i = 1; i < s->count; i++) {
        struct item item = s->items[i];
        uint32_t place = i;

        for (; place > 0 && s->items[place - 1].at_ms > item.at_ms; place--) {
            s->items[place] = s->items[place - 1];
        }
        s->items[place] = item;
    }
}

static void collect_orders(struct sweep *s, const struct view *v)
{
    const struct customer *c = v->customer;
    int64_t listed = 0;

    s->items =
        arena_room(v->arena, (c->order_count + c->order_day_count + 1) * sizeof(struct item));
    put_days(s, c->order_days, c->order_day_count);
    for (uint32_t i = 0; i < c->order_count; i++) {
        if (is_purchase(&c->orders[i])) {
            put(s, c->orders[i].at_ms, 1, rfm_order_net(&c->orders[i]));
        }
    }
    for (uint32_t i = 0; i < s->count; i++) {
        listed += s->items[i].count;
    }
    if (s->window_ms == INSTANT_NEVER && s->kind == NODE_COUNT) {
        s->value = c->orders_ever - listed; /* the number is known of all time */
    } else {
        bound(s, c->orders_from_ms, v->now_ms);
    }
}

/* One item per value, at its newest time. */
static void keep_newest(struct sweep *s, const struct view *v)
{
    uint32_t size = 8, kept = s->count;
    uint32_t *slots;

    while (size < 2 * s->count) {
        size *= 2;
    }
    slots = arena_alloc(v->arena, size * sizeof(*slots)); /* place + 1 of an item; 0: free */
    for (uint32_t i = s->count; i-- > 0;) {
        uint32_t slot =
            (uint32_t)((uint64_t)s->items[i].value * UINT64_C(0x9E3779B97F4A7C15) >> 32) &
            (size - 1);

        while (slots[slot] != 0 && s->items[slots[slot] - 1].value != s->items[i].value) {
            slot = (slot + 1) & (size - 1);
        }
        if (slots[slot] == 0) {
            s->items[--kept] = s->items[i];
            slots[slot] = kept + 1;
        }
    }
    s->items += kept;
    s->count -= kept;
}

static int64_t known_from(const struct history *h, const struct history_plan *plan)
{
    int64_t listed = h->count;

    for (uint32_t i = 0; i < h->day_count; i++) {
        listed += h->days[i].count;
    }
    if (h->from_ms == INSTANT_MIN && plan->class != HISTORY_VALUES && h->total_count > listed) {
        return h->last_ms + 1; /* so far only totals were kept */
    }
    return h->from_ms > h->since_ms ? h->from_ms : h->since_ms;
}

/* Without a window totals say it all, or all that came since the counter began. */
static void take_totals(struct sweep *s, const struct history *h, const struct view *v)
{
    s->has_before = h->total_count > 0 && is_extreme(s->kind);
    s->before = s->kind == NODE_MIN ? h->least : h->most;
    s->value = s->kind == NODE_COUNT ? h->total_count : s->kind == NODE_SUM ? h->total_sum : 0;
    for (uint32_t i = 0; i < s->count; i++) {
        s->value -= s->kind == NODE_COUNT ? s->items[i].count : s->items[i].value;
    }
    bound(s, h->since_ms, v->now_ms);
}

static void collect_history(struct sweep *s, const struct history_plan *plan, const struct view *v)
{
    const struct history *h = customer_history(v->customer, plan->key);

    if (h == NULL) {
        return;
    }
    s->items = arena_room(v->arena, (h->count + h->day_count + 1) * sizeof(struct item));
    if (s->kind != NODE_DISTINCT) {
        put_days(s, h->days, h->day_count);
    }
    for (uint32_t i = 0; i < h->count; i++) {
        put(s, h->entries[i].at_ms, 1, h->entries[i].value);
    }
    if (s->kind == NODE_DISTINCT) {
        keep_newest(s, v);
        for (uint32_t i = 0; i < h->day_count && s->window_ms == INSTANT_NEVER; i++) {
            s->value += h->days[i].count;
        }
        bound(s, s->window_ms == INSTANT_NEVER ? h->since_ms : known_from(h, plan), v->now_ms);
    } else if (s->window_ms == INSTANT_NEVER) {
        take_totals(s, h, v);
    } else {
        bound(s, known_from(h, plan), v->now_ms);
    }
}

static void find_extremes(struct sweep *s, struct arena *arena)
{
    s->extremes = arena_room(arena, (s->count + 1) * sizeof(*s->extremes));
    for (uint32_t i = s->count; i-- > 0;) {
        int64_t value = s->items[i].value;

        s->extremes[i] = i + 1 < s->count && is_better(s->kind, s->extremes[i + 1], value)
                             ? s->extremes[i + 1]
                             : value;
    }
}

static int64_t weight(const struct sweep *s, uint32_t i)
{
    return s->kind == NODE_SUM ? s->items[i].value : s->items[i].count;
}

static int64_t leaves_at(const struct sweep *s, uint32_t i)
{
    int64_t at_ms;

    if (s->window_ms == INSTANT_NEVER ||
        __builtin_add_overflow(s->items[i].at_ms, s->window_ms, &at_ms)) {
        return INSTANT_NEVER;
    }
    return at_ms;
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
    struct sweep s = { .kind = n->kind,
                       .type = n->type == TYPE_MONEY ? VALUE_MONEY : VALUE_INT,
                       .is_number = n->type == TYPE_NUMBER,
                       .window_ms = n->window_ms,
                       .settled_ms = INSTANT_NEVER };

    if (n->has_orders) {
        collect_orders(&s, v);
    } else {
        collect_history(&s, &v->plan->histories[n->histories[0]], v);
    }
    sort_items(&s);
    if (is_extreme(s.kind)) {
        find_extremes(&s, v->arena);
    }
    sweep_to(&s, v->now_ms);
    return s;
}

/* The extreme of what is in the window now. Returns: false when nothing is. */
static bool extreme_now(const struct sweep *s, int64_t *out)
{
    bool is_found = s->has_before;

    *out = s->before;
    if (s->first < s->next && s->next == s->count) {
        *out = is_found && is_better(s->kind, *out, s->extremes[s->first]) ? *out
                                                                           : s->extremes[s->first];
        return true;
    }
    for (uint32_t i = s->first; i < s->next; i++) {
        if (!is_found || is_better(s->kind, s->items[i].value, *out)) {
            *out = s->items[i].value;
        }
        is_found = true;
    }
    return is_found;
}

static enum bound bound_of(const struct sweep *s)
{
    return !s->is_bound ? BOUND_EXACT : s->kind == NODE_MIN ? BOUND_MOST : BOUND_LEAST;
}

static struct result value_now(const struct sweep *s)
{
    struct result r = { .until_ms = s->settled_ms,
                        .bound = bound_of(s),
                        .value = { .type = s->type, .as.integer = (int64_t)s->value } };

    if (is_extreme(s->kind)) {
        if (!extreme_now(s, &r.value.as.integer)) {
            r.is_unknown = true;
            r.is_missing = !s->is_bound;
            return r;
        }
    } else if (s->value > INT64_MAX || s->value < INT64_MIN ||
               (s->kind == NODE_SUM && s->is_number && s->is_bound)) {
        r.is_unknown = true; /* too much; numbers below 0 may have come before */
        return r;
    }
    if (s->is_number) {
        int64_t units = r.value.as.integer;

        r.value =
            units % HISTORY_NUMBER_UNIT == 0
                ? (struct value){ .type = VALUE_INT, .as.integer = units / HISTORY_NUMBER_UNIT }
                : (struct value){ .type = VALUE_DOUBLE,
                                  .as.real = (double)units / (double)HISTORY_NUMBER_UNIT };
    }
    return r;
}

struct result predicate_aggregate(const struct node *n, const struct view *v)
{
    struct sweep s = sweep_start(n, v);
    struct result r = value_now(&s);
    int64_t next_ms = sweep_next(&s);

    r.until_ms = next_ms < r.until_ms ? next_ms : r.until_ms;
    return r;
}

static enum truth compare_now(const struct sweep *s, enum operator op, const struct value *constant)
{
    struct result r = value_now(s);
    int order = r.is_unknown ? ORDER_TYPES : predicate_order(&r.value, constant);

    return order == ORDER_TYPES ? TRUTH_UNKNOWN : predicate_settle(r.bound, op, order, 0).truth;
}

struct answer predicate_aggregate_compare(const struct node *n, enum operator op,
                                          const struct value *constant, const struct view *v)
{
    struct sweep s = sweep_start(n, v);
    enum truth truth = compare_now(&s, op, constant);
    int64_t until_ms;

    for (;;) { /* each turn an item arrives or leaves: at most twice their number */
        until_ms = sweep_next(&s);
        if (until_ms >= s.settled_ms) {
            until_ms = s.settled_ms;
            break;
        }
        sweep_to(&s, until_ms);
        if (compare_now(&s, op, constant) != truth) {
            break;
        }
    }
    return (struct answer){ truth, until_ms };
}

/* --- first, last --- */
struct moment {
    bool is_last;
    bool is_bound; /* earlier ones may have come before the counter began */
    int64_t best_ms, until_ms;
};

static void consider(struct moment *m, int64_t at_ms, int64_t now_ms)
{
    if (at_ms == INSTANT_NEVER) {
        return;
    }
    if (at_ms > now_ms) {
        m->until_ms = at_ms < m->until_ms ? at_ms : m->until_ms;
    } else if (m->best_ms == INSTANT_NEVER ||
               (m->is_last ? at_ms > m->best_ms : at_ms < m->best_ms)) {
        m->best_ms = at_ms;
    }
}

static void consider_orders(struct moment *m, const struct customer *c, int64_t now_ms)
{
    for (uint32_t i = 0; i < c->order_count; i++) {
        if (is_purchase(&c->orders[i])) {
            consider(m, c->orders[i].at_ms, now_ms);
        }
    }
    for (uint32_t i = 0; m->is_last && i < c->order_day_count; i++) {
        int64_t end_ms = facts_day_end(&c->order_days[i]);

        consider(m, end_ms < now_ms ? end_ms : now_ms, now_ms);
    }
    if (!m->is_last && c->orders_ever > (int64_t)c->order_count) {
        consider(m, c->order_first_ms, now_ms);
    }
}

static void consider_history(struct moment *m, const struct history *h, int64_t now_ms)
{
    if (h == NULL) {
        return;
    }
    consider(m, m->is_last ? h->last_ms : h->first_ms, now_ms);
    /* A last one since the counter began is the last; of before nobody knows. */
    if (h->since_ms != INSTANT_MIN &&
        (!m->is_last || h->last_ms == INSTANT_NEVER || h->last_ms < h->since_ms)) {
        m->is_bound = true;
    }
}

struct result predicate_time(const struct node *n, const struct view *v)
{
    struct moment m = { .is_last = n->kind == NODE_LAST,
                        .best_ms = INSTANT_NEVER,
                        .until_ms = INSTANT_NEVER };
    struct result r = { .is_unknown = false };

    if (n->has_orders) {
        consider_orders(&m, v->customer, v->now_ms);
    }
    for (uint32_t i = 0; i < n->history_count; i++) {
        consider_history(&m, customer_history(v->customer, v->plan->histories[n->histories[i]].key),
                         v->now_ms);
    }
    r.until_ms = m.until_ms;
    r.is_unknown = m.best_ms == INSTANT_NEVER;
    r.is_missing = r.is_unknown && !m.is_bound;
    r.bound = !m.is_bound ? BOUND_EXACT : m.is_last ? BOUND_LEAST : BOUND_MOST;
    r.value = (struct value){ .type = VALUE_INSTANT, .as.integer = m.best_ms };
    return r;
}
