/* DESIGN. The process is looked at twice a second for metrics and log lines, and whenever somebody
 * asks for /readyz, from the thread of HTTP: workers show what they are under a lock.
 */
#include "processor/base/instant.h"
#include "processor/base/log.h"
#include "processor/runtime/metrics.h"
#include "processor/runtime/supervisor_parts.h"
#include "sinks/publisher_kafka.h"
#include "sinks/publisher_transactional.h"
#include "sinks/store_redis.h"

#include <time.h>

#define STUCK_MS  (10 * SECOND_MS)
#define STATUS_MS (5 * SECOND_MS)

static int64_t now_ms(clockid_t id)
{
    struct timespec now;

    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct readiness {
    int64_t partitions, ready, input_lag;
    bool is_kafka_up, is_store_up, is_joined;
    int64_t outputs_stuck_ms;
};

static enum err look_at_workers(struct supervisor *s, struct readiness *out, struct task_stats *sum)
{
    enum err error = OK;

    *out = (struct readiness){ .is_kafka_up = true,
                               .is_store_up = true,
                               .is_joined = true,
                               .outputs_stuck_ms = atomic_load(&s->outputs_stuck_ms) };
    *sum = (struct task_stats){ .stream_ms = INSTANT_NEVER };
    for (int32_t i = 0; i < s->worker_count; i++) {
        struct worker_view v;

        worker_view(s->workers[i], &v);
        error = v.error != OK ? v.error : error;
        out->partitions += v.partitions;
        out->ready += v.ready_partitions;
        out->input_lag += v.input_lag;
        out->is_kafka_up = out->is_kafka_up && v.is_kafka_up;
        out->is_joined = out->is_joined && v.is_joined;
        out->is_store_up = out->is_store_up && (s->config->store == STORE_KIND_MEMORY ||
                                                store_redis_is_up(s->stores[i]));
        task_stats_add(sum, &v.stats);
    }
    return error;
}

static int64_t count_published(const struct supervisor *s)
{
    struct publisher_kafka_stats stats;
    int64_t count = 0;

    for (int32_t i = 0; i < s->publisher_count; i++) {
        if (s->config->is_exactly_once) {
            publisher_transactional_stats(s->publishers[i], &stats);
        } else {
            publisher_kafka_stats(s->publishers[i], &stats);
        }
        count += stats.delivered;
    }
    return count;
}

static bool is_ready(const struct readiness *r, const struct task_stats *sum)
{
    return r->is_kafka_up && r->is_store_up && r->is_joined && r->ready == r->partitions &&
           sum->stopped == 0 && r->outputs_stuck_ms == 0;
}

static void set_metrics(const struct readiness *r, const struct task_stats *sum, int64_t published)
{
    metrics_set(METRIC_EVENTS_TOTAL, sum->records);
    metrics_set(METRIC_EVENTS_LATE_TOTAL, sum->late);
    metrics_set(METRIC_EVENTS_DUPLICATE_TOTAL, sum->duplicates);
    metrics_set(METRIC_EVENTS_SKIPPED_TOTAL, sum->skipped);
    metrics_set(METRIC_DEAD_LETTERS_TOTAL, sum->diverted);
    metrics_set(METRIC_EVENTS_MISPLACED_TOTAL, sum->misplaced);
    metrics_set(METRIC_TIMERS_FIRED_TOTAL, sum->timers_fired);
    metrics_set(METRIC_COMMITS_TOTAL, sum->commits);
    metrics_set(METRIC_COMMITS_REDONE_TOTAL, sum->redone);
    metrics_set(METRIC_INPUT_LAG_RECORDS, r->input_lag);
    metrics_set(METRIC_TRIGGERS_TOTAL, sum->outputs[OUTPUT_TRIGGER]);
    metrics_set(METRIC_MEMBERSHIPS_TOTAL, sum->outputs[OUTPUT_MEMBERSHIP]);
    metrics_set(METRIC_OUTCOMES_TOTAL, sum->outputs[OUTPUT_OUTCOME]);
    metrics_set(METRIC_PUBLISHED_TOTAL, published);
    metrics_set(METRIC_RECONFIGURED_TOTAL, sum->reconfigured);
    metrics_set(METRIC_CEILING_HELD_TOTAL, sum->ceiling_held);
    metrics_set(METRIC_JOIN_HELD_TOTAL, sum->join_held);
    metrics_set(METRIC_ZONES_UNKNOWN_TOTAL, sum->zones_unknown);
    metrics_set(METRIC_PARTITIONS_SWEEPING, sum->sweeping);
    metrics_set(METRIC_CUSTOMERS_CACHED, sum->cached);
    metrics_set(METRIC_TIMERS_PENDING, sum->timers);
    metrics_set(METRIC_OUTBOX_PENDING, sum->outbox_pending);
    metrics_set(METRIC_PARTITIONS_OWNED, r->partitions);
    metrics_set(METRIC_PARTITIONS_STOPPED, sum->stopped);
    if (sum->stream_ms != INSTANT_NEVER && sum->stream_ms != INSTANT_MIN) {
        metrics_set(METRIC_STREAM_TIME_LAG_SECONDS, now_ms(CLOCK_REALTIME) - sum->stream_ms);
    }
    metrics_set(METRIC_STORE_UP, r->is_store_up);
    metrics_set(METRIC_KAFKA_UP, r->is_kafka_up);
    metrics_set(METRIC_READY, is_ready(r, sum));
}

/* Nothing leaves although something waits: an output topic is gone, full, or not ours to write. */
static void look_at_outputs(struct supervisor *s, int64_t published, int64_t pending)
{
    int64_t now = now_ms(CLOCK_MONOTONIC), stuck = 0;
    bool was_stuck = atomic_load(&s->outputs_stuck_ms) > 0;

    if (published != s->published || pending == 0 || s->moved_at_ms == 0) {
        s->published = published;
        s->moved_at_ms = now;
    }
    if (now - s->moved_at_ms >= STUCK_MS) {
        stuck = now - s->moved_at_ms;
    }
    atomic_store(&s->outputs_stuck_ms, stuck);
    if (stuck > 0 && !was_stuck) {
        log_line(LOG_WARN, "outputs.stuck", "pending=%lld since_ms=%lld", (long long)pending,
                 (long long)stuck);
    } else if (stuck == 0 && was_stuck) {
        log_line(LOG_INFO, "outputs.moving", "pending=%lld", (long long)pending);
    }
}

static void tell_manager(struct supervisor *s, const struct readiness *r)
{
    uint64_t beats[NOTIFY_WORKERS_MAX];
    int64_t now = now_ms(CLOCK_MONOTONIC);

    for (int32_t i = 0; i < s->worker_count; i++) {
        beats[i] = worker_beats(s->workers[i]);
    }
    if (watchdog_is_due(&s->watchdog, beats, s->worker_count, now)) {
        (void)notify_send("WATCHDOG=1");
    }
    if (now >= s->status_ms + STATUS_MS) {
        s->status_ms = now;
        (void)notify_send("STATUS=%s: %lld of %lld partitions ready, %lld records behind",
                          metrics_get(METRIC_READY) != 0 ? "ready" : "not ready",
                          (long long)r->ready, (long long)r->partitions, (long long)r->input_lag);
    }
}

enum err supervisor_look(struct supervisor *s)
{
    int64_t published = count_published(s);
    struct readiness r;
    struct task_stats sum;
    enum err error = look_at_workers(s, &r, &sum);

    look_at_outputs(s, published, sum.outbox_pending);
    set_metrics(&r, &sum, published);
    tell_manager(s, &r);
    return error;
}

/* --- the page --- */

static void say_services(const struct readiness *r, const struct task_stats *sum,
                         struct bytes_out *out)
{
    if (!r->is_kafka_up) {
        bytes_put_format(out, "kafka: no broker answers\n");
    }
    if (!r->is_store_up) {
        bytes_put_format(out, "store: does not answer, or takes no writes\n");
    }
    if (r->outputs_stuck_ms > 0) {
        bytes_put_format(out, "outputs: %lld wait, and Kafka has taken none for %lld s\n",
                         (long long)sum->outbox_pending, (long long)(r->outputs_stuck_ms / 1000));
    }
}

static void say_start(struct supervisor *s, struct bytes_out *out)
{
    const char *topic = atomic_load(&s->waiting_for);

    if (topic != NULL) {
        bytes_put_format(out, "starting: waiting for the topic %s, or for a broker\n", topic);
    } else {
        bytes_put_format(out, "starting\n");
    }
}

bool supervisor_say_readiness(struct supervisor *s, struct bytes_out *out)
{
    struct readiness r;
    struct task_stats sum;
    enum err error;

    if (!atomic_load(&s->is_started)) {
        say_start(s, out);
        return false;
    }
    error = look_at_workers(s, &r, &sum);
    if (error != OK) {
        bytes_put_format(out, "halted: %s\n", err_text(error));
    }
    say_services(&r, &sum, out);
    if (!r.is_joined) {
        bytes_put_format(out, "group: not joined yet\n");
    }
    if (r.ready < r.partitions) {
        bytes_put_format(out, "partitions: %lld of %lld ready\n", (long long)r.ready,
                         (long long)r.partitions);
    }
    if (sum.stopped > 0) {
        bytes_put_format(out, "dead letters: %lld of %lld partitions stopped by stop_above\n",
                         (long long)sum.stopped, (long long)r.partitions);
    }
    return error == OK && is_ready(&r, &sum);
}
