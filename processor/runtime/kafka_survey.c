#include "processor/runtime/kafka_survey.h"

#include "processor/base/mem.h"
#include "processor/runtime/kafka_settings.h"

#include <inttypes.h>
#include <stdio.h>

#define ASK_MS          5000
#define TRANSACTIONS_MS 15000

static enum err fail(char out_text[256], rd_kafka_resp_err_t error)
{
    bool is_forbidden = error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
                        error == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
                        error == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED ||
                        error == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;

    (void)text_format(out_text, 256, "%s", rd_kafka_err2str(error));
    return is_forbidden ? ERR_CONFIG : ERR_UNAVAILABLE;
}

enum err kafka_survey_brokers(struct kafka_tool *t, struct kafka_brokers *out, char out_text[256])
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t error = rd_kafka_metadata(t->consumer, 0, NULL, &metadata, ASK_MS);
    size_t used = 0;

    *out = (struct kafka_brokers){ 0 };
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return fail(out_text, error);
    }
    out->count = metadata->broker_cnt;
    out->first_id = metadata->broker_cnt > 0 ? metadata->brokers[0].id : 0;
    for (int i = 0; i < metadata->broker_cnt; i++) {
        used +=
            text_format(out->hosts + used, sizeof(out->hosts) - used, "%s%s:%d", i == 0 ? "" : ", ",
                        metadata->brokers[i].host, metadata->brokers[i].port);
    }
    rd_kafka_metadata_destroy(metadata);
    return OK;
}

static void take_topic(const struct rd_kafka_metadata_topic *m, struct kafka_topic_view *out)
{
    out->is_there = m->partition_cnt > 0;
    out->partitions = m->partition_cnt;
    for (int i = 0; i < m->partition_cnt; i++) {
        const struct rd_kafka_metadata_partition *p = &m->partitions[i];

        out->replicas = i == 0 || p->replica_cnt < out->replicas ? p->replica_cnt : out->replicas;
        out->in_sync = i == 0 || p->isr_cnt < out->in_sync ? p->isr_cnt : out->in_sync;
        out->leaderless += p->leader < 0;
    }
}

enum err kafka_survey_topic(struct kafka_tool *t, struct text topic, struct kafka_topic_view *out,
                            char out_text[256])
{
    const struct rd_kafka_metadata *metadata = NULL;
    char *name = mem_dup(topic.at, topic.size);
    rd_kafka_topic_t *handle = rd_kafka_topic_new(t->consumer, name, NULL);
    rd_kafka_resp_err_t error = rd_kafka_last_error();

    mem_free(name);
    *out = (struct kafka_topic_view){ 0 };
    if (handle != NULL) {
        error = rd_kafka_metadata(t->consumer, 0, handle, &metadata, ASK_MS);
        rd_kafka_topic_destroy(handle);
    }
    if (metadata != NULL) {
        error = metadata->topic_cnt == 1 ? metadata->topics[0].err : error;
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->topic_cnt == 1) {
            take_topic(&metadata->topics[0], out);
        }
        rd_kafka_metadata_destroy(metadata);
    }
    if (error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
        error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC) {
        error = RD_KAFKA_RESP_ERR_NO_ERROR; /* known: it is not there */
    }
    return error == RD_KAFKA_RESP_ERR_NO_ERROR ? OK : fail(out_text, error);
}

/* --- settings --- */

static void take_settings(const rd_kafka_ConfigResource_t *resource, const char *const *keys,
                          uint32_t count, char (*out_values)[KAFKA_SETTING_SIZE])
{
    size_t entry_count = 0;
    const rd_kafka_ConfigEntry_t **entries =
        rd_kafka_ConfigResource_configs(resource, &entry_count);

    for (size_t i = 0; i < entry_count; i++) {
        for (uint32_t k = 0; k < count; k++) {
            const char *value = rd_kafka_ConfigEntry_value(entries[i]);

            if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), keys[k]) == 0 && value != NULL) {
                (void)text_format(out_values[k], KAFKA_SETTING_SIZE, "%s", value);
            }
        }
    }
}

static enum err take_answer(rd_kafka_event_t *event, const char *const *keys, uint32_t count,
                            char (*out_values)[KAFKA_SETTING_SIZE], char out_text[256])
{
    const rd_kafka_DescribeConfigs_result_t *result;
    const rd_kafka_ConfigResource_t **resources;
    rd_kafka_resp_err_t error;
    size_t resource_count = 0;

    if (event == NULL) {
        return fail(out_text, RD_KAFKA_RESP_ERR__TIMED_OUT);
    }
    error = rd_kafka_event_error(event);
    result = rd_kafka_event_DescribeConfigs_result(event);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR || result == NULL) {
        return fail(out_text, error);
    }
    resources = rd_kafka_DescribeConfigs_result_resources(result, &resource_count);
    if (resource_count != 1) {
        return fail(out_text, RD_KAFKA_RESP_ERR__BAD_MSG);
    }
    error = rd_kafka_ConfigResource_error(resources[0]);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return fail(out_text, error);
    }
    take_settings(resources[0], keys, count, out_values);
    return OK;
}

enum err kafka_survey_settings(struct kafka_tool *t, bool is_broker, struct text name,
                               const char *const *keys, uint32_t count,
                               char (*out_values)[KAFKA_SETTING_SIZE], char out_text[256])
{
    char *text = mem_dup(name.at, name.size);
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(
        is_broker ? RD_KAFKA_RESOURCE_BROKER : RD_KAFKA_RESOURCE_TOPIC, text);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(t->consumer, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(t->consumer);
    rd_kafka_event_t *event;
    char ignored[128];
    enum err e;

    memset(out_values, 0, count * KAFKA_SETTING_SIZE);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, ASK_MS, ignored, sizeof(ignored));
    rd_kafka_DescribeConfigs(t->consumer, &resource, 1, options, queue);
    event = rd_kafka_queue_poll(queue, ASK_MS + 1000);
    e = take_answer(event, keys, count, out_values, out_text);
    if (event != NULL) {
        rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(resource);
    mem_free(text);
    return e;
}

/* --- transactions --- */

enum err kafka_survey_transactions(struct kafka_tool *t, struct text id, char out_text[256])
{
    struct arena arena = { 0 };
    struct kafka_client client;
    struct kafka_options options;
    rd_kafka_conf_t *conf = NULL;
    rd_kafka_t *producer = NULL;
    rd_kafka_error_t *error = NULL;
    enum err e;

    kafka_client_init(&client, "tool");
    kafka_settings(t->config, true, &arena, &options);
    e = kafka_client_conf(&client, &options, NULL, 0, &conf, out_text);
    if (e == OK) {
        e = kafka_client_set(conf, TEXT("transactional.id"), id, out_text);
        if (e != OK) {
            rd_kafka_conf_destroy(conf);
        }
    }
    if (e == OK) {
        e = kafka_client_open(RD_KAFKA_PRODUCER, conf, &producer, out_text);
    }
    if (e == OK) {
        error = rd_kafka_init_transactions(producer, TRANSACTIONS_MS);
        e = error == NULL ? OK : fail(out_text, rd_kafka_error_code(error));
        if (error != NULL) {
            rd_kafka_error_destroy(error);
        }
        rd_kafka_destroy(producer);
    }
    arena_fini(&arena);
    return e;
}
