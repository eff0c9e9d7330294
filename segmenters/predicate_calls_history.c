/* Calls about history: each finds, or adds to the plan, the counters it needs, and says how much of
 * them it can ask for. A counter is named by all that makes its numbers: kind or filter, the
 * filter's text, the field, and what is kept of it.
 */
#include "segmenters/predicate_node.h"

#include "processor/base/check.h"
#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"

#define HISTORIES_MAX (sizeof(((struct node *)0)->histories) / sizeof(uint32_t))

/* The filter of a name with a dot. Returns: false and the error when there is none. */
static bool find_filter(struct compile *c, const struct node *kind,
                        const struct filter_plan **out_filter)
{
    struct text name = kind->value.as.text;
    struct text_nearest near = { .wrong = name };

    *out_filter = NULL;
    if (memchr(name.at, '.', name.size) == NULL || text_is(name, "open.any") ||
        text_is(name, "click.any")) {
        return true;
    }
    *out_filter = facts_filter(c->plan, name);
    if (*out_filter != NULL) {
        return true;
    }
    for (uint32_t i = 0; i < c->plan->filter_count; i++) {
        text_nearest_try(&near, c->plan->filters[i]->name);
    }
    predicate_fail(c->error, kind->offset, kind->size, "`%.*s` is no declared filter",
                   TEXT_PRINTF(name));
    if (near.best.at != NULL) {
        (void)text_format(c->error->hint, sizeof(c->error->hint), "did you mean `%.*s`?",
                          TEXT_PRINTF(near.best));
    }
    return false;
}

/* The counter that this kind (or filter) and field need. Returns: its index. */
static uint32_t need_history(struct compile *c, struct text name, const struct filter_plan *filter,
                             struct text field, enum history_class class)
{
    struct facts_plan *plan = c->plan;
    struct text definition = arena_format(c->arena, "%.*s\x1f%.*s\x1f%.*s\x1f%d", TEXT_PRINTF(name),
                                          TEXT_PRINTF(filter == NULL ? TEXT_NONE : filter->source),
                                          TEXT_PRINTF(field), (int)class);
    uint32_t key = hash32(definition);
    struct history_plan *h;

    for (uint32_t i = 0; i < plan->history_count; i++) {
        if (plan->histories[i].key == key) {
            return i;
        }
    }
    plan->histories =
        mem_grow32(plan->histories, plan->history_count, &plan->history_capacity, sizeof(*h));
    h = &plan->histories[plan->history_count];
    *h = (struct history_plan){ .key = key,
                                .name = arena_text(c->arena, name),
                                .filter = filter,
                                .class = class,
                                .field = field.at == NULL ? 0 : hash32(field) };
    h->kind = filter != NULL               ? filter->kind
              : text_is(name, "open.any")  ? TEXT("open")
              : text_is(name, "click.any") ? TEXT("click")
                                           : h->name;
    return plan->history_count++;
}

/* Is it about orders, which are kept anyway? Else the node gets one more counter. */
static bool add_history(struct compile *c, struct node *n, const struct node *kind,
                        struct text field, enum history_class class)
{
    struct facts_plan *plan = c->plan;
    struct text name = kind->value.as.text;
    const struct filter_plan *filter;
    struct history_plan *h;
    uint32_t index;

    if (name.size == 0) {
        return predicate_fail_node(c, kind, "a kind of event has a name");
    }
    if (text_is(name, "purchase") && n->kind != NODE_MIN && n->kind != NODE_MAX &&
        n->kind != NODE_DISTINCT && (field.at == NULL || text_is(field, "amount"))) {
        n->has_orders = true;
        c->depends |= FACT_RFM;
        plan->order_window_ms =
            n->window_ms > plan->order_window_ms ? n->window_ms : plan->order_window_ms;
        return true;
    }
    if (!find_filter(c, kind, &filter)) {
        return false;
    }
    index = need_history(c, name, filter, field, class);
    h = &plan->histories[index];
    h->window_ms = n->window_ms > h->window_ms ? n->window_ms : h->window_ms;
    CHECK(n->history_count < HISTORIES_MAX);
    n->histories[n->history_count++] = index;
    c->depends |= FACT_HISTORY(index);
    return true;
}

static bool check_window(struct compile *c, struct node *n, uint32_t place)
{
    const struct node *w = n->child_count > place ? n->children[place] : NULL;

    n->window_ms = INSTANT_NEVER;
    if (w == NULL) {
        return true;
    }
    if (w->kind != NODE_CONST || w->type != TYPE_DURATION || w->value.as.integer <= 0) {
        return predicate_fail_node(c, w, "the window is a constant duration such as days(30)");
    }
    n->window_ms = w->value.as.integer;
    return true;
}

bool predicate_check_count(struct compile *c, struct node *n)
{
    if (n->child_count < 1 || n->child_count > 2 || !predicate_is_text_constant(n->children[0])) {
        return predicate_fail_node(c, n, "write count(\"kind\") or count(\"kind\", days(30))");
    }
    n->kind = NODE_COUNT;
    n->type = TYPE_INT;
    return check_window(c, n, 1) && add_history(c, n, n->children[0], TEXT_NONE, HISTORY_TIMES);
}

