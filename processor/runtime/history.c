/* DESIGN. As in source_kafka.c each topic has a queue of its own, so that the merge can wait for
 * one while another has more than there is room for. A topic is at its end when a record, or the
 * end of the partition, at or behind its last offset is seen: the last record itself may be one
 * that only the broker knows, the mark of a transaction.
 */
#include "processor/runtime/history.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"

#include <time.h>

#define FETCH_MAX     1000
#define FUTURE_MAX_MS (5 * MINUTE_MS)

struct chunk { /* what one fetch brought: its memory goes when the last record is given back */
    struct arena arena;
    rd_kafka_message_t **messages;
    uint32_t message_count;
    uint32_t pending;
    struct task_record *records;
};

struct history_topic {
    rd_kafka_queue_t *queue;
    int64_t to;
    bool is_at_end;
};

struct history_reader {
    struct kafka_tool *kafka;
    struct record_decoder *decoder;
    int32_t partition;
    struct history_topic topics[COMMIT_TOPICS_MAX];
    rd_kafka_message_t *messages[FETCH_MAX];
    rd_kafka_resp_err_t trouble;
    uint32_t trouble_topic;
};

static const char *name_of(const struct history_reader *r, uint32_t topic)
{
    return r->kafka->config->inputs[topic].topic.at;
}

enum err history_open(struct kafka_tool *t, struct record_decoder *decoder, int32_t partition,
                      const int64_t *from, const int64_t *to, struct history_reader **out_reader,
                      char out_text[256])
{
    struct history_reader *r = mem_alloc(sizeof(*r));
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)t->config->input_count);
    rd_kafka_resp_err_t error;

    r->kafka = t;
    r->decoder = decoder;
    r->partition = partition;
    for (uint32_t i = 0; i < t->config->input_count; i++) {
        r->topics[i].to = to[i];
        r->topics[i].is_at_end = from[i] >= to[i];
        if (!r->topics[i].is_at_end) {
            rd_kafka_topic_partition_list_add(list, name_of(r, i), partition)->offset = from[i];
        }
    }
    error = rd_kafka_assign(t->consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)text_format(out_text, 256, "the input cannot be read: %s", rd_kafka_err2str(error));
        mem_free(r);
        return ERR_UNAVAILABLE;
    }
    for (uint32_t i = 0; i < t->config->input_count; i++) {
        if (!r->topics[i].is_at_end) {
            r->topics[i].queue =
                rd_kafka_queue_get_partition(t->consumer, name_of(r, i), partition);
            CHECK(r->topics[i].queue != NULL);
            rd_kafka_queue_forward(r->topics[i].queue, NULL);
        }
    }
    *out_reader = r;
    return OK;
}

void history_close(struct history_reader *r)
{
    if (r == NULL) {
        return;
    }
    for (uint32_t i = 0; i < r->kafka->config->input_count; i++) {
        if (r->topics[i].queue != NULL) {
            rd_kafka_queue_destroy(r->topics[i].queue);
        }
    }
    (void)rd_kafka_assign(r->kafka->consumer, NULL);
    mem_free(r);
}

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

void history_give_back(struct task_record *record)
{
    struct chunk *c = record->owner;

    if (--c->pending == 0) {
        free_chunk(c);
    }
}

/* When it was written, by whoever wrote the time down; 0: nobody did. */
static int64_t written_ms(const rd_kafka_message_t *m)
{
    rd_kafka_timestamp_type_t type;
    int64_t at_ms = rd_kafka_message_timestamp(m, &type);

    return type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || at_ms < 0 ? 0 : at_ms;
}

/* A worker diverts what is further ahead of its clock, which is not before the record was written.
 */
static bool is_future(const struct history_reader *r, int64_t at_ms, int64_t seen_ms)
{
    struct timespec now = { 0 };

    if (r->kafka->config->rules->is_event_clock) {
        return false;
    }
    if (seen_ms == 0) {
        (void)clock_gettime(CLOCK_REALTIME, &now);
        seen_ms = (int64_t)now.tv_sec * SECOND_MS;
    }
    return at_ms > seen_ms + FUTURE_MAX_MS;
}

