#include "processor/runtime/supervisor.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/log.h"
#include "processor/base/mem.h"
#include "processor/runtime/http.h"
#include "processor/runtime/kafka_settings.h"
#include "processor/runtime/metrics.h"
#include "processor/runtime/notify.h"
#include "processor/runtime/store_settings.h"
#include "processor/runtime/worker.h"
#include "sinks/publisher_kafka.h"
#include "sinks/publisher_transactional.h"
#include "sinks/store_memory.h"
#include "sinks/store_redis.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#define TICK_MS   500
#define RETRY_MS  500
#define STATUS_MS 5000

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
    int64_t status_ms; /* monotonic: when the service manager was told last */
};

static bool is_stopped(const struct supervisor *s, int timeout_ms)
{
    struct pollfd fd = { .fd = s->options->stop_fd, .events = POLLIN };

    return poll(&fd, 1, timeout_ms) > 0;
}

/* --- what Kafka has --- */

/* Wait for a topic and its partition count. Returns: false when stopped meanwhile. */
static bool wait_for_topic(struct supervisor *s, rd_kafka_t *client, struct text topic,
                           int32_t *out_count)
{
    bool is_said = false;

    while (kafka_topic_partitions(client, topic, out_count) != OK) {
        (void)notify_send("EXTEND_TIMEOUT_USEC=30000000\nSTATUS=waiting for topic %.*s",
                          TEXT_PRINTF(topic));
        if (!is_said) {
            log_line(LOG_WARN, "kafka.waiting", "topic=%.*s brokers=\"%.*s\"", TEXT_PRINTF(topic),
                     TEXT_PRINTF(s->config->brokers));
            is_said = true;
        }
        if (is_stopped(s, RETRY_MS)) {
            return false;
        }
    }
    return true;
}

/* Every topic is there; input topics have equal partition counts. */
static enum err check_topics(struct supervisor *s, rd_kafka_t *client, char out_text[256])
{
    const struct config *c = s->config;
    int32_t count;

    for (uint32_t i = 0; i < c->input_count; i++) {
        if (!wait_for_topic(s, client, c->inputs[i].topic, &count)) {
            return ERR_UNAVAILABLE;
        }
        s->topic_partitions = i == 0 || count > s->topic_partitions ? count : s->topic_partitions;
        if (s->options->partitions > 0 && count >= s->options->partitions) {
            count = s->options->partitions;
        }
        if (i > 0 && count != s->partition_count) {
            snprintf(out_text, 256,
                     "%.*s has %d partitions and %.*s has %d: a customer's events must meet in one "
                     "partition number, so input topics need equal partition counts",
                     TEXT_PRINTF(c->inputs[0].topic), s->partition_count,
                     TEXT_PRINTF(c->inputs[i].topic), count);
            return ERR_CONFIG;
        }
        s->partition_count = count;
    }
    for (int i = 0; i < OUTPUT_TYPE__COUNT; i++) {
        if (c->outputs[i].at != NULL && !wait_for_topic(s, client, c->outputs[i], &count)) {
            return ERR_UNAVAILABLE;
        }
    }
    return OK;
}

static enum err look_at_kafka(struct supervisor *s, char out_text[256])
{
    struct kafka_client client;
    struct kafka_options options;
    rd_kafka_conf_t *conf = NULL;
    rd_kafka_t *handle = NULL;
    enum err error;

    kafka_client_init(&client, "supervisor");
    kafka_settings(s->config, true, &s->arena, &options);
    error = kafka_client_conf(&client, &options, NULL, 0, &conf, out_text);
    if (error == OK) {
        error = kafka_client_open(RD_KAFKA_PRODUCER, conf, &handle, out_text);
    }
    if (error == OK) {
        error = check_topics(s, handle, out_text);
        rd_kafka_destroy(handle);
    }
    return error;
}

/* --- starting --- */

static struct store *open_store(struct supervisor *s)
{
    const struct config *c = s->config;
    struct store_redis_options redis = store_settings(c);

