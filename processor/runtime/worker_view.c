/* DESIGN. What a worker has done since its start, and what it has now, in one struct under a lock:
 * the supervisor reads it for metrics and readiness while the worker's thread goes on.
 */
#include "processor/base/instant.h"
#include "processor/base/log.h"
#include "processor/runtime/worker_parts.h"

/* Once a partition, where limits hold emails back. */
static void say_held(const struct slot *s, const char *event, int64_t before, int64_t now)
{
    if (before == 0 && now > 0) {
        log_line(LOG_WARN, event, "partition=%d held=%lld", s->partition, (long long)now);
    }
}

static void say_stopped(const struct worker *w, const struct slot *s)
{
    const struct task_stop *stop = task_stopped(s->task);

    if (stop != NULL) {
        log_line(LOG_ERROR, "task.stopped",
                 "partition=%d topic=%.*s offset=%lld letter=%s text=\"%s\" dead_letters=%lld "
                 "records=%lld reason=\"more than dead_letters.stop_above\"",
                 s->partition, TEXT_PRINTF(w->topics[stop->record->topic]),
                 (long long)stop->record->offset, reject_name(stop->record->reject),
                 stop->record->reject_text, (long long)stop->letters, (long long)stop->records);
    }
}

/* What has happened for the first time since the last look. */
static void say_news(const struct worker *w, const struct slot *s, const struct task_stats *now)
{
    say_held(s, "limits.ceiling", s->counted.ceiling_held, now->ceiling_held);
    say_held(s, "limits.join_guard", s->counted.join_held, now->join_held);
    if (s->counted.misplaced == 0 && now->misplaced > 0) {
        log_line(LOG_WARN, "input.misplaced",
                 "partition=%d count=%lld reason=\"a producer does not partition by murmur2 of the "
                 "customer\"",
                 s->partition, (long long)now->misplaced);
    }
    if (s->counted.stopped == 0 && now->stopped > 0) {
        say_stopped(w, s);
    }
}

/* What grew since the last look is added; what is now is summed. */
static void count(struct worker *w, struct slot *s)
{
    struct task_stats now, *total = &w->view.stats, *seen = &s->counted;

    task_stats(s->task, &now);
    total->records += now.records - seen->records;
    total->duplicates += now.duplicates - seen->duplicates;
    total->late += now.late - seen->late;
    total->diverted += now.diverted - seen->diverted;
    total->misplaced += now.misplaced - seen->misplaced;
    total->skipped += now.skipped - seen->skipped;
    total->timers_fired += now.timers_fired - seen->timers_fired;
    total->commits += now.commits - seen->commits;
    total->redone += now.redone - seen->redone;
    total->reconfigured += now.reconfigured - seen->reconfigured;
    total->ceiling_held += now.ceiling_held - seen->ceiling_held;
    total->join_held += now.join_held - seen->join_held;
    total->zones_unknown += now.zones_unknown - seen->zones_unknown;
    say_news(w, s, &now);
    for (int i = 0; i < OUTPUT_TYPE__COUNT; i++) {
        total->outputs[i] += now.outputs[i] - seen->outputs[i];
    }
    total->cached += now.cached;
    total->sweeping += now.sweeping;
    total->timers += now.timers;
    total->outbox_pending += now.outbox_pending;
    total->stopped += now.stopped;
    total->stream_ms = now.stream_ms < total->stream_ms ? now.stream_ms : total->stream_ms;
    *seen = now;
}

void worker_update_view(struct worker *w)
{
    struct worker_view *v = &w->view;

    pthread_mutex_lock(&w->view_lock);
    v->is_kafka_up = source_is_up(w->source);
    v->is_joined = w->is_joined;
    v->error = w->error;
    v->stored_partitions = w->stored_partitions;
    v->moving_to = w->moving_to;
    v->partitions = v->ready_partitions = v->input_lag = 0;
    v->stats.cached = v->stats.timers = v->stats.outbox_pending = v->stats.sweeping =
        v->stats.stopped = 0;
    v->stats.stream_ms = INSTANT_NEVER;
    for (uint32_t i = 0; i < w->slot_count; i++) {
        count(w, w->slots[i]);
        v->partitions++;
        v->ready_partitions += w->slots[i]->is_ready;
        v->input_lag += w->slots[i]->input_lag;
    }
    pthread_mutex_unlock(&w->view_lock);
}

uint64_t worker_beats(struct worker *w)
{
    return atomic_load(&w->beats);
}

void worker_view(struct worker *w, struct worker_view *out_view)
{
    pthread_mutex_lock(&w->view_lock);
    *out_view = w->view;
    pthread_mutex_unlock(&w->view_lock);
}
