#include "sinks/redis_discovery.h"

#include "processor/base/hash.h"
#include "processor/base/log.h"
#include "processor/base/mem.h"
#include "sinks/redis_link.h"
#include "sinks/store_redis_turn.h"

#define ANSWER_MS 1000 /* then the next one is asked */
#define PAUSE_MS  100  /* between two, so that a cluster in trouble is not flooded */

struct redis_discovery {
    const struct store_redis_options *options;
    redis_discovery_found *found;
    void *context;
    struct redis_link *link; /* NULL: none is being asked */
    bool is_asking;
    bool is_said;      /* that none knows */
    uint32_t greeting; /* replies to come before the answer */
    uint32_t next;     /* who is asked next */
    struct text host;  /* of who is asked; owned */
    int32_t port;
    int64_t until_ms; /* patience with the link; without one, no earlier than this */
};

struct redis_discovery *redis_discovery_new(const struct store_redis_options *options,
                                            redis_discovery_found *found, void *context)
{
    struct redis_discovery *d = mem_alloc(sizeof(*d));

    d->options = options;
    d->found = found;
    d->context = context;
    return d;
}

static void hang_up(struct redis_discovery *d)
{
    redis_link_close(d->link);
    d->link = NULL;
    mem_free((void *)(uintptr_t)d->host.at);
    d->host = TEXT_NONE;
    d->until_ms = store_redis_turn_now_ms() + PAUSE_MS;
}

void redis_discovery_free(struct redis_discovery *d)
{
    hang_up(d);
    mem_free(d);
}

void redis_discovery_ask(struct redis_discovery *d)
{
    d->is_asking = true;
}

int redis_discovery_fd(const struct redis_discovery *d)
{
    return d->link == NULL ? -1 : redis_link_fd(d->link);
}

/* --- the question --- */

static void call(struct redis_discovery *d, struct endpoint at)
{
    struct bytes_out *out;

    d->host = text_dup(at.host);
    d->port = at.port;
    d->greeting = 0;
    d->until_ms = store_redis_turn_now_ms() + ANSWER_MS;
    d->link = redis_link_open(TEXT_NONE, at.host, at.port);
    if (d->link == NULL) {
        hang_up(d);
        return;
    }
    out = redis_link_out(d->link);
    if (d->options->layout == STORE_REDIS_CLUSTER) {
        d->greeting =
            store_redis_turn_auth(d->options, out); /* sentinels have words of their own */
        redis_link_command(out, 2);
        redis_link_word(out, "CLUSTER");
        redis_link_word(out, "SLOTS");
    } else {
        redis_link_command(out, 3);
        redis_link_word(out, "SENTINEL");
        redis_link_word(out, "GET-MASTER-ADDR-BY-NAME");
        redis_link_argument(out, d->options->master.at, d->options->master.size);
    }
}

/* --- the answer --- */

/* [from, to, [host, port, ..], replicas ..] each. An empty host: the one that was asked. */
static bool take_slots(struct redis_discovery *d, const struct redisReply *r)
{
    uint32_t count = redis_link_reply_count(r);

    for (uint32_t i = 0; i < count; i++) {
        const struct redisReply *range = redis_link_reply_at(r, i), *node;
        int64_t from, to;
        struct text host;

        if (redis_link_reply_count(range) < 3) {
            return false;
        }
        from = redis_link_reply_integer(redis_link_reply_at(range, 0));
        to = redis_link_reply_integer(redis_link_reply_at(range, 1));
        node = redis_link_reply_at(range, 2);
        if (redis_link_reply_count(node) < 2 || from < 0 || to < from || to >= REDIS_SLOTS) {
            return false;
        }
        host = redis_link_reply_text(redis_link_reply_at(node, 0));
        d->found(
            d->context, (uint32_t)from, (uint32_t)to,
            (struct endpoint){ host.size == 0 ? d->host : host,
                               (int32_t)redis_link_reply_integer(redis_link_reply_at(node, 1)) });
    }
    return count > 0;
}

/* [host, port as text]. */
static bool take_master(struct redis_discovery *d, const struct redisReply *r)
{
    struct text host, port;
    int64_t number = 0;

    if (redis_link_reply_count(r) != 2) {
        return false; /* nil: it knows no such master */
    }
    host = redis_link_reply_text(redis_link_reply_at(r, 0));
    port = redis_link_reply_text(redis_link_reply_at(r, 1));
    for (size_t i = 0; i < port.size && i < 6; i++) {
        number = number * 10 + (port.at[i] - '0');
    }
    d->found(d->context, 0, REDIS_SLOTS - 1, (struct endpoint){ host, (int32_t)number });
    return host.size > 0 && number > 0;
}

/* Returns: whether it has told everything. */
static bool take(struct redis_discovery *d)
{
    struct redisReply *r;
    bool is_told = false;

    while (!is_told && redis_link_take(d->link, &r)) {
        if (redis_link_reply_type(r) == REDIS_LINK_ERROR) {
            d->until_ms = 0; /* not a node of a cluster, or not for us: the next one */
        } else if (d->greeting > 0) {
            d->greeting--;
        } else if (d->options->layout == STORE_REDIS_CLUSTER ? take_slots(d, r)
                                                             : take_master(d, r)) {
            is_told = true;
        } else {
            d->until_ms = 0;
        }
        redis_link_reply_free(r);
    }
    return is_told;
}

bool redis_discovery_turn(struct redis_discovery *d, const struct endpoint *others,
                          uint32_t other_count)
{
    uint32_t count = d->options->node_count + other_count;
    int64_t now_ms = store_redis_turn_now_ms();

    if (!d->is_asking || count == 0) {
        return false;
    }
    if (d->link == NULL) {
        uint32_t at = d->next % count;

        if (now_ms < d->until_ms) {
            return false;
        }
        if (d->next >= 2 * count && !d->is_said) {
            d->is_said = true;
            log_line(LOG_WARN, "store.undiscovered", "asked=%u layout=%s", count,
                     d->options->layout == STORE_REDIS_CLUSTER ? "cluster" : "sentinel");
        }
        d->next++;
        call(d, at < d->options->node_count ? d->options->nodes[at]
                                            : others[at - d->options->node_count]);
    }
    if (d->link != NULL) {
        redis_link_send(d->link);
        redis_link_read(d->link);
        if (take(d)) {
            hang_up(d);
            d->is_asking = d->is_said = false;
            d->next = 0;
            return true;
        }
        if (redis_link_trouble(d->link) != NULL || now_ms > d->until_ms) {
            hang_up(d);
        }
    }
    return false;
}

uint32_t redis_slot(struct text tag)
{
    return hash_crc16(tag) % REDIS_SLOTS;
}
