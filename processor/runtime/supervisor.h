/* One process: waits for its services, starts workers, publisher and HTTP, watches them, stops
 * them.
 *
 * Layer: runtime. Blocks its caller until stopped or until something is wrong for good.
 */
#ifndef RUNTIME_SUPERVISOR_H
#define RUNTIME_SUPERVISOR_H
#include "processor/config/config.h"
#include "processor/runtime/http.h"
#include "processor/runtime/lookup.h"

struct supervisor;

/* Pages beside metrics and probes. Thread: that of HTTP. Returns: false when there is no such page.
 */
typedef bool supervisor_page(void *context, struct supervisor *s, const struct http_request *q,
                             struct http_answer *out);

struct supervisor_options {
    const struct config *config;
    struct text instance; /* static membership: this process' name; absent: dynamic members */
    int stop_fd;          /* an eventfd; readable: stop */
    bool has_http;
    supervisor_page *page; /* NULL: none; with page_context */
    void *page_context;
    int32_t
        partitions; /* work as if the topics had so many, which the state has; 0: as they have */
};

#define SUPERVISOR_TEXT_SIZE 1024

/* Returns: OK when stopped by stop_fd and drained; ERR_CONFIG what Kafka has does not fit the
 * configuration (unequal partition counts); ERR_PARTITIONS, ERR_MOVING it does not fit the state;
 * ERR_CORRUPT, ERR_REGRESSED stored state is not what was written. A sentence in out_text. */
enum err supervisor_run(const struct supervisor_options *options,
                        char out_text[SUPERVISOR_TEXT_SIZE]);

/* For pages. One line per thing that is not ready, appended. Returns: whether nothing is. */
bool supervisor_say_readiness(struct supervisor *s, struct bytes_out *out);
struct lookup *supervisor_lookup(struct supervisor *s);

#endif /* RUNTIME_SUPERVISOR_H */
