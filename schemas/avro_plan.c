#include "schemas/avro_plan.h"

#include "processor/base/check.h"

#include <string.h>

#define ITEMS_MAX 10000 /* of one array or map */

struct list { /* texts of one leaf under an array */
    struct text *items;
    uint32_t count;
};

struct walk {
    const struct avro_plan *plan;
    struct bytes_in in;
    struct event_draft *draft;
    struct list lists[AVRO_PLAN_LISTS_MAX];
    bool is_in_array;
    bool is_set;        /* under the profile's `set` */
    struct text at_key; /* the map key the value stands under, absent outside maps */
    struct text path;
    uint32_t budget; /* nodes still to be visited: no input may take for ever */
};

static bool walk_node(struct walk *w, uint32_t place, uint32_t depth);

static void list_add(struct walk *w, int32_t place, struct text t)
{
    struct list *l = &w->lists[place];

    if (l->items == NULL) {
        l->items = arena_alloc(w->draft->arena, EVENT_LIST_MAX * sizeof(struct text));
    }
    if (l->count < EVENT_LIST_MAX) { /* the rest of a longer list is not looked at */
        l->items[l->count++] = t;
    }
}

static void emit(struct walk *w, const struct avro_node *n, struct value v)
{
    if (w->is_in_array) {
        if (n->list >= 0 && v.type == VALUE_TEXT) {
            list_add(w, n->list, v.as.text);
        } else if (n->list >= 0 && v.type == VALUE_INT) {
            list_add(w, n->list, arena_format(w->draft->arena, "%lld", (long long)v.as.integer));
        }
    } else if (w->is_set) {
        event_draft_set(w->draft, w->at_key, v);
    } else if (w->at_key.at != NULL) {
        event_draft_field(w->draft,
                          arena_format(w->draft->arena, "%.*s.%.*s", TEXT_PRINTF(w->path),
                                       TEXT_PRINTF(w->at_key)),
                          v);
    } else {
        event_draft_field(w->draft, n->path, v);
    }
}

static bool walk_scalar(struct walk *w, const struct avro_node *n)
{
    struct value v = VALUE_NONE;
    struct bytes raw;
    int64_t symbol;
    uint32_t bits;
    float narrow;

    switch (n->kind) {
    case AVRO_KIND_BOOL:
        v = (struct value){ .type = VALUE_BOOL, .as.boolean = bytes_bool(&w->in) };
        break;
    case AVRO_KIND_INTEGER:
        v = (struct value){ .type = VALUE_INT, .as.integer = bytes_long(&w->in) };
        break;
    case AVRO_KIND_FLOAT:
        bits = bytes_u32(&w->in);
        memcpy(&narrow, &bits, sizeof(narrow));
        v = (struct value){ .type = VALUE_DOUBLE, .as.real = (double)narrow };
        break;
    case AVRO_KIND_DOUBLE:
        v = (struct value){ .type = VALUE_DOUBLE, .as.real = bytes_double(&w->in) };
        break;
    case AVRO_KIND_BYTES:
        (void)bytes_long_bytes(&w->in, bytes_left(&w->in)); /* read past: no rule can ask for it */
        return !w->in.is_bad;
    case AVRO_KIND_FIXED:
        (void)bytes_fixed(&w->in, n->size);
        return !w->in.is_bad;
    case AVRO_KIND_TEXT: /* the draft checks UTF-8 and says so better than "undecodable" */
        raw = bytes_long_bytes(&w->in, bytes_left(&w->in));
        v = (struct value){ .type = VALUE_TEXT, .as.text = { (const char *)raw.at, raw.size } };
        break;
    case AVRO_KIND_ENUM:
        symbol = bytes_long(&w->in);
        if (symbol < 0 || symbol >= n->symbol_count) {
            return false;
        }
        v = (struct value){ .type = VALUE_TEXT, .as.text = n->symbols[symbol] };
        break;
    case AVRO_KIND_NULL:
        break;
    case AVRO_KIND_RECORD:
    case AVRO_KIND_UNION:
    case AVRO_KIND_ARRAY:
    case AVRO_KIND_MAP:
        UNREACHABLE();
    }
    if (w->in.is_bad) {
        return false;
    }
    emit(w, n, v);
    return true;
}

static bool walk_array(struct walk *w, const struct avro_node *n, uint32_t depth)
{
    const uint32_t item = w->plan->children[n->first_child];
    bool is_outermost = !w->is_in_array;
    uint64_t count, total = 0;

    if (is_outermost) {
        memset(w->lists, 0, w->plan->list_count * sizeof(struct list));
        w->is_in_array = true;
    }
    while ((count = bytes_block(&w->in, 1)) > 0) {
        total += count;
        if (total > ITEMS_MAX || w->plan->nodes[item].is_empty) {
            return false;
        }
        for (uint64_t i = 0; i < count; i++) {
            if (!walk_node(w, item, depth + 1)) {
                return false;
            }
        }
    }
    if (is_outermost) {
        w->is_in_array = false;
    }
    return !w->in.is_bad;
}

