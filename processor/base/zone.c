/* DESIGN. A zone is a sorted list of transitions (from the file's 64-bit block) and a rule for what
 * comes after the last one (the POSIX footer). Queries binary-search the list; behind it the rule's
 * two instants of the year are computed.
 */
#include "processor/base/zone.h"

#include "processor/base/check.h"
#include "processor/base/mem.h"

#define TRANSITIONS_MAX 4096
#define OFFSET_S_MAX    (26 * 3600)

struct transition {
    int64_t at_ms;
    int64_t offset_ms; /* from then on */
};

struct rule_date { /* of a POSIX rule: M5.3.0, J60 or 60, with the time of day */
    char form;     /* 'M', 'J', '0' */
    int32_t month, week, day;
    int64_t time_ms;
};

struct rule {
    bool is_used;
    bool has_summer;
    int64_t standard_ms, summer_ms; /* offsets */
    struct rule_date begins, ends;  /* of summer time, in the local time before each */
};

struct zone {
    struct text name;
    int64_t first_offset_ms; /* before the first transition */
    struct transition *transitions;
    uint32_t count;
    struct rule rule;
};

static struct zone utc = { .name = { "UTC", 3 } };

const struct zone *zone_utc(void)
{
    return &utc;
}

struct text zone_name(const struct zone *z)
{
    return z->name;
}

/* --- the footer --- */
static bool read_number(struct text *t, int32_t *out)
{
    int32_t value = 0;
    size_t digits = 0;

    while (digits < t->size && digits < 4 && t->at[digits] >= '0' && t->at[digits] <= '9') {
        value = value * 10 + (t->at[digits++] - '0');
    }
    t->at += digits;
    t->size -= digits;
    *out = value;
    return digits > 0;
}

static bool read_sign(struct text *t, char c)
{
    if (t->size == 0 || t->at[0] != c) {
        return false;
    }
    t->at++;
    t->size--;
    return true;
}

static bool read_time(struct text *t, int64_t *out_ms)
{
    int32_t hours, minutes = 0, seconds = 0;
    bool is_negative = read_sign(t, '-');

    if (!is_negative) {
        (void)read_sign(t, '+');
    }
    if (!read_number(t, &hours) ||
        (read_sign(t, ':') &&
         (!read_number(t, &minutes) || (read_sign(t, ':') && !read_number(t, &seconds))))) {
        return false;
    }
    if (hours > 167 || minutes > 59 || seconds > 59) {
        return false;
    }
    *out_ms =
        (is_negative ? -1 : 1) * (hours * HOUR_MS + minutes * MINUTE_MS + seconds * SECOND_MS);
    return true;
}

static bool read_abbreviation(struct text *t)
{
    size_t i = 0;

    if (read_sign(t, '<')) {
        while (i < t->size && t->at[i] != '>') {
            i++;
        }
        if (i == t->size) {
            return false;
        }
        i++;
    } else {
        while (i < t->size && ((t->at[i] | 32) >= 'a' && (t->at[i] | 32) <= 'z')) {
            i++;
        }
    }
    t->at += i;
    t->size -= i;
    return i >= 3;
}

static bool read_rule_date(struct text *t, struct rule_date *d)
{
    *d = (struct rule_date){ .form = '0', .time_ms = 2 * HOUR_MS };
    if (read_sign(t, 'M')) {
        d->form = 'M';
        if (!read_number(t, &d->month) || !read_sign(t, '.') || !read_number(t, &d->week) ||
            !read_sign(t, '.') || !read_number(t, &d->day) || d->month < 1 || d->month > 12 ||
            d->week < 1 || d->week > 5 || d->day > 6) {
            return false;
        }
    } else {
        d->form = read_sign(t, 'J') ? 'J' : '0';
        if (!read_number(t, &d->day) || d->day > 365 || (d->form == 'J' && d->day < 1)) {
            return false;
        }
    }
    return !read_sign(t, '/') || read_time(t, &d->time_ms);
}

static bool read_rule(struct text t, struct rule *rule)
{
    *rule = (struct rule){ .is_used = t.size > 0 };
    if (t.size == 0) {
        return true;
    }
    if (!read_abbreviation(&t) || !read_time(&t, &rule->standard_ms)) {
        return false;
    }
    rule->standard_ms = -rule->standard_ms; /* POSIX counts hours west */
    if (t.size == 0) {
        return true;
    }
    rule->has_summer = true;
    rule->summer_ms = rule->standard_ms + HOUR_MS;
    if (!read_abbreviation(&t)) {
        return false;
    }
    if (t.size > 0 && t.at[0] != ',') {
        if (!read_time(&t, &rule->summer_ms)) {
            return false;
        }
        rule->summer_ms = -rule->summer_ms;
    }
    return read_sign(&t, ',') && read_rule_date(&t, &rule->begins) && read_sign(&t, ',') &&
           read_rule_date(&t, &rule->ends) && t.size == 0;
}

