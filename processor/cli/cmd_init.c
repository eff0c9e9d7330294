/* segstream init [DIR]: a starter folder that passes check, test and backtest at once. */
#include "processor/cli/cli.h"
#include "processor/cli/starter.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096

struct arguments {
    const char *folder;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case ARGP_KEY_ARG:
        if (a->folder != NULL) {
            argp_error(state, "one folder");
        }
        a->folder = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static bool path_of(const char *folder, const char *name, char out[PATH_SIZE])
{
    return text_format(out, PATH_SIZE, "%s/%s", folder, name) + 1 < PATH_SIZE;
}

/* Nothing is overwritten: all files are looked for before the first is written. */
static bool is_free(const char *folder)
{
    char path[PATH_SIZE];

    for (const struct starter_file *f = starter_files; f->name != NULL; f++) {
        if (!path_of(folder, f->name, path) || access(path, F_OK) == 0) {
            fprintf(stderr, "segstream init: %s is there already; nothing was written\n", path);
            return false;
        }
    }
    return true;
}

static bool write_file(const char *folder, const struct starter_file *f)
{
    char path[PATH_SIZE];
    size_t size = strlen(f->text);
    FILE *to;
    bool is_good;

    (void)path_of(folder, f->name, path);
    to = fopen(path, "wxb");
    is_good = to != NULL && fwrite(f->text, 1, size, to) == size;
    if (to != NULL) {
        is_good = fclose(to) == 0 && is_good;
    }
    if (!is_good) {
        fprintf(stderr, "segstream init: cannot write %s\n", path);
    }
    return is_good;
}

int cmd_init(int argc, char **argv)
{
    static const struct argp argp = {
        .parser = parse,
        .args_doc = "[DIR]",
        .doc =
            "Write a starter folder (default: here): a commented shop in a few YAML files, tests "
            "and sample events. It passes check, test and backtest as it is. Nothing is "
            "overwritten."
            "\vexamples:\n"
            "  segstream init shop && cd shop && segstream test . --coverage"
    };
    struct arguments a = { 0 };

    cli_parse(&argp, argc, argv, &a);
    a.folder = a.folder == NULL ? "." : a.folder;
    if (mkdir(a.folder, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "segstream init: cannot make the folder %s\n", a.folder);
        return EXIT_USAGE;
    }
    if (!is_free(a.folder)) {
        return EXIT_USAGE;
    }
    for (const struct starter_file *f = starter_files; f->name != NULL; f++) {
        if (!write_file(a.folder, f)) {
            return EXIT_USAGE;
        }
    }
    printf("%s/README.md says what is here; next:\n  segstream test %s --coverage\n", a.folder,
           a.folder);
    return EXIT_GOOD;
}
