#include "processor/cli/check_live.h"

#include "processor/base/instant.h"
#include "sinks/store_redis.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define VERSION_NEEDED 6
#define SKEW_WARN_MS   (2 * SECOND_MS)
#define SKEW_FAIL_MS   (2 * MINUTE_MS)
#define FULL_PERCENT   80

/* The value of "\nname:value\r"; absent: not told. */
static struct text info_of(const struct store_server *s, const char *name)
{
    size_t size = strlen(name);

    for (size_t i = 0; s->info.at != NULL && i + size + 1 < s->info.size; i++) {
        if ((i == 0 || s->info.at[i - 1] == '\n') && memcmp(s->info.at + i, name, size) == 0 &&
            s->info.at[i + size] == ':') {
            const char *at = s->info.at + i + size + 1;

            return (struct text){ at, strcspn(at, "\r\n") };
        }
    }
    return TEXT_NONE;
}

static int64_t number_of(struct text t)
{
    return t.at == NULL ? 0 : strtoll(t.at, NULL, 10); /* a line end follows */
}

static void check_server(struct live_check *l, const struct store_server *s)
{
    struct text version = info_of(s, "redis_version");

    if (version.at == NULL) {
        live_say(l, LIVE_INFO, "redis", NULL,
                 "it answers, and does not tell what it is (INFO is not allowed)");
        return;
    }
    if (number_of(version) < VERSION_NEEDED) {
        live_say(l, LIVE_FAIL, "redis", "Redis 6 or later", "this is Redis %.*s",
                 TEXT_PRINTF(version));
    } else {
        live_say(l, LIVE_OK, "redis", NULL, "Redis %.*s, %.*s in use", TEXT_PRINTF(version),
                 TEXT_PRINTF(info_of(s, "used_memory_human")));
    }
    if (text_is(info_of(s, "role"), "slave")) {
        live_say(l, LIVE_FAIL, "redis", "name the primary in state.store",
                 "this is a replica: it takes no writes");
    }
    if (text_is(info_of(s, "cluster_enabled"), "1") &&
        l->config->redis_layout != REDIS_LAYOUT_CLUSTER) {
        live_say(l, LIVE_FAIL, "redis", "state: {layout: cluster}",
                 "this is a node of a Redis Cluster");
    }
}

static void check_memory(struct live_check *l, const struct store_server *s)
{
    struct text policy = info_of(s, "maxmemory_policy");
    int64_t most = number_of(info_of(s, "maxmemory")), used = number_of(info_of(s, "used_memory"));

    if (policy.at != NULL && !text_is(policy, "noeviction")) {
        live_say(l, LIVE_FAIL, "redis", "CONFIG SET maxmemory-policy noeviction, and in redis.conf",
                 "maxmemory-policy is %.*s: Redis may drop customers without telling",
                 TEXT_PRINTF(policy));
    } else if (policy.at != NULL) {
        live_say(l, LIVE_OK, "redis", NULL, "maxmemory-policy is noeviction");
    }
    if (most > 0 && used * 100 >= most * FULL_PERCENT) {
        live_say(l, LIVE_WARN, "redis", "more memory: when it is full, everything waits",
                 "%" PRId64 "%% of maxmemory is in use", used * 100 / most);
    } else if (most == 0 && policy.at != NULL) {
        live_say(l, LIVE_INFO, "redis", NULL,
                 "maxmemory is not set: the kernel decides what happens when memory runs out");
    }
}

