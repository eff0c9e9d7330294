/* DESIGN. One queue. Requests are sent in its order, as many as may be under way at once: any
 * number of one-stage requests, and behind the last stage of a two-stage one the first stage of the
 * next, so that a row of commits takes one round trip each. Replies come in the order sent and
 * complete the head of the queue.
 *
 * Two ways back, both sound because a first stage only reads: when the head must begin again,
 * replies still to come are discarded and all are sent again (`rewind`); when the connection or the
 * server fails, all are sent again over the next connection (`go_down`). Only a commit needs care:
 * it may have been made although its answer was lost, and a copy of it may wait in the old
 * connection. Every attempt compares the guard first, and the guard names this owner's token and
 * the commit's version, so a commit is made once and found out.
 */
#include "sinks/store_redis_turn.h"

#include "processor/base/check.h"
#include "processor/base/log.h"
#include "processor/base/mem.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

int64_t store_redis_turn_now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void redis_queue_put(struct redis_queue *q, struct redis_work *w)
{
    w->next = NULL;
    *q->last = w;
    q->last = &w->next;
}

struct redis_work *redis_queue_take(struct redis_queue *q)
{
    struct redis_work *w = q->first;

    if (w != NULL) {
        q->first = w->next;
        q->last = q->first == NULL ? &q->first : q->last;
    }
    return w;
}

struct redis_partition *store_redis_turn_partition(struct store_redis *s, int32_t number)
{
    const struct text app = s->options.app;
    struct redis_partitions *all = s->partitions;
    struct redis_partition *p;

    CHECK(number >= 0);
    while ((uint32_t)number >= all->count) {
        all->items = mem_grow32(all->items, all->count, &all->count, sizeof(*p));
    }
    p = &all->items[number];
    if (p->keys.at == NULL && s->generation >= 0) {
        struct bytes_out b = { NULL, 0, 0 };

        bytes_put_format(&b, "sg:{%.*s.%" PRId32, TEXT_PRINTF(app), number);
        if (s->generation > 0) {
            bytes_put_format(&b, ".%" PRId64, s->generation);
        }
        bytes_put(&b, "}:", 2);
        p->generation = s->generation_key;
        p->keys = text_dup((struct text){ (const char *)b.at, b.size });
        bytes_put(&b, "c:", 2);
        p->customers = text_dup((struct text){ (const char *)b.at, b.size });
        bytes_out_fini(&b);
    }
    return p;
}

/* ---- up and down ---- */

static void say_up(struct store_redis *s)
{
    s->backoff_ms = STORE_REDIS_TURN_BACKOFF_FIRST_MS;
    s->is_refused = false;
    if (!atomic_exchange(&s->is_serving, true)) {
        s->is_said_down = false;
        log_line(LOG_INFO, "store.up", "waiting_requests=%s",
                 s->works.first == NULL ? "no" : "yes");
    }
}

/* All requests under way begin again; those nobody waits for end here. */
static void reset_works(struct store_redis *s)
{
    struct redis_queue old = s->works;
    struct redis_work *w;

    s->works = (struct redis_queue){ NULL, &s->works.first };
    while ((w = redis_queue_take(&old)) != NULL) {
        redis_work_reset(w);
        if (w->is_abandoned) {
            redis_work_free(w);
        } else {
            redis_queue_put(&s->works, w);
        }
    }
}

static void go_down(struct store_redis *s, struct text reason, bool is_refused)
{
    (void)text_format(s->trouble, sizeof(s->trouble), "%.*s", TEXT_PRINTF(reason));
    if (!s->is_said_down) {
        s->is_said_down = true;
        log_line(LOG_WARN, "store.down", "reason=\"%.*s\" retrying_in_ms=%" PRId64,
                 TEXT_PRINTF(reason), s->backoff_ms);
    }
    atomic_store(&s->is_serving, false);
    s->is_refused = s->is_refused || is_refused;
    s->retry_at_ms = store_redis_turn_now_ms() + s->backoff_ms;
    s->backoff_ms = s->backoff_ms * 2 < STORE_REDIS_TURN_BACKOFF_MOST_MS
                        ? s->backoff_ms * 2
                        : STORE_REDIS_TURN_BACKOFF_MOST_MS;
    redis_link_close(s->link); /* after the last use of `reason`, which may be a view */
    s->link = NULL;
    s->greeting = 0;
    s->discarded = 0;
    reset_works(s);
}

