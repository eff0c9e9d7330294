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

/* Counts or adds up money of purchases that pass a filter. */
static bool follows_orders(const struct history_plan *plan)
{
    return plan->filter != NULL && text_is(plan->filter->kind, "purchase") &&
           (plan->class == HISTORY_TIMES ||
            (plan->class == HISTORY_NUMBERS && plan->field == hash32(TEXT("amount"))));
}

static bool is_outside(const struct history_plan *plan, int64_t at_ms, int64_t now_ms)
{
    return plan->window_ms != INSTANT_NEVER && at_ms <= now_ms &&
           now_ms - at_ms >= plan->window_ms && !follows_orders(plan);
}

/* Of orders all are kept: a second record may move any of them. */
static uint32_t keep_of(const struct history_plan *plan)
{
    return plan->keep > CUSTOMER_ENTRIES_MAX || text_is(plan->kind, "purchase")
               ? CUSTOMER_ENTRIES_MAX
               : plan->keep;
}

static struct facts_days days_of(struct history *h)
{
    return (struct facts_days){ &h->days, &h->day_count, &h->day_capacity };
}

static void drop_entries(struct history *h, uint32_t from, uint32_t count)
{
    CHECK(from + count <= h->count);
    h->count -= count;
    memmove(h->entries + from, h->entries + from + count, (h->count - from) * sizeof h->entries[0]);
}

static void shed_entries(const struct history_plan *plan, struct history *h, int64_t now_ms)
{
    struct facts_days days = days_of(h);
    uint32_t gone = 0;

    while (gone < h->count && is_outside(plan, h->entries[gone].at_ms, now_ms)) {
        gone++;
    }
    if (gone > 0) {
        facts_raise(&h->from_ms, h->entries[gone - 1].at_ms);
        drop_entries(h, 0, gone);
    }
    if (h->day_count > 0 && plan->window_ms != INSTANT_NEVER && !follows_orders(plan)) {
        facts_shed_days(&days, plan->window_ms, now_ms, &h->from_ms);
    }
}

/* An entry for which there is no room. Rules that ask for few never miss it; of all, its day does
 * not forget it. */
static void give_up(const struct history_plan *plan, struct history *h,
                    const struct history_entry *entry)
{
    struct facts_days days = days_of(h);

    if (keep_of(plan) == CUSTOMER_ENTRIES_MAX) {
        h->is_truncated = true;
        facts_fold(&days, entry->at_ms, entry->value);
    } else {
        facts_raise(&h->from_ms, entry->at_ms);
    }
}

/* Of values the newest time of each is enough; orders keep every one, since records of them move.
 * Returns: true when a newer one is there already. */
static bool is_repeated(const struct history_plan *plan, struct history *h,
                        const struct history_entry *entry)
{
    if (plan->class != HISTORY_VALUES || text_is(plan->kind, "purchase")) {
        return false;
    }
    for (uint32_t i = h->count; i-- > 0;) {
        if (h->entries[i].value == entry->value) {
            if (h->entries[i].at_ms >= entry->at_ms) {
                return true;
            }
            drop_entries(h, i, 1);
            return false;
        }
    }
    return false;
}

static void insert_entry(const struct history_plan *plan, struct history *h,
                         struct history_entry entry, int64_t now_ms)
{
    uint32_t keep = keep_of(plan);
    uint32_t place;

