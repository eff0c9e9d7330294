/* What the partitions of a new count begin with, beside their customers: the states and counters of
 * all old partitions, merged.
 *
 * Layer: runtime (pure). Positions stay with their partition number, since they speak of a log; all
 * else that a customer's rules look at (stream time, ceilings, answers of the last hour) must hold
 * for customers of every old partition.
 */
#ifndef RUNTIME_REKEY_MERGE_H
#define RUNTIME_REKEY_MERGE_H
#include "processor/engine/rules.h"
#include "schemas/commit.h"

struct rekey_old { /* partitions, by number; lineage 0: nothing was ever committed there */
    const struct partition_state *states;
    int32_t count;
};

struct rekey_goal {
    int32_t partitions;
    const struct text *topics; /* of the input now */
    uint32_t topic_count;
    bool is_all_applied; /* nothing in the topics is behind the positions: time is the latest of all
                          * partitions; else the earliest, so that nothing is concluded early */
    const struct rules *rules;
};

/* Guard and lineage are the caller's. With fewer partitions than before the topics are other ones:
 * they are read from their start. */
void rekey_merge_state(const struct rekey_old *old, const struct rekey_goal *goal,
                       int32_t partition, struct partition_state *out_state);

/* One counter of one old partition: sums go to partition 0, what is no sum to all of them. */
bool rekey_is_sum(struct text counter);

#endif /* RUNTIME_REKEY_MERGE_H */
