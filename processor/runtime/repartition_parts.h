/* What the files of repartition share; nobody else includes this.
 *
 * Layer: runtime. repartition.c: the loop; repartition_open.c: clients and decoders.
 */
#ifndef RUNTIME_REPARTITION_PARTS_H
#define RUNTIME_REPARTITION_PARTS_H
#include "processor/base/arena.h"
#include "processor/runtime/record.h"
#include "processor/runtime/repartition.h"
#include "sinks/transaction.h"

#define REPARTITION_NAME_SIZE 512

struct repartition {
    struct kafka_client client; /* first: librdkafka's callbacks get one pointer */
    const struct repartition_options *options;
    char from[256], to[256], name[REPARTITION_NAME_SIZE]; /* of topics, of the transactions */
    char *topics[OUTPUT_TYPE__COUNT];                     /* dead letters, if there are any */
    int32_t partitions;                                   /* of `to` */
    struct config configs[REPARTITION_KEYS_MAX];          /* with another customer each */
    struct topic_config *inputs[REPARTITION_KEYS_MAX];
    struct record_decoder *decoders[REPARTITION_KEYS_MAX];
    uint32_t decoder_count;
    rd_kafka_t *consumer;
    rd_kafka_conf_t *conf; /* each producer gets a copy */
    struct transaction_producer producer;
    rd_kafka_consumer_group_metadata_t *member; /* NULL: nobody */
    uint64_t joins;                             /* the group has given or taken partitions */
    bool is_assigned;
    bool *is_read;           /* by partition of `from`: to its end, once .. */
    int32_t from_partitions; /* .. so many */
    int32_t open_partitions; /* assigned and not read to their end yet */
    rd_kafka_message_t **messages;
    uint32_t count;
    struct arena arena; /* of the batch */
    int64_t letters;
    atomic_bool is_closing; /* for transaction_end: never */
    int64_t said_ms;
    struct repartition_receipt receipt;
};

typedef void repartition_rebalance(rd_kafka_t *consumer, rd_kafka_resp_err_t error,
                                   rd_kafka_topic_partition_list_t *list, void *opaque);

enum err repartition_open(struct repartition *r, repartition_rebalance *rebalance,
                          char out_text[256]);
void repartition_close(struct repartition *r);

#endif /* RUNTIME_REPARTITION_PARTS_H */
