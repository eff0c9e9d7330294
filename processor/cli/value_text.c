#include "processor/cli/value_text.h"

#include "processor/base/instant.h"
#include "segmenters/score.h"

#include <inttypes.h>

struct text value_text_points(struct arena *arena, int64_t points_q40)
{
    int64_t whole = points_q40 / SCORE_POINT;
    int64_t hundredths = (points_q40 % SCORE_POINT) * 100 / SCORE_POINT;

    return arena_format(arena, "%" PRId64 ".%02" PRId64, whole, hundredths);
}

struct text value_text_money(struct arena *arena, int64_t minor_units, struct text currency)
{
    uint64_t size = minor_units < 0 ? 0 - (uint64_t)minor_units : (uint64_t)minor_units;

    return arena_format(arena, "%s%" PRIu64 ".%02" PRIu64 "%s%.*s", minor_units < 0 ? "-" : "",
                        size / 100, size % 100, currency.at == NULL ? "" : " ",
                        currency.at == NULL ? 0 : (int)currency.size,
                        currency.at == NULL ? "" : currency.at);
}

struct text value_text_duration(struct arena *arena, int64_t ms)
{
    static const int64_t units[] = { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, 1 };
    uint64_t size = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    char out[INSTANT_TEXT_SIZE];

    for (size_t i = 0; i < 3; i++) {
        if (size >= (uint64_t)units[i]) {
            size -= size % (uint64_t)units[i + 1];
            break;
        }
    }
    instant_format_duration((int64_t)size, out);
    return arena_format(arena, "%s%s", ms < 0 ? "-" : "", out);
}

struct text value_text_instant(struct arena *arena, int64_t at_ms)
{
    char out[INSTANT_TEXT_SIZE];

    if (at_ms == INSTANT_NEVER || at_ms < INSTANT_MIN || at_ms > INSTANT_MAX) {
        return TEXT("never");
    }
    instant_format(at_ms, out);
    return arena_text(arena, text_of(out));
}

static struct text strings_text(struct arena *arena, const struct value *v)
{
    struct text all = TEXT("");

    for (uint32_t i = 0; i < v->as.strings.count; i++) {
        all = arena_format(arena, "%.*s%s\"%.*s\"", TEXT_PRINTF(all), i == 0 ? "" : ", ",
                           TEXT_PRINTF(v->as.strings.at[i]));
    }
    return arena_format(arena, "[%.*s]", TEXT_PRINTF(all));
}

struct text value_text(struct arena *arena, const struct value *v, struct text currency)
{
    char out[INSTANT_TEXT_SIZE];

    switch (v->type) {
    case VALUE_NULL:
        break;
    case VALUE_BOOL:
        return v->as.boolean ? TEXT("true") : TEXT("false");
    case VALUE_INT:
        return arena_format(arena, "%" PRId64, v->as.integer);
    case VALUE_DOUBLE:
        return arena_format(arena, "%.9g", v->as.real);
    case VALUE_TEXT:
        return arena_format(arena, "\"%.*s\"", TEXT_PRINTF(v->as.text));
    case VALUE_STRINGS:
        return strings_text(arena, v);
    case VALUE_DATE:
        instant_format_date(v->as.integer, out);
        return arena_text(arena, text_of(out));
    case VALUE_INSTANT:
        return value_text_instant(arena, v->as.integer);
    case VALUE_DURATION:
        return value_text_duration(arena, v->as.integer);
    case VALUE_MONEY:
        return value_text_money(arena, v->as.integer, currency);
    }
    return TEXT("not set");
}

struct text value_text_operand(struct arena *arena, const struct predicate_operand *o,
                               struct text currency)
{
    struct text value;

    switch (o->cause) {
    case PREDICATE_NOT_SET:
        return arena_format(arena, "%.*s is not set", TEXT_PRINTF(o->source));
    case PREDICATE_NEVER:
        return arena_format(arena, "%.*s has never happened", TEXT_PRINTF(o->source));
    case PREDICATE_NO_ORDER:
        return arena_format(arena, "%.*s is unknown without an order in the window",
                            TEXT_PRINTF(o->source));
    case PREDICATE_UNDECIDED:
        return arena_format(arena, "%.*s is unknown", TEXT_PRINTF(o->source));
    case PREDICATE_KNOWN:
        break;
    }
    value = o->is_points ? value_text_points(arena, o->value.as.integer)
                         : value_text(arena, &o->value, currency);
    return arena_format(arena, "%.*s is %.*s", TEXT_PRINTF(o->source), TEXT_PRINTF(value));
}

struct text value_text_operands(struct arena *arena, const struct predicate_part *part,
                                struct text currency)
{
    struct text all = TEXT("");
    bool is_settled = part->answer.truth != TRUTH_UNKNOWN || part->operand_count == 0;

    for (uint32_t i = 0; i < part->operand_count; i++) {
        struct text one = value_text_operand(arena, &part->operands[i], currency);

        all = arena_format(arena, "%.*s%s%.*s", TEXT_PRINTF(all), i == 0 ? "" : ", ",
                           TEXT_PRINTF(one));
        is_settled = is_settled || part->operands[i].cause != PREDICATE_KNOWN;
    }
    if (!is_settled) {
        all = arena_format(arena, "%.*s, which does not settle it", TEXT_PRINTF(all));
    }
    return all;
}
