/* The durable store in memory: for tests and the simulator, and to run without Redis.
 *
 * Layer: sinks. Owner: the caller; store_close frees a store. Stores that share a backend behave as
 * processes that share a Redis: one can take a partition from another, and what was committed
 * outlives the store that committed it. Thread: a backend any, a store one.
 */
#ifndef SINKS_STORE_MEMORY_H
#define SINKS_STORE_MEMORY_H
#include "sinks/store.h"

struct store_memory_backend;

struct store_memory_backend *store_memory_backend_new(void);
void store_memory_backend_free(struct store_memory_backend *b); /* after all its stores */

/* All that is there now. Owner: the caller. */
struct store_memory_backend *store_memory_backend_copy(struct store_memory_backend *b);

/* As a server that comes back and has lost all since that copy was made, which is used up: every
 * store of the backend counts a comeback. What was asked before is answered as it was then. */
void store_memory_backend_come_back(struct store_memory_backend *b,
                                    struct store_memory_backend *older);

struct store *store_memory_open(struct store_memory_backend *b);
struct store *store_memory_new(void); /* with a backend of its own, gone with it */

#endif /* SINKS_STORE_MEMORY_H */
