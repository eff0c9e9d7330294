/* A small shop for tests of facts: a plan as processor/config makes it, one customer, and events.
 *
 * Test support: everything is static inline, since no test uses all of it.
 */
#ifndef TESTS_SUPPORT_FACTS_SHOP_H
#define TESTS_SUPPORT_FACTS_SHOP_H
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "segmenters/facts.h"
#include "segmenters/predicate.h"
#include "segmenters/score.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define FIELDS_MAX 8

/* A small shop, built by hand: what processor/config makes of a file. */
struct shop {
    struct arena arena;
    struct facts_plan plan;
    struct filter_plan pricing; /* click.pricing */
    struct filter_plan guides;  /* purchase.guides */
    struct score_point points[5];
    struct customer *c;
    int64_t now_ms; /* the latest event so far */
};

enum {
    VISITS,
    CLICKS,
    CLICKS_ANY,
    PRICING,
    PAGES,
    AMOUNTS,
    BUYS,
    GUIDES,
    GUIDE_AMOUNTS,
    SHOP_HISTORIES
};

static inline void add_history(struct facts_plan *plan, const char *name, const char *field,
                               int64_t window_ms, uint32_t keep)
{
    struct history_plan *h;

    plan->histories = mem_grow32(plan->histories, plan->history_count, &plan->history_capacity,
                                 sizeof plan->histories[0]);
    h = &plan->histories[plan->history_count];
    *h = (struct history_plan){ .key = 100 + plan->history_count,
                                .name = text_of(name),
                                .field = field != NULL ? hash32(text_of(field)) : 0,
                                .class = field == NULL              ? HISTORY_TIMES
                                         : strcmp(field, "amount") == 0 ? HISTORY_NUMBERS
                                                                        : HISTORY_VALUES,
                                .window_ms = window_ms,
                                .keep = keep };
    h->filter = facts_filter(plan, h->name);
    h->kind = h->filter != NULL ? h->filter->kind : h->name;
    plan->history_count++;
}

static inline void add_attribute(struct facts_plan *plan, const char *name, enum value_type type,
                                 const char *kind, const char *field)
{
    struct attribute_plan *a;

    plan->attributes = mem_grow32(plan->attributes, plan->attribute_count,
                                  &plan->attribute_capacity, sizeof plan->attributes[0]);
    a = &plan->attributes[plan->attribute_count++];
    *a = (struct attribute_plan){ .name = text_of(name),
                                  .key = hash32(text_of(name)),
                                  .type = type,
                                  .remember_kind = text_of(kind),
                                  .remember_field = field != NULL ? hash32(text_of(field)) : 0 };
}

static inline void add_filter(struct shop *s, struct filter_plan *filter, const char *name,
                              const char *kind, const char *source)
{
    struct predicate_error error;

    *filter = (struct filter_plan){ .name = text_of(name), .kind = text_of(kind) };
    assert_int_equal(predicate_compile(&s->plan, NULL, text_of(source), PREDICATE_EVENT,
                                       &filter->predicate, &error),
                     OK);
    s->plan.filters = mem_grow32(s->plan.filters, s->plan.filter_count, &s->plan.filter_capacity,
                                 sizeof s->plan.filters[0]);
    s->plan.filters[s->plan.filter_count++] = filter;
}

static inline void add_score(struct shop *s)
{
    static const struct {
        const char *kind;
        int64_t points;
    } kinds[4] = { { "visit", 1 }, { "click", 3 }, { "click.any", 16 }, { "purchase", 64 } };

    for (int i = 0; i < 4; i++) {
        s->points[i] = (struct score_point){ .kind = text_of(kinds[i].kind),
                                             .points_q40 = kinds[i].points * SCORE_POINT };
    }
    s->points[4] = (struct score_point){ .kind = TEXT("click"),
                                         .filter = &s->pricing,
                                         .points_q40 = 6 * SCORE_POINT };
    s->plan.scores = mem_grow32(s->plan.scores, s->plan.score_count, &s->plan.score_capacity,
                                sizeof s->plan.scores[0]);
    s->plan.scores[s->plan.score_count++] = (struct score_plan){ .name = TEXT("intent"),
                                                                 .key = 7,
                                                                 .half_life_ms = 3 * DAY_MS,
                                                                 .points = s->points,
                                                                 .point_count = 5 };
}

