/* The configuration's Kafka properties as the clients of sinks and runtime take them.
 *
 * Layer: runtime.
 */
#ifndef RUNTIME_KAFKA_SETTINGS_H
#define RUNTIME_KAFKA_SETTINGS_H
#include "processor/config/config.h"
#include "sinks/kafka_client.h"

/* What it points to lives in the arena and the configuration. */
void kafka_settings(const struct config *config, bool is_producer, struct arena *arena,
                    struct kafka_options *out_options);

#endif /* RUNTIME_KAFKA_SETTINGS_H */
