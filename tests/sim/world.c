/* DESIGN. An owner is one task with a store of its own: a process that owns one partition. Each
 * step one owner does one thing drawn by chance; so any order of deliveries, answers, deaths and
 * takeovers comes up. When enough has gone wrong the world becomes calm and everything must end.
 */
#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "tests/sim/world_parts.h"

#include <stdio.h>

#define STEPS_CALM 6000   /* faults stop after so many steps */
#define STEPS_MAX  400000 /* stuck */

void world_trace(struct world *w, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(w->trace[w->traced++ % TRACE_LINES], sizeof(w->trace[0]), format, args);
    va_end(args);
}

bool world_may(struct world *w, uint32_t per_10000)
{
    return !w->is_calm && rng_chance(w->rng, per_10000);
}

/* --- owners --- */

static void give_back(struct owner *o)
{
    struct task_record *r;

    while ((r = task_take_done(o->task)) != NULL) {
        mem_free(r);
    }
}

static void open_task(struct world *w, struct owner *o, const struct mark *mark)
{
    struct task_options options = {
        .rules = w->story->rules,
        .topics = w->story->topics,
        .topic_count = w->story->topic_count,
        .partition = (int32_t)o->partition,
        .partition_count = (int32_t)w->story->partition_count,
        .batch_records = (uint32_t)rng_between(w->rng, 1, 40),
        .batch_timers = (uint32_t)rng_between(w->rng, 1, 10),
        .cache_bytes = rng_chance(w->rng, 5000) ? 0 : 1 << 20,
        .outbox_bytes_max = rng_chance(w->rng, 5000) ? 2000 : 1 << 20,
        .commit_every_ms = rng_between(w->rng, 0, 20),
        .is_exactly_once = w->is_exactly_once,
        .mark = mark,
        .lineage = rng_next(w->rng),
        .redo_ms = INT32_MAX,
        .redo_bytes_max = 1 << 30,
    };

    o->task = task_new(&options);
}

static void add_owner(struct simulation *s, uint32_t partition)
{
    struct world *w = s->w;
    struct owner *o = mem_alloc(sizeof(*o));

    CHECK(s->owner_count < OWNERS_MAX);
    o->store = store_memory_open(w->backend);
    o->partition = partition;
    o->number = ++s->owners_made;
    o->generation = ++w->groups[partition].generation;
    s->owners[s->owner_count++] = o;
    world_trace(w, "owner %u of partition %u begins", o->number, partition);
}

/* Without warning: what it had sent may have arrived or not. */
static void die(struct simulation *s, uint32_t place)
{
    struct owner *o = s->owners[place];

    world_trace(s->w, "owner %u dies, %u in flight", o->number, o->in_flight_count);
    kafka_die(s->w, o);
    store_close(o->store);
    if (o->task != NULL) {
        task_revoke(o->task);
        give_back(o);
        task_free(o->task);
    }
    mem_free(o);
    s->owners[place] = s->owners[--s->owner_count];
}

/* --- the store --- */

static void submit(struct world *w, struct owner *o, enum task_want want)
{
    struct store_request r = { .partition = (int32_t)o->partition, .context = o };
    struct commit torn;

    o->is_under_way = true;
    if (want == TASK_WANT_CLAIM) {
        r.verb = STORE_CLAIM;
        r.epoch = task_epoch(o->task);
    } else if (want == TASK_WANT_TIMERS) {
        r.verb = STORE_TIMERS;
        r.after_customer = task_timer_cursor(o->task, &r.after_due_ms);
        r.limit = (uint32_t)rng_between(w->rng, 1, 5);
    } else if (want == TASK_WANT_LOAD) {
        r.verb = STORE_LOAD;
        r.customer_count = task_load(o->task, &r.customers);
    } else {
        r.verb = STORE_COMMIT;
        r.commit = task_commit(o->task);
        world_trace(w, "owner %u commits %u records, %u outputs, version %lld", o->number,
                    r.commit->record_count, r.commit->outbox_count,
                    (long long)r.commit->state.guard.version);
        if (w->bug == BUG_TOO_EARLY && rng_chance(w->rng, 1000)) {
            kafka_leak(w, r.commit);
        }
        if (w->bug == BUG_LOST_COMMIT && rng_chance(w->rng, 300)) {
            o->is_under_way = false;
            task_committed(o->task, OK);
            return;
        }
        if (w->bug == BUG_TORN_COMMIT && r.commit->outbox_count > 0) {
            torn = *r.commit;
            torn.outbox_count = 0;
            torn.state.outbox_last = torn.state.outbox_last - r.commit->outbox_count;
            r.commit = &torn;
        }
        if (w->bug == BUG_HALF_REDO &&
            r.commit->state.guard.version <= task_mark(o->task).covered.version) {
            torn = *r.commit;
            torn.record_count = 0;
            r.commit = &torn;
        }
        if (w->bug == BUG_UNCOUNTED && r.commit->counter_count > 0 && rng_chance(w->rng, 300)) {
            torn = *r.commit;
            torn.counter_count = 0;
            r.commit = &torn;
        }
    }
    store_submit(o->store, &r);
    if (r.commit == &torn) {
        struct store_reply reply;

        while (!store_poll(o->store, 0, &reply)) {
        }
        o->is_under_way = false;
        task_committed(o->task, reply.error);
    }
}