uint32_t store_redis_turn_auth(const struct store_redis_options *o, struct bytes_out *out)
{
    if (o->password.at == NULL) {
        return 0;
    }
    redis_link_command(out, o->user.at != NULL ? 3 : 2);
    redis_link_word(out, "AUTH");
    if (o->user.at != NULL) {
        redis_link_argument(out, o->user.at, o->user.size);
    }
    redis_link_argument(out, o->password.at, o->password.size);
    return 1;
}

static void go_up(struct store_redis *s)
{
    const struct store_redis_options *o = &s->options;
    struct bytes_out *out;

    s->link = redis_link_open(o->socket, o->host, o->port);
    s->opened++;
    if (s->link == NULL) {
        go_down(s, TEXT("refused"), false);
        return;
    }
    out = redis_link_out(s->link);
    s->greeting += store_redis_turn_auth(o, out);
    if (o->database != 0) {
        redis_link_command(out, 2);
        redis_link_word(out, "SELECT");
        redis_link_integer(out, o->database);
        s->greeting++;
    }
    redis_link_command(out, 1);
    redis_link_word(out, "PING"); /* an error while the server loads */
    redis_link_command(out, 2);
    redis_link_word(out, "GET");
    redis_link_argument(out, s->generation_key.at, s->generation_key.size);
    redis_link_command(out, 3);
    redis_link_word(out, "CONFIG");
    redis_link_word(out, "GET");
    redis_link_word(out, "maxmemory-policy");
    s->greeting += 3;
    s->moved = 0;
    s->moved_at_ms = store_redis_turn_now_ms();
}

/* ---- requests and replies ---- */

void store_redis_turn_send(struct store_redis *s)
{
    if (s->link == NULL || s->greeting > 0) {
        return;
    }
    for (struct redis_work *w = s->works.first; w != NULL; w = w->next) {
        if (w->stage == 0) {
            redis_work_send(w, store_redis_turn_partition(s, w->request.partition),
                            redis_link_out(s->link));
        }
        if (!w->is_last_stage) {
            break;
        }
    }
    redis_link_send(s->link);
}

static void rewind_works(struct store_redis *s)
{
    for (const struct redis_work *w = s->works.first; w != NULL; w = w->next) {
        s->discarded += w->reply_expected - w->reply_count;
    }
    reset_works(s);
}

static int64_t number_of(struct text t)
{
    return t.at == NULL ? 0 : strtoll(t.at, NULL, 10);
}

static void receive_greeting(struct store_redis *s, struct redisReply *r)
{
    struct text t = redis_link_reply_text(r);

    s->greeting--;
    if (s->greeting > 0 && redis_link_reply_type(r) == REDIS_LINK_ERROR) {
        if (s->is_node && s->greeting == 1) {
            return; /* another node has the generation */
        }
        t.size = strcspn(t.at, " ");
        go_down(s, t, true);
        return;
    }
    if (s->greeting > 0) {
        if (s->greeting == 1 && s->generation < 0) { /* the same as long as this store is open */
            s->generation = redis_link_reply_type(r) == REDIS_LINK_NIL ? 0 : number_of(t);
        }
        return;
    }
    if (redis_link_reply_count(r) == 2) {
        t = redis_link_reply_text(redis_link_reply_at(r, 1));
        if (!text_is(t, "noeviction")) {
            log_line(LOG_WARN, "store.eviction_policy", "policy=%.*s wanted=noeviction",
                     TEXT_PRINTF(t));
        }
    }
    s->comebacks += s->is_said_up;
    s->is_said_up = true;
    if (!s->is_refused || s->works.first == NULL) {
        say_up(s);
    }
}

static bool is_write(const struct redis_work *w)
{
    return w->request.verb == STORE_CLAIM || w->request.verb == STORE_COMMIT;
}

