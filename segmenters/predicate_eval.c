/* DESIGN. One recursive walk (depth was bounded by the parser). Every result carries `until`;
 * instants and durations that move with the clock carry a slope, and comparisons solve for their
 * crossing exactly.
 */
#include "segmenters/predicate_node.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "segmenters/rfm.h"
#include "segmenters/score.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static struct result unknown_until(int64_t until_ms)
{
    return (struct result){ .is_unknown = true, .until_ms = until_ms };
}

static struct result known(struct value v, int64_t until_ms)
{
    return (struct result){ .value = v, .until_ms = until_ms };
}

static struct result from_bool(bool b, int64_t until_ms)
{
    return known((struct value){ .type = VALUE_BOOL, .as.boolean = b }, until_ms);
}

static struct result from_answer(struct answer a)
{
    return a.truth == TRUTH_UNKNOWN ? unknown_until(a.until_ms)
                                    : from_bool(a.truth == TRUTH_TRUE, a.until_ms);
}

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
                            least(a.until_ms, b.until_ms) };
}

struct answer answer_or(struct answer a, struct answer b)
{
    return answer_not(answer_and(answer_not(a), answer_not(b)));
}

bool predicate_compare_int(int64_t a, enum operator op, int64_t b)
{
    switch ((int)op) {
    case OP_EQ:
        return a == b;
    case OP_NE:
        return a != b;
    case OP_LT:
        return a < b;
    case OP_LE:
        return a <= b;
    case OP_GT:
        return a > b;
    default:
        return a >= b;
    }
}

/* --- leaves --- */
static struct result attribute_result(const struct node *n, const struct view *v)
{
    const struct attribute *a = customer_attribute(v->customer, n->attribute->key);
    const struct value *value =
        a == NULL || a->value.type == VALUE_NULL ? &n->attribute->fallback : &a->value;

    return value->type == VALUE_NULL ? unknown_until(INSTANT_NEVER) : known(*value, INSTANT_NEVER);
}

static struct result field_result(const struct node *n, const struct view *v)
{
    const struct value *value = v->event == NULL ? NULL : event_field(v->event, n->key);

    return value == NULL || value->type == VALUE_NULL ? unknown_until(INSTANT_NEVER)
                                                      : known(*value, INSTANT_NEVER);
}

static struct value integer(enum value_type type, int64_t i)
{
    return (struct value){ .type = type, .as.integer = i };
}

static struct result rfm_result(const struct node *n, const struct view *v)
{
    struct rfm r = rfm_value(&v->plan->rfm, v->customer, v->now_ms);
    int64_t any_ms = least(r.r_until_ms, least(r.f_until_ms, r.m_until_ms));
    struct result age;

    switch ((enum rfm_part)n->part) {
    case RFM_SEGMENT:
        return known((struct value){ .type = VALUE_TEXT, .as.text = r.segment }, any_ms);
    case RFM_FREQUENCY:
        return known(integer(VALUE_INT, r.frequency), r.f_until_ms);
    case RFM_MONETARY:
        return known(integer(VALUE_MONEY, r.monetary), r.m_until_ms);
    case RFM_R:
    case RFM_F:
    case RFM_M:
    case RFM_RECENCY:
        break;
    }
    if (!r.is_known) {
        return unknown_until(any_ms);
    }
    switch ((enum rfm_part)n->part) {
    case RFM_R:
        return known(integer(VALUE_INT, r.r), r.r_until_ms);
    case RFM_F:
        return known(integer(VALUE_INT, r.f), r.f_until_ms);
    case RFM_M:
        return known(integer(VALUE_INT, r.m), r.m_until_ms);
    case RFM_RECENCY:
        age = known(integer(VALUE_DURATION, r.recency_ms), any_ms);
        age.slope = 1;
        return age;
    case RFM_SEGMENT:
    case RFM_FREQUENCY:
    case RFM_MONETARY:
        break;
    }
    UNREACHABLE();
}

static int64_t score_now(const struct node *n, const struct view *v, const struct score **out_score)
{
    *out_score = customer_score(v->customer, n->score->key);
    return *out_score == NULL ? 0 : score_value(*out_score, v->now_ms, n->score->half_life_ms);
}

static int64_t falls_below(const struct node *n, const struct view *v, const struct score *s,
                           int64_t bound)
{
    return s == NULL ? INSTANT_NEVER
                     : score_falls_below(s, bound, v->now_ms, n->score->half_life_ms);
}

static struct result level_result(const struct node *n, const struct view *v)
{
    const struct score *s;
    int64_t points = score_now(n, v, &s);
    uint32_t level = n->score->level_count - 1;

