#include "processor/base/instant.h"
#include "processor/base/rng.h"
#include "segmenters/score.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define WEEK (7 * DAY_MS)

struct signal {
    int64_t at_ms;
    int64_t points_q40;
};

/* The published vector: 1, 5, 10 and 1 points, half-life one week. */
static const struct signal signals[4] = { { 0, SCORE_POINT },
                                          { 2 * DAY_MS, 5 * SCORE_POINT },
                                          { 7 * DAY_MS / 2, 10 * SCORE_POINT },
                                          { 10 * DAY_MS, SCORE_POINT } };

static double points(int64_t q40)
{
    return (double)q40 / (double)SCORE_POINT;
}

/* The real-valued model. */
static double model(const struct signal *all, size_t count, int64_t t_ms, int64_t half_life_ms)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        sum +=
            points(all[i].points_q40) * exp2(-(double)(t_ms - all[i].at_ms) / (double)half_life_ms);
    }
    return sum;
}

/* Put the `order`-th permutation of 0..3 into out. */
static void permutation(unsigned order, unsigned out[4])
{
    unsigned left[4] = { 0, 1, 2, 3 };

    for (unsigned i = 0; i < 4; i++) {
        unsigned choices = 4 - i;
        unsigned pick = order % choices;

        order /= choices;
        out[i] = left[pick];
        for (unsigned k = pick; k + 1 < choices; k++) {
            left[k] = left[k + 1];
        }
    }
}

/* Why: points arrive late and in any order. How: the published values, for all 24 orders. */
static void value_is_the_published_one_in_every_order_of_arrival(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 24; order++) {
        struct score s = { 0 };
        unsigned at[4];

        permutation(order, at);
        for (unsigned i = 0; i < 4; i++) {
            score_add(&s, signals[at[i]].points_q40, signals[at[i]].at_ms, WEEK);
        }
        assert_int_equal(s.at_ms, 10 * DAY_MS);
        assert_true(fabs(points(s.points_q40) - 8.889590926210) < 2e-12);
        assert_true(fabs(points(score_value(&s, 14 * DAY_MS, WEEK)) - 5.982251070004) < 2e-12);
        assert_true(fabs(points(score_value(&s, 17 * DAY_MS, WEEK)) - 4.444795463105) < 2e-12);
        assert_true(fabs(points(score_value(&s, 24 * DAY_MS, WEEK)) - 2.222397731552) < 2e-12);
    }
}

/* Why: the timer must fire when the rule turns. How: published days, to within 2 ms. */
static void crossing_is_within_two_ms_of_the_real_instant(void **state)
{
    static const double days[3] = { 18.064819223, 25.064819223, 32.064819223 };
    struct score s = { 0 };

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        score_add(&s, signals[i].points_q40, signals[i].at_ms, WEEK);
    }
    for (unsigned i = 0; i < 3; i++) {
        int64_t least_q40 = (4 >> i) * SCORE_POINT;
        int64_t at_ms = score_falls_below(&s, least_q40, 10 * DAY_MS, WEEK);

        /* the published days have nine decimals, 0.0864 ms each */
        assert_true(fabs((double)at_ms - days[i] * (double)DAY_MS) < 2);
        assert_true(score_value(&s, at_ms, WEEK) < least_q40);
        assert_true(score_value(&s, at_ms - 1, WEEK) >= least_q40);
    }
}

/* Why: after one half-life exactly half is left, which is not yet below half. */
static void half_is_left_after_one_half_life_and_less_one_ms_later(void **state)
{
    struct score s = { 0 };

    (void)state;
    score_add(&s, 12 * SCORE_POINT, 1000, 3 * DAY_MS);
    assert_int_equal(score_value(&s, 1000 + 3 * DAY_MS, 3 * DAY_MS), 6 * SCORE_POINT);
    assert_int_equal(score_value(&s, 1000 + 6 * DAY_MS, 3 * DAY_MS), 3 * SCORE_POINT);
    assert_int_equal(score_falls_below(&s, 6 * SCORE_POINT, 1000, 3 * DAY_MS),
                     1000 + 3 * DAY_MS + 1);
    assert_int_equal(score_falls_below(&s, 12 * SCORE_POINT, 1000, 3 * DAY_MS), 1001);
}

static void nothing_to_fall_below_is_never(void **state)
{
    struct score s = { 0 };

    (void)state;
    assert_int_equal(score_falls_below(&s, 1, 0, DAY_MS), INSTANT_NEVER);
    score_add(&s, SCORE_POINT, 0, DAY_MS);
    assert_int_equal(score_falls_below(&s, 0, 0, DAY_MS), INSTANT_NEVER);
    assert_int_equal(score_falls_below(&s, -1, 0, DAY_MS), INSTANT_NEVER);
    assert_int_equal(score_falls_below(&s, SCORE_POINT + 1, 0, DAY_MS), INSTANT_NEVER);
    assert_int_equal(score_falls_below(&s, SCORE_POINT, DAY_MS, DAY_MS), INSTANT_NEVER);
}

