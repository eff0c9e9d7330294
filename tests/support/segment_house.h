/* Segments as a configuration writes them, one customer, and a log of what happened to it.
 *
 * Test support: everything is static inline, since no test uses all of it.
 */
#ifndef TESTS_SUPPORT_SEGMENT_HOUSE_H
#define TESTS_SUPPORT_SEGMENT_HOUSE_H
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "segmenters/segment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SEGMENTS_MAX 24
#define RUNGS_MAX    4
#define LOG_SIZE     65536

/* Segments as a configuration writes them, one customer, and what happened to it so far. */
struct house {
    struct arena arena;
    struct arena scratch;
    struct facts_plan facts;
    struct segments_plan plan;
    struct segment_plan segments[SEGMENTS_MAX];
    struct rung_plan rungs[SEGMENTS_MAX][RUNGS_MAX];
    const char *when[SEGMENTS_MAX][RUNGS_MAX]; /* sources; a plain segment's are the first */
    const char *leave_when[SEGMENTS_MAX][RUNGS_MAX];
    struct customer *c;
    int64_t until_ms;
    char log[LOG_SIZE]; /* "5:+vip 9:-vip ": hours and changes */
    size_t log_size;
};

static inline int open_house(void **state)
{
    static const char *const attributes[2] = { "a", "b" };
    struct house *h = calloc(1, sizeof *h);

    h->facts.arena = &h->arena;
    for (int i = 0; i < 2; i++) {
        h->facts.attributes =
            mem_grow32(h->facts.attributes, h->facts.attribute_count, &h->facts.attribute_capacity,
                       sizeof h->facts.attributes[0]);
        h->facts.attributes[h->facts.attribute_count++] = (struct attribute_plan){
            .name = text_of(attributes[i]), .key = hash32(text_of(attributes[i])), .type = VALUE_INT
        };
    }
    h->facts.order_window_ms = 100 * DAY_MS;
    h->plan.segments = h->segments;
    h->c = customer_new();
    h->until_ms = INSTANT_NEVER;
    *state = h;
    return 0;
}

static inline int close_house(void **state)
{
    struct house *h = *state;

    customer_free(h->c);
    facts_plan_fini(&h->facts);
    arena_fini(&h->arena);
    arena_fini(&h->scratch);
    free(h);
    return 0;
}

static inline struct segment_plan *add_segment(struct house *h, const char *id, const char *when,
                                               const char *leave_when)
{
    uint32_t i = h->plan.count++;

    assert_true(i < SEGMENTS_MAX);
    h->segments[i] = (struct segment_plan){ .id = text_of(id), .key = hash32(text_of(id)) };
    h->when[i][0] = when;
    h->leave_when[i][0] = leave_when;
    return &h->segments[i];
}

static inline void add_rung(struct house *h, struct segment_plan *s, const char *name,
                            const char *when, const char *leave_when)
{
    uint32_t i = (uint32_t)(s - h->segments);
    struct rung_plan *rung = &h->rungs[i][s->rung_count];

    assert_true(s->rung_count < RUNGS_MAX);
    s->is_ladder = true;
    s->rungs = h->rungs[i];
    rung->name = text_of(name);
    rung->id = arena_format(&h->arena, "%.*s.%s", TEXT_PRINTF(s->id), name);
    rung->key = hash32(rung->name);
    h->when[i][s->rung_count] = when;
    h->leave_when[i][s->rung_count] = leave_when;
    s->rung_count++;
}

static inline bool find_segment(const void *context, struct text id, uint32_t *out_key,
                                uint32_t *out_rung)
{
    bool is_ambiguous;

    return segments_find(context, id, out_key, out_rung, &is_ambiguous);
}

static inline const struct predicate *compile(struct house *h, const char *source)
{
    const struct predicate_names names = { .context = &h->plan, .segment = find_segment };
    const struct predicate *predicate = NULL;
    struct predicate_error error;

    if (source != NULL && predicate_compile(&h->facts, &names, text_of(source), PREDICATE_CUSTOMER,
                                            &predicate, &error) != OK) {
        fail_msg("%s: %s", source, error.text);
    }
    return predicate;
}

static inline enum err settle(struct house *h, char out_text[256])
{
    for (uint32_t i = 0; i < h->plan.count; i++) {
        struct segment_plan *s = &h->segments[i];

        if (!s->is_ladder) {
            s->when = compile(h, h->when[i][0]);
            s->leave_when = compile(h, h->leave_when[i][0]);
        }
        for (uint32_t r = 0; r < s->rung_count && !s->is_from_rfm; r++) {
            s->rungs[r].when = compile(h, h->when[i][r]);
            s->rungs[r].leave_when = compile(h, h->leave_when[i][r]);
        }
    }
    h->plan.family_min = 3;
    return segments_order(&h->plan, &h->arena, out_text);
}

static inline void decide(struct house *h, uint64_t changed, int64_t now_ms)
{
    struct segment_change changes[2 * SEGMENTS_MAX];
    const struct view v = { .plan = &h->facts,
                            .customer = h->c,
                            .id = TEXT("c-1"),
                            .now_ms = now_ms,
                            .arena = &h->scratch };
    uint32_t count = segments_decide(&h->plan, &v, h->c, changed, changes, &h->until_ms);

    arena_reset(&h->scratch);
    assert_true(h->until_ms > now_ms);
    for (uint32_t i = 0; i < count; i++) {
        int size = snprintf(h->log + h->log_size, LOG_SIZE - h->log_size, "%g:%c%.*s ",
                            (double)now_ms / (double)HOUR_MS, changes[i].is_entered ? '+' : '-',
                            TEXT_PRINTF(changes[i].id));

        h->log_size += (size_t)size;
        assert_true(h->log_size < LOG_SIZE);
    }
}

/* What time alone changes, each at its own instant, up to and including `hours`. */
static inline void run_to(struct house *h, int64_t hours)
{
    while (h->until_ms <= hours * HOUR_MS) {
        decide(h, 0, h->until_ms);
    }
}

static inline uint64_t apply(const struct house *h, struct customer *c, const char *kind,
                             int64_t hours, const struct event_field *set)
{
    const struct event ev = { .kind = event_kind_of(text_of(kind)),
                              .kind_name = text_of(kind),
                              .at_ms = hours * HOUR_MS,
                              .set = set,
                              .set_count = set != NULL ? 1 : 0 };
    const struct facts_event e = { .event = &ev, .is_human = true, .is_first = true };
    bool is_known_order;

    return facts_apply(&h->facts, c, &e, ev.at_ms, &is_known_order);
}

/* Time first, then the event. */
static inline void event(struct house *h, const char *kind, int64_t hours)
{
    run_to(h, hours - 1);
    decide(h, apply(h, h->c, kind, hours, NULL), hours * HOUR_MS);
}

static inline struct event_field setting(const char *attribute, int64_t value)
{
    return (struct event_field){
        .name = text_of(attribute),
        .key = hash32(text_of(attribute)),
        .value = { .type = value < 0 ? VALUE_NULL : VALUE_INT, .as.integer = value },
    };
}

/* Set an attribute; -1 unsets it. */
static inline void set(struct house *h, const char *attribute, int64_t value, int64_t hours)
{
    struct event_field field = setting(attribute, value);

    run_to(h, hours - 1);
    decide(h, apply(h, h->c, "profile", hours, &field), hours * HOUR_MS);
}

static inline void must_settle(struct house *h)
{
    char text[256] = "";

    assert_int_equal(settle(h, text), OK);
    assert_string_equal(text, "");
}

#endif /* TESTS_SUPPORT_SEGMENT_HOUSE_H */