    CHECK(n->score->level_count > 0);
    while (level > 0 && points < n->score->levels[level].least_q40) {
        level--;
    }
    return known((struct value){ .type = VALUE_TEXT, .as.text = n->score->levels[level].name },
                 level == 0 ? INSTANT_NEVER
                            : falls_below(n, v, s, n->score->levels[level].least_q40));
}

/* score OP bound: >= and < flip when the score falls below the bound; > and <= when it falls to it.
 */
static struct answer score_compare(const struct node *n, const struct view *v)
{
    const struct node *of = n->children[0];
    int64_t bound = n->children[1]->value.as.integer;
    const struct score *s;
    int64_t points = score_now(of, v, &s);
    bool is_strict = n->op == OP_GT || n->op == OP_LE;
    bool is_above = is_strict ? points > bound : points >= bound;

    return (struct answer){ predicate_compare_int(points, n->op, bound) ? TRUTH_TRUE : TRUTH_FALSE,
                            is_above ? falls_below(of, v, s, is_strict ? bound + 1 : bound)
                                     : INSTANT_NEVER };
}

static struct result in_segment_result(const struct node *n, const struct view *v)
{
    const struct membership *m = customer_membership(v->customer, n->key);
    bool is_in = m != NULL && m->is_member && (n->rung == 0 || m->rung == n->rung);

    return from_bool(is_in, INSTANT_NEVER); /* a change of that segment is an input of its own */
}

/* --- operators --- */
static int64_t ceil_div(int64_t a, int64_t b)
{
    return a / b + (a % b != 0 ? 1 : 0);
}

/* diff(t) = d + slope * (t - now); the first t > now at which `diff op 0` changes. */
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
        return d > 0 ? INSTANT_NEVER : now_ms + ceil_div(-d, slope);
    }
    /* d >= 0 and d < 0 flip when d reaches 0; d > 0 and d <= 0 when it reaches 1. */
    steps = (op == OP_GE || op == OP_LT ? 0 : 1) - d;
    return steps <= 0 ? INSTANT_NEVER : now_ms + ceil_div(steps, slope);
}

static int compare_reals(double a, double b)
{
    return a < b ? -1 : a > b;
}

/* Order of two values. Returns: false when their types do not go together. */
static bool order_of(const struct value *a, const struct value *b, int *out_order)
{
    if (a->type == VALUE_DOUBLE || b->type == VALUE_DOUBLE) {
        if ((a->type != VALUE_DOUBLE && a->type != VALUE_INT) ||
            (b->type != VALUE_DOUBLE && b->type != VALUE_INT)) {
            return false;
        }
        *out_order = compare_reals(a->type == VALUE_INT ? (double)a->as.integer : a->as.real,
                                   b->type == VALUE_INT ? (double)b->as.integer : b->as.real);
        return true;
    }
    if (a->type != b->type || a->type == VALUE_NULL) {
        return false;
    }
    if (a->type == VALUE_TEXT) {
        *out_order = text_compare(a->as.text, b->as.text);
    } else if (a->type == VALUE_BOOL) {
        *out_order = (int)a->as.boolean - (int)b->as.boolean;
    } else if (a->type == VALUE_STRINGS) {
        *out_order = value_equal(a, b) ? 0 : 1;
    } else {
        *out_order = a->as.integer < b->as.integer ? -1 : a->as.integer > b->as.integer;
    }
    return true;
}

static bool is_aggregate(const struct node *n)
{
    return n->kind == NODE_COUNT || n->kind == NODE_SUM;
}

static struct answer compare_answer(const struct node *n, const struct view *v)
{
    const struct node *left = n->children[0], *right = n->children[1];
    struct result a, b;
    int64_t until_ms;
    int order;

    if (left->kind == NODE_SCORE) {
        return score_compare(n, v);
    }
    if (is_aggregate(left) && right->kind == NODE_CONST) {
        return predicate_aggregate_compare(left, n->op, right->value.as.integer, v);
    }
    a = predicate_result(left, v);
    b = predicate_result(right, v);
    until_ms = least(a.until_ms, b.until_ms);
    if (a.is_unknown || b.is_unknown) {
        return (struct answer){ TRUTH_UNKNOWN, until_ms };
    }
    if (a.slope != b.slope) {
        int64_t d;

        if (__builtin_sub_overflow(a.value.as.integer, b.value.as.integer, &d)) {
            return (struct answer){ TRUTH_UNKNOWN, until_ms };
        }
        return (
            struct answer){ predicate_compare_int(d, n->op, 0) ? TRUTH_TRUE : TRUTH_FALSE,
                            least(until_ms, solve_flip(d, a.slope - b.slope, n->op, v->now_ms)) };
    }
    if (!order_of(&a.value, &b.value, &order)) {
        return (struct answer){ TRUTH_UNKNOWN, until_ms };
    }
    return (struct answer){ predicate_compare_int(order, n->op, 0) ? TRUTH_TRUE : TRUTH_FALSE,
                            until_ms };
}

