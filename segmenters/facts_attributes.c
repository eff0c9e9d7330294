#include "segmenters/facts_parts.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"

/* The doubles between which every whole number is exact. */
#define WHOLE_MAX   9007199254740992.0
#define DIGITS_MAX  17
#define POWER_MAX   300
#define DAYS_MIN    (INSTANT_MIN / DAY_MS)
#define DAYS_MAX    (INSTANT_MAX / DAY_MS)
#define NUMBER_SIZE 40

static bool is_digit(struct text t, size_t at)
{
    return at < t.size && t.at[at] >= '0' && t.at[at] <= '9';
}

static bool parse_int(struct text t, int64_t *out)
{
    bool is_negative = t.size > 0 && t.at[0] == '-';
    size_t at = is_negative ? 1 : 0;
    int64_t result = 0;

    if (!is_digit(t, at)) {
        return false;
    }
    for (; is_digit(t, at); at++) {
        int64_t digit = t.at[at] - '0';

        if (__builtin_mul_overflow(result, 10, &result) ||
            (is_negative ? __builtin_sub_overflow(result, digit, &result)
                         : __builtin_add_overflow(result, digit, &result))) {
            return false;
        }
    }
    if (at != t.size) {
        return false;
    }
    *out = result;
    return true;
}

/* 12, -0.5, 1e3: exact up to 15 digits, in no locale. */
static bool parse_double(struct text t, double *out)
{
    bool is_negative = t.size > 0 && t.at[0] == '-';
    size_t at = is_negative ? 1 : 0;
    double mantissa = 0;
    double scale = 1;
    int64_t power = 0;

    if (t.size > NUMBER_SIZE || !is_digit(t, at)) {
        return false;
    }
    for (; is_digit(t, at); at++) {
        mantissa = mantissa * 10 + (t.at[at] - '0');
    }
    if (at < t.size && t.at[at] == '.') {
        size_t dot = at++;

        for (; is_digit(t, at); at++) {
            mantissa = mantissa * 10 + (t.at[at] - '0');
        }
        if (at == dot + 1) {
            return false;
        }
        power = -(int64_t)(at - dot - 1);
    }
    if (at < t.size && (t.at[at] == 'e' || t.at[at] == 'E')) {
        struct text exponent = { t.at + at + 1, t.size - at - 1 };
        int64_t by;

        if (exponent.size > 1 && exponent.at[0] == '+') {
            exponent.at++;
            exponent.size--;
        }
        if (!parse_int(exponent, &by) || by > POWER_MAX || by < -POWER_MAX) {
            return false;
        }
        power += by;
        at = t.size;
    }
    if (at != t.size) {
        return false;
    }
    for (int64_t i = power < 0 ? -power : power; i > 0; i--) {
        scale *= 10;
    }
    mantissa = power < 0 ? mantissa / scale : mantissa * scale;
    if (mantissa - mantissa != 0) {
        return false; /* past the largest */
    }
    *out = is_negative ? -mantissa : mantissa;
    return true;
}

static bool to_int(const struct value *from, struct value *out)
{
    struct value v = { .type = VALUE_INT };

    if (from->type == VALUE_INT) {
        v.as.integer = from->as.integer;
    } else if (from->type == VALUE_DOUBLE) {
        if (!(from->as.real >= -WHOLE_MAX && from->as.real <= WHOLE_MAX)) {
            return false;
        }
        v.as.integer = (int64_t)from->as.real;
        if ((double)v.as.integer < from->as.real || (double)v.as.integer > from->as.real) {
            return false;
        }
    } else if (from->type != VALUE_TEXT || !parse_int(from->as.text, &v.as.integer)) {
        return false;
    }
    *out = v;
    return true;
}

static bool to_double(const struct value *from, struct value *out)
{
    struct value v = { .type = VALUE_DOUBLE };

    if (from->type == VALUE_DOUBLE) {
        if (from->as.real - from->as.real != 0) {
            return false; /* infinite, or no number */
        }
        v.as.real = from->as.real;
    } else if (from->type == VALUE_INT) {
        v.as.real = (double)from->as.integer;
    } else if (from->type != VALUE_TEXT || !parse_double(from->as.text, &v.as.real)) {
        return false;
    }
    *out = v;
    return true;
}

