#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/log.h"
#include "processor/base/mem.h"
#include "processor/runtime/worker_parts.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

#define BATCH_RECORDS    1000
#define BATCH_TIMERS     1000
#define OUTBOX_BYTES_MAX (16 * 1024 * 1024)
#define DRAIN_MAX_MS     5000
#define REDO_MS          10000 /* Redis syncs once a second, and is late by seconds at worst */
#define REDO_BYTES_MAX   (32 * 1024 * 1024)
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

/* --- what the group is told --- */

static struct publisher_progress progress_of(const struct worker *w, const struct slot *s,
                                             int64_t *offsets)
{
    for (uint32_t i = 0; i < w->options.config->input_count; i++) {
        offsets[i] = task_next_offset(s->task, i);
    }
    return (struct publisher_progress){ .partition = s->partition,
                                        .topics = w->topics,
                                        .next_offsets = offsets,
                                        .topic_count = w->options.config->input_count,
                                        .mark = task_mark(s->task) };
}

void worker_tell_progress(struct worker *w, struct slot *s)
{
    int64_t offsets[COMMIT_TOPICS_MAX];
    struct publisher_progress progress = progress_of(w, s, offsets);
    const struct guard *now = &progress.mark.covered;

    if (task_error(s->task) == OK && !s->is_leaving &&
        (!s->is_progress_known || now->version != s->progressed.version ||
         now->epoch != s->progressed.epoch)) {
        s->is_progress_known = true;
        s->progressed = *now;
        (void)publisher_progress(w->options.publisher, &progress);
    }
}

/* With transactions the offsets leave with the outputs; else the group is told once a second. */
static void tell_group(struct worker *w, struct slot *s, bool is_now)
{
    int64_t offsets[COMMIT_TOPICS_MAX];
    struct publisher_progress progress = progress_of(w, s, offsets);
    bool is_new = progress.mark.published > s->reported_published;
    char text[MARK_TEXT_SIZE];

    progress.is_urgent = is_now;
    for (uint32_t i = 0; i < progress.topic_count; i++) {
        is_new = is_new || offsets[i] > s->reported[i];
    }
    if (!s->is_ready || (!is_new && !is_now) || task_error(s->task) != OK) {
        return;
    }
    memcpy(s->reported, offsets, progress.topic_count * sizeof(int64_t));
    s->reported_published = progress.mark.published;
    if (!publisher_progress(w->options.publisher, &progress)) {
        source_commit(w->source, s->partition, offsets, mark_format(&progress.mark, text));
    }
}

/* A topic that was read and committed to its end has no lag, though the marks of transactions stand
 * behind its last record. */
static void measure_lag(const struct worker *w, struct slot *s)
{
    s->input_lag = 0;
    for (uint32_t i = 0; i < w->options.config->input_count; i++) {
        int64_t next = task_next_offset(s->task, i);

        if (!s->is_ended[i] || (s->seen[i] >= 0 && next < s->seen[i])) {
            s->input_lag += source_behind(w->source, s->partition, i, next);
        }
    }
}

void worker_commit_to_group(struct worker *w, bool is_at_once)
{
    int64_t now_ms = worker_clock_ms(CLOCK_MONOTONIC);

    if (is_at_once || now_ms >= w->group_commit_ms + GROUP_COMMIT_MS) {
        w->group_commit_ms = now_ms;
        for (uint32_t i = 0; i < w->slot_count; i++) {
            tell_group(w, w->slots[i], is_at_once);
            measure_lag(w, w->slots[i]);
        }
    }
}

/* --- partitions come --- */

void worker_on_joined(void *context, struct bytes identity)
{
    struct worker *w = context;

    w->is_joined = true;
    w->is_refused = w->is_untold = false;
    publisher_join(w->options.publisher, identity);
}

static uint64_t random_lineage(void)
{
    uint64_t lineage = 0;

    while (lineage == 0) {
        while (getrandom(&lineage, sizeof(lineage), 0) < 0) {
            CHECK(errno == EINTR);
        }
    }
    return lineage;
}

static struct slot *open_slot(struct worker *w, int32_t partition, const struct mark *mark)
{
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
                                    .commit_every_ms = c->commit_every_ms,
                                    .is_exactly_once = c->is_exactly_once,
                                    .is_volatile = c->store == STORE_KIND_MEMORY,
                                    .mark = mark,
                                    .lineage = random_lineage(),
                                    .redo_ms = REDO_MS,
                                    .redo_bytes_max = REDO_BYTES_MAX,
                                    .stop_above = c->stop_above };
    struct slot *s = mem_alloc(sizeof(*s));

    s->partition = partition;
    s->task = task_new(&options);
    for (uint32_t i = 0; i < c->input_count; i++) {
        s->reported[i] = s->seen[i] = -1;
    }
    w->slots = mem_grow32(w->slots, w->slot_count, &w->slot_capacity, sizeof(struct slot *));
    w->slots[w->slot_count++] = s;
    deliveries_own(w->options.deliveries, partition, w->wake_fd);
    return s;
}

