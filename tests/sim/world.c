/* DESIGN. An owner is one task with a store of its own: a process that owns one partition. Each
 * step one owner does one thing drawn by chance; so any order of deliveries, answers, deaths and
 * takeovers comes up. When enough has gone wrong the world becomes calm and everything must end.
 */
#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "tests/sim/sim.h"

#include <stdio.h>

#define STEPS_CALM 6000   /* faults stop after so many steps */
#define STEPS_MAX  400000 /* stuck */
#define IN_FLIGHT  4096

struct owner {
    struct task *task;
    struct store *store;
    uint32_t partition;
    bool is_zombie; /* somebody else owns the partition already */
    bool is_under_way;
    bool is_claimed;
    uint32_t cursors[TOPICS_MAX]; /* index of the next record to deliver */
    const struct outbox_entry *in_flight[IN_FLIGHT];
    uint32_t in_flight_count;
    uint32_t number;
    int64_t generation; /* in which the group named it */
};

struct simulation {
    struct world *w;
    struct owner *owners[OWNERS_MAX];
    uint32_t owner_count;
    uint32_t owners_made;
};

void world_trace(struct world *w, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(w->trace[w->traced++ % TRACE_LINES], sizeof(w->trace[0]), format, args);
    va_end(args);
}

static bool may(struct world *w, uint32_t per_10000)
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

static void add_owner(struct simulation *s, uint32_t partition)
{
    struct world *w = s->w;
    struct owner *o = mem_alloc(sizeof(*o));
    struct task_options options = {
        .rules = w->story->rules,
        .topics = w->story->topics,
        .topic_count = w->story->topic_count,
        .partition = (int32_t)partition,
        .partition_count = (int32_t)w->story->partition_count,
        .batch_records = (uint32_t)rng_between(w->rng, 1, 40),
        .batch_timers = (uint32_t)rng_between(w->rng, 1, 10),
        .cache_bytes = rng_chance(w->rng, 5000) ? 0 : 1 << 20,
        .outbox_bytes_max = rng_chance(w->rng, 5000) ? 2000 : 1 << 20,
        .commit_every_ms = rng_between(w->rng, 0, 20),
        .mark = w->groups[partition].has_mark ? &w->groups[partition].mark : NULL,
        .lineage = rng_next(w->rng),
        .redo_ms = 1000,
        .redo_bytes_max = 1 << 20,
    };

    CHECK(s->owner_count < OWNERS_MAX);
    o->task = task_new(&options);
    o->store = store_memory_open(w->backend);
    o->partition = partition;
    o->number = ++s->owners_made;
    o->generation = ++w->groups[partition].generation;
    s->owners[s->owner_count++] = o;
    world_trace(w, "owner %u of partition %u begins", o->number, partition);
}

static void publish_name(struct world *w, const struct outbox_entry *e)
{
    struct published *p;

    w->published = mem_grow32(w->published, w->published_count, &w->published_capacity,
                              sizeof(struct published));
    p = &w->published[w->published_count++];
    p->name = story_name(&w->arena, e->type, e->key, e->payload);
    p->customer = arena_text(&w->arena, e->type == OUTPUT_DEAD_LETTER ? TEXT_NONE : e->key);
}

/* Up to `count` of what is in flight arrives, in order. */
static void arrive(struct world *w, struct owner *o, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (w->bug == BUG_LOST_OUTPUT && rng_chance(w->rng, 100)) {
            continue;
        }
        publish_name(w, o->in_flight[i]);
    }
}

