/* DESIGN. One recursive walk (depth was bounded by the parser). Every result carries `until`;
 * instants and durations that move with the clock carry a slope, and comparisons solve for their
 * crossing exactly.
 */
#include "segmenters/predicate_node.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"

static struct answer to_answer(struct result r)
{
    if (r.is_unknown || r.value.type != VALUE_BOOL) {
        return (struct answer){ TRUTH_UNKNOWN, r.until_ms };
    }
    return (struct answer){ r.value.as.boolean ? TRUTH_TRUE : TRUTH_FALSE, r.until_ms };
}

struct answer answer_not(struct answer a)
{
    a.truth = a.truth == TRUTH_TRUE    ? TRUTH_FALSE
              : a.truth == TRUTH_FALSE ? TRUTH_TRUE
                                       : TRUTH_UNKNOWN;
    return a;
}

/* A false side keeps the whole false as long as it stays false; several: the one that lasts
 * longest. */
struct answer answer_and(struct answer a, struct answer b)
{
    if (a.truth == TRUTH_FALSE && b.truth == TRUTH_FALSE) {
        return a.until_ms > b.until_ms ? a : b;
    }
    if (a.truth == TRUTH_FALSE) {
        return a;
    }
    if (b.truth == TRUTH_FALSE) {
        return b;
    }
    return (struct answer){ a.truth == TRUTH_TRUE && b.truth == TRUTH_TRUE ? TRUTH_TRUE
                                                                           : TRUTH_UNKNOWN,
                            result_least(a.until_ms, b.until_ms) };
}

struct answer answer_or(struct answer a, struct answer b)
{
    return answer_not(answer_and(answer_not(a), answer_not(b)));
}

/* --- operators --- */
static int64_t ceil_div(int64_t a, int64_t b)
{
    return a / b + (a % b != 0 ? 1 : 0);
}

/* now + steps / slope, never when nobody lives to see it. */
static int64_t after(int64_t now_ms, int64_t steps, int32_t slope)
{
    int64_t at_ms;

    return __builtin_add_overflow(now_ms, ceil_div(steps, slope), &at_ms) ? INSTANT_NEVER : at_ms;
}

/* diff(t) = d + slope * (t - now); the first t > now at which `diff op 0` changes.
 * Requires: d is no INT64_MIN. */
static int64_t solve_flip(int64_t d, int32_t slope, enum operator op, int64_t now_ms)
{
    int64_t steps;

    if (slope == 0) {
        return INSTANT_NEVER;
    }
    if (slope < 0) { /* mirror, so that it rises */
        static const enum operator mirror[] = { OP_EQ, OP_NE, OP_GT, OP_GE, OP_LT, OP_LE };

        d = -d;
        slope = -slope;
        op = mirror[op];
    }
    if (op == OP_EQ || op == OP_NE) {
        if (d == 0) {
            return now_ms + 1;
        }
        return d > 0 ? INSTANT_NEVER : after(now_ms, -d, slope);
    }
    /* d >= 0 and d < 0 flip when d reaches 0; d > 0 and d <= 0 when it reaches 1. */
    if (d > 0) {
        return INSTANT_NEVER;
    }
    steps = (op == OP_GE || op == OP_LT ? 0 : 1) - d;
    return steps <= 0 ? INSTANT_NEVER : after(now_ms, steps, slope);
}

static bool is_aggregate(const struct node *n)
{
    return n->kind == NODE_COUNT || n->kind == NODE_SUM || n->kind == NODE_MIN ||
           n->kind == NODE_MAX || n->kind == NODE_DISTINCT;
}

static bool are_lists_equal(const struct node *a, const struct node *b)
{
    bool is_same = a->child_count == b->child_count;

    for (uint32_t i = 0; is_same && i < a->child_count; i++) {
        is_same = predicate_order(&a->children[i]->value, &b->children[i]->value) == 0;
    }
    return is_same;
}

/* Both known, as surely as they are; they move apart by a.slope - b.slope. */
static struct answer compare_results(const struct result *a, enum operator op,
                                     const struct result *b, int64_t now_ms)
{
    int64_t until_ms = result_least(a->until_ms, b->until_ms);
    bool is_lost;
    enum bound bound = predicate_bound_minus(a->bound, b->bound, &is_lost);
    int order = predicate_order(&a->value, &b->value);
    int64_t d;

    if (is_lost || order == ORDER_TYPES) {
        return (struct answer){ TRUTH_UNKNOWN, until_ms };
    }
    if (a->slope != b->slope) {
        if (__builtin_sub_overflow(a->value.as.integer, b->value.as.integer, &d) ||
            d == INT64_MIN) {
            return (struct answer){ TRUTH_UNKNOWN, until_ms };
        }
        until_ms = result_least(until_ms, solve_flip(d, a->slope - b->slope,
                                                     predicate_bound_operator(bound, op), now_ms));
    }
    return predicate_settle(bound, op, order, until_ms);
}

static struct answer compare_answer(const struct node *n, const struct view *v)
{
    const struct node *left = n->children[0], *right = n->children[1];
    struct result a, b;

