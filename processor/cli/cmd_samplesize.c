/* segstream samplesize --baseline RATE --detect RATE: customers that a test needs. */
#include "processor/cli/cli.h"
#include "processor/config/sample_size.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum option_key { KEY_BASELINE = 256, KEY_DETECT, KEY_POWER, KEY_ALPHA, KEY_RATIO };

struct arguments {
    double baseline, detect; /* negative: not given */
    double power, alpha, ratio;
    bool is_json;
};

static const struct argp_option options[] = {
    { "baseline", KEY_BASELINE, "RATE", 0, "What the control does: 4% or 0.04", 0 },
    { "detect", KEY_DETECT, "RATE", 0, "What the other arm would have to do to be seen", 0 },
    { "power", KEY_POWER, "CHANCE", 0, "Of seeing it when it is there (default 0.8)", 0 },
    { "alpha", KEY_ALPHA, "CHANCE", 0, "Of seeing it when it is not (default 0.05)", 0 },
    { "ratio", KEY_RATIO, "N", 0, "The other arm has N times as many customers (default 1)", 0 },
    { "output", 'o', "FORM", 0, "text (default) or json", 0 },
    { 0 },
};

/* A number, with % a hundredth of it. Returns: false unless it is one, and positive. */
static bool read_number(const char *argument, bool may_percent, double *out)
{
    char *end = NULL;
    double value;

    errno = 0;
    value = strtod(argument, &end);
    if (errno != 0 || end == argument || !(value > 0) || !isfinite(value)) {
        return false;
    }
    if (may_percent && *end == '%') {
        value /= 100;
        end++;
    }
    *out = value;
    return *end == '\0';
}

static void read_chance(struct argp_state *state, const char *name, const char *argument,
                        double *out)
{
    if (!read_number(argument, true, out) || *out >= 1) {
        argp_error(state, "--%s wants a rate between 0 and 1, as 4%% or 0.04, not `%s`", name,
                   argument);
    }
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case KEY_BASELINE:
        read_chance(state, "baseline", argument, &a->baseline);
        return 0;
    case KEY_DETECT:
        read_chance(state, "detect", argument, &a->detect);
        return 0;
    case KEY_POWER:
        read_chance(state, "power", argument, &a->power);
        return 0;
    case KEY_ALPHA:
        read_chance(state, "alpha", argument, &a->alpha);
        return 0;
    case KEY_RATIO:
        if (!read_number(argument, false, &a->ratio)) {
            argp_error(state, "--ratio wants a positive number, not `%s`", argument);
        }
        return 0;
    case 'o':
        a->is_json = strcmp(argument, "json") == 0;
        if (!a->is_json && strcmp(argument, "text") != 0) {
            argp_error(state, "-o is text or json, not `%s`", argument);
        }
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "`%s` is no option", argument);
        return 0;
    case ARGP_KEY_END:
        if (a->baseline < 0 || a->detect < 0) {
            argp_error(state, "--baseline and --detect are needed");
        } else if (fabs(a->baseline - a->detect) <= 0) {
            argp_error(state, "two equal rates cannot be told apart");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void say(const struct arguments *a, int64_t first, int64_t second)
{
    if (a->is_json) {
        printf("{\"baseline\": %.9g, \"detect\": %.9g, \"alpha\": %.9g, \"power\": %.9g, "
               "\"per_arm\": [%" PRId64 ", %" PRId64 "], \"total\": %" PRId64 "}\n",
               a->baseline, a->detect, a->alpha, a->power, first, second, first + second);
        return;
    }
    if (first == second) {
        printf("%" PRId64 " customers per arm, %" PRId64 " in all", first, 2 * first);
    } else {
        printf("%" PRId64 " customers in the first arm, %" PRId64 " in the second", first, second);
    }
    printf(" (%.4g%% -> %.4g%%, alpha %.4g, power %.4g)\n", 100 * a->baseline, 100 * a->detect,
           a->alpha, a->power);
}

int cmd_samplesize(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "",
        .doc = "Say how many customers an experiment needs to see a difference between two rates: "
               "two-sided test of two proportions."
               "\vexamples:\n"
               "  segstream samplesize --baseline 4% --detect 5%\n"
               "  segstream samplesize --baseline 4% --detect 5% --power 0.9 --ratio 3\n"
    };
    struct arguments a = { .baseline = -1, .detect = -1, .power = 0.8, .alpha = 0.05, .ratio = 1 };
    int64_t first;

    cli_parse(&argp, argc, argv, &a);
    first = sample_size(a.baseline, a.detect, a.alpha, a.power, a.ratio);
    if (first == 0) {
        fputs("segstream samplesize: these figures have no size\n", stderr);
        return EXIT_USAGE;
    }
    say(&a, first, (int64_t)ceil((double)first * a.ratio));
    return EXIT_GOOD;
}
