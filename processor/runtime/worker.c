#include "processor/runtime/worker.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/log.h"
#include "processor/base/mem.h"
#include "processor/runtime/worker_parts.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MAX_MS       1000 /* also the step in which the wall clock is looked at when idle */
#define PUBLISHER_FULL_MS 5
#define TIMER_WAIT_MIN_MS 20 /* for the next fetch to show that nothing was written before it */

int64_t worker_clock_ms(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- the store --- */

void worker_ask(struct worker *w, struct slot *s, enum task_want want)
{
    struct store_request r = { .partition = s->partition, .context = s };

    switch (want) {
    case TASK_WANT_CLAIM:
        r.verb = STORE_CLAIM;
        r.epoch = task_epoch(s->task);
        break;
    case TASK_WANT_TIMERS:
        r.verb = STORE_TIMERS;
        r.after_customer = task_timer_cursor(s->task, &r.after_due_ms);
        r.limit = task_timer_limit(s->task);
        break;
    case TASK_WANT_LOAD:
        r.verb = STORE_LOAD;
        r.customer_count = task_load(s->task, &r.customers);
        break;
    case TASK_WANT_COMMIT:
        r.verb = STORE_COMMIT;
        r.commit = task_commit(s->task);
        break;
    case TASK_WANT_NOTHING:
    case TASK_WANT_MARK: /* while the group assigns: worker_group.c */
    case TASK_WANT_RELEASE:
        return;
    }
    s->is_under_way = true;
    store_submit(w->options.store, &r);
}

static void take_claim(struct slot *s, const struct store_reply *r)
{
    struct task_claim claim = { .error = r->error,
                                .guard = r->guard,
                                .is_new = r->is_new,
                                .state = r->state,
                                .outbox = r->outbox,
                                .outbox_count = r->outbox_count,
                                .counters = r->counters,
                                .counter_count = r->counter_count };
    struct task_stats before, after;
    const struct experiment_plan *changed;

    task_stats(s->task, &before);
    task_claimed(s->task, &claim);
    task_stats(s->task, &after);
    changed = task_changed_experiment(s->task);
    if (changed != NULL) {
        log_line(
            LOG_ERROR, "task.refused",
            "partition=%d experiment=%.*s version=%d reason=\"its arms have changed: raise the "
            "version\"",
            s->partition, TEXT_PRINTF(changed->id), changed->version);
    }
    if (r->error != OK || task_error(s->task) != OK) {
        return;
    }
    if (after.redone > before.redone) {
        log_line(LOG_WARN, "task.redo",
                 "partition=%d version=%lld commits=%lld reason=\"the store came back older\"",
                 s->partition, (long long)r->guard.version,
                 (long long)(after.redone - before.redone));
    } else if (!s->is_ready) {
        log_line(LOG_INFO, "task.claimed", "partition=%d epoch=%lld version=%lld pending=%lld",
                 s->partition, (long long)r->guard.epoch, (long long)r->guard.version,
                 (long long)after.outbox_pending);
    }
}

static void take_timers(struct slot *s, const struct store_reply *r)
{
    struct task_timer *timers = mem_alloc(r->timer_count * sizeof(struct task_timer));

    for (uint32_t i = 0; i < r->timer_count; i++) {
        timers[i] = (struct task_timer){ r->timers[i].customer, r->timers[i].due_ms };
    }
    task_timers(s->task, r->error, timers, r->timer_count, r->is_last);
    mem_free(timers);
}

void worker_free_slot(struct worker *w, struct slot *s)
{
    struct task_record *record;

    while ((record = task_take_done(s->task)) != NULL) {
        source_give_back(record);
    }
    task_free(s->task);
    for (uint32_t i = 0; i < w->slot_count; i++) {
        if (w->slots[i] == s) {
            w->slots[i] = w->slots[--w->slot_count];
            break;
        }
    }
    mem_free(s);
}

static void take_reply(struct worker *w, const struct store_reply *r)
{
    struct slot *s = r->context;

    if (r->verb == STORE_PEEK) {
        worker_take_count(w, r);
        return;
    }
    if (s == NULL) {
        return; /* of a release */
    }
    s->is_under_way = false;
    if (s->is_leaving) {
        worker_free_slot(w, s);
        return;
    }
    switch (r->verb) {
    case STORE_CLAIM:
        take_claim(s, r);
        break;
    case STORE_TIMERS:
        take_timers(s, r);
        break;
    case STORE_LOAD:
        task_loaded(s->task, r->error, r->records, r->record_count);
        break;
    case STORE_COMMIT:
        task_committed(s->task, r->error);
        break;
    case STORE_RELEASE:
    case STORE_PEEK:
    case STORE_SCAN: /* only tools ask these */
    case STORE_LOOK:
    case STORE_PROBE:
    case STORE_DROP:
    case STORE_SWITCH:
        break;
    }
}

void worker_serve_store(struct worker *w, int32_t timeout_ms)
{
    struct store_reply reply;

    (void)atomic_fetch_add(&w->beats, 1);
    while (store_poll(w->options.store, timeout_ms, &reply)) {
        take_reply(w, &reply);
        timeout_ms = 0;
    }
}

/* --- one partition's turn --- */

static void publish(struct worker *w, struct slot *s)
{
    const struct outbox_entry *e = s->held;

    s->held = NULL;
    while (e != NULL || (e = task_take_publish(s->task)) != NULL) {
        if (publisher_publish(w->options.publisher, s->partition, e) != OK) {
            s->held = e; /* no room: offered again */
            return;
        }
        e = NULL;
    }
}

void worker_give_back(struct slot *s)
{
    struct task_record *record;

    while ((record = task_take_done(s->task)) != NULL) {
        source_give_back(record);
    }
}

static void say_ready(struct slot *s)
{
    if (!s->is_ready && task_room(s->task, 0) > 0) {
        struct task_stats stats;

        s->is_ready = true;
        task_stats(s->task, &stats);
        log_line(LOG_INFO, "task.ready", "partition=%d timers=%lld", s->partition,
                 (long long)stats.timers);
    }
}

void worker_released(struct worker *w, struct slot *s)
{
    enum err error = task_error(s->task);

    if (err_action(error) == ERR_ACTION_HALT || err_action(error) == ERR_ACTION_REFUSE) {
        w->error = error;
        log_line(LOG_ERROR, "task.halted", "partition=%d reason=\"%s\"", s->partition,
                 err_text(error));
    } else if (error != OK && !s->is_lost) {
        s->is_lost = true; /* the group should say so too, soon */
        w->rejoin_ms = worker_clock_ms(CLOCK_MONOTONIC) + REJOIN_AFTER_MS;
        log_line(LOG_WARN, "task.lost", "partition=%d reason=\"%s\"", s->partition,
                 err_text(error));
    }
}

static void turn(struct worker *w, struct slot *s)
{
    int64_t delivered = atomic_load(&w->options.deliveries->items[s->partition].sequence);

    if (delivered > 0) {
        task_published(s->task, delivered);
    }
    if (!s->is_under_way) {
        struct task_now now = { w->wall_ms, w->read_ms, worker_clock_ms(CLOCK_MONOTONIC) };
        enum task_want want = task_turn(s->task, &now);

        if (want == TASK_WANT_RELEASE) {
            worker_released(w, s);
        } else {
            worker_ask(w, s, want);
        }
    }
    publish(w, s);
    worker_tell_progress(w, s);
    worker_give_back(s);
    say_ready(s);
}

/* A store that was away may have come back older than it was. */
static void doubt_store(struct worker *w)
{
    int64_t comebacks = store_comebacks(w->options.store);

    for (uint32_t i = 0; comebacks != w->comebacks && i < w->slot_count; i++) {
        task_doubt(w->slots[i]->task);
    }
    w->comebacks = comebacks;
}

void worker_turns(struct worker *w)
{
    doubt_store(w);
    for (uint32_t i = 0; i < w->slot_count; i++) {
        if (!w->slots[i]->is_leaving) {
            turn(w, w->slots[i]);
        }
    }
}

/* --- the loop --- */

static bool fetch(struct worker *w)
{
    bool is_any = false;

    for (uint32_t i = 0; i < w->slot_count; i++) {
        struct slot *s = w->slots[i];

        for (uint32_t t = 0; !s->is_leaving && t < w->options.config->input_count; t++) {
            uint32_t room = task_room(s->task, t);

            if (room > 0 && source_fetch(w->source, s->partition, t, room) > 0) {
                is_any = true;
            }
        }
    }
    return is_any;
}

static int64_t wait_ms(const struct worker *w)
{
    int64_t now_ms = worker_clock_ms(CLOCK_MONOTONIC), wait = WAIT_MAX_MS;

    for (uint32_t i = 0; i < w->slot_count; i++) {
        const struct slot *s = w->slots[i];
        int64_t wake_ms = task_wake_ms(s->task), due_ms = task_due_ms(s->task);

        if (s->is_under_way || s->is_leaving) {
            continue; /* the store's answer wakes */
        }
        if (wake_ms != INSTANT_NEVER && wake_ms - now_ms < wait) {
            wait = wake_ms - now_ms;
        }
        if (!w->options.config->rules->is_event_clock && due_ms != INSTANT_NEVER &&
            w->read_ms != INSTANT_MIN && due_ms + 1 > w->read_ms &&
            due_ms + 1 - w->read_ms < wait) {
            wait = due_ms + 1 - w->read_ms;
            wait = wait < TIMER_WAIT_MIN_MS ? TIMER_WAIT_MIN_MS : wait;
        }
        if (s->held != NULL && wait > PUBLISHER_FULL_MS) {
            wait = PUBLISHER_FULL_MS;
        }
    }
    return wait < 0 ? 0 : wait;
}

static void wait_for_something(struct worker *w)
{
    struct pollfd fds[2] = { { .fd = w->wake_fd, .events = POLLIN },
                             { .fd = store_fd(w->options.store), .events = POLLIN } };
    uint64_t count;

    if (poll(fds, 2, (int)wait_ms(w)) > 0 && (fds[0].revents & POLLIN) != 0) {
        ssize_t size = read(w->wake_fd, &count, sizeof(count));

        (void)size;
    }
}

/* A partition that the group says is ours was fenced, or could not be taken, and the group does not
 * move by itself. Everything is claimed anew, so whoever the group names now ends up as the owner.
 */
static void rejoin_if_lost(struct worker *w)
{
    bool is_lost = w->is_refused;

    if (worker_clock_ms(CLOCK_MONOTONIC) < w->rejoin_ms) {
        return;
    }
    w->rejoin_ms = INSTANT_NEVER;
    for (uint32_t i = 0; i < w->slot_count; i++) {
        is_lost = is_lost || (w->slots[i]->is_lost && !w->slots[i]->is_leaving);
    }
    if (is_lost) {
        log_line(LOG_WARN, "group.rejoin", "reason=\"partitions of ours are not to be had\"");
        (void)source_rejoin(w->source);
    }
}

/* A transaction ended nobody knows how: the group tells, to who joins anew. Or somebody else has
 * our name. */
static void look_at_publisher(struct worker *w)
{
    enum err trouble = publisher_trouble(w->options.publisher);

    if (trouble == ERR_UNTOLD && !w->is_untold) {
        w->is_untold = true;
        log_line(LOG_WARN, "group.rejoin", "reason=\"%s\"", err_text(trouble));
        (void)source_rejoin(w->source);
    } else if (trouble == ERR_CONFIG || source_is_replaced(w->source)) {
        log_line(LOG_ERROR, "group.replaced", "reason=\"another process has our instance's name\"");
        w->error = ERR_REPLACED;
    }
}

/* Before records are taken: what is proven now to have been fetched is in the queues already. */
static void look_at_clock(struct worker *w)
{
    int64_t wall_ms = worker_clock_ms(CLOCK_REALTIME), read_ms = source_read_ms(w->source);

    w->wall_ms = clock_trust(&w->clock, wall_ms, worker_clock_ms(CLOCK_BOOTTIME));
    if (!w->is_clock_doubted && wall_ms - w->wall_ms > MINUTE_MS) {
        log_line(LOG_WARN, "clock.jump", "ahead_ms=%lld reason=\"followed slowly\"",
                 (long long)(wall_ms - w->wall_ms));
    }
    w->is_clock_doubted = wall_ms - w->wall_ms > MINUTE_MS;
    read_ms = read_ms < w->wall_ms ? read_ms : w->wall_ms;
    w->read_ms = read_ms > w->read_ms ? read_ms : w->read_ms;
}

static void *run(void *argument)
{
    struct worker *w = argument;

    while (!atomic_load(&w->is_stopping) && w->error == OK) {
        look_at_publisher(w);
        look_at_clock(w);
        source_poll(w->source);
        (void)fetch(w);
        worker_turns(w);
        worker_serve_store(w, 0);
        worker_turns(w);
        worker_commit_to_group(w, false);
        worker_update_view(w);
        worker_answer(w);
        rejoin_if_lost(w);
        wait_for_something(w);
    }
    if (w->error == ERR_REPLACED) { /* the group takes nothing back from who is nobody */
        worker_on_revoked(w, true);
    }
    source_close(w->source); /* drains by way of on_revoked */
    while (w->slot_count > 0) {
        worker_serve_store(w, 100); /* answers that are still owed */
    }
    return NULL;
}

/* --- starting and stopping --- */

static void free_worker(struct worker *w)
{
    worker_questions_fini(w);
    pthread_mutex_destroy(&w->view_lock);
    if (w->wake_fd >= 0) {
        (void)close(w->wake_fd);
    }
    mem_free(w->topics);
    mem_free(w->slots);
    mem_free(w);
}

enum err worker_start(const struct worker_options *options, struct worker **out_worker,
                      char out_text[256])
{
    struct worker *w = mem_alloc(sizeof(*w));
    struct source_options source = { .config = options->config,
                                     .partitions_max =
                                         options->is_pinned ? options->partition_count : 0,
                                     .instance = options->instance,
                                     .is_stopping = &w->is_stopping,
                                     .beats = &w->beats,
                                     .context = w,
                                     .joined = worker_on_joined,
                                     .assigned = worker_on_assigned,
                                     .gone = worker_on_gone,
                                     .revoked = worker_on_revoked,
                                     .take = worker_on_record };
    enum err error;

    *out_worker = NULL;
    w->options = *options;
    w->wall_ms = w->read_ms = INSTANT_MIN;
    w->rejoin_ms = INSTANT_NEVER;
    w->view.stats.stream_ms = INSTANT_NEVER;
    atomic_init(&w->is_stopping, false);
    atomic_init(&w->beats, 1);
    CHECK(pthread_mutex_init(&w->view_lock, NULL) == 0);
    worker_questions_init(w);
    w->topics = mem_alloc(options->config->input_count * sizeof(struct text));
    for (uint32_t i = 0; i < options->config->input_count; i++) {
        w->topics[i] = options->config->inputs[i].topic;
    }
    w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    CHECK(w->wake_fd >= 0);
    source.wake_fd = w->wake_fd;
    error = source_kafka_new(&source, &w->source, out_text);
    if (error != OK) {
        free_worker(w);
        return error;
    }
    CHECK(pthread_create(&w->thread, NULL, run, w) == 0);
    *out_worker = w;
    return OK;
}

void worker_stop(struct worker *w)
{
    static const uint64_t one = 1;
    ssize_t written;

    atomic_store(&w->is_stopping, true);
    written = write(w->wake_fd, &one, sizeof(one));
    (void)written;
}

enum err worker_join(struct worker *w)
{
    enum err error;

    CHECK(pthread_join(w->thread, NULL) == 0);
    error = w->error;
    free_worker(w);
    return error;
}
