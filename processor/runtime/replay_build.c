/* DESIGN. What worker.c and worker_group.c do for many partitions, for one: carry out what the task
 * asks. Topics are at their end where the plan says, not where Kafka ends; then, and not before,
 * time goes on to where it had come, and what was due until then is decided.
 */
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/runtime/history.h"
#include "processor/runtime/replay_parts.h"

#include <time.h>

#define BATCH_RECORDS    1000
#define BATCH_TIMERS     1000
#define OUTBOX_BYTES_MAX (16 * 1024 * 1024)
#define REDO_MS          10000
#define REDO_BYTES_MAX   (32 * 1024 * 1024)
#define COMMIT_EVERY_MS  50
#define WAIT_MS          5

struct building {
    struct replay *r;
    struct store *store;
    struct task *task;
    struct history_reader *reader; /* NULL: not claimed yet */
    struct record_decoder *decoder;
    struct text topics[COMMIT_TOPICS_MAX];
    const struct outbox_entry *held; /* the publisher had no room for it */
    int64_t pushed, done;            /* records */
    bool is_under_way;               /* the store owes an answer */
    bool is_draining;
    int64_t comebacks;
};

static int64_t monotonic_ms(void)
{
    struct timespec now = { 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * SECOND_MS + now.tv_nsec / 1000000;
}

static struct task *open_task(struct building *b, int64_t epoch)
{
    const struct replay_options *o = b->r->options;
    struct mark mark = { .lineage = b->r->plan.under_way,
                         .epoch = epoch,
                         .stream_ms = INSTANT_MIN };
    struct task_options options = { .rules = o->config->rules,
                                    .topics = b->topics,
                                    .topic_count = o->config->input_count,
                                    .partition = b->r->partition,
                                    .partition_count = o->partition_count,
                                    .batch_records = BATCH_RECORDS,
                                    .batch_timers = BATCH_TIMERS,
                                    .cache_bytes = (size_t)o->config->cache_bytes,
                                    .outbox_bytes_max = OUTBOX_BYTES_MAX,
                                    .commit_every_ms = COMMIT_EVERY_MS,
                                    .is_volatile = !o->is_building,
                                    .mark = &mark,
                                    .lineage = mark.lineage,
                                    .is_history = true,
                                    .is_silent = o->publisher == NULL,
                                    .redo_ms = REDO_MS,
                                    .redo_bytes_max = REDO_BYTES_MAX };

    for (uint32_t i = 0; i < o->config->input_count; i++) {
        b->topics[i] = o->config->inputs[i].topic;
    }
    return task_new(&options);
}

/* --- the store --- */

static void ask(struct building *b, enum task_want want)
{
    struct store_request q = { .partition = b->r->partition };

    switch (want) {
    case TASK_WANT_CLAIM:
        q.verb = STORE_CLAIM;
        q.epoch = task_epoch(b->task);
        break;
    case TASK_WANT_TIMERS:
        q.verb = STORE_TIMERS;
        q.after_customer = task_timer_cursor(b->task, &q.after_due_ms);
        q.limit = task_timer_limit(b->task);
        break;
    case TASK_WANT_LOAD:
        q.verb = STORE_LOAD;
        q.customer_count = task_load(b->task, &q.customers);
        break;
    case TASK_WANT_COMMIT:
        q.verb = STORE_COMMIT;
        q.commit = task_commit(b->task);
        break;
    case TASK_WANT_NOTHING:
    case TASK_WANT_MARK:
    case TASK_WANT_RELEASE:
        return;
    }
    b->is_under_way = true;
    store_submit(b->store, &q);
}

static void take_timers(struct building *b, const struct store_reply *reply)
{
    struct task_timer *timers = mem_alloc((reply->timer_count + 1) * sizeof(*timers));

    for (uint32_t i = 0; i < reply->timer_count; i++) {
        timers[i] = (struct task_timer){ reply->timers[i].customer, reply->timers[i].due_ms };
    }
    task_timers(b->task, reply->error, timers, reply->timer_count, reply->is_last);
    mem_free(timers);
}

static void take_reply(struct building *b, const struct store_reply *reply)
{
    struct task_claim claim = { .error = reply->error,
                                .guard = reply->guard,
                                .is_new = reply->is_new,
                                .state = reply->state,
                                .outbox = reply->outbox,
                                .outbox_count = reply->outbox_count,
                                .counters = reply->counters,
                                .counter_count = reply->counter_count };

    b->is_under_way = false;
    if (reply->verb == STORE_CLAIM) {
        task_claimed(b->task, &claim);
    } else if (reply->verb == STORE_TIMERS) {
        take_timers(b, reply);
    } else if (reply->verb == STORE_LOAD) {
        task_loaded(b->task, reply->error, reply->records, reply->record_count);
    } else if (reply->verb == STORE_COMMIT) {
        task_committed(b->task, reply->error);
    }
}

/* --- what leaves, or does not --- */

static void publish(struct building *b)
{
    const struct replay_options *o = b->r->options;
    const struct outbox_entry *e = b->held;

    b->held = NULL;
    while (e != NULL || (e = task_take_publish(b->task)) != NULL) {
        if (o->publisher == NULL) {
            task_published(b->task, e->sequence); /* left long ago, with the state it is of */
        } else if (publisher_publish(o->publisher, b->r->partition, e) != OK) {
            b->held = e; /* no room: offered again */
            return;
        }
        e = NULL;
    }
    if (o->publisher != NULL) {
        int64_t delivered = atomic_load(&o->deliveries->items[b->r->partition].sequence);

        if (delivered > 0) {
            task_published(b->task, delivered);
        }
    }
}

static void give_back(struct building *b)
{
    struct task_record *record;

    while ((record = task_take_done(b->task)) != NULL) {
        history_give_back(record);
        b->done++;
    }
}

/* --- the loop --- */

/* From where the store says it had come, else from the start of the plan. */
static enum err open_reader(struct building *b)
{
    struct replay *r = b->r;
    int64_t from[COMMIT_TOPICS_MAX];

    for (uint32_t i = 0; i < r->options->config->input_count; i++) {
        int64_t next = task_next_offset(b->task, i);

        from[i] = next > r->plan.from[i] ? next : r->plan.from[i];
        r->result->is_resumed = r->result->is_resumed || next > r->plan.from[i];
        b->done += from[i] - r->plan.from[i];
    }
    b->pushed = b->done;
    return history_open(r->options->kafka, b->decoder, r->partition, from, r->plan.to, &b->reader,
                        r->sentence);
}

static enum err turn(struct building *b, bool *out_is_waiting)
{
    struct replay *r = b->r;
    enum task_want want;
    enum err e;

    *out_is_waiting = b->is_under_way;
    if (b->is_under_way) {
        return OK;
    }
    want = task_turn(b->task,
                     &(struct task_now){ r->plan.until_ms, r->plan.until_ms, monotonic_ms() });
    if (want == TASK_WANT_RELEASE) {
        e = task_error(b->task) == OK ? ERR_UNAVAILABLE : task_error(b->task);
        return replay_fail(r, e, "partition %d: %s", r->partition, err_text(e));
    }
    if (want == TASK_WANT_MARK) {
        e = OK;
        if (r->options->is_building && r->options->start != REPLAY_STORED) {
            e = replay_plan_mark(r, task_mark(b->task).epoch);
        }
        task_marked(b->task, OK); /* what is refused ends it all */
        return e;
    }
    ask(b, want);
    *out_is_waiting = want == TASK_WANT_NOTHING;
    return OK;
}

static bool is_over(struct building *b)
{
    if (b->reader == NULL || !history_is_at_end(b->reader) || b->done < b->pushed) {
        return false;
    }
    if (!b->is_draining) {
        b->is_draining = true;
        task_drain(b->task);
        return false;
    }
    return !b->is_under_way && b->held == NULL && task_is_drained(b->task);
}

static enum err go_through(struct building *b)
{
    struct replay *r = b->r;
    struct store_reply reply;
    bool is_waiting = false;
    enum err e = OK;

    while (e == OK && !is_over(b)) {
        uint32_t fed = 0;

        e = turn(b, &is_waiting);
        if (e == OK && b->reader == NULL && task_room(b->task, 0) > 0) {
            e = open_reader(b);
        }
        if (e == OK && b->reader != NULL) {
            fed = history_feed(b->reader, b->task);
            b->pushed += fed;
            e = history_trouble(b->reader, r->sentence);
        }
        publish(b);
        give_back(b);
        while (
            store_poll(b->store, is_waiting && b->is_under_way && fed == 0 ? WAIT_MS : 0, &reply)) {
            take_reply(b, &reply);
        }
        if (store_comebacks(b->store) != b->comebacks) {
            b->comebacks = store_comebacks(b->store);
            task_doubt(b->task);
        }
        r->options->progress(r->options->context, r->partition, b->done, r->plan.total);
        if (e == OK &&
            replay_is_stopped(r, is_waiting && !b->is_under_way && fed == 0 ? WAIT_MS : 0)) {
            e = replay_fail(r, ERR_UNAVAILABLE, "stopped; the same command goes on");
        }
    }
    return e;
}

enum err replay_build(struct replay *r, struct store *s, int64_t epoch)
{
    struct building b = { .r = r, .store = s, .comebacks = store_comebacks(s) };
    struct task_stats stats;
    struct store_reply reply;
    enum err e = record_decoder_new(r->options->config, &b.decoder, r->sentence);

    if (e != OK) {
        return e;
    }
    if (r->options->publisher != NULL) {
        deliveries_own(r->options->deliveries, r->partition, -1);
    }
    b.task = open_task(&b, epoch);
    e = go_through(&b);
    while (b.is_under_way && store_poll(s, WAIT_MS, &reply)) {
        b.is_under_way = false; /* what it points to is the task's */
    }
    if (b.is_under_way) {
        store_submit(s,
                     &(struct store_request){ .verb = STORE_RELEASE, .partition = r->partition });
        while (store_poll(s, 0, &reply)) {
        }
    }
    task_stats(b.task, &stats);
    task_revoke(b.task);
    give_back(&b);
    r->result->records = stats.records;
    for (int i = 0; i < OUTPUT_TYPE__COUNT; i++) {
        r->result->outputs += stats.outputs[i];
    }
    task_free(b.task);
    history_close(b.reader);
    record_decoder_free(b.decoder);
    return e;
}
