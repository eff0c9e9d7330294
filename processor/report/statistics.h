/* Statistics of proportions: tests, intervals, and evidence that may be looked at at any time.
 *
 * Layer: report. No state, no I/O. Formulas are the field's own; each has published figures in
 * tests/unit/test_statistics.c. Units: rates and chances 0..1; counts of customers.
 */
#ifndef REPORT_STATISTICS_H
#define REPORT_STATISTICS_H
#include <stdint.h>

struct interval {
    double low, high;
};

struct rate {      /* of one arm, segment or email */
    int64_t count; /* customers */
    int64_t hits;  /* of them; 0..count */
};

#define STATISTICS_ARMS_MAX 64

/* --- tails --- */

double statistics_quantile(double p);                      /* standard normal; 0 < p < 1 */
double statistics_normal_tail(double z);                   /* two-sided: chance of |Z| >= |z| */
double statistics_chi_square_tail(double chi2, double df); /* df 0: 1 */

/* --- the split of customers over arms --- */

/* Pearson's chi-square of counts against weights (need not add up to anything; at least one is
 * positive). An arm of weight 0 must have nobody: else the chance is 0. Returns: p. */
double statistics_split(const int64_t *counts, const double *weights, uint32_t arm_count,
                        double *out_chi2);

/* ln E of a Dirichlet-multinomial mixture around the shares of the weights: evidence against the
 * split, valid at every look. E >= 1/alpha rejects. Requires: weights as above; arms of weight 0
 * are left out. concentration: of the mixture, 1000 for splits, 100 for conversions. */
double statistics_split_ln_e(const int64_t *counts, const double *weights, uint32_t arm_count,
                             double concentration);
#define STATISTICS_SPLIT_CONCENTRATION      1000.0
#define STATISTICS_CONVERSION_CONCENTRATION 100.0

/* Anytime-valid interval of the second arm's share of the conversions of two. */
struct interval statistics_share(int64_t first, int64_t second, double first_weight,
                                 double second_weight, double alpha);

/* --- rates --- */

double statistics_rate(struct rate r);             /* of nobody: 0 */
double statistics_z(struct rate a, struct rate b); /* of b minus a, pooled; undefined: 0 */
struct interval statistics_wilson(struct rate r, double alpha);
struct interval statistics_newcombe(struct rate a, struct rate b, double alpha); /* b minus a */

/* Asymptotic confidence sequence of b minus a: an interval for every look, tightest when
 * planned_count customers are in both. *out_p: the anytime p. Of nobody: -1..1 and 1. */
struct interval statistics_sequence(struct rate a, struct rate b, double alpha,
                                    double planned_count, double *out_p);

/* Chance that a two-sided test at alpha sees the difference of two rates with so many customers in
 * each arm; and the least rate above `baseline` it sees with that power (1: none). */
double statistics_power(double baseline, double detect, double per_arm, double alpha);
double statistics_detectable(double baseline, double per_arm, double alpha, double power);

/* --- many at once --- */

/* Adjusted p values, in place: Holm for "none of them by chance", Benjamini-Hochberg for "few of
 * them by chance". Requires: count <= STATISTICS_MANY_MAX. */
#define STATISTICS_MANY_MAX 4096
void statistics_holm(double *p, uint32_t count);
void statistics_benjamini_hochberg(double *p, uint32_t count);

#endif /* REPORT_STATISTICS_H */
