#include "schemas/avro_tree.h"

#include "processor/base/check.h"
#include "processor/base/hash.h"

#include <jansson.h>
#include <string.h>

#define NAME_SIZE_MAX 256

static const struct {
    struct text name;
    const char *words;
} kinds[AVRO_KIND__COUNT] = {
    [AVRO_KIND_NULL] = { { "null", 4 }, "null" },
    [AVRO_KIND_BOOL] = { { "boolean", 7 }, "a boolean" },
    [AVRO_KIND_INT] = { { "int", 3 }, "an int" },
    [AVRO_KIND_LONG] = { { "long", 4 }, "a long" },
    [AVRO_KIND_FLOAT] = { { "float", 5 }, "a float" },
    [AVRO_KIND_DOUBLE] = { { "double", 6 }, "a double" },
    [AVRO_KIND_BYTES] = { { "bytes", 5 }, "bytes" },
    [AVRO_KIND_TEXT] = { { "string", 6 }, "a string" },
    [AVRO_KIND_FIXED] = { { "fixed", 5 }, "a fixed" },
    [AVRO_KIND_ENUM] = { { "enum", 4 }, "an enum" },
    [AVRO_KIND_RECORD] = { { "record", 6 }, "a record" },
    [AVRO_KIND_UNION] = { { "union", 5 }, "a union" },
    [AVRO_KIND_ARRAY] = { { "array", 5 }, "an array" },
    [AVRO_KIND_MAP] = { { "map", 3 }, "a map" },
};

#define IS(kind) (1u << AVRO_KIND_##kind)
static const struct {
    struct text name;
    enum avro_logical logical;
    uint32_t kinds; /* that it may stand on */
    const char *words;
} logicals[] = {
    { { "date", 4 }, AVRO_LOGICAL_DATE, IS(INT), "a date" },
    { { "timestamp-millis", 16 }, AVRO_LOGICAL_MILLIS, IS(LONG), "a timestamp-millis" },
    { { "timestamp-micros", 16 }, AVRO_LOGICAL_MICROS, IS(LONG), "a timestamp-micros" },
    { { "timestamp-nanos", 15 }, AVRO_LOGICAL_NANOS, IS(LONG), "a timestamp-nanos" },
    { { "local-timestamp-millis", 22 }, AVRO_LOGICAL_LOCAL, IS(LONG), "a local timestamp" },
    { { "local-timestamp-micros", 22 }, AVRO_LOGICAL_LOCAL, IS(LONG), "a local timestamp" },
    { { "local-timestamp-nanos", 21 }, AVRO_LOGICAL_LOCAL, IS(LONG), "a local timestamp" },
    { { "decimal", 7 }, AVRO_LOGICAL_DECIMAL, IS(BYTES) | IS(FIXED), "a decimal" },
    { { "uuid", 4 }, AVRO_LOGICAL_UUID, IS(TEXT) | IS(FIXED), "a uuid" },
};

struct parse {
    struct avro_tree *tree;
    uint32_t depth;
    char *out_text; /* of 256 bytes; "" while good */
};

static struct avro_type *parse_type(struct parse *p, const json_t *j, struct text space);

const char *avro_type_words(const struct avro_type *type)
{
    for (size_t i = 0; i < sizeof(logicals) / sizeof(logicals[0]); i++) {
        if (type->logical != AVRO_LOGICAL_NONE && logicals[i].logical == type->logical) {
            return logicals[i].words;
        }
    }
    return kinds[type->kind].words;
}

struct text avro_short_name(struct text full_name)
{
    const char *dot = full_name.size == 0 ? NULL : memrchr(full_name.at, '.', full_name.size);
    size_t skipped = dot == NULL ? 0 : (size_t)(dot - full_name.at) + 1;

    return (struct text){ full_name.at + skipped, full_name.size - skipped };
}

__attribute__((format(printf, 2, 3))) static struct avro_type *fail(struct parse *p,
                                                                    const char *format, ...)
{
    va_list arguments;

    if (p->out_text[0] == '\0') {
        va_start(arguments, format);
        (void)text_format_list(p->out_text, 256, format, arguments);
        va_end(arguments);
    }
    return NULL;
}

