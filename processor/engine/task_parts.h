/* What the files of task share; nobody else includes this.
 *
 * Layer: engine. task.c: inputs and the turn; task_claim.c: taking over, claiming again;
 * task_redo.c: the commits of the last seconds; task_batch.c: which records and timers go next, and
 * applying them; task_customers.c: records in memory and their timers; task_outbox.c: what may
 * leave.
 */
#ifndef ENGINE_TASK_PARTS_H
#define ENGINE_TASK_PARTS_H
#include "processor/base/heap.h"
#include "processor/base/map.h"
#include "processor/engine/task.h"

struct known {                   /* one customer that is in memory, or has a timer */
    struct heap_item item;       /* first: a heap item is its owner */
    struct text id;              /* owned */
    struct customer *customer;   /* NULL: only its timer is known */
    struct redo_kept *kept;      /* what the store may still lose; NULL: nothing */
    size_t bytes;                /* of the record, roughly */
    struct known *newer, *older; /* by last use; only with a customer */
    bool is_wanted;              /* in the load of the batch */
    bool is_dirty;               /* in the commit of the batch */
};

struct known_list {
    struct known **items;
    uint32_t count;
    uint32_t capacity;
};

struct outbox_node {
    struct outbox_entry entry; /* key and payload behind the node */
    struct outbox_node *next;
    size_t bytes;
};

struct outbox {
    struct outbox_node *first, *last; /* ascending; all not yet published */
    struct outbox_node *next_out;     /* the first not handed out; NULL: none */
    int64_t durable;                  /* entries up to here may leave */
    int64_t published;                /* delivered up to here */
    int64_t newest;                   /* last sequence number given */
    size_t bytes;
    int64_t count;
};

struct queue { /* records of one topic, fetched and not yet applied */
    struct task_record *first, *last;
    uint32_t count;
    size_t bytes;   /* of their keys and values */
    size_t mean;    /* bytes of one, lately */
    bool is_at_end; /* the source has read all there is */
    int64_t expected;
};

struct picked { /* a record of the batch, and stream time once it is applied */
    struct task_record *record;
    struct known *known; /* NULL: diverted */
    int64_t stream_ms;
};

/* The newest durable record of one customer, owned by its `known`. */
struct redo_kept {
    int64_t version;     /* of the commit that wrote it */
    int64_t due_ms;      /* as it was filed */
    uint32_t size, room; /* 0: deleted */
    uint8_t at[];
};

/* Commits that the store may still lose, ascending. The pair of the one before them says where a
 * store that came back older may begin. */
struct redo_commit {
    struct guard guard; /* after it */
    int64_t outbox_last;
    int64_t at_ms; /* monotonic */
    struct known_list customers;
};

struct redo {
    struct redo_commit *items; /* a ring */
    uint32_t first, count, capacity;
    size_t bytes;
    struct guard base; /* of the last commit before the first kept; 0.0: none ever */
    int64_t base_outbox;
    struct partition_state state; /* of the newest */
    struct commit again;          /* REDOING: all that is missing */
    struct arena arena;           /* of `again` */
};

enum task_phase {
    PHASE_NEW,
    PHASE_MARKING,
    PHASE_CLAIMING,
    PHASE_TIMERS,
    PHASE_READY,
    PHASE_SWEEPING,
    PHASE_LOADING,
    PHASE_LOADED,
    PHASE_COMMITTING,
    PHASE_REDOING,
    PHASE_RELEASED
};

struct task {
    struct task_options options;
    enum task_phase phase;
    enum err error;
    bool is_draining;
    struct mark mark; /* of the group, with our epoch */
    bool has_mark;
    int64_t epoch;        /* ours */
    bool is_epoch_raised; /* above one that the store had seen: once */
    bool is_claimed;      /* CLAIMING: again, the store has come back */
    bool is_doubted;      /* the store was away */
    bool is_repeating;
    enum task_phase resumed_phase; /* after MARKING, CLAIMING again and REDOING */
    struct redo redo;
    struct counters counters; /* of the partition, this batch's included */
    struct counter_value *counted;
    uint32_t counted_capacity;
    const struct experiment_plan *changed_experiment; /* ERR_ARMS */
    struct guard guard;
    struct guard covered; /* of the last durable commit: another epoch's until ours commits */
    int64_t covered_ms;   /* its stream time */
    struct clock clock;
    struct partition_state state;         /* of the next commit */
    int64_t committed[COMMIT_TOPICS_MAX]; /* next offset by topic, durable */
    struct queue queues[COMMIT_TOPICS_MAX];
    uint32_t queued;
    int64_t waiting_since_ms; /* monotonic; never: no record waits */
    int64_t last_commit_ms;   /* monotonic */
    int64_t wall_ms;          /* of the last turn, as the next two */
    int64_t read_ms;
    int64_t monotonic_ms;
    struct task_record *done_first, *done_last;

