/* Calls and methods: a table of names, each with its own check of operands. */
#include "segmenters/predicate_node.h"

#include "processor/base/check.h"
bool predicate_is_text_constant(const struct node *n)
{
    return n->kind == NODE_CONST && n->value.type == VALUE_TEXT;
}

/* --- state --- */
/* Of names that the configuration knows, the one that may have been meant. */
static void hint_nearest(struct compile *c, predicate_known_names *names, struct text wrong)
{
    struct text_nearest near = { .wrong = wrong };
    struct text known[256];
    uint32_t count = names == NULL ? 0 : names(c->names->context, known, 256);

    for (uint32_t i = 0; i < count; i++) {
        text_nearest_try(&near, known[i]);
    }
    if (near.best.at != NULL) {
        (void)text_format(c->error->hint, sizeof(c->error->hint), "did you mean `%.*s`?",
                          TEXT_PRINTF(near.best));
    }
}

static bool fail_segment(struct compile *c, const struct node *id)
{
    struct text wrong = id->value.as.text, known[256];
    uint32_t count = c->names == NULL ? 0 : c->names->segments(c->names->context, known, 256);
    bool is_rung = false;

    for (uint32_t i = 0; i < count; i++) {
        is_rung = is_rung || text_equal(known[i], wrong);
    }
    predicate_fail(c->error, id->offset, id->size,
                   is_rung ? "`%.*s` is a rung of several ladders" : "`%.*s` is no segment",
                   TEXT_PRINTF(wrong));
    if (is_rung) {
        (void)text_format(c->error->hint, sizeof(c->error->hint), "write ladder.%.*s",
                          TEXT_PRINTF(wrong));
    } else {
        hint_nearest(c, c->names == NULL ? NULL : c->names->segments, wrong);
    }
    return false;
}

static bool check_in_segment(struct compile *c, struct node *n)
{
    if (n->child_count != 1 || !predicate_is_text_constant(n->children[0])) {
        return predicate_fail_node(c, n, "write in_segment(\"id\")");
    }
    if (c->names == NULL ||
        !c->names->segment(c->names->context, n->children[0]->value.as.text, &n->key, &n->rung)) {
        return fail_segment(c, n->children[0]);
    }
    if (c->segment_count == sizeof(c->segments) / sizeof(c->segments[0])) {
        return predicate_fail_node(c, n, "too many segments are named");
    }
    c->segments[c->segment_count++] = n->key;
    c->depends |= FACT_SEGMENTS;
    n->kind = NODE_IN_SEGMENT;
    n->type = TYPE_BOOL;
    return true;
}

static bool check_sequence(struct compile *c, struct node *n)
{
    if (n->child_count != 1 || !predicate_is_text_constant(n->children[0])) {
        return predicate_fail_node(c, n, "write the sequence's id as text");
    }
    if (c->names == NULL ||
        !c->names->sequence(c->names->context, n->children[0]->value.as.text, &n->key)) {
        predicate_fail(c->error, n->children[0]->offset, n->children[0]->size,
                       "`%.*s` is no sequence", TEXT_PRINTF(n->children[0]->value.as.text));
        hint_nearest(c, c->names == NULL ? NULL : c->names->sequences,
                     n->children[0]->value.as.text);
        return false;
    }
    c->depends |= FACT_RUNS;
    n->kind = text_is(n->name, "completed") ? NODE_COMPLETED : NODE_IN_SEQUENCE;
    n->type = TYPE_BOOL;
    return true;
}

static bool check_arm(struct compile *c, struct node *n)
{
    if (n->child_count != 1 || !predicate_is_text_constant(n->children[0])) {
        return predicate_fail_node(c, n, "write the experiment's id as text");
    }
    if (c->names != NULL && c->names->experiment != NULL) {
        n->arms = c->names->experiment(c->names->context, n->children[0]->value.as.text);
    }
    if (n->arms == NULL) {
        predicate_fail(c->error, n->children[0]->offset, n->children[0]->size,
                       "`%.*s` is no experiment", TEXT_PRINTF(n->children[0]->value.as.text));
        hint_nearest(c, c->names == NULL ? NULL : c->names->experiments,
                     n->children[0]->value.as.text);
        return false;
    }
    n->kind = NODE_ARM;
    n->type = TYPE_LEVEL;
    return true;
}

static bool check_has(struct compile *c, struct node *n)
{
    if (n->child_count != 1 || n->children[0]->kind != NODE_SELECT) {
        return predicate_fail_node(c, n, "write has(customer.x)");
    }
    if (!predicate_check(c, n->children[0])) {
        return false;
    }
    if (n->children[0]->kind != NODE_ATTRIBUTE && n->children[0]->kind != NODE_FIELD) {
        return predicate_fail_node(c, n, "has() asks for an attribute: has(customer.x)");
    }
    n->attribute = n->children[0]->attribute;
    n->key = n->children[0]->key;
    n->kind = n->children[0]->kind == NODE_ATTRIBUTE ? NODE_HAS_ATTRIBUTE : NODE_HAS_FIELD;
    n->type = TYPE_BOOL;
    return true;
}

/* --- text --- */
static bool is_text(const struct node *n)
{
    return n->type == TYPE_TEXT || n->type == TYPE_LEVEL || n->type == TYPE_DYNAMIC;
}

