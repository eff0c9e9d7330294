#include "schemas/counters.h"

#include "processor/base/check.h"
#include "processor/base/mem.h"

void counters_fini(struct counters *c)
{
    struct counter *one;
    size_t cursor = 0;

    while ((one = map_next(&c->by_name, &cursor)) != NULL) {
        mem_free((void *)(uintptr_t)one->name.at);
        mem_free(one);
    }
    map_fini(&c->by_name);
    mem_free(c->changed);
    *c = (struct counters){ 0 };
}

static struct counter *need(struct counters *c, struct text name)
{
    const struct text lost = TEXT(COUNTERS_LOST);
    struct counter *one = map_find(&c->by_name, name);

    CHECK(name.size > 0 && name.size <= COUNTERS_NAME_SIZE);
    if (one == NULL && c->by_name.count >= COUNTERS_MAX) {
        name = lost;
        one = map_find(&c->by_name, name);
    }
    if (one == NULL) {
        one = mem_alloc(sizeof(*one));
        one->name = text_dup(name);
        one->is_new = true;
        map_put(&c->by_name, one->name, one);
    }
    if (!one->is_changed) {
        one->is_changed = true;
        c->changed = mem_grow32(c->changed, c->changed_count, &c->changed_capacity,
                                sizeof(struct counter *));
        c->changed[c->changed_count++] = one;
    }
    return one;
}

void counters_add(struct counters *c, struct text name, int64_t by)
{
    need(c, name)->value += by;
}

void counters_set(struct counters *c, struct text name, int64_t value)
{
    need(c, name)->value = value;
}

bool counters_find(const struct counters *c, struct text name, int64_t *out_value)
{
    const struct counter *one = map_find(&c->by_name, name);

    if (one == NULL) {
        return false;
    }
    *out_value = one->value;
    return true;
}

int64_t counters_value(const struct counters *c, struct text name)
{
    int64_t value = 0;

    (void)counters_find(c, name, &value);
    return value;
}

static bool is_kept_by_day(struct text name)
{
    return text_starts_with(name, TEXT("segment/")) || text_starts_with(name, TEXT("sequence/")) ||
           text_starts_with(name, TEXT("email/")) || text_starts_with(name, TEXT("content/")) ||
           text_starts_with(name, TEXT("revenue/"));
}

static void keep_all(struct counters *c, int64_t slot)
{
    char room[COUNTERS_NAME_SIZE + 32];
    struct counter **all = mem_alloc((c->by_name.count + 1) * sizeof(struct counter *));
    struct counter *one;
    size_t cursor = 0, count = 0;

    while ((one = map_next(&c->by_name, &cursor)) != NULL) {
        if (is_kept_by_day(one->name)) {
            all[count++] = one; /* the map must not grow while it is walked */
        }
    }
    for (size_t i = 0; i < count; i++) {
        size_t size =
            text_format(room, sizeof(room), "since/%d/%.*s", (int)slot, TEXT_PRINTF(all[i]->name));

        if (size <= COUNTERS_NAME_SIZE) {
            counters_set(c, (struct text){ room, size }, all[i]->value);
        }
    }
    mem_free(all);
}

void counters_turn(struct counters *c, int64_t day)
{
    const struct text newest = TEXT("since/day");
    int64_t slot = (day % COUNTERS_DAYS + COUNTERS_DAYS) % COUNTERS_DAYS;
    char room[32];

    if (c->day == 0 && !counters_find(c, newest, &c->day)) {
        c->day = INT64_MIN;
    }
    if (day <= c->day) {
        return;
    }
    keep_all(c, slot);
    counters_set(c, (struct text){ room, text_format(room, sizeof(room), "since/%d", (int)slot) },
                 day);
    counters_set(c, newest, day);
    c->day = day;
}

void counters_clean(struct counters *c)
{
    for (uint32_t i = 0; i < c->changed_count; i++) {
        struct counter *one = c->changed[i];

        one->is_changed = one->is_new = false;
        one->clean = one->value;
    }
    c->changed_count = 0;
}

const struct counter_value *counters_durable(const struct counters *c, struct arena *arena,
                                             uint32_t *out_count)
{
    struct counter_value *values = arena_alloc(arena, (c->by_name.count + 1) * sizeof(*values));
    const struct counter *one;
    size_t cursor = 0;

    *out_count = 0;
    while ((one = map_next(&c->by_name, &cursor)) != NULL) {
        if (!one->is_new) {
            values[(*out_count)++] = (struct counter_value){ one->name, one->clean };
        }
    }
    return values;
}
