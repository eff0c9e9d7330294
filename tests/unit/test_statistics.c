/* Tests, intervals and evidence beside published figures; where a figure is of a library's tests,
 * the library is named. */
#include "processor/report/statistics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* relative */
static void assert_near(double got, double wanted, double tolerance)
{
    if (!(fabs(got - wanted) <= tolerance * fmax(fabs(wanted), 1e-300))) {
        print_error("%.12g is not %.12g\n", got, wanted);
        fail();
    }
}

static void assert_interval(struct interval got, double low, double high, double tolerance)
{
    assert_near(got.low, low, tolerance);
    assert_near(got.high, high, tolerance);
}

static double split(const int64_t *counts, const double *weights, uint32_t count)
{
    double chi2;

    return statistics_split(counts, weights, count, &chi2);
}

static void tails_are_those_of_the_tables(void **state)
{
    (void)state;
    assert_near(statistics_quantile(0.975), 1.959963984540054, 1e-12);
    assert_near(statistics_normal_tail(1.4078304151), 0.1591812918, 1e-9);
    assert_near(statistics_chi_square_tail(11.1193876863, 3), 0.0110975114, 1e-8);
    assert_near(statistics_chi_square_tail(3.841458820694124, 1), 0.05, 1e-12);
    assert_near(statistics_chi_square_tail(0.5, 10), 0.99999338828902, 1e-12); /* the series */
    assert_near(statistics_chi_square_tail(0, 5), 1, 0);
    assert_near(statistics_chi_square_tail(5, 0), 1, 0);
}

/* lukasvermeer/srm: docs/faq.md and its test; and what was computed with 30 digits. */
static void a_split_that_is_off_is_found(void **state)
{
    const double equal[] = { 1, 1, 1, 1 }, nine[] = { 9, 1 }, none[] = { 1, 1, 0 };
    double chi2;

    (void)state;
    assert_near(statistics_split((const int64_t[]){ 502, 498 }, equal, 2, &chi2), 0.8993431886,
                1e-9);
    assert_near(chi2, 0.016, 1e-9);
    assert_near(statistics_split((const int64_t[]){ 600, 400 }, equal, 2, &chi2), 2.5396286e-10,
                1e-7);
    assert_near(chi2, 40, 1e-12);
    assert_near(split((const int64_t[]){ 1000, 950, 1050, 1000 }, equal, 4), 0.17179714, 1e-7);
    assert_near(split((const int64_t[]){ 850, 150 }, nine, 2), 1.3608023e-7, 1e-7);
    assert_near(statistics_split((const int64_t[]){ 9463, 7681 }, equal, 2, &chi2), 3.5021923e-42,
                1e-7);
    assert_near(chi2, 185.22655, 1e-7);
    assert_near(split((const int64_t[]){ 5, 5, 0 }, none, 3), 1, 0); /* df of two arms */
    assert_near(split((const int64_t[]){ 5, 5, 1 }, none, 3), 0, 0);
    assert_near(split((const int64_t[]){ 0, 0 }, equal, 2), 1, 0);
}

static double ln_e(const int64_t *counts, const double *weights, uint32_t count, double k)
{
    return statistics_split_ln_e(counts, weights, count, k);
}

static void evidence_against_a_split_is_that_of_the_mixture(void **state)
{
    const double equal[] = { 50, 50 }, three[] = { .1, .3, .6 };

    (void)state;
    assert_near(ln_e((const int64_t[]){ 600, 400 }, equal, 2, 1000), 9.67506195, 1e-8);
    assert_near(ln_e((const int64_t[]){ 50500, 49500 }, equal, 2, 1000), 2.64281717, 1e-8);
    assert_near(ln_e((const int64_t[]){ 101000, 99000 }, equal, 2, 1000), 7.29856125, 1e-8);
    assert_near(ln_e((const int64_t[]){ 180, 270 }, equal, 2, 100), 6.556024151, 1e-9);
    assert_near(exp(-ln_e((const int64_t[]){ 180, 270 }, equal, 2, 100)), 0.0014215263, 1e-7);
    assert_near(ln_e((const int64_t[]){ 200, 250 }, equal, 2, 100), 1.425603138, 1e-9);
    assert_near(ln_e((const int64_t[]){ 150, 250 }, equal, 2, 100), 9.281476635, 1e-9);
    assert_near(ln_e((const int64_t[]){ 20, 40 }, equal, 2, 100), 1.025243688, 1e-9);
    assert_near(ln_e((const int64_t[]){ 480, 552 }, equal, 2, 100), 1.077762421, 1e-9);
    assert_true(fabs(ln_e((const int64_t[]){ 0, 0 }, equal, 2, 100)) < 1e-12);
    assert_near(ln_e((const int64_t[]){ 40, 90, 170 }, three, 3, 100), -0.1172687914, 1e-8);
}

static void the_share_of_conversions_has_an_interval_for_every_look(void **state)
{
    struct interval i = statistics_share(180, 270, 1, 1, 0.05);

    (void)state;
    assert_interval(i, 0.52224032, 0.67452396, 1e-7);
    assert_interval((struct interval){ i.low / (1 - i.low), i.high / (1 - i.high) }, 1.0931026,
                    2.0724228, 1e-7);
    assert_interval(statistics_share(200, 250, 1, 1, 0.05), 0.48605354, 0.62363258, 1e-7);
    assert_interval(statistics_share(0, 0, 1, 1, 0.05), 0, 1, 0);
    assert_true(statistics_share(0, 30, 1, 1, 0.05).high > 0.999);
}

