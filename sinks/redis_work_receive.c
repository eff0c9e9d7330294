#include "sinks/redis_work.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "sinks/redis_link.h"
#include "sinks/store_rules.h"

#include <errno.h>
#include <stdlib.h>

#define PAGE_GROWTH 4
#define SCORE_MAX   9007199254740992.0 /* 2^53 */

static enum redis_work_result answer(struct redis_work *w, enum err e)
{
    w->reply.error = e;
    return REDIS_WORK_ANSWERED;
}

static struct text first_word(struct text t)
{
    size_t size = 0;

    while (size < t.size && t.at[size] > ' ') {
        size++;
    }
    return (struct text){ t.at, size };
}

static enum redis_work_result refuse(struct text why, struct text *out_trouble)
{
    *out_trouble = first_word(why);
    return REDIS_WORK_REFUSED;
}

/* The guard of a GET. Returns: false when it is not readable. */
static bool read_guard(const struct redisReply *r, bool *out_is_there, struct store_guard *out)
{
    *out_is_there = redis_link_reply_type(r) != REDIS_LINK_NIL;
    return !*out_is_there || store_guard_parse(redis_link_reply_text(r), out);
}

static enum err read_state(struct redis_work *w, const struct store_guard *found,
                           const struct redisReply *meta, const struct redisReply *outbox)
{
    struct text m = redis_link_reply_text(meta);
    struct partition_state *state;
    struct bytes *blobs;
    uint32_t count = redis_link_reply_count(outbox);

    if (m.at == NULL) {
        w->reply.is_new = true;
        return found->at.version == 0 ? OK : ERR_CORRUPT;
    }
    state = arena_alloc(&w->arena, sizeof(*state));
    if (partition_state_decode((struct bytes){ (const uint8_t *)m.at, m.size }, &w->arena, state) !=
            OK ||
        state->guard.version != found->at.version) {
        return ERR_CORRUPT;
    }
    w->reply.state = state;
    blobs = arena_alloc(&w->arena, (count + 1) * sizeof(*blobs));
    for (uint32_t i = 0; i < count; i++) {
        struct text blob = redis_link_reply_text(redis_link_reply_at(outbox, i));

        blobs[i] = (struct bytes){ (const uint8_t *)blob.at, blob.size };
    }
    return store_rules_outbox(blobs, count, state, &w->arena, &w->reply);
}

static bool read_integer(struct text t, int64_t *out_value)
{
    char *end;

    if (t.at == NULL || t.size == 0) {
        return false;
    }
    errno = 0;
    *out_value = strtoll(t.at, &end, 10);
    return end == t.at + t.size && errno == 0;
}

/* HGETALL n. */
static enum err read_counters(struct redis_work *w, const struct redisReply *r)
{
    uint32_t count = redis_link_reply_count(r) / 2;
    struct counter_value *shown = arena_alloc(&w->arena, (count + 1) * sizeof(*shown));

    for (uint32_t i = 0; i < count; i++) {
        struct text value = redis_link_reply_text(redis_link_reply_at(r, 2 * i + 1));

        shown[i].name = redis_link_reply_text(redis_link_reply_at(r, 2 * i));
        if (shown[i].name.size == 0 || shown[i].name.size > COUNTERS_NAME_SIZE ||
            !read_integer(value, &shown[i].value)) {
            return ERR_CORRUPT;
        }
    }
    w->reply.counters = shown;
    w->reply.counter_count = count;
    return OK;
}

/* The guard beside what was read. Returns: OK, or what to answer. */
static enum err look(const struct redisReply *r, const struct redis_partition *p)
{
    struct store_guard found = { { 0, 0 }, 0 };
    bool is_there;

    if (!read_guard(r, &is_there, &found)) {
        return ERR_CORRUPT;
    }
    return store_guard_look(p->is_claimed ? &p->guard : NULL, is_there ? &found : NULL);
}

/* WATCH, GET g, GET m, ZRANGE o, HGETALL n. */
static enum redis_work_result receive_claim(struct redis_work *w, const struct redis_partition *p)
{
    struct store_guard found = { { 0, 0 }, 0 };
    bool is_there;
    enum err e;

    if (!read_guard(w->replies[1], &is_there, &found)) {
        return answer(w, ERR_CORRUPT);
    }
    if (!store_guard_may_claim(p->is_claimed ? &p->guard : NULL, is_there ? &found : NULL,
                               w->request.epoch, w->guard_next.token)) {
        w->reply.guard = found.at;
        return answer(w, ERR_FENCED);
    }
    e = read_state(w, &found, w->replies[2], w->replies[3]);
    e = e == OK ? read_counters(w, w->replies[4]) : e;
    if (e != OK) {
        return answer(w, e);
    }
    w->guard_next.at = (struct guard){ w->request.epoch, found.at.version };
    if (p->is_claimed && p->guard.at.epoch == w->request.epoch) {
        /* a store that comes back older knows this owner by any of its claims */
        w->guard_next.token = p->guard.token;
    }
    return REDIS_WORK_SEND;
}

