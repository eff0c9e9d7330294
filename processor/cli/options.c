#include "processor/cli/options.h"

#include <stdio.h>

void cli_options_config(struct cli_options *o, const char *argument, struct argp_state *state)
{
    if (o->config != NULL) {
        argp_error(state, "one configuration");
    }
    o->config = argument;
}

error_t cli_options_parse(struct cli_options *o, int key, char *argument, struct argp_state *state)
{
    switch (key) {
    case 'c':
        cli_options_config(o, argument, state);
        return 0;
    case 's':
        if (!cli_override(&o->overrides, argument)) {
            argp_error(state, "--set wants PATH=VALUE");
        }
        return 0;
    case CLI_KEY_STATE:
        o->state = argument;
        return 0;
    case CLI_KEY_AT:
        if (!cli_instant(argument, &o->at_ms)) {
            argp_error(state, "--at wants RFC 3339 or integer ms, not `%s`", argument);
        }
        return 0;
    case CLI_KEY_PARTITIONS:
        if (!cli_partitions(argument, &o->partitions)) {
            argp_error(state, "--partitions wants a number, not `%s`", argument);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cli_form(const char *argument, const char *const *names, int count, struct argp_state *state)
{
    char list[128] = "";
    size_t at = 0;

    for (int i = 0; i < count; i++) {
        if (strcmp(argument, names[i]) == 0) {
            return i;
        }
        at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s",
                               i == 0           ? ""
                               : i == count - 1 ? " or "
                                                : ", ",
                               names[i]);
    }
    argp_error(state, "-o is %s, not `%s`", list, argument);
    return 0;
}