static void start_reading(struct world *w, struct owner *o)
{
    o->is_claimed = true;
    for (uint32_t t = 0; t < w->story->topic_count; t++) {
        const struct story_log *log = &w->story->logs[o->partition][t];
        int64_t from = task_next_offset(o->task, t);

        o->cursors[t] = 0;
        while (o->cursors[t] < log->count && log->records[o->cursors[t]].offset < from) {
            o->cursors[t]++;
        }
        if (w->bug == BUG_WRONG_PLACE && from >= 0 && o->cursors[t] + 1 < log->count) {
            o->cursors[t]++;
        }
    }
}

static void answer(struct world *w, struct owner *o)
{
    struct store_reply r;
    struct task_timer timers[8];
    struct task_claim claim;

    if (!store_poll(o->store, 0, &r)) {
        return;
    }
    o->is_under_way = false;
    switch (r.verb) {
    case STORE_CLAIM:
        claim = (struct task_claim){ r.error,  r.guard,        r.is_new,   r.state,
                                     r.outbox, r.outbox_count, r.counters, r.counter_count };
        task_claimed(o->task, &claim);
        world_trace(w, "owner %u claims epoch %lld: %s, %u to publish", o->number,
                    (long long)r.guard.epoch, err_text(r.error), r.outbox_count);
        o->steps_behind = o->steps_behind == 2 ? 1 : o->steps_behind;
        if (r.error == OK && !o->is_claimed) {
            start_reading(w, o);
            o->claimed_version = r.guard.version;
        }
        break;
    case STORE_TIMERS:
        for (uint32_t i = 0; i < r.timer_count; i++) {
            timers[i] = (struct task_timer){ r.timers[i].customer, r.timers[i].due_ms };
        }
        task_timers(o->task, r.error, timers, r.timer_count, r.is_last);
        break;
    case STORE_LOAD:
        if (w->bug == BUG_STALE_LOAD && r.record_count > 0 && rng_chance(w->rng, 300)) {
            struct bytes *stale = arena_alloc(&w->arena, r.record_count * sizeof(*stale));

            task_loaded(o->task, OK, stale, r.record_count);
            break;
        }
        task_loaded(o->task, r.error, r.records, r.record_count);
        break;
    case STORE_COMMIT:
        task_committed(o->task, r.error);
        break;
    case STORE_RELEASE:
    case STORE_PEEK:
    case STORE_SCAN:
    case STORE_LOOK:
    case STORE_PROBE:
    case STORE_DROP:
    case STORE_SWITCH:
        break;
    }
}

/* --- records --- */

static void push(struct world *w, struct owner *o, uint32_t topic)
{
    const struct story_record *from =
        &w->story->logs[o->partition][topic].records[o->cursors[topic]++];
    struct task_record *r;

    if (w->bug == BUG_SKIPPED && rng_chance(w->rng, 50)) {
        return;
    }
    r = mem_alloc(sizeof(*r));
    *r = (struct task_record){ .topic = topic,
                               .offset = from->offset,
                               .event = from->event,
                               .key = { (const uint8_t *)from->key.at, from->key.size } };
    if (from->event == NULL) {
        r->reject = REJECT_UNDECODABLE;
        r->reject_text = "poison";
    }
    task_push(o->task, r, INSTANT_MIN);
}

