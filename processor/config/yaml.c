/* DESIGN. libfyaml's events are taken one by one and a tree of our own is built, so that the rest
 * of the layer knows nothing of the library and every node keeps its line and column.
 */
#include "processor/config/yaml.h"

#include "processor/base/mem.h"

#include <libfyaml.h>

struct builder {
    struct config_file *file;
    struct arena *arena;
    struct config_problems *problems;
    struct fy_parser *parser;
    struct yaml_node *stack[YAML_DEPTH_MAX];
    struct yaml_node *keys[YAML_DEPTH_MAX]; /* a map's key that waits for its value */
    uint32_t depth;
    struct yaml_node *root;
    bool is_bad;
};

void yaml_append(struct yaml_node *to, struct yaml_node *key, struct yaml_node *value,
                 struct arena *arena)
{
    if (to->count == to->capacity) {
        uint32_t capacity = to->capacity == 0 ? 8 : 2 * to->capacity;
        struct yaml_node **keys = arena_alloc(arena, capacity * sizeof(struct yaml_node *));
        struct yaml_node **items = arena_alloc(arena, capacity * sizeof(struct yaml_node *));

        if (to->count > 0) {
            memcpy(keys, to->keys, to->count * sizeof(struct yaml_node *));
            memcpy(items, to->items, to->count * sizeof(struct yaml_node *));
        }
        to->keys = keys;
        to->items = items;
        to->capacity = capacity;
    }
    to->keys[to->count] = key;
    to->items[to->count++] = value;
}

static struct place place_of(const struct builder *b, struct fy_event *event, uint32_t width)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    struct place place = { .file = b->file, .line = 1, .column = 1, .width = width };

    if (mark != NULL && mark->line >= 0 && mark->column >= 0) {
        place.line = (uint32_t)mark->line + 1;
        place.column = (uint32_t)mark->column + 1;
    }
    return place;
}

static void refuse(struct builder *b, struct place place, const char *sentence)
{
    b->is_bad = true;
    problem_add(b->problems, place, "E0001", "%s", sentence);
}

static struct yaml_node *scalar(struct builder *b, struct fy_event *event)
{
    struct yaml_node *n = arena_alloc(b->arena, sizeof(*n));
    enum fy_scalar_style style = fy_token_scalar_style(event->scalar.value);
    size_t size = 0;
    const char *at = fy_token_get_text(event->scalar.value, &size);
    const char *tag;

    n->kind = YAML_SCALAR;
    n->text = arena_text(b->arena, (struct text){ at == NULL ? "" : at, at == NULL ? 0 : size });
    n->is_plain = style == FYSS_PLAIN;
    n->is_one_line =
        memchr(n->text.at, '\n', n->text.size) == NULL &&
        (style == FYSS_PLAIN || style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED);
    n->place = place_of(b, event, size == 0 || size > 200 ? 1 : (uint32_t)size);
    if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) {
        n->place.column++;
    }
    if (event->scalar.tag != NULL && (tag = fy_token_get_text(event->scalar.tag, &size)) != NULL) {
        n->tag = arena_text(b->arena, (struct text){ tag, size });
    }
    return n;
}

/* Put a finished or opened node into what is open around it. */
static void place_node(struct builder *b, struct yaml_node *n)
{
    struct yaml_node *around = b->depth == 0 ? NULL : b->stack[b->depth - 1];
    struct yaml_node **key = b->depth == 0 ? NULL : &b->keys[b->depth - 1];

    if (around == NULL) {
        if (b->root != NULL) {
            refuse(b, n->place, "a second document in one file");
        }
        b->root = n;
    } else if (around->kind == YAML_LIST) {
        yaml_append(around, NULL, n, b->arena);
    } else if (*key == NULL) {
        if (n->kind != YAML_SCALAR) {
            refuse(b, n->place, "a key must be a plain name");
        }
        for (uint32_t i = 0; i < around->count && n->kind == YAML_SCALAR; i++) {
            if (text_equal(around->keys[i]->text, n->text)) {
                problem_add(b->problems, n->place, "E0003",
                            "duplicate key `%.*s`; first defined at %u:%u", TEXT_PRINTF(n->text),
                            around->keys[i]->place.line, around->keys[i]->place.column);
            }
        }
        *key = n;
    } else {
        yaml_append(around, *key, n, b->arena);
        *key = NULL;
    }
}

static void open_node(struct builder *b, struct fy_event *event, enum yaml_kind kind)
{
    struct yaml_node *n = arena_alloc(b->arena, sizeof(*n));

    n->kind = kind;
    n->place = place_of(b, event, 1);
    place_node(b, n);
    if (b->depth == YAML_DEPTH_MAX) {
        refuse(b, n->place, "nested too deeply");
        return;
    }
    b->keys[b->depth] = NULL;
    b->stack[b->depth++] = n;
}

