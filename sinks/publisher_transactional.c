/* DESIGN. A thread gathers what waits and runs one transaction after the other: begin, produce,
 * offsets with marks, commit. Two producers take turns, since the coordinator still writes the end
 * of one transaction when the next begins, and a second producer need not wait for that. Their
 * transactions never overlap, so what the first one sent is ahead of what the second one sends.
 *
 * After an abort the entries go back to the queue's front. When a commit ended nobody knows how, a
 * new producer of the same name makes the outcome final, and what it was is read from the group by
 * joining anew (publisher_trouble). A producer that has a request somewhere unanswered is closed
 * before it begins again (transaction.c).
 *
 * `lock` guards all that follows it; `reporting` is held while `delivered` is called, so that
 * publisher_forget can wait for the report under way.
 */
#include "sinks/publisher_transactional.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/log.h"
#include "processor/base/mem.h"
#include "sinks/publisher_queue.h"
#include "sinks/transaction.h"
#include "sinks/transaction_offsets.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#define PRODUCERS     2
#define ENTRIES_MAX   100000
#define BYTES_MAX     (INT64_C(64) << 20)
#define BATCH_MAX     10000 /* entries of one transaction */
#define TELL_EVERY_MS 5000  /* offsets without outputs: lag tools look at them */
#define OPEN_MS       2000
#define RETRY_MS      200
#define WAIT_MS       500
#define CLOSE_MS      10000
#define FENCED_MAX    3 /* within .. */
#define FENCED_MS     (5 * MINUTE_MS)

struct publisher_transactional {
    struct publisher publisher;
    struct kafka_client client; /* state of the producers */
    char *topics[OUTPUT_TYPE__COUNT];
    enum output_format formats[OUTPUT_TYPE__COUNT];
    struct bytes_out scratch; /* of the value being written; the thread's */
    char *name;
    publisher_delivered *delivered;
    void *context;
    rd_kafka_conf_t *conf; /* each producer gets a copy */
    pthread_t thread;
    struct transaction_producer producers[PRODUCERS]; /* the thread's */
    uint32_t turn;
    int64_t fenced_at_ms[FENCED_MAX]; /* the last times */
    atomic_bool is_closing;           /* waiting no longer for brokers */
    pthread_mutex_t reporting;        /* before lock, when both are held */
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct publisher_queue queue;
    struct transaction_offsets offsets;
    struct bytes identity; /* in the group; absent: nobody */
    uint64_t joins;        /* identities so far */
    uint32_t transaction;  /* its number: the queue's producer */
    enum err trouble;
    struct publisher_kafka_stats stats;
    int64_t close_at_ms; /* INT64_MAX: open */
};

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct publisher_transactional *lock(struct publisher *publisher)
{
    struct publisher_transactional *p = (struct publisher_transactional *)(void *)publisher;

    CHECK(pthread_mutex_lock(&p->lock) == 0);
    return p;
}

static void unlock(struct publisher_transactional *p)
{
    CHECK(pthread_mutex_unlock(&p->lock) == 0);
}

static void wake(struct publisher_transactional *p)
{
    CHECK(pthread_cond_signal(&p->work) == 0);
}

/* --- what the owner calls --- */

static enum err publish(struct publisher *publisher, int32_t partition,
                        const struct outbox_entry *entry)
{
    struct publisher_transactional *p = lock(publisher);
    bool is_added = publisher_queue_add(&p->queue, partition, entry) != NULL;

    wake(p);
    unlock(p);
    return is_added ? OK : ERR_UNAVAILABLE;
}

static bool progress(struct publisher *publisher, const struct publisher_progress *progress)
{
    struct publisher_transactional *p = lock(publisher);

    transaction_offsets_take(&p->offsets, progress);
    wake(p);
    unlock(p);
    return true;
}

