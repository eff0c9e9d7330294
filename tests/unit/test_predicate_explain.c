/* A predicate broken into its parts says what its evaluation says: the first part is the whole, a
 * group follows from its parts, and every source is a piece of the text with closed brackets.
 */
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define NOW_MS    INT64_C(1772438400000)
#define PARTS_MAX 64

static const char *const expressions[] = {
    "customer.size >= 10 && customer.size < 250 && has(customer.city)",
    "(customer.size > 3 || customer.city == \"Rome (old)\") && !(customer.vip && rfm.r >= 4)",
    "(customer.size + 1) * 2 > count(\"click\", days( 3 ))",
    "customer.city.lowerAscii().startsWith(\"ro\") || size(customer.tags) > 2",
    "!customer.vip",
    "now - last([\"open\", \"click\"]) >= days(2) ? customer.vip : intent.score >= 1.5",
    "customer.size in [1, 2, (3)] && \"a)\" in customer.tags",
    "intent.level != \"low\" && !(intent.score < 4.0)",
    "true",
};

#define EXPRESSIONS (sizeof(expressions) / sizeof(expressions[0]))

static const char shop_yaml[] =
    "version: 1\napp: t\ncurrency: EUR\n"
    "attributes: {size: {type: int}, city: {type: string}, vip: {type: bool}, tags: {type: "
    "strings}}\n"
    "scores:\n"
    "  rfm: {window: 20d, recency: [12d, 8d, 4d, 2d], frequency: [2, 3, 4, 5],\n"
    "        monetary: [\"10.00\", \"40.00\", \"80.00\", \"120.00\"], map: rf11}\n"
    "  intent: {half_life: 2d, points: {click: 3}, levels: {low: 0, high: 8}}\n"
    "segments:\n";

struct parts {
    struct predicate_part of[PARTS_MAX];
    uint32_t count;
};

static void keep(void *context, const struct predicate_part *part)
{
    struct parts *p = context;

    assert_true(p->count < PARTS_MAX);
    p->of[p->count++] = *part;
}

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
    bytes_put_format(&yaml,
                     "  joined: {dimension: behavioral, when: {none: ['%s', {any: ['%s']}]}}\n",
                     expressions[0], expressions[1]);
    view = bytes_out_view(&yaml);
    (void)config_load_text((struct text){ (const char *)view.at, view.size }, "shop.yaml",
                           CONFIG_NEED_RULES, NULL, 0, &config, &problems);
    config_problems_print(&problems, stderr);
    config_problems_fini(&problems);
    bytes_out_fini(&yaml);
    assert_non_null(config);
    return config;
}

/* The truth of the part at *at, worked out from the tests below it; *at moves behind it. */
static enum truth compose(const struct parts *p, uint32_t *at)
{
    const struct predicate_part *part = &p->of[(*at)++];
    struct answer all = { TRUTH_TRUE, INSTANT_NEVER }, any = { TRUTH_FALSE, INSTANT_NEVER };

    if (part->kind == PREDICATE_PART_TEST) {
        return part->answer.truth;
    }
    while (*at < p->count && p->of[*at].depth == part->depth + 1) {
        struct answer one = { compose(p, at), INSTANT_NEVER };

        all = answer_and(all, one);
        any = answer_or(any, one);
    }
    return part->kind == PREDICATE_PART_ALL   ? all.truth
           : part->kind == PREDICATE_PART_ANY ? any.truth
                                              : answer_not(any).truth;
}

static void check_source(struct text source)
{
    int open = 0;
    bool is_quoted = false;

    assert_true(source.size > 0);
    for (size_t i = 0; i < source.size; i++) {
        is_quoted ^= source.at[i] == '"';
        open += !is_quoted && (source.at[i] == '(' || source.at[i] == '[');
        open -= !is_quoted && (source.at[i] == ')' || source.at[i] == ']');
        assert_true(open >= 0);
    }
    assert_int_equal(open, 0);
    assert_false(is_quoted);
}

static void check(const struct config *config, const struct customer *c)
{
    const struct segments_plan *plan = &config->rules->segments;
    struct arena arena = { 0 };

    for (uint32_t i = 0; i < plan->count; i++) {
        struct view v = { .plan = &config->rules->facts,
                          .customer = c,
                          .id = TEXT("c"),
                          .now_ms = NOW_MS,
                          .arena = &arena };
        struct answer whole = predicate_eval(plan->segments[i].when, &v);
        struct parts parts = { .count = 0 };
        uint32_t at = 0;

        predicate_explain(plan->segments[i].when, &v, keep, &parts);
        assert_int_equal(parts.of[0].answer.truth, whole.truth);
        assert_int_equal(parts.of[0].answer.until_ms, whole.until_ms);
        assert_int_equal(compose(&parts, &at), whole.truth);
        assert_int_equal(at, parts.count);
        for (uint32_t k = 0; k < parts.count; k++) {
            if (parts.of[k].kind == PREDICATE_PART_TEST) {
                check_source(parts.of[k].source);
            }
            for (uint32_t o = 0; o < parts.of[k].operand_count; o++) {
                check_source(parts.of[k].operands[o].source);
            }
        }
    }
    arena_fini(&arena);
}

static void set(struct customer *c, const struct config *config, const char *name, struct value v)
{
    facts_set_attribute(c, facts_attribute(&config->rules->facts, text_of(name)), &v, NOW_MS - 1,
                        0);
}

static void the_parts_of_a_predicate_make_its_whole(void **state)
{
    struct text tags[] = { TEXT("a)"), TEXT("b") };
    struct config *config = load();
    struct customer *c = customer_new();

    (void)state;
    check(config, c);
    set(c, config, "size", (struct value){ .type = VALUE_INT, .as.integer = 40 });
    check(config, c);
    set(c, config, "vip", (struct value){ .type = VALUE_BOOL, .as.boolean = true });
    set(c, config, "city", (struct value){ .type = VALUE_TEXT, .as.text = TEXT("Rome") });
    check(config, c);
    set(c, config, "tags", (struct value){ .type = VALUE_STRINGS, .as.strings = { tags, 2 } });
    set(c, config, "size", (struct value){ .type = VALUE_INT, .as.integer = 3 });
    check(config, c);
    customer_free(c);
    config_free(config);
}

static void an_unknown_part_names_what_it_lacks(void **state)
{
    struct config *config = load();
    struct customer *c = customer_new();
    struct arena arena = { 0 };
    struct view v = { .plan = &config->rules->facts,
                      .customer = c,
                      .id = TEXT("c"),
                      .now_ms = NOW_MS,
                      .arena = &arena };
    struct parts parts = { .count = 0 };

    (void)state;
    predicate_explain(config->rules->segments.segments[0].when, &v, keep, &parts);
    assert_int_equal(parts.count, 4);
    assert_int_equal(parts.of[0].kind, PREDICATE_PART_ALL);
    assert_true(text_is(parts.of[1].source, "customer.size >= 10"));
    assert_int_equal(parts.of[1].operands[0].cause, PREDICATE_NOT_SET);
    assert_true(text_is(parts.of[1].operands[0].source, "customer.size"));
    assert_true(text_is(parts.of[3].source, "has(customer.city)"));
    assert_int_equal(parts.of[3].operand_count, 0);
    customer_free(c);
    arena_fini(&arena);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_of_a_predicate_make_its_whole),
        cmocka_unit_test(an_unknown_part_names_what_it_lacks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
