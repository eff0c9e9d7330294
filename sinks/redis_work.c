/* DESIGN. Compare-and-set is WATCH and GET of the guard, then MULTI .. EXEC: two round trips, and
 * the second carries what the next request begins with. EXEC gives nil when the guard was written
 * between, which starts the request again; so what is answered was true at one moment. Measured,
 * one MSET in such a transaction beats a script by half.
 *
 * A page of timers begins with "score >= due". Of many customers due at one instant, those up to
 * the cursor come first; the offset behind them is remembered from the last page, and believed
 * only if the cursor's customer is found just before it. Otherwise pages grow until one reaches
 * past the cursor.
 */
#include "sinks/redis_work.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "sinks/redis_link.h"
#include "sinks/store_rules.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/random.h>

const struct redis_work_probe redis_work_probes[REDIS_WORK_PROBES] = {
    { "MSET", "g", 1 }, { "DEL", "c:", 0 }, { "ZADD", "t", 2 },
    { "ZREM", "t", 1 }, { "HSET", "n", 2 }, { "ZREMRANGEBYSCORE", "o", 2 },
};

struct redis_work *redis_work_new(const struct store_request *request)
{
    struct redis_work *w = mem_alloc(sizeof(*w));

    w->request = *request;
    w->reply.verb = request->verb;
    w->reply.partition = request->partition;
    w->reply.context = request->context;
    if (request->verb == STORE_COMMIT) {
        store_rules_commit(request->commit);
    } else if (request->verb == STORE_CLAIM) {
        CHECK(request->epoch >= 1);
        while (getrandom(&w->guard_next.token, sizeof(w->guard_next.token), 0) < 0) {
            CHECK(errno == EINTR);
        }
    }
    CHECK(request->verb != STORE_TIMERS || request->limit > 0);
    return w;
}

void redis_work_reset(struct redis_work *w)
{
    for (uint32_t i = 0; i < w->reply_count; i++) {
        redis_link_reply_free(w->replies[i]);
    }
    w->reply_count = 0;
    w->reply_expected = 0;
    w->stage = 0;
    w->is_last_stage = false;
    w->reply = (struct store_reply){ .verb = w->request.verb,
                                     .partition = w->request.partition,
                                     .context = w->request.context };
    arena_reset(&w->arena);
}

void redis_work_free(struct redis_work *w)
{
    if (w != NULL) {
        redis_work_reset(w);
        arena_fini(&w->arena);
        mem_free(w);
    }
}

/* A command with one key of the partition; `more` arguments follow. */
static void command(struct redis_work *w, const struct redis_partition *p, struct bytes_out *out,
                    const char *name, const char *key, uint32_t more)
{
    redis_link_command(out, (key == NULL ? 1 : 2) + more);
    redis_link_word(out, name);
    if (key != NULL) {
        redis_link_argument_joined(out, p->keys, text_of(key));
    }
    CHECK(w->reply_expected < REDIS_WORK_REPLIES_MAX);
    w->reply_expected++;
}

static void watch_guard(struct redis_work *w, const struct redis_partition *p,
                        struct bytes_out *out)
{
    command(w, p, out, "WATCH", "g", 0);
    command(w, p, out, "GET", "g", 0);
}

static void put_guard(struct bytes_out *out, const struct store_guard *g)
{
    char room[STORE_GUARD_TEXT_SIZE];
    struct text t = store_guard_format(g, room);

    redis_link_argument(out, t.at, t.size);
}

static void send_claim(struct redis_work *w, const struct redis_partition *p, struct bytes_out *out)
{
    if (w->stage == 1) {
        watch_guard(w, p, out);
        command(w, p, out, "GET", "m", 0);
        command(w, p, out, "ZRANGE", "o", 2);
        redis_link_word(out, "0");
        redis_link_word(out, "-1");
        command(w, p, out, "HGETALL", "n", 0);
        return;
    }
    command(w, p, out, "MULTI", NULL, 0);
    command(w, p, out, "SET", "g", 1);
    put_guard(out, &w->guard_next);
    command(w, p, out, "EXEC", NULL, 0);
    w->is_last_stage = true;
}

static void send_timers(struct redis_work *w, const struct redis_partition *p,
                        struct bytes_out *out)
{
    const struct store_request *r = &w->request;
    bool is_behind = r->after_customer.at != NULL;

    if (w->page_count == 0) {
        bool is_known = is_behind && p->page_before > 0 && p->page_due_ms == r->after_due_ms;

        w->page_offset = is_known ? p->page_before - 1 : 0;
        w->page_count = (int64_t)r->limit + 1;
    }
    command(w, p, out, "GET", "g", 0);
    command(w, p, out, "ZRANGE", "t", 7);
    if (is_behind) {
        redis_link_integer(out, r->after_due_ms);
    } else {
        redis_link_word(out, "-inf");
    }
    redis_link_word(out, "+inf");
    redis_link_word(out, "BYSCORE");
    redis_link_word(out, "LIMIT");
    redis_link_integer(out, w->page_offset);
    redis_link_integer(out, w->page_count);
    redis_link_word(out, "WITHSCORES");
}