/* A server that refuses writes still answers reads: it is not up again while a write waits. */
static bool is_well(const struct store_redis *s, const struct redis_work *answered)
{
    const struct redis_work *w = s->works.first;

    while (w != NULL && !is_write(w)) {
        w = w->next;
    }
    return !s->is_refused || is_write(answered) || w == NULL;
}

/* The head of the queue has all replies of its stage. */
static void finish_stage(struct store_redis *s)
{
    struct redis_work *w = s->works.first;
    struct redis_partition *p = store_redis_turn_partition(s, w->request.partition);
    struct text trouble = TEXT_NONE;

    if (w->is_abandoned) {
        redis_work_free(redis_queue_take(&s->works));
        return;
    }
    switch (redis_work_receive(w, p, &trouble)) {
    case REDIS_WORK_ANSWERED:
        (void)redis_queue_take(&s->works);
        if (is_well(s, w)) {
            say_up(s);
        }
        redis_queue_put(&s->answers, w);
        break;
    case REDIS_WORK_SEND:
        redis_work_send(w, p, redis_link_out(s->link));
        break;
    case REDIS_WORK_AGAIN:
        rewind_works(s);
        break;
    case REDIS_WORK_REFUSED:
        if (s->is_node && text_is(trouble, "MOVED")) {
            redis_work_reset(w);
            redis_queue_put(&s->strays, redis_queue_take(&s->works));
        } else {
            go_down(s, trouble, true);
        }
        break;
    }
}

static void receive(struct store_redis *s, struct redisReply *r)
{
    struct redis_work *w = s->works.first;

    if (s->greeting > 0) {
        receive_greeting(s, r);
        redis_link_reply_free(r);
    } else if (s->discarded > 0) {
        s->discarded--;
        redis_link_reply_free(r);
    } else if (w == NULL || w->reply_count == w->reply_expected) {
        go_down(s, redis_link_reply_type(r) == REDIS_LINK_ERROR ? TEXT("said") : TEXT("protocol"),
                false); /* a server at its limit of clients says so before it closes */
        redis_link_reply_free(r);
    } else {
        w->replies[w->reply_count++] = r;
        if (w->reply_count == w->reply_expected) {
            finish_stage(s);
        }
    }
}

bool store_redis_turn_is_waiting(const struct store_redis *s)
{
    return s->greeting > 0 || s->discarded > 0 ||
           (s->works.first != NULL && s->works.first->stage > 0);
}

void store_redis_turn(struct store_redis *s)
{
    struct redisReply *r;
    int64_t now = store_redis_turn_now_ms();

    if (s->link == NULL) {
        if (now < s->retry_at_ms) {
            return;
        }
        go_up(s);
    }
    if (s->link != NULL) {
        redis_link_send(s->link);
        redis_link_read(s->link);
    }
    while (s->link != NULL && redis_link_take(s->link, &r)) {
        receive(s, r);
    }
    store_redis_turn_send(s);
    if (s->link == NULL) {
        return;
    }
    if (redis_link_trouble(s->link) != NULL) {
        go_down(s, text_of(redis_link_trouble(s->link)), false);
    } else if (redis_link_moved(s->link) != s->moved || !store_redis_turn_is_waiting(s)) {
        s->moved = redis_link_moved(s->link);
        s->moved_at_ms = now;
    } else if (now - s->moved_at_ms > s->options.reply_timeout_ms) {
        go_down(s, TEXT("timeout"), false);
    }
}

void store_redis_turn_wait(const struct store_redis *s, int64_t most_ms)
{
    int64_t until_ms =
        s->link == NULL ? s->retry_at_ms : s->moved_at_ms + s->options.reply_timeout_ms + 1;
    int64_t left_ms = until_ms - store_redis_turn_now_ms();
    bool is_timed = s->link == NULL || store_redis_turn_is_waiting(s);
    struct pollfd p = { .fd = -1, .events = POLLIN };

    left_ms = left_ms < 1 ? 1 : left_ms;
    most_ms = is_timed && left_ms < most_ms ? left_ms : most_ms;
    if (s->link != NULL) {
        p.fd = redis_link_fd(s->link);
        p.events |= redis_link_is_sending(s->link) ? POLLOUT : 0;
    }
    (void)poll(&p, 1, (int)most_ms);
}
