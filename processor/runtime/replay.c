#include "processor/runtime/replay.h"

#include "processor/base/instant.h"
#include "processor/runtime/replay_parts.h"
#include "sinks/store_memory.h"

#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>

#define WAIT_MS 50

bool replay_is_stopped(struct replay *r, int wait_ms)
{
    struct pollfd fd = { .fd = r->options->stop_fd, .events = POLLIN };

    return poll(&fd, 1, wait_ms) > 0;
}

enum err replay_fail(struct replay *r, enum err error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)text_format_list(r->sentence, 256, format, arguments);
    va_end(arguments);
    return error;
}

enum err replay_ask(struct replay *r, struct store *s, const struct store_request *request,
                    struct store_reply *out_reply)
{
    store_submit(s, request);
    while (!store_poll(s, WAIT_MS, out_reply)) {
        if (replay_is_stopped(r, 0)) {
            return replay_fail(r, ERR_UNAVAILABLE, "stopped; the same command goes on");
        }
    }
    return out_reply->error == OK ? OK
                                  : replay_fail(r, out_reply->error, "partition %" PRId32 ": %s",
                                                r->partition, err_text(out_reply->error));
}

static enum err look(struct replay *r, struct store_reply *out)
{
    struct store_request q = { .verb = STORE_LOOK, .partition = r->partition };
    enum err e = replay_ask(r, r->options->store, &q, out);

    if (e == OK && !out->is_new && out->state->partition_count != 0 &&
        out->state->partition_count != r->options->partition_count) {
        e = replay_fail(r, ERR_CONFIG,
                        "the stored state is of %" PRId32 " partitions, the topics have %" PRId32,
                        out->state->partition_count, r->options->partition_count);
    }
    return e;
}

/* --- comparing --- */

/* There is no state: because there never was any work, or is it gone? */
static enum err look_for_lost(struct replay *r)
{
    struct kafka_committed group;
    enum err e = kafka_group_committed(r->options->kafka, r->partition, &group, r->sentence);

    if (e == OK && group.has_mark && group.mark.covered.version > 0) {
        e = replay_fail(r, ERR_CONFIG,
                        "the store has lost the state of partition %" PRId32
                        "; --into state builds it",
                        r->partition);
    }
    return e;
}

static enum err compare(struct replay *r, const struct store_reply *stored)
{
    struct guard before = stored->guard;
    bool is_other = stored->state->config != r->options->config->rules->config;
    struct store *built = store_memory_new();
    struct store_reply after;
    enum err e = replay_build(r, built, 0);

    r->result->is_other_rules = is_other;
    e = e == OK ? replay_state_compare(r, built) : e;
    e = e == OK ? look(r, &after) : e;
    store_close(built);
    if (e == OK && (after.guard.epoch != before.epoch || after.guard.version != before.version)) {
        e = replay_fail(r, ERR_FENCED,
                        "partition %" PRId32 " was written to meanwhile: stop its worker, so that "
                        "both are of one moment",
                        r->partition);
    }
    return e;
}

/* --- building --- */

/* Whose state is there? */
static enum err judge(struct replay *r, const struct store_reply *stored, bool *out_must_discard)
{
    const struct replay_options *o = r->options;
    uint64_t lineage = stored->is_new ? 0 : stored->state->lineage;

    *out_must_discard = false;
    if (o->start == REPLAY_STORED) {
        return !stored->is_new ? OK
                               : replay_fail(r, ERR_CONFIG,
                                             "partition %" PRId32 " has no stored state to go on "
                                             "from; --from earliest builds it",
                                             r->partition);
    }
    if (stored->is_new || lineage == r->plan.under_way || lineage == r->plan.built) {
        r->result->was_done = lineage == r->plan.built && !stored->is_new;
        return OK;
    }
    *out_must_discard = o->is_discarding || lineage == r->plan.discarding;
    r->result->is_resumed = lineage == r->plan.discarding;
    return *out_must_discard ? OK
                             : replay_fail(r, ERR_CONFIG,
                                           "the store holds another state of partition %" PRId32
                                           " (or one that a replay with other words has begun); "
                                           "--discard takes it away first",
                                           r->partition);
}

static enum err build(struct replay *r, const struct store_reply *stored)
{
    bool must_discard;
    int64_t epoch = r->plan.epoch;
    enum err e = judge(r, stored, &must_discard);

    if (e == OK && !stored->is_new && stored->guard.epoch > epoch) {
        epoch = stored->guard.epoch;
    }
    if (e != OK || r->result->was_done) {
        return e;
    }
    if (must_discard) {
        e = replay_state_discard(r, &epoch);
    }
    e = e == OK ? replay_build(r, r->options->store, epoch) : e;
    return e == OK ? replay_state_finish(r) : e;
}

enum err replay_partition(const struct replay_options *o, int32_t partition,
                          struct replay_result *out_result, char out_text[256])
{
    struct replay r = {
        .options = o, .partition = partition, .result = out_result, .sentence = out_text
    };
    struct store_reply stored;
    enum err e;

    *out_result = (struct replay_result){ .stream_ms = INSTANT_MIN };
    e = look(&r, &stored);
    if (e == OK && !o->is_building && stored.is_new) {
        return look_for_lost(&r);
    }
    e = e == OK ? replay_plan_make(&r, &stored) : e;
    if (e == OK) {
        e = o->is_building ? build(&r, &stored) : compare(&r, &stored);
    }
    store_submit(o->store,
                 &(struct store_request){ .verb = STORE_RELEASE, .partition = partition });
    (void)store_poll(o->store, 0, &stored);
    return e;
}
