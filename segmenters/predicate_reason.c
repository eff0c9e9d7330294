/* DESIGN. "p is true" and "p is false" are unfolded to cases: conjunctions of literals, any of
 * which makes it so. A case is impossible when two literals contradict each other, or when what
 * they ask of one operand (ranges, values) has no solution in the operand's domain. A predicate
 * whose true cases are all impossible never holds. The unfolding is bounded; over the bound nothing
 * is claimed.
 *
 * Three-valued logic: a literal in a case is true or false, never unknown, so cases speak of "true"
 * and of "false" exactly. Where "not true" matters (always, implies) what may be unknown is asked
 * besides.
 */
#include "segmenters/predicate_reason.h"

#include "processor/base/arena.h"
#include "segmenters/predicate_node.h"
#include "segmenters/predicate_range.h"

#define CASES_MAX    64
#define LITERALS_MAX 32

struct cases {
    struct clause *items;
    uint32_t count;
    bool is_too_many;
};

static struct cases expand(struct arena *arena, const struct predicate *p, bool is_true);
static struct cases expand_node(struct arena *arena, const struct node *n, bool is_true);

static struct cases no_case(struct arena *arena)
{
    return (struct cases){ arena_alloc(arena, CASES_MAX * sizeof(struct clause)), 0, false };
}

static struct cases one_case(struct arena *arena, const struct literal *literal)
{
    struct cases all = no_case(arena);

    all.items[0].literals = arena_alloc(arena, LITERALS_MAX * sizeof(struct literal));
    if (literal != NULL) {
        all.items[0].literals[all.items[0].count++] = *literal;
    }
    all.count = 1;
    return all;
}

static void add_all(struct cases *to, const struct cases *from)
{
    to->is_too_many = to->is_too_many || from->is_too_many;
    for (uint32_t i = 0; i < from->count; i++) {
        if (to->count == CASES_MAX) {
            to->is_too_many = true;
            return;
        }
        to->items[to->count++] = from->items[i];
    }
}

/* Every case of one with every case of the other; what is impossible goes at once. */
static struct cases combine(struct arena *arena, const struct cases *a, const struct cases *b)
{
    struct cases all = no_case(arena);

    all.is_too_many = a->is_too_many || b->is_too_many;
    for (uint32_t i = 0; i < a->count && !all.is_too_many; i++) {
        for (uint32_t k = 0; k < b->count; k++) {
            struct clause both = { arena_alloc(arena, LITERALS_MAX * sizeof(struct literal)), 0 };

            if (all.count == CASES_MAX || a->items[i].count + b->items[k].count > LITERALS_MAX) {
                all.is_too_many = true;
                break;
            }
            for (uint32_t j = 0; j < a->items[i].count; j++) {
                both.literals[both.count++] = a->items[i].literals[j];
            }
            for (uint32_t j = 0; j < b->items[k].count; j++) {
                both.literals[both.count++] = b->items[k].literals[j];
            }
            if (!predicate_is_impossible(&both)) {
                all.items[all.count++] = both;
            }
        }
    }
    return all;
}

/* Several sides: all of them (cross) or any (append). */
struct folding {
    struct cases so_far;
    bool is_cross;
};

static void fold(struct arena *arena, struct folding *f, struct cases side)
{
    if (f->is_cross) {
        f->so_far = combine(arena, &f->so_far, &side);
    } else {
        add_all(&f->so_far, &side);
    }
}

static struct folding fold_begin(struct arena *arena, bool is_cross)
{
    return (struct folding){ is_cross ? one_case(arena, NULL) : no_case(arena), is_cross };
}

static struct cases expand_choice(struct arena *arena, const struct node *n, bool is_true)
{
    struct cases taken = expand_node(arena, n->children[0], true);
    struct cases left = expand_node(arena, n->children[0], false);
    struct cases a = expand_node(arena, n->children[1], is_true);
    struct cases b = expand_node(arena, n->children[2], is_true);
    struct cases all = combine(arena, &taken, &a), other = combine(arena, &left, &b);

    add_all(&all, &other);
    return all;
}

