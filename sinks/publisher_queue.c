/* DESIGN. A partition is a list in ascending sequence. Deliveries may come in any order (entries
 * go to several topics); the front of the list is what counts, so an entry delivered early stays in
 * the list, marked, until all before it are delivered, and is not sent again by a rewind.
 */
#include "sinks/publisher_queue.h"

#include "processor/base/check.h"
#include "processor/base/mem.h"

struct publisher_partition {
    struct publisher_entry *first;
    struct publisher_entry **last;
    struct publisher_entry *next; /* to be sent, or behind it */
    uint32_t in_flight;
    bool is_rewinding; /* one failed: send from the front, once nothing is in flight */
    int64_t again_at_ms;
    int64_t newest;    /* sequence added last */
    int64_t delivered; /* all up to here */
    int64_t reported;
};

void publisher_queue_init(struct publisher_queue *q, int64_t entries_max, int64_t bytes_max)
{
    *q = (struct publisher_queue){ .entries_max = entries_max, .bytes_max = bytes_max };
}

static int64_t size_of(const struct publisher_entry *e)
{
    return (int64_t)(sizeof(*e) + e->outbox.key.size + e->outbox.payload.size);
}

static void entry_free(struct publisher_queue *q, struct publisher_entry *e)
{
    q->entry_count--;
    q->bytes -= size_of(e);
    mem_free(e);
}

void publisher_queue_fini(struct publisher_queue *q)
{
    for (uint32_t i = 0; i < q->partition_capacity; i++) {
        publisher_queue_forget(q, (int32_t)i);
    }
    CHECK(q->in_flight == NULL && q->entry_count == 0 && q->bytes == 0 && q->live_count == 0);
    mem_free(q->partitions);
}

static struct publisher_partition *find(const struct publisher_queue *q, int32_t number)
{
    CHECK(number >= 0);
    return (uint32_t)number < q->partition_capacity ? q->partitions[number] : NULL;
}

static struct publisher_partition *need(struct publisher_queue *q, int32_t number)
{
    struct publisher_partition *p = find(q, number);

    if (p == NULL) {
        while ((uint32_t)number >= q->partition_capacity) {
            q->partitions = mem_grow32(q->partitions, q->partition_capacity, &q->partition_capacity,
                                       sizeof(struct publisher_partition *));
        }
        p = mem_alloc(sizeof(*p));
        p->last = &p->first;
        q->partitions[number] = p;
    }
    return p;
}

static struct publisher_entry *entry_new(const struct outbox_entry *from)
{
    size_t key = from->key.size, payload = from->payload.size;
    struct publisher_entry *e = mem_alloc(sizeof(*e) + key + payload + 1);
    char *behind = (char *)(e + 1);

    e->outbox = *from;
    if (from->key.at != NULL) {
        memcpy(behind, from->key.at, key);
        e->outbox.key.at = behind;
    }
    if (payload > 0) {
        memcpy(behind + key, from->payload.at, payload);
    }
    e->outbox.payload.at = (const uint8_t *)(behind + key);
    return e;
}

struct publisher_entry *publisher_queue_add(struct publisher_queue *q, int32_t partition,
                                            const struct outbox_entry *entry)
{
    int64_t size = (int64_t)(entry->key.size + entry->payload.size);
    struct publisher_partition *p;
    struct publisher_entry *e;

    /* an entry over bytes_max passes when it is alone */
    if (q->entry_count >= q->entries_max ||
        (q->entry_count > 0 && q->bytes + size > q->bytes_max)) {
        return NULL;
    }
    p = need(q, partition);
    CHECK(entry->sequence > p->newest);
    e = entry_new(entry);
    e->partition = p;
    *p->last = e;
    p->last = &e->next;
    p->newest = entry->sequence;
    if (p->next == NULL) {
        p->next = e;
    }
    q->entry_count++;
    q->bytes += size_of(e);
    q->live_count++;
    return e;
}

struct publisher_entry *publisher_queue_next(struct publisher_queue *q, int32_t partition,
                                             int64_t now_ms)
{
    struct publisher_partition *p = find(q, partition);

    if (p == NULL || now_ms < p->again_at_ms || (p->is_rewinding && p->in_flight > 0)) {
        return NULL;
    }
    if (p->is_rewinding) {
        p->is_rewinding = false;
        p->next = p->first;
    }
    p->again_at_ms = INT64_MIN;
    while (p->next != NULL && p->next->state != PUBLISHER_WAITING) {
        p->next = p->next->next;
    }
    return p->next;
}

void publisher_queue_sent(struct publisher_queue *q, struct publisher_entry *e, uint32_t producer)
{
    struct publisher_partition *p = e->partition;

    CHECK(p->next == e && e->state == PUBLISHER_WAITING);
    e->state = PUBLISHER_IN_FLIGHT;
    e->producer = producer;
    e->flight_previous = NULL;
    e->flight_next = q->in_flight;
    if (q->in_flight != NULL) {
        q->in_flight->flight_previous = e;
    }
    q->in_flight = e;
    p->in_flight++;
    p->next = e->next;
}

