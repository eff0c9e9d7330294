/* Time zones as plain tables, read once from TZif files (RFC 8536) and passed in as values.
 *
 * Layer: base (pure: zone_parse takes bytes; whoever starts the program reads the files).
 * After the last transition of the table its POSIX TZ footer rule applies.
 */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H
#include "processor/base/bytes.h"
#include "processor/base/err.h"
#include "processor/base/instant.h"

#include <stdint.h>

#define ZONE_NAME_SIZE_MAX 48

struct zone;

/* All zones of one program, found by name ("Europe/Berlin"). Immutable after loading; any thread
 * may read. */
struct zone_table {
    struct zone **zones; /* by name, ascending bytes */
    uint32_t count;
    uint32_t capacity;
};

/* Errors: ERR_BAD_DATA the bytes are no TZif of version 2 or later. Owner: the table. */
enum err zone_table_add(struct zone_table *table, struct text name, struct bytes tzif);
void zone_table_fini(struct zone_table *table);
const struct zone *zone_find(const struct zone_table *table, struct text name); /* NULL: unknown */
const struct zone *zone_utc(void);
struct text zone_name(const struct zone *z);

/* Local time minus UTC at that instant, in ms, and the next instant at which it changes (or
 * INSTANT_NEVER). */
int64_t zone_offset_ms(const struct zone *z, int64_t at_ms, int64_t *out_until_ms);
struct civil zone_civil(const struct zone *z, int64_t at_ms);
int64_t zone_local_days(const struct zone *z,
                        int64_t at_ms); /* the local date, as days since 1970-01-01 */
int64_t zone_local_ms_of_day(const struct zone *z, int64_t at_ms);

/* The first instant at which local time is at or after that local date and time of day: in a gap
 * the first instant after it, in a repeated hour the first of the two. ms_of_day: 0..DAY_MS. */
int64_t zone_instant(const struct zone *z, int64_t local_days, int64_t ms_of_day);

#endif /* BASE_ZONE_H */