    return c->store == STORE_KIND_MEMORY ? store_memory_open(s->memory) : store_redis_new(&redis);
}

/* The same after a restart of the same instance: it ends what its forerunner has left open. Without
 * a name for the instance, transactions of the dead end by their time-out. */
static struct text transactional_name(struct supervisor *s, int32_t worker)
{
    struct text instance = s->options->instance, app = s->config->rules->app;
    uint64_t any;

    if (instance.at != NULL) {
        return arena_format(&s->arena, "%.*s.%.*s.%d", TEXT_PRINTF(app), TEXT_PRINTF(instance),
                            worker);
    }
    while (getrandom(&any, sizeof(any), 0) < 0) {
        CHECK(errno == EINTR);
    }
    return arena_format(&s->arena, "%.*s.%016" PRIx64 ".%d", TEXT_PRINTF(app), any, worker);
}

static enum err start_publishers(struct supervisor *s, char out_text[256])
{
    enum err error = OK;
    struct kafka_options kafka;
    struct publisher_kafka_options options = { .delivered = deliveries_tell,
                                               .context = &s->deliveries };

    kafka_settings(s->config, true, &s->arena, &kafka);
    options.kafka = kafka;
    memcpy(options.topics, s->config->outputs, sizeof(options.topics));
    s->publishers = mem_alloc((size_t)s->config->workers * sizeof(struct publisher *));
    if (!s->config->is_exactly_once) {
        s->publisher_count = 1;
        return publisher_kafka_new(&options, &s->publishers[0], out_text);
    }
    for (int32_t i = 0; error == OK && i < s->config->workers; i++) {
        error = publisher_transactional_new(&options, transactional_name(s, i), &s->publishers[i],
                                            out_text);
        s->publisher_count += error == OK;
    }
    return error;
}

static enum err start_workers(struct supervisor *s, char out_text[256])
{
    enum err error = OK;

    s->stores = mem_alloc((size_t)s->config->workers * sizeof(struct store *));
    s->workers = mem_alloc((size_t)s->config->workers * sizeof(struct worker *));
    for (int32_t i = 0; error == OK && i < s->config->workers; i++) {
        struct worker_options options = { .config = s->config,
                                          .partition_count = s->partition_count,
                                          .is_pinned = s->options->partitions > 0,
                                          .publisher = s->publishers[i % s->publisher_count],
                                          .deliveries = &s->deliveries };

        s->stores[i] = open_store(s);
        options.store = s->stores[i];
        if (s->options->instance.at != NULL) {
            options.instance =
                arena_format(&s->arena, "%.*s-%d", TEXT_PRINTF(s->options->instance), i);
        }
        s->worker_count = i + 1;
        error = worker_start(&options, &s->workers[i], out_text);
    }
    return error;
}

/* --- watching --- */

struct readiness {
    int64_t partitions, ready, input_lag;
    bool is_kafka_up, is_store_up, is_joined;
};

static enum err look_at_workers(struct supervisor *s, struct readiness *out, struct task_stats *sum)
{
    enum err error = OK;

    *out = (struct readiness){ .is_kafka_up = true, .is_store_up = true, .is_joined = true };
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

static void set_metrics(const struct supervisor *s, const struct readiness *r,
                        const struct task_stats *sum)
{
    struct timespec now;
    int64_t wall_ms;

    clock_gettime(CLOCK_REALTIME, &now);
    wall_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
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
    metrics_set(METRIC_PUBLISHED_TOTAL, count_published(s));
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
        metrics_set(METRIC_STREAM_TIME_LAG_SECONDS, wall_ms - sum->stream_ms);
    }
    metrics_set(METRIC_STORE_UP, r->is_store_up);
    metrics_set(METRIC_KAFKA_UP, r->is_kafka_up);
    metrics_set(METRIC_READY, r->is_kafka_up && r->is_store_up && r->is_joined &&
                                  r->ready == r->partitions && sum->stopped == 0);
}

