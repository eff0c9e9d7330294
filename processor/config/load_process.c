#include "processor/config/load.h"

#define CACHE_BYTES     (INT64_C(1) << 30)
#define COMMIT_EVERY_MS 10
#define REDIS_PORT      6379

#define REDIS_SENTINEL_PORT 26379

/* librdkafka properties that hold the guarantees together: segstream sets them itself. */
static const struct {
    const char *name, *why;
} owned[] = {
    { "group.id", "it is `app`" },
    { "group.instance.id", "it is --instance" },
    { "enable.auto.commit", "offsets are committed together with state" },
    { "auto.commit.interval.ms", "offsets are committed together with state" },
    { "enable.auto.offset.store", "offsets are committed together with state" },
    { "auto.offset.reset", "state says where to read on" },
    { "partition.assignment.strategy", "all topics of a partition go to one worker: range" },
    { "partitioner", "the key decides the partition as Java clients do: murmur2" },
    { "transactional.id", "it belongs to the guarantee" },
    { "enable.idempotence", "order per customer needs it" },
    { "max.in.flight.requests.per.connection", "order per customer bounds it" },
    { "isolation.level", "unfinished transactions are never input" },
    { "enable.partition.eof", "time moves on when a topic is read to its end" },
    { "bootstrap.servers", "it is `kafka.brokers`" },
    { "metadata.broker.list", "it is `kafka.brokers`" },
};

static const struct property *load_properties(struct loader *l, const struct yaml_node *kafka,
                                              const char *key, uint32_t *out_count)
{
    const struct yaml_node *n = yaml_get(kafka, key, NULL);
    struct property *properties;

    *out_count = 0;
    if (n == NULL || n->kind != YAML_MAP) {
        return NULL;
    }
    properties = arena_alloc(l->arena, (n->count + 1) * sizeof(struct property));
    for (uint32_t i = 0; i < n->count; i++) {
        for (size_t k = 0; k < sizeof(owned) / sizeof(owned[0]); k++) {
            if (text_is(n->keys[i]->text, owned[k].name)) {
                problem_add(l->problems, n->keys[i]->place, "E0301",
                            "kafka property `%s` is managed by segstream: %s", owned[k].name,
                            owned[k].why);
            }
        }
        properties[i].name = arena_text(l->arena, n->keys[i]->text);
        properties[i].value = arena_text(l->arena, n->items[i]->text);
    }
    *out_count = n->count;
    return properties;
}

static void load_kafka(struct loader *l)
{
    const struct yaml_node *n = load_section(l, "kafka", YAML_MAP);
    struct config *c = l->config;
    const struct text *brokers;
    uint32_t count = 0;

    if (n == NULL) {
        return;
    }
    brokers = load_texts(l, yaml_get(n, "brokers", NULL), &count);
    if (count == 0 && yaml_get(n, "brokers", NULL) != NULL) {
        problem_add(l->problems, yaml_get(n, "brokers", NULL)->place, "E0302",
                    "at least one broker, like localhost:9092");
    }
    for (uint32_t i = 0; i < count; i++) {
        c->brokers = arena_format(l->arena, "%.*s%s%.*s", TEXT_PRINTF(c->brokers),
                                  i == 0 ? "" : ",", TEXT_PRINTF(brokers[i]));
    }
    c->properties = load_properties(l, n, "properties", &c->property_count);
    c->consumer_properties =
        load_properties(l, n, "consumer_properties", &c->consumer_property_count);
    c->producer_properties =
        load_properties(l, n, "producer_properties", &c->producer_property_count);
}

static bool parse_number(struct text t, int64_t most, int32_t *out)
{
    int64_t value = 0;

    for (size_t i = 0; i < t.size && value <= most; i++) {
        if (t.at[i] < '0' || t.at[i] > '9') {
            return false;
        }
        value = value * 10 + (t.at[i] - '0');
    }
    *out = (int32_t)value;
    return t.size > 0 && value <= most;
}

static struct text behind(struct text t, size_t size)
{
    return (struct text){ t.at + size, t.size - size };
}