static void send_load(struct redis_work *w, const struct redis_partition *p, struct bytes_out *out)
{
    const struct store_request *r = &w->request;

    command(w, p, out, "MGET", "g", r->customer_count);
    for (uint32_t i = 0; i < r->customer_count; i++) {
        redis_link_argument_joined(out, p->customers, r->customers[i]);
    }
}

/* One command: one moment. */
static void send_peek(struct redis_work *w, const struct redis_partition *p, struct bytes_out *out)
{
    const struct store_request *r = &w->request;

    command(w, p, out, "MGET", "m", r->customer_count);
    for (uint32_t i = 0; i < r->customer_count; i++) {
        redis_link_argument_joined(out, p->customers, r->customers[i]);
    }
}

/* The prefix holds none of the characters that are special in a pattern. */
static void send_scan(struct redis_work *w, const struct redis_partition *p, struct bytes_out *out)
{
    char cursor[24];

    (void)text_format(cursor, sizeof(cursor), "%" PRIu64, w->request.cursor);
    command(w, p, out, "SCAN", NULL, 5);
    redis_link_word(out, cursor);
    redis_link_word(out, "MATCH");
    redis_link_argument_joined(out, p->customers, TEXT("*"));
    redis_link_word(out, "COUNT");
    redis_link_integer(out, w->request.limit);
}

/* Reads in one transaction: one moment. */
static void send_look(struct redis_work *w, const struct redis_partition *p, struct bytes_out *out)
{
    command(w, p, out, "MULTI", NULL, 0);
    command(w, p, out, "GET", "g", 0);
    command(w, p, out, "GET", "m", 0);
    command(w, p, out, "ZRANGE", "o", 2);
    redis_link_word(out, "0");
    redis_link_word(out, "-1");
    command(w, p, out, "ZCARD", "t", 0);
    command(w, p, out, "HGETALL", "n", 0);
    command(w, p, out, "EXEC", NULL, 0);
}

/* The commands of a commit are queued and dropped: a server says at once which it would refuse. */
static void send_probe(struct redis_work *w, const struct redis_partition *p, struct bytes_out *out)
{
    command(w, p, out, "INFO", NULL, 0);
    command(w, p, out, "TIME", NULL, 0);
    command(w, p, out, "CONFIG", NULL, 2);
    redis_link_word(out, "GET");
    redis_link_word(out, "appendfsync");
    command(w, p, out, "WATCH", "g", 0);
    command(w, p, out, "MULTI", NULL, 0);
    for (uint32_t i = 0; i < REDIS_WORK_PROBES; i++) {
        command(w, p, out, redis_work_probes[i].name, redis_work_probes[i].key,
                redis_work_probes[i].arguments);
        for (uint32_t k = 0; k < redis_work_probes[i].arguments; k++) {
            redis_link_word(out, "0");
        }
    }
    command(w, p, out, "DISCARD", NULL, 0);
}

/* Not customers: they are deleted by commits, which know them. */
static void send_drop(struct redis_work *w, const struct redis_partition *p, struct bytes_out *out)
{
    static const char *const keys[] = { "m", "t", "o", "n" };

    command(w, p, out, "UNLINK", "g", sizeof(keys) / sizeof(keys[0]));
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        redis_link_argument_joined(out, p->keys, text_of(keys[i]));
    }
}

static void send_switch(struct redis_work *w, const struct redis_partition *p,
                        struct bytes_out *out)
{
    if (w->stage == 1) {
        command(w, p, out, "WATCH", NULL, 1);
        redis_link_argument(out, p->generation.at, p->generation.size);
        command(w, p, out, "GET", NULL, 1);
        redis_link_argument(out, p->generation.at, p->generation.size);
        return;
    }
    command(w, p, out, "MULTI", NULL, 0);
    command(w, p, out, "SET", NULL, 2);
    redis_link_argument(out, p->generation.at, p->generation.size);
    redis_link_integer(out, w->request.generation + 1);
    command(w, p, out, "EXEC", NULL, 0);
    w->is_last_stage = true;
}

static void send_records(struct redis_work *w, const struct redis_partition *p,
                         struct bytes_out *out, const struct bytes_out *state, uint32_t deletes)
{
    const struct commit *c = w->request.commit;
    const struct store_guard next = { c->state.guard, p->guard.token };

