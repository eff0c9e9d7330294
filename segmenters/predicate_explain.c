/* DESIGN. A second walk over the same nodes that predicate_eval walks, asking it for each part:
 * what is shown cannot disagree with what decides. A node knows its place without brackets and
 * arguments, so a slice of the source is widened until its brackets close.
 */
#include "segmenters/predicate_node.h"

#include "processor/base/check.h"
#include "segmenters/score.h"

struct explaining {
    const struct view *view;
    struct text source; /* of the predicate being walked */
    predicate_part_sink *sink;
    void *context;
};

/* --- slices --- */

/* Behind the string that begins at `at`. */
static size_t skip_string(struct text source, size_t at)
{
    char quote = source.at[at];

    for (at++; at < source.size && source.at[at] != quote; at++) {
        at += source.at[at] == '\\' && at + 1 < source.size;
    }
    return at < source.size ? at + 1 : at;
}

/* Brackets opened and not closed between the two; *out_unopened: closed and not opened. */
static uint32_t count_open(struct text source, size_t begin, size_t end, uint32_t *out_unopened)
{
    uint32_t open = 0;

    *out_unopened = 0;
    for (size_t i = begin; i < end;) {
        char c = source.at[i];

        if (c == '"' || c == '\'') {
            i = skip_string(source, i);
            continue;
        }
        if (c == '(' || c == '[') {
            open++;
        } else if (c == ')' || c == ']') {
            *out_unopened += open == 0;
            open -= open > 0;
        }
        i++;
    }
    return open;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The node's text with the brackets that belong to it, and the arguments of its last call. */
static struct text slice_of(const struct explaining *x, const struct node *n)
{
    struct text source = x->source;
    size_t begin = n->offset, end = begin + n->size;
    uint32_t unopened;
    uint32_t open;

    end = end > source.size ? source.size : end;
    for (size_t next = end;; next++) { /* a call's place ends before its arguments */
        if (next == source.size || !is_space(source.at[next])) {
            end = next < source.size && source.at[next] == '(' ? next + 1 : end;
            break;
        }
    }
    open = count_open(source, begin, end, &unopened);
    while (open > 0 && end < source.size) {
        char c = source.at[end];

        if (c == '"' || c == '\'') {
            end = skip_string(source, end);
            continue;
        }
        open += c == '(' || c == '[';
        open -= c == ')' || c == ']';
        end++;
    }
    while (begin > 0 && (is_space(source.at[begin - 1]) || source.at[begin - 1] == '(')) {
        if (unopened == 0) {
            break;
        }
        unopened -= source.at[begin - 1] == '(';
        begin--;
    }
    return (struct text){ source.at + begin, end - begin };
}

/* --- tests --- */

static enum predicate_cause cause_of(const struct node *n, bool is_missing)
{
    switch ((int)n->kind) {
    case NODE_ATTRIBUTE:
    case NODE_FIELD:
        return PREDICATE_NOT_SET;
    case NODE_FIRST:
    case NODE_LAST:
    case NODE_MIN:
    case NODE_MAX:
        return is_missing ? PREDICATE_NEVER : PREDICATE_UNDECIDED;
    case NODE_OVERDUE:
    case NODE_RFM:
        return PREDICATE_NO_ORDER;
    default:
        return PREDICATE_UNDECIDED;
    }
}

static void add_operand(const struct explaining *x, struct predicate_part *part,
                        const struct node *n, const struct result *r)
{
    struct text source = slice_of(x, n);
    struct predicate_operand *o;

    if (part->operand_count == PREDICATE_OPERANDS_MAX ||
        (text_equal(source, part->source) && !r->is_unknown)) {
        return; /* the test itself, whose answer says it already */
    }
    o = &part->operands[part->operand_count++];
    o->source = source;
    o->is_points = n->kind == NODE_SCORE;
    o->cause = r->is_unknown ? cause_of(n, r->is_missing) : PREDICATE_KNOWN;
    o->value = r->value;
}

static struct result value_of(const struct explaining *x, const struct node *n)
{
    const struct score *s;
    struct result r = { .value = { .type = VALUE_INT } };

    if (n->kind != NODE_SCORE) {
        return predicate_result(n, x->view);
    }
    s = customer_score(x->view->customer, n->score->key);
    r.value.as.integer = s == NULL ? 0 : score_value(s, x->view->now_ms, n->score->half_life_ms);
    return r;
}

/* What a test looked at: its operands, and behind an unknown one what that was made from. */
static void add_operands(const struct explaining *x, struct predicate_part *part,
                         const struct node *n)
{
    bool is_test = n->kind == NODE_COMPARE || n->kind == NODE_IN || n->kind == NODE_IS_NULL ||
                   n->kind == NODE_TEXT_TEST || n->kind == NODE_NOT || n->kind == NODE_AND ||
                   n->kind == NODE_OR;
    uint32_t count = part->operand_count;
    struct result r;

    if (n->kind == NODE_CONST || n->kind == NODE_LIST || n->kind == NODE_NOW) {
        return;
    }
    r = is_test ? (struct result){ .is_unknown = true } : value_of(x, n);
    if (r.is_unknown && (is_test || cause_of(n, r.is_missing) == PREDICATE_UNDECIDED)) {
        for (uint32_t i = 0; i < n->child_count; i++) {
            add_operands(x, part, n->children[i]);
        }
    }
    if (!is_test && part->operand_count == count) {
        add_operand(x, part, n, &r);
    }
}

static struct answer answer_of(const struct explaining *x, const struct node *n)
{
    struct result r = predicate_result(n, x->view);

    if (r.is_unknown || r.value.type != VALUE_BOOL) {
        return (struct answer){ TRUTH_UNKNOWN, r.until_ms };
    }
    return (struct answer){ r.value.as.boolean ? TRUTH_TRUE : TRUTH_FALSE, r.until_ms };
}

/* --- groups --- */

static bool is_group(const struct node *n)
{
    return n->kind == NODE_AND || n->kind == NODE_OR ||
           (n->kind == NODE_NOT && is_group(n->children[0]));
}

static void walk(const struct explaining *x, const struct node *n, uint32_t depth);

/* The operands of a chain a && b && c, which is parsed as (a && b) && c. */
static void walk_chain(const struct explaining *x, const struct node *n, enum node_kind kind,
                       uint32_t depth)
{
    for (uint32_t i = 0; i < n->child_count; i++) {
        if (n->children[i]->kind == kind) {
            walk_chain(x, n->children[i], kind, depth);
        } else {
            walk(x, n->children[i], depth);
        }
    }
}

static void walk(const struct explaining *x, const struct node *n, uint32_t depth)
{
    struct predicate_part part = { .kind = PREDICATE_PART_TEST,
                                   .depth = depth,
                                   .source = slice_of(x, n),
                                   .answer = answer_of(x, n) };

    if (!is_group(n)) {
        add_operands(x, &part, n);
        x->sink(x->context, &part);
        return;
    }
    part.kind = n->kind == NODE_AND  ? PREDICATE_PART_ALL
                : n->kind == NODE_OR ? PREDICATE_PART_ANY
                                     : PREDICATE_PART_NOT;
    x->sink(x->context, &part);
    if (n->kind == NODE_NOT) {
        walk(x, n->children[0], depth + 1);
    } else {
        walk_chain(x, n, n->kind, depth + 1);
    }
}

static void walk_predicate(struct explaining *x, const struct predicate *p, uint32_t depth)
{
    static const enum predicate_part_kind kinds[] = { [PREDICATE_ALL] = PREDICATE_PART_ALL,
                                                      [PREDICATE_ANY] = PREDICATE_PART_ANY,
                                                      [PREDICATE_NONE] = PREDICATE_PART_NONE };
    struct predicate_part part = { .depth = depth };

    if (p->root != NULL) {
        x->source = p->source;
        walk(x, p->root, depth);
        return;
    }
    CHECK(p->of_count > 0);
    part.kind = kinds[p->join];
    part.answer = predicate_eval(p, x->view);
    x->sink(x->context, &part);
    for (uint32_t i = 0; i < p->of_count; i++) {
        walk_predicate(x, p->of[i], depth + 1);
    }
}

void predicate_explain(const struct predicate *p, const struct view *v, predicate_part_sink *sink,
                       void *context)
{
    struct explaining x = { .view = v, .sink = sink, .context = context };

    walk_predicate(&x, p, 0);
}
