#include "processor/runtime/kafka_topics.h"

#include "schemas/commit.h"

#include <stdio.h>
#include <string.h>

#define ASK_MS             15000
#define PARTITIONS_DEFAULT 12
#define REPLICATION        3
#define CLEANUP_POLICY     "cleanup.policy"

/* --- what is needed --- */
static struct topic_wish *add(struct topic_plan *plan, struct text topic, bool is_input)
{
    struct topic_wish *w = &plan->wishes[plan->count++];

    *w = (struct topic_wish){ .topic = topic, .is_input = is_input };
    return w;
}

static void set(struct topic_wish *w, const char *name, const char *wanted, bool is_must)
{
    w->settings[w->setting_count++] =
        (struct topic_setting){ .name = name, .wanted = wanted, .is_must = is_must };
}

void topic_plan_init(struct topic_plan *plan, const struct config *config, struct arena *arena)
{
    static const struct { /* by output type */
        const char *cleanup, *retention_ms;
    } outputs[OUTPUT_TYPE__COUNT] = {
        [OUTPUT_TRIGGER] = { "delete", "604800000" },  /* 7 days: stale_after and room */
        [OUTPUT_MEMBERSHIP] = { "compact", NULL },     /* the newest of each customer, for ever */
        [OUTPUT_OUTCOME] = { "delete", "2592000000" }, /* 30 days */
        [OUTPUT_DEAD_LETTER] = { "delete", "1209600000" }, /* 14 days: they hold customers' data */
    };

    *plan = (struct topic_plan){ 0 };
    plan->wishes =
        arena_alloc(arena, (config->input_count + OUTPUT_TYPE__COUNT) * sizeof(*plan->wishes));
    for (uint32_t i = 0; i < config->input_count; i++) {
        struct topic_wish *w = add(plan, config->inputs[i].topic, true);

        set(w, CLEANUP_POLICY, "delete", true); /* every event counts, not the newest of a key */
        set(w, "retention.ms", "604800000", false);
    }
    for (int i = 0; i < OUTPUT_TYPE__COUNT; i++) {
        if (config->outputs[i].at != NULL) {
            struct topic_wish *w = add(plan, config->outputs[i], false);

            set(w, CLEANUP_POLICY, outputs[i].cleanup, i == OUTPUT_MEMBERSHIP);
            if (outputs[i].retention_ms != NULL) {
                set(w, "retention.ms", outputs[i].retention_ms, false);
            }
        }
    }
}

/* --- what is there --- */
static enum err fail(char out_text[256], const char *what, const char *why)
{
    (void)text_format(out_text, 256, "%s: %s", what, why);
    return ERR_UNAVAILABLE;
}

static struct topic_wish *find(struct topic_plan *plan, const char *name)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        if (text_is(plan->wishes[i].topic, name)) {
            return &plan->wishes[i];
        }
    }
    return NULL;
}

static enum err look_at_metadata(struct kafka_tool *t, struct topic_plan *plan, char out_text[256])
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t error = rd_kafka_metadata(t->producer, 1, NULL, &metadata, ASK_MS);

    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return fail(out_text, "Kafka does not answer", rd_kafka_err2str(error));
    }
    plan->brokers = metadata->broker_cnt;
    for (int i = 0; i < metadata->topic_cnt; i++) {
        struct topic_wish *w = find(plan, metadata->topics[i].topic);

        if (w != NULL) { /* also when its leaders are still being chosen */
            w->found_partitions = metadata->topics[i].partition_cnt;
        }
    }
    rd_kafka_metadata_destroy(metadata);
    return OK;
}

static void take_settings(struct topic_wish *w, const rd_kafka_ConfigResource_t *resource)
{
    size_t count = 0;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);

    for (size_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < w->setting_count; k++) {
            const char *value = rd_kafka_ConfigEntry_value(entries[i]);

            if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), w->settings[k].name) == 0) {
                (void)snprintf(w->settings[k].found, sizeof(w->settings[k].found), "%s",
                               value == NULL ? "" : value);
            }
        }
    }
}

/* One request for all topics that are there; what the broker does not tell stays "". */
static enum err look_at_settings(struct kafka_tool *t, struct topic_plan *plan, char out_text[256])
{
    rd_kafka_ConfigResource_t *asked[COMMIT_TOPICS_MAX + OUTPUT_TYPE__COUNT];
    rd_kafka_queue_t *queue = rd_kafka_queue_new(t->producer);
    rd_kafka_event_t *event = NULL;
    size_t count = 0, answered = 0;
    enum err e = OK;

