/* What an event costs: see README.md.
 *
 * DESIGN. The broker is a mock cluster in this process; the plain consumer and segstream are
 * processes of their own, so the kernel's accounts of them are theirs alone. Progress of segstream
 * is read from its /metrics.
 */
#include "processor/base/hash.h"
#include "processor/base/mem.h"
#include "processor/base/rng.h"
#include "schemas/avro.h"

#include <argp.h>
#include <arpa/inet.h>
#include <dirent.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_MS INT64_C(1772438400000)
#define TOPIC    "bench.events"

struct arguments {
    const char *segstream, *rules;
    long events, customers, partitions, workers;
    bool has_redis;
};

struct cpu { /* seconds */
    double own, librdkafka;
};

static struct arguments args = { .rules = "tests/bench/bench.yaml",
                                 .events = 500000,
                                 .customers = 100000,
                                 .partitions = 8,
                                 .workers = 1,
                                 .has_redis = true };

static const struct argp_option options[] = {
    { "segstream", 'b', "FILE", 0, "The binary", 0 },
    { "rules", 'c', "FILE", 0, "Rules without kafka, state and topics", 0 },
    { "events", 'n', "N", 0, "Events", 0 },
    { "customers", 'k', "N", 0, "Customers", 0 },
    { "partitions", 'p', "N", 0, "Partitions", 0 },
    { "workers", 'w', "N", 0, "Threads", 0 },
    { "store", 's', "KIND", 0, "redis or memory", 0 },
    { 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    switch (key) {
    case 'b':
        args.segstream = argument;
        return 0;
    case 'c':
        args.rules = argument;
        return 0;
    case 'n':
        args.events = strtol(argument, NULL, 10);
        return 0;
    case 'k':
        args.customers = strtol(argument, NULL, 10);
        return 0;
    case 'p':
        args.partitions = strtol(argument, NULL, 10);
        return 0;
    case 'w':
        args.workers = strtol(argument, NULL, 10);
        return 0;
    case 's':
        args.has_redis = strcmp(argument, "redis") == 0;
        return 0;
    case ARGP_KEY_END:
        if (args.segstream == NULL) {
            argp_error(state, "--segstream FILE is needed");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

/* --- the topic --- */

static void make_event(struct rng *rng, struct arena *arena, long number, struct event *ev)
{
    static const char *const kinds[] = { "click", "click", "click", "open",  "open",
                                         "open",  "open",  "visit", "visit", "purchase" };
    struct event_field *field = arena_alloc(arena, sizeof(*field));

    *ev = (struct event){ .kind_name = text_of(kinds[rng_below(rng, 10)]),
                          .customer = arena_format(
                              arena, "customer-%07llu",
                              (unsigned long long)rng_below(rng, (uint64_t)args.customers)),
                          .at_ms = START_MS + number * 250,
                          .id = arena_format(arena, "e-%012ld", number),
                          .fields = field,
                          .field_count = 1 };
    ev->kind = event_kind_of(ev->kind_name);
    field->name = TEXT("url");
    field->key = hash32(field->name);
    field->value = (struct value){ .type = VALUE_TEXT,
                                   .as.text = rng_below(rng, 5) == 0 ? TEXT("/pricing")
                                                                     : TEXT("/guide/evidence") };
    if (ev->kind == EVENT_PURCHASE) {
        ev->order = ev->id;
        ev->has_amount = true;
        ev->amount = (int64_t)rng_below(rng, 20000);
        ev->currency = TEXT("EUR");
        ev->field_count = 0;
    }
}

static void produce(const char *brokers)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char sentence[256];
    struct arena arena = { 0 };
    struct bytes_out value = { 0 };
    struct rng rng;
    rd_kafka_t *producer;

    (void)rd_kafka_conf_set(conf, "bootstrap.servers", brokers, sentence, sizeof(sentence));
    (void)rd_kafka_conf_set(conf, "linger.ms", "20", sentence, sizeof(sentence));
    (void)rd_kafka_conf_set(conf, "queue.buffering.max.messages", "200000", sentence,
                            sizeof(sentence));
    /* The mock cluster keeps 5 MiB of a partition: compressed, that is enough. */
    (void)rd_kafka_conf_set(conf, "compression.codec", "lz4", sentence, sizeof(sentence));
    producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, sentence, sizeof(sentence));
    rng_init(&rng, 1);
    for (long i = 0; i < args.events; i++) {
        struct event ev;

        make_event(&rng, &arena, i, &ev);
        bytes_out_clear(&value);
        avro_encode_event(&ev, &value);
        while (rd_kafka_producev(
                   producer, RD_KAFKA_V_TOPIC(TOPIC),
                   RD_KAFKA_V_PARTITION(hash_partition(ev.customer, (int32_t)args.partitions)),
                   RD_KAFKA_V_KEY((void *)(uintptr_t)ev.customer.at, ev.customer.size),
                   RD_KAFKA_V_VALUE(value.at, value.size), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                   RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            (void)rd_kafka_poll(producer, 10);
        }
        (void)rd_kafka_poll(producer, 0);
        arena_reset(&arena);
    }
    (void)rd_kafka_flush(producer, 60000);
    for (int32_t p = 0; p < args.partitions; p++) {
        int64_t low = 0, high = 0;

        (void)rd_kafka_query_watermark_offsets(producer, TOPIC, p, &low, &high, 5000);
        if (low > 0) {
            fprintf(stderr, "bench: the mock cluster dropped events: fewer, or more partitions\n");
            exit(64);
        }
    }
    rd_kafka_destroy(producer);
    bytes_out_fini(&value);
    arena_fini(&arena);
}

/* --- the ceiling: a consumer that does nothing, in a child --- */

static int consume(const char *brokers)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_message_t *messages[1000];
    char sentence[256];
    rd_kafka_t *consumer;
    rd_kafka_queue_t *queue;
    long seen = 0;

    (void)rd_kafka_conf_set(conf, "bootstrap.servers", brokers, sentence, sizeof(sentence));
    (void)rd_kafka_conf_set(conf, "group.id", "bench-raw", sentence, sizeof(sentence));
    (void)rd_kafka_conf_set(conf, "auto.offset.reset", "earliest", sentence, sizeof(sentence));
    consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, sentence, sizeof(sentence));
    (void)rd_kafka_poll_set_consumer(consumer);
    for (int32_t p = 0; p < args.partitions; p++) {
        rd_kafka_topic_partition_list_add(list, TOPIC, p)->offset = RD_KAFKA_OFFSET_BEGINNING;
    }
    (void)rd_kafka_assign(consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    queue = rd_kafka_queue_get_consumer(consumer);
    while (seen < args.events) {
        ssize_t count = rd_kafka_consume_batch_queue(queue, 100, messages, 1000);

        for (ssize_t i = 0; i < count; i++) {
            seen += messages[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR;
            rd_kafka_message_destroy(messages[i]);
        }
    }
    _exit(0); /* what is measured is consuming */
}

static void raw(const char *brokers)
{
    double began = now_s(), seconds, cpu;
    struct rusage usage;
    char path[64];
    pid_t child;

    (void)fflush(stdout);
    snprintf(path, sizeof(path), "%s", brokers);
    child = fork();
    if (child == 0) {
        char events[32], partitions[32];

        snprintf(events, sizeof(events), "%ld", args.events);
        snprintf(partitions, sizeof(partitions), "%ld", args.partitions);
        execl("/proc/self/exe", "bench", "--raw", path, events, partitions, (char *)NULL);
        _exit(127);
    }
    (void)wait4(child, NULL, 0, &usage);
    seconds = now_s() - began;
    cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
          (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("%-28s %10.0f events/s  %6.2f us CPU per event\n", "plain consumer",
           (double)args.events / seconds, cpu * 1e6 / (double)args.events);
}

/* --- CPU of a process, by thread --- */

static double thread_seconds(const char *path, char name[64])
{
    FILE *file = fopen(path, "r");
    char line[1024] = "";
    unsigned long user = 0, system = 0;
    char *close, *open;

    if (file == NULL) {
        return 0;
    }
    (void)!fgets(line, sizeof(line), file);
    (void)fclose(file);
    open = strchr(line, '(');
    close = strrchr(line, ')');
    if (open == NULL || close == NULL) {
        return 0;
    }
    snprintf(name, 64, "%.*s", (int)(close - open - 1), open + 1);
    if (sscanf(close + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) !=
        2) {
        return 0;
    }
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static struct cpu cpu_of(pid_t pid)
{
    struct cpu cpu = { 0, 0 };
    char path[320], name[64];
    struct dirent *entry;
    DIR *dir;

    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    dir = opendir(path);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            snprintf(path, sizeof(path), "/proc/%d/task/%s/stat", pid, entry->d_name);
            double seconds = thread_seconds(path, name);

            *(strncmp(name, "rdk:", 4) == 0 ? &cpu.librdkafka : &cpu.own) += seconds;
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return cpu;
}

/* --- segstream --- */

static uint16_t http_port;

/* A port that is free now: two benchmarks may run at once. */
static uint16_t free_port(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &size) != 0) {
        fprintf(stderr, "bench: no free port\n");
        exit(69);
    }
    (void)close(fd);
    return ntohs(at.sin_port);
}

/* One metric of the running process; -1: it does not answer. */
static double metric(const char *name)
{
    static char page[65536];
    static const char request[] = "GET /metrics HTTP/1.0\r\n\r\n";
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(http_port),
                              .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    size_t size = 0;
    char *found;

    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
        write(fd, request, sizeof(request) - 1) > 0) {
        ssize_t got;

        while (size < sizeof(page) - 1 &&
               (got = read(fd, page + size, sizeof(page) - 1 - size)) > 0) {
            size += (size_t)got;
        }
    }
    (void)close(fd);
    page[size] = '\0';
    for (found = page; (found = strstr(found, name)) != NULL; found++) {
        if (found > page && found[-1] == '\n' && found[strlen(name)] == ' ') {
            return strtod(found + strlen(name), NULL);
        }
    }
    return -1;
}

static void write_config(const char *path, const char *brokers, const char *socket_path)
{
    FILE *from = fopen(args.rules, "r"), *to = fopen(path, "w");
    char line[4096];

    if (from == NULL || to == NULL) {
        fprintf(stderr, "bench: cannot read %s or write %s\n", args.rules, path);
        exit(64);
    }
    while (fgets(line, sizeof(line), from) != NULL) {
        (void)fputs(line, to);
    }
    fprintf(to, "kafka: {brokers: [\"%s\"]}\n", brokers);
    if (args.has_redis) {
        fprintf(to, "state: {store: \"redis+unix://%s\"}\n", socket_path);
    } else {
        fprintf(to, "state: {store: memory}\n");
    }
    fprintf(to,
            "workers: %ld\nhttp: {listen: \"127.0.0.1:%d\"}\ntopics:\n"
            "  in: {" TOPIC ": {kind: {field: kind}}}\n  triggers: {topic: bench.triggers}\n"
            "  memberships: {topic: bench.memberships}\n  outcomes: {topic: bench.outcomes}\n"
            "  dead_letters: {topic: bench.dead}\n",
            args.workers, http_port);
    (void)fclose(from);
    (void)fclose(to);
}

static pid_t start_redis(const char *folder, const char *socket_path)
{
    pid_t pid = fork();

    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket_path, "--dir",
               folder, "--save", "", "--appendonly", "yes", "--appendfsync", "everysec",
               "--maxmemory-policy", "noeviction", "--logfile", "/dev/null", (char *)NULL);
        _exit(127);
    }
    while (access(socket_path, F_OK) != 0 && waitpid(pid, NULL, WNOHANG) == 0) {
        pause_ms(5);
    }
    return pid;
}

