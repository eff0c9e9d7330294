#include "processor/base/instant.h"
#include "processor/base/map.h"
#include "processor/runtime/replay_parts.h"
#include "schemas/customer.h"

#include <inttypes.h>

#define PAGE 500

/* --- what the tool writes itself --- */

static enum err commit(struct replay *r, const struct commit *c)
{
    struct store_request q = { .verb = STORE_COMMIT, .partition = r->partition, .commit = c };
    struct store_reply reply;

    return replay_ask(r, r->options->store, &q, &reply);
}

/* As far as the outbox numbers go, what was is over: nobody may be told it again. */
static void close_outbox(struct commit *c, int64_t published)
{
    struct partition_state *s = &c->state;

    s->outbox_last = s->outbox_last > published ? s->outbox_last : published;
    s->outbox_trimmed = c->outbox_trim = s->outbox_last;
}

/* --- taking away --- */

static enum err claim(struct replay *r, int64_t *epoch, struct store_reply *out)
{
    struct store_request q = { .verb = STORE_CLAIM, .partition = r->partition };
    enum err e = ERR_FENCED;

    *out = (struct store_reply){ .is_new = true };
    for (int attempt = 0; e == ERR_FENCED && attempt < 2; attempt++) {
        q.epoch = ++*epoch;
        e = replay_plan_mark(r, q.epoch);
        e = e == OK ? replay_ask(r, r->options->store, &q, out) : e;
        if (e == ERR_FENCED && out->guard.epoch > *epoch) {
            *epoch = out->guard.epoch;
        }
    }
    return e;
}

static void begin_anew(struct commit *c, const struct replay *r, struct guard guard,
                       int64_t outbox_last, uint64_t lineage)
{
    *c = (struct commit){ .expected = guard };
    partition_state_init(&c->state);
    c->state.guard = (struct guard){ guard.epoch, guard.version + 1 };
    c->state.lineage = lineage;
    c->state.partition_count = r->options->partition_count;
    c->state.config = c->state.swept = r->options->config->rules->config;
    c->state.outbox_last = outbox_last;
    close_outbox(c, r->plan.published);
}

/* A page of customers goes; the first takes the counters along. */
static enum err discard_page(struct replay *r, struct commit *c, struct store_request *scan,
                             bool *out_is_last)
{
    struct arena arena = { 0 };
    struct store_reply page;
    struct commit_record *records;
    enum err e = replay_ask(r, r->options->store, scan, &page);

    if (e == OK) {
        records = arena_alloc(&arena, (page.customer_count + 1) * sizeof(*records));
        for (uint32_t i = 0; i < page.customer_count; i++) {
            records[i].customer = arena_text(&arena, page.customers[i]);
            records[i].due_ms = INSTANT_NEVER;
        }
        c->records = records;
        c->record_count = page.customer_count;
        scan->cursor = page.cursor;
        *out_is_last = page.is_last;
        e = commit(r, c);
        c->expected = c->state.guard;
        c->state.guard.version++;
        c->counters = NULL;
        c->counter_count = 0;
    }
    arena_fini(&arena);
    return e;
}

/* All sums begin again; which arms an experiment ran with is no sum, and is of these rules now. */
static struct counter_value *count_anew(const struct replay *r, const struct store_reply *found,
                                        struct arena *arena)
{
    struct counter_value *values = arena_alloc(arena, (found->counter_count + 1) * sizeof(*values));
    struct counters ours = { 0 };

    (void)rules_note_arms(r->options->config->rules, &ours);
    for (uint32_t i = 0; i < found->counter_count; i++) {
        const struct counter_value *was = &found->counters[i];

        values[i].name = arena_text(arena, was->name);
        values[i].value = text_ends_with(was->name, TEXT("/arms")) ? was->value : 0;
        (void)counters_find(&ours, was->name, &values[i].value);
    }
    counters_fini(&ours);
    return values;
}

enum err replay_state_discard(struct replay *r, int64_t *epoch)
{
    struct store_request scan = { .verb = STORE_SCAN, .partition = r->partition, .limit = PAGE };
    struct arena arena = { 0 };
    struct counter_value *values;
    struct store_reply found;
    struct commit c;
    enum err e = claim(r, epoch, &found);
    bool is_last = false;

    if (e == OK) {
        values = count_anew(r, &found, &arena);
        begin_anew(&c, r, found.guard, found.is_new ? 0 : found.state->outbox_last,
                   r->plan.discarding);
        c.counters = values;
        c.counter_count = found.counter_count;
        while (e == OK && !is_last) {
            e = discard_page(r, &c, &scan, &is_last);
        }
    }
    if (e == OK) {
        c.record_count = 0;
        c.state.lineage = r->plan.under_way;
        e = commit(r, &c);
    }
    arena_fini(&arena);
    return e;
}

/* --- the end --- */

