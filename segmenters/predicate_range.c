#include "segmenters/predicate_range.h"

#include "segmenters/score.h"

#define CANDIDATES_MAX 128
#define SCORE_MOST     SCORE_MAX

/* --- the same operand --- */

static bool nodes_equal(const struct node *a, const struct node *b);

static bool children_equal(const struct node *a, const struct node *b)
{
    if (a->child_count != b->child_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->child_count; i++) {
        if (!nodes_equal(a->children[i], b->children[i])) {
            return false;
        }
    }
    return true;
}

static bool histories_equal(const struct node *a, const struct node *b)
{
    return a->history_count == b->history_count && a->has_orders == b->has_orders &&
           a->window_ms == b->window_ms &&
           memcmp(a->histories, b->histories, a->history_count * sizeof(a->histories[0])) == 0;
}

/* A kind not listed here is equal to itself only. */
static bool nodes_equal(const struct node *a, const struct node *b)
{
    if (a == b) {
        return true;
    }
    if (a->kind != b->kind || a->type != b->type) {
        return false;
    }
    switch ((int)a->kind) {
    case NODE_CONST:
        return value_equal(&a->value, &b->value);
    case NODE_ATTRIBUTE:
    case NODE_HAS_ATTRIBUTE:
        return a->attribute == b->attribute;
    case NODE_FIELD:
    case NODE_HAS_FIELD:
    case NODE_IN_SEQUENCE:
    case NODE_COMPLETED:
        return a->key == b->key;
    case NODE_IN_SEGMENT:
        return a->key == b->key && a->rung == b->rung;
    case NODE_COUNT:
    case NODE_SUM:
    case NODE_FIRST:
    case NODE_LAST:
        return histories_equal(a, b);
    case NODE_SCORE:
    case NODE_LEVEL:
        return a->score == b->score;
    case NODE_RFM:
        return a->part == b->part;
    case NODE_NOW:
        return true;
    case NODE_COMPARE:
    case NODE_ARITHMETIC:
    case NODE_IS_NULL:
        return a->op == b->op && children_equal(a, b);
    case NODE_CALENDAR:
    case NODE_DAY_START:
    case NODE_YEARS_SINCE:
        return a->part == b->part && a->zone == b->zone &&
               nodes_equal(a->children[0], b->children[0]);
    case NODE_TEXT_TEST:
    case NODE_LOWER:
    case NODE_SIZE:
    case NODE_IN:
    case NODE_LIST:
    case NODE_NOT:
    case NODE_NEGATE:
        return a->part == b->part && children_equal(a, b);
    default:
        return false;
    }
}

/* --- what a literal asks of an operand --- */

struct demand { /* operand OP value, or operand (not) in list */
    const struct node *operand;
    enum operator op; /* EQ and NE with a list: in and not in */
    struct value value;
    const struct node *list; /* NULL: value */
};

static enum operator opposite(enum operator op)
{
    static const enum operator to[] = { OP_NE, OP_EQ, OP_GE, OP_GT, OP_LE, OP_LT };

    return to[op];
}

static enum operator mirrored(enum operator op)
{
    static const enum operator to[] = { OP_EQ, OP_NE, OP_GT, OP_GE, OP_LT, OP_LE };

    return to[op];
}

static struct demand demand_of(const struct literal *literal)
{
    const struct node *n = literal->atom;
    struct demand d = { .operand = n,
                        .op = OP_EQ,
                        .value = { .type = VALUE_BOOL, .as.boolean = !literal->is_negated } };

    if (n->kind == NODE_COMPARE && n->op <= OP_GE) {
        bool is_right = n->children[1]->kind == NODE_CONST;

        if (is_right || n->children[0]->kind == NODE_CONST) {
            d.operand = n->children[is_right ? 0 : 1];
            d.value = n->children[is_right ? 1 : 0]->value;
            d.op = is_right ? n->op : mirrored(n->op);
            d.op = literal->is_negated ? opposite(d.op) : d.op;
        }
    } else if (n->kind == NODE_IN && n->children[1]->kind == NODE_LIST) {
        d.operand = n->children[0];
        d.op = literal->is_negated ? OP_NE : OP_EQ;
        d.list = n->children[1];
    }
    return d;
}

