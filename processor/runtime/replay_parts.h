/* What the files of replay share; nobody else includes this.
 *
 * Layer: runtime. replay.c: the order of things; replay_plan.c: what is read and what it is called;
 * replay_build.c: the task on a store; replay_state.c: what the tool itself writes, and compares.
 */
#ifndef RUNTIME_REPLAY_PARTS_H
#define RUNTIME_REPLAY_PARTS_H
#include "processor/runtime/replay.h"

/* Where what goes on. */
struct replay_plan {
    int64_t from[COMMIT_TOPICS_MAX], to[COMMIT_TOPICS_MAX]; /* offsets, by topic */
    int64_t total;                                          /* records, roughly */
    int64_t gone;
    int64_t until_ms;                      /* time goes on to here behind the last record */
    int64_t epoch;                         /* the highest that the group knows */
    int64_t published;                     /* what the group knows to be published */
    uint64_t under_way, discarding, built; /* lineages: of what, until where, by which rules */
};

struct replay {
    const struct replay_options *options;
    int32_t partition;
    struct replay_plan plan;
    struct replay_result *result;
    char *sentence; /* 256 */
};

/* One question to a store and its answer; waits until there is one, or ERR_UNAVAILABLE: stopped. */
enum err replay_ask(struct replay *r, struct store *s, const struct store_request *request,
                    struct store_reply *out_reply);
bool replay_is_stopped(struct replay *r, int wait_ms);
enum err replay_fail(struct replay *r, enum err error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* `stored`: a LOOK at the store. */
enum err replay_plan_make(struct replay *r, const struct store_reply *stored);
/* Have the group remember what is being built, so that no worker takes the place meanwhile. */
enum err replay_plan_mark(struct replay *r, int64_t epoch);

/* Run the task from plan.from to plan.to on this store. epoch: of the last who claimed. */
enum err replay_build(struct replay *r, struct store *s, int64_t epoch);

/* Take away what the store holds of the partition. *epoch: raised by the claim. */
enum err replay_state_discard(struct replay *r, int64_t *epoch);
/* The last commit, and the mark that covers it. */
enum err replay_state_finish(struct replay *r);
/* What `built` holds beside the store. */
enum err replay_state_compare(struct replay *r, struct store *built);

#endif /* RUNTIME_REPLAY_PARTS_H */