/* redis://HOST[:PORT][/DATABASE] */
static bool parse_redis(struct loader *l, struct text rest)
{
    struct config *c = l->config;
    const char *slash = rest.size == 0 ? NULL : memchr(rest.at, '/', rest.size);
    struct text host = { rest.at, slash == NULL ? rest.size : (size_t)(slash - rest.at) };
    const char *colon = host.size == 0 ? NULL : memrchr(host.at, ':', host.size);

    c->redis_port = REDIS_PORT;
    if (host.size > 0 && memchr(host.at, '@', host.size) != NULL) {
        return false; /* load_store says where user and password go */
    }
    if (slash != NULL && rest.size > host.size + 1 &&
        !parse_number(behind(rest, host.size + 1), 1023, &c->redis_database)) {
        return false;
    }
    if (colon != NULL) {
        if (!parse_number(behind(host, (size_t)(colon - host.at) + 1), 65535, &c->redis_port)) {
            return false;
        }
        host.size = (size_t)(colon - host.at);
    }
    c->redis_host = arena_text(l->arena, host);
    return host.size > 0;
}

static struct config_problem *refuse(struct loader *l, const struct yaml_node *n, const char *what)
{
    return problem_add(l->problems, n->place, "E0901", "not supported yet: %s", what);
}

static void load_store(struct loader *l, const struct yaml_node *n)
{
    struct config *c = l->config;
    bool is_good = true;

    if (n == NULL || n->kind != YAML_SCALAR) {
        return;
    }
    if (text_is(n->text, "memory")) {
        c->store = STORE_KIND_MEMORY;
    } else if (text_starts_with(n->text, TEXT("redis://"))) {
        c->store = STORE_KIND_REDIS;
        is_good = parse_redis(l, behind(n->text, 8));
    } else if (text_starts_with(n->text, TEXT("redis+unix://"))) {
        c->store = STORE_KIND_REDIS;
        c->redis_socket = arena_text(l->arena, behind(n->text, 13));
        is_good = c->redis_socket.size > 0;
    } else if (text_starts_with(n->text, TEXT("rediss://"))) {
        (void)refuse(l, n, "Redis over TLS");
    } else {
        is_good = false;
    }
    if (!is_good) {
        struct config_problem *p =
            problem_add(l->problems, n->place, "E0007",
                        "expected redis://HOST:PORT/DATABASE, redis+unix://PATH or memory");

        if (memchr(n->text.at, '@', n->text.size) != NULL) {
            problem_hint(p, "user and password have keys of their own: password: !env NAME");
        }
    }
}

/* HOST:PORT, or [ADDRESS]:PORT. */
static bool parse_node(struct loader *l, struct text t, int32_t port_if_none, struct endpoint *out)
{
    const char *colon = t.size == 0 ? NULL : memrchr(t.at, ':', t.size);
    struct text host = { t.at, colon == NULL ? t.size : (size_t)(colon - t.at) };

    out->port = port_if_none;
    if (colon != NULL && !parse_number(behind(t, host.size + 1), 65535, &out->port)) {
        return false;
    }
    if (host.size > 2 && host.at[0] == '[' && host.at[host.size - 1] == ']') {
        host = (struct text){ host.at + 1, host.size - 2 };
    }
    out->host = arena_text(l->arena, host);
    return host.size > 0 && out->port > 0;
}

static void load_nodes(struct loader *l, const struct yaml_node *n, int32_t port_if_none)
{
    struct config *c = l->config;
    uint32_t count = 0;
    const struct text *texts = load_texts(l, n, &count);
    struct endpoint *nodes = arena_alloc(l->arena, (count + 1) * sizeof(*nodes));

    if (c->redis_layout == REDIS_LAYOUT_CLUSTER && c->redis_host.at != NULL) {
        nodes[c->redis_node_count++] = (struct endpoint){ c->redis_host, c->redis_port };
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!parse_node(l, texts[i], port_if_none, &nodes[c->redis_node_count++])) {
            problem_add(l->problems, n->place, "E0007", "expected HOST:PORT, found `%.*s`",
                        TEXT_PRINTF(texts[i]));
        }
    }
    c->redis_nodes = nodes;
}