    for (uint32_t i = 0; i < plan->count; i++) {
        if (plan->wishes[i].found_partitions > 0) {
            asked[count++] =
                rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, plan->wishes[i].topic.at);
        }
    }
    if (count > 0) {
        rd_kafka_DescribeConfigs(t->producer, asked, count, NULL, queue);
        event = rd_kafka_queue_poll(queue, ASK_MS);
    }
    if (event != NULL && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        const rd_kafka_ConfigResource_t **found = rd_kafka_DescribeConfigs_result_resources(
            rd_kafka_event_DescribeConfigs_result(event), &answered);

        for (size_t i = 0; i < answered; i++) {
            struct topic_wish *w = find(plan, rd_kafka_ConfigResource_name(found[i]));

            if (w != NULL) {
                take_settings(w, found[i]);
            }
        }
    } else if (count > 0) {
        e = fail(out_text, "the topics' settings cannot be read",
                 event == NULL ? "no answer" : rd_kafka_event_error_string(event));
    }
    if (event != NULL) {
        rd_kafka_event_destroy(event);
    }
    rd_kafka_ConfigResource_destroy_array(asked, count);
    rd_kafka_queue_destroy(queue);
    return e;
}

enum err kafka_topics_look(struct kafka_tool *t, struct topic_plan *plan, char out_text[256])
{
    enum err e = kafka_tool_producer(t, out_text);

    if (e == OK) {
        e = look_at_metadata(t, plan, out_text);
    }
    return e != OK ? e : look_at_settings(t, plan, out_text);
}

/* --- what to make --- */
enum err topic_plan_decide(struct topic_plan *plan, int32_t partitions, int32_t replication,
                           char out_text[256])
{
    const struct topic_wish *first = NULL;

    for (uint32_t i = 0; i < plan->count; i++) {
        const struct topic_wish *w = &plan->wishes[i];

        if (!w->is_input || w->found_partitions == 0) {
            continue;
        }
        if (first != NULL && w->found_partitions != first->found_partitions) {
            (void)text_format(
                out_text, 256, "%s has %d partitions and %s has %d: input topics need equal counts",
                first->topic.at, first->found_partitions, w->topic.at, w->found_partitions);
            return ERR_CONFIG;
        }
        first = first == NULL ? w : first;
    }
    if (first != NULL && partitions != 0 && partitions != first->found_partitions) {
        (void)text_format(out_text, 256,
                          "%s is there with %d partitions: input topics need equal counts, so make "
                          "the others without --partitions",
                          first->topic.at, first->found_partitions);
        return ERR_CONFIG;
    }
    if (partitions == 0) {
        partitions = first == NULL ? PARTITIONS_DEFAULT : first->found_partitions;
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        plan->wishes[i].partitions = partitions;
    }
    plan->replication = replication != 0               ? replication
                        : plan->brokers >= REPLICATION ? REPLICATION
                                                       : plan->brokers;
    return OK;
}

static rd_kafka_NewTopic_t *new_topic(const struct topic_wish *w, int32_t replication,
                                      char out_text[256])
{
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(w->topic.at, w->partitions, replication, out_text, 256);

    for (uint32_t i = 0; topic != NULL && i < w->setting_count; i++) {
        (void)rd_kafka_NewTopic_set_config(topic, w->settings[i].name, w->settings[i].wanted);
    }
    if (topic != NULL && replication >= REPLICATION) {
        (void)rd_kafka_NewTopic_set_config(topic, "min.insync.replicas", "2");
    }
    return topic;
}

static enum err read_created(rd_kafka_event_t *event, char out_text[256])
{
    size_t count = 0;
    const rd_kafka_topic_result_t **topics;

    if (event == NULL || rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return fail(out_text, "no topic was made",
                    event == NULL ? "no answer" : rd_kafka_event_error_string(event));
    }
    topics = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t error = rd_kafka_topic_result_error(topics[i]);
        const char *why = rd_kafka_topic_result_error_string(topics[i]);

        if (error != RD_KAFKA_RESP_ERR_NO_ERROR &&
            error != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
            return fail(out_text, rd_kafka_topic_result_name(topics[i]),
                        why == NULL ? rd_kafka_err2str(error) : why);
        }
    }
    return OK;
}

enum err kafka_topics_create(struct kafka_tool *t, const struct topic_plan *plan,
                             char out_text[256])
{
    rd_kafka_NewTopic_t *wanted[COMMIT_TOPICS_MAX + OUTPUT_TYPE__COUNT];
    rd_kafka_queue_t *queue;
    rd_kafka_event_t *event;
    size_t count = 0;
    enum err e = OK;

    for (uint32_t i = 0; e == OK && i < plan->count; i++) {
        if (plan->wishes[i].found_partitions == 0) {
            wanted[count] = new_topic(&plan->wishes[i], plan->replication, out_text);
            e = wanted[count] == NULL ? ERR_CONFIG : OK;
            count += e == OK;
        }
    }
    if (e == OK && count > 0) {
        queue = rd_kafka_queue_new(t->producer);
        rd_kafka_CreateTopics(t->producer, wanted, count, NULL, queue);
        event = rd_kafka_queue_poll(queue, ASK_MS * 2);
        e = read_created(event, out_text);
        if (event != NULL) {
            rd_kafka_event_destroy(event);
        }
        rd_kafka_queue_destroy(queue);
    }
    rd_kafka_NewTopic_destroy_array(wanted, count);
    return e;
}
