/* What the files of the source share; nobody else includes this.
 *
 * Layer: runtime. source_kafka.c: opening, closing, records; source_group.c: what the consumer
 * group gives, takes and remembers.
 */
#ifndef RUNTIME_SOURCE_PARTS_H
#define RUNTIME_SOURCE_PARTS_H
#include "processor/runtime/source_kafka.h"
#include "sinks/kafka_client.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>

#define SOURCE_FETCH_MAX 1000 /* records of one chunk */

struct lane { /* one topic of one partition */
    int32_t partition;
    uint32_t topic;
    rd_kafka_queue_t *queue;
};

#define SOURCE_BROKERS_MAX 64

struct fetches { /* of one broker */
    int32_t broker;
    bool is_used;
    bool is_asked;    /* an answer is owed */
    bool is_answered; /* the last fetch was, and well */
    int64_t sent_ms;  /* the last fetch, by the wall clock .. */
    int64_t sent_monotonic_ms;
    int64_t read_ms; /* proven; INSTANT_MIN: nothing yet */
};

struct source_proof {
    pthread_mutex_t lock;
    struct fetches brokers[SOURCE_BROKERS_MAX];
};

struct source {
    struct kafka_client client; /* first: librdkafka's callbacks get one pointer */
    struct source_options options;
    rd_kafka_t *consumer;
    struct source_proof proof;
    struct record_decoder *decoder;
    struct lane *lanes;
    uint32_t lane_count;
    uint32_t lane_capacity;
    rd_kafka_topic_partition_list_t *remembered; /* by the group, while partitions are assigned */
    rd_kafka_message_t *messages[SOURCE_FETCH_MAX];
};

uint32_t source_topic_index(const struct source *s, const char *name); /* UINT32_MAX: none */

/* --- source_proof.c --- */
void source_proof_begin(struct source *s, rd_kafka_conf_t *conf);

/* --- source_group.c --- */
void source_rebalance(rd_kafka_t *consumer, rd_kafka_resp_err_t error,
                      rd_kafka_topic_partition_list_t *list, void *opaque);
void source_close_lanes(struct source *s);

#endif /* RUNTIME_SOURCE_PARTS_H */
