/* DESIGN. One heap over all customers' timers and one stream time, the largest event time. Before
 * an event moves stream time, everything due before the new time fires, in order of (instant,
 * customer). A sorted timeline keeps its outputs to the end and hands them over by (instant
 * decided, events in order of arrival before time's work by customer, order of decision).
 */
#include "processor/engine/timeline.h"

#include "processor/base/check.h"
#include "processor/base/heap.h"
#include "processor/base/instant.h"
#include "processor/base/map.h"
#include "processor/base/mem.h"

#include <stdlib.h>

struct known {             /* one customer */
    struct heap_item item; /* first: a heap item is its owner */
    struct text id;
    struct customer *customer;
};

struct kept { /* an output of a sorted timeline */
    struct output output;
    int64_t input; /* number of the event; 0: time's work */
    uint32_t order;
};

struct timeline {
    const struct rules *rules;
    timeline_sink *sink;
    void *context;
    bool is_sorted;
    int64_t stream_ms;
    int64_t inputs;
    struct map customers;
    struct heap timers;
    struct arena arena; /* of outputs: until they are handed over */
    struct arena scratch;
    struct outputs outputs;
    struct counters counters;
    struct kept *kept;
    uint32_t kept_count;
    uint32_t kept_capacity;
};

struct timeline *timeline_new(const struct rules *rules, bool is_sorted, timeline_sink *sink,
                              void *context)
{
    struct timeline *t = mem_alloc(sizeof(*t));

    t->rules = rules;
    t->is_sorted = is_sorted;
    t->sink = sink;
    t->context = context;
    t->stream_ms = INSTANT_MIN;
    t->outputs.arena = &t->arena;
    (void)rules_note_arms(rules, &t->counters);
    return t;
}

void timeline_free(struct timeline *t)
{
    struct known *k;
    size_t cursor = 0;

    if (t == NULL) {
        return;
    }
    while ((k = map_next(&t->customers, &cursor)) != NULL) {
        customer_free(k->customer);
        mem_free((void *)(uintptr_t)k->id.at);
        mem_free(k);
    }
    map_fini(&t->customers);
    heap_fini(&t->timers);
    outputs_fini(&t->outputs);
    counters_fini(&t->counters);
    mem_free(t->kept);
    arena_fini(&t->arena);
    arena_fini(&t->scratch);
    mem_free(t);
}

/* Outputs of the last step: kept, or handed over at once. */
static void deliver(struct timeline *t)
{
    for (uint32_t i = 0; i < t->outputs.count; i++) {
        const struct output *o = &t->outputs.items[i];

        if (!t->is_sorted) {
            t->sink(t->context, o);
            continue;
        }
        t->kept = mem_grow32(t->kept, t->kept_count, &t->kept_capacity, sizeof(struct kept));
        t->kept[t->kept_count] = (struct kept){ *o, o->is_by_event ? t->inputs : 0, t->kept_count };
        t->kept_count++;
    }
    t->outputs.count = 0;
    arena_reset(&t->scratch);
    if (!t->is_sorted) {
        arena_reset(&t->arena);
    }
}

static struct step step_of(struct timeline *t, const struct known *k)
{
    return (struct step){ .rules = t->rules,
                          .customer = k->id,
                          .stream_ms = t->stream_ms,
                          .wall_ms = STEP_NO_WALL,
                          .out = &t->outputs,
                          .counters = &t->counters,
                          .scratch = &t->scratch };
}

static void fire_due(struct timeline *t)
{
    struct heap_item *first;

    while ((first = heap_first(&t->timers)) != NULL && first->due_ms < t->stream_ms) {
        struct known *k = (struct known *)(void *)first;
        struct step s = step_of(t, k);

        step_time(&s, k->customer);
        CHECK(k->customer->due_ms >= t->stream_ms);
        heap_set(&t->timers, &k->item, k->customer->due_ms);
        deliver(t);
    }
}

static struct known *need(struct timeline *t, struct text id)
{
    struct known *k = map_find(&t->customers, id);

    if (k == NULL) {
        k = mem_alloc(sizeof(*k));
        k->id = text_dup(id);
        k->customer = customer_new();
        heap_item_init(&k->item, k->id);
        map_put(&t->customers, k->id, k);
    }
    return k;
}

