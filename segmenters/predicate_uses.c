#include "segmenters/predicate_node.h"
#include "segmenters/predicate_reason.h"

typedef void visit_function(void *context, const struct predicate_use *use);

static void visit_history(const struct node *n, visit_function *visit, void *context)
{
    struct predicate_use use = { .kind = USE_HISTORY, .window_ms = n->window_ms };

    for (uint32_t i = 0; i < n->history_count; i++) {
        use.history = n->histories[i];
        visit(context, &use);
    }
    if (n->has_orders) {
        use.kind = USE_ORDERS;
        visit(context, &use);
    }
}

static void visit_node(const struct node *n, visit_function *visit, void *context)
{
    struct predicate_use use = { .key = n->key, .rung = n->rung };

    switch ((int)n->kind) {
    case NODE_ATTRIBUTE:
    case NODE_HAS_ATTRIBUTE:
        use.kind = USE_ATTRIBUTE;
        use.attribute = n->attribute;
        visit(context, &use);
        break;
    case NODE_IN_SEGMENT:
        use.kind = USE_SEGMENT;
        visit(context, &use);
        break;
    case NODE_IN_SEQUENCE:
    case NODE_COMPLETED:
        use.kind = USE_SEQUENCE;
        visit(context, &use);
        break;
    case NODE_RFM:
        use.kind = USE_ORDERS;
        visit(context, &use);
        break;
    default:
        visit_history(n, visit, context);
        break;
    }
    for (uint32_t i = 0; i < n->child_count; i++) {
        visit_node(n->children[i], visit, context);
    }
}

void predicate_uses(const struct predicate *p, visit_function *visit, void *context)
{
    if (p->root != NULL) {
        visit_node(p->root, visit, context);
    }
    for (uint32_t i = 0; p->root == NULL && i < p->of_count; i++) {
        predicate_uses(p->of[i], visit, context);
    }
}

const struct predicate *predicate_item(const struct predicate *p, uint32_t i)
{
    return p->root == NULL && i < p->of_count ? p->of[i] : NULL;
}
