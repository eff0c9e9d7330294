/* What is common to all counters: entries too many to be kept one by one fold into UTC days, and a
 * changed configuration begins the counters it adds.
 */
#include "segmenters/facts_parts.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"

#include <stdlib.h>

int64_t facts_day_end(const struct history_day *d)
{
    return (d->day + INT64_C(1)) * DAY_MS - 1;
}

static int64_t add_saturating(int64_t a, int64_t b)
{
    int64_t sum;

    if (__builtin_add_overflow(a, b, &sum)) {
        return b < 0 ? INT64_MIN : INT64_MAX;
    }
    return sum;
}

static void join_days(struct history_day *into, const struct history_day *d)
{
    into->count += d->count;
    into->sum = add_saturating(into->sum, d->sum);
    into->least = d->least < into->least ? d->least : into->least;
    into->most = d->most > into->most ? d->most : into->most;
}

static void drop_days(struct facts_days *days, uint32_t count)
{
    CHECK(count <= *days->count);
    *days->count -= count;
    memmove(*days->items, *days->items + count, *days->count * sizeof(struct history_day));
}

void facts_fold(struct facts_days *days, int64_t at_ms, int64_t value)
{
    struct history_day fresh = { .day = (int32_t)instant_floor_days(at_ms),
                                 .count = 1,
                                 .sum = value,
                                 .least = value,
                                 .most = value };
    uint32_t place = *days->count;

    while (place > 0 && (*days->items)[place - 1].day > fresh.day) {
        place--;
    }
    if (place > 0 && (*days->items)[place - 1].day == fresh.day) {
        join_days(&(*days->items)[place - 1], &fresh);
        return;
    }
    if (*days->count == CUSTOMER_DAYS_MAX) {
        if (place == 0) {
            join_days(&(*days->items)[0], &fresh);
            return;
        }
        join_days(&(*days->items)[1], &(*days->items)[0]);
        drop_days(days, 1);
        place--;
        if (place == 0) { /* it belongs between the two that became one */
            join_days(&(*days->items)[0], &fresh);
            return;
        }
    }
    *days->items =
        mem_grow32(*days->items, *days->count, days->capacity, sizeof(struct history_day));
    memmove(*days->items + place + 1, *days->items + place,
            (*days->count - place) * sizeof(struct history_day));
    (*days->items)[place] = fresh;
    ++*days->count;
}

void facts_shed_days(struct facts_days *days, int64_t window_ms, int64_t now_ms, int64_t *from_ms)
{
    uint32_t gone = 0;

    while (gone < *days->count && now_ms - facts_day_end(&(*days->items)[gone]) >= window_ms) {
        gone++;
    }
    if (gone > 0) {
        facts_raise(from_ms, facts_day_end(&(*days->items)[gone - 1]));
        drop_days(days, gone);
    }
}

void facts_raise(int64_t *from_ms, int64_t gone_ms)
{
    *from_ms = gone_ms >= *from_ms ? gone_ms + 1 : *from_ms;
}

/* --- a changed configuration --- */
static int by_key(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static bool is_known(const struct customer *c, uint32_t key)
{
    return c->counter_count > 0 &&
           bsearch(&key, c->counters, c->counter_count, sizeof(c->counters[0]), by_key) != NULL;
}

static bool is_planned(const struct facts_plan *plan, uint32_t key)
{
    for (uint32_t i = 0; i < plan->history_count; i++) {
        if (plan->histories[i].key == key) {
            return true;
        }
    }
    return false;
}

void facts_adopt(const struct facts_plan *plan, struct customer *c, bool is_new)
{
    uint32_t *known = mem_alloc((plan->history_count + 1) * sizeof(*known));
    uint32_t count = 0;
    /* All that came for this customer was at last_event_ms or before: nothing is missed since. */
    int64_t since_ms = c->last_event_ms + 1;

    for (uint32_t i = 0; i < plan->history_count && i < CUSTOMER_COUNTERS_MAX; i++) {
        uint32_t key = plan->histories[i].key;
        struct history *h = customer_history(c, key);

        if (h != NULL) {
            h->since_ms = h->since_ms == INSTANT_NEVER ? since_ms : h->since_ms;
        } else if (is_new || is_known(c, key)) {
            known[count++] = key;
        } else {
            customer_need_history(c, key)->since_ms = since_ms;
        }
    }
    for (uint32_t i = 0; i < c->history_count; i++) {
        if (!is_planned(plan, c->histories[i].key)) {
            c->histories[i].since_ms = INSTANT_NEVER; /* it stands still, what it has stays */
        }
    }
    qsort(known, count, sizeof(*known), by_key);
    mem_free(c->counters);
    c->counters = known;
    c->counter_count = count;
    c->counter_capacity = plan->history_count + 1;
}
