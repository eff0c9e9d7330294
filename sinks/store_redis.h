/* The durable store in Redis, over one connection per store object.
 *
 * Layer: sinks. Owner: the caller; store_close frees it. Keys: sinks/README.md. Nothing waits but
 * resolving a host's name. While Redis is away, loads, refuses writes or is not the right one (any
 * error reply), requests stay and are tried again after 50 ms to 2 s; a commit whose answer was
 * lost is judged by the guard. Said by log lines store.down, store.up, store.eviction_policy.
 */
#ifndef SINKS_STORE_REDIS_H
#define SINKS_STORE_REDIS_H
#include "processor/base/endpoint.h"
#include "processor/base/text.h"
#include "sinks/store.h"

enum store_redis_layout { STORE_REDIS_SINGLE, STORE_REDIS_CLUSTER, STORE_REDIS_SENTINEL };

struct store_redis_options {
    struct text app; /* name of the deployment: part of every key */
    enum store_redis_layout layout;
    const struct endpoint *nodes; /* CLUSTER: some of it; SENTINEL: the sentinels */
    uint32_t node_count;
    struct text master; /* SENTINEL: its name */
    struct text socket; /* path of a Unix socket; absent: host and port */
    struct text host;
    int32_t port;
    int32_t database;
    struct text user; /* absent: none, or the default user */
    struct text password;
    bool is_generation_given; /* else the deployment's present one, as the server says */
    int64_t generation;       /* >= 0 */
    int64_t reply_timeout_ms; /* no byte for so long while waiting: connect again */
};

/* Texts are copied. Connects at the first poll or submit. With a layout of many servers each
 * partition's requests go to the one that has it now, and after a failover to its successor, which
 * may be older: that is a comeback. */
struct store *store_redis_new(const struct store_redis_options *options);

/* Connected, and the last thing asked was not refused. Thread: any. */
bool store_redis_is_up(const struct store *s);

/* Why it is not: "refused", "closed", "timeout", or the server's own word ("NOAUTH", "LOADING");
 * "" before the first trouble. Thread: the store's. */
const char *store_redis_trouble(const struct store *s);

/* The one it speaks of; -1: the server has not said yet. Requests wait for that. */
int64_t store_redis_generation(const struct store *s);

#endif /* SINKS_STORE_REDIS_H */
