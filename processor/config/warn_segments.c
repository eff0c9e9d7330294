#include "processor/config/warn.h"
#include "segmenters/predicate_reason.h"

/* What follows when a predicate holds for nobody, or for everybody. */
static const struct {
    const char *never, *always;
} effects[ROLE__COUNT] = {
    [ROLE_WHEN] = { "nobody is ever in the segment", "everybody is in the segment" },
    [ROLE_RUNG] = { "nobody is ever on this rung", "nobody is ever on a rung below" },
    [ROLE_LEAVE_WHEN] = { "the segment is never left", "it is the same without leave_when" },
    [ROLE_ENTER_IF] = { "nobody ever enters", "it lets everybody in" },
    [ROLE_STOP_IF] = { "it stops nothing", "nobody ever enters" },
    [ROLE_GOAL] = { "the goal is never reached", "nobody ever enters" },
    [ROLE_EMAIL_IF] = { "the email is always skipped", "it never skips the email" },
    [ROLE_SEND_IF] = { "nothing is ever sent", "it holds nothing back" },
    [ROLE_FILTER] = { "no event passes", "every event of the kind passes" },
};

static bool is_written_true(const struct predicate *p)
{
    enum truth truth = TRUTH_FALSE;

    return predicate_is_always(p, &truth) && truth == TRUTH_TRUE;
}

static void say_never(struct loader *l, const struct yaml_node *n, const char *effect)
{
    problem_hint(problem_add(l->problems, n->place, "W0101", "this never holds: %s", effect),
                 "look for parts that exclude each other, or for a value out of range");
}

static void say_always(struct loader *l, const struct yaml_node *n, const char *effect)
{
    problem_hint(problem_add(l->problems, n->place, "W0102", "this always holds: %s", effect),
                 "it is true whatever happens; write true, or leave it out, if that is meant");
}

/* Of all, any and none each condition by itself; the first that says something is enough. */
static bool check_items(struct loader *l, const struct predicate *p, const struct yaml_node *n)
{
    const struct yaml_node *list = n->items[0];
    bool is_all = text_is(n->keys[0]->text, "all"), has_said = false;

    for (uint32_t i = 0; i < list->count; i++) {
        const struct predicate *item = predicate_item(p, i);

        if (list->items[i]->kind == YAML_MAP) {
            has_said = check_items(l, item, list->items[i]) || has_said;
        } else if (predicate_never(item)) {
            say_never(l, list->items[i], is_all ? "so nothing here does" : "it adds nothing");
            has_said = true;
        } else if (!is_written_true(item) && predicate_always(item)) {
            say_always(l, list->items[i],
                       is_all ? "it adds nothing" : "so the others do not matter");
            has_said = true;
        }
    }
    return has_said;
}

static void check_truth(void *context, const struct predicate_place *at)
{
    struct loader *l = context;

    if (at->node->kind == YAML_MAP && check_items(l, at->predicate, at->node)) {
        return;
    }
    if (predicate_never(at->predicate)) {
        say_never(l, at->node, effects[at->role].never);
    } else if (!is_written_true(at->predicate) && predicate_always(at->predicate)) {
        say_always(l, at->node, effects[at->role].always);
    }
}

/* A rung whose customers are all taken by rungs above. */
static void check_rungs(struct loader *l, const struct segment_plan *s,
                        const struct yaml_node *rungs)
{
    const struct predicate **above = arena_alloc(l->arena, s->rung_count * sizeof(*above));

    for (uint32_t i = 0; i < s->rung_count; i++) {
        const struct rung_plan *r = &s->rungs[i];
        uint32_t alone = 0;

        if (i > 0 && !predicate_never(r->when) && predicate_implies_any(r->when, above, i)) {
            struct config_problem *p;

            while (alone < i && !predicate_implies_any(r->when, &above[alone], 1)) {
                alone++;
            }
            p = problem_add(l->problems, rungs->keys[i]->place, "W0121",
                            "nobody can be on the rung `%.*s`: %s", TEXT_PRINTF(r->name),
                            alone < i ? "whom it takes, one above takes first"
                                      : "whom it takes, those above take first");
            if (alone < i) {
                problem_note(p, rungs->keys[alone]->place, "`%.*s` is here",
                             TEXT_PRINTF(s->rungs[alone].name));
            }
            problem_hint(p, "put the narrower rung above the wider one");
        }
        above[i] = r->when;
        if (predicate_always(r->when)) {
            break; /* that was said, once for all below */
        }
    }
}

/* --- profiles --- */

static const struct {
    const char *name, *of; /* of: the map it stands in */
} parts[] = {
    { "size_estimate", NULL },
    { "demographics", NULL },
    { "behaviors", NULL },
    { "psychographics", NULL },
    { "primary", "pain_points" },
    { "secondary", "pain_points" },
    { "triggers", "pain_points" },
    { "formats", "prefers" },
    { "topics", "prefers" },
    { "channels", "prefers" },
    { "engagement", "prefers" },
    { "messages", NULL },
    { "objections", NULL },
    { "value_propositions", NULL },
    { "tone", NULL },
    { "journey", "conversion_path" },
    { "touchpoints", "conversion_path" },
    { "decision_factors", "conversion_path" },
};

static void check_profile(struct loader *l, const struct yaml_node *key,
                          const struct yaml_node *profile)
{
    struct name_list missing = { .count = 0 };
    char name[64];

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const struct yaml_node *in =
            parts[i].of == NULL ? profile : yaml_get(profile, parts[i].of, NULL);

        if (in == NULL || (in->kind == YAML_MAP && yaml_get(in, parts[i].name, NULL) == NULL)) {
            snprintf(name, sizeof(name), "%s%s%s", parts[i].of == NULL ? "" : parts[i].of,
                     parts[i].of == NULL ? "" : ".", parts[i].name);
            name_list_add(&missing, text_of(name));
        }
    }
    if (missing.count > 0) {
        problem_hint(problem_add(l->problems, key->place, "W0131", "this profile has no %s",
                                 name_list_end(&missing)),
                     "a profile is for people: who writes for the segment asks for these");
    }
}

static void check_profiles(struct loader *l, const struct yaml_node *n)
{
    for (uint32_t i = 0; i < n->count; i++) {
        struct yaml_node *key = NULL;
        const struct yaml_node *profile = yaml_get(n->items[i], "profile", &key);

        if (profile != NULL) {
            check_profile(l, key, profile);
        } else if (!l->rules->segments.segments[i].is_ladder) {
            problem_add(l->problems, n->keys[i]->place, "W0801", "`%.*s` has no profile",
                        TEXT_PRINTF(n->keys[i]->text));
        }
    }
}

void warn_segments(struct loader *l)
{
    const struct segments_plan *plan = &l->rules->segments;
    const struct yaml_node *n = load_section(l, "segments", YAML_MAP);

    warn_each_predicate(l, check_truth, l);
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct yaml_node *rungs = yaml_get(n->items[i], "first_of", NULL);

        if (rungs != NULL) {
            check_rungs(l, &plan->segments[i], rungs);
        }
    }
    if (n != NULL) {
        check_profiles(l, n);
    }
}
