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
