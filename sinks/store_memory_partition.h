/* What one partition of the memory store holds: state, records, timers, outbox, counters, guard.
 *
 * Layer: sinks. Owner: the backend in store_memory.c, under its lock. Shown things are copies in
 * the arena given.
 */
#ifndef SINKS_STORE_MEMORY_PARTITION_H
#define SINKS_STORE_MEMORY_PARTITION_H
#include "processor/base/arena.h"
#include "processor/base/map.h"
#include "sinks/store.h"
#include "sinks/store_guard.h"

struct store_memory_blob { /* the outbox entries of one commit */
    int64_t last_sequence;
    struct bytes bytes;
};

struct store_memory_customer;

struct store_memory_partition {
    bool is_guarded;
    struct store_guard guard;
    struct bytes state; /* absent: nothing committed yet */
    struct map customers;
    struct store_memory_blob *blobs;
    uint32_t blob_count;
    uint32_t blob_capacity;
    const struct store_memory_customer **timers; /* by due, then id; valid while is_sorted */
    uint32_t timer_count;
    bool is_sorted;
    struct counters counters;
};

struct store_memory_partition *store_memory_partition_new(void);
void store_memory_partition_free(struct store_memory_partition *p); /* NULL is fine */
struct store_memory_partition *store_memory_partition_copy(const struct store_memory_partition *p);

/* All but the guard. */
void store_memory_partition_put(struct store_memory_partition *p, const struct commit *c);

/* Fill what a reply to CLAIM, TIMERS or LOAD shows. Errors: ERR_CORRUPT. */
enum err store_memory_partition_state(const struct store_memory_partition *p, struct arena *arena,
                                      struct store_reply *reply);
void store_memory_partition_timers(struct store_memory_partition *p, const struct store_request *r,
                                   struct arena *arena, struct store_reply *reply);
void store_memory_partition_records(const struct store_memory_partition *p,
                                    const struct store_request *r, struct arena *arena,
                                    struct store_reply *reply);

int64_t store_memory_partition_filed(const struct store_memory_partition *p); /* with a timer */

/* What a reply to SCAN shows: all of them in one page. */
void store_memory_partition_customers(const struct store_memory_partition *p, struct arena *arena,
                                      struct store_reply *reply);

#endif /* SINKS_STORE_MEMORY_PARTITION_H */
