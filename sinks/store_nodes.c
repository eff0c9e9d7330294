/* DESIGN. A partition's keys share a hash tag, so all of it is at one server. There is a
 * store_redis per server, and each request goes into the queue of the server that has its
 * partition's slot. What is known of partitions is shared by all, so a request can change queues
 * when nothing of it is under way: when its server says MOVED, or is down and the map names
 * another. While no server has the slot, as far as is known, it waits in `limbo`, a store_redis
 * that never connects; so it does until the generation of the partitions, a part of their hash
 * tags, is known.
 *
 * Who has a slot is asked (redis_discovery) at the start, when a server says MOVED, and every
 * ASK_EVERY_MS while one that is needed is down. A slot that changes hands counts as a comeback:
 * the successor of a failed master may be older than what was committed, and then the owner of the
 * partition, told to doubt, redoes what is missing.
 */
#include "sinks/store_nodes.h"

#include "processor/base/check.h"
#include "processor/base/log.h"
#include "processor/base/mem.h"
#include "sinks/redis_discovery.h"
#include "sinks/store_redis_turn.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#define ASK_EVERY_MS 200
#define NODES_MAX    1024
#define NOBODY       UINT16_MAX
#define TAG_SIZE_MAX 300

struct node {
    struct store_redis *redis;
    int64_t watched;     /* the link that epoll knows: number `opened` of redis .. */
    bool is_out_watched; /* .. and whether for room to send, too */
};

struct store_nodes {
    struct store store;
    struct store_redis_options options; /* texts and nodes are our copies */
    struct redis_partitions partitions;
    int64_t generation; /* of the partitions, part of their hash tags; -1: not known yet */
    struct store_redis *limbo;
    struct node nodes[NODES_MAX];
    uint32_t node_count;
    struct endpoint *addresses; /* of the nodes */
    uint32_t address_capacity;
    uint16_t owners[REDIS_SLOTS]; /* index of nodes */
    struct redis_discovery *discovery;
    int discovery_fd; /* that epoll knows */
    int64_t asked_ms;
    int epoll;
    uint32_t turn; /* whose answers come first */
    int64_t handovers;
    struct redis_work *shown;
    atomic_bool is_serving;
};

static struct store_nodes *self(struct store *s)
{
    return (struct store_nodes *)(void *)s;
}

/* --- the map --- */

static uint16_t need_node(struct store_nodes *s, struct endpoint at)
{
    struct store_redis_options options = s->options;

    for (uint32_t i = 0; i < s->node_count; i++) {
        if (s->addresses[i].port == at.port && text_equal(s->addresses[i].host, at.host)) {
            return (uint16_t)i;
        }
    }
    CHECK(s->node_count < NODES_MAX);
    options.layout = STORE_REDIS_SINGLE;
    options.host = at.host;
    options.port = at.port;
    options.socket = TEXT_NONE;
    s->addresses =
        mem_grow32(s->addresses, s->node_count, &s->address_capacity, sizeof(*s->addresses));
    s->addresses[s->node_count] = (struct endpoint){ text_dup(at.host), at.port };
    options.is_generation_given = s->generation >= 0;
    options.generation = s->generation;
    s->nodes[s->node_count].redis = store_redis_turn_node(&options, &s->partitions);
    return (uint16_t)s->node_count++;
}

static void found(void *context, uint32_t from, uint32_t to, struct endpoint at)
{
    struct store_nodes *s = context;
    uint16_t owner = need_node(s, at);
    bool is_handover = false;

    for (uint32_t slot = from; slot <= to; slot++) {
        is_handover = is_handover || (s->owners[slot] != owner && s->owners[slot] != NOBODY);
        s->owners[slot] = owner;
    }
    if (is_handover) {
        s->handovers++;
        log_line(LOG_WARN, "store.handover", "to=%.*s:%" PRId32 " slots=%" PRIu32 "-%" PRIu32,
                 TEXT_PRINTF(at.host), at.port, from, to);
    }
}

static struct store_redis *home_of_tag(struct store_nodes *s, struct text tag)
{
    uint16_t owner = s->owners[redis_slot(tag)];

    return owner == NOBODY ? s->limbo : s->nodes[owner].redis;
}

static struct store_redis *home_of(struct store_nodes *s, const struct store_request *request)
{
    char room[TAG_SIZE_MAX];
    struct text app = s->options.app;
    int size;

    if (request->verb == STORE_SWITCH) {
        return home_of_tag(s, app);
    }
    if (s->generation < 0) {
        return s->limbo;
    }
    size = s->generation == 0
               ? snprintf(room, sizeof(room), "%.*s.%" PRId32, TEXT_PRINTF(app), request->partition)
               : snprintf(room, sizeof(room), "%.*s.%" PRId32 ".%" PRId64, TEXT_PRINTF(app),
                          request->partition, s->generation);
    CHECK(size > 0 && size < TAG_SIZE_MAX);
    return home_of_tag(s, (struct text){ room, (size_t)size });
}

