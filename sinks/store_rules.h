/* What every store checks alike: that a commit is consistent, that no outbox entry is missing.
 *
 * Layer: sinks (pure).
 */
#ifndef SINKS_STORE_RULES_H
#define SINKS_STORE_RULES_H
#include "processor/base/arena.h"
#include "sinks/store.h"

/* Aborts when the caller's commit contradicts itself. */
void store_rules_commit(const struct commit *c);

/* Show the entries behind state->outbox_trimmed from blobs in ascending order. The entries are
 * views of the blobs. Errors: ERR_CORRUPT, also when one is missing up to state->outbox_last. */
enum err store_rules_outbox(const struct bytes *blobs, uint32_t count,
                            const struct partition_state *state, struct arena *arena,
                            struct store_reply *reply);

#endif /* SINKS_STORE_RULES_H */