static int64_t rule_date_days(const struct rule_date *d, int32_t year)
{
    int64_t first = instant_days_from_civil(year, 1, 1);
    int64_t march = instant_days_from_civil(year, 3, 1);

    if (d->form == 'M') {
        int64_t month = instant_days_from_civil(year, d->month, 1);
        int64_t next = d->month == 12 ? instant_days_from_civil(year + 1, 1, 1)
                                      : instant_days_from_civil(year, d->month + 1, 1);
        int64_t day = month + (d->day - instant_weekday(month) + 7) % 7 + 7 * (d->week - 1);

        return day >= next ? day - 7 : day;
    }
    if (d->form == 'J') { /* day 60 is 1 March in every year */
        return d->day < 60 ? first + d->day - 1 : march + d->day - 60;
    }
    return first + d->day;
}

/* The offset by the rule and the next instant it changes. Years around cover every pair of
 * transitions near at_ms. */
static int64_t rule_offset(const struct rule *rule, int64_t at_ms, int64_t *out_until_ms)
{
    int32_t year, month, day;
    int64_t offset = rule->standard_ms, latest = INT64_MIN;

    *out_until_ms = INSTANT_NEVER;
    if (!rule->has_summer) {
        return offset;
    }
    instant_civil_from_days(instant_floor_days(at_ms), &year, &month, &day);
    for (int32_t y = year - 1; y <= year + 1; y++) {
        int64_t begins =
            rule_date_days(&rule->begins, y) * DAY_MS + rule->begins.time_ms - rule->standard_ms;
        int64_t ends =
            rule_date_days(&rule->ends, y) * DAY_MS + rule->ends.time_ms - rule->summer_ms;
        const struct transition both[] = { { begins, rule->summer_ms },
                                           { ends, rule->standard_ms } };

        for (size_t i = 0; i < 2; i++) {
            if (both[i].at_ms <= at_ms && both[i].at_ms >= latest) {
                latest = both[i].at_ms;
                offset = both[i].offset_ms;
            } else if (both[i].at_ms > at_ms && both[i].at_ms < *out_until_ms) {
                *out_until_ms = both[i].at_ms;
            }
        }
    }
    return offset;
}

/* --- the file --- */
struct tzif_counts {
    uint32_t is_ut, is_standard, leaps, times, types, chars;
};

static uint32_t read_u32_big(struct bytes_in *in)
{
    struct bytes b = bytes_fixed(in, 4);

    return b.at == NULL ? 0
                        : (uint32_t)b.at[0] << 24 | (uint32_t)b.at[1] << 16 |
                              (uint32_t)b.at[2] << 8 | b.at[3];
}

static int64_t read_i64_big(struct bytes_in *in)
{
    uint64_t high = read_u32_big(in);

    return (int64_t)(high << 32 | read_u32_big(in));
}

static bool read_header(struct bytes_in *in, struct tzif_counts *c)
{
    struct bytes magic = bytes_fixed(in, 4);
    uint8_t version = bytes_byte(in);

    (void)bytes_fixed(in, 15);
    c->is_ut = read_u32_big(in);
    c->is_standard = read_u32_big(in);
    c->leaps = read_u32_big(in);
    c->times = read_u32_big(in);
    c->types = read_u32_big(in);
    c->chars = read_u32_big(in);
    return !in->is_bad && memcmp(magic.at, "TZif", 4) == 0 && version >= '2' && c->is_ut <= 256 &&
           c->is_standard <= 256 && c->leaps <= 256 && c->times <= TRANSITIONS_MAX &&
           c->types >= 1 && c->types <= 256 && c->chars <= 512;
}

static size_t data_size(const struct tzif_counts *c, size_t time_size)
{
    return c->times * (time_size + 1) + c->types * 6 + c->chars + c->leaps * (time_size + 4) +
           c->is_standard + c->is_ut;
}

static int64_t type_offset_ms(struct bytes types, uint8_t type)
{
    struct bytes_in in = bytes_in((struct bytes){ types.at + (size_t)type * 6, 6 });

    return (int64_t)(int32_t)read_u32_big(&in) * SECOND_MS;
}

static bool offsets_are_sane(struct bytes types)
{
    for (size_t i = 0; i < types.size / 6; i++) {
        int64_t offset = type_offset_ms(types, (uint8_t)i);

        if (offset < -OFFSET_S_MAX * SECOND_MS || offset > OFFSET_S_MAX * SECOND_MS) {
            return false;
        }
    }
    return true;
}

static bool read_transitions(struct zone *z, const struct tzif_counts *c, struct bytes times,
                             struct bytes indexes, struct bytes types)
{
    struct bytes_in in = bytes_in(times);

    z->first_offset_ms = type_offset_ms(types, 0);
    z->transitions = mem_alloc((c->times + 1) * sizeof(struct transition));
    for (uint32_t i = 0; i < c->times; i++) {
        int64_t at_s = read_i64_big(&in);

        if (at_s < INSTANT_MIN / SECOND_MS) {
            at_s = INSTANT_MIN / SECOND_MS; /* "since the big bang" in some files */
        }
        if (at_s > INSTANT_MAX / SECOND_MS || indexes.at[i] >= c->types ||
            (i > 0 && at_s * SECOND_MS < z->transitions[i - 1].at_ms)) {
            return false;
        }
        z->transitions[i] =
            (struct transition){ at_s * SECOND_MS, type_offset_ms(types, indexes.at[i]) };
    }
    z->count = c->times;
    return true;
}

