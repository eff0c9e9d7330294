/* DESIGN. State and outbox are kept in their stored forms, so that what is read back has been
 * through the codec, as with Redis. Timers are sorted when somebody asks for a page.
 */
#include "sinks/store_memory_partition.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "sinks/store_rules.h"

#include <stdlib.h>

struct store_memory_customer {
    struct text id;
    struct bytes record;
    int64_t due_ms;
};

struct store_memory_partition *store_memory_partition_new(void)
{
    return mem_alloc(sizeof(struct store_memory_partition));
}

static void bytes_free(struct bytes b)
{
    mem_free((void *)(uintptr_t)b.at);
}

static struct bytes bytes_copy(struct bytes b)
{
    return (struct bytes){ mem_dup(b.at, b.size), b.size };
}

static void customer_free(struct store_memory_customer *c)
{
    mem_free((void *)(uintptr_t)c->id.at);
    bytes_free(c->record);
    mem_free(c);
}

void store_memory_partition_free(struct store_memory_partition *p)
{
    struct store_memory_customer *c;
    size_t cursor = 0;

    if (p == NULL) {
        return;
    }
    while ((c = map_next(&p->customers, &cursor)) != NULL) {
        customer_free(c);
    }
    map_fini(&p->customers);
    for (uint32_t i = 0; i < p->blob_count; i++) {
        bytes_free(p->blobs[i].bytes);
    }
    mem_free(p->blobs);
    mem_free(p->timers);
    counters_fini(&p->counters);
    bytes_free(p->state);
    mem_free(p);
}

struct store_memory_partition *store_memory_partition_copy(const struct store_memory_partition *p)
{
    struct store_memory_partition *copy = store_memory_partition_new();
    const struct store_memory_customer *c;
    const struct counter *n;
    size_t cursor = 0;

    copy->is_guarded = p->is_guarded;
    copy->guard = p->guard;
    if (p->state.at != NULL) {
        copy->state = bytes_copy(p->state);
    }
    while ((c = map_next(&p->customers, &cursor)) != NULL) {
        struct store_memory_customer *k = mem_alloc(sizeof(*k));

        k->id = text_dup(c->id);
        k->record = bytes_copy(c->record);
        k->due_ms = c->due_ms;
        map_put(&copy->customers, k->id, k);
    }
    for (uint32_t i = 0; i < p->blob_count; i++) {
        copy->blobs = mem_grow32(copy->blobs, i, &copy->blob_capacity, sizeof(*copy->blobs));
        copy->blobs[copy->blob_count++] =
            (struct store_memory_blob){ p->blobs[i].last_sequence, bytes_copy(p->blobs[i].bytes) };
    }
    cursor = 0;
    while ((n = map_next(&p->counters.by_name, &cursor)) != NULL) {
        counters_set(&copy->counters, n->name, n->value);
    }
    counters_clean(&copy->counters);
    return copy;
}

/* A copy in the arena; absent stays absent. */
static struct bytes bytes_shown(struct arena *arena, struct bytes b)
{
    struct text copy = arena_text(arena, (struct text){ (const char *)b.at, b.size });

    return (struct bytes){ (const uint8_t *)copy.at, copy.size };
}

static void show_counters(const struct store_memory_partition *p, struct arena *arena,
                          struct store_reply *reply)
{
    struct counter_value *shown =
        arena_alloc(arena, (p->counters.by_name.count + 1) * sizeof(*shown));
    const struct counter *c;
    size_t cursor = 0;

    while ((c = map_next(&p->counters.by_name, &cursor)) != NULL) {
        shown[reply->counter_count++] =
            (struct counter_value){ arena_text(arena, c->name), c->value };
    }
    reply->counters = shown;
}

enum err store_memory_partition_state(const struct store_memory_partition *p, struct arena *arena,
                                      struct store_reply *reply)
{
    struct partition_state *state;
    struct bytes *blobs;

    if (p->state.at == NULL) {
        reply->is_new = true;
        return OK;
    }
    state = arena_alloc(arena, sizeof(*state));
    reply->state = state;
    if (partition_state_decode(p->state, arena, state) != OK) {
        return ERR_CORRUPT;
    }
    blobs = arena_alloc(arena, (p->blob_count + 1) * sizeof(*blobs));
    for (uint32_t i = 0; i < p->blob_count; i++) {
        blobs[i] = bytes_shown(arena, p->blobs[i].bytes);
    }
    show_counters(p, arena, reply);
    return store_rules_outbox(blobs, p->blob_count, state, arena, reply);
}

static int timer_order(const void *left, const void *right)
{
    const struct store_memory_customer *a = *(const struct store_memory_customer *const *)left;
    const struct store_memory_customer *b = *(const struct store_memory_customer *const *)right;

    if (a->due_ms != b->due_ms) {
        return a->due_ms < b->due_ms ? -1 : 1;
    }
    return text_compare(a->id, b->id);
}

