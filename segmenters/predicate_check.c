/* DESIGN. Children first; then each node checks its operands' types and takes its own. What is made
 * of constants only becomes a constant at once. A value whose type shows at run time only (an
 * event's field, a remembered one) goes with everything; the wrong type is unknown then.
 */
#include "segmenters/predicate_node.h"

#include "processor/base/check.h"
#include "segmenters/score.h"

static const char *const type_names[] = {
    [TYPE_BOOL] = "bool",       [TYPE_INT] = "int",           [TYPE_DOUBLE] = "double",
    [TYPE_TEXT] = "text",       [TYPE_STRINGS] = "strings",   [TYPE_DATE] = "date",
    [TYPE_INSTANT] = "instant", [TYPE_DURATION] = "duration", [TYPE_MONEY] = "money",
    [TYPE_SCORE] = "score",     [TYPE_LEVEL] = "level",       [TYPE_NULL] = "null",
    [TYPE_LIST] = "list",       [TYPE_NUMBER] = "number",     [TYPE_DYNAMIC] = "event field",
};

bool predicate_fail_node(struct compile *c, const struct node *n, const char *text)
{
    predicate_fail(c->error, n->offset, n->size, "%s", text);
    return false;
}

static bool fail_types(struct compile *c, const struct node *n, const struct node *a,
                       const struct node *b, const char *verb)
{
    predicate_fail(c->error, n->offset, n->size, "cannot %s %s %s %s", verb, type_names[a->type],
                   strcmp(verb, "compare") == 0 ? "with" : "and", type_names[b->type]);
    return false;
}

enum node_type predicate_type_of(enum value_type t)
{
    static const enum node_type types[] = {
        [VALUE_NULL] = TYPE_NULL,         [VALUE_BOOL] = TYPE_BOOL,
        [VALUE_INT] = TYPE_INT,           [VALUE_DOUBLE] = TYPE_DOUBLE,
        [VALUE_TEXT] = TYPE_TEXT,         [VALUE_STRINGS] = TYPE_STRINGS,
        [VALUE_DATE] = TYPE_DATE,         [VALUE_INSTANT] = TYPE_INSTANT,
        [VALUE_DURATION] = TYPE_DURATION, [VALUE_MONEY] = TYPE_MONEY,
    };

    return types[t];
}

bool predicate_fold(struct node *n, enum node_type type, struct value v)
{
    n->kind = NODE_CONST;
    n->type = type;
    n->value = v;
    n->child_count = 0;
    return true;
}

static bool is_number(enum node_type t)
{
    return t == TYPE_INT || t == TYPE_DOUBLE || t == TYPE_NUMBER;
}

static enum node_type plain(enum node_type t)
{
    return t == TYPE_LEVEL ? TYPE_TEXT : t;
}

/* May the two be of one type? Ints and doubles are not, but that a literal stands for both. */
static bool go_together(enum node_type a, enum node_type b)
{
    if (a == TYPE_DYNAMIC || b == TYPE_DYNAMIC) {
        return true;
    }
    return plain(a) == plain(b) ||
           (is_number(a) && is_number(b) && (a == TYPE_NUMBER || b == TYPE_NUMBER));
}

/* Let an int literal stand for a double beside one. */
static void widen(struct node *literal, const struct node *other)
{
    if (literal->is_literal && literal->type == TYPE_INT && other->type == TYPE_DOUBLE) {
        literal->value =
            (struct value){ .type = VALUE_DOUBLE, .as.real = (double)literal->value.as.integer };
        literal->type = TYPE_DOUBLE;
    }
}

/* A number compared with a score becomes units of 2^-40 point such that >= and < are exact: rounded
 * up; > and <= down. */
static bool check_score_bound(struct compile *c, struct node *n, struct node *bound,
                              enum operator op)
{
    double points;
    int64_t units;

    if (bound->kind != NODE_CONST || (bound->type != TYPE_INT && bound->type != TYPE_DOUBLE)) {
        return predicate_fail_node(c, n, "a score is compared with a number");
    }
    if (op == OP_EQ || op == OP_NE) {
        return predicate_fail_node(c, n,
                                   "a score falls all the time: compare it with < <= > or >=");
    }
    points = bound->type == TYPE_INT ? (double)bound->value.as.integer : bound->value.as.real;
    if (points < 0 || points > 4e6) {
        return predicate_fail_node(c, bound, "a score lies between 0 and 4000000");
    }
    points *= (double)SCORE_POINT;
    units = (int64_t)points;
    if ((op == OP_GE || op == OP_LT) && (double)units < points) {
        units++;
    }
    bound->value = (struct value){ .type = VALUE_INT, .as.integer = units };
    bound->type = TYPE_SCORE;
    return true;
}

