/* When input stops since too much of it is unusable, beside a list of all records ever admitted. */
#include "processor/base/rng.h"
#include "processor/engine/breaker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define RECORDS 600

static struct breaker with(int64_t window_ms, int64_t share)
{
    return (struct breaker){ .plan = { .window_ms = window_ms, .share = share } };
}

static void a_handful_of_poison_stops_nothing_whatever_its_share(void **state)
{
    struct breaker b = with(60000, 500);

    (void)state;
    for (int i = 1; i < BREAKER_LETTERS_MIN; i++) {
        assert_true(breaker_admits(&b, true, 1000));
    }
    assert_false(breaker_admits(&b, true, 1000));
    assert_int_equal(b.letters, BREAKER_LETTERS_MIN);
}

static void a_flood_stops_at_the_record_that_exceeds_the_share_and_for_good(void **state)
{
    struct breaker b = with(60000, 500);

    (void)state;
    for (int i = 0; i < 380; i++) {
        assert_true(breaker_admits(&b, false, 500 + i));
    }
    for (int i = 0; i < 20; i++) { /* 20 of 400 are 5%, not more */
        assert_true(breaker_admits(&b, true, 1000));
    }
    assert_false(breaker_admits(&b, true, 1000));
    assert_true(b.letters == 21 && b.records == 401);
    assert_false(breaker_admits(&b, false, 1000));
    assert_false(breaker_admits(&b, false, 10000000));
}

static void what_left_the_window_counts_no_more(void **state)
{
    struct breaker b = with(60000, 500);

    (void)state;
    for (int minute = 0; minute < 100; minute++) {
        for (int i = 1; i < BREAKER_LETTERS_MIN; i++) {
            assert_true(breaker_admits(&b, true, minute * 60000));
        }
    }
}

static void zero_stops_at_the_first_and_hundred_never(void **state)
{
    struct breaker zero = with(60000, 0), hundred = with(60000, BREAKER_SHARE_NEVER), off = { 0 };

    (void)state;
    assert_true(breaker_admits(&zero, false, 0));
    assert_false(breaker_admits(&zero, true, 0));
    for (int i = 0; i < 1000; i++) {
        assert_true(breaker_admits(&hundred, true, i));
        assert_true(breaker_admits(&off, true, i));
    }
}

static void agrees_with_a_list_of_all_records(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        int64_t rows[RECORDS], now_ms = 0;
        bool is_letter[RECORDS];
        struct rng rng;
        struct breaker b;
        uint32_t count = 0;
        bool was_admitted = true;

        rng_init(&rng, seed);
        b = with(rng_between(&rng, 1000, 100000), rng_between(&rng, 1, 6000));
        while (was_admitted && count < RECORDS) {
            int64_t row, letters = 0, records = 0;
            bool must_stop;

            now_ms +=
                rng_chance(&rng, 300) ? rng_between(&rng, 0, 50000) : rng_between(&rng, 0, 50);
            row = now_ms / (b.plan.window_ms / BREAKER_ROWS);
            rows[count] = row;
            is_letter[count] = rng_chance(&rng, 2000);
            count++;
            for (uint32_t i = 0; i < count; i++) {
                records += rows[i] > row - BREAKER_ROWS;
                letters += rows[i] > row - BREAKER_ROWS && is_letter[i];
            }
            must_stop = is_letter[count - 1] && letters >= BREAKER_LETTERS_MIN &&
                        letters * 10000 > records * b.plan.share;
            was_admitted = breaker_admits(&b, is_letter[count - 1], now_ms);
            if (was_admitted == must_stop) {
                fail_msg("seed %d, record %d", (int)seed, (int)count);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handful_of_poison_stops_nothing_whatever_its_share),
        cmocka_unit_test(a_flood_stops_at_the_record_that_exceeds_the_share_and_for_good),
        cmocka_unit_test(what_left_the_window_counts_no_more),
        cmocka_unit_test(zero_stops_at_the_first_and_hundred_never),
        cmocka_unit_test(agrees_with_a_list_of_all_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
