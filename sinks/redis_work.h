/* One store request as Redis commands, and its replies as one answer.
 *
 * Layer: sinks (no I/O: appends commands, looks into replies). A request takes one stage (LOAD,
 * TIMERS, those of tools) or two (CLAIM, COMMIT: watch and read the guard, then write if it still
 * is the same; so SWITCH). Owner: store_redis.c.
 */
#ifndef SINKS_REDIS_WORK_H
#define SINKS_REDIS_WORK_H
#include "processor/base/arena.h"
#include "sinks/store.h"
#include "sinks/store_guard.h"

struct redisReply;

/* What one store object knows of a partition. */
struct redis_partition {
    struct text generation; /* key: which one stores open */
    struct text keys;       /* "sg:{app.7}:", of generation 2 "sg:{app.7.2}:"; absent: not known */
    struct text customers;  /* "sg:{app.7}:c:" */
    bool is_claimed;        /* guard is that of our claim and commits since */
    struct store_guard guard; /* our token tells us from owners of an equal epoch */
    int64_t page_due_ms;      /* where the last page of timers ended .. */
    int64_t page_before;      /* .. and how many of that instant were up to there; 0: not known */
};

#define REDIS_WORK_REPLIES_MAX 16

/* PROBE: what a commit is made of. */
#define REDIS_WORK_PROBES 6
struct redis_work_probe {
    const char *name, *key;
    uint32_t arguments;
};
extern const struct redis_work_probe redis_work_probes[REDIS_WORK_PROBES];

struct redis_work {
    struct redis_work *next;
    struct store_request request;
    struct store_reply reply;
    struct arena arena;
    uint8_t stage;        /* stages sent since the start: 0, 1, 2 */
    bool is_last_stage;   /* .. and no further one is planned */
    bool has_sent_commit; /* ever: it may have been made although nobody told us */
    bool is_abandoned;    /* the caller has gone: what the request points to has, too */
    int64_t page_offset;
    int64_t page_count;
    struct store_guard guard_next;                      /* CLAIM */
    struct redisReply *replies[REDIS_WORK_REPLIES_MAX]; /* of all stages; answers are views */
    uint32_t reply_count;
    uint32_t reply_expected;
};

enum redis_work_result {
    REDIS_WORK_ANSWERED, /* reply is filled */
    REDIS_WORK_SEND,     /* send the next stage */
    REDIS_WORK_AGAIN,    /* begin again: somebody else wrote, or the page was too small */
    REDIS_WORK_REFUSED   /* the server cannot now: begin again later */
};

struct redis_work *redis_work_new(const struct store_request *request);
void redis_work_free(struct redis_work *w);  /* NULL is fine */
void redis_work_reset(struct redis_work *w); /* to before the first stage */

/* Append the commands of the next stage. Requires: not abandoned. */
void redis_work_send(struct redis_work *w, struct redis_partition *p, struct bytes_out *out);

/* All replies expected are there. out_trouble: one word, when REFUSED; a view of the replies. */
enum redis_work_result redis_work_receive(struct redis_work *w, struct redis_partition *p,
                                          struct text *out_trouble);

#endif /* SINKS_REDIS_WORK_H */