static void report(const char *name, double seconds, struct cpu used, double redis)
{
    double n = (double)args.events / 1e6;

    printf("%-28s %10.0f events/s  %6.2f us CPU per event: own %.2f, librdkafka %.2f, Redis %.2f\n",
           name, (double)args.events / seconds, (used.own + used.librdkafka + redis) / n,
           used.own / n, used.librdkafka / n, redis / n);
}

static bool measure(pid_t pid, pid_t redis)
{
    double began = 0, seconds, applied = 0, redis_before = redis > 0 ? cpu_of(redis).own : 0;
    struct cpu used, before, idle;

    while (applied < (double)args.events) {
        applied = metric("segstream_events_total");
        if (applied > 0 && began <= 0) {
            began = now_s(); /* the group has been joined */
        }
        if (waitpid(pid, NULL, WNOHANG) != 0) {
            fprintf(stderr, "bench: segstream ended\n");
            return false;
        }
        pause_ms(20);
    }
    seconds = now_s() - began;
    used = cpu_of(pid);
    report("segstream", seconds, used, redis > 0 ? cpu_of(redis).own - redis_before : 0);
    printf("%-28s %.0f triggers, %.0f memberships, %.0f commits, %.0f timers, %.0f MiB\n", "",
           metric("segstream_triggers_total"), metric("segstream_memberships_total"),
           metric("segstream_commits_total"), metric("segstream_timers_fired_total"),
           metric("process_resident_memory_bytes") / 1048576);
    while (metric("segstream_outbox_pending") > 0) {
        pause_ms(50);
    }
    before = cpu_of(pid);
    pause_ms(5000);
    idle = cpu_of(pid);
    printf("%-28s %.2f %% of one core\n", "idle",
           (idle.own + idle.librdkafka - before.own - before.librdkafka) / 5 * 100);
    return true;
}