static struct text text_at(const json_t *j, const char *key)
{
    const json_t *found = json_object_get(j, key);

    return json_is_string(found)
               ? (struct text){ json_string_value(found), json_string_length(found) }
               : TEXT_NONE;
}

static struct avro_type *new_type(struct parse *p, enum avro_kind kind)
{
    struct avro_type *t;

    if (p->tree->type_count == AVRO_TREE_TYPES_MAX) {
        return fail(p, "the schema is too large");
    }
    t = arena_alloc(&p->tree->arena, sizeof(*t));
    t->kind = kind;
    t->number = p->tree->type_count++;
    t->is_empty = kind == AVRO_KIND_NULL;
    return t;
}

/* --- names --- */
static struct text qualified(struct parse *p, struct text name, struct text space)
{
    bool is_full = name.size > 0 && memchr(name.at, '.', name.size) != NULL;

    if (is_full || space.size == 0) {
        return arena_text(&p->tree->arena, name);
    }
    return arena_format(&p->tree->arena, "%.*s.%.*s", TEXT_PRINTF(space), TEXT_PRINTF(name));
}

static struct text space_of(struct text full_name)
{
    struct text last = avro_short_name(full_name);

    return last.size == full_name.size
               ? (struct text){ "", 0 }
               : (struct text){ full_name.at, full_name.size - last.size - 1 };
}

static bool is_name(struct text t)
{
    return t.size > 0 && t.size <= NAME_SIZE_MAX && text_is_utf8(t);
}

/* Names under `aliases` of a field or a type. */
static const struct text *parse_aliases(struct parse *p, const json_t *j, const struct text *space,
                                        uint32_t *out_count)
{
    const json_t *list = json_object_get(j, "aliases");
    size_t count = json_array_size(list);
    struct text *names = arena_alloc(&p->tree->arena, (count + 1) * sizeof(*names));
    uint32_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        struct text name = { json_string_value(item), json_string_length(item) };

        if (name.at != NULL && is_name(name)) {
            names[kept++] =
                space == NULL ? arena_text(&p->tree->arena, name) : qualified(p, name, *space);
        }
    }
    *out_count = kept;
    return names;
}

static struct avro_type *find_named(struct parse *p, struct text name, struct text space)
{
    struct avro_type *t;

    for (int kind = AVRO_KIND_NULL; kind <= AVRO_KIND_TEXT; kind++) {
        if (text_equal(kinds[kind].name, name)) {
            return new_type(p, (enum avro_kind)kind);
        }
    }
    t = map_find(&p->tree->names, qualified(p, name, space));
    t = t == NULL ? map_find(&p->tree->names, name) : t;
    if (t == NULL) {
        return fail(p, "the type `%.*s` is not defined", (int)(name.size < 100 ? name.size : 100),
                    name.at);
    }
    return t;
}

static struct avro_type *new_named(struct parse *p, enum avro_kind kind, const json_t *j,
                                   struct text space)
{
    struct text name = text_at(j, "name");
    struct text own_space = text_at(j, "namespace");
    struct avro_type *t = new_type(p, kind);

    if (t == NULL) {
        return NULL;
    }
    if (!is_name(name)) {
        return fail(p, "%s has no name", kinds[kind].words);
    }
    t->full_name = qualified(p, name, own_space.at == NULL ? space : own_space);
    own_space = space_of(t->full_name);
    t->aliases = parse_aliases(p, j, &own_space, &t->alias_count);
    if (map_find(&p->tree->names, t->full_name) != NULL) {
        return fail(p, "the name `%.*s` is defined twice",
                    (int)(t->full_name.size < 100 ? t->full_name.size : 100), t->full_name.at);
    }
    map_put(&p->tree->names, t->full_name, t);
    return t;
}

/* --- types --- */
static struct avro_type *parse_record(struct parse *p, const json_t *j, struct text space)
{
    struct avro_type *t = new_named(p, AVRO_KIND_RECORD, j, space);
    const json_t *list = json_object_get(j, "fields");

