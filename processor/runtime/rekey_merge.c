#include "processor/runtime/rekey_merge.h"

#include "processor/base/instant.h"

bool rekey_is_sum(struct text counter)
{
    return !text_starts_with(counter, TEXT("experiment/")) ||
           !text_ends_with(counter, TEXT("/arms"));
}

static int64_t pick(int64_t a, int64_t b, bool is_later)
{
    return (a > b) == is_later ? a : b;
}

static const struct topic_position *find(const struct partition_state *s, struct text topic)
{
    for (uint32_t i = 0; i < s->position_count; i++) {
        if (text_equal(s->positions[i].topic, topic)) {
            return &s->positions[i];
        }
    }
    return NULL;
}

static bool is_blank(const struct partition_state *s)
{
    return s->lineage == 0;
}

static void merge_position(const struct rekey_old *old, const struct rekey_goal *goal,
                           int32_t partition, struct topic_position *out)
{
    bool is_log_kept = goal->partitions >= old->count && partition < old->count, is_first = true;

    for (int32_t p = 0; p < old->count; p++) {
        const struct topic_position *found = find(&old->states[p], out->topic);
        int64_t watermark_ms = found == NULL ? INSTANT_MIN : found->watermark_ms;

        if (is_blank(&old->states[p])) {
            continue;
        }
        out->watermark_ms =
            is_first ? watermark_ms : pick(out->watermark_ms, watermark_ms, goal->is_all_applied);
        is_first = false;
        if (is_log_kept && p == partition && found != NULL) {
            out->next_offset = found->next_offset;
            out->last_hash = found->last_hash;
        }
    }
}

static const struct ceiling *find_ceiling(const struct ceilings *all, uint32_t sequence)
{
    for (uint32_t i = 0; i < all->count; i++) {
        if (all->items[i].sequence == sequence) {
            return &all->items[i];
        }
    }
    return NULL;
}

static int64_t share(int64_t sum, int32_t partitions)
{
    return (sum + partitions - 1) / partitions;
}

/* What has left in the latest minute, and waits, is shared out as the ceiling is. A ceiling of less
 * than one email a minute and partition counts in other windows: it begins anew. */
static void merge_ceiling(const struct rekey_old *old, const struct rekey_goal *goal,
                          const struct sequence_plan *plan, struct ceilings *out)
{
    struct ceiling sum = { .sequence = plan->key };

    if (plan->per_minute < old->count || plan->per_minute < goal->partitions ||
        out->count == COMMIT_CEILINGS_MAX) {
        return;
    }
    for (int32_t p = 0; p < old->count; p++) {
        const struct ceiling *c = find_ceiling(&old->states[p].ceilings, plan->key);

        if (c == NULL) {
            continue;
        }
        if (c->window > sum.window) {
            sum.window = c->window;
            sum.sent = 0;
        }
        sum.sent += c->window == sum.window ? c->sent : 0;
        sum.waiting += c->waiting;
    }
    sum.sent = share(sum.sent, goal->partitions);
    sum.waiting = share(sum.waiting, goal->partitions);
    if (sum.window > 0) {
        out->items[out->count++] = sum;
    }
}

/* A ratio is asked of them: each partition may begin with all. */
static void merge_joins(const struct rekey_old *old, struct joins *out)
{
    for (int32_t p = 0; p < old->count; p++) {
        const struct joins *j = &old->states[p].joins;

        out->has_named = out->has_named || j->has_named;
        out->latest = pick(out->latest, j->latest, true);
    }
    for (int32_t p = 0; p < old->count; p++) {
        const struct joins *j = &old->states[p].joins;

        for (int64_t row = j->latest; row > j->latest - COMMIT_JOIN_ROWS && row > 0; row--) {
            if (row > out->latest - COMMIT_JOIN_ROWS) {
                out->rows[row % COMMIT_JOIN_ROWS].named += j->rows[row % COMMIT_JOIN_ROWS].named;
                out->rows[row % COMMIT_JOIN_ROWS].unnamed +=
                    j->rows[row % COMMIT_JOIN_ROWS].unnamed;
            }
        }
    }
}

void rekey_merge_state(const struct rekey_old *old, const struct rekey_goal *goal,
                       int32_t partition, struct partition_state *out_state)
{
    const struct partition_state *first = NULL;
    struct partition_state s;

    partition_state_init(&s);
    s.partition_count = goal->partitions;
    for (int32_t p = 0; p < old->count; p++) {
        const struct partition_state *o = &old->states[p];

        if (is_blank(o)) {
            continue;
        }
        if (first == NULL) {
            first = o;
            s.stream_ms = o->stream_ms;
            s.config = o->config;
            s.swept = o->swept;
        }
        s.stream_ms = pick(s.stream_ms, o->stream_ms, goal->is_all_applied);
        if (o->config != s.config || o->swept != s.swept) { /* everybody is visited again */
            s.config = s.swept = 0;
        }
    }
    s.position_count = goal->topic_count;
    for (uint32_t i = 0; i < goal->topic_count; i++) {
        s.positions[i] = (struct topic_position){ goal->topics[i], -1, INSTANT_MIN, 0 };
        merge_position(old, goal, partition, &s.positions[i]);
    }
    for (uint32_t i = 0; i < goal->rules->sequence_count; i++) {
        merge_ceiling(old, goal, &goal->rules->sequences[i], &s.ceilings);
    }
    merge_joins(old, &s.joins);
    *out_state = s;
}
