/* Calls and methods: a table of names, each with its own check of operands. */
#include "segmenters/predicate_node.h"

#include "processor/base/check.h"
#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"

typedef bool check_function(struct compile *c, struct node *n);

static bool fail_node(struct compile *c, const struct node *n, const char *text)
{
    predicate_fail(c->error, n->offset, n->size, "%s", text);
    return false;
}

static bool is_text_constant(const struct node *n)
{
    return n->kind == NODE_CONST && n->value.type == VALUE_TEXT;
}

static bool fold(struct node *n, enum node_type type, struct value v)
{
    n->kind = NODE_CONST;
    n->type = type;
    n->value = v;
    n->child_count = 0;
    return true;
}

/* --- history --- */
/* Is it "purchase", answered from the orders? Else the index of the history that this kind (or
 * filter) and field need. */
static bool add_history(struct compile *c, struct node *n, const struct node *kind,
                        struct text field, int64_t window_ms, uint32_t keep)
{
    struct facts_plan *plan = c->plan;
    struct text name = kind->value.as.text;
    const struct filter_plan *filter = NULL;
    struct history_plan *h = NULL;
    struct text definition;

    if (text_is(name, "purchase") && (field.at == NULL || text_is(field, "amount"))) {
        n->has_orders = true;
        c->depends |= FACT_RFM;
        if (window_ms > plan->order_window_ms) {
            plan->order_window_ms = window_ms;
        }
        return true;
    }
    if (memchr(name.at, '.', name.size) != NULL && !text_is(name, "open.any") &&
        !text_is(name, "click.any")) {
        filter = facts_filter(plan, name);
        if (filter == NULL) {
            predicate_fail(c->error, kind->offset, kind->size, "`%.*s` is no declared filter",
                           TEXT_PRINTF(name));
            return false;
        }
    }
    definition =
        arena_format(c->arena, "%.*s\x1f%.*s\x1f%.*s", TEXT_PRINTF(name),
                     TEXT_PRINTF(filter == NULL ? TEXT_NONE : filter->source), TEXT_PRINTF(field));
    for (uint32_t i = 0; i < plan->history_count; i++) {
        if (plan->histories[i].key == hash32(definition)) {
            h = &plan->histories[i];
        }
    }
    if (h == NULL) {
        plan->histories =
            mem_grow32(plan->histories, plan->history_count, &plan->history_capacity, sizeof(*h));
        h = &plan->histories[plan->history_count++];
        h->key = hash32(definition);
        h->name = arena_text(c->arena, name);
        h->kind = filter != NULL               ? filter->kind
                  : text_is(name, "open.any")  ? TEXT("open")
                  : text_is(name, "click.any") ? TEXT("click")
                                               : h->name;
        h->filter = filter;
        h->field = field.at == NULL ? 0 : hash32(field);
    }
    h->window_ms = window_ms > h->window_ms ? window_ms : h->window_ms;
    h->keep = keep > h->keep ? keep : h->keep;
    CHECK(n->history_count < sizeof(n->histories) / sizeof(n->histories[0]));
    n->histories[n->history_count++] = (uint32_t)(h - plan->histories);
    c->depends |= FACT_HISTORY((uint32_t)(h - plan->histories));
    return true;
}

static bool check_window(struct compile *c, struct node *n, uint32_t place)
{
    struct node *w;

    n->window_ms = INSTANT_NEVER;
    if (n->child_count <= place) {
        return true;
    }
    w = n->children[place];
    if (!predicate_check(c, w)) {
        return false;
    }
    if (w->kind != NODE_CONST || w->type != TYPE_DURATION || w->value.as.integer <= 0) {
        return fail_node(c, w, "the window is a constant duration such as days(30)");
    }
    n->window_ms = w->value.as.integer;
    return true;
}

static bool check_count(struct compile *c, struct node *n)
{
    if (n->child_count < 1 || n->child_count > 2 || !is_text_constant(n->children[0])) {
        return fail_node(c, n, "write count(\"kind\") or count(\"kind\", days(30))");
    }
    n->kind = NODE_COUNT;
    n->type = TYPE_INT;
    /* How many entries a comparison can ask for is not known here: all that may be kept. */
    return check_window(c, n, 1) &&
           add_history(c, n, n->children[0], TEXT_NONE, n->window_ms,
                       n->window_ms == INSTANT_NEVER ? 0 : CUSTOMER_ENTRIES_MAX);
}

