/* DESIGN. The same queue as the publisher to Kafka: sending an entry is copying it to the records
 * of its type, and its delivery follows at once. Reports are made without the lock, so that
 * `delivered` may publish.
 */
#include "sinks/publisher_memory.h"

#include "processor/base/check.h"
#include "processor/base/mem.h"
#include "sinks/publisher_queue.h"

#include <pthread.h>

#define ENTRIES_MAX 100000

struct records {
    struct publisher_memory_record *items;
    uint32_t count;
    uint32_t capacity;
};

struct publisher_memory {
    struct publisher publisher;
    publisher_delivered *delivered;
    void *context;
    pthread_mutex_t lock; /* guards what follows */
    bool is_held;
    struct publisher_queue queue;
    struct records records[OUTPUT_TYPE__COUNT];
};

static struct publisher_memory *lock(struct publisher *publisher)
{
    struct publisher_memory *m = (struct publisher_memory *)(void *)publisher;

    CHECK(pthread_mutex_lock(&m->lock) == 0);
    return m;
}

static void unlock(struct publisher_memory *m)
{
    CHECK(pthread_mutex_unlock(&m->lock) == 0);
}

static void keep(struct publisher_memory *m, int32_t partition, const struct outbox_entry *o)
{
    struct records *r = &m->records[o->type];
    bool is_tombstone = o->type == OUTPUT_MEMBERSHIP && o->payload.size == 0;
    struct outbox_entry *copy;

    r->items = mem_grow32(r->items, r->count, &r->capacity, sizeof(struct publisher_memory_record));
    r->items[r->count] = (struct publisher_memory_record){ partition, *o };
    copy = &r->items[r->count++].entry;
    copy->key = text_dup(o->key);
    copy->payload = BYTES_NONE;
    if (!is_tombstone) {
        copy->payload.at = mem_dup(o->payload.at, o->payload.size);
        copy->payload.size = o->payload.size;
    }
}

static void send_all(struct publisher_memory *m)
{
    for (uint32_t i = 0; i < m->queue.partition_capacity && !m->is_held; i++) {
        struct publisher_entry *e;

        while ((e = publisher_queue_next(&m->queue, (int32_t)i, 0)) != NULL) {
            keep(m, (int32_t)i, &e->outbox);
            publisher_queue_dropped(&m->queue, e);
        }
    }
}

static void report(struct publisher_memory *m)
{
    int64_t sequence = 0;
    int32_t partition = 0;
    uint32_t cursor = 0;
    bool has_more = true;

    while (has_more) {
        (void)lock(&m->publisher);
        has_more = publisher_queue_report(&m->queue, &cursor, &partition, &sequence);
        unlock(m);
        if (has_more) {
            m->delivered(m->context, partition, sequence);
        }
    }
}

static enum err publish(struct publisher *publisher, int32_t partition,
                        const struct outbox_entry *entry)
{
    struct publisher_memory *m = lock(publisher);
    bool is_added = publisher_queue_add(&m->queue, partition, entry) != NULL;

    send_all(m);
    unlock(m);
    report(m);
    return is_added ? OK : ERR_UNAVAILABLE;
}

static void forget(struct publisher *publisher, int32_t partition)
{
    struct publisher_memory *m = lock(publisher);

    publisher_queue_forget(&m->queue, partition);
    unlock(m);
}

static bool progress(struct publisher *publisher, const struct publisher_progress *progress)
{
    (void)publisher;
    (void)progress;
    return false;
}

static void join(struct publisher *publisher, struct bytes identity)
{
    (void)publisher;
    (void)identity;
}

static enum err trouble(struct publisher *publisher)
{
    (void)publisher;
    return OK;
}

static bool is_idle(struct publisher *publisher)
{
    struct publisher_memory *m = lock(publisher);
    bool is_empty = m->queue.live_count == 0;

    unlock(m);
    return is_empty;
}

static void close_publisher(struct publisher *publisher)
{
    struct publisher_memory *m = (struct publisher_memory *)(void *)publisher;

    for (size_t type = 0; type < OUTPUT_TYPE__COUNT; type++) {
        struct records *r = &m->records[type];

        for (uint32_t i = 0; i < r->count; i++) {
            mem_free((void *)(uintptr_t)r->items[i].entry.key.at);
            mem_free((void *)(uintptr_t)r->items[i].entry.payload.at);
        }
        mem_free(r->items);
    }
    publisher_queue_fini(&m->queue);
    (void)pthread_mutex_destroy(&m->lock);
    mem_free(m);
}

struct publisher *publisher_memory_new(publisher_delivered *delivered, void *context,
                                       int64_t entries_max)
{
    static const struct publisher_ops ops = { publish, progress, join,           trouble,
                                              is_idle, forget,   close_publisher };
    struct publisher_memory *m = mem_alloc(sizeof(*m));

    m->publisher.ops = &ops;
    m->delivered = delivered;
    m->context = context;
    publisher_queue_init(&m->queue, entries_max > 0 ? entries_max : ENTRIES_MAX, INT64_MAX);
    CHECK(pthread_mutex_init(&m->lock, NULL) == 0);
    return &m->publisher;
}

void publisher_memory_hold(struct publisher *p, bool is_held)
{
    struct publisher_memory *m = lock(p);

    m->is_held = is_held;
    send_all(m);
    unlock(m);
    report(m);
}

const struct publisher_memory_record *
publisher_memory_records(struct publisher *p, enum output_type type, uint32_t *out_count)
{
    struct publisher_memory *m = lock(p);

    *out_count = m->records[type].count;
    unlock(m);
    return m->records[type].items;
}
