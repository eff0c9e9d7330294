#include "processor/runtime/kafka_group.h"

#include "processor/base/check.h"

#include <poll.h>
#include <stdio.h>

#define ASK_MS      5000
#define PATIENCE_MS 40000 /* an owner's open transaction may take as long to end */
#define RETRY_MS    200

static enum err fail(char out_text[256], const char *what, rd_kafka_resp_err_t error)
{
    (void)text_format(out_text, 256, "%s: %s", what, rd_kafka_err2str(error));
    return ERR_UNAVAILABLE;
}

enum err kafka_group_look(struct kafka_tool *t, struct kafka_group *out_group, char out_text[256])
{
    const struct rd_kafka_group_list *groups = NULL;
    struct text app = t->config->rules->app;
    char name[64];
    rd_kafka_resp_err_t error;

    (void)text_format(name, sizeof(name), "%.*s", TEXT_PRINTF(app));
    *out_group = (struct kafka_group){ .state = "Dead" };
    error = rd_kafka_list_groups(t->consumer, name, &groups, ASK_MS);
    for (int i = 0; groups != NULL && i < groups->group_cnt; i++) {
        const struct rd_kafka_group_info *g = &groups->groups[i];

        error = g->err != RD_KAFKA_RESP_ERR_NO_ERROR ? g->err : error;
        (void)snprintf(out_group->state, sizeof(out_group->state), "%s", g->state);
        out_group->members = g->member_cnt;
        if (g->member_cnt > 0) {
            (void)snprintf(out_group->host, sizeof(out_group->host), "%s",
                           g->members[0].client_host);
        }
    }
    if (groups != NULL) {
        rd_kafka_group_list_destroy(groups);
    }
    return error == RD_KAFKA_RESP_ERR_NO_ERROR
               ? OK
               : fail(out_text, "the consumer group cannot be described", error);
}

static rd_kafka_topic_partition_list_t *list_of(const struct kafka_tool *t, int32_t partition)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)t->config->input_count);

    for (uint32_t i = 0; i < t->config->input_count; i++) {
        (void)rd_kafka_topic_partition_list_add(list, t->config->inputs[i].topic.at, partition);
    }
    return list;
}

static rd_kafka_resp_err_t first_error(const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            return list->elems[i].err;
        }
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* The list keeps the order it was made in: that of the input topics. */
static void take_committed(const rd_kafka_topic_partition_list_t *list, struct kafka_committed *out)
{
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &list->elems[i];

        out->offsets[i] = p->offset < 0 ? -1 : p->offset;
        out->has_any = out->has_any || p->offset >= 0;
    }
    if (list->cnt > 0 && list->elems[0].metadata_size > 0) {
        struct text line = { list->elems[0].metadata, list->elems[0].metadata_size };

        out->has_mark = mark_parse(line, &out->mark) == OK;
    }
}

enum err kafka_group_committed(struct kafka_tool *t, int32_t partition,
                               struct kafka_committed *out_committed, char out_text[256])
{
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;

    *out_committed = (struct kafka_committed){ .mark = { .stream_ms = INSTANT_MIN } };
    for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += RETRY_MS) {
        rd_kafka_topic_partition_list_t *list = list_of(t, partition);

        error = rd_kafka_committed(t->consumer, list, ASK_MS);
        error = error == RD_KAFKA_RESP_ERR_NO_ERROR ? first_error(list) : error;
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
            take_committed(list, out_committed);
        }
        rd_kafka_topic_partition_list_destroy(list);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
            return OK;
        }
        (void)poll(NULL, 0, RETRY_MS);
    }
    return fail(out_text, "the group's offsets cannot be read", error);
}

static bool is_owned(rd_kafka_resp_err_t error)
{
    return error == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
           error == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
           error == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS ||
           error == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
}

enum err kafka_group_commit(struct kafka_tool *t, int32_t partition, const int64_t *offsets,
                            const struct mark *mark, char out_text[256])
{
    char room[MARK_TEXT_SIZE];
    struct text line = mark_format(mark, room);
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;

    for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += RETRY_MS) {
        rd_kafka_topic_partition_list_t *list = list_of(t, partition);

        for (int i = 0; i < list->cnt; i++) {
            list->elems[i].offset = offsets[i] < 0 ? 0 : offsets[i];
        }
        list->elems[0].metadata = rd_kafka_mem_malloc(NULL, line.size); /* freed with the list */
        CHECK(list->elems[0].metadata != NULL);
        memcpy(list->elems[0].metadata, line.at, line.size);
        list->elems[0].metadata_size = line.size;
        error = rd_kafka_commit(t->consumer, list, 0);
        error = error == RD_KAFKA_RESP_ERR_NO_ERROR ? first_error(list) : error;
        rd_kafka_topic_partition_list_destroy(list);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
            return OK;
        }
        if (is_owned(error)) {
            (void)text_format(out_text, 256,
                              "the group has members: stop all workers of the app first");
            return ERR_FENCED;
        }
        (void)poll(NULL, 0, RETRY_MS);
    }
    return fail(out_text, "the group does not take the offsets", error);
}

enum err kafka_group_range(struct kafka_tool *t, uint32_t topic, int32_t partition,
                           int64_t *out_low, int64_t *out_high, char out_text[256])
{
    const char *name = t->config->inputs[topic].topic.at;
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;

    for (int waited_ms = 0; waited_ms < ASK_MS; waited_ms += RETRY_MS) {
        error = rd_kafka_query_watermark_offsets(t->consumer, name, partition, out_low, out_high,
                                                 ASK_MS);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
            return OK;
        }
        (void)poll(NULL, 0, RETRY_MS);
    }
    return fail(out_text, name, error);
}

enum err kafka_group_offset_at(struct kafka_tool *t, uint32_t topic, int32_t partition,
                               int64_t at_ms, int64_t *out_offset, char out_text[256])
{
    const char *name = t->config->inputs[topic].topic.at;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t error;

    rd_kafka_topic_partition_list_add(list, name, partition)->offset = at_ms;
    error = rd_kafka_offsets_for_times(t->consumer, list, ASK_MS);
    error = error == RD_KAFKA_RESP_ERR_NO_ERROR ? first_error(list) : error;
    *out_offset = list->elems[0].offset < 0 ? -1 : list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    return error == RD_KAFKA_RESP_ERR_NO_ERROR ? OK : fail(out_text, name, error);
}