static bool check_sum(struct compile *c, struct node *n)
{
    struct text field;

    if (n->child_count < 2 || n->child_count > 3 || !is_text_constant(n->children[0]) ||
        !is_text_constant(n->children[1])) {
        return fail_node(c, n,
                         "write sum(\"kind\", \"field\") or sum(\"kind\", \"field\", days(30))");
    }
    field = n->children[1]->value.as.text;
    n->kind = NODE_SUM;
    n->type = text_is(field, "amount") ? TYPE_MONEY : TYPE_INT;
    if (n->type == TYPE_MONEY && c->plan->currency.at == NULL) {
        return fail_node(c, n, "sums of money need `currency:`");
    }
    return check_window(c, n, 2) &&
           add_history(c, n, n->children[0], field, n->window_ms,
                       n->window_ms == INSTANT_NEVER ? 0 : CUSTOMER_ENTRIES_MAX);
}

static bool check_extreme(struct compile *c, struct node *n)
{
    bool is_last = text_is(n->name, "last");

    if (n->child_count != 1 ||
        !(is_text_constant(n->children[0]) || (is_last && n->children[0]->kind == NODE_LIST))) {
        return fail_node(c, n,
                         is_last ? "write last(\"kind\") or last([\"kind\", ..])"
                                 : "write first(\"kind\")");
    }
    n->kind = is_last ? NODE_LAST : NODE_FIRST;
    n->type = TYPE_INSTANT;
    if (n->children[0]->kind != NODE_LIST) {
        return add_history(c, n, n->children[0], TEXT_NONE, 0, 0);
    }
    for (uint32_t i = 0; i < n->children[0]->child_count; i++) {
        if (!is_text_constant(n->children[0]->children[i]) ||
            i >= sizeof(n->histories) / sizeof(n->histories[0])) {
            return fail_node(c, n->children[0], "up to 8 kinds as texts");
        }
        if (!add_history(c, n, n->children[0]->children[i], TEXT_NONE, 0, 0)) {
            return false;
        }
    }
    return true;
}

/* --- state --- */
static void hint_segment(struct compile *c, struct text wrong)
{
    struct text_nearest near = { .wrong = wrong };
    struct text known[256];
    uint32_t count = c->names == NULL ? 0 : c->names->segments(c->names->context, known, 256);

    for (uint32_t i = 0; i < count; i++) {
        text_nearest_try(&near, known[i]);
    }
    if (near.best.at != NULL) {
        (void)text_format(c->error->hint, sizeof(c->error->hint), "did you mean `%.*s`?",
                          TEXT_PRINTF(near.best));
    }
}

static bool check_in_segment(struct compile *c, struct node *n)
{
    if (n->child_count != 1 || !is_text_constant(n->children[0])) {
        return fail_node(c, n, "write in_segment(\"id\")");
    }
    if (c->names == NULL ||
        !c->names->segment(c->names->context, n->children[0]->value.as.text, &n->key, &n->rung)) {
        predicate_fail(c->error, n->children[0]->offset, n->children[0]->size,
                       "`%.*s` is no segment, or a rung that several ladders have",
                       TEXT_PRINTF(n->children[0]->value.as.text));
        hint_segment(c, n->children[0]->value.as.text);
        return false;
    }
    if (c->segment_count == sizeof(c->segments) / sizeof(c->segments[0])) {
        return fail_node(c, n, "too many segments are named");
    }
    c->segments[c->segment_count++] = n->key;
    c->depends |= FACT_SEGMENTS;
    n->kind = NODE_IN_SEGMENT;
    n->type = TYPE_BOOL;
    return true;
}

