/* Worlds for the tests of stores: a backend in memory, or a redis-server of the test's own;
 * requests that wait for their answer; commits built piece by piece.
 *
 * Test support: static inline, since no test uses all of it.
 */
#ifndef TESTS_CONTRACT_STORE_WORLD_H
#define TESTS_CONTRACT_STORE_WORLD_H
#include "processor/base/arena.h"
#include "processor/base/log.h"
#include "processor/base/mem.h"
#include "sinks/store_memory.h"
#include "sinks/store_redis.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define RECORDS_MAX 1100
#define OUTPUTS_MAX 8
#define COUNTED_MAX 8
#define PATIENCE_MS 20000

struct world {
    struct store_memory_backend *backend; /* NULL: Redis */
    char folder[64];
    char socket[96];
    pid_t redis;
};

static inline int world_connect(const struct world *w)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(to.sun_path, sizeof(to.sun_path), "%s", w->socket);
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* One inline command. Returns: true when it was answered with what `wanted` begins with. */
static inline bool world_command(const struct world *w, const char *command, const char *wanted)
{
    char answer[64] = "";
    int fd = world_connect(w);
    bool is_good = false;

    if (fd >= 0) {
        is_good = write(fd, command, strlen(command)) > 0 &&
                  read(fd, answer, sizeof(answer) - 1) > 0 &&
                  strncmp(answer, wanted, strlen(wanted)) == 0;
        (void)close(fd);
    }
    return is_good;
}

static inline void world_start_redis(struct world *w)
{
    (void)unlink(w->socket);
    w->redis = fork();
    if (w->redis == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", w->socket, "--dir",
               w->folder, "--save", "", "--appendonly", "yes", "--appendfsync", "always",
               "--maxmemory-policy", "noeviction", "--logfile", "/dev/null", (char *)NULL);
        _exit(127);
    }
    while (!world_command(w, "PING\r\n", "+PONG")) {
        assert_int_equal(waitpid(w->redis, NULL, WNOHANG), 0);
    }
}

static inline void world_kill_redis(struct world *w)
{
    (void)kill(w->redis, SIGKILL);
    (void)waitpid(w->redis, NULL, 0);
}

static inline void world_cut_connections(struct world *w)
{
    assert_true(world_command(w, "CLIENT KILL TYPE normal SKIPME yes\r\n", ":"));
}

static inline struct world *world_new(bool is_redis)
{
    struct world *w = mem_alloc(sizeof(*w));

    log_set_level(LOG_ERROR);
    if (!is_redis) {
        w->backend = store_memory_backend_new();
        return w;
    }
    snprintf(w->folder, sizeof(w->folder), "/tmp/segstream-store-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->socket, sizeof(w->socket), "%s/redis.sock", w->folder);
    world_start_redis(w);
    return w;
}

static inline void world_free(struct world *w)
{
    char command[96];

    if (w->backend != NULL) {
        store_memory_backend_free(w->backend);
    } else {
        world_kill_redis(w);
        snprintf(command, sizeof(command), "rm -r %s", w->folder);
        assert_int_equal(system(command), 0);
    }
    mem_free(w);
}

static inline struct store_redis_options world_options(const struct world *w)
{
    return (struct store_redis_options){ .app = TEXT("tested"),
                                         .socket = text_of(w->socket),
                                         .reply_timeout_ms = 5000 };
}

static inline struct store *world_open(struct world *w)
{
    struct store_redis_options options = world_options(w);

    return w->backend != NULL ? store_memory_open(w->backend) : store_redis_new(&options);
}

/* --- requests --- */

static inline struct store_reply await(struct store *s, enum store_verb verb)
{
    struct store_reply r = { 0 };

    for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += 100) {
        if (store_poll(s, 100, &r)) {
            assert_int_equal(r.verb, verb);
            return r;
        }
    }
    fail_msg("no answer");
    return r;
}

