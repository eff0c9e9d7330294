#include "processor/base/mem.h"

#include "processor/base/check.h"

#include <stdlib.h>
#include <string.h>

void *mem_alloc(size_t size)
{
    void *at = calloc(1, size == 0 ? 1 : size);

    CHECK(at != NULL);
    return at;
}

void *mem_room(size_t size)
{
    void *at = malloc(size == 0 ? 1 : size);

    CHECK(at != NULL);
    return at;
}

void *mem_dup(const void *from, size_t size)
{
    char *copy = malloc(size + 1);

    CHECK(copy != NULL);
    if (size > 0) {
        memcpy(copy, from, size);
    }
    copy[size] = '\0';
    return copy;
}

char *mem_dup_text(const char *text)
{
    CHECK(text != NULL);
    return mem_dup(text, strlen(text));
}

void mem_free(void *at)
{
    free(at);
}

void *mem_grow(void *items, size_t count, size_t *capacity, size_t item_size)
{
    size_t room = *capacity;
    void *moved;

    CHECK(count <= room);
    CHECK(item_size > 0);
    if (count < room) {
        return items;
    }
    room = room == 0 ? 4 : room * 2;
    CHECK(room <= SIZE_MAX / item_size);
    moved = realloc(items, room * item_size);
    CHECK(moved != NULL);
    memset((char *)moved + count * item_size, 0, (room - count) * item_size);
    *capacity = room;
    return moved;
}

void *mem_grow32(void *items, uint32_t count, uint32_t *capacity, size_t item_size)
{
    size_t room = *capacity;

    items = mem_grow(items, count, &room, item_size);
    CHECK(room <= UINT32_MAX);
    *capacity = (uint32_t)room;
    return items;
}
