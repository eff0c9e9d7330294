/* All that one atomic commit of one partition holds: engine/task fills it, a store executes it.
 *
 * Layer: schemas. Owner: whoever filled it; it stays untouched until the store has answered.
 */
#ifndef SCHEMAS_COMMIT_H
#define SCHEMAS_COMMIT_H
#include "processor/base/bytes.h"
#include "processor/base/err.h"
#include "processor/base/text.h"
#include "schemas/counters.h"
#include "schemas/output.h"

#include <stdbool.h>
#include <stdint.h>

#define COMMIT_TOPICS_MAX        64
#define COMMIT_CUSTOMER_SIZE_MAX 256
#define COMMIT_CEILINGS_MAX      32
#define COMMIT_JOIN_ROWS         12

/* "<epoch>.<version>": an owner compares and sets it with every write. */
struct guard {
    int64_t epoch;   /* grows by every takeover: given by the consumer group */
    int64_t version; /* grows with every commit: one that stands for several grows it by all */
};

struct topic_position {
    struct text topic;
    int64_t next_offset;  /* the first not yet applied; -1: from the start */
    int64_t watermark_ms; /* largest event time seen; INSTANT_MIN: none */
    uint64_t last_hash;   /* of the record before next_offset, key and value; 0: not known */
};

struct ceiling {       /* limits.per_minute of one sequence, this partition's share */
    uint32_t sequence; /* key */
    int64_t window;    /* the latest minute (or several), counted from 1970 */
    int64_t sent;      /* in it */
    int64_t waiting;   /* held to later ones */
};
struct ceilings {
    struct ceiling items[COMMIT_CEILINGS_MAX];
    uint32_t count;
};

/* Opens and clicks of the last hour that carry an email id (limits.join_guard). */
struct join_row {           /* of five minutes */
    int64_t named, unnamed; /* a trigger of ours, or none */
};
struct joins {
    bool has_named;                         /* some answer has ever named a trigger of ours */
    int64_t latest;                         /* the latest five minutes, counted from 1970, >= 0 */
    struct join_row rows[COMMIT_JOIN_ROWS]; /* of five minutes n at n % COMMIT_JOIN_ROWS */
};

/* What a partition remembers besides its customers (schemas/partition.avsc). */
struct partition_state {
    struct guard guard;      /* of the commit that wrote this */
    int64_t stream_ms;       /* stream time; INSTANT_MIN: none yet */
    int64_t outbox_last;     /* sequence number of the newest outbox entry; 0: none ever */
    int64_t outbox_trimmed;  /* entries up to here are published and gone */
    uint64_t lineage;        /* drawn when the partition was new: tells histories apart */
    uint64_t config;         /* hash of the compiled configuration */
    int32_t partition_count; /* of every input topic */
    int32_t moving_to;       /* rekey moves it to so many: nobody may work here; 0: no */
    bool is_moved;           /* .. and has copied all of it */
    /* A changed configuration visits every customer once, in the order of the index of timers. */
    uint64_t swept;       /* the configuration that all customers have seen */
    int64_t sweep_due_ms; /* the visit of `config` has come to here; INSTANT_MIN: not begun */
    char sweep_customer[COMMIT_CUSTOMER_SIZE_MAX];
    uint32_t sweep_customer_size;
    struct ceilings ceilings;
    struct joins joins;
    struct topic_position positions[COMMIT_TOPICS_MAX];
    uint32_t position_count;
};

struct commit_record {
    struct text customer;
    struct bytes record; /* absent: delete */
    int64_t due_ms;      /* never: no timer */
};

struct outbox_entry {
    int64_t sequence; /* 1, 2, .. per partition, without gaps */
    enum output_type type;
    struct text key; /* of the Kafka record; absent: none */
    struct bytes payload;
};

struct commit {
    struct guard expected;        /* before; after: epoch.(version + 1), or later by a redo */
    struct partition_state state; /* its guard is the one after */
    const struct commit_record *records;
    uint32_t record_count;
    const struct outbox_entry *outbox; /* new entries, ascending */
    uint32_t outbox_count;
    int64_t outbox_trim;                  /* entries up to here may be deleted */
    const struct counter_value *counters; /* those that changed, with what they are now */
    uint32_t counter_count;
};

void partition_state_init(struct partition_state *s);

/* Stored forms, Avro binary behind the single-object header. Errors: ERR_CORRUPT.
 * Decoded texts and bytes are views of the input (topics: copied into the arena). */
void partition_state_encode(const struct partition_state *s, struct bytes_out *out);
enum err partition_state_decode(struct bytes b, struct arena *arena,
                                struct partition_state *out_state);
void outbox_encode(const struct outbox_entry *entries, uint32_t count, struct bytes_out *out);
enum err outbox_decode(struct bytes b, struct arena *arena, const struct outbox_entry **out_entries,
                       uint32_t *out_count);

#endif /* SCHEMAS_COMMIT_H */
