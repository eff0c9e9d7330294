/* DESIGN. The consumer is used for membership and fetching only; offsets come from the state store.
 * The claim is made inside the assign callback, so the very first fetch is at the right offset and
 * nothing has to be sought or paused. With the eager protocol a worker has nothing else to do then.
 * Until the queues are forwarded to their own partitions some records may reach the consumer's
 * queue: source_poll hands those out first, so order holds.
 */
#include "processor/runtime/source_kafka.h"

#include "processor/base/check.h"
#include "processor/base/log.h"
#include "processor/base/mem.h"
#include "processor/runtime/kafka_settings.h"
#include "processor/runtime/source_parts.h"

#include <stdio.h>

#define RANGE_MS 5000

struct chunk { /* what one fetch brought: its memory goes when the last record is given back */
    struct arena arena;
    rd_kafka_message_t **messages;
    uint32_t message_count;
    uint32_t pending;
    struct task_record *records;
};

uint32_t source_topic_index(const struct source *s, const char *name)
{
    for (uint32_t i = 0; i < s->options.config->input_count; i++) {
        if (text_is(s->options.config->inputs[i].topic, name)) {
            return i;
        }
    }
    return UINT32_MAX;
}

/* --- opening and closing --- */

static enum err configure(struct source *s, rd_kafka_conf_t **out_conf, char out_text[256])
{
    const struct kafka_property settings[] = {
        { TEXT("enable.auto.commit"), TEXT("false") },
        { TEXT("enable.auto.offset.store"), TEXT("false") },
        { TEXT("auto.offset.reset"), TEXT("error") }, /* `gone` says what then */
        { TEXT("partition.assignment.strategy"), TEXT("range") },
        { TEXT("enable.partition.eof"), TEXT("true") },
        { TEXT("isolation.level"), TEXT("read_committed") },
        { TEXT("fetch.wait.max.ms"), TEXT("100") },
        { TEXT("queued.max.messages.kbytes"), TEXT("16384") },
        { TEXT("topic.metadata.refresh.interval.ms"), TEXT("60000") }, /* sees topics grow */
        { TEXT("max.poll.interval.ms"), TEXT("600000") }, /* an outage of the store may last */
    };
    struct arena arena = { 0 };
    struct kafka_options options;
    enum err error;

    kafka_settings(s->options.config, false, &arena, &options);
    error = kafka_client_conf(&s->client, &options, settings,
                              sizeof(settings) / sizeof(settings[0]), out_conf, out_text);
    if (error == OK) {
        error =
            kafka_client_set(*out_conf, TEXT("group.id"), s->options.config->rules->app, out_text);
    }
    if (error == OK && s->options.instance.at != NULL) {
        error =
            kafka_client_set(*out_conf, TEXT("group.instance.id"), s->options.instance, out_text);
    }
    if (error == OK) {
        rd_kafka_conf_set_rebalance_cb(*out_conf, source_rebalance);
        source_proof_begin(s, *out_conf);
    }
    arena_fini(&arena);
    return error;
}

static rd_kafka_resp_err_t subscribe(struct source *s)
{
    const struct config *c = s->options.config;
    rd_kafka_topic_partition_list_t *topics =
        rd_kafka_topic_partition_list_new((int)c->input_count);
    rd_kafka_resp_err_t error;

    for (uint32_t i = 0; i < c->input_count; i++) {
        rd_kafka_topic_partition_list_add(topics, c->inputs[i].topic.at, RD_KAFKA_PARTITION_UA);
    }
    error = rd_kafka_subscribe(s->consumer, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return error;
}

static enum err join(struct source *s, char out_text[256])
{
    static const uint64_t one = 1;
    rd_kafka_queue_t *queue;
    rd_kafka_resp_err_t error;

    (void)rd_kafka_poll_set_consumer(s->consumer);
    queue = rd_kafka_queue_get_consumer(s->consumer);
    rd_kafka_queue_io_event_enable(queue, s->options.wake_fd, &one, sizeof(one));
    rd_kafka_queue_destroy(queue);
    error = subscribe(s);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        snprintf(out_text, 256, "cannot subscribe: %s", rd_kafka_err2str(error));
        return ERR_CONFIG;
    }
    return OK;
}

enum err source_rejoin(struct source *s)
{
    (void)rd_kafka_unsubscribe(s->consumer);
    return subscribe(s) == RD_KAFKA_RESP_ERR_NO_ERROR ? OK : ERR_UNAVAILABLE;
}

enum err source_kafka_new(const struct source_options *options, struct source **out_source,
                          char out_text[256])
{
    struct source *s = mem_alloc(sizeof(*s));
    rd_kafka_conf_t *conf = NULL;
    enum err error;

    *out_source = NULL;
    s->options = *options;
    kafka_client_init(&s->client, "source");
    CHECK(pthread_mutex_init(&s->proof.lock, NULL) == 0);
    error = record_decoder_new(options->config, &s->decoder, out_text);
    if (error == OK) {
        error = configure(s, &conf, out_text);
    }
    if (error == OK) {
        error = kafka_client_open(RD_KAFKA_CONSUMER, conf, &s->consumer, out_text);
    } else if (conf != NULL) {
        rd_kafka_conf_destroy(conf);
    }
    if (error == OK) {
        error = join(s, out_text);
    }
    if (error != OK) {
        source_close(s);
        return error;
    }
    *out_source = s;
    return OK;
}

void source_close(struct source *s)
{
    if (s == NULL) {
        return;
    }
    if (s->consumer != NULL) {
        (void)rd_kafka_consumer_close(s->consumer);
        source_close_lanes(s);
        rd_kafka_destroy(s->consumer);
    }
    (void)pthread_mutex_destroy(&s->proof.lock);
    record_decoder_free(s->decoder);
    mem_free(s->lanes);
    mem_free(s);
}

