/* One transactional producer, one transaction at a time: records and the offsets of the input they
 * came from become visible together, or never.
 *
 * Layer: sinks; used by publisher_transactional and by runtime/repartition. Owner: the caller
 * embeds the struct. Thread: one, but for what librdkafka's threads count.
 */
#ifndef SINKS_TRANSACTION_H
#define SINKS_TRANSACTION_H
#include "schemas/commit.h"
#include "sinks/kafka_client.h"

struct transaction_requests { /* of the kinds that make a transaction; by librdkafka's threads */
    _Atomic int64_t unanswered;
};

struct transaction_producer {
    rd_kafka_t *client;                            /* NULL: closed */
    rd_kafka_topic_t *handles[OUTPUT_TYPE__COUNT]; /* NULL: no such topic */
    struct transaction_requests *requests;
    bool is_ready; /* initialised: no transaction of an earlier producer of its name is open */
};

enum transaction_result {
    TRANSACTION_COMMITTED,
    TRANSACTION_ABORTED, /* nobody will ever see any of it */
    TRANSACTION_REFUSED, /* aborted: the group does not know the member or its generation any more
                          */
    TRANSACTION_FENCED,  /* aborted: another producer of the same name has been opened */
    TRANSACTION_UNKNOWN  /* committed or not: the group's mark tells, read when it is stable */
};

/* Open a producer with a copy of conf, and of what topics names; end what an earlier producer of
 * its name has left open. Waits up to timeout_ms. Errors: ERR_CONFIG, a sentence in out_text;
 * ERR_UNAVAILABLE no broker has answered: call again. */
enum err transaction_open(struct transaction_producer *t, const rd_kafka_conf_t *conf,
                          struct text name, char *const topics[OUTPUT_TYPE__COUNT],
                          int32_t timeout_ms, char out_text[256]);
void transaction_close(struct transaction_producer *t); /* closed is fine */

bool transaction_begin(struct transaction_producer *t); /* false: close it */

/* Returns: false when the queue is full or it cannot be handed over; then so much for this one. */
bool transaction_produce(struct transaction_producer *t, const struct outbox_entry *entry);

/* The offsets in the name of that member, then the end. Waits until the outcome is known, or, with
 * the flag set, as long as it takes to stop asking. `offsets` may be empty. */
enum transaction_result transaction_end(struct transaction_producer *t,
                                        const rd_kafka_topic_partition_list_t *offsets,
                                        const rd_kafka_consumer_group_metadata_t *member,
                                        const atomic_bool *is_closing);

/* A request of the last transaction was never answered: it may still arrive, and end or fill a
 * later one. Close this producer before it begins another. */
bool transaction_is_suspicious(const struct transaction_producer *t);

#endif /* SINKS_TRANSACTION_H */
