/* How far a replay is, and what it found.
 *
 * Layer: cli. Progress goes to standard error: one line that moves on a terminal, else one every
 * ten seconds. The rest goes to standard output at the end.
 */
#ifndef CLI_REPLAY_REPORT_H
#define CLI_REPLAY_REPORT_H
#include "processor/cli/outline.h"
#include "processor/runtime/replay.h"

struct replay_report {
    const struct rules *rules;
    struct arena arena;
    int32_t partitions, partition_index; /* of those that are replayed */
    bool is_terminal;
    int64_t began_ms, said_ms; /* monotonic */
    int64_t records, records_of_part;
    int64_t limit; /* differences that are shown */
    struct replay_differing *differing;
    int32_t *differing_in; /* partition */
    uint32_t differing_count, differing_capacity, partition_capacity;
};

void replay_report_begin(struct replay_report *p, const struct rules *rules, int32_t partitions,
                         int64_t limit);
void replay_report_fini(struct replay_report *p);

/* Callbacks of struct replay_options; context is the report. */
void replay_report_progress(void *context, int32_t partition, int64_t done, int64_t total);
void replay_report_differs(void *context, int32_t partition, const struct replay_differing *d);

/* A partition is through. */
void replay_report_part(struct replay_report *p, struct outline *o, int32_t partition,
                        const struct replay_result *r);
void replay_report_differences(struct replay_report *p, struct outline *o);

#endif /* CLI_REPLAY_REPORT_H */
