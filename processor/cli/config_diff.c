#include "processor/cli/config_diff.h"

#include "processor/base/mem.h"

#define TEXT_SIZE_MAX 72

static bool is_for_people(struct text key)
{
    return text_is(key, "profile");
}

/* Of !env and !file; or what is named like one, written in clear. */
static bool is_secret(const struct yaml_node *n, struct text key)
{
    static const char *const names[] = { "password", "secret", "token", "auth", "ssl.key" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (text_contains(key, text_of(names[i]))) {
            return true;
        }
    }
    return text_is(n->tag, "!env") || text_is(n->tag, "!file");
}

static struct text full_text(const struct yaml_node *n, struct text key, struct arena *arena)
{
    struct text all = TEXT("");

    if (n->kind == YAML_SCALAR) {
        return is_secret(n, key) ? TEXT("(a secret)") : n->text;
    }
    for (uint32_t i = 0; i < n->count && all.size < 4 * (size_t)TEXT_SIZE_MAX; i++) {
        struct text one =
            full_text(n->items[i], n->kind == YAML_MAP ? n->keys[i]->text : key, arena);

        if (n->kind == YAML_MAP) {
            one =
                arena_format(arena, "%.*s: %.*s", TEXT_PRINTF(n->keys[i]->text), TEXT_PRINTF(one));
        }
        all = arena_format(arena, "%.*s%s%.*s", TEXT_PRINTF(all), i == 0 ? "" : ", ",
                           TEXT_PRINTF(one));
    }
    return n->kind == YAML_MAP ? arena_format(arena, "{%.*s}", TEXT_PRINTF(all))
                               : arena_format(arena, "[%.*s]", TEXT_PRINTF(all));
}

struct text config_diff_text(const struct yaml_node *n, struct text path, struct arena *arena)
{
    char line[TEXT_SIZE_MAX + 1];
    struct text t;

    if (n == NULL) {
        return TEXT_NONE;
    }
    t = full_text(n, path, arena);
    if (t.size <= TEXT_SIZE_MAX) {
        return arena_text(arena, t);
    }
    (void)text_format(line, sizeof(line), "%.*s", TEXT_SIZE_MAX - 3, t.at);
    return arena_format(arena, "%s...", line);
}

bool config_diff_mentions(const struct yaml_node *n, struct text part)
{
    if (n == NULL) {
        return false;
    }
    if (n->kind == YAML_SCALAR) {
        return text_contains(n->text, part);
    }
    for (uint32_t i = 0; i < n->count; i++) {
        if ((n->kind == YAML_MAP && is_for_people(n->keys[i]->text)) == false &&
            config_diff_mentions(n->items[i], part)) {
            return true;
        }
    }
    return false;
}

void config_diff_fini(struct diff_details *d)
{
    mem_free(d->items);
}

/* --- walking --- */

static void add(struct diff_details *d, struct text path, const struct yaml_node *was,
                const struct yaml_node *is)
{
    d->items = mem_grow32(d->items, d->count, &d->capacity, sizeof(*d->items));
    d->items[d->count++] = (struct diff_detail){ .kind = was == NULL  ? DIFF_ADDED
                                                         : is == NULL ? DIFF_REMOVED
                                                                      : DIFF_CHANGED,
                                                 .path = path,
                                                 .was = config_diff_text(was, path, d->arena),
                                                 .is = config_diff_text(is, path, d->arena),
                                                 .place = is != NULL ? is->place : was->place };
}

static void walk(struct diff_details *d, struct text path, const struct yaml_node *was,
                 const struct yaml_node *is);

static struct text below(struct diff_details *d, struct text path, struct text name)
{
    return path.size == 0
               ? name
               : arena_format(d->arena, "%.*s.%.*s", TEXT_PRINTF(path), TEXT_PRINTF(name));
}

static const struct yaml_node *value_of(const struct yaml_node *map, struct text key)
{
    for (uint32_t i = 0; i < map->count; i++) {
        if (text_equal(map->keys[i]->text, key)) {
            return map->items[i];
        }
    }
    return NULL;
}

