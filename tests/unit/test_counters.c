/* Counters for reports: sums by name, what changed since it was written down, a bound. */
#include "processor/base/mem.h"
#include "processor/base/rng.h"
#include "schemas/commit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define NAMES 50

static void counters_add_up_and_say_what_changed(void **state)
{
    int64_t wanted[NAMES] = { 0 };
    struct counters c = { 0 };
    struct rng rng;
    char name[32];

    (void)state;
    rng_init(&rng, 1);
    for (int round = 0; round < 200; round++) {
        bool is_changed[NAMES] = { false };
        uint32_t changed = 0;

        for (uint64_t i = rng_below(&rng, 30); i > 0; i--) {
            uint64_t n = rng_below(&rng, NAMES);
            int64_t by = rng_between(&rng, -3, 9);

            snprintf(name, sizeof(name), "segment/s%d/entered", (int)n);
            counters_add(&c, text_of(name), by);
            wanted[n] += by;
            changed += !is_changed[n];
            is_changed[n] = true;
        }
        assert_int_equal(c.changed_count, changed);
        for (uint32_t i = 0; i < c.changed_count; i++) {
            int n = -1;

            assert_int_equal(sscanf(c.changed[i]->name.at, "segment/s%d/", &n), 1);
            assert_true(is_changed[n]);
            assert_int_equal(c.changed[i]->value, wanted[n]);
            is_changed[n] = false; /* each once */
        }
        counters_clean(&c);
    }
    for (int n = 0; n < NAMES; n++) {
        snprintf(name, sizeof(name), "segment/s%d/entered", n);
        assert_int_equal(counters_value(&c, text_of(name)), wanted[n]);
    }
    assert_int_equal(counters_value(&c, TEXT("segment/none/left")), 0);
    counters_fini(&c);
}

static void names_beyond_the_bound_are_counted_as_lost(void **state)
{
    struct counters c = { 0 };
    char name[32];

    (void)state;
    for (int i = 0; i < COUNTERS_MAX + 10; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        counters_add(&c, text_of(name), 1);
    }
    counters_add(&c, TEXT("n0"), 1);
    assert_int_equal(counters_value(&c, TEXT("n0")), 2);
    assert_int_equal(counters_value(&c, TEXT(COUNTERS_LOST)), 10);
    assert_int_equal(c.by_name.count, COUNTERS_MAX + 1);
    counters_fini(&c);
}

static void what_is_not_written_down_does_not_count_as_durable(void **state)
{
    struct counters c = { 0 };
    struct arena arena = { 0 };
    const struct counter_value *values;
    uint32_t count;

    (void)state;
    counters_add(&c, TEXT("email/s/e/sent"), 7);
    (void)counters_durable(&c, &arena, &count);
    assert_int_equal(count, 0);
    counters_clean(&c);
    counters_add(&c, TEXT("email/s/e/sent"), 1);
    counters_add(&c, TEXT("segment/a/left"), 1);
    values = counters_durable(&c, &arena, &count);
    assert_int_equal(count, 1);
    assert_true(text_is(values[0].name, "email/s/e/sent"));
    assert_int_equal(values[0].value, 7);
    counters_fini(&c);
    arena_fini(&arena);
}

static int64_t value_of(const struct counters *c, const char *name)
{
    return counters_value(c, text_of(name));
}

static void a_new_day_keeps_what_everything_was_before_it(void **state)
{
    struct counters c = { 0 }, later = { 0 };
    const struct counter *one;
    size_t cursor = 0;

    (void)state;
    counters_turn(&c, 20000);
    counters_add(&c, TEXT("segment/a/entered"), 5);
    counters_add(&c, TEXT("experiment/x/1/a/day/2026-03-02/exposed"), 5);
    counters_turn(&c, 20000);
    counters_turn(&c, 19999); /* what is late belongs to the newest day */
    counters_add(&c, TEXT("segment/a/entered"), 1);
    counters_turn(&c, 20003);
    counters_add(&c, TEXT("segment/a/entered"), 1);
    assert_int_equal(value_of(&c, "since/0"), 20000);
    assert_int_equal(value_of(&c, "since/3"), 20003);
    assert_int_equal(value_of(&c, "since/day"), 20003);
    assert_int_equal(value_of(&c, "since/0/segment/a/entered"), 0);
    assert_int_equal(value_of(&c, "since/3/segment/a/entered"), 6);
    assert_int_equal(value_of(&c, "since/3/experiment/x/1/a/day/2026-03-02/exposed"), 0);
    while ((one = map_next(&c.by_name, &cursor)) != NULL) {
        counters_set(&later, one->name, one->value); /* as a newcomer finds it */
    }
    counters_turn(&later, 20003);
    assert_int_equal(value_of(&later, "since/3/segment/a/entered"), 6);
    counters_turn(&later, 20000 + COUNTERS_DAYS);
    assert_int_equal(value_of(&later, "since/0/segment/a/entered"), 7); /* over the oldest */
    counters_fini(&c);
    counters_fini(&later);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_add_up_and_say_what_changed),
        cmocka_unit_test(names_beyond_the_bound_are_counted_as_lost),
        cmocka_unit_test(what_is_not_written_down_does_not_count_as_durable),
        cmocka_unit_test(a_new_day_keeps_what_everything_was_before_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
