/* What the phases of the predicate compiler share; nobody else includes this.
 *
 * Layer: segmenters. Pipeline: predicate_lex.c -> predicate_parse.c -> predicate_check.c (names,
 * types) -> predicate_eval.c.
 */
#ifndef SEGMENTERS_PREDICATE_NODE_H
#define SEGMENTERS_PREDICATE_NODE_H
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
    NODE_FIRST,
    NODE_LAST,
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
    enum operator op;
    struct text name;
    struct value value; /* CONST */
    struct node **children;
    uint32_t child_count;
    const struct attribute_plan *attribute;
    const struct score_plan *score;
    const struct arms_plan *arms;
    uint32_t key, rung;    /* segment, sequence; event field */
    uint32_t histories[8]; /* COUNT SUM FIRST LAST: indexes in the plan */
    uint32_t history_count;
    bool has_orders;   /* one of the kinds is purchase: answered from the orders */
    int64_t window_ms; /* never: for ever */
    int part;          /* enum rfm_part, calendar_part or text_test */
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

/* Calls and methods, from predicate_check. */
bool predicate_check_call(struct compile *c, struct node *n);
bool predicate_check_method(struct compile *c, struct node *n);

/* What an evaluation gives: a value at now that is integer + slope * (t - now) for instants and
 * durations. */
struct result {
    bool is_unknown;
    struct value value;
    int32_t slope;
    int64_t until_ms;
};
struct result predicate_result(const struct node *n, const struct view *v);

/* Count or sum over a window at `now`, and for a comparison with a constant the instant its truth
 * flips. */
struct result predicate_aggregate(const struct node *n, const struct view *v);
struct answer predicate_aggregate_compare(const struct node *n, enum operator op, int64_t constant,
                                          const struct view *v);
struct result predicate_extreme_time(const struct node *n, const struct view *v); /* first, last */
struct result predicate_calendar(const struct node *n,
                                 const struct view *v); /* CALENDAR DAY_START YEARS_SINCE */

bool predicate_compare_int(int64_t a, enum operator op, int64_t b);

#endif /* SEGMENTERS_PREDICATE_NODE_H */
