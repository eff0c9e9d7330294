#include "tests/support/facts_shop.h"

#include <stdio.h>

static void last_writer_by_event_time_wins(void **state)
{
    struct shop *s = *state;

    assert_int_equal(apply(s, profile(20, "size", int_value(2))), FACT_ATTRIBUTES);
    assert_int_equal(apply(s, profile(10, "size", int_value(1))), 0);
    assert_int_equal(attribute(s, "size")->as.integer, 2);
    assert_int_equal(apply(s, profile(20, "size", int_value(3))), FACT_ATTRIBUTES);
    assert_int_equal(attribute(s, "size")->as.integer, 3); /* equal times: the later to arrive */
    assert_int_equal(apply(s, profile(30, "size", VALUE_NONE)), FACT_ATTRIBUTES);
    assert_int_equal(attribute(s, "size")->type, VALUE_NULL);
    assert_int_equal(apply(s, profile(29, "size", int_value(4))), 0);
    assert_int_equal(attribute(s, "size")->type, VALUE_NULL);
    assert_int_equal(apply(s, profile(40, "nowhere", int_value(4))), 0);
}

static void profile_events_do_not_write_what_is_remembered(void **state)
{
    struct shop *s = *state;

    assert_int_equal(apply(s, profile(20, "last_page", text_value("/a"))), 0);
    assert_null(attribute(s, "last_page"));
}

static void newest_event_of_a_kind_is_remembered(void **state)
{
    struct shop *s = *state;
    const struct text items[2] = { TEXT("shoes"), TEXT("hats") };
    struct draft d = money("purchase", 30, "o-1", 900);

    apply(s, visit(20, "/b"));
    apply(s, visit(10, "/a"));
    apply(s, visit(30, NULL)); /* without the field it changes nothing */
    assert_true(text_is(attribute(s, "last_page")->as.text, "/b"));
    add_field(&d, "items.category",
              (struct value){ .type = VALUE_STRINGS, .as.strings = { .at = items, .count = 2 } });
    apply(s, d);
    assert_int_equal(attribute(s, "last_bought")->type, VALUE_STRINGS);
    assert_int_equal(attribute(s, "last_bought")->as.strings.count, 2);
}

static void values_are_converted_to_the_declared_type(void **state)
{
    static const struct {
        enum value_type type;
        const char *text; /* NULL: the number */
        double number;
        const char *wanted; /* NULL: refused */
    } cases[] = {
        { VALUE_INT, "40", 0, "40" },
        { VALUE_INT, "-9223372036854775808", 0, "-9223372036854775808" },
        { VALUE_INT, "9223372036854775808", 0, NULL },
        { VALUE_INT, "4x", 0, NULL },
        { VALUE_INT, "", 0, NULL },
        { VALUE_INT, "-", 0, NULL },
        { VALUE_INT, NULL, 40, "40" },
        { VALUE_INT, NULL, 40.5, NULL },
        { VALUE_DOUBLE, "-12.5", 0, "-12.5" },
        { VALUE_DOUBLE, "1e3", 0, "1000" },
        { VALUE_DOUBLE, "1.", 0, NULL },
        { VALUE_DOUBLE, "1e999", 0, NULL },
        { VALUE_DOUBLE, "0.1", 0, "0.1" },
        { VALUE_BOOL, "true", 0, "1" },
        { VALUE_BOOL, "yes", 0, NULL },
        { VALUE_BOOL, NULL, 1, "1" }, /* as some Avro writers put true into a union */
        { VALUE_BOOL, NULL, 2, NULL },
        { VALUE_BOOL, NULL, -1, NULL },
        { VALUE_BOOL, NULL, 0.5, NULL },
        { VALUE_TEXT, "x", 0, "x" },
        { VALUE_TEXT, NULL, 1, NULL },
        { VALUE_DATE, "2000-05-01", 0, "11078" },
        { VALUE_DATE, "2000-05-01T23:59:59Z", 0, "11078" },
        { VALUE_DATE, "2000-13-01", 0, NULL },
        { VALUE_STRINGS, "x", 0, "x" },
    };
    struct arena arena = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct attribute_plan a = { .name = TEXT("a"), .type = cases[i].type };
        struct value from = { .type = VALUE_DOUBLE, .as.real = cases[i].number };
        struct value to = { 0 };
        char text[64] = "";
        bool is_good;

        from = cases[i].text != NULL ? text_value(cases[i].text) : from;
        is_good = facts_convert(&a, &from, &arena, &to);
        assert_int_equal(is_good, cases[i].wanted != NULL);
        if (!is_good) {
            continue;
        }
        assert_int_equal(to.type, cases[i].type);
        if (to.type == VALUE_TEXT || to.type == VALUE_STRINGS) {
            struct text t = to.type == VALUE_TEXT ? to.as.text : to.as.strings.at[0];

            snprintf(text, sizeof text, "%.*s", TEXT_PRINTF(t));
        } else if (to.type == VALUE_DOUBLE) {
            snprintf(text, sizeof text, "%.15g", to.as.real);
        } else {
            snprintf(text, sizeof text, "%lld",
                     to.type == VALUE_BOOL ? to.as.boolean : (long long)to.as.integer);
        }
        assert_string_equal(text, cases[i].wanted);
    }
    arena_fini(&arena);
}

static void profile_that_does_not_fit_is_refused_with_a_sentence(void **state)
{
    struct shop *s = *state;
    struct draft good = profile(10, "size", int_value(4));
    struct draft bad = profile(10, "size", text_value("many"));
    char text[128];

    good.ev.set = good.set;
    bad.ev.set = bad.set;
    assert_true(facts_check_profile(&s->plan, &good.ev, text));
    assert_false(facts_check_profile(&s->plan, &bad.ev, text));
    assert_string_equal(text, "size must be a whole number");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHOP_TEST(last_writer_by_event_time_wins),
        SHOP_TEST(profile_events_do_not_write_what_is_remembered),
        SHOP_TEST(newest_event_of_a_kind_is_remembered),
        SHOP_TEST(values_are_converted_to_the_declared_type),
        SHOP_TEST(profile_that_does_not_fit_is_refused_with_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
