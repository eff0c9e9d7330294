/* segstream replay --from WHERE -c CONFIG: go through the input again, to see whether the state is
 * what the input says, or to build it anew.
 */
#include "processor/base/instant.h"
#include "processor/base/log.h"
#include "processor/base/mem.h"
#include "processor/cli/cli.h"
#include "processor/cli/options.h"
#include "processor/cli/replay_report.h"
#include "processor/runtime/kafka_settings.h"
#include "processor/runtime/replay.h"
#include "processor/runtime/store_settings.h"
#include "sinks/publisher_kafka.h"
#include "sinks/store_redis.h"

#include <poll.h>
#include <stdlib.h>

#define LIMIT_DEFAULT 10
#define OFFSETS_MAX   1024
#define WAIT_STEP_MS  500

enum option_key {
    KEY_FROM = 256,
    KEY_INTO,
    KEY_EMIT,
    KEY_DISCARD,
    KEY_PARTITION,
    KEY_LIMIT,
    KEY_WAIT
};

struct arguments {
    struct cli_options common;
    const char *from;
    int32_t partition; /* -1: all */
    int32_t limit;
    int64_t wait_ms;
    bool is_building, is_emitting, is_discarding, is_json;
};

static const struct argp_option options[] = {
    CLI_OPTION_CONFIG,
    { "from", KEY_FROM, "WHERE", 0,
      "earliest; an instant (of the records' own timestamps); TOPIC/PARTITION=OFFSET,..; or "
      "stored: "
      "on top of what Redis holds",
      0 },
    { "into", KEY_INTO, "state", 0, "Build the state in Redis; without it, compare with it", 0 },
    { "emit", KEY_EMIT, NULL, 0, "With --into state: publish what is decided, with the same ids",
      0 },
    { "discard", KEY_DISCARD, NULL, 0, "With --into state: take away the state that is there", 0 },
    { "wait", KEY_WAIT, "DURATION", 0,
      "With --into state: for workers to leave (default 0s). A named one that has stopped stays a "
      "member for its session.timeout.ms",
      0 },
    { "partition", KEY_PARTITION, "N", 0, "Only this one", 0 },
    { "limit", KEY_LIMIT, "N", 0, "Show so many differing customers (default 10)", 0 },
    { "output", 'o', "FORM", 0, "text (default) or json", 0 },
    CLI_OPTION_SET,
    { 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    char *end = NULL;

    switch (key) {
    case KEY_FROM:
        a->from = argument;
        return 0;
    case KEY_INTO:
        if (strcmp(argument, "state") != 0) {
            argp_error(state, "--into is state, not `%s`", argument);
        }
        a->is_building = true;
        return 0;
    case KEY_EMIT:
        a->is_emitting = true;
        return 0;
    case KEY_DISCARD:
        a->is_discarding = true;
        return 0;
    case KEY_PARTITION:
        a->partition = (int32_t)strtol(argument, &end, 10);
        if (end == argument || *end != '\0' || a->partition < 0) {
            argp_error(state, "--partition wants a number from 0, not `%s`", argument);
        }
        return 0;
    case KEY_WAIT:
        if (!instant_parse_duration(text_of(argument), &a->wait_ms)) {
            argp_error(state, "--wait wants a duration like 60s, not `%s`", argument);
        }
        return 0;
    case KEY_LIMIT:
        if (!cli_partitions(argument, &a->limit)) {
            argp_error(state, "--limit wants a number from 1, not `%s`", argument);
        }
        return 0;
    case 'o':
        a->is_json = cli_form(argument, (const char *const[]){ "text", "json" }, 2, state) == 1;
        return 0;
    case ARGP_KEY_END:
        if (a->from == NULL || a->common.config == NULL) {
            argp_error(state, "--from WHERE and -c CONFIG are needed");
        }
        if (!a->is_building && (a->is_emitting || a->is_discarding)) {
            argp_error(state, "--emit and --discard need --into state");
        }
        return 0;
    default:
        return cli_options_parse(&a->common, key, argument, state);
    }
}

/* --- from where --- */

/* TOPIC/PARTITION=OFFSET. */
static bool parse_offset(const struct config *c, struct text t, struct replay_offset *out)
{
    char text[400];
    char *slash, *equals, *end = NULL;

    (void)text_format(text, sizeof(text), "%.*s", TEXT_PRINTF(t));
    slash = strrchr(text, '/');
    equals = strrchr(text, '=');
    if (slash == NULL || equals == NULL || slash > equals) {
        return false;
    }
    *slash = *equals = '\0';
    for (uint32_t i = 0; i < c->input_count; i++) {
        if (text_is(c->inputs[i].topic, text)) {
            out->topic = i;
            out->partition = (int32_t)strtol(slash + 1, &end, 10);
            if (end == slash + 1 || *end != '\0') {
                return false;
            }
            out->offset = strtoll(equals + 1, &end, 10);
            return end != equals + 1 && *end == '\0' && out->offset >= 0 && out->partition >= 0;
        }
    }
    return false;
}

static bool parse_from(const struct arguments *a, struct replay_options *o,
                       struct replay_offset offsets[OFFSETS_MAX])
{
    const char *at = a->from;

    if (strcmp(at, "earliest") == 0) {
        o->start = REPLAY_EARLIEST;
        return true;
    }
    if (strcmp(at, "stored") == 0) {
        o->start = REPLAY_STORED;
        return a->is_building;
    }
    if (cli_instant(at, &o->at_ms)) {
        o->start = REPLAY_TIME;
        return true;
    }
    o->start = REPLAY_OFFSETS;
    o->offsets = offsets;
    while (*at != '\0' && o->offset_count < OFFSETS_MAX) {
        size_t size = strcspn(at, ",");

        if (!parse_offset(o->config, (struct text){ at, size }, &offsets[o->offset_count++])) {
            return false;
        }
        at += size + (at[size] == ',');
    }
    return o->offset_count > 0 && *at == '\0';
}

/* --- all of it --- */

static enum exit_code fail(enum err e, const char *sentence)
{
    fprintf(stderr, "segstream replay: %s\n", sentence);
    return err_action(e) == ERR_ACTION_REFUSE ? EXIT_BAD_CONFIG : EXIT_SERVICE;
}

/* To build, nobody may be at work. */
static enum err await_nobody(const struct replay_options *o, int64_t wait_ms, char sentence[256])
{
    struct pollfd stop = { .fd = o->stop_fd, .events = POLLIN };
    struct kafka_group group;

    for (int64_t waited_ms = 0;; waited_ms += WAIT_STEP_MS) {
        enum err e = kafka_group_look(o->kafka, &group, sentence);

        if (e != OK || group.members == 0) {
            return e;
        }
        if (waited_ms >= wait_ms || poll(&stop, 1, WAIT_STEP_MS) > 0) {
            break;
        }
    }
    (void)text_format(
        sentence, 256,
        "%d workers of the app `%.*s` are in its group (one at %s): stop them all "
        "first; a named one that has stopped leaves after session.timeout.ms (--wait)",
        group.members, TEXT_PRINTF(o->config->rules->app), group.host);
    return ERR_FENCED;
}

/* Equal partition counts, and nobody in the way. */
static enum err look_at_kafka(struct replay_options *o, int64_t wait_ms, char sentence[256])
{
    enum err e = kafka_tool_consumer(o->kafka, sentence);

    for (uint32_t i = 0; e == OK && i < o->config->input_count; i++) {
        int32_t count = 0;

        e = kafka_tool_partitions(o->kafka, o->config->inputs[i].topic, &count, sentence);
        if (e == OK && i > 0 && count != o->partition_count) {
            (void)text_format(sentence, 256,
                              "the input topics have unequal partition counts: %d "
                              "and %d",
                              o->partition_count, count);
            return ERR_CONFIG;
        }
        o->partition_count = count;
    }
    return e == OK && o->is_building ? await_nobody(o, wait_ms, sentence) : e;
}

static enum exit_code go_through(const struct arguments *a, struct replay_options *o,
                                 struct replay_report *report)
{
    struct outline out;
    enum exit_code code = EXIT_GOOD;
    enum err e = OK;
    char sentence[256] = "";
    int64_t differing = 0;

    outline_begin(&out, stdout, a->is_json);
    outline_open(&out, "partitions", '[');
    for (int32_t p = 0; e == OK && p < o->partition_count; p++) {
        struct replay_result result;

        if (a->partition >= 0 && a->partition != p) {
            continue;
        }
        e = replay_partition(o, p, &result, sentence);
        differing += result.differing;
        if (e == OK || result.differing > 0) {
            replay_report_part(report, &out, p, &result);
        }
    }
    outline_close(&out, ']');
    if (!o->is_building) {
        outline_int(&out, "differing", differing);
        replay_report_differences(report, &out);
    }
    outline_end(&out);
    if (e != OK) {
        code = fail(e, sentence);
    } else if (differing > 0) {
        code = EXIT_TEST_FAILED;
    }
    return code;
}

static enum err open_publisher(const struct arguments *a, struct replay_options *o,
                               struct deliveries *deliveries, char sentence[256])
{
    struct arena arena = { 0 };
    struct publisher_kafka_options p = { .delivered = deliveries_tell, .context = deliveries };
    enum err e;

    if (!a->is_emitting) {
        return OK;
    }
    o->deliveries = deliveries;
    kafka_settings(o->config, true, &arena, &p.kafka);
    memcpy(p.topics, o->config->outputs, sizeof(p.topics));
    memcpy(p.formats, o->config->output_formats, sizeof(p.formats));
    e = publisher_kafka_new(&p, &o->publisher, sentence);
    arena_fini(&arena);
    return e;
}

static enum exit_code replay(const struct arguments *a, const struct config *config)
{
    struct kafka_tool kafka = { .config = config };
    struct store_redis_options redis = store_settings(config);
    struct replay_offset *offsets = mem_alloc(OFFSETS_MAX * sizeof(*offsets));
    struct deliveries deliveries = { 0 };
    struct replay_report report;
    struct replay_options o = { .config = config,
                                .kafka = &kafka,
                                .is_building = a->is_building,
                                .is_discarding = a->is_discarding,
                                .stop_fd = cli_stop_fd(),
                                .context = &report,
                                .progress = replay_report_progress,
                                .differs = replay_report_differs };
    char sentence[256] = "";
    enum exit_code code = EXIT_GOOD;
    enum err e;

    log_set_level(LOG_WARN);
    if (config->store != STORE_KIND_REDIS) {
        code = fail(ERR_CONFIG, "`state.store` names no Redis");
    } else if (!parse_from(a, &o, offsets)) {
        (void)fail(OK, "--from is earliest, an instant, or TOPIC/PARTITION=OFFSET with commas and "
                       "input topics; or stored, with --into state");
        code = EXIT_USAGE;
    } else if ((e = look_at_kafka(&o, a->wait_ms, sentence)) != OK) {
        code = fail(e, sentence);
    } else if (a->partition >= o.partition_count) {
        (void)fail(OK, "there is no such partition");
        code = EXIT_USAGE;
    } else {
        replay_report_begin(&report, config->rules, a->partition >= 0 ? 1 : o.partition_count,
                            a->limit);
        deliveries_init(&deliveries, o.partition_count);
        o.store = store_redis_new(&redis);
        e = open_publisher(a, &o, &deliveries, sentence);
        code = e == OK ? go_through(a, &o, &report) : fail(e, sentence);
        publisher_close(o.publisher);
        store_close(o.store);
        deliveries_fini(&deliveries);
        replay_report_fini(&report);
    }
    kafka_tool_close(&kafka);
    mem_free(offsets);
    return code;
}

int cmd_replay(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "",
        .doc =
            "Go through the input topics again, with the rules of this configuration, up to where "
            "the work had come. Without --into nothing is written: what the input says is "
            "compared with what Redis holds, customer by customer (exit code 1: they differ). "
            "With --into state the state is built in Redis, workers stopped; nothing is "
            "published unless --emit. Interrupted, the same command goes on."
            "\vexamples:\n"
            "  segstream replay --from earliest -c shop.yaml\n"
            "  segstream replay --from earliest --into state -c shop.yaml     # Redis was lost\n"
            "  segstream replay --from stored --into state -c shop.yaml       # a copy came back\n"
            "  segstream replay --from 2026-02-01T00:00:00Z --into state --discard -c shop.yaml"
    };
    struct arguments a = { .common = { .at_ms = INSTANT_NEVER },
                           .partition = -1,
                           .limit = LIMIT_DEFAULT };
    struct config *config = NULL;
    enum exit_code code;

    cli_parse(&argp, argc, argv, &a);
    code = cli_load(a.common.config, CONFIG_NEED_KAFKA | CONFIG_NEED_STATE | CONFIG_NEED_TOPICS,
                    &a.common.overrides, &config);
    if (code == EXIT_GOOD) {
        code = replay(&a, config);
    }
    config_free(config);
    return (int)code;
}
