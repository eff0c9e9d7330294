/* Customers' records for tools: of a backtest's state file, or of Redis while workers run or not.
 *
 * Layer: cli. Reads only: nothing is claimed, nothing written.
 */
#ifndef CLI_CUSTOMER_SOURCE_H
#define CLI_CUSTOMER_SOURCE_H
#include "processor/config/config.h"
#include "schemas/counters.h"
#include "schemas/customer.h"

struct customer_source;

struct customer_found {
    struct customer *customer; /* owner: who asked; NULL: never seen */
    size_t record_size;
    int32_t partition, partition_count; /* 0 of 0: a state file */
    int64_t stream_ms;                  /* everything up to then has happened; never: not known */
};

/* state: path of a state file; NULL: Redis, as the configuration says. partitions: of the input
 * topics; 0: as the stored state says. Returns: NULL, and a sentence; *out_is_config: the
 * configuration has no such store, else a service or file is unavailable. */
struct customer_source *customer_source_open(const struct config *c, const char *state,
                                             int32_t partitions, char out_sentence[256],
                                             bool *out_is_config);
void customer_source_close(struct customer_source *s);

/* Returns: false, and a sentence. */
bool customer_source_find(struct customer_source *s, struct text id,
                          struct customer_found *out_found, char out_sentence[256]);

/* Every customer, once each. Returns: false, and a sentence. */
typedef void customer_source_visit(void *context, struct text id, const struct customer *c);
bool customer_source_each(struct customer_source *s, customer_source_visit *visit, void *context,
                          char out_sentence[256]);

/* The counters of every partition, one call each. Returns: false, and a sentence. */
typedef void customer_source_count(void *context, const struct counter_value *counters,
                                   uint32_t count);
bool customer_source_counters(struct customer_source *s, customer_source_count *count,
                              void *context, char out_sentence[256]);

/* The instant up to which everything has happened, over all partitions; never: not known. */
int64_t customer_source_stream_ms(const struct customer_source *s);

#endif /* CLI_CUSTOMER_SOURCE_H */
