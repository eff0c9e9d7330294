#include "processor/runtime/letters.h"

#include "processor/base/mem.h"

#define ANSWER_MS 10000 /* for the end of a partition, and between two records */
#define POLL_MS   200

struct reading {
    struct kafka_tool *kafka;
    const char *topic;
    letters_visit *visit;
    void *context;
    bool is_stopped;
};

static enum err fail(char out_text[256], const char *topic, const char *why)
{
    (void)text_format(out_text, 256, "%s cannot be read: %s", topic, why);
    return ERR_UNAVAILABLE;
}

static void take(struct reading *r, const rd_kafka_message_t *m)
{
    struct bytes value = { m->payload, m->len };
    struct arena arena = { 0 };
    struct output o = { .type = OUTPUT_DEAD_LETTER };
    rd_kafka_timestamp_type_t type;
    struct letter letter = { .partition = m->partition,
                             .offset = m->offset,
                             .written_ms = rd_kafka_message_timestamp(m, &type) };

    letter.written_ms = letter.written_ms < 0 ? 0 : letter.written_ms;
    if (value.at != NULL && output_decode(OUTPUT_DEAD_LETTER, value, &arena, &o) == OK) {
        letter.said = o.as.dead_letter;
    }
    r->is_stopped = !r->visit(r->context, &letter);
    arena_fini(&arena);
}

/* From the oldest record that is kept up to `end`, which was the end when we began. */
static enum err read_partition(struct reading *r, int32_t partition, int64_t begin, int64_t end,
                               char out_text[256])
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    bool is_at_end = begin >= end;
    int waited_ms = 0;
    rd_kafka_resp_err_t error;

    rd_kafka_topic_partition_list_add(list, r->topic, partition)->offset = begin;
    error = rd_kafka_assign(r->kafka->consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    while (error == RD_KAFKA_RESP_ERR_NO_ERROR && !is_at_end && !r->is_stopped) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(r->kafka->consumer, POLL_MS);

        waited_ms = m == NULL ? waited_ms + POLL_MS : 0;
        if (m == NULL) {
            error = waited_ms > ANSWER_MS ? RD_KAFKA_RESP_ERR__TIMED_OUT : error;
            continue;
        }
        if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            take(r, m);
            is_at_end = m->offset + 1 >= end;
        } else if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            is_at_end = true; /* the last may be one that only the broker knows */
        } else {
            error = m->err;
        }
        rd_kafka_message_destroy(m);
    }
    (void)rd_kafka_assign(r->kafka->consumer, NULL);
    return error == RD_KAFKA_RESP_ERR_NO_ERROR ? OK
                                               : fail(out_text, r->topic, rd_kafka_err2str(error));
}

enum err letters_each(struct kafka_tool *t, letters_visit *visit, void *context, char out_text[256])
{
    struct reading r = { .kafka = t,
                         .topic = t->config->outputs[OUTPUT_DEAD_LETTER].at,
                         .visit = visit,
                         .context = context };
    int32_t count = 0;
    enum err e = kafka_tool_consumer(t, out_text);

    if (e == OK) {
        e = kafka_tool_partitions(t, t->config->outputs[OUTPUT_DEAD_LETTER], &count, out_text);
    }
    for (int32_t p = 0; e == OK && p < count && !r.is_stopped; p++) {
        int64_t begin = 0, end = 0;
        rd_kafka_resp_err_t error =
            rd_kafka_query_watermark_offsets(t->consumer, r.topic, p, &begin, &end, ANSWER_MS);

        e = error == RD_KAFKA_RESP_ERR_NO_ERROR ? read_partition(&r, p, begin, end, out_text)
                                                : fail(out_text, r.topic, rd_kafka_err2str(error));
    }
    return e;
}