static bool check_sequence(struct compile *c, struct node *n)
{
    if (n->child_count != 1 || !is_text_constant(n->children[0])) {
        return fail_node(c, n, "write the sequence's id as text");
    }
    if (c->names == NULL ||
        !c->names->sequence(c->names->context, n->children[0]->value.as.text, &n->key)) {
        predicate_fail(c->error, n->children[0]->offset, n->children[0]->size,
                       "`%.*s` is no sequence", TEXT_PRINTF(n->children[0]->value.as.text));
        return false;
    }
    c->depends |= FACT_RUNS;
    n->kind = text_is(n->name, "completed") ? NODE_COMPLETED : NODE_IN_SEQUENCE;
    n->type = TYPE_BOOL;
    return true;
}

static bool check_arm(struct compile *c, struct node *n)
{
    if (n->child_count != 1 || !is_text_constant(n->children[0])) {
        return fail_node(c, n, "write the experiment's id as text");
    }
    if (c->names != NULL && c->names->experiment != NULL) {
        n->arms = c->names->experiment(c->names->context, n->children[0]->value.as.text);
    }
    if (n->arms == NULL) {
        predicate_fail(c->error, n->children[0]->offset, n->children[0]->size,
                       "`%.*s` is no experiment", TEXT_PRINTF(n->children[0]->value.as.text));
        return false;
    }
    n->kind = NODE_ARM;
    n->type = TYPE_LEVEL;
    return true;
}

static bool check_has(struct compile *c, struct node *n)
{
    if (n->child_count != 1 || n->children[0]->kind != NODE_SELECT ||
        !predicate_check(c, n->children[0])) {
        return fail_node(c, n, "write has(customer.x)");
    }
    if (n->children[0]->kind != NODE_ATTRIBUTE && n->children[0]->kind != NODE_FIELD) {
        return fail_node(c, n, "has() asks for an attribute: has(customer.x)");
    }
    n->attribute = n->children[0]->attribute;
    n->key = n->children[0]->key;
    n->kind = n->children[0]->kind == NODE_ATTRIBUTE ? NODE_HAS_ATTRIBUTE : NODE_HAS_FIELD;
    n->type = TYPE_BOOL;
    return true;
}

/* --- constants --- */
static bool check_duration(struct compile *c, struct node *n)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = { { "weeks", 7 * DAY_MS },  { "days", DAY_MS },       { "hours", HOUR_MS },
                  { "minutes", MINUTE_MS }, { "seconds", SECOND_MS }, { "milliseconds", 1 } };
    const struct node *number = n->child_count == 1 ? n->children[0] : NULL;

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (text_is(n->name, units[i].name)) {
            if (number == NULL || number->kind != NODE_CONST || number->value.type != VALUE_INT ||
                number->value.as.integer < 0 ||
                number->value.as.integer > 36525 * DAY_MS / units[i].ms) {
                return fail_node(c, n,
                                 "a duration takes a whole number, up to 100 years: days(30)");
            }
            return fold(n, TYPE_DURATION,
                        (struct value){ .type = VALUE_DURATION,
                                        .as.integer = number->value.as.integer * units[i].ms });
        }
    }
    UNREACHABLE();
}

static bool check_timestamp(struct compile *c, struct node *n)
{
    int64_t at_ms;

    if (n->child_count != 1 || !is_text_constant(n->children[0]) ||
        !instant_parse(n->children[0]->value.as.text, &at_ms)) {
        return fail_node(c, n, "write timestamp(\"2026-03-02T09:00:00Z\")");
    }
    return fold(n, TYPE_INSTANT, (struct value){ .type = VALUE_INSTANT, .as.integer = at_ms });
}

static bool check_date(struct compile *c, struct node *n)
{
    int64_t days;

    if (n->child_count != 1 || !is_text_constant(n->children[0]) ||
        !instant_parse_date(n->children[0]->value.as.text, &days)) {
        return fail_node(c, n, "write date(\"1997-01-01\")");
    }
    return fold(n, TYPE_DATE, (struct value){ .type = VALUE_DATE, .as.integer = days });
}

/* "25.00" to minor units; two decimals, as the deployment's currency has. */
bool predicate_parse_money(struct text t, int64_t *out_units)
{
    int64_t units = 0;
    int decimals = -1;

    for (size_t i = 0; i < t.size; i++) {
        if (t.at[i] == '.' && decimals < 0 && i > 0) {
            decimals = 0;
        } else if (t.at[i] >= '0' && t.at[i] <= '9' && decimals < 2 && units < INT64_MAX / 1000) {
            units = units * 10 + (t.at[i] - '0');
            decimals += decimals >= 0;
        } else {
            return false;
        }
    }
    if (t.size == 0 || decimals == 0 || decimals == 1) {
        return false;
    }
    *out_units = decimals < 0 ? units * 100 : units;
    return true;
}

