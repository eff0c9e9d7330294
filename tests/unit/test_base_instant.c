#include "processor/base/instant.h"
#include "processor/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct {
    const char *text;
    int64_t at_ms;
} good_instants[] = {
    { "1970-01-01T00:00:00Z", 0 },
    { "2026-03-02T09:00:00Z", 1772442000000 },
    { "2026-03-02t09:00:00z", 1772442000000 },
    { "2026-03-02 09:00:00Z", 1772442000000 },
    { "2026-03-02T10:00:00+01:00", 1772442000000 },
    { "2026-03-02T03:30:00-05:30", 1772442000000 },
    { "2026-03-01T09:01:00-23:59", 1772442000000 },
    { "2026-03-02T09:00:00.1Z", 1772442000100 },
    { "2026-03-02T09:00:00.123Z", 1772442000123 },
    { "2026-03-02T09:00:00.123999999Z", 1772442000123 }, /* cut, not rounded */
    { "1969-12-31T23:59:59.999Z", -1 },
    { "2024-02-29T00:00:00Z", 1709164800000 },
    { "2000-02-29T12:00:00-00:00", 951825600000 },
    { "0001-01-01T00:00:00Z", INSTANT_MIN },
    { "9999-12-31T23:59:59.999Z", INSTANT_MAX },
};

static const char *const bad_instants[] = {
    "",
    "2026-03-02",
    "2026-03-02T09:00:00",
    "2026-03-02T09:00Z",
    "2026-3-02T09:00:00Z",
    "2026-03-02T9:00:00Z",
    "26-03-02T09:00:00Z",
    "2026-13-02T09:00:00Z",
    "2026-00-02T09:00:00Z",
    "2026-02-29T09:00:00Z",
    "1900-02-29T09:00:00Z",
    "2026-04-31T09:00:00Z",
    "2026-03-00T09:00:00Z",
    "2026-03-02T24:00:00Z",
    "2026-03-02T09:60:00Z",
    "2026-03-02T09:00:60Z",
    "2026-03-02T09:00:00.Z",
    "2026-03-02T09:00:00,5Z",
    "2026-03-02T09:00:00+1:00",
    "2026-03-02T09:00:00+0100",
    "2026-03-02T09:00:00+24:00",
    "2026-03-02T09:00:00+01:60",
    "2026-03-02T09:00:00Z ",
    " 2026-03-02T09:00:00Z",
    "2026-03-02T09:00:00ZZ",
    "2026-03-02X09:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+00:01", /* before the year 1 */
    "9999-12-31T23:59:59-00:01", /* after 9999 */
    "1772442000000",
    "tomorrow",
};

static void rfc_3339_is_read_and_nothing_else(void **state)
{
    int64_t at_ms = 42;

    (void)state;
    for (size_t i = 0; i < sizeof(good_instants) / sizeof(good_instants[0]); i++) {
        if (!instant_parse(text_of(good_instants[i].text), &at_ms) ||
            at_ms != good_instants[i].at_ms) {
            fail_msg("%s: %lld", good_instants[i].text, (long long)at_ms);
        }
    }
    at_ms = 42;
    for (size_t i = 0; i < sizeof(bad_instants) / sizeof(bad_instants[0]); i++) {
        if (instant_parse(text_of(bad_instants[i]), &at_ms) || at_ms != 42) {
            fail_msg("%s is taken", bad_instants[i]);
        }
    }
    assert_false(instant_parse(TEXT("2026-03-02\0T09:00:00Z"), &at_ms));
    assert_false(instant_parse(TEXT_NONE, &at_ms));
}

static void dates_and_times_of_day_are_read(void **state)
{
    int64_t days = 0;
    int32_t minutes = 0;

    (void)state;
    assert_true(instant_parse_date(TEXT("1997-01-01"), &days));
    assert_int_equal(days, 9862);
    assert_true(instant_parse_date(TEXT("0001-01-01"), &days));
    assert_int_equal(days, INSTANT_MIN / DAY_MS);
    assert_false(instant_parse_date(TEXT("1997-02-29"), &days));
    assert_false(instant_parse_date(TEXT("1997-01-01T00:00:00Z"), &days));
    assert_false(instant_parse_date(TEXT("19970101"), &days));
    assert_true(instant_parse_clock(TEXT("00:00"), &minutes));
    assert_int_equal(minutes, 0);
    assert_true(instant_parse_clock(TEXT("09:05"), &minutes));
    assert_int_equal(minutes, 545);
    assert_true(instant_parse_clock(TEXT("24:00"), &minutes));
    assert_int_equal(minutes, 1440);
    assert_false(instant_parse_clock(TEXT("24:01"), &minutes));
    assert_false(instant_parse_clock(TEXT("25:00"), &minutes));
    assert_false(instant_parse_clock(TEXT("9:00"), &minutes));
    assert_false(instant_parse_clock(TEXT("09:60"), &minutes));
    assert_false(instant_parse_clock(TEXT("09:00:00"), &minutes));
}

