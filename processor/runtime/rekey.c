/* DESIGN. In this order, each step harmless to do again:
 *
 *   1. nobody works; topics have the new count; what was decided is published, what was read is
 *      applied, and what was not lies where the new count expects it
 *   2. claim every old partition and seal it (moving_to): from now on no worker takes it
 *   3. the new partitions, in the next generation: state and counters, then customers
 *   4. both sides compared
 *   5. the group remembers the new partitions: offsets, and marks that fit the new states. Kafka
 *      takes them only while the group has no member
 *   6. the switch: one atomic write
 *   7. the old partitions go
 *
 * Before 6 a worker finds sealed partitions and says so; after it, the new ones, whose marks fit. A
 * store that loses its last second between comes back to one of these states.
 */
#include "processor/runtime/rekey.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/runtime/rekey_parts.h"
#include "processor/runtime/store_ask.h"
#include "processor/runtime/store_settings.h"
#include "sinks/store_redis.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/random.h>

#define LOOK_MIN 1024 /* partitions looked into for one that knows the count */

enum err rekey_fail(struct rekey *r, enum err error, const char *format, ...)
{
    va_list arguments;

    if (r->text[0] == '\0') { /* the first cause */
        va_start(arguments, format);
        (void)text_format_list(r->text, REKEY_TEXT_SIZE, format, arguments);
        va_end(arguments);
    }
    return error;
}

void rekey_say(struct rekey *r, const char *format, ...)
{
    char line[256];
    va_list arguments;

    va_start(arguments, format);
    (void)text_format_list(line, sizeof(line), format, arguments);
    va_end(arguments);
    r->options->say(r->options->context, line);
}

void rekey_side_init(struct rekey *r, struct rekey_side *side, int32_t count)
{
    side->count = count;
    side->states = arena_alloc(&r->arena, (size_t)count * sizeof(struct partition_state));
    side->claimed = arena_alloc(&r->arena, (size_t)count * sizeof(struct guard));
}

static enum err ask(struct rekey *r, struct rekey_side *side, const struct store_request *request,
                    struct store_reply *out_reply)
{
    enum err e = store_ask(side->store, request, r->options->stop_fd, out_reply);

    return e == ERR_UNAVAILABLE
               ? rekey_fail(r, e, "stopped, or Redis does not answer: run it again to go on")
               : e;
}

static struct partition_state keep_state(struct rekey *r, const struct partition_state *s)
{
    struct partition_state kept = *s;

    for (uint32_t i = 0; i < kept.position_count; i++) {
        kept.positions[i].topic = arena_text(&r->arena, kept.positions[i].topic);
    }
    return kept;
}

enum err rekey_claim(struct rekey *r, struct rekey_side *side, int32_t partition,
                     struct store_reply *out_reply)
{
    struct store_request request = { .verb = STORE_CLAIM, .partition = partition };
    enum err e = ERR_FENCED;

    while (e == ERR_FENCED) {
        request.epoch = r->epoch;
        e = ask(r, side, &request, out_reply);
        r->epoch = e == ERR_FENCED ? out_reply->guard.epoch + 1 : r->epoch;
    }
    if (e != OK) {
        return rekey_fail(r, e, "partition %" PRId32 " cannot be claimed: %s", partition,
                          err_text(e));
    }
    if (out_reply->is_new) {
        partition_state_init(&side->states[partition]);
    } else {
        side->states[partition] = keep_state(r, out_reply->state);
    }
    side->claimed[partition] = out_reply->guard;
    return OK;
}

enum err rekey_commit(struct rekey *r, struct rekey_side *side, int32_t partition,
                      const struct commit_record *records, uint32_t record_count,
                      const struct counter_value *counters, uint32_t counter_count)
{
    struct partition_state *s = &side->states[partition];
    struct commit c = { .expected = side->claimed[partition],
                        .state = *s,
                        .records = records,
                        .record_count = record_count,
                        .outbox_trim = s->outbox_trimmed,
                        .counters = counters,
                        .counter_count = counter_count };
    struct store_request request = { .verb = STORE_COMMIT, .partition = partition, .commit = &c };
    struct store_reply reply;
    enum err e;

    c.state.guard = (struct guard){ c.expected.epoch, c.expected.version + 1 };
    e = ask(r, side, &request, &reply);
    if (e == OK) {
        s->guard = side->claimed[partition] = c.state.guard;
    }
    return e == OK ? OK
                   : rekey_fail(r, e, "partition %" PRId32 " cannot be written: %s", partition,
                                err_text(e));
}

