/* Tell the service manager how the process is: sd_notify's protocol, one datagram per message, and
 * its watchdog.
 *
 * Layer: runtime. Without NOTIFY_SOCKET in the environment (a terminal, a container) nothing
 * happens. Thread: any for notify_send; a watchdog belongs to one.
 */
#ifndef RUNTIME_NOTIFY_H
#define RUNTIME_NOTIFY_H
#include <stdbool.h>
#include <stdint.h>

#define NOTIFY_WORKERS_MAX 256

/* "READY=1", "STATUS=...", several divided by newlines. Returns: true when it was sent. */
bool notify_send(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says that the process moves only when every worker has moved since it was said last. */
struct watchdog {
    int64_t every_ms; /* 0: nobody asks */
    int64_t told_ms;
    uint64_t seen[NOTIFY_WORKERS_MAX];
};

/* What the manager asks of this very process: WATCHDOG_USEC, WATCHDOG_PID. It is told four times as
 * often. */
void watchdog_init(struct watchdog *w);

/* beats: by worker, counted up with each thing a worker does. Returns: true when it is time, and
 * every one differs from what was seen when this was last true. */
bool watchdog_is_due(struct watchdog *w, const uint64_t *beats, int32_t count, int64_t now_ms);

#endif /* RUNTIME_NOTIFY_H */
