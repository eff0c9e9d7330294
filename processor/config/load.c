#include "processor/config/load.h"

#include "processor/base/hash.h"

#define ID_SIZE_MAX 64

const struct yaml_node *load_section(const struct loader *l, const char *name, enum yaml_kind kind)
{
    const struct yaml_node *n = yaml_get(l->root, name, NULL);

    return n != NULL && n->kind == kind ? n : NULL;
}

static uint32_t characters(const char *at, size_t size)
{
    uint32_t count = 0;

    for (size_t i = 0; i < size; i++) {
        count += ((unsigned char)at[i] & 0xC0) != 0x80;
    }
    return count;
}

/* Where in the file a part of an expression stands. */
static struct place place_in(const struct yaml_node *n, const struct predicate_error *e)
{
    struct place place = n->place;

    if (n->is_one_line && e->offset <= n->text.size) {
        size_t size = e->size > n->text.size - e->offset ? n->text.size - e->offset : e->size;

        place.column += characters(n->text.at, e->offset);
        place.width = characters(n->text.at + e->offset, size);
        place.width += place.width == 0;
    }
    return place;
}

static const struct predicate *load_join(struct loader *l, struct facts_plan *plan,
                                         const struct predicate_names *names,
                                         const struct yaml_node *n, enum predicate_scope scope)
{
    const struct yaml_node *list = n->items[0];
    struct text name = n->keys[0]->text;
    const struct predicate **of;
    bool is_bad = false;

    if (list->kind != YAML_LIST || list->count == 0) {
        return NULL;
    }
    of = arena_alloc(l->arena, list->count * sizeof(const struct predicate *));
    for (uint32_t i = 0; i < list->count; i++) {
        of[i] = load_predicate_over(l, plan, names, list->items[i], scope);
        is_bad = is_bad || of[i] == NULL;
    }
    return is_bad ? NULL
                  : predicate_join(plan,
                                   text_is(name, "all")   ? PREDICATE_ALL
                                   : text_is(name, "any") ? PREDICATE_ANY
                                                          : PREDICATE_NONE,
                                   of, list->count);
}

const struct predicate *load_predicate_over(struct loader *l, struct facts_plan *plan,
                                            const struct predicate_names *names,
                                            const struct yaml_node *n, enum predicate_scope scope)
{
    const struct predicate *p = NULL;
    struct predicate_error error = { 0 };

    if (n == NULL || n->kind == YAML_LIST || (n->kind == YAML_MAP && n->count != 1) ||
        yaml_is_null(n)) {
        return NULL;
    }
    if (n->kind == YAML_MAP) {
        return load_join(l, plan, names, n, scope);
    }
    if (predicate_compile(plan, names, arena_text(l->arena, n->text), scope, &p, &error) != OK) {
        struct config_problem *problem =
            problem_add(l->problems, place_in(n, &error), "E0102", "%s", error.text);

        if (error.hint[0] != '\0') {
            problem_hint(problem, "%s", error.hint);
        }
        return NULL;
    }
    return p;
}

const struct predicate *load_predicate(struct loader *l, const struct yaml_node *n,
                                       enum predicate_scope scope)
{
    return load_predicate_over(l, &l->rules->facts, &l->names, n, scope);
}

const struct yaml_node *load_item(const struct yaml_node *n, uint32_t i)
{
    return n->kind == YAML_LIST ? n->items[i] : n;
}

const struct text *load_texts(struct loader *l, const struct yaml_node *n, uint32_t *out_count)
{
    struct text *texts;
    uint32_t count;

    *out_count = 0;
    if (n == NULL || n->kind == YAML_MAP) {
        return NULL;
    }
    count = n->kind == YAML_LIST ? n->count : 1;
    texts = arena_alloc(l->arena, count * sizeof(struct text));
    for (uint32_t i = 0; i < count; i++) {
        struct text t;

        if (scalar_text(load_item(n, i), &t)) {
            texts[(*out_count)++] = arena_text(l->arena, t);
        }
    }
    return texts;
}

struct text load_text(const struct yaml_node *map, const char *key)
{
    struct text t = TEXT_NONE;

    (void)scalar_text(yaml_get(map, key, NULL), &t);
    return t;
}

int64_t load_duration(const struct yaml_node *map, const char *key, int64_t otherwise_ms)
{
    (void)scalar_duration(yaml_get(map, key, NULL), &otherwise_ms);
    return otherwise_ms;
}

bool load_segment_name(struct loader *l, const struct yaml_node *n, uint32_t *out_key,
                       uint32_t *out_rung)
{
    struct text name, known[256];
    struct config_problem *p;
    bool is_ambiguous = false;

    if (!scalar_text(n, &name)) {
        return false;
    }
    if (segments_find(&l->rules->segments, name, out_key, out_rung, &is_ambiguous)) {
        return true;
    }
    if (is_ambiguous) {
        p = problem_add(l->problems, n->place, "E0103", "`%.*s` is a rung of several ladders",
                        TEXT_PRINTF(name));
        problem_hint(p, "write ladder.%.*s", TEXT_PRINTF(name));
    } else {
        p = problem_add(l->problems, n->place, "E0103", "`%.*s` is no segment", TEXT_PRINTF(name));
        problem_hint_known(p, name, known, l->names.segments(l->names.context, known, 256),
                           "there are");
    }
    return false;
}

void load_check_keys(struct loader *l, struct yaml_node *const *names, uint32_t count)
{
    uint32_t *keys = arena_alloc(l->arena, (count + 1) * sizeof(uint32_t));

    for (uint32_t i = 0; i < count; i++) {
        keys[i] = hash32(names[i]->text);
        for (uint32_t k = 0; k < i; k++) {
            if (keys[k] == keys[i] && !text_equal(names[k]->text, names[i]->text)) {
                problem_note(problem_add(l->problems, names[i]->place, "E0013",
                                         "`%.*s` and `%.*s` have the same 32-bit key: rename one",
                                         TEXT_PRINTF(names[i]->text), TEXT_PRINTF(names[k]->text)),
                             names[k]->place, "the other is here");
            }
        }
    }
}

void load_check_distinct(struct loader *l, const struct yaml_node *list)
{
    for (uint32_t i = 0; list != NULL && list->kind == YAML_LIST && i < list->count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (list->items[i]->kind == YAML_SCALAR && list->items[k]->kind == YAML_SCALAR &&
                text_equal(list->items[i]->text, list->items[k]->text)) {
                problem_note(problem_add(l->problems, list->items[i]->place, "E0012",
                                         "`%.*s` stands twice in this list",
                                         TEXT_PRINTF(list->items[i]->text)),
                             list->items[k]->place, "the first is here");
                break;
            }
        }
    }
}

bool load_check_id(struct loader *l, const struct yaml_node *n, const char *what)
{
    struct text t = n->text;
    bool is_good = n->kind == YAML_SCALAR && t.size > 0 && t.size <= ID_SIZE_MAX;

    for (size_t i = 0; is_good && i < t.size; i++) {
        char c = t.at[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

        is_good = is_letter || (i > 0 && ((c >= '0' && c <= '9') || c == '-'));
    }
    if (!is_good) {
        problem_add(l->problems, n->place, "E0010",
                    "`%.*s` is no good name of %s: letters, digits, _ and -, a letter first, at "
                    "most %d",
                    (int)(t.size < 80 ? t.size : 80), t.at == NULL ? "" : t.at, what, ID_SIZE_MAX);
    }
    return is_good;
}
