#include "processor/runtime/supervisor.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/log.h"
#include "processor/base/mem.h"
#include "processor/runtime/kafka_settings.h"
#include "processor/runtime/metrics.h"
#include "processor/runtime/notify.h"
#include "processor/runtime/store_settings.h"
#include "processor/runtime/supervisor_parts.h"
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

#define TICK_MS  500
#define RETRY_MS 500

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

    atomic_store(&s->waiting_for, topic.at);
    while (kafka_topic_partitions(client, topic, out_count) != OK) {
        (void)notify_send("EXTEND_TIMEOUT_USEC=30000000\nSTATUS=waiting for topic %.*s",
                          TEXT_PRINTF(topic));
        (void)rd_kafka_poll(client, 0); /* says why brokers do not let us in */
        if (!is_said) {
            log_line(LOG_WARN, "kafka.waiting", "topic=%.*s brokers=\"%.*s\"", TEXT_PRINTF(topic),
                     TEXT_PRINTF(s->config->brokers));
            is_said = true;
        }
        if (is_stopped(s, RETRY_MS)) {
            s->is_stopped_early = true;
            return false;
        }
    }
    atomic_store(&s->waiting_for, NULL);
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
    memcpy(options.formats, s->config->output_formats, sizeof(options.formats));
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

/* What nobody may guess over is said with what can be done; more on the operator's page. */
static const char *way_out(enum err error)
{
    static const struct {
        enum err error;
        const char *text;
    } ways[] = {
        { ERR_REGRESSED,
          ": bring it up to date (segstream replay --from stored --into state), or let "
          "outputs of the lost seconds repeat: run once with --set "
          "state.guarantee=at_least_once" },
        { ERR_WIPED,
          ": start the right one, or build it anew (segstream replay --from earliest --into "
          "state); to begin anew, delete the consumer group" },
        { ERR_FOREIGN,
          ": start the one that belongs to this group, or finish the replay that builds "
          "it; to go on with this one, delete the consumer group" },
        { ERR_TRUNCATED,
          ": it was deleted and made again, or has lost its end; under another name in "
          "`topics.in` it is read from its start" },
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

static enum err watch(struct supervisor *s, char out_text[SUPERVISOR_TEXT_SIZE])
{
    enum err error = OK;

    while (!is_stopped(s, TICK_MS) && error == OK) {
        error = supervisor_look(s);
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

    if (!atomic_load(&s->is_started)) { /* there is nobody to ask yet */
        out->status = 503;
        (void)supervisor_say_readiness(s, &out->body);
        return true;
    }
    return s->options->page(s->options->page_context, s, q, out);
}

struct lookup *supervisor_lookup(struct supervisor *s)
{
    return s->lookup;
}

/* The pages first: they say what is waited for. */
static enum err start_http(struct supervisor *s, char out_text[256])
{
    struct http_handlers handlers = { .context = s,
                                      .ready = say_readiness,
                                      .token = s->config->http_token };
    uint16_t port = 0;
    enum err error;

    if (!s->options->has_http || s->config->http_listen.at == NULL) {
        return OK;
    }
    if (s->options->page != NULL) {
        handlers.page = answer_page;
    }
    error = http_start(s->config->http_listen, &handlers, &s->http, &port, out_text);
    if (error == OK) {
        log_line(LOG_INFO, "http.listening", "port=%u", port);
    }
    return error;
}

static struct lookup *open_lookup(struct supervisor *s)
{
    return lookup_new(&(struct lookup_options){ .workers = s->workers,
                                                .worker_count = s->worker_count,
                                                .partition_count = s->partition_count,
                                                .store = open_store(s) });
}

/* --- the whole --- */

static enum err start(struct supervisor *s, char out_text[256])
{
    enum err error = start_http(s, out_text);

    if (error == OK) {
        error = look_at_kafka(s, out_text);
    }
    if (error == OK) {
        deliveries_init(&s->deliveries, s->partition_count);
        s->memory = s->config->store == STORE_KIND_MEMORY ? store_memory_backend_new() : NULL;
        error = start_publishers(s, out_text);
    }
    if (error == OK) {
        error = start_workers(s, out_text);
    }
    if (error == OK && s->http != NULL && s->options->page != NULL) {
        s->lookup = open_lookup(s);
    }
    atomic_store(&s->is_started, error == OK);
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
    } else if (s.is_stopped_early) {
        error = OK;
    }
    stop(&s);
    log_line(LOG_INFO, "process.stopped", "reason=\"%s\"", error == OK ? "asked" : err_text(error));
    return error;
}