    if (left->kind == NODE_SCORE) {
        return predicate_score_compare(n, v);
    }
    if (is_aggregate(left) && right->kind == NODE_CONST) {
        return predicate_aggregate_compare(left, n->op, &right->value, v);
    }
    if (left->kind == NODE_LIST && right->kind == NODE_LIST) {
        return (struct answer){ are_lists_equal(left, right) == (n->op == OP_EQ) ? TRUTH_TRUE
                                                                                 : TRUTH_FALSE,
                                INSTANT_NEVER };
    }
    a = predicate_result(left, v);
    b = predicate_result(right, v);
    if (a.is_unknown || b.is_unknown) {
        return (struct answer){ TRUTH_UNKNOWN, result_least(a.until_ms, b.until_ms) };
    }
    return compare_results(&a, n->op, &b, v->now_ms);
}

static struct answer in_list(const struct result *item, const struct node *list, int64_t now_ms)
{
    bool is_comparable = list->child_count == 0, is_in = false;
    int64_t until_ms = item->until_ms;

    for (uint32_t i = 0; i < list->child_count; i++) {
        const struct value *other = &list->children[i]->value;
        int order = predicate_order(&item->value, other);
        int64_t d;

        is_in = is_in || order == 0;
        is_comparable = is_comparable || order != ORDER_TYPES;
        if (item->slope != 0 && order != ORDER_TYPES &&
            !__builtin_sub_overflow(item->value.as.integer, other->as.integer, &d) &&
            d != INT64_MIN) {
            until_ms = result_least(until_ms, solve_flip(d, item->slope, OP_EQ, now_ms));
        }
    }
    return (struct answer){ is_in           ? TRUTH_TRUE
                            : is_comparable ? TRUTH_FALSE
                                            : TRUTH_UNKNOWN,
                            until_ms };
}

static bool is_in_set(const struct value *set, struct text item)
{
    for (uint32_t i = 0; i < set->as.strings.count; i++) {
        if (text_equal(set->as.strings.at[i], item)) {
            return true;
        }
    }
    return false;
}

static struct answer in_answer(const struct node *n, const struct view *v)
{
    const struct node *list = n->children[1];
    struct result item = predicate_result(n->children[0], v);
    struct result set;
    int64_t until_ms;

    if (item.is_unknown || item.bound != BOUND_EXACT) {
        return (struct answer){ TRUTH_UNKNOWN, item.until_ms };
    }
    if (list->kind == NODE_LIST) {
        return in_list(&item, list, v->now_ms);
    }
    set = predicate_result(list, v);
    until_ms = result_least(item.until_ms, set.until_ms);
    if (set.is_unknown || set.value.type != VALUE_STRINGS || item.value.type != VALUE_TEXT) {
        return (struct answer){ TRUTH_UNKNOWN, until_ms };
    }
    return (struct answer){ is_in_set(&set.value, item.value.as.text) ? TRUTH_TRUE : TRUTH_FALSE,
                            until_ms };
}

static struct result arithmetic_result(const struct node *n, const struct view *v)
{
    struct result a = predicate_result(n->children[0], v);
    struct result b = predicate_result(n->children[1], v);

    return a.is_unknown || b.is_unknown ? result_unknown(result_least(a.until_ms, b.until_ms))
                                        : predicate_calculate(&a, n->op, &b, v);
}

static int64_t characters(struct text t) /* not bytes */
{
    int64_t count = 0;

    for (size_t i = 0; i < t.size; i++) {
        count += ((uint8_t)t.at[i] & 0xc0) != 0x80;
    }
    return count;
}

static struct result size_result(const struct node *n, const struct view *v)
{
    struct result r = predicate_result(n->children[0], v);

    if (!r.is_unknown && r.value.type == VALUE_STRINGS) {
        return result_known(result_integer(VALUE_INT, r.value.as.strings.count), r.until_ms);
    }
    return !r.is_unknown && r.value.type == VALUE_TEXT
               ? result_known(result_integer(VALUE_INT, characters(r.value.as.text)), r.until_ms)
               : result_unknown(r.until_ms);
}

static struct result lower_result(const struct node *n, const struct view *v)
{
    struct result r = predicate_result(n->children[0], v);
    char *lower;

