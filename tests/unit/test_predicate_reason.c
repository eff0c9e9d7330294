/* What is proven of an expression must be true of every customer.
 *
 * Random expressions are asked of random customers: what "never" holds may hold for nobody, what
 * "always" holds for everybody, and an implied one whenever the other does. Tables besides say what
 * must be found. Each seed replays.
 */
#include "segmenters/predicate_reason.h"

#include "processor/base/instant.h"
#include "processor/base/rng.h"
#include "processor/config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW_MS    INT64_C(1772438400000)
#define CUSTOMERS 40
#define TEXT_ROOM 1024

static const char yaml[] =
    "version: 1\napp: t\ncurrency: EUR\n"
    "attributes:\n"
    "  a: {type: int}\n  b: {type: int, default: 3}\n  d: {type: double}\n"
    "  plan: {type: enum, values: [free, pro, max]}\n"
    "  city: {type: string, default: Rome}\n"
    "  ok: {type: bool}\n  yes: {type: bool, default: true}\n"
    "scores:\n"
    "  intent: {half_life: 2d, points: {click: 3, visit: 1}, levels: {low: 0, medium: 5, high: "
    "9}}\n"
    "  rfm: {window: 20d, recency: [12d, 8d, 4d, 2d], frequency: [2, 3, 4, 5],\n"
    "        monetary: [\"10.00\", \"40.00\", \"80.00\", \"120.00\"], map: rf11}\n"
    "segments:\n"
    "  gold: {dimension: intent, when: 'intent.score > 6'}\n";

struct world {
    struct config *config;
    struct predicate_names names;
    struct arena arena;
    struct rng rng;
};

static bool find_segment(const void *context, struct text id, uint32_t *out_key, uint32_t *out_rung)
{
    const struct world *w = context;
    bool is_ambiguous;

    return segments_find(&w->config->rules->segments, id, out_key, out_rung, &is_ambiguous);
}

static void world_init(struct world *w)
{
    struct config_problems problems = { 0 };

    *w = (struct world){ .config = NULL };
    assert_int_equal(config_load_text(text_of(yaml), "t.yaml", CONFIG_NEED_RULES, NULL, 0,
                                      &w->config, &problems),
                     OK);
    config_problems_fini(&problems);
    w->names = (struct predicate_names){ .context = w, .segment = find_segment };
}

static void world_fini(struct world *w)
{
    arena_fini(&w->arena);
    config_free(w->config);
}

static const struct predicate *compile(struct world *w, const char *source)
{
    const struct predicate *p = NULL;
    struct predicate_error error = { 0 };

    if (predicate_compile(&w->config->rules->facts, &w->names, text_of(source), PREDICATE_CUSTOMER,
                          &p, &error) != OK) {
        fail_msg("%s: %s", source, error.text);
    }
    return p;
}

/* --- random expressions --- */

static void write_atom(struct world *w, char *out)
{
    static const char *const ops[] = { "==", "!=", "<", "<=", ">", ">=" };
    static const char *const numbers[] = { "customer.a", "customer.b", "count(\"click\")", "rfm.r",
                                           "rfm.f" };
    static const char *const plans[] = { "free", "pro", "max" };
    const char *op = ops[rng_below(&w->rng, 6)];
    int number = (int)rng_below(&w->rng, 7);

    switch (rng_below(&w->rng, 10)) {
    case 0:
        snprintf(out, TEXT_ROOM, "%s", rng_below(&w->rng, 2) == 0 ? "customer.ok" : "customer.yes");
        break;
    case 1:
        snprintf(out, TEXT_ROOM, "customer.plan %s \"%s\"", ops[rng_below(&w->rng, 2)],
                 plans[rng_below(&w->rng, 3)]);
        break;
    case 2:
        snprintf(out, TEXT_ROOM, "customer.plan in [\"%s\", \"%s\"]", plans[rng_below(&w->rng, 3)],
                 plans[rng_below(&w->rng, 3)]);
        break;
    case 3:
        snprintf(out, TEXT_ROOM, "customer.d %s %d.5", op, number);
        break;
    case 4:
        snprintf(out, TEXT_ROOM, "intent.score %s %d", ops[2 + rng_below(&w->rng, 4)], 2 * number);
        break;
    case 5:
        snprintf(out, TEXT_ROOM, "intent.level %s \"%s\"", ops[rng_below(&w->rng, 2)],
                 rng_below(&w->rng, 2) == 0 ? "medium" : "high");
        break;
    case 6:
        snprintf(out, TEXT_ROOM, "%s",
                 rng_below(&w->rng, 2) == 0 ? "has(customer.a)" : "in_segment(\"gold\")");
        break;
    case 7:
        snprintf(out, TEXT_ROOM, "customer.city.startsWith(\"%s\")",
                 rng_below(&w->rng, 2) == 0 ? "R" : "P");
        break;
    default:
        snprintf(out, TEXT_ROOM, "%s %s %d", numbers[rng_below(&w->rng, 5)], op, number);
        break;
    }
}