static bool is_whole(enum value_type t)
{
    return t == VALUE_INT || t >= VALUE_DATE;
}

/* False only when the two differ in a way that the operator rules out. */
static bool can_hold(const struct value *a, enum operator op, const struct value *b)
{
    if (a->type == VALUE_TEXT && b->type == VALUE_TEXT) {
        return predicate_compare_int(text_compare(a->as.text, b->as.text), op, 0);
    }
    if (a->type == VALUE_BOOL && b->type == VALUE_BOOL) {
        return predicate_compare_int(a->as.boolean, op, b->as.boolean);
    }
    if (is_whole(a->type) && is_whole(b->type)) {
        return predicate_compare_int(a->as.integer, op, b->as.integer);
    }
    if (a->type == VALUE_DOUBLE && b->type == VALUE_DOUBLE) {
        return predicate_compare_int(a->as.real < b->as.real ? -1 : a->as.real > b->as.real, op, 0);
    }
    return true;
}

static bool satisfies(const struct value *v, const struct demand *d)
{
    bool is_in = false;

    if (d->list == NULL) {
        return can_hold(v, d->op, &d->value);
    }
    for (uint32_t i = 0; i < d->list->child_count; i++) {
        is_in = is_in || can_hold(v, OP_EQ, &d->list->children[i]->value);
    }
    return is_in == (d->op == OP_EQ);
}

/* --- what an operand can be --- */

struct candidates {
    struct value items[CANDIDATES_MAX];
    uint32_t count; /* 0: not a short list */
};

static void add_text(struct candidates *c, struct text t)
{
    if (c->count < CANDIDATES_MAX) {
        c->items[c->count++] = (struct value){ .type = VALUE_TEXT, .as.text = t };
    }
}

static void domain_of(const struct node *n, struct candidates *c)
{
    c->count = 0;
    if (n->type == TYPE_BOOL) {
        c->items[c->count++] = (struct value){ .type = VALUE_BOOL, .as.boolean = false };
        c->items[c->count++] = (struct value){ .type = VALUE_BOOL, .as.boolean = true };
    } else if (n->kind == NODE_ATTRIBUTE && n->attribute->allowed_count < CANDIDATES_MAX) {
        for (uint32_t i = 0; i < n->attribute->allowed_count; i++) {
            add_text(c, n->attribute->allowed[i]);
        }
    }
}

/* Least and most of a whole number; texts and reals have none. */
static void limits_of(const struct node *n, int64_t *out_least, int64_t *out_most)
{
    static const int64_t calendar_most[] = {
        [CALENDAR_HOURS] = 23, [CALENDAR_MINUTES] = 59, [CALENDAR_WEEKDAY] = 6,
        [CALENDAR_DATE] = 31,  [CALENDAR_MONTH] = 11,   [CALENDAR_YEAR] = 9999,
    };
    bool is_fifth = n->kind == NODE_RFM && n->part <= RFM_M;

    *out_least = INT64_MIN;
    *out_most = INT64_MAX;
    if (n->kind == NODE_COUNT || n->kind == NODE_SIZE || n->kind == NODE_RFM ||
        n->kind == NODE_CALENDAR || (n->kind == NODE_SUM && n->type == TYPE_MONEY)) {
        *out_least = is_fifth ? 1 : 0;
    }
    if (is_fifth) {
        *out_most = 5;
    } else if (n->kind == NODE_CALENDAR) {
        *out_most = calendar_most[n->part];
    }
}

/* --- can the demands on one operand be met --- */

/* The clause's demands, by place of its literals. */
struct demands {
    const struct demand *items;
    uint32_t count;
};

static bool is_met_by(const struct demands *all, const struct node *operand, const struct value *v)
{
    for (uint32_t i = 0; i < all->count; i++) {
        if (nodes_equal(all->items[i].operand, operand) && !satisfies(v, &all->items[i])) {
            return false;
        }
    }
    return true;
}