/* sum, min, max, distinct: of a field, perhaps in a window. */
static bool check_of_field(struct compile *c, struct node *n, enum node_kind kind,
                           enum history_class class)
{
    struct text field;

    if (n->child_count < 2 || n->child_count > 3 || !predicate_is_text_constant(n->children[0]) ||
        !predicate_is_text_constant(n->children[1])) {
        predicate_fail(c->error, n->offset, n->size,
                       "write %.*s(\"kind\", \"field\") or %.*s(\"kind\", \"field\", days(30))",
                       TEXT_PRINTF(n->name), TEXT_PRINTF(n->name));
        return false;
    }
    field = n->children[1]->value.as.text;
    n->kind = kind;
    n->type = class == HISTORY_VALUES    ? TYPE_INT
              : text_is(field, "amount") ? TYPE_MONEY
                                         : TYPE_NUMBER;
    if (n->type == TYPE_MONEY && c->plan->currency.at == NULL) {
        return predicate_fail_node(c, n, "`amount` is money, which needs `currency:`");
    }
    return check_window(c, n, 2) && add_history(c, n, n->children[0], field, class);
}

bool predicate_check_sum(struct compile *c, struct node *n)
{
    return check_of_field(c, n, NODE_SUM, HISTORY_NUMBERS);
}

bool predicate_check_extreme(struct compile *c, struct node *n)
{
    bool is_order = n->child_count > 1 && predicate_is_text_constant(n->children[0]) &&
                    predicate_is_text_constant(n->children[1]) &&
                    text_starts_with(n->children[0]->value.as.text, TEXT("purchase")) &&
                    text_is(n->children[1]->value.as.text, "amount");

    return check_of_field(c, n, text_is(n->name, "min") ? NODE_MIN : NODE_MAX,
                          is_order ? HISTORY_EXTREMES : HISTORY_NUMBERS);
}

bool predicate_check_distinct(struct compile *c, struct node *n)
{
    return check_of_field(c, n, NODE_DISTINCT, HISTORY_VALUES);
}

bool predicate_check_time(struct compile *c, struct node *n)
{
    bool is_last = text_is(n->name, "last");
    const struct node *of = n->child_count == 1 ? n->children[0] : NULL;

    if (of == NULL || !(predicate_is_text_constant(of) || (is_last && of->kind == NODE_LIST))) {
        return predicate_fail_node(c, n,
                                   is_last ? "write last(\"kind\") or last([\"kind\", ..])"
                                           : "write first(\"kind\")");
    }
    n->kind = is_last ? NODE_LAST : NODE_FIRST;
    n->type = TYPE_INSTANT;
    if (of->kind != NODE_LIST) {
        return add_history(c, n, of, TEXT_NONE, HISTORY_TIMES);
    }
    for (uint32_t i = 0; i < of->child_count; i++) {
        if (!predicate_is_text_constant(of->children[i]) || i >= HISTORIES_MAX) {
            return predicate_fail_node(c, of, "up to 8 kinds as texts");
        }
        if (!add_history(c, n, of->children[i], TEXT_NONE, HISTORY_TIMES)) {
            return false;
        }
    }
    return of->child_count > 0 || predicate_fail_node(c, of, "up to 8 kinds as texts");
}

/* --- how much of a counter is asked for --- */

/* As many of the newest as decide `count OP bound`. */
static uint32_t entries_for(const struct node *compare)
{
    const struct node *bound = compare->children[1];
    bool is_one_more = compare->op != OP_GE && compare->op != OP_LT;
    int64_t most = CUSTOMER_ENTRIES_MAX;

    if (bound->kind != NODE_CONST || bound->type != TYPE_INT) {
        return CUSTOMER_ENTRIES_MAX;
    }
    most = bound->value.as.integer < most ? bound->value.as.integer + is_one_more : most;
    return most < 1 ? 1 : most > CUSTOMER_ENTRIES_MAX ? CUSTOMER_ENTRIES_MAX : (uint32_t)most;
}

static bool is_windowed(const struct node *n)
{
    return n->kind == NODE_COUNT || n->kind == NODE_SUM || n->kind == NODE_MIN ||
           n->kind == NODE_MAX || n->kind == NODE_DISTINCT;
}

static void keep(struct compile *c, const struct node *n, const struct node *parent)
{
    if (is_windowed(n) && (n->window_ms != INSTANT_NEVER || n->kind == NODE_DISTINCT)) {
        bool is_counted_to = n->kind == NODE_COUNT && parent != NULL &&
                             parent->kind == NODE_COMPARE && parent->children[0] == n;
        uint32_t most = is_counted_to ? entries_for(parent) : CUSTOMER_ENTRIES_MAX;

        for (uint32_t i = 0; i < n->history_count; i++) {
            struct history_plan *h = &c->plan->histories[n->histories[i]];

            h->keep = most > h->keep ? most : h->keep;
        }
    }
    for (uint32_t i = 0; i < n->child_count; i++) {
        keep(c, n->children[i], n);
    }
}

void predicate_keep(struct compile *c, const struct node *root)
{
    keep(c, root, NULL);
}