static bool check_money(struct compile *c, struct node *n)
{
    int64_t units;

    if (n->child_count != 1 || !is_text_constant(n->children[0]) ||
        !predicate_parse_money(n->children[0]->value.as.text, &units)) {
        return fail_node(c, n, "write money(\"25.00\")");
    }
    if (c->plan->currency.at == NULL) {
        return fail_node(c, n, "money needs `currency:`");
    }
    return fold(n, TYPE_MONEY, (struct value){ .type = VALUE_MONEY, .as.integer = units });
}

/* --- calendar --- */
static bool check_zone(struct compile *c, struct node *n, uint32_t place)
{
    if (n->child_count != place + 1 || !is_text_constant(n->children[place])) {
        return fail_node(c, n, "the last operand is a zone such as \"Europe/Berlin\"");
    }
    n->zone = c->plan->zones == NULL ? NULL
                                     : zone_find(c->plan->zones, n->children[place]->value.as.text);
    if (n->zone == NULL) {
        predicate_fail(c->error, n->children[place]->offset, n->children[place]->size,
                       "unknown time zone `%.*s`", TEXT_PRINTF(n->children[place]->value.as.text));
        return false;
    }
    return true;
}

static const struct {
    const char *name;
    enum calendar_part part;
} calendar[] = { { "getHours", CALENDAR_HOURS },       { "getMinutes", CALENDAR_MINUTES },
                 { "getDayOfWeek", CALENDAR_WEEKDAY }, { "getDate", CALENDAR_DATE },
                 { "getMonth", CALENDAR_MONTH },       { "getFullYear", CALENDAR_YEAR } };

#define CALENDAR_COUNT (sizeof(calendar) / sizeof(calendar[0]))

/* Requires: child 0 is checked. */
static bool check_calendar(struct compile *c, struct node *n)
{
    if (!check_zone(c, n, 1)) {
        return false;
    }
    if (n->children[0]->type != TYPE_INSTANT) {
        return fail_node(c, n->children[0], "this is no instant; write now");
    }
    n->type = TYPE_INT;
    n->kind = NODE_CALENDAR;
    for (size_t i = 0; i < CALENDAR_COUNT; i++) {
        if (text_is(n->name, calendar[i].name)) {
            n->part = (int)calendar[i].part;
        }
    }
    if (text_is(n->name, "day_start")) {
        n->kind = NODE_DAY_START;
        n->type = TYPE_INSTANT;
    }
    return true;
}

static bool check_calendar_call(struct compile *c, struct node *n)
{
    return n->child_count == 2 ? predicate_check(c, n->children[0]) && check_calendar(c, n)
                               : fail_node(c, n, "write it as getHours(now, \"zone\")");
}

static bool check_years_since(struct compile *c, struct node *n)
{
    if (n->child_count != 2 || !predicate_check(c, n->children[0]) || !check_zone(c, n, 1)) {
        return fail_node(c, n, "write years_since(customer.birth_date, \"zone\")");
    }
    if (n->children[0]->type != TYPE_DATE) {
        return fail_node(c, n->children[0], "this is no date");
    }
    n->kind = NODE_YEARS_SINCE;
    n->type = TYPE_INT;
    return true;
}

static bool check_size(struct compile *c, struct node *n)
{
    if (n->child_count != 1 || !predicate_check(c, n->children[0])) {
        return fail_node(c, n, "write size(x)");
    }
    n->kind = NODE_SIZE;
    n->type = TYPE_INT;
    return n->children[0]->type == TYPE_TEXT || n->children[0]->type == TYPE_STRINGS ||
           n->children[0]->type == TYPE_DYNAMIC ||
           fail_node(c, n, "only texts and sets have a size");
}

static bool check_not_yet(struct compile *c, struct node *n)
{
    predicate_fail(c->error, n->offset, n->size, "`%.*s` is not supported yet",
                   TEXT_PRINTF(n->name));
    return false;
}

