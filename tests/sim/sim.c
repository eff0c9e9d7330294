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

/* The rules of the second act: who is in which segment changes, and who was silent is forgotten. */
static const struct config_override changes[] = {
    { { "segments.evaluating.when", 24 }, { "intent.score >= 6.0", 19 } },
    { { "segments.lapsed.for", 19 }, { "2h", 2 } },
    { { "state.store", 11 }, { "memory", 6 } },
    { { "state.forget_after", 18 }, { "20d", 3 } },
};

struct acts {
    const struct rules *first, *second;
};

static struct config *load(const char *path, bool is_changed)
{
    struct config_problems problems = { 0 };
    struct config *config = NULL;

    (void)config_load(path, CONFIG_NEED_RULES, changes,
                      is_changed ? sizeof(changes) / sizeof(changes[0]) : 0, &config, &problems);
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
static bool run(const struct acts *acts, uint64_t seed, enum bug bug, bool is_loud)
{
    struct rng rng;
    struct story story;
    struct world world = { .story = &story, .rng = &rng, .bug = bug };
    bool is_good;

    rng_init(&rng, seed);
    world.is_exactly_once = seed % 2 == 0;
    story_make(&story, acts->first, &rng, seed);
    is_good = world_run(&world);
    if (is_good && rng_chance(&rng, 5000)) { /* everybody restarts with other rules */
        story_reconfigure(&story, acts->second);
        world.is_store_steady = true;
        is_good = world_run(&world);
    }
    is_good = is_good && verdict(&world);
    if (!is_good && is_loud) {
        printf("seed %llu: %s\n", (unsigned long long)seed, world.failure);
        print_trace(&world);
    }
    world_fini(&world);
    story_fini(&story);
    return is_good;
}

static int run_seeds(const struct acts *acts, uint64_t from, uint64_t count)
{
    for (uint64_t seed = from; seed < from + count; seed++) {
        if (!run(acts, seed, BUG_NONE, true)) {
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

static int find_bug(const struct acts *acts, enum bug bug)
{
    for (uint64_t seed = 1; seed <= BUG_SEEDS; seed++) {
        if (!run(acts, seed, bug, false)) {
            printf("%s: found by seed %llu\n", bug_names[bug], (unsigned long long)seed);
            return 0;
        }
    }
    printf("%s: not found by %d seeds\n", bug_names[bug], BUG_SEEDS);
    return 1;
}

static int run_arguments(const struct acts *acts, int argc, char **argv)
{
    int missed = 0;

    if (argc == 3 && strcmp(argv[1], "--seed") == 0) {
        return run_seeds(acts, strtoull(argv[2], NULL, 10), 1);
    }
    if (argc == 4 && strcmp(argv[1], "--seeds") == 0) {
        return run_seeds(acts, strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    }
    for (int b = BUG_NONE + 1; argc >= 2 && strncmp(argv[1], "--bug", 5) == 0 && b < BUG__COUNT;
         b++) {
        if (argc == 2 || strcmp(argv[2], bug_names[b]) == 0) {
            missed += find_bug(acts, (enum bug)b);
        }
    }
    return missed == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct config *config, *changed;
    struct acts acts;
    int code;

    if (argc < 2) {
        fprintf(stderr, "sim --seed N | --seeds FROM COUNT | --bug NAME | --bugs\n");
        return 64;
    }
    config = load("deploy/demo-shop.yaml", false);
    changed = load("deploy/demo-shop.yaml", true);
    if (config == NULL || changed == NULL) {
        return 78;
    }
    acts = (struct acts){ config->rules, changed->rules };
    code = run_arguments(&acts, argc, argv);
    config_free(config);
    config_free(changed);
    return code;
}
