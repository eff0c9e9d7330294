#include "processor/base/arena.h"

#include "processor/base/check.h"
#include "processor/base/mem.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_IS_TWIN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_IS_TWIN 1
#endif
#endif
#ifndef ARENA_IS_TWIN
#define ARENA_IS_TWIN 0
#endif

#define BLOCK_SIZE     (64 * 1024)  /* the first; each next one is twice the one before, */
#define BLOCK_SIZE_MAX (512 * 1024) /* so that soon one block, which is kept, holds a whole batch  \
                                     */

struct arena_block {
    struct arena_block *next;
    size_t size; /* of the room behind this header */
    size_t used;
    alignas(max_align_t) unsigned char room[];
};

static struct arena_block *block_new(struct arena *a, size_t size)
{
    struct arena_block *b = mem_room(sizeof(*b) + size);

    b->size = size;
    b->used = 0;
    b->next = a->blocks;
    a->blocks = b;
    return b;
}

void arena_fini(struct arena *a)
{
    while (a->blocks != NULL) {
        struct arena_block *next = a->blocks->next;

        mem_free(a->blocks);
        a->blocks = next;
    }
    a->used = 0;
}

void arena_reset(struct arena *a)
{
    struct arena_block *kept = NULL;

    a->used = 0;
    while (a->blocks != NULL) {
        struct arena_block *next = a->blocks->next;

        /* The newest of the growing ones comes first and is the largest. */
        if (!ARENA_IS_TWIN && kept == NULL && a->blocks->size <= BLOCK_SIZE_MAX &&
            a->blocks->size >= BLOCK_SIZE) {
            kept = a->blocks;
        } else {
            mem_free(a->blocks);
        }
        a->blocks = next;
    }
    if (kept != NULL) {
        kept->next = NULL;
        kept->used = 0;
        a->blocks = kept;
    }
}

static size_t next_size(const struct arena_block *newest)
{
    if (newest == NULL || newest->size < BLOCK_SIZE) {
        return BLOCK_SIZE;
    }
    return newest->size * 2 < BLOCK_SIZE_MAX ? newest->size * 2 : BLOCK_SIZE_MAX;
}

void *arena_room(struct arena *a, size_t size)
{
    size_t aligned = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct arena_block *b;
    void *piece;

    CHECK(aligned >= size);
    a->used += aligned;
    if (ARENA_IS_TWIN) {
        return block_new(a, size)->room;
    }
    b = a->blocks;
    if (b == NULL || b->size - b->used < aligned) {
        bool is_own = aligned > BLOCK_SIZE / 4;

        b = block_new(a, is_own ? aligned : next_size(b));
        if (is_own && b->next != NULL) {
            /* A piece with a block of its own goes behind the current one, which still has room. */
            a->blocks = b->next;
            b->next = a->blocks->next;
            a->blocks->next = b;
        }
    }
    piece = b->room + b->used;
    b->used += aligned;
    return piece;
}

void *arena_alloc(struct arena *a, size_t size)
{
    return memset(arena_room(a, size), 0, size);
}

struct text arena_text(struct arena *a, struct text t)
{
    char *copy;

    if (t.at == NULL) {
        return TEXT_NONE;
    }
    copy = arena_room(a, t.size + 1);
    if (t.size > 0) {
        memcpy(copy, t.at, t.size);
    }
    copy[t.size] = '\0';
    return (struct text){ copy, t.size };
}

struct text arena_format(struct arena *a, const char *format, ...)
{
    va_list arguments;
    char *copy;
    int size;

    va_start(arguments, format);
    size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    CHECK(size >= 0);
    copy = arena_room(a, (size_t)size + 1);
    va_start(arguments, format);
    (void)vsnprintf(copy, (size_t)size + 1, format, arguments);
    va_end(arguments);
    return (struct text){ copy, (size_t)size };
}