    if (r.is_unknown || r.value.type != VALUE_TEXT) {
        return result_unknown(r.until_ms);
    }
    lower = arena_alloc(v->arena, r.value.as.text.size + 1);
    for (size_t i = 0; i < r.value.as.text.size; i++) {
        char c = r.value.as.text.at[i];

        lower[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    r.value.as.text.at = lower;
    return r;
}

static struct result text_test_result(const struct node *n, const struct view *v)
{
    struct result a = predicate_result(n->children[0], v);
    struct result b = predicate_result(n->children[1], v);
    int64_t until_ms = result_least(a.until_ms, b.until_ms);
    bool is_true;

    if (a.is_unknown || b.is_unknown || a.value.type != VALUE_TEXT || b.value.type != VALUE_TEXT) {
        return result_unknown(until_ms);
    }
    is_true = n->part == TEXT_TEST_STARTS ? text_starts_with(a.value.as.text, b.value.as.text)
              : n->part == TEXT_TEST_ENDS ? text_ends_with(a.value.as.text, b.value.as.text)
                                          : text_contains(a.value.as.text, b.value.as.text);
    return result_bool(is_true, until_ms);
}

static struct result is_null_result(const struct node *n, const struct view *v)
{
    struct result r;

    if (n->children[0]->kind == NODE_SCORE) {
        return result_bool(n->op == OP_NE, INSTANT_NEVER); /* 0 at the least */
    }
    r = predicate_result(n->children[0], v);
    if (r.is_unknown && !r.is_missing) {
        return result_unknown(r.until_ms);
    }
    return result_bool((r.is_missing || r.value.type == VALUE_NULL) == (n->op == OP_EQ),
                       r.until_ms);
}

static struct result choose_result(const struct node *n, const struct view *v)
{
    struct answer condition = to_answer(predicate_result(n->children[0], v));
    struct result r;

    if (condition.truth == TRUTH_UNKNOWN) {
        return result_unknown(condition.until_ms);
    }
    r = predicate_result(n->children[condition.truth == TRUTH_TRUE ? 1 : 2], v);
    r.until_ms = result_least(r.until_ms, condition.until_ms);
    return r;
}

static struct result negate_result(const struct node *n, const struct view *v)
{
    struct result r = predicate_result(n->children[0], v);

    r.is_missing = false;
    r.bound = (enum bound)(-(int)r.bound);
    if (r.is_unknown || (r.value.type != VALUE_INT && r.value.type != VALUE_DOUBLE)) {
        return result_unknown(r.until_ms);
    }
    if (r.value.type == VALUE_INT) {
        r.is_unknown = __builtin_sub_overflow((int64_t)0, r.value.as.integer, &r.value.as.integer);
    } else {
        r.value.as.real = -r.value.as.real;
    }
    return r;
}

struct result predicate_result(const struct node *n, const struct view *v)
{
    switch (n->kind) {
    case NODE_COUNT:
    case NODE_SUM:
    case NODE_MIN:
    case NODE_MAX:
    case NODE_DISTINCT:
        return predicate_aggregate(n, v);
    case NODE_FIRST:
    case NODE_LAST:
        return predicate_time(n, v);
    case NODE_OVERDUE:
        return predicate_overdue(n, v);
    case NODE_YEARS_SINCE:
    case NODE_CALENDAR:
    case NODE_DAY_START:
        return predicate_calendar(n, v);
    case NODE_NOT:
        return result_answer(answer_not(to_answer(predicate_result(n->children[0], v))));
    case NODE_AND:
        return result_answer(answer_and(to_answer(predicate_result(n->children[0], v)),
                                        to_answer(predicate_result(n->children[1], v))));
    case NODE_OR:
        return result_answer(answer_or(to_answer(predicate_result(n->children[0], v)),
                                       to_answer(predicate_result(n->children[1], v))));
    case NODE_CHOOSE:
        return choose_result(n, v);
    case NODE_COMPARE:
        return result_answer(compare_answer(n, v));
    case NODE_IN:
        return result_answer(in_answer(n, v));
    case NODE_ARITHMETIC:
        return arithmetic_result(n, v);
    case NODE_NEGATE:
        return negate_result(n, v);
    case NODE_IS_NULL:
        return is_null_result(n, v);
    case NODE_TEXT_TEST:
        return text_test_result(n, v);
    case NODE_LOWER:
        return lower_result(n, v);
    case NODE_SIZE:
        return size_result(n, v);
    case NODE_CONST:
    case NODE_LIST:
    case NODE_ATTRIBUTE:
    case NODE_HAS_ATTRIBUTE:
    case NODE_FIELD:
    case NODE_HAS_FIELD:
    case NODE_NOW:
    case NODE_RFM:
    case NODE_SCORE:
    case NODE_LEVEL:
    case NODE_ARM:
    case NODE_IN_SEGMENT:
    case NODE_IN_SEQUENCE:
    case NODE_COMPLETED:
        return predicate_leaf(n, v);
    case NODE_NAME:
    case NODE_SELECT:
    case NODE_CALL:
    case NODE_METHOD:
        break;
    }
    UNREACHABLE();
}

struct answer predicate_eval(const struct predicate *p, const struct view *v)
{
    struct answer a;

    if (p->root != NULL) {
        a = to_answer(predicate_result(p->root, v));
    } else {
        a = predicate_eval(p->of[0], v);
        for (uint32_t i = 1; i < p->of_count; i++) {
            struct answer b = predicate_eval(p->of[i], v);

            a = p->join == PREDICATE_ALL ? answer_and(a, b) : answer_or(a, b);
        }
        a = p->join == PREDICATE_NONE ? answer_not(a) : a;
    }
    CHECK(a.until_ms > v->now_ms);
    return a;
}
