#include "processor/report/statistics.h"

#include "processor/base/check.h"
#include "processor/base/mem.h"
#include "processor/config/sample_size.h"

#include <math.h>
#include <stdlib.h>

#define TERMS_MAX 100000 /* of a series or continued fraction; they end long before */

/* --- tails --- */

double statistics_quantile(double p)
{
    return sample_size_quantile(p);
}

double statistics_normal_tail(double z)
{
    return erfc(fabs(z) / sqrt(2));
}

static double ln_gamma(double x)
{
    int sign;

    return lgamma_r(x, &sign); /* lgamma would write a global */
}

/* Lower part of the incomplete gamma function, regularised, by its series: for x < a + 1. */
static double gamma_low(double a, double x)
{
    double term = 1 / a, sum = term;

    for (int i = 1; i < TERMS_MAX && fabs(term) > fabs(sum) * 1e-17; i++) {
        term *= x / (a + i);
        sum += term;
    }
    return sum * exp(a * log(x) - x - ln_gamma(a));
}

/* The upper part by its continued fraction (Lentz): for x >= a + 1. */
static double gamma_high(double a, double x)
{
    const double tiny = 1e-300;
    double b = x + 1 - a, c = 1 / tiny, d = 1 / b, h = d, step = 0;

    for (int i = 1; i < TERMS_MAX && fabs(step - 1) > 1e-16; i++) {
        double n = -i * (i - a);

        b += 2;
        d = n * d + b;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = b + n / c;
        c = fabs(c) < tiny ? tiny : c;
        step = c * d;
        h *= step;
    }
    return h * exp(a * log(x) - x - ln_gamma(a));
}

double statistics_chi_square_tail(double chi2, double df)
{
    double a = df / 2, x = chi2 / 2;

    if (df <= 0 || x <= 0) {
        return 1;
    }
    return x < a + 1 ? 1 - gamma_low(a, x) : gamma_high(a, x);
}

/* --- the split of customers over arms --- */

double statistics_split(const int64_t *counts, const double *weights, uint32_t arm_count,
                        double *out_chi2)
{
    double total = 0, weight = 0, chi2 = 0, df = -1;
    bool is_impossible = false;

    for (uint32_t i = 0; i < arm_count; i++) {
        total += (double)counts[i];
        weight += weights[i];
        is_impossible = is_impossible || (weights[i] == 0 && counts[i] > 0);
    }
    CHECK(weight > 0);
    for (uint32_t i = 0; i < arm_count && total > 0; i++) {
        double expected = total * weights[i] / weight;

        if (weights[i] > 0) {
            chi2 += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
            df++;
        }
    }
    *out_chi2 = chi2;
    return is_impossible ? 0 : statistics_chi_square_tail(chi2, df);
}

double statistics_split_ln_e(const int64_t *counts, const double *weights, uint32_t arm_count,
                             double concentration)
{
    double total = 0, weight = 0, ln_e = 0;

    for (uint32_t i = 0; i < arm_count; i++) {
        weight += weights[i];
        total += weights[i] > 0 ? (double)counts[i] : 0;
    }
    CHECK(weight > 0);
    for (uint32_t i = 0; i < arm_count; i++) {
        double share = weights[i] / weight, prior = concentration * share;

        if (weights[i] > 0) {
            ln_e += ln_gamma(prior + (double)counts[i]) - ln_gamma(prior) -
                    (double)counts[i] * log(share);
        }
    }
    return ln_e + ln_gamma(concentration) - ln_gamma(concentration + total);
}

/* ln of the likelihood of so many conversions at a share t of the second arm; 0 ln 0 is 0. */
static double ln_likelihood(double first, double second, double t)
{
    return (second == 0 ? 0 : second * log(t)) + (first == 0 ? 0 : first * log(1 - t));
}

/* Where the likelihood falls to `floor` between `inside`, where it is higher, and `outside`. */
static double share_edge(double first, double second, double floor, double inside, double outside)
{
    for (int i = 0; i < 200; i++) {
        double middle = (inside + outside) / 2;

        if (ln_likelihood(first, second, middle) > floor) {
            inside = middle;
        } else {
            outside = middle;
        }
    }
    return inside;
}

struct interval statistics_share(int64_t first, int64_t second, double first_weight,
                                 double second_weight, double alpha)
{
    double a = (double)first, b = (double)second, k = STATISTICS_CONVERSION_CONCENTRATION;
    double share = second_weight / (first_weight + second_weight);
    double a0 = k * (1 - share), b0 = k * share, best, floor;

    if (first + second == 0 || a0 <= 0 || b0 <= 0) {
        return (struct interval){ 0, 1 };
    }
    best = b / (a + b);
    floor = ln_gamma(a0 + a) + ln_gamma(b0 + b) - ln_gamma(k + a + b) -
            (ln_gamma(a0) + ln_gamma(b0) - ln_gamma(k)) + log(alpha);
    return (struct interval){ share_edge(a, b, floor, best, 0), share_edge(a, b, floor, best, 1) };
}