/* --- records --- */

static void free_chunk(struct chunk *c)
{
    for (uint32_t i = 0; i < c->message_count; i++) {
        rd_kafka_message_destroy(c->messages[i]);
    }
    arena_fini(&c->arena);
    mem_free(c->messages);
    mem_free(c->records);
    mem_free(c);
}

void source_give_back(struct task_record *record)
{
    struct chunk *c = record->owner;

    if (--c->pending == 0) {
        free_chunk(c);
    }
}

/* Read to its end: only if nothing newer is known to be there. */
static bool is_end(const struct source *s, const rd_kafka_message_t *m)
{
    int64_t low = 0, high = 0;

    return rd_kafka_get_watermark_offsets(s->consumer, rd_kafka_topic_name(m->rkt), m->partition,
                                          &low, &high) == RD_KAFKA_RESP_ERR_NO_ERROR &&
           m->offset >= high;
}

static void take_message(struct source *s, struct chunk *c, rd_kafka_message_t *m, uint32_t topic)
{
    struct task_record *r = &c->records[c->message_count];

    c->messages[c->message_count++] = m;
    c->pending++;
    *r = (struct task_record){ .topic = topic,
                               .offset = m->offset,
                               .key = { m->key, m->key == NULL ? 0 : m->key_len },
                               .value = { m->payload, m->payload == NULL ? 0 : m->len },
                               .owner = c };
    record_decode(s->decoder, &c->arena, r);
}

/* Seldom enough to ask the broker here. Without an answer the fetch fails again. */
static void go_on(struct source *s, const rd_kafka_message_t *m, int32_t partition, uint32_t topic)
{
    int64_t low = 0, high = 0, offset;
    rd_kafka_resp_err_t error;

    do {
        error = rd_kafka_query_watermark_offsets(s->consumer, rd_kafka_topic_name(m->rkt),
                                                 partition, &low, &high, RANGE_MS);
    } while (error != RD_KAFKA_RESP_ERR_NO_ERROR && !atomic_load(s->options.is_stopping));
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return;
    }
    offset = s->options.gone(s->options.context, partition, topic, low, high);
    if (offset >= 0) {
        (void)rd_kafka_seek(m->rkt, partition, offset, 0);
    }
}

/* Messages in order to records, errors and ends apart. Returns: the records. */
static uint32_t take_messages(struct source *s, rd_kafka_message_t **messages, uint32_t count,
                              int32_t partition, uint32_t topic)
{
    struct chunk *c = mem_alloc(sizeof(*c));
    bool is_at_end = false;
    uint32_t taken;

    c->messages = mem_alloc(count * sizeof(rd_kafka_message_t *));
    c->records = mem_alloc(count * sizeof(struct task_record));
    c->pending = 1; /* this function's own */
    for (uint32_t i = 0; i < count; i++) {
        rd_kafka_message_t *m = messages[i];

        if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            is_at_end = false;
            take_message(s, c, m, topic);
            continue;
        }
        if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            is_at_end = is_end(s, m);
        } else if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
            go_on(s, m, partition, topic);
        } else {
            log_line(LOG_WARN, "kafka.fetch", "partition=%d error=\"%s\"", partition,
                     rd_kafka_message_errstr(m));
        }
        rd_kafka_message_destroy(m);
    }
    kafka_client_answered(&s->client);
    taken = c->message_count;
    for (uint32_t i = 0; i < taken; i++) {
        s->options.take(s->options.context, partition, topic, &c->records[i]);
    }
    if (is_at_end) {
        s->options.take(s->options.context, partition, topic, NULL);
    }
    if (--c->pending == 0) {
        free_chunk(c);
    }
    return taken;
}

void source_poll(struct source *s)
{
    rd_kafka_message_t *m;

    while ((m = rd_kafka_consumer_poll(s->consumer, 0)) != NULL) {
        uint32_t topic =
            m->rkt == NULL ? UINT32_MAX : source_topic_index(s, rd_kafka_topic_name(m->rkt));

        if (topic != UINT32_MAX &&
            (m->err == RD_KAFKA_RESP_ERR_NO_ERROR || m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)) {
            (void)take_messages(s, &m, 1, m->partition, topic);
            continue;
        }
        log_line(LOG_WARN, "kafka.group", "error=\"%s\"", rd_kafka_message_errstr(m));
        rd_kafka_message_destroy(m);
    }
}

uint32_t source_fetch(struct source *s, int32_t partition, uint32_t topic, uint32_t room)
{
    ssize_t count;

    for (uint32_t i = 0; room > 0 && i < s->lane_count; i++) {
        struct lane *l = &s->lanes[i];

        if (l->partition == partition && l->topic == topic) {
            count = rd_kafka_consume_batch_queue(l->queue, 0, s->messages,
                                                 room < SOURCE_FETCH_MAX ? room : SOURCE_FETCH_MAX);
            return count <= 0 ? 0
                              : take_messages(s, s->messages, (uint32_t)count, partition, topic);
        }
    }
    return 0;
}

int64_t source_behind(const struct source *s, int32_t partition, uint32_t topic, int64_t next)
{
    int64_t low = 0, high = 0;

    if (rd_kafka_get_watermark_offsets(s->consumer, s->options.config->inputs[topic].topic.at,
                                       partition, &low, &high) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        high < 0) {
        return 0;
    }
    low = low > next ? low : next;
    return high > low ? high - low : 0;
}

bool source_is_replaced(const struct source *s)
{
    char reason[256];

    return rd_kafka_fatal_error(s->consumer, reason, sizeof(reason)) ==
           RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
}

bool source_is_up(const struct source *s)
{
    return kafka_client_is_up(&s->client);
}