static bool check_known_text(struct compile *c, const struct node *source,
                             const struct node *constant)
{
    struct text_nearest near;

    if (constant->kind != NODE_CONST || constant->type != TYPE_TEXT) {
        return true;
    }
    near = (struct text_nearest){ .wrong = constant->value.as.text };
    if (source->kind == NODE_LEVEL) {
        for (uint32_t i = 0; i < source->score->level_count; i++) {
            if (text_equal(source->score->levels[i].name, near.wrong)) {
                return true;
            }
            text_nearest_try(&near, source->score->levels[i].name);
        }
        return predicate_fail_name(c, constant, "level", "", &near);
    }
    if (source->kind == NODE_ARM) {
        for (uint32_t i = 0; i < source->arms->count; i++) {
            if (text_equal(source->arms->arms[i].name, near.wrong)) {
                return true;
            }
            text_nearest_try(&near, source->arms->arms[i].name);
        }
        return predicate_fail_name(c, constant, "arm", "", &near);
    }
    if (source->kind == NODE_ATTRIBUTE && source->attribute->allowed_count > 0) {
        for (uint32_t i = 0; i < source->attribute->allowed_count; i++) {
            if (text_equal(source->attribute->allowed[i], near.wrong)) {
                return true;
            }
            text_nearest_try(&near, source->attribute->allowed[i]);
        }
        return predicate_fail_name(c, constant, "value", "", &near);
    }
    if (source->kind == NODE_RFM && source->part == RFM_SEGMENT) {
        for (uint32_t i = 0; i < c->plan->rfm.name_count; i++) {
            if (text_equal(c->plan->rfm.names[i], near.wrong)) {
                return true;
            }
            text_nearest_try(&near, c->plan->rfm.names[i]);
        }
        return predicate_fail_name(c, constant, "rfm segment", "", &near);
    }
    return true;
}

static enum operator mirrored(enum operator op)
{
    static const enum operator to[] = { OP_EQ, OP_NE, OP_GT, OP_GE, OP_LT, OP_LE };

    return op <= OP_GE ? to[op] : op;
}

static bool is_equality(enum operator op)
{
    return op == OP_EQ || op == OP_NE;
}

/* A score goes left, a constant right: later phases look for them there. */
static void arrange(struct node *n)
{
    struct node *a = n->children[0], *b = n->children[1];

    if ((b->type == TYPE_SCORE && a->type != TYPE_SCORE) ||
        (a->kind == NODE_CONST && b->kind != NODE_CONST)) {
        n->children[0] = b;
        n->children[1] = a;
        n->op = mirrored(n->op);
    }
}

static bool check_null(struct compile *c, struct node *n)
{
    if (!is_equality(n->op)) {
        return predicate_fail_node(c, n, "null is compared with == and != only");
    }
    n->kind = NODE_IS_NULL;
    n->children[0] = n->children[0]->type == TYPE_NULL ? n->children[1] : n->children[0];
    n->child_count = 1;
    return true;
}

static bool check_compare(struct compile *c, struct node *n)
{
    struct node *a, *b;

    n->type = TYPE_BOOL;
    if (n->children[0]->type == TYPE_NULL || n->children[1]->type == TYPE_NULL) {
        return check_null(c, n);
    }
    arrange(n);
    a = n->children[0];
    b = n->children[1];
    if (a->type == TYPE_SCORE) {
        return check_score_bound(c, n, b, n->op);
    }
    widen(a, b);
    widen(b, a);
    if (a->kind == NODE_LIST && b->kind == NODE_LIST) {
        return is_equality(n->op) ||
               predicate_fail_node(c, n, "lists are compared with == and != only");
    }
    if (!go_together(a->type, b->type) || a->type == TYPE_LIST || b->type == TYPE_LIST) {
        return fail_types(c, n, a, b, "compare");
    }
    if ((a->type == TYPE_STRINGS || a->type == TYPE_LEVEL || b->type == TYPE_LEVEL) &&
        !is_equality(n->op)) {
        return predicate_fail_node(c, n, "these are compared with == and != only");
    }
    return check_known_text(c, a, b) && check_known_text(c, b, a);
}

