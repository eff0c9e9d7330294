/* The publisher to Kafka with transactions: outputs, the offsets they came from and how far the
 * outbox is published leave together, each once.
 *
 * Layer: sinks. One per worker, since its offsets are those of one member of the group. It works
 * while publisher_join has told it who that is. Owner: the caller, publisher_close, which waits up
 * to 10 s for what is handed over and not forgotten. Thread: any, but not from within `delivered`.
 * Log lines: transaction.failed, transaction.reopened, and those of kafka_client.h.
 */
#ifndef SINKS_PUBLISHER_TRANSACTIONAL_H
#define SINKS_PUBLISHER_TRANSACTIONAL_H
#include "sinks/publisher_kafka.h"

/* `name` is copied: the stem of transactional ids, different for each worker of each process; the
 * same after a restart, so that a new process ends at once what a dead one has left open. Errors:
 * ERR_CONFIG, a property is unknown or bad: see out_text. Waits for no broker. */
enum err publisher_transactional_new(const struct publisher_kafka_options *options,
                                     struct text name, struct publisher **out, char out_text[256]);

void publisher_transactional_stats(struct publisher *p, struct publisher_kafka_stats *out_stats);

#endif /* SINKS_PUBLISHER_TRANSACTIONAL_H */
