/* The contract of `until`: between now and until, with no new event, the answer does not change.
 *
 * Expressions over everything that moves with time are evaluated at random instants of random
 * histories, and again at instants before their `until`: any difference is a bug. Each seed
 * replays.
 */
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/base/rng.h"
#include "processor/config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define START_MS INT64_C(1772438400000) /* 2026-03-02T08:00:00Z */
#define PROBES   12

static const char *const expressions[] = {
    "count(\"click\", days(3)) >= 2",
    "count(\"click\", days(3)) == 1",
    "count(\"click\") > 3",
    "count(\"click.pricing\", hours(30)) > 0",
    "sum(\"purchase\", \"amount\", days(10)) >= money(\"40.00\")",
    "sum(\"visit\", \"pages\", days(2)) < 7",
    "now - last(\"visit\") >= days(2)",
    "now - last([\"open\", \"click\", \"purchase\"]) < hours(50)",
    "now - first(\"click\") > days(4)",
    "last(\"click\") > last(\"visit\")",
    "has(customer.city) && customer.city == \"Rome\"",
    "years_since(customer.birth_date, \"Europe/Berlin\") >= 26",
    "getHours(now, \"Asia/Kolkata\") >= 9 && getHours(now, \"Asia/Kolkata\") < 18",
    "getDayOfWeek(now, \"America/New_York\") == 1",
    "day_start(now, \"Europe/Berlin\") > last(\"visit\")",
    "intent.score >= 4.5",
    "intent.level == \"medium\"",
    "intent.level != \"low\"",
    "rfm.r >= 4",
    "rfm.f == 2 || rfm.m >= 3",
    "rfm.segment in [\"champions\", \"loyal\", \"lapsed\"]",
    "rfm.recency < days(9)",
    "rfm.frequency >= 2",
    "rfm.monetary > money(\"60.00\")",
    "now >= timestamp(\"2026-03-20T12:00:00Z\")",
};

#define EXPRESSIONS (sizeof(expressions) / sizeof(expressions[0]))

static const char shop_yaml[] =
    "version: 1\napp: t\ncurrency: EUR\n"
    "attributes:\n  city: {type: string}\n  birth_date: {type: date}\n"
    "filters:\n  click.pricing: 'event.url == \"/pricing\"'\n"
    "scores:\n"
    "  rfm: {window: 20d, recency: [12d, 8d, 4d, 2d], frequency: [2, 3, 4, 5],\n"
    "        monetary: [\"10.00\", \"40.00\", \"80.00\", \"120.00\"], map: rf11}\n"
    "  intent: {half_life: 2d, points: {click: 3, visit: 1, purchase: 5},\n"
    "           levels: {low: 0, medium: 2.5, high: 8}}\n"
    "segments:\n";

struct world {
    struct config *config;
    struct customer *customer;
    struct arena arena;
    struct rng rng;
    int64_t now_ms;
};

/* Every expression is a segment of its own, so that the configuration compiles it. */
static struct config *load(void)
{
    struct bytes_out yaml = { 0 };
    struct config_problems problems = { 0 };
    struct config *config = NULL;
    struct bytes view;

    bytes_put(&yaml, shop_yaml, sizeof(shop_yaml) - 1);
    for (size_t i = 0; i < EXPRESSIONS; i++) {
        bytes_put_format(&yaml, "  s%zu: {dimension: behavioral, when: '%s'}\n", i, expressions[i]);
    }
    view = bytes_out_view(&yaml);
    (void)config_load_text((struct text){ (const char *)view.at, view.size }, "shop.yaml",
                           CONFIG_NEED_RULES, NULL, 0, &config, &problems);
    config_problems_print(&problems, stderr);
    config_problems_fini(&problems);
    bytes_out_fini(&yaml);
    assert_non_null(config);
    return config;
}

static void apply(struct world *w, struct event *ev)
{
    struct facts_event fact = { .event = ev, .is_human = true, .is_first = true };
    bool is_known;

    ev->customer = TEXT("c");
    ev->kind = event_kind_of(ev->kind_name);
    (void)facts_apply(&w->config->rules->facts, w->customer, &fact, w->now_ms, &is_known);
    arena_reset(&w->arena);
}

