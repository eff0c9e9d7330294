#include "processor/base/instant.h"
#include "processor/runtime/replay_parts.h"

#include <inttypes.h>
#include <time.h>

static int64_t wall_ms(void)
{
    struct timespec now = { 0 };

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * SECOND_MS;
}

/* Up to where: what the group has, or, if it knows nothing, all there is. Comparing: what the store
 * has. */
static enum err find_end(struct replay *r, const struct kafka_committed *group,
                         const struct store_reply *stored, uint32_t topic, int64_t high,
                         int64_t low)
{
    const struct config *c = r->options->config;
    int64_t *to = &r->plan.to[topic];

    if (r->options->is_building) {
        *to = !group->has_any ? high : group->offsets[topic];
    } else {
        *to = -1;
        for (uint32_t i = 0; i < stored->state->position_count; i++) {
            if (text_equal(stored->state->positions[i].topic, c->inputs[topic].topic)) {
                *to = stored->state->positions[i].next_offset;
            }
        }
    }
    *to = *to < 0 ? low : *to;
    if (*to > high) {
        return replay_fail(r, ERR_CONFIG,
                           "%.*s, partition %" PRId32 ", ends at %" PRId64 ", before %" PRId64
                           " where the work had come: it was made anew",
                           TEXT_PRINTF(c->inputs[topic].topic), r->partition, high, *to);
    }
    return OK;
}

static enum err find_start(struct replay *r, const struct store_reply *stored, uint32_t topic,
                           int64_t low)
{
    const struct replay_options *o = r->options;
    int64_t *from = &r->plan.from[topic];
    enum err e = OK;

    *from = low;
    if (o->start == REPLAY_TIME) {
        e = kafka_group_offset_at(o->kafka, topic, r->partition, o->at_ms, from, r->sentence);
        *from = *from < 0 ? r->plan.to[topic] : *from;
    }
    for (uint32_t i = 0; o->start == REPLAY_OFFSETS && i < o->offset_count; i++) {
        if (o->offsets[i].topic == topic && o->offsets[i].partition == r->partition) {
            *from = o->offsets[i].offset;
        }
    }
    for (uint32_t i = 0;
         o->start == REPLAY_STORED && !stored->is_new && i < stored->state->position_count; i++) {
        const struct topic_position *p = &stored->state->positions[i];

        if (text_equal(p->topic, o->config->inputs[topic].topic) && p->next_offset >= 0) {
            *from = p->next_offset;
        }
    }
    if (*from < low) {
        r->plan.gone += low - *from;
        *from = low;
    }
    *from = *from > r->plan.to[topic] ? r->plan.to[topic] : *from;
    return e;
}

/* The same words, the same number, on any day: so the same call finds what it has begun. */
static uint64_t lineage_of(const struct replay *r, const char *what)
{
    struct arena arena = { 0 };
    const struct replay_options *o = r->options;
    struct text t = arena_format(&arena, "replay %s %.*s %" PRId32 " %d %" PRId64 " %016" PRIx64,
                                 what, TEXT_PRINTF(o->config->rules->app), r->partition,
                                 (int)o->start, o->at_ms, o->config->rules->config);
    uint64_t lineage;

    for (uint32_t i = 0; i < o->offset_count; i++) {
        t = arena_format(&arena, "%.*s %" PRIu32 "/%" PRId32 "=%" PRId64, TEXT_PRINTF(t),
                         o->offsets[i].topic, o->offsets[i].partition, o->offsets[i].offset);
    }
    for (uint32_t i = 0; i < o->config->input_count; i++) {
        t = arena_format(&arena, "%.*s to %" PRId64, TEXT_PRINTF(t), r->plan.to[i]);
    }
    lineage = hash64(t);
    arena_fini(&arena);
    return lineage == 0 ? 1 : lineage;
}

enum err replay_plan_make(struct replay *r, const struct store_reply *stored)
{
    const struct replay_options *o = r->options;
    struct replay_plan *p = &r->plan;
    struct kafka_committed group;
    enum err e = kafka_group_committed(o->kafka, r->partition, &group, r->sentence);

    p->epoch = group.has_mark ? group.mark.epoch : 0;
    p->published = group.has_mark ? group.mark.published : 0;
    p->until_ms = group.has_mark ? group.mark.stream_ms : INSTANT_MIN;
    if (!group.has_mark && !o->config->rules->is_event_clock) {
        p->until_ms = wall_ms();
    }
    if (!o->is_building) {
        p->until_ms = stored->state->stream_ms;
    }
    for (uint32_t i = 0; e == OK && i < o->config->input_count; i++) {
        int64_t low = 0, high = 0;

        e = kafka_group_range(o->kafka, i, r->partition, &low, &high, r->sentence);
        e = e == OK ? find_end(r, &group, stored, i, high, low) : e;
        e = e == OK ? find_start(r, stored, i, low) : e;
        if (o->start == REPLAY_EARLIEST) {
            p->gone += low;
        }
        p->total += p->to[i] - p->from[i];
    }
    p->under_way = lineage_of(r, "under way");
    p->discarding = lineage_of(r, "discarding");
    p->built = lineage_of(r, "built");
    if (o->start == REPLAY_STORED && !stored->is_new) { /* it stays the state that it is */
        p->under_way = p->built = stored->state->lineage;
    }
    r->result->gone = p->gone;
    return e;
}

enum err replay_plan_mark(struct replay *r, int64_t epoch)
{
    struct mark m = { .lineage = r->plan.built,
                      .epoch = epoch,
                      .covered = { epoch, 1 },
                      .published = r->plan.published,
                      .stream_ms = r->plan.until_ms };

    r->plan.epoch = epoch;
    return kafka_group_commit(r->options->kafka, r->partition, r->plan.to, &m, r->sentence);
}
