/* How many customers an experiment needs to tell two rates apart.
 *
 * Layer: config. Two-sided test of two proportions, normal approximation.
 */
#ifndef CONFIG_SAMPLE_SIZE_H
#define CONFIG_SAMPLE_SIZE_H
#include "processor/engine/rules.h"

#include <stdint.h>

/* Customers in the first arm, rounded up; the second has `ratio` times as many. baseline, detect:
 * rates of the two, 0..1; alpha: chance of a false alarm; power: of seeing a true difference.
 * Returns: 0 when there is nothing to tell apart, or a figure is out of range. */
int64_t sample_size(double baseline, double detect, double alpha, double power, double ratio);

/* Customers that this arm of a planned experiment needs, by its weight; the first arm serves every
 * comparison. Returns: 0 without a plan, or for an arm of weight 0. */
int64_t sample_of_arm(const struct experiment_plan *x, uint32_t arm);

/* The z below which a standard normal falls with chance p, 0 < p < 1. */
double sample_size_quantile(double p);

#endif /* CONFIG_SAMPLE_SIZE_H */
