/* segstream test [FILE...]: the `tests:` of configurations, in virtual time (LANGUAGE.md section
 * 10).
 */
#include "processor/cli/options.h"
#include "processor/cli/test_coverage.h"
#include "processor/cli/test_report.h"

#include <stdio.h>

#define FILES_MAX 64

enum option_key { KEY_COVERAGE = 256 };

struct arguments {
    const char *files[FILES_MAX];
    int count;
    struct text name; /* part of the names of the tests to run; absent: all */
    bool has_coverage;
    struct test_report report;
    struct cli_options common;
};

static const struct argp_option options[] = {
    { "config", 'c', "FILE", 0, "A file or a folder; the same as naming it", 0 },
    { "name", 'n', "TEXT", 0, "Only tests whose name contains TEXT", 0 },
    { NULL, 'k', NULL, OPTION_ALIAS, NULL, 0 },
    { "coverage", KEY_COVERAGE, NULL, 0,
      "Say which segments, rungs, emails and branches the tests have reached, and which not", 0 },
    { "output", 'o', "FORM", 0, "text (default), tap or junit", 0 },
    CLI_OPTION_SET,
    { 0 },
};

static const char *const forms[TEST_FORM__COUNT] = { "text", "tap", "junit" };

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
    case 'n':
    case 'k':
        a->name = text_of(argument);
        return 0;
    case KEY_COVERAGE:
        a->has_coverage = true;
        return 0;
    case 'o':
        a->report.form = (enum test_form)cli_form(argument, forms, TEST_FORM__COUNT, state);
        return 0;
    case ARGP_KEY_END:
        if (a->count == 0) {
            argp_error(state, "which configuration?");
        }
        return 0;
    default:
        return cli_options_parse(&a->common, key, argument, state);
    }
}

/* Play what is asked for. Returns: how many tests there are, asked for or not. */
static uint32_t run_tests(struct arguments *a, const struct config *config,
                          struct test_coverage *coverage)
{
    for (uint32_t i = 0; i < config->test_count; i++) {
        const struct test_plan *t = &config->tests[i];
        struct test_result result;

        if (a->name.at != NULL && !text_contains(t->name, a->name)) {
            continue;
        }
        if (coverage != NULL) {
            test_coverage_begin(coverage);
        }
        test_play(config, t, coverage == NULL ? NULL : test_coverage_add, coverage, &result);
        test_report_add(&a->report, config, &result);
        test_result_fini(&result);
    }
    return config->test_count;
}

static enum exit_code run_file(struct arguments *a, const char *path, uint32_t *tests)
{
    struct test_coverage *coverage = NULL;
    struct config *config = NULL;
    enum exit_code code = cli_load(path, CONFIG_NEED_RULES, &a->common.overrides, &config);
    bool is_machine = a->report.form == TEST_FORM_JUNIT;

    if (code != EXIT_GOOD) {
        return code;
    }
    if (a->has_coverage) {
        coverage = test_coverage_new(config);
    }
    test_report_begin_file(&a->report, path);
    *tests += run_tests(a, config, coverage);
    test_report_end_file(&a->report);
    if (coverage != NULL) {
        test_coverage_print(coverage, a->report.form == TEST_FORM_TAP ? "# " : "",
                            is_machine ? stderr : stdout);
    }
    test_coverage_free(coverage);
    config_free(config);
    return EXIT_GOOD;
}

/* No test was run: why. */
static enum exit_code say_none(const struct arguments *a, uint32_t tests)
{
    if (tests > 0) {
        fprintf(stderr, "segstream test: no test's name contains `%.*s`\n", TEXT_PRINTF(a->name));
        return EXIT_USAGE;
    }
    fputs("there are no tests here: a configuration holds them under `tests`\n", stderr);
    return EXIT_GOOD;
}

int cmd_test(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "FILE...",
        .doc = "Run the tests of configurations in virtual time; no Kafka, no Redis. Exit code 1 "
               "when one fails."
               "\vexamples:\n"
               "  segstream test shop.yaml\n"
               "  segstream test shop.yaml --coverage\n"
               "  segstream test shop.yaml -n 'weekend'\n"
               "  segstream test shop.yaml -o junit > tests.xml"
    };
    struct arguments a = { .report = { .to = stdout } };
    enum exit_code worst = EXIT_GOOD;
    uint32_t tests = 0;

    cli_parse(&argp, argc, argv, &a);
    test_report_begin(&a.report);
    for (int i = 0; i < a.count; i++) {
        enum exit_code code = run_file(&a, a.files[i], &tests);

        worst = code > worst ? code : worst;
    }
    test_report_end(&a.report);
    if (a.report.passed + a.report.failed == 0 && worst == EXIT_GOOD) {
        worst = say_none(&a, tests);
    }
    return worst != EXIT_GOOD ? (int)worst : (a.report.failed == 0 ? EXIT_GOOD : EXIT_TEST_FAILED);
}