    shed_entries(plan, h, now_ms);
    if (is_outside(plan, entry.at_ms, now_ms)) {
        facts_raise(&h->from_ms, entry.at_ms);
        return;
    }
    if (keep == 0) {
        h->count = 0; /* only totals are asked for */
        return;
    }
    if (is_repeated(plan, h, &entry)) {
        return;
    }
    if (h->count >= keep) {
        if (entry.at_ms < h->entries[h->count - keep].at_ms) {
            give_up(plan, h, &entry);
            return;
        }
        for (uint32_t gone = h->count - keep + 1; gone > 0; gone--) {
            give_up(plan, h, &h->entries[0]);
            drop_entries(h, 0, 1);
        }
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

/* Wraps, so that the order of arrival cannot show. */
static int64_t wrapping_sum(int64_t sum, uint64_t value)
{
    return (int64_t)((uint64_t)sum + value);
}

/* Money of orders is net of refunds, and its extremes are of nobody's interest. */
static bool has_extremes(const struct history_plan *plan)
{
    return plan->class == HISTORY_EXTREMES ||
           (plan->class == HISTORY_NUMBERS && !follows_orders(plan));
}

static void count_entry(const struct history_plan *plan, struct history *h,
                        struct history_entry entry, int64_t now_ms)
{
    bool is_first = h->total_count == 0;

    h->first_ms = is_first || entry.at_ms < h->first_ms ? entry.at_ms : h->first_ms;
    h->last_ms = is_first || entry.at_ms > h->last_ms ? entry.at_ms : h->last_ms;
    h->total_count++;
    if (plan->class == HISTORY_NUMBERS || plan->class == HISTORY_EXTREMES) {
        h->total_sum = wrapping_sum(h->total_sum, (uint64_t)entry.value);
    }
    if (has_extremes(plan)) {
        h->least = is_first || entry.value < h->least ? entry.value : h->least;
        h->most = is_first || entry.value > h->most ? entry.value : h->most;
    }
    insert_entry(plan, h, entry, now_ms);
}

/* A number as millionths, money as it is; beyond what fits, the nearest that does.
 * Returns: false when it is no number. */
static bool number_of(const struct history_plan *plan, const struct value *v, int64_t *out)
{
    bool is_money = plan->field == hash32(TEXT("amount"));
    double real;

    if (v->type == VALUE_INT || v->type == VALUE_MONEY) {
        if (is_money) {
            *out = v->as.integer;
        } else if (__builtin_mul_overflow(v->as.integer, HISTORY_NUMBER_UNIT, out)) {
            *out = v->as.integer < 0 ? INT64_MIN : INT64_MAX;
        }
        return true;
    }
    if (v->type != VALUE_DOUBLE || is_money || v->as.real != v->as.real) {
        return false;
    }
    real = v->as.real * (double)HISTORY_NUMBER_UNIT;
    *out = real >= 9.2e18    ? INT64_MAX
           : real <= -9.2e18 ? INT64_MIN
                             : (int64_t)(real < 0 ? real - 0.5 : real + 0.5);
    return true;
}

/* What tells a value from others. */
static bool identity_of(const struct value *v, int64_t *out)
{
    switch (v->type) {
    case VALUE_BOOL:
        *out = v->as.boolean;
        return true;
    case VALUE_INT:
    case VALUE_DATE:
    case VALUE_INSTANT:
    case VALUE_DURATION:
    case VALUE_MONEY:
        *out = v->as.integer;
        return true;
    case VALUE_DOUBLE:
        if (v->as.real ==
            (double)(int64_t)(v->as.real > -9e18 && v->as.real < 9e18 ? v->as.real : 0)) {
            *out = (int64_t)v->as.real; /* 2.0 is 2 */
        } else {
            memcpy(out, &v->as.real, sizeof(*out));
        }
        return true;
    case VALUE_TEXT:
        *out = (int64_t)hash64(v->as.text);
        return true;
    case VALUE_NULL:
    case VALUE_STRINGS:
        break;
    }
    return false;
}

static bool value_for(const struct history_plan *plan, const struct value *v, int64_t *out)
{
    *out = 0;
    if (plan->class == HISTORY_TIMES) {
        return true;
    }
    return plan->class == HISTORY_VALUES ? identity_of(v, out) : number_of(plan, v, out);
}

/* Returns: false when the event has no such value, which leaves no trace. */
static bool add_event(const struct history_plan *plan, struct customer *c, const struct event *ev,
                      int64_t now_ms, const struct facts_purchase *purchase)
{
    struct history_entry entry = { .at_ms = ev->at_ms, .value = 0 };
    const struct value *value = plan->field != 0 ? event_field(ev, plan->field) : NULL;

    if (value != NULL && value->type == VALUE_STRINGS && plan->class == HISTORY_VALUES) {
        for (uint32_t i = 0; i < value->as.strings.count; i++) { /* each is a value of its own */
            entry.value = (int64_t)hash64(value->as.strings.at[i]);
            count_entry(plan, customer_need_history(c, plan->key), entry, now_ms);
        }
        return value->as.strings.count > 0;
    }
    if (!value_for(plan, value, &entry.value)) {
        return false;
    }
    if (purchase != NULL && plan->field != 0 && follows_orders(plan)) {
        entry.value = purchase->net;
    }
    count_entry(plan, customer_need_history(c, plan->key), entry, now_ms);
    return true;
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

/* Least and most of what is left, where all of it is in the list. */
static void find_extremes(const struct history_plan *plan, struct history *h)
{
    if (h->count != h->total_count || !has_extremes(plan)) {
        return;
    }
    for (uint32_t i = 0; i < h->count; i++) {
        int64_t value = h->entries[i].value;

        h->least = i == 0 || value < h->least ? value : h->least;
        h->most = i == 0 || value > h->most ? value : h->most;
    }
}

static void remove_entry(const struct history_plan *plan, struct history *h, uint32_t place)
{
    int64_t at_ms = h->entries[place].at_ms;

    CHECK(place < h->count);
    CHECK(h->total_count > 0);
    h->total_count--;
    if (plan->class != HISTORY_VALUES) {
        h->total_sum = wrapping_sum(h->total_sum, -(uint64_t)h->entries[place].value);
    }
    drop_entries(h, place, 1);
    if (h->total_count == 0) {
        h->first_ms = h->last_ms = INSTANT_NEVER;
        h->total_sum = h->least = h->most = 0;
        return;
    }
    find_extremes(plan, h);
    if (h->last_ms == at_ms) {
        h->last_ms = h->count > 0 ? h->entries[h->count - 1].at_ms : h->first_ms;
    }
    if (h->first_ms == at_ms && h->count > 0 && h->count == h->total_count) {
        h->first_ms = h->entries[0].at_ms;
    }
}

/* A second, earlier record of an order stands for the first: the entries of that one go. */
static bool remove_at(const struct history_plan *plan, struct history *h, int64_t at_ms)
{
    bool is_changed = false;

    for (uint32_t i = h->count; i-- > 0;) {
        if (h->entries[i].at_ms == at_ms) {
            remove_entry(plan, h, i);
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
        is_changed = h != NULL && remove_at(plan, h, purchase->old_at_ms);
    }
    if (purchase != NULL && purchase->is_spent && follows_orders(plan)) {
        return is_changed ? FACT_HISTORY(index) : 0;
    }
    if (facts_is_match(in, plan->name, plan->filter) && has_value(in, plan)) {
        is_changed = add_event(plan, c, in->e->event, in->now_ms, purchase) || is_changed;
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
            remove_entry(p, h, place);
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