static void set_identity(struct publisher_transactional *p, struct bytes identity)
{
    mem_free((void *)(uintptr_t)p->identity.at);
    p->identity = BYTES_NONE;
    if (identity.at != NULL) {
        p->identity = (struct bytes){ mem_dup(identity.at, identity.size), identity.size };
        p->joins++;
    }
}

static void join(struct publisher *publisher, struct bytes identity)
{
    struct publisher_transactional *p = lock(publisher);

    set_identity(p, identity);
    if (identity.at != NULL && p->trouble == ERR_UNTOLD) {
        p->trouble = OK;
    }
    wake(p);
    unlock(p);
}

static enum err trouble(struct publisher *publisher)
{
    struct publisher_transactional *p = lock(publisher);
    enum err e = p->trouble;

    unlock(p);
    return e;
}

static bool is_idle(struct publisher *publisher)
{
    struct publisher_transactional *p = lock(publisher);
    bool is_empty = p->queue.live_count == 0 &&
                    transaction_offsets_due_ms(&p->offsets, TELL_EVERY_MS) > INSTANT_MIN;

    unlock(p);
    return is_empty;
}

static void forget(struct publisher *publisher, int32_t partition)
{
    struct publisher_transactional *p = (struct publisher_transactional *)(void *)publisher;

    CHECK(pthread_mutex_lock(&p->reporting) == 0);
    (void)lock(publisher);
    publisher_queue_forget(&p->queue, partition);
    transaction_offsets_forget(&p->offsets, partition);
    unlock(p);
    CHECK(pthread_mutex_unlock(&p->reporting) == 0);
}

/* --- producers --- */

static bool open_producer(struct publisher_transactional *p, uint32_t number)
{
    struct transaction_producer *t = &p->producers[number];
    char text[256] = "", id[256];
    enum err e;

    if (t->client != NULL && t->is_ready) {
        return true;
    }
    (void)text_format(id, sizeof(id), "%s.%u", p->name, number);
    e = transaction_open(t, p->conf, text_of(id), p->topics, OPEN_MS, text);
    if (e != OK) {
        log_line(e == ERR_CONFIG ? LOG_ERROR : LOG_WARN, "transaction.failed",
                 "step=open id=%s reason=\"%s\" retrying_in_ms=%d", id, text, RETRY_MS);
        return false;
    }
    kafka_client_answered(&p->client);
    return true;
}

/* Both, so that neither leaves a transaction of an earlier process open. */
static bool open_producers(struct publisher_transactional *p)
{
    bool is_good = true;

    for (uint32_t i = 0; i < PRODUCERS; i++) {
        is_good = open_producer(p, i) && is_good;
    }
    return is_good;
}

static void reopen(struct publisher_transactional *p, struct transaction_producer *t,
                   const char *reason)
{
    log_line(LOG_WARN, "transaction.reopened", "id=%s.%u reason=\"%s\"", p->name,
             (unsigned)(t - p->producers), reason);
    transaction_close(t);
    (void)lock(&p->publisher);
    p->stats.reopened++;
    unlock(p);
}

/* Somebody else has our name: now and then after a long stop; again and again by a mistake. */
static bool is_fenced_too_often(struct publisher_transactional *p)
{
    int64_t at_ms = now_ms();
    bool is_too_often = p->fenced_at_ms[0] > INT64_MIN && at_ms - p->fenced_at_ms[0] < FENCED_MS;

    for (int i = 0; i + 1 < FENCED_MAX; i++) {
        p->fenced_at_ms[i] = p->fenced_at_ms[i + 1];
    }
    p->fenced_at_ms[FENCED_MAX - 1] = at_ms;
    return is_too_often;
}

/* --- one transaction --- */

