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
    "min(\"visit\", \"pages\", days(2)) <= 1",
    "max(\"visit\", \"pages\", hours(40)) > 2.5",
    "max(\"visit\", \"pages\") - min(\"visit\", \"pages\", days(3)) >= 2",
    "min(\"purchase\", \"amount\", days(9)) < money(\"20.00\")",
    "max(\"purchase\", \"amount\") >= money(\"50.00\")",
    "distinct(\"click\", \"url\", days(3)) == 1",
    "distinct(\"visit\", \"pages\") >= 4 || distinct(\"click\", \"url\", hours(20)) > 1",
    "count(\"click\", days(3)) > count(\"visit\", days(2))",
    "count(\"click\", days(3)) * 2 - count(\"open\", days(5)) != 1",
    "count(\"visit\", days(4)) % 2 == 0",
    "sum(\"visit\", \"pages\", days(3)) / count(\"visit\", days(3)) >= 2",
    "sum(\"visit\", \"pages\", days(3)) > count(\"click\", days(3))",
    "overdue(\"purchase\", 0.3)",
    "overdue(\"purchase\", 0.9) || overdue(\"purchase\", 0.05)",
    "last(\"visit\") + days(2) < now && last(\"click\") - days(1) < now",
    "now - last(\"visit\") > now - last(\"click\")",
    "now + (now - last(\"visit\")) > timestamp(\"2026-04-10T00:00:00Z\")",
    "(count(\"click\", days(1)) > 0 ? now - last(\"click\") : rfm.recency) > hours(30)",
    "count(\"click\", days(2)) in [1, 3]",
    "(now - day_start(now, \"Europe/Berlin\")) in [hours(3), hours(5)]",
    "last(\"visit\") == null || now - last(\"visit\") >= hours(30)",
    "min(\"visit\", \"pages\", days(1)) != null",
    "rfm.r == null",
    "customer.last_page.startsWith(\"/pr\") && count(\"click\", hours(30)) > 0",
    "customer.last_pages + 1 > 3 ? now - last(\"visit\") < days(1) : false",
    "!(count(\"click\", days(2)) > 1) && now.getHours(\"Europe/London\") < 12",
    "(last(\"visit\") + hours(6)).getDayOfWeek(\"Europe/Paris\") == getDayOfWeek(now, \"UTC\")",
    "getDate(now, \"UTC\") > 14 && getMonth(now, \"UTC\") == 2 && getFullYear(now, \"UTC\") == "
    "2026",
    "getMinutes(now, \"Asia/Kolkata\") >= 30",
    "day_start(now - hours(5), \"America/New_York\") + hours(20) > now",
};

#define EXPRESSIONS (sizeof(expressions) / sizeof(expressions[0]))

static const char shop_yaml[] =
    "version: 1\napp: t\ncurrency: EUR\n"
    "attributes:\n  city: {type: string}\n  birth_date: {type: date}\n"
    "remember:\n  last_page: {last: click, field: url}\n  last_pages: {last: visit, field: pages}\n"
    "filters:\n  click.pricing: 'event.url == \"/pricing\"'\n"
    "scores:\n"
    "  rfm: {window: 20d, recency: [12d, 8d, 4d, 2d], frequency: [2, 3, 4, 5],\n"
    "        monetary: [\"10.00\", \"40.00\", \"80.00\", \"120.00\"], map: rf11,\n"
    "        cadence: {r: 0.5, alpha: 1.5}}\n"
    "  intent: {half_life: 2d, points: {click: 3, visit: 1, purchase: 5},\n"
    "           levels: {low: 0, medium: 2.5, high: 8}}\n"
    "segments:\n";

struct world {
    struct config *config;
    struct customer *customer;
    struct arena arena;
    struct rng rng;
    int64_t now_ms;
    int64_t marks[32]; /* times of events */
    int mark_count;
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
    w->marks[w->mark_count++] = ev.at_ms;
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

/* Instants before end_ms: the last, some at random, and those around which something may happen:
 * an event and every round number of hours after it, and the millisecond before and after. */
static int64_t probe_at(struct world *w, int k, int64_t end_ms)
{
    int64_t at_ms = end_ms - 1;

    if (k > 0 && k < PROBES) {
        at_ms = w->now_ms + (int64_t)rng_below(&w->rng, (uint64_t)(end_ms - w->now_ms));
    } else if (k >= PROBES) {
        at_ms = w->marks[k - PROBES] + HOUR_MS * (int64_t)rng_below(&w->rng, 300) +
                (int64_t)rng_below(&w->rng, 3) - 1;
    }
    return at_ms < w->now_ms || at_ms >= end_ms ? end_ms - 1 : at_ms;
}

static void probe(struct world *w, uint64_t seed)
{
    const struct segments_plan *plan = &w->config->rules->segments;

    for (uint32_t i = 0; i < plan->count; i++) {
        struct answer a = ask(w, plan->segments[i].when, w->now_ms);
        int64_t end_ms =
            a.until_ms < w->now_ms + 60 * DAY_MS ? a.until_ms : w->now_ms + 60 * DAY_MS;

        assert_true(a.until_ms > w->now_ms);
        for (int k = 0; k < PROBES + w->mark_count; k++) {
            int64_t at_ms = probe_at(w, k, end_ms);
            struct answer b = ask(w, plan->segments[i].when, at_ms);

            if (b.truth != a.truth) {
                fail_msg("seed %llu: segment %.*s is %d at %lld until %lld, but %d at %lld",
                         (unsigned long long)seed, TEXT_PRINTF(plan->segments[i].id), a.truth,
                         (long long)w->now_ms, (long long)a.until_ms, b.truth, (long long)at_ms);
            }
        }
    }
}

static uint64_t seeds = 120;

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
