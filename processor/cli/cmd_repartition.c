/* segstream repartition IN OUT -c CONFIG --key FIELD: records keyed by the customer, each once. */
#include "processor/base/instant.h"
#include "processor/cli/options.h"
#include "processor/runtime/repartition.h"

#include <inttypes.h>
#include <stdio.h>

enum option_key { KEY_KEY = 256, KEY_UNTIL_END };

struct arguments {
    struct cli_options common;
    struct text topics[2]; /* in, out */
    uint32_t topic_count;
    struct text keys[REPARTITION_KEYS_MAX];
    uint32_t key_count;
    struct text instance;
    bool is_until_end;
};

static const struct argp_option options[] = {
    CLI_OPTION_CONFIG,
    { "key", KEY_KEY, "FIELD", 0,
      "Path of the customer in the value (default: as the configuration says of OUT); several: the "
      "first that a record has",
      0 },
    { "until-end", KEY_UNTIL_END, NULL, 0, "Stop when all that is there has been read", 0 },
    { "instance", 'i', "ID", 0,
      "This process' name: started again under it, it ends at once what its forerunner left open",
      0 },
    CLI_OPTION_SET,
    { 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case KEY_KEY:
        if (a->key_count == REPARTITION_KEYS_MAX) {
            argp_error(state, "at most %d keys", REPARTITION_KEYS_MAX);
        }
        a->keys[a->key_count++] = text_of(argument);
        return 0;
    case KEY_UNTIL_END:
        a->is_until_end = true;
        return 0;
    case 'i':
        a->instance = text_of(argument);
        return 0;
    case ARGP_KEY_ARG:
        if (a->topic_count == 2) {
            argp_error(state, "two topics: IN and OUT");
        }
        a->topics[a->topic_count++] = text_of(argument);
        return 0;
    case ARGP_KEY_END:
        if (a->topic_count < 2 || a->common.config == NULL) {
            argp_error(state, "IN, OUT and -c CONFIG are needed");
        }
        return 0;
    default:
        return cli_options_parse(&a->common, key, argument, state);
    }
}

/* OUT is an input topic of the configuration. Returns: false, and has said so. */
static bool find_topic(const struct arguments *a, const struct config *config, uint32_t *out_index)
{
    if (text_equal(a->topics[0], a->topics[1])) {
        fprintf(stderr, "segstream repartition: IN and OUT are one topic\n");
        return false;
    }
    for (uint32_t i = 0; i < config->input_count; i++) {
        if (text_equal(config->inputs[i].topic, a->topics[1])) {
            *out_index = i;
            return true;
        }
    }
    fprintf(stderr,
            "segstream repartition: `%.*s` is no input topic of the configuration: name it under "
            "`topics.in`, which says what its records are\n",
            TEXT_PRINTF(a->topics[1]));
    return false;
}

static enum exit_code repartition(const struct arguments *a, const struct config *config)
{
    struct repartition_options o = { .config = config,
                                     .from = a->topics[0],
                                     .keys = a->keys,
                                     .key_count = a->key_count,
                                     .instance = a->instance,
                                     .is_until_end = a->is_until_end,
                                     .stop_fd = cli_stop_fd() };
    struct repartition_receipt receipt = { 0 };
    char text[256] = "";
    enum err e;

    if (!find_topic(a, config, &o.to)) {
        return EXIT_BAD_CONFIG;
    }
    e = repartition_run(&o, &receipt, text);
    if (e != OK) {
        fprintf(stderr, "segstream repartition: %s\n", text);
        return err_action(e) == ERR_ACTION_REFUSE ? EXIT_BAD_CONFIG : EXIT_SERVICE;
    }
    printf("%" PRId64 " records read, %" PRId64 " of them to the dead letters, in %" PRId64
           " transactions\n",
           receipt.records, receipt.dead_letters, receipt.transactions);
    return EXIT_GOOD;
}

int cmd_repartition(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "IN OUT",
        .doc = "Read IN, whose key is anything, and write OUT, one of the input topics, keyed by "
               "the customer and partitioned by murmur2: each record once, through crashes, by "
               "Kafka transactions. Values, headers and timestamps stay; what cannot be used goes "
               "to the dead letters. More processes share the partitions of IN."
               "\vexamples:\n"
               "  segstream repartition web.raw web.tracking.v3 -c shop.yaml --key user_id\n"
               "  segstream repartition old.clicks shop.click.v1 -c shop.yaml --until-end"
    };
    struct arguments a = { .common = { .at_ms = INSTANT_NEVER } };
    struct config *config = NULL;
    enum exit_code code;

    cli_parse(&argp, argc, argv, &a);
    code = cli_load(a.common.config, CONFIG_NEED_KAFKA | CONFIG_NEED_TOPICS, &a.common.overrides,
                    &config);
    if (code == EXIT_GOOD) {
        code = repartition(&a, config);
    }
    config_free(config);
    return (int)code;
}
