/* A trial: arms, what came of them, and the verdict. LANGUAGE.md section 8 and its fine print.
 *
 * Layer: report. No I/O. The first arm is the control; each other arm is compared with it. With
 * several comparisons p is Holm's, evidence is divided by their number and intervals are of
 * alpha divided by it, so that the chance of a false winner stays alpha for the whole.
 */
#ifndef REPORT_TRIAL_H
#define REPORT_TRIAL_H
#include "processor/base/text.h"
#include "processor/report/statistics.h"

#include <stdbool.h>
#include <stdio.h>

#define TRIAL_ARMS_MAX        STATISTICS_ARMS_MAX
#define TRIAL_SPLIT_ALPHA     0.001 /* a split less likely than that is a fault */
#define TRIAL_CONVERSIONS_MIN 100   /* of the two arms together, for a winner */

enum verdict { VERDICT_INCONCLUSIVE, VERDICT_WINNER, VERDICT_NONE, VERDICT_INVALID };

struct trial_arm {
    struct text name;
    struct rate rate; /* customers assigned, converted */
    double weight;    /* not negative; not all zero */
    int64_t planned;  /* customers needed; 0: no plan */
};

struct trial {
    double alpha;
    const struct trial_arm *arms;
    uint32_t arm_count;               /* 2..TRIAL_ARMS_MAX */
    bool has_history;                 /* else the evidence is that of the last look */
    double ln_e_most[TRIAL_ARMS_MAX]; /* by arm: the highest ln E of its comparison at any look */
};

struct comparison { /* of an arm with the first */
    double z, p;    /* p: corrected */
    struct interval newcombe;
    double ln_e;              /* now */
    double anytime_p;         /* at any look, corrected */
    struct interval share;    /* of the conversions of the two, anytime-valid */
    struct interval ratio;    /* of the two rates, anytime-valid; high may be infinite */
    struct interval sequence; /* of the difference, anytime-valid */
    enum verdict verdict;
};

struct read_out {
    double split_chi2, split_p; /* of the configured weights */
    double split_ln_e;          /* the same, valid at every look */
    struct interval wilson[TRIAL_ARMS_MAX];
    struct comparison comparisons[TRIAL_ARMS_MAX]; /* by arm; [0] unused */
    bool is_sample_reached;                        /* planned, and every arm has it */
    enum verdict verdict;
    uint32_t winner; /* of VERDICT_WINNER: the arm; may be the control */
};

const char *verdict_name(enum verdict v);

/* ln E of one comparison: first conversions of the control and of an arm. */
double trial_ln_e(int64_t control, int64_t arm, double control_weight, double arm_weight);

void trial_read(const struct trial *t, struct read_out *out);

/* The object of `report --stats`: one line, 9 significant digits. */
void trial_print_json(const struct trial *t, const struct read_out *r, FILE *to);

#endif /* REPORT_TRIAL_H */