static struct cases expand_node(struct arena *arena, const struct node *n, bool is_true)
{
    struct literal literal = { n, !is_true };
    struct folding f;

    switch ((int)n->kind) {
    case NODE_CONST:
        if (n->value.type != VALUE_BOOL) {
            break;
        }
        return n->value.as.boolean == is_true ? one_case(arena, NULL) : no_case(arena);
    case NODE_NOT:
        return expand_node(arena, n->children[0], !is_true);
    case NODE_AND:
    case NODE_OR:
        f = fold_begin(arena, (n->kind == NODE_AND) == is_true);
        for (uint32_t i = 0; i < n->child_count; i++) {
            fold(arena, &f, expand_node(arena, n->children[i], is_true));
        }
        return f.so_far;
    case NODE_CHOOSE:
        if (n->type == TYPE_BOOL) {
            return expand_choice(arena, n, is_true);
        }
        break;
    default:
        break;
    }
    return one_case(arena, &literal);
}

static struct cases expand(struct arena *arena, const struct predicate *p, bool is_true)
{
    bool is_item_true = is_true != (p->join == PREDICATE_NONE); /* none: all are false */
    struct folding f;

    if (p->root != NULL) {
        return expand_node(arena, p->root, is_true);
    }
    f = fold_begin(arena, (p->join == PREDICATE_ANY) != is_true);
    for (uint32_t i = 0; i < p->of_count; i++) {
        fold(arena, &f, expand(arena, p->of[i], is_item_true));
    }
    return f.so_far;
}

static bool has_possible(const struct cases *all)
{
    for (uint32_t i = 0; i < all->count; i++) {
        if (!predicate_is_impossible(&all->items[i])) {
            return true;
        }
    }
    return all->is_too_many;
}

/* --- unknown --- */

/* Is the node's value known wherever the clause holds? */
static bool is_settled_node(const struct clause *clause, const struct node *n)
{
    if (clause != NULL && predicate_clause_knows(clause, n)) {
        return true;
    }
    if (predicate_may_be_unknown(n)) {
        return false;
    }
    for (uint32_t i = 0; !predicate_is_leaf(n) && i < n->child_count; i++) {
        if (!is_settled_node(clause, n->children[i])) {
            return false;
        }
    }
    return true;
}

static bool is_settled(const struct clause *clause, const struct predicate *p)
{
    if (p->root != NULL) {
        return is_settled_node(clause, p->root);
    }
    for (uint32_t i = 0; i < p->of_count; i++) {
        if (!is_settled(clause, p->of[i])) {
            return false;
        }
    }
    return true;
}

/* --- the questions --- */

bool predicate_never(const struct predicate *p)
{
    struct arena arena = { 0 };
    struct cases all = expand(&arena, p, true);
    bool is_never = !has_possible(&all);

    arena_fini(&arena);
    return is_never;
}

bool predicate_always(const struct predicate *p)
{
    struct arena arena = { 0 };
    struct cases all;
    bool is_always = is_settled(NULL, p);

    if (is_always) {
        all = expand(&arena, p, false);
        is_always = !has_possible(&all);
    }
    arena_fini(&arena);
    return is_always;
}

static bool clause_implies_any(struct arena *arena, const struct clause *clause,
                               const struct predicate *const *others, uint32_t count)
{
    struct cases rest = no_case(arena);

    rest.items[rest.count++] = *clause;
    for (uint32_t i = 0; i < count && has_possible(&rest); i++) {
        if (is_settled(clause, others[i])) {
            struct cases other = expand(arena, others[i], false);

            rest = combine(arena, &rest, &other);
        }
    }
    return !has_possible(&rest);
}

bool predicate_implies_any(const struct predicate *p, const struct predicate *const *others,
                           uint32_t count)
{
    struct arena arena = { 0 };
    struct cases all = expand(&arena, p, true);
    bool is_implied = !all.is_too_many;

    for (uint32_t i = 0; is_implied && i < all.count; i++) {
        is_implied = predicate_is_impossible(&all.items[i]) ||
                     clause_implies_any(&arena, &all.items[i], others, count);
    }
    arena_fini(&arena);
    return is_implied;
}
