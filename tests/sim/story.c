#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/cli/demo_shoppers.h"
#include "tests/sim/sim.h"

#define START_MS INT64_C(1772438400000)

static void ignore(void *context, const struct output *o)
{
    (void)context;
    (void)o;
}

static struct value copy_value(struct arena *a, struct value v)
{
    if (v.type == VALUE_TEXT) {
        v.as.text = arena_text(a, v.as.text);
    }
    return v;
}

static const struct event_field *copy_fields(struct arena *a, const struct event_field *from,
                                             uint32_t count)
{
    struct event_field *to = arena_alloc(a, (count + 1) * sizeof(*to));

    for (uint32_t i = 0; i < count; i++) {
        to[i] = from[i];
        to[i].value = copy_value(a, from[i].value);
    }
    return to;
}

static struct event *copy_event(struct arena *a, const struct event *ev)
{
    struct event *copy = arena_alloc(a, sizeof(*copy));

    *copy = *ev;
    copy->customer = arena_text(a, ev->customer);
    copy->id = arena_text(a, ev->id);
    copy->email = arena_text(a, ev->email);
    copy->order = arena_text(a, ev->order);
    copy->fields = copy_fields(a, ev->fields, ev->field_count);
    copy->set = copy_fields(a, ev->set, ev->set_count);
    return copy;
}

static void add(struct story_log *log, struct rng *rng, struct event *ev, struct text key)
{
    int64_t offset = log->count == 0 ? 0 : log->records[log->count - 1].offset + 1;

    log->records = mem_grow32(log->records, log->count, &log->capacity, sizeof(*log->records));
    if (rng_chance(rng, 300)) {
        offset += rng_between(rng, 1, 3); /* compacted, or a transaction's mark */
    }
    log->records[log->count++] = (struct story_record){ offset, ev, key };
}

static uint32_t topic_of(const struct story *s, const struct event *ev)
{
    return (uint32_t)(hash64(ev->kind_name) % s->topic_count);
}

static void tell(struct story *s, struct rng *rng, uint64_t seed)
{
    struct demo_options options = { .seed = seed,
                                    .shoppers = (uint32_t)rng_between(rng, 1, 8),
                                    .start_ms = START_MS,
                                    .days = rng_between(rng, 5, 60),
                                    .partitions = (int32_t)s->partition_count };
    struct demo_shoppers *shoppers = demo_shoppers_new(s->rules, &options, ignore, NULL);
    struct arena scratch = { 0 };
    struct event ev;

    while (demo_shoppers_next(shoppers, &scratch, &ev)) {
        struct event *copy = copy_event(&s->arena, &ev);
        uint32_t p = (uint32_t)hash_partition(copy->customer, (int32_t)s->partition_count);
        uint32_t t = topic_of(s, copy);

        if (rng_chance(rng, 100)) {
            add(&s->logs[p][t], rng, NULL, copy->customer);
        }
        add(&s->logs[p][t], rng, copy, copy->customer);
        arena_reset(&scratch);
    }
    demo_shoppers_free(shoppers);
    arena_fini(&scratch);
}

struct text story_name(struct arena *arena, enum output_type type, struct text key,
                       struct bytes payload)
{
    char *at = arena_alloc(arena, 1 + key.size + 1 + payload.size + 1);

    at[0] = (char)('0' + type);
    if (key.size > 0) {
        memcpy(at + 1, key.at, key.size);
    }
    if (payload.size > 0) {
        memcpy(at + 2 + key.size, payload.at, payload.size);
    }
    return (struct text){ at, 2 + key.size + payload.size };
}

static void expect(struct story *s, const struct output *o, struct text key)
{
    struct bytes_out out = { 0 };
    struct expectation *e = arena_alloc(&s->arena, sizeof(*e)), *before;

    if (o->type != OUTPUT_MEMBERSHIP || !o->as.membership.is_tombstone) {
        output_encode(o, &out);
    }
    e->name = story_name(&s->arena, o->type, key, bytes_out_view(&out));
    e->customer = arena_text(&s->arena, o->customer);
    e->place = s->expected_count++;
    before = map_find(&s->expected, e->name);
    if (before == NULL) {
        map_put(&s->expected, e->name, e);
        before = e;
    }
    before->wanted++;
    bytes_out_fini(&out);
}

static void expect_output(void *context, const struct output *o)
{
    expect(context, o, o->customer);
}

static void expect_dead_letter(struct story *s, uint32_t p, uint32_t t,
                               const struct story_record *r)
{
    struct output o = { .type = OUTPUT_DEAD_LETTER };

    o.as.dead_letter = (struct dead_letter){ .topic = s->topics[t],
                                             .partition = (int32_t)p,
                                             .offset = r->offset,
                                             .reason = REJECT_UNDECODABLE,
                                             .text = TEXT("poison"),
                                             .key = { (const uint8_t *)r->key.at, r->key.size } };
    expect(s, &o, r->key);
}

/* The partition's records merged by time (ties: order of the topics), through a timeline. */
static void foretell(struct story *s, uint32_t p)
{
    uint32_t next[TOPICS_MAX] = { 0 };

    s->timelines[p] = timeline_new(s->rules, false, expect_output, s);
    for (;;) {
        uint32_t best = UINT32_MAX;

        for (uint32_t t = 0; t < s->topic_count; t++) {
            const struct story_log *log = &s->logs[p][t];

            while (next[t] < log->count && log->records[next[t]].event == NULL) {
                expect_dead_letter(s, p, t, &log->records[next[t]++]);
            }
            if (next[t] < log->count &&
                (best == UINT32_MAX || log->records[next[t]].event->at_ms <
                                           s->logs[p][best].records[next[best]].event->at_ms)) {
                best = t;
            }
        }
        if (best == UINT32_MAX) {
            return;
        }
        (void)timeline_event(s->timelines[p], s->logs[p][best].records[next[best]++].event);
    }
}

void story_make(struct story *s, const struct rules *rules, struct rng *rng, uint64_t seed)
{
    static const char *const topics[TOPICS_MAX] = { "one", "two", "three" };

    *s = (struct story){ .rules = rules,
                         .topic_count = (uint32_t)rng_between(rng, 1, TOPICS_MAX),
                         .partition_count = (uint32_t)rng_between(rng, 1, PARTITIONS_MAX) };
    for (uint32_t t = 0; t < s->topic_count; t++) {
        s->topics[t] = text_of(topics[t]);
    }
    tell(s, rng, seed);
    for (uint32_t p = 0; p < s->partition_count; p++) {
        foretell(s, p);
    }
}

void story_reconfigure(struct story *s, const struct rules *rules)
{
    s->rules = rules;
    for (uint32_t p = 0; p < s->partition_count; p++) {
        timeline_reconfigure(s->timelines[p], rules);
    }
}

void story_fini(struct story *s)
{
    for (uint32_t p = 0; p < s->partition_count; p++) {
        timeline_free(s->timelines[p]);
        for (uint32_t t = 0; t < s->topic_count; t++) {
            mem_free(s->logs[p][t].records);
        }
    }
    map_fini(&s->expected);
    arena_fini(&s->arena);
}
