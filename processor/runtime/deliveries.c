#include "processor/runtime/deliveries.h"

#include "processor/base/mem.h"

#include <unistd.h>

void deliveries_init(struct deliveries *d, int32_t partition_count)
{
    d->items = mem_alloc((size_t)partition_count * sizeof(struct delivery));
    d->count = partition_count;
    for (int32_t i = 0; i < partition_count; i++) {
        atomic_init(&d->items[i].sequence, 0);
        atomic_init(&d->items[i].wake_fd, -1);
    }
}

void deliveries_fini(struct deliveries *d)
{
    mem_free(d->items);
    *d = (struct deliveries){ 0 };
}

void deliveries_own(struct deliveries *d, int32_t partition, int wake_fd)
{
    atomic_store(&d->items[partition].sequence, 0);
    atomic_store(&d->items[partition].wake_fd, wake_fd);
}

void deliveries_tell(void *context, int32_t partition, int64_t sequence)
{
    struct deliveries *d = context;
    static const uint64_t one = 1;
    int fd = atomic_load(&d->items[partition].wake_fd);

    atomic_store(&d->items[partition].sequence, sequence);
    if (fd >= 0) {
        /* A full counter wakes as well. */
        ssize_t written = write(fd, &one, sizeof(one));

        (void)written;
    }
}
