/* What a Kafka cluster says of itself: for `check --live`.
 *
 * Layer: runtime. Reads only, but for kafka_survey_transactions, which has the broker remember a
 * transactional id for a week. Each: a sentence when it cannot be told.
 */
#ifndef RUNTIME_KAFKA_SURVEY_H
#define RUNTIME_KAFKA_SURVEY_H
#include "processor/runtime/kafka_tool.h"

struct kafka_brokers {
    int32_t count, first_id;
    char hosts[200]; /* the first ones */
};
enum err kafka_survey_brokers(struct kafka_tool *t, struct kafka_brokers *out, char out_text[256]);

struct kafka_topic_view {
    bool is_there;
    int32_t partitions;
    int32_t replicas, in_sync; /* the least of any partition */
    int32_t leaderless;        /* partitions */
};
/* Errors: ERR_CONFIG it may not be described. */
enum err kafka_survey_topic(struct kafka_tool *t, struct text topic, struct kafka_topic_view *out,
                            char out_text[256]);

#define KAFKA_SETTING_SIZE 64
/* Settings of a topic, or of a broker by its id; "" for one that there is not. Errors: ERR_CONFIG
 * they may not be looked at. */
enum err kafka_survey_settings(struct kafka_tool *t, bool is_broker, struct text name,
                               const char *const *keys, uint32_t count,
                               char (*out_values)[KAFKA_SETTING_SIZE], char out_text[256]);

/* May transactions begin under this id, and does their coordinator work? */
enum err kafka_survey_transactions(struct kafka_tool *t, struct text id, char out_text[256]);

#endif /* RUNTIME_KAFKA_SURVEY_H */