/* --- 1. what is there --- */

/* The state of any partition that was ever committed; none: partition_count 0. */
static enum err look_at_state(struct rekey *r, struct partition_state *out_state)
{
    int32_t most = r->options->partitions > LOOK_MIN ? r->options->partitions : LOOK_MIN;

    partition_state_init(out_state);
    for (int32_t p = 0; p < most && out_state->partition_count == 0; p++) {
        struct store_request peek = { .verb = STORE_PEEK, .partition = p };
        struct store_reply reply;
        enum err e = ask(r, &r->old, &peek, &reply);

        if (e != OK) {
            return rekey_fail(r, e, "partition %" PRId32 " cannot be read: %s", p, err_text(e));
        }
        if (!reply.is_new) {
            *out_state = keep_state(r, reply.state);
        }
    }
    return OK;
}

static enum err check_wish(struct rekey *r, const struct partition_state *found)
{
    const struct rekey_options *o = r->options;

    if (o->from != 0 && o->from != found->partition_count) {
        return rekey_fail(r, ERR_PARTITIONS,
                          "the stored state has %" PRId32 " partitions, not %" PRId32,
                          found->partition_count, o->from);
    }
    if (found->moving_to != 0 && found->moving_to != o->partitions && !r->receipt.is_given_up) {
        return rekey_fail(r, ERR_PARTITIONS,
                          "the state is being moved to %" PRId32 " partitions: finish that "
                          "(--partitions %" PRId32 ") or give it up (--partitions %" PRId32 ")",
                          found->moving_to, found->moving_to, found->partition_count);
    }
    return OK;
}

/* --- 2. the old partitions --- */

static bool is_sealed(const struct rekey *r)
{
    for (int32_t p = 0; p < r->old.count; p++) {
        if (r->old.states[p].moving_to != r->options->partitions) {
            return false;
        }
    }
    return true;
}

static void add_counters(struct rekey *r, const struct store_reply *reply)
{
    for (uint32_t i = 0; i < reply->counter_count; i++) {
        const struct counter_value *c = &reply->counters[i];

        if (rekey_is_sum(c->name)) {
            counters_add(&r->sums, c->name, c->value);
        } else {
            counters_set(&r->sums, c->name, c->value);
        }
    }
}

static enum err claim_old(struct rekey *r)
{
    struct store_reply reply;
    enum err e = OK;

    rekey_side_init(r, &r->old, r->old.count);
    for (int32_t p = 0; e == OK && p < r->old.count; p++) {
        e = rekey_claim(r, &r->old, p, &reply);
        if (e == OK) {
            add_counters(r, &reply);
        }
    }
    return e;
}

static enum err seal(struct rekey *r)
{
    enum err e = OK;

    for (int32_t p = 0; e == OK && p < r->old.count; p++) {
        struct partition_state *s = &r->old.states[p];

        if (s->moving_to == 0) {
            e = rekey_check_published(r, p);
        }
    }
    for (int32_t p = 0; e == OK && p < r->old.count; p++) {
        struct partition_state *s = &r->old.states[p];

        s->partition_count = r->old.count;
        s->moving_to = r->options->partitions;
        s->is_moved = false;
        s->outbox_trimmed = s->outbox_last;
        e = rekey_commit(r, &r->old, p, NULL, 0, NULL, 0);
    }
    return e;
}

/* --- 3. the new partitions --- */

/* Of an attempt that was given up: nothing may be mistaken for ours. */
static enum err purge_new(struct rekey *r)
{
    struct store_reply reply;
    enum err e = OK;

