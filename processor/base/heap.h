/* Min-heap of timers: what is due first comes first; equal instants by key bytes, so order never
 * depends on history.
 *
 * Layer: base. Items are embedded in their owner and know their place, so moving one is O(log n).
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H
#include "processor/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_NOWHERE SIZE_MAX

struct heap_item {
    int64_t due_ms;
    struct text key; /* breaks ties; borrowed, must outlive its stay in the heap */
    size_t place;    /* HEAP_NOWHERE when in no heap */
};

struct heap {
    struct heap_item **items;
    size_t count;
    size_t capacity;
};

void heap_item_init(struct heap_item *item, struct text key);
void heap_fini(struct heap *h);                     /* items stay their owners' */
struct heap_item *heap_first(const struct heap *h); /* NULL when empty */

/* Put the item at due_ms, wherever it was; INSTANT_NEVER takes it out. */
void heap_set(struct heap *h, struct heap_item *item, int64_t due_ms);
bool heap_is_valid(const struct heap *h); /* for DEEP_CHECK */

#endif /* BASE_HEAP_H */
