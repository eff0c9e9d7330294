/* What was handed to a publisher and is not yet delivered: by partition, in order, with the rule
 * of what may be sent now.
 *
 * Layer: sinks (no I/O). Owner: a publisher, under its lock. Entries are copies and stay in place
 * until their delivery or failure is told, even when their partition was forgotten meanwhile.
 */
#ifndef SINKS_PUBLISHER_QUEUE_H
#define SINKS_PUBLISHER_QUEUE_H
#include "schemas/commit.h"

#include <stdbool.h>
#include <stdint.h>

struct publisher_partition;

enum publisher_entry_state { PUBLISHER_WAITING, PUBLISHER_IN_FLIGHT, PUBLISHER_DELIVERED };

struct publisher_entry {
    struct outbox_entry outbox;            /* texts and bytes are this entry's own */
    struct publisher_partition *partition; /* NULL: forgotten */
    struct publisher_entry *next;          /* of the partition */
    struct publisher_entry *flight_next;   /* all in flight, of all partitions */
    struct publisher_entry *flight_previous;
    uint32_t producer; /* that was given it last; 0: none yet */
    enum publisher_entry_state state;
};

struct publisher_queue {
    struct publisher_partition **partitions; /* by number; NULL: none */
    uint32_t partition_capacity;
    struct publisher_entry *in_flight;
    int64_t entry_count; /* with forgotten ones still in flight */
    int64_t bytes;
    int64_t live_count; /* of partitions not forgotten, not yet delivered */
    int64_t entries_max;
    int64_t bytes_max;
};

void publisher_queue_init(struct publisher_queue *q, int64_t entries_max, int64_t bytes_max);
/* Requires: nothing in flight. */
void publisher_queue_fini(struct publisher_queue *q);

/* Append a copy. Requires: a sequence above those before. Returns: NULL when full. */
struct publisher_entry *publisher_queue_add(struct publisher_queue *q, int32_t partition,
                                            const struct outbox_entry *entry);

/* The entry of the partition to be sent next. NULL: none, or it waits. */
struct publisher_entry *publisher_queue_next(struct publisher_queue *q, int32_t partition,
                                             int64_t now_ms);

/* What became of the entry publisher_queue_next gave: a producer has it; or it could not be handed
 * over, and the partition waits; or nobody wants it, which is as good as delivered. */
void publisher_queue_sent(struct publisher_queue *q, struct publisher_entry *e, uint32_t producer);
void publisher_queue_refused(struct publisher_entry *e, int64_t again_at_ms);
void publisher_queue_dropped(struct publisher_queue *q, struct publisher_entry *e);

/* What became of an entry in flight. After a failure nothing more of the partition is sent until
 * all of it in flight came back; then all that is not delivered is sent again in order. The entry
 * may be gone afterwards. failed returns: true for the first failure since the partition went on.
 */
void publisher_queue_delivered(struct publisher_queue *q, struct publisher_entry *e);
bool publisher_queue_failed(struct publisher_queue *q, struct publisher_entry *e,
                            int64_t again_at_ms);

/* A producer goes: nothing more is sent until what it has came back. / It has gone: what it still
 * had has failed. */
void publisher_queue_rewind(struct publisher_queue *q, int64_t again_at_ms);
void publisher_queue_fail_all_of(struct publisher_queue *q, uint32_t producer, int64_t again_at_ms);

/* All that this producer had is delivered. */
void publisher_queue_delivered_all_of(struct publisher_queue *q, uint32_t producer);

void publisher_queue_forget(struct publisher_queue *q, int32_t partition);
bool publisher_queue_is_waiting(const struct publisher_queue *q); /* some partition is held back */

/* Next partition with something to report; starts with *cursor = 0. Returns: false at the end. */
bool publisher_queue_report(struct publisher_queue *q, uint32_t *cursor, int32_t *out_partition,
                            int64_t *out_sequence);

#endif /* SINKS_PUBLISHER_QUEUE_H */
