/* segstream schema config: the JSON Schema of the configuration, for editors; schema metrics: the
 * table of metrics, as deploy/METRICS.md has it. */
#include "processor/cli/cli.h"
#include "processor/config/keys.h"
#include "processor/runtime/metrics.h"

#include <argp.h>
#include <stdio.h>

static error_t parse(int key, char *argument, struct argp_state *state)
{
    bool *is_metrics = state->input;

    switch (key) {
    case ARGP_KEY_ARG:
        *is_metrics = strcmp(argument, "metrics") == 0;
        if (state->arg_num > 0 || (!*is_metrics && strcmp(argument, "config") != 0)) {
            argp_error(state, "the schema of what? There are `config` and `metrics`");
        }
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "the schema of what? There are `config` and `metrics`");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cmd_schema(int argc, char **argv)
{
    static const struct argp argp = {
        .parser = parse,
        .args_doc = "config|metrics",
        .doc = "Print the JSON Schema (2020-12) of a configuration, from the table that validates "
               "it. For an editor with the YAML language server: segstream schema config > "
               "segstream.schema.json, and as first line of the configuration\n"
               "# yaml-language-server: $schema=segstream.schema.json\n"
               "Or the table of metrics, in markdown."
    };
    bool is_metrics = false;

    cli_parse(&argp, argc, argv, &is_metrics);
    if (is_metrics) {
        struct bytes_out out = { NULL, 0, 0 };

        metrics_print_page(&out);
        fwrite(out.at, 1, out.size, stdout);
        bytes_out_fini(&out);
    } else {
        keys_write_schema(stdout);
    }
    return EXIT_GOOD;
}