static void deliver(struct world *w, struct owner *o)
{
    uint32_t topic = (uint32_t)rng_below(w->rng, w->story->topic_count);
    const struct story_log *log = &w->story->logs[o->partition][topic];
    uint32_t room = task_room(o->task, topic);
    uint32_t chunk = (uint32_t)rng_between(w->rng, 1, 30);

    if (!o->is_claimed) {
        return;
    }
    if (world_may(w, 200) && o->cursors[topic] > 0) { /* some come once more */
        o->cursors[topic] -= (uint32_t)rng_between(w->rng, 1, o->cursors[topic]);
    }
    for (uint32_t i = 0; i < chunk && i < room && o->cursors[topic] < log->count; i++) {
        push(w, o, topic);
    }
    if (o->cursors[topic] == log->count || (w->bug == BUG_EARLY_END && rng_chance(w->rng, 2000))) {
        task_at_end(o->task, topic, true);
    }
}

/* --- steps --- */

/* --- a store that comes back older --- */

static struct owner *owner_of(const struct simulation *s, uint32_t partition)
{
    for (uint32_t i = 0; i < s->owner_count; i++) {
        if (s->owners[i]->partition == partition && !s->owners[i]->is_zombie) {
            return s->owners[i];
        }
    }
    UNREACHABLE();
}

static void save(struct simulation *s)
{
    struct world *w = s->w;

    store_memory_backend_free(w->saved);
    w->saved = store_memory_backend_copy(w->backend);
    for (uint32_t p = 0; p < w->story->partition_count; p++) {
        const struct owner *o = owner_of(s, p);
        bool is_level = o->is_claimed && o->steps_behind == 0; /* else it is older than o knows */

        w->saved_versions[p] = is_level ? task_mark(o->task).covered.version : -1;
    }
}

/* Exactly once heals what the living have committed; at least once heals whatever was lost. */
static bool may_come_back(const struct simulation *s)
{
    const struct world *w = s->w;

    if (w->saved == NULL || w->is_store_steady) {
        return false;
    }
    for (uint32_t p = 0; p < w->story->partition_count && !w->is_exactly_once; p++) {
        if (w->saved_versions[p] < 1) { /* lost altogether: for its operator to decide */
            return false;
        }
    }
    for (uint32_t i = 0; i < s->owner_count && w->is_exactly_once; i++) {
        const struct owner *o = s->owners[i];

        if (o->is_zombie || !o->is_claimed || o->steps_behind > 0 || o->transaction != 0 ||
            w->saved_versions[o->partition] < o->claimed_version) {
            return false;
        }
    }
    return true;
}

static void come_back(struct simulation *s)
{
    world_trace(s->w, "the store comes back older than it was");
    store_memory_backend_come_back(s->w->backend, s->w->saved);
    s->w->saved = NULL;
    s->w->has_come_back = true;
    for (uint32_t i = 0; i < s->owner_count; i++) {
        s->owners[i]->steps_behind = s->w->is_exactly_once ? 2 : 0;
    }
}

/* The owner notices, and is level with the store again once it asks for something new. */
static void note_comeback(struct owner *o)
{
    if (store_comebacks(o->store) != o->comebacks) {
        o->comebacks = store_comebacks(o->store);
        task_doubt(o->task);
    }
}

static void note_level(struct owner *o, enum task_want want)
{
    bool is_new = want == TASK_WANT_NOTHING || want == TASK_WANT_LOAD || want == TASK_WANT_TIMERS;

    if (want == TASK_WANT_COMMIT) {
        is_new = task_commit(o->task)->state.guard.version > task_mark(o->task).covered.version;
    }
    if (o->steps_behind == 1 && is_new) {
        o->steps_behind = 0;
    }
}

static void take_over(struct simulation *s, uint32_t place)
{
    struct owner *o = s->owners[place];

    if (o->is_zombie || s->owner_count == OWNERS_MAX || o->steps_behind > 0) {
        return;
    }
    o->is_zombie = true;
    world_trace(s->w, "owner %u goes on without knowing that it lost %u", o->number, o->partition);
    add_owner(s, o->partition);
}

static void replace(struct simulation *s, uint32_t place)
{
    uint32_t partition = s->owners[place]->partition;
    bool was_zombie = s->owners[place]->is_zombie;

    die(s, place);
    if (!was_zombie) {
        add_owner(s, partition);
    }
}

/* At least once: commits of others are gone, too; who comes next repeats them. */
static bool is_lost_for_good(const struct world *w, const struct owner *o)
{
    enum err error = task_error(o->task);

    return w->has_come_back && !w->is_exactly_once && !o->is_zombie &&
           (error == ERR_REGRESSED || error == ERR_WIPED || error == ERR_FENCED);
}

