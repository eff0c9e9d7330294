/* segstream demo: a Kafka and a Redis of its own, seeded shoppers, the real processor, a live view.
 *
 * DESIGN. The shoppers' own timeline says what must leave; the real processor reads the events from
 * the embedded Kafka as `segstream run` would; at the end every trigger read back is compared with
 * what the timeline said.
 */
#include "processor/base/instant.h"
#include "processor/base/log.h"
#include "processor/base/map.h"
#include "processor/base/mem.h"
#include "processor/cli/api.h"
#include "processor/cli/cli.h"
#include "processor/cli/demo_shop.h"
#include "processor/cli/demo_shoppers.h"
#include "processor/cli/demo_view.h"
#include "processor/cli/demo_world.h"
#include "processor/runtime/supervisor.h"
#include "schemas/avro.h"

#include <argp.h>
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PARTITIONS    4
#define DRAW_EVERY_MS 200
#define START_MS      INT64_C(1772438400000) /* 2026-03-02T08:00:00Z, a Monday */
#define PATIENCE_MS   30000                  /* without any output, once the story is told */
#define INPUT_TOPIC   "shop.events"

#define DASHBOARD_PORT  9464
#define DASHBOARD_TOKEN "demo" /* shoppers that nobody is, on loopback */

struct arguments {
    struct demo_options story;
    int64_t seconds; /* the story takes so long; 0: as fast as it goes */
    bool has_redis;
    bool is_plain;
    const char *http; /* HOST:PORT; NULL: the usual port, or any if that is taken */
};

struct demo {
    struct arguments arguments;
    struct config *config;
    struct demo_world *world;
    struct demo_view *view;
    struct map expected; /* hex id of each trigger the timeline said -> itself */
    int64_t expected_count, confirmed, unexpected;
    int64_t events, story_ms; /* told so far: the shoppers' time */
    int64_t outputs_expected, outputs_read;
    int64_t last_output_ms; /* monotonic */
    struct arena arena;
    int stop_fd; /* Ctrl-C */
    int worker_stop_fd;
    pthread_t processor;
    char listen[128]; /* of the dashboard */
    char sentence[SUPERVISOR_TEXT_SIZE];
};

static const struct argp_option options[] = {
    { "seed", 'n', "N", 0, "Another story; the same seed, the same triggers", 0 },
    { "shoppers", 'k', "N", 0, "How many (500)", 0 },
    { "days", 'd', "N", 0, "How long the story is (60)", 0 },
    { "seconds", 't', "N", 0, "How long it takes to tell (30); 0: as fast as it goes", 0 },
    { "store", 's', "KIND", 0, "redis (a private redis-server) or memory", 0 },
    { "guarantee", 'g', "KIND", 0, "at_least_once; why not exactly_once, it says", 0 },
    { "http", 'l', "HOST:PORT", 0,
      "Where the dashboard is, or none (127.0.0.1:9464, or a free port)", 0 },
    { "plain", 'p', NULL, 0, "Lines instead of a screen; also when not on a terminal", 0 },
    { 0 },
};