static void load_layout(struct loader *l, const struct yaml_node *n)
{
    const struct yaml_node *layout = yaml_get(n, "layout", NULL);
    const struct yaml_node *nodes = yaml_get(n, "nodes", NULL);
    const struct yaml_node *master = yaml_get(n, "master", NULL);
    struct config *c = l->config;

    if (layout == NULL ||
        (!text_is(layout->text, "cluster") && !text_is(layout->text, "sentinel"))) {
        if (nodes != NULL || master != NULL) {
            problem_hint(problem_add(l->problems, (nodes == NULL ? master : nodes)->place, "E0303",
                                     "a single Redis has neither nodes nor sentinels"),
                         "layout: cluster, or layout: sentinel");
        }
        return;
    }
    c->redis_layout =
        text_is(layout->text, "cluster") ? REDIS_LAYOUT_CLUSTER : REDIS_LAYOUT_SENTINEL;
    load_nodes(l, nodes,
               c->redis_layout == REDIS_LAYOUT_CLUSTER ? REDIS_PORT : REDIS_SENTINEL_PORT);
    c->redis_master = arena_text(l->arena, load_text(n, "master"));
    if (c->store == STORE_KIND_MEMORY || c->redis_socket.at != NULL) {
        problem_add(l->problems, layout->place, "E0303", "many servers are reached by redis://");
    } else if (c->redis_layout == REDIS_LAYOUT_CLUSTER && c->redis_database != 0) {
        problem_add(l->problems, layout->place, "E0303", "a cluster has database 0 only");
    } else if (c->redis_layout == REDIS_LAYOUT_CLUSTER && master != NULL) {
        problem_add(l->problems, master->place, "E0303", "`master` is for sentinels");
    } else if (c->redis_layout == REDIS_LAYOUT_SENTINEL &&
               (nodes == NULL || c->redis_master.at == NULL)) {
        problem_hint(
            problem_add(l->problems, layout->place, "E0303",
                        "sentinels are asked for a master by its name"),
            "nodes: [sentinel-1:26379, ...], master: NAME; the database is that of `store`");
    }
}

static void load_state(struct loader *l)
{
    const struct yaml_node *n = load_section(l, "state", YAML_MAP);
    const struct yaml_node *found;
    struct config *c = l->config;

    l->rules->live_from_ms = INSTANT_MIN;
    c->cache_bytes = CACHE_BYTES;
    c->commit_every_ms = load_duration(n, "commit_every", COMMIT_EVERY_MS);
    if (n == NULL) {
        return;
    }
    load_store(l, yaml_get(n, "store", NULL));
    c->redis_user = arena_text(l->arena, load_text(n, "user"));
    c->redis_password = arena_text(l->arena, load_text(n, "password"));
    (void)scalar_size(yaml_get(n, "cache", NULL), &c->cache_bytes);
    load_layout(l, n);
    found = yaml_get(n, "guarantee", NULL);
    c->is_exactly_once = found != NULL && text_is(found->text, "exactly_once");
    if (c->is_exactly_once && c->store == STORE_KIND_MEMORY) {
        problem_hint(problem_add(l->problems, found->place, "E0302",
                                 "exactly_once needs a store that outlives the process"),
                     "state in memory is gone with it: use Redis, or at_least_once");
    }
    found = yaml_get(n, "forget_after", NULL);
    if (found != NULL && !text_is(found->text, "never") &&
        (!scalar_duration(found, &l->rules->forget_after_ms) || l->rules->forget_after_ms == 0)) {
        problem_add(l->problems, found->place, "E0007", "expected a duration like 400d, or never");
    }
    (void)scalar_instant(yaml_get(n, "live_from", NULL), &l->rules->live_from_ms);
}

/* HOST:PORT */
static bool is_listen(struct text t)
{
    const char *colon = t.size == 0 ? NULL : memrchr(t.at, ':', t.size);
    int32_t port;

    return colon != NULL && colon > t.at &&
           parse_number(behind(t, (size_t)(colon - t.at) + 1), 65535, &port);
}

void load_process(struct loader *l)
{
    const struct yaml_node *http = load_section(l, "http", YAML_MAP);
    const struct yaml_node *listen = yaml_get(http, "listen", NULL);
    const struct yaml_node *token = yaml_get(http, "token", NULL);
    struct config *c = l->config;
    int64_t workers = 1;

    load_kafka(l);
    load_state(l);
    (void)scalar_int(yaml_get(l->root, "workers", NULL), &workers);
    c->workers = (int32_t)workers;
    c->http_listen = TEXT("127.0.0.1:9464");
    if (listen != NULL) {
        c->http_listen =
            text_is(listen->text, "none") ? TEXT_NONE : arena_text(l->arena, listen->text);
        if (c->http_listen.at != NULL && !is_listen(c->http_listen)) {
            problem_add(l->problems, listen->place, "E0007",
                        "expected HOST:PORT (port 0: any), or none");
        }
    }
    if (token != NULL && token->text.size == 0) {
        problem_add(l->problems, token->place, "E0007", "an empty token protects nothing");
    } else if (token != NULL) {
        c->http_token = arena_text(l->arena, token->text);
    }
}
