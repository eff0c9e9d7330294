/* Where triggers, memberships, outcomes and dead letters leave: per key in order; at least once,
 * or, with the offsets of what they came from, in transactions: exactly once.
 *
 * Layer: sinks. Three implementations pass one contract suite: Kafka with an idempotent producer,
 * one per process, shared by its workers; Kafka with transactions, one per worker; memory (tests).
 */
#ifndef SINKS_PUBLISHER_H
#define SINKS_PUBLISHER_H
#include "processor/base/err.h"
#include "schemas/mark.h"

#include <stdbool.h>
#include <stdint.h>

/* Called when all of one partition's entries up to `sequence` are delivered. Thread: the
 * publisher's own. */
typedef void publisher_delivered(void *context, int32_t partition, int64_t sequence);

/* What is durable of a partition: goes to the consumer group with the outputs it led to. */
struct publisher_progress {
    int32_t partition;
    const struct text *topics;   /* of the input */
    const int64_t *next_offsets; /* by topic; -1: nothing read yet */
    uint32_t topic_count;
    struct mark mark; /* `published` is the publisher's to fill */
    bool is_urgent;   /* tell the group now, also without outputs */
};

struct publisher;
struct publisher_ops {
    enum err (*publish)(struct publisher *p, int32_t partition, const struct outbox_entry *entry);
    bool (*progress)(struct publisher *p, const struct publisher_progress *progress);
    void (*join)(struct publisher *p, struct bytes identity);
    enum err (*trouble)(struct publisher *p);
    bool (*is_idle)(struct publisher *p);
    void (*forget)(struct publisher *p, int32_t partition);
    void (*close)(struct publisher *p);
};
struct publisher { /* first member of every implementation */
    const struct publisher_ops *ops;
};

/* Hand over one entry; its bytes are copied. Errors: ERR_UNAVAILABLE the queue is full, offer it
 * again later. Thread: any. */
static inline enum err publisher_publish(struct publisher *p, int32_t partition,
                                         const struct outbox_entry *entry)
{
    return p->ops->publish(p, partition, entry);
}

/* After all entries of that progress were handed over. Returns: false when this publisher tells the
 * group nothing: then the caller does. Texts and offsets are copied. Thread: any. */
static inline bool publisher_progress(struct publisher *p,
                                      const struct publisher_progress *progress)
{
    return p->ops->progress(p, progress);
}

/* Who its offsets are committed for: a member of the group in one generation. Absent: nobody, and
 * what needs transactions waits. Thread: any. */
static inline void publisher_join(struct publisher *p, struct bytes identity)
{
    p->ops->join(p, identity);
}

/* OK; ERR_UNTOLD a transaction ended nobody knows how: nothing more leaves until its owner has
 * joined the group anew, and read there what was published; ERR_CONFIG another process keeps
 * opening transactions under our name. Thread: any. */
static inline enum err publisher_trouble(struct publisher *p)
{
    return p->ops->trouble(p);
}

/* Nothing urgent waits: no entry, no offset. Thread: any. */
static inline bool publisher_is_idle(struct publisher *p)
{
    return p->ops->is_idle(p);
}

/* The partition was lost: report none of its deliveries any more. */
static inline void publisher_forget(struct publisher *p, int32_t partition)
{
    p->ops->forget(p, partition);
}

static inline void publisher_close(struct publisher *p)
{
    if (p != NULL) {
        p->ops->close(p);
    }
}

#endif /* SINKS_PUBLISHER_H */
