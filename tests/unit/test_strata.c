/* Two arms in several strata, beside published figures. */
#include "processor/report/strata.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_near(double got, double wanted, double tolerance)
{
    if (!(fabs(got - wanted) <= tolerance * fabs(wanted))) {
        print_error("%.12g is not %.12g\n", got, wanted);
        fail();
    }
}

/* statsmodels' tests of stratified tables: 20,14/10,24; 15,12/3,15; 3,2/3,2; 12,3/7,5; 1,0/3,2. */
static void the_effect_over_strata_is_that_of_the_tables(void **state)
{
    static const struct stratum strata[] = {
        { { 34, 10 }, { 34, 20 } }, { { 18, 3 }, { 27, 15 } }, { { 5, 3 }, { 5, 3 } },
        { { 12, 7 }, { 15, 12 } },  { { 5, 3 }, { 1, 1 } },
    };
    struct strata_effect e = strata_effect(strata, 5, 0.05, true);

    (void)state;
    assert_near(e.chi2, 11.885194, 1e-7);
    assert_near(e.p, 0.00056581919, 1e-7);
    assert_near(e.odds_ratio, 3.5911756, 1e-7);
    assert_near(e.odds.low, 1.7811345, 1e-7);
    assert_near(e.odds.high, 7.2406333, 1e-7);
    assert_near(e.breslow_day, 1.8437896, 1e-7);
    assert_near(e.breslow_day_p, 0.76446179, 1e-7);
    assert_near(e.tarone, 1.8436321, 1e-7);
}

/* Arms that moved toward a segment: pooled they differ for sure (z 5.5), in each stratum not. */
static void strata_kept_apart_invent_no_effect(void **state)
{
    static const struct stratum strata[] = {
        { { 400, 80 }, { 800, 180 } },
        { { 800, 16 }, { 400, 10 } },
        { { 600, 30 }, { 600, 34 } },
    };
    struct strata_effect e = strata_effect(strata, 3, 0.05, false);
    struct strata_differences d = strata_differences(strata, 3);

    (void)state;
    assert_near(statistics_z((struct rate){ 1800, 126 }, (struct rate){ 1800, 224 }), 5.513173,
                1e-6);
    assert_near(e.chi2, 1.5125478, 1e-7);
    assert_near(e.p, 0.21875073, 1e-7);
    assert_near(e.odds_ratio, 1.1647899, 1e-7);
    assert_near(e.odds.low, 0.91323329, 1e-7);
    assert_near(e.odds.high, 1.4856396, 1e-7);
    assert_near(e.tarone, 0.041117602, 1e-6);
    assert_near(d.q, 0.57105143, 1e-7);
    assert_near(d.p, 0.75161901, 1e-7);
}

static void strata_without_both_arms_or_without_conversions_say_nothing(void **state)
{
    static const struct stratum strata[] = { { { 0, 0 }, { 5, 2 } }, { { 9, 0 }, { 9, 0 } } };
    struct strata_effect e = strata_effect(strata, 2, 0.05, false);
    struct strata_differences d = strata_differences(strata, 2);

    (void)state;
    assert_true(e.p >= 1 && d.p >= 1);
    assert_int_equal(d.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_effect_over_strata_is_that_of_the_tables),
        cmocka_unit_test(strata_kept_apart_invent_no_effect),
        cmocka_unit_test(strata_without_both_arms_or_without_conversions_say_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