/* A demand for one of a few values gives the candidates. Returns: false when there is none. */
static bool candidates_of(const struct demands *all, const struct node *operand,
                          struct candidates *out)
{
    for (uint32_t i = 0; i < all->count; i++) {
        const struct demand *d = &all->items[i];

        if (d->op == OP_EQ && nodes_equal(d->operand, operand)) {
            out->count = 0;
            for (uint32_t k = 0; d->list != NULL && k < d->list->child_count; k++) {
                out->items[out->count++] = d->list->children[k]->value;
            }
            if (d->list == NULL) {
                out->items[out->count++] = d->value;
            }
            return true;
        }
    }
    domain_of(operand, out);
    return out->count > 0;
}

/* Between two whole neighbours there is nothing; between two numbers of a field there may be. */
static bool has_neighbours(const struct node *operand)
{
    enum node_type t = operand->type;

    return t == TYPE_INT || t == TYPE_DATE || t == TYPE_INSTANT || t == TYPE_DURATION ||
           t == TYPE_MONEY || t == TYPE_SCORE;
}

static bool is_range_empty(const struct demands *all, const struct node *operand)
{
    bool is_stepped = has_neighbours(operand);
    int64_t least, most;

    limits_of(operand, &least, &most);
    for (uint32_t i = 0; i < all->count; i++) {
        const struct demand *d = &all->items[i];
        int64_t bound = d->value.as.integer;

        if (!nodes_equal(d->operand, operand) || d->list != NULL || !is_whole(d->value.type)) {
            continue;
        }
        if ((d->op == OP_LT && bound == INT64_MIN) || (d->op == OP_GT && bound == INT64_MAX)) {
            return true;
        }
        if (d->op == OP_LT || d->op == OP_LE) {
            bound -= is_stepped && d->op == OP_LT;
            most = bound < most ? bound : most;
        } else if (d->op == OP_GT || d->op == OP_GE) {
            bound += is_stepped && d->op == OP_GT;
            least = bound > least ? bound : least;
        }
    }
    for (uint32_t i = 0; is_stepped && i < all->count && least <= most; i++) {
        struct value edge = { .type = VALUE_INT, .as.integer = least };

        if (is_met_by(all, operand, &edge)) {
            return false;
        }
        least += least < INT64_MAX; /* one demand rules out one value at the edge */
    }
    return least > most;
}

static bool is_real_empty(const struct demands *all, const struct node *operand)
{
    struct value least = { .type = VALUE_NULL }, most = least;
    bool is_open = false;

    for (uint32_t i = 0; i < all->count; i++) {
        const struct demand *d = &all->items[i];

        if (!nodes_equal(d->operand, operand) || d->value.type != VALUE_DOUBLE) {
            continue;
        }
        if ((d->op == OP_GT || d->op == OP_GE) &&
            (least.type == VALUE_NULL || d->value.as.real >= least.as.real)) {
            is_open = is_open || d->op == OP_GT;
            least = d->value;
        }
        if ((d->op == OP_LT || d->op == OP_LE) &&
            (most.type == VALUE_NULL || d->value.as.real <= most.as.real)) {
            is_open = is_open || d->op == OP_LT;
            most = d->value;
        }
    }
    return least.type != VALUE_NULL && most.type != VALUE_NULL &&
           (least.as.real > most.as.real || (least.as.real == most.as.real && is_open));
}