bool supervisor_say_readiness(struct supervisor *s, struct bytes_out *out)
{
    struct readiness r;
    struct task_stats sum;
    size_t before = bytes_out_view(out).size;
    enum err error;

    error = look_at_workers(s, &r, &sum);
    if (error != OK) {
        bytes_put_format(out, "halted: %s\n", err_text(error));
    }
    if (!r.is_kafka_up) {
        bytes_put_format(out, "kafka: no broker answers\n");
    }
    if (!r.is_store_up) {
        bytes_put_format(out, "store: does not answer\n");
    }
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
    return bytes_out_view(out).size == before;
}

/* What nobody may guess over is said with what can be done; more on the operator's page. */
static const char *way_out(enum err error)
{
    static const struct {
        enum err error;
        const char *text;
    } ways[] = {
        { ERR_REGRESSED, ": restore it, or let outputs of the lost seconds repeat: run once with "
                         "--set state.guarantee=at_least_once" },
        { ERR_WIPED, ": start the right one; to begin anew, delete the consumer group" },
        { ERR_FOREIGN, ": start the one that belongs to this group; to go on with this one, delete "
                       "the consumer group" },
        { ERR_UNTOLD, ": its offsets were deleted or have expired; run once with --set "
                      "state.guarantee=at_least_once, which repeats what is in doubt" },
    };

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (ways[i].error == error) {
            return ways[i].text;
        }
    }
    return "";
}

/* The stored state has `stored` partitions, or is being moved to `moving_to`. */
static void say_partitions(struct supervisor *s, enum err error,
                           char out_text[SUPERVISOR_TEXT_SIZE])
{
    int32_t stored = 0, moving_to = 0;
    char ignored[256];

    for (int32_t i = 0; i < s->worker_count; i++) {
        struct worker_view v;

        worker_view(s->workers[i], &v);
        stored = v.stored_partitions > stored ? v.stored_partitions : stored;
        moving_to = v.moving_to > moving_to ? v.moving_to : moving_to;
    }
    stored = stored == 0 ? s->partition_count : stored;
    (void)look_at_kafka(s, ignored); /* they may have grown while we ran */
    if (error == ERR_MOVING) {
        snprintf(out_text, SUPERVISOR_TEXT_SIZE,
                 "%s: finish what was begun: segstream rekey -c FILE --partitions %d",
                 err_text(error), moving_to);
        return;
    }
    snprintf(out_text, SUPERVISOR_TEXT_SIZE,
             "the input topics have %d partitions and the stored state has %d: where a customer's "
             "state lies follows from the count, so it must be moved, with everything stopped:\n"
             "  1. stop the producers and all workers\n"
             "  2. apply what was written before: segstream run -c FILE --partitions %d, until the "
             "lag is 0; then stop it (SIGTERM)\n"
             "  3. segstream rekey -c FILE --partitions %d\n"
             "  4. start the workers, then the producers",
             s->topic_partitions, stored, stored, s->topic_partitions);
}

static void tell_manager(struct supervisor *s, const struct readiness *r)
{
    uint64_t beats[NOTIFY_WORKERS_MAX];
    struct timespec now;
    int64_t now_ms;

    clock_gettime(CLOCK_MONOTONIC, &now);
    now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    for (int32_t i = 0; i < s->worker_count; i++) {
        beats[i] = worker_beats(s->workers[i]);
    }
    if (watchdog_is_due(&s->watchdog, beats, s->worker_count, now_ms)) {
        (void)notify_send("WATCHDOG=1");
    }
    if (now_ms >= s->status_ms + STATUS_MS) {
        s->status_ms = now_ms;
        (void)notify_send("STATUS=%s: %lld of %lld partitions ready, %lld records behind",
                          metrics_get(METRIC_READY) != 0 ? "ready" : "not ready",
                          (long long)r->ready, (long long)r->partitions, (long long)r->input_lag);
    }
}

static enum err watch(struct supervisor *s, char out_text[SUPERVISOR_TEXT_SIZE])
{
    enum err error = OK;

