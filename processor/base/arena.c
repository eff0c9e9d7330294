#include "processor/base/arena.h"

#include "processor/base/check.h"
#include "processor/base/mem.h"

#include <stdalign.h>
#include <stdarg.h>
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

#define BLOCK_SIZE (64 * 1024)

struct arena_block {
    struct arena_block *next;
    size_t size; /* of the room behind this header */
    size_t used;
    alignas(max_align_t) unsigned char room[];
};

static struct arena_block *block_new(struct arena *a, size_t size)
{
    struct arena_block *b = mem_alloc(sizeof(*b) + size);

    b->size = size;
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

        if (!ARENA_IS_TWIN && kept == NULL && a->blocks->size == BLOCK_SIZE) {
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

void *arena_alloc(struct arena *a, size_t size)
{
    struct arena_block *b = a->blocks;
    size_t aligned = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    void *piece;

    CHECK(aligned >= size);
    a->used += aligned;
    if (ARENA_IS_TWIN) {
        return block_new(a, size)->room;
    }
    if (b == NULL || b->size - b->used < aligned) {
        b = block_new(a, aligned > BLOCK_SIZE / 4 ? aligned : BLOCK_SIZE);
        if (b->size != BLOCK_SIZE && b->next != NULL) {
            /* A piece with a block of its own goes behind the current one, which still has room. */
            a->blocks = b->next;
            b->next = a->blocks->next;
            a->blocks->next = b;
        }
    }
    piece = b->room + b->used;
    b->used += aligned;
    memset(piece, 0, aligned);
    return piece;
}

struct text arena_text(struct arena *a, struct text t)
{
    char *copy;

    if (t.at == NULL) {
        return TEXT_NONE;
    }
    copy = arena_alloc(a, t.size + 1);
    if (t.size > 0) {
        memcpy(copy, t.at, t.size);
    }
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
    copy = arena_alloc(a, (size_t)size + 1);
    va_start(arguments, format);
    (void)vsnprintf(copy, (size_t)size + 1, format, arguments);
    va_end(arguments);
    return (struct text){ copy, (size_t)size };
}