static void random_event(struct world *w)
{
    static const char *const kinds[] = { "click", "visit", "open", "purchase", "profile" };
    struct event_field field = { 0 };
    struct event ev = { .kind_name = text_of(kinds[rng_below(&w->rng, 5)]),
                        .at_ms = w->now_ms - (int64_t)rng_below(&w->rng, 6 * HOUR_MS),
                        .fields = &field,
                        .field_count = 1 };

    ev.id = arena_format(&w->arena, "e%llu", (unsigned long long)rng_next(&w->rng));
    if (text_is(ev.kind_name, "visit")) {
        field.name = TEXT("pages");
        field.value =
            (struct value){ .type = VALUE_INT, .as.integer = (int64_t)rng_below(&w->rng, 5) };
    } else if (text_is(ev.kind_name, "purchase")) {
        ev.has_amount = true;
        ev.amount = (int64_t)rng_below(&w->rng, 6000);
        ev.currency = TEXT("EUR");
        ev.order = ev.id;
        field.name = TEXT("amount");
        field.value = (struct value){ .type = VALUE_INT, .as.integer = ev.amount };
    } else if (text_is(ev.kind_name, "profile")) {
        ev.set_count = 1;
        ev.set = &field;
        ev.field_count = 0;
        field.name = TEXT("birth_date");
        field.value = (struct value){ .type = VALUE_TEXT, .as.text = TEXT("2000-03-14") };
    } else {
        field.name = TEXT("url");
        field.value = (struct value){ .type = VALUE_TEXT,
                                      .as.text = rng_below(&w->rng, 2) == 0 ? TEXT("/pricing")
                                                                            : TEXT("/guide") };
    }
    field.key = hash32(field.name);
    apply(w, &ev);
}

static struct answer ask(struct world *w, const struct predicate *p, int64_t now_ms)
{
    struct view v = { .plan = &w->config->rules->facts,
                      .customer = w->customer,
                      .now_ms = now_ms,
                      .arena = &w->arena };
    struct answer a = predicate_eval(p, &v);

    arena_reset(&w->arena);
    return a;
}

static void probe(struct world *w, uint64_t seed)
{
    const struct segments_plan *plan = &w->config->rules->segments;

    for (uint32_t i = 0; i < plan->count; i++) {
        struct answer a = ask(w, plan->segments[i].when, w->now_ms);
        int64_t end_ms =
            a.until_ms < w->now_ms + 60 * DAY_MS ? a.until_ms : w->now_ms + 60 * DAY_MS;

        assert_true(a.until_ms > w->now_ms);
        for (int k = 0; k < PROBES; k++) {
            int64_t span_ms = end_ms - w->now_ms;
            int64_t at_ms =
                k == 0 ? end_ms - 1 : w->now_ms + (int64_t)rng_below(&w->rng, (uint64_t)span_ms);
            struct answer b = ask(w, plan->segments[i].when, at_ms);

            if (b.truth != a.truth) {
                fail_msg("seed %llu: segment %.*s is %d at %lld until %lld, but %d at %lld",
                         (unsigned long long)seed, TEXT_PRINTF(plan->segments[i].id), a.truth,
                         (long long)w->now_ms, (long long)a.until_ms, b.truth, (long long)at_ms);
            }
        }
    }
}

static uint64_t seeds = 300;

static void no_answer_changes_before_its_until(void **state)
{
    struct config *config = load();

    (void)state;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct world w = { .config = config, .now_ms = START_MS };

        rng_init(&w.rng, seed);
        w.customer = customer_new();
        for (int i = 0; i < 12; i++) {
            w.now_ms += (int64_t)rng_below(&w.rng, 3 * DAY_MS);
            random_event(&w);
            probe(&w, seed);
        }
        customer_free(w.customer);
        arena_fini(&w.arena);
    }
    config_free(config);
}

int main(int count, char **arguments) /* [SEEDS] */
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_answer_changes_before_its_until),
    };

    seeds = count > 1 ? strtoull(arguments[1], NULL, 10) : seeds;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