    if (t == NULL || !json_is_array(list)) {
        return fail(p, "a record has no list of fields");
    }
    t->fields = arena_alloc(&p->tree->arena, (json_array_size(list) + 1) * sizeof(*t->fields));
    t->is_empty = false; /* while it is being read: whoever refers to it has bytes before it */
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        struct avro_field f = { .name = text_at(item, "name") };

        if (!is_name(f.name)) {
            return fail(p, "a field of `%.*s` has no name",
                        (int)(t->full_name.size < 100 ? t->full_name.size : 100), t->full_name.at);
        }
        f.name = arena_text(&p->tree->arena, f.name);
        for (uint32_t k = 0; k < t->field_count; k++) {
            if (text_equal(t->fields[k].name, f.name)) {
                return fail(p, "the field `%.*s` is there twice", TEXT_PRINTF(f.name));
            }
        }
        f.aliases = parse_aliases(p, item, NULL, &f.alias_count);
        f.has_default = json_object_get(item, "default") != NULL;
        f.type = parse_type(p, json_object_get(item, "type"), space_of(t->full_name));
        if (f.type == NULL) {
            return NULL;
        }
        t->fields[t->field_count++] = f;
    }
    t->is_empty = true;
    for (uint32_t i = 0; i < t->field_count; i++) {
        t->is_empty = t->is_empty && t->fields[i].type->is_empty && t->fields[i].type != t;
    }
    return t;
}

static struct avro_type *parse_enum(struct parse *p, const json_t *j, struct text space)
{
    struct avro_type *t = new_named(p, AVRO_KIND_ENUM, j, space);
    const json_t *list = json_object_get(j, "symbols");
    struct text *symbols;

    if (t == NULL || !json_is_array(list)) {
        return fail(p, "an enum has no list of symbols");
    }
    symbols = arena_alloc(&p->tree->arena, (json_array_size(list) + 1) * sizeof(*symbols));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        struct text symbol = { json_string_value(item), json_string_length(item) };

        if (symbol.at == NULL || !is_name(symbol)) {
            return fail(p, "a symbol of `%.*s` is not a name",
                        (int)(t->full_name.size < 100 ? t->full_name.size : 100), t->full_name.at);
        }
        symbols[t->symbol_count++] = arena_text(&p->tree->arena, symbol);
    }
    t->symbols = symbols;
    t->default_symbol = arena_text(&p->tree->arena, text_at(j, "default"));
    return t;
}

static struct avro_type *parse_fixed(struct parse *p, const json_t *j, struct text space)
{
    struct avro_type *t = new_named(p, AVRO_KIND_FIXED, j, space);
    const json_t *size = json_object_get(j, "size");

    if (t == NULL || !json_is_integer(size) || json_integer_value(size) < 0 ||
        json_integer_value(size) > AVRO_TREE_FIXED_MAX) {
        return fail(p, "a fixed has no size, or one over 1 MiB");
    }
    t->size = (uint32_t)json_integer_value(size);
    t->is_empty = t->size == 0;
    return t;
}

static struct avro_type *parse_union(struct parse *p, const json_t *j, struct text space)
{
    struct avro_type *t = new_type(p, AVRO_KIND_UNION);
    size_t count = json_array_size(j);

    if (t == NULL || count == 0) {
        return fail(p, "a union has no branches");
    }
    t->parts = arena_alloc(&p->tree->arena, count * sizeof(*t->parts));
    for (size_t i = 0; i < count; i++) {
        struct avro_type *branch = parse_type(p, json_array_get(j, i), space);

        if (branch == NULL) {
            return NULL;
        }
        if (branch->kind == AVRO_KIND_UNION) {
            return fail(p, "a union stands directly inside a union");
        }
        t->parts[t->part_count++] = branch;
    }
    return t;
}

static struct avro_type *parse_list(struct parse *p, enum avro_kind kind, const json_t *j,
                                    struct text space)
{
    struct avro_type *t = new_type(p, kind);

