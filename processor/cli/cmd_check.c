/* segstream check FILE...: every error and warning of each, at once. */
#include "processor/cli/cli.h"

#include <argp.h>
#include <stdio.h>

#define FILES_MAX 64

struct arguments {
    const char *files[FILES_MAX];
    int count;
    struct cli_overrides overrides;
};

static const struct argp_option options[] = {
    { "config", 'c', "FILE", 0, "A file or a folder; the same as naming it", 0 },
    { "set", 's', "PATH=VALUE", 0, "Override one key", 0 },
    { 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case 'c':
    case ARGP_KEY_ARG:
        if (a->count == FILES_MAX) {
            argp_error(state, "at most %d files", FILES_MAX);
        }
        a->files[a->count++] = argument;
        return 0;
    case 's':
        if (!cli_override(&a->overrides, argument)) {
            argp_error(state, "--set wants PATH=VALUE");
        }
        return 0;
    case ARGP_KEY_END:
        if (a->count == 0) {
            argp_error(state, "which configuration?");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_summary(const char *path, const struct config *c)
{
    const struct rules *r = c->rules;
    uint32_t rungs = 0, emails = 0;

    for (uint32_t i = 0; i < r->segments.count; i++) {
        rungs += r->segments.segments[i].rung_count;
    }
    for (uint32_t i = 0; i < r->sequence_count; i++) {
        emails += r->sequences[i].email_count;
    }
    printf("%s: good. %u segments and ladders (%u rungs), %u sequences (%u emails), "
           "%u attributes, %u histories; config %.*s\n",
           path, r->segments.count, rungs, r->sequence_count, emails, r->facts.attribute_count,
           r->facts.history_count, TEXT_PRINTF(r->config_hex));
}

int cmd_check(int argc, char **argv)
{
    static const struct argp argp = { .options = options,
                                      .parser = parse,
                                      .args_doc = "FILE...",
                                      .doc = "Say everything that is wrong with a configuration: "
                                             "file:line:column, the line, and a hint." };
    struct arguments a = { 0 };
    enum exit_code worst = EXIT_GOOD;

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    for (int i = 0; i < a.count; i++) {
        struct config *config = NULL;
        enum exit_code code = cli_load(a.files[i], CONFIG_NEED_RULES, &a.overrides, &config);

        if (code == EXIT_GOOD) {
            print_summary(a.files[i], config);
        } else {
            worst = code;
        }
        config_free(config);
    }
    return (int)worst;
}
