/* DESIGN. What a worker has done since its start, and what it has now, in one struct under a lock:
 * the supervisor reads it for metrics and readiness while the worker's thread goes on.
 */
#include "processor/base/instant.h"
#include "processor/base/log.h"
#include "processor/runtime/worker_parts.h"

/* What grew since the last look is added; what is now is summed. */
static void count(struct worker_view *v, struct slot *s)
{
    struct task_stats now, *total = &v->stats, *seen = &s->counted;

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
    if (seen->misplaced == 0 && now.misplaced > 0) {
        log_line(LOG_WARN, "input.misplaced",
                 "partition=%d count=%lld reason=\"a producer does not partition by murmur2 of the "
                 "customer\"",
                 s->partition, (long long)now.misplaced);
    }
    if (seen->ceiling_held == 0 && now.ceiling_held > 0) {
        log_line(LOG_WARN, "limits.ceiling", "partition=%d held=%lld", s->partition,
                 (long long)now.ceiling_held);
    }
    if (seen->join_held == 0 && now.join_held > 0) {
        log_line(LOG_WARN, "limits.join_guard", "partition=%d held=%lld", s->partition,
                 (long long)now.join_held);
    }
    for (int i = 0; i < OUTPUT_TYPE__COUNT; i++) {
        total->outputs[i] += now.outputs[i] - seen->outputs[i];
    }
    total->cached += now.cached;
    total->sweeping += now.sweeping;
    total->timers += now.timers;
    total->outbox_pending += now.outbox_pending;
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
    v->partitions = v->ready_partitions = 0;
    v->stats.cached = v->stats.timers = v->stats.outbox_pending = v->stats.sweeping = 0;
    v->stats.stream_ms = INSTANT_NEVER;
    for (uint32_t i = 0; i < w->slot_count; i++) {
        count(v, w->slots[i]);
        v->partitions++;
        v->ready_partitions += w->slots[i]->is_ready;
    }
    pthread_mutex_unlock(&w->view_lock);
}

void worker_view(struct worker *w, struct worker_view *out_view)
{
    pthread_mutex_lock(&w->view_lock);
    *out_view = w->view;
    pthread_mutex_unlock(&w->view_lock);
}