    for (int32_t q = 0; e == OK && q < r->now.count; q++) {
        struct store_request peek = { .verb = STORE_PEEK, .partition = q };

        e = ask(r, &r->now, &peek, &reply);
        if (e == OK && !reply.is_new) {
            e = rekey_claim(r, &r->now, q, &reply);
            e = e == OK ? rekey_remove(r, &r->now, q) : e;
        }
    }
    return e;
}

static uint64_t random_lineage(void)
{
    uint64_t lineage = 0;

    while (lineage == 0) {
        while (getrandom(&lineage, sizeof(lineage), 0) < 0) {
            CHECK(errno == EINTR);
        }
    }
    return lineage;
}

static enum err create(struct rekey *r, int32_t q, bool is_all_applied)
{
    struct rekey_old old = { r->old.states, r->old.count };
    struct rekey_goal goal = { .partitions = r->options->partitions,
                               .topics = r->topics,
                               .topic_count = r->config->input_count,
                               .is_all_applied = is_all_applied,
                               .rules = r->config->rules };
    uint32_t count = 0, most = (uint32_t)r->sums.by_name.count;
    struct counter_value *counters = arena_alloc(&r->arena, (most + 1) * sizeof(*counters));
    struct partition_state *s = &r->now.states[q];
    const struct counter *c;
    size_t cursor = 0;

    while ((c = map_next(&r->sums.by_name, &cursor)) != NULL) {
        if (q == 0 || !rekey_is_sum(c->name)) {
            counters[count++] = (struct counter_value){ c->name, c->value };
        }
    }
    rekey_merge_state(&old, &goal, q, s);
    s->lineage = random_lineage();
    return rekey_commit(r, &r->now, q, NULL, 0, counters, count);
}

static enum err make_new(struct rekey *r, bool is_all_applied)
{
    enum err e = OK;

    for (int32_t q = 0; e == OK && q < r->now.count; q++) {
        struct store_reply reply;

        e = rekey_claim(r, &r->now, q, &reply);
        if (e == OK && reply.is_new) {
            e = create(r, q, is_all_applied);
        }
    }
    return e;
}

/* --- 5. to 7. --- */

static enum err mark_new(struct rekey *r)
{
    char text[256];
    enum err e = OK;

    for (int32_t q = 0; e == OK && q < r->now.count; q++) {
        const struct partition_state *s = &r->now.states[q];
        struct mark mark = {
            .lineage = s->lineage, .epoch = r->epoch, .covered = s->guard, .stream_ms = s->stream_ms
        };
        int64_t offsets[COMMIT_TOPICS_MAX];

        for (uint32_t i = 0; i < s->position_count; i++) {
            offsets[i] = s->positions[i].next_offset;
        }
        e = kafka_group_commit(&r->kafka, q, offsets, &mark, text);
    }
    return e == OK ? OK : rekey_fail(r, e, "%s", text);
}

static enum err switch_over(struct rekey *r)
{
    struct store_request request = { .verb = STORE_SWITCH, .generation = r->generation };
    struct store_reply reply;
    enum err e = ask(r, &r->now, &request, &reply);

    return e == OK ? OK : rekey_fail(r, e, "the switch was refused: %s", err_text(e));
}

/* The first one last: while it is there, a later run knows how many there were. */
static enum err remove_old(struct rekey *r)
{
    enum err e = OK;

    for (int32_t p = r->old.count; e == OK && p > 0; p--) {
        e = rekey_remove(r, &r->old, p - 1);
    }
    if (e == OK) {
        rekey_say(r, "removed the old partitions");
    }
    return e;
}

/* --- the whole --- */

static struct store *open_generation(const struct rekey *r, int64_t generation)
{
    struct store_redis_options options = store_settings(r->config);

    options.is_generation_given = generation >= 0;
    options.generation = generation;
    return store_redis_new(&options);
}

static enum err move(struct rekey *r)
{
    bool is_all_applied = false, is_fresh;
    enum err e = rekey_check_topics(r);

