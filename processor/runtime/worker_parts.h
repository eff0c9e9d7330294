/* What the files of worker share; nobody else includes this.
 *
 * Layer: runtime. worker.c: the loop, the store, starting and stopping; worker_group.c: what the
 * consumer group gives and takes; worker_view.c: what others may see of it, worker_ask.c: what they
 * may ask.
 */
#ifndef RUNTIME_WORKER_PARTS_H
#define RUNTIME_WORKER_PARTS_H
#include "processor/runtime/worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define REJOIN_AFTER_MS 5000 /* an owner by mistake of the group's has gone by then */

struct slot { /* one partition */
    int32_t partition;
    struct task *task;
    bool is_under_way;                   /* the store owes an answer */
    bool is_leaving;                     /* released: waits for that answer to be freed */
    bool is_ready;                       /* said in the log */
    bool is_lost;                        /* the same */
    int64_t reported[COMMIT_TOPICS_MAX]; /* offsets told to the group .. */
    int64_t reported_published;          /* .. and up to where outputs were published */
    int64_t seen[COMMIT_TOPICS_MAX];     /* behind the last record that came; -1: none did */
    bool is_ended[COMMIT_TOPICS_MAX];    /* what came last was the end of the topic */
    int64_t input_lag;                   /* records behind the last one committed */
    struct guard progressed;             /* the commit that the publisher knows of .. */
    bool is_progress_known;              /* .. if it knows any */
    const struct outbox_entry *held;     /* the publisher had no room for it */
    struct task_stats counted;           /* what the worker's view has of it already */
};

struct worker {
    struct worker_options options;
    struct source *source;
    struct text *topics;
    int wake_fd;
    pthread_t thread;
    atomic_bool is_stopping;
    atomic_uint_fast64_t beats; /* things done, waiting with open eyes among them */
    struct slot **slots;
    uint32_t slot_count;
    uint32_t slot_capacity;
    struct clock_wall clock;
    bool is_clock_doubted; /* said in the log */
    int64_t wall_ms;       /* as far as the clock is believed */
    int64_t read_ms; /* inputs at their end are known to be read up to then: frozen while no broker
                      * answers */
    int64_t group_commit_ms;
    int64_t
        rejoin_ms;   /* monotonic: a partition was lost without the group saying so; never: none */
    bool is_refused; /* what the group gave could not be taken */
    bool is_untold;  /* joining anew since a transaction ended nobody knows how */
    int64_t comebacks; /* of the store, seen */
    bool is_joined;
    bool is_stored_known; /* looked once how many partitions the stored state has */
    int32_t stored_partitions, moving_to;
    enum err error;
    pthread_mutex_t view_lock;
    struct worker_view view;
    pthread_mutex_t questions_lock; /* of questions; the answers, too */
    pthread_cond_t questions_answered;
    struct worker_question *questions;
    atomic_uint_least64_t questions_asked;
    uint64_t questions_seen; /* the worker's: of questions_asked */
};

/* --- worker.c --- */
int64_t worker_clock_ms(clockid_t id);
void worker_ask(struct worker *w, struct slot *s, enum task_want want); /* the store, for a task */
void worker_serve_store(struct worker *w, int32_t timeout_ms);
void worker_turns(struct worker *w);                    /* every task does what it can */
void worker_give_back(struct slot *s);                  /* records its task is done with */
void worker_released(struct worker *w, struct slot *s); /* why, and what to do about it */
void worker_free_slot(struct worker *w, struct slot *s);

/* --- worker_count.c --- */
/* Once, before the first claim: does the stored state have as many partitions as the topics? It may
 * not, since they grew; partitions that are new then must not begin. Waits for the store. */
enum err worker_check_count(struct worker *w);
void worker_take_count(struct worker *w, const struct store_reply *r);

/* --- worker_ask.c: what other threads ask --- */
void worker_questions_init(struct worker *w);
void worker_questions_fini(struct worker *w);
void worker_answer(struct worker *w); /* those that wait; a load when there is none */

/* --- worker_view.c --- */
void worker_update_view(struct worker *w);

/* --- worker_group.c: callbacks of source_kafka.h --- */
void worker_on_joined(void *context, struct bytes identity);
bool worker_on_assigned(void *context, int32_t partition, struct text mark, int64_t *out_offsets);
int64_t worker_on_gone(void *context, int32_t partition, uint32_t topic, int64_t low, int64_t high);
void worker_on_revoked(void *context, bool is_lost);
void worker_on_record(void *context, int32_t partition, uint32_t topic, struct task_record *record);
void worker_tell_progress(struct worker *w, struct slot *s); /* the publisher, after each commit */
void worker_commit_to_group(struct worker *w, bool is_at_once);

#endif /* RUNTIME_WORKER_PARTS_H */
