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

#define SOURCE_FETCH_MAX 1000 /* records of one chunk */

struct lane { /* one topic of one partition */
    int32_t partition;
    uint32_t topic;
    rd_kafka_queue_t *queue;
};

struct source {
    struct kafka_client client; /* first: librdkafka's callbacks get one pointer */
    struct source_options options;
    rd_kafka_t *consumer;
    struct record_decoder *decoder;
    struct lane *lanes;
    uint32_t lane_count;
    uint32_t lane_capacity;
    rd_kafka_topic_partition_list_t *remembered; /* by the group, while partitions are assigned */
    rd_kafka_message_t *messages[SOURCE_FETCH_MAX];
};

uint32_t source_topic_index(const struct source *s, const char *name); /* UINT32_MAX: none */

/* --- source_group.c --- */
void source_rebalance(rd_kafka_t *consumer, rd_kafka_resp_err_t error,
                      rd_kafka_topic_partition_list_t *list, void *opaque);
void source_close_lanes(struct source *s);

#endif /* RUNTIME_SOURCE_PARTS_H */
