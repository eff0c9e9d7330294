#include "sinks/store_rules.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"

#define NUMBER_MAX (INT64_C(1) << 53) /* exact as a double: scores of sorted sets */

void store_rules_commit(const struct commit *c)
{
    CHECK(c->state.guard.epoch == c->expected.epoch);
    CHECK(c->state.guard.version > c->expected.version);
    CHECK(c->outbox_trim <= c->state.outbox_trimmed);
    CHECK(c->state.outbox_last <= NUMBER_MAX);
    CHECK(c->outbox_count == 0 || c->outbox[c->outbox_count - 1].sequence == c->state.outbox_last);
    for (uint32_t i = 0; i < c->record_count; i++) {
        int64_t due_ms = c->records[i].due_ms;

        CHECK(due_ms == INSTANT_NEVER || (due_ms >= -NUMBER_MAX && due_ms <= NUMBER_MAX));
    }
}

enum err store_rules_outbox(const struct bytes *blobs, uint32_t count,
                            const struct partition_state *state, struct arena *arena,
                            struct store_reply *reply)
{
    const struct outbox_entry **entries = arena_alloc(arena, (count + 1) * sizeof(*entries));
    uint32_t *counts = arena_alloc(arena, (count + 1) * sizeof(*counts));
    int64_t next = state->outbox_trimmed + 1;
    struct outbox_entry *shown;
    uint64_t total = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (outbox_decode(blobs[i], arena, &entries[i], &counts[i]) != OK) {
            return ERR_CORRUPT;
        }
        total += counts[i];
    }
    shown = arena_alloc(arena, (size_t)(total + 1) * sizeof(*shown));
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < counts[i]; k++) {
            if (entries[i][k].sequence < next) {
                continue; /* published, in a blob with others that are not */
            }
            if (entries[i][k].sequence > next) {
                return ERR_CORRUPT;
            }
            shown[reply->outbox_count++] = entries[i][k];
            next++;
        }
    }
    reply->outbox = shown;
    return next == state->outbox_last + 1 ? OK : ERR_CORRUPT;
}