    if (t == NULL) {
        return NULL;
    }
    t->parts = arena_alloc(&p->tree->arena, sizeof(*t->parts));
    t->parts[0] =
        parse_type(p, json_object_get(j, kind == AVRO_KIND_ARRAY ? "items" : "values"), space);
    t->part_count = 1;
    return t->parts[0] == NULL ? NULL : t;
}

/* Logical types stand on their kind or mean nothing, as the specification says. */
static void parse_logical(struct avro_type *t, const json_t *j)
{
    struct text name = text_at(j, "logicalType");
    json_int_t scale = json_integer_value(json_object_get(j, "scale"));

    for (size_t i = 0; name.at != NULL && i < sizeof(logicals) / sizeof(logicals[0]); i++) {
        if (text_equal(logicals[i].name, name) && (logicals[i].kinds & (1u << t->kind)) != 0) {
            t->logical = logicals[i].logical;
        }
    }
    if (t->logical == AVRO_LOGICAL_DECIMAL) {
        t->scale = (uint32_t)scale;
        if (scale < 0 || scale > 38) {
            t->logical = AVRO_LOGICAL_NONE;
        }
    }
    if (t->logical == AVRO_LOGICAL_UUID && t->kind == AVRO_KIND_FIXED && t->size != 16) {
        t->logical = AVRO_LOGICAL_NONE;
    }
}

static struct avro_type *parse_object(struct parse *p, const json_t *j, struct text space)
{
    const json_t *inner = json_object_get(j, "type");
    struct text name = text_at(j, "type");
    struct avro_type *t;

    if (text_is(name, "record") || text_is(name, "error")) {
        return parse_record(p, j, space);
    }
    if (text_is(name, "array")) {
        return parse_list(p, AVRO_KIND_ARRAY, j, space);
    }
    if (text_is(name, "map")) {
        return parse_list(p, AVRO_KIND_MAP, j, space);
    }
    t = text_is(name, "enum")    ? parse_enum(p, j, space)
        : text_is(name, "fixed") ? parse_fixed(p, j, space)
                                 : parse_type(p, inner, space);
    if (t != NULL && (t->full_name.at == NULL || text_is(name, "fixed"))) {
        parse_logical(t, j); /* not for a name: what it means was said where it was defined */
    }
    return t;
}

/* A text (a name), a list (a union) or an object. Returns: NULL when p->out_text says why not. */
static struct avro_type *parse_type(struct parse *p, const json_t *j, struct text space)
{
    struct avro_type *t;

    if (p->depth >= AVRO_TREE_DEPTH_MAX) {
        return fail(p, "the schema is nested too deeply");
    }
    p->depth++;
    if (json_is_string(j)) {
        t = find_named(p, (struct text){ json_string_value(j), json_string_length(j) }, space);
    } else if (json_is_array(j)) {
        t = parse_union(p, j, space);
    } else if (json_is_object(j)) {
        t = parse_object(p, j, space);
    } else {
        t = fail(p, "a type is missing");
    }
    p->depth--;
    return t;
}

/* --- which records may hold themselves --- */
enum { UNSEEN, OPEN, DONE };

static void mark_recursive(struct avro_type *t, uint8_t *seen)
{
    if (seen[t->number] == OPEN) {
        t->is_recursive = true;
    }
    if (seen[t->number] != UNSEEN) {
        return;
    }
    seen[t->number] = OPEN;
    for (uint32_t i = 0; i < t->field_count; i++) {
        mark_recursive(t->fields[i].type, seen);
    }
    for (uint32_t i = 0; i < t->part_count; i++) {
        mark_recursive(t->parts[i], seen);
    }
    seen[t->number] = DONE;
}

static struct avro_type *parse_one(struct parse *p, struct text json)
{
    json_error_t error;
    json_t *j;
    struct avro_type *t;

    if (json.at == NULL || json.size > AVRO_TREE_SIZE_MAX) {
        return fail(p, "the schema is larger than 1 MiB");
    }
    j = json_loadb(json.at, json.size, JSON_DECODE_ANY, &error);
    if (j == NULL) {
        return fail(p, "not an Avro schema: %.200s", error.text);
    }
    t = parse_type(p, j, (struct text){ "", 0 });
    json_decref(j);
    return t;
}

