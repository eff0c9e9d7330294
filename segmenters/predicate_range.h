/* Literals of one case, and whether they can hold together. Part of predicate_reason.c; nobody else
 * includes this.
 *
 * Layer: segmenters (pure).
 */
#ifndef SEGMENTERS_PREDICATE_RANGE_H
#define SEGMENTERS_PREDICATE_RANGE_H
#include "segmenters/predicate_node.h"

struct literal { /* an atom that is true, or false */
    const struct node *atom;
    bool is_negated;
};

struct clause { /* all of them at once */
    struct literal *literals;
    uint32_t count;
};

/* Proven: no facts make all literals hold. */
bool predicate_is_impossible(const struct clause *clause);

/* The node's own value may be missing, whatever its children are. */
bool predicate_may_be_unknown(const struct node *n);

/* Its children are no values of their own, or what they lack does not matter: has(), == null. */
bool predicate_is_leaf(const struct node *n);

/* Some literal of the clause compares this very operand, so it is known where the clause holds. */
bool predicate_clause_knows(const struct clause *clause, const struct node *n);

#endif /* SEGMENTERS_PREDICATE_RANGE_H */