    while (!is_stopped(s, TICK_MS) && error == OK) {
        struct readiness r;
        struct task_stats sum;

        error = look_at_workers(s, &r, &sum);
        set_metrics(s, &r, &sum);
        tell_manager(s, &r);
    }
    if (error == ERR_PARTITIONS || error == ERR_MOVING) {
        say_partitions(s, error, out_text);
    } else if (error != OK) {
        snprintf(out_text, SUPERVISOR_TEXT_SIZE, "%s%s", err_text(error), way_out(error));
    }
    return error;
}

/* --- HTTP --- */

static bool say_readiness(void *context, struct bytes_out *out)
{
    return supervisor_say_readiness(context, out);
}

static bool answer_page(void *context, const struct http_request *q, struct http_answer *out)
{
    struct supervisor *s = context;

    return s->options->page(s->options->page_context, s, q, out);
}

struct lookup *supervisor_lookup(struct supervisor *s)
{
    return s->lookup;
}

static enum err start_http(struct supervisor *s, char out_text[256])
{
    struct http_handlers handlers = { .context = s,
                                      .ready = say_readiness,
                                      .token = s->config->http_token };
    uint16_t port = 0;
    enum err error;

    if (s->options->page != NULL) {
        handlers.page = answer_page;
        s->lookup = lookup_new(&(struct lookup_options){ .workers = s->workers,
                                                         .worker_count = s->worker_count,
                                                         .partition_count = s->partition_count,
                                                         .store = open_store(s) });
    }
    error = http_start(s->config->http_listen, &handlers, &s->http, &port, out_text);
    if (error == OK) {
        log_line(LOG_INFO, "http.listening", "port=%u", port);
    }
    return error;
}

/* --- the whole --- */

static enum err start(struct supervisor *s, char out_text[256])
{
    enum err error = look_at_kafka(s, out_text);

    if (error == OK) {
        deliveries_init(&s->deliveries, s->partition_count);
        s->memory = s->config->store == STORE_KIND_MEMORY ? store_memory_backend_new() : NULL;
        error = start_publishers(s, out_text);
    }
    if (error == OK) {
        error = start_workers(s, out_text);
    }
    if (error == OK && s->options->has_http && s->config->http_listen.at != NULL) {
        error = start_http(s, out_text);
    }
    return error;
}

static void stop(struct supervisor *s)
{
    (void)notify_send("STOPPING=1\nSTATUS=finishing what is under way");
    http_stop(s->http);
    lookup_free(s->lookup);
    for (int32_t i = 0; i < s->worker_count; i++) {
        if (s->workers[i] != NULL) {
            worker_stop(s->workers[i]);
        }
    }
    for (int32_t i = 0; i < s->worker_count; i++) {
        if (s->workers[i] != NULL) {
            (void)worker_join(s->workers[i]);
        }
        store_close(s->stores[i]);
    }
    for (int32_t i = 0; i < s->publisher_count; i++) {
        publisher_close(s->publishers[i]);
    }
    if (s->memory != NULL) {
        store_memory_backend_free(s->memory);
    }
    deliveries_fini(&s->deliveries);
    mem_free(s->stores);
    mem_free(s->workers);
    mem_free(s->publishers);
    arena_fini(&s->arena);
}

enum err supervisor_run(const struct supervisor_options *options,
                        char out_text[SUPERVISOR_TEXT_SIZE])
{
    struct supervisor s = { .options = options, .config = options->config };
    enum err error;

    metrics_set_info(SEGSTREAM_VERSION, s.config->rules->config_hex);
    watchdog_init(&s.watchdog);
    error = start(&s, out_text);
    if (error == OK) {
        (void)notify_send("READY=1\nSTATUS=started");
        log_line(LOG_INFO, "process.started", "partitions=%d workers=%d config=%.*s",
                 s.partition_count, s.worker_count, TEXT_PRINTF(s.config->rules->config_hex));
        error = watch(&s, out_text);
    } else if (error == ERR_UNAVAILABLE) {
        error = OK; /* stopped while waiting */
    }
    stop(&s);
    log_line(LOG_INFO, "process.stopped", "reason=\"%s\"", error == OK ? "asked" : err_text(error));
    return error;
}
