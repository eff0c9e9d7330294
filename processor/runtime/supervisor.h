/* One process: waits for its services, starts workers, publisher and HTTP, watches them, stops
 * them.
 *
 * Layer: runtime. Blocks its caller until stopped or until something is wrong for good.
 */
#ifndef RUNTIME_SUPERVISOR_H
#define RUNTIME_SUPERVISOR_H
#include "processor/config/config.h"

struct supervisor_options {
    const struct config *config;
    struct text instance; /* static membership: this process' name; absent: dynamic members */
    int stop_fd;          /* an eventfd; readable: stop */
    bool has_http;
};

/* Returns: OK when stopped by stop_fd and drained; ERR_CONFIG what Kafka has does not fit the
 * configuration (unequal partition counts); ERR_CORRUPT, ERR_REGRESSED stored state is not what was
 * written. A sentence in out_text. */
enum err supervisor_run(const struct supervisor_options *options, char out_text[256]);

#endif /* RUNTIME_SUPERVISOR_H */
