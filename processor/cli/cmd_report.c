/* segstream report: what came of it, from the counters of the commits. With --stats the arithmetic
 * of experiments alone.
 */
#include "processor/base/instant.h"
#include "processor/cli/options.h"
#include "processor/cli/report_source.h"
#include "processor/report/experiment.h"
#include "processor/report/trial_json.h"

#include <stdio.h>

#define JOURNAL          "experiments.md"
#define JOURNAL_SIZE_MAX (16 * 1024 * 1024)

enum option_key { KEY_STATS = 256, KEY_SINCE, KEY_JOURNAL };

struct arguments {
    struct cli_options common;
    const char *stats;   /* NULL: none */
    const char *journal; /* NULL: none */
    const char *since;   /* NULL: ever */
    enum document_form form;
};

static const struct argp_option options[] = {
    CLI_OPTION_CONFIG,
    CLI_OPTION_STATE,
    { "since", KEY_SINCE, "WHEN", 0,
      "Moves, funnels, content and revenue since then: a duration like 30d (31d are kept), or an "
      "instant",
      0 },
    { "output", 'o', "FORM", 0, "text (default), md, html, csv or json", 0 },
    { "journal", KEY_JOURNAL, "FILE", OPTION_ARG_OPTIONAL,
      "Append what decided experiments teach to FILE (" JOURNAL "), each once", 0 },
    CLI_OPTION_AT("As of then (default: now, or the end of the backtest)"),
    CLI_OPTION_PARTITIONS,
    CLI_OPTION_SET,
    { "stats", KEY_STATS, "FILE", 0,
      "Judge the arms of this JSON file, - for standard input, and nothing else", 0 },
    { 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    static const char *const forms[] = { "text", "md", "html", "csv", "json" };
    struct arguments *a = state->input;

    switch (key) {
    case KEY_STATS:
        a->stats = argument;
        return 0;
    case KEY_SINCE:
        a->since = argument;
        return 0;
    case KEY_JOURNAL:
        a->journal = argument == NULL ? JOURNAL : argument;
        return 0;
    case 'o':
        a->form = (enum document_form)cli_form(argument, forms, 5, state);
        return 0;
    case ARGP_KEY_ARG:
        cli_options_config(&a->common, argument, state);
        return 0;
    case ARGP_KEY_END:
        if (a->stats == NULL && a->common.config == NULL) {
            argp_error(state, "which configuration? -c FILE (or --stats FILE)");
        }
        return 0;
    default:
        return cli_options_parse(&a->common, key, argument, state);
    }
}

/* --- the arithmetic alone --- */

static bool read_file(const char *path, struct arena *arena, struct bytes *out)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "rb");
    uint8_t *at = arena_room(arena, TRIAL_JSON_SIZE_MAX);
    bool is_good;

    if (file == NULL) {
        return false;
    }
    out->at = at;
    out->size = fread(at, 1, TRIAL_JSON_SIZE_MAX, file);
    is_good = !ferror(file) && fgetc(file) == EOF; /* no more than fits */
    if (!is_stdin) {
        (void)fclose(file);
    }
    return is_good;
}

static enum exit_code judge(const char *path)
{
    struct arena arena = { 0 };
    struct bytes file;
    struct trial trial;
    struct read_out read;
    char sentence[256] = "";
    enum exit_code code = EXIT_USAGE;

    if (!read_file(path, &arena, &file)) {
        fprintf(stderr, "segstream report: cannot read %s\n", path);
    } else if (!trial_json_read(file, &arena, &trial, sentence)) {
        fprintf(stderr, "segstream report: %s: %s\n", path, sentence);
    } else {
        trial_read(&trial, &read);
        trial_print_json(&trial, &read, stdout);
        code = EXIT_GOOD;
    }
    arena_fini(&arena);
    return code;
}

/* --- the journal --- */

/* Is that experiment, version and verdict written down already? */
static bool is_in_journal(struct text journal, const struct experiment *x)
{
    struct arena arena = { 0 };
    bool is_there = text_contains(journal, arena_format(&arena, ": %.*s, version %d: %s\n",
                                                        TEXT_PRINTF(x->plan->id), x->plan->version,
                                                        verdict_name(x->read.verdict)));

    arena_fini(&arena);
    return is_there;
}

static struct text read_journal(const char *path, struct arena *arena)
{
    FILE *file = fopen(path, "rb");
    char *at = arena_room(arena, JOURNAL_SIZE_MAX);
    size_t size = file == NULL ? 0 : fread(at, 1, JOURNAL_SIZE_MAX, file);

    if (file != NULL) {
        (void)fclose(file);
    }
    return (struct text){ at, size };
}

static enum exit_code write_journal(const struct report *r, const char *path)
{
    struct arena arena = { 0 };
    struct text written = read_journal(path, &arena);
    FILE *to = fopen(path, "ab");
    uint32_t count = 0;
    bool is_good = to != NULL;

    if (is_good && written.size == 0) {
        fputs("# What experiments taught\n", to);
    }
    for (uint32_t i = 0; is_good && i < r->rules->experiment_count; i++) {
        struct experiment x;

        if (r->rules->experiments[i].arms.count < 2) {
            continue;
        }
        experiment_read(r, &r->rules->experiments[i], &arena, &x);
        if (x.read.verdict != VERDICT_INCONCLUSIVE && !is_in_journal(written, &x)) {
            experiment_journal(r, &x, to);
            count++;
        }
    }
    is_good = to != NULL && fclose(to) == 0 && is_good;
    arena_fini(&arena);
    if (!is_good) {
        fprintf(stderr, "segstream report: cannot write %s\n", path);
        return EXIT_USAGE;
    }
    fprintf(stderr, "%u experiment%s written to %s\n", count, count == 1 ? "" : "s", path);
    return EXIT_GOOD;
}

static enum exit_code report(const struct arguments *a, const struct config *config)
{
    struct document document = { .at_ms = 0 };
    struct report_source source = { 0 };
    struct report r;
    enum exit_code code = report_source_open(&source, "report", config, &a->common, a->since);

    if (code == EXIT_GOOD) {
        r = report_source_report(&source, &document);
        report_all(&r);
        document_write(&document, a->form, stdout);
        code = a->journal == NULL ? EXIT_GOOD : write_journal(&r, a->journal);
    }
    document_fini(&document);
    report_source_close(&source);
    return code;
}

int cmd_report(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "",
        .doc = "Say what came of it: sizes of segments beside their estimates, moves, overlap; "
               "funnels and goals of sequences; revenue; content by slot and segment; experiments "
               "with verdict and next step. Reads the counters in Redis, or of a backtest's state; "
               "writes nothing there. No customer is named."
               "\vexamples:\n"
               "  segstream report -c shop.yaml --since 30d\n"
               "  segstream report -c shop.yaml -o html > report.html\n"
               "  segstream report -c shop.yaml --journal\n"
               "  segstream report --stats arms.json\n"
    };
    struct arguments a = { .common.at_ms = INSTANT_NEVER };
    struct config *config = NULL;
    enum exit_code code;

    cli_parse(&argp, argc, argv, &a);
    if (a.stats != NULL) {
        return (int)judge(a.stats);
    }
    code = cli_load(a.common.config, CONFIG_NEED_RULES, &a.common.overrides, &config);
    if (code == EXIT_GOOD) {
        code = report(&a, config);
    }
    config_free(config);
    return (int)code;
}
