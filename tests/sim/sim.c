/* sim --seed N | --seeds FROM COUNT | --bug NAME | --bugs: see README.md. */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>

#define BUG_SEEDS 100

static const char *const bug_names[BUG__COUNT] = {
    [BUG_NONE] = "none",
    [BUG_LOST_COMMIT] = "lost_commit",
    [BUG_TORN_COMMIT] = "torn_commit",
    [BUG_UNCOUNTED] = "uncounted",
    [BUG_STALE_LOAD] = "stale_load",
    [BUG_SKIPPED] = "skipped",
    [BUG_EARLY_END] = "early_end",
    [BUG_LOST_OUTPUT] = "lost_output",
    [BUG_WRONG_PLACE] = "wrong_place",
    [BUG_UNSTABLE] = "unstable",
    [BUG_NO_MARK] = "no_mark",
    [BUG_NO_GENERATION] = "no_generation",
    [BUG_STRAY_END] = "stray_end",
    [BUG_TOO_EARLY] = "too_early",
    [BUG_HALF_REDO] = "half_redo",
};

static struct config *load(const char *path)
{
    struct config_problems problems = { 0 };
    struct config *config = NULL;

    (void)config_load(path, CONFIG_NEED_RULES, NULL, 0, &config, &problems);
    config_problems_print(&problems, stderr);
    config_problems_fini(&problems);
    return config;
}

static void print_trace(const struct world *w)
{
    uint64_t from = w->traced > TRACE_LINES ? w->traced - TRACE_LINES : 0;

    for (uint64_t i = from; i < w->traced; i++) {
        printf("  %s\n", w->trace[i % TRACE_LINES]);
    }
}

/* Returns: true when the seed is good. */
static bool run(const struct rules *rules, uint64_t seed, enum bug bug, bool is_loud)
{
    struct rng rng;
    struct story story;
    struct world world = { .story = &story, .rng = &rng, .bug = bug };
    bool is_good;

    rng_init(&rng, seed);
    world.is_exactly_once = seed % 2 == 0;
    story_make(&story, rules, &rng, seed);
    is_good = world_run(&world) && verdict(&world);
    if (!is_good && is_loud) {
        printf("seed %llu: %s\n", (unsigned long long)seed, world.failure);
        print_trace(&world);
    }
    world_fini(&world);
    story_fini(&story);
    return is_good;
}

static int run_seeds(const struct rules *rules, uint64_t from, uint64_t count)
{
    for (uint64_t seed = from; seed < from + count; seed++) {
        if (!run(rules, seed, BUG_NONE, true)) {
            return 1;
        }
        if ((seed - from + 1) % 500 == 0) {
            printf("%llu seeds\n", (unsigned long long)(seed - from + 1));
            (void)fflush(stdout);
        }
    }
    printf("%llu seeds good\n", (unsigned long long)count);
    return 0;
}

static int find_bug(const struct rules *rules, enum bug bug)
{
    for (uint64_t seed = 1; seed <= BUG_SEEDS; seed++) {
        if (!run(rules, seed, bug, false)) {
            printf("%s: found by seed %llu\n", bug_names[bug], (unsigned long long)seed);
            return 0;
        }
    }
    printf("%s: not found by %d seeds\n", bug_names[bug], BUG_SEEDS);
    return 1;
}

static int run_arguments(const struct rules *rules, int argc, char **argv)
{
    int missed = 0;

    if (argc == 3 && strcmp(argv[1], "--seed") == 0) {
        return run_seeds(rules, strtoull(argv[2], NULL, 10), 1);
    }
    if (argc == 4 && strcmp(argv[1], "--seeds") == 0) {
        return run_seeds(rules, strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    }
    for (int b = BUG_NONE + 1; argc >= 2 && strncmp(argv[1], "--bug", 5) == 0 && b < BUG__COUNT;
         b++) {
        if (argc == 2 || strcmp(argv[2], bug_names[b]) == 0) {
            missed += find_bug(rules, (enum bug)b);
        }
    }
    return missed == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct config *config;
    int code;

    if (argc < 2) {
        fprintf(stderr, "sim --seed N | --seeds FROM COUNT | --bug NAME | --bugs\n");
        return 64;
    }
    config = load("deploy/demo-shop.yaml");
    if (config == NULL) {
        return 78;
    }
    code = run_arguments(config->rules, argc, argv);
    config_free(config);
    return code;
}
