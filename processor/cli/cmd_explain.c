/* segstream explain CUSTOMER -c CONFIG: why a customer is where they are, and what comes next.
 *
 * Reads Redis, with workers up or down, or the state file of a backtest; writes nothing.
 */
#include "processor/base/instant.h"
#include "processor/cli/explained.h"
#include "processor/cli/options.h"

#include <stdio.h>
#include <time.h>

struct arguments {
    const char *customer;
    bool is_json;
    struct cli_options common;
};

static const struct argp_option options[] = {
    CLI_OPTION_CONFIG,
    CLI_OPTION_STATE,
    CLI_OPTION_AT("As it will be then, if nothing new comes"),
    CLI_OPTION_PARTITIONS,
    { "output", 'o', "FORM", 0, "text (default) or json", 0 },
    CLI_OPTION_SET,
    { 0 },
};

static const char *const forms[] = { "text", "json" };

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case 'o':
        a->is_json = cli_form(argument, forms, 2, state) == 1;
        return 0;
    case ARGP_KEY_ARG:
        if (a->customer != NULL) {
            argp_error(state, "one customer");
        }
        a->customer = argument;
        return 0;
    case ARGP_KEY_END:
        if (a->customer == NULL || a->common.config == NULL) {
            argp_error(state, "a customer and -c CONFIG are needed");
        }
        return 0;
    default:
        return cli_options_parse(&a->common, key, argument, state);
    }
}

/* The instant it is looked at without --at: what has happened in the state, or now. */
static int64_t now_of(const struct config *config, const struct customer_found *found, bool is_file)
{
    int64_t decided_ms = found->customer->decided_at_ms;
    struct timespec now = { 0 };
    int64_t at_ms = found->stream_ms == INSTANT_NEVER ? decided_ms : found->stream_ms;

    if (!is_file && !config->rules->is_event_clock) {
        (void)clock_gettime(CLOCK_REALTIME, &now);
        at_ms = (int64_t)now.tv_sec * SECOND_MS + now.tv_nsec / 1000000;
    }
    return at_ms > decided_ms ? at_ms : decided_ms;
}

static enum exit_code explain(const struct arguments *a, const struct config *config,
                              struct customer_found *found)
{
    int64_t decided_ms = found->customer->decided_at_ms;
    struct explained x;

    if (a->common.at_ms != INSTANT_NEVER && a->common.at_ms < decided_ms) {
        char text[INSTANT_TEXT_SIZE];

        instant_format(decided_ms, text);
        fprintf(stderr,
                "segstream explain: --at is before what the record has decided, %s: a record does "
                "not go back (backtest --until --state does)\n",
                text);
        return EXIT_USAGE;
    }
    explained_init(&x, config, text_of(a->customer), found, a->common.at_ms,
                   now_of(config, found, a->common.state != NULL));
    if (a->is_json) {
        explained_say_json(&x, stdout);
    } else {
        explained_say_text(&x, stdout);
    }
    explained_fini(&x);
    return EXIT_GOOD;
}

static enum exit_code find_and_explain(const struct arguments *a, const struct config *config)
{
    char sentence[256] = "";
    bool is_config = false;
    struct customer_source *source =
        customer_source_open(config, a->common.state, a->common.partitions, sentence, &is_config);
    struct customer_found found = { 0 };
    enum exit_code code = EXIT_GOOD;

    if (source == NULL || !customer_source_find(source, text_of(a->customer), &found, sentence)) {
        fprintf(stderr, "segstream explain: %s\n", sentence);
        code = is_config ? EXIT_BAD_CONFIG : EXIT_SERVICE;
    } else if (found.customer == NULL) {
        fprintf(stderr, "segstream explain: no event of the customer `%s` was ever accepted\n",
                a->customer);
        code = EXIT_TEST_FAILED;
    } else {
        code = explain(a, config, &found);
    }
    customer_free(found.customer);
    customer_source_close(source);
    return code;
}

int cmd_explain(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "CUSTOMER",
        .doc = "Why a customer is in these segments, where they stand in each sequence, and what "
               "comes next and when. Reads Redis, with workers up or down, or the state of a "
               "backtest; writes nothing. Exit code 1: the customer is not known."
               "\vexamples:\n"
               "  segstream explain c-1042 -c shop.yaml\n"
               "  segstream explain c-1042 -c shop.yaml -o json\n"
               "  segstream backtest -c shop.yaml events.ndjson --state shop.state > /dev/null\n"
               "  segstream explain c-1042 -c shop.yaml --state shop.state"
    };
    struct arguments a = { .common.at_ms = INSTANT_NEVER };
    struct config *config = NULL;
    enum exit_code code;

    cli_parse(&argp, argc, argv, &a);
    code = cli_load(a.common.config, CONFIG_NEED_RULES, &a.common.overrides, &config);
    if (code == EXIT_GOOD) {
        code = find_and_explain(&a, config);
    }
    config_free(config);
    return (int)code;
}