/* Mark, claim, and mark again if need be: all that must be settled before the first record. */
static void take_over(struct worker *w, struct slot *s)
{
    char text[MARK_TEXT_SIZE];
    struct mark mark;

    while (!atomic_load(&w->is_stopping)) {
        struct task_now now = { INSTANT_MIN, INSTANT_MIN, worker_clock_ms(CLOCK_MONOTONIC) };
        enum task_want want = task_turn(s->task, &now);

        if (want == TASK_WANT_MARK) {
            mark = task_mark(s->task);
            task_marked(s->task,
                        source_write_mark(w->source, s->partition, mark_format(&mark, text)));
        } else if (want == TASK_WANT_CLAIM) {
            if (!s->is_under_way) {
                worker_ask(w, s, want);
            }
            worker_serve_store(w, 100);
        } else {
            return;
        }
    }
}

static bool is_taken(struct worker *w, const struct slot *s)
{
    return !atomic_load(&w->is_stopping) && task_error(s->task) == OK;
}

bool worker_on_assigned(void *context, int32_t partition, struct text mark, int64_t *out_offsets)
{
    struct worker *w = context;
    struct mark remembered;
    enum err error = partition < w->options.partition_count ? worker_check_count(w)
                                                            : ERR_PARTITIONS; /* it has grown */
    bool is_marked = mark.at != NULL && mark_parse(mark, &remembered) == OK;
    struct slot *s;

    if (error != OK) {
        w->error = error == ERR_UNAVAILABLE ? w->error : error;
        return false;
    }
    s = open_slot(w, partition, is_marked ? &remembered : NULL);
    if (mark.at != NULL && !is_marked) {
        log_line(LOG_WARN, "group.mark",
                 "partition=%d reason=\"the offset's metadata is not ours\"", partition);
    }
    take_over(w, s);
    if (!is_taken(w, s)) {
        w->is_refused = true;
        w->rejoin_ms = worker_clock_ms(CLOCK_MONOTONIC) + REJOIN_AFTER_MS;
        worker_released(w, s);
        return false;
    }
    if (task_is_repeating(s->task)) {
        log_line(LOG_WARN, "task.repeating",
                 "partition=%d reason=\"the store has lost commits: their outputs are repeated\"",
                 partition);
    }
    for (uint32_t i = 0; i < w->options.config->input_count; i++) {
        out_offsets[i] = task_read_offset(s->task, i);
    }
    return true;
}

/* What is to be read is not there. Behind the end: the topic is another one. Before the start: its
 * records have gone by retention, and are missed for ever. */
int64_t worker_on_gone(void *context, int32_t partition, uint32_t topic, int64_t low, int64_t high)
{
    struct worker *w = context;
    struct slot *s = find_slot(w, partition);
    int64_t next = s == NULL ? -1 : task_next_offset(s->task, topic);

    if (next > high) {
        log_line(LOG_ERROR, "input.another", "topic=%.*s partition=%d applied=%lld end=%lld",
                 TEXT_PRINTF(w->topics[topic]), partition, (long long)next, (long long)high);
        w->error = ERR_TRUNCATED;
        return -1;
    }
    if (next >= 0 && next < low) {
        log_line(LOG_ERROR, "input.lost", "topic=%.*s partition=%d records=%lld first=%lld",
                 TEXT_PRINTF(w->topics[topic]), partition, (long long)(low - next),
                 (long long)next);
    }
    return next < low ? low : next;
}

/* --- partitions go --- */

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
    while (!publisher_is_idle(w->options.publisher) &&
           publisher_trouble(w->options.publisher) == OK &&
           worker_clock_ms(CLOCK_MONOTONIC) < until_ms) {
        worker_serve_store(w, 5);
    }
}

void worker_on_revoked(void *context, bool is_lost)
{
    struct worker *w = context;

    if (!is_lost && publisher_trouble(w->options.publisher) == OK) {
        drain(w);
    }
    publisher_join(w->options.publisher, BYTES_NONE);
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
    s->is_ended[topic] = record == NULL;
    if (record == NULL) {
        task_at_end(s->task, topic, true);
    } else {
        s->seen[topic] = record->offset + 1;
        task_push(s->task, record, w->wall_ms);
    }
}
