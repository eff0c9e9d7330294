#include "processor/runtime/kafka_tool.h"

#include "processor/base/mem.h"
#include "processor/runtime/kafka_settings.h"

#define DELIVERY_MS 30000
#define POLL_MS     100

struct delivery { /* of the one record under way */
    bool is_done;
    rd_kafka_resp_err_t error;
    int64_t offset;
};

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    struct delivery *d = m->_private;

    (void)rk;
    (void)opaque;
    *d = (struct delivery){ true, m->err, m->offset };
}

static enum err open_client(struct kafka_tool *t, rd_kafka_type_t type,
                            const struct kafka_property *settings, uint32_t count,
                            rd_kafka_t **out_client, char out_text[256])
{
    struct arena arena = { 0 };
    struct kafka_options options;
    rd_kafka_conf_t *conf = NULL;
    enum err e;

    kafka_client_init(&t->client, "tool");
    kafka_settings(t->config, type == RD_KAFKA_PRODUCER, &arena, &options);
    e = kafka_client_conf(&t->client, &options, NULL, 0, &conf, out_text);
    for (uint32_t i = 0; e == OK && i < count; i++) {
        e = kafka_client_set(conf, settings[i].name, settings[i].value, out_text);
    }
    if (e == OK && type == RD_KAFKA_PRODUCER) {
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    }
    if (e == OK) {
        e = kafka_client_open(type, conf, out_client, out_text);
    } else if (conf != NULL) {
        rd_kafka_conf_destroy(conf);
    }
    arena_fini(&arena);
    return e;
}

enum err kafka_tool_producer(struct kafka_tool *t, char out_text[256])
{
    const struct kafka_property settings[] = {
        { TEXT("enable.idempotence"), TEXT("true") },
        { TEXT("linger.ms"), TEXT("0") },
    };

    return t->producer != NULL
               ? OK
               : open_client(t, RD_KAFKA_PRODUCER, settings, sizeof(settings) / sizeof(settings[0]),
                             &t->producer, out_text);
}

enum err kafka_tool_consumer(struct kafka_tool *t, char out_text[256])
{
    const struct kafka_property settings[] = {
        { TEXT("group.id"), t->config->rules->app },
        { TEXT("enable.auto.commit"), TEXT("false") },
        { TEXT("enable.auto.offset.store"), TEXT("false") },
        { TEXT("enable.partition.eof"), TEXT("true") },
        { TEXT("isolation.level"), TEXT("read_committed") },
        { TEXT("fetch.wait.max.ms"), TEXT("100") },
        { TEXT("auto.offset.reset"), TEXT("error") }, /* a record that is gone is never passed over
                                                       */
    };
    enum err e = OK;

    if (t->consumer == NULL) {
        e = open_client(t, RD_KAFKA_CONSUMER, settings, sizeof(settings) / sizeof(settings[0]),
                        &t->consumer, out_text);
    }
    if (e == OK) {
        (void)rd_kafka_poll_set_consumer(t->consumer);
    }
    return e;
}

void kafka_tool_close(struct kafka_tool *t)
{
    if (t->producer != NULL) {
        rd_kafka_destroy(t->producer);
    }
    if (t->consumer != NULL) {
        rd_kafka_destroy_flags(t->consumer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    t->producer = t->consumer = NULL;
}

enum err kafka_tool_partitions(struct kafka_tool *t, struct text topic, int32_t *out_count,
                               char out_text[256])
{
    enum err e = t->consumer != NULL ? OK : kafka_tool_producer(t, out_text);

    if (e != OK) {
        return e;
    }
    e = kafka_topic_partitions(t->consumer != NULL ? t->consumer : t->producer, topic, out_count);
    if (e != OK) {
        (void)text_format(out_text, 256,
                          "the topic %.*s cannot be looked at: no broker of %.*s answers, or there "
                          "is no such topic",
                          TEXT_PRINTF(topic), TEXT_PRINTF(t->config->brokers));
    }
    return e;
}

enum err kafka_tool_produce(struct kafka_tool *t, struct text topic, int32_t partition,
                            struct text key, struct bytes value, int64_t *out_offset,
                            char out_text[256])
{
    struct delivery d = { .error = RD_KAFKA_RESP_ERR_NO_ERROR };
    enum err e = kafka_tool_producer(t, out_text);
    char *name;

    if (e != OK) {
        return e;
    }
    name = mem_dup(topic.at, topic.size);
    d.error = rd_kafka_producev(
        t->producer, RD_KAFKA_V_TOPIC(name), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_KEY((void *)(uintptr_t)key.at, key.size),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)value.at, value.size),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(&d), RD_KAFKA_V_END);
    mem_free(name);
    for (int waited_ms = 0; d.error == RD_KAFKA_RESP_ERR_NO_ERROR && !d.is_done;
         waited_ms += POLL_MS) {
        if (waited_ms >= DELIVERY_MS) {
            (void)rd_kafka_purge(t->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        }
        (void)rd_kafka_poll(t->producer, POLL_MS);
    }
    if (d.error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)text_format(out_text, 256, "the record was not taken by %.*s: %s", TEXT_PRINTF(topic),
                          rd_kafka_err2str(d.error));
        return ERR_UNAVAILABLE;
    }
    *out_offset = d.offset;
    return OK;
}