static void walk_maps(struct diff_details *d, struct text path, const struct yaml_node *was,
                      const struct yaml_node *is)
{
    for (uint32_t i = 0; i < is->count; i++) {
        struct text key = is->keys[i]->text;

        if (!is_for_people(key)) {
            walk(d, below(d, path, key), value_of(was, key), is->items[i]);
        }
    }
    for (uint32_t i = 0; i < was->count; i++) {
        struct text key = was->keys[i]->text;

        if (!is_for_people(key) && value_of(is, key) == NULL) {
            walk(d, below(d, path, key), was->items[i], NULL);
        }
    }
}

static struct text id_of(const struct yaml_node *n)
{
    const struct yaml_node *id = yaml_get(n, "id", NULL);

    return id == NULL || id->kind != YAML_SCALAR ? TEXT_NONE : id->text;
}

static bool have_ids(const struct yaml_node *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (id_of(list->items[i]).at == NULL) {
            return false;
        }
    }
    return list->count > 0;
}

static const struct yaml_node *item_of(const struct yaml_node *list, struct text id)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (text_equal(id_of(list->items[i]), id)) {
            return list->items[i];
        }
    }
    return NULL;
}

static void walk_items(struct diff_details *d, struct text path, const struct yaml_node *was,
                       const struct yaml_node *is)
{
    for (uint32_t i = 0; i < is->count; i++) {
        struct text id = id_of(is->items[i]);

        walk(d, below(d, path, id), item_of(was, id), is->items[i]);
    }
    for (uint32_t i = 0; i < was->count; i++) {
        struct text id = id_of(was->items[i]);

        if (item_of(is, id) == NULL) {
            walk(d, below(d, path, id), was->items[i], NULL);
        }
    }
    for (uint32_t i = 0; i < is->count && i < was->count; i++) {
        if (!text_equal(id_of(is->items[i]), id_of(was->items[i])) &&
            item_of(is, id_of(was->items[i])) != NULL &&
            item_of(was, id_of(is->items[i])) != NULL) {
            add(d, below(d, path, TEXT("(order)")), was, is);
            return;
        }
    }
}

/* Lists as long as each other, of more than plain values: item by item. */
static bool have_places(const struct yaml_node *was, const struct yaml_node *is)
{
    bool is_plain = true;

    for (uint32_t i = 0; i < is->count; i++) {
        is_plain = is_plain && is->items[i]->kind == YAML_SCALAR;
    }
    return was->count == is->count && !is_plain;
}

static void walk_places(struct diff_details *d, struct text path, const struct yaml_node *was,
                        const struct yaml_node *is)
{
    for (uint32_t i = 0; i < is->count; i++) {
        walk(d, arena_format(d->arena, "%.*s[%u]", TEXT_PRINTF(path), i + 1), was->items[i],
             is->items[i]);
    }
}

static bool is_same(const struct yaml_node *a, const struct yaml_node *b)
{
    if (a->kind != b->kind || a->count != b->count) {
        return false;
    }
    if (a->kind == YAML_SCALAR) {
        return text_equal(a->text, b->text);
    }
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->kind == YAML_MAP && !text_equal(a->keys[i]->text, b->keys[i]->text)) {
            return false;
        }
        if (!is_same(a->items[i], b->items[i])) {
            return false;
        }
    }
    return true;
}

static void walk(struct diff_details *d, struct text path, const struct yaml_node *was,
                 const struct yaml_node *is)
{
    if (was == NULL && is == NULL) {
        return;
    }
    if (was == NULL || is == NULL || was->kind != is->kind) {
        add(d, path, was, is);
    } else if (is->kind == YAML_MAP) {
        walk_maps(d, path, was, is);
    } else if (is->kind == YAML_LIST && have_ids(was) && have_ids(is)) {
        walk_items(d, path, was, is);
    } else if (is->kind == YAML_LIST && have_places(was, is)) {
        walk_places(d, path, was, is);
    } else if (!is_same(was, is)) {
        add(d, path, was, is);
    }
}

void config_diff(const struct yaml_node *was, const struct yaml_node *is, struct diff_details *out)
{
    walk(out, TEXT(""), was, is);
}