static void write_expression(struct world *w, int depth, char *out)
{
    char left[TEXT_ROOM], right[TEXT_ROOM];

    if (depth == 0 || rng_below(&w->rng, 4) == 0) {
        write_atom(w, out);
        return;
    }
    write_expression(w, depth - 1, left);
    if (rng_below(&w->rng, 5) == 0) {
        (void)text_format(out, TEXT_ROOM, "!(%s)", left);
        return;
    }
    write_expression(w, depth - 1, right);
    (void)text_format(out, TEXT_ROOM, "(%s) %s (%s)", left,
                      rng_below(&w->rng, 2) == 0 ? "&&" : "||", right);
}

/* --- random customers --- */

static void set(struct world *w, struct customer *c, const char *name, struct value v)
{
    const struct attribute_plan *a = facts_attribute(&w->config->rules->facts, text_of(name));

    if (rng_below(&w->rng, 3) > 0) {
        facts_set_attribute(c, a, &v, NOW_MS, 0);
    }
}

static void happen(struct world *w, struct customer *c, const char *kind)
{
    struct event ev = { .kind_name = text_of(kind),
                        .kind = event_kind_of(text_of(kind)),
                        .customer = TEXT("c"),
                        .id =
                            arena_format(&w->arena, "e%llu", (unsigned long long)rng_next(&w->rng)),
                        .at_ms = NOW_MS - (int64_t)rng_below(&w->rng, 22 * DAY_MS),
                        .has_amount = true,
                        .amount = 1500,
                        .currency = TEXT("EUR") };
    struct facts_event fact = { .event = &ev, .is_human = true, .is_first = true };
    bool is_known;

    (void)facts_apply(&w->config->rules->facts, c, &fact, NOW_MS, &is_known);
}

static struct customer *random_customer(struct world *w)
{
    static const char *const kinds[] = { "click", "visit", "purchase" };
    static const struct text plans[] = { { "free", 4 }, { "pro", 3 }, { "max", 3 } };
    struct customer *c = customer_new();

    set(w, c, "a",
        (struct value){ .type = VALUE_INT, .as.integer = (int64_t)rng_below(&w->rng, 8) });
    set(w, c, "b",
        (struct value){ .type = VALUE_INT, .as.integer = (int64_t)rng_below(&w->rng, 8) });
    set(w, c, "d",
        (struct value){ .type = VALUE_DOUBLE, .as.real = (double)rng_below(&w->rng, 15) / 2 });
    set(w, c, "plan",
        (struct value){ .type = VALUE_TEXT, .as.text = plans[rng_below(&w->rng, 3)] });
    set(w, c, "ok", (struct value){ .type = VALUE_BOOL, .as.boolean = rng_below(&w->rng, 2) == 0 });
    set(w, c, "yes",
        (struct value){ .type = VALUE_BOOL, .as.boolean = rng_below(&w->rng, 2) == 0 });
    for (uint64_t i = rng_below(&w->rng, 9); i > 0; i--) {
        happen(w, c, kinds[rng_below(&w->rng, 3)]);
    }
    if (rng_below(&w->rng, 2) == 0) {
        customer_need_membership(c, w->config->rules->segments.segments[0].key)->is_member = true;
    }
    return c;
}

static enum truth ask(struct world *w, const struct predicate *p, const struct customer *c)
{
    struct view v = {
        .plan = &w->config->rules->facts, .customer = c, .now_ms = NOW_MS, .arena = &w->arena
    };

    return predicate_eval(p, &v).truth;
}

static uint64_t seeds = 400;

static void what_is_proven_is_true_of_every_customer(void **state)
{
    struct world w;
    uint64_t proven = 0;

    (void)state;
    world_init(&w);
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        char text[3][TEXT_ROOM];
        const struct predicate *p[3];
        bool is_never, is_always, is_implied;

        rng_init(&w.rng, seed);
        for (int i = 0; i < 3; i++) {
            write_expression(&w, 3, text[i]);
            p[i] = compile(&w, text[i]);
        }
        is_never = predicate_never(p[0]);
        is_always = predicate_always(p[0]);
        is_implied = predicate_implies_any(p[0], &p[1], 2);
        proven += is_never || is_always || is_implied;
        for (int i = 0; i < CUSTOMERS; i++) {
            struct customer *c = random_customer(&w);
            enum truth truth = ask(&w, p[0], c);
            bool is_other = ask(&w, p[1], c) == TRUTH_TRUE || ask(&w, p[2], c) == TRUTH_TRUE;

            if ((is_never && truth == TRUTH_TRUE) || (is_always && truth != TRUTH_TRUE) ||
                (is_implied && truth == TRUTH_TRUE && !is_other)) {
                fail_msg("seed %llu: never %d always %d implied %d, but it is %d: %s -> %s | %s",
                         (unsigned long long)seed, is_never, is_always, is_implied, truth, text[0],
                         text[1], text[2]);
            }
            customer_free(c);
            arena_reset(&w.arena);
        }
    }
    assert_true(proven > seeds / 20); /* else this test shows nothing */
    world_fini(&w);
}