/* statsmodels: tests of proportion. */
static void the_z_test_is_pooled_and_two_sided(void **state)
{
    const struct rate a = { 83, 5 }, b = { 99, 12 };

    (void)state;
    assert_near(statistics_z(a, b), 1.4078304151, 1e-9);
    assert_near(statistics_z(b, a), -1.4078304151, 1e-9);
    assert_near(statistics_z((struct rate){ 10000, 200 }, (struct rate){ 10000, 250 }), 2.383995133,
                1e-9);
    assert_near(statistics_normal_tail(2.383995133), 0.01712582887, 1e-8);
    assert_near(statistics_z((struct rate){ 12000, 480 }, (struct rate){ 12000, 552 }), 2.291061139,
                1e-9);
    assert_near(statistics_normal_tail(2.291061139), 0.02195987783, 1e-8);
    assert_near(
        statistics_normal_tail(statistics_z((struct rate){ 200, 10 }, (struct rate){ 200, 20 })),
        0.05765446863, 1e-9);
    assert_near(statistics_z((struct rate){ 50, 0 }, (struct rate){ 70, 0 }), 0, 0);
    assert_near(statistics_z((struct rate){ 0, 0 }, (struct rate){ 70, 3 }), 0, 0);
}

static void rates_have_wilson_intervals(void **state)
{
    (void)state;
    assert_interval(statistics_wilson((struct rate){ 38, 19 }, 0.05), 0.348499283643951,
                    0.651500716356049, 1e-12);
    assert_interval(statistics_wilson((struct rate){ 50, 0 }, 0.05), 0, 0.071347599, 1e-8);
    assert_interval(statistics_wilson((struct rate){ 0, 0 }, 0.05), 0, 1, 0);
    assert_near(statistics_wilson((struct rate){ 7, 7 }, 0.05).high, 1, 0);
}

/* Newcombe 1998; Fagerland's table in statsmodels' tests. */
static void differences_have_newcombe_intervals(void **state)
{
    (void)state;
    assert_interval(statistics_newcombe((struct rate){ 80, 48 }, (struct rate){ 70, 56 }, 0.05),
                    0.0524315, 0.333873, 1e-5);
    assert_interval(statistics_newcombe((struct rate){ 10, 3 }, (struct rate){ 10, 9 }, 0.05),
                    0.170523, 0.809018, 1e-5);
    assert_interval(statistics_newcombe((struct rate){ 34, 1 }, (struct rate){ 34, 7 }, 0.05),
                    0.0189214, 0.340369, 1e-5);
    assert_interval(
        statistics_newcombe((struct rate){ 10000, 200 }, (struct rate){ 10000, 250 }, 0.05),
        0.0008870476, 0.0091382667, 1e-7);
    assert_interval(statistics_newcombe((struct rate){ 200, 10 }, (struct rate){ 200, 20 }, 0.05),
                    -0.0023922504, 0.10433672, 1e-7);
    assert_interval(statistics_newcombe((struct rate){ 0, 0 }, (struct rate){ 0, 0 }, 0.05), -1, 1,
                    0);
}

static void differences_have_confidence_sequences(void **state)
{
    double p;

    (void)state;
    assert_interval(statistics_sequence((struct rate){ 10000, 200 }, (struct rate){ 10000, 250 },
                                        0.05, 5000, &p),
                    -0.0015576262, 0.011557626, 1e-7);
    assert_near(p, 0.36372909, 1e-7);
    assert_interval(statistics_sequence((struct rate){ 10000, 500 }, (struct rate){ 10000, 650 },
                                        0.05, 5000, &p),
                    0.0047101788, 0.025289821, 1e-7);
    assert_near(p, 0.00024152675, 1e-7);
}

static void power_and_the_least_difference_it_sees_come_out(void **state)
{
    (void)state;
    assert_near(statistics_power(0.05, 0.06, 8158, 0.05), 0.80001291, 1e-7);
    assert_near(statistics_detectable(0.05, 10000, 0.05, 0.8) - 0.05, 0.0089930973, 1e-7);
    assert_near(statistics_detectable(0.02, 5000, 0.05, 0.8) - 0.02, 0.0086292123, 1e-7);
    assert_near(statistics_detectable(0.20, 1000, 0.05, 0.8) - 0.20, 0.052386437, 1e-7);
}

/* R, in the tests of statsmodels. */
static void many_p_values_are_corrected(void **state)
{
    static const double raw[] = { 0.00533824886503131,  0.8327574849753566, 0.1880573726722516,
                                  0.002026764254350234, 0.1309487516334318, 0.1076118730631731 };
    static const double holm[] = { 0.026691244325, 0.832757484975, 0.430447492253,
                                   0.012160585526, 0.430447492253, 0.430447492253 };
    static const double bh[] = { 0.016014746595, 0.832757484975, 0.225668847207,
                                 0.012160585526, 0.19642312745,  0.19642312745 };
    double p[6], q[6];

    (void)state;
    for (int i = 0; i < 6; i++) {
        p[i] = q[i] = raw[i];
    }
    statistics_holm(p, 6);
    statistics_benjamini_hochberg(q, 6);
    for (int i = 0; i < 6; i++) {
        assert_near(p[i], holm[i], 1e-10);
        assert_near(q[i], bh[i], 1e-10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tails_are_those_of_the_tables),
        cmocka_unit_test(a_split_that_is_off_is_found),
        cmocka_unit_test(evidence_against_a_split_is_that_of_the_mixture),
        cmocka_unit_test(the_share_of_conversions_has_an_interval_for_every_look),
        cmocka_unit_test(the_z_test_is_pooled_and_two_sided),
        cmocka_unit_test(rates_have_wilson_intervals),
        cmocka_unit_test(differences_have_newcombe_intervals),
        cmocka_unit_test(differences_have_confidence_sequences),
        cmocka_unit_test(power_and_the_least_difference_it_sees_come_out),
        cmocka_unit_test(many_p_values_are_corrected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