static int64_t number(struct argp_state *state, const char *argument, int64_t least, int64_t most)
{
    char *end = NULL;
    long long value = strtoll(argument, &end, 10);

    if (end == argument || *end != '\0' || value < least || value > most) {
        argp_error(state, "`%s` is not a number from %lld to %lld", argument, (long long)least,
                   (long long)most);
    }
    return value;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case 'n':
        a->story.seed = (uint64_t)number(state, argument, 0, INT64_MAX);
        return 0;
    case 'k':
        a->story.shoppers = (uint32_t)number(state, argument, 1, 1000000);
        return 0;
    case 'd':
        a->story.days = number(state, argument, 1, 3650);
        return 0;
    case 't':
        a->seconds = number(state, argument, 0, 86400);
        return 0;
    case 'p':
        a->is_plain = true;
        return 0;
    case 'l':
        a->http = argument;
        return 0;
    case 's':
        a->has_redis = strcmp(argument, "redis") == 0;
        if (!a->has_redis && strcmp(argument, "memory") != 0) {
            argp_error(state, "--store is redis or memory");
        }
        return 0;
    case 'g':
        if (strcmp(argument, "exactly_once") == 0) {
            argp_failure(
                state, EXIT_BAD_CONFIG, 0,
                "exactly_once needs a real Kafka: the embedded one shows what a transaction "
                "has aborted, keeps no offsets of it and fences nobody; the demo offers "
                "at_least_once, `segstream run` both");
        } else if (strcmp(argument, "at_least_once") != 0) {
            argp_error(state, "--guarantee is at_least_once or exactly_once");
        }
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected `%s`", argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int64_t monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- the shop --- */

/* Where the dashboard will be: as asked, else its usual port, else one that is free now. */
static void choose_listen(struct demo *d)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    bool is_free;

    if (d->arguments.http != NULL) {
        (void)snprintf(d->listen, sizeof(d->listen), "%s", d->arguments.http);
    } else {
        at.sin_port = htons(DASHBOARD_PORT);
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        is_free = bind(fd, (struct sockaddr *)&at, size) == 0;
        at.sin_port = 0;
        if (!is_free && bind(fd, (struct sockaddr *)&at, size) == 0) {
            is_free = true;
        }
        if (!is_free || getsockname(fd, (struct sockaddr *)&at, &size) != 0) {
            (void)snprintf(d->listen, sizeof(d->listen), "none");
        } else {
            (void)snprintf(d->listen, sizeof(d->listen), "127.0.0.1:%u", ntohs(at.sin_port));
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

static enum exit_code load_shop(struct demo *d)
{
    struct config_override overrides[4];
    char store[256];
    struct config_problems problems = { 0 };
    enum err error;

    if (d->arguments.has_redis) {
        snprintf(store, sizeof(store), "\"redis+unix://%s\"", demo_world_socket(d->world));
    } else {
        snprintf(store, sizeof(store), "memory");
    }
    overrides[0] =
        (struct config_override){ TEXT("kafka.brokers"), text_of(demo_world_brokers(d->world)) };
    overrides[1] = (struct config_override){ TEXT("state.store"), text_of(store) };
    choose_listen(d);
    overrides[2] = (struct config_override){ TEXT("http.listen"), text_of(d->listen) };
    overrides[3] = (struct config_override){ TEXT("http.token"), TEXT(DASHBOARD_TOKEN) };
    error = config_load_text(text_of(demo_shop_yaml), "demo-shop.yaml",
                             CONFIG_NEED_KAFKA | CONFIG_NEED_STATE | CONFIG_NEED_TOPICS, overrides,
                             4, &d->config, &problems);
    config_problems_print(&problems, stderr);
    config_problems_fini(&problems);
    return error == OK ? EXIT_GOOD : EXIT_BAD_CONFIG;
}

static void *process(void *argument)
{
    struct demo *d = argument;

    (void)supervisor_run(&(struct supervisor_options){ .config = d->config,
                                                       .stop_fd = d->worker_stop_fd,
                                                       .has_http = true,
                                                       .page = api_page,
                                                       .page_context = d->config },
                         d->sentence);
    return NULL;
}

/* --- what must leave, and what does --- */

static void expect(void *context, const struct output *o)
{
    struct demo *d = context;
    char hex[33];
    struct text id;

    d->outputs_expected++;
    if (o->type == OUTPUT_TRIGGER) {
        hash128_hex(o->as.trigger.trigger_id, hex);
        id = text_dup(text_of(hex));
        map_put(&d->expected, id, (void *)(uintptr_t)id.at);
        d->expected_count++;
    }
}

static void confirm(struct demo *d, const struct output *o)
{
    char hex[33];
    void *found;

    hash128_hex(o->as.trigger.trigger_id, hex);
    found = map_remove(&d->expected, text_of(hex));
    d->confirmed += found != NULL;
    d->unexpected += found == NULL;
    mem_free(found);
}

static void read_outputs(struct demo *d, int32_t timeout_ms)
{
    enum output_type type;
    struct bytes value;

    for (int i = 0; i < 2000 && demo_world_read(d->world, i == 0 ? timeout_ms : 0, &type, &value);
         i++) {
        struct output o;

        if (value.size > 0 && output_decode(type, value, &d->arena, &o) == OK) {
            if (type == OUTPUT_TRIGGER) {
                confirm(d, &o);
            }
            d->outputs_read++;
            d->last_output_ms = monotonic_ms();
            demo_view_add(d->view, &o);
        }
        arena_reset(&d->arena);
    }
}

static void draw(struct demo *d, int64_t began_ms, bool is_catching_up)
{
    int64_t elapsed_ms = monotonic_ms() - began_ms;
    struct demo_status status = {
        .now_ms = d->story_ms,
        .start_ms = d->arguments.story.start_ms,
        .days = d->arguments.story.days,
        .events = d->events,
        .events_per_second = elapsed_ms > 0 ? (double)d->events * 1000.0 / (double)elapsed_ms : 0.0,
        .seed = d->arguments.story.seed,
        .shoppers = d->arguments.story.shoppers,
        .is_catching_up = is_catching_up
    };

    demo_view_draw(d->view, &status);
}

static bool is_stopped(const struct demo *d)
{
    struct pollfd fd = { .fd = d->stop_fd, .events = POLLIN };

    return poll(&fd, 1, 0) > 0;
}

/* --- the story --- */

/* Produce events up to an instant of the story. Returns: false when it is over. */
static bool tell_until(struct demo *d, struct demo_shoppers *shoppers, struct event *next,
                       int64_t until_ms, struct arena *arena, struct bytes_out *encoded)
{
    while (next->at_ms <= until_ms) {
        int32_t partition = hash_partition(next->customer, PARTITIONS);

        bytes_out_clear(encoded);
        avro_encode_event(next, encoded);
        (void)demo_world_produce(d->world, partition, next->customer, bytes_out_view(encoded));
        d->events++;
        d->story_ms = next->at_ms < until_ms ? next->at_ms : until_ms;
        arena_reset(arena);
        if (!demo_shoppers_next(shoppers, arena, next)) {
            return false;
        }
    }
    return true;
}

static void tell(struct demo *d, struct demo_shoppers *shoppers, int64_t began_ms)
{
    const struct arguments *a = &d->arguments;
    int64_t length_ms = a->story.days * DAY_MS, drawn_ms = 0;
    struct arena arena = { 0 };
    struct bytes_out encoded = { 0 };
    struct event next;
    bool goes_on = demo_shoppers_next(shoppers, &arena, &next);

    while (goes_on && !is_stopped(d)) {
        int64_t passed_ms = monotonic_ms() - began_ms;
        int64_t until_ms = d->story_ms + DAY_MS;

        if (a->seconds > 0) {
            until_ms = a->story.start_ms + length_ms / (a->seconds * 1000) * passed_ms;
        }
        if (until_ms >= a->story.start_ms + length_ms) {
            until_ms = INSTANT_MAX; /* the rest, with the closing events */
        }
        goes_on = tell_until(d, shoppers, &next, until_ms, &arena, &encoded);
        read_outputs(d, 20);
        if (monotonic_ms() >= drawn_ms + DRAW_EVERY_MS) {
            drawn_ms = monotonic_ms();
            draw(d, began_ms, false);
        }
    }
    demo_world_flush(d->world);
    arena_fini(&arena);
    bytes_out_fini(&encoded);
}

static void catch_up(struct demo *d, int64_t began_ms)
{
    int64_t drawn_ms = 0;

    d->last_output_ms = monotonic_ms();
    while (!is_stopped(d) && (d->expected.count > 0 || d->outputs_read < d->outputs_expected) &&
           monotonic_ms() < d->last_output_ms + PATIENCE_MS) {
        read_outputs(d, 50);
        if (monotonic_ms() >= drawn_ms + DRAW_EVERY_MS) {
            drawn_ms = monotonic_ms();
            draw(d, began_ms, true);
        }
    }
    draw(d, began_ms, true);
}

static enum exit_code say_result(const struct demo *d)
{
    if (is_stopped(d)) {
        printf("\nstopped; nothing is left behind\n");
        return EXIT_GOOD;
    }
    if (d->expected.count == 0 && d->unexpected == 0) {
        printf(
            "\n%lld triggers left through Kafka, each exactly as the timeline of the same events "
            "says (seed %llu)\n",
            (long long)d->confirmed, (unsigned long long)d->arguments.story.seed);
        return EXIT_GOOD;
    }
    printf("\n%lld triggers as expected, %zu missing, %lld unexpected or twice %s\n",
           (long long)d->confirmed, d->expected.count, (long long)d->unexpected, d->sentence);
    return EXIT_TEST_FAILED;
}

static enum exit_code play(struct demo *d)
{
    struct demo_shoppers *shoppers =
        demo_shoppers_new(d->config->rules, &d->arguments.story, expect, d);
    static const uint64_t one = 1;
    int64_t began_ms = monotonic_ms();
    enum exit_code code;
    ssize_t written;

    if (strcmp(d->listen, "none") != 0) {
        printf("dashboard: http://%s (customers like %s: token %s)\n\n", d->listen, "s7",
               DASHBOARD_TOKEN);
        (void)fflush(stdout);
    }
    d->view = demo_view_new(d->config->rules, stdout, !d->arguments.is_plain);
    d->worker_stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    d->story_ms = d->arguments.story.start_ms;
    if (pthread_create(&d->processor, NULL, process, d) != 0) {
        return EXIT_SERVICE;
    }
    tell(d, shoppers, began_ms);
    catch_up(d, began_ms);
    demo_view_end(d->view);
    code = say_result(d);
    (void)fflush(stdout);
    written = write(d->worker_stop_fd, &one, sizeof(one));
    (void)written;
    (void)pthread_join(d->processor, NULL);
    demo_view_free(d->view);
    demo_shoppers_free(shoppers);
    return code;
}

static void forget_expected(struct demo *d)
{
    size_t cursor = 0;
    void *id;

    while ((id = map_next(&d->expected, &cursor)) != NULL) {
        mem_free(id);
    }
    map_fini(&d->expected);
}

int cmd_demo(int argc, char **argv)
{
    static const struct argp argp = { .options = options,
                                      .parser = parse,
                                      .doc = "See it work: seeded shoppers, a Kafka inside the "
                                             "process, a private redis-server, the real "
                                             "processor, triggers in seconds." };
    struct demo d = { .arguments = { .story = { .seed = 1,
                                                .shoppers = 500,
                                                .start_ms = START_MS,
                                                .days = 60,
                                                .partitions = PARTITIONS },
                                     .seconds = 30,
                                     .has_redis = true } };
    struct demo_world_options world = { .partitions = PARTITIONS,
                                        .input_topic = INPUT_TOPIC,
                                        .output_topics = {
                                            "shop.email-trigger", "shop.segment-membership",
                                            "shop.email-outcome", "shop.dead-letter" } };
    enum exit_code code = EXIT_SERVICE;

    cli_parse(&argp, argc, argv, &d.arguments);
    d.arguments.is_plain = d.arguments.is_plain || isatty(STDOUT_FILENO) == 0;
    d.stop_fd = cli_stop_fd();
    log_set_level(LOG_ERROR);
    world.has_redis = d.arguments.has_redis;
    if (demo_world_open(&world, &d.world, d.sentence) == OK) {
        d.sentence[0] = '\0';
        code = load_shop(&d);
        if (code == EXIT_GOOD) {
            code = play(&d);
        }
    } else {
        fprintf(stderr, "segstream demo: %s\n", d.sentence);
    }
    config_free(d.config);
    demo_world_close(d.world);
    forget_expected(&d);
    arena_fini(&d.arena);
    return (int)code;
}