static bool to_bool(const struct value *from, struct value *out)
{
    struct value v = { .type = VALUE_BOOL };

    if (from->type == VALUE_BOOL) {
        v.as.boolean = from->as.boolean;
    } else if (from->type == VALUE_TEXT &&
               (text_is(from->as.text, "true") || text_is(from->as.text, "false"))) {
        v.as.boolean = text_is(from->as.text, "true");
    } else if (from->type == VALUE_DOUBLE && !(from->as.real < 0.0) &&
               (!(from->as.real > 0.0) || !(from->as.real < 1.0 || from->as.real > 1.0))) {
        /* Some Avro writers put true into a union's widest branch. */
        v.as.boolean = from->as.real > 0.0;
    } else {
        return false;
    }
    *out = v;
    return true;
}

static bool to_text(const struct attribute_plan *a, const struct value *from, struct value *out)
{
    bool is_allowed = a->allowed_count == 0;

    if (from->type != VALUE_TEXT) {
        return false;
    }
    for (uint32_t i = 0; i < a->allowed_count && !is_allowed; i++) {
        is_allowed = text_equal(a->allowed[i], from->as.text);
    }
    if (is_allowed) {
        *out = *from;
    }
    return is_allowed;
}

static bool to_date(const struct value *from, struct value *out)
{
    struct value v = { .type = VALUE_DATE };
    int64_t at_ms;

    if (from->type == VALUE_DATE || from->type == VALUE_INT) { /* Avro's date: days since 1970 */
        v.as.integer = from->as.integer;
    } else if (from->type == VALUE_INSTANT) {
        v.as.integer = instant_floor_days(from->as.integer);
    } else if (from->type != VALUE_TEXT) {
        return false;
    } else if (instant_parse(from->as.text, &at_ms)) {
        v.as.integer = instant_floor_days(at_ms);
    } else if (!instant_parse_date(from->as.text, &v.as.integer)) {
        return false;
    }
    if (v.as.integer < DAYS_MIN || v.as.integer > DAYS_MAX) {
        return false;
    }
    *out = v;
    return true;
}

/* A list to a set: each text once. One text is a set of one. */
static bool to_strings(const struct value *from, struct arena *arena, struct value *out)
{
    bool is_text = from->type == VALUE_TEXT;
    const struct text *all = is_text ? &from->as.text : from->as.strings.at;
    uint32_t all_count = is_text ? 1 : from->as.strings.count;
    struct text *items;
    uint32_t count = 0;

    if (!is_text && from->type != VALUE_STRINGS) {
        return false;
    }
    items = arena_alloc(arena, all_count * sizeof items[0]);
    for (uint32_t i = 0; i < all_count; i++) {
        uint32_t place = 0;

        while (place < count && !text_equal(items[place], all[i])) {
            place++;
        }
        if (place == count) {
            items[count++] = all[i];
        }
    }
    *out = (struct value){ .type = VALUE_STRINGS };
    out->as.strings.at = items;
    out->as.strings.count = count;
    return true;
}

bool facts_convert(const struct attribute_plan *a, const struct value *from, struct arena *arena,
                   struct value *out)
{
    CHECK(arena != NULL);
    if (from->type == VALUE_NULL) {
        *out = VALUE_NONE;
        return true;
    }
    switch (a->type) {
    case VALUE_INT:
        return to_int(from, out);
    case VALUE_DOUBLE:
        return to_double(from, out);
    case VALUE_BOOL:
        return to_bool(from, out);
    case VALUE_TEXT:
        return to_text(a, from, out);
    case VALUE_DATE:
        return to_date(from, out);
    case VALUE_STRINGS:
        return to_strings(from, arena, out);
    case VALUE_NULL: /* remembered of an event, whose type is known when it comes */
        *out = *from;
        return true;
    case VALUE_INSTANT:
    case VALUE_DURATION:
    case VALUE_MONEY:
        break;
    }
    UNREACHABLE();
}

static bool is_remembered(const struct attribute_plan *a)
{
    return a->remember_kind.at != NULL;
}

static const struct attribute_plan *by_key(const struct facts_plan *plan, uint32_t key)
{
    for (uint32_t i = 0; i < plan->attribute_count; i++) {
        if (plan->attributes[i].key == key) {
            return &plan->attributes[i];
        }
    }
    return NULL;
}

