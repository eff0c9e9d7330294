/* DESIGN. What values of one type, or of two, make together: their order, their sum, and how surely
 * it is known. A counter that began later than its window is a bound: "at least 3" settles
 * `>= 2`, and leaves `>= 4` open.
 */
#include "segmenters/predicate_node.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"

#define TEXT_SIZE_MAX (64 * 1024) /* of one text made of others */

/* 2^63: the first double that no int64 reaches. */
#define INT64_END 9223372036854775808.0

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

static int order_ints(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int order_reals(double a, double b)
{
    return a < b ? -1 : a > b ? 1 : a == b ? 0 : ORDER_NONE;
}

/* Without the rounding of large ints. */
static int order_int_real(int64_t a, double b)
{
    int64_t whole;

    if (!(b > -INT64_END && b < INT64_END)) {
        return order_reals(0, b);
    }
    whole = (int64_t)b; /* towards 0 */
    return a != whole ? order_ints(a, whole) : order_reals(0, b - (double)whole);
}

int predicate_order(const struct value *a, const struct value *b)
{
    int order;

    if (a->type == VALUE_INT && b->type == VALUE_DOUBLE) {
        return order_int_real(a->as.integer, b->as.real);
    }
    if (a->type == VALUE_DOUBLE && b->type == VALUE_INT) {
        order = order_int_real(b->as.integer, a->as.real);
        return order == ORDER_NONE ? order : -order;
    }
    if (a->type != b->type || a->type == VALUE_NULL) {
        return ORDER_TYPES;
    }
    switch ((int)a->type) {
    case VALUE_DOUBLE:
        return order_reals(a->as.real, b->as.real);
    case VALUE_TEXT:
        order = text_compare(a->as.text, b->as.text);
        return order < 0 ? -1 : order > 0;
    case VALUE_BOOL:
        return (int)a->as.boolean - (int)b->as.boolean;
    case VALUE_STRINGS:
        return value_equal(a, b) ? 0 : ORDER_NONE;
    default:
        return order_ints(a->as.integer, b->as.integer);
    }
}

bool predicate_order_holds(int order, enum operator op)
{
    CHECK(order != ORDER_TYPES);
    return order == ORDER_NONE ? op == OP_NE : predicate_compare_int(order, op, 0);
}

/* --- bounds --- */
enum bound predicate_bound_minus(enum bound a, enum bound b, bool *out_is_lost)
{
    int bound = (int)a - (int)b;

    *out_is_lost = a != BOUND_EXACT && b != BOUND_EXACT && a == b;
    return bound > 0 ? BOUND_LEAST : bound < 0 ? BOUND_MOST : BOUND_EXACT;
}

enum operator predicate_bound_operator(enum bound bound, enum operator op)
{
    if (bound == BOUND_EXACT || (op != OP_EQ && op != OP_NE)) {
        return op;
    }
    return bound == BOUND_LEAST ? OP_GT : OP_LT;
}

struct answer predicate_settle(enum bound bound, enum operator op, int order, int64_t until_ms)
{
    bool holds = predicate_order_holds(order, predicate_bound_operator(bound, op));
    bool rises = op == OP_GE || op == OP_GT; /* more of the left side helps */
    enum truth truth = holds ? TRUTH_TRUE : TRUTH_FALSE;

    if (bound != BOUND_EXACT) {
        if (op == OP_EQ || op == OP_NE) {
            truth = !holds ? TRUTH_UNKNOWN : op == OP_NE ? TRUTH_TRUE : TRUTH_FALSE;
        } else if (holds != (rises == (bound == BOUND_LEAST))) {
            truth = TRUTH_UNKNOWN;
        }
    }
    return (struct answer){ truth, until_ms };
}

/* --- arithmetic --- */
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

static double real_of(const struct value *v)
{
    return v->type == VALUE_INT ? (double)v->as.integer : v->as.real;
}

static bool calculate_real(double a, enum operator op, double b, double *out)
{
    *out = op == OP_ADD ? a + b : op == OP_SUB ? a - b : op == OP_MUL ? a * b : a / b;
    return op != OP_MOD;
}

static bool join_texts(struct text a, struct text b, const struct view *v, struct text *out)
{
    char *both;

    if (a.size + b.size > TEXT_SIZE_MAX) {
        return false;
    }
    both = arena_alloc(v->arena, a.size + b.size + 1);
    memcpy(both, a.at, a.size);
    memcpy(both + a.size, b.at, b.size);
    *out = (struct text){ both, a.size + b.size };
    return true;
}

/* The type of a OP b; VALUE_NULL: there is none. */
static enum value_type type_of(enum value_type a, enum operator op, enum value_type b)
{
    bool is_sum = op == OP_ADD || op == OP_SUB;

    if ((a == VALUE_INT || a == VALUE_DOUBLE) && (b == VALUE_INT || b == VALUE_DOUBLE)) {
        return a == b ? a : VALUE_DOUBLE;
    }
    if (a == b && ((is_sum && (a == VALUE_DURATION || a == VALUE_MONEY)) ||
                   (op == OP_ADD && a == VALUE_TEXT))) {
        return a;
    }
    if ((is_sum && a == VALUE_INSTANT && b == VALUE_DURATION) ||
        (op == OP_ADD && a == VALUE_DURATION && b == VALUE_INSTANT)) {
        return VALUE_INSTANT;
    }
    return op == OP_SUB && a == VALUE_INSTANT && b == VALUE_INSTANT ? VALUE_DURATION : VALUE_NULL;
}

/* Instants are those of a calendar of four digits; one that runs leaves it some day, or comes in.
 */
static void check_instant(struct result *r, int64_t now_ms)
{
    int64_t at_ms = r->value.as.integer, edge_ms = INSTANT_NEVER, until_ms;
    int64_t speed = r->slope < 0 ? -r->slope : r->slope;

    r->is_unknown = at_ms < INSTANT_MIN || at_ms > INSTANT_MAX;
    if (r->slope > 0) {
        edge_ms = at_ms < INSTANT_MIN ? INSTANT_MIN - at_ms : INSTANT_MAX - at_ms + 1;
    } else if (r->slope < 0) {
        edge_ms = at_ms > INSTANT_MAX ? at_ms - INSTANT_MAX : at_ms - INSTANT_MIN + 1;
    }
    if (edge_ms == INSTANT_NEVER || edge_ms <= 0) {
        return;
    }
    until_ms = now_ms + (edge_ms + speed - 1) / speed;
    r->until_ms = until_ms < r->until_ms ? until_ms : r->until_ms;
}

struct result predicate_calculate(const struct result *a, enum operator op, const struct result *b,
                                  const struct view *v)
{
    struct result r = { .until_ms = a->until_ms < b->until_ms ? a->until_ms : b->until_ms };
    enum bound other =
        op == OP_ADD ? (enum bound)(-(int)b->bound) : b->bound; /* a + b is a - (-b) */
    bool is_lost;

    r.bound = predicate_bound_minus(a->bound, other, &is_lost);
    r.value.type = type_of(a->value.type, op, b->value.type);
    r.is_unknown = is_lost || r.value.type == VALUE_NULL ||
                   (r.bound != BOUND_EXACT && op != OP_ADD && op != OP_SUB);
    if (r.is_unknown) {
        return r;
    }
    if (r.value.type == VALUE_DOUBLE) {
        r.is_unknown =
            !calculate_real(real_of(&a->value), op, real_of(&b->value), &r.value.as.real);
    } else if (r.value.type == VALUE_TEXT) {
        r.is_unknown = !join_texts(a->value.as.text, b->value.as.text, v, &r.value.as.text);
    } else {
        r.slope = op == OP_SUB ? a->slope - b->slope : a->slope + b->slope;
        r.is_unknown =
            !calculate_int(a->value.as.integer, op, b->value.as.integer, &r.value.as.integer);
    }
    if (!r.is_unknown && r.value.type == VALUE_INSTANT) {
        check_instant(&r, v->now_ms);
    }
    return r;
}