static void contradictions_and_tautologies_are_found(void **state)
{
    static const struct {
        const char *source;
        bool is_never, is_always;
    } cases[] = {
        { "customer.a >= 10 && customer.a < 5", true, false },
        { "customer.a > 4 && customer.a < 5", true, false },
        { "customer.a > 4 && customer.a < 6 && customer.a != 5", true, false },
        { "customer.a > 4 && customer.a < 6", false, false },
        { "customer.d > 4.5 && customer.d < 4.5", true, false },
        { "customer.d >= 4.5 && customer.d <= 4.5", false, false },
        { "sum(\"click\", \"n\") > 5 && sum(\"click\", \"n\") < 6", false, false }, /* 5.5 */
        { "sum(\"click\", \"n\") > 5 && sum(\"click\", \"n\") < 4", true, false },
        { "rfm.r > 5", true, false },
        { "rfm.r >= 1", false, false }, /* unknown without an order */
        { "count(\"click\") >= 0", false, true },
        { "count(\"click\") < 0", true, false },
        { "customer.plan == \"free\" && customer.plan == \"pro\"", true, false },
        { "customer.plan in [\"free\", \"pro\"] && customer.plan == \"max\"", true, false },
        { "customer.plan != \"free\" && customer.plan != \"pro\" && customer.plan != \"max\"", true,
          false },
        { "intent.level == \"high\" && intent.score < 9", true, false },
        { "intent.level == \"high\" && intent.score < 9.5", false, false },
        { "intent.score >= 0", false, true },
        { "getHours(now, \"UTC\") > 23", true, false },
        { "customer.yes && !customer.yes", true, false },
        { "customer.yes || !customer.yes", false, true },
        { "customer.ok || !customer.ok", false, false }, /* unknown while unset */
        { "customer.b > 3 || customer.b <= 3", false, true },
        { "now - last(\"click\") > days(4) && now - last(\"click\") < days(3)", true, false },
        { "true", false, true },
        { "customer.a > 3 && false", true, false },
    };
    struct world w;

    (void)state;
    world_init(&w);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct predicate *p = compile(&w, cases[i].source);

        if (predicate_never(p) != cases[i].is_never || predicate_always(p) != cases[i].is_always) {
            fail_msg("%s: never %d, always %d", cases[i].source, predicate_never(p),
                     predicate_always(p));
        }
    }
    world_fini(&w);
}

static void what_follows_from_others_is_found(void **state)
{
    static const struct {
        const char *source, *others[2];
        bool is_implied;
    } cases[] = {
        { "count(\"click\") > 5", { "count(\"click\") > 0", "false" }, true },
        { "count(\"click\") > 0", { "count(\"click\") > 5", "false" }, false },
        { "intent.score >= 9.0", { "intent.level == \"high\"", "false" }, true },
        { "customer.a > 3", { "customer.a <= 5", "customer.a > 4" }, true },
        { "customer.a > 3", { "customer.a <= 5", "customer.a > 6" }, false },
        { "customer.a > 3 && customer.ok", { "customer.ok", "false" }, true },
        { "true", { "customer.ok", "!customer.ok" }, false },
        { "true", { "customer.yes", "!customer.yes" }, true },
        { "customer.plan == \"pro\"", { "customer.plan in [\"pro\", \"max\"]", "false" }, true },
        { "in_segment(\"gold\") && customer.a == 1", { "in_segment(\"gold\")", "false" }, true },
    };
    struct world w;

    (void)state;
    world_init(&w);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct predicate *others[2] = { compile(&w, cases[i].others[0]),
                                              compile(&w, cases[i].others[1]) };

        if (predicate_implies_any(compile(&w, cases[i].source), others, 2) != cases[i].is_implied) {
            fail_msg("%s -> %s | %s", cases[i].source, cases[i].others[0], cases[i].others[1]);
        }
    }
    world_fini(&w);
}

int main(int count, char **arguments) /* [SEEDS] */
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contradictions_and_tautologies_are_found),
        cmocka_unit_test(what_follows_from_others_is_found),
        cmocka_unit_test(what_is_proven_is_true_of_every_customer),
    };

    seeds = count > 1 ? strtoull(arguments[1], NULL, 10) : seeds;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
