/* DESIGN. Order per key is order per partition of our input, and publisher_queue keeps that order;
 * the idempotent producer keeps it on the wire, without repeating. librdkafka never gives a record
 * up (message.timeout.ms=0) and turns an error that would leave a gap behind into a fatal one
 * (enable.gapless.guarantee): then another producer is opened, and all that is not acknowledged
 * goes out again in order.
 *
 * `lock` guards the queue and the producer. `reporting` is held while `delivered` is called: so
 * publisher_forget can wait for the report under way.
 */
#include "sinks/publisher_kafka.h"

#include "processor/base/check.h"
#include "processor/base/log.h"
#include "processor/base/mem.h"
#include "sinks/publisher_queue.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ENTRIES_MAX   100000
#define BYTES_MAX     (INT64_C(64) << 20)
#define CLOSE_MS      10000
#define DRAIN_MS      3000 /* of a producer that turned fatal, for answers under way */
#define RETRY_MS      500
#define QUEUE_FULL_MS 10
#define POLL_MS       100
#define POLL_HELD_MS  10 /* while something waits to be sent */

struct producer {
    uint32_t number; /* 1, 2, .. */
    rd_kafka_t *client;
    rd_kafka_queue_t *events;
    rd_kafka_topic_t *handles[OUTPUT_TYPE__COUNT]; /* NULL: no such topic */
};

struct publisher_kafka {
    struct publisher publisher;
    struct kafka_client client; /* state of the producers */
    char *topics[OUTPUT_TYPE__COUNT];
    enum output_format formats[OUTPUT_TYPE__COUNT];
    struct bytes_out scratch; /* of the value being written; guarded by lock */
    publisher_delivered *delivered;
    void *context;
    rd_kafka_conf_t *conf; /* each producer gets a copy */
    pthread_t thread;
    pthread_mutex_t reporting; /* before lock, when both are held */
    pthread_mutex_t lock;      /* guards what follows */
    struct producer producer;  /* changed by the publisher's thread only, which reads it freely */
    struct publisher_queue queue;
    struct publisher_kafka_stats stats;
    int64_t close_at_ms; /* INT64_MAX: open */
};

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void lock(pthread_mutex_t *m)
{
    CHECK(pthread_mutex_lock(m) == 0);
}

static void unlock(pthread_mutex_t *m)
{
    CHECK(pthread_mutex_unlock(m) == 0);
}

/* --- one record --- */
static void say_failed(const char *topic, int64_t sequence, rd_kafka_resp_err_t error)
{
    log_line(LOG_WARN, "publish.failed", "topic=%s sequence=%lld code=%s retrying_in_ms=%d", topic,
             (long long)sequence, rd_kafka_err2name(error), RETRY_MS);
}

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *m, void *opaque)
{
    char *client = opaque;
    struct publisher_kafka *p =
        (struct publisher_kafka *)(void *)(client - offsetof(struct publisher_kafka, client));
    struct publisher_entry *e = m->_private;
    int64_t sequence = e->outbox.sequence;
    bool is_first;

    (void)producer;
    lock(&p->lock);
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        p->stats.delivered++;
        p->stats.bytes += (int64_t)(m->len + m->key_len);
        publisher_queue_delivered(&p->queue, e);
        unlock(&p->lock);
        kafka_client_answered(&p->client);
        return;
    }
    is_first = publisher_queue_failed(&p->queue, e, now_ms() + RETRY_MS);
    unlock(&p->lock);
    if (is_first) {
        say_failed(rd_kafka_topic_name(m->rkt), sequence, m->err);
    }
}