static const char *wanted(const struct attribute_plan *a)
{
    switch (a->type) {
    case VALUE_INT:
        return "a whole number";
    case VALUE_DOUBLE:
        return "a number";
    case VALUE_BOOL:
        return "true or false";
    case VALUE_TEXT:
        return a->allowed_count > 0 ? "one of its declared values" : "a text";
    case VALUE_DATE:
        return "a date like 2000-05-01";
    case VALUE_STRINGS:
        return "a list of texts";
    case VALUE_NULL:
    case VALUE_INSTANT:
    case VALUE_DURATION:
    case VALUE_MONEY:
        break;
    }
    UNREACHABLE();
}

bool facts_check_profile(const struct facts_plan *plan, const struct event *ev, char out_text[128])
{
    struct arena scratch = { 0 };
    bool is_good = true;

    CHECK(ev->kind == EVENT_PROFILE);
    for (uint32_t i = 0; i < ev->set_count && is_good; i++) {
        const struct attribute_plan *a = by_key(plan, ev->set[i].key);
        struct value converted;

        if (a == NULL || is_remembered(a)) {
            continue;
        }
        is_good = facts_convert(a, &ev->set[i].value, &scratch, &converted);
        if (!is_good) {
            (void)text_format(out_text, 128, "%.*s must be %s",
                              a->name.size < 64 ? (int)a->name.size : 64, a->name.at, wanted(a));
        }
    }
    arena_fini(&scratch);
    return is_good;
}

/* Last writer by event time wins; equal times: later arrival. Returns: true when the value is
 * another one. */
static bool write_attribute(struct customer *c, uint32_t key, const struct value *value,
                            int64_t at_ms, uint32_t set_by)
{
    struct attribute *known = customer_attribute(c, key);
    bool is_changed;

    CHECK(key != 0);
    if (known == NULL) {
        known = customer_need_attribute(c, key);
        CHECK(known->value.type == VALUE_NULL);
    } else if (at_ms < known->at_ms) {
        return false;
    }
    known->at_ms = at_ms;
    known->set_by = set_by;
    is_changed = !value_equal(&known->value, value);
    if (is_changed) {
        struct value owned = value_dup(value);

        value_fini(&known->value);
        known->value = owned;
    }
    return is_changed;
}

void facts_set_attribute(struct customer *c, const struct attribute_plan *a,
                         const struct value *value, int64_t at_ms, uint32_t set_by)
{
    CHECK(!is_remembered(a));
    CHECK(value->type == VALUE_NULL || value->type == a->type);
    (void)write_attribute(c, a->key, value, at_ms, set_by);
}

uint64_t facts_apply_profile(const struct facts_plan *plan, struct customer *c,
                             const struct event *ev)
{
    struct arena scratch = { 0 };
    uint64_t changed = 0;

    CHECK(ev->kind == EVENT_PROFILE);
    for (uint32_t i = 0; i < ev->set_count; i++) {
        const struct attribute_plan *a = by_key(plan, ev->set[i].key);
        struct value converted;

        if (a != NULL && !is_remembered(a) &&
            facts_convert(a, &ev->set[i].value, &scratch, &converted) &&
            write_attribute(c, a->key, &converted, ev->at_ms, 0)) {
            changed = FACT_ATTRIBUTES;
        }
    }
    arena_fini(&scratch);
    return changed;
}

uint64_t facts_apply_remember(struct facts_input *in, struct customer *c)
{
    const struct event *ev = in->e->event;
    uint64_t changed = 0;

    for (uint32_t i = 0; i < in->plan->attribute_count; i++) {
        const struct attribute_plan *a = &in->plan->attributes[i];
        const struct value *value;
        struct value converted;

        if (!is_remembered(a) || !facts_is_match(in, a->remember_kind, NULL)) {
            continue;
        }
        value = event_field(ev, a->remember_field);
        if (value == NULL || value->type == VALUE_NULL) {
            continue;
        }
        /* What does not become the declared type is kept as the event says it. */
        if (!facts_convert(a, value, &in->scratch, &converted)) {
            converted = *value;
        }
        if (write_attribute(c, a->key, &converted, ev->at_ms, 0)) {
            changed = FACT_ATTRIBUTES;
        }
    }
    return changed;
}
