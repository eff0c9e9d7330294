/* A topic whose records are not keyed by the customer, into one of the input topics, whose records
 * are: each record once.
 *
 * Layer: runtime. Reads as a member of the group APP.repartition.IN, writes in transactions
 * together with its offsets: more processes share the partitions, whoever dies is gone on for.
 * Values, headers and timestamps stay as they are; the key becomes the customer, the partition is
 * murmur2's. What cannot be used goes to the dead letters of the configuration.
 */
#ifndef RUNTIME_REPARTITION_H
#define RUNTIME_REPARTITION_H
#include "processor/config/config.h"

#define REPARTITION_KEYS_MAX 8

struct repartition_options {
    const struct config *config;
    struct text from;        /* any topic */
    uint32_t to;             /* an input topic of the configuration, whose format it has */
    const struct text *keys; /* paths of the customer in the value, the first that is there; none:
                              * as the input topic says */
    uint32_t key_count;
    struct text instance; /* of the static member; absent: a dynamic one */
    bool is_until_end;    /* stop when our partitions are read to their end */
    int stop_fd;          /* readable: stop */
};

struct repartition_receipt {
    int64_t records, dead_letters, transactions; /* committed ones */
};

/* Errors, with a sentence in out_text: ERR_CONFIG; ERR_UNAVAILABLE there is no such topic;
 * ERR_REPLACED another process has our name. */
enum err repartition_run(const struct repartition_options *options,
                         struct repartition_receipt *out_receipt, char out_text[256]);

#endif /* RUNTIME_REPARTITION_H */