/* What is left of the way may be records that only the broker knows. */
static void go_to_end(struct replay *r, struct partition_state *s)
{
    const struct config *c = r->options->config;
    struct partition_state was = *s;

    s->position_count = c->input_count;
    for (uint32_t i = 0; i < c->input_count; i++) {
        s->positions[i] =
            (struct topic_position){ c->inputs[i].topic, r->plan.to[i], INSTANT_MIN, 0 };
        for (uint32_t k = 0; k < was.position_count; k++) {
            if (text_equal(was.positions[k].topic, c->inputs[i].topic)) {
                s->positions[i].watermark_ms = was.positions[k].watermark_ms;
                s->positions[i].next_offset = was.positions[k].next_offset > r->plan.to[i]
                                                  ? was.positions[k].next_offset
                                                  : r->plan.to[i];
            }
        }
    }
}

enum err replay_state_finish(struct replay *r)
{
    struct store_request look = { .verb = STORE_LOOK, .partition = r->partition };
    struct store_reply found;
    struct commit c;
    struct mark m;
    enum err e = replay_ask(r, r->options->store, &look, &found);

    if (e != OK) {
        return e;
    }
    begin_anew(&c, r, found.guard, 0, r->plan.built);
    if (!found.is_new) {
        struct guard guard = c.state.guard;

        c.state = *found.state;
        c.state.guard = guard;
        c.state.lineage = r->plan.built;
        close_outbox(&c, r->plan.published);
    }
    if (c.state.stream_ms < r->plan.until_ms && !r->options->config->rules->is_event_clock) {
        c.state.stream_ms = r->plan.until_ms;
    }
    go_to_end(r, &c.state);
    r->result->customers = found.filed;
    r->result->stream_ms = c.state.stream_ms;
    e = commit(r, &c);
    if (e != OK) {
        return e;
    }
    m = (struct mark){ .lineage = c.state.lineage,
                       .epoch = c.state.guard.epoch,
                       .covered = c.state.guard,
                       .published = c.state.outbox_last,
                       .stream_ms = c.state.stream_ms };
    return kafka_group_commit(r->options->kafka, r->partition, r->plan.to, &m, r->sentence);
}

/* --- comparing --- */

struct comparison {
    struct replay *r;
    struct store *built, *stored;
    struct map seen;
    struct arena names; /* of the map */
    struct arena arena; /* of a page */
};

/* Bytes that another request may overwrite, kept. */
static struct bytes kept(struct arena *arena, struct bytes b)
{
    struct text t = arena_text(arena, (struct text){ (const char *)b.at, b.size });

    return (struct bytes){ (const uint8_t *)t.at, t.size };
}

static enum err records_of(struct comparison *c, struct store *s, const struct text *ids,
                           uint32_t count, struct bytes *out)
{
    struct store_request peek = {
        .verb = STORE_PEEK, .partition = c->r->partition, .customers = ids, .customer_count = count
    };
    struct store_reply reply;
    enum err e = replay_ask(c->r, s, &peek, &reply);

    for (uint32_t i = 0; e == OK && i < count; i++) {
        out[i] = kept(&c->arena, reply.records[i]);
    }
    return e;
}

static bool is_same(struct bytes a, struct bytes b)
{
    return (a.at == NULL) == (b.at == NULL) && a.size == b.size &&
           (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

/* Those of a page that were not seen before, in both stores. */
static enum err compare_page(struct comparison *c, const struct store_reply *page)
{
    static int here; /* any address: what the map holds */
    const struct replay_options *o = c->r->options;
    struct text *ids = arena_alloc(&c->arena, (page->customer_count + 1) * sizeof(*ids));
    struct bytes *stored, *built;
    uint32_t count = 0;
    enum err e;

    for (uint32_t i = 0; i < page->customer_count; i++) {
        if (map_find(&c->seen, page->customers[i]) == NULL) {
            ids[count] = arena_text(&c->names, page->customers[i]);
            map_put(&c->seen, ids[count], &here);
            count++;
        }
    }
    stored = arena_alloc(&c->arena, (count + 1) * sizeof(*stored));
    built = arena_alloc(&c->arena, (count + 1) * sizeof(*built));
    e = records_of(c, c->stored, ids, count, stored);
    e = e == OK ? records_of(c, c->built, ids, count, built) : e;
    for (uint32_t i = 0; e == OK && i < count; i++) {
        c->r->result->customers++;
        if (!is_same(stored[i], built[i])) {
            struct replay_differing d = { ids[i], stored[i], built[i] };

            c->r->result->differing++;
            o->differs(o->context, c->r->partition, &d);
        }
    }
    arena_reset(&c->arena);
    return e;
}

static enum err compare_all_of(struct comparison *c, struct store *s)
{
    struct store_request scan = { .verb = STORE_SCAN, .partition = c->r->partition, .limit = PAGE };
    struct store_reply page;
    enum err e = OK;

    for (bool is_last = false; e == OK && !is_last;) {
        e = replay_ask(c->r, s, &scan, &page);
        if (e == OK) {
            is_last = page.is_last;
            scan.cursor = page.cursor;
            e = compare_page(c, &page); /* copies what it needs before it asks */
        }
    }
    return e;
}

enum err replay_state_compare(struct replay *r, struct store *built)
{
    struct comparison c = { .r = r, .built = built, .stored = r->options->store };
    enum err e = compare_all_of(&c, c.stored);

    e = e == OK ? compare_all_of(&c, c.built) : e;
    map_fini(&c.seen);
    arena_fini(&c.names);
    arena_fini(&c.arena);
    return e;
}
