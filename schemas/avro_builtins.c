#include "schemas/avro_builtins.h"

#define IS(kind)     (1u << AVRO_KIND_##kind)
#define BIT(builtin) (1u << EVENT_BUILTIN_##builtin)
#define TEXTUAL      (IS(TEXT) | IS(ENUM) | IS(BYTES))
#define IDENTIFIER   (TEXTUAL | IS(FIXED) | IS(INT) | IS(LONG))

/* What a built-in may be written as. */
static const struct {
    uint32_t kinds;
    uint32_t logicals;
    const char *words;
} allowed[EVENT_BUILTIN__COUNT] = {
#define NO_LOGICAL (1u << AVRO_LOGICAL_NONE | 1u << AVRO_LOGICAL_UUID)
    [EVENT_BUILTIN_KIND] = { TEXTUAL, NO_LOGICAL, "text" },
    [EVENT_BUILTIN_CUSTOMER] = { IDENTIFIER, NO_LOGICAL, "text or a whole number" },
    [EVENT_BUILTIN_AT] = { TEXTUAL | IS(INT) | IS(LONG),
                           1u << AVRO_LOGICAL_NONE | 1u << AVRO_LOGICAL_MILLIS |
                               1u << AVRO_LOGICAL_MICROS | 1u << AVRO_LOGICAL_NANOS,
                           "a timestamp, a whole number of ms or RFC 3339 text" },
    [EVENT_BUILTIN_ID] = { IDENTIFIER, NO_LOGICAL, "text or a whole number" },
    [EVENT_BUILTIN_EMAIL] = { IDENTIFIER, NO_LOGICAL, "text or a whole number" },
    [EVENT_BUILTIN_ORDER] = { IDENTIFIER, NO_LOGICAL, "text or a whole number" },
    [EVENT_BUILTIN_AMOUNT] = { IS(INT) | IS(LONG) | IS(BYTES) | IS(FIXED),
                               1u << AVRO_LOGICAL_NONE | 1u << AVRO_LOGICAL_DECIMAL,
                               "a whole number of minor units or a decimal" },
    [EVENT_BUILTIN_CURRENCY] = { TEXTUAL, NO_LOGICAL, "text" },
    [EVENT_BUILTIN_LINK] = { IDENTIFIER, NO_LOGICAL, "text or a whole number" },
    [EVENT_BUILTIN_MACHINE] = { IS(BOOL), NO_LOGICAL, "a boolean" },
    [EVENT_BUILTIN_BOUNCE_CLASS] = { TEXTUAL, NO_LOGICAL, "text" },
    [EVENT_BUILTIN_SUBSCRIPTION] = { TEXTUAL, NO_LOGICAL, "text" },
};

void avro_builtins_note(struct avro_builtins *found, const struct avro_type *t, bool is_in_array,
                        struct text path, const struct event_name *names, uint32_t name_count)
{
    for (uint32_t i = 0; i < name_count; i++) {
        enum event_builtin b = names[i].builtin;

        if (b == EVENT_BUILTIN_NONE) {
            continue;
        }
        if (!is_in_array && (allowed[b].kinds & (1u << t->kind)) != 0 &&
            (allowed[b].logicals & (1u << t->logical)) != 0 &&
            (t->kind != AVRO_KIND_FIXED || t->logical != AVRO_LOGICAL_NONE) &&
            (b != EVENT_BUILTIN_AMOUNT || t->kind != AVRO_KIND_BYTES ||
             t->logical == AVRO_LOGICAL_DECIMAL)) {
            found->good |= 1u << b;
        } else if (found->wrong[b] == NULL) {
            found->wrong[b] = t;
            found->wrong_path[b] = path;
        }
    }
}

static uint32_t needed(const struct event_mapping *m, struct text implied_kind)
{
    struct text kind = m->kind.at != NULL ? m->kind : implied_kind;
    uint32_t bits = BIT(CUSTOMER) | BIT(AT);

    if (kind.at == NULL) {
        return bits | BIT(KIND);
    }
    if (text_is(kind, "purchase") || text_is(kind, "refund")) {
        bits |= BIT(AMOUNT);
    }
    return text_is(kind, "bounce") ? bits | BIT(BOUNCE_CLASS) : bits;
}

bool avro_builtins_check(const struct avro_builtins *found, const struct event_mapping *mapping,
                         struct text implied_kind, char out_text[256])
{
    uint32_t bits = needed(mapping, implied_kind);

    for (int b = 0; b < EVENT_BUILTIN__COUNT; b++) {
        struct text mapped = event_mapped_path(mapping, (enum event_builtin)b);
        bool is_needed = (bits & (1u << b)) != 0;

        if ((found->good & (1u << b)) != 0 || (!is_needed && mapped.at == NULL)) {
            continue;
        }
        if (found->wrong[b] != NULL) {
            (void)text_format(out_text, 256, "the field `%.*s` is %s, but %s is %s",
                              TEXT_PRINTF(found->wrong_path[b]), avro_type_words(found->wrong[b]),
                              event_builtin_name((enum event_builtin)b), allowed[b].words);
            return false;
        }
        if (is_needed && mapped.at != NULL) {
            (void)text_format(out_text, 256, "no field `%.*s`, which is to be the %s",
                              TEXT_PRINTF(mapped), event_builtin_name((enum event_builtin)b));
            return false;
        }
        if (is_needed) {
            (void)text_format(out_text, 256, "no field `%s` or `%s`, and the topic maps none to it",
                              event_shipped_name((enum event_builtin)b),
                              event_builtin_name((enum event_builtin)b));
            return false;
        }
    }
    return true;
}
