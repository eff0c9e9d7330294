/* One thread: a member of the consumer group, a connection to the store, and a task per partition.
 *
 * Layer: runtime. It only carries out what the tasks ask for; what to do when is engine/task's.
 */
#ifndef RUNTIME_WORKER_H
#define RUNTIME_WORKER_H
#include "processor/runtime/deliveries.h"
#include "processor/runtime/source_kafka.h"
#include "sinks/publisher.h"
#include "sinks/store.h"

struct worker;

struct worker_options {
    const struct config *config;
    struct text instance;    /* of the static member; absent: a dynamic one */
    int32_t partition_count; /* of the input topics .. */
    bool is_pinned;          /* .. or of the state, which has fewer: those behind are left alone */
    struct store *store;     /* the worker's own, closed by its owner after worker_join */
    struct publisher *publisher; /* shared */
    struct deliveries *deliveries;
};

struct worker_view { /* for readiness and metrics. Thread: any */
    bool is_kafka_up;
    bool is_joined; /* the group has given it its partitions, maybe none */
    int64_t partitions, ready_partitions;
    int64_t input_lag;                    /* records not committed yet, as of the last second */
    struct task_stats stats;              /* all partitions together; stream_ms: the least */
    enum err error;                       /* why it stopped by itself; OK: it did not */
    int32_t stored_partitions, moving_to; /* of the stored state; 0: there is none */
};

/* Start the thread. Errors: ERR_CONFIG, a sentence in out_text. Owner: the caller, worker_join. */
enum err worker_start(const struct worker_options *options, struct worker **out_worker,
                      char out_text[256]);

/* Ask it to stop: what is under way is finished, what is durable is published, the group is left.
 */
void worker_stop(struct worker *w);
enum err worker_join(struct worker *w); /* wait for its end and free it; why it ended */
void worker_view(struct worker *w, struct worker_view *out_view);
uint64_t worker_beats(struct worker *w); /* differs later, while it moves. Thread: any */

/* Append the record of a customer whose partition is this worker's and whom it has in memory; with
 * the partition's stream time. Thread: any but the worker's. Returns: false when it has not, or its
 * thread does not come to it within 250 ms. */
bool worker_ask_customer(struct worker *w, int32_t partition, struct text customer,
                         struct bytes_out *out_record, int64_t *out_stream_ms);

#endif /* RUNTIME_WORKER_H */
