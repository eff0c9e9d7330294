#include "processor/base/rng.h"
#include "processor/base/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static const char *const names[] = { "Europe/Berlin",    "Asia/Kolkata",        "America/New_York",
                                     "Pacific/Apia",     "Australia/Lord_Howe", "Europe/Dublin",
                                     "America/St_Johns", "Pacific/Kiritimati",  "Africa/Casablanca",
                                     "America/Sao_Paulo" };

#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

static struct zone_table zones;

static struct bytes_out read_file(const char *name)
{
    struct bytes_out all = { NULL, 0, 0 };
    char path[128], part[4096];
    FILE *file;
    size_t got;

    (void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
    file = fopen(path, "re");
    assert_non_null(file);
    while ((got = fread(part, 1, sizeof(part), file)) > 0) {
        bytes_put(&all, part, got);
    }
    (void)fclose(file);
    return all;
}

static int load(void **state)
{
    (void)state;
    for (size_t i = 0; i < NAME_COUNT; i++) {
        struct bytes_out tzif = read_file(names[i]);

        assert_int_equal(zone_table_add(&zones, text_of(names[i]), bytes_out_view(&tzif)), OK);
        bytes_out_fini(&tzif);
    }
    return 0;
}

static int unload(void **state)
{
    (void)state;
    zone_table_fini(&zones);
    return 0;
}

static int64_t utc(const char *text)
{
    int64_t at_ms = 0;

    assert_true(instant_parse(text_of(text), &at_ms));
    return at_ms;
}

/* The instant of a local date and time, as text. */
static void is_instant(const char *zone, const char *date, const char *clock, const char *wanted)
{
    const struct zone *z = zone_find(&zones, text_of(zone));
    char written[INSTANT_TEXT_SIZE];
    int32_t minutes = 0;
    int64_t days = 0;

    assert_non_null(z);
    assert_true(instant_parse_date(text_of(date), &days));
    assert_true(instant_parse_clock(text_of(clock), &minutes));
    instant_format(zone_instant(z, days, minutes * MINUTE_MS), written);
    assert_string_equal(written, wanted);
}

static void a_local_time_becomes_an_instant(void **state)
{
    (void)state;
    is_instant("Europe/Berlin", "2026-01-15", "09:00", "2026-01-15T08:00:00Z");
    is_instant("Europe/Berlin", "2026-07-15", "09:00", "2026-07-15T07:00:00Z");
    is_instant("Europe/Berlin", "2026-07-15", "24:00", "2026-07-15T22:00:00Z");
    is_instant("Asia/Kolkata", "2026-03-02", "09:00", "2026-03-02T03:30:00Z");
    is_instant("America/New_York", "2026-03-02", "09:00", "2026-03-02T14:00:00Z");
    is_instant("America/St_Johns", "2026-07-01", "00:00", "2026-07-01T02:30:00Z");
    is_instant("Pacific/Kiritimati", "2026-01-01", "00:00", "2025-12-31T10:00:00Z");
}

static void a_time_in_a_gap_is_the_first_instant_after_it(void **state)
{
    (void)state;
    is_instant("Europe/Berlin", "2026-03-29", "01:59", "2026-03-29T00:59:00Z");
    is_instant("Europe/Berlin", "2026-03-29", "02:00", "2026-03-29T01:00:00Z");
    is_instant("Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T01:00:00Z");
    is_instant("Europe/Berlin", "2026-03-29", "03:00", "2026-03-29T01:00:00Z");
    is_instant("Europe/Berlin", "2026-03-29", "03:01", "2026-03-29T01:01:00Z");
    is_instant("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:30:00Z");
    /* a whole day: Samoa had no 30 December 2011 */
    is_instant("Pacific/Apia", "2011-12-30", "12:00", "2011-12-30T10:00:00Z");
}

static void a_repeated_hour_means_the_first_of_the_two(void **state)
{
    (void)state;
    is_instant("Europe/Berlin", "2026-10-25", "02:00", "2026-10-25T00:00:00Z");
    is_instant("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30:00Z");
    is_instant("Europe/Berlin", "2026-10-25", "02:59", "2026-10-25T00:59:00Z");
    is_instant("Europe/Berlin", "2026-10-25", "03:00", "2026-10-25T02:00:00Z");
    is_instant("America/New_York", "2026-11-01", "01:30", "2026-11-01T05:30:00Z");
}

static void after_the_table_the_footer_rules(void **state)
{
    (void)state;
    is_instant("America/New_York", "2045-01-15", "09:00", "2045-01-15T14:00:00Z");
    is_instant("America/New_York", "2045-07-15", "09:00", "2045-07-15T13:00:00Z");
    is_instant("America/New_York", "2045-03-12", "02:30", "2045-03-12T07:00:00Z");
    is_instant("America/New_York", "2045-11-05", "01:30", "2045-11-05T05:30:00Z");
    is_instant("Europe/Berlin", "2096-03-25", "02:30", "2096-03-25T01:00:00Z");
    is_instant("Europe/Dublin", "2060-07-01", "12:00", "2060-07-01T11:00:00Z");
    is_instant("Europe/Dublin", "2060-01-01", "12:00", "2060-01-01T12:00:00Z");
    is_instant("Asia/Kolkata", "2099-01-01", "00:00", "2098-12-31T18:30:00Z");
}

static void an_offset_says_until_when_it_holds(void **state)
{
    const struct zone *z = zone_find(&zones, TEXT("Europe/Berlin"));
    int64_t until_ms;

    (void)state;
    assert_int_equal(zone_offset_ms(z, utc("2026-01-15T00:00:00Z"), &until_ms), HOUR_MS);
    assert_int_equal(until_ms, utc("2026-03-29T01:00:00Z"));
    assert_int_equal(zone_offset_ms(z, until_ms - 1, &until_ms), HOUR_MS);
    assert_int_equal(zone_offset_ms(z, until_ms, &until_ms), 2 * HOUR_MS);
    assert_int_equal(until_ms, utc("2026-10-25T01:00:00Z"));
    assert_int_equal(zone_offset_ms(z, utc("2050-12-31T23:30:00Z"), &until_ms), HOUR_MS);
    assert_int_equal(until_ms, utc("2051-03-26T01:00:00Z"));
    z = zone_find(&zones, TEXT("Asia/Kolkata"));
    assert_int_equal(zone_offset_ms(z, utc("2026-01-15T00:00:00Z"), &until_ms), 330 * MINUTE_MS);
    assert_int_equal(until_ms, INSTANT_NEVER);
}

static void local_parts_are_those_of_the_wall(void **state)
{
    const struct zone *z = zone_find(&zones, TEXT("Asia/Kolkata"));
    struct civil c = zone_civil(z, utc("2025-12-31T18:30:05.250Z"));
    int64_t days;

    (void)state;
    assert_int_equal(c.year, 2026);
    assert_int_equal(c.month, 1);
    assert_int_equal(c.day, 1);
    assert_int_equal(c.hour, 0);
    assert_int_equal(c.second, 5);
    assert_int_equal(c.ms, 250);
    assert_true(instant_parse_date(TEXT("2026-01-01"), &days));
    assert_int_equal(zone_local_days(z, utc("2025-12-31T18:30:00Z")), days);
    assert_int_equal(zone_local_days(z, utc("2025-12-31T18:29:59Z")), days - 1);
    assert_int_equal(zone_local_ms_of_day(z, utc("2025-12-31T18:29:59.999Z")), DAY_MS - 1);
}

/* Why: an independent reader of the same files. How: the C library, at random instants of 1900 to
 * 2099 and on both sides of every change it would notice. */
static void agrees_with_the_c_library_by_seed(void **state)
{
    struct rng r;

    (void)state;
    rng_init(&r, 5);
    for (size_t i = 0; i < NAME_COUNT; i++) {
        const struct zone *z = zone_find(&zones, text_of(names[i]));

        assert_int_equal(setenv("TZ", names[i], 1), 0);
        tzset();
        for (unsigned k = 0; k < 2000; k++) {
            time_t at_s = rng_between(&r, -2208988800, 4102444800);
            int64_t until_ms, offset_ms = zone_offset_ms(z, at_s * SECOND_MS, &until_ms);
            time_t change_s = until_ms == INSTANT_NEVER ? at_s : until_ms / SECOND_MS;
            struct tm local;

            assert_non_null(localtime_r(&at_s, &local));
            if (local.tm_gmtoff * SECOND_MS != offset_ms) {
                fail_msg("%s at %lld", names[i], (long long)at_s);
            }
            change_s -= until_ms == INSTANT_NEVER ? 0 : 1;
            assert_non_null(localtime_r(&change_s, &local));
            if (change_s < 4102444800 && local.tm_gmtoff * SECOND_MS != offset_ms) {
                fail_msg("%s before %lld", names[i], (long long)change_s);
            }
        }
    }
    assert_int_equal(unsetenv("TZ"), 0);
}

/* The definition, by looking: no earlier instant is at or after the local time, and this one is. */
static void the_first_instant_at_or_after_a_local_time_by_seed(void **state)
{
    struct rng r;

    (void)state;
    rng_init(&r, 6);
    for (unsigned i = 0; i < 20000; i++) {
        const struct zone *z = zone_find(&zones, text_of(names[rng_below(&r, NAME_COUNT)]));
        int64_t days = rng_between(&r, 0, 47000), of_day = rng_between(&r, 0, 96) * 15 * MINUTE_MS;
        int64_t wanted = days * DAY_MS + of_day, until_ms;
        int64_t at_ms = zone_instant(z, days, of_day);

        assert_true(at_ms + zone_offset_ms(z, at_ms, &until_ms) >= wanted);
        for (int64_t back = 1; back <= 26 * HOUR_MS; back += 15 * MINUTE_MS) {
            assert_true(at_ms - back + zone_offset_ms(z, at_ms - back, &until_ms) < wanted);
        }
    }
}

static void zones_are_found_by_name(void **state)
{
    int64_t until_ms;

    (void)state;
    for (size_t i = 0; i < NAME_COUNT; i++) {
        assert_true(text_is(zone_name(zone_find(&zones, text_of(names[i]))), names[i]));
    }
    assert_null(zone_find(&zones, TEXT("Europe/Berli")));
    assert_null(zone_find(&zones, TEXT("")));
    assert_ptr_equal(zone_find(&zones, TEXT("UTC")), zone_utc());
    assert_int_equal(zone_offset_ms(zone_utc(), 0, &until_ms), 0);
    assert_int_equal(until_ms, INSTANT_NEVER);
    assert_int_equal(zone_instant(zone_utc(), 1, HOUR_MS), DAY_MS + HOUR_MS);
}

/* Why: the file is input. How: every truncation is refused, every changed byte is refused or read,
 * and none reads out of bounds. */
static void a_damaged_file_does_no_harm(void **state)
{
    struct bytes_out tzif = read_file("Europe/Berlin");
    struct zone_table table = { NULL, 0, 0 };
    int64_t until_ms;

    (void)state;
    for (size_t size = 0; size < tzif.size; size++) {
        uint8_t *cut = malloc(size + 1);
        enum err e;

        assert_non_null(cut);
        memcpy(cut, tzif.at, size);
        e = zone_table_add(&table, TEXT("cut"), (struct bytes){ cut, size });
        free(cut);
        assert_int_equal(e, ERR_BAD_DATA);
    }
    for (size_t i = 0; i < tzif.size; i++) {
        uint8_t was = tzif.at[i];

        tzif.at[i] = (uint8_t)(was ^ 0xff);
        if (zone_table_add(&table, TEXT("changed"), bytes_out_view(&tzif)) == OK) {
            (void)zone_offset_ms(zone_find(&table, TEXT("changed")), 2000000000000, &until_ms);
            (void)zone_instant(zone_find(&table, TEXT("changed")), 30000, HOUR_MS);
        }
        tzif.at[i] = was;
    }
    zone_table_fini(&table);
    bytes_out_fini(&tzif);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_local_time_becomes_an_instant),
        cmocka_unit_test(a_time_in_a_gap_is_the_first_instant_after_it),
        cmocka_unit_test(a_repeated_hour_means_the_first_of_the_two),
        cmocka_unit_test(after_the_table_the_footer_rules),
        cmocka_unit_test(an_offset_says_until_when_it_holds),
        cmocka_unit_test(local_parts_are_those_of_the_wall),
        cmocka_unit_test(agrees_with_the_c_library_by_seed),
        cmocka_unit_test(the_first_instant_at_or_after_a_local_time_by_seed),
        cmocka_unit_test(zones_are_found_by_name),
        cmocka_unit_test(a_damaged_file_does_no_harm),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
