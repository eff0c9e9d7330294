/* DESIGN. Children first; then each node resolves its names, checks its operands' types and takes
 * its own. Names that are wrong get the nearest known one as a hint.
 */
#include "segmenters/predicate_node.h"

#include "processor/base/check.h"
#include "processor/base/hash.h"
#include "segmenters/score.h"

static const char *const type_names[] = { "bool",  "int",     "double",     "text",  "strings",
                                          "date",  "instant", "duration",   "money", "score",
                                          "level", "null",    "event field" };

static bool fail_node(struct compile *c, const struct node *n, const char *text)
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

static enum node_type type_of_value(enum value_type t)
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

static bool fail_name(struct compile *c, const struct node *n, const char *what, const char *prefix,
                      const struct text_nearest *near)
{
    bool is_first = c->error->text[0] == '\0';

    predicate_fail(c->error, n->offset, n->size, "unknown %s `%s%.*s`", what, prefix,
                   (int)(near->wrong.size > 60 ? 60 : near->wrong.size), near->wrong.at);
    if (is_first && near->best.at != NULL) {
        (void)text_format(c->error->hint, sizeof(c->error->hint), "did you mean `%s%.*s`?", prefix,
                          TEXT_PRINTF(near->best));
    }
    return false;
}

static bool fail_scope(struct compile *c, const struct node *n, const char *what_a_filter_sees)
{
    return fail_node(c, n,
                     c->scope == PREDICATE_CELL ? "a map of rfm sees only r, f and m"
                                                : what_a_filter_sees);
}

static bool check_attribute(struct compile *c, struct node *n, struct text name)
{
    n->attribute = facts_attribute(c->plan, name);
    if (n->attribute == NULL) {
        struct text_nearest near = { .wrong = name };

        for (uint32_t i = 0; i < c->plan->attribute_count; i++) {
            text_nearest_try(&near, c->plan->attributes[i].name);
        }
        return fail_name(c, n, "attribute", "customer.", &near);
    }
    n->kind = NODE_ATTRIBUTE;
    n->type = n->attribute->remember_kind.at != NULL ? TYPE_DYNAMIC /* as it comes */
                                                     : type_of_value(n->attribute->type);
    c->depends |= FACT_ATTRIBUTES;
    return true;
}

static bool check_rfm(struct compile *c, struct node *n)
{
    static const struct {
        const char *name;
        enum node_type type;
    } parts[] = { { "r", TYPE_INT },
                  { "f", TYPE_INT },
                  { "m", TYPE_INT },
                  { "segment", TYPE_TEXT },
                  { "recency", TYPE_DURATION },
                  { "frequency", TYPE_INT },
                  { "monetary", TYPE_MONEY } };
    struct text_nearest near = { .wrong = n->name };

    if (!c->plan->rfm.is_used) {
        return fail_node(c, n, "no score `rfm` is declared under scores:");
    }
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (text_is(n->name, parts[i].name)) {
            n->kind = NODE_RFM;
            n->part = (int)i;
            n->type = parts[i].type;
            c->depends |= FACT_RFM;
            return true;
        }
        text_nearest_try(&near, text_of(parts[i].name));
    }
    return fail_name(c, n, "part", "rfm.", &near);
}

static bool check_score(struct compile *c, struct node *n, struct text name)
{
    n->score = facts_score(c->plan, name);
    if (n->score == NULL) {
        struct text_nearest near = { .wrong = name };

        text_nearest_try(&near, TEXT("customer"));
        text_nearest_try(&near, TEXT("event"));
        for (uint32_t i = 0; i < c->plan->score_count; i++) {
            text_nearest_try(&near, c->plan->scores[i].name);
        }
        return fail_name(c, n, "name", "", &near);
    }
    if (text_is(n->name, "score")) {
        n->kind = NODE_SCORE;
        n->type = TYPE_SCORE;
    } else if (text_is(n->name, "level")) {
        n->kind = NODE_LEVEL;
        n->type = TYPE_LEVEL;
    } else {
        return fail_node(c, n, "a score has `score` and `level`");
    }
    c->depends |= FACT_SCORE((uint32_t)(n->score - c->plan->scores));
    return true;
}

/* The dotted path of a chain of selections that begins with a name; absent when it is something
 * else. */
static struct text path_of(struct compile *c, const struct node *n)
{
    struct text inner;

    if (n->kind == NODE_NAME) {
        return n->name;
    }
    if (n->kind != NODE_SELECT) {
        return TEXT_NONE;
    }
    inner = path_of(c, n->children[0]);
    return inner.at == NULL
               ? TEXT_NONE
               : arena_format(c->arena, "%.*s.%.*s", TEXT_PRINTF(inner), TEXT_PRINTF(n->name));
}

