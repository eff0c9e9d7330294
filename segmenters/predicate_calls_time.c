/* Calls about time and money: durations, instants and dates as constants, the calendar of a zone.
 */
#include "segmenters/predicate_node.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"

bool predicate_check_duration(struct compile *c, struct node *n)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = { { "weeks", 7 * DAY_MS },  { "days", DAY_MS },       { "hours", HOUR_MS },
                  { "minutes", MINUTE_MS }, { "seconds", SECOND_MS }, { "milliseconds", 1 } };
    const struct node *number = n->child_count == 1 ? n->children[0] : NULL;

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (text_is(n->name, units[i].name)) {
            if (number == NULL || number->kind != NODE_CONST || number->value.type != VALUE_INT ||
                number->value.as.integer < 0 ||
                number->value.as.integer > 36525 * DAY_MS / units[i].ms) {
                return predicate_fail_node(
                    c, n, "a duration takes a whole number, up to 100 years: days(30)");
            }
            return predicate_fold(
                n, TYPE_DURATION,
                (struct value){ .type = VALUE_DURATION,
                                .as.integer = number->value.as.integer * units[i].ms });
        }
    }
    UNREACHABLE();
}

bool predicate_check_timestamp(struct compile *c, struct node *n)
{
    int64_t at_ms;

    if (n->child_count != 1 || !predicate_is_text_constant(n->children[0]) ||
        !instant_parse(n->children[0]->value.as.text, &at_ms)) {
        return predicate_fail_node(c, n, "write timestamp(\"2026-03-02T09:00:00Z\")");
    }
    return predicate_fold(n, TYPE_INSTANT,
                          (struct value){ .type = VALUE_INSTANT, .as.integer = at_ms });
}

bool predicate_check_date(struct compile *c, struct node *n)
{
    int64_t days;

    if (n->child_count != 1 || !predicate_is_text_constant(n->children[0]) ||
        !instant_parse_date(n->children[0]->value.as.text, &days)) {
        return predicate_fail_node(c, n, "write date(\"1997-01-01\")");
    }
    return predicate_fold(n, TYPE_DATE, (struct value){ .type = VALUE_DATE, .as.integer = days });
}

/* "25.00" to minor units; two decimals, as the deployment's currency has. */
bool predicate_parse_money(struct text t, int64_t *out_units)
{
    int64_t units = 0;
    int decimals = -1;

    for (size_t i = 0; i < t.size; i++) {
        if (t.at[i] == '.' && decimals < 0 && i > 0) {
            decimals = 0;
        } else if (t.at[i] >= '0' && t.at[i] <= '9' && decimals < 2 && units < INT64_MAX / 1000) {
            units = units * 10 + (t.at[i] - '0');
            decimals += decimals >= 0;
        } else {
            return false;
        }
    }
    if (t.size == 0 || decimals == 0 || decimals == 1) {
        return false;
    }
    *out_units = decimals < 0 ? units * 100 : units;
    return true;
}

bool predicate_check_money(struct compile *c, struct node *n)
{
    int64_t units;

    if (n->child_count != 1 || !predicate_is_text_constant(n->children[0]) ||
        !predicate_parse_money(n->children[0]->value.as.text, &units)) {
        return predicate_fail_node(c, n, "write money(\"25.00\")");
    }
    if (c->plan->currency.at == NULL) {
        return predicate_fail_node(c, n, "money needs `currency:`");
    }
    return predicate_fold(n, TYPE_MONEY,
                          (struct value){ .type = VALUE_MONEY, .as.integer = units });
}

