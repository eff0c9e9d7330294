/* DESIGN. librdkafka tells when the last broker is gone (an error) but not when one is back. Its
 * statistics, once a second, name the state of each connection: with one UP that answers what it is
 * asked the client is up. A broker that is stopped keeps its connections open and says nothing;
 * time must not go on without it, so silence for seconds while it is asked is as good as being
 * away. An answer of a broker, told by the client's owner, counts at once. Each change is one log
 * line.
 */
#include "sinks/kafka_client.h"

#include "processor/base/log.h"
#include "processor/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METADATA_TIMEOUT_MS 5000
#define SILENT_US           3000000 /* a fetch is answered within fetch.wait.max.ms */
#define TOPIC_NAME_MAX      249     /* of Kafka */

static void change(struct kafka_client *c, enum kafka_client_state state)
{
    int before = atomic_exchange(&c->state, (int)state);

    if (before == (int)state) {
        return;
    }
    if (state == KAFKA_CLIENT_UP) {
        atomic_store(&c->reason, RD_KAFKA_RESP_ERR_NO_ERROR);
        log_line(LOG_INFO, "kafka.up", "client=%s", c->name);
    } else {
        log_line(LOG_WARN, "kafka.down", "client=%s", c->name);
    }
}

void kafka_client_answered(struct kafka_client *c)
{
    if (!kafka_client_is_up(c)) {
        change(c, KAFKA_CLIENT_UP);
    }
}

static void on_error(rd_kafka_t *client, int error, const char *reason, void *opaque)
{
    struct kafka_client *c = opaque;
    const char *name = rd_kafka_err2name((rd_kafka_resp_err_t)error);

    (void)client;
    if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        change(c, KAFKA_CLIENT_DOWN);
    } else if (atomic_exchange(&c->reason, error) != error) {
        log_line(error == RD_KAFKA_RESP_ERR__FATAL ? LOG_ERROR : LOG_WARN, "kafka.error",
                 "client=%s code=%s reason=\"%s\"", c->name, name, reason);
    }
}

/* The number behind `name` in the text of one broker; -1: none. */
static int64_t number_of(const char *json, const char *end, const char *name)
{
    const char *at = memmem(json, (size_t)(end - json), name, strlen(name));

    return at == NULL ? -1 : strtoll(at + strlen(name), NULL, 10);
}

/* One broker's part of the statistics: connected, and not silent although it was asked. */
static bool is_answering(const char *json, const char *end)
{
    static const char up[] = "\"state\":\"UP\"";

    return memmem(json, (size_t)(end - json), up, sizeof(up) - 1) != NULL &&
           (number_of(json, end, "\"waitresp_cnt\":") <= 0 ||
            number_of(json, end, "\"rxidle\":") < SILENT_US);
}

/* Parts begin at each broker's source. Logical ones are connections to coordinators, where a
 * request to join may wait for minutes. */
static bool is_any_answering(const char *json, const char *end)
{
    static const char source[] = "\"source\":\"", logical[] = "logical";
    const char *at = memmem(json, (size_t)(end - json), source, sizeof(source) - 1);
    bool is_any = false;

    while (at != NULL && !is_any) {
        const char *broker = at + sizeof(source) - 1, *next;

        next = memmem(broker, (size_t)(end - broker), source, sizeof(source) - 1);
        is_any = strncmp(broker, logical, sizeof(logical) - 1) != 0 &&
                 is_answering(broker, next == NULL ? end : next);
        at = next;
    }
    return is_any;
}

static int on_statistics(rd_kafka_t *client, char *json, size_t json_size, void *opaque)
{
    struct kafka_client *c = opaque;

    (void)client;
    if (is_any_answering(json, json + json_size)) {
        change(c, KAFKA_CLIENT_UP);
    } else if (kafka_client_is_up(c)) {
        change(c, KAFKA_CLIENT_DOWN);
    }
    return 0; /* librdkafka frees the text */
}

/* Thread: librdkafka's. */
static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    (void)client;
    log_line(LOG_DEBUG, "kafka.log", "syslog_level=%d facility=%s text=\"%s\"", level, facility,
             text);
}

