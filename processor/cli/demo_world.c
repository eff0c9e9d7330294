#include "processor/cli/demo_world.h"

#include "processor/base/check.h"
#include "processor/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define REDIS_START_MS 5000
#define POLL_STEP_MS   5

struct demo_world {
    struct demo_world_options options;
    char folder[90];
    char socket[104];
    pid_t redis;
    rd_kafka_t *host; /* carries the mock cluster */
    rd_kafka_mock_cluster_t *cluster;
    rd_kafka_t *producer;
    rd_kafka_t *reader;
    rd_kafka_message_t *message; /* the one lent out */
};

static enum err fail(char out_text[256], const char *what, const char *why)
{
    (void)snprintf(out_text, 256, "%s: %s", what, why);
    return ERR_UNAVAILABLE;
}

static rd_kafka_conf_t *conf_of(const char *const (*pairs)[2], size_t count)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char text[256];

    for (size_t i = 0; i < count; i++) {
        CHECK(rd_kafka_conf_set(conf, pairs[i][0], pairs[i][1], text, sizeof(text)) ==
              RD_KAFKA_CONF_OK);
    }
    rd_kafka_conf_set_log_cb(conf, NULL);
    return conf;
}

static rd_kafka_t *client(rd_kafka_type_t type, rd_kafka_conf_t *conf, char out_text[256])
{
    char text[200];
    rd_kafka_t *rk = rd_kafka_new(type, conf, text, sizeof(text));

    if (rk == NULL) {
        (void)fail(out_text, "the embedded Kafka's client cannot start", text);
    }
    return rk;
}

static enum err open_cluster(struct demo_world *w, char out_text[256])
{
    static const char *const pairs[][2] = { { "client.id", "demo-host" } };

    w->host = client(RD_KAFKA_PRODUCER, conf_of(pairs, 1), out_text);
    if (w->host == NULL) {
        return ERR_UNAVAILABLE;
    }
    w->cluster = rd_kafka_mock_cluster_new(w->host, 1);
    if (w->cluster == NULL) {
        return fail(out_text, "the embedded Kafka cannot start", "no socket on loopback");
    }
    (void)rd_kafka_mock_topic_create(w->cluster, w->options.input_topic, w->options.partitions, 1);
    for (size_t i = 0; i < OUTPUT_TYPE__COUNT; i++) {
        (void)rd_kafka_mock_topic_create(w->cluster, w->options.output_topics[i],
                                         w->options.partitions, 1);
    }
    return OK;
}

static enum err open_producer(struct demo_world *w, char out_text[256])
{
    const char *const pairs[][2] = { { "bootstrap.servers", demo_world_brokers(w) },
                                     { "client.id", "demo-shoppers" },
                                     { "linger.ms", "5" },
                                     { "socket.nagle.disable", "true" } };

    w->producer =
        client(RD_KAFKA_PRODUCER, conf_of(pairs, sizeof(pairs) / sizeof(pairs[0])), out_text);
    return w->producer == NULL ? ERR_UNAVAILABLE : OK;
}

static enum err open_reader(struct demo_world *w, char out_text[256])
{
    const char *const pairs[][2] = { { "bootstrap.servers", demo_world_brokers(w) },
                                     { "client.id", "demo-view" },
                                     { "group.id", "demo-view" },
                                     { "enable.auto.commit", "false" },
                                     { "auto.offset.reset", "earliest" },
                                     { "socket.nagle.disable", "true" },
                                     { "fetch.wait.max.ms", "10" } };
    rd_kafka_topic_partition_list_t *list;

    w->reader =
        client(RD_KAFKA_CONSUMER, conf_of(pairs, sizeof(pairs) / sizeof(pairs[0])), out_text);
    if (w->reader == NULL) {
        return ERR_UNAVAILABLE;
    }
    list = rd_kafka_topic_partition_list_new(OUTPUT_TYPE__COUNT * w->options.partitions);
    for (size_t i = 0; i < OUTPUT_TYPE__COUNT; i++) {
        for (int32_t p = 0; p < w->options.partitions; p++) {
            rd_kafka_topic_partition_list_add(list, w->options.output_topics[i], p)->offset = 0;
        }
    }
    rd_kafka_poll_set_consumer(w->reader);
    (void)rd_kafka_assign(w->reader, list);
    rd_kafka_topic_partition_list_destroy(list);
    return OK;
}

/* In the child: become redis-server, and end when the parent does. */
_Noreturn static void become_redis(const struct demo_world *w, pid_t parent)
{
    int null = open("/dev/null", O_RDWR);
    sigset_t none;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(0);
    }
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setpgid(0, 0); /* Ctrl-C is for the parent, which ends this one last */
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(null, STDOUT_FILENO);
    (void)dup2(null, STDERR_FILENO);
    (void)execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", w->socket, "--save",
                 "", "--appendonly", "no", "--dir", w->folder, "--maxmemory-policy", "noeviction",
                 (char *)NULL);
    _exit(127);
}

static bool redis_answers(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    bool is_up;

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    is_up = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
    (void)close(fd);
    return is_up;
}

