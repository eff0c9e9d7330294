/* One customer's record, asked for from another thread: of the worker that owns the partition, as
 * it has just decided, else of the store, as last committed.
 *
 * Layer: runtime. For the HTTP server: answers pages about customers. An owner's answer takes one
 * turn of its loop, the store's a round trip. Thread: one, whichever.
 */
#ifndef RUNTIME_LOOKUP_H
#define RUNTIME_LOOKUP_H
#include "processor/runtime/worker.h"

struct lookup;

struct lookup_options {
    struct worker *const *workers; /* both the owner's, both outlive the lookup */
    int32_t worker_count;
    int32_t partition_count;
    struct store *store; /* passes to the lookup; only looked into */
};

struct lookup_answer {
    struct bytes_out record; /* empty: no event of the customer was ever accepted */
    bool is_owners;          /* a worker of this process has told it */
    int32_t partition;
    int64_t stream_ms; /* everything up to then has happened; never: not known */
};

struct lookup *lookup_new(const struct lookup_options *options);
void lookup_free(struct lookup *l); /* NULL is fine. Requires: the workers still live */

/* Errors: ERR_UNAVAILABLE neither owner nor store answers in time; ERR_CORRUPT the store holds
 * something else. Owner of out_answer->record: the caller, bytes_out_fini, whatever is returned. */
enum err lookup_customer(struct lookup *l, struct text id, struct lookup_answer *out_answer);

/* The counters of every partition as last committed, whoever owns it; and the largest stream time.
 * Errors: those of lookup_customer. */
typedef void lookup_count(void *context, const struct counter_value *counters, uint32_t count);
enum err lookup_counters(struct lookup *l, lookup_count *count, void *context,
                         int64_t *out_stream_ms);
int32_t lookup_partition_count(const struct lookup *l);

#endif /* RUNTIME_LOOKUP_H */