static inline struct store_reply claim_with(struct store *s, int32_t partition, int64_t epoch)
{
    store_submit(
        s, &(struct store_request){ .verb = STORE_CLAIM, .partition = partition, .epoch = epoch });
    return await(s, STORE_CLAIM);
}

/* With the first epoch that is higher than all before. */
static inline struct store_reply claim(struct store *s, int32_t partition)
{
    struct store_reply r = { .error = ERR_FENCED };

    for (int64_t epoch = 1; r.error == ERR_FENCED; epoch++) {
        r = claim_with(s, partition, epoch);
    }
    assert_int_equal(r.error, OK);
    return r;
}

static inline struct store_reply load(struct store *s, int32_t partition,
                                      const struct text *customers, uint32_t count)
{
    struct store_reply r;

    store_submit(s, &(struct store_request){ .verb = STORE_LOAD,
                                             .partition = partition,
                                             .customers = customers,
                                             .customer_count = count });
    r = await(s, STORE_LOAD);
    assert_int_equal(r.error, OK);
    return r;
}

static inline struct store_reply timers(struct store *s, int32_t partition, int64_t after_ms,
                                        struct text after, uint32_t limit)
{
    struct store_reply r;

    store_submit(s, &(struct store_request){ .verb = STORE_TIMERS,
                                             .partition = partition,
                                             .after_due_ms = after_ms,
                                             .after_customer = after,
                                             .limit = limit });
    r = await(s, STORE_TIMERS);
    assert_int_equal(r.error, OK);
    return r;
}

/* --- commits --- */

struct draft {
    int32_t partition;
    struct commit commit;
    struct commit_record records[RECORDS_MAX];
    struct outbox_entry outbox[OUTPUTS_MAX];
    struct counter_value counters[COUNTED_MAX];
};

static inline struct draft draft_of(struct guard guard, int32_t partition)
{
    struct draft d = { .partition = partition };

    partition_state_init(&d.commit.state);
    d.commit.expected = guard;
    d.commit.state.guard = (struct guard){ guard.epoch, guard.version + 1 };
    return d;
}

/* The next commit after this one was made. */
static inline void draft_next(struct draft *d)
{
    d->commit.expected.version++;
    d->commit.state.guard.version++;
    d->commit.record_count = d->commit.outbox_count = d->commit.counter_count = 0;
}

static inline void draft_record(struct draft *d, struct text customer, const char *at, size_t size,
                                int64_t due_ms)
{
    assert_true(d->commit.record_count < RECORDS_MAX);
    d->records[d->commit.record_count++] =
        (struct commit_record){ customer, { (const uint8_t *)at, size }, due_ms };
}

static inline void draft_output(struct draft *d, int64_t sequence, const char *payload)
{
    assert_true(d->commit.outbox_count < OUTPUTS_MAX);
    d->outbox[d->commit.outbox_count++] = (struct outbox_entry){
        sequence, OUTPUT_TRIGGER, TEXT("ann"), { (const uint8_t *)payload, strlen(payload) }
    };
    d->commit.state.outbox_last = sequence;
}

static inline void draft_counter(struct draft *d, const char *name, int64_t value)
{
    assert_true(d->commit.counter_count < COUNTED_MAX);
    d->counters[d->commit.counter_count++] = (struct counter_value){ text_of(name), value };
}

static inline void draft_trim(struct draft *d, int64_t sequence)
{
    d->commit.outbox_trim = sequence;
    d->commit.state.outbox_trimmed = sequence;
}

static inline void submit_commit(struct store *s, struct draft *d)
{
    d->commit.records = d->records;
    d->commit.outbox = d->outbox;
    d->commit.counters = d->counters;
    store_submit(s, &(struct store_request){
                        .verb = STORE_COMMIT, .partition = d->partition, .commit = &d->commit });
}

static inline enum err await_commit(struct store *s)
{
    return await(s, STORE_COMMIT).error;
}

static inline enum err commit(struct store *s, struct draft *d)
{
    submit_commit(s, d);
    return await_commit(s);
}

#endif /* TESTS_CONTRACT_STORE_WORLD_H */
