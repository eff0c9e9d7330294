/* segstream COMMAND [OPTIONS]: the table of commands, and the help that fits a screen. */
#include "processor/cli/cli.h"

#include <argp.h>
#include <stdio.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    { "demo", cmd_demo, "see it work: seeded shoppers, a Kafka inside, triggers in seconds" },
    { "run", cmd_run, "process events from Kafka until stopped" },
    { "init", cmd_init, "a starter folder: segments, emails, tests, sample events" },
    { "check", cmd_check, "say everything that is wrong with a configuration" },
    { "test", cmd_test, "run the tests of a configuration in virtual time" },
    { "schema", cmd_schema, "the JSON Schema of a configuration, for editors" },
    { "backtest", cmd_backtest, "what would have left for the events of a file" },
    { "cuts", cmd_cuts, "quintiles of your customers, as a patch of scores.rfm" },
    { "report", cmd_report, "what came of it: segments, sequences, content, experiments" },
    { "samplesize", cmd_samplesize, "how many customers an experiment needs" },
    { "explain", cmd_explain, "why a customer is where they are, and what comes next" },
    { "erase", cmd_erase, "have a customer forgotten, with a receipt" },
    { "inspect", cmd_inspect, "what Redis holds: a customer, partitions, timers, the outbox" },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *to)
{
    fprintf(to, "segstream " SEGSTREAM_VERSION
                ": customers' events from Kafka, segments exact in time, the next email to Kafka\n"
                "usage: segstream COMMAND [OPTIONS]\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
    }
    fprintf(to, "  %-10s %s\n", "help",
            "this page; segstream COMMAND --help says more, segstream version the version");
    fprintf(to,
            "\nexamples:\n"
            "  segstream init shop && cd shop && segstream test . --coverage\n"
            "  segstream backtest -c shop.yaml last-year.ndjson -o summary\n"
            "  segstream explain c-1042 -c shop.yaml\n"
            "  segstream run -c shop.yaml --instance worker-1\n"
            "\nexit codes: 0 good, 1 a test failed, 64 wrong usage, 69 a service is unavailable,"
            "\n            78 the configuration is wrong\n");
}

static void say_unknown(const char *name)
{
    struct text_nearest nearest = { .wrong = text_of(name) };

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        text_nearest_try(&nearest, text_of(commands[i].name));
    }
    fprintf(stderr, "segstream: there is no command `%s`", name);
    if (nearest.best.at != NULL) {
        fprintf(stderr, "; did you mean `%.*s`?", TEXT_PRINTF(nearest.best));
    }
    fputs("\nsegstream help lists them\n", stderr);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    argp_err_exit_status = EXIT_USAGE;
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_help(stdout);
        return EXIT_GOOD;
    }
    if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0) {
        puts("segstream " SEGSTREAM_VERSION);
        return EXIT_GOOD;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(name, commands[i].name) == 0) {
            static char full_name[64]; /* argp prints it */

            snprintf(full_name, sizeof(full_name), "segstream %s", name);
            argv[1] = full_name;
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    if (name[0] == '\0') {
        print_help(stderr);
    } else {
        say_unknown(name);
    }
    return EXIT_USAGE;
}