static bool run_segstream(const char *brokers)
{
    char folder[] = "/tmp/segstream-bench-XXXXXX", config[64], socket_path[64], command[128];
    pid_t redis = -1, pid;
    bool is_good;

    if (mkdtemp(folder) == NULL) {
        return false;
    }
    snprintf(config, sizeof(config), "%s/bench.yaml", folder);
    snprintf(socket_path, sizeof(socket_path), "%s/redis.sock", folder);
    if (args.has_redis) {
        redis = start_redis(folder, socket_path);
    }
    http_port = free_port();
    write_config(config, brokers, socket_path);
    (void)fflush(stdout);
    pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl(args.segstream, args.segstream, "run", "-c", config, (char *)NULL);
        _exit(127);
    }
    is_good = measure(pid, redis);
    (void)kill(pid, SIGTERM);
    (void)waitpid(pid, NULL, 0);
    if (redis > 0) {
        (void)kill(redis, SIGKILL);
        (void)waitpid(redis, NULL, 0);
    }
    snprintf(command, sizeof(command), "rm -r %s", folder);
    (void)!system(command);
    return is_good;
}

int main(int argc, char **argv)
{
    static const struct argp argp = { .options = options,
                                      .parser = parse,
                                      .doc = "What an event costs." };
    static const char *const topics[] = { TOPIC, "bench.triggers", "bench.memberships",
                                          "bench.outcomes", "bench.dead" };
    rd_kafka_conf_t *conf;
    rd_kafka_t *host;
    rd_kafka_mock_cluster_t *cluster;
    char sentence[256];
    bool is_good;

    if (argc == 5 && strcmp(argv[1], "--raw") == 0) {
        args.events = strtol(argv[3], NULL, 10);
        args.partitions = strtol(argv[4], NULL, 10);
        return consume(argv[2]);
    }
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    if (access(args.rules, R_OK) != 0 || access(args.segstream, X_OK) != 0) {
        fprintf(stderr, "bench: cannot read %s or run %s\n", args.rules, args.segstream);
        return 64;
    }
    conf = rd_kafka_conf_new();
    (void)rd_kafka_conf_set(conf, "log_level", "3", sentence, sizeof(sentence));
    host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, sentence, sizeof(sentence));
    cluster = rd_kafka_mock_cluster_new(host, 1);
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        (void)rd_kafka_mock_topic_create(cluster, topics[i], (int)args.partitions, 1);
    }
    produce(rd_kafka_mock_cluster_bootstraps(cluster));
    printf("%ld events of %ld customers, %ld partitions, %ld worker%s, store %s\n", args.events,
           args.customers, args.partitions, args.workers, args.workers == 1 ? "" : "s",
           args.has_redis ? "redis" : "memory");
    raw(rd_kafka_mock_cluster_bootstraps(cluster));
    is_good = run_segstream(rd_kafka_mock_cluster_bootstraps(cluster));
    raw(rd_kafka_mock_cluster_bootstraps(cluster));
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(host);
    return is_good ? 0 : 1;
}
