#include "processor/engine/rules.h"

#include "processor/base/mem.h"

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