enum err avro_tree_parse(struct avro_tree *tree, struct text json, const struct text *references,
                         uint32_t reference_count, char out_text[256])
{
    struct parse p = { .tree = tree, .out_text = out_text };

    *tree = (struct avro_tree){ .root = NULL };
    out_text[0] = '\0';
    for (uint32_t i = 0; i < reference_count && out_text[0] == '\0'; i++) {
        (void)parse_one(&p, references[i]);
    }
    tree->root = out_text[0] == '\0' ? parse_one(&p, json) : NULL;
    if (tree->root == NULL) {
        CHECK(out_text[0] != '\0');
        return ERR_CONFIG;
    }
    mark_recursive(tree->root, arena_alloc(&tree->arena, tree->type_count + 1));
    return OK;
}

void avro_tree_fini(struct avro_tree *tree)
{
    map_fini(&tree->names);
    arena_fini(&tree->arena);
}

/* --- the parsing canonical form --- */
static void put_type(struct bytes_out *out, const struct avro_type *t, uint8_t *seen)
{
    struct text kind = kinds[t->kind].name;
    bool is_named = t->full_name.at != NULL;

    if (is_named && seen[t->number] != UNSEEN) {
        bytes_put_format(out, "\"%.*s\"", TEXT_PRINTF(t->full_name));
        return;
    }
    seen[t->number] = DONE;
    if (is_named) {
        bytes_put_format(out, "{\"name\":\"%.*s\",\"type\":\"%.*s\"", TEXT_PRINTF(t->full_name),
                         TEXT_PRINTF(kind));
    }
    if (t->kind == AVRO_KIND_RECORD) {
        bytes_put_format(out, ",\"fields\":[");
        for (uint32_t i = 0; i < t->field_count; i++) {
            bytes_put_format(out, "%s{\"name\":\"%.*s\",\"type\":", i > 0 ? "," : "",
                             TEXT_PRINTF(t->fields[i].name));
            put_type(out, t->fields[i].type, seen);
            bytes_put_byte(out, '}');
        }
        bytes_put_format(out, "]}");
    } else if (t->kind == AVRO_KIND_ENUM) {
        bytes_put_format(out, ",\"symbols\":[");
        for (uint32_t i = 0; i < t->symbol_count; i++) {
            bytes_put_format(out, "%s\"%.*s\"", i > 0 ? "," : "", TEXT_PRINTF(t->symbols[i]));
        }
        bytes_put_format(out, "]}");
    } else if (t->kind == AVRO_KIND_FIXED) {
        bytes_put_format(out, ",\"size\":%u}", t->size);
    } else if (t->kind == AVRO_KIND_UNION) {
        for (uint32_t i = 0; i < t->part_count; i++) {
            bytes_put_byte(out, i > 0 ? ',' : '[');
            put_type(out, t->parts[i], seen);
        }
        bytes_put_byte(out, ']');
    } else if (t->kind == AVRO_KIND_ARRAY || t->kind == AVRO_KIND_MAP) {
        bytes_put_format(out, "{\"type\":\"%.*s\",\"%s\":", TEXT_PRINTF(kind),
                         t->kind == AVRO_KIND_ARRAY ? "items" : "values");
        put_type(out, t->parts[0], seen);
        bytes_put_byte(out, '}');
    } else {
        bytes_put_format(out, "\"%.*s\"", TEXT_PRINTF(kind));
    }
}

void avro_tree_canonical(const struct avro_tree *tree, struct bytes_out *out)
{
    struct arena scratch = { NULL, 0 };

    put_type(out, tree->root, arena_alloc(&scratch, tree->type_count + 1));
    arena_fini(&scratch);
}

uint64_t avro_tree_fingerprint(const struct avro_tree *tree)
{
    struct bytes_out out = { NULL, 0, 0 };
    uint64_t fingerprint;

    avro_tree_canonical(tree, &out);
    fingerprint = hash_rabin((struct text){ (const char *)out.at, out.size });
    bytes_out_fini(&out);
    return fingerprint;
}