static struct answer in_answer(const struct node *n, const struct view *v)
{
    const struct node *list = n->children[1];
    struct result item = predicate_result(n->children[0], v);
    struct result set;
    int order;

    if (item.is_unknown) {
        return (struct answer){ TRUTH_UNKNOWN, item.until_ms };
    }
    if (list->kind == NODE_LIST) {
        for (uint32_t i = 0; i < list->child_count; i++) {
            if (order_of(&item.value, &list->children[i]->value, &order) && order == 0) {
                return (struct answer){ TRUTH_TRUE, item.until_ms };
            }
        }
        return (struct answer){ TRUTH_FALSE, item.until_ms };
    }
    set = predicate_result(list, v);
    item.until_ms = least(item.until_ms, set.until_ms);
    if (set.is_unknown || set.value.type != VALUE_STRINGS || item.value.type != VALUE_TEXT) {
        return (struct answer){ TRUTH_UNKNOWN, item.until_ms };
    }
    for (uint32_t i = 0; i < set.value.as.strings.count; i++) {
        if (text_equal(set.value.as.strings.at[i], item.value.as.text)) {
            return (struct answer){ TRUTH_TRUE, item.until_ms };
        }
    }
    return (struct answer){ TRUTH_FALSE, item.until_ms };
}

static bool calculate_int(int64_t a, enum operator op, int64_t b, int64_t *out)
{
    switch ((int)op) {
    case OP_ADD:
        return !__builtin_add_overflow(a, b, out);
    case OP_SUB:
        return !__builtin_sub_overflow(a, b, out);
    case OP_MUL:
        return !__builtin_mul_overflow(a, b, out);
    default:
        if (b == 0 || (a == INT64_MIN && b == -1)) {
            return false;
        }
        *out = op == OP_DIV ? a / b : a % b;
        return true;
    }
}

static struct result arithmetic_result(const struct node *n, const struct view *v)
{
    static const enum value_type types[] = { [TYPE_INT] = VALUE_INT,
                                             [TYPE_INSTANT] = VALUE_INSTANT,
                                             [TYPE_DURATION] = VALUE_DURATION,
                                             [TYPE_MONEY] = VALUE_MONEY };
    struct result a = predicate_result(n->children[0], v);
    struct result b = predicate_result(n->children[1], v);
    struct result r = { .until_ms = least(a.until_ms, b.until_ms) };

    r.is_unknown = a.is_unknown || b.is_unknown;
    if (r.is_unknown) {
        return r;
    }
    if (n->type == TYPE_DOUBLE) {
        double x = a.value.as.real, y = b.value.as.real;

        r.value.type = VALUE_DOUBLE;
        r.value.as.real = n->op == OP_ADD   ? x + y
                          : n->op == OP_SUB ? x - y
                          : n->op == OP_MUL ? x * y
                                            : x / y;
        return r;
    }
    r.value.type = types[n->type];
    r.slope = n->op == OP_SUB ? a.slope - b.slope : a.slope + b.slope;
    r.is_unknown =
        !calculate_int(a.value.as.integer, n->op, b.value.as.integer, &r.value.as.integer);
    return r;
}

static struct result text_result(const struct node *n, const struct view *v)
{
    struct result r = predicate_result(n->children[0], v);
    struct text part;
    bool is_true;

    if (r.is_unknown || (n->kind != NODE_SIZE && r.value.type != VALUE_TEXT)) {
        return unknown_until(r.until_ms);
    }
    if (n->kind == NODE_SIZE) {
        if (r.value.type != VALUE_TEXT && r.value.type != VALUE_STRINGS) {
            return unknown_until(r.until_ms);
        }
        if (r.value.type == VALUE_STRINGS) {
            return known(integer(VALUE_INT, r.value.as.strings.count), r.until_ms);
        }
        part = r.value.as.text;
        r.value = integer(VALUE_INT, 0);
        for (size_t i = 0; i < part.size; i++) { /* characters, not bytes */
            r.value.as.integer += ((uint8_t)part.at[i] & 0xc0) != 0x80;
        }
        return r;
    }
    if (n->kind == NODE_LOWER) {
        char *lower = arena_alloc(v->arena, r.value.as.text.size + 1);

        for (size_t i = 0; i < r.value.as.text.size; i++) {
            char c = r.value.as.text.at[i];

            lower[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        }
        r.value.as.text.at = lower;
        return r;
    }
    part = n->children[1]->value.as.text;
    is_true = n->part == TEXT_TEST_STARTS ? text_starts_with(r.value.as.text, part)
              : n->part == TEXT_TEST_ENDS ? text_ends_with(r.value.as.text, part)
                                          : text_contains(r.value.as.text, part);
    return from_bool(is_true, r.until_ms);
}

static struct result is_null_result(const struct node *n, const struct view *v)
{
    struct result r = predicate_result(n->children[0], v);

