/* DESIGN. A history keeps the newest entries its rules can ask for: as many as they count to, no
 * older than the widest window. Which entries those are does not depend on the order of arrival, so
 * a late event ends in the same list as one on time; the totals of all time never forget.
 * Histories of filtered purchases follow their orders: entries are net of refunds, one refunded to
 * nothing goes, and none is shed early, since a refund may come late.
 */
#include "segmenters/facts_parts.h"

#include "processor/base/check.h"
#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"

/* The first double that no int64 reaches. */
#define INT64_END 9223372036854775808.0

/* Counts or adds up money of purchases that pass a filter. */
static bool follows_orders(const struct history_plan *plan)
{
    return plan->filter != NULL && text_is(plan->filter->kind, "purchase") &&
           (plan->field == 0 || plan->field == hash32(TEXT("amount")));
}

static bool is_outside(const struct history_plan *plan, int64_t at_ms, int64_t now_ms)
{
    return plan->window_ms != INSTANT_NEVER && at_ms <= now_ms &&
           now_ms - at_ms >= plan->window_ms && !follows_orders(plan);
}

static uint32_t keep_of(const struct history_plan *plan)
{
    return plan->keep > CUSTOMER_ENTRIES_MAX || follows_orders(plan) ? CUSTOMER_ENTRIES_MAX
                                                                     : plan->keep;
}

static void drop_oldest(struct history *h, uint32_t count)
{
    CHECK(count <= h->count);
    h->count -= count;
    memmove(h->entries, h->entries + count, h->count * sizeof h->entries[0]);
}

static void shed_entries(const struct history_plan *plan, struct history *h, int64_t now_ms)
{
    uint32_t gone = 0;

    while (gone < h->count && is_outside(plan, h->entries[gone].at_ms, now_ms)) {
        gone++;
    }
    if (gone > 0) {
        drop_oldest(h, gone);
    }
}

static void insert_entry(const struct history_plan *plan, struct history *h,
                         struct history_entry entry, int64_t now_ms)
{
    uint32_t keep = keep_of(plan);
    uint32_t place;

    shed_entries(plan, h, now_ms);
    if (keep == 0 || is_outside(plan, entry.at_ms, now_ms)) {
        return;
    }
    if (h->count >= keep) {
        /* Rules that ask for fewer never miss what goes here. */
        h->is_truncated = h->is_truncated || keep == CUSTOMER_ENTRIES_MAX;
        if (entry.at_ms < h->entries[h->count - keep].at_ms) {
            return;
        }
        drop_oldest(h, h->count - keep + 1);
    }
    if (h->count == h->capacity) {
        h->entries = mem_grow32(h->entries, h->count, &h->capacity, sizeof h->entries[0]);
    }
    for (place = h->count; place > 0 && h->entries[place - 1].at_ms > entry.at_ms; place--) {
        h->entries[place] = h->entries[place - 1];
    }
    h->entries[place] = entry;
    h->count++;
}

/* Wraps, so that the order of arrival cannot show, not even in sums of hashes that nobody asks
 * for. */
static int64_t wrapping_sum(int64_t sum, uint64_t value)
{
    return (int64_t)((uint64_t)sum + value);
}

static void count_entry(const struct history_plan *plan, struct history *h,
                        struct history_entry entry, int64_t now_ms)
{
    h->first_ms = h->total_count == 0 || entry.at_ms < h->first_ms ? entry.at_ms : h->first_ms;
    h->last_ms = h->total_count == 0 || entry.at_ms > h->last_ms ? entry.at_ms : h->last_ms;
    h->total_count++;
    h->total_sum = wrapping_sum(h->total_sum, (uint64_t)entry.value);
    insert_entry(plan, h, entry, now_ms);
}

/* A number as an integer, anything else as what tells it from others. */
static int64_t value_of(const struct value *v)
{
    switch (v->type) {
    case VALUE_BOOL:
        return v->as.boolean;
    case VALUE_INT:
    case VALUE_DATE:
    case VALUE_INSTANT:
    case VALUE_DURATION:
    case VALUE_MONEY:
        return v->as.integer;
    case VALUE_DOUBLE: {
        double real = v->as.real;

        if (real >= INT64_END || real <= -INT64_END || real != real) {
            return real <= -INT64_END ? INT64_MIN : real != real ? 0 : INT64_MAX;
        }
        return (int64_t)(real < 0 ? real - 0.5 : real + 0.5);
    }
    case VALUE_TEXT:
        return (int64_t)hash64(v->as.text);
    case VALUE_NULL:
    case VALUE_STRINGS:
        break;
    }
    UNREACHABLE();
}

