/* DESIGN. The table of keys.c written as JSON Schema, one object per key. What a schema can say of
 * form it says (types, patterns, ranges, names); what things mean stays with `segstream check`.
 */
#include "processor/config/keys.h"

#include <stdarg.h>

#define SCALAR    "[\"string\", \"number\", \"boolean\"]"
#define DURATION  "(?=[0-9])([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m(?!s))?([0-9]+s)?([0-9]+ms)?$"
#define CLOCK     "([01][0-9]|2[0-3]):[0-5][0-9]"
#define PREDICATE "\"$ref\": \"#/$defs/predicate\""

struct writing {
    FILE *to;
    int depth;
    bool has_item; /* the object or list at hand has one already */
};

static void write_value(struct writing *w, const struct key *key);

static void new_line(struct writing *w)
{
    fputc('\n', w->to);
    for (int i = 0; i < w->depth; i++) {
        fputs("  ", w->to);
    }
}

/* The next member or item: a comma, a new line, and its first words. */
__attribute__((format(printf, 2, 3))) static void put(struct writing *w, const char *format, ...)
{
    va_list args;

    if (w->has_item) {
        fputc(',', w->to);
    }
    new_line(w);
    w->has_item = true;
    va_start(args, format);
    (void)vfprintf(w->to, format, args);
    va_end(args);
}

static void open_with(struct writing *w, char bracket)
{
    fputc(bracket, w->to);
    w->depth++;
    w->has_item = false;
}

static void close_with(struct writing *w, char bracket)
{
    w->depth--;
    new_line(w);
    fputc(bracket, w->to);
    w->has_item = true;
}

static void write_string(struct writing *w, struct text t)
{
    fputc('"', w->to);
    for (size_t i = 0; i < t.size; i++) {
        if (t.at[i] == '"' || t.at[i] == '\\') {
            fputc('\\', w->to);
        }
        fputc(t.at[i], w->to);
    }
    fputc('"', w->to);
}

static void write_choices(struct writing *w, const char *choices)
{
    put(w, "\"enum\": [");
    for (const char *at = choices; *at != '\0';) {
        size_t size = strcspn(at, " ");

        write_string(w, (struct text){ at, size });
        at += size + (at[size] == ' ');
        fputs(*at == '\0' ? "" : ", ", w->to);
    }
    fputc(']', w->to);
}

/* The members of an object's schema. is_strict: other names are refused. */
static void write_names(struct writing *w, const struct keys *keys, bool is_strict)
{
    const struct key *wildcard = keys_find(keys, TEXT("")); /* no key has an empty name */
    bool has_needed = false;

    if (wildcard != &keys->items[0]) {
        put(w, "\"properties\": ");
        open_with(w, '{');
        for (uint32_t i = 0; i < keys->count && keys->items[i].name != NULL; i++) {
            put(w, "\"%s\": ", keys->items[i].name);
            write_value(w, &keys->items[i]);
        }
        close_with(w, '}');
    }
    for (uint32_t i = 0; i < keys->count; i++) {
        if (keys->items[i].is_needed) {
            if (!has_needed) {
                put(w, "\"required\": [");
            }
            fprintf(w->to, "%s\"%s\"", has_needed ? ", " : "", keys->items[i].name);
            has_needed = true;
        }
    }
    if (has_needed) {
        fputc(']', w->to);
    }
    if (wildcard != NULL) {
        put(w, "\"additionalProperties\": ");
        write_value(w, wildcard);
    } else if (is_strict) {
        put(w, "\"additionalProperties\": false");
    }
}

static void write_map(struct writing *w, const struct keys *keys)
{
    put(w, "\"type\": \"object\"");
    write_names(w, keys, true);
}

static void write_predicate_or_map(struct writing *w, const struct keys *keys)
{
    put(w, "\"anyOf\": ");
    open_with(w, '[');
    put(w, "{ " PREDICATE " }");
    put(w, "%s", "");
    open_with(w, '{');
    write_map(w, keys);
    close_with(w, '}');
    close_with(w, ']');
}

static void write_container(struct writing *w, const struct key *key)
{
    switch ((int)key->shape) {
    case SHAPE_MAP:
    case SHAPE_MAP_OF:
        write_map(w, key->keys);
        break;
    case SHAPE_LIST_OF:
        put(w, "\"type\": \"array\"");
        put(w, "\"items\": ");
        write_value(w, &key->keys->items[0]);
        break;
    case SHAPE_TEXT_OR_MAP:
        put(w, "\"type\": [\"string\", \"number\", \"boolean\", \"object\"]");
        write_names(w, key->keys, true);
        break;
    case SHAPE_TEXTS_OR_MAP:
        put(w, "\"type\": [\"string\", \"number\", \"boolean\", \"array\", \"object\"]");
        put(w, "\"items\": { \"type\": " SCALAR " }");
        write_names(w, key->keys, true);
        break;
    case SHAPE_PREDICATE_OR_MAP:
        write_predicate_or_map(w, key->keys);
        break;
    default: /* SHAPE_ANY */
        if (key->keys != NULL) {
            write_names(w, key->keys, false);
        }
        break;
    }
}

