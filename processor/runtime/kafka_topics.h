/* Topics as they should be and as the cluster has them, and making those that are missing.
 *
 * Layer: runtime, for tools. Nothing is ever changed or deleted: only what is missing is made.
 */
#ifndef RUNTIME_KAFKA_TOPICS_H
#define RUNTIME_KAFKA_TOPICS_H
#include "processor/runtime/kafka_tool.h"

#define TOPIC_SETTINGS_MAX 4

struct topic_setting {
    const char *name;   /* of Kafka's topic configuration */
    const char *wanted; /* its value .. */
    bool is_must;       /* .. without which we do not work as promised; else advice */
    char found[64];     /* what the cluster has; "": not told */
};

struct topic_wish {
    struct text topic; /* ends with 0 */
    bool is_input;
    int32_t partitions; /* to make it with; 0: not decided yet */
    struct topic_setting settings[TOPIC_SETTINGS_MAX];
    uint32_t setting_count;
    int32_t found_partitions; /* 0: it is not there */
};

struct topic_plan {
    struct topic_wish *wishes; /* inputs in the configuration's order, then outputs */
    uint32_t count;
    int32_t brokers;
    int32_t replication; /* to make topics with */
};

/* What the configuration needs; nothing is asked. Memory of the arena. */
void topic_plan_init(struct topic_plan *plan, const struct config *config, struct arena *arena);

/* Fill in what is there. Errors: ERR_UNAVAILABLE with a sentence. */
enum err kafka_topics_look(struct kafka_tool *t, struct topic_plan *plan, char out_text[256]);

/* Decide the partitions of what is missing: `partitions`, or 0: as the input topics have that are
 * there, or 12. Replication 0: 3, or as many as there are brokers. Errors: ERR_CONFIG input topics
 * differ, in the cluster or from `partitions`; a sentence. */
enum err topic_plan_decide(struct topic_plan *plan, int32_t partitions, int32_t replication,
                           char out_text[256]);

/* Make what is missing; somebody else may have made it meanwhile. Errors: ERR_UNAVAILABLE with the
 * broker's sentence of the first one refused. */
enum err kafka_topics_create(struct kafka_tool *t, const struct topic_plan *plan,
                             char out_text[256]);

#endif /* RUNTIME_KAFKA_TOPICS_H */
