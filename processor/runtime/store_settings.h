/* The configuration's `state` as the Redis store takes it: for workers, and for tools that only
 * read.
 *
 * Layer: runtime.
 */
#ifndef RUNTIME_STORE_SETTINGS_H
#define RUNTIME_STORE_SETTINGS_H
#include "processor/config/config.h"
#include "sinks/store_redis.h"

/* Texts are the configuration's. */
struct store_redis_options store_settings(const struct config *c);

#endif /* RUNTIME_STORE_SETTINGS_H */
