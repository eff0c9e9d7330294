/* segstream rekey -c CONFIG --partitions N: move the stored state to another partition count. */
#include "processor/base/instant.h"
#include "processor/base/log.h"
#include "processor/cli/options.h"
#include "processor/runtime/rekey.h"

#include <inttypes.h>
#include <stdio.h>

enum option_key { KEY_FROM = 256, KEY_KEEP_OLD };

struct arguments {
    struct cli_options common;
    int32_t from;
    bool is_old_kept;
};

static const struct argp_option options[] = {
    CLI_OPTION_CONFIG,
    { "partitions", CLI_KEY_PARTITIONS, "N", 0, "How many the input topics have now", 0 },
    { "from", KEY_FROM, "M", 0, "Refuse unless the stored state has M", 0 },
    { "keep-old", KEY_KEEP_OLD, NULL, 0,
      "Leave the old partitions in Redis; run it again without this to remove them", 0 },
    CLI_OPTION_SET,
    { 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case KEY_FROM:
        if (!cli_partitions(argument, &a->from)) {
            argp_error(state, "--from wants a number, not `%s`", argument);
        }
        return 0;
    case KEY_KEEP_OLD:
        a->is_old_kept = true;
        return 0;
    case ARGP_KEY_ARG:
        cli_options_config(&a->common, argument, state);
        return 0;
    case ARGP_KEY_END:
        if (a->common.config == NULL || a->common.partitions == 0) {
            argp_error(state, "-c CONFIG and --partitions N are needed");
        }
        return 0;
    default:
        return cli_options_parse(&a->common, key, argument, state);
    }
}

static void say(void *context, const char *line)
{
    (void)context;
    printf("%s\n", line);
    (void)fflush(stdout);
}

static void print_receipt(const struct rekey_receipt *r)
{
    if (r->is_given_up) {
        printf("given up: the state stays with %" PRId32 " partitions\n", r->to);
    } else if (r->has_moved) {
        printf("rekeyed from %" PRId32 " to %" PRId32 " partitions: %" PRId64
               " customers, generation %" PRId64 "; start the workers, then the producers\n",
               r->from, r->to, r->customers, r->generation);
    } else if (r->from == 0) {
        printf("nothing is stored yet: nothing to move\n");
    } else {
        printf("the state has %" PRId32 " partitions: nothing to move%s\n", r->to,
               r->removed > 0 ? "; what was left of the old ones is gone" : "");
    }
}

static enum exit_code exit_code_of(enum err error)
{
    switch ((int)error) {
    case OK:
        return EXIT_GOOD;
    case ERR_PARTITIONS:
    case ERR_CONFIG:
        return EXIT_BAD_CONFIG;
    default:
        return EXIT_SERVICE;
    }
}

static enum exit_code rekey(const struct arguments *a, const struct config *config)
{
    struct rekey_options o = { .config = config,
                               .partitions = a->common.partitions,
                               .from = a->from,
                               .is_old_kept = a->is_old_kept,
                               .stop_fd = cli_stop_fd(),
                               .say = say };
    struct rekey_receipt receipt;
    char text[REKEY_TEXT_SIZE];
    enum err e;

    if (config->store != STORE_KIND_REDIS) {
        fprintf(stderr,
                "segstream rekey: `state.store` names no Redis: there is nothing to move\n");
        return EXIT_BAD_CONFIG;
    }
    log_set_level(LOG_ERROR); /* what clients say while they connect is not for people */
    e = rekey_run(&o, &receipt, text);
    if (e == OK) {
        print_receipt(&receipt);
    } else {
        fprintf(stderr, "segstream rekey: %s\n", text);
    }
    return exit_code_of(e);
}

int cmd_rekey(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "",
        .doc = "Move the stored state to another number of partitions, with all workers stopped: "
               "each customer's record and timer goes where murmur2 of the id puts it now. Killed, "
               "it goes on where it was when run again; the number of before gives up what was "
               "begun."
               "\vStop the producers; wait until the lag is 0; stop the workers (SIGTERM); change "
               "the topics; rekey; start the workers, then the producers. If the topics have grown "
               "already: segstream run --partitions M applies what was written before."
    };
    struct arguments a = { .common = { .at_ms = INSTANT_NEVER } };
    struct config *config = NULL;
    enum exit_code code;

    cli_parse(&argp, argc, argv, &a);
    code = cli_load(a.common.config, CONFIG_NEED_KAFKA | CONFIG_NEED_STATE | CONFIG_NEED_TOPICS,
                    &a.common.overrides, &config);
    if (code == EXIT_GOOD) {
        code = rekey(&a, config);
    }
    config_free(config);
    return (int)code;
}
