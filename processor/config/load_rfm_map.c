/* DESIGN. An own map is 125 cells of (r, f, m) and a predicate per name. Each predicate is compiled
 * over a plan of three attributes and asked for every cell: a cell with no name, or with two, is
 * named with the places that are to blame.
 */
#include "processor/base/hash.h"
#include "processor/base/mem.h"
#include "processor/config/load.h"

#define SCORES    5
#define NAMES_MAX 64
#define PARTS     3
#define NO_NAME   UINT32_MAX

struct cell {
    int32_t score[PARTS]; /* r, f, m */
};

static struct cell cell_of(uint32_t index)
{
    return (struct cell){ { (int32_t)index / (SCORES * SCORES) + 1,
                            (int32_t)index / SCORES % SCORES + 1, (int32_t)index % SCORES + 1 } };
}

/* Three attributes: r, f and m. */
static void plan_init(struct facts_plan *plan, struct arena *arena)
{
    static const char *const names[PARTS] = { "r", "f", "m" };

    *plan = (struct facts_plan){ .arena = arena };
    for (int i = 0; i < PARTS; i++) {
        struct attribute_plan *a;

        plan->attributes = mem_grow32(plan->attributes, plan->attribute_count,
                                      &plan->attribute_capacity, sizeof(struct attribute_plan));
        a = &plan->attributes[plan->attribute_count++];
        *a = (struct attribute_plan){ .name = text_of(names[i]),
                                      .key = hash32(text_of(names[i])),
                                      .type = VALUE_INT,
                                      .fallback = VALUE_NONE };
    }
}

static bool holds(const struct predicate *p, const struct facts_plan *plan, struct cell cell,
                  struct arena *arena)
{
    struct customer *c = customer_new();
    struct view v = { .plan = plan, .customer = c, .arena = arena };
    bool is_true;

    for (int i = 0; i < PARTS; i++) {
        struct value value = { .type = VALUE_INT, .as.integer = cell.score[i] };

        facts_set_attribute(c, &plan->attributes[i], &value, 0, 0);
    }
    is_true = predicate_eval(p, &v).truth == TRUTH_TRUE;
    customer_free(c);
    return is_true;
}

static void report_gaps(struct loader *l, const struct yaml_node *key,
                        const uint32_t name_of[RFM_CELLS])
{
    uint32_t count = 0;
    struct cell first = { { 0 } };

    for (uint32_t i = RFM_CELLS; i-- > 0;) {
        if (name_of[i] == NO_NAME) {
            first = cell_of(i);
            count++;
        }
    }
    if (count > 0) {
        problem_hint(problem_add(l->problems, key->place, "E0119",
                                 "no name covers r %d, f %d, m %d (%u of the %d cells have none)",
                                 first.score[0], first.score[1], first.score[2], count, RFM_CELLS),
                     "each cell of r, f and m from 1 to 5 has exactly one name; widen a condition, "
                     "or add a name for the rest");
    }
}

/* The second of two names that both hold somewhere is to blame; the first is noted. */
static void report_overlap(struct loader *l, const struct yaml_node *map, uint32_t one,
                           uint32_t other, const uint32_t shared[NAMES_MAX], uint32_t first_cell)
{
    struct cell cell = cell_of(first_cell);
    struct config_problem *p =
        problem_add(l->problems, map->items[other]->place, "E0119",
                    "`%.*s` and `%.*s` both cover r %d, f %d, m %d (%u cells in all)",
                    TEXT_PRINTF(map->keys[one]->text), TEXT_PRINTF(map->keys[other]->text),
                    cell.score[0], cell.score[1], cell.score[2], shared[one]);

    problem_note(p, map->items[one]->place, "`%.*s` is here", TEXT_PRINTF(map->keys[one]->text));
}

/* Give the cells of one name to it. Returns: false when it covers none. */
static bool take_cells(struct loader *l, const struct yaml_node *map, uint32_t name,
                       const struct predicate *p, const struct facts_plan *plan,
                       uint32_t name_of[RFM_CELLS])
{
    uint32_t shared[NAMES_MAX] = { 0 }, first[NAMES_MAX] = { 0 };
    struct arena scratch = { 0 };
    bool has_any = false;

    for (uint32_t i = 0; i < RFM_CELLS; i++) {
        uint32_t there = name_of[i];

        if (!holds(p, plan, cell_of(i), &scratch)) {
            continue;
        }
        has_any = true;
        if (there == NO_NAME) {
            name_of[i] = name;
        } else if (shared[there]++ == 0) {
            first[there] = i;
        }
    }
    arena_fini(&scratch);
    for (uint32_t k = 0; k < name; k++) {
        if (shared[k] > 0) {
            report_overlap(l, map, k, name, shared, first[k]);
        }
    }
    return has_any;
}

static bool check_name(struct loader *l, const struct yaml_node *key)
{
    if (text_is(key->text, "prospect") || text_is(key->text, "lapsed")) {
        problem_hint(problem_add(l->problems, key->place, "E0116", "`%.*s` is a name of its own",
                                 TEXT_PRINTF(key->text)),
                     "customers without an order in the window are prospect or lapsed already");
        return false;
    }
    return load_check_id(l, key, "an rfm segment");
}

bool load_rfm_map(struct loader *l, const struct yaml_node *key, const struct yaml_node *map)
{
    struct rfm_plan *rfm = &l->rules->facts.rfm;
    uint32_t name_of[RFM_CELLS];
    uint32_t errors = l->problems->error_count;
    bool is_whole = true; /* each name has a condition */
    struct facts_plan plan;

    if (map->count == 0 || map->count > NAMES_MAX) {
        problem_add(l->problems, key->place, "E0116", "a map has 1 to %d names", NAMES_MAX);
        return false;
    }
    plan_init(&plan, l->arena);
    memset(name_of, 0xff, sizeof(name_of));
    for (uint32_t i = 0; i < map->count; i++) {
        const struct predicate *p =
            check_name(l, map->keys[i])
                ? load_predicate_over(l, &plan, NULL, map->items[i], PREDICATE_CELL)
                : NULL;

        is_whole = is_whole && p != NULL;
        if (p != NULL && !take_cells(l, map, i, p, &plan, name_of)) {
            problem_add(l->problems, map->items[i]->place, "E0119",
                        "`%.*s` covers no cell: r, f and m are 1 to 5",
                        TEXT_PRINTF(map->keys[i]->text));
        }
    }
    facts_plan_fini(&plan);
    if (is_whole) {
        report_gaps(l, key, name_of);
    }
    if (!is_whole || l->problems->error_count > errors) { /* malformed ones were reported before */
        return false;
    }
    for (uint32_t i = 0; i < RFM_CELLS; i++) {
        rfm->cells[i] = arena_text(l->arena, map->keys[name_of[i]]->text);
    }
    rfm_map_names(rfm);
    return true;
}