/* A score and its level are one number. */
static bool is_score_impossible(const struct demands *all, const struct node *operand)
{
    const struct score_plan *s = operand->score;
    int64_t least = 0, most = SCORE_MOST;

    for (uint32_t i = 0; i < all->count; i++) {
        const struct demand *d = &all->items[i];

        if (d->operand->kind != NODE_SCORE || d->operand->score != s) {
            continue;
        }
        if (d->op == OP_GE || d->op == OP_GT) {
            int64_t from = d->value.as.integer + (d->op == OP_GT);

            least = from > least ? from : least;
        } else if (d->op == OP_LT || d->op == OP_LE) {
            int64_t to = d->value.as.integer - (d->op == OP_LT);

            most = to < most ? to : most;
        }
    }
    for (uint32_t level = 0; level < s->level_count; level++) {
        struct value name = { .type = VALUE_TEXT, .as.text = s->levels[level].name };
        int64_t from = s->levels[level].least_q40;
        int64_t to = level + 1 < s->level_count ? s->levels[level + 1].least_q40 - 1 : SCORE_MOST;
        bool is_met = (from > least ? from : least) <= (to < most ? to : most);

        for (uint32_t i = 0; is_met && i < all->count; i++) {
            const struct demand *d = &all->items[i];

            is_met =
                d->operand->kind != NODE_LEVEL || d->operand->score != s || satisfies(&name, d);
        }
        if (is_met) {
            return false;
        }
    }
    return true;
}

static bool is_operand_impossible(const struct demands *all, const struct demand *of)
{
    const struct node *operand = of->operand;
    struct candidates c;

    if (operand->kind == NODE_SCORE || operand->kind == NODE_LEVEL) {
        return is_score_impossible(all, operand);
    }
    if (candidates_of(all, operand, &c)) {
        int64_t least, most;

        limits_of(operand, &least, &most);
        for (uint32_t i = 0; i < c.count; i++) {
            bool is_inside = !is_whole(c.items[i].type) ||
                             (c.items[i].as.integer >= least && c.items[i].as.integer <= most);

            if (is_inside && is_met_by(all, operand, &c.items[i])) {
                return false;
            }
        }
        return true;
    }
    if (is_whole(of->value.type) && of->list == NULL) {
        return is_range_empty(all, operand);
    }
    return of->value.type == VALUE_DOUBLE && is_real_empty(all, operand);
}

bool predicate_is_impossible(const struct clause *clause)
{
    struct demand items[CANDIDATES_MAX];
    struct demands all = { items, 0 };

    for (uint32_t i = 0; i < clause->count && i < CANDIDATES_MAX; i++) {
        items[all.count++] = demand_of(&clause->literals[i]);
    }
    for (uint32_t i = 0; i < all.count; i++) {
        if (is_operand_impossible(&all, &items[i])) {
            return true;
        }
    }
    return false;
}

/* --- unknown --- */

bool predicate_may_be_unknown(const struct node *n)
{
    switch ((int)n->kind) {
    case NODE_ATTRIBUTE:
        return n->attribute->fallback.type == VALUE_NULL;
    case NODE_RFM:
        return n->part != RFM_SEGMENT && n->part != RFM_FREQUENCY && n->part != RFM_MONETARY;
    case NODE_ARITHMETIC:
        return n->op == OP_DIV || n->op == OP_MOD;
    case NODE_CONST:
    case NODE_HAS_ATTRIBUTE:
    case NODE_HAS_FIELD:
    case NODE_IS_NULL:
    case NODE_NOW:
    case NODE_COUNT:
    case NODE_SUM:
    case NODE_SCORE:
    case NODE_LEVEL:
    case NODE_IN_SEGMENT:
    case NODE_IN_SEQUENCE:
    case NODE_COMPLETED:
    case NODE_LIST:
    case NODE_NOT:
    case NODE_NEGATE:
    case NODE_AND:
    case NODE_OR:
    case NODE_CHOOSE:
    case NODE_COMPARE:
    case NODE_IN:
        return false;
    default:
        return true;
    }
}

bool predicate_is_leaf(const struct node *n)
{
    switch ((int)n->kind) {
    case NODE_NOT:
    case NODE_NEGATE:
    case NODE_AND:
    case NODE_OR:
    case NODE_CHOOSE:
    case NODE_COMPARE:
    case NODE_IN:
    case NODE_ARITHMETIC:
        return false;
    default:
        return true;
    }
}

bool predicate_clause_knows(const struct clause *clause, const struct node *n)
{
    for (uint32_t i = 0; i < clause->count; i++) {
        if (nodes_equal(demand_of(&clause->literals[i]).operand, n) ||
            nodes_equal(clause->literals[i].atom, n)) {
            return true;
        }
    }
    return false;
}
