#include "processor/engine/task.h"

#include "processor/base/check.h"
#include "processor/base/hash.h"
#include "processor/base/mem.h"
#include "processor/engine/task_parts.h"

#define FUTURE_MAX_MS (5 * MINUTE_MS) /* an event further ahead of the wall clock is diverted */
#define QUEUE_BYTES_MAX                                                                            \
    (4 * 1024 * 1024) /* of a topic's records that wait, then no more are taken */

struct task *task_new(const struct task_options *options)
{
    struct task *t = mem_alloc(sizeof(*t));

    CHECK(options->topic_count > 0 && options->topic_count <= COMMIT_TOPICS_MAX);
    CHECK(options->batch_records > 0 && options->batch_timers > 0);
    t->options = *options;
    clock_init(&t->clock, options->topic_count, options->rules->is_event_clock);
    partition_state_init(&t->state);
    t->has_mark = options->mark != NULL && !options->is_volatile;
    t->mark = t->has_mark ? *options->mark : (struct mark){ .stream_ms = INSTANT_MIN };
    t->epoch = options->mark == NULL ? 1 : options->mark->epoch + 1;
    t->options.mark = NULL;
    t->breaker.plan = options->stop_above;
    t->picked = mem_alloc(options->batch_records * sizeof(struct picked));
    t->outputs.arena = &t->output_arena;
    t->waiting_since_ms = INSTANT_NEVER;
    t->wall_ms = t->read_ms = INSTANT_MIN;
    for (uint32_t i = 0; i < options->topic_count; i++) {
        t->queues[i].mean = QUEUE_BYTES_MAX / 128; /* until it is known */
    }
    t->last_commit_ms = INT64_MIN / 2;
    t->cursor_due_ms = INSTANT_MIN;
    return t;
}

void task_free(struct task *t)
{
    if (t == NULL) {
        return;
    }
    task_forget_customers(t);
    outbox_fini(&t->outbox);
    redo_fini(&t->redo);
    counters_fini(&t->counters);
    mem_free(t->counted);
    outputs_fini(&t->outputs);
    arena_fini(&t->output_arena);
    arena_fini(&t->scratch);
    bytes_out_fini(&t->encoded);
    mem_free((void *)(uintptr_t)t->cursor_customer.at);
    mem_free(t->picked);
    mem_free(t->timed.items);
    mem_free(t->wanted.items);
    mem_free(t->dirty.items);
    mem_free(t->visited.items);
    mem_free(t->load);
    mem_free(t->records);
    mem_free(t->record_ends);
    mem_free(t->entries);
    mem_free(t);
}

void task_release(struct task *t, enum err error)
{
    if (t->phase == PHASE_RELEASED) {
        return;
    }
    t->phase = PHASE_RELEASED;
    t->error = error;
    task_batch_done(t);
    for (uint32_t i = 0; i < t->options.topic_count; i++) {
        struct task_record *next;

        for (struct task_record *r = t->queues[i].first; r != NULL; r = next) {
            next = r->next;
            task_hand_back(t, r);
        }
        t->queues[i] = (struct queue){ 0 };
    }
    t->queued = 0;
}

/* --- inputs --- */

void task_loaded(struct task *t, enum err error, const struct bytes *records, uint32_t count)
{
    if (t->phase != PHASE_LOADING) {
        return;
    }
    CHECK(error != OK || count == t->wanted.count);
    for (uint32_t i = 0; error == OK && i < count; i++) {
        struct known *k = t->wanted.items[i];
        struct customer *c = NULL;

        if (records[i].at == NULL) {
            c = customer_new();
        } else {
            error = customer_decode(records[i], &c);
        }
        if (error == OK) {
            task_keep(t, k, c, records[i].size);
            k->is_wanted = false;
        }
    }
    if (error != OK) {
        task_store_failed(t, error);
        return;
    }
    t->phase = PHASE_LOADED;
}