/* Everything that may leave of one partition. Requires: lock held. */
static void produce_lane(struct publisher_transactional *p, struct transaction_producer *t,
                         int32_t partition, uint32_t *count)
{
    struct transaction_lane *l = transaction_offsets_lane(&p->offsets, partition);
    int64_t at_ms = now_ms();
    struct publisher_entry *e;

    while (l != NULL && *count < BATCH_MAX &&
           (e = publisher_queue_next(&p->queue, partition, at_ms)) != NULL) {
        if (t->handles[e->outbox.type] == NULL) {
            publisher_queue_dropped(&p->queue, e);
            continue;
        }
        struct outbox_entry made = e->outbox;

        made.payload = output_format_value(p->formats[made.type], &e->outbox, &p->scratch);
        if (!transaction_produce(t, &made)) {
            publisher_queue_refused(e, at_ms + RETRY_MS);
            p->stats.retried++;
            return;
        }
        CHECK(e->outbox.sequence > l->sent);
        l->sent = e->outbox.sequence;
        p->stats.published += e->producer == 0;
        p->stats.retried += e->producer != 0;
        p->stats.bytes += (int64_t)(e->outbox.key.size + e->outbox.payload.size);
        publisher_queue_sent(&p->queue, e, p->transaction);
        (*count)++;
    }
}

static void settle(struct publisher_transactional *p, enum transaction_result result,
                   uint32_t count)
{
    bool is_committed = result == TRANSACTION_COMMITTED;

    (void)lock(&p->publisher);
    if (is_committed) {
        publisher_queue_delivered_all_of(&p->queue, p->transaction);
        p->stats.delivered += count;
    } else {
        publisher_queue_fail_all_of(&p->queue, p->transaction, now_ms() + RETRY_MS);
    }
    transaction_offsets_end(&p->offsets, is_committed, now_ms());
    if (result == TRANSACTION_UNKNOWN) {
        p->trouble = ERR_UNTOLD;
    } else if (result == TRANSACTION_FENCED && is_fenced_too_often(p)) {
        p->trouble = ERR_CONFIG;
    }
    unlock(p);
    if (is_committed) {
        kafka_client_answered(&p->client);
    }
}

/* The group knows that identity no more: what waits, waits for the next join. */
static void leave(struct publisher_transactional *p, uint64_t joins)
{
    (void)lock(&p->publisher);
    if (p->joins == joins) {
        set_identity(p, BYTES_NONE);
    }
    unlock(p);
}

/* Requires: lock held, somebody. Owner: the caller. */
static rd_kafka_consumer_group_metadata_t *member_of(const struct publisher_transactional *p)
{
    rd_kafka_consumer_group_metadata_t *member = NULL;

    CHECK(p->identity.at != NULL); /* Kafka takes the commits of nobody without asking */
    CHECK(rd_kafka_consumer_group_metadata_read(&member, p->identity.at, p->identity.size) == NULL);
    return member;
}

static void run_transaction(struct publisher_transactional *p)
{
    struct transaction_producer *t = &p->producers[p->turn];
    rd_kafka_consumer_group_metadata_t *member;
    rd_kafka_topic_partition_list_t *list;
    enum transaction_result result;
    uint32_t count = 0;
    uint64_t joins;

    p->turn = (p->turn + 1) % PRODUCERS;
    if (!transaction_begin(t)) {
        reopen(p, t, "cannot begin");
        return;
    }
    (void)lock(&p->publisher);
    if (p->identity.at == NULL) { /* left meanwhile */
        unlock(p);
        reopen(p, t, "left the group");
        return;
    }
    member = member_of(p);
    joins = p->joins;
    p->transaction++;
    for (uint32_t i = 0; i < p->queue.partition_capacity; i++) {
        produce_lane(p, t, (int32_t)i, &count);
    }
    list = transaction_offsets_list(&p->offsets);
    unlock(p);
    result = transaction_end(t, list, member, &p->is_closing);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_consumer_group_metadata_destroy(member);
    if (result == TRANSACTION_REFUSED) {
        leave(p, joins);
    }
    settle(p, result, count);
    if (!t->is_ready) {
        reopen(p, t, "it could not go on");
    } else if (transaction_is_suspicious(t)) {
        reopen(p, t, "a request was not answered");
    }
}

