/* How far each partition is: the offsets and marks that the next transaction carries.
 *
 * Layer: sinks (no I/O). Owner: publisher_transactional, under its lock.
 */
#ifndef SINKS_TRANSACTION_OFFSETS_H
#define SINKS_TRANSACTION_OFFSETS_H
#include "sinks/kafka_client.h"
#include "sinks/publisher.h"

struct transaction_lane { /* one partition */
    char **topics;        /* NULL: nothing known yet, nothing may leave */
    int64_t *next_offsets;
    uint32_t topic_count;
    struct mark mark;
    bool is_urgent;
    int64_t published; /* committed up to here */
    int64_t sent;      /* in the transaction under way; 0: nothing of it */
    uint64_t told;     /* progress numbers: committed to the group .. */
    uint64_t telling;  /* .. in the transaction under way .. */
    uint64_t newest;   /* .. and made; 0: none */
    int64_t told_at_ms;
};

struct transaction_offsets {
    struct transaction_lane *lanes; /* by partition */
    uint32_t lane_count;
};

void transaction_offsets_fini(struct transaction_offsets *o);
void transaction_offsets_take(struct transaction_offsets *o,
                              const struct publisher_progress *progress);
void transaction_offsets_forget(struct transaction_offsets *o, int32_t partition);

/* NULL: nothing may leave of it yet. */
struct transaction_lane *transaction_offsets_lane(struct transaction_offsets *o, int32_t partition);

/* When an offset must be told even without outputs; never: nothing is new. */
int64_t transaction_offsets_due_ms(const struct transaction_offsets *o, int64_t every_ms);

/* All that is new, and all partitions of which something was sent. Owner: the caller. */
rd_kafka_topic_partition_list_t *transaction_offsets_list(struct transaction_offsets *o);

/* How the transaction under way ended. */
void transaction_offsets_end(struct transaction_offsets *o, bool is_committed, int64_t now_ms);

#endif /* SINKS_TRANSACTION_OFFSETS_H */
