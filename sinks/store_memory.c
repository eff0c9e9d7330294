/* DESIGN. A request is carried out when it is submitted, under the backend's lock; its answer waits
 * for the next poll with copies of all it shows, since another owner may change the partition
 * meanwhile.
 */
#include "sinks/store_memory.h"

#include "processor/base/arena.h"
#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "sinks/store_guard.h"
#include "sinks/store_memory_partition.h"
#include "sinks/store_rules.h"

#include <pthread.h>

struct store_memory_backend {
    pthread_mutex_t lock;
    struct store_memory_partition **partitions; /* by number */
    uint32_t partition_capacity;
    uint64_t last_token;
    int64_t comebacks;
};

struct answer {
    struct answer *next;
    struct store_reply reply;
    struct arena arena;
};

struct claimed {
    bool is_claimed;
    struct store_guard guard;
};

struct store_memory {
    struct store store;
    struct store_memory_backend *backend;
    bool is_backend_own;
    struct claimed *claimed; /* by partition */
    uint32_t claimed_capacity;
    struct answer *first;
    struct answer **last;
    struct answer *shown; /* by the last poll */
};

struct store_memory_backend *store_memory_backend_new(void)
{
    struct store_memory_backend *b = mem_alloc(sizeof(*b));

    CHECK(pthread_mutex_init(&b->lock, NULL) == 0);
    return b;
}

void store_memory_backend_free(struct store_memory_backend *b)
{
    if (b == NULL) {
        return;
    }
    for (uint32_t i = 0; i < b->partition_capacity; i++) {
        store_memory_partition_free(b->partitions[i]);
    }
    mem_free(b->partitions);
    (void)pthread_mutex_destroy(&b->lock);
    mem_free(b);
}

struct store_memory_backend *store_memory_backend_copy(struct store_memory_backend *b)
{
    struct store_memory_backend *copy = store_memory_backend_new();

    CHECK(pthread_mutex_lock(&b->lock) == 0);
    copy->partitions = mem_alloc(b->partition_capacity * sizeof(*copy->partitions));
    copy->partition_capacity = b->partition_capacity;
    for (uint32_t i = 0; i < b->partition_capacity; i++) {
        if (b->partitions[i] != NULL) {
            copy->partitions[i] = store_memory_partition_copy(b->partitions[i]);
        }
    }
    CHECK(pthread_mutex_unlock(&b->lock) == 0);
    return copy;
}

void store_memory_backend_come_back(struct store_memory_backend *b,
                                    struct store_memory_backend *older)
{
    struct store_memory_partition **partitions = older->partitions;
    uint32_t capacity = older->partition_capacity;

    CHECK(pthread_mutex_lock(&b->lock) == 0);
    older->partitions = b->partitions;
    older->partition_capacity = b->partition_capacity;
    b->partitions = partitions;
    b->partition_capacity = capacity;
    b->comebacks++;
    CHECK(pthread_mutex_unlock(&b->lock) == 0);
    store_memory_backend_free(older);
}

static struct store_memory_partition *partition_of(struct store_memory_backend *b, int32_t number)
{
    uint32_t place = (uint32_t)number;

    CHECK(number >= 0);
    while (place >= b->partition_capacity) {
        b->partitions = mem_grow32(b->partitions, b->partition_capacity, &b->partition_capacity,
                                   sizeof(struct store_memory_partition *));
    }
    if (b->partitions[place] == NULL) {
        b->partitions[place] = store_memory_partition_new();
    }
    return b->partitions[place];
}

static struct claimed *claimed_of(struct store_memory *m, int32_t number)
{
    uint32_t place = (uint32_t)number;

    CHECK(number >= 0);
    while (place >= m->claimed_capacity) {
        m->claimed = mem_grow32(m->claimed, m->claimed_capacity, &m->claimed_capacity,
                                sizeof(struct claimed));
    }
    return &m->claimed[place];
}

static const struct store_guard *held(struct store_memory *m, int32_t number)
{
    const struct claimed *c = claimed_of(m, number);

    return c->is_claimed ? &c->guard : NULL;
}

static const struct store_guard *found(const struct store_memory_partition *p)
{
    return p->is_guarded ? &p->guard : NULL;
}

static enum err claim(struct store_memory *m, struct store_memory_partition *p, int64_t epoch,
                      struct answer *a)
{
    struct claimed *c = claimed_of(m, a->reply.partition);
    enum err e;

    CHECK(epoch >= 1);
    if (!store_guard_may_claim(held(m, a->reply.partition), found(p), epoch, 0)) {
        a->reply.guard = p->guard.at;
        return ERR_FENCED;
    }
    e = store_memory_partition_state(p, &a->arena, &a->reply);
    if (e != OK) {
        return e;
    }
    p->is_guarded = true;
    p->guard.at.epoch = epoch;
    /* one token per epoch: a store that comes back older knows this owner by any of its claims */
    p->guard.token =
        c->is_claimed && c->guard.at.epoch == epoch ? c->guard.token : ++m->backend->last_token;
    *c = (struct claimed){ true, p->guard };
    a->reply.guard = p->guard.at;
    return OK;
}

