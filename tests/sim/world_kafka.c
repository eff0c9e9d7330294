/* DESIGN. Output topics are one log; each record names its transaction, and a reader sees those of
 * committed ones. A transaction that has sent its offsets is pending on its partition until it
 * ends, which may be long after its owner's death; offsets are checked against the generation when
 * they are sent, not when they become visible. That is Kafka's way.
 */
#include "processor/base/check.h"
#include "processor/base/mem.h"
#include "tests/sim/world_parts.h"

static void publish_name(struct world *w, const struct outbox_entry *e, uint32_t transaction)
{
    struct published *p;

    if (w->bug == BUG_LOST_OUTPUT && rng_chance(w->rng, 100)) {
        return;
    }
    w->published = mem_grow32(w->published, w->published_count, &w->published_capacity,
                              sizeof(struct published));
    p = &w->published[w->published_count++];
    p->name = story_name(&w->arena, e->type, e->key, e->payload);
    p->customer = arena_text(&w->arena, e->type == OUTPUT_DEAD_LETTER ? TEXT_NONE : e->key);
    p->transaction = transaction;
}

/* --- the group --- */

static void set_mark(struct world *w, uint32_t partition, struct mark mark)
{
    w->groups[partition].mark = mark;
    w->groups[partition].has_mark = true;
}

void kafka_mark(struct world *w, struct owner *o)
{
    bool is_refused = w->groups[o->partition].generation != o->generation;

    world_trace(w, "owner %u marks epoch %lld: %s", o->number, (long long)task_mark(o->task).epoch,
                is_refused ? "refused" : "ok");
    if (!is_refused) {
        set_mark(w, o->partition, task_mark(o->task));
    }
    task_marked(o->task, is_refused ? ERR_FENCED : OK);
}

static void end(struct world *w, uint32_t number, bool is_committed)
{
    struct transaction *t = &w->transactions[number];

    CHECK(t->state == TRANSACTION_OPEN);
    t->state = is_committed ? TRANSACTION_COMMITTED : TRANSACTION_ABORTED;
    if (is_committed && t->has_offsets) {
        set_mark(w, t->partition, t->mark);
    }
    world_trace(w, "transaction %u of partition %u is %s", number, t->partition,
                is_committed ? "committed" : "aborted");
}

bool kafka_read_mark(struct world *w, uint32_t partition, const struct mark **out_mark)
{
    struct group *g = &w->groups[partition];

    for (uint32_t i = 1; i < w->transaction_count; i++) {
        struct transaction *t = &w->transactions[i];

        if (t->state != TRANSACTION_OPEN || !t->has_offsets || t->partition != partition) {
            continue;
        }
        if (t->is_orphan && rng_chance(w->rng, 2000)) { /* its end was under way, or it expires */
            end(w, i, t->is_commit_under_way);
        }
        if (w->bug != BUG_UNSTABLE) {
            return false;
        }
    }
    if (w->bug == BUG_NO_MARK) {
        g->mark.published = 0;
    }
    *out_mark = g->has_mark ? &g->mark : NULL;
    return true;
}

/* --- at least once: outputs arrive as they are sent; the group is told now and then --- */

static void take_outputs(struct world *w, struct owner *o)
{
    const struct outbox_entry *e;

    while (o->in_flight_count < IN_FLIGHT && rng_chance(w->rng, 9000) &&
           (e = task_take_publish(o->task)) != NULL) {
        o->in_flight[o->in_flight_count++] = e;
    }
}

static void delivered(struct owner *o, uint32_t count)
{
    int64_t sequence = o->in_flight[count - 1]->sequence;

    memmove((void *)o->in_flight, (const void *)(o->in_flight + count),
            (o->in_flight_count - count) * sizeof(o->in_flight[0]));
    o->in_flight_count -= count;
    task_published(o->task, sequence);
}

static void publish_at_least_once(struct world *w, struct owner *o)
{
    uint32_t count = (uint32_t)rng_below(w->rng, o->in_flight_count + 1);

    for (uint32_t i = 0; i < count; i++) {
        publish_name(w, o->in_flight[i], 0);
    }
    if (count > 0) {
        delivered(o, count);
    }
    if (o->is_claimed && rng_chance(w->rng, 2000) &&
        w->groups[o->partition].generation == o->generation && task_error(o->task) == OK) {
        set_mark(w, o->partition, task_mark(o->task));
    }
}

/* --- exactly once --- */

