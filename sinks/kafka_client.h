/* What every Kafka client of the process shares: configuration from the user's properties, whether
 * brokers can be reached, log lines.
 *
 * Layer: sinks. Owner: the caller embeds struct kafka_client in his own struct; it is the opaque of
 * all callbacks. Thread: is_up any; the rest as librdkafka says.
 */
#ifndef SINKS_KAFKA_CLIENT_H
#define SINKS_KAFKA_CLIENT_H
#include "processor/base/err.h"
#include "processor/base/text.h"

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct kafka_property {
    struct text name, value;
};

struct kafka_options {
    struct text brokers; /* comma-separated */
    const struct kafka_property *properties;
    uint32_t property_count;
    const struct kafka_property *role_properties; /* of consumers or producers: win over those */
    uint32_t role_property_count;
};

enum kafka_client_state { KAFKA_CLIENT_STARTING, KAFKA_CLIENT_UP, KAFKA_CLIENT_DOWN };

struct kafka_client {
    const char *name;   /* "publisher", "source": in log lines */
    _Atomic int state;  /* enum kafka_client_state */
    _Atomic int reason; /* last error told, so that it is told once */
};

void kafka_client_init(struct kafka_client *c, const char *name);

/* A configuration whose opaque is *c: ours for all clients, `defaults` of the role, then what the
 * user said. Errors: ERR_CONFIG with librdkafka's sentence in out_text. Owner: the caller,
 * kafka_client_open or rd_kafka_conf_destroy. */
enum err kafka_client_conf(struct kafka_client *c, const struct kafka_options *options,
                           const struct kafka_property *defaults, uint32_t default_count,
                           rd_kafka_conf_t **out_conf, char out_text[256]);
enum err kafka_client_set(rd_kafka_conf_t *conf, struct text name, struct text value,
                          char out_text[256]);

/* Takes conf over, also on errors. Does not wait for a broker. Errors: ERR_CONFIG, as above. */
enum err kafka_client_open(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **out_client,
                           char out_text[256]);

static inline bool kafka_client_is_up(const struct kafka_client *c)
{
    return atomic_load_explicit(&c->state, memory_order_relaxed) == KAFKA_CLIENT_UP;
}

/* A broker has just answered: no need to wait for the next look at the connections. */
void kafka_client_answered(struct kafka_client *c);

/* How many partitions a topic has, waiting for a broker's answer up to 5 s. Errors:
 * ERR_UNAVAILABLE no broker, no such topic, or not yet. */
enum err kafka_topic_partitions(rd_kafka_t *client, struct text topic, int32_t *out_count);

#endif /* SINKS_KAFKA_CLIENT_H */