/* --- the thread --- */

/* What no topic takes is as good as delivered. Returns: something of that partition may leave. */
static bool has_entry(struct publisher_transactional *p, int32_t partition)
{
    struct publisher_entry *e;

    while ((e = publisher_queue_next(&p->queue, partition, now_ms())) != NULL &&
           p->topics[e->outbox.type] == NULL) {
        publisher_queue_dropped(&p->queue, e);
    }
    return e != NULL && transaction_offsets_lane(&p->offsets, partition) != NULL;
}

/* Requires: lock held. */
static bool has_work(struct publisher_transactional *p)
{
    bool is_any = transaction_offsets_due_ms(&p->offsets, TELL_EVERY_MS) <= now_ms();

    for (uint32_t i = 0; i < p->queue.partition_capacity; i++) {
        is_any = has_entry(p, (int32_t)i) || is_any;
    }
    return is_any && p->identity.at != NULL && p->trouble == OK;
}

static void wait_for_work(struct publisher_transactional *p)
{
    int64_t wait_ms = publisher_queue_is_waiting(&p->queue) ? RETRY_MS : WAIT_MS;
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += wait_ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(&p->work, &p->lock, &until);
}

static bool is_closed(const struct publisher_transactional *p)
{
    bool is_idle = p->queue.live_count == 0 || p->identity.at == NULL || p->trouble != OK;

    return p->close_at_ms != INT64_MAX && (is_idle || now_ms() >= p->close_at_ms);
}

static void report(struct publisher_transactional *p)
{
    int64_t sequence = 0;
    int32_t partition = 0;
    uint32_t cursor = 0;
    bool has_more = true;

    CHECK(pthread_mutex_lock(&p->reporting) == 0);
    while (has_more) {
        (void)lock(&p->publisher);
        has_more = publisher_queue_report(&p->queue, &cursor, &partition, &sequence);
        unlock(p);
        if (has_more) {
            p->delivered(p->context, partition, sequence);
        }
    }
    CHECK(pthread_mutex_unlock(&p->reporting) == 0);
}

static void serve_callbacks(struct publisher_transactional *p)
{
    for (uint32_t i = 0; i < PRODUCERS; i++) {
        if (p->producers[i].client != NULL) {
            (void)rd_kafka_poll(p->producers[i].client, 0);
        }
    }
}

static void *run(void *context)
{
    struct publisher_transactional *p = context;
    bool is_done = false;

    while (!is_done) {
        bool is_open = open_producers(p), may_begin;

        serve_callbacks(p);
        (void)lock(&p->publisher);
        may_begin = has_work(p) && is_open;
        is_done = is_closed(p);
        if (!may_begin && !is_done) {
            wait_for_work(p);
        }
        unlock(p);
        if (may_begin && !is_done) {
            run_transaction(p);
        }
        report(p);
    }
    return NULL;
}

/* --- start and end --- */

static void publisher_free(struct publisher_transactional *p)
{
    for (uint32_t i = 0; i < PRODUCERS; i++) {
        transaction_close(&p->producers[i]);
    }
    publisher_queue_fini(&p->queue);
    bytes_out_fini(&p->scratch);
    transaction_offsets_fini(&p->offsets);
    set_identity(p, BYTES_NONE);
    for (size_t i = 0; i < OUTPUT_TYPE__COUNT; i++) {
        mem_free(p->topics[i]);
    }
    mem_free(p->name);
    if (p->conf != NULL) {
        rd_kafka_conf_destroy(p->conf);
    }
    (void)pthread_cond_destroy(&p->work);
    (void)pthread_mutex_destroy(&p->lock);
    (void)pthread_mutex_destroy(&p->reporting);
    mem_free(p);
}

