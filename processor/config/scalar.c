#include "processor/config/scalar.h"

#include "processor/base/instant.h"
#include "segmenters/predicate.h"
#include "segmenters/score.h"

bool scalar_text(const struct yaml_node *n, struct text *out)
{
    if (n == NULL || n->kind != YAML_SCALAR || yaml_is_null(n)) {
        return false;
    }
    *out = n->text;
    return true;
}

bool scalar_bool(const struct yaml_node *n, bool *out)
{
    struct text t;

    if (!scalar_text(n, &t) || !n->is_plain || (!text_is(t, "true") && !text_is(t, "false"))) {
        return false;
    }
    *out = t.at[0] == 't';
    return true;
}

/* Digits to a number; false when there are none, others, or too many. */
static bool digits(struct text t, int64_t *out)
{
    int64_t value = 0;

    if (t.size == 0 || t.size > 18) {
        return false;
    }
    for (size_t i = 0; i < t.size; i++) {
        if (t.at[i] < '0' || t.at[i] > '9') {
            return false;
        }
        value = value * 10 + (t.at[i] - '0');
    }
    *out = value;
    return true;
}

bool scalar_int(const struct yaml_node *n, int64_t *out)
{
    struct text t;
    bool is_negative;
    int64_t value;

    if (!scalar_text(n, &t) || !n->is_plain || t.size == 0) {
        return false;
    }
    is_negative = t.at[0] == '-';
    t.at += is_negative;
    t.size -= is_negative;
    if (!digits(t, &value)) {
        return false;
    }
    *out = is_negative ? -value : value;
    return true;
}

/* [-]digits[.digits] as an integer of 10^-9, at most 9 places. */
static bool decimal(struct text t, int64_t *out_billionths)
{
    const char *dot = t.size == 0 ? NULL : memchr(t.at, '.', t.size);
    size_t places = dot == NULL ? 0 : t.size - (size_t)(dot - t.at) - 1;
    int64_t whole, part = 0;

    if (places > 9 || (dot != NULL && places == 0) ||
        !digits((struct text){ t.at, dot == NULL ? t.size : (size_t)(dot - t.at) }, &whole) ||
        whole > INT64_MAX / 1000000000 - 1 ||
        (dot != NULL && !digits((struct text){ dot + 1, places }, &part))) {
        return false;
    }
    for (size_t i = places; i < 9; i++) {
        part *= 10;
    }
    *out_billionths = whole * 1000000000 + part;
    return true;
}

static bool signed_decimal(struct text t, int64_t *out_billionths)
{
    bool is_negative = t.size > 0 && t.at[0] == '-';

    t.at += is_negative;
    t.size -= is_negative;
    if (!decimal(t, out_billionths)) {
        return false;
    }
    *out_billionths = is_negative ? -*out_billionths : *out_billionths;
    return true;
}

bool scalar_double(const struct yaml_node *n, double *out)
{
    struct text t;
    int64_t billionths;

    if (!scalar_text(n, &t) || !n->is_plain || !signed_decimal(t, &billionths)) {
        return false;
    }
    *out = (double)billionths / 1e9;
    return true;
}

bool scalar_duration(const struct yaml_node *n, int64_t *out_ms)
{
    struct text t;

    return scalar_text(n, &t) && instant_parse_duration(t, out_ms);
}

bool scalar_offset(const struct yaml_node *n, int64_t *out_ms)
{
    struct text t;

    return scalar_text(n, &t) && t.size > 0 && t.at[0] == '+' &&
           instant_parse_duration((struct text){ t.at + 1, t.size - 1 }, out_ms);
}

bool scalar_money(const struct yaml_node *n, int64_t *out_units)
{
    struct text t;

    return scalar_text(n, &t) && predicate_parse_money(t, out_units);
}

bool scalar_percent(const struct yaml_node *n, int64_t *out_hundredths)
{
    struct text t;
    int64_t billionths;

    if (!scalar_text(n, &t) || t.size < 2 || t.at[t.size - 1] != '%' ||
        !decimal((struct text){ t.at, t.size - 1 }, &billionths) ||
        billionths > INT64_C(100000000000)) {
        return false;
    }
    *out_hundredths = billionths / 10000000;
    return true;
}

bool scalar_size(const struct yaml_node *n, int64_t *out_bytes)
{
    static const struct {
        const char *unit;
        int shift;
    } units[] = { { "KiB", 10 }, { "MiB", 20 }, { "GiB", 30 }, { "TiB", 40 }, { "B", 0 } };
    struct text t;
    int64_t value;

    if (!scalar_text(n, &t)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        struct text unit = text_of(units[i].unit);

        if (text_ends_with(t, unit)) {
            if (!digits((struct text){ t.at, t.size - unit.size }, &value) ||
                value > (INT64_MAX >> units[i].shift)) {
                return false;
            }
            *out_bytes = value << units[i].shift;
            return true;
        }
    }
    return false;
}

bool scalar_instant(const struct yaml_node *n, int64_t *out_ms)
{
    struct text t;

    return scalar_text(n, &t) && instant_parse(t, out_ms);
}

bool scalar_clocks(const struct yaml_node *n, int32_t *out_from_minutes, int32_t *out_to_minutes)
{
    struct text t;
    const char *dash;
    int32_t from, to;

    if (!scalar_text(n, &t) || t.size == 0 || (dash = memchr(t.at, '-', t.size)) == NULL ||
        !instant_parse_clock((struct text){ t.at, (size_t)(dash - t.at) }, &from) ||
        !instant_parse_clock((struct text){ dash + 1, t.size - (size_t)(dash - t.at) - 1 }, &to) ||
        from == 24 * 60 || from == to) {
        return false;
    }
    *out_from_minutes = from;
    *out_to_minutes = to;
    return true;
}

bool scalar_points(const struct yaml_node *n, int64_t *out_q40)
{
    struct text t;
    int64_t billionths, whole, part;

    if (!scalar_text(n, &t) || !decimal(t, &billionths) ||
        billionths / 1000000000 >= (INT64_C(1) << 22)) {
        return false;
    }
    whole = billionths / 1000000000;
    part = billionths % 1000000000 << 30; /* the fraction's 40 binary places in two steps */
    *out_q40 =
        whole * SCORE_POINT + (part / 1000000000 << 10) + ((part % 1000000000 << 10) / 1000000000);
    return true;
}
