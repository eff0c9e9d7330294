#include "processor/base/instant.h"
#include "processor/base/log.h"
#include "processor/base/mem.h"
#include "processor/runtime/worker_parts.h"

#include <time.h>

#define BATCH_RECORDS    1000
#define BATCH_TIMERS     1000
#define OUTBOX_BYTES_MAX (16 * 1024 * 1024)
#define DRAIN_MAX_MS     5000
#define GROUP_COMMIT_MS  1000

static struct slot *find_slot(const struct worker *w, int32_t partition)
{
    for (uint32_t i = 0; i < w->slot_count; i++) {
        if (w->slots[i]->partition == partition && !w->slots[i]->is_leaving) {
            return w->slots[i];
        }
    }
    return NULL;
}

static void commit_to_group(struct worker *w, struct slot *s)
{
    int64_t offsets[COMMIT_TOPICS_MAX];
    bool is_new = false;

    if (!s->is_ready) {
        return;
    }
    for (uint32_t i = 0; i < w->options.config->input_count; i++) {
        offsets[i] = task_next_offset(s->task, i);
        is_new = is_new || offsets[i] > s->reported[i];
    }
    if (is_new) {
        memcpy(s->reported, offsets, w->options.config->input_count * sizeof(int64_t));
        source_commit(w->source, s->partition, offsets);
    }
}

void worker_commit_to_group(struct worker *w, bool is_at_once)
{
    int64_t now_ms = worker_clock_ms(CLOCK_MONOTONIC);

    if (is_at_once || now_ms >= w->group_commit_ms + GROUP_COMMIT_MS) {
        w->group_commit_ms = now_ms;
        for (uint32_t i = 0; i < w->slot_count; i++) {
            commit_to_group(w, w->slots[i]);
        }
    }
}

bool worker_on_assigned(void *context, int32_t partition, int64_t *out_offsets)
{
    struct worker *w = context;
    const struct config *c = w->options.config;
    struct task_options options = { .rules = c->rules,
                                    .topics = w->topics,
                                    .topic_count = c->input_count,
                                    .partition = partition,
                                    .partition_count = w->options.partition_count,
                                    .batch_records = BATCH_RECORDS,
                                    .batch_timers = BATCH_TIMERS,
                                    .cache_bytes = (size_t)(c->cache_bytes / c->workers),
                                    .outbox_bytes_max = OUTBOX_BYTES_MAX,
                                    .commit_every_ms = c->commit_every_ms };
    struct slot *s = mem_alloc(sizeof(*s));

    w->is_joined = true;
    s->partition = partition;
    s->task = task_new(&options);
    w->slots = mem_grow32(w->slots, w->slot_count, &w->slot_capacity, sizeof(struct slot *));
    w->slots[w->slot_count++] = s;
    deliveries_own(w->options.deliveries, partition, w->wake_fd);
    worker_ask(w, s, task_turn(s->task, INSTANT_MIN, worker_clock_ms(CLOCK_MONOTONIC)));
    while (s->is_under_way && !atomic_load(&w->is_stopping)) {
        worker_serve_store(w, 100);
    }
    if (s->is_under_way || task_error(s->task) != OK) {
        w->error = task_error(s->task);
        return false;
    }
    for (uint32_t i = 0; i < c->input_count; i++) {
        out_offsets[i] = task_next_offset(s->task, i);
        s->reported[i] = -1;
    }
    return true;
}

static bool are_drained(const struct worker *w)
{
    for (uint32_t i = 0; i < w->slot_count; i++) {
        const struct slot *s = w->slots[i];

        if (!s->is_leaving && (s->is_under_way || s->held != NULL || !task_is_drained(s->task))) {
            return false;
        }
    }
    return true;
}

/* Finish what is under way and write down what was published, for a short while. */
static void drain(struct worker *w)
{
    int64_t until_ms = worker_clock_ms(CLOCK_MONOTONIC) + DRAIN_MAX_MS;

    for (uint32_t i = 0; i < w->slot_count; i++) {
        task_drain(w->slots[i]->task);
    }
    while (!are_drained(w) && worker_clock_ms(CLOCK_MONOTONIC) < until_ms) {
        worker_turns(w);
        worker_serve_store(w, 5);
    }
    worker_commit_to_group(w, true);
}

void worker_on_revoked(void *context, bool is_lost)
{
    struct worker *w = context;

    if (!is_lost) {
        drain(w);
    }
    for (uint32_t i = w->slot_count; i > 0; i--) {
        struct slot *s = w->slots[i - 1];

        if (s->is_leaving) {
            continue;
        }
        task_revoke(s->task);
        deliveries_own(w->options.deliveries, s->partition, -1);
        publisher_forget(w->options.publisher, s->partition);
        worker_give_back(s);
        s->is_leaving = true;
        store_submit(w->options.store,
                     &(struct store_request){ .verb = STORE_RELEASE, .partition = s->partition });
        log_line(LOG_INFO, "task.released", "partition=%d lost=%d", s->partition, is_lost);
        if (!s->is_under_way) {
            worker_free_slot(w, s);
        }
    }
    worker_serve_store(w, 0);
}

void worker_on_record(void *context, int32_t partition, uint32_t topic, struct task_record *record)
{
    struct worker *w = context;
    struct slot *s = find_slot(w, partition);

    if (s == NULL) {
        if (record != NULL) {
            source_give_back(record);
        }
        return;
    }
    if (record == NULL) {
        task_at_end(s->task, topic, true);
    } else {
        task_push(s->task, record);
    }
}
