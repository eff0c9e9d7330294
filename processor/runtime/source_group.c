/* DESIGN. What the group remembers of a partition (schemas/mark.h) rides in the metadata of the
 * offset of the first input topic. It is read when all transactions of earlier owners have ended:
 * `rd_kafka_committed` of a read_committed consumer waits for that. Writing it inside the assign
 * callback is checked against member and generation, which cannot move meanwhile. The error is the
 * return value; the partitions' own errors tell nothing.
 *
 * A member without id or generation is nobody: Kafka would take its commits without asking whether
 * it owns anything. So its identity is taken once, here, and refused when it is empty.
 */
#include "processor/base/check.h"
#include "processor/base/log.h"
#include "processor/base/mem.h"
#include "processor/runtime/source_parts.h"

#include <poll.h>
#include <time.h>

#define ASK_MS        5000
#define PATIENCE_MS   40000 /* an earlier owner's open transaction may take as long to end */
#define RETRY_MS      100
#define IDENTITY_SIZE 7 /* "CGMDv2:", then the generation */

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_patient(const struct source *s, int64_t until_ms)
{
    (void)atomic_fetch_add(s->options.beats, 1);
    return !atomic_load(s->options.is_stopping) && now_ms() < until_ms;
}

/* --- what the group remembers --- */

static rd_kafka_resp_err_t first_error(const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            return list->elems[i].err;
        }
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static enum err read_remembered(struct source *s, const rd_kafka_topic_partition_list_t *assigned)
{
    int64_t until_ms = now_ms() + PATIENCE_MS;
    rd_kafka_resp_err_t error, said = RD_KAFKA_RESP_ERR_NO_ERROR;

    for (;;) {
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_copy(assigned);

        error = rd_kafka_committed(s->consumer, list, ASK_MS);
        error = error == RD_KAFKA_RESP_ERR_NO_ERROR ? first_error(list) : error;
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
            s->remembered = list;
            return OK;
        }
        rd_kafka_topic_partition_list_destroy(list);
        if (error != said) {
            said = error;
            log_line(LOG_WARN, "group.unstable", "code=%s waiting_ms=%d", rd_kafka_err2name(error),
                     PATIENCE_MS);
        }
        if (!is_patient(s, until_ms)) {
            return ERR_UNAVAILABLE;
        }
        (void)poll(NULL, 0, RETRY_MS);
    }
}

static void forget_remembered(struct source *s)
{
    if (s->remembered != NULL) {
        rd_kafka_topic_partition_list_destroy(s->remembered);
        s->remembered = NULL;
    }
}

static const rd_kafka_topic_partition_t *find(const struct source *s, int32_t partition)
{
    for (int i = 0; i < s->remembered->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &s->remembered->elems[i];

        if (p->partition == partition && source_topic_index(s, p->topic) == 0) {
            return p;
        }
    }
    return NULL;
}

static struct text mark_of(const struct source *s, int32_t partition)
{
    const rd_kafka_topic_partition_t *p = find(s, partition);

    return p == NULL || p->metadata_size == 0 ? TEXT_NONE
                                              : (struct text){ p->metadata, p->metadata_size };
}

static void set_metadata(rd_kafka_topic_partition_t *p, struct text mark)
{
    p->metadata = rd_kafka_mem_malloc(NULL, mark.size); /* freed with the list */
    CHECK(p->metadata != NULL);
    memcpy(p->metadata, mark.at, mark.size);
    p->metadata_size = mark.size;
}

static bool is_refusal(rd_kafka_resp_err_t error)
{
    return error == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
           error == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
           error == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID ||
           error == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS || error == RD_KAFKA_RESP_ERR__FENCED ||
           error == RD_KAFKA_RESP_ERR__FATAL;
}

enum err source_write_mark(struct source *s, int32_t partition, struct text mark)
{
    const rd_kafka_topic_partition_t *known = find(s, partition);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *p =
        rd_kafka_topic_partition_list_add(list, s->options.config->inputs[0].topic.at, partition);
    int64_t until_ms = now_ms() + PATIENCE_MS;
    rd_kafka_resp_err_t error;

    /* An offset must be there for the mark to ride on; where to read from is the store's to say. */
    p->offset = known == NULL || known->offset < 0 ? 0 : known->offset;
    set_metadata(p, mark);
    do {
        error = rd_kafka_commit(s->consumer, list, 0);
    } while (error != RD_KAFKA_RESP_ERR_NO_ERROR && !is_refusal(error) && is_patient(s, until_ms) &&
             poll(NULL, 0, RETRY_MS) == 0);
    rd_kafka_topic_partition_list_destroy(list);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        log_line(LOG_WARN, "group.refused", "partition=%d code=%s", partition,
                 rd_kafka_err2name(error));
        return is_refusal(error) ? ERR_FENCED : ERR_UNAVAILABLE;
    }
    return OK;
}

void source_commit(struct source *s, int32_t partition, const int64_t *next_offsets,
                   struct text mark)
{
    const struct config *c = s->options.config;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)c->input_count);

    for (uint32_t i = 0; i < c->input_count; i++) {
        if (i == 0 || next_offsets[i] >= 0) {
            rd_kafka_topic_partition_t *p =
                rd_kafka_topic_partition_list_add(list, c->inputs[i].topic.at, partition);

            p->offset = next_offsets[i] < 0 ? 0 : next_offsets[i];
            if (i == 0) {
                set_metadata(p, mark);
            }
        }
    }
    (void)rd_kafka_commit(s->consumer, list, 1);
    rd_kafka_topic_partition_list_destroy(list);
}