static bool check_select(struct compile *c, struct node *n)
{
    struct text path = path_of(c, n);
    struct text prefix = TEXT("event.");

    if (path.at == NULL) {
        return fail_node(c, n, "only customer, event, rfm and scores have fields");
    }
    if (text_starts_with(path, prefix) && c->scope != PREDICATE_CELL) {
        if (c->scope != PREDICATE_EVENT) {
            return fail_node(c, n, "`event` exists in filters only; declare a filter and count it");
        }
        n->kind = NODE_FIELD;
        n->type = TYPE_DYNAMIC;
        n->key = hash32((struct text){ path.at + prefix.size, path.size - prefix.size });
        return true;
    }
    if (c->scope != PREDICATE_CUSTOMER) {
        return fail_scope(c, n, "a filter sees only the event: event.<field>");
    }
    if (n->children[0]->kind != NODE_NAME) {
        return fail_node(c, n, "only event fields have fields of their own");
    }
    if (text_is(n->children[0]->name, "customer")) {
        return check_attribute(c, n, n->name);
    }
    if (text_is(n->children[0]->name, "rfm")) {
        return check_rfm(c, n);
    }
    return check_score(c, n, n->children[0]->name);
}

static bool check_name(struct compile *c, struct node *n)
{
    struct text_nearest near = { .wrong = n->name };

    if (c->scope == PREDICATE_CELL) {
        return facts_attribute(c->plan, n->name) != NULL ? check_attribute(c, n, n->name)
                                                         : fail_scope(c, n, "");
    }
    if (text_is(n->name, "now")) {
        n->kind = NODE_NOW;
        n->type = TYPE_INSTANT;
        return c->scope == PREDICATE_CUSTOMER ||
               fail_node(c, n, "a filter sees only the event, not `now`");
    }
    text_nearest_try(&near, TEXT("now"));
    return fail_name(c, n, "name", "", &near);
}

static bool is_number(enum node_type t)
{
    return t == TYPE_INT || t == TYPE_DOUBLE;
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

    if (bound->kind != NODE_CONST || !is_number(bound->type)) {
        return fail_node(c, n, "a score is compared with a number");
    }
    if (op == OP_EQ || op == OP_NE) {
        return fail_node(c, n, "a score falls all the time: compare it with < <= > or >=");
    }
    points = bound->type == TYPE_INT ? (double)bound->value.as.integer : bound->value.as.real;
    if (points < 0 || points > 4e6) {
        return fail_node(c, bound, "a score lies between 0 and 4000000");
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
        return fail_name(c, constant, "level", "", &near);
    }
    if (source->kind == NODE_ARM) {
        for (uint32_t i = 0; i < source->arms->count; i++) {
            if (text_equal(source->arms->arms[i].name, near.wrong)) {
                return true;
            }
            text_nearest_try(&near, source->arms->arms[i].name);
        }
        return fail_name(c, constant, "arm", "", &near);
    }
    if (source->kind == NODE_ATTRIBUTE && source->attribute->allowed_count > 0) {
        for (uint32_t i = 0; i < source->attribute->allowed_count; i++) {
            if (text_equal(source->attribute->allowed[i], near.wrong)) {
                return true;
            }
            text_nearest_try(&near, source->attribute->allowed[i]);
        }
        return fail_name(c, constant, "value", "", &near);
    }
    if (source->kind == NODE_RFM && source->part == RFM_SEGMENT) {
        for (uint32_t i = 0; i < c->plan->rfm.name_count; i++) {
            if (text_equal(c->plan->rfm.names[i], near.wrong)) {
                return true;
            }
            text_nearest_try(&near, c->plan->rfm.names[i]);
        }
        return fail_name(c, constant, "rfm segment", "", &near);
    }
    return true;
}

static enum node_type plain(enum node_type t)
{
    return t == TYPE_LEVEL ? TYPE_TEXT : t;
}

static enum operator mirrored(enum operator op)
{
    static const enum operator to[] = { OP_EQ, OP_NE, OP_GT, OP_GE, OP_LT, OP_LE };

    return op <= OP_GE ? to[op] : op;
}

static bool check_compare(struct compile *c, struct node *n)
{
    struct node *a = n->children[0], *b = n->children[1];

    n->type = TYPE_BOOL;
    if (a->type == TYPE_NULL || b->type == TYPE_NULL) {
        if (n->op != OP_EQ && n->op != OP_NE) {
            return fail_node(c, n, "null is compared with == and != only");
        }
        n->kind = NODE_IS_NULL;
        n->children[0] = a->type == TYPE_NULL ? b : a;
        return true;
    }
    if (b->type == TYPE_SCORE && a->type != TYPE_SCORE) { /* the score goes left */
        n->children[0] = b;
        n->children[1] = a;
        n->op = mirrored(n->op);
        a = n->children[0];
        b = n->children[1];
    }
    if (a->type == TYPE_SCORE) {
        return check_score_bound(c, n, b, n->op);
    }
    widen(a, b);
    widen(b, a);
    if (a->type == TYPE_DYNAMIC || b->type == TYPE_DYNAMIC) {
        return true;
    }
    if (plain(a->type) != plain(b->type)) {
        return fail_types(c, n, a, b, "compare");
    }
    if ((a->type == TYPE_BOOL || a->type == TYPE_STRINGS || a->type == TYPE_LEVEL) &&
        n->op != OP_EQ && n->op != OP_NE) {
        return fail_node(c, n, "these are compared with == and != only");
    }
    return check_known_text(c, a, b) && check_known_text(c, b, a);
}