static void committed(struct task *t)
{
    CHECK(t->state.guard.epoch == t->epoch && t->state.guard.version == t->guard.version + 1);
    CHECK(t->commit.state.stream_ms >= t->covered_ms);
    counters_clean(&t->counters);
    redo_keep(t);
    t->guard = t->covered = t->state.guard;
    t->covered_ms = t->commit.state.stream_ms;
    t->outbox.durable = t->commit.state.outbox_last;
    t->last_commit_ms = t->monotonic_ms;
    t->stats.commits++;
    for (uint32_t i = 0; i < t->options.topic_count; i++) {
        CHECK(t->commit.state.positions[i].next_offset >= t->committed[i]);
        t->committed[i] = t->commit.state.positions[i].next_offset;
    }
    task_batch_done(t);
    task_evict(t);
    t->phase = PHASE_READY;
}

void task_committed(struct task *t, enum err error)
{
    if (t->phase != PHASE_COMMITTING && t->phase != PHASE_REDOING) {
        return;
    }
    if (error != OK) {
        task_store_failed(t, error);
    } else if (t->phase == PHASE_REDOING) {
        t->phase = t->resumed_phase;
    } else {
        committed(t);
    }
}

void task_published(struct task *t, int64_t sequence)
{
    if (t->phase != PHASE_RELEASED && sequence > t->outbox.published) {
        outbox_published(&t->outbox, sequence);
    }
}

void task_revoke(struct task *t)
{
    task_release(t, OK);
}

void task_drain(struct task *t)
{
    t->is_draining = true;
}

void task_doubt(struct task *t)
{
    t->is_doubted = t->is_claimed;
}

/* What only the partition and the clock can tell about a record. */
static void examine(struct task *t, struct task_record *r, int64_t wall_ms)
{
    const struct event *ev = r->event;

    if (hash_partition(ev->customer, t->options.partition_count) != t->options.partition) {
        t->stats.misplaced++;
        r->event = NULL;
        r->reject = REJECT_WRONG_PARTITION;
        r->reject_text = "the customer's key belongs to another partition (murmur2)";
    } else if (!t->options.rules->is_event_clock && !t->options.is_history &&
               wall_ms != INSTANT_MIN && ev->at_ms > wall_ms + FUTURE_MAX_MS) {
        r->event = NULL;
        r->reject = REJECT_FUTURE;
        r->reject_text = "its time is more than 5 minutes ahead of the wall clock";
    }
}

uint64_t task_record_hash(const struct task_record *r)
{
    uint64_t key = hash64((struct text){ (const char *)r->key.at, r->key.size });
    uint64_t value = hash64((struct text){ (const char *)r->value.at, r->value.size });
    uint64_t both = key + value * UINT64_C(0x9e3779b97f4a7c15);

    return both == 0 ? 1 : both;
}

/* The last record that was applied, read once more after a takeover: is it still the same? A topic
 * that was deleted and made again has another there. */
static bool is_known_last(const struct task *t, const struct task_record *record)
{
    const struct topic_position *p = &t->state.positions[record->topic];

    return t->is_claimed && p->last_hash != 0 && record->offset + 1 == p->next_offset;
}

void task_push(struct task *t, struct task_record *record, int64_t wall_ms)
{
    struct queue *q = &t->queues[record->topic];

    record->next = NULL;
    if (t->phase != PHASE_RELEASED && is_known_last(t, record)) {
        bool is_same = task_record_hash(record) == t->state.positions[record->topic].last_hash;

        task_hand_back(t, record);
        if (!is_same) {
            task_release(t, ERR_TRUNCATED);
        }
        return;
    }
    if (t->phase == PHASE_RELEASED || record->offset < q->expected) {
        t->stats.skipped++;
        task_hand_back(t, record);
        return;
    }
    q->expected = record->offset + 1;
    if (record->event != NULL) {
        examine(t, record, wall_ms);
    }
    if (q->last == NULL) {
        q->first = record;
    } else {
        q->last->next = record;
    }
    q->last = record;
    q->count++;
    q->bytes += record->key.size + record->value.size;
    q->mean = (7 * q->mean + record->key.size + record->value.size) / 8;
    q->is_at_end = false;
    t->queued++;
}

