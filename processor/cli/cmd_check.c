/* segstream check FILE...: every error and warning of each, at once; and what the rules cost. */
#include "processor/base/instant.h"
#include "processor/cli/check_against.h"
#include "processor/cli/check_live.h"
#include "processor/cli/check_output.h"
#include "processor/cli/checks_page.h"
#include "processor/cli/options.h"

#include <stdio.h>
#include <time.h>

#define FILES_MAX 64

enum long_option { OPTION_DENY = 256, OPTION_ALL, OPTION_EXPLAIN, OPTION_AGAINST, OPTION_LIVE };

struct arguments {
    const char *files[FILES_MAX]; /* with is_explaining: codes */
    int count;
    struct cli_options common;
    const char *against; /* NULL: no comparison */
    enum check_form form;
    bool denies_warnings, is_quiet, wants_all, is_explaining, is_live;
};

static const struct argp_option options[] = {
    { "config", 'c', "FILE", 0, "A file or a folder; the same as naming it", 0 },
    CLI_OPTION_SET,
    { "output", 'o', "text|json|github", 0, "How to say it: for people, tools, or GitHub workflows",
      0 },
    { "deny", OPTION_DENY, "warnings", 0, "Exit with 1 when there are warnings", 0 },
    { "all", OPTION_ALL, NULL, 0, "Also warnings that are only worth a look (W08xx)", 0 },
    { "quiet", 'q', NULL, 0, "Errors only, and warnings that are denied", 0 },
    { "explain", OPTION_EXPLAIN, "CODE", OPTION_ARG_OPTIONAL,
      "What a code means, with a wrong and a right example; alone: list the codes", 0 },
    { "against", OPTION_AGAINST, "OLD", 0,
      "Say what the change from OLD will do: segments, counters, runs, experiments", 0 },
    { "live", OPTION_LIVE, NULL, 0,
      "Look at the Kafka and the Redis it names: what is not there or does not fit, and what to "
      "fix",
      0 },
    CLI_OPTION_AT("With --against: when it is made (default: now)"),
    { 0 },
};

static const char *const forms[] = { "text", "json", "github" }; /* as enum check_form */

static void add_file(struct arguments *a, const char *argument, struct argp_state *state)
{
    if (a->count == FILES_MAX) {
        argp_error(state, "at most %d files", FILES_MAX);
    }
    a->files[a->count++] = argument;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case 'c':
    case ARGP_KEY_ARG:
        add_file(a, argument, state);
        return 0;
    case 'o':
        a->form = (enum check_form)cli_form(argument, forms, 3, state);
        return 0;
    case 'q':
        a->is_quiet = true;
        return 0;
    case OPTION_AGAINST:
        a->against = argument;
        return 0;
    case OPTION_LIVE:
        a->is_live = true;
        return 0;
    case OPTION_DENY:
        if (strcmp(argument, "warnings") != 0) {
            argp_error(state, "--deny wants warnings");
        }
        a->denies_warnings = true;
        return 0;
    case OPTION_ALL:
        a->wants_all = true;
        return 0;
    case OPTION_EXPLAIN:
        a->is_explaining = true;
        if (argument != NULL) {
            add_file(a, argument, state);
        }
        return 0;
    case ARGP_KEY_END:
        if (a->count == 0 && !a->is_explaining) {
            argp_error(state, "which configuration?");
        }
        return 0;
    default:
        return cli_options_parse(&a->common, key, argument, state);
    }
}

/* --- --explain: sections of deploy/CHECKS.md, "## CODE title" each --- */

static const char *next_section(const char *at)
{
    const char *found = strstr(at, "\n## ");

    return found == NULL ? NULL : found + 1;
}

static int explain(const struct arguments *a)
{
    for (int i = 0; i < a->count; i++) {
        const char *at = next_section(checks_page);
        size_t size = strlen(a->files[i]);

        while (at != NULL && (strncmp(at + 3, a->files[i], size) != 0 || at[3 + size] != ' ')) {
            at = next_section(at);
        }
        if (at == NULL) {
            fprintf(stderr,
                    "segstream: there is no code `%s`; segstream check --explain lists them\n",
                    a->files[i]);
            return EXIT_USAGE;
        }
        at += 3;
        printf("%.*s",
               (int)(next_section(at) == NULL ? strlen(at) : (size_t)(next_section(at) - at)), at);
    }
    for (const char *at = next_section(checks_page); a->count == 0 && at != NULL;
         at = next_section(at)) {
        printf("%.*s\n", (int)strcspn(at + 3, "\n"), at + 3);
    }
    return EXIT_GOOD;
}

/* --- one configuration --- */

static enum exit_code check(const struct arguments *a, struct check_output *out, const char *path)
{
    bool shows_warnings = !a->is_quiet || a->denies_warnings;
    int needs = CONFIG_NEED_RULES | (shows_warnings ? CONFIG_NEED_WARNINGS : 0) |
                (a->wants_all ? CONFIG_NEED_NOTES : 0);
    struct config_problems problems = { 0 };
    struct config *config = NULL;
    enum err error = config_load(path, needs, a->common.overrides.items, a->common.overrides.count,
                                 &config, &problems);
    bool has_warnings = problems.count > problems.error_count;

    check_output_put(out, path, &problems, config);
    config_problems_fini(&problems);
    config_free(config);
    return error != OK                          ? EXIT_BAD_CONFIG
           : has_warnings && a->denies_warnings ? EXIT_TEST_FAILED
                                                : EXIT_GOOD;
}

/* With --against: each file against the old one. */
static enum exit_code compare(const struct arguments *a)
{
    enum exit_code worst = EXIT_GOOD;
    struct timespec now = { 0 };
    int64_t at_ms = a->common.at_ms;

    if (at_ms == INSTANT_NEVER) {
        (void)clock_gettime(CLOCK_REALTIME, &now);
        at_ms = (int64_t)now.tv_sec * SECOND_MS;
    }
    for (int i = 0; i < a->count; i++) {
        enum exit_code code = check_against(a->files[i], a->against, &a->common.overrides, at_ms,
                                            a->form == CHECK_JSON);

        worst = code > worst ? code : worst;
    }
    return worst;
}

/* With --live: each file's services. */
static enum exit_code look(const struct arguments *a)
{
    enum exit_code worst = EXIT_GOOD;

    for (int i = 0; i < a->count; i++) {
        enum exit_code code = check_live(a->files[i], &a->common.overrides, a->form == CHECK_JSON,
                                         a->is_quiet, a->denies_warnings);

        worst = code > worst ? code : worst;
    }
    return worst;
}

int cmd_check(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "FILE...",
        .doc = "Say everything that is wrong with a configuration, and what it probably does not "
               "mean: file:line:column, the line, and a hint; and what its rules cost.\n"
               "Exit codes: 0 good, 1 a warning was denied, 64 wrong usage, 69 (--live) a service "
               "does "
               "not answer, 78 the configuration is wrong, or a service does not fit it."
    };
    struct arguments a = { .common.at_ms = INSTANT_NEVER };
    struct check_output out;
    enum exit_code worst = EXIT_GOOD;

    cli_parse(&argp, argc, argv, &a);
    if (a.is_explaining) {
        return explain(&a);
    }
    if (a.against != NULL) {
        return (int)compare(&a);
    }
    if (a.is_live) {
        return (int)look(&a);
    }
    out = check_output_begin(a.form, a.is_quiet);
    for (int i = 0; i < a.count; i++) {
        enum exit_code code = check(&a, &out, a.files[i]);

        worst = code > worst ? code : worst;
    }
    check_output_end(&out);
    return (int)worst;
}