/* Requires: lock held. */
static rd_kafka_resp_err_t produce(struct publisher_kafka *p, struct publisher_entry *e)
{
    const struct outbox_entry *o = &e->outbox;
    bool is_tombstone = o->type == OUTPUT_MEMBERSHIP && o->payload.size == 0;
    struct bytes made = output_format_value(p->formats[o->type], o, &p->scratch);
    void *value = is_tombstone ? NULL : (void *)(uintptr_t)made.at;
    /* A payload lives until it is delivered; what was made of it does not. */
    int flags = made.at == o->payload.at ? 0 : RD_KAFKA_MSG_F_COPY;

    return rd_kafka_producev(p->producer.client, RD_KAFKA_V_RKT(p->producer.handles[o->type]),
                             RD_KAFKA_V_KEY((void *)(uintptr_t)o->key.at, o->key.size),
                             RD_KAFKA_V_VALUE(value, made.size), RD_KAFKA_V_OPAQUE(e),
                             RD_KAFKA_V_MSGFLAGS(flags), RD_KAFKA_V_END);
}

/* Send what may be sent of one partition. Requires: lock held. */
static void send_due(struct publisher_kafka *p, int32_t partition, int64_t at_ms)
{
    struct publisher_entry *e;

    while ((e = publisher_queue_next(&p->queue, partition, at_ms)) != NULL) {
        rd_kafka_resp_err_t error;

        if (p->producer.handles[e->outbox.type] == NULL) {
            publisher_queue_dropped(&p->queue, e);
            continue;
        }
        error = produce(p, e);
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
            if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
                publisher_queue_refused(e, at_ms + QUEUE_FULL_MS);
            } else {
                publisher_queue_refused(e, at_ms + RETRY_MS);
                p->stats.retried++;
                say_failed(p->topics[e->outbox.type], e->outbox.sequence, error);
            }
            return;
        }
        p->stats.published += e->producer == 0;
        p->stats.retried += e->producer != 0;
        publisher_queue_sent(&p->queue, e, p->producer.number);
    }
}

static enum err publish(struct publisher *publisher, int32_t partition,
                        const struct outbox_entry *entry)
{
    struct publisher_kafka *p = (struct publisher_kafka *)(void *)publisher;
    struct publisher_entry *e;

    lock(&p->lock);
    e = publisher_queue_add(&p->queue, partition, entry);
    if (e != NULL) {
        send_due(p, partition, now_ms());
        if (p->producer.handles[entry->type] == NULL) {
            rd_kafka_queue_yield(p->producer.events); /* no event of Kafka's wakes the thread */
        }
    }
    unlock(&p->lock);
    return e == NULL ? ERR_UNAVAILABLE : OK;
}

static void forget(struct publisher *publisher, int32_t partition)
{
    struct publisher_kafka *p = (struct publisher_kafka *)(void *)publisher;

    lock(&p->reporting);
    lock(&p->lock);
    publisher_queue_forget(&p->queue, partition);
    unlock(&p->lock);
    unlock(&p->reporting);
}

