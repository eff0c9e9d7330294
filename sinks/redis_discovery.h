/* Who has what now, asked of a Redis Cluster's nodes or of sentinels: one after the other until one
 * knows, never blocking.
 *
 * Layer: sinks. Sources: CLUSTER SLOTS and SENTINEL GET-MASTER-ADDR-BY-NAME of Redis; its cluster
 * specification for slots. Owner: the caller. Thread: one.
 */
#ifndef SINKS_REDIS_DISCOVERY_H
#define SINKS_REDIS_DISCOVERY_H
#include "sinks/store_redis.h"

#define REDIS_SLOTS 16384

struct redis_discovery;

/* Slots from..to (inclusive) are at the address, which lives during the call. */
typedef void redis_discovery_found(void *context, uint32_t from, uint32_t to, struct endpoint at);

/* The options stay the caller's and must outlive it. */
struct redis_discovery *redis_discovery_new(const struct store_redis_options *options,
                                            redis_discovery_found *found, void *context);
void redis_discovery_free(struct redis_discovery *d);

/* Ask, and go on asking until one has told; nothing when that is under way. */
void redis_discovery_ask(struct redis_discovery *d);

/* What can be done without waiting. `others`: addresses that may know beside those of the options.
 * Returns: true when one has told everything, by calls of found, since it was last asked. */
bool redis_discovery_turn(struct redis_discovery *d, const struct endpoint *others,
                          uint32_t other_count);
int redis_discovery_fd(const struct redis_discovery *d); /* -1: none */

/* Of a key whose hash tag this is. */
uint32_t redis_slot(struct text tag);

#endif /* SINKS_REDIS_DISCOVERY_H */
