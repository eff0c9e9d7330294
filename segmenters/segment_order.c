#include "segmenters/segment_parts.h"

#include "processor/base/check.h"
#include "processor/base/err.h"

enum mark { MARK_NEW, MARK_OPEN, MARK_DONE };

/* One segment: what it needs decided before, and where the walk stands in it. */
struct node {
    uint32_t *needs; /* indexes of segments */
    uint32_t need_count;
    uint32_t next; /* index in needs */
    enum mark mark;
};

static uint32_t index_of(const struct segments_plan *plan, uint32_t key)
{
    uint32_t i = 0;

    while (i < plan->count && plan->segments[i].key != key) {
        i++;
    }
    return i;
}

/* Add what one predicate depends on. */
static void add_needs(const struct segments_plan *plan, struct segment_plan *s,
                      const struct predicate *predicate, struct node *n)
{
    const uint32_t *keys;
    uint32_t key_count;

    if (predicate == NULL) {
        return;
    }
    s->depends |= predicate_depends(predicate);
    key_count = predicate_segments(predicate, &keys);
    for (uint32_t i = 0; i < key_count; i++) {
        uint32_t need = index_of(plan, keys[i]);

        CHECK(need < plan->count); /* the compiler knows no other names */
        if (n->needs != NULL) {
            n->needs[n->need_count] = need;
        }
        n->need_count++;
    }
}

static void add_all_needs(const struct segments_plan *plan, struct segment_plan *s, struct node *n)
{
    n->need_count = 0;
    add_needs(plan, s, s->when, n);
    add_needs(plan, s, s->leave_when, n);
    for (uint32_t i = 0; i < s->rung_count; i++) {
        add_needs(plan, s, s->rungs[i].when, n);
        add_needs(plan, s, s->rungs[i].leave_when, n);
    }
}

/* "vip -> active -> vip": the open segments from `first` on, and `first` again. */
static void name_cycle(const struct segments_plan *plan, const uint32_t *path, uint32_t path_count,
                       uint32_t first, char out_text[256])
{
    size_t used = text_format(out_text, 256, "segments ask for each other: ");
    uint32_t at = 0;

    while (path[at] != first) {
        at++;
        CHECK(at < path_count);
    }
    for (; at <= path_count && used < 256; at++) {
        struct text id = plan->segments[at < path_count ? path[at] : first].id;

        used += text_format(out_text + used, 256 - used, "%.*s%s", TEXT_PRINTF(id),
                            at < path_count ? " -> " : "");
    }
}

/* Walk from `root` along what each needs, on a stack of our own; a segment is done after all it
 * needs. */
static enum err walk(struct segments_plan *plan, struct node *nodes, uint32_t *path, uint32_t root,
                     uint32_t *done_count, char out_text[256])
{
    uint32_t path_count = 0;

    CHECK(nodes[root].mark == MARK_NEW);
    path[path_count++] = root;
    nodes[root].mark = MARK_OPEN;
    while (path_count > 0) {
        struct node *n = &nodes[path[path_count - 1]];
        uint32_t need;

        if (n->next == n->need_count) {
            n->mark = MARK_DONE;
            plan->order[(*done_count)++] = path[--path_count];
            continue;
        }
        need = n->needs[n->next++];
        if (nodes[need].mark == MARK_OPEN) {
            name_cycle(plan, path, path_count, need, out_text);
            return ERR_CONFIG;
        }
        if (nodes[need].mark == MARK_NEW) {
            nodes[need].mark = MARK_OPEN;
            CHECK(path_count < plan->count);
            path[path_count++] = need;
        }
    }
    return OK;
}

static void rank(struct segments_plan *plan, struct arena *arena)
{
    plan->by_key = arena_alloc(arena, plan->count * sizeof plan->by_key[0]);
    for (uint32_t i = 0; i < plan->count; i++) {
        plan->segments[i].rank = 0;
        for (uint32_t k = 0; k < plan->count; k++) {
            plan->segments[i].rank += plan->segments[k].key < plan->segments[i].key;
        }
        plan->by_key[plan->segments[i].rank] = i;
    }
}

enum err segments_order(struct segments_plan *plan, struct arena *arena, char out_text[256])
{
    struct node *nodes = arena_alloc(arena, plan->count * sizeof nodes[0]);
    uint32_t *path = arena_alloc(arena, plan->count * sizeof path[0]);
    uint32_t done_count = 0;

    plan->order = arena_alloc(arena, plan->count * sizeof plan->order[0]);
    for (uint32_t i = 0; i < plan->count; i++) {
        struct segment_plan *s = &plan->segments[i];

        s->depends = s->is_from_rfm ? FACT_RFM : 0;
        add_all_needs(plan, s, &nodes[i]); /* first to count them, then to keep them */
        nodes[i].needs = arena_alloc(arena, nodes[i].need_count * sizeof nodes[i].needs[0]);
        add_all_needs(plan, s, &nodes[i]);
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        if (nodes[i].mark == MARK_NEW) {
            enum err e = walk(plan, nodes, path, i, &done_count, out_text);

            if (e != OK) {
                return e;
            }
        }
    }
    CHECK(done_count == plan->count);
    rank(plan, arena);
    segment_families_find(plan, arena);
    return OK;
}

bool segments_find(const struct segments_plan *plan, struct text name, uint32_t *out_key,
                   uint32_t *out_rung, bool *out_is_ambiguous)
{
    const struct segment_plan *found = NULL;
    const struct rung_plan *found_rung = NULL;

    *out_is_ambiguous = false;
    for (uint32_t i = 0; i < plan->count; i++) {
        if (text_equal(plan->segments[i].id, name)) {
            *out_key = plan->segments[i].key;
            *out_rung = 0;
            return true;
        }
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct segment_plan *s = &plan->segments[i];

        for (uint32_t r = 0; r < s->rung_count; r++) {
            bool is_whole = text_equal(s->rungs[r].id, name);

            if (!is_whole && !text_equal(s->rungs[r].name, name)) {
                continue;
            }
            *out_is_ambiguous = !is_whole && found_rung != NULL;
            if (*out_is_ambiguous) {
                return false;
            }
            found = s;
            found_rung = &s->rungs[r];
        }
    }
    if (found == NULL) {
        return false;
    }
    CHECK(found_rung != NULL);
    *out_key = found->key;
    *out_rung = found_rung->key;
    return true;
}
