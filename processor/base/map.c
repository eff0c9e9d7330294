#include "processor/base/map.h"

#include "processor/base/check.h"
#include "processor/base/hash.h"
#include "processor/base/mem.h"

#define CAPACITY_FIRST 64

void map_fini(struct map *m)
{
    mem_free(m->slots);
    *m = (struct map){ NULL, 0, 0 };
}

/* The slot that holds the key, or the free one where it would go. Requires: capacity > 0. */
static struct map_slot *slot_of(const struct map *m, uint64_t hash, struct text key)
{
    size_t place = (size_t)hash & (m->capacity - 1);

    while (m->slots[place].value != NULL &&
           (m->slots[place].hash != hash || !text_equal(m->slots[place].key, key))) {
        place = (place + 1) & (m->capacity - 1);
    }
    return &m->slots[place];
}

void *map_find(const struct map *m, struct text key)
{
    return m->capacity == 0 ? NULL : slot_of(m, hash64(key), key)->value;
}

static void grow(struct map *m)
{
    struct map old = *m;

    m->capacity = old.capacity == 0 ? CAPACITY_FIRST : old.capacity * 2;
    m->slots = mem_alloc(m->capacity * sizeof(struct map_slot));
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].value != NULL) {
            *slot_of(m, old.slots[i].hash, old.slots[i].key) = old.slots[i];
        }
    }
    mem_free(old.slots);
}

void map_put(struct map *m, struct text key, void *value)
{
    uint64_t hash = hash64(key);
    struct map_slot *slot;

    CHECK(value != NULL);
    if (m->count * 2 >= m->capacity) {
        grow(m);
    }
    slot = slot_of(m, hash, key);
    CHECK(slot->value == NULL);
    *slot = (struct map_slot){ hash, key, value };
    m->count++;
}

void *map_remove(struct map *m, struct text key)
{
    struct map_slot *slot;
    size_t hole, next;
    void *value;

    if (m->capacity == 0) {
        return NULL;
    }
    slot = slot_of(m, hash64(key), key);
    value = slot->value;
    if (value == NULL) {
        return NULL;
    }
    /* Close the gap: move back every follower that probed past it. */
    hole = (size_t)(slot - m->slots);
    for (next = (hole + 1) & (m->capacity - 1); m->slots[next].value != NULL;
         next = (next + 1) & (m->capacity - 1)) {
        size_t home = (size_t)m->slots[next].hash & (m->capacity - 1);

        if (((next - home) & (m->capacity - 1)) >= ((next - hole) & (m->capacity - 1))) {
            m->slots[hole] = m->slots[next];
            hole = next;
        }
    }
    m->slots[hole] = (struct map_slot){ 0, TEXT_NONE, NULL };
    m->count--;
    return value;
}

void *map_next(const struct map *m, size_t *cursor)
{
    while (*cursor < m->capacity) {
        void *value = m->slots[(*cursor)++].value;

        if (value != NULL) {
            return value;
        }
    }
    return NULL;
}