/* WATCH, GET g. */
static enum redis_work_result receive_commit(struct redis_work *w, struct redis_partition *p)
{
    struct store_guard found = { { 0, 0 }, 0 };
    bool is_there;

    if (!read_guard(w->replies[1], &is_there, &found)) {
        return answer(w, ERR_CORRUPT);
    }
    w->reply.guard = found.at;
    switch (store_guard_judge(p->is_claimed ? &p->guard : NULL, w->request.commit->expected,
                              w->request.commit->state.guard, is_there ? &found : NULL,
                              w->has_sent_commit)) {
    case STORE_GUARD_GO:
        return REDIS_WORK_SEND;
    case STORE_GUARD_LANDED:
        p->guard.at = found.at;
        return answer(w, OK);
    case STORE_GUARD_FENCED:
        return answer(w, ERR_FENCED);
    case STORE_GUARD_REGRESSED:
        return answer(w, ERR_REGRESSED);
    }
    UNREACHABLE();
}

/* The last reply is EXEC's. */
static enum redis_work_result receive_exec(struct redis_work *w, struct redis_partition *p,
                                           struct text *out_trouble)
{
    const struct redisReply *exec = w->replies[w->reply_count - 1];

    switch (redis_link_reply_type(exec)) {
    case REDIS_LINK_NIL:
        return REDIS_WORK_AGAIN;
    case REDIS_LINK_ARRAY:
        break;
    case REDIS_LINK_TEXT:
    case REDIS_LINK_ERROR:
        return refuse(redis_link_reply_text(exec), out_trouble);
    }
    for (uint32_t i = 0; i < redis_link_reply_count(exec); i++) {
        if (redis_link_reply_type(redis_link_reply_at(exec, i)) == REDIS_LINK_ERROR) {
            return answer(w, ERR_CORRUPT); /* a key holds another type; the rest was written */
        }
    }
    if (w->request.verb == STORE_SWITCH) {
        return answer(w, OK);
    }
    if (w->request.verb == STORE_CLAIM) {
        p->is_claimed = true;
        p->guard = w->guard_next;
    } else {
        p->guard.at = w->request.commit->state.guard;
    }
    w->reply.guard = p->guard.at;
    return answer(w, OK);
}

static bool read_score(struct text t, int64_t *out_ms)
{
    char *end;
    double score;

    if (t.at == NULL || t.size == 0) {
        return false;
    }
    score = strtod(t.at, &end); /* newer servers write 1.7e+12 */
    if (end != t.at + t.size || !(score >= -SCORE_MAX && score <= SCORE_MAX)) {
        return false;
    }
    *out_ms = (int64_t)score;
    return true;
}

/* How many entries of the page are up to the cursor. */
static uint32_t count_seen(const struct redis_work *w, const struct store_timer *page,
                           uint32_t count)
{
    const struct store_request *r = &w->request;
    uint32_t seen = 0;

    while (r->after_customer.at != NULL && seen < count && page[seen].due_ms == r->after_due_ms &&
           text_compare(page[seen].customer, r->after_customer) <= 0) {
        seen++;
    }
    return seen;
}

/* For the next page: how many of the last instant are up to entry `last` of this one. */
static void remember_place(const struct redis_work *w, struct redis_partition *p,
                           const struct store_timer *page, uint32_t last)
{
    const struct store_request *r = &w->request;
    uint32_t same = 1;

    while (same <= last && page[last - same].due_ms == page[last].due_ms) {
        same++;
    }
    p->page_due_ms = page[last].due_ms;
    p->page_before = same;
    if (r->after_customer.at != NULL && p->page_due_ms == r->after_due_ms) {
        p->page_before += w->page_offset;
    }
}

static enum redis_work_result receive_timers(struct redis_work *w, struct redis_partition *p)
{
    const struct store_request *r = &w->request;
    const struct redisReply *entries = w->replies[1];
    uint32_t count = redis_link_reply_count(entries) / 2;
    struct store_timer *page = arena_alloc(&w->arena, (count + 1) * sizeof(*page));
    enum err e = look(w->replies[0], p);
    uint32_t seen, shown;

