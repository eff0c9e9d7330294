/* segstream check FILE...: every error and warning of each, at once. */
#include "processor/base/instant.h"
#include "processor/cli/check_against.h"
#include "processor/cli/cli.h"

#include <argp.h>
#include <stdio.h>
#include <time.h>

#define FILES_MAX 64

enum against_option { OPTION_AGAINST = 300, OPTION_AT };

struct arguments {
    const char *files[FILES_MAX];
    int count;
    struct cli_overrides overrides;
    const char *against; /* NULL: no comparison */
    int64_t at_ms;       /* never: now */
    bool is_json;        /* of the comparison */
};

static const struct argp_option options[] = {
    { "config", 'c', "FILE", 0, "A file or a folder; the same as naming it", 0 },
    { "set", 's', "PATH=VALUE", 0, "Override one key", 0 },
    { "against", OPTION_AGAINST, "OLD", 0,
      "Say what the change from OLD will do: segments, counters, runs, experiments", 0 },
    { "at", OPTION_AT, "INSTANT", 0, "With --against: when it is made (default: now)", 0 },
    { "output", 'o', "text|json", 0, "With --against: how to say it", 0 },
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
    case OPTION_AGAINST:
        a->against = argument;
        return 0;
    case OPTION_AT:
        if (!cli_instant(argument, &a->at_ms)) {
            argp_error(state, "--at wants RFC 3339 or integer ms, not `%s`", argument);
        }
        return 0;
    case 'o':
        a->is_json = strcmp(argument, "json") == 0;
        if (!a->is_json && strcmp(argument, "text") != 0) {
            argp_error(state, "-o is text or json, not `%s`", argument);
        }
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

/* With --against: each file against the old one. */
static enum exit_code compare(const struct arguments *a)
{
    enum exit_code worst = EXIT_GOOD;
    struct timespec now = { 0 };
    int64_t at_ms = a->at_ms;

    if (at_ms == INSTANT_NEVER) {
        (void)clock_gettime(CLOCK_REALTIME, &now);
        at_ms = (int64_t)now.tv_sec * SECOND_MS;
    }
    for (int i = 0; i < a->count; i++) {
        enum exit_code code =
            check_against(a->files[i], a->against, &a->overrides, at_ms, a->is_json);

        worst = code > worst ? code : worst;
    }
    return worst;
}

int cmd_check(int argc, char **argv)
{
    static const struct argp argp = { .options = options,
                                      .parser = parse,
                                      .args_doc = "FILE...",
                                      .doc = "Say everything that is wrong with a configuration: "
                                             "file:line:column, the line, and a hint." };
    struct arguments a = { .at_ms = INSTANT_NEVER };
    enum exit_code worst = EXIT_GOOD;

    cli_parse(&argp, argc, argv, &a);
    if (a.against != NULL) {
        return (int)compare(&a);
    }
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
