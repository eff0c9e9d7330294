/* Kafka for tools: one question, one answer, with a limit to patience.
 *
 * Layer: runtime. Never a member of a group: what it asks disturbs nobody. Clients are opened when
 * they are first needed. Owner: the caller; zeroed but for config, closed by kafka_tool_close.
 * Errors: each writes a sentence to out_text; ERR_CONFIG librdkafka does not take a property, else
 * ERR_UNAVAILABLE. Thread: one.
 */
#ifndef RUNTIME_KAFKA_TOOL_H
#define RUNTIME_KAFKA_TOOL_H
#include "processor/config/config.h"
#include "sinks/kafka_client.h"

struct kafka_tool {
    const struct config *config;
    struct kafka_client client; /* of both: librdkafka's callbacks get one pointer */
    rd_kafka_t *producer;
    rd_kafka_t *consumer; /* of the app's group, which it never joins */
};

void kafka_tool_close(struct kafka_tool *t); /* a zeroed one is fine */

enum err kafka_tool_producer(struct kafka_tool *t, char out_text[256]); /* opens it */
enum err kafka_tool_consumer(struct kafka_tool *t, char out_text[256]); /* opens it */

/* How many partitions a topic has. */
enum err kafka_tool_partitions(struct kafka_tool *t, struct text topic, int32_t *out_count,
                               char out_text[256]);

/* Write one record and wait until it is acknowledged by all replicas in sync. */
enum err kafka_tool_produce(struct kafka_tool *t, struct text topic, int32_t partition,
                            struct text key, struct bytes value, int64_t *out_offset,
                            char out_text[256]);

#endif /* RUNTIME_KAFKA_TOOL_H */