/* The lists of the leaves under an outermost array become STRINGS fields. */
static void emit_lists(struct walk *w, uint32_t place, uint32_t depth)
{
    const struct avro_node *n = &w->plan->nodes[place];

    CHECK(depth <= AVRO_PLAN_DEPTH_MAX * 2);
    if (n->list >= 0 && (w->lists[n->list].count > 0 || w->is_set)) { /* set to an empty list */
        const struct list *l = &w->lists[n->list];
        struct value v = { .type = VALUE_STRINGS };

        v.as.strings.at = l->items;
        v.as.strings.count = l->count;
        if (w->is_set) {
            event_draft_set(w->draft, w->at_key, v);
        } else if (w->plan->is_profile && text_is(n->path, "unset")) {
            for (uint32_t i = 0; i < l->count; i++) {
                event_draft_set(w->draft, l->items[i], VALUE_NONE);
            }
        } else {
            event_draft_field(w->draft, n->path, v);
        }
        return;
    }
    for (uint32_t i = 0; i < n->child_count; i++) {
        emit_lists(w, w->plan->children[n->first_child + i], depth + 1);
    }
}

static bool walk_map(struct walk *w, const struct avro_node *n, uint32_t depth)
{
    const uint32_t value = w->plan->children[n->first_child];
    struct text outer_key = w->at_key, outer_path = w->path;
    bool outer_set = w->is_set;
    uint64_t count, total = 0;

    if (!w->is_in_array && w->plan->is_profile && text_is(n->path, "set")) {
        w->is_set = true;
    }
    w->path = n->path;
    while ((count = bytes_block(&w->in, 1)) > 0) {
        total += count;
        if (total > ITEMS_MAX) {
            return false;
        }
        for (uint64_t i = 0; i < count; i++) {
            struct bytes key = bytes_long_bytes(&w->in, bytes_left(&w->in));

            w->at_key = (struct text){ (const char *)key.at, key.size };
            if (w->in.is_bad || !walk_node(w, value, depth + 1)) {
                return false;
            }
        }
    }
    w->at_key = outer_key;
    w->path = outer_path;
    w->is_set = outer_set;
    return !w->in.is_bad;
}

static bool walk_node(struct walk *w, uint32_t place, uint32_t depth)
{
    const struct avro_node *n = &w->plan->nodes[place];
    int64_t branch;

    if (w->budget-- == 0 || depth > AVRO_PLAN_DEPTH_MAX * 2) {
        return false;
    }
    switch (n->kind) {
    case AVRO_KIND_RECORD:
        for (uint32_t i = 0; i < n->child_count; i++) {
            if (!walk_node(w, w->plan->children[n->first_child + i], depth + 1)) {
                return false;
            }
        }
        return true;
    case AVRO_KIND_UNION:
        branch = bytes_long(&w->in);
        return branch >= 0 && branch < n->child_count && !w->in.is_bad &&
               walk_node(w, w->plan->children[n->first_child + (uint32_t)branch], depth + 1);
    case AVRO_KIND_ARRAY:
        if (w->is_in_array) {
            return walk_array(w, n, depth);
        }
        if (!walk_array(w, n, depth)) {
            return false;
        }
        emit_lists(w, w->plan->children[n->first_child], depth);
        return true;
    case AVRO_KIND_MAP:
        return walk_map(w, n, depth);
    case AVRO_KIND_NULL:
    case AVRO_KIND_BOOL:
    case AVRO_KIND_INTEGER:
    case AVRO_KIND_FLOAT:
    case AVRO_KIND_DOUBLE:
    case AVRO_KIND_BYTES:
    case AVRO_KIND_FIXED:
    case AVRO_KIND_TEXT:
    case AVRO_KIND_ENUM:
        return walk_scalar(w, n);
    }
    return false;
}

bool avro_plan_decode(const struct avro_plan *plan, struct bytes b, struct event_draft *draft)
{
    struct walk w;

    w.plan = plan;
    w.in = bytes_in(b);
    w.draft = draft;
    w.is_in_array = false;
    w.is_set = false;
    w.at_key = TEXT_NONE;
    w.path = TEXT_NONE;
    w.budget = 100000;
    return walk_node(&w, plan->root, 0) && bytes_left(&w.in) == 0;
}