enum step_event_result timeline_event(struct timeline *t, const struct event *ev)
{
    enum step_event_result result;
    struct known *k;
    struct step s;

    t->inputs++;
    if (ev->at_ms > t->stream_ms) {
        t->stream_ms = ev->at_ms;
        fire_due(t);
    }
    k = need(t, ev->customer);
    s = step_of(t, k);
    result = step_event(&s, k->customer, ev);
    heap_set(&t->timers, &k->item, k->customer->due_ms);
    deliver(t);
    return result;
}

void timeline_reject(struct timeline *t, int64_t line, enum reject reason, struct text text)
{
    struct output *o;

    t->inputs++;
    t->outputs.items =
        mem_grow32(t->outputs.items, t->outputs.count, &t->outputs.capacity, sizeof(struct output));
    o = &t->outputs.items[t->outputs.count++];
    *o = (struct output){ .type = OUTPUT_DEAD_LETTER,
                          .at_ms = t->stream_ms,
                          .decided_ms = t->stream_ms,
                          .is_by_event = true };
    o->as.dead_letter = (struct dead_letter){ .offset = line,
                                              .reason = reason,
                                              .text = arena_text(&t->arena, text) };
    deliver(t);
}

void timeline_run_to(struct timeline *t, int64_t until_ms)
{
    if (until_ms + 1 > t->stream_ms) {
        t->stream_ms = until_ms + 1;
        fire_due(t);
    }
}

static int compare_kept(const void *left, const void *right)
{
    const struct kept *a = left, *b = right;
    int by_customer;

    if (a->output.decided_ms != b->output.decided_ms) {
        return a->output.decided_ms < b->output.decided_ms ? -1 : 1;
    }
    if ((a->input == 0) != (b->input == 0)) {
        return a->input == 0 ? 1 : -1;
    }
    if (a->input != b->input) {
        return a->input < b->input ? -1 : 1;
    }
    by_customer = a->input == 0 ? text_compare(a->output.customer, b->output.customer) : 0;
    if (by_customer != 0) {
        return by_customer;
    }
    return a->order < b->order ? -1 : 1;
}

void timeline_finish(struct timeline *t, int64_t until_ms)
{
    struct known *k;
    size_t cursor = 0;

    timeline_run_to(t, until_ms);
    while ((k = map_next(&t->customers, &cursor)) != NULL) {
        if (k->customer->run_count > 0) {
            struct step s = step_of(t, k);

            s.is_final = true;
            step_time(&s, k->customer);
            heap_set(&t->timers, &k->item, k->customer->due_ms);
            deliver(t);
        }
    }
    if (t->kept_count > 0) {
        qsort(t->kept, t->kept_count, sizeof(struct kept), compare_kept);
    }
    for (uint32_t i = 0; i < t->kept_count; i++) {
        t->sink(t->context, &t->kept[i].output);
    }
    t->kept_count = 0;
}

void timeline_reconfigure(struct timeline *t, const struct rules *rules)
{
    struct known *k;
    size_t cursor = 0;

    t->rules = rules;
    while ((k = map_next(&t->customers, &cursor)) != NULL) {
        struct step s = step_of(t, k);

        if (!customer_is_blank(k->customer)) {
            step_time(&s, k->customer);
            heap_set(&t->timers, &k->item, k->customer->due_ms);
            deliver(t);
        }
    }
}

int64_t timeline_stream_ms(const struct timeline *t)
{
    return t->stream_ms;
}

const struct counters *timeline_counters(const struct timeline *t)
{
    return &t->counters;
}

int64_t timeline_due_ms(const struct timeline *t)
{
    const struct heap_item *first = heap_first(&t->timers);

    return first == NULL ? INSTANT_NEVER : first->due_ms;
}

const struct customer *timeline_customer(const struct timeline *t, struct text id)
{
    const struct known *k = map_find(&t->customers, id);

    return k == NULL ? NULL : k->customer;
}

const struct customer *timeline_next(const struct timeline *t, size_t *cursor, struct text *out_id)
{
    const struct known *k = map_next(&t->customers, cursor);

    if (k == NULL) {
        return NULL;
    }
    *out_id = k->id;
    return k->customer;
}

struct customer *timeline_need_customer(struct timeline *t, struct text id)
{
    return need(t, id)->customer;
}
