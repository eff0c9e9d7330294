/* segstream schema config: the JSON Schema of the configuration, for editors. */
#include "processor/cli/cli.h"
#include "processor/config/keys.h"

#include <argp.h>
#include <stdio.h>

static error_t parse(int key, char *argument, struct argp_state *state)
{
    switch (key) {
    case ARGP_KEY_ARG:
        if (state->arg_num > 0 || strcmp(argument, "config") != 0) {
            argp_error(state, "the schema of what? There is `config`");
        }
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "the schema of what? There is `config`");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cmd_schema(int argc, char **argv)
{
    static const struct argp argp = {
        .parser = parse,
        .args_doc = "config",
        .doc = "Print the JSON Schema (2020-12) of a configuration, from the table that validates "
               "it. For an editor with the YAML language server: segstream schema config > "
               "segstream.schema.json, and as first line of the configuration\n"
               "# yaml-language-server: $schema=segstream.schema.json"
    };

    cli_parse(&argp, argc, argv, NULL);
    keys_write_schema(stdout);
    return EXIT_GOOD;
}
