/* The Redis of a deployment for tools: one request, one answer, with a limit to patience.
 *
 * Layer: cli. Reads only: nothing is claimed, nothing written, whether workers run or not.
 */
#ifndef CLI_STORE_READER_H
#define CLI_STORE_READER_H
#include "processor/config/config.h"
#include "sinks/store.h"

#define STORE_READER_SENTENCE 256

struct store_reader {
    const struct config *config;
    struct store *store;
    int32_t partition_count; /* of the input topics */
};

/* Does not connect. Requires: the configuration names a Redis. Owner: the caller. */
void store_reader_open(struct store_reader *r, const struct config *c);
void store_reader_close(struct store_reader *r); /* a zeroed one is fine */

/* Returns: false, and a sentence. The reply lives until the next request. */
bool store_reader_ask(struct store_reader *r, const struct store_request *request,
                      struct store_reply *out_reply, char sentence[STORE_READER_SENTENCE]);

/* Learn the number of partitions from any that was ever committed, unless it is known. *out_reply:
 * a PEEK at that one. Returns: false, and a sentence. */
bool store_reader_count(struct store_reader *r, struct store_reply *out_reply,
                        char sentence[STORE_READER_SENTENCE]);

#endif /* CLI_STORE_READER_H */