void publisher_queue_refused(struct publisher_entry *e, int64_t again_at_ms)
{
    e->partition->again_at_ms = again_at_ms;
}

/* The front that is delivered leaves the list. */
static void take_front(struct publisher_queue *q, struct publisher_partition *p)
{
    while (p->first != NULL && p->first->state == PUBLISHER_DELIVERED) {
        struct publisher_entry *e = p->first;

        p->delivered = e->outbox.sequence;
        p->first = e->next;
        if (p->first == NULL) {
            p->last = &p->first;
        }
        if (p->next == e) {
            p->next = e->next;
        }
        entry_free(q, e);
    }
}

void publisher_queue_dropped(struct publisher_queue *q, struct publisher_entry *e)
{
    e->state = PUBLISHER_DELIVERED;
    q->live_count--;
    take_front(q, e->partition);
}

/* Returns: the partition; NULL when it was forgotten, and the entry with it. */
static struct publisher_partition *land(struct publisher_queue *q, struct publisher_entry *e)
{
    struct publisher_partition *p = e->partition;

    CHECK(e->state == PUBLISHER_IN_FLIGHT);
    if (e->flight_previous == NULL) {
        q->in_flight = e->flight_next;
    } else {
        e->flight_previous->flight_next = e->flight_next;
    }
    if (e->flight_next != NULL) {
        e->flight_next->flight_previous = e->flight_previous;
    }
    if (p == NULL) {
        entry_free(q, e);
        return NULL;
    }
    p->in_flight--;
    return p;
}

void publisher_queue_delivered(struct publisher_queue *q, struct publisher_entry *e)
{
    struct publisher_partition *p = land(q, e);

    if (p != NULL) {
        e->state = PUBLISHER_DELIVERED;
        q->live_count--;
        take_front(q, p);
    }
}

bool publisher_queue_failed(struct publisher_queue *q, struct publisher_entry *e,
                            int64_t again_at_ms)
{
    struct publisher_partition *p = land(q, e);
    bool is_first;

    if (p == NULL) {
        return false;
    }
    is_first = !p->is_rewinding;
    e->state = PUBLISHER_WAITING;
    p->is_rewinding = true;
    p->again_at_ms = again_at_ms;
    return is_first;
}

void publisher_queue_rewind(struct publisher_queue *q, int64_t again_at_ms)
{
    for (uint32_t i = 0; i < q->partition_capacity; i++) {
        struct publisher_partition *p = q->partitions[i];

        if (p != NULL && p->first != NULL) {
            p->is_rewinding = true;
            p->again_at_ms = again_at_ms;
        }
    }
}

void publisher_queue_fail_all_of(struct publisher_queue *q, uint32_t producer, int64_t again_at_ms)
{
    struct publisher_entry *next;

    for (struct publisher_entry *e = q->in_flight; e != NULL; e = next) {
        next = e->flight_next;
        if (e->producer == producer) {
            (void)publisher_queue_failed(q, e, again_at_ms);
        }
    }
}

void publisher_queue_delivered_all_of(struct publisher_queue *q, uint32_t producer)
{
    struct publisher_entry *next;

    for (struct publisher_entry *e = q->in_flight; e != NULL; e = next) {
        next = e->flight_next;
        if (e->producer == producer) {
            publisher_queue_delivered(q, e);
        }
    }
}

void publisher_queue_forget(struct publisher_queue *q, int32_t partition)
{
    struct publisher_partition *p = find(q, partition);

    if (p == NULL) {
        return;
    }
    while (p->first != NULL) {
        struct publisher_entry *e = p->first;

        p->first = e->next;
        q->live_count -= e->state != PUBLISHER_DELIVERED;
        if (e->state == PUBLISHER_IN_FLIGHT) {
            e->partition = NULL;
            e->next = NULL;
        } else {
            entry_free(q, e);
        }
    }
    mem_free(p);
    q->partitions[partition] = NULL;
}

bool publisher_queue_is_waiting(const struct publisher_queue *q)
{
    for (uint32_t i = 0; i < q->partition_capacity; i++) {
        const struct publisher_partition *p = q->partitions[i];

        if (p != NULL && (p->is_rewinding || p->next != NULL)) {
            return true;
        }
    }
    return false;
}

bool publisher_queue_report(struct publisher_queue *q, uint32_t *cursor, int32_t *out_partition,
                            int64_t *out_sequence)
{
    for (; *cursor < q->partition_capacity; (*cursor)++) {
        struct publisher_partition *p = q->partitions[*cursor];

        if (p != NULL && p->reported != p->delivered) {
            p->reported = p->delivered;
            *out_partition = (int32_t)(*cursor)++;
            *out_sequence = p->delivered;
            return true;
        }
    }
    return false;
}
