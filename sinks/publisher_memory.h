/* The publisher to memory: for tests, the simulator, and to look at what would have left.
 *
 * Layer: sinks. Owner: the caller, publisher_close. Entries are delivered at once, or, while held,
 * when told; `delivered` is called on the thread that publishes or lets go. Thread: any.
 */
#ifndef SINKS_PUBLISHER_MEMORY_H
#define SINKS_PUBLISHER_MEMORY_H
#include "sinks/publisher.h"

struct publisher_memory_record {
    int32_t partition;         /* of the input */
    struct outbox_entry entry; /* an empty membership is a tombstone: its payload is absent */
};

/* entries_max: held at most, 0: 100,000. */
struct publisher *publisher_memory_new(publisher_delivered *delivered, void *context,
                                       int64_t entries_max);

/* Held: entries stay where they are, as with brokers that are away. Letting go delivers them. */
void publisher_memory_hold(struct publisher *p, bool is_held);

/* What was delivered, in order. Owner: the publisher; valid until the next call that publishes. */
const struct publisher_memory_record *
publisher_memory_records(struct publisher *p, enum output_type type, uint32_t *out_count);

#endif /* SINKS_PUBLISHER_MEMORY_H */
