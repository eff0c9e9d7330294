/* DESIGN. What of the input was not applied is read and looked at: its keys say whether it was
 * written under the count of before.
 */
#include "processor/base/hash.h"
#include "processor/runtime/rekey_parts.h"

#include <stdlib.h>
#include <time.h>

#define SESSION_MS  45000 /* of librdkafka */
#define PATIENCE_MS 60000 /* reading, without news */

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t rekey_session_ms(const struct rekey *r)
{
    const struct config *c = r->config;
    int64_t ms = SESSION_MS;

    for (uint32_t i = 0; i < c->property_count; i++) {
        ms = text_is(c->properties[i].name, "session.timeout.ms") ? atoll(c->properties[i].value.at)
                                                                  : ms;
    }
    for (uint32_t i = 0; i < c->consumer_property_count; i++) {
        ms = text_is(c->consumer_properties[i].name, "session.timeout.ms")
                 ? atoll(c->consumer_properties[i].value.at)
                 : ms;
    }
    return ms;
}

/* Until the end. Returns: an error, or none. */
static rd_kafka_resp_err_t read_rest(struct rekey *r, int32_t partition, int32_t partitions,
                                     struct rekey_rest *rest)
{
    int64_t until_ms = now_ms() + PATIENCE_MS;

    while (now_ms() < until_ms) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(r->kafka.consumer, 100);
        rd_kafka_resp_err_t error;

        if (m == NULL) {
            continue;
        }
        error = m->err;
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
            struct text key = { m->key, m->key_len };

            rest->records++;
            rest->misplaced += m->key != NULL && hash_partition(key, partitions) != partition;
            until_ms = now_ms() + PATIENCE_MS;
        }
        rd_kafka_message_destroy(m);
        if (error == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            return RD_KAFKA_RESP_ERR_NO_ERROR;
        }
    }
    return RD_KAFKA_RESP_ERR__TIMED_OUT;
}

static void ask_from(struct rekey *r, uint32_t topic, int32_t partition, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

    rd_kafka_topic_partition_list_add(list, r->topics[topic].at, partition)->offset = offset;
    (void)rd_kafka_assign(r->kafka.consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
}

enum err rekey_rest(struct rekey *r, uint32_t topic, int32_t partition, int64_t next_offset,
                    struct rekey_rest *out_rest)
{
    struct rekey_rest rest = { 0 };
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
    int64_t low, high;
    char text[256];
    enum err e = kafka_group_range(&r->kafka, topic, partition, &low, &high, text);

    if (e != OK) {
        return rekey_fail(r, e, "%s", text);
    }
    rest.end = high;
    rest.is_beyond = next_offset > high;
    next_offset = next_offset < low ? low : next_offset;
    if (next_offset < high) {
        ask_from(r, topic, partition, next_offset);
        error = read_rest(r, partition, r->options->partitions, &rest);
        (void)rd_kafka_assign(r->kafka.consumer, NULL);
    }
    *out_rest = rest;
    return error == RD_KAFKA_RESP_ERR_NO_ERROR
               ? OK
               : rekey_fail(r, ERR_UNAVAILABLE, "%.*s cannot be read to its end: %s",
                            TEXT_PRINTF(r->topics[topic]), rd_kafka_err2str(error));
}
