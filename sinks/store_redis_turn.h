/* The inside of the Redis store: its queue, and everything that happens to it without its caller.
 *
 * Layer: sinks. Owner: store_redis.c, of which this is the larger half. Thread: the store's.
 */
#ifndef SINKS_STORE_REDIS_TURN_H
#define SINKS_STORE_REDIS_TURN_H
#include "sinks/redis_link.h"
#include "sinks/redis_work.h"
#include "sinks/store_redis.h"

#include <stdatomic.h>

#define STORE_REDIS_TURN_BACKOFF_FIRST_MS 50
#define STORE_REDIS_TURN_BACKOFF_MOST_MS  2000

struct redis_queue {
    struct redis_work *first;
    struct redis_work **last;
};

struct redis_partitions { /* by number */
    struct redis_partition *items;
    uint32_t count;
};

struct store_redis {
    struct store store;
    struct store_redis_options options; /* texts are our copies */
    int64_t generation;                 /* -1: not known yet */
    struct text generation_key;
    struct redis_partitions *partitions; /* own, or those of all nodes of a store_nodes .. */
    struct redis_partitions own;
    bool is_node;              /* .. then what belongs to another node is put aside .. */
    struct redis_queue strays; /* .. here */
    int64_t opened;            /* links so far */
    struct redis_link *link;   /* NULL: down */
    uint32_t greeting;         /* replies to come before requests may go */
    uint32_t discarded;        /* replies to come that nobody wants */
    struct redis_queue works;  /* sent ones first */
    struct redis_queue answers;
    struct redis_work *shown; /* by the last poll */
    int64_t backoff_ms;
    int64_t retry_at_ms;
    int64_t moved;          /* by the link, when last looked at .. */
    int64_t moved_at_ms;    /* .. and when that had changed, or nothing was waited for */
    int64_t comebacks;      /* connections made after the first */
    bool is_said_up;        /* there was a first */
    bool is_refused;        /* an answered request must show that the server is well again */
    bool is_said_down;      /* said once per outage */
    char trouble[32];       /* the last reason to go down */
    atomic_bool is_serving; /* for other threads */
};

/* One server of many: shares what is known of partitions, and sets strays aside. Owner: the caller,
 * store_close, which leaves the partitions alone. */
struct store_redis *store_redis_turn_node(const struct store_redis_options *options,
                                          struct redis_partitions *partitions);
/* Append AUTH, when the options have a password. Returns: how many replies will come. */
uint32_t store_redis_turn_auth(const struct store_redis_options *o, struct bytes_out *out);
/* RELEASE: what is under way for the partition is answered ERR_UNAVAILABLE. */
void store_redis_turn_abandon(struct store_redis *s, int32_t partition);
void redis_partitions_fini(struct redis_partitions *p);

void redis_queue_put(struct redis_queue *q, struct redis_work *w);
struct redis_work *redis_queue_take(struct redis_queue *q); /* NULL: empty */

int64_t store_redis_turn_now_ms(void); /* monotonic */
struct redis_partition *store_redis_turn_partition(struct store_redis *s, int32_t number);
bool store_redis_turn_is_waiting(const struct store_redis *s); /* for a reply */

/* All that can be done without waiting: connect, send, read, answer. */
void store_redis_turn(struct store_redis *s);
/* The sending part of it. What fails is found by the next turn. */
void store_redis_turn_send(struct store_redis *s);
/* Until a turn can do something, at most so long. */
void store_redis_turn_wait(const struct store_redis *s, int64_t most_ms);

#endif /* SINKS_STORE_REDIS_TURN_H */