static void check_persistence(struct live_check *l, const struct store_server *s)
{
    bool is_promised = l->config->is_exactly_once;

    if (info_of(s, "aof_enabled").at == NULL) {
        return;
    }
    if (!text_is(info_of(s, "aof_enabled"), "1")) {
        live_say(
            l, is_promised ? LIVE_FAIL : LIVE_WARN, "redis",
            "CONFIG SET appendonly yes, and in redis.conf",
            "the append-only file is off: a restart of Redis loses all since its last snapshot");
    } else if (text_is(s->appendfsync, "no")) {
        live_say(l, is_promised ? LIVE_FAIL : LIVE_WARN, "redis",
                 "CONFIG SET appendfsync everysec, and in redis.conf",
                 "appendfsync is no: the kernel decides how much a power failure costs");
    } else {
        live_say(l, LIVE_OK, "redis", NULL, "append-only file, appendfsync %.*s",
                 s->appendfsync.at == NULL ? 8 : (int)s->appendfsync.size,
                 s->appendfsync.at == NULL ? "not told" : s->appendfsync.at);
    }
    if (info_of(s, "aof_last_write_status").at != NULL &&
        !text_is(info_of(s, "aof_last_write_status"), "ok")) {
        live_say(l, LIVE_FAIL, "redis", "look at its disk: full, or broken",
                 "the last write to the append-only file failed");
    }
}

static void check_clock(struct live_check *l, const struct store_server *s)
{
    struct timespec now = { 0 };
    int64_t skew_ms;

    if (s->now_ms == INSTANT_NEVER) {
        return;
    }
    (void)clock_gettime(CLOCK_REALTIME, &now);
    skew_ms = s->now_ms - ((int64_t)now.tv_sec * SECOND_MS + now.tv_nsec / 1000000);
    if (skew_ms > SKEW_WARN_MS || skew_ms < -SKEW_WARN_MS) {
        live_say(l, skew_ms > SKEW_FAIL_MS || skew_ms < -SKEW_FAIL_MS ? LIVE_FAIL : LIVE_WARN,
                 "redis", "set the clocks (NTP): one of the two is wrong, and emails leave by ours",
                 "its clock is %" PRId64 " ms %s this host's", skew_ms < 0 ? -skew_ms : skew_ms,
                 skew_ms < 0 ? "behind" : "ahead of");
    } else {
        live_say(l, LIVE_OK, "redis", NULL, "its clock and this host's differ by %" PRId64 " ms",
                 skew_ms < 0 ? -skew_ms : skew_ms);
    }
}

static const char *refusal_fix(struct text word)
{
    static const struct {
        const char *word, *fix;
    } fixes[] = {
        { "NOPERM", "give the user: ~sg:* +@read +@write +@transaction +info +time +config|get "
                    "+ping +select" },
        { "READONLY", "name the primary in state.store" },
        { "OOM", "more memory, or fewer customers" },
        { "MISCONF", "look at its disk: Redis stopped taking writes when a snapshot failed" },
        { "NOAUTH", "state.user and state.password" },
        { "WRONGPASS", "state.user and state.password" },
        { "LOADING", "wait: it is reading its files" },
        { "MASTERDOWN", "bring its primary back, or name it" },
    };

    for (size_t i = 0; i < sizeof(fixes) / sizeof(fixes[0]); i++) {
        if (text_is(word, fixes[i].word)) {
            return fixes[i].fix;
        }
    }
    return "state.store: host, port or socket, and that Redis runs";
}

void live_check_redis(struct live_check *l)
{
    struct store_request probe = { .verb = STORE_PROBE };
    char sentence[STORE_READER_SENTENCE] = "";
    struct store_reply r;

    if (l->config->store != STORE_KIND_REDIS) {
        live_say(l, LIVE_WARN, "redis", "state.store: redis://..",
                 "the state is kept in memory: it is gone with the process");
        return;
    }
    store_reader_open(&l->redis, l->config);
    if (!store_reader_ask(&l->redis, &probe, &r, sentence)) {
        live_say(l, LIVE_GONE, "redis", refusal_fix(text_of(store_redis_trouble(l->redis.store))),
                 "%s", sentence);
        return;
    }
    l->is_redis_there = true;
    check_server(l, r.server);
    if (r.server->refused.at != NULL) {
        live_say(l, LIVE_FAIL, "redis", refusal_fix(r.server->refused), "it refuses %s: %.*s",
                 r.server->refused_for, TEXT_PRINTF(r.server->refused));
    }
    check_memory(l, r.server);
    check_persistence(l, r.server);
    check_clock(l, r.server);
}
