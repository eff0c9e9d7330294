/* One partition's input gone through again, from given offsets to where the group has come: to
 * build its state anew in a store, or to compare what is built with what a store holds.
 *
 * Layer: runtime. The machine is engine/task, as in a worker, with two differences: the wall clock
 * is that of each record, when it was written, and what is decided leaves only if asked. Building
 * claims the partition; a half-built state carries a lineage of its own, which no worker takes
 * over, and the same call goes on with it. Owner: the caller. Thread: one.
 *
 *     group                          store
 *     mark of the state to be built  -                          before anything is written
 *     (no worker can take it over)   lineage "under way"        with every commit
 *     -                              lineage of the built one   the last commit
 *     mark that covers it            -                          a worker goes on from here
 */
#ifndef RUNTIME_REPLAY_H
#define RUNTIME_REPLAY_H
#include "processor/runtime/deliveries.h"
#include "processor/runtime/kafka_group.h"
#include "sinks/publisher.h"
#include "sinks/store.h"

enum replay_start {
    REPLAY_EARLIEST, /* all that Kafka still has */
    REPLAY_TIME,     /* records whose own timestamp is at_ms or later */
    REPLAY_OFFSETS,  /* `offsets` */
    REPLAY_STORED    /* on top of what the store holds: a copy that came back older */
};

struct replay_offset {
    uint32_t topic; /* of the configuration */
    int32_t partition;
    int64_t offset;
};

struct replay_differing { /* one customer who is not the same in both */
    struct text customer;
    struct bytes stored, replayed; /* records; absent: none */
};

struct replay_options {
    const struct config *config;
    struct kafka_tool *kafka; /* with a consumer */
    int32_t partition_count;
    enum replay_start start;
    int64_t at_ms;
    const struct replay_offset *offsets; /* topics and partitions not named: the earliest */
    uint32_t offset_count;
    bool is_building;            /* else comparing */
    bool is_discarding;          /* building: a state that is there is taken away first */
    struct store *store;         /* Redis: where it is built, or what is compared with */
    struct publisher *publisher; /* NULL: nothing leaves */
    struct deliveries *deliveries;
    int stop_fd; /* readable: stop, to go on another time */
    void *context;
    /* So many of so many records are read. */
    void (*progress)(void *context, int32_t partition, int64_t done, int64_t total);
    void (*differs)(void *context, int32_t partition, const struct replay_differing *d);
};

struct replay_result {
    int64_t records;     /* read this time */
    int64_t gone;        /* asked for, and no longer in Kafka */
    int64_t outputs;     /* decided this time: published, or not */
    int64_t customers;   /* in the end */
    int64_t differing;   /* comparing */
    int64_t stream_ms;   /* in the end; INSTANT_MIN: none */
    bool is_other_rules; /* comparing: the stored state was decided by other rules */
    bool was_done;       /* building: an earlier call had done it */
    bool is_resumed;     /* building: an earlier call had begun it */
};

/* Errors, each with a sentence: ERR_FENCED somebody else works on it; ERR_CONFIG the store holds
 * another state, or other partitions; ERR_UNAVAILABLE a service, or stopped; ERR_CORRUPT. */
enum err replay_partition(const struct replay_options *o, int32_t partition,
                          struct replay_result *out_result, char out_text[256]);

#endif /* RUNTIME_REPLAY_H */
