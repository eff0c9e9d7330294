/* segstream report: what came of it. With --stats the arithmetic of experiments alone. */
#include "processor/cli/cli.h"
#include "processor/report/trial_json.h"

#include <argp.h>
#include <stdio.h>

enum option_key { KEY_STATS = 256 };

struct arguments {
    const char *stats; /* NULL: none */
};

static const struct argp_option options[] = {
    { "stats", KEY_STATS, "FILE", 0,
      "Judge the arms of this JSON file, - for standard input, and nothing else", 0 },
    { 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case KEY_STATS:
        a->stats = argument;
        return 0;
    case ARGP_KEY_END:
        if (a->stats == NULL) {
            argp_error(state, "--stats FILE is needed");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
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

int cmd_report(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "",
        .doc = "With --stats, judge an experiment by the figures of a file: is the split what the "
               "weights say, how far are the arms apart, and may there be a winner yet."
               "\vexamples:\n"
               "  segstream report --stats arms.json\n"
               "  echo '{\"alpha\": 0.05, \"arms\": [{\"name\": \"a\", \"assigned\": 10000, "
               "\"converted\": 200}, {\"name\": \"b\", \"assigned\": 10000, \"converted\": 250}]}' "
               "| segstream report --stats -\n"
    };
    struct arguments a = { 0 };

    cli_parse(&argp, argc, argv, &a);
    return (int)judge(a.stats);
}