/* --- producers --- */
/* Requires: lock not held, since delivery reports are served. */
static void producer_close(struct producer *r, int32_t drain_ms)
{
    (void)rd_kafka_purge(r->client, RD_KAFKA_PURGE_F_QUEUE);
    (void)rd_kafka_flush(r->client, drain_ms);
    (void)rd_kafka_purge(r->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    (void)rd_kafka_flush(r->client, drain_ms);
    for (size_t i = 0; i < OUTPUT_TYPE__COUNT; i++) {
        if (r->handles[i] != NULL) {
            rd_kafka_topic_destroy(r->handles[i]);
        }
    }
    rd_kafka_queue_destroy(r->events);
    rd_kafka_destroy(r->client);
}

static enum err producer_open(const struct publisher_kafka *p, struct producer *out_producer,
                              char out_text[256])
{
    struct producer r = { .number = p->producer.number + 1 };
    enum err e =
        kafka_client_open(RD_KAFKA_PRODUCER, rd_kafka_conf_dup(p->conf), &r.client, out_text);

    if (e != OK) {
        return e;
    }
    r.events = rd_kafka_queue_get_main(r.client);
    for (size_t i = 0; i < OUTPUT_TYPE__COUNT && e == OK; i++) {
        if (p->topics[i] != NULL) {
            /* asks for the topic's leaders now, so that the first record need not wait for them */
            r.handles[i] = rd_kafka_topic_new(r.client, p->topics[i], NULL);
            e = r.handles[i] == NULL ? ERR_CONFIG : OK;
        }
    }
    if (e != OK) {
        (void)snprintf(out_text, 256, "an output topic has a name that Kafka cannot have");
        producer_close(&r, 0);
        return e;
    }
    *out_producer = r;
    return OK;
}

/* A fatal error: another producer takes over. */
static void reopen(struct publisher_kafka *p, rd_kafka_resp_err_t error, const char *reason)
{
    struct producer next, before = p->producer;
    char text[256];

    if (producer_open(p, &next, text) != OK) {
        log_line(LOG_ERROR, "publish.failed", "code=%s reason=\"%s\" retrying_in_ms=%d",
                 rd_kafka_err2name(error), text, RETRY_MS);
        return;
    }
    lock(&p->lock);
    p->producer = next;
    p->stats.reopened++;
    publisher_queue_rewind(&p->queue, now_ms() + RETRY_MS);
    unlock(&p->lock);
    producer_close(&before, DRAIN_MS);
    lock(&p->lock);
    publisher_queue_fail_all_of(&p->queue, before.number, now_ms() + RETRY_MS);
    unlock(&p->lock);
    log_line(LOG_WARN, "publish.reopened", "code=%s reason=\"%s\"", rd_kafka_err2name(error),
             reason);
}

/* --- the thread --- */
static void report(struct publisher_kafka *p)
{
    int64_t sequence = 0;
    int32_t partition = 0;
    uint32_t cursor = 0;
    bool has_more = true;

    lock(&p->reporting);
    while (has_more) {
        lock(&p->lock);
        has_more = publisher_queue_report(&p->queue, &cursor, &partition, &sequence);
        unlock(&p->lock);
        if (has_more) {
            p->delivered(p->context, partition, sequence);
        }
    }
    unlock(&p->reporting);
}

static void *run(void *context)
{
    struct publisher_kafka *p = context;
    bool is_waiting = false, is_done = false;
    char reason[256];

    while (!is_done) {
        rd_kafka_resp_err_t fatal;

        (void)rd_kafka_poll(p->producer.client, is_waiting ? POLL_HELD_MS : POLL_MS);
        fatal = rd_kafka_fatal_error(p->producer.client, reason, sizeof(reason));
        if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR) {
            reopen(p, fatal, reason);
        }
        lock(&p->lock);
        for (uint32_t i = 0; i < p->queue.partition_capacity; i++) {
            send_due(p, (int32_t)i, now_ms());
        }
        is_waiting = publisher_queue_is_waiting(&p->queue);
        is_done =
            p->close_at_ms != INT64_MAX && (p->queue.live_count == 0 || now_ms() >= p->close_at_ms);
        unlock(&p->lock);
        report(p);
    }
    return NULL;
}

static void publisher_free(struct publisher_kafka *p)
{
    publisher_queue_fini(&p->queue);
    bytes_out_fini(&p->scratch);
    for (size_t i = 0; i < OUTPUT_TYPE__COUNT; i++) {
        mem_free(p->topics[i]);
    }
    if (p->conf != NULL) {
        rd_kafka_conf_destroy(p->conf);
    }
    (void)pthread_mutex_destroy(&p->lock);
    (void)pthread_mutex_destroy(&p->reporting);
    mem_free(p);
}

static bool progress(struct publisher *publisher, const struct publisher_progress *progress)
{
    (void)publisher;
    (void)progress;
    return false;
}

static void join(struct publisher *publisher, struct bytes identity)
{
    (void)publisher;
    (void)identity;
}

static enum err trouble(struct publisher *publisher)
{
    (void)publisher;
    return OK;
}

static bool is_idle(struct publisher *publisher)
{
    struct publisher_kafka *p = (struct publisher_kafka *)(void *)publisher;
    bool is_empty;

    lock(&p->lock);
    is_empty = p->queue.live_count == 0;
    unlock(&p->lock);
    return is_empty;
}