/* Without warning: what it had sent may have arrived or not. */
static void die(struct simulation *s, uint32_t place)
{
    struct owner *o = s->owners[place];

    world_trace(s->w, "owner %u dies, %u in flight", o->number, o->in_flight_count);
    arrive(s->w, o, (uint32_t)rng_below(s->w->rng, o->in_flight_count + 1));
    store_close(o->store);
    task_revoke(o->task);
    give_back(o);
    task_free(o->task);
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
        if (r.error == OK && !o->is_claimed) {
            start_reading(w, o);
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
    task_push(o->task, r);
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
    if (may(w, 200) && o->cursors[topic] > 0) { /* some come once more */
        o->cursors[topic] -= (uint32_t)rng_between(w->rng, 1, o->cursors[topic]);
    }
    for (uint32_t i = 0; i < chunk && i < room && o->cursors[topic] < log->count; i++) {
        push(w, o, topic);
    }
    if (o->cursors[topic] == log->count || (w->bug == BUG_EARLY_END && rng_chance(w->rng, 2000))) {
        task_at_end(o->task, topic, true);
    }
}

/* --- outputs --- */

static void publish(struct world *w, struct owner *o)
{
    const struct outbox_entry *e;
    uint32_t count;

    while (o->in_flight_count < IN_FLIGHT && rng_chance(w->rng, 9000) &&
           (e = task_take_publish(o->task)) != NULL) {
        o->in_flight[o->in_flight_count++] = e;
    }
    count = (uint32_t)rng_below(w->rng, o->in_flight_count + 1);
    if (count > 0) {
        int64_t sequence = o->in_flight[count - 1]->sequence;

        arrive(w, o, count);
        memmove((void *)o->in_flight, (const void *)(o->in_flight + count),
                (o->in_flight_count - count) * sizeof(o->in_flight[0]));
        o->in_flight_count -= count;
        task_published(o->task, sequence);
    }
}

/* --- the group --- */

/* Checked against the generation: who has lost the partition is refused. */
static void mark(struct world *w, struct owner *o)
{
    struct group *g = &w->groups[o->partition];
    bool is_refused = g->generation != o->generation;

    world_trace(w, "owner %u marks epoch %lld: %s", o->number, (long long)task_mark(o->task).epoch,
                is_refused ? "refused" : "ok");
    if (!is_refused) {
        g->mark = task_mark(o->task);
        g->has_mark = true;
    }
    task_marked(o->task, is_refused ? ERR_FENCED : OK);
}

/* --- steps --- */

static void turn(struct simulation *s, uint32_t place)
{
    struct owner *o = s->owners[place];
    enum task_want want = task_turn(o->task, INSTANT_MIN, s->w->monotonic_ms);

    give_back(o);
    if (want == TASK_WANT_RELEASE) {
        world_trace(s->w, "owner %u is released: %s", o->number, err_text(task_error(o->task)));
        if (!o->is_zombie && s->w->failure[0] == '\0') {
            snprintf(s->w->failure, sizeof(s->w->failure), "owner %u lost its partition: %s",
                     o->number, err_text(task_error(o->task)));
        }
        die(s, place);
    } else if (want == TASK_WANT_MARK) {
        mark(s->w, o);
    } else if (want != TASK_WANT_NOTHING && !o->is_under_way) {
        submit(s->w, o, want);
    }
}

static void take_over(struct simulation *s, uint32_t place)
{
    struct owner *o = s->owners[place];

    if (o->is_zombie || s->owner_count == OWNERS_MAX) {
        return;
    }
    o->is_zombie = true;
    world_trace(s->w, "owner %u goes on without knowing that it lost %u", o->number, o->partition);
    add_owner(s, o->partition);
}

static void step(struct simulation *s)
{
    struct world *w = s->w;
    uint32_t place = (uint32_t)rng_below(w->rng, s->owner_count);
    struct owner *o = s->owners[place];

    w->monotonic_ms += rng_between(w->rng, 0, 15);
    if (may(w, 60)) {
        uint32_t partition = o->partition;
        bool was_zombie = o->is_zombie;

        die(s, place);
        if (!was_zombie) {
            add_owner(s, partition);
        }
        return;
    }
    if (may(w, 40)) {
        take_over(s, place);
        return;
    }
    if (w->is_calm && o->is_zombie) {
        die(s, place);
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
        publish(w, o);
        break;
    default:
        turn(s, place);
        break;
    }
}

/* Everything read, applied, published and written down. */
static bool is_done(const struct simulation *s)
{
    const struct world *w = s->w;

    for (uint32_t i = 0; i < s->owner_count; i++) {
        const struct owner *o = s->owners[i];

        if (o->is_zombie || !o->is_claimed || o->in_flight_count > 0 || !task_is_drained(o->task) ||
            task_wake_ms(o->task) != INSTANT_NEVER) {
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

    w->backend = store_memory_backend_new();
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
    mem_free(w->published);
    arena_fini(&w->arena);
}
