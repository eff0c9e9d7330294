/* A publisher under test and where its records arrive: memory, or a mock Kafka cluster that can be
 * taken away.
 *
 * Layer: tests. Header of tests/contract/test_publisher.c only. Waiting gives up, and fails the
 * test, after 60 s.
 */
#ifndef TESTS_CONTRACT_PUBLISHER_WORLD_H
#define TESTS_CONTRACT_PUBLISHER_WORLD_H
#include "processor/base/check.h"
#include "processor/base/mem.h"
#include "sinks/publisher_kafka.h"
#include "sinks/publisher_memory.h"
#include "sinks/publisher_transactional.h"

#include <librdkafka/rdkafka_mock.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#define PARTITIONS   4 /* of inputs and of topics */
#define RECORDS_MAX  4096
#define GIVE_UP_MS   60000
#define BROKER       1
#define REPORTS_NONE (-1)

struct record { /* as a reader sees it */
    char key[32];
    bool has_key;
    bool is_tombstone;
    size_t value_size;
    int partition; /* of the input: the value says "partition/sequence" */
    long long sequence;
};

enum kind { MEMORY, KAFKA, TRANSACTIONAL };

struct world {
    enum kind kind;
    bool is_kafka;
    struct publisher *publisher;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int64_t delivered[PARTITIONS];
    rd_kafka_mock_cluster_t *cluster;
    struct record records[RECORDS_MAX];
    uint32_t record_count;
};

static const char *const topics[OUTPUT_TYPE__COUNT] = { "triggers", "memberships", "outcomes",
                                                        NULL };

static void on_delivered(void *context, int32_t partition, int64_t sequence)
{
    struct world *w = context;

    CHECK(pthread_mutex_lock(&w->lock) == 0);
    CHECK(sequence > w->delivered[partition]); /* a report is news */
    w->delivered[partition] = sequence;
    CHECK(pthread_cond_broadcast(&w->changed) == 0);
    CHECK(pthread_mutex_unlock(&w->lock) == 0);
}

static inline int64_t delivered(struct world *w, int32_t partition)
{
    int64_t sequence;

    CHECK(pthread_mutex_lock(&w->lock) == 0);
    sequence = w->delivered[partition];
    CHECK(pthread_mutex_unlock(&w->lock) == 0);
    return sequence;
}

static inline void wait_delivered(struct world *w, int32_t partition, int64_t sequence)
{
    struct timespec until;
    bool is_there;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += GIVE_UP_MS / 1000;
    CHECK(pthread_mutex_lock(&w->lock) == 0);
    while (w->delivered[partition] < sequence &&
           pthread_cond_timedwait(&w->changed, &w->lock, &until) == 0) {
    }
    is_there = w->delivered[partition] >= sequence;
    CHECK(pthread_mutex_unlock(&w->lock) == 0);
    assert_true(is_there);
}

/* --- Kafka --- */
static inline rd_kafka_t *kafka(rd_kafka_type_t type, const char *const (*pairs)[2], size_t count)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *client;
    char text[256];

    for (size_t i = 0; i < count; i++) {
        CHECK(rd_kafka_conf_set(conf, pairs[i][0], pairs[i][1], text, sizeof(text)) ==
              RD_KAFKA_CONF_OK);
    }
    rd_kafka_conf_set_log_cb(conf, NULL);
    client = rd_kafka_new(type, conf, text, sizeof(text));
    CHECK(client != NULL);
    return client;
}

/* Carries all clusters, one after the other: ending it takes a second. */
static rd_kafka_t *host;

static inline void open_cluster(struct world *w)
{
    static const char *const pairs[][2] = { { "client.id", "host" } };

    if (host == NULL) {
        host = kafka(RD_KAFKA_PRODUCER, pairs, 1);
    }
    w->cluster = rd_kafka_mock_cluster_new(host, 1);
    CHECK(w->cluster != NULL);
    for (size_t i = 0; i < OUTPUT_TYPE__COUNT; i++) {
        if (topics[i] != NULL) {
            CHECK(rd_kafka_mock_topic_create(w->cluster, topics[i], PARTITIONS, 1) == 0);
        }
    }
}