static bool check_in(struct compile *c, struct node *n)
{
    struct node *item = n->children[0], *list = n->children[1];

    n->type = TYPE_BOOL;
    if (list->kind != NODE_LIST) {
        if (list->type != TYPE_STRINGS && list->type != TYPE_DYNAMIC) {
            return predicate_fail_node(
                c, list, "`in` needs a list or a set: [\"a\", \"b\"] or customer.tags");
        }
        return plain(item->type) == TYPE_TEXT || item->type == TYPE_DYNAMIC ||
               fail_types(c, n, item, list, "look for");
    }
    for (uint32_t i = 0; i < list->child_count; i++) {
        widen(list->children[i], item);
        if (!go_together(item->type, list->children[i]->type) || item->type == TYPE_SCORE ||
            item->type == TYPE_LIST) {
            return fail_types(c, list->children[i], item, list->children[i], "compare");
        }
        if (!check_known_text(c, item, list->children[i])) {
            return false;
        }
    }
    return true;
}

static bool check_list(struct compile *c, struct node *n)
{
    struct text *texts = arena_alloc(c->arena, (n->child_count + 1) * sizeof(*texts));
    bool are_texts = true;

    for (uint32_t i = 0; i < n->child_count; i++) {
        if (n->children[i]->kind != NODE_CONST || n->children[i]->type == TYPE_NULL) {
            return predicate_fail_node(c, n->children[i], "a list holds constants");
        }
        are_texts = are_texts && n->children[i]->type == TYPE_TEXT;
        texts[i] = are_texts ? n->children[i]->value.as.text : TEXT_NONE;
    }
    n->type = are_texts ? TYPE_STRINGS : TYPE_LIST;
    n->value = (struct value){ .type = VALUE_STRINGS,
                               .as.strings = { texts, are_texts ? n->child_count : 0 } };
    return true;
}

/* The type of a OP b; TYPE_NULL: there is none. */
static enum node_type calculated(enum node_type a, enum operator op, enum node_type b)
{
    bool is_sum = op == OP_ADD || op == OP_SUB;

    if (a == TYPE_DYNAMIC || b == TYPE_DYNAMIC) {
        enum node_type other = a == TYPE_DYNAMIC ? b : a;

        return other == TYPE_BOOL || other == TYPE_SCORE || other == TYPE_NULL ||
                       other == TYPE_STRINGS || other == TYPE_LIST || other == TYPE_DATE
                   ? TYPE_NULL
                   : TYPE_DYNAMIC;
    }
    if (is_number(a) && is_number(b)) {
        return go_together(a, b) && (op != OP_MOD || a != TYPE_DOUBLE || b != TYPE_DOUBLE)
                   ? (a == b ? a : TYPE_NUMBER)
                   : TYPE_NULL;
    }
    if (a == b &&
        ((is_sum && (a == TYPE_DURATION || a == TYPE_MONEY)) || (op == OP_ADD && a == TYPE_TEXT))) {
        return a;
    }
    if ((is_sum && a == TYPE_INSTANT && b == TYPE_DURATION) ||
        (op == OP_ADD && a == TYPE_DURATION && b == TYPE_INSTANT)) {
        return TYPE_INSTANT;
    }
    return op == OP_SUB && a == TYPE_INSTANT && b == TYPE_INSTANT ? TYPE_DURATION : TYPE_NULL;
}

static bool check_arithmetic(struct compile *c, struct node *n)
{
    struct node *a = n->children[0], *b = n->children[1];

    widen(a, b);
    widen(b, a);
    n->type = calculated(a->type, n->op, b->type);
    return n->type != TYPE_NULL || fail_types(c, n, a, b,
                                              n->op == OP_ADD   ? "add"
                                              : n->op == OP_SUB ? "subtract"
                                              : n->op == OP_MOD ? "take the remainder of"
                                                                : "calculate with");
}

static bool needs_bool(struct compile *c, const struct node *n)
{
    if (n->type == TYPE_BOOL || n->type == TYPE_DYNAMIC) {
        return true;
    }
    predicate_fail(c->error, n->offset, n->size, "this is %s, not true or false",
                   type_names[n->type]);
    return false;
}

static bool check_logic(struct compile *c, struct node *n)
{
    n->type = TYPE_BOOL;
    for (uint32_t i = 0; i < n->child_count; i++) {
        if (!needs_bool(c, n->children[i])) {
            return false;
        }
    }
    return true;
}

static bool check_choose(struct compile *c, struct node *n)
{
    struct node *a = n->children[1], *b = n->children[2];

    widen(a, b);
    widen(b, a);
    if (!needs_bool(c, n->children[0])) {
        return false;
    }
    if (!go_together(a->type, b->type) || a->type == TYPE_SCORE || a->type == TYPE_LIST) {
        return fail_types(c, n, a, b, "choose between");
    }
    n->type = a->type == b->type                                   ? a->type
              : a->type == TYPE_DYNAMIC || b->type == TYPE_DYNAMIC ? TYPE_DYNAMIC
              : plain(a->type) == plain(b->type)                   ? TYPE_TEXT
                                                                   : TYPE_NUMBER;
    return true;
}