static const struct {
    const char *text;
    int64_t ms; /* -1: bad */
    const char *written;
} durations[] = {
    { "250ms", 250, "250ms" },
    { "90s", 90000, "1m30s" },
    { "15m", 900000, "15m" },
    { "4h", 14400000, "4h" },
    { "3d", 259200000, "3d" },
    { "2w", 1209600000, "14d" },
    { "61d8h30m", 5301000000, "61d8h30m" },
    { "1w1d1h1m1s1ms", 694861001, "8d1h1m1s1ms" },
    { "0d", 0, "0d" },
    { "0ms", 0, "0d" },
    { "36525d", 3155760000000, "36525d" },
    { "36524d24h", 3155760000000, "36525d" },
    { "", -1, NULL },
    { "d", -1, NULL },
    { "3", -1, NULL },
    { "-3d", -1, NULL },
    { "+3d", -1, NULL },
    { "3 d", -1, NULL },
    { " 3d", -1, NULL },
    { "3d ", -1, NULL },
    { "3D", -1, NULL },
    { "1.5h", -1, NULL },
    { "3y", -1, NULL },
    { "3days", -1, NULL },
    { "1h1d", -1, NULL }, /* largest first */
    { "1d1d", -1, NULL },
    { "36525d1ms", -1, NULL },
    { "36526d", -1, NULL },
    { "5218w", -1, NULL },
    { "99999999999999999999d", -1, NULL },
    { "9223372036854775807ms", -1, NULL },
    { "18446744073709551617ms", -1, NULL },
};

static void durations_are_read_and_written(void **state)
{
    char written[INSTANT_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
        int64_t ms = -1;
        bool is_good = instant_parse_duration(text_of(durations[i].text), &ms);

        if (is_good != (durations[i].ms >= 0) || ms != durations[i].ms) {
            fail_msg("\"%s\": %lld", durations[i].text, (long long)ms);
        }
        if (is_good) {
            instant_format_duration(ms, written);
            assert_string_equal(written, durations[i].written);
        }
    }
    instant_format_duration(INT64_MAX, written); /* the longest there is has room */
    assert_string_equal(written, "106751991167d7h12m55s807ms");
}

static void a_written_duration_reads_back_by_seed(void **state)
{
    char written[INSTANT_TEXT_SIZE];
    struct rng r;

    (void)state;
    rng_init(&r, 3);
    for (unsigned i = 0; i < 5000; i++) {
        int64_t ms = (int64_t)(rng_below(&r, UINT64_C(3155760000001)) >> rng_below(&r, 40)), back;

        instant_format_duration(ms, written);
        assert_true(instant_parse_duration(text_of(written), &back));
        assert_int_equal(back, ms);
    }
}

static void instants_and_dates_are_written(void **state)
{
    char written[INSTANT_TEXT_SIZE];

    (void)state;
    instant_format(1772442000000, written);
    assert_string_equal(written, "2026-03-02T09:00:00Z");
    instant_format(1772442000007, written);
    assert_string_equal(written, "2026-03-02T09:00:00.007Z");
    instant_format(-1, written);
    assert_string_equal(written, "1969-12-31T23:59:59.999Z");
    instant_format(INSTANT_MIN, written);
    assert_string_equal(written, "0001-01-01T00:00:00Z");
    instant_format(INSTANT_NEVER, written); /* odd, but not out of bounds */
    assert_string_equal(written, "292278994-08-17T07:12:55.807Z");
    instant_format_date(9862, written);
    assert_string_equal(written, "1997-01-01");
}

static void every_written_instant_reads_back_by_seed(void **state)
{
    char written[INSTANT_TEXT_SIZE];
    struct rng r;

    (void)state;
    rng_init(&r, 4);
    for (unsigned i = 0; i < 20000; i++) {
        int64_t at_ms = rng_between(&r, INSTANT_MIN, INSTANT_MAX), back;
        struct civil c = instant_civil(at_ms);

        instant_format(at_ms, written);
        assert_true(instant_parse(text_of(written), &back));
        assert_int_equal(back, at_ms);
        assert_int_equal(instant_from_civil(&c), at_ms);
    }
}

static int32_t month_days(int32_t year, int32_t month)
{
    if (month == 2) {
        return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28;
    }
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* Why: everything stands on this. How: count the days one by one from year -200 to 9999; the known
 * first day and weekday tie the count down. */
static void the_calendar_counts_every_day_of_years_minus_200_to_9999(void **state)
{
    int64_t days = -792576; /* -0200-01-01: 719,528 days from year 0 to 1970, 73,048 before */

    (void)state;
    assert_int_equal(instant_days_from_civil(1970, 1, 1), 0);
    assert_int_equal(instant_days_from_civil(2000, 3, 1), 11017);
    assert_int_equal(instant_weekday(0), 4);
    assert_int_equal(instant_weekday(-1), 3);
    for (int32_t year = -200; year <= 9999; year++) {
        for (int32_t month = 1; month <= 12; month++) {
            for (int32_t day = 1; day <= month_days(year, month); day++) {
                int32_t y, m, d;

                if (instant_days_from_civil(year, month, day) != days) {
                    fail_msg("%d-%d-%d", year, month, day);
                }
                instant_civil_from_days(days, &y, &m, &d);
                if (y != year || m != month || d != day) {
                    fail_msg("%lld", (long long)days);
                }
                days++;
            }
        }
    }
    assert_int_equal(days, (INSTANT_MAX + 1) / DAY_MS);
}

static void days_are_floored(void **state)
{
    (void)state;
    assert_int_equal(instant_floor_days(0), 0);
    assert_int_equal(instant_floor_days(DAY_MS - 1), 0);
    assert_int_equal(instant_floor_days(-1), -1);
    assert_int_equal(instant_floor_days(-DAY_MS), -1);
    assert_int_equal(instant_floor_days(-DAY_MS - 1), -2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_3339_is_read_and_nothing_else),
        cmocka_unit_test(dates_and_times_of_day_are_read),
        cmocka_unit_test(durations_are_read_and_written),
        cmocka_unit_test(a_written_duration_reads_back_by_seed),
        cmocka_unit_test(instants_and_dates_are_written),
        cmocka_unit_test(every_written_instant_reads_back_by_seed),
        cmocka_unit_test(the_calendar_counts_every_day_of_years_minus_200_to_9999),
        cmocka_unit_test(days_are_floored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