    if (e != OK) {
        return answer(w, e);
    }
    for (uint32_t i = 0; i < count; i++) {
        page[i].customer = redis_link_reply_text(redis_link_reply_at(entries, 2 * i));
        if (!read_score(redis_link_reply_text(redis_link_reply_at(entries, 2 * i + 1)),
                        &page[i].due_ms)) {
            return answer(w, ERR_CORRUPT);
        }
    }
    seen = count_seen(w, page, count);
    if (w->page_offset > 0 && (seen != 1 || !text_equal(page[0].customer, r->after_customer))) {
        w->page_offset = 0; /* others came or went meanwhile */
        return REDIS_WORK_AGAIN;
    }
    if (seen == count && count == w->page_count) {
        w->page_count *= PAGE_GROWTH;
        return REDIS_WORK_AGAIN;
    }
    shown = count - seen < r->limit ? count - seen : r->limit;
    w->reply.timers = page + seen;
    w->reply.timer_count = shown;
    w->reply.is_last = seen + shown == count && count < w->page_count;
    if (shown > 0) {
        remember_place(w, p, page, seen + shown - 1);
    }
    return answer(w, OK);
}

static enum redis_work_result receive_load(struct redis_work *w, const struct redis_partition *p,
                                           struct text *out_trouble)
{
    uint32_t wanted = w->request.customer_count;
    struct bytes *records = arena_alloc(&w->arena, (wanted + 1) * sizeof(*records));
    enum err e;

    if (redis_link_reply_count(w->replies[0]) != wanted + 1) {
        return refuse(TEXT("protocol"), out_trouble);
    }
    e = look(redis_link_reply_at(w->replies[0], 0), p);
    if (e != OK) {
        return answer(w, e);
    }
    for (uint32_t i = 0; i < wanted; i++) {
        struct text t = redis_link_reply_text(redis_link_reply_at(w->replies[0], i + 1));

        records[i] = (struct bytes){ (const uint8_t *)t.at, t.size };
    }
    w->reply.records = records;
    w->reply.record_count = wanted;
    return answer(w, OK);
}

/* The state and the records, of one MGET. */
static enum redis_work_result receive_peek(struct redis_work *w, struct text *out_trouble)
{
    uint32_t wanted = w->request.customer_count;
    struct bytes *records = arena_alloc(&w->arena, (wanted + 1) * sizeof(*records));
    struct partition_state *state = arena_alloc(&w->arena, sizeof(*state));

    if (redis_link_reply_count(w->replies[0]) != wanted + 1) {
        return refuse(TEXT("protocol"), out_trouble);
    }
    for (uint32_t i = 0; i <= wanted; i++) {
        struct text t = redis_link_reply_text(redis_link_reply_at(w->replies[0], i));
        struct bytes b = { (const uint8_t *)t.at, t.size };

        if (i > 0) {
            records[i - 1] = b;
        } else if (t.at == NULL) {
            w->reply.is_new = true;
        } else if (partition_state_decode(b, &w->arena, state) != OK) {
            return answer(w, ERR_CORRUPT);
        } else {
            w->reply.state = state;
        }
    }
    w->reply.records = records;
    w->reply.record_count = wanted;
    return answer(w, OK);
}

/* A cursor and a list of keys. */
static enum redis_work_result receive_scan(struct redis_work *w, const struct redis_partition *p,
                                           struct text *out_trouble)
{
    const struct redisReply *r = w->replies[0], *keys;
    struct text *customers, cursor;
    uint32_t count;

    if (redis_link_reply_count(r) != 2) {
        return refuse(TEXT("protocol"), out_trouble);
    }
    cursor = redis_link_reply_text(redis_link_reply_at(r, 0));
    keys = redis_link_reply_at(r, 1);
    count = redis_link_reply_count(keys);
    customers = arena_alloc(&w->arena, (count + 1) * sizeof(*customers));
    for (uint32_t i = 0; i < count; i++) {
        struct text key = redis_link_reply_text(redis_link_reply_at(keys, i));

        if (text_starts_with(key, p->customers)) {
            customers[w->reply.customer_count++] =
                (struct text){ key.at + p->customers.size, key.size - p->customers.size };
        }
    }
    w->reply.customers = customers;
    w->reply.cursor = cursor.at == NULL ? 0 : strtoull(cursor.at, NULL, 10);
    w->reply.is_last = w->reply.cursor == 0;
    return answer(w, OK);
}

/* GET g, GET m, ZRANGE o, ZCARD t, answered by EXEC. */
static enum redis_work_result receive_look(struct redis_work *w, struct text *out_trouble)
{
    const struct redisReply *exec = w->replies[w->reply_count - 1];
    struct store_guard found = { { 0, 0 }, 0 };
    bool is_there;
    enum err e;

