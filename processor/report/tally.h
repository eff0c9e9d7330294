/* Counters of all partitions, summed: now, and when a period began.
 *
 * Layer: report. Source: schemas/counters.h.
 */
#ifndef REPORT_TALLY_H
#define REPORT_TALLY_H
#include "schemas/counters.h"

#define TALLY_EVER INT64_MIN

struct tally {
    struct counters now, then; /* `then`: at the beginning of the period */
    int64_t since_day;         /* what was asked for; TALLY_EVER: everything */
    int64_t from_day;          /* what could be given: not before since_day */
};

/* One partition's counters. Call once for each. */
void tally_add(struct tally *t, const struct counter_value *counters, uint32_t count);
void tally_fini(struct tally *t);

/* The name is the parts joined by '/'; an absent part ends it. */
#define TALLY_PARTS 6
struct tally_name {
    struct text parts[TALLY_PARTS];
};
int64_t tally_total(const struct tally *t, struct tally_name name);  /* ever */
int64_t tally_period(const struct tally *t, struct tally_name name); /* in the period */

/* The parts of a counter's name. Returns: how many; more than `most` are not there. */
uint32_t tally_split(struct text name, struct text *out_parts, uint32_t most);

#endif /* REPORT_TALLY_H */