static void begin(struct world *w, struct owner *o)
{
    w->transactions = mem_grow32(w->transactions, w->transaction_count, &w->transaction_capacity,
                                 sizeof(struct transaction));
    if (w->transaction_count == 0) {
        w->transaction_count = 1; /* 0 is none */
        w->transactions =
            mem_grow32(w->transactions, 1, &w->transaction_capacity, sizeof(struct transaction));
    }
    o->transaction = w->transaction_count++;
    o->produced = 0;
    w->transactions[o->transaction] = (struct transaction){ .partition = o->partition };
}

static void produce(struct world *w, struct owner *o)
{
    uint32_t count = (uint32_t)rng_between(w->rng, 1, o->in_flight_count - o->produced);

    for (uint32_t i = 0; i < count; i++) {
        publish_name(w, o->in_flight[o->produced++], o->transaction);
    }
}

static void give_up(struct world *w, struct owner *o)
{
    end(w, o->transaction, false);
    o->transaction = 0;
}

static void send_offsets(struct world *w, struct owner *o)
{
    struct transaction *t = &w->transactions[o->transaction];

    if (w->groups[o->partition].generation != o->generation && w->bug != BUG_NO_GENERATION) {
        world_trace(w, "owner %u is refused by the group", o->number);
        o->is_refused = true;
        give_up(w, o);
        return;
    }
    t->has_offsets = true;
    t->mark = task_mark(o->task);
    if (o->produced > 0) {
        t->mark.published = o->in_flight[o->produced - 1]->sequence;
    }
}

/* A request of an earlier transaction comes late and undoes what this one has produced. */
static void stray_abort(struct world *w, uint32_t number)
{
    for (uint32_t i = 0; i < w->published_count; i++) {
        if (w->published[i].transaction == number) {
            w->published[i].transaction = 0;
            w->published[i].is_undone = true;
        }
    }
}

static void commit(struct world *w, struct owner *o)
{
    uint32_t number = o->transaction;

    if (world_may(w, 300)) { /* nobody tells how it ended */
        world_trace(w, "owner %u does not know how transaction %u ends", o->number, number);
        w->transactions[number].is_orphan = true;
        w->transactions[number].is_commit_under_way = rng_chance(w->rng, 5000);
        o->is_untold = true;
        o->transaction = 0;
        return;
    }
    if (world_may(w, 300)) {
        give_up(w, o);
        return;
    }
    if (w->bug == BUG_STRAY_END && rng_chance(w->rng, 500)) {
        stray_abort(w, number);
    }
    end(w, number, true);
    o->transaction = 0;
    o->told_version = w->transactions[number].mark.covered.version;
    if (o->produced > 0) {
        delivered(o, o->produced);
    }
}

static void publish_exactly_once(struct world *w, struct owner *o)
{
    bool is_new = o->in_flight_count > 0 ||
                  (o->is_claimed && task_mark(o->task).covered.version > o->told_version &&
                   rng_chance(w->rng, 1000));

    if (o->transaction == 0) {
        if (is_new && !o->is_refused && !o->is_untold && task_error(o->task) == OK) {
            begin(w, o);
        }
    } else if (w->transactions[o->transaction].has_offsets) {
        commit(w, o);
    } else if (o->produced < o->in_flight_count && rng_chance(w->rng, 5000)) {
        produce(w, o);
    } else if (world_may(w, 200)) {
        give_up(w, o);
    } else {
        send_offsets(w, o);
    }
}

void kafka_publish(struct world *w, struct owner *o)
{
    take_outputs(w, o);
    if (w->is_exactly_once) {
        publish_exactly_once(w, o);
    } else {
        publish_at_least_once(w, o);
    }
}

void kafka_die(struct world *w, struct owner *o)
{
    struct transaction *t;

    if (!w->is_exactly_once) {
        uint32_t count = (uint32_t)rng_below(w->rng, o->in_flight_count + 1);

        for (uint32_t i = 0; i < count; i++) {
            publish_name(w, o->in_flight[i], 0);
        }
        return;
    }
    if (o->transaction == 0) {
        return;
    }
    t = &w->transactions[o->transaction];
    if (t->has_offsets) {
        t->is_orphan = true;
        t->is_commit_under_way = rng_chance(w->rng, 5000);
    } else {
        end(w, o->transaction, false);
    }
}

void kafka_leak(struct world *w, const struct commit *c)
{
    for (uint32_t i = 0; i < c->outbox_count; i++) {
        publish_name(w, &c->outbox[i], 0);
    }
}
