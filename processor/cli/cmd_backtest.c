/* segstream backtest -c CONFIG EVENTS.ndjson: the same engine over a file (LANGUAGE.md section 11).
 */
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/cli/backtest_summary.h"
#include "processor/cli/email_name.h"
#include "processor/cli/options.h"
#include "processor/cli/state_file.h"
#include "schemas/json.h"

#include <stdio.h>
#include <stdlib.h>

#define LINE_SIZE_MAX (1024 * 1024)

struct arguments {
    const char *events;
    int64_t until_ms;
    bool has_until;
    bool is_summary;
    struct cli_options common; /* state NULL: the customers are not kept */
};

struct backtest {
    struct config *config;
    struct timeline *timeline;
    struct summary *summary; /* NULL: lines */
    struct bytes_out line;
    struct arena arena;
    int64_t line_number;
    int64_t last_ms; /* largest event time */
};

static const struct argp_option options[] = {
    CLI_OPTION_CONFIG,
    { "until", 'u', "INSTANT", 0, "Run on to this instant after the last event", 0 },
    { "output", 'o', "FORM", 0, "ndjson (default) or summary", 0 },
    { "state", CLI_KEY_STATE, "FILE", 0,
      "Keep the customers' records at the end, for explain and cuts (a folder: customers.state in "
      "it)",
      0 },
    CLI_OPTION_SET,
    { 0 },
};

static const char *const forms[] = { "ndjson", "summary" };

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case 'u':
        a->has_until = cli_instant(argument, &a->until_ms);
        if (!a->has_until) {
            argp_error(state, "--until wants RFC 3339 or integer ms, not `%s`", argument);
        }
        return 0;
    case 'o':
        a->is_summary = cli_form(argument, forms, 2, state) == 1;
        return 0;
    case ARGP_KEY_ARG:
        if (a->events != NULL) {
            argp_error(state, "one file of events; - is standard input");
        }
        a->events = argument;
        return 0;
    case ARGP_KEY_END:
        if (a->common.config == NULL || a->events == NULL) {
            argp_error(state, "-c CONFIG and a file of events are needed");
        }
        return 0;
    default:
        return cli_options_parse(&a->common, key, argument, state);
    }
}

static void take_output(void *context, const struct output *o)
{
    struct backtest *b = context;
    struct bytes line;

    if (b->summary != NULL) {
        summary_add(b->summary, o);
        return;
    }
    bytes_out_clear(&b->line);
    json_encode_output(o, &b->line);
    line = bytes_out_view(&b->line);
    (void)fwrite(line.at, 1, line.size, stdout);
}

static bool take_line(struct backtest *b, struct text line, const struct arguments *a)
{
    struct event ev;
    char sentence[128] = "";
    enum reject reason;

    b->line_number++;
    if (line.size == 0) {
        return true;
    }
    reason = line.size > LINE_SIZE_MAX
                 ? REJECT_TOO_LARGE
                 : json_decode_event((struct bytes){ (const uint8_t *)line.at, line.size }, NULL,
                                     &b->arena, &ev, sentence);
    if (reason == REJECT_NONE && ev.kind == EVENT_PROFILE &&
        !facts_check_profile(&b->config->rules->facts, &ev, sentence)) {
        reason = REJECT_BAD_VALUE;
    }
    if (reason != REJECT_NONE) {
        timeline_reject(b->timeline, b->line_number, reason, text_of(sentence));
        return true;
    }
    if (a->has_until && ev.at_ms > a->until_ms) {
        fprintf(stderr, "segstream backtest: line %lld is later than --until\n",
                (long long)b->line_number);
        return false;
    }
    b->last_ms = ev.at_ms > b->last_ms ? ev.at_ms : b->last_ms;
    email_name_resolve(b->timeline, b->config->rules, &b->arena, &ev);
    (void)timeline_event(b->timeline, &ev);
    return true;
}

static enum exit_code read_events(struct backtest *b, FILE *from, const struct arguments *a)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    enum exit_code code = EXIT_GOOD;

    while (code == EXIT_GOOD && (size = getline(&line, &capacity, from)) >= 0) {
        while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r')) {
            size--;
        }
        if (!take_line(b, (struct text){ line, (size_t)size }, a)) {
            code = EXIT_USAGE;
        }
        arena_reset(&b->arena);
    }
    free(line); /* tidy: library memory */
    return code;
}

/* After the last event. */
static enum exit_code end_of_events(struct backtest *b, const struct arguments *a)
{
    int64_t until_ms = a->has_until ? a->until_ms : b->last_ms;

    timeline_finish(b->timeline, until_ms);
    if (b->summary != NULL) {
        summary_print(b->summary, b->timeline, stdout);
    }
    if (a->common.state != NULL &&
        state_file_write(a->common.state, b->config->rules, b->timeline, until_ms) != OK) {
        fprintf(stderr, "segstream backtest: cannot write %s\n", a->common.state);
        return EXIT_USAGE;
    }
    return EXIT_GOOD;
}

static enum exit_code backtest(struct backtest *b, const struct arguments *a)
{
    bool is_stdin = strcmp(a->events, "-") == 0;
    FILE *from = is_stdin ? stdin : fopen(a->events, "rb");
    enum exit_code code;

    if (from == NULL) {
        fprintf(stderr, "segstream backtest: cannot read %s\n", a->events);
        return EXIT_USAGE;
    }
    b->last_ms = INSTANT_MIN;
    b->timeline = timeline_new(b->config->rules, true, take_output, b);
    b->summary = a->is_summary ? summary_new(b->config->rules) : NULL;
    code = read_events(b, from, a);
    if (code == EXIT_GOOD) {
        code = end_of_events(b, a);
    }
    if (!is_stdin) {
        (void)fclose(from);
    }
    if (b->summary != NULL) {
        summary_free(b->summary);
    }
    timeline_free(b->timeline);
    bytes_out_fini(&b->line);
    arena_fini(&b->arena);
    return code;
}

int cmd_backtest(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "EVENTS.ndjson",
        .doc = "What would have left for the events of a file, one JSON object a line, in virtual "
               "time. Same file, same bytes out."
               "\vexamples:\n"
               "  segstream backtest -c shop.yaml events.ndjson -o summary\n"
               "  segstream backtest -c shop.yaml events.ndjson --until 2026-06-01T00:00:00Z\n"
               "  zcat events.gz | segstream backtest -c shop.yaml - --state shop.state"
    };
    struct arguments a = { 0 };
    struct backtest b = { 0 };
    enum exit_code code;

    cli_parse(&argp, argc, argv, &a);
    code = cli_load(a.common.config, CONFIG_NEED_RULES, &a.common.overrides, &b.config);
    if (code == EXIT_GOOD) {
        code = backtest(&b, &a);
    }
    config_free(b.config);
    return (int)code;
}
