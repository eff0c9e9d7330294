#include "processor/config/sample_size.h"

#include <math.h>

#define MOST 9e15 /* no population is larger */

/* The z below which a standard normal falls with probability p: bisection on erfc, which needs no
 * table and is exact to the last digit that matters. */
double sample_size_quantile(double p)
{
    double low = -10, high = 10;

    for (int i = 0; i < 80; i++) {
        double middle = (low + high) / 2;

        if (erfc(-middle / sqrt(2)) / 2 < p) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return (low + high) / 2;
}

int64_t sample_size(double baseline, double detect, double alpha, double power, double ratio)
{
    double pooled = (baseline + ratio * detect) / (1 + ratio);
    double difference = baseline - detect;
    double root, count;

    if (baseline < 0 || baseline > 1 || detect < 0 || detect > 1 || difference == 0 || alpha <= 0 ||
        alpha >= 1 || power <= 0 || power >= 1 || ratio <= 0) {
        return 0;
    }
    root = sample_size_quantile(1 - alpha / 2) * sqrt((1 + 1 / ratio) * pooled * (1 - pooled)) +
           sample_size_quantile(power) *
               sqrt(baseline * (1 - baseline) + detect * (1 - detect) / ratio);
    count = ceil(root / difference * (root / difference));
    return (int64_t)fmin(count, MOST);
}

int64_t sample_of_arm(const struct experiment_plan *x, uint32_t arm)
{
    const struct experiment_aims *aims = &x->aims;
    int64_t most = 0;

    for (uint32_t i = 1; aims->has_plan && i < x->arms.count; i++) {
        double ratio = x->arms.arms[0].weight == 0
                           ? 0
                           : (double)x->arms.arms[i].weight / (double)x->arms.arms[0].weight;
        int64_t first = sample_size((double)aims->baseline / 1e4, (double)aims->detect / 1e4,
                                    aims->alpha, aims->power, ratio);

        if (i == arm) {
            return (int64_t)fmin(ceil((double)first * ratio), MOST);
        }
        most = first > most ? first : most;
    }
    return arm == 0 ? most : 0;
}
