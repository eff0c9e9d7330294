/* Heap memory that is always there: running out of it aborts, and a restart goes on from the last
 * commit, which is the tested path.
 *
 * Layer: base.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H
#include <stddef.h>
#include <stdint.h>

void *mem_alloc(size_t size);                 /* zeroed; size may be 0 */
void *mem_room(size_t size);                  /* not zeroed: written before it is read */
void *mem_dup(const void *from, size_t size); /* a copy, with a NUL behind it */
char *mem_dup_text(const char *text);         /* NUL-terminated */
void mem_free(void *at);                      /* NULL is fine */

/* Make room for one more item in a growing array: `items` has `count` items of `item_size` bytes in
 * use and room for *capacity. Returns the (moved) array; new room is zeroed. */
void *mem_grow(void *items, size_t count, size_t *capacity, size_t item_size);

/* The same for arrays with a 32-bit capacity. */
void *mem_grow32(void *items, uint32_t count, uint32_t *capacity, size_t item_size);

#endif /* BASE_MEM_H */