void task_at_end(struct task *t, uint32_t topic, bool is_at_end)
{
    t->queues[topic].is_at_end = is_at_end;
}

/* --- the turn --- */

static enum task_want begin_commit(struct task *t)
{
    task_apply(t);
    t->phase = PHASE_COMMITTING;
    return TASK_WANT_COMMIT;
}

static enum task_want begin_batch(struct task *t)
{
    if (t->is_doubted) {
        t->is_doubted = false;
        t->resumed_phase = PHASE_READY;
        t->phase = PHASE_CLAIMING;
        return TASK_WANT_CLAIM;
    }
    if (!task_pick(t)) {
        return TASK_WANT_NOTHING;
    }
    if (t->wanted.count == 0) {
        return begin_commit(t);
    }
    for (uint32_t i = 0; i < t->wanted.count; i++) {
        t->load = mem_grow32(t->load, i, &t->load_capacity, sizeof(struct text));
        t->load[i] = t->wanted.items[i]->id;
    }
    t->phase = PHASE_LOADING;
    return TASK_WANT_LOAD;
}

enum task_want task_turn(struct task *t, const struct task_now *now)
{
    t->wall_ms = now->wall_ms > t->wall_ms ? now->wall_ms : t->wall_ms;
    t->read_ms = now->read_ms > t->read_ms ? now->read_ms : t->read_ms;
    t->monotonic_ms = now->monotonic_ms;
    switch (t->phase) {
    case PHASE_NEW:
        task_begin_claim(t);
        return TASK_WANT_MARK;
    case PHASE_MARKING:
        return TASK_WANT_MARK;
    case PHASE_CLAIMING:
        return TASK_WANT_CLAIM;
    case PHASE_TIMERS:
        return TASK_WANT_TIMERS;
    case PHASE_READY:
        if (sweep_is_due(t)) {
            t->phase = PHASE_SWEEPING;
            return TASK_WANT_TIMERS;
        }
        return begin_batch(t);
    case PHASE_SWEEPING:
        return TASK_WANT_TIMERS;
    case PHASE_LOADING:
        return TASK_WANT_LOAD;
    case PHASE_LOADED:
        return begin_commit(t);
    case PHASE_COMMITTING:
    case PHASE_REDOING:
        return TASK_WANT_COMMIT;
    case PHASE_RELEASED:
        return TASK_WANT_RELEASE;
    }
    UNREACHABLE();
}

uint32_t task_load(const struct task *t, const struct text **out_customers)
{
    CHECK(t->phase == PHASE_LOADING);
    *out_customers = t->load;
    return t->wanted.count;
}

const struct commit *task_commit(const struct task *t)
{
    CHECK(t->phase == PHASE_COMMITTING || t->phase == PHASE_REDOING);
    return t->phase == PHASE_REDOING ? &t->redo.again : &t->commit;
}

struct text task_timer_cursor(const struct task *t, int64_t *out_due_ms)
{
    if (t->phase == PHASE_SWEEPING) {
        *out_due_ms = t->state.sweep_due_ms;
        return t->state.sweep_due_ms == INSTANT_MIN
                   ? TEXT_NONE
                   : (struct text){ t->state.sweep_customer, t->state.sweep_customer_size };
    }
    *out_due_ms = t->cursor_due_ms;
    return t->cursor_customer;
}

struct task_record *task_take_done(struct task *t)
{
    struct task_record *r = t->done_first;

    if (r != NULL) {
        t->done_first = r->next;
        if (t->done_first == NULL) {
            t->done_last = NULL;
        }
        r->next = NULL;
    }
    return r;
}

/* --- what the caller asks --- */

uint32_t task_room(const struct task *t, uint32_t topic)
{
    const struct queue *q = &t->queues[topic];
    uint32_t most = 2 * t->options.batch_records;
    size_t by_size = q->bytes < QUEUE_BYTES_MAX ? (QUEUE_BYTES_MAX - q->bytes) / (q->mean + 1) : 0;
    bool is_open = t->phase != PHASE_NEW && t->phase != PHASE_MARKING &&
                   t->phase != PHASE_CLAIMING && t->phase != PHASE_TIMERS &&
                   t->phase != PHASE_RELEASED && !t->is_draining;

    if (!is_open || q->count >= most) {
        return 0;
    }
    if (q->count == 0 && by_size == 0) {
        return 1; /* one that is larger than all that may wait */
    }
    return by_size < most - q->count ? (uint32_t)by_size : most - q->count;
}

