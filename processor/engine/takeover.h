/* What a newcomer may do with a partition: the group's mark and the store's state compared, never
 * guessed over.
 *
 * Layer: engine (pure). The mark says which commit of which history was covered, and what was
 * published; the store says what it has. Where they contradict each other the answer is an error
 * with a name, for which deploy/OPERATIONS.md has a way out.
 */
#ifndef ENGINE_TAKEOVER_H
#define ENGINE_TAKEOVER_H
#include "schemas/mark.h"

struct takeover_case {
    const struct mark *mark;             /* of the group, read stable; NULL: it has none */
    const struct partition_state *state; /* of the store; NULL: it has none */
    uint64_t lineage_new;                /* drawn at random, for a partition that is new */
    bool is_exactly_once;                /* what was published must be known, not repeated */
    bool is_volatile;                    /* the store begins empty with each process */
};

struct takeover {
    uint64_t lineage;   /* of the partition from now on */
    int64_t published;  /* outbox entries up to here are not published again */
    bool is_mark_wrong; /* the group's mark must be written anew before anything else */
    bool is_repeating;  /* .. since the store is older than it: outputs will repeat */
};

/* Errors: ERR_REGRESSED the store has lost commits that the mark covers; ERR_WIPED all of them;
 * ERR_FOREIGN its state is of another history; ERR_UNTOLD there are entries of which nobody knows
 * whether they were published. at_least_once goes on by repeating where repeating is enough. */
enum err takeover_judge(const struct takeover_case *c, struct takeover *out_takeover);

#endif /* ENGINE_TAKEOVER_H */
