/* Where triggers, memberships, outcomes and dead letters leave: at least once, per key in order.
 *
 * Layer: sinks. One publisher per process, shared by its workers. Two implementations: Kafka
 * (idempotent producer) and memory (tests, simulator), passing one contract suite.
 */
#ifndef SINKS_PUBLISHER_H
#define SINKS_PUBLISHER_H
#include "processor/base/err.h"
#include "schemas/commit.h"

#include <stdbool.h>
#include <stdint.h>

/* Called when all of one partition's entries up to `sequence` are delivered. Thread: the
 * publisher's own. */
typedef void publisher_delivered(void *context, int32_t partition, int64_t sequence);

struct publisher;
struct publisher_ops {
    enum err (*publish)(struct publisher *p, int32_t partition, const struct outbox_entry *entry);
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