static const char *pattern_of(enum shape shape)
{
    switch ((int)shape) {
    case SHAPE_DURATION:
        return "^" DURATION;
    case SHAPE_OFFSET:
        return "^[+]" DURATION;
    case SHAPE_MONEY:
        return "^[0-9]+([.][0-9]{2})?$";
    case SHAPE_PERCENT:
        return "^[0-9]+([.][0-9]+)?%$";
    case SHAPE_SIZE:
        return "^[0-9]+(B|KiB|MiB|GiB|TiB)$";
    case SHAPE_INSTANT:
        return "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?"
               "([Zz]|[+-][0-9]{2}:[0-9]{2})$";
    case SHAPE_CLOCKS:
        return "^" CLOCK "-(" CLOCK "|24:00)$";
    default:
        return NULL;
    }
}

static void write_scalar(struct writing *w, const struct key *key)
{
    switch ((int)key->shape) {
    case SHAPE_TEXT:
        put(w, "\"type\": " SCALAR);
        break;
    case SHAPE_TEXTS:
        put(w, "\"type\": [\"string\", \"number\", \"boolean\", \"array\"]");
        put(w, "\"items\": { \"type\": " SCALAR " }");
        break;
    case SHAPE_BOOL:
        put(w, "\"type\": \"boolean\"");
        break;
    case SHAPE_INT:
        put(w, "\"type\": \"integer\"");
        put(w, "\"minimum\": %lld", (long long)key->least);
        put(w, "\"maximum\": %lld", (long long)key->most);
        break;
    case SHAPE_FRACTION:
        put(w, "\"type\": \"number\"");
        put(w, "\"exclusiveMinimum\": 0");
        put(w, "\"exclusiveMaximum\": 1");
        break;
    case SHAPE_CHOICE:
        write_choices(w, key->choices);
        break;
    case SHAPE_PREDICATE:
        put(w, PREDICATE);
        break;
    case SHAPE_UNSUPPORTED:
        put(w, "\"not\": {}");
        break;
    default:
        put(w, "\"type\": %s",
            key->shape == SHAPE_MONEY ? "[\"string\", \"number\"]" : "\"string\"");
        put(w, "\"pattern\": \"%s\"", pattern_of(key->shape));
        break;
    }
}

static void write_value(struct writing *w, const struct key *key)
{
    open_with(w, '{');
    if (key->says != NULL) {
        put(w, "\"description\": ");
        write_string(w, text_of(key->says));
    }
    if (key->shape == SHAPE_ANY || key->shape >= SHAPE_PREDICATE_OR_MAP) {
        if (key->shape == SHAPE_UNSUPPORTED) {
            write_scalar(w, key);
        } else {
            write_container(w, key);
        }
    } else {
        write_scalar(w, key);
    }
    close_with(w, '}');
}

static void write_predicate(struct writing *w)
{
    put(w, "\"$defs\": ");
    open_with(w, '{');
    put(w, "\"predicate\": ");
    open_with(w, '{');
    put(w, "\"description\": \"An expression (CEL), or a map with one of all, any and none.\"");
    put(w, "\"type\": [\"string\", \"boolean\", \"object\"]");
    put(w, "\"properties\": ");
    open_with(w, '{');
    for (int i = 0; i < 3; i++) {
        static const char *const joins[] = { "all", "any", "none" };

        put(w, "\"%s\": { \"type\": \"array\", \"minItems\": 1, \"items\": { " PREDICATE " } }",
            joins[i]);
    }
    close_with(w, '}');
    put(w, "\"minProperties\": 1");
    put(w, "\"maxProperties\": 1");
    put(w, "\"additionalProperties\": false");
    close_with(w, '}');
    close_with(w, '}');
}

void keys_write_schema(FILE *to)
{
    struct writing w = { to, 0, false };

    open_with(&w, '{');
    put(&w, "\"$schema\": \"https://json-schema.org/draft/2020-12/schema\"");
    put(&w, "\"title\": \"Configuration of segstream, version 1\"");
    write_map(&w, &KEYS_ROOT);
    write_predicate(&w);
    close_with(&w, '}');
    fputc('\n', to);
}
