/* The protocol of one partition: inputs in, commands out, no I/O. runtime/worker carries commands
 * out; the simulator drives the same code in a faulty world.
 *
 *     NEW --> MARKING --marked--> CLAIMING --claimed--> TIMERS --read--> READY
 *               ^---- the store has seen this epoch ----|                  |
 *                                            +------ committed ------------|
 *                                         COMMITTING <--loaded-- LOADING <-+
 *
 * From TIMERS, LOADING and COMMITTING, when the store has come back older than what was committed
 * to it: CLAIMING again with the same epoch, REDOING the commits it lost, and on where it was.
 * Fenced, revoked, any other error: RELEASED, from anywhere.
 *
 * The epoch comes from the consumer group: the mark read at the assignment holds the last owner's,
 * ours is one more, and writing it down is checked against the member's generation. So who no
 * longer is the owner cannot get an epoch, and whoever can has a higher one than all before him.
 *
 * Layer: engine (pure). Ordering that cannot be got wrong: outbox entries are handed out for
 * publishing only from task_take_publish, which knows only entries whose commit was acknowledged.
 * Owner: inputs stay the caller's unless said; commands point into the task and live until the next
 * call on it.
 */
#ifndef ENGINE_TASK_H
#define ENGINE_TASK_H
#include "processor/engine/breaker.h"
#include "processor/engine/clock.h"
#include "processor/engine/rules.h"
#include "processor/engine/step.h"
#include "schemas/commit.h"
#include "schemas/event.h"
#include "schemas/mark.h"

#include <stdbool.h>
#include <stdint.h>

/* One input record. `event` NULL: it is diverted for `reject`. The struct and all it points to stay
 * the caller's and must live until task_take_done hands it back. */
struct task_record {
    uint32_t topic; /* index in the configuration */
    int64_t offset;
    const struct event *event;
    enum reject reject;
    const char *reject_text;
    struct bytes key, value;  /* as read, for the dead letter */
    int64_t written_ms;       /* is_history: when it was written; 0: not known */
    void *owner;              /* the caller's, untouched */
    struct task_record *next; /* the task's */
};

struct task_options {
    const struct rules *rules;
    const struct text *topics; /* input topics, order of the configuration */
    uint32_t topic_count;
    int32_t partition;
    int32_t partition_count;
    uint32_t batch_records;  /* most records of one batch, e.g. 1000 */
    uint32_t batch_timers;   /* most timers fired by one batch */
    size_t cache_bytes;      /* decoded customers kept, roughly */
    size_t outbox_bytes_max; /* published behind by more: input waits */
    int64_t commit_every_ms; /* a smaller batch than batch_records waits so long for more */
    bool is_exactly_once;    /* a takeover must know what was published */
    bool is_volatile;        /* the store begins empty with each process */
    const struct mark *mark; /* of the group at the assignment, read stable; NULL: none. Copied */
    uint64_t lineage;        /* drawn at random, used when the partition is new */
    bool is_history;         /* gone through again: the wall clock is that of each record */
    bool is_silent;          /* and what it decides does not leave */
    int64_t redo_ms;         /* commits so old are durable in the store for certain */
    size_t redo_bytes_max;   /* kept of younger ones */
    struct breaker_plan stop_above; /* of dead letters */
};

enum task_want {
    TASK_WANT_NOTHING,
    TASK_WANT_MARK,   /* write task_mark to the group, checked against the member's generation,
                       * then task_marked */
    TASK_WANT_CLAIM,  /* claim the partition in the store with task_epoch, then task_claimed */
    TASK_WANT_TIMERS, /* read the next page of the timer index, then task_timers */
    TASK_WANT_LOAD,   /* read the customers of task_load, then task_loaded */
    TASK_WANT_COMMIT, /* write task_commit, then task_committed */
    TASK_WANT_RELEASE /* nothing more may be written for it; free it */
};

struct task;
struct task *task_new(const struct task_options *options);
void task_free(struct task *t); /* records not handed back are forgotten: take them first */

/* --- inputs --- */
/* OK; ERR_FENCED the group no longer knows this member or its generation. */
void task_marked(struct task *t, enum err error);

struct task_claim { /* what the store answered */
    enum err error;
    struct guard guard;                  /* the new one; FENCED: what was found */
    bool is_new;                         /* nothing stored yet */
    const struct partition_state *state; /* else */
    const struct outbox_entry *outbox;   /* entries not trimmed, ascending */
    uint32_t outbox_count;
    const struct counter_value *counters; /* all of the partition */
    uint32_t counter_count;
};
void task_claimed(struct task *t, const struct task_claim *claim);

struct task_timer {
    struct text customer;
    int64_t due_ms;
};
void task_timers(struct task *t, enum err error, const struct task_timer *timers, uint32_t count,
                 bool is_last);

