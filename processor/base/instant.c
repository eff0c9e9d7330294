#include "processor/base/instant.h"

#include "processor/base/check.h"

#include <stdio.h>

#define DURATION_MS_MAX (INT64_C(36525) * DAY_MS) /* 100 years */

int64_t instant_days_from_civil(int32_t year, int32_t month, int32_t day)
{
    int64_t y = month <= 2 ? (int64_t)year - 1
                           : year; /* a year begins in March, so that the leap day is its last */
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

void instant_civil_from_days(int64_t days, int32_t *out_year, int32_t *out_month, int32_t *out_day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;

    *out_day = (int32_t)(day_of_year - (153 * march_month + 2) / 5 + 1);
    *out_month = (int32_t)(march_month < 10 ? march_month + 3 : march_month - 9);
    *out_year = (int32_t)(year_of_era + era * 400 + (*out_month <= 2 ? 1 : 0));
}

int64_t instant_floor_days(int64_t at_ms)
{
    return at_ms / DAY_MS - (at_ms % DAY_MS < 0 ? 1 : 0);
}

struct civil instant_civil(int64_t at_ms)
{
    int64_t days = instant_floor_days(at_ms);
    int64_t rest = at_ms - days * DAY_MS;
    struct civil c;

    instant_civil_from_days(days, &c.year, &c.month, &c.day);
    c.hour = (int32_t)(rest / HOUR_MS);
    c.minute = (int32_t)(rest % HOUR_MS / MINUTE_MS);
    c.second = (int32_t)(rest % MINUTE_MS / SECOND_MS);
    c.ms = (int32_t)(rest % SECOND_MS);
    return c;
}

int64_t instant_from_civil(const struct civil *c)
{
    return instant_days_from_civil(c->year, c->month, c->day) * DAY_MS + c->hour * HOUR_MS +
           c->minute * MINUTE_MS + c->second * SECOND_MS + c->ms;
}

int32_t instant_weekday(int64_t days)
{
    return (int32_t)(((days + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
}

/* --- reading --- */
static bool read_digits(struct text *t, size_t count, int32_t *out)
{
    int32_t value = 0;

    if (t->size < count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (t->at[i] < '0' || t->at[i] > '9') {
            return false;
        }
        value = value * 10 + (t->at[i] - '0');
    }
    t->at += count;
    t->size -= count;
    *out = value;
    return true;
}

static bool read_char(struct text *t, const char *any_of)
{
    if (t->size == 0 || t->at[0] == '\0' || strchr(any_of, t->at[0]) == NULL) {
        return false;
    }
    t->at++;
    t->size--;
    return true;
}

static int32_t days_in_month(int32_t year, int32_t month)
{
    static const int32_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && is_leap ? 29 : days[month - 1];
}

static bool read_date(struct text *t, struct civil *c)
{
    return read_digits(t, 4, &c->year) && read_char(t, "-") && read_digits(t, 2, &c->month) &&
           read_char(t, "-") && read_digits(t, 2, &c->day) && c->year >= 1 && c->month >= 1 &&
           c->month <= 12 && c->day >= 1 && c->day <= days_in_month(c->year, c->month);
}

static bool read_fraction(struct text *t, int32_t *out_ms)
{
    int32_t scale = 100, digit;
    bool has_any = false;

    *out_ms = 0;
    if (!read_char(t, ".")) {
        return true;
    }
    while (read_digits(t, 1, &digit)) {
        *out_ms += digit * scale;
        scale /= 10;
        has_any = true;
    }
    return has_any;
}

static bool read_offset(struct text *t, int64_t *out_ms)
{
    int32_t hours, minutes;
    bool is_west;

    *out_ms = 0;
    if (read_char(t, "Zz")) {
        return true;
    }
    is_west = t->size > 0 && t->at[0] == '-';
    if (!read_char(t, "+-") || !read_digits(t, 2, &hours) || !read_char(t, ":") ||
        !read_digits(t, 2, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    *out_ms = (is_west ? -1 : 1) * (hours * HOUR_MS + minutes * MINUTE_MS);
    return true;
}

bool instant_parse(struct text t, int64_t *out_ms)
{
    struct civil c = { 0 };
    int64_t offset_ms, at_ms;

    if (!read_date(&t, &c) || !read_char(&t, "Tt ") || !read_digits(&t, 2, &c.hour) ||
        !read_char(&t, ":") || !read_digits(&t, 2, &c.minute) || !read_char(&t, ":") ||
        !read_digits(&t, 2, &c.second) || !read_fraction(&t, &c.ms) ||
        !read_offset(&t, &offset_ms) || t.size > 0) {
        return false;
    }
    if (c.hour > 23 || c.minute > 59 || c.second > 59) {
        return false;
    }
    at_ms = instant_from_civil(&c) - offset_ms;
    if (at_ms < INSTANT_MIN || at_ms > INSTANT_MAX) {
        return false;
    }
    *out_ms = at_ms;
    return true;
}

bool instant_parse_date(struct text t, int64_t *out_days)
{
    struct civil c = { 0 };

    if (!read_date(&t, &c) || t.size > 0) {
        return false;
    }
    *out_days = instant_days_from_civil(c.year, c.month, c.day);
    return true;
}

bool instant_parse_clock(struct text t, int32_t *out_minutes)
{
    int32_t hours, minutes;

    if (!read_digits(&t, 2, &hours) || !read_char(&t, ":") || !read_digits(&t, 2, &minutes) ||
        t.size > 0 || minutes > 59 || hours > 24 || (hours == 24 && minutes > 0)) {
        return false;
    }
    *out_minutes = hours * 60 + minutes;
    return true;
}

static const struct {
    const char *name;
    int64_t ms;
} units[] = { { "w", 7 * DAY_MS }, { "d", DAY_MS },    { "h", HOUR_MS },
              { "m", MINUTE_MS },  { "s", SECOND_MS }, { "ms", 1 } };

#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

bool instant_parse_duration(struct text t, int64_t *out_ms)
{
    int64_t total = 0;
    size_t unit = 0;

    if (t.size == 0) {
        return false;
    }
    while (t.size > 0) {
        int64_t number = 0;
        int32_t digit;
        size_t letters = 0;

        if (!read_digits(&t, 1, &digit)) {
            return false;
        }
        do {
            number = number * 10 + digit;
        } while (number <= DURATION_MS_MAX && read_digits(&t, 1, &digit));
        while (letters < t.size && t.at[letters] >= 'a' && t.at[letters] <= 'z') {
            letters++;
        }
        while (unit < UNIT_COUNT && !text_is((struct text){ t.at, letters }, units[unit].name)) {
            unit++;
        }
        if (unit == UNIT_COUNT || number > DURATION_MS_MAX / units[unit].ms) {
            return false;
        }
        total += number * units[unit++].ms;
        t.at += letters;
        t.size -= letters;
    }
    if (total > DURATION_MS_MAX) {
        return false;
    }
    *out_ms = total;
    return true;
}

/* --- writing --- */
void instant_format(int64_t at_ms, char out[INSTANT_TEXT_SIZE])
{
    struct civil c = instant_civil(at_ms);
    int used = snprintf(out, INSTANT_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d", c.year, c.month,
                        c.day, c.hour, c.minute, c.second);

    CHECK(used > 0 && used < INSTANT_TEXT_SIZE);
    if (c.ms != 0) {
        (void)snprintf(out + used, INSTANT_TEXT_SIZE - (size_t)used, ".%03dZ", c.ms);
    } else {
        (void)snprintf(out + used, INSTANT_TEXT_SIZE - (size_t)used, "Z");
    }
}

void instant_format_duration(int64_t ms, char out[INSTANT_TEXT_SIZE])
{
    size_t used = 0;

    CHECK(ms >= 0);
    (void)snprintf(out, INSTANT_TEXT_SIZE, "0d");
    for (size_t i = 1; i < UNIT_COUNT;
         i++) { /* weeks are read, not written: 21d says more than 3w */
        if (ms >= units[i].ms) {
            used += (size_t)snprintf(out + used, INSTANT_TEXT_SIZE - used, "%lld%s",
                                     (long long)(ms / units[i].ms), units[i].name);
            ms %= units[i].ms;
        }
        CHECK(used < INSTANT_TEXT_SIZE);
    }
}

void instant_format_date(int64_t days, char out[INSTANT_TEXT_SIZE])
{
    int32_t year, month, day;

    instant_civil_from_days(days, &year, &month, &day);
    (void)snprintf(out, INSTANT_TEXT_SIZE, "%04d-%02d-%02d", year, month, day);
}
