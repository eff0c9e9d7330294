#include "processor/base/hash.h"
#include "processor/base/mem.h"
#include "processor/config/load.h"

/* --- names for predicates: every segment, rung and sequence is known before any is compiled --- */

static bool find_segment(const void *context, struct text id, uint32_t *out_key, uint32_t *out_rung)
{
    const struct loader *l = context;
    bool is_ambiguous;

    return segments_find(&l->rules->segments, id, out_key, out_rung, &is_ambiguous);
}

static bool find_sequence(const void *context, struct text id, uint32_t *out_key)
{
    const struct loader *l = context;

    *out_key = hash32(id);
    return load_sequence_index(l, id) != UINT32_MAX;
}

static const struct arms_plan *find_experiment(const void *context, struct text id)
{
    const struct loader *l = context;
    const struct experiment_plan *x = rules_experiment(l->rules, id);

    return x == NULL ? NULL : &x->arms;
}

static uint32_t list_segments(const void *context, struct text *out_names, uint32_t room)
{
    const struct loader *l = context;
    const struct segments_plan *plan = &l->rules->segments;
    uint32_t count = 0;

    for (uint32_t i = 0; i < plan->count; i++) {
        if (count < room) {
            out_names[count++] = plan->segments[i].id;
        }
        for (uint32_t r = 0; r < plan->segments[i].rung_count && count < room; r++) {
            out_names[count++] = plan->segments[i].rungs[r].name;
        }
    }
    return count;
}

static uint32_t list_sequences(const void *context, struct text *out_names, uint32_t room)
{
    const struct yaml_node *n = load_section(context, "sequences", YAML_MAP);
    uint32_t count = 0;

    while (n != NULL && count < n->count && count < room) {
        out_names[count] = n->keys[count]->text;
        count++;
    }
    return count;
}

static uint32_t list_experiments(const void *context, struct text *out_names, uint32_t room)
{
    const struct loader *l = context;
    uint32_t count = 0;

    while (count < l->rules->experiment_count && count < room) {
        out_names[count] = l->rules->experiments[count].id;
        count++;
    }
    return count;
}

/* --- first pass: ids --- */

static void name_rung(struct loader *l, struct segment_plan *s, struct text name)
{
    struct rung_plan *r = &s->rungs[s->rung_count++];

    r->name = arena_text(l->arena, name);
    r->id = arena_format(l->arena, "%.*s.%.*s", TEXT_PRINTF(s->id), TEXT_PRINTF(name));
    r->key = hash32(r->name);
}

static void name_segment(struct loader *l, const struct yaml_node *key, const struct yaml_node *n)
{
    struct segments_plan *plan = &l->rules->segments;
    const struct yaml_node *rungs = yaml_get(n, "first_of", NULL);
    const struct rfm_plan *rfm = &l->rules->facts.rfm;
    struct segment_plan *s;

    load_check_id(l, key, "a segment");
    plan->segments =
        mem_grow32(plan->segments, plan->count, &plan->capacity, sizeof(struct segment_plan));
    s = &plan->segments[plan->count++];
    s->id = arena_text(l->arena, key->text);
    s->key = hash32(s->id);
    s->is_from_rfm = yaml_get(n, "from", NULL) != NULL;
    s->is_ladder = s->is_from_rfm || rungs != NULL;
    if (s->is_from_rfm && rungs == NULL) {
        s->rungs = arena_alloc(l->arena, (rfm->name_count + 1) * sizeof(struct rung_plan));
        for (uint32_t i = 0; i < rfm->name_count; i++) {
            name_rung(l, s, rfm->names[i]);
        }
        if (!rfm->is_used) {
            problem_add(l->problems, key->place, "E0120", "`from: rfm.segment` needs `scores.rfm`");
        }
    } else if (rungs != NULL && rungs->kind == YAML_MAP) {
        s->rungs = arena_alloc(l->arena, (rungs->count + 1) * sizeof(struct rung_plan));
        for (uint32_t i = 0; i < rungs->count; i++) {
            load_check_id(l, rungs->keys[i], "a rung");
            name_rung(l, s, rungs->keys[i]->text);
        }
    }
}

/* --- second pass: predicates --- */

static bool is_rung_map(const struct yaml_node *n)
{
    return n->kind == YAML_MAP && yaml_get(n, "all", NULL) == NULL &&
           yaml_get(n, "any", NULL) == NULL && yaml_get(n, "none", NULL) == NULL;
}