static bool read_zone(struct bytes tzif, struct zone *z)
{
    struct bytes_in in = bytes_in(tzif);
    struct tzif_counts c;
    struct bytes times, indexes, types, footer;

    if (!read_header(&in, &c)) {
        return false;
    }
    (void)bytes_fixed(&in, data_size(&c, 4));
    if (!read_header(&in, &c)) {
        return false;
    }
    times = bytes_fixed(&in, c.times * 8);
    indexes = bytes_fixed(&in, c.times);
    types = bytes_fixed(&in, c.types * 6);
    (void)bytes_fixed(&in, data_size(&c, 8) - c.times * 9 - c.types * 6);
    footer = bytes_fixed(&in, bytes_left(&in));
    if (in.is_bad || footer.size < 2 || footer.at[0] != '\n' ||
        footer.at[footer.size - 1] != '\n' || !offsets_are_sane(types)) {
        return false;
    }
    return read_transitions(z, &c, times, indexes, types) &&
           read_rule((struct text){ (const char *)footer.at + 1, footer.size - 2 }, &z->rule);
}

static void zone_free(struct zone *z)
{
    mem_free((void *)(uintptr_t)z->name.at);
    mem_free(z->transitions);
    mem_free(z);
}

/* The place of that name, or where it would go. */
static uint32_t place_of(const struct zone_table *table, struct text name)
{
    uint32_t low = 0, high = table->count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (text_compare(table->zones[middle]->name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

enum err zone_table_add(struct zone_table *table, struct text name, struct bytes tzif)
{
    struct zone *z = mem_alloc(sizeof(*z));
    uint32_t place = place_of(table, name);

    z->name = text_dup(name);
    if (!read_zone(tzif, z)) {
        zone_free(z);
        return ERR_BAD_DATA;
    }
    if (place < table->count && text_equal(table->zones[place]->name, name)) {
        zone_free(table->zones[place]);
        table->zones[place] = z;
        return OK;
    }
    table->zones = mem_grow32(table->zones, table->count, &table->capacity, sizeof(struct zone *));
    memmove(&table->zones[place + 1], &table->zones[place],
            (table->count - place) * sizeof(struct zone *));
    table->zones[place] = z;
    table->count++;
    return OK;
}

void zone_table_fini(struct zone_table *table)
{
    for (uint32_t i = 0; i < table->count; i++) {
        zone_free(table->zones[i]);
    }
    mem_free(table->zones);
    *table = (struct zone_table){ NULL, 0, 0 };
}

const struct zone *zone_find(const struct zone_table *table, struct text name)
{
    uint32_t place = place_of(table, name);

    if (place < table->count && text_equal(table->zones[place]->name, name)) {
        return table->zones[place];
    }
    return text_is(name, "UTC") ? &utc : NULL;
}

/* --- asking --- */
int64_t zone_offset_ms(const struct zone *z, int64_t at_ms, int64_t *out_until_ms)
{
    uint32_t low = 0, high = z->count;

    while (low < high) { /* the first transition after at_ms */
        uint32_t middle = (low + high) / 2;

        if (z->transitions[middle].at_ms <= at_ms) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == z->count && z->rule.is_used) {
        return rule_offset(&z->rule, at_ms, out_until_ms);
    }
    *out_until_ms = low == z->count ? INSTANT_NEVER : z->transitions[low].at_ms;
    return low == 0 ? z->first_offset_ms : z->transitions[low - 1].offset_ms;
}

struct civil zone_civil(const struct zone *z, int64_t at_ms)
{
    int64_t until_ms;

    return instant_civil(at_ms + zone_offset_ms(z, at_ms, &until_ms));
}

int64_t zone_local_days(const struct zone *z, int64_t at_ms)
{
    int64_t until_ms;

    return instant_floor_days(at_ms + zone_offset_ms(z, at_ms, &until_ms));
}

int64_t zone_local_ms_of_day(const struct zone *z, int64_t at_ms)
{
    int64_t until_ms;
    int64_t local_ms = at_ms + zone_offset_ms(z, at_ms, &until_ms);

    return local_ms - instant_floor_days(local_ms) * DAY_MS;
}

int64_t zone_instant(const struct zone *z, int64_t local_days, int64_t ms_of_day)
{
    int64_t local_ms = local_days * DAY_MS + ms_of_day;
    int64_t at_ms = local_ms - 2 * DAY_MS; /* offsets are within 26 hours: surely before */

    CHECK(ms_of_day >= 0 && ms_of_day <= DAY_MS);
    for (;;) { /* walk the stretches of equal offset until one reaches the local time */
        int64_t until_ms;
        int64_t offset_ms = zone_offset_ms(z, at_ms, &until_ms);
        int64_t candidate_ms = local_ms - offset_ms;

        if (candidate_ms < at_ms) {
            return at_ms; /* the stretch begins beyond it: a gap, left at its end */
        }
        if (candidate_ms < until_ms) {
            return candidate_ms;
        }
        at_ms = until_ms;
    }
}
