/* What the phases of the predicate compiler share; nobody else includes this.
 *
 * Layer: segmenters. Pipeline: predicate_lex.c, predicate_lex_text.c -> predicate_parse.c ->
 * predicate_check.c (types), predicate_names.c, predicate_calls.c, predicate_calls_history.c,
 * predicate_calls_time.c -> predicate_eval.c, predicate_value.c, predicate_history.c,
 * predicate_cadence.c, predicate_calendar.c.
 */
#ifndef SEGMENTERS_PREDICATE_NODE_H
#define SEGMENTERS_PREDICATE_NODE_H
#include "processor/base/instant.h"
#include "segmenters/predicate.h"

#define NODE_CHILDREN_MAX 32 /* operands of one list or call */

enum token_kind {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_INT,
    TOKEN_DOUBLE,
    TOKEN_TEXT,
    TOKEN_SIGN, /* operators and brackets: `sign` */
    TOKEN_BAD
};

struct token {
    enum token_kind kind;
    uint32_t offset;
    uint32_t size;
    char sign[3];
    struct value value; /* INT DOUBLE TEXT */
};

struct lexer {
    struct text source;
    uint32_t at;
    struct arena *arena;
    struct predicate_error *error;
};

struct token predicate_lex_next(struct lexer *l);

/* A text begins here; read it. Requires of the second: the first. */
bool predicate_lex_is_text(const struct lexer *l);
struct token predicate_lex_text(struct lexer *l);

/* Record an error at a place, unless there is one already. */
__attribute__((format(printf, 4, 5))) void predicate_fail(struct predicate_error *error,
                                                          uint32_t offset, uint32_t size,
                                                          const char *format, ...);

enum node_kind {
    /* as parsed */
    NODE_CONST,
    NODE_NAME,   /* x */
    NODE_SELECT, /* child.name */
    NODE_CALL,   /* name(children) */
    NODE_METHOD, /* child0.name(children 1..) */
    NODE_LIST,
    NODE_NOT,
    NODE_NEGATE,
    NODE_AND,
    NODE_OR,
    NODE_CHOOSE, /* c ? a : b */
    NODE_COMPARE,
    NODE_IN,
    NODE_ARITHMETIC,
    /* as checked */
    NODE_ATTRIBUTE,
    NODE_HAS_ATTRIBUTE,
    NODE_FIELD,
    NODE_HAS_FIELD,
    NODE_IS_NULL, /* child == null */
    NODE_NOW,
    NODE_COUNT,
    NODE_SUM,
    NODE_MIN,
    NODE_MAX,
    NODE_DISTINCT,
    NODE_FIRST,
    NODE_LAST,
    NODE_OVERDUE,
    NODE_RFM,
    NODE_SCORE,
    NODE_LEVEL,
    NODE_IN_SEGMENT,
    NODE_IN_SEQUENCE,
    NODE_COMPLETED,
    NODE_ARM,
    NODE_YEARS_SINCE,
    NODE_CALENDAR,
    NODE_DAY_START,
    NODE_TEXT_TEST,
    NODE_LOWER,
    NODE_SIZE
};

enum operator{ OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_MOD };

/* Static types; those of values, and a few of their own. */
enum node_type {
    TYPE_BOOL,
    TYPE_INT,
    TYPE_DOUBLE,
    TYPE_TEXT,
    TYPE_STRINGS,
    TYPE_DATE,
    TYPE_INSTANT,
    TYPE_DURATION,
    TYPE_MONEY,
    TYPE_SCORE, /* integer of 2^-40 point; only compared with constants */
    TYPE_LEVEL, /* text, one of the score's levels, or of the experiment's arms */
    TYPE_NULL,
    TYPE_LIST,   /* constants that are not all texts: behind `in`, or beside another list */
    TYPE_NUMBER, /* int or double: known when it is there */
    TYPE_DYNAMIC /* event.<field>: known when it is there */
};

enum rfm_part { RFM_R, RFM_F, RFM_M, RFM_SEGMENT, RFM_RECENCY, RFM_FREQUENCY, RFM_MONETARY };
enum calendar_part {
    CALENDAR_HOURS,
    CALENDAR_MINUTES,
    CALENDAR_WEEKDAY,
    CALENDAR_DATE,
    CALENDAR_MONTH,
    CALENDAR_YEAR
};
enum text_test { TEXT_TEST_STARTS, TEXT_TEST_ENDS, TEXT_TEST_CONTAINS };

struct node {
    enum node_kind kind;
    enum node_type type;
    uint32_t offset, size; /* place in the source */
    bool is_literal;       /* a constant as written: an int may stand for a double */
    bool is_checked;
    enum operator op;
    struct text name;
    struct value value; /* CONST */
    struct node **children;
    uint32_t child_count;
    const struct attribute_plan *attribute;
    const struct score_plan *score;
    const struct arms_plan *arms;
    uint32_t key, rung;    /* segment, sequence; event field */
    uint32_t histories[8]; /* COUNT SUM MIN MAX DISTINCT FIRST LAST: indexes in the plan */
    uint32_t history_count;
    bool has_orders;   /* one of the kinds is purchase: answered from the orders */
    int64_t window_ms; /* never: for ever */
    int part;          /* enum rfm_part, calendar_part or text_test */
    double patience;   /* OVERDUE: -ln(1 - q) */
    const struct zone *zone;
};

struct predicate {
    const struct node *root; /* NULL: a join */
    struct text source;      /* as written; a join: absent */
    enum predicate_join join;
    const struct predicate *const *of;
    uint32_t of_count;
    uint64_t depends;
    const uint32_t *segments;
    uint32_t segment_count;
    uint32_t cost;
};