int64_t task_next_offset(const struct task *t, uint32_t topic)
{
    return t->committed[topic];
}

int64_t task_read_offset(const struct task *t, uint32_t topic)
{
    int64_t next = t->committed[topic];

    return next > 0 && t->state.positions[topic].last_hash != 0 ? next - 1 : next;
}

int64_t task_wake_ms(const struct task *t)
{
    int64_t wake_ms = INSTANT_NEVER;

    if (t->phase != PHASE_READY) {
        return INSTANT_NEVER;
    }
    if (t->queued > 0 && t->waiting_since_ms != INSTANT_NEVER && !t->breaker.is_open) {
        wake_ms = t->waiting_since_ms + t->options.commit_every_ms;
    } else if (t->outbox.published > t->state.outbox_trimmed) {
        wake_ms = t->last_commit_ms + SECOND_MS;
    }
    return sweep_is_open(t) && t->is_caught_up && t->visit_ms < wake_ms ? t->visit_ms : wake_ms;
}

int64_t task_due_ms(const struct task *t)
{
    const struct heap_item *first = heap_first(&t->timers);

    return first == NULL ? INSTANT_NEVER : first->due_ms;
}

const struct experiment_plan *task_changed_experiment(const struct task *t)
{
    return t->changed_experiment;
}

const struct task_stop *task_stopped(const struct task *t)
{
    return t->breaker.is_open && t->phase != PHASE_RELEASED ? &t->stop : NULL;
}

enum err task_error(const struct task *t)
{
    return t->error;
}

bool task_is_drained(const struct task *t)
{
    return t->phase == PHASE_RELEASED || !t->is_claimed || t->phase == PHASE_TIMERS ||
           (t->phase == PHASE_READY && t->outbox.first == NULL &&
            t->outbox.published <= t->state.outbox_trimmed && task_due_ms(t) >= t->clock.stream_ms);
}

void task_stats(const struct task *t, struct task_stats *out_stats)
{
    *out_stats = t->stats;
    out_stats->cached = t->cached;
    out_stats->timers = (int64_t)t->timers.count;
    out_stats->outbox_pending = t->outbox.count;
    out_stats->stream_ms = t->clock.stream_ms;
    out_stats->ceiling_held = t->counts[STEP_COUNT_CEILING];
    out_stats->join_held = t->counts[STEP_COUNT_JOIN];
    out_stats->zones_unknown = t->counts[STEP_COUNT_ZONE_UNKNOWN];
    out_stats->sweeping = sweep_is_open(t);
    out_stats->stopped = t->breaker.is_open;
}

void task_stats_add(struct task_stats *sum, const struct task_stats *one)
{
    sum->records += one->records;
    sum->duplicates += one->duplicates;
    sum->late += one->late;
    sum->diverted += one->diverted;
    sum->misplaced += one->misplaced;
    sum->skipped += one->skipped;
    sum->timers_fired += one->timers_fired;
    sum->commits += one->commits;
    sum->redone += one->redone;
    sum->reconfigured += one->reconfigured;
    sum->ceiling_held += one->ceiling_held;
    sum->join_held += one->join_held;
    sum->zones_unknown += one->zones_unknown;
    sum->sweeping += one->sweeping;
    sum->stopped += one->stopped;
    for (int i = 0; i < OUTPUT_TYPE__COUNT; i++) {
        sum->outputs[i] += one->outputs[i];
    }
    sum->cached += one->cached;
    sum->timers += one->timers;
    sum->outbox_pending += one->outbox_pending;
    sum->stream_ms = one->stream_ms < sum->stream_ms ? one->stream_ms : sum->stream_ms;
}
