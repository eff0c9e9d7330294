/* From the publisher's thread to the workers': up to where each partition's outputs are delivered.
 *
 * Layer: runtime. Thread: any.
 */
#ifndef RUNTIME_DELIVERIES_H
#define RUNTIME_DELIVERIES_H
#include <stdatomic.h>
#include <stdint.h>

struct delivery {
    _Atomic int64_t sequence; /* 0: nothing yet */
    _Atomic int wake_fd;      /* eventfd of the worker that owns the partition; -1: none */
};

struct deliveries {
    struct delivery *items; /* by partition */
    int32_t count;
};

void deliveries_init(struct deliveries *d, int32_t partition_count);
void deliveries_fini(struct deliveries *d);

/* The partition belongs to this worker from now on; wake_fd -1: to none. */
void deliveries_own(struct deliveries *d, int32_t partition, int wake_fd);

/* A publisher_delivered; context is the struct deliveries. */
void deliveries_tell(void *context, int32_t partition, int64_t sequence);

#endif /* RUNTIME_DELIVERIES_H */
