#include "processor/report/tally.h"

#include <stdlib.h>

uint32_t tally_split(struct text name, struct text *out_parts, uint32_t most)
{
    uint32_t count = 0;
    size_t begin = 0;

    for (size_t i = 0; i <= name.size && count < most; i++) {
        if (i == name.size || name.at[i] == '/') {
            out_parts[count++] = (struct text){ name.at + begin, i - begin };
            begin = i + 1;
        }
    }
    return begin > name.size ? count : most + 1;
}

static bool is_of_a_day(struct text name)
{
    return text_starts_with(name, TEXT("since/"));
}

/* since/<n>: which day that is. */
static bool is_day(struct text name, int64_t *out_slot)
{
    struct text parts[2];
    char room[16];
    char *end;

    if (tally_split(name, parts, 2) != 2 || !text_is(parts[0], "since") || parts[1].size == 0 ||
        parts[1].size >= sizeof(room)) {
        return false;
    }
    (void)text_format(room, sizeof(room), "%.*s", TEXT_PRINTF(parts[1]));
    *out_slot = strtoll(room, &end, 10);
    return *end == '\0';
}

/* The first day kept that is not before since_day: nothing was counted from since_day to it, unless
 * it is the oldest kept. Returns: false when nothing was counted from since_day on. */
static bool find_day(const struct tally *t, const struct counter_value *counters, uint32_t count,
                     int64_t *out_slot, int64_t *out_day, bool *out_is_oldest)
{
    bool is_found = false;
    int64_t oldest = INT64_MAX, slot;

    for (uint32_t i = 0; i < count; i++) {
        if (!is_day(counters[i].name, &slot)) {
            continue;
        }
        oldest = counters[i].value < oldest ? counters[i].value : oldest;
        if (counters[i].value >= t->since_day && (!is_found || counters[i].value < *out_day)) {
            is_found = true;
            *out_slot = slot;
            *out_day = counters[i].value;
        }
    }
    *out_is_oldest = is_found && *out_day == oldest;
    return is_found;
}

void tally_add(struct tally *t, const struct counter_value *counters, uint32_t count)
{
    int64_t slot = 0, day = 0;
    bool is_oldest = false, had_more = false, is_found = false;
    char room[32];
    struct text prefix;

    if (t->since_day != TALLY_EVER) {
        is_found = find_day(t, counters, count, &slot, &day, &is_oldest);
    }
    prefix = (struct text){ room, text_format(room, sizeof(room), "since/%lld/", (long long)slot) };
    for (uint32_t i = 0; i < count; i++) {
        struct text name = counters[i].name;

        if (!is_of_a_day(name)) {
            counters_add(&t->now, name, counters[i].value);
            if (t->since_day != TALLY_EVER && !is_found) {
                counters_add(&t->then, name, counters[i].value); /* nothing since */
            }
        } else if (is_found && text_starts_with(name, prefix)) {
            counters_add(&t->then, (struct text){ name.at + prefix.size, name.size - prefix.size },
                         counters[i].value);
            had_more = true;
        }
    }
    if (t->from_day < t->since_day) {
        t->from_day = t->since_day;
    }
    if (is_oldest && had_more && day > t->from_day) {
        t->from_day = day; /* what was counted before it, but after since_day, cannot be told */
    }
}

void tally_fini(struct tally *t)
{
    counters_fini(&t->now);
    counters_fini(&t->then);
}

static struct text join(struct tally_name name, char room[COUNTERS_NAME_SIZE])
{
    size_t size = 0;

    for (uint32_t i = 0; i < TALLY_PARTS && name.parts[i].at != NULL; i++) {
        size += text_format(room + size, COUNTERS_NAME_SIZE - size, "%s%.*s", i == 0 ? "" : "/",
                            TEXT_PRINTF(name.parts[i]));
    }
    return (struct text){ room, size };
}

int64_t tally_total(const struct tally *t, struct tally_name name)
{
    char room[COUNTERS_NAME_SIZE];

    return counters_value(&t->now, join(name, room));
}

int64_t tally_period(const struct tally *t, struct tally_name name)
{
    char room[COUNTERS_NAME_SIZE];
    struct text joined = join(name, room);

    return counters_value(&t->now, joined) - counters_value(&t->then, joined);
}
