#include "processor/config/sample_size.h"
#include "processor/config/warn.h"

#define POWER_LEAST 0.8
#define SAMPLE_MOST 1000000 /* customers per arm that hardly any shop has to spare */

static bool is_named(const struct rules *r, const struct experiment_plan *x)
{
    for (uint32_t s = 0; s < r->sequence_count; s++) {
        for (uint32_t e = 0; e < r->sequences[s].email_count; e++) {
            if (r->sequences[s].emails[e].experiment == x) {
                return true;
            }
        }
    }
    return false;
}

static void check_plan(struct loader *l, const struct yaml_node *key, const struct yaml_node *n,
                       const struct experiment_plan *x)
{
    struct yaml_node *plan = NULL;
    int64_t sample = sample_of_arm(x, 0);

    (void)yaml_get(n, "plan", &plan);
    if (!x->aims.has_plan) {
        problem_hint(problem_add(l->problems, key->place, "W0222",
                                 "`%.*s` has no plan: nobody knows when it has seen enough",
                                 TEXT_PRINTF(x->id)),
                     "plan: {baseline: 4%%, detect: 5%%}: today's rate, and the least that would "
                     "matter");
    } else if (x->aims.power < POWER_LEAST) {
        problem_hint(problem_add(l->problems, plan->place, "W0221",
                                 "underpowered experiment: with a power of %.2f it misses %.0f of "
                                 "100 true differences",
                                 x->aims.power, 100 * (1 - x->aims.power)),
                     "0.8 or more, which takes more customers");
    } else if (sample > SAMPLE_MOST) {
        problem_hint(problem_add(l->problems, plan->place, "W0221",
                                 "underpowered experiment: it needs %lld customers in its first "
                                 "arm",
                                 (long long)sample),
                     "aim at a larger difference between `baseline` and `detect`");
    }
}

void warn_experiments(struct loader *l)
{
    const struct yaml_node *n = load_section(l, "experiments", YAML_MAP);

    for (uint32_t i = 0; i < l->rules->experiment_count; i++) {
        const struct experiment_plan *x = &l->rules->experiments[i];

        if (!is_named(l->rules, x)) {
            problem_hint(
                problem_add(l->problems, n->keys[i]->place, "W0220",
                            "no email names the experiment `%.*s`: nobody is exposed to it",
                            TEXT_PRINTF(x->id)),
                "give an email `experiment: %.*s`", TEXT_PRINTF(x->id));
        }
        check_plan(l, n->keys[i], n->items[i], x);
    }
}