/* Why: a score can be asked for an instant before its newest points. How: the value stands still
 * until then and falls after. */
static void points_still_to_come_are_not_undone(void **state)
{
    struct score s = { 0 };

    (void)state;
    score_add(&s, 8 * SCORE_POINT, 5 * DAY_MS, DAY_MS);
    assert_int_equal(score_value(&s, 0, DAY_MS), 8 * SCORE_POINT);
    assert_int_equal(score_falls_below(&s, 8 * SCORE_POINT, 0, DAY_MS), 5 * DAY_MS + 1);
    assert_int_equal(score_falls_below(&s, 4 * SCORE_POINT, 0, DAY_MS), 6 * DAY_MS + 1);
}

static void sum_saturates_and_decays_to_nothing(void **state)
{
    struct score s = { 0 };

    (void)state;
    for (int i = 0; i < 10; i++) {
        score_add(&s, INT64_MAX, INSTANT_MIN, 1);
    }
    assert_int_equal(s.points_q40, SCORE_MAX);
    assert_int_equal(score_value(&s, INSTANT_MAX, 1), 0);
    assert_int_equal(score_value(&s, INSTANT_MIN + 61, 1), 1);
    assert_int_equal(score_value(&s, INSTANT_MIN + 62, 1), 0);
    assert_int_equal(score_falls_below(&s, 1, INSTANT_MIN, 1), INSTANT_MIN + 62);
    score_add(&s, 1, INSTANT_MAX, 1); /* the old ones are gone */
    assert_int_equal(s.points_q40, 1);
    score_add(&s, SCORE_MAX, INSTANT_MIN, 1); /* so late that nothing is left of it */
    assert_int_equal(s.points_q40, 1);
}

/* Why: integers must do what the formula says for any half-life. How: random signals in two orders,
 * against doubles; the crossing against the logarithm. */
static void random_scores_agree_with_the_formula(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct signal all[12];
        struct score forwards = { 0 };
        struct score backwards = { 0 };
        struct rng r;
        int64_t h, t_ms, least_q40, cross_ms;
        size_t count;
        double real, crossing;

        rng_init(&r, seed);
        h = rng_between(&r, 1, 400) * (rng_chance(&r, 5000) ? HOUR_MS : DAY_MS) +
            rng_between(&r, 0, 999);
        count = (size_t)rng_between(&r, 1, 12);
        for (size_t i = 0; i < count; i++) {
            all[i].at_ms = rng_between(&r, 0, 4 * h);
            all[i].points_q40 = rng_between(&r, 1, 20) * SCORE_POINT / 4;
            score_add(&forwards, all[i].points_q40, all[i].at_ms, h);
        }
        for (size_t i = count; i-- > 0;) {
            score_add(&backwards, all[i].points_q40, all[i].at_ms, h);
        }
        assert_int_equal(forwards.at_ms, backwards.at_ms);
        assert_in_range(forwards.points_q40 - backwards.points_q40 + 12, 0, 24);
        t_ms = forwards.at_ms + rng_between(&r, 0, 2 * h);
        real = model(all, count, t_ms, h);
        assert_true(fabs(points(score_value(&forwards, t_ms, h)) - real) < 1e-11);
        least_q40 = score_value(&forwards, t_ms, h) / 3 + 1;
        cross_ms = score_falls_below(&forwards, least_q40, t_ms, h);
        crossing = (double)t_ms + (double)h * log2(real / points(least_q40));
        assert_true(fabs((double)cross_ms - crossing) < 2);
        assert_true(score_value(&forwards, cross_ms, h) < least_q40);
        assert_true(score_value(&forwards, cross_ms - 1, h) >= least_q40);
    }
}

/* Why: the binary search needs it. How: neighbours in time around digits' edges of the fraction. */
static void value_never_rises_with_time(void **state)
{
    struct rng r;

    (void)state;
    rng_init(&r, 7);
    for (int i = 0; i < 20000; i++) {
        struct score s = { .points_q40 = SCORE_MAX, .at_ms = 0 };
        int64_t h = rng_between(&r, 1, 36500 * DAY_MS);
        int64_t sixteenth = rng_between(&r, 1, 64);
        int64_t t_ms = rng_chance(&r, 5000) ? rng_between(&r, 1, 3 * h + 1)
                                            : h / 16 * sixteenth + rng_between(&r, 1, 40);

        assert_true(score_value(&s, t_ms, h) <= score_value(&s, t_ms - 1, h));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value_is_the_published_one_in_every_order_of_arrival),
        cmocka_unit_test(crossing_is_within_two_ms_of_the_real_instant),
        cmocka_unit_test(half_is_left_after_one_half_life_and_less_one_ms_later),
        cmocka_unit_test(nothing_to_fall_below_is_never),
        cmocka_unit_test(points_still_to_come_are_not_undone),
        cmocka_unit_test(sum_saturates_and_decays_to_nothing),
        cmocka_unit_test(random_scores_agree_with_the_formula),
        cmocka_unit_test(value_never_rises_with_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
