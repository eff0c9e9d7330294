#include "processor/engine/rules.h"

#include "processor/base/mem.h"

#define NAME_SIZE 256

void rules_fini(struct rules *rules)
{
    facts_plan_fini(&rules->facts);
    mem_free(rules->segments.segments);
    zone_table_fini(&rules->zones);
    arena_fini(&rules->arena);
}

const struct sequence_plan *rules_sequence(const struct rules *rules, uint32_t key)
{
    for (uint32_t i = 0; i < rules->sequence_count; i++) {
        if (rules->sequences[i].key == key) {
            return &rules->sequences[i];
        }
    }
    return NULL;
}

const struct email_plan *rules_email(const struct sequence_plan *s, uint32_t key,
                                     uint32_t *out_index)
{
    for (uint32_t i = 0; i < s->email_count; i++) {
        if (s->emails[i].key == key) {
            *out_index = i;
            return &s->emails[i];
        }
    }
    return NULL;
}

const struct experiment_plan *rules_experiment(const struct rules *rules, struct text id)
{
    for (uint32_t i = 0; i < rules->experiment_count; i++) {
        if (text_equal(rules->experiments[i].id, id)) {
            return &rules->experiments[i];
        }
    }
    return NULL;
}

const struct experiment_plan *rules_note_arms(const struct rules *rules, struct counters *counters)
{
    for (uint32_t i = 0; i < rules->experiment_count; i++) {
        const struct experiment_plan *x = &rules->experiments[i];
        char room[NAME_SIZE];
        const struct text name = { room, text_format(room, sizeof(room), "experiment/%.*s/%d/arms",
                                                     TEXT_PRINTF(x->id), x->version) };
        int64_t before;

        if (!counters_find(counters, name, &before)) {
            counters_set(counters, name, (int64_t)x->arms_hash);
        } else if (before != (int64_t)x->arms_hash) {
            return x;
        }
    }
    return NULL;
}
