/* segstream COMMAND [OPTIONS]: the table of commands, and the help that fits a screen. */
#include "processor/cli/cli.h"

#include <argp.h>
#include <stdio.h>

#define SUMMARY_WIDTH 36

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary; /* at most SUMMARY_WIDTH: two columns fit a screen */
} commands[] = {
    { "demo", cmd_demo, "see it work, nothing to set up" },
    { "init", cmd_init, "a starter folder" },
    { "check", cmd_check, "what is wrong with a configuration" },
    { "test", cmd_test, "its own tests, in virtual time" },
    { "schema", cmd_schema, "its JSON Schema, for editors" },
    { "backtest", cmd_backtest, "what would have left, from a file" },
    { "cuts", cmd_cuts, "quintiles of customers, as a patch" },
    { "samplesize", cmd_samplesize, "customers that an experiment needs" },
    { "topics", cmd_topics, "which it needs; make missing ones" },
    { "run", cmd_run, "process events from Kafka" },
    { "report", cmd_report, "what came of it" },
    { "explain", cmd_explain, "why a customer is where they are" },
    { "inspect", cmd_inspect, "what Redis holds, field by field" },
    { "replay", cmd_replay, "the input again: compare, or rebuild" },
    { "repartition", cmd_repartition, "key a topic by the customer" },
    { "rekey", cmd_rekey, "to another number of partitions" },
    { "dlq", cmd_dlq, "dead letters: count, show, retry" },
    { "erase", cmd_erase, "forget a customer, with a receipt" },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))
#define ROW_COUNT     ((COMMAND_COUNT + 1) / 2) /* the second column goes on where the first ends */

static void print_help(FILE *to)
{
    fprintf(to, "segstream " SEGSTREAM_VERSION
                ": customers' events from Kafka, segments exact in time, the next email to Kafka\n"
                "usage: segstream COMMAND [OPTIONS]\n\n");
    for (size_t i = 0; i < ROW_COUNT; i++) {
        fprintf(to, "  %-11s  %s", commands[i].name, commands[i].summary);
        if (i + ROW_COUNT < COMMAND_COUNT) {
            fprintf(to, "%*s%-11s  %s", SUMMARY_WIDTH - (int)strlen(commands[i].summary), "",
                    commands[i + ROW_COUNT].name, commands[i + ROW_COUNT].summary);
        }
        fputc('\n', to);
    }
    fprintf(to,
            "\nsegstream COMMAND --help says more; segstream help this page, version the version\n"
            "\nexamples:\n"
            "  segstream init shop && cd shop && segstream test . --coverage\n"
            "  segstream backtest -c shop.yaml last-year.ndjson -o summary\n"
            "  segstream explain c-1042 -c shop.yaml\n"
            "  segstream run -c shop.yaml --instance worker-1\n"
            "\nexit codes: 0 good, 1 a test failed, 64 wrong usage, 69 a service is unavailable,"
            "\n            78 the configuration is wrong\n");
}

/* `segstream help commands`: a line each, for completions and the man page. */
static void print_commands(void)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        printf("%s\t%s\n", commands[i].name, commands[i].summary);
    }
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
    if (strcmp(name, "help") == 0 && argc > 2 && strcmp(argv[2], "commands") == 0) {
        print_commands();
        return EXIT_GOOD;
    }
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