static inline struct publisher_kafka_options kafka_options_of(struct world *w)
{
    static const struct kafka_property quick[] = {
        { { "reconnect.backoff.ms", 20 }, { "10", 2 } },
        { { "reconnect.backoff.max.ms", 24 }, { "50", 2 } },
        { { "topic.metadata.propagation.max.ms", 33 }, { "50", 2 } },
        { { "statistics.interval.ms", 22 }, { "50", 2 } },
    };
    struct publisher_kafka_options o = { .delivered = on_delivered, .context = w };

    o.kafka =
        (struct kafka_options){ .brokers = text_of(rd_kafka_mock_cluster_bootstraps(w->cluster)),
                                .properties = quick,
                                .property_count = sizeof(quick) / sizeof(quick[0]) };
    for (size_t i = 0; i < OUTPUT_TYPE__COUNT; i++) {
        o.topics[i] = text_of(topics[i]);
    }
    return o;
}

/* --- the world --- */
/* A member of a group that the mock does not ask for. */
static inline void join_group(struct world *w)
{
    rd_kafka_consumer_group_metadata_t *m =
        rd_kafka_consumer_group_metadata_new_with_genid("tested", 1, "member", NULL);
    void *at = NULL;
    size_t size = 0;

    assert_null(rd_kafka_consumer_group_metadata_write(m, &at, &size));
    publisher_join(w->publisher, (struct bytes){ at, size });
    rd_kafka_mem_free(NULL, at);
    rd_kafka_consumer_group_metadata_destroy(m);
}

/* The commit that these entries came from. */
static inline void tell_progress(struct world *w, int32_t partition, bool is_urgent)
{
    static const struct text input = { "events", 6 };
    int64_t offset = 100;
    struct publisher_progress progress = { .partition = partition,
                                           .topics = &input,
                                           .next_offsets = &offset,
                                           .topic_count = 1,
                                           .mark = { .lineage = 1, .epoch = 1 },
                                           .is_urgent = is_urgent };

    assert_int_equal(publisher_progress(w->publisher, &progress), w->kind == TRANSACTIONAL);
}

static inline enum err open_publisher(struct world *w, const struct publisher_kafka_options *o,
                                      struct publisher **out, char text[256])
{
    return w->kind == TRANSACTIONAL
               ? publisher_transactional_new(o, TEXT("tested.worker"), out, text)
               : publisher_kafka_new(o, out, text);
}

static inline void enter(struct world *w)
{
    join_group(w);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        tell_progress(w, p, false);
    }
}

static inline struct world *world_new(enum kind kind, int64_t entries_max)
{
    struct world *w = mem_alloc(sizeof(*w));
    bool is_kafka = kind != MEMORY;

    w->kind = kind;
    w->is_kafka = is_kafka;
    CHECK(pthread_mutex_init(&w->lock, NULL) == 0);
    CHECK(pthread_cond_init(&w->changed, NULL) == 0);
    if (is_kafka) {
        struct publisher_kafka_options o;
        char text[256] = "";

        open_cluster(w);
        o = kafka_options_of(w);
        o.entries_max = entries_max;
        assert_int_equal(open_publisher(w, &o, &w->publisher, text), OK);
    } else {
        w->publisher = publisher_memory_new(on_delivered, w, entries_max);
    }
    enter(w);
    return w;
}

/* Kafka only: another publisher on the same cluster. */
static inline void reopen(struct world *w)
{
    struct publisher_kafka_options o = kafka_options_of(w);
    char text[256] = "";

    publisher_close(w->publisher);
    w->publisher = NULL;
    assert_int_equal(open_publisher(w, &o, &w->publisher, text), OK);
    enter(w);
}

static inline void forget(struct world *w, int32_t partition)
{
    publisher_forget(w->publisher, partition);
    tell_progress(w, partition, false); /* who claims it anew says where it is */
}