    e = e == OK ? rekey_read_marks(r) : e;
    e = e == OK ? claim_old(r) : e;
    if (e != OK) {
        return e;
    }
    rekey_side_init(r, &r->now, r->options->partitions);
    r->now.store = open_generation(r, r->generation + 1);
    is_fresh = !is_sealed(r);
    e = rekey_check_applied(r, &is_all_applied);
    if (e == OK && is_fresh) {
        e = seal(r);
        e = e == OK ? purge_new(r) : e;
    } else if (e == OK) {
        rekey_say(r, "going on with what was begun");
    }
    e = e == OK ? make_new(r, is_all_applied) : e;
    e = e == OK ? rekey_copy(r) : e;
    e = e == OK ? rekey_compare(r) : e;
    if (e == OK) {
        rekey_say(r, "compared %" PRId64 " customers: equal", r->receipt.customers);
    }
    e = e == OK ? mark_new(r) : e;
    e = e == OK ? switch_over(r) : e;
    if (e == OK) {
        r->receipt.has_moved = true;
        r->receipt.generation++;
        rekey_say(r, "switched to generation %" PRId64, r->receipt.generation);
    }
    return e == OK && !r->options->is_old_kept ? remove_old(r) : e;
}

/* The state has the count that is wanted: what a run before has left may go. */
static enum err tidy_up(struct rekey *r)
{
    struct partition_state found;
    enum err e;

    if (r->generation == 0 || r->options->is_old_kept) {
        return OK;
    }
    store_close(r->old.store);
    r->old.store = open_generation(r, r->generation - 1);
    e = look_at_state(r, &found);
    if (e != OK || found.partition_count == 0) {
        return e;
    }
    r->old.count = found.partition_count;
    e = claim_old(r);
    return e == OK ? remove_old(r) : e;
}

/* Back to work with the count of before. */
static enum err give_up(struct rekey *r)
{
    enum err e = rekey_read_marks(r);

    e = e == OK ? claim_old(r) : e;
    for (int32_t p = 0; e == OK && p < r->old.count; p++) {
        struct partition_state *s = &r->old.states[p];

        s->moving_to = 0;
        s->is_moved = false;
        e = s->lineage == 0 ? rekey_remove(r, &r->old, p)
                            : rekey_commit(r, &r->old, p, NULL, 0, NULL, 0);
    }
    return e;
}

static enum err choose(struct rekey *r)
{
    struct partition_state found;
    char text[256];
    enum err e = kafka_tool_consumer(&r->kafka, text);

    if (e != OK) {
        return rekey_fail(r, e, "%s", text);
    }
    e = rekey_wait_for_nobody(r);
    if (e != OK) {
        return e;
    }
    r->old.store = open_generation(r, -1);
    e = look_at_state(r, &found);
    if (e != OK) {
        return e;
    }
    r->receipt.generation = r->generation = store_redis_generation(r->old.store);
    r->receipt.from = r->old.count = found.partition_count;
    r->receipt.is_given_up =
        found.moving_to != 0 && found.partition_count == r->options->partitions;
    e = found.partition_count == 0 ? OK : check_wish(r, &found);
    if (e != OK || found.partition_count == 0) {
        return e;
    }
    if (r->receipt.is_given_up) {
        return give_up(r);
    }
    return found.partition_count == r->options->partitions ? tidy_up(r) : move(r);
}

enum err rekey_run(const struct rekey_options *options, struct rekey_receipt *out_receipt,
                   char out_text[REKEY_TEXT_SIZE])
{
    struct rekey r = { .options = options,
                       .config = options->config,
                       .kafka = { .config = options->config },
                       .epoch = 1,
                       .text = out_text };
    enum err e;

    CHECK(options->partitions > 0 && options->config->store == STORE_KIND_REDIS);
    out_text[0] = '\0';
    r.receipt.to = options->partitions;
    r.topics = arena_alloc(&r.arena, (r.config->input_count + 1) * sizeof(struct text));
    for (uint32_t i = 0; i < r.config->input_count; i++) {
        r.topics[i] = r.config->inputs[i].topic;
    }
    e = choose(&r);
    *out_receipt = r.receipt;
    store_close(r.old.store);
    store_close(r.now.store);
    kafka_tool_close(&r.kafka);
    counters_fini(&r.sums);
    arena_fini(&r.arena);
    return e == OK ? OK : rekey_fail(&r, e, "%s", err_text(e));
}
