/* The file of `report --stats`: {"alpha": 0.05, "arms": [{"name", "assigned", "converted",
 * "weight"}, ..]}.
 *
 * Layer: report. Bounded; nothing in it is trusted. alpha defaults to 0.05, weights to equal.
 */
#ifndef REPORT_TRIAL_JSON_H
#define REPORT_TRIAL_JSON_H
#include "processor/base/arena.h"
#include "processor/base/bytes.h"
#include "processor/report/trial.h"

#define TRIAL_JSON_SIZE_MAX (1 << 20)

/* Returns: false, and a sentence. Owner of the trial's parts: the arena. */
bool trial_json_read(struct bytes file, struct arena *arena, struct trial *out_trial,
                     char out_sentence[256]);

#endif /* REPORT_TRIAL_JSON_H */
