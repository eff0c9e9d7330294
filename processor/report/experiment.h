/* An experiment as it was counted: arms, evidence over time, strata, harm.
 *
 * Layer: report. No I/O. Of one version: another version is another experiment.
 */
#ifndef REPORT_EXPERIMENT_H
#define REPORT_EXPERIMENT_H
#include "processor/report/report.h"
#include "processor/report/strata.h"
#include "processor/report/trial.h"

enum harm { HARM_NONE, HARM_POSSIBLE, HARM_SURE }; /* beyond the guard's margin */

struct experiment_arm {
    struct rate settled; /* of those whose time for a success has passed */
    int64_t unsubscribed, complained;
    enum harm unsubscribes, complaints; /* beside the control; without a guard none */
};

struct experiment_group { /* of one segment, or of those outside it */
    struct text name;     /* "security_smb", "not security_smb" */
    struct stratum rates; /* a: control, b: the arm */
};

struct experiment_split { /* customers divided by a ladder, or into a segment and the rest */
    struct text name;
    struct strata_differences differences;
    double p; /* corrected for the number of divisions looked at */
    struct experiment_group *groups;
    uint32_t group_count;
};

struct experiment {
    const struct experiment_plan *plan;
    struct trial trial;
    struct read_out read;
    struct experiment_arm *arms;
    uint32_t leader; /* the arm looked at below: the winner, else the best of the others */
    struct strata_effect effect; /* of the leader, over weeks and the rungs of a ladder */
    uint32_t strata_count;
    struct experiment_split *splits; /* of the leader; most different first */
    uint32_t split_count;
    int64_t first_day, last_day; /* of exposures; first > last: none */
    int64_t days;                /* full ones since the first exposure */
    int64_t needed;              /* customers still to come in the arm that lacks most; 0: none */
    bool is_harmful;             /* an arm is surely worse than the guard allows */
};

/* Owner: the arena. */
void experiment_read(const struct report *r, const struct experiment_plan *plan,
                     struct arena *arena, struct experiment *out);

/* What to do now, in a sentence. Owner: the arena. */
struct text experiment_next(const struct experiment *x, struct arena *arena);

/* The entry of a test repository: hypothesis, result, learning, where else to apply. Markdown. */
void experiment_journal(const struct report *r, const struct experiment *x, FILE *to);

#endif /* REPORT_EXPERIMENT_H */