static void close_publisher(struct publisher *publisher)
{
    struct publisher_kafka *p = (struct publisher_kafka *)(void *)publisher;

    lock(&p->lock);
    p->close_at_ms = now_ms() + CLOSE_MS;
    rd_kafka_queue_yield(p->producer.events);
    unlock(&p->lock);
    CHECK(pthread_join(p->thread, NULL) == 0);
    producer_close(&p->producer, 0);
    publisher_queue_fail_all_of(&p->queue, p->producer.number, 0);
    publisher_free(p);
}

/* --- start --- */
static enum err make_conf(struct publisher_kafka *p, const struct publisher_kafka_options *options,
                          char out_text[256])
{
    const struct kafka_property defaults[] = {
        { TEXT("acks"), TEXT("all") },
        { TEXT("linger.ms"), TEXT("5") },
        { TEXT("compression.codec"), TEXT("lz4") },
        { TEXT("message.timeout.ms"), TEXT("0") },
        { TEXT("message.max.bytes"),
          TEXT("8388608") }, /* the broker's limit is the one that counts */
    };
    const struct kafka_property owned[] = {
        { TEXT("enable.idempotence"), TEXT("true") },
        { TEXT("enable.gapless.guarantee"), TEXT("true") },
        { TEXT("partitioner"), TEXT("murmur2") },
    };
    enum err e = kafka_client_conf(&p->client, &options->kafka, defaults,
                                   sizeof(defaults) / sizeof(defaults[0]), &p->conf, out_text);

    for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]) && e == OK; i++) {
        e = kafka_client_set(p->conf, owned[i].name, owned[i].value, out_text);
    }
    if (e == OK) {
        rd_kafka_conf_set_dr_msg_cb(p->conf, on_delivery);
    }
    return e;
}

static void start_thread(struct publisher_kafka *p)
{
    sigset_t all, before;

    sigfillset(&all); /* signals are for the process's main thread */
    CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    CHECK(pthread_create(&p->thread, NULL, run, p) == 0);
    CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
}

enum err publisher_kafka_new(const struct publisher_kafka_options *options, struct publisher **out,
                             char out_text[256])
{
    static const struct publisher_ops ops = { publish, progress, join,           trouble,
                                              is_idle, forget,   close_publisher };
    struct publisher_kafka *p = mem_alloc(sizeof(*p));
    enum err e;

    p->publisher.ops = &ops;
    p->delivered = options->delivered;
    p->context = options->context;
    p->close_at_ms = INT64_MAX;
    kafka_client_init(&p->client, "publisher");
    publisher_queue_init(&p->queue, options->entries_max > 0 ? options->entries_max : ENTRIES_MAX,
                         options->bytes_max > 0 ? options->bytes_max : BYTES_MAX);
    CHECK(pthread_mutex_init(&p->reporting, NULL) == 0);
    CHECK(pthread_mutex_init(&p->lock, NULL) == 0);
    memcpy(p->formats, options->formats, sizeof(p->formats));
    for (size_t i = 0; i < OUTPUT_TYPE__COUNT; i++) {
        if (options->topics[i].at != NULL) {
            p->topics[i] = mem_dup(options->topics[i].at, options->topics[i].size);
        }
    }
    e = make_conf(p, options, out_text);
    if (e == OK) {
        e = producer_open(p, &p->producer, out_text);
    }
    if (e != OK) {
        publisher_free(p);
        return e;
    }
    start_thread(p);
    *out = &p->publisher;
    return OK;
}

void publisher_kafka_stats(struct publisher *publisher, struct publisher_kafka_stats *out_stats)
{
    struct publisher_kafka *p = (struct publisher_kafka *)(void *)publisher;

    lock(&p->lock);
    *out_stats = p->stats;
    unlock(&p->lock);
    out_stats->is_up = kafka_client_is_up(&p->client);
}