static bool check_in(struct compile *c, struct node *n)
{
    struct node *list = n->children[1];

    n->type = TYPE_BOOL;
    if (list->kind != NODE_LIST) {
        if (list->type != TYPE_STRINGS && list->type != TYPE_DYNAMIC) {
            return fail_node(c, list,
                             "`in` needs a list or a set: [\"a\", \"b\"] or customer.tags");
        }
        return plain(n->children[0]->type) == TYPE_TEXT || n->children[0]->type == TYPE_DYNAMIC ||
               fail_types(c, n, n->children[0], list, "look for");
    }
    for (uint32_t i = 0; i < list->child_count; i++) {
        widen(list->children[i], n->children[0]);
        if (n->children[0]->type != TYPE_DYNAMIC &&
            plain(n->children[0]->type) != list->children[i]->type) {
            return fail_types(c, list->children[i], n->children[0], list->children[i], "compare");
        }
        if (!check_known_text(c, n->children[0], list->children[i])) {
            return false;
        }
    }
    return true;
}

static bool check_list(struct compile *c, struct node *n)
{
    for (uint32_t i = 0; i < n->child_count; i++) {
        if (n->children[i]->kind != NODE_CONST) {
            return fail_node(c, n->children[i], "a list holds constants");
        }
    }
    n->type = TYPE_STRINGS;
    return true;
}

static bool check_arithmetic(struct compile *c, struct node *n)
{
    struct node *a = n->children[0], *b = n->children[1];
    bool is_sum = n->op == OP_ADD || n->op == OP_SUB;

    widen(a, b);
    widen(b, a);
    if (a->type == b->type &&
        (is_number(a->type) || (is_sum && (a->type == TYPE_DURATION || a->type == TYPE_MONEY)))) {
        n->type = a->type;
        return (n->op != OP_MOD || a->type == TYPE_INT) ||
               fail_types(c, n, a, b, "take the remainder of");
    }
    if (is_sum && a->type == TYPE_INSTANT && b->type == TYPE_DURATION) {
        n->type = TYPE_INSTANT;
        return true;
    }
    if (n->op == OP_ADD && a->type == TYPE_DURATION && b->type == TYPE_INSTANT) {
        n->type = TYPE_INSTANT;
        return true;
    }
    if (n->op == OP_SUB && a->type == TYPE_INSTANT && b->type == TYPE_INSTANT) {
        n->type = TYPE_DURATION;
        return true;
    }
    return fail_types(c, n, a, b,
                      n->op == OP_ADD   ? "add"
                      : n->op == OP_SUB ? "subtract"
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
    if (a->type != b->type || a->type == TYPE_SCORE) {
        return fail_types(c, n, a, b, "choose between");
    }
    n->type = a->type;
    return true;
}

static bool check_negate(struct compile *c, struct node *n)
{
    struct node *of = n->children[0];

    if (!is_number(of->type)) {
        return fail_node(c, n, "only numbers have a minus");
    }
    n->type = of->type;
    if (of->kind == NODE_CONST) { /* so that -1 is a literal too */
        n->kind = NODE_CONST;
        n->value = of->value;
        n->is_literal = true;
        if (of->type == TYPE_INT) {
            n->value.as.integer = -of->value.as.integer;
        } else {
            n->value.as.real = -of->value.as.real;
        }
    }
    return true;
}

bool predicate_check(struct compile *c, struct node *n)
{
    bool is_call = n->kind == NODE_CALL;

    if (n->kind >= NODE_ATTRIBUTE) {
        return true; /* checked already, as the operand of a method */
    }
    /* A call resolves its own operands: has(customer.x), last([..]). A selection reads its chain as
     * one path. */
    for (uint32_t i = 0; !is_call && n->kind != NODE_SELECT && i < n->child_count; i++) {
        if (!predicate_check(c, n->children[i])) {
            return false;
        }
    }
    switch ((int)n->kind) {
    case NODE_CONST:
        n->type = type_of_value(n->value.type);
        return true;
    case NODE_NAME:
        return check_name(c, n);
    case NODE_SELECT:
        return check_select(c, n);
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