static enum err open_redis(struct demo_world *w, char out_text[256])
{
    pid_t parent = getpid();

    const char *parent_folder = getenv("TMPDIR");

    /* A socket's path has room for 107 bytes. */
    if (parent_folder == NULL || strlen(parent_folder) > sizeof(w->folder) - 32) {
        parent_folder = "/tmp";
    }
    (void)snprintf(w->folder, sizeof(w->folder), "%s/segstream-demo-XXXXXX", parent_folder);
    if (mkdtemp(w->folder) == NULL) {
        return fail(out_text, "no temporary folder", strerror(errno));
    }
    (void)snprintf(w->socket, sizeof(w->socket), "%s/redis.sock", w->folder);
    w->redis = fork();
    if (w->redis < 0) {
        return fail(out_text, "redis-server cannot start", strerror(errno));
    }
    if (w->redis == 0) {
        become_redis(w, parent);
    }
    for (int waited = 0; waited < REDIS_START_MS; waited += POLL_STEP_MS) {
        if (redis_answers(w->socket)) {
            return OK;
        }
        if (waitpid(w->redis, NULL, WNOHANG) == w->redis) {
            w->redis = 0;
            return fail(out_text, "redis-server cannot start",
                        "install it (apt-get install redis-server) or use --store memory");
        }
        (void)poll(NULL, 0, POLL_STEP_MS);
    }
    return fail(out_text, "redis-server", "does not answer");
}

enum err demo_world_open(const struct demo_world_options *options, struct demo_world **out_world,
                         char out_text[256])
{
    struct demo_world *w = mem_alloc(sizeof(*w));
    enum err e = OK;

    CHECK(options->partitions > 0);
    w->options = *options;
    if (options->has_redis) {
        e = open_redis(w, out_text);
    }
    if (e == OK) {
        e = open_cluster(w, out_text);
    }
    if (e == OK) {
        e = open_producer(w, out_text);
    }
    if (e == OK) {
        e = open_reader(w, out_text);
    }
    if (e != OK) {
        demo_world_close(w);
        return e;
    }
    *out_world = w;
    return OK;
}

void demo_world_close(struct demo_world *w)
{
    if (w == NULL) {
        return;
    }
    if (w->message != NULL) {
        rd_kafka_message_destroy(w->message);
    }
    if (w->reader != NULL) {
        (void)rd_kafka_unsubscribe(w->reader);
        rd_kafka_destroy_flags(w->reader, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    if (w->producer != NULL) {
        (void)rd_kafka_purge(w->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_destroy(w->producer);
    }
    if (w->cluster != NULL) {
        rd_kafka_mock_cluster_destroy(w->cluster);
    }
    if (w->host != NULL) {
        rd_kafka_destroy(w->host);
    }
    if (w->redis > 0) {
        (void)kill(w->redis, SIGKILL);
        (void)waitpid(w->redis, NULL, 0);
    }
    if (w->folder[0] != '\0') {
        (void)unlink(w->socket);
        (void)rmdir(w->folder);
    }
    mem_free(w);
}

const char *demo_world_brokers(const struct demo_world *w)
{
    return rd_kafka_mock_cluster_bootstraps(w->cluster);
}

const char *demo_world_socket(const struct demo_world *w)
{
    return w->socket;
}

enum err demo_world_produce(struct demo_world *w, int32_t partition, struct text key,
                            struct bytes value)
{
    rd_kafka_resp_err_t e;

    do {
        e = rd_kafka_producev(w->producer, RD_KAFKA_V_TOPIC(w->options.input_topic),
                              RD_KAFKA_V_PARTITION(partition),
                              RD_KAFKA_V_KEY((void *)(uintptr_t)key.at, key.size),
                              RD_KAFKA_V_VALUE((void *)(uintptr_t)value.at, value.size),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        (void)rd_kafka_poll(w->producer, e == RD_KAFKA_RESP_ERR__QUEUE_FULL ? 10 : 0);
    } while (e == RD_KAFKA_RESP_ERR__QUEUE_FULL);
    return e == RD_KAFKA_RESP_ERR_NO_ERROR ? OK : ERR_UNAVAILABLE;
}

void demo_world_flush(struct demo_world *w)
{
    (void)rd_kafka_flush(w->producer, 10000);
}

bool demo_world_read(struct demo_world *w, int32_t timeout_ms, enum output_type *out_type,
                     struct bytes *out_value)
{
    if (w->message != NULL) {
        rd_kafka_message_destroy(w->message);
    }
    w->message = rd_kafka_consumer_poll(w->reader, timeout_ms);
    if (w->message == NULL || w->message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return false;
    }
    for (size_t i = 0; i < OUTPUT_TYPE__COUNT; i++) {
        if (strcmp(rd_kafka_topic_name(w->message->rkt), w->options.output_topics[i]) == 0) {
            *out_type = (enum output_type)i;
            *out_value = (struct bytes){ w->message->payload, w->message->len };
            return true;
        }
    }
    UNREACHABLE();
}
