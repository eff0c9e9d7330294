#include "processor/cli/cli.h"

#include "processor/base/instant.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PARTITIONS_MAX 100000

enum exit_code cli_load(const char *path, int needs, const struct cli_overrides *overrides,
                        struct config **out_config)
{
    struct config_problems problems = { 0 };
    enum err error = config_load(path, needs, overrides == NULL ? NULL : overrides->items,
                                 overrides == NULL ? 0 : overrides->count, out_config, &problems);

    config_problems_print(&problems, stderr);
    config_problems_fini(&problems);
    return error == OK ? EXIT_GOOD : EXIT_BAD_CONFIG;
}

bool cli_override(struct cli_overrides *overrides, const char *argument)
{
    const char *equals = strchr(argument, '=');

    if (equals == NULL || equals == argument || overrides->count == OVERRIDES_MAX) {
        return false;
    }
    overrides->items[overrides->count++] =
        (struct config_override){ { argument, (size_t)(equals - argument) }, text_of(equals + 1) };
    return true;
}

bool cli_instant(const char *argument, int64_t *out_ms)
{
    char *end = NULL;
    long long value;

    if (instant_parse(text_of(argument), out_ms)) {
        return true;
    }
    errno = 0;
    value = strtoll(argument, &end, 10);
    if (errno != 0 || end == argument || *end != '\0' || value < INSTANT_MIN ||
        value > INSTANT_MAX) {
        return false;
    }
    *out_ms = value;
    return true;
}

int64_t cli_now_ms(void)
{
    struct timespec now = { 0 };

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * SECOND_MS + now.tv_nsec / 1000000;
}

bool cli_partitions(const char *argument, int32_t *out_count)
{
    char *end = NULL;
    long number = strtol(argument, &end, 10);

    if (end == argument || *end != '\0' || number < 1 || number > PARTITIONS_MAX) {
        return false;
    }
    *out_count = (int32_t)number;
    return true;
}

/* --- options --- */

static const struct argp_option *find_option(const struct argp *argp, struct text name)
{
    for (const struct argp_option *o = argp->options; o != NULL && (o->name != NULL || o->key != 0);
         o++) {
        if (o->name != NULL && text_starts_with(text_of(o->name), name)) {
            return o; /* getopt takes a beginning, too */
        }
    }
    return NULL;
}

static bool is_built_in(struct text name)
{
    return name.size > 0 &&
           (text_starts_with(TEXT("help"), name) || text_starts_with(TEXT("usage"), name));
}

static void refuse_option(const struct argp *argp, const char *command, struct text name)
{
    struct text_nearest nearest = { .wrong = name };

    for (const struct argp_option *o = argp->options; o != NULL && (o->name != NULL || o->key != 0);
         o++) {
        if (o->name != NULL) {
            text_nearest_try(&nearest, text_of(o->name));
        }
    }
    fprintf(stderr, "%s: there is no option `--%.*s`", command, TEXT_PRINTF(name));
    if (nearest.best.at != NULL) {
        fprintf(stderr, "; did you mean `--%.*s`?", TEXT_PRINTF(nearest.best));
    }
    fprintf(stderr, "\n%s --help lists them\n", command);
    exit(EXIT_USAGE);
}

/* Does this word take the next one as its value? */
static bool takes_next(const struct argp *argp, struct text word)
{
    bool is_long = text_starts_with(word, TEXT("--"));
    const struct argp_option *o =
        is_long ? find_option(argp, (struct text){ word.at + 2, word.size - 2 }) : NULL;

    for (const struct argp_option *s = argp->options;
         !is_long && word.size == 2 && word.at[0] == '-' && s != NULL &&
         (s->name != NULL || s->key != 0);
         s++) {
        o = s->key == word.at[1] ? s : o;
    }
    while (o != NULL && (o->flags & OPTION_ALIAS) != 0 && o > argp->options) {
        o--; /* an alias takes what its option takes */
    }
    return o != NULL && o->arg != NULL && (o->flags & OPTION_ARG_OPTIONAL) == 0;
}

void cli_parse(const struct argp *argp, int argc, char **argv, void *input)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        struct text word = text_of(argv[i]), name;
        const char *equals = strchr(argv[i], '=');

        if (text_starts_with(word, TEXT("--"))) {
            name = (struct text){ word.at + 2,
                                  equals == NULL ? word.size - 2 : (size_t)(equals - word.at - 2) };
            if (find_option(argp, name) == NULL && !is_built_in(name)) {
                refuse_option(argp, argv[0], name);
            }
        }
        i += equals == NULL && takes_next(argp, word);
    }
    argp_parse(argp, argc, argv, 0, NULL, input);
}