    command(w, p, out, "MSET", "g", 3 + 2 * (c->record_count - deletes));
    put_guard(out, &next);
    redis_link_argument_joined(out, p->keys, TEXT("m"));
    redis_link_argument(out, state->at, state->size);
    for (uint32_t i = 0; i < c->record_count; i++) {
        const struct commit_record *r = &c->records[i];

        if (r->record.at != NULL) {
            redis_link_argument_joined(out, p->customers, r->customer);
            redis_link_argument(out, r->record.at, r->record.size);
        }
    }
    if (deletes == 0) {
        return;
    }
    command(w, p, out, "DEL", NULL, deletes);
    for (uint32_t i = 0; i < c->record_count; i++) {
        if (c->records[i].record.at == NULL) {
            redis_link_argument_joined(out, p->customers, c->records[i].customer);
        }
    }
}

static bool has_timer(const struct commit_record *r)
{
    return r->record.at != NULL && r->due_ms != INSTANT_NEVER;
}

static void send_due(struct redis_work *w, const struct redis_partition *p, struct bytes_out *out,
                     uint32_t timers)
{
    const struct commit *c = w->request.commit;

    if (timers > 0) {
        command(w, p, out, "ZADD", "t", 2 * timers);
    }
    for (uint32_t i = 0; i < c->record_count; i++) {
        if (has_timer(&c->records[i])) {
            redis_link_integer(out, c->records[i].due_ms);
            redis_link_argument(out, c->records[i].customer.at, c->records[i].customer.size);
        }
    }
    if (timers < c->record_count) {
        command(w, p, out, "ZREM", "t", c->record_count - timers);
    }
    for (uint32_t i = 0; i < c->record_count; i++) {
        if (!has_timer(&c->records[i])) {
            redis_link_argument(out, c->records[i].customer.at, c->records[i].customer.size);
        }
    }
}

static void send_commit(struct redis_work *w, const struct redis_partition *p,
                        struct bytes_out *out)
{
    const struct commit *c = w->request.commit;
    struct bytes_out stored = { NULL, 0, 0 };
    uint32_t deletes = 0, timers = 0;

    if (w->stage == 1) {
        watch_guard(w, p, out);
        return;
    }
    for (uint32_t i = 0; i < c->record_count; i++) {
        deletes += c->records[i].record.at == NULL;
        timers += has_timer(&c->records[i]);
    }
    command(w, p, out, "MULTI", NULL, 0);
    partition_state_encode(&c->state, &stored);
    send_records(w, p, out, &stored, deletes);
    send_due(w, p, out, timers);
    if (c->outbox_count > 0) {
        bytes_out_clear(&stored);
        outbox_encode(c->outbox, c->outbox_count, &stored);
        command(w, p, out, "ZADD", "o", 2);
        redis_link_integer(out, c->outbox[c->outbox_count - 1].sequence);
        redis_link_argument(out, stored.at, stored.size);
    }
    if (c->counter_count > 0) {
        command(w, p, out, "HSET", "n", 2 * c->counter_count);
    }
    for (uint32_t i = 0; i < c->counter_count; i++) {
        redis_link_argument(out, c->counters[i].name.at, c->counters[i].name.size);
        redis_link_integer(out, c->counters[i].value);
    }
    if (c->outbox_trim > 0) {
        command(w, p, out, "ZREMRANGEBYSCORE", "o", 2);
        redis_link_word(out, "-inf");
        redis_link_integer(out, c->outbox_trim);
    }
    command(w, p, out, "EXEC", NULL, 0);
    bytes_out_fini(&stored);
    w->is_last_stage = true;
    w->has_sent_commit = true;
}

void redis_work_send(struct redis_work *w, struct redis_partition *p, struct bytes_out *out)
{
    CHECK(!w->is_abandoned);
    w->stage++;
    switch (w->request.verb) {
    case STORE_CLAIM:
        send_claim(w, p, out);
        break;
    case STORE_TIMERS:
        send_timers(w, p, out);
        w->is_last_stage = true;
        break;
    case STORE_LOAD:
        send_load(w, p, out);
        w->is_last_stage = true;
        break;
    case STORE_COMMIT:
        send_commit(w, p, out);
        break;
    case STORE_PEEK:
        send_peek(w, p, out);
        w->is_last_stage = true;
        break;
    case STORE_SCAN:
        send_scan(w, p, out);
        w->is_last_stage = true;
        break;
    case STORE_LOOK:
        send_look(w, p, out);
        w->is_last_stage = true;
        break;
    case STORE_PROBE:
        send_probe(w, p, out);
        w->is_last_stage = true;
        break;
    case STORE_DROP:
        send_drop(w, p, out);
        w->is_last_stage = true;
        break;
    case STORE_SWITCH:
        send_switch(w, p, out);
        break;
    case STORE_RELEASE:
        UNREACHABLE(); /* answered without a server */
    }
}
