/* The publisher to Kafka: an idempotent producer with a thread of its own.
 *
 * Layer: sinks. Owner: the caller, publisher_close, which waits up to 10 s for what is handed over
 * and not forgotten. Thread: any, but not from within `delivered`, which must not wait for a
 * thread that calls the publisher either. Log lines: publish.failed, publish.reopened, and those
 * of kafka_client.h.
 */
#ifndef SINKS_PUBLISHER_KAFKA_H
#define SINKS_PUBLISHER_KAFKA_H
#include "schemas/output_format.h"
#include "sinks/kafka_client.h"
#include "sinks/publisher.h"

struct publisher_kafka_options {
    struct kafka_options kafka;
    struct text topics[OUTPUT_TYPE__COUNT]; /* absent: such entries are delivered at once */
    enum output_format formats[OUTPUT_TYPE__COUNT];
    publisher_delivered *delivered;
    void *context;
    int64_t entries_max; /* handed over and not delivered; 0: 100,000 */
    int64_t bytes_max;   /* 0: 64 MiB */
};

/* Texts are copied. Waits for no broker. Errors: ERR_CONFIG, a property is unknown or bad: see
 * out_text. */
enum err publisher_kafka_new(const struct publisher_kafka_options *options, struct publisher **out,
                             char out_text[256]);

struct publisher_kafka_stats { /* since the start */
    int64_t published;         /* entries given to a producer, each once */
    int64_t delivered;         /* entries acknowledged */
    int64_t bytes;             /* of the keys and values of those */
    int64_t retried;           /* offers to a producer that had to be repeated */
    int64_t reopened;          /* producers replaced */
    bool is_up;                /* a broker is connected */
};
void publisher_kafka_stats(struct publisher *p, struct publisher_kafka_stats *out_stats);

#endif /* SINKS_PUBLISHER_KAFKA_H */
