/* What `inspect` says of partitions: states, timers, outboxes.
 *
 * Layer: cli. cmd_inspect.c parses; inspected.c says one customer.
 */
#ifndef CLI_INSPECT_PARTS_H
#define CLI_INSPECT_PARTS_H
#include "processor/cli/outline.h"
#include "processor/cli/store_reader.h"

struct inspection {
    struct store_reader redis;
    struct outline *out;
    int32_t partition; /* -1: all */
    uint32_t limit;    /* of entries of a partition that are listed */
};

/* Each: false, and a sentence. */
bool inspect_partitions(struct inspection *i, char sentence[STORE_READER_SENTENCE]);
bool inspect_timers(struct inspection *i, char sentence[STORE_READER_SENTENCE]);
bool inspect_outbox(struct inspection *i, char sentence[STORE_READER_SENTENCE]);

#endif /* CLI_INSPECT_PARTS_H */