/* Requests of `from` that nothing is under way of and that belong elsewhere go there. */
static void move_works(struct store_nodes *s, struct store_redis *from, struct redis_queue *queue)
{
    struct redis_queue old = *queue;
    struct redis_work *w;

    *queue = (struct redis_queue){ NULL, &queue->first };
    if (old.first == NULL) {
        return;
    }
    while ((w = redis_queue_take(&old)) != NULL) {
        struct store_redis *home = home_of(s, &w->request);

        if (home == from && queue == &from->works) {
            redis_queue_put(queue, w);
            continue;
        }
        if (!store_redis_turn_is_waiting(home)) {
            home->moved_at_ms = store_redis_turn_now_ms();
        }
        redis_queue_put(&home->works, w);
    }
}

/* A link that is down has nothing under way. */
static void settle(struct store_nodes *s)
{
    move_works(s, s->limbo, &s->limbo->works);
    for (uint32_t i = 0; i < s->node_count; i++) {
        struct store_redis *r = s->nodes[i].redis;

        if (r->link == NULL) {
            move_works(s, r, &r->works);
        }
        move_works(s, r, &r->strays);
    }
}

/* Is somebody needed whom we cannot reach, or do not know? */
static bool is_lost(const struct store_nodes *s)
{
    bool lost = s->limbo->works.first != NULL;

    for (uint32_t i = 0; i < s->node_count; i++) {
        const struct store_redis *r = s->nodes[i].redis;

        lost = lost || r->strays.first != NULL || (r->link == NULL && r->works.first != NULL);
    }
    return lost;
}

static void discover(struct store_nodes *s)
{
    int64_t now_ms = store_redis_turn_now_ms();

    if (is_lost(s) && now_ms - s->asked_ms >= ASK_EVERY_MS) {
        s->asked_ms = now_ms;
        redis_discovery_ask(s->discovery);
    }
    if (redis_discovery_turn(s->discovery, s->addresses,
                             s->options.layout == STORE_REDIS_CLUSTER ? s->node_count : 0)) {
        settle(s);
    }
}

/* --- one poll(2) for all of them --- */

static void watch(struct store_nodes *s, int fd, bool is_new, bool is_out)
{
    struct epoll_event e = { .events = is_out ? EPOLLIN | EPOLLOUT : EPOLLIN };

    if (epoll_ctl(s->epoll, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &e) != 0 && is_new) {
        (void)epoll_ctl(s->epoll, EPOLL_CTL_MOD, fd, &e);
    }
}

static void watch_all(struct store_nodes *s)
{
    int fd = redis_discovery_fd(s->discovery);

    for (uint32_t i = 0; i < s->node_count; i++) {
        struct node *n = &s->nodes[i];
        bool is_out;

        if (n->redis->link == NULL) {
            n->watched = 0; /* who is closed is forgotten by epoll */
            continue;
        }
        is_out = redis_link_is_sending(n->redis->link);
        if (n->watched != n->redis->opened || n->is_out_watched != is_out) {
            watch(s, redis_link_fd(n->redis->link), n->watched != n->redis->opened, is_out);
            n->watched = n->redis->opened;
            n->is_out_watched = is_out;
        }
    }
    if (fd >= 0 && fd != s->discovery_fd) {
        watch(s, fd, true, true);
    }
    s->discovery_fd = fd;
}

/* --- the store's verbs --- */

static void submit(struct store *store, const struct store_request *request)
{
    struct store_nodes *s = self(store);

    if (request->verb == STORE_RELEASE) {
        store_redis_turn_abandon(s->limbo, request->partition);
        for (uint32_t i = 0; i < s->node_count; i++) {
            store_redis_turn_abandon(s->nodes[i].redis, request->partition);
        }
        redis_queue_put(&s->limbo->answers, redis_work_new(request));
        return;
    }
    store_submit(&home_of(s, request)->store, request);
}

static struct redis_work *take_answer(struct store_nodes *s)
{
    struct redis_work *w = redis_queue_take(&s->limbo->answers);

    for (uint32_t i = 0; w == NULL && i < s->node_count; i++) {
        s->turn = (s->turn + 1) % s->node_count;
        w = redis_queue_take(&s->nodes[s->turn].redis->answers);
    }
    return w;
}

/* The node that has the generation is asked even if nothing else is wanted of it. */
static void learn_generation(struct store_nodes *s)
{
    struct store_redis *home = home_of_tag(s, s->options.app);

    if (s->generation >= 0 || home == s->limbo) {
        return;
    }
    store_redis_turn(home);
    s->generation = s->limbo->generation = home->generation;
    for (uint32_t i = 0; i < s->node_count && s->generation >= 0; i++) {
        s->nodes[i].redis->generation = s->generation;
    }
    settle(s);
}