static void take(struct history_reader *r, struct chunk *c, rd_kafka_message_t *m, uint32_t topic)
{
    struct task_record *record = &c->records[c->message_count];

    c->messages[c->message_count++] = m;
    c->pending++;
    *record = (struct task_record){ .topic = topic,
                                    .offset = m->offset,
                                    .key = { m->key, m->key == NULL ? 0 : m->key_len },
                                    .value = { m->payload, m->payload == NULL ? 0 : m->len },
                                    .written_ms = written_ms(m),
                                    .owner = c };
    record_decode(r->decoder, &c->arena, record);
    if (record->event != NULL && is_future(r, record->event->at_ms, record->written_ms)) {
        record->event = NULL;
        record->reject = REJECT_FUTURE;
        record->reject_text = "its time is more than 5 minutes ahead of the wall clock";
    }
}

static uint32_t take_messages(struct history_reader *r, struct task *task, uint32_t count,
                              uint32_t topic)
{
    struct history_topic *t = &r->topics[topic];
    struct chunk *c = mem_alloc(sizeof(*c));
    uint32_t taken;

    c->messages = mem_alloc(count * sizeof(rd_kafka_message_t *));
    c->records = mem_alloc(count * sizeof(struct task_record));
    c->pending = 1; /* this function's own */
    for (uint32_t i = 0; i < count; i++) {
        rd_kafka_message_t *m = r->messages[i];
        bool is_record = m->err == RD_KAFKA_RESP_ERR_NO_ERROR;

        if (is_record || m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            t->is_at_end = t->is_at_end || m->offset >= t->to - (is_record ? 1 : 0);
        } else {
            r->trouble = m->err;
            r->trouble_topic = topic;
        }
        if (is_record && m->offset < t->to) {
            take(r, c, m, topic);
        } else {
            rd_kafka_message_destroy(m);
        }
    }
    taken = c->message_count;
    for (uint32_t i = 0; i < taken; i++) {
        task_push(task, &c->records[i], INSTANT_MIN);
    }
    if (--c->pending == 0) {
        free_chunk(c);
    }
    return taken;
}

static uint32_t topic_of(const struct history_reader *r, const rd_kafka_message_t *m)
{
    for (uint32_t i = 0; m->rkt != NULL && i < r->kafka->config->input_count; i++) {
        if (strcmp(rd_kafka_topic_name(m->rkt), name_of(r, i)) == 0) {
            return i;
        }
    }
    return UINT32_MAX;
}

uint32_t history_feed(struct history_reader *r, struct task *task)
{
    rd_kafka_message_t *m;
    uint32_t taken = 0;

    while ((m = rd_kafka_consumer_poll(r->kafka->consumer, 0)) != NULL) {
        uint32_t topic = topic_of(r, m);

        if (topic == UINT32_MAX) {
            rd_kafka_message_destroy(m);
            continue;
        }
        r->messages[0] = m; /* came before its queue was its own */
        taken += take_messages(r, task, 1, topic);
    }
    for (uint32_t i = 0; i < r->kafka->config->input_count; i++) {
        uint32_t room = task_room(task, i);
        ssize_t count = 0;

        if (!r->topics[i].is_at_end && room > 0) {
            count = rd_kafka_consume_batch_queue(r->topics[i].queue, 0, r->messages,
                                                 room < FETCH_MAX ? room : FETCH_MAX);
        }
        if (count > 0) {
            taken += take_messages(r, task, (uint32_t)count, i);
        }
        task_at_end(task, i, r->topics[i].is_at_end);
    }
    return taken;
}

bool history_is_at_end(const struct history_reader *r)
{
    for (uint32_t i = 0; i < r->kafka->config->input_count; i++) {
        if (!r->topics[i].is_at_end) {
            return false;
        }
    }
    return true;
}

enum err history_trouble(const struct history_reader *r, char out_text[256])
{
    if (r->trouble == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return OK;
    }
    (void)text_format(out_text, 256, "%s, partition %d, cannot be read: %s",
                      name_of(r, r->trouble_topic), r->partition, rd_kafka_err2str(r->trouble));
    return ERR_UNAVAILABLE;
}