    return from_bool((r.is_unknown || r.value.type == VALUE_NULL) == (n->op == OP_EQ), r.until_ms);
}

static struct result choose_result(const struct node *n, const struct view *v)
{
    struct answer condition = to_answer(predicate_result(n->children[0], v));
    struct result r;

    if (condition.truth == TRUTH_UNKNOWN) {
        return unknown_until(condition.until_ms);
    }
    r = predicate_result(n->children[condition.truth == TRUTH_TRUE ? 1 : 2], v);
    r.until_ms = least(r.until_ms, condition.until_ms);
    return r;
}

static struct result state_result(const struct node *n, const struct view *v)
{
    const struct entry *e;

    switch ((int)n->kind) {
    case NODE_IN_SEGMENT:
        return in_segment_result(n, v);
    case NODE_IN_SEQUENCE:
        return from_bool(customer_run(v->customer, n->key) != NULL, INSTANT_NEVER);
    case NODE_COMPLETED:
        e = customer_entry(v->customer, n->key);
        return from_bool(e != NULL && e->is_completed, INSTANT_NEVER);
    case NODE_HAS_ATTRIBUTE: {
        struct result r = attribute_result(n, v);

        return from_bool(!r.is_unknown, INSTANT_NEVER);
    }
    default:
        return from_bool(!field_result(n, v).is_unknown, INSTANT_NEVER);
    }
}

/* The draw never changes, whatever happens. */
static struct result arm_result(const struct node *n, const struct view *v)
{
    CHECK(v->id.at != NULL);
    return known((struct value){ .type = VALUE_TEXT, .as.text = arm_of(n->arms, v->id)->name },
                 INSTANT_NEVER);
}

static struct result negate_result(const struct node *n, const struct view *v)
{
    struct result r = predicate_result(n->children[0], v);

    if (!r.is_unknown && r.value.type == VALUE_INT) {
        r.is_unknown = __builtin_sub_overflow((int64_t)0, r.value.as.integer, &r.value.as.integer);
    } else {
        r.value.as.real = -r.value.as.real;
    }
    return r;
}

struct result predicate_result(const struct node *n, const struct view *v)
{
    struct result r;

    switch (n->kind) {
    case NODE_CONST:
        return known(n->value, INSTANT_NEVER);
    case NODE_ATTRIBUTE:
        return attribute_result(n, v);
    case NODE_FIELD:
        return field_result(n, v);
    case NODE_NOW:
        r = known(integer(VALUE_INSTANT, v->now_ms), INSTANT_NEVER);
        r.slope = 1;
        return r;
    case NODE_COUNT:
    case NODE_SUM:
        return predicate_aggregate(n, v);
    case NODE_FIRST:
    case NODE_LAST:
        return predicate_extreme_time(n, v);
    case NODE_RFM:
        return rfm_result(n, v);
    case NODE_LEVEL:
        return level_result(n, v);
    case NODE_ARM:
        return arm_result(n, v);
    case NODE_YEARS_SINCE:
    case NODE_CALENDAR:
    case NODE_DAY_START:
        return predicate_calendar(n, v);
    case NODE_NOT:
        return from_answer(answer_not(to_answer(predicate_result(n->children[0], v))));
    case NODE_AND:
        return from_answer(answer_and(to_answer(predicate_result(n->children[0], v)),
                                      to_answer(predicate_result(n->children[1], v))));
    case NODE_OR:
        return from_answer(answer_or(to_answer(predicate_result(n->children[0], v)),
                                     to_answer(predicate_result(n->children[1], v))));
    case NODE_CHOOSE:
        return choose_result(n, v);
    case NODE_COMPARE:
        return from_answer(compare_answer(n, v));
    case NODE_IN:
        return from_answer(in_answer(n, v));
    case NODE_ARITHMETIC:
        return arithmetic_result(n, v);
    case NODE_NEGATE:
        return negate_result(n, v);
    case NODE_IS_NULL:
        return is_null_result(n, v);
    case NODE_TEXT_TEST:
    case NODE_LOWER:
    case NODE_SIZE:
        return text_result(n, v);
    case NODE_IN_SEGMENT:
    case NODE_IN_SEQUENCE:
    case NODE_COMPLETED:
    case NODE_HAS_ATTRIBUTE:
    case NODE_HAS_FIELD:
        return state_result(n, v);
    case NODE_NAME:
    case NODE_SELECT:
    case NODE_CALL:
    case NODE_METHOD:
    case NODE_LIST:
    case NODE_SCORE:
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
