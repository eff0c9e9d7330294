/* The customers' records in a file: what a backtest leaves for `explain` and `cuts`.
 *
 * Layer: cli. Form: a line "segstream-state 2\n", then app, hash of the configuration, the instant
 * up to which everything has happened, each customer's id and record in the stored form of
 * schemas/customer.avsc, by id, and the counters for reports; numbers and texts as Avro writes
 * them.
 */
#ifndef CLI_STATE_FILE_H
#define CLI_STATE_FILE_H
#include "processor/engine/timeline.h"

#define STATE_FILE_NAME "customers.state" /* in a folder */

struct state_record {
    struct text id;
    struct bytes record;
};

struct state_file {
    struct arena arena; /* owns all */
    struct text app;
    uint64_t config;
    int64_t at_ms;
    const struct state_record *records; /* by id */
    uint32_t count;
    const struct counter_value *counters;
    uint32_t counter_count;
};

/* A folder stands for the file STATE_FILE_NAME in it. Errors: ERR_UNAVAILABLE (cannot be written or
 * read), ERR_CORRUPT (no such file's form). */
enum err state_file_write(const char *path, const struct rules *rules, const struct timeline *t,
                          int64_t at_ms);
enum err state_file_read(const char *path, struct state_file *out_file);
void state_file_fini(struct state_file *f);
const struct state_record *state_file_find(const struct state_file *f,
                                           struct text id); /* NULL: none */

#endif /* CLI_STATE_FILE_H */
