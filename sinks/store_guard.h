/* The guard of a partition as stores keep it, and what it says about a commit.
 *
 * Layer: sinks (pure). Stored text: "<epoch>.<version>.<token>", the token 16 hexadecimal digits
 * drawn by each claim, so that two owners are told apart even if their epochs are equal, as when
 * the consumer group has forgotten what it knew.
 */
#ifndef SINKS_STORE_GUARD_H
#define SINKS_STORE_GUARD_H
#include "processor/base/err.h"
#include "processor/base/text.h"
#include "schemas/commit.h"

#include <stdbool.h>
#include <stdint.h>

struct store_guard {
    struct guard at;
    uint64_t token;
};

#define STORE_GUARD_TEXT_SIZE 64
struct text store_guard_format(const struct store_guard *g, char out[STORE_GUARD_TEXT_SIZE]);
bool store_guard_parse(struct text t, struct store_guard *out_guard); /* false: malformed */

enum store_guard_verdict {
    STORE_GUARD_GO,       /* as expected: write */
    STORE_GUARD_LANDED,   /* this very commit is already there */
    STORE_GUARD_FENCED,   /* somebody else's */
    STORE_GUARD_REGRESSED /* older than what this owner wrote, or gone */
};

/* held: of this owner's claim, NULL: none. A commit goes from `expected` to `next`. found: NULL: no
 * guard stored. is_sent: this commit was handed to the store before and its answer is not known. */
enum store_guard_verdict store_guard_judge(const struct store_guard *held, struct guard expected,
                                           struct guard next, const struct store_guard *found,
                                           bool is_sent);

/* May a claim with this epoch go ahead? token: of its own earlier attempt, whose answer was lost.
 */
bool store_guard_may_claim(const struct store_guard *held, const struct store_guard *found,
                           int64_t epoch, uint64_t token);

/* For reading: nothing older than what this owner wrote, nothing of somebody else. */
enum err store_guard_look(const struct store_guard *held, const struct store_guard *found);

#endif /* SINKS_STORE_GUARD_H */
