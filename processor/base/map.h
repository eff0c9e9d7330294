/* Open-addressing map from text to an owner's struct, linear probing, at most half full.
 *
 * Layer: base. Keys are borrowed from the values' owner and must live as long as the entry.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H
#include "processor/base/text.h"

#include <stddef.h>
#include <stdint.h>

struct map_slot {
    uint64_t hash;
    struct text key;
    void *value; /* NULL: free */
};

struct map {
    struct map_slot *slots;
    size_t count;
    size_t capacity; /* 0 or a power of two */
};

void map_fini(struct map *m);                         /* values stay their owners' */
void *map_find(const struct map *m, struct text key); /* NULL: not there */
void map_put(struct map *m, struct text key,
             void *value);                        /* Requires: key not there, value not NULL */
void *map_remove(struct map *m, struct text key); /* the value, or NULL */

/* Walk all entries: start with *cursor = 0; NULL at the end. The map must not change meanwhile. */
void *map_next(const struct map *m, size_t *cursor);

#endif /* BASE_MAP_H */