struct compile {
    struct facts_plan *plan;
    const struct predicate_names *names;
    struct arena *arena;
    enum predicate_scope scope;
    struct predicate_error *error;
    uint32_t node_count;
    uint32_t depth;
    uint32_t cost;
    uint64_t depends;
    uint32_t segments[64];
    uint32_t segment_count;
};

struct node *predicate_node_new(struct compile *c, enum node_kind kind, uint32_t offset,
                                uint32_t size);

/* Parse the whole source. Returns: NULL and the error. */
struct node *predicate_parse(struct compile *c, struct text source);

/* Resolve names and check types, children first; nodes change in place. Returns: false and the
 * error. */
bool predicate_check(struct compile *c, struct node *n);

/* Names and what is selected of them, calls and methods: from predicate_check. */
bool predicate_check_name(struct compile *c, struct node *n);
bool predicate_check_select(struct compile *c, struct node *n);
bool predicate_check_call(struct compile *c, struct node *n);
bool predicate_check_method(struct compile *c, struct node *n);

/* One call each, of the table in predicate_calls.c. */
typedef bool check_function(struct compile *c, struct node *n);
check_function predicate_check_count;
check_function predicate_check_sum;
check_function predicate_check_extreme; /* min, max */
check_function predicate_check_distinct;
check_function predicate_check_time; /* first, last */
check_function predicate_check_overdue;
check_function predicate_check_duration;
check_function predicate_check_timestamp;
check_function predicate_check_date;
check_function predicate_check_money;
check_function predicate_check_calendar; /* day_start, getHours .. */
check_function predicate_check_years_since;

/* What the rules can ask of counters: as many entries as a comparison counts to. Requires: checked.
 */
void predicate_keep(struct compile *c, const struct node *root);

/* Record an error at the node, unless there is one. Returns: false. */
bool predicate_fail_node(struct compile *c, const struct node *n, const char *text);
bool predicate_fail_name(struct compile *c, const struct node *n, const char *what,
                         const char *prefix, const struct text_nearest *near);
bool predicate_is_text_constant(const struct node *n);
bool predicate_is_calendar(struct text name);
enum node_type predicate_type_of(enum value_type t);

/* The node becomes that constant. Returns: true. */
bool predicate_fold(struct node *n, enum node_type type, struct value v);

/* How surely a value is known: a counter that began later than its window is a bound only. */
enum bound { BOUND_MOST = -1, BOUND_EXACT, BOUND_LEAST };

/* What an evaluation gives: a value at now that is integer + slope * (t - now) for instants and
 * durations. */
struct result {
    bool is_unknown;
    bool is_missing; /* unknown, since nothing is there: == null is true */
    enum bound bound;
    struct value value;
    int32_t slope;
    int64_t until_ms;
};
struct result predicate_result(const struct node *n, const struct view *v);
struct result predicate_leaf(const struct node *n, const struct view *v); /* read, not calculated */
struct answer predicate_score_compare(const struct node *n, const struct view *v);

static inline int64_t result_least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline struct result result_unknown(int64_t until_ms)
{
    return (struct result){ .is_unknown = true, .until_ms = until_ms };
}

/* Unknown, since nothing is there. */
static inline struct result result_missing(int64_t until_ms)
{
    return (struct result){ .is_unknown = true, .is_missing = true, .until_ms = until_ms };
}

static inline struct result result_known(struct value v, int64_t until_ms)
{
    return (struct result){ .value = v, .until_ms = until_ms };
}

static inline struct result result_bool(bool b, int64_t until_ms)
{
    return result_known((struct value){ .type = VALUE_BOOL, .as.boolean = b }, until_ms);
}

static inline struct result result_answer(struct answer a)
{
    return a.truth == TRUTH_UNKNOWN ? result_unknown(a.until_ms)
                                    : result_bool(a.truth == TRUTH_TRUE, a.until_ms);
}

static inline struct value result_integer(enum value_type type, int64_t i)
{
    return (struct value){ .type = type, .as.integer = i };
}

/* Questions about history. */
struct result predicate_aggregate(const struct node *n, const struct view *v);
/* Compared with a constant: until the instant its truth flips. */
struct answer predicate_aggregate_compare(const struct node *n, enum operator op,
                                          const struct value *constant, const struct view *v);
struct result predicate_time(const struct node *n, const struct view *v); /* first, last */
struct result predicate_overdue(const struct node *n, const struct view *v);
struct result predicate_calendar(const struct node *n,
                                 const struct view *v); /* CALENDAR DAY_START YEARS_SINCE */

/* The order of two values: -1 0 1, or that they have none. */
enum { ORDER_NONE = 2 /* NaN; lists that differ */, ORDER_TYPES = 3 /* not of one type */ };
int predicate_order(const struct value *a, const struct value *b);
bool predicate_order_holds(int order, enum operator op); /* Requires: not ORDER_TYPES */
bool predicate_compare_int(int64_t a, enum operator op, int64_t b);

/* a OP b where a and b are known so surely: what of the comparison is settled. */
struct answer predicate_settle(enum bound bound, enum operator op, int order, int64_t until_ms);
enum bound predicate_bound_minus(enum bound a, enum bound b, bool *out_is_lost);
/* The operator whose flip matters for such a bound. */
enum operator predicate_bound_operator(enum bound bound, enum operator op);

/* a OP b. Returns: unknown when it overflows, divides by zero or the types do not go together. */
struct result predicate_calculate(const struct result *a, enum operator op, const struct result *b,
                                  const struct view *v);

#endif /* SEGMENTERS_PREDICATE_NODE_H */