static bool check_size(struct compile *c, struct node *n)
{
    const struct node *of = n->child_count == 1 ? n->children[0] : NULL;

    if (of == NULL) {
        return predicate_fail_node(c, n, "write size(x)");
    }
    if (of->kind == NODE_LIST) {
        return predicate_fold(n, TYPE_INT,
                              (struct value){ .type = VALUE_INT, .as.integer = of->child_count });
    }
    n->kind = NODE_SIZE;
    n->type = TYPE_INT;
    return is_text(of) || of->type == TYPE_STRINGS ||
           predicate_fail_node(c, n, "only texts and sets have a size");
}

/* Only methods, as in CEL: x.startsWith("y"). */
static bool check_text_test(struct compile *c, struct node *n)
{
    static const char *const tests[] = { "startsWith", "endsWith", "contains" };

    if (n->kind != NODE_METHOD || n->child_count != 2 || !is_text(n->children[0]) ||
        !is_text(n->children[1])) {
        return predicate_fail_node(c, n, "this method asks a text for a text: x.contains(\"y\")");
    }
    n->kind = NODE_TEXT_TEST;
    n->type = TYPE_BOOL;
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        n->part = text_is(n->name, tests[i]) ? (int)i : n->part;
    }
    return true;
}

static bool check_lower(struct compile *c, struct node *n)
{
    if (n->kind != NODE_METHOD || n->child_count != 1 || !is_text(n->children[0])) {
        return predicate_fail_node(c, n, "write x.lowerAscii()");
    }
    n->kind = NODE_LOWER;
    n->type = TYPE_TEXT;
    return true;
}

static const struct {
    const char *name;
    check_function *check;
    bool is_for_filters; /* also in scope EVENT */
    bool is_method;      /* x.f(y) means f(x, y) */
} calls[] = {
    { "count", predicate_check_count, false, false },
    { "sum", predicate_check_sum, false, false },
    { "min", predicate_check_extreme, false, false },
    { "max", predicate_check_extreme, false, false },
    { "distinct", predicate_check_distinct, false, false },
    { "first", predicate_check_time, false, false },
    { "last", predicate_check_time, false, false },
    { "overdue", predicate_check_overdue, false, false },
    { "arm", check_arm, false, false },
    { "in_segment", check_in_segment, false, false },
    { "in_sequence", check_sequence, false, false },
    { "completed", check_sequence, false, false },
    { "has", check_has, true, false },
    { "weeks", predicate_check_duration, true, false },
    { "days", predicate_check_duration, true, false },
    { "hours", predicate_check_duration, true, false },
    { "minutes", predicate_check_duration, true, false },
    { "seconds", predicate_check_duration, true, false },
    { "milliseconds", predicate_check_duration, true, false },
    { "timestamp", predicate_check_timestamp, true, false },
    { "date", predicate_check_date, true, false },
    { "money", predicate_check_money, true, false },
    { "day_start", predicate_check_calendar, true, true },
    { "getHours", predicate_check_calendar, true, true },
    { "getMinutes", predicate_check_calendar, true, true },
    { "getDayOfWeek", predicate_check_calendar, true, true },
    { "getDate", predicate_check_calendar, true, true },
    { "getMonth", predicate_check_calendar, true, true },
    { "getFullYear", predicate_check_calendar, true, true },
    { "years_since", predicate_check_years_since, false, true },
    { "startsWith", check_text_test, true, true },
    { "endsWith", check_text_test, true, true },
    { "contains", check_text_test, true, true },
    { "lowerAscii", check_lower, true, true },
    { "size", check_size, true, true },
};

/* Which of these reads its operands itself: names of kinds, not values. */
static bool reads_operands(const struct node *n)
{
    return text_is(n->name, "has");
}

static bool fail_unknown(struct compile *c, const struct node *n, const char *what,
                         const struct text_nearest *near)
{
    bool is_first = c->error->text[0] == '\0';

    predicate_fail(c->error, n->offset, n->size, "unknown %s `%.*s`", what,
                   (int)(n->name.size > 60 ? 60 : n->name.size), n->name.at);
    if (is_first && near->best.at != NULL) {
        (void)text_format(c->error->hint, sizeof(c->error->hint), "did you mean `%.*s`?",
                          TEXT_PRINTF(near->best));
    }
    return false;
}

static bool check_named(struct compile *c, struct node *n, bool is_method)
{
    struct text_nearest near = { .wrong = n->name };

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (is_method && !calls[i].is_method) {
            continue;
        }
        text_nearest_try(&near, text_of(calls[i].name));
        if (!text_is(n->name, calls[i].name)) {
            continue;
        }
        if (c->scope == PREDICATE_CELL) {
            return predicate_fail_node(c, n, "a map of rfm sees only r, f and m");
        }
        if (c->scope != PREDICATE_CUSTOMER && !calls[i].is_for_filters) {
            return predicate_fail_node(c, n, "a filter sees only the event");
        }
        for (uint32_t k = 0; !reads_operands(n) && k < n->child_count; k++) {
            if (!predicate_check(c, n->children[k])) {
                return false;
            }
        }
        return calls[i].check(c, n);
    }
    return fail_unknown(c, n, is_method ? "method" : "function", &near);
}

bool predicate_check_call(struct compile *c, struct node *n)
{
    return check_named(c, n, false);
}

bool predicate_check_method(struct compile *c, struct node *n)
{
    return check_named(c, n, true);
}