static bool check_negate(struct compile *c, struct node *n)
{
    struct node *of = n->children[0];
    bool is_least = of->type == TYPE_INT && of->value.as.integer == INT64_MIN;

    if (!is_number(of->type) && of->type != TYPE_DYNAMIC) {
        return predicate_fail_node(c, n, "only numbers have a minus");
    }
    n->type = of->type;
    if (of->kind == NODE_CONST && !is_least) { /* so that -1 is a literal too */
        bool is_literal = of->is_literal;

        (void)predicate_fold(n, of->type, of->value);
        n->is_literal = is_literal;
        if (of->type == TYPE_INT) {
            n->value.as.integer = -of->value.as.integer;
        } else {
            n->value.as.real = -of->value.as.real;
        }
    }
    return true;
}

/* What a node costs each time it is looked at. */
static uint32_t cost_of(const struct node *n)
{
    switch ((int)n->kind) {
    case NODE_COUNT:
    case NODE_SUM:
    case NODE_MIN:
    case NODE_MAX:
    case NODE_DISTINCT:
    case NODE_OVERDUE:
    case NODE_RFM:
        return 8;
    case NODE_SCORE:
    case NODE_LEVEL:
    case NODE_CALENDAR:
    case NODE_DAY_START:
    case NODE_YEARS_SINCE:
        return 4;
    default:
        return 1;
    }
}

static bool count_cost(struct compile *c, const struct node *n)
{
    c->cost += cost_of(n);
    if (c->cost > PREDICATE_COST_MAX) {
        predicate_fail(c->error, n->offset, n->size,
                       "the expression costs more than %d units; a question about history is 8",
                       PREDICATE_COST_MAX);
        return false;
    }
    return true;
}

/* What is made of constants is one: its value never changes. Unknown ones stay as they are. */
static void fold_constant(struct compile *c, struct node *n)
{
    const struct view v = { .plan = c->plan, .arena = c->arena };
    struct result r;

    if ((n->kind < NODE_NOT || n->kind > NODE_ARITHMETIC) && n->kind != NODE_IS_NULL &&
        n->kind != NODE_TEXT_TEST && n->kind != NODE_LOWER && n->kind != NODE_SIZE &&
        n->kind != NODE_CALENDAR && n->kind != NODE_DAY_START && n->kind != NODE_YEARS_SINCE) {
        return;
    }
    for (uint32_t i = 0; i < n->child_count; i++) {
        if (n->children[i]->kind != NODE_CONST && n->children[i]->kind != NODE_LIST) {
            return;
        }
    }
    r = predicate_result(n, &v);
    if (!r.is_unknown) {
        (void)predicate_fold(n, n->type, r.value);
    }
}

static bool check_node(struct compile *c, struct node *n)
{
    switch ((int)n->kind) {
    case NODE_CONST:
        n->type = predicate_type_of(n->value.type);
        return true;
    case NODE_NAME:
        return predicate_check_name(c, n);
    case NODE_SELECT:
        return predicate_check_select(c, n);
    case NODE_CALL:
        return predicate_check_call(c, n);
    case NODE_METHOD:
        return predicate_check_method(c, n);
    case NODE_LIST:
        return check_list(c, n);
    case NODE_NOT:
    case NODE_AND:
    case NODE_OR:
        return check_logic(c, n);
    case NODE_NEGATE:
        return check_negate(c, n);
    case NODE_CHOOSE:
        return check_choose(c, n);
    case NODE_COMPARE:
        return check_compare(c, n);
    case NODE_IN:
        return check_in(c, n);
    case NODE_ARITHMETIC:
        return check_arithmetic(c, n);
    default:
        UNREACHABLE();
    }
}

bool predicate_check(struct compile *c, struct node *n)
{
    bool is_call = n->kind == NODE_CALL;

    if (n->is_checked) {
        return true; /* as an operand of a call */
    }
    /* A call resolves its own operands: has(customer.x), last([..]). A selection reads its chain as
     * one path. */
    for (uint32_t i = 0; !is_call && n->kind != NODE_SELECT && i < n->child_count; i++) {
        if (!predicate_check(c, n->children[i])) {
            return false;
        }
    }
    if (!check_node(c, n) || !count_cost(c, n)) {
        return false;
    }
    n->is_checked = true;
    fold_constant(c, n);
    return true;
}
