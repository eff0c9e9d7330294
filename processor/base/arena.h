/* Memory of one batch: taken piece by piece, given back all at once.
 *
 * Layer: base. Under ASAN every piece is its own heap block, so a use after arena_reset is caught.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H
#include "processor/base/text.h"

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used;                /* bytes handed out since the last reset */
};

void arena_fini(struct arena *a); /* a zeroed struct is a good empty arena */
void arena_reset(
    struct arena *a); /* ends the life of all pieces; keeps one block for the next batch */

/* Zeroed, aligned for any type, lives until arena_reset. Cannot fail. */
void *arena_alloc(struct arena *a, size_t size);
/* The same, not zeroed: for pieces that are written before they are read. */
void *arena_room(struct arena *a, size_t size);
struct text arena_text(struct arena *a,
                       struct text t); /* a copy, NUL behind it; absent stays absent */
struct text arena_format(struct arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif /* BASE_ARENA_H */
