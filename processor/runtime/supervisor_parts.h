/* What the files of supervisor share; nobody else includes this.
 *
 * Layer: runtime. supervisor.c: starting and stopping; supervisor_watch.c: metrics and readiness.
 */
#ifndef RUNTIME_SUPERVISOR_PARTS_H
#define RUNTIME_SUPERVISOR_PARTS_H
#include "processor/runtime/http.h"
#include "processor/runtime/notify.h"
#include "processor/runtime/supervisor.h"
#include "processor/runtime/worker.h"

#include <stdatomic.h>

struct supervisor {
    const struct supervisor_options *options;
    const struct config *config;
    struct arena arena;
    int32_t partition_count;  /* of the state we work on .. */
    int32_t topic_partitions; /* .. and of the input topics, when last asked */
    struct deliveries deliveries;
    struct publisher **publishers; /* one; or, exactly once, one per worker */
    int32_t publisher_count;
    struct store_memory_backend *memory; /* store: memory */
    struct store **stores;               /* by worker */
    struct worker **workers;
    int32_t worker_count;
    struct http *http;
    struct lookup *lookup; /* NULL: no page asks */
    struct watchdog watchdog;
    int64_t status_ms;                /* monotonic: when the service manager was told last */
    bool is_stopped_early;            /* while waiting for topics */
    atomic_bool is_started;           /* workers may be looked at */
    const char *_Atomic waiting_for;  /* a topic, before that; NULL: none */
    int64_t published;                /* outputs that Kafka has taken, when last looked at .. */
    int64_t moved_at_ms;              /* .. and when that had changed, or nothing waited */
    _Atomic int64_t outputs_stuck_ms; /* none was taken for so long; 0: they move */
};

/* --- supervisor_watch.c --- */
enum err supervisor_look(struct supervisor *s); /* metrics; Returns: what is wrong for good */

#endif /* RUNTIME_SUPERVISOR_PARTS_H */