static void take(struct builder *b, struct fy_event *event)
{
    switch ((int)event->type) {
    case FYET_SCALAR:
        if (event->scalar.anchor != NULL) {
            refuse(b, place_of(b, event, 1), "anchors are not part of the language");
        } else {
            place_node(b, scalar(b, event));
        }
        break;
    case FYET_ALIAS:
        refuse(b, place_of(b, event, 1), "aliases are not part of the language");
        break;
    case FYET_MAPPING_START:
        open_node(b, event, YAML_MAP);
        break;
    case FYET_SEQUENCE_START:
        open_node(b, event, YAML_LIST);
        break;
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        if (b->depth > 0) {
            b->depth--;
        }
        break;
    default:
        break;
    }
}

/* The library's first complaint, as an error with its place. */
static void complain(struct builder *b, struct fy_diag *diag)
{
    struct place place = { .file = b->file, .line = 1, .column = 1, .width = 1 };
    struct fy_diag_error *e;
    void *walk = NULL;

    e = fy_diag_errors_iterate(diag, &walk);
    if (e != NULL) {
        place.line = e->line > 0 ? (uint32_t)e->line : 1;
        place.column = e->column > 0 ? (uint32_t)e->column : 1;
        problem_add(b->problems, place, "E0001", "this is not YAML: %s", e->msg);
    } else {
        problem_add(b->problems, place, "E0001", "this is not YAML");
    }
}

static void parse_events(struct builder *b, struct fy_diag *diag)
{
    struct fy_event *event;

    if (fy_parser_set_string(b->parser, b->file->text.at, b->file->text.size) != 0) {
        complain(b, diag);
        return;
    }
    while (!b->is_bad && (event = fy_parser_parse(b->parser)) != NULL) {
        take(b, event);
        fy_parser_event_free(b->parser, event);
    }
    if (!b->is_bad && fy_parser_get_stream_error(b->parser)) {
        complain(b, diag);
        b->is_bad = true;
    }
}

/* The first one; a character never spans lines. */
static uint32_t line_not_utf8(struct text t)
{
    const char *at = t.at, *end = t.at + t.size;
    uint32_t line = 1;

    for (;; line++) {
        const char *next = memchr(at, '\n', (size_t)(end - at));
        const char *stop = next == NULL ? end : next;

        if (next == NULL || !text_is_utf8((struct text){ at, (size_t)(stop - at) })) {
            return line;
        }
        at = next + 1;
    }
}

struct yaml_node *yaml_parse(struct config_file *file, struct arena *arena,
                             struct config_problems *problems)
{
    struct builder b = { .file = file, .arena = arena, .problems = problems };
    struct place start = { .file = file, .line = 1, .column = 1, .width = 1 };
    struct fy_diag_cfg diag_config;
    struct fy_parse_cfg config = { .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG };
    struct fy_diag *diag;

    if (file->text.size > YAML_SIZE_MAX) {
        problem_add(problems, start, "E0001", "larger than 16 MiB");
        return NULL;
    }
    if (!text_is_utf8(file->text)) {
        start.line = line_not_utf8(file->text);
        problem_add(problems, start, "E0001", "this line is not UTF-8");
        return NULL;
    }
    if (file->text.size == 0) {
        return arena_alloc(arena, sizeof(struct yaml_node)); /* an empty scalar: null */
    }
    fy_diag_cfg_default(&diag_config);
    diag_config.level = FYET_ERROR;
    diag = fy_diag_create(&diag_config);
    fy_diag_set_collect_errors(diag, true);
    config.diag = diag;
    b.parser = fy_parser_create(&config);
    if (b.parser != NULL) {
        parse_events(&b, diag);
        fy_parser_destroy(b.parser);
    }
    fy_diag_destroy(diag);
    if (b.is_bad) {
        return NULL;
    }
    return b.root != NULL ? b.root : arena_alloc(arena, sizeof(struct yaml_node));
}

struct yaml_node *yaml_get(const struct yaml_node *map, const char *key, struct yaml_node **out_key)
{
    for (uint32_t i = 0; map != NULL && map->kind == YAML_MAP && i < map->count; i++) {
        if (text_is(map->keys[i]->text, key)) {
            if (out_key != NULL) {
                *out_key = map->keys[i];
            }
            return map->items[i];
        }
    }
    return NULL;
}

bool yaml_is_null(const struct yaml_node *n)
{
    return n->kind == YAML_SCALAR && (n->is_plain || n->text.at == NULL) &&
           (n->text.size == 0 || text_is(n->text, "~") || text_is(n->text, "null"));
}