    if (redis_link_reply_count(exec) != 5) {
        return refuse(TEXT("protocol"), out_trouble);
    }
    if (!read_guard(redis_link_reply_at(exec, 0), &is_there, &found)) {
        return answer(w, ERR_CORRUPT);
    }
    w->reply.guard = found.at;
    w->reply.filed = redis_link_reply_integer(redis_link_reply_at(exec, 3));
    e = read_state(w, &found, redis_link_reply_at(exec, 1), redis_link_reply_at(exec, 2));
    return answer(w, e == OK ? read_counters(w, redis_link_reply_at(exec, 4)) : e);
}

/* TIME: seconds and microseconds. */
static int64_t read_time(const struct redisReply *r)
{
    int64_t seconds, rest;

    if (redis_link_reply_count(r) != 2 ||
        !read_integer(redis_link_reply_text(redis_link_reply_at(r, 0)), &seconds) ||
        !read_integer(redis_link_reply_text(redis_link_reply_at(r, 1)), &rest)) {
        return INSTANT_NEVER;
    }
    return seconds * SECOND_MS + rest / 1000;
}

/* INFO, TIME, CONFIG GET, WATCH, MULTI, the commands, DISCARD: what is refused is told, not tried
 * again. */
static enum redis_work_result receive_probe(struct redis_work *w)
{
    struct store_server *s = arena_alloc(&w->arena, sizeof(*s));
    const struct redisReply *config = w->replies[2];

    *s = (struct store_server){ .now_ms = read_time(w->replies[1]) };
    if (redis_link_reply_type(w->replies[0]) == REDIS_LINK_TEXT) {
        s->info = redis_link_reply_text(w->replies[0]);
    }
    if (redis_link_reply_count(config) == 2) {
        s->appendfsync = redis_link_reply_text(redis_link_reply_at(config, 1));
    }
    for (uint32_t i = REDIS_WORK_PROBES + 5; i > 3; i--) { /* the first stays */
        const struct redisReply *r = w->replies[i - 1];

        if (redis_link_reply_type(r) == REDIS_LINK_ERROR) {
            s->refused = first_word(redis_link_reply_text(r));
            s->refused_for = i == 4 ? "WATCH" : i == 5 ? "MULTI" : redis_work_probes[i - 6].name;
        }
    }
    w->reply.server = s;
    return answer(w, OK);
}

/* WATCH, GET. Its own earlier attempt, whose answer was lost, is as good. */
static enum redis_work_result receive_switch(struct redis_work *w)
{
    struct text t = redis_link_reply_text(w->replies[1]);
    int64_t found = 0;

    if (redis_link_reply_type(w->replies[1]) != REDIS_LINK_NIL && !read_integer(t, &found)) {
        return answer(w, ERR_CORRUPT);
    }
    if (found == w->request.generation) {
        return REDIS_WORK_SEND;
    }
    return answer(w, found == w->request.generation + 1 ? OK : ERR_FENCED);
}

enum redis_work_result redis_work_receive(struct redis_work *w, struct redis_partition *p,
                                          struct text *out_trouble)
{
    if (w->request.verb == STORE_PROBE) {
        return receive_probe(w);
    }
    for (uint32_t i = 0; i < w->reply_count; i++) {
        struct text t = redis_link_reply_text(w->replies[i]);

        if (redis_link_reply_type(w->replies[i]) == REDIS_LINK_ERROR) {
            return text_starts_with(t, TEXT("WRONGTYPE")) ? answer(w, ERR_CORRUPT)
                                                          : refuse(t, out_trouble);
        }
    }
    switch (w->request.verb) {
    case STORE_CLAIM:
        return w->stage == 1 ? receive_claim(w, p) : receive_exec(w, p, out_trouble);
    case STORE_COMMIT:
        return w->stage == 1 ? receive_commit(w, p) : receive_exec(w, p, out_trouble);
    case STORE_TIMERS:
        return receive_timers(w, p);
    case STORE_LOAD:
        return receive_load(w, p, out_trouble);
    case STORE_PEEK:
        return receive_peek(w, out_trouble);
    case STORE_SCAN:
        return receive_scan(w, p, out_trouble);
    case STORE_DROP:
        p->is_claimed = false;
        return answer(w, OK);
    case STORE_SWITCH:
        return w->stage == 1 ? receive_switch(w) : receive_exec(w, p, out_trouble);
    case STORE_LOOK:
        return receive_look(w, out_trouble);
    case STORE_PROBE:
    case STORE_RELEASE:
        break;
    }
    UNREACHABLE();
}
