/* DESIGN. A shape's text is everything that an evaluation reads of the program, in order, with a
 * mark where the bound is left out: equal texts are equal programs. Addresses stand for what lives
 * as long as the rules.
 */
#include "segmenters/predicate_shape.h"

#include "processor/base/bytes.h"
#include "processor/base/check.h"
#include "segmenters/predicate_node.h"

static void put_address(struct bytes_out *out, const void *at)
{
    bytes_put_u64(out, (uint64_t)(uintptr_t)at);
}

static void put_value(struct bytes_out *out, const struct value *v)
{
    bytes_put_byte(out, (uint8_t)v->type);
    switch (v->type) {
    case VALUE_NULL:
        break;
    case VALUE_BOOL:
        bytes_put_bool(out, v->as.boolean);
        break;
    case VALUE_INT:
    case VALUE_DATE:
    case VALUE_INSTANT:
    case VALUE_DURATION:
    case VALUE_MONEY:
        bytes_put_long(out, v->as.integer);
        break;
    case VALUE_DOUBLE:
        bytes_put_double(out, v->as.real);
        break;
    case VALUE_TEXT:
        bytes_put_text(out, v->as.text);
        break;
    case VALUE_STRINGS:
        bytes_put_long(out, v->as.strings.count);
        for (uint32_t i = 0; i < v->as.strings.count; i++) {
            bytes_put_text(out, v->as.strings.at[i]);
        }
        break;
    }
}

static void put_node(struct bytes_out *out, const struct node *n, const struct node *hole)
{
    bytes_put_byte(out, (uint8_t)n->kind);
    bytes_put_byte(out, (uint8_t)n->type);
    bytes_put_byte(out, (uint8_t)n->op);
    bytes_put_u32(out, n->key);
    bytes_put_u32(out, n->rung);
    bytes_put_long(out, n->history_count);
    for (uint32_t i = 0; i < n->history_count; i++) {
        bytes_put_u32(out, n->histories[i]);
    }
    bytes_put_bool(out, n->has_orders);
    bytes_put_long(out, n->window_ms);
    bytes_put_long(out, n->part);
    bytes_put_double(out, n->patience);
    put_address(out, n->zone);
    put_address(out, n->attribute);
    put_address(out, n->score);
    put_address(out, n->arms);
    if (n == hole) {
        bytes_put_byte(out, (uint8_t)n->value.type);
    } else {
        put_value(out, &n->value);
    }
    bytes_put_long(out, n->child_count);
    for (uint32_t i = 0; i < n->child_count; i++) {
        put_node(out, n->children[i], hole);
    }
}

static void put_predicate(struct bytes_out *out, const struct predicate *p, const struct node *hole)
{
    if (p->root != NULL) {
        bytes_put_byte(out, 0);
        put_node(out, p->root, hole);
        return;
    }
    bytes_put_byte(out, 1);
    bytes_put_byte(out, (uint8_t)p->join);
    bytes_put_long(out, p->of_count);
    for (uint32_t i = 0; i < p->of_count; i++) {
        put_predicate(out, p->of[i], hole);
    }
}

struct bounds { /* constants that can be left out */
    const struct node *compares[PREDICATE_SHAPES_MAX];
    uint32_t count;
};

static bool is_ordered(const struct value *v)
{
    return v->type == VALUE_INT || v->type == VALUE_DATE || v->type == VALUE_INSTANT ||
           v->type == VALUE_DURATION || v->type == VALUE_MONEY ||
           (v->type == VALUE_DOUBLE && v->as.real == v->as.real);
}

static void find_in_node(const struct node *n, struct bounds *b)
{
    if (n->kind == NODE_AND || n->kind == NODE_OR) {
        find_in_node(n->children[0], b);
        find_in_node(n->children[1], b);
        return;
    }
    if (n->kind == NODE_COMPARE && n->op != OP_EQ && n->op != OP_NE &&
        n->children[1]->kind == NODE_CONST && n->children[0]->kind != NODE_CONST &&
        is_ordered(&n->children[1]->value) && b->count < PREDICATE_SHAPES_MAX) {
        b->compares[b->count++] = n;
    }
}

static void find_in_predicate(const struct predicate *p, struct bounds *b)
{
    if (p->root != NULL) {
        find_in_node(p->root, b);
        return;
    }
    for (uint32_t i = 0; p->join != PREDICATE_NONE && i < p->of_count; i++) {
        find_in_predicate(p->of[i], b);
    }
}

uint32_t predicate_shapes(const struct predicate *p, struct arena *arena,
                          struct predicate_shape out_shapes[PREDICATE_SHAPES_MAX])
{
    struct bounds bounds = { .count = 0 };
    struct bytes_out out = { NULL, 0, 0 };

    find_in_predicate(p, &bounds);
    for (uint32_t i = 0; i < bounds.count; i++) {
        const struct node *compare = bounds.compares[i];

        bytes_out_clear(&out);
        put_predicate(&out, p, compare->children[1]);
        out_shapes[i] = (struct predicate_shape){
            .text = arena_text(arena, (struct text){ (const char *)out.at, out.size }),
            .bound = &compare->children[1]->value,
            .is_harder_above = compare->op == OP_GE || compare->op == OP_GT
        };
    }
    bytes_out_fini(&out);
    return bounds.count;
}

int predicate_shape_order(const struct predicate_shape *a, const struct predicate_shape *b)
{
    int order = predicate_order(a->bound, b->bound);

    CHECK(order == -1 || order == 0 || order == 1);
    return a->is_harder_above ? order : -order;
}
