/* Two arms in several strata (segments, periods): is the effect the same in each, and what is it
 * when the strata are kept apart?
 *
 * Layer: report. No state, no I/O. Pooling strata whose arms have different shares can invent an
 * effect (Simpson); these do not.
 */
#ifndef REPORT_STRATA_H
#define REPORT_STRATA_H
#include "processor/report/statistics.h"

#include <stdbool.h>

struct stratum {
    struct rate a, b;
};

struct strata_differences { /* Cochran's Q over the differences of the rates */
    double q;
    double p;          /* 1: nothing to tell apart */
    double difference; /* weighted by precision */
    uint32_t count;    /* strata with something to weigh */
};
struct strata_differences strata_differences(const struct stratum *strata, uint32_t count);

struct strata_effect { /* Cochran-Mantel-Haenszel */
    double chi2, p;
    double odds_ratio;          /* of b to a; 1 when it cannot be told */
    struct interval odds;       /* Robins-Breslow-Greenland */
    double breslow_day, tarone; /* are the odds ratios alike? */
    double breslow_day_p, tarone_p;
};
/* is_corrected: with the correction for continuity. */
struct strata_effect strata_effect(const struct stratum *strata, uint32_t count, double alpha,
                                   bool is_corrected);

#endif /* REPORT_STRATA_H */
