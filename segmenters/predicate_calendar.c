/* Calendar questions in a zone: parts of the local time, the start of the local day, years since a
 * date. */
#include "segmenters/predicate_node.h"

#include "processor/base/check.h"

/* The first local midnight after that local date. */
static int64_t next_day(const struct zone *z, int64_t local_days)
{
    return zone_instant(z, local_days + 1, 0);
}

/* The next instant at which that part of the local time may change: a boundary of the calendar, or
 * of the zone's offset. */
static int64_t next_change(const struct zone *z, enum calendar_part part, int64_t at_ms)
{
    int64_t offset_until_ms;
    int64_t local_ms = at_ms + zone_offset_ms(z, at_ms, &offset_until_ms);
    int64_t step_ms = part == CALENDAR_HOURS     ? HOUR_MS
                      : part == CALENDAR_MINUTES ? MINUTE_MS
                                                 : DAY_MS;
    int64_t into = local_ms % step_ms;
    int64_t boundary_ms = at_ms + step_ms - (into < 0 ? into + step_ms : into);

    /* Days are long enough for months and years too: early is harmless. */
    return offset_until_ms < boundary_ms ? offset_until_ms : boundary_ms;
}

static int64_t part_of(const struct zone *z, enum calendar_part part, int64_t at_ms)
{
    struct civil c = zone_civil(z, at_ms);

    switch (part) {
    case CALENDAR_HOURS:
        return c.hour;
    case CALENDAR_MINUTES:
        return c.minute;
    case CALENDAR_WEEKDAY:
        return instant_weekday(zone_local_days(z, at_ms));
    case CALENDAR_DATE:
        return c.day;
    case CALENDAR_MONTH:
        return c.month - 1;
    case CALENDAR_YEAR:
        return c.year;
    }
    UNREACHABLE();
}

/* The anniversary of a date in a year; 29 February is kept on 1 March. */
static int64_t anniversary(int64_t date, int32_t year)
{
    int32_t born_year, month, day;

    instant_civil_from_days(date, &born_year, &month, &day);
    return instant_days_from_civil(year, month,
                                   day); /* 29 February of a common year is 1 March by arithmetic */
}

static struct result years_since(const struct node *n, const struct view *v)
{
    struct result date = predicate_result(n->children[0], v);
    struct result r = { .value.type = VALUE_INT };
    int32_t born_year, year, month, day;
    int64_t today, next;

    if (date.is_unknown || date.value.type != VALUE_DATE) {
        return (struct result){ .is_unknown = true, .until_ms = date.until_ms };
    }
    today = zone_local_days(n->zone, v->now_ms);
    instant_civil_from_days(today, &year, &month, &day);
    instant_civil_from_days(date.value.as.integer, &born_year, &month, &day);
    r.value.as.integer =
        year - born_year - (today < anniversary(date.value.as.integer, year) ? 1 : 0);
    next = anniversary(date.value.as.integer, year);
    if (next <= today) {
        next = anniversary(date.value.as.integer, year + 1);
    }
    r.until_ms = zone_instant(n->zone, next, 0);
    if (r.until_ms <= v->now_ms) {
        r.until_ms = v->now_ms + 1;
    }
    r.until_ms = date.until_ms < r.until_ms ? date.until_ms : r.until_ms;
    return r;
}

struct result predicate_calendar(const struct node *n, const struct view *v)
{
    struct result at, r = { .is_unknown = false };
    int64_t change_ms;

    if (n->kind == NODE_YEARS_SINCE) {
        return years_since(n, v);
    }
    at = predicate_result(n->children[0], v);
    if (at.is_unknown || at.bound != BOUND_EXACT || at.value.type != VALUE_INSTANT ||
        at.value.as.integer < INSTANT_MIN || at.value.as.integer > INSTANT_MAX) {
        return (struct result){ .is_unknown = true, .until_ms = at.until_ms };
    }
    CHECK(at.slope == 0 || at.slope == 1); /* predicate_check_calendar lets no other in */
    if (n->kind == NODE_DAY_START) {
        int64_t days = zone_local_days(n->zone, at.value.as.integer);

        r.value =
            (struct value){ .type = VALUE_INSTANT, .as.integer = zone_instant(n->zone, days, 0) };
        change_ms = next_day(n->zone, days);
    } else {
        r.value = (struct value){ .type = VALUE_INT,
                                  .as.integer = part_of(n->zone, (enum calendar_part)n->part,
                                                        at.value.as.integer) };
        change_ms = next_change(n->zone, (enum calendar_part)n->part, at.value.as.integer);
    }
    r.until_ms = at.until_ms;
    if (at.slope == 1 && v->now_ms + (change_ms - at.value.as.integer) < r.until_ms) {
        r.until_ms = v->now_ms + (change_ms - at.value.as.integer);
    }
    return r;
}