void kafka_client_init(struct kafka_client *c, const char *name)
{
    c->name = name;
    atomic_init(&c->state, KAFKA_CLIENT_STARTING);
    atomic_init(&c->reason, RD_KAFKA_RESP_ERR_NO_ERROR);
}

enum err kafka_client_set(rd_kafka_conf_t *conf, struct text name, struct text value,
                          char out_text[256])
{
    char *name_z = mem_dup(name.at, name.size), *value_z = mem_dup(value.at, value.size);
    char text[200];
    enum err e = OK;

    if (rd_kafka_conf_set(conf, name_z, value_z, text, sizeof(text)) != RD_KAFKA_CONF_OK) {
        /* librdkafka may call it by another of its names */
        (void)text_format(out_text, 256, "%s: %s", name_z, text);
        e = ERR_CONFIG;
    }
    mem_free(name_z);
    mem_free(value_z);
    return e;
}

static enum err set_all(rd_kafka_conf_t *conf, const struct kafka_property *properties,
                        uint32_t count, char out_text[256])
{
    enum err e = OK;

    for (uint32_t i = 0; i < count && e == OK; i++) {
        e = kafka_client_set(conf, properties[i].name, properties[i].value, out_text);
    }
    return e;
}

enum err kafka_client_conf(struct kafka_client *c, const struct kafka_options *options,
                           const struct kafka_property *defaults, uint32_t default_count,
                           rd_kafka_conf_t **out_conf, char out_text[256])
{
    const struct kafka_property ours[] = {
        { TEXT("client.id"), TEXT("segstream") },
        { TEXT("socket.nagle.disable"), TEXT("true") },
        { TEXT("reconnect.backoff.max.ms"), TEXT("1000") },
        { TEXT("statistics.interval.ms"), TEXT("1000") },
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    enum err e = set_all(conf, ours, sizeof(ours) / sizeof(ours[0]), out_text);

    if (e == OK) {
        e = set_all(conf, defaults, default_count, out_text);
    }
    if (e == OK) {
        e = set_all(conf, options->properties, options->property_count, out_text);
    }
    if (e == OK) {
        e = set_all(conf, options->role_properties, options->role_property_count, out_text);
    }
    if (e == OK) {
        e = kafka_client_set(conf, TEXT("bootstrap.servers"), options->brokers, out_text);
    }
    if (e != OK) {
        rd_kafka_conf_destroy(conf);
        return e;
    }
    rd_kafka_conf_set_opaque(conf, c);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_stats_cb(conf, on_statistics);
    rd_kafka_conf_set_log_cb(conf, on_log);
    *out_conf = conf;
    return OK;
}

enum err kafka_client_open(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **out_client,
                           char out_text[256])
{
    *out_client = rd_kafka_new(type, conf, out_text, 256);
    if (*out_client == NULL) {
        rd_kafka_conf_destroy(conf);
        return ERR_CONFIG;
    }
    return OK;
}

enum err kafka_topic_partitions(rd_kafka_t *client, struct text topic, int32_t *out_count)
{
    const struct rd_kafka_metadata *metadata = NULL;
    char name[TOPIC_NAME_MAX + 1];
    rd_kafka_topic_t *handle;
    enum err e = ERR_UNAVAILABLE;

    if (topic.size == 0 || topic.size > TOPIC_NAME_MAX) {
        return ERR_UNAVAILABLE;
    }
    (void)snprintf(name, sizeof(name), "%.*s", TEXT_PRINTF(topic));
    handle = rd_kafka_topic_new(client, name, NULL);
    if (handle == NULL) {
        return ERR_UNAVAILABLE;
    }
    if (rd_kafka_metadata(client, 0, handle, &metadata, METADATA_TIMEOUT_MS) ==
        RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (metadata->topic_cnt == 1 && metadata->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR &&
            metadata->topics[0].partition_cnt > 0) {
            *out_count = metadata->topics[0].partition_cnt;
            e = OK;
        }
        rd_kafka_metadata_destroy(metadata);
    }
    rd_kafka_topic_destroy(handle);
    return e;
}
