#include "segmenters/predicate_node.h"

#include "processor/base/check.h"

enum err predicate_compile(struct facts_plan *plan, const struct predicate_names *names,
                           struct text source, enum predicate_scope scope,
                           const struct predicate **out_predicate,
                           struct predicate_error *out_error)
{
    struct predicate_error error = { .text = "" };
    struct compile c = {
        .plan = plan, .names = names, .arena = plan->arena, .scope = scope, .error = &error
    };
    struct predicate *p;
    struct node *root;

    if (source.size > PREDICATE_SOURCE_SIZE_MAX) {
        predicate_fail(&error, PREDICATE_SOURCE_SIZE_MAX, 1,
                       "the expression is longer than %d bytes", PREDICATE_SOURCE_SIZE_MAX);
        *out_error = error;
        return ERR_CONFIG;
    }
    source = arena_text(plan->arena, source); /* nodes keep views of it */
    root = predicate_parse(&c, source);
    if (root != NULL && predicate_check(&c, root) && root->type != TYPE_BOOL &&
        root->type != TYPE_DYNAMIC) {
        predicate_fail(&error, root->offset, root->size,
                       "this is a value, not true or false; compare it with something");
    }
    if (error.text[0] != '\0') {
        *out_error = error;
        return ERR_CONFIG;
    }
    CHECK(root != NULL);
    predicate_keep(&c, root);
    p = arena_alloc(plan->arena, sizeof(*p));
    p->root = root;
    p->source = source;
    p->depends = c.depends;
    p->cost = c.cost;
    p->segment_count = c.segment_count;
    p->segments = arena_alloc(plan->arena, sizeof(c.segments));
    memcpy((void *)(uintptr_t)p->segments, c.segments, sizeof(c.segments));
    *out_predicate = p;
    return OK;
}

const struct predicate *predicate_join(struct facts_plan *plan, enum predicate_join join,
                                       const struct predicate *const *of, uint32_t count)
{
    struct predicate *p = arena_alloc(plan->arena, sizeof(*p));
    const struct predicate **copy = arena_alloc(plan->arena, count * sizeof(*copy));
    uint32_t segment_count = 0;
    uint32_t *segments;

    CHECK(count > 0);
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = of[i];
        p->depends |= of[i]->depends;
        p->cost += of[i]->cost;
        segment_count += of[i]->segment_count;
    }
    segments = arena_alloc(plan->arena, (segment_count + 1) * sizeof(*segments));
    for (uint32_t i = 0; i < count; i++) {
        memcpy(segments + p->segment_count, of[i]->segments,
               of[i]->segment_count * sizeof(*segments));
        p->segment_count += of[i]->segment_count;
    }
    p->join = join;
    p->of = copy;
    p->of_count = count;
    p->segments = segments;
    return p;
}

uint64_t predicate_depends(const struct predicate *p)
{
    return p->depends;
}

uint32_t predicate_segments(const struct predicate *p, const uint32_t **out_keys)
{
    *out_keys = p->segments;
    return p->segment_count;
}

uint32_t predicate_cost(const struct predicate *p)
{
    return p->cost;
}

bool predicate_is_always(const struct predicate *p, enum truth *out_truth)
{
    if (p->root == NULL || p->root->kind != NODE_CONST || p->root->value.type != VALUE_BOOL) {
        return false;
    }
    *out_truth = p->root->value.as.boolean ? TRUTH_TRUE : TRUTH_FALSE;
    return true;
}
