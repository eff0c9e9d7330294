#include "processor/report/strata.h"

#include <math.h>

struct strata_differences strata_differences(const struct stratum *strata, uint32_t count)
{
    struct strata_differences out = { .p = 1 };
    double weights = 0, sum = 0, squares = 0;

    for (uint32_t i = 0; i < count; i++) {
        struct rate a = strata[i].a, b = strata[i].b;
        double pa = statistics_rate(a), pb = statistics_rate(b), variance;

        if (a.count == 0 || b.count == 0) {
            continue;
        }
        variance = pa * (1 - pa) / (double)a.count + pb * (1 - pb) / (double)b.count;
        if (variance > 0) {
            weights += 1 / variance;
            sum += (pb - pa) / variance;
            squares += (pb - pa) * (pb - pa) / variance;
            out.count++;
        }
    }
    if (out.count > 0) {
        out.difference = sum / weights;
        out.q = fmax(0, squares - sum * sum / weights);
        out.p = statistics_chi_square_tail(out.q, (double)out.count - 1);
    }
    return out;
}

/* --- Mantel-Haenszel --- */

struct table { /* hits and misses of b, then of a */
    double b_hits, b_misses, a_hits, a_misses, all;
};

static struct table table_of(const struct stratum *s)
{
    struct table t = { (double)s->b.hits, (double)(s->b.count - s->b.hits), (double)s->a.hits,
                       (double)(s->a.count - s->a.hits), (double)(s->a.count + s->b.count) };

    return t;
}

/* The hits of b that a common odds ratio expects, the margins given: the root of a quadratic. */
static double expected_hits(const struct table *t, double ratio)
{
    double row = t->b_hits + t->b_misses, column = t->b_hits + t->a_hits;
    double a = 1 - ratio;
    double b = ratio * (row + column) + t->all - row - column;
    double c = -ratio * row * column;

    return fabs(a) < 1e-12 ? -c / b : (-b + sqrt(b * b - 4 * a * c)) / (2 * a);
}

static void breslow_day(const struct stratum *strata, uint32_t count, struct strata_effect *out)
{
    double sum = 0, variances = 0, df = -1;

    for (uint32_t i = 0; i < count; i++) {
        struct table t = table_of(&strata[i]);
        double hits = expected_hits(&t, out->odds_ratio);
        double row = t.b_hits + t.b_misses, column = t.b_hits + t.a_hits;
        double variance = 1 / (1 / hits + 1 / (column - hits) + 1 / (row - hits) +
                               1 / (t.all - row - column + hits));

        if (isfinite(variance) && variance > 0) {
            out->breslow_day += (t.b_hits - hits) * (t.b_hits - hits) / variance;
            sum += t.b_hits - hits;
            variances += variance;
            df++;
        }
    }
    out->tarone = out->breslow_day - (variances > 0 ? sum * sum / variances : 0);
    out->breslow_day_p = statistics_chi_square_tail(out->breslow_day, df);
    out->tarone_p = statistics_chi_square_tail(out->tarone, df);
}

struct strata_effect strata_effect(const struct stratum *strata, uint32_t count, double alpha,
                                   bool is_corrected)
{
    struct strata_effect out = { .p = 1, .odds_ratio = 1, .odds = { 0, INFINITY } };
    double above = 0, variances = 0, r = 0, s = 0, pr = 0, mixed = 0, qs = 0, width;

    out.breslow_day_p = out.tarone_p = 1;
    for (uint32_t i = 0; i < count; i++) {
        struct table t = table_of(&strata[i]);
        double b = t.b_hits + t.b_misses, a = t.a_hits + t.a_misses;
        double hits = t.b_hits + t.a_hits, ri, si, pi;

        if (a == 0 || b == 0) {
            continue; /* says nothing of a difference */
        }
        above += t.b_hits - b * hits / t.all;
        variances += a * b * hits * (t.all - hits) / (t.all * t.all * (t.all - 1));
        ri = t.b_hits * t.a_misses / t.all;
        si = t.b_misses * t.a_hits / t.all;
        pi = (t.b_hits + t.a_misses) / t.all;
        r += ri;
        s += si;
        pr += pi * ri;
        mixed += pi * si + (1 - pi) * ri;
        qs += (1 - pi) * si;
    }
    if (variances <= 0) {
        return out;
    }
    above = fmax(0, fabs(above) - (is_corrected ? 0.5 : 0));
    out.chi2 = above * above / variances;
    out.p = statistics_chi_square_tail(out.chi2, 1);
    if (r > 0 && s > 0) {
        out.odds_ratio = r / s;
        width = statistics_quantile(1 - alpha / 2) *
                sqrt(pr / (2 * r * r) + mixed / (2 * r * s) + qs / (2 * s * s));
        out.odds = (struct interval){ out.odds_ratio * exp(-width), out.odds_ratio * exp(width) };
        breslow_day(strata, count, &out);
    }
    return out;
}