/* --- rates --- */

double statistics_rate(struct rate r)
{
    return r.count == 0 ? 0 : (double)r.hits / (double)r.count;
}

double statistics_z(struct rate a, struct rate b)
{
    double pooled, variance;

    if (a.count == 0 || b.count == 0) {
        return 0;
    }
    pooled = ((double)a.hits + (double)b.hits) / ((double)a.count + (double)b.count);
    variance = pooled * (1 - pooled) * (1 / (double)a.count + 1 / (double)b.count);
    return variance <= 0 ? 0 : (statistics_rate(b) - statistics_rate(a)) / sqrt(variance);
}

struct interval statistics_wilson(struct rate r, double alpha)
{
    double n = (double)r.count, p = statistics_rate(r), z = statistics_quantile(1 - alpha / 2);
    double middle, half;

    if (r.count == 0) {
        return (struct interval){ 0, 1 };
    }
    middle = (p + z * z / (2 * n)) / (1 + z * z / n);
    half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    return (struct interval){ r.hits == 0 ? 0 : fmax(0, middle - half),
                              r.hits == r.count ? 1 : fmin(1, middle + half) };
}

struct interval statistics_newcombe(struct rate a, struct rate b, double alpha)
{
    double pa = statistics_rate(a), pb = statistics_rate(b), d = pb - pa;
    struct interval wa = statistics_wilson(a, alpha), wb = statistics_wilson(b, alpha);

    if (a.count == 0 || b.count == 0) {
        return (struct interval){ wb.low - wa.high, wb.high - wa.low };
    }
    return (struct interval){ d - hypot(pb - wb.low, wa.high - pa),
                              d + hypot(wb.high - pb, pa - wa.low) };
}

struct interval statistics_sequence(struct rate a, struct rate b, double alpha,
                                    double planned_count, double *out_p)
{
    double pa = statistics_rate(a), pb = statistics_rate(b), d = pb - pa;
    double n = (double)a.count + (double)b.count;
    double rho2 = (-2 * log(alpha) + log(-2 * log(alpha) + 1)) / planned_count;
    double wide = n * rho2 + 1, variance, half;

    *out_p = 1;
    if (a.count == 0 || b.count == 0) {
        return (struct interval){ -1, 1 };
    }
    variance = pa * (1 - pa) / (double)a.count + pb * (1 - pb) / (double)b.count;
    if (variance <= 0) {
        return (struct interval){ -1, 1 };
    }
    half = sqrt(variance) * sqrt(n) * sqrt(2 * wide * log(sqrt(wide) / alpha)) / (n * sqrt(rho2));
    *out_p = fmin(1, sqrt(wide) * exp(-rho2 * n * d * d / variance / (2 * wide)));
    return (struct interval){ d - half, d + half };
}

double statistics_power(double baseline, double detect, double per_arm, double alpha)
{
    double pooled = (baseline + detect) / 2;
    double alike = sqrt(2 * pooled * (1 - pooled));
    double apart = sqrt(baseline * (1 - baseline) + detect * (1 - detect));
    double z =
        (fabs(detect - baseline) * sqrt(per_arm) - statistics_quantile(1 - alpha / 2) * alike) /
        apart;

    return erfc(-z / sqrt(2)) / 2;
}

double statistics_detectable(double baseline, double per_arm, double alpha, double power)
{
    double low = baseline, high = 1;

    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;

        if (statistics_power(baseline, middle, per_arm, alpha) < power) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}

/* --- many at once --- */

struct ranked {
    double p;
    uint32_t index;
};

static int compare_ranked(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;

    return a->p < b->p ? -1 : a->p > b->p;
}

static struct ranked *rank(const double *p, uint32_t count)
{
    struct ranked *ranks = mem_alloc(count * sizeof(*ranks));

    CHECK(count <= STATISTICS_MANY_MAX);
    for (uint32_t i = 0; i < count; i++) {
        ranks[i] = (struct ranked){ p[i], i };
    }
    qsort(ranks, count, sizeof(*ranks), compare_ranked);
    return ranks;
}

void statistics_holm(double *p, uint32_t count)
{
    struct ranked *ranks = rank(p, count);
    double most = 0;

    for (uint32_t i = 0; i < count; i++) {
        most = fmax(most, fmin(1, (count - i) * ranks[i].p));
        p[ranks[i].index] = most;
    }
    mem_free(ranks);
}

void statistics_benjamini_hochberg(double *p, uint32_t count)
{
    struct ranked *ranks = rank(p, count);
    double least = 1;

    for (uint32_t i = count; i > 0; i--) {
        least = fmin(least, count * ranks[i - 1].p / i);
        p[ranks[i - 1].index] = least;
    }
    mem_free(ranks);
}