static inline int open_shop(void **state)
{
    struct shop *s = calloc(1, sizeof *s);

    s->plan.arena = &s->arena;
    s->plan.currency = TEXT("EUR");
    s->plan.order_window_ms = 365 * DAY_MS;
    add_filter(s, &s->pricing, "click.pricing", "click", "event.url.startsWith(\"/pricing\")");
    add_filter(s, &s->guides, "purchase.guides", "purchase", "event.url.startsWith(\"/pricing\")");
    add_score(s);
    add_history(&s->plan, "visit", NULL, 10 * DAY_MS, 5);
    add_history(&s->plan, "click", NULL, INSTANT_NEVER, 1000);
    add_history(&s->plan, "click.any", NULL, INSTANT_NEVER, 1000);
    add_history(&s->plan, "click.pricing", NULL, INSTANT_NEVER, 0);
    add_history(&s->plan, "visit", "url", 30 * DAY_MS, 100);
    add_history(&s->plan, "purchase", "amount", INSTANT_NEVER, 100);
    add_history(&s->plan, "purchase", NULL, INSTANT_NEVER, 100);
    add_history(&s->plan, "purchase.guides", NULL, 0, 0);
    add_history(&s->plan, "purchase.guides", "amount", 20 * DAY_MS, 3);
    add_attribute(&s->plan, "size", VALUE_INT, NULL, NULL);
    add_attribute(&s->plan, "city", VALUE_TEXT, NULL, NULL);
    add_attribute(&s->plan, "tags", VALUE_STRINGS, NULL, NULL);
    add_attribute(&s->plan, "last_page", VALUE_NULL, "visit", "url");
    add_attribute(&s->plan, "last_bought", VALUE_NULL, "purchase", "items.category");
    s->c = customer_new();
    s->now_ms = INSTANT_MIN;
    *state = s;
    return 0;
}

static inline int close_shop(void **state)
{
    struct shop *s = *state;

    customer_free(s->c);
    facts_plan_fini(&s->plan);
    arena_fini(&s->arena);
    free(s);
    return 0;
}

/* An event and room for its fields. */
struct draft {
    struct event ev;
    struct event_field fields[FIELDS_MAX];
    struct event_field set[FIELDS_MAX];
};

static inline void event_init(struct draft *d, const char *kind, int64_t at_ms)
{
    *d = (struct draft){ .ev = { .kind = event_kind_of(text_of(kind)),
                                 .kind_name = text_of(kind),
                                 .customer = TEXT("c-1"),
                                 .at_ms = at_ms } };
    d->ev.fields = d->fields;
    d->ev.set = d->set;
}

static inline struct value text_value(const char *text)
{
    return (struct value){ .type = VALUE_TEXT, .as.text = text_of(text) };
}

static inline struct value int_value(int64_t integer)
{
    return (struct value){ .type = VALUE_INT, .as.integer = integer };
}

static inline void add_field(struct draft *d, const char *name, struct value value)
{
    assert_true(d->ev.field_count < FIELDS_MAX);
    d->fields[d->ev.field_count++] =
        (struct event_field){ text_of(name), hash32(text_of(name)), value };
}

static inline void add_set(struct draft *d, const char *name, struct value value)
{
    assert_true(d->ev.set_count < FIELDS_MAX);
    d->set[d->ev.set_count++] = (struct event_field){ text_of(name), hash32(text_of(name)), value };
}

/* A purchase or refund. */
static inline struct draft money(const char *kind, int64_t at_ms, const char *order, int64_t amount)
{
    struct draft d;

    event_init(&d, kind, at_ms);
    d.ev.order = text_of(order);
    d.ev.has_amount = true;
    d.ev.amount = amount;
    add_field(&d, "amount", int_value(amount));
    return d;
}

static inline uint64_t apply_as(struct shop *s, struct draft *d, bool is_human, bool is_first,
                                bool *out_is_known)
{
    struct facts_event e = { .event = &d->ev, .is_human = is_human, .is_first = is_first };

    d->ev.fields = d->fields; /* the draft may have been copied */
    d->ev.set = d->set;
    s->now_ms = d->ev.at_ms > s->now_ms ? d->ev.at_ms : s->now_ms;
    return facts_apply(&s->plan, s->c, &e, s->now_ms, out_is_known);
}

static inline uint64_t apply(struct shop *s, struct draft d)
{
    bool is_known;

    return apply_as(s, &d, true, true, &is_known);
}

static inline bool is_known_order(struct shop *s, struct draft d)
{
    bool is_known;

    (void)apply_as(s, &d, true, true, &is_known);
    return is_known;
}

static inline const struct history *history(const struct shop *s, int which)
{
    return customer_history(s->c, s->plan.histories[which].key);
}

static inline struct draft visit(int64_t at_ms, const char *url)
{
    struct draft d;

    event_init(&d, "visit", at_ms);
    if (url != NULL) {
        add_field(&d, "url", text_value(url));
    }
    return d;
}

static inline struct draft click(int64_t at_ms, const char *url)
{
    struct draft d = visit(at_ms, url);

    d.ev.kind = EVENT_CLICK;
    d.ev.kind_name = TEXT("click");
    return d;
}

static inline const struct value *attribute(const struct shop *s, const char *name)
{
    struct attribute *a = customer_attribute(s->c, hash32(text_of(name)));

    return a == NULL ? NULL : &a->value;
}

static inline struct draft profile(int64_t at_ms, const char *name, struct value value)
{
    struct draft d;

    event_init(&d, "profile", at_ms);
    add_set(&d, name, value);
    return d;
}

#define SHOP_TEST(f) cmocka_unit_test_setup_teardown(f, open_shop, close_shop)

#endif /* TESTS_SUPPORT_FACTS_SHOP_H */
