#include "processor/runtime/kafka_settings.h"

static const struct kafka_property *copy(const struct property *from, uint32_t count,
                                         struct arena *arena)
{
    struct kafka_property *to = arena_alloc(arena, (count + 1) * sizeof(struct kafka_property));

    for (uint32_t i = 0; i < count; i++) {
        to[i] = (struct kafka_property){ from[i].name, from[i].value };
    }
    return to;
}

void kafka_settings(const struct config *config, bool is_producer, struct arena *arena,
                    struct kafka_options *out_options)
{
    const struct property *role =
        is_producer ? config->producer_properties : config->consumer_properties;
    uint32_t role_count =
        is_producer ? config->producer_property_count : config->consumer_property_count;

    *out_options = (struct kafka_options){ .brokers = config->brokers,
                                           .properties = copy(config->properties,
                                                              config->property_count, arena),
                                           .property_count = config->property_count,
                                           .role_properties = copy(role, role_count, arena),
                                           .role_property_count = role_count };
}