static enum err commit(struct store_memory *m, struct store_memory_partition *p,
                       const struct commit *c, struct answer *a)
{
    store_rules_commit(c);
    a->reply.guard = p->guard.at;
    switch (store_guard_judge(held(m, a->reply.partition), c->expected, c->state.guard, found(p),
                              false)) {
    case STORE_GUARD_GO:
        break;
    case STORE_GUARD_REGRESSED:
        return ERR_REGRESSED;
    case STORE_GUARD_LANDED:
    case STORE_GUARD_FENCED:
        return ERR_FENCED;
    }
    store_memory_partition_put(p, c);
    p->guard.at.version = c->state.guard.version;
    claimed_of(m, a->reply.partition)->guard.at = a->reply.guard = p->guard.at;
    return OK;
}

static const struct store_server no_server = { .now_ms = INSTANT_NEVER };

static void submit(struct store *s, const struct store_request *r)
{
    struct store_memory *m = (struct store_memory *)(void *)s;
    struct answer *a = mem_alloc(sizeof(*a));
    struct store_memory_partition *p;

    a->reply =
        (struct store_reply){ .verb = r->verb, .partition = r->partition, .context = r->context };
    CHECK(pthread_mutex_lock(&m->backend->lock) == 0);
    p = partition_of(m->backend, r->partition);
    switch (r->verb) {
    case STORE_CLAIM:
        a->reply.error = claim(m, p, r->epoch, a);
        break;
    case STORE_TIMERS:
        a->reply.error = store_guard_look(held(m, r->partition), found(p));
        if (a->reply.error == OK) {
            store_memory_partition_timers(p, r, &a->arena, &a->reply);
        }
        break;
    case STORE_LOAD:
        a->reply.error = store_guard_look(held(m, r->partition), found(p));
        if (a->reply.error == OK) {
            store_memory_partition_records(p, r, &a->arena, &a->reply);
        }
        break;
    case STORE_COMMIT:
        a->reply.error = commit(m, p, r->commit, a);
        break;
    case STORE_PEEK:
        a->reply.error = store_memory_partition_state(p, &a->arena, &a->reply);
        a->reply.outbox_count = 0;
        store_memory_partition_records(p, r, &a->arena, &a->reply);
        break;
    case STORE_SCAN:
        store_memory_partition_customers(p, &a->arena, &a->reply);
        break;
    case STORE_LOOK:
        a->reply.error = store_memory_partition_state(p, &a->arena, &a->reply);
        a->reply.guard = p->guard.at;
        a->reply.filed = store_memory_partition_filed(p);
        break;
    case STORE_PROBE:
        a->reply.server = &no_server;
        break;
    case STORE_DROP:
    case STORE_SWITCH:
        a->reply.error = ERR_CONFIG;
        break;
    case STORE_RELEASE:
        claimed_of(m, r->partition)->is_claimed = false;
        break;
    }
    CHECK(pthread_mutex_unlock(&m->backend->lock) == 0);
    *m->last = a;
    m->last = &a->next;
}

static void answer_free(struct answer *a)
{
    if (a != NULL) {
        arena_fini(&a->arena);
        mem_free(a);
    }
}

static bool poll_answer(struct store *s, int32_t timeout_ms, struct store_reply *out_reply)
{
    struct store_memory *m = (struct store_memory *)(void *)s;

    (void)timeout_ms; /* what is not here now does not come by waiting */
    answer_free(m->shown);
    m->shown = m->first;
    if (m->shown == NULL) {
        return false;
    }
    m->first = m->shown->next;
    if (m->first == NULL) {
        m->last = &m->first;
    }
    *out_reply = m->shown->reply;
    return true;
}

static int no_fd(const struct store *s)
{
    (void)s;
    return -1;
}

static int64_t comebacks(const struct store *s)
{
    const struct store_memory *m = (const struct store_memory *)(const void *)s;

    return m->backend->comebacks; /* of one thread: only tests let it come back */
}

static void close_store(struct store *s)
{
    struct store_memory *m = (struct store_memory *)(void *)s;

    while (m->first != NULL) {
        struct answer *next = m->first->next;

        answer_free(m->first);
        m->first = next;
    }
    answer_free(m->shown);
    mem_free(m->claimed);
    if (m->is_backend_own) {
        store_memory_backend_free(m->backend);
    }
    mem_free(m);
}

struct store *store_memory_open(struct store_memory_backend *b)
{
    static const struct store_ops ops = { submit, poll_answer, no_fd, comebacks, close_store };
    struct store_memory *m = mem_alloc(sizeof(*m));

    m->store.ops = &ops;
    m->backend = b;
    m->last = &m->first;
    return &m->store;
}

struct store *store_memory_new(void)
{
    struct store *s = store_memory_open(store_memory_backend_new());

    ((struct store_memory *)(void *)s)->is_backend_own = true;
    return s;
}