static void add_event(const struct history_plan *plan, struct history *h, const struct event *ev,
                      int64_t now_ms, const struct facts_purchase *purchase)
{
    struct history_entry entry = { .at_ms = ev->at_ms, .value = 0 };
    const struct value *value = plan->field != 0 ? event_field(ev, plan->field) : NULL;

    CHECK(plan->field == 0 || value != NULL);
    if (value != NULL && value->type == VALUE_STRINGS) { /* each is one of the distinct values */
        for (uint32_t i = 0; i < value->as.strings.count; i++) {
            entry.value = (int64_t)hash64(value->as.strings.at[i]);
            count_entry(plan, h, entry, now_ms);
        }
        return;
    }
    entry.value = value == NULL ? 0 : value_of(value);
    if (purchase != NULL && value != NULL && follows_orders(plan)) {
        entry.value = purchase->net;
    }
    count_entry(plan, h, entry, now_ms);
}

/* An event without the field, or with money of another currency, leaves no trace. */
static bool has_value(const struct facts_input *in, const struct history_plan *plan)
{
    const struct event *ev = in->e->event;
    const struct value *value;

    if (plan->field == 0) {
        return true;
    }
    value = event_field(ev, plan->field);
    if (value == NULL || value->type == VALUE_NULL) {
        return false;
    }
    return !facts_is_foreign(in->plan, ev) || plan->field != hash32(TEXT("amount"));
}

static void remove_entry(struct history *h, uint32_t place)
{
    int64_t at_ms = h->entries[place].at_ms;

    CHECK(place < h->count);
    CHECK(h->total_count > 0);
    h->total_count--;
    h->total_sum = wrapping_sum(h->total_sum, -(uint64_t)h->entries[place].value);
    h->count--;
    memmove(&h->entries[place], &h->entries[place + 1], (h->count - place) * sizeof h->entries[0]);
    if (h->total_count == 0) {
        h->first_ms = h->last_ms = INSTANT_NEVER;
        return;
    }
    if (h->last_ms == at_ms) {
        h->last_ms = h->count > 0 ? h->entries[h->count - 1].at_ms : h->first_ms;
    }
    if (h->first_ms == at_ms && h->count > 0 && h->count == h->total_count) {
        h->first_ms = h->entries[0].at_ms;
    }
}

/* A second, earlier record of an order stands for the first: the entries of that one go. */
static bool remove_at(struct history *h, int64_t at_ms)
{
    bool is_changed = false;

    for (uint32_t i = h->count; i-- > 0;) {
        if (h->entries[i].at_ms == at_ms) {
            remove_entry(h, i);
            is_changed = true;
        }
    }
    return is_changed;
}

static uint64_t apply_history(struct facts_input *in, struct customer *c, uint32_t index,
                              const struct facts_purchase *purchase)
{
    const struct history_plan *plan = &in->plan->histories[index];
    bool is_changed = false;

    if (purchase != NULL && purchase->is_known) {
        struct history *h = customer_history(c, plan->key);

        if (!purchase->is_moved || keep_of(plan) == 0) {
            return 0;
        }
        is_changed = h != NULL && remove_at(h, purchase->old_at_ms);
    }
    if (purchase != NULL && purchase->is_spent && follows_orders(plan)) {
        return is_changed ? FACT_HISTORY(index) : 0;
    }
    if (facts_is_match(in, plan->name, plan->filter) && has_value(in, plan)) {
        add_event(plan, customer_need_history(c, plan->key), in->e->event, in->now_ms, purchase);
        is_changed = true;
    }
    return is_changed ? FACT_HISTORY(index) : 0;
}

uint64_t facts_refund_histories(const struct facts_plan *plan, struct customer *c,
                                const struct facts_refund *refund)
{
    uint64_t changed = 0;

    CHECK(refund->new_net <= refund->old_net);
    for (uint32_t i = 0; i < plan->history_count; i++) {
        const struct history_plan *p = &plan->histories[i];
        struct history *h = follows_orders(p) ? customer_history(c, p->key) : NULL;
        uint32_t place = 0;

        while (h != NULL && place < h->count &&
               (h->entries[place].at_ms != refund->at_ms ||
                (p->field != 0 && h->entries[place].value != refund->old_net))) {
            place++;
        }
        if (h == NULL || place == h->count) {
            continue;
        }
        if (refund->is_spent) {
            remove_entry(h, place);
        } else if (p->field != 0) {
            h->entries[place].value = refund->new_net;
            h->total_sum =
                wrapping_sum(h->total_sum, (uint64_t)refund->new_net - (uint64_t)refund->old_net);
        }
        changed |= FACT_HISTORY(i);
    }
    return changed;
}

uint64_t facts_apply_histories(struct facts_input *in, struct customer *c,
                               const struct facts_purchase *purchase)
{
    uint64_t changed = 0;

    for (uint32_t i = 0; i < in->plan->history_count; i++) {
        const struct history_plan *plan = &in->plan->histories[i];
        struct text kind = plan->filter != NULL ? plan->filter->kind : plan->name;

        if (text_starts_with(kind, in->e->event->kind_name)) {
            changed |= apply_history(in, c, i, purchase);
        }
    }
    return changed;
}
