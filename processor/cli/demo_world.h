/* The demo's outside world: librdkafka's mock cluster in this process, a private redis-server child
 * on a Unix socket, a producer for the shoppers and a reader of the output topics.
 *
 * Layer: cli; one of the files that may use librdkafka. Nothing of it outlives the process, however
 * it ends: the child is told by the kernel, the folder is emptied at once where its parts are open.
 */
#ifndef CLI_DEMO_WORLD_H
#define CLI_DEMO_WORLD_H
#include "processor/base/bytes.h"
#include "processor/base/err.h"
#include "schemas/output.h"

#include <stdbool.h>
#include <stdint.h>

struct demo_world;

struct demo_world_options {
    int32_t partitions;
    bool has_redis; /* else the store is memory */
    const char *input_topic;
    const char *output_topics[OUTPUT_TYPE__COUNT];
};

/* Errors: ERR_UNAVAILABLE with a sentence (no redis-server, no loopback). Owner: the caller,
 * demo_world_close. */
enum err demo_world_open(const struct demo_world_options *options, struct demo_world **out_world,
                         char out_text[256]);
void demo_world_close(struct demo_world *w);

const char *demo_world_brokers(const struct demo_world *w);
const char *demo_world_socket(const struct demo_world *w); /* of redis-server; "" without one */

/* Hand one record to the producer; waits while its queue is full. Errors: ERR_UNAVAILABLE. */
enum err demo_world_produce(struct demo_world *w, int32_t partition, struct text key,
                            struct bytes value);
void demo_world_flush(struct demo_world *w);

/* The next record of an output topic, waiting up to timeout_ms. Returns: false when there is none
 * now. The value lives until the next call. */
bool demo_world_read(struct demo_world *w, int32_t timeout_ms, enum output_type *out_type,
                     struct bytes *out_value);

#endif /* CLI_DEMO_WORLD_H */
