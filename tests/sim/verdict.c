#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "tests/sim/sim.h"

#include <stdio.h>

#define DORMANT_MS (INT64_C(1) << 52) /* who has no timer is filed behind all who have */

static bool fail(struct world *w, const char *what, struct text name)
{
    int size = name.size < 120 ? (int)name.size : 120;
    char shown[128];

    for (int i = 0; i < size; i++) {
        shown[i] = name.at[i] >= ' ' && name.at[i] <= '~' ? name.at[i] : '.';
    }
    snprintf(w->failure, sizeof(w->failure), "%s: %.*s", what, size, shown);
    return false;
}

static bool is_visible(const struct world *w, const struct published *p)
{
    return !p->is_undone &&
           (p->transaction == 0 || w->transactions[p->transaction].state == TRANSACTION_COMMITTED);
}

/* Every output that was expected, no other; the first time in the expected order per customer;
 * exactly once, if that is asked for. */
static bool check_outputs(struct world *w)
{
    struct map last = { 0 }; /* customer -> its newest expectation */
    struct expectation *e;
    size_t cursor = 0;
    bool is_good = true;

    for (uint32_t i = 0; is_good && i < w->published_count; i++) {
        const struct published *p = &w->published[i];
        struct expectation *before;

        if (!is_visible(w, p)) {
            continue;
        }
        e = map_find(&w->story->expected, p->name);
        if (e == NULL) {
            is_good = fail(w, "an output that the timeline does not say", p->name);
            break;
        }
        if (e->seen++ > 0 || p->customer.at == NULL) {
            continue; /* once more */
        }
        before = map_remove(&last, p->customer);
        if (before != NULL && before->place > e->place) {
            is_good = fail(w, "out of order", p->name);
        }
        map_put(&last, e->customer, e);
    }
    while (is_good && (e = map_next(&w->story->expected, &cursor)) != NULL) {
        if (e->seen == 0) {
            is_good = fail(w, "missing", e->name);
        } else if (w->is_exactly_once && e->seen != e->wanted) {
            is_good = fail(w, "not exactly once", e->name);
        }
    }
    map_fini(&last);
    return is_good;
}

static bool ask(struct store *store, const struct store_request *r, struct store_reply *out_reply)
{
    store_submit(store, r);
    return store_poll(store, 0, out_reply) && out_reply->error == OK;
}

static bool check_record(struct world *w, struct store *store, uint32_t p, struct text id,
                         const struct customer *c)
{
    struct store_request r = {
        .verb = STORE_LOAD, .partition = (int32_t)p, .customers = &id, .customer_count = 1
    };
    struct bytes_out wanted = { 0 };
    struct store_reply reply;
    bool is_equal;

    customer_encode(c, &wanted);
    is_equal = ask(store, &r, &reply);
    if (is_equal && customer_is_blank(c)) {
        is_equal = reply.records[0].at == NULL; /* forgotten */
    } else {
        is_equal = is_equal && reply.records[0].size == wanted.size &&
                   memcmp(reply.records[0].at, wanted.at, wanted.size) == 0;
    }
    bytes_out_fini(&wanted);
    return is_equal || fail(w, "a record differs from the timeline's", id);
}

/* The beginnings of days depend on who of a partition was looked at first. */
static bool is_of_a_day(struct text name)
{
    return text_starts_with(name, TEXT("since/"));
}

/* What reports count is what the timeline counts, whatever died on the way. */
static bool check_counters(struct world *w, const struct store_reply *reply, uint32_t p)
{
    const struct counters *wanted = timeline_counters(w->story->timelines[p]);

    const struct counter *one;
    uint32_t count = 0, wanted_count = 0;
    size_t cursor = 0;

    while ((one = map_next(&wanted->by_name, &cursor)) != NULL) {
        wanted_count += !is_of_a_day(one->name);
    }
    for (uint32_t i = 0; i < reply->counter_count; i++) {
        int64_t value;

        if (is_of_a_day(reply->counters[i].name)) {
            continue;
        }
        count++;
        if (!counters_find(wanted, reply->counters[i].name, &value) ||
            value != reply->counters[i].value) {
            return fail(w, "a counter differs", reply->counters[i].name);
        }
    }
    return count == wanted_count || fail(w, "counters are missing", TEXT(""));
}

/* The stored customers and timers of one partition are the timeline's; the outbox is empty. */
static bool check_partition(struct world *w, struct store *store, uint32_t p)
{
    struct timeline *timeline = w->story->timelines[p];
    struct store_request claim = { .verb = STORE_CLAIM,
                                   .partition = (int32_t)p,
                                   .epoch = INT32_MAX };
    struct store_request timers = {
        .verb = STORE_TIMERS, .partition = (int32_t)p, .after_due_ms = INSTANT_MIN, .limit = 1000000
    };
    const struct customer *c;
    struct store_reply reply;
    uint32_t due_count = 0;
    size_t cursor = 0;
    struct text id;

    if (!ask(store, &claim, &reply)) {
        return fail(w, "cannot be claimed", TEXT(""));
    }
    if (reply.outbox_count > 0) {
        return fail(w, "the outbox is not empty", TEXT(""));
    }
    if (!check_counters(w, &reply, p)) {
        return false;
    }
    while ((c = timeline_next(timeline, &cursor, &id)) != NULL) {
        due_count += !customer_is_blank(c);
        if (!check_record(w, store, p, id, c)) {
            return false;
        }
    }
    if (!ask(store, &timers, &reply) || reply.timer_count != due_count) {
        return fail(w, "timers are missing or too many", TEXT(""));
    }
    for (uint32_t i = 0; i < reply.timer_count; i++) {
        c = timeline_customer(timeline, reply.timers[i].customer);
        if (c == NULL || (c->due_ms == INSTANT_NEVER ? reply.timers[i].due_ms < DORMANT_MS
                                                     : reply.timers[i].due_ms != c->due_ms)) {
            return fail(w, "a timer differs", reply.timers[i].customer);
        }
    }
    return true;
}

bool verdict(struct world *w)
{
    struct store *store;
    bool is_good = check_outputs(w);

    store = store_memory_open(w->backend);
    for (uint32_t p = 0; is_good && p < w->story->partition_count; p++) {
        bool has_events = false;

        for (uint32_t t = 0; t < w->story->topic_count; t++) {
            has_events = has_events || w->story->logs[p][t].count > 0;
        }
        is_good = !has_events || check_partition(w, store, p);
    }
    store_close(store);
    return is_good;
}
