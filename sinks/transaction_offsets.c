#include "sinks/transaction_offsets.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"

#include <string.h>

static void lane_fini(struct transaction_lane *l)
{
    for (uint32_t i = 0; i < l->topic_count; i++) {
        mem_free(l->topics[i]);
    }
    mem_free((void *)l->topics);
    mem_free(l->next_offsets);
    *l = (struct transaction_lane){ .topics = NULL };
}

void transaction_offsets_fini(struct transaction_offsets *o)
{
    for (uint32_t i = 0; i < o->lane_count; i++) {
        lane_fini(&o->lanes[i]);
    }
    mem_free(o->lanes);
    *o = (struct transaction_offsets){ NULL, 0 };
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void transaction_offsets_take(struct transaction_offsets *o,
                              const struct publisher_progress *progress)
{
    struct transaction_lane *l;

    CHECK(progress->partition >= 0 && progress->topic_count > 0);
    while ((uint32_t)progress->partition >= o->lane_count) {
        o->lanes = mem_grow32(o->lanes, o->lane_count, &o->lane_count, sizeof(*o->lanes));
    }
    l = &o->lanes[progress->partition];
    if (l->topics == NULL) {
        l->topic_count = progress->topic_count;
        l->topics = (char **)mem_alloc(l->topic_count * sizeof(char *));
        l->next_offsets = mem_alloc(l->topic_count * sizeof(int64_t));
        for (uint32_t i = 0; i < l->topic_count; i++) {
            l->topics[i] = mem_dup(progress->topics[i].at, progress->topics[i].size);
        }
    }
    memcpy(l->next_offsets, progress->next_offsets, l->topic_count * sizeof(int64_t));
    CHECK(progress->mark.covered.version >= l->mark.covered.version);
    l->mark = progress->mark;
    l->published = later(l->published, progress->mark.published);
    l->is_urgent = progress->is_urgent;
    l->newest++;
}

void transaction_offsets_forget(struct transaction_offsets *o, int32_t partition)
{
    if ((uint32_t)partition < o->lane_count) {
        lane_fini(&o->lanes[partition]);
    }
}

struct transaction_lane *transaction_offsets_lane(struct transaction_offsets *o, int32_t partition)
{
    return (uint32_t)partition < o->lane_count && o->lanes[partition].topics != NULL
               ? &o->lanes[partition]
               : NULL;
}

int64_t transaction_offsets_due_ms(const struct transaction_offsets *o, int64_t every_ms)
{
    int64_t due_ms = INSTANT_NEVER;

    for (uint32_t i = 0; i < o->lane_count; i++) {
        const struct transaction_lane *l = &o->lanes[i];
        int64_t at_ms = l->is_urgent ? INSTANT_MIN : l->told_at_ms + every_ms;

        if (l->told != l->newest && at_ms < due_ms) {
            due_ms = at_ms;
        }
    }
    return due_ms;
}

static void add(rd_kafka_topic_partition_list_t *list, const struct transaction_lane *l,
                int32_t partition)
{
    struct mark mark = l->mark;
    char text[MARK_TEXT_SIZE];
    struct text t;

    mark.published = later(l->published, l->sent);
    t = mark_format(&mark, text);
    for (uint32_t i = 0; i < l->topic_count; i++) {
        rd_kafka_topic_partition_t *p;

        if (i > 0 && l->next_offsets[i] < 0) {
            continue;
        }
        p = rd_kafka_topic_partition_list_add(list, l->topics[i], partition);
        p->offset = l->next_offsets[i] < 0 ? 0 : l->next_offsets[i];
        if (i == 0) {
            p->metadata = rd_kafka_mem_malloc(NULL, t.size); /* freed with the list */
            CHECK(p->metadata != NULL);
            memcpy(p->metadata, t.at, t.size);
            p->metadata_size = t.size;
        }
    }
}

rd_kafka_topic_partition_list_t *transaction_offsets_list(struct transaction_offsets *o)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);

    for (uint32_t i = 0; i < o->lane_count; i++) {
        struct transaction_lane *l = &o->lanes[i];

        if (l->topics != NULL && (l->sent > 0 || l->told != l->newest)) {
            l->telling = l->newest;
            add(list, l, (int32_t)i);
        }
    }
    return list;
}

void transaction_offsets_end(struct transaction_offsets *o, bool is_committed, int64_t now_ms)
{
    for (uint32_t i = 0; i < o->lane_count; i++) {
        struct transaction_lane *l = &o->lanes[i];

        if (is_committed && l->telling > 0) {
            CHECK(l->sent == 0 || l->sent > l->published);
            l->published = later(l->published, l->sent);
            l->told = l->telling;
            l->told_at_ms = now_ms;
            l->is_urgent = l->is_urgent && l->told != l->newest;
        }
        l->sent = 0;
        l->telling = 0;
    }
}
