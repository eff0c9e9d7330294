/* What the app's consumer group knows and what the input topics hold, for tools that are no
 * members.
 *
 * Layer: runtime. All need kafka_tool_consumer. Errors: ERR_UNAVAILABLE with a sentence, unless
 * said.
 */
#ifndef RUNTIME_KAFKA_GROUP_H
#define RUNTIME_KAFKA_GROUP_H
#include "processor/runtime/kafka_tool.h"
#include "schemas/mark.h"

struct kafka_group {
    char state[32]; /* "Stable", "Empty", "Dead" (no such group) .. */
    int32_t members;
    char host[64]; /* of one of them */
};
enum err kafka_group_look(struct kafka_tool *t, struct kafka_group *out_group, char out_text[256]);

struct kafka_committed {                /* of one partition, read when nothing of it is under way */
    int64_t offsets[COMMIT_TOPICS_MAX]; /* by input topic; -1: none */
    bool has_any;
    bool has_mark; /* ours, readable */
    struct mark mark;
};
enum err kafka_group_committed(struct kafka_tool *t, int32_t partition,
                               struct kafka_committed *out_committed, char out_text[256]);

/* Have the group remember offsets (by input topic) and mark. The broker takes it only while the
 * group has no member. Errors: ERR_FENCED it has. */
enum err kafka_group_commit(struct kafka_tool *t, int32_t partition, const int64_t *offsets,
                            const struct mark *mark, char out_text[256]);

/* First offset there is, and the one behind the last that is committed. */
enum err kafka_group_range(struct kafka_tool *t, uint32_t topic, int32_t partition,
                           int64_t *out_low, int64_t *out_high, char out_text[256]);

/* The first record whose own timestamp is at_ms or later; -1: none. */
enum err kafka_group_offset_at(struct kafka_tool *t, uint32_t topic, int32_t partition,
                               int64_t at_ms, int64_t *out_offset, char out_text[256]);

#endif /* RUNTIME_KAFKA_GROUP_H */