/* Answers to task_load, in its order; an absent record is a customer never seen. */
void task_loaded(struct task *t, enum err error, const struct bytes *records, uint32_t count);
void task_committed(struct task *t, enum err error);
void task_published(struct task *t, int64_t sequence); /* all entries up to here are delivered */
void task_revoke(struct task *t); /* ownership ends: finish nothing, write nothing */
void task_drain(struct task *t);  /* take no more records; what is due is done, what was published
                                   * written down */
void task_doubt(struct task *t);  /* the store was away: look whether it still is what it was */

/* Records in offset order per topic. Below the expected offset: handed back at once, counted, not
 * applied. wall_ms: now, or INSTANT_MIN: not known. */
void task_push(struct task *t, struct task_record *record, int64_t wall_ms);
void task_at_end(struct task *t, uint32_t topic, bool is_at_end);

/* --- the turn --- */
struct task_now {
    int64_t wall_ms; /* INSTANT_MIN: not known */
    int64_t read_ms; /* the inputs are read up to what was written then, where they are at
                      * their end: as far as the wall clock moves stream time. INSTANT_MIN: not
                      * known; frozen while Kafka is away */
    int64_t monotonic_ms;
};

/* Do what can be done without I/O. Returns: what must happen outside first; the same answer until
 * its completion is given. */
enum task_want task_turn(struct task *t, const struct task_now *now);

uint32_t task_load(const struct task *t, const struct text **out_customers); /* while WANT_LOAD */
const struct commit *task_commit(const struct task *t);                      /* while WANT_COMMIT */
int64_t task_epoch(const struct task *t);                                    /* while WANT_CLAIM */
uint32_t task_timer_limit(const struct task *t); /* while WANT_TIMERS: most entries of the page */
struct text task_timer_cursor(const struct task *t,
                              int64_t *out_due_ms); /* while WANT_TIMERS: read after this */

/* Outbox entries that may leave now, each handed out once per claim, ascending. NULL: none. The
 * entry lives until task_published passed it. */
const struct outbox_entry *task_take_publish(struct task *t);
struct task_record *
task_take_done(struct task *t); /* records the task is finished with; NULL: none */

/* What the group is to be told beside the offsets: of the last durable commit. */
struct mark task_mark(const struct task *t);
bool task_is_repeating(const struct task *t); /* the store was older than the group's mark */

/* How many more records of that topic it wants now: 0 means do not fetch (back-pressure). */
uint32_t task_room(const struct task *t, uint32_t topic);
/* After the claim: where to read from; -1: from the start. Later: behind what was committed. */
int64_t task_next_offset(const struct task *t, uint32_t topic);
/* The same, but one earlier where the last record is known: reading it again shows whether the
 * topic still is the one that was read (ERR_TRUNCATED). */
int64_t task_read_offset(const struct task *t, uint32_t topic);
int64_t task_wake_ms(
    const struct task *t); /* monotonic: turn again no later than this; never: only on input */
int64_t task_due_ms(const struct task *t); /* earliest timer in stream time */

/* OK, or why TASK_WANT_RELEASE: ERR_FENCED somebody else owns it; ERR_PARTITIONS the partition
 * count of the topics is not that of the stored state; ERR_MOVING it is being moved to another;
 * ERR_ARMS see task_changed_experiment; ERR_CORRUPT, and those of engine/takeover.h: halt. */
enum err task_error(const struct task *t);
/* After ERR_ARMS: the experiment that has run here with other arms under the same version. */
const struct experiment_plan *task_changed_experiment(const struct task *t);
/* Input is held since too much of it is unusable: the record that would be one too many, and what
 * was counted before it. Time stands still with it; what is due by then is done, what is decided
 * leaves. Returns: NULL when it is not. */
struct task_stop {
    const struct task_record *record;
    int64_t letters, records; /* of the window */
};
const struct task_stop *task_stopped(const struct task *t);
bool task_is_drained(const struct task *t); /* nothing under way, nothing left to publish */

/* The customer's record as decided, maybe not durable yet. Lives until the next call on the task.
 * Returns: NULL when it is not in memory. */
const struct customer *task_customer(const struct task *t, struct text id);

struct task_stats {
    int64_t records, duplicates, late, diverted, misplaced, skipped, timers_fired, commits, redone,
        reconfigured, ceiling_held, join_held, zones_unknown; /* since the start */
    int64_t outputs[OUTPUT_TYPE__COUNT];
    int64_t cached, timers, outbox_pending, stream_ms, sweeping, stopped; /* now */
};
void task_stats(const struct task *t, struct task_stats *out_stats);
void task_stats_add(struct task_stats *sum,
                    const struct task_stats *one); /* stream_ms: the least */

#endif /* ENGINE_TASK_H */
