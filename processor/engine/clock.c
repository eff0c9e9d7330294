#include "processor/engine/clock.h"

#include "processor/base/check.h"

void clock_init(struct clock *k, uint32_t topic_count, bool is_event_clock)
{
    CHECK(topic_count <= COMMIT_TOPICS_MAX);
    *k = (struct clock){ .is_event_clock = is_event_clock,
                         .stream_ms = INSTANT_MIN,
                         .topic_count = topic_count };
    for (uint32_t i = 0; i < topic_count; i++) {
        k->topics[i].watermark_ms = INSTANT_MIN;
    }
}

void clock_record(struct clock *k, uint32_t topic, int64_t at_ms)
{
    CHECK(topic < k->topic_count);
    if (at_ms > k->topics[topic].watermark_ms) {
        k->topics[topic].watermark_ms = at_ms;
    }
}

void clock_at_end(struct clock *k, uint32_t topic, bool is_at_end)
{
    CHECK(topic < k->topic_count);
    k->topics[topic].is_at_end = is_at_end;
}

int64_t clock_trust(struct clock_wall *w, int64_t wall_ms, int64_t elapsed_ms)
{
    int64_t may_ms, ahead_ms;

    if (!w->is_set) {
        *w = (struct clock_wall){ true, wall_ms, elapsed_ms, CLOCK_JUMP_MAX_MS };
        return wall_ms;
    }
    may_ms = w->credit_ms + 2 * (elapsed_ms - w->elapsed_ms);
    ahead_ms = wall_ms < w->trusted_ms ? 0 : wall_ms - w->trusted_ms;
    ahead_ms = ahead_ms < may_ms ? ahead_ms : may_ms;
    w->trusted_ms += ahead_ms;
    w->elapsed_ms = elapsed_ms;
    w->credit_ms = may_ms - ahead_ms < CLOCK_JUMP_MAX_MS ? may_ms - ahead_ms : CLOCK_JUMP_MAX_MS;
    return w->trusted_ms;
}

int64_t clock_advance(struct clock *k, int64_t wall_ms)
{
    int64_t smallest_behind = INT64_MAX, largest = INSTANT_MIN, next;
    bool is_behind = false;

    for (uint32_t i = 0; i < k->topic_count; i++) {
        const struct clock_topic *t = &k->topics[i];

        largest = t->watermark_ms > largest ? t->watermark_ms : largest;
        if (!t->is_at_end) {
            is_behind = true;
            smallest_behind = t->watermark_ms < smallest_behind ? t->watermark_ms : smallest_behind;
        }
    }
    next = is_behind ? smallest_behind : k->is_event_clock ? largest : wall_ms;
    if (next > k->stream_ms) {
        k->stream_ms = next;
    }
    return k->stream_ms;
}

int32_t clock_next(const struct clock *k, const int64_t *heads_ms, const bool *has_head)
{
    int32_t best = -1, waiting = 0;

    for (uint32_t i = 0; i < k->topic_count; i++) {
        if (!has_head[i]) {
            waiting += k->topics[i].is_at_end ? 0 : 1;
        } else if (best < 0 || heads_ms[i] < heads_ms[best]) {
            best = (int32_t)i;
        }
    }
    if (waiting > 0) {
        return -1;
    }
    return best < 0 ? -2 : best;
}