/* --- calendar --- */
static bool check_zone(struct compile *c, struct node *n, uint32_t place)
{
    if (n->child_count != place + 1 || !predicate_is_text_constant(n->children[place])) {
        return predicate_fail_node(c, n, "the last operand is a zone such as \"Europe/Berlin\"");
    }
    n->zone = c->plan->zones == NULL ? NULL
                                     : zone_find(c->plan->zones, n->children[place]->value.as.text);
    if (n->zone == NULL) {
        predicate_fail(c->error, n->children[place]->offset, n->children[place]->size,
                       "unknown time zone `%.*s`", TEXT_PRINTF(n->children[place]->value.as.text));
        return false;
    }
    return true;
}

static const struct {
    const char *name;
    enum calendar_part part;
} calendar[] = { { "getHours", CALENDAR_HOURS },       { "getMinutes", CALENDAR_MINUTES },
                 { "getDayOfWeek", CALENDAR_WEEKDAY }, { "getDate", CALENDAR_DATE },
                 { "getMonth", CALENDAR_MONTH },       { "getFullYear", CALENDAR_YEAR } };

#define CALENDAR_COUNT (sizeof(calendar) / sizeof(calendar[0]))

bool predicate_is_calendar(struct text name)
{
    for (size_t i = 0; i < CALENDAR_COUNT; i++) {
        if (text_is(name, calendar[i].name)) {
            return true;
        }
    }
    return text_is(name, "day_start");
}

/* How fast an instant may run: now is 1, a constant 0. */
static void speed_of(const struct node *n, int *out_least, int *out_most)
{
    int a_least, a_most, b_least, b_most;

    *out_least = *out_most =
        n->kind == NODE_NOW || (n->kind == NODE_RFM && n->part == RFM_RECENCY) ? 1 : 0;
    if (n->kind == NODE_ARITHMETIC) {
        speed_of(n->children[0], &a_least, &a_most);
        speed_of(n->children[1], &b_least, &b_most);
        *out_least = n->op == OP_ADD ? a_least + b_least : a_least - b_most;
        *out_most = n->op == OP_ADD ? a_most + b_most : a_most - b_least;
    } else if (n->kind == NODE_CHOOSE) {
        speed_of(n->children[1], &a_least, &a_most);
        speed_of(n->children[2], &b_least, &b_most);
        *out_least = a_least < b_least ? a_least : b_least;
        *out_most = a_most > b_most ? a_most : b_most;
    }
}

bool predicate_check_calendar(struct compile *c, struct node *n)
{
    const struct node *at = n->child_count == 2 ? n->children[0] : NULL;
    int least, most;

    if (at == NULL) {
        predicate_fail(c->error, n->offset, n->size, "write %.*s(now, \"Europe/Berlin\")",
                       TEXT_PRINTF(n->name));
        return false;
    }
    if (at->type != TYPE_INSTANT && at->type != TYPE_DYNAMIC) {
        return predicate_fail_node(c, at, "this is no instant; write now");
    }
    speed_of(at, &least, &most);
    if (least < 0 || most > 1) {
        return predicate_fail_node(c, at, "this instant does not run as time does; write now");
    }
    if (!check_zone(c, n, 1)) {
        return false;
    }
    n->type = TYPE_INT;
    n->kind = NODE_CALENDAR;
    for (size_t i = 0; i < CALENDAR_COUNT; i++) {
        if (text_is(n->name, calendar[i].name)) {
            n->part = (int)calendar[i].part;
        }
    }
    if (text_is(n->name, "day_start")) {
        n->kind = NODE_DAY_START;
        n->type = TYPE_INSTANT;
    }
    n->child_count = 1; /* the zone is known */
    return true;
}

bool predicate_check_years_since(struct compile *c, struct node *n)
{
    if (n->child_count != 2) {
        return predicate_fail_node(c, n, "write years_since(customer.birth_date, \"zone\")");
    }
    if (n->children[0]->type != TYPE_DATE) {
        return predicate_fail_node(c, n->children[0], "this is no date");
    }
    if (!check_zone(c, n, 1)) {
        return false;
    }
    n->kind = NODE_YEARS_SINCE;
    n->type = TYPE_INT;
    n->child_count = 1;
    return true;
}
