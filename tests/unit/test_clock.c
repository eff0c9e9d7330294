/* The wall clock as far as it is believed. */
#include "processor/base/rng.h"
#include "processor/engine/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define START_MS   INT64_C(1767571200000)
#define A_YEAR_MS  (365 * DAY_MS)
#define ELAPSED_MS 5000

static void a_clock_that_runs_is_believed(void **state)
{
    struct clock_wall w = { 0 };

    (void)state;
    for (int64_t t = 0; t < DAY_MS; t += 700) {
        assert_int_equal(clock_trust(&w, START_MS + t, ELAPSED_MS + t), START_MS + t);
    }
}

static void an_hour_ahead_is_believed_and_a_year_ahead_is_not(void **state)
{
    struct clock_wall w = { 0 };

    (void)state;
    (void)clock_trust(&w, START_MS, 0);
    assert_int_equal(clock_trust(&w, START_MS + HOUR_MS, 0), START_MS + HOUR_MS);
    assert_int_equal(clock_trust(&w, START_MS + A_YEAR_MS, 1000), START_MS + HOUR_MS + 2000);
    assert_int_equal(clock_trust(&w, START_MS + A_YEAR_MS, HOUR_MS), START_MS + 3 * HOUR_MS);
}

static void a_clock_set_right_again_is_waited_for(void **state)
{
    struct clock_wall w = { 0 };
    int64_t wrong;

    (void)state;
    (void)clock_trust(&w, START_MS, 0);
    wrong = clock_trust(&w, START_MS + A_YEAR_MS, 1000);
    assert_int_equal(clock_trust(&w, START_MS + 2000, 2000), wrong);
    assert_int_equal(clock_trust(&w, 0, 3000), wrong); /* 1970 */
    assert_int_equal(clock_trust(&w, wrong + 1, 2 * HOUR_MS), wrong + 1);
}

static void
what_is_believed_never_goes_back_nor_beyond_the_clock_nor_jumps_twice_an_hour(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct clock_wall w = { 0 };
        struct rng rng;
        int64_t elapsed = 0, skew = 0, trusted, most = INT64_MIN;

        rng_init(&rng, seed);
        trusted = clock_trust(&w, START_MS, 0);
        for (int i = 0; i < 500; i++) {
            int64_t wall, now;

            elapsed += rng_between(&rng, 0, 2000);
            skew = rng_chance(&rng, 300) ? rng_between(&rng, -A_YEAR_MS, A_YEAR_MS) : skew;
            wall = START_MS + elapsed + skew;
            most = wall > most ? wall : most;
            now = clock_trust(&w, wall, elapsed);
            assert_true(now >= trusted && now <= (most > START_MS ? most : START_MS));
            assert_true(now - START_MS <= HOUR_MS + 2 * elapsed);
            trusted = now;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_that_runs_is_believed),
        cmocka_unit_test(an_hour_ahead_is_believed_and_a_year_ahead_is_not),
        cmocka_unit_test(a_clock_set_right_again_is_waited_for),
        cmocka_unit_test(
            what_is_believed_never_goes_back_nor_beyond_the_clock_nor_jumps_twice_an_hour),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