static inline void world_free(struct world *w)
{
    publisher_close(w->publisher);
    if (w->is_kafka) {
        rd_kafka_mock_cluster_destroy(w->cluster);
    }
    (void)pthread_mutex_destroy(&w->lock);
    (void)pthread_cond_destroy(&w->changed);
    mem_free(w);
}

static inline void take_away(struct world *w)
{
    if (w->is_kafka) {
        CHECK(rd_kafka_mock_broker_set_down(w->cluster, BROKER) == RD_KAFKA_RESP_ERR_NO_ERROR);
    } else {
        publisher_memory_hold(w->publisher, true);
    }
}

static inline void bring_back(struct world *w)
{
    if (w->is_kafka) {
        CHECK(rd_kafka_mock_broker_set_up(w->cluster, BROKER) == RD_KAFKA_RESP_ERR_NO_ERROR);
    } else {
        publisher_memory_hold(w->publisher, false);
    }
}

static inline int close_host(void **state)
{
    (void)state;
    if (host != NULL) {
        rd_kafka_destroy(host);
    }
    return 0;
}

/* --- entries --- */
/* key NULL: none. The value is "partition/sequence". */
static inline enum err offer(struct world *w, int32_t partition, int64_t sequence,
                             enum output_type type, const char *key)
{
    char value[64];
    struct outbox_entry e = { .sequence = sequence, .type = type, .key = text_of(key) };

    (void)snprintf(value, sizeof(value), "%d/%lld", partition, (long long)sequence);
    e.payload = (struct bytes){ (const uint8_t *)value, strlen(value) };
    return publisher_publish(w->publisher, partition, &e);
}

static inline void publish(struct world *w, int32_t partition, int64_t sequence,
                           enum output_type type, const char *key)
{
    assert_int_equal(offer(w, partition, sequence, type, key), OK);
}

/* --- what arrived --- */
static inline void note(struct world *w, struct text key, struct bytes value)
{
    struct record *r = &w->records[w->record_count++];

    CHECK(w->record_count <= RECORDS_MAX);
    *r = (struct record){ .has_key = key.at != NULL,
                          .is_tombstone = value.at == NULL,
                          .value_size = value.size };
    (void)snprintf(r->key, sizeof(r->key), "%.*s", TEXT_PRINTF(key));
    if (value.size > 0) {
        char text[64];

        (void)snprintf(text, sizeof(text), "%.*s", (int)value.size, (const char *)value.at);
        assert_int_equal(sscanf(text, "%d/%lld", &r->partition, &r->sequence), 2);
    }
}

static inline void read_kafka(struct world *w, const char *topic)
{
    const char *const pairs[][2] = {
        { "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(w->cluster) },
        { "group.id", "reader" },
        { "enable.auto.commit", "false" },
        { "enable.partition.eof", "true" },
        { "fetch.wait.max.ms", "10" },
    };
    rd_kafka_t *reader = kafka(RD_KAFKA_CONSUMER, pairs, sizeof(pairs) / sizeof(pairs[0]));
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS);

    for (int32_t p = 0; p < PARTITIONS; p++) {
        rd_kafka_topic_partition_list_add(list, topic, p)->offset = 0;
    }
    (void)rd_kafka_assign(reader, list);
    for (int ends = 0; ends < PARTITIONS;) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(reader, GIVE_UP_MS);

        assert_non_null(m);
        if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            note(w, (struct text){ m->key, m->key_len }, (struct bytes){ m->payload, m->len });
        }
        ends += m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        rd_kafka_message_destroy(m);
    }
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(reader);
}

/* All records of the type so far, in w->records: in order per partition of the topic. */
static inline void read_all(struct world *w, enum output_type type)
{
    w->record_count = 0;
    if (w->is_kafka) {
        read_kafka(w, topics[type]);
    } else {
        uint32_t count = 0;
        const struct publisher_memory_record *r =
            publisher_memory_records(w->publisher, type, &count);

        for (uint32_t i = 0; i < count; i++) {
            note(w, r[i].entry.key, r[i].entry.payload);
        }
    }
}

#endif /* TESTS_CONTRACT_PUBLISHER_WORLD_H */