static void turn(struct simulation *s, uint32_t place)
{
    struct owner *o = s->owners[place];
    enum task_want want;

    note_comeback(o);
    want = task_turn(o->task, &(struct task_now){ INSTANT_MIN, INSTANT_MIN, s->w->monotonic_ms });
    note_level(o, want);
    give_back(o);
    if (want == TASK_WANT_RELEASE) {
        world_trace(s->w, "owner %u is released: %s", o->number, err_text(task_error(o->task)));
        if (is_lost_for_good(s->w, o)) {
            replace(s, place); /* the process ends, and is started again */
            return;
        }
        if (!o->is_zombie && s->w->failure[0] == '\0') {
            snprintf(s->w->failure, sizeof(s->w->failure), "owner %u lost its partition: %s",
                     o->number, err_text(task_error(o->task)));
        }
        die(s, place);
    } else if (want == TASK_WANT_MARK) {
        kafka_mark(s->w, o);
    } else if (want != TASK_WANT_NOTHING && !o->is_under_way) {
        submit(s->w, o, want);
    }
}

static void step(struct simulation *s)
{
    struct world *w = s->w;
    uint32_t place = (uint32_t)rng_below(w->rng, s->owner_count);
    struct owner *o = s->owners[place];

    w->monotonic_ms += rng_between(w->rng, 0, 15);
    if (world_may(w, 60) && o->steps_behind == 0) {
        replace(s, place);
        return;
    }
    if (world_may(w, 50)) {
        save(s);
    } else if (world_may(w, 50) && may_come_back(s)) {
        come_back(s);
    }
    if (world_may(w, 40)) {
        take_over(s, place);
        return;
    }
    if (w->is_calm && o->is_zombie) {
        die(s, place);
        return;
    }
    if (o->task == NULL) {
        const struct mark *mark;

        if (kafka_read_mark(w, o->partition, &mark)) {
            open_task(w, o, mark);
        }
        return;
    }
    if (o->is_untold &&
        o->steps_behind == 0) { /* it joins the group anew, to read what was published */
        replace(s, place);
        return;
    }
    switch (rng_below(w->rng, 4)) {
    case 0:
        deliver(w, o);
        break;
    case 1:
        answer(w, o);
        break;
    case 2:
        kafka_publish(w, o);
        break;
    default:
        turn(s, place);
        break;
    }
}

static bool is_sweeping(const struct task *t)
{
    struct task_stats stats;

    task_stats(t, &stats);
    return stats.sweeping > 0;
}

/* Everything read, applied, published and written down. */
static bool is_done(const struct simulation *s)
{
    const struct world *w = s->w;

    for (uint32_t i = 0; i < s->owner_count; i++) {
        const struct owner *o = s->owners[i];

        if (o->is_zombie || !o->is_claimed || o->in_flight_count > 0 || o->task == NULL ||
            o->transaction != 0 || o->is_untold || !task_is_drained(o->task) ||
            task_wake_ms(o->task) != INSTANT_NEVER || is_sweeping(o->task)) {
            return false;
        }
        for (uint32_t t = 0; t < w->story->topic_count; t++) {
            const struct story_log *log = &w->story->logs[o->partition][t];

            if (log->count > 0 &&
                task_next_offset(o->task, t) <= log->records[log->count - 1].offset) {
                return false;
            }
        }
    }
    return true;
}

bool world_run(struct world *w)
{
    struct simulation s = { .w = w };

    w->is_calm = false;
    store_memory_backend_free(w->saved);
    w->saved = NULL; /* of an act that is over: nobody lives who could heal it */
    w->backend = w->backend == NULL ? store_memory_backend_new() : w->backend;
    for (uint32_t p = 0; p < w->story->partition_count; p++) {
        add_owner(&s, p);
    }
    for (uint32_t n = 0; w->failure[0] == '\0'; n++) {
        w->is_calm = w->is_calm || n > STEPS_CALM;
        if (w->is_calm && is_done(&s)) {
            break;
        }
        if (n > STEPS_MAX) {
            snprintf(w->failure, sizeof(w->failure), "stuck");
        }
        step(&s);
    }
    while (s.owner_count > 0) {
        die(&s, 0);
    }
    return w->failure[0] == '\0';
}

void world_fini(struct world *w)
{
    store_memory_backend_free(w->backend);
    store_memory_backend_free(w->saved);
    mem_free(w->published);
    mem_free(w->transactions);
    arena_fini(&w->arena);
}
