/* Instants, dates and durations as people write them, without the C library's calendar.
 *
 * Layer: base (pure: nothing here reads a clock). Units: ms since 1970-01-01T00:00:00Z; days since
 * 1970-01-01.
 */
#ifndef BASE_INSTANT_H
#define BASE_INSTANT_H
#include "processor/base/text.h"

#include <stdbool.h>
#include <stdint.h>

#define INSTANT_NEVER INT64_MAX /* as a timer or an "until" */
#define INSTANT_MIN                                                                                \
    INT64_C(-62135596800000) /* 0001-01-01, the least instant accepted from outside */
#define INSTANT_MAX INT64_C(253402300799999) /* 9999-12-31, the largest */
#define SECOND_MS   INT64_C(1000)
#define MINUTE_MS   INT64_C(60000)
#define HOUR_MS     INT64_C(3600000)
#define DAY_MS      INT64_C(86400000)

struct civil {
    int32_t year;
    int32_t month; /* 1..12 */
    int32_t day;   /* 1..31 */
    int32_t hour;  /* 0..23 */
    int32_t minute;
    int32_t second;
    int32_t ms;
};

/* Proleptic Gregorian calendar. (Howard Hinnant, "chrono-compatible low-level date algorithms".) */
int64_t instant_days_from_civil(int32_t year, int32_t month, int32_t day);
void instant_civil_from_days(int64_t days, int32_t *out_year, int32_t *out_month, int32_t *out_day);
struct civil instant_civil(int64_t at_ms);         /* UTC */
int64_t instant_from_civil(const struct civil *c); /* UTC */
int64_t instant_floor_days(int64_t at_ms);         /* floor(at_ms / DAY_MS) */
int32_t instant_weekday(int64_t days);             /* 0 Sunday .. 6 Saturday */

/* RFC 3339 with "Z" or an offset, fractions of a second cut to ms; `T`, `t` or a space between.
 * Returns: false when malformed or out of range; *out_ms is written only on success. */
bool instant_parse(struct text t, int64_t *out_ms);
bool instant_parse_date(struct text t, int64_t *out_days); /* "1997-01-01" */
bool instant_parse_clock(struct text t,
                         int32_t *out_minutes); /* "09:00".."24:00": minutes of the day */

/* Durations: 250ms 90s 15m 4h 3d 2w, several units largest first ("61d8h30m"), "0d". Not negative.
 * Returns: false when malformed or over 100 years. */
bool instant_parse_duration(struct text t, int64_t *out_ms);

#define INSTANT_TEXT_SIZE 32
void instant_format(int64_t at_ms,
                    char out[INSTANT_TEXT_SIZE]); /* 2026-03-02T09:00:00.000Z; ".000" left out */
void instant_format_duration(int64_t ms, char out[INSTANT_TEXT_SIZE]); /* 3d, 61d8h30m, 250ms, 0d */
void instant_format_date(int64_t days, char out[INSTANT_TEXT_SIZE]);   /* 1997-01-01 */

#endif /* BASE_INSTANT_H */
