/* What the files of the simulator share. Everything is made from the seed of a run. */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H
#include "processor/base/map.h"
#include "processor/base/rng.h"
#include "processor/config/config.h"
#include "processor/engine/task.h"
#include "processor/engine/timeline.h"
#include "schemas/mark.h"
#include "sinks/store_memory.h"

#define PARTITIONS_MAX 3
#define TOPICS_MAX     3
#define OWNERS_MAX     8
#define TRACE_LINES    40

enum bug { /* promises the harness can break, to see that it is noticed */
           BUG_NONE,
           BUG_LOST_COMMIT,   /* a commit is answered, but was not written */
           BUG_TORN_COMMIT,   /* written without its outbox */
           BUG_UNCOUNTED,     /* written without its counters */
           BUG_STALE_LOAD,    /* a known customer is said to be unknown */
           BUG_SKIPPED,       /* a record never arrives */
           BUG_EARLY_END,     /* the end of a topic is reported before it */
           BUG_LOST_OUTPUT,   /* acknowledged, but never there */
           BUG_WRONG_PLACE,   /* reading goes on behind where the state is */
           BUG_UNSTABLE,      /* a newcomer reads the mark while a transaction is open on it */
           BUG_NO_MARK,       /* .. and is not told what was published */
           BUG_NO_GENERATION, /* the group takes offsets of who has lost the partition */
           BUG_STRAY_END,     /* a late request undoes outputs, but not the offsets beside them */
           BUG_TOO_EARLY,     /* outputs leave before their commit is durable */
           BUG_HALF_REDO, /* a store that came back older gets its commits again without records */
           BUG__COUNT
};

struct story_record {
    int64_t offset;
    struct event *event; /* NULL: cannot be decoded */
    struct text key;
};

struct story_log { /* one topic of one partition */
    struct story_record *records;
    uint32_t count;
    uint32_t capacity;
};

struct expectation {  /* an output, by its bytes */
    struct text name; /* type, key and payload */
    struct text customer;
    uint32_t place; /* among the customer's */
    uint32_t wanted, seen;
};

struct story {
    const struct rules *rules;
    struct arena arena;
    uint32_t topic_count, partition_count;
    struct text topics[TOPICS_MAX];
    struct story_log logs[PARTITIONS_MAX][TOPICS_MAX];
    struct timeline *timelines[PARTITIONS_MAX];
    struct map expected; /* name -> struct expectation */
    uint32_t expected_count;
};

/* What a partition's timeline says of a change of the rules, behind all before it. */
void story_reconfigure(struct story *s, const struct rules *rules);
void story_make(struct story *s, const struct rules *rules, struct rng *rng, uint64_t seed);
void story_fini(struct story *s);

/* The name of an output, in the arena. */
struct text story_name(struct arena *arena, enum output_type type, struct text key,
                       struct bytes payload);

struct published { /* what stands in the output topics, in order */
    struct text name;
    struct text customer;
    uint32_t transaction; /* 0: none, readers see it at once */
    bool is_undone;       /* by a fault of Kafka's, nobody sees it */
};

enum transaction_state { TRANSACTION_OPEN, TRANSACTION_COMMITTED, TRANSACTION_ABORTED };

struct transaction {
    enum transaction_state state;
    uint32_t partition;
    bool has_offsets; /* and the mark: pending on the partition until the end */
    struct mark mark;
    bool is_orphan; /* nobody waits for its end .. */
    bool is_commit_under_way;
};

struct group {          /* what the coordinator knows of one partition */
    int64_t generation; /* of the owner it has named last */
    struct mark mark;
    bool has_mark;
};

struct world {
    struct story *story;
    struct rng *rng;
    enum bug bug;
    struct arena arena;
    struct store_memory_backend *backend, *saved; /* saved: what it may come back as */
    int64_t saved_versions[PARTITIONS_MAX];       /* at least so much is in there */
    bool has_come_back;
    struct group groups[PARTITIONS_MAX];
    bool is_exactly_once;
    struct transaction *transactions; /* by number, from 1 */
    uint32_t transaction_count;
    uint32_t transaction_capacity;
    struct published *published;
    uint32_t published_count;
    uint32_t published_capacity;
    int64_t monotonic_ms;
    bool is_store_steady; /* it does not come back older */
    bool is_calm;         /* no more faults: finish */
    char trace[TRACE_LINES][128];
    uint64_t traced;
    char failure[512];
};

/* Run until everything is applied and published, or stuck. Returns: false and w->failure. */
bool world_run(struct world *w);
void world_fini(struct world *w);
__attribute__((format(printf, 2, 3))) void world_trace(struct world *w, const char *format, ...);

/* Returns: false and w->failure. */
bool verdict(struct world *w);

#endif /* TESTS_SIM_SIM_H */
