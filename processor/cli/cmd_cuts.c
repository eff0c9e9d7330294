/* segstream cuts -c CONFIG: quintiles of the customers of now, as a patch of scores.rfm.
 *
 * DESIGN. Cut i is the smallest value v with #{x <= v} >= ceil(i * n / 5) (nearest rank: ties
 * always share a score), and a score rises behind it: so the least value of the next score is one
 * unit more. Ages are in whole days.
 */
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/cli/customer_source.h"
#include "processor/cli/options.h"
#include "processor/cli/value_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FEW 100 /* customers: fewer are hardly a population */

struct sample { /* one value of every customer */
    int64_t *values;
    uint32_t count;
    uint32_t capacity;
};

struct population {
    const struct rfm_plan *plan;
    int64_t at_ms; /* never: each customer as of its own last decision */
    struct sample ages_days, orders, money;
    int64_t customers;
};

static const struct argp_option options[] = {
    CLI_OPTION_CONFIG,
    CLI_OPTION_STATE,
    CLI_OPTION_AT("As of then (default: now, or the end of the backtest)"),
    CLI_OPTION_PARTITIONS,
    CLI_OPTION_SET,
    { 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct cli_options *a = state->input;

    switch (key) {
    case ARGP_KEY_ARG:
        cli_options_config(a, argument, state);
        return 0;
    case ARGP_KEY_END:
        if (a->config == NULL) {
            argp_error(state, "which configuration? -c FILE");
        }
        return 0;
    default:
        return cli_options_parse(a, key, argument, state);
    }
}

/* --- counting --- */

static void add(struct sample *s, int64_t value)
{
    s->values = mem_grow32(s->values, s->count, &s->capacity, sizeof(*s->values));
    s->values[s->count++] = value;
}

static void visit(void *context, struct text id, const struct customer *c)
{
    struct population *p = context;
    struct rfm r = rfm_value(p->plan, c, p->at_ms == INSTANT_NEVER ? c->decided_at_ms : p->at_ms);

    (void)id;
    p->customers++;
    if (r.is_known) {
        add(&p->ages_days, r.recency_ms / DAY_MS);
        add(&p->orders, r.frequency);
        add(&p->money, r.monetary);
    }
}

static int compare_values(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;

    return *a < *b ? -1 : *a > *b;
}

/* The least values of scores 2..5. Returns: whether two fell on one value and were moved apart, as
 * cuts must rise. */
static bool propose(struct sample *s, int64_t out[RFM_CUTS])
{
    bool is_moved = false;

    qsort(s->values, s->count, sizeof(*s->values), compare_values);
    for (uint32_t i = 1; i <= RFM_CUTS; i++) {
        uint64_t rank = ((uint64_t)i * s->count + RFM_CUTS) / (RFM_CUTS + 1); /* rounded up */

        out[i - 1] = s->values[rank - 1] + 1;
        if (i > 1 && out[i - 1] <= out[i - 2]) {
            out[i - 1] = out[i - 2] + 1;
            is_moved = true;
        }
    }
    return is_moved;
}

/* --- saying --- */

/* How the customers spread over five scores between these least values, as a comment. */
static void print_shares(const struct sample *s, const int64_t least[RFM_CUTS])
{
    uint32_t counts[RFM_CUTS + 1] = { 0 };

    for (uint32_t i = 0; i < s->count; i++) {
        int score = 0;

        while (score < RFM_CUTS && s->values[i] >= least[score]) {
            score++;
        }
        counts[score]++;
    }
    for (int i = 0; i <= RFM_CUTS; i++) {
        printf(" %u%%", (unsigned)((100 * (uint64_t)counts[i] + s->count / 2) / s->count));
    }
}

/* Which of the two comes first in a list of cuts: ages fall. */
static void print_list(const char *key, const int64_t cuts[RFM_CUTS], struct arena *arena)
{
    printf("    %-10s [", key);
    for (int i = 0; i < RFM_CUTS; i++) {
        if (key[0] == 'r') {
            printf("%" PRId64 "d", cuts[RFM_CUTS - 1 - i]);
        } else if (key[0] == 'f') {
            printf("%" PRId64, cuts[i]);
        } else {
            printf("\"%.*s\"", TEXT_PRINTF(value_text_money(arena, cuts[i], TEXT_NONE)));
        }
        printf("%s", i + 1 < RFM_CUTS ? ", " : "]\n");
    }
}

static void print_cuts(const char *key, struct sample *s, const int64_t now[RFM_CUTS],
                       struct arena *arena)
{
    int64_t cuts[RFM_CUTS];
    bool is_moved = propose(s, cuts);
    const char *letter = key[0] == 'r' ? "ages, youngest first" : "from least to most";

    printf("    # customers by score, %s: now", letter);
    print_shares(s, now);
    printf(", then");
    print_shares(s, cuts);
    if (is_moved) {
        printf("\n    # (a fifth and more share one value: a score there is empty or nearly so)");
    }
    putchar('\n');
    print_list(key, cuts, arena);
}

static void print_patch(struct population *p)
{
    struct arena arena = { 0 };
    int64_t ages[RFM_CUTS];
    struct text at = value_text_instant(&arena, p->at_ms);
    struct text window = p->plan->window_ms == INSTANT_NEVER
                             ? TEXT("ever")
                             : value_text_duration(&arena, p->plan->window_ms);

    for (int i = 0; i < RFM_CUTS; i++) { /* in whole days, youngest first */
        ages[i] = (p->plan->recency_ms[RFM_CUTS - 1 - i] + DAY_MS - 1) / DAY_MS;
    }
    printf("# Quintiles of the %u customers, of %" PRId64 ", with an order in the window (%.*s)",
           p->orders.count, p->customers, TEXT_PRINTF(window));
    if (p->at_ms != INSTANT_NEVER) {
        printf(", at %.*s", TEXT_PRINTF(at));
    }
    printf(".\n");
    if (p->orders.count < FEW) {
        printf("# So few customers say little about others.\n");
    }
    printf("# Look at what the change does before you make it: segstream check NEW --against OLD\n"
           "scores:\n  rfm:\n");
    print_cuts("recency:", &p->ages_days, ages, &arena);
    print_cuts("frequency:", &p->orders, p->plan->frequency, &arena);
    print_cuts("monetary:", &p->money, p->plan->monetary, &arena);
    arena_fini(&arena);
}

/* --- finding --- */

static int64_t instant_of(const struct cli_options *a, const struct config *config,
                          const struct customer_source *source)
{
    struct timespec now = { 0 };

    if (a->at_ms != INSTANT_NEVER) {
        return a->at_ms;
    }
    if (a->state != NULL || config->rules->is_event_clock) {
        return customer_source_stream_ms(source);
    }
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * SECOND_MS + now.tv_nsec / 1000000;
}

static enum exit_code cuts(const struct cli_options *a, const struct config *config)
{
    char sentence[256] = "";
    bool is_config = false;
    struct customer_source *source =
        customer_source_open(config, a->state, a->partitions, sentence, &is_config);
    struct population p = { .plan = &config->rules->facts.rfm };
    enum exit_code code = EXIT_GOOD;

    if (source != NULL) {
        p.at_ms = instant_of(a, config, source);
    }
    if (source == NULL || !customer_source_each(source, visit, &p, sentence)) {
        fprintf(stderr, "segstream cuts: %s\n", sentence);
        code = is_config ? EXIT_BAD_CONFIG : EXIT_SERVICE;
    } else if (p.orders.count == 0) {
        fprintf(stderr,
                "segstream cuts: none of the %" PRId64 " customers has an order in the "
                "window\n",
                p.customers);
        code = EXIT_TEST_FAILED;
    } else {
        print_patch(&p);
    }
    mem_free(p.ages_days.values);
    mem_free(p.orders.values);
    mem_free(p.money.values);
    customer_source_close(source);
    return code;
}

int cmd_cuts(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "",
        .doc =
            "Propose the cuts of scores.rfm that give a fifth of today's customers each score, as "
            "a YAML patch. Reads Redis, or the state of a backtest; writes nothing. Exit code 1: "
            "nobody has an order in the window."
            "\vexamples:\n"
            "  segstream cuts -c shop.yaml\n"
            "  segstream cuts -c shop.yaml --state shop.state"
    };
    struct cli_options a = { .at_ms = INSTANT_NEVER };
    struct config *config = NULL;
    enum exit_code code;

    cli_parse(&argp, argc, argv, &a);
    code = cli_load(a.config, CONFIG_NEED_RULES, &a.overrides, &config);
    if (code == EXIT_GOOD && !config->rules->facts.rfm.is_used) {
        fputs("segstream cuts: the configuration has no `scores.rfm`\n", stderr);
        code = EXIT_BAD_CONFIG;
    } else if (code == EXIT_GOOD) {
        code = cuts(&a, config);
    }
    config_free(config);
    return (int)code;
}