static void close_publisher(struct publisher *publisher)
{
    struct publisher_transactional *p = lock(publisher);

    p->close_at_ms = now_ms() + CLOSE_MS;
    atomic_store(&p->is_closing, true);
    wake(p);
    unlock(p);
    CHECK(pthread_join(p->thread, NULL) == 0);
    publisher_free(p);
}

static enum err make_conf(struct publisher_transactional *p,
                          const struct publisher_kafka_options *options, char out_text[256])
{
    const struct kafka_property defaults[] = {
        { TEXT("linger.ms"), TEXT("0") }, /* a commit flushes */
        { TEXT("compression.codec"), TEXT("lz4") },
        { TEXT("transaction.timeout.ms"),
          TEXT("15000") },                       /* how long the dead keep others waiting */
        { TEXT("retry.backoff.ms"), TEXT("2") }, /* the next transaction meets the last one's end */
        { TEXT("message.max.bytes"), TEXT("8388608") },
    };
    enum err e = kafka_client_conf(&p->client, &options->kafka, defaults,
                                   sizeof(defaults) / sizeof(defaults[0]), &p->conf, out_text);

    return e == OK ? kafka_client_set(p->conf, TEXT("partitioner"), TEXT("murmur2"), out_text) : e;
}

static void init(struct publisher_transactional *p, const struct publisher_kafka_options *options,
                 struct text name)
{
    static const struct publisher_ops ops = { publish, progress, join,           trouble,
                                              is_idle, forget,   close_publisher };
    pthread_condattr_t attributes;

    p->publisher.ops = &ops;
    p->delivered = options->delivered;
    p->context = options->context;
    p->close_at_ms = INT64_MAX;
    p->name = mem_dup(name.at, name.size);
    atomic_init(&p->is_closing, false);
    for (int i = 0; i < FENCED_MAX; i++) {
        p->fenced_at_ms[i] = INT64_MIN;
    }
    kafka_client_init(&p->client, "publisher");
    publisher_queue_init(&p->queue, options->entries_max > 0 ? options->entries_max : ENTRIES_MAX,
                         options->bytes_max > 0 ? options->bytes_max : BYTES_MAX);
    CHECK(pthread_mutex_init(&p->reporting, NULL) == 0);
    CHECK(pthread_mutex_init(&p->lock, NULL) == 0);
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&p->work, &attributes) == 0);
    (void)pthread_condattr_destroy(&attributes);
    memcpy(p->formats, options->formats, sizeof(p->formats));
    for (size_t i = 0; i < OUTPUT_TYPE__COUNT; i++) {
        if (options->topics[i].at != NULL) {
            p->topics[i] = mem_dup(options->topics[i].at, options->topics[i].size);
        }
    }
}

static void start_thread(struct publisher_transactional *p)
{
    sigset_t all, before;

    sigfillset(&all); /* signals are for the process's main thread */
    CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    CHECK(pthread_create(&p->thread, NULL, run, p) == 0);
    CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
}

enum err publisher_transactional_new(const struct publisher_kafka_options *options,
                                     struct text name, struct publisher **out, char out_text[256])
{
    struct publisher_transactional *p = mem_alloc(sizeof(*p));
    char id[256];
    enum err e;

    init(p, options, name);
    e = make_conf(p, options, out_text);
    (void)text_format(id, sizeof(id), "%s.0", p->name);
    if (e == OK) { /* without waiting: it tells what is wrong with the properties */
        e = transaction_open(&p->producers[0], p->conf, text_of(id), p->topics, 0, out_text);
    }
    if (e == ERR_CONFIG) {
        publisher_free(p);
        return e;
    }
    start_thread(p);
    *out = &p->publisher;
    return OK;
}

void publisher_transactional_stats(struct publisher *publisher,
                                   struct publisher_kafka_stats *out_stats)
{
    struct publisher_transactional *p = lock(publisher);

    *out_stats = p->stats;
    unlock(p);
    out_stats->is_up = kafka_client_is_up(&p->client);
}