static void sort_timers(struct store_memory_partition *p)
{
    const struct store_memory_customer *c;
    size_t cursor = 0;

    if (p->is_sorted) {
        return;
    }
    mem_free(p->timers);
    p->timers = mem_alloc((p->customers.count + 1) * sizeof(*p->timers));
    p->timer_count = 0;
    while ((c = map_next(&p->customers, &cursor)) != NULL) {
        if (c->due_ms != INSTANT_NEVER) {
            p->timers[p->timer_count++] = c;
        }
    }
    qsort(p->timers, p->timer_count, sizeof(*p->timers), timer_order);
    p->is_sorted = true;
}

void store_memory_partition_timers(struct store_memory_partition *p, const struct store_request *r,
                                   struct arena *arena, struct store_reply *reply)
{
    const struct store_memory_customer cursor = { r->after_customer, BYTES_NONE, r->after_due_ms };
    const struct store_memory_customer *key = &cursor;
    struct store_timer *shown;
    uint32_t from = 0, to, count;

    CHECK(r->limit > 0);
    sort_timers(p);
    to = r->after_customer.at == NULL ? 0 : p->timer_count;
    while (from < to) { /* the first behind the cursor */
        uint32_t middle = from + (to - from) / 2;

        if (timer_order(&p->timers[middle], &key) <= 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    count = p->timer_count - from < r->limit ? p->timer_count - from : r->limit;
    shown = arena_alloc(arena, (count + 1) * sizeof(*shown));
    for (uint32_t i = 0; i < count; i++) {
        shown[i].customer = arena_text(arena, p->timers[from + i]->id);
        shown[i].due_ms = p->timers[from + i]->due_ms;
    }
    reply->timers = shown;
    reply->timer_count = count;
    reply->is_last = from + count == p->timer_count;
}

void store_memory_partition_records(const struct store_memory_partition *p,
                                    const struct store_request *r, struct arena *arena,
                                    struct store_reply *reply)
{
    struct bytes *shown = arena_alloc(arena, (r->customer_count + 1) * sizeof(*shown));

    for (uint32_t i = 0; i < r->customer_count; i++) {
        const struct store_memory_customer *c = map_find(&p->customers, r->customers[i]);

        if (c != NULL) {
            shown[i] = bytes_shown(arena, c->record);
        }
    }
    reply->records = shown;
    reply->record_count = r->customer_count;
}

int64_t store_memory_partition_filed(const struct store_memory_partition *p)
{
    const struct store_memory_customer *c;
    size_t cursor = 0;
    int64_t filed = 0;

    while ((c = map_next(&p->customers, &cursor)) != NULL) {
        filed += c->due_ms != INSTANT_NEVER;
    }
    return filed;
}

void store_memory_partition_customers(const struct store_memory_partition *p, struct arena *arena,
                                      struct store_reply *reply)
{
    const struct store_memory_customer *c;
    struct text *shown = arena_alloc(arena, (p->customers.count + 1) * sizeof(*shown));
    size_t cursor = 0;

    while ((c = map_next(&p->customers, &cursor)) != NULL) {
        shown[reply->customer_count++] = arena_text(arena, c->id);
    }
    reply->customers = shown;
    reply->is_last = true;
}

static void put_record(struct store_memory_partition *p, const struct commit_record *r)
{
    struct store_memory_customer *c = map_find(&p->customers, r->customer);

    if (r->record.at == NULL) {
        if (c != NULL) {
            (void)map_remove(&p->customers, r->customer);
            customer_free(c);
        }
        return;
    }
    if (c == NULL) {
        c = mem_alloc(sizeof(*c));
        c->id = text_dup(r->customer);
        map_put(&p->customers, c->id, c);
    }
    bytes_free(c->record);
    c->record = bytes_copy(r->record);
    c->due_ms = r->due_ms;
}

static void put_outbox(struct store_memory_partition *p, const struct commit *c)
{
    struct bytes_out out = { NULL, 0, 0 };
    uint32_t kept = 0;

    if (c->outbox_count > 0) {
        outbox_encode(c->outbox, c->outbox_count, &out);
        p->blobs = mem_grow32(p->blobs, p->blob_count, &p->blob_capacity,
                              sizeof(struct store_memory_blob));
        p->blobs[p->blob_count++] =
            (struct store_memory_blob){ c->outbox[c->outbox_count - 1].sequence,
                                        bytes_copy(bytes_out_view(&out)) };
        bytes_out_fini(&out);
    }
    for (uint32_t i = 0; i < p->blob_count; i++) {
        if (p->blobs[i].last_sequence > c->outbox_trim) {
            p->blobs[kept++] = p->blobs[i];
        } else {
            bytes_free(p->blobs[i].bytes);
        }
    }
    p->blob_count = kept;
}

void store_memory_partition_put(struct store_memory_partition *p, const struct commit *c)
{
    struct bytes_out out = { NULL, 0, 0 };

    for (uint32_t i = 0; i < c->record_count; i++) {
        put_record(p, &c->records[i]);
    }
    put_outbox(p, c);
    for (uint32_t i = 0; i < c->counter_count; i++) {
        counters_set(&p->counters, c->counters[i].name, c->counters[i].value);
    }
    counters_clean(&p->counters);
    partition_state_encode(&c->state, &out);
    bytes_free(p->state);
    p->state = bytes_copy(bytes_out_view(&out));
    bytes_out_fini(&out);
    p->is_sorted = false;
}