/* --- who we are --- */

/* Bytes that another client can commit offsets with in our name. Returns: false when we are nobody.
 * Owner: the caller. */
static bool take_identity(struct source *s, void **out_at, size_t *out_size)
{
    rd_kafka_consumer_group_metadata_t *m = rd_kafka_consumer_group_metadata(s->consumer);
    char *member = rd_kafka_memberid(s->consumer);
    bool is_member = m != NULL && member != NULL && member[0] != '\0';
    int32_t generation = 0;

    *out_at = NULL;
    if (is_member) {
        rd_kafka_error_t *error = rd_kafka_consumer_group_metadata_write(m, out_at, out_size);

        rd_kafka_error_destroy(error);
        is_member = *out_at != NULL && *out_size > IDENTITY_SIZE + sizeof(generation);
    }
    if (is_member) {
        memcpy(&generation, (const char *)*out_at + IDENTITY_SIZE, sizeof(generation));
        is_member = generation >= 0;
    }
    if (member != NULL) {
        rd_kafka_mem_free(s->consumer, member);
    }
    if (m != NULL) {
        rd_kafka_consumer_group_metadata_destroy(m);
    }
    return is_member;
}

static bool join(struct source *s)
{
    void *at;
    size_t size = 0;
    bool is_member = take_identity(s, &at, &size);

    if (is_member) {
        s->options.joined(s->options.context, (struct bytes){ at, size });
    } else {
        log_line(LOG_WARN, "group.nobody", "reason=\"no member id or generation yet\"");
    }
    rd_kafka_mem_free(s->consumer, at);
    return is_member;
}

/* --- partitions come and go --- */

void source_close_lanes(struct source *s)
{
    for (uint32_t i = 0; i < s->lane_count; i++) {
        rd_kafka_queue_destroy(s->lanes[i].queue);
    }
    s->lane_count = 0;
}

static void open_lane(struct source *s, const rd_kafka_topic_partition_t *p)
{
    static const uint64_t one = 1;
    struct lane *l;

    s->lanes = mem_grow32(s->lanes, s->lane_count, &s->lane_capacity, sizeof(struct lane));
    l = &s->lanes[s->lane_count];
    l->partition = p->partition;
    l->topic = source_topic_index(s, p->topic);
    l->queue = rd_kafka_queue_get_partition(s->consumer, p->topic, p->partition);
    CHECK(l->queue != NULL && l->topic != UINT32_MAX);
    rd_kafka_queue_forward(l->queue, NULL);
    rd_kafka_queue_io_event_enable(l->queue, s->options.wake_fd, &one, sizeof(one));
    s->lane_count++;
}

/* Claim each partition number once and write down where its topics go on. */
static bool claim(struct source *s, rd_kafka_topic_partition_list_t *list)
{
    int64_t offsets[COMMIT_TOPICS_MAX];

    for (int i = 0; i < list->cnt; i++) {
        bool is_first = true;

        for (int k = 0; k < i; k++) {
            is_first = is_first && list->elems[k].partition != list->elems[i].partition;
        }
        if (!is_first) {
            continue;
        }
        if (!s->options.assigned(s->options.context, list->elems[i].partition,
                                 mark_of(s, list->elems[i].partition), offsets)) {
            return false;
        }
        for (int k = i; k < list->cnt; k++) {
            rd_kafka_topic_partition_t *p = &list->elems[k];

            if (p->partition == list->elems[i].partition) {
                int64_t offset = offsets[source_topic_index(s, p->topic)];

                p->offset = offset < 0 ? RD_KAFKA_OFFSET_BEGINNING : offset;
            }
        }
    }
    return true;
}

static void drop_behind(rd_kafka_topic_partition_list_t *list, int32_t partitions_max)
{
    for (int i = list->cnt; partitions_max > 0 && i > 0; i--) {
        if (list->elems[i - 1].partition >= partitions_max) {
            (void)rd_kafka_topic_partition_list_del_by_idx(list, i - 1);
        }
    }
}

static void assign(struct source *s, rd_kafka_topic_partition_list_t *list)
{
    bool is_ours = join(s);

    drop_behind(list, s->options.partitions_max);
    if (is_ours && list->cnt > 0) {
        is_ours = read_remembered(s, list) == OK && claim(s, list);
    }
    forget_remembered(s);
    if (!is_ours) {
        s->options.revoked(s->options.context, true);
        (void)rd_kafka_assign(s->consumer, NULL);
        return;
    }
    (void)rd_kafka_assign(s->consumer, list);
    for (int i = 0; i < list->cnt; i++) {
        open_lane(s, &list->elems[i]);
    }
}

void source_rebalance(rd_kafka_t *consumer, rd_kafka_resp_err_t error,
                      rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct source *s = opaque;

    if (error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        log_line(LOG_INFO, "group.assigned", "partitions=%d", list->cnt);
        assign(s, list);
        return;
    }
    log_line(LOG_INFO, "group.revoked", "partitions=%d lost=%d", list->cnt,
             rd_kafka_assignment_lost(consumer));
    s->options.revoked(s->options.context, rd_kafka_assignment_lost(consumer) != 0);
    source_close_lanes(s);
    (void)rd_kafka_assign(consumer, NULL);
}
