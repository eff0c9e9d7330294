/* Predicates: CEL text compiled to a small program that answers (true | false | unknown, until).
 *
 * Layer: segmenters (pure). Language: LANGUAGE.md section 3. Contract of `until`: the earliest
 * later instant at which the answer may differ with no new event; early is harmless, late is a bug;
 * always > now. Files: predicate_lex.c, predicate_parse.c, predicate_check.c (types, compile),
 * predicate_eval.c; the list is in README.md.
 */
#ifndef SEGMENTERS_PREDICATE_H
#define SEGMENTERS_PREDICATE_H
#include "segmenters/arm.h"
#include "segmenters/facts.h"

#include <stdbool.h>
#include <stdint.h>

#define PREDICATE_SOURCE_SIZE_MAX 4096
#define PREDICATE_DEPTH_MAX       24
#define PREDICATE_NODES_MAX       256 /* parts: names, constants, operators, calls */
#define PREDICATE_COST_MAX        256 /* units: a part 1, a calendar question 4, of history 8 */

enum predicate_scope {
    PREDICATE_EVENT,   /* filters: event.<field> and constants only */
    PREDICATE_CELL,    /* own maps of rfm: r, f, m, which are the attributes of a plan of its own */
    PREDICATE_CUSTOMER /* everything else */
};

enum truth { TRUTH_FALSE, TRUTH_TRUE, TRUTH_UNKNOWN };

struct answer {
    enum truth truth;
    int64_t until_ms;
};

struct predicate_error {
    uint32_t offset; /* bytes into the source */
    uint32_t size;   /* bytes the caret underlines */
    char text[160];  /* a sentence */
    char hint[160];  /* "" or a hint */
};

typedef uint32_t predicate_known_names(const void *context, struct text *out_names, uint32_t room);

/* Names known to the compiler that are no facts: filled before any predicate is compiled.
 * `is_segment` also takes a rung's name (bare when unique, or ladder.rung): it gives the keys by
 * which the customer's membership is read. */
struct predicate_names {
    const void *context;
    /* Returns: false when there is none of that name. out_rung 0: a plain segment, or "any rung" of
     * a ladder. */
    bool (*segment)(const void *context, struct text id, uint32_t *out_key, uint32_t *out_rung);
    bool (*sequence)(const void *context, struct text id, uint32_t *out_key);
    /* Returns: NULL when there is none of that name. Owner: lives as long as the predicates. */
    const struct arms_plan *(*experiment)(const void *context, struct text id);
    /* Fill up to `room` known names, for "did you mean"; NULL: nobody knows. */
    predicate_known_names *segments, *sequences, *experiments;
};

/* Compile. The plan gains the histories that the source's calls need. Owner: plan->arena.
 * Errors: ERR_CONFIG and *out_error (the first error of this source). What is part of the language
 * but not supported yet is an error too, and says so. */
enum err predicate_compile(struct facts_plan *plan, const struct predicate_names *names,
                           struct text source, enum predicate_scope scope,
                           const struct predicate **out_predicate,
                           struct predicate_error *out_error);

/* "25.00" to minor units (two decimals, or none). Returns: false when malformed. */
bool predicate_parse_money(struct text t, int64_t *out_units);

/* all, any, none of predicates (owner: plan->arena). Requires: count > 0. */
enum predicate_join { PREDICATE_ALL, PREDICATE_ANY, PREDICATE_NONE };
const struct predicate *predicate_join(struct facts_plan *plan, enum predicate_join join,
                                       const struct predicate *const *of, uint32_t count);

/* What the answer depends on: FACT_ bits; and the segments it names (keys), for ordering and
 * cycles. */
uint64_t predicate_depends(const struct predicate *p);
uint32_t predicate_segments(const struct predicate *p, const uint32_t **out_keys);
uint32_t predicate_cost(const struct predicate *p);
bool predicate_is_always(const struct predicate *p, enum truth *out_truth); /* constant */

/* What an evaluation sees. */
struct view {
    const struct facts_plan *plan;
    const struct customer *customer;
    struct text id;            /* of the customer: arm() draws by it */
    const struct event *event; /* scope PREDICATE_EVENT, else NULL */
    int64_t now_ms;
    struct arena *arena; /* scratch, the caller resets it */
};

/* Thread: any. Cannot fail. */
struct answer predicate_eval(const struct predicate *p, const struct view *v);

/* One part of a predicate as an evaluation sees it: a group (its parts follow, one deeper), or a
 * test with what it looked at. */
enum predicate_part_kind {
    PREDICATE_PART_ALL,
    PREDICATE_PART_ANY,
    PREDICATE_PART_NONE,
    PREDICATE_PART_NOT, /* of the one part that follows */
    PREDICATE_PART_TEST
};

/* Why a value is unknown. */
enum predicate_cause {
    PREDICATE_KNOWN,
    PREDICATE_NOT_SET,  /* an attribute or a field */
    PREDICATE_NEVER,    /* first, last of something that never happened */
    PREDICATE_NO_ORDER, /* rfm without an order in its window */
    PREDICATE_UNDECIDED /* anything else: a wrong type, an overflow, too little history */
};

#define PREDICATE_OPERANDS_MAX 8

struct predicate_operand {
    struct text source;
    struct value value; /* while cause is PREDICATE_KNOWN */
    bool is_points;     /* value is an integer of 2^-40 point */
    enum predicate_cause cause;
};

struct predicate_part {
    enum predicate_part_kind kind;
    uint32_t depth;     /* 0: the whole */
    struct text source; /* TEST: as written */
    struct answer answer;
    struct predicate_operand operands[PREDICATE_OPERANDS_MAX]; /* TEST: what is no constant */
    uint32_t operand_count;
};

typedef void predicate_part_sink(void *context, const struct predicate_part *part);

/* Break the predicate into its parts, in the order they are written. The answer of part 0 is what
 * predicate_eval gives. A part lives during the call. */
void predicate_explain(const struct predicate *p, const struct view *v, predicate_part_sink *sink,
                       void *context);

/* The three-valued algebra, also used outside (ladders). */
struct answer answer_and(struct answer a, struct answer b);
struct answer answer_or(struct answer a, struct answer b);
struct answer answer_not(struct answer a);

#endif /* SEGMENTERS_PREDICATE_H */
