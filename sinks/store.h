/* Where state lives: claim, load, commit, release. Two implementations, memory and Redis, pass one
 * contract suite (tests/contract).
 *
 * Layer: sinks. Requests are answered in order, RELEASE at once; many partitions may be under way
 * at once, one request each. Owner: the request is copied; what it points to stays untouched by the
 * caller until its reply; a reply's bytes live until the next store_poll. Thread: one store object,
 * one thread. A store that is away answers nothing: it tries again until it knows the truth.
 */
#ifndef SINKS_STORE_H
#define SINKS_STORE_H
#include "processor/base/err.h"
#include "schemas/commit.h"

#include <stdbool.h>
#include <stdint.h>

enum store_verb {
    STORE_CLAIM,
    STORE_TIMERS,
    STORE_LOAD,
    STORE_COMMIT,
    STORE_RELEASE,
    STORE_PEEK,  /* for tools: state and records as they are, whoever owns the partition */
    STORE_SCAN,  /* for tools: the customers of the partition, page by page */
    STORE_LOOK,  /* for tools: guard, state, outbox and counters as they are */
    STORE_PROBE, /* for tools: what the server says of itself */
    STORE_DROP,  /* for rekey: all of the partition but customers, which commits have deleted */
    STORE_SWITCH /* for rekey: from now on stores open the next generation */
};

struct store_request {
    enum store_verb verb;
    int32_t partition;
    void *context;                /* comes back with the reply */
    int64_t epoch;                /* CLAIM: given by the consumer group, >= 1 */
    const struct text *customers; /* LOAD, PEEK */
    uint32_t customer_count;
    const struct commit *commit; /* COMMIT */
    int64_t after_due_ms;        /* TIMERS: page behind this instant .. */
    struct text after_customer;  /* .. and this customer; absent: from the start */
    uint32_t limit;              /* TIMERS: most entries of one page; SCAN: about so many */
    uint64_t cursor;             /* SCAN: 0, then as the last reply says */
    int64_t generation;          /* SWITCH: to the one behind this */
};

struct store_timer {
    struct text customer;
    int64_t due_ms;
};

/* What a server says of itself; absent: it may not be asked, or there is none. */
struct store_server {
    struct text info; /* lines "name:value" in sections */
    int64_t now_ms;   /* its clock; INSTANT_NEVER: not known */
    struct text appendfsync;
    struct text refused;     /* its word for not taking a commit of ours; absent: it would .. */
    const char *refused_for; /* .. and the command it refuses */
};

struct store_reply {
    enum store_verb verb;
    int32_t partition;
    void *context;
    /* FENCED: somebody else claimed the partition, or (COMMIT) this object never did. REGRESSED:
     * the guard is older than what this owner wrote, or gone. CORRUPT: stored bytes cannot be read.
     * UNAVAILABLE: the partition was released before the answer came; a commit may or may not have
     * been made. */
    enum err error;
    struct guard guard; /* CLAIM, COMMIT: the new one; FENCED, LOOK: what was found; 0.0: none */
    bool is_new;        /* CLAIM: nothing was ever committed */
    const struct partition_state *state; /* CLAIM, PEEK, LOOK, unless is_new */
    const struct outbox_entry *outbox;   /* CLAIM, LOOK: entries not yet trimmed */
    uint32_t outbox_count;
    const struct counter_value *counters; /* CLAIM, LOOK: all of the partition */
    uint32_t counter_count;
    const struct bytes *records; /* LOAD, PEEK: in order of the request; absent: never seen */
    uint32_t record_count;
    const struct store_timer *timers; /* TIMERS: by due, then customer bytes */
    uint32_t timer_count;
    bool is_last;                 /* TIMERS, SCAN: no more behind these */
    const struct text *customers; /* SCAN: in no order; one may come twice */
    uint32_t customer_count;
    uint64_t cursor;                   /* SCAN */
    int64_t filed;                     /* LOOK: customers in the index of timers */
    const struct store_server *server; /* PROBE */
};

struct store;
struct store_ops {
    void (*submit)(struct store *s, const struct store_request *request);
    bool (*poll)(struct store *s, int32_t timeout_ms, struct store_reply *out_reply);
    int (*fd)(const struct store *s); /* readable when poll may have something; -1: none */
    int64_t (*comebacks)(const struct store *s);
    void (*close)(struct store *s);
};
struct store { /* first member of every implementation */
    const struct store_ops *ops;
};

/* CLAIM takes the partition over: guard becomes (epoch, version), so every earlier owner's commit
 * is FENCED; a new partition's is (epoch, 0). It is FENCED itself when the stored epoch is not
 * lower, unless it is this object's own: then what is stored is shown anew. Outbox entries up to
 * the state's outbox_trimmed are not shown. TIMERS and LOAD of who has claimed compare the guard,
 * too, so that nothing older than its own commits is shown; of others they are a plain look.
 * TIMERS: a page is empty only when it is the last. COMMIT is compare-and-set on the guard and
 * atomic: all of it or nothing. A deleted record has no timer. Requires: at most 2^53 either side
 * of zero for instants and sequence numbers. RELEASE forgets what this object knows of the
 * partition; the stored state stays. A request of it still under way is answered UNAVAILABLE first.
 * PEEK, SCAN, LOOK and PROBE need no claim, write nothing and hinder nobody; each shows one moment.
 *
 * The partitions of a deployment can exist twice, in two generations: rekey fills the next one
 * while nobody works, and SWITCH, which is atomic, makes it the one that every store opened from
 * then on speaks of. It is FENCED when another one has been made meanwhile. In memory there is one
 * generation; SWITCH and DROP are answered ERR_CONFIG.
 */
static inline void store_submit(struct store *s, const struct store_request *request)
{
    s->ops->submit(s, request);
}

/* Next reply, waiting up to timeout_ms (0: not at all). Returns: false when there is none. */
static inline bool store_poll(struct store *s, int32_t timeout_ms, struct store_reply *out_reply)
{
    return s->ops->poll(s, timeout_ms, out_reply);
}

/* May be another one after every poll. A store has work without it, too (waiting before it connects
 * again): poll after submitting and every 50 ms at the latest. */
static inline int store_fd(const struct store *s)
{
    return s->ops->fd(s);
}

/* How often it was away and came back: what it holds now may be older than what was committed. */
static inline int64_t store_comebacks(const struct store *s)
{
    return s->ops->comebacks(s);
}

static inline void store_close(struct store *s)
{
    if (s != NULL) {
        s->ops->close(s);
    }
}

#endif /* SINKS_STORE_H */
