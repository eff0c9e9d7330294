/* The Redis store over many servers: a Redis Cluster, or the master that sentinels name.
 *
 * Layer: sinks. Made by store_redis_new for those layouts; nobody else calls this.
 */
#ifndef SINKS_STORE_NODES_H
#define SINKS_STORE_NODES_H
#include "sinks/store_redis.h"

struct store *store_nodes_new(const struct store_redis_options *options);
bool store_nodes_is(const struct store *s);
bool store_nodes_is_up(const struct store *s); /* Thread: any */
int64_t store_nodes_generation(const struct store *s);
const char *store_nodes_trouble(const struct store *s);

#endif /* SINKS_STORE_NODES_H */
