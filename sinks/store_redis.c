#include "sinks/store_redis.h"

#include "processor/base/check.h"
#include "processor/base/mem.h"
#include "sinks/store_nodes.h"
#include "sinks/store_redis_turn.h"

static struct store_redis *self(struct store *s)
{
    return (struct store_redis *)(void *)s;
}

/* Answer what is under way for the partition, and forget it. */
void store_redis_turn_abandon(struct store_redis *s, int32_t partition)
{
    struct redis_queue old = s->works;
    struct redis_work *w;

    s->works = (struct redis_queue){ NULL, &s->works.first };
    while ((w = redis_queue_take(&old)) != NULL) {
        if (w->request.partition == partition && !w->is_abandoned) {
            struct redis_work *told = redis_work_new(&w->request);

            told->reply.error = ERR_UNAVAILABLE;
            redis_queue_put(&s->answers, told);
            if (w->stage == 0) {
                redis_work_free(w);
                continue;
            }
            w->is_abandoned = true; /* its replies will come */
        }
        redis_queue_put(&s->works, w);
    }
    store_redis_turn_partition(s, partition)->is_claimed = false;
}

static void submit(struct store *store, const struct store_request *request)
{
    struct store_redis *s = self(store);
    struct redis_work *w = redis_work_new(request);

    if (request->verb == STORE_RELEASE) {
        store_redis_turn_abandon(s, request->partition);
        redis_queue_put(&s->answers, w);
        return;
    }
    if (!store_redis_turn_is_waiting(s)) {
        s->moved_at_ms = store_redis_turn_now_ms();
    }
    redis_queue_put(&s->works, w);
    store_redis_turn_send(s); /* what fails here is found by the next poll */
}

static bool poll_answer(struct store *store, int32_t timeout_ms, struct store_reply *out_reply)
{
    struct store_redis *s = self(store);
    int64_t deadline_ms = timeout_ms > 0 ? store_redis_turn_now_ms() + timeout_ms : 0;

    redis_work_free(s->shown);
    s->shown = redis_queue_take(&s->answers);
    while (s->shown == NULL) {
        int64_t left_ms;

        store_redis_turn(s);
        s->shown = redis_queue_take(&s->answers);
        if (s->shown == NULL) {
            left_ms = deadline_ms - store_redis_turn_now_ms();
            if (left_ms <= 0) {
                return false;
            }
            store_redis_turn_wait(s, left_ms);
        }
    }
    *out_reply = s->shown->reply;
    return true;
}

static int link_fd(const struct store *store)
{
    const struct store_redis *s = (const struct store_redis *)(const void *)store;

    return s->link == NULL ? -1 : redis_link_fd(s->link);
}

static int64_t comebacks(const struct store *store)
{
    const struct store_redis *s = (const struct store_redis *)(const void *)store;

    return s->comebacks;
}

bool store_redis_is_up(const struct store *store)
{
    const struct store_redis *s = (const struct store_redis *)(const void *)store;

    return store_nodes_is(store) ? store_nodes_is_up(store) : atomic_load(&s->is_serving);
}

const char *store_redis_trouble(const struct store *store)
{
    const struct store_redis *s = (const struct store_redis *)(const void *)store;

    return store_nodes_is(store) ? store_nodes_trouble(store) : s->trouble;
}

int64_t store_redis_generation(const struct store *store)
{
    const struct store_redis *s = (const struct store_redis *)(const void *)store;

    return store_nodes_is(store) ? store_nodes_generation(store) : s->generation;
}

static void free_text(struct text t)
{
    mem_free((void *)(uintptr_t)t.at);
}

void redis_partitions_fini(struct redis_partitions *p)
{
    for (uint32_t i = 0; i < p->count; i++) {
        free_text(p->items[i].keys);
        free_text(p->items[i].customers);
    }
    mem_free(p->items);
}

static void close_store(struct store *store)
{
    struct store_redis *s = self(store);
    struct redis_work *w;

    redis_link_close(s->link);
    while ((w = redis_queue_take(&s->works)) != NULL ||
           (w = redis_queue_take(&s->answers)) != NULL ||
           (w = redis_queue_take(&s->strays)) != NULL) {
        redis_work_free(w);
    }
    redis_work_free(s->shown);
    redis_partitions_fini(&s->own);
    free_text(s->generation_key);
    free_text(s->options.app);
    free_text(s->options.socket);
    free_text(s->options.host);
    free_text(s->options.user);
    free_text(s->options.password);
    mem_free(s);
}

static struct text generation_key(struct text app)
{
    struct bytes_out b = { NULL, 0, 0 };
    struct text key;

    bytes_put_format(&b, "sg:{%.*s}:generation", TEXT_PRINTF(app));
    key = text_dup((struct text){ (const char *)b.at, b.size });
    bytes_out_fini(&b);
    return key;
}

static struct store_redis *open_store(const struct store_redis_options *options)
{
    static const struct store_ops ops = { submit, poll_answer, link_fd, comebacks, close_store };
    struct store_redis *s = mem_alloc(sizeof(*s));

    CHECK(options->reply_timeout_ms > 0);
    s->store.ops = &ops;
    s->options = *options;
    s->options.app = text_dup(options->app);
    s->options.socket = text_dup(options->socket);
    s->options.host = text_dup(options->host);
    s->options.user = text_dup(options->user);
    s->options.password = text_dup(options->password);
    s->generation = options->is_generation_given ? options->generation : -1;
    s->generation_key = generation_key(options->app);
    s->partitions = &s->own;
    s->works.last = &s->works.first;
    s->answers.last = &s->answers.first;
    s->strays.last = &s->strays.first;
    s->backoff_ms = STORE_REDIS_TURN_BACKOFF_FIRST_MS;
    return s;
}

struct store_redis *store_redis_turn_node(const struct store_redis_options *options,
                                          struct redis_partitions *partitions)
{
    struct store_redis *s = open_store(options);

    s->partitions = partitions;
    s->is_node = true;
    return s;
}

struct store *store_redis_new(const struct store_redis_options *options)
{
    return options->layout == STORE_REDIS_SINGLE ? &open_store(options)->store
                                                 : store_nodes_new(options);
}