static void turn(struct store_nodes *s)
{
    bool is_serving = s->node_count > 0 && s->limbo->works.first == NULL;

    for (uint32_t i = 0; i < s->node_count; i++) {
        struct store_redis *r = s->nodes[i].redis;

        if (r->works.first != NULL || r->link != NULL) {
            store_redis_turn(r);
        }
        is_serving = is_serving && (r->works.first == NULL || atomic_load(&r->is_serving));
    }
    discover(s);
    learn_generation(s);
    watch_all(s);
    atomic_store(&s->is_serving, is_serving);
}

static bool poll_answer(struct store *store, int32_t timeout_ms, struct store_reply *out_reply)
{
    struct store_nodes *s = self(store);
    int64_t deadline_ms = timeout_ms > 0 ? store_redis_turn_now_ms() + timeout_ms : 0;
    struct epoll_event ignored;

    redis_work_free(s->shown);
    for (;;) {
        int64_t left_ms;

        turn(s);
        s->shown = take_answer(s);
        if (s->shown != NULL) {
            *out_reply = s->shown->reply;
            return true;
        }
        left_ms = deadline_ms - store_redis_turn_now_ms();
        if (left_ms <= 0) {
            return false;
        }
        left_ms = left_ms < STORE_REDIS_TURN_BACKOFF_FIRST_MS ? left_ms
                                                              : STORE_REDIS_TURN_BACKOFF_FIRST_MS;
        (void)epoll_wait(s->epoll, &ignored, 1, (int)left_ms);
    }
}

static int nodes_fd(const struct store *store)
{
    return ((const struct store_nodes *)(const void *)store)->epoll;
}

static int64_t comebacks(const struct store *store)
{
    const struct store_nodes *s = (const struct store_nodes *)(const void *)store;
    int64_t sum = s->handovers;

    for (uint32_t i = 0; i < s->node_count; i++) {
        sum += s->nodes[i].redis->comebacks;
    }
    return sum;
}

static void free_text(struct text t)
{
    mem_free((void *)(uintptr_t)t.at);
}

static void close_nodes(struct store *store)
{
    struct store_nodes *s = self(store);
    struct endpoint *nodes = (void *)(uintptr_t)s->options.nodes;

    redis_discovery_free(s->discovery);
    store_close(&s->limbo->store);
    for (uint32_t i = 0; i < s->node_count; i++) {
        store_close(&s->nodes[i].redis->store);
        free_text(s->addresses[i].host);
    }
    redis_work_free(s->shown);
    redis_partitions_fini(&s->partitions);
    (void)close(s->epoll);
    for (uint32_t i = 0; i < s->options.node_count; i++) {
        free_text(nodes[i].host);
    }
    mem_free(nodes);
    mem_free(s->addresses);
    free_text(s->options.app);
    free_text(s->options.user);
    free_text(s->options.password);
    free_text(s->options.master);
    mem_free(s);
}

static const struct store_ops ops = { submit, poll_answer, nodes_fd, comebacks, close_nodes };

struct store *store_nodes_new(const struct store_redis_options *options)
{
    struct store_nodes *s = mem_alloc(sizeof(*s));
    struct endpoint *nodes = mem_alloc((options->node_count + 1) * sizeof(*nodes));

    for (uint32_t i = 0; i < options->node_count; i++) {
        nodes[i] = (struct endpoint){ text_dup(options->nodes[i].host), options->nodes[i].port };
    }
    s->store.ops = &ops;
    s->options = *options;
    s->options.app = text_dup(options->app);
    s->options.user = text_dup(options->user);
    s->options.password = text_dup(options->password);
    s->options.master = text_dup(options->master);
    s->options.nodes = nodes;
    s->options.socket = TEXT_NONE;
    s->generation = options->is_generation_given ? options->generation : -1;
    memset(s->owners, 0xff, sizeof(s->owners));
    s->limbo = store_redis_turn_node(&s->options, &s->partitions);
    s->discovery = redis_discovery_new(&s->options, found, s);
    s->discovery_fd = -1;
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    CHECK(s->epoll >= 0);
    return &s->store;
}

bool store_nodes_is(const struct store *store)
{
    return store->ops == &ops;
}

bool store_nodes_is_up(const struct store *store)
{
    return atomic_load(&((const struct store_nodes *)(const void *)store)->is_serving);
}

int64_t store_nodes_generation(const struct store *store)
{
    return ((const struct store_nodes *)(const void *)store)->generation;
}

const char *store_nodes_trouble(const struct store *store)
{
    const struct store_nodes *s = (const struct store_nodes *)(const void *)store;

    for (uint32_t i = 0; i < s->node_count; i++) {
        if (s->nodes[i].redis->trouble[0] != '\0') {
            return s->nodes[i].redis->trouble;
        }
    }
    return s->node_count == 0 ? "undiscovered" : "";
}
