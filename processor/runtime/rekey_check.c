/* DESIGN. What must hold before a state is moved: nobody works, the topics have the new count, what
 * was decided is published, what was written under the old count is applied.
 */
#include "processor/engine/takeover.h"
#include "processor/runtime/rekey_parts.h"

#include <inttypes.h>
#include <poll.h>

#define LOOK_MS         500
#define SESSION_MORE_MS 2000

/* A worker with a name stays a member for a while after it has ended. */
enum err rekey_wait_for_nobody(struct rekey *r)
{
    struct pollfd fd = { .fd = r->options->stop_fd, .events = POLLIN };
    int64_t patience_ms = rekey_session_ms(r) + SESSION_MORE_MS;
    char text[256];
    struct kafka_group group;

    for (int64_t waited_ms = 0;; waited_ms += LOOK_MS) {
        enum err e = kafka_group_look(&r->kafka, &group, text);

        if (e != OK) {
            return rekey_fail(r, e, "%s", text);
        }
        if (group.members == 0) {
            return OK;
        }
        if (waited_ms == 0) {
            rekey_say(r, "waiting for %" PRId32 " workers to leave the group", group.members);
        }
        if (waited_ms > patience_ms || poll(&fd, 1, LOOK_MS) > 0) {
            return rekey_fail(r, ERR_FENCED,
                              "%" PRId32
                              " workers of `%.*s` are in the group: stop all of them first "
                              "(SIGTERM)",
                              group.members, TEXT_PRINTF(r->config->rules->app));
        }
    }
}

enum err rekey_check_topics(struct rekey *r)
{
    char text[256];

    for (uint32_t i = 0; i < r->config->input_count; i++) {
        int32_t count = 0;
        enum err e = kafka_tool_partitions(&r->kafka, r->topics[i], &count, text);

        if (e != OK) {
            return rekey_fail(r, e, "%s", text);
        }
        if (count != r->options->partitions) {
            return rekey_fail(r, ERR_PARTITIONS,
                              "%.*s has %" PRId32 " partitions, not %" PRId32
                              ": change the topics first "
                              "(kafka-topics --alter --topic %.*s --partitions %" PRId32 ")",
                              TEXT_PRINTF(r->topics[i]), count, r->options->partitions,
                              TEXT_PRINTF(r->topics[i]), r->options->partitions);
        }
    }
    return OK;
}

enum err rekey_read_marks(struct rekey *r)
{
    char text[256];
    enum err e = OK;

    r->mark_count = r->old.count > r->options->partitions ? r->old.count : r->options->partitions;
    r->marks = arena_alloc(&r->arena, (size_t)r->mark_count * sizeof(struct mark));
    r->has_mark = arena_alloc(&r->arena, (size_t)r->mark_count * sizeof(bool));
    for (int32_t p = 0; e == OK && p < r->mark_count; p++) {
        struct kafka_committed found;

        e = kafka_group_committed(&r->kafka, p, &found, text);
        r->has_mark[p] = e == OK && found.has_mark;
        r->marks[p] = found.mark;
        if (r->has_mark[p] && found.mark.epoch >= r->epoch) {
            r->epoch = r->marks[p].epoch + 1;
        }
    }
    return e == OK ? OK : rekey_fail(r, e, "%s", text);
}

/* All that was decided in an old partition has been published. */
enum err rekey_check_published(struct rekey *r, int32_t p)
{
    const struct partition_state *s = &r->old.states[p];
    struct takeover found;
    enum err e =
        takeover_judge(&(struct takeover_case){ .mark = r->has_mark[p] ? &r->marks[p] : NULL,
                                                .state = s->lineage == 0 ? NULL : s,
                                                .is_exactly_once = r->config->is_exactly_once },
                       &found);

    if (e == OK && found.is_repeating) {
        e = ERR_REGRESSED;
    }
    if (e != OK) {
        return rekey_fail(r, e,
                          "partition %" PRId32 ": %s; workers would say so, too: see to it first",
                          p, err_text(e));
    }
    if (found.published < s->outbox_last) {
        return rekey_fail(
            r, ERR_UNTOLD,
            "%" PRId64 " outputs of partition %" PRId32 " are not published: segstream run -c "
            "FILE --partitions %" PRId32 ", until segstream_outbox_pending is 0, then stop it "
            "(SIGTERM)",
            s->outbox_last - found.published, p, r->old.count);
    }
    return OK;
}

static int64_t position_of(const struct rekey *r, uint32_t topic, int32_t partition)
{
    const struct partition_state *s;

    if (partition >= r->old.count || r->options->partitions < r->old.count) {
        return -1;
    }
    s = &r->old.states[partition];
    for (uint32_t i = 0; i < s->position_count; i++) {
        if (text_equal(s->positions[i].topic, r->topics[topic])) {
            return s->positions[i].next_offset;
        }
    }
    return -1;
}

static enum err check_rest(struct rekey *r, uint32_t topic, int32_t p, bool *is_all_applied)
{
    struct rekey_rest rest;
    int64_t from = position_of(r, topic, p);
    enum err e = rekey_rest(r, topic, p, from, &rest);

    if (e != OK) {
        return e;
    }
    if (rest.is_beyond) {
        return rekey_fail(
            r, ERR_UNTOLD,
            "%.*s, partition %" PRId32 ", ends at %" PRId64 " and was read to %" PRId64
            ": it was deleted and made again, or has lost its end. Under another name "
            "it is read from its start",
            TEXT_PRINTF(r->topics[topic]), p, rest.end, from);
    }
    *is_all_applied = *is_all_applied && rest.records == 0;
    if (from >= 0 && rest.misplaced > 0) {
        return rekey_fail(r, ERR_UNTOLD,
                          "%.*s, partition %" PRId32 ": %" PRId64 " records behind offset %" PRId64
                          " were written before the topics had %" PRId32 " partitions and are not "
                          "applied: segstream run -c FILE --partitions %" PRId32
                          ", until the lag is 0, then "
                          "stop it (SIGTERM)",
                          TEXT_PRINTF(r->topics[topic]), p, rest.misplaced, from,
                          r->options->partitions, r->old.count);
    }
    return OK;
}

enum err rekey_check_applied(struct rekey *r, bool *out_is_all_applied)
{
    enum err e = OK;

    *out_is_all_applied = true;
    for (uint32_t i = 0; i < r->config->input_count; i++) {
        for (int32_t p = 0; e == OK && p < r->options->partitions; p++) {
            e = check_rest(r, i, p, out_is_all_applied);
        }
    }
    return e;
}
