#include "schemas/value.h"

#include "processor/base/mem.h"

static bool strings_equal(const struct value *a, const struct value *b)
{
    if (a->as.strings.count != b->as.strings.count) {
        return false;
    }
    for (uint32_t i = 0; i < a->as.strings.count; i++) {
        if (!text_equal(a->as.strings.at[i], b->as.strings.at[i])) {
            return false;
        }
    }
    return true;
}

bool value_equal(const struct value *a, const struct value *b)
{
    if (a->type != b->type) {
        return false;
    }
    switch (a->type) {
    case VALUE_NULL:
        return true;
    case VALUE_BOOL:
        return a->as.boolean == b->as.boolean;
    case VALUE_DOUBLE:
        return a->as.real <= b->as.real && a->as.real >= b->as.real;
    case VALUE_TEXT:
        return text_equal(a->as.text, b->as.text);
    case VALUE_STRINGS:
        return strings_equal(a, b);
    case VALUE_INT:
    case VALUE_DATE:
    case VALUE_INSTANT:
    case VALUE_DURATION:
    case VALUE_MONEY:
        return a->as.integer == b->as.integer;
    }
    return false;
}

struct value value_dup(const struct value *v)
{
    struct value copy = *v;

    if (v->type == VALUE_TEXT) {
        copy.as.text = text_dup(v->as.text);
    } else if (v->type == VALUE_STRINGS) {
        struct text *list = mem_alloc(v->as.strings.count * sizeof(struct text));

        for (uint32_t i = 0; i < v->as.strings.count; i++) {
            list[i] = text_dup(v->as.strings.at[i]);
        }
        copy.as.strings.at = list;
    }
    return copy;
}

void value_fini(struct value *owned)
{
    if (owned->type == VALUE_TEXT) {
        mem_free((void *)(uintptr_t)owned->as.text.at);
    } else if (owned->type == VALUE_STRINGS) {
        for (uint32_t i = 0; i < owned->as.strings.count; i++) {
            mem_free((void *)(uintptr_t)owned->as.strings.at[i].at);
        }
        mem_free((void *)(uintptr_t)owned->as.strings.at);
    }
    *owned = VALUE_NONE;
}