static void load_rungs(struct loader *l, const struct yaml_node *rungs, struct segment_plan *s)
{
    enum truth truth = TRUTH_FALSE;

    if (rungs->count == 0) {
        problem_add(l->problems, rungs->place, "E0121", "a ladder has at least one rung");
    }
    for (uint32_t i = 0; i < rungs->count; i++) {
        const struct yaml_node *n = rungs->items[i];
        struct rung_plan *r = &s->rungs[i];

        if (is_rung_map(n)) {
            r->when = load_predicate(l, yaml_get(n, "when", NULL), PREDICATE_CUSTOMER);
            r->leave_when = load_predicate(l, yaml_get(n, "leave_when", NULL), PREDICATE_CUSTOMER);
        } else {
            r->when = load_predicate(l, n, PREDICATE_CUSTOMER);
        }
        if (i + 1 == rungs->count && r->when != NULL &&
            (!predicate_is_always(r->when, &truth) || truth != TRUTH_TRUE)) {
            problem_add(l->problems, rungs->keys[i]->place, "E0121",
                        "the last rung must be `true`, so that everyone is on exactly one");
        }
    }
}

static void load_segment(struct loader *l, const struct yaml_node *key, const struct yaml_node *n,
                         struct segment_plan *s)
{
    static const char *const plain_only[] = { "when", "leave_when", "for", "min_stay" };
    const struct yaml_node *rungs = yaml_get(n, "first_of", NULL);
    struct text dimension = load_text(n, "dimension");
    struct yaml_node *found;

    for (int d = 0; d < DIMENSION__COUNT; d++) {
        if (text_is(dimension, dimension_name((enum dimension)d))) {
            s->dimension = (enum dimension)d;
        }
    }
    for (size_t i = 0; s->is_ladder && i < sizeof(plain_only) / sizeof(plain_only[0]); i++) {
        if (yaml_get(n, plain_only[i], &found) != NULL) {
            problem_add(l->problems, found->place, "E0122", "a ladder has no `%s`", plain_only[i]);
        }
    }
    if (s->is_from_rfm && rungs != NULL) {
        problem_add(l->problems, key->place, "E0122", "`from` and `first_of` exclude each other");
    } else if (rungs != NULL && rungs->kind == YAML_MAP) {
        load_rungs(l, rungs, s);
    } else if (!s->is_ladder && yaml_get(n, "when", NULL) == NULL) {
        problem_add(l->problems, key->place, "E0004",
                    "`when` is missing here (or `first_of`, or `from`)");
    }
    if (!s->is_ladder) {
        s->when = load_predicate(l, yaml_get(n, "when", NULL), PREDICATE_CUSTOMER);
        s->leave_when = load_predicate(l, yaml_get(n, "leave_when", NULL), PREDICATE_CUSTOMER);
        s->for_ms = load_duration(n, "for", 0);
        s->min_stay_ms = load_duration(n, "min_stay", 0);
    }
}

/* At the segment that the sentence begins with; the one it asks for is the other place. */
static void report_cycle(struct loader *l, const struct yaml_node *n, const char *sentence)
{
    const char *first = strstr(sentence, ": "), *second = strstr(sentence, " -> ");
    const struct yaml_node *one = n->keys[0], *other = NULL;

    for (uint32_t i = 0; first != NULL && second != NULL && i < n->count; i++) {
        struct text id = n->keys[i]->text;

        if (strncmp(first + 2, id.at, id.size) == 0 && first + 2 + id.size == second) {
            one = n->keys[i];
        }
        if (strncmp(second + 4, id.at, id.size) == 0 &&
            (second[4 + id.size] == '\0' || second[4 + id.size] == ' ')) {
            other = n->keys[i];
        }
    }
    if (other == NULL) {
        problem_add(l->problems, one->place, "E0140", "%s", sentence);
    } else {
        problem_note(problem_add(l->problems, one->place, "E0140", "%s", sentence), other->place,
                     "`%.*s` is here", TEXT_PRINTF(other->text));
    }
}

void load_segments(struct loader *l)
{
    const struct yaml_node *n = load_section(l, "segments", YAML_MAP);
    struct segments_plan *plan = &l->rules->segments;
    char sentence[256];

    for (uint32_t i = 0; n != NULL && i < n->count; i++) {
        name_segment(l, n->keys[i], n->items[i]);
    }
    l->names = (struct predicate_names){ .context = l,
                                         .segment = find_segment,
                                         .sequence = find_sequence,
                                         .experiment = find_experiment,
                                         .segments = list_segments,
                                         .sequences = list_sequences,
                                         .experiments = list_experiments };
    for (uint32_t i = 0; n != NULL && i < n->count; i++) {
        if (n->items[i]->kind == YAML_MAP) {
            load_segment(l, n->keys[i], n->items[i], &plan->segments[i]);
        }
    }
    if (n != NULL && segments_order(plan, l->arena, sentence) != OK) {
        report_cycle(l, n, sentence);
    }
}