static const struct {
    const char *name;
    check_function *check;
    bool is_for_filters; /* also in scope EVENT */
} calls[] = {
    { "count", check_count, false },
    { "sum", check_sum, false },
    { "first", check_extreme, false },
    { "last", check_extreme, false },
    { "min", check_not_yet, false },
    { "max", check_not_yet, false },
    { "distinct", check_not_yet, false },
    { "overdue", check_not_yet, false },
    { "arm", check_arm, false },
    { "in_segment", check_in_segment, false },
    { "in_sequence", check_sequence, false },
    { "completed", check_sequence, false },
    { "has", check_has, true },
    { "weeks", check_duration, true },
    { "days", check_duration, true },
    { "hours", check_duration, true },
    { "minutes", check_duration, true },
    { "seconds", check_duration, true },
    { "milliseconds", check_duration, true },
    { "timestamp", check_timestamp, true },
    { "date", check_date, true },
    { "money", check_money, true },
    { "day_start", check_calendar_call, false },
    { "getHours", check_calendar_call, false },
    { "getMinutes", check_calendar_call, false },
    { "getDayOfWeek", check_calendar_call, false },
    { "getDate", check_calendar_call, false },
    { "getMonth", check_calendar_call, false },
    { "getFullYear", check_calendar_call, false },
    { "years_since", check_years_since, false },
    { "size", check_size, true },
};

bool predicate_check_call(struct compile *c, struct node *n)
{
    struct text_nearest near = { .wrong = n->name };
    bool is_first = c->error->text[0] == '\0';

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (text_is(n->name, calls[i].name)) {
            /* Literals among the operands have their types before anybody asks. */
            for (uint32_t k = 0; k < n->child_count; k++) {
                if ((n->children[k]->kind == NODE_CONST || n->children[k]->kind == NODE_LIST) &&
                    !predicate_check(c, n->children[k])) {
                    return false;
                }
            }
            if (c->scope == PREDICATE_CELL) {
                return fail_node(c, n, "a map of rfm sees only r, f and m");
            }
            return c->scope == PREDICATE_CUSTOMER || calls[i].is_for_filters
                       ? calls[i].check(c, n)
                       : fail_node(c, n, "a filter sees only the event");
        }
        text_nearest_try(&near, text_of(calls[i].name));
    }
    predicate_fail(c->error, n->offset, n->size, "unknown function `%.*s`",
                   (int)(n->name.size > 60 ? 60 : n->name.size), n->name.at);
    if (is_first && near.best.at != NULL) {
        (void)text_format(c->error->hint, sizeof(c->error->hint), "did you mean `%.*s`?",
                          TEXT_PRINTF(near.best));
    }
    return false;
}

bool predicate_check_method(struct compile *c, struct node *n)
{
    static const char *const tests[] = { "startsWith", "endsWith", "contains" };
    enum node_type subject = n->children[0]->type;

    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        if (text_is(n->name, tests[i])) {
            n->kind = NODE_TEXT_TEST;
            n->part = (int)i;
            n->type = TYPE_BOOL;
            return (n->child_count == 2 &&
                    (subject == TYPE_TEXT || subject == TYPE_LEVEL || subject == TYPE_DYNAMIC) &&
                    n->children[1]->type == TYPE_TEXT) ||
                   fail_node(c, n, "this method asks a text for a text: x.contains(\"y\")");
        }
    }
    if (text_is(n->name, "lowerAscii")) {
        n->kind = NODE_LOWER;
        n->type = TYPE_TEXT;
        return (n->child_count == 1 && (subject == TYPE_TEXT || subject == TYPE_DYNAMIC)) ||
               fail_node(c, n, "write x.lowerAscii()");
    }
    if (text_is(n->name, "size")) {
        return check_size(c, n);
    }
    for (size_t i = 0; i < CALENDAR_COUNT; i++) {
        if (text_is(n->name, calendar[i].name)) {
            return check_calendar(c, n);
        }
    }
    predicate_fail(c->error, n->offset, n->size, "unknown method `%.*s`",
                   (int)(n->name.size > 60 ? 60 : n->name.size), n->name.at);
    return false;
}
