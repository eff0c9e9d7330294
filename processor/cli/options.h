/* The options that many commands share: -c, --set, --state, --at, --partitions, and the forms of
 * -o.
 *
 * A command puts the rows into its table, a struct cli_options into its arguments, and lets
 * cli_options_parse have every key that is not its own:
 *
 *     static const struct argp_option options[] = { CLI_OPTION_CONFIG, CLI_OPTION_SET, { 0 } };
 *     ...
 *     default:
 *         return cli_options_parse(&a->common, key, argument, state);
 *
 * Layer: cli.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H
#include "processor/cli/cli.h"

#include <argp.h>

enum cli_option_key { CLI_KEY_AT = 512, CLI_KEY_STATE, CLI_KEY_PARTITIONS };

#define CLI_OPTION_CONFIG                                                                          \
    {                                                                                              \
        "config", 'c', "FILE", 0, "The configuration: a file or a folder", 0                       \
    }
#define CLI_OPTION_SET                                                                             \
    {                                                                                              \
        "set", 's', "PATH=VALUE", 0, "Override one key", 0                                         \
    }
#define CLI_OPTION_STATE                                                                           \
    {                                                                                              \
        "state", CLI_KEY_STATE, "FILE", 0, "What `backtest --state FILE` wrote, instead of Redis", \
            0                                                                                      \
    }
#define CLI_OPTION_PARTITIONS                                                                      \
    {                                                                                              \
        "partitions", CLI_KEY_PARTITIONS, "N", 0,                                                  \
            "Of the input topics (default: as the stored state says)", 0                           \
    }
#define CLI_OPTION_AT(help)                                                                        \
    {                                                                                              \
        "at", CLI_KEY_AT, "INSTANT", 0, help, 0                                                    \
    }

struct cli_options {
    const char *config; /* NULL: not given */
    const char *state;  /* NULL: Redis, or not kept */
    int32_t partitions; /* 0: not given */
    int64_t at_ms;      /* INSTANT_NEVER: not given; set it so before parsing */
    struct cli_overrides overrides;
};

/* Takes the keys of the rows above. Says what is wrong by argp_error, which exits. Returns: 0, or
 * ARGP_ERR_UNKNOWN for any other key. */
error_t cli_options_parse(struct cli_options *o, int key, char *argument, struct argp_state *state);

/* -c FILE, or its name alone where a command takes it so. A second one is refused. */
void cli_options_config(struct cli_options *o, const char *argument, struct argp_state *state);

/* Which of `names` (count, the first is the default) -o asks for; refuses any other by argp_error.
 * Returns: its index. */
int cli_form(const char *argument, const char *const *names, int count, struct argp_state *state);

#endif /* CLI_OPTIONS_H */