    struct map customers; /* id -> known */
    struct heap timers;
    struct known *newest, *oldest;
    size_t cached_bytes;
    int64_t cached;
    int64_t cursor_due_ms;       /* TIMERS: the last read */
    struct text cursor_customer; /* owned */

    /* the batch */
    struct picked *picked;
    uint32_t picked_count;
    int64_t stream_ms; /* after its records */
    struct known_list timed, wanted, dirty;
    struct known_list visited; /* of the sweep */
    bool is_visit;             /* a page of the sweep is part of it, maybe an empty one */
    int64_t visit_ms;          /* monotonic: the next page no earlier */
    bool is_caught_up;         /* all topics have been read to their end once */
    struct text *load;
    uint32_t load_capacity;
    struct outputs outputs;
    struct arena output_arena, scratch;
    struct bytes_out encoded;
    struct commit commit;
    struct commit_record *records;
    uint32_t record_capacity;
    size_t *record_ends;
    uint32_t record_end_capacity;
    struct outbox_entry *entries;
    uint32_t entry_capacity;
    struct outbox outbox;
    int64_t counts[STEP_COUNT__COUNT];
    struct breaker breaker;
    struct task_stop stop; /* once the breaker is open */
    struct task_stats stats;
};

/* --- task.c --- */
void task_release(struct task *t, enum err error);      /* nothing more is written: all goes back */
uint64_t task_record_hash(const struct task_record *r); /* of key and value, never 0 */

/* --- task_claim.c --- */
void task_begin_claim(struct task *t);                  /* out of NEW */
void task_store_failed(struct task *t, enum err error); /* claim again when it came back older */

/* --- task_redo.c --- */
void redo_keep(struct task *t); /* the commit of this batch is durable */
/* The commit behind the one that left `found` in the store; r->count: `found` is the newest.
 * Returns: false when it is none of ours. */
bool redo_find(const struct redo *r, struct guard found, uint32_t *out_index);
/* Make `again`: the commits from `index` on as one. It stays as it is until the next begins. */
void redo_begin(struct task *t, uint32_t index);
void redo_fini(struct redo *r);

/* --- task_customers.c --- */
struct known *task_need_known(struct task *t, struct text id);
void task_keep(struct task *t, struct known *k, struct customer *c, size_t record_bytes);
void task_resize(struct task *t, struct known *k, size_t record_bytes); /* it was encoded anew */
void task_use(struct task *t, struct known *k);                         /* it is the newest now */
void task_evict(struct task *t); /* down to the cache's size; forget the idle */
void task_forget_idle(struct task *t, struct known *k); /* if neither record nor timer is there */
void task_forget_customers(struct task *t);
void task_list_add(struct known_list *list, struct known *k);

/* --- task_batch.c --- */
bool task_pick(struct task *t); /* a batch, or a commit that only trims; false: nothing to do */
void task_apply(struct task *t);
void task_batch_done(struct task *t); /* hand its records back, forget the rest */
void task_hand_back(struct task *t, struct task_record *r);
void task_want(struct task *t, struct known *k);  /* in memory, or to be loaded */
void task_dirty(struct task *t, struct known *k); /* part of the commit */
struct step task_step(struct task *t, const struct known *k, int64_t stream_ms);

/* --- task_sweep.c --- */
int64_t sweep_filed_ms(struct text customer, int64_t due_ms); /* where a timer is filed */
bool sweep_is_dormant(int64_t filed_ms);                      /* there is none */
void sweep_claimed(struct task *t, const struct partition_state *state); /* NULL: new */
bool sweep_is_open(const struct task *t); /* not everybody has seen the configuration */
bool sweep_is_due(const struct task *t);
void sweep_page(struct task *t, const struct task_timer *timers, uint32_t count, bool is_last);
void sweep_pick(struct task *t);
void sweep_apply(struct task *t);

/* --- task_outbox.c --- */
void outbox_add(struct outbox *o, enum output_type type, int64_t sequence, struct bytes key,
                bool has_key, struct bytes payload);
void outbox_published(struct outbox *o, int64_t sequence);
void outbox_fini(struct outbox *o);

#endif /* ENGINE_TASK_PARTS_H */
