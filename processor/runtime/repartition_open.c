#include "processor/base/mem.h"
#include "processor/runtime/kafka_settings.h"
#include "processor/runtime/repartition_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/random.h>

/* One decoder for each key: the mapping of the input topic, with that as the customer. */
static enum err open_decoders(struct repartition *r, char out_text[256])
{
    const struct repartition_options *o = r->options;
    uint32_t count = o->key_count == 0 ? 1 : o->key_count;
    enum err e = OK;

    for (uint32_t i = 0; e == OK && i < count; i++) {
        size_t size = o->config->input_count * sizeof(struct topic_config);

        r->configs[i] = *o->config;
        r->inputs[i] = mem_alloc(size);
        memcpy(r->inputs[i], o->config->inputs, size);
        if (o->key_count > 0) {
            r->inputs[i][o->to].mapping.customer = o->keys[i];
        }
        r->configs[i].inputs = r->inputs[i];
        e = record_decoder_new(&r->configs[i], &r->decoders[i], out_text);
        r->decoder_count += e == OK;
        if (e == OK) {
            record_decoder_free_key(r->decoders[i]);
        }
    }
    return e;
}

static enum err open_consumer(struct repartition *r, repartition_rebalance *rebalance,
                              struct arena *arena, char out_text[256])
{
    const struct repartition_options *o = r->options;
    const struct kafka_property settings[] = {
        { TEXT("enable.auto.commit"), TEXT("false") },
        { TEXT("enable.auto.offset.store"), TEXT("false") },
        { TEXT("auto.offset.reset"), TEXT("earliest") },
        { TEXT("partition.assignment.strategy"), TEXT("range") },
        { TEXT("enable.partition.eof"), TEXT("true") },
        { TEXT("isolation.level"), TEXT("read_committed") },
        { TEXT("fetch.wait.max.ms"), TEXT("100") },
        { TEXT("queued.max.messages.kbytes"), TEXT("16384") },
    };
    struct kafka_options options;
    rd_kafka_conf_t *conf = NULL;
    char group[REPARTITION_NAME_SIZE];
    enum err e;

    (void)text_format(group, sizeof(group), "%.*s.repartition.%s",
                      TEXT_PRINTF(o->config->rules->app), r->from);
    kafka_settings(o->config, false, arena, &options);
    e = kafka_client_conf(&r->client, &options, settings, sizeof(settings) / sizeof(settings[0]),
                          &conf, out_text);
    e = e == OK ? kafka_client_set(conf, TEXT("group.id"), text_of(group), out_text) : e;
    if (e == OK && o->instance.at != NULL) {
        e = kafka_client_set(conf, TEXT("group.instance.id"), o->instance, out_text);
    }
    if (e != OK) {
        if (conf != NULL) {
            rd_kafka_conf_destroy(conf);
        }
        return e;
    }
    rd_kafka_conf_set_rebalance_cb(conf, rebalance);
    e = kafka_client_open(RD_KAFKA_CONSUMER, conf, &r->consumer, out_text);
    if (e == OK) {
        (void)rd_kafka_poll_set_consumer(r->consumer);
    }
    return e;
}

static enum err configure_producer(struct repartition *r, struct arena *arena, char out_text[256])
{
    const struct kafka_property defaults[] = {
        { TEXT("linger.ms"), TEXT("0") }, /* a commit flushes */
        { TEXT("compression.codec"), TEXT("lz4") },
        { TEXT("transaction.timeout.ms"), TEXT("15000") },
        { TEXT("message.max.bytes"), TEXT("8388608") },
        { TEXT("queue.buffering.max.messages"), TEXT("100000") },
    };
    struct text instance = r->options->instance, app = r->options->config->rules->app;
    struct kafka_options options;
    uint64_t any = 0;
    enum err e;

    if (instance.at == NULL) { /* a dead one's transactions end by their time-out */
        while (getrandom(&any, sizeof(any), 0) < 0 && errno == EINTR) {
        }
        instance = arena_format(arena, "%016" PRIx64, any);
    }
    (void)text_format(r->name, sizeof(r->name), "%.*s.repartition.%s.%.*s", TEXT_PRINTF(app),
                      r->from, TEXT_PRINTF(instance));
    kafka_settings(r->options->config, true, arena, &options);
    e = kafka_client_conf(&r->client, &options, defaults, sizeof(defaults) / sizeof(defaults[0]),
                          &r->conf, out_text);
    return e == OK ? kafka_client_set(r->conf, TEXT("partitioner"), TEXT("murmur2"), out_text) : e;
}

/* Both topics are there, and how many partitions the second one has. */
static enum err look_at_topics(struct repartition *r, char out_text[256])
{
    if (kafka_topic_partitions(r->consumer, text_of(r->from), &r->from_partitions) != OK) {
        (void)text_format(out_text, 256, "no broker answers, or there is no topic %s", r->from);
        return ERR_UNAVAILABLE;
    }
    if (kafka_topic_partitions(r->consumer, text_of(r->to), &r->partitions) != OK) {
        (void)text_format(out_text, 256, "no broker answers, or there is no topic %s", r->to);
        return ERR_UNAVAILABLE;
    }
    r->is_read = mem_alloc((size_t)r->from_partitions * sizeof(bool));
    return OK;
}

enum err repartition_open(struct repartition *r, repartition_rebalance *rebalance,
                          char out_text[256])
{
    const struct repartition_options *o = r->options;
    struct text letters = o->config->outputs[OUTPUT_DEAD_LETTER];
    struct arena arena = { 0 };
    enum err e;

    (void)text_format(r->from, sizeof(r->from), "%.*s", TEXT_PRINTF(o->from));
    (void)text_format(r->to, sizeof(r->to), "%.*s", TEXT_PRINTF(o->config->inputs[o->to].topic));
    if (letters.at != NULL) {
        r->topics[OUTPUT_DEAD_LETTER] = mem_dup(letters.at, letters.size);
    }
    kafka_client_init(&r->client, "repartition");
    e = open_decoders(r, out_text);
    e = e == OK ? open_consumer(r, rebalance, &arena, out_text) : e;
    e = e == OK ? configure_producer(r, &arena, out_text) : e;
    e = e == OK ? look_at_topics(r, out_text) : e;
    arena_fini(&arena);
    return e;
}

void repartition_close(struct repartition *r)
{
    transaction_close(&r->producer);
    if (r->consumer != NULL) {
        (void)rd_kafka_consumer_close(r->consumer);
        rd_kafka_destroy(r->consumer);
    }
    if (r->member != NULL) {
        rd_kafka_consumer_group_metadata_destroy(r->member);
    }
    if (r->conf != NULL) {
        rd_kafka_conf_destroy(r->conf);
    }
    for (uint32_t i = 0; i < REPARTITION_KEYS_MAX; i++) {
        record_decoder_free(r->decoders[i]);
        mem_free(r->inputs[i]);
    }
    mem_free(r->topics[OUTPUT_DEAD_LETTER]);
    mem_free(r->is_read);
}
