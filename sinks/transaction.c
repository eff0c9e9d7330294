/* DESIGN. Requests of a transaction travel on connections of their own and are repeated after a
 * time-out; one that comes late belongs, for a broker, to whatever transaction is open then (until
 * each transaction has an epoch of its own, which librdkafka does not do). So librdkafka is watched
 * for such requests that ended without an answer, by a time-out or with their connection: then the
 * producer is closed before it begins another transaction, and the next of its name has a higher
 * epoch, which turns away all that is late. Answers that say "not now" are answers.
 */
#include "sinks/transaction.h"

#include "processor/base/check.h"
#include "processor/base/log.h"
#include "processor/base/mem.h"

#include <string.h>

#define OFFSETS_MS 10000
#define ASK_MS     5000
#define FLUSH_MS   200

static bool is_of_transaction(int16_t api_key)
{
    enum { ADD_PARTITIONS = 24, ADD_OFFSETS = 25, END = 26, OFFSET_COMMIT = 28 };

    return api_key == ADD_PARTITIONS || api_key == ADD_OFFSETS || api_key == END ||
           api_key == OFFSET_COMMIT;
}

static rd_kafka_resp_err_t on_answered(rd_kafka_t *client, int fd, const char *broker,
                                       int32_t broker_id, int16_t api_key, int16_t api_version,
                                       int32_t id, size_t size, int64_t rtt_us,
                                       rd_kafka_resp_err_t error, void *opaque)
{
    struct transaction_requests *r = opaque;

    (void)client, (void)fd, (void)broker, (void)broker_id, (void)api_version, (void)id, (void)size;
    (void)rtt_us;
    if (is_of_transaction(api_key) && error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        atomic_fetch_add(&r->unanswered, 1);
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *client, const rd_kafka_conf_t *conf, void *opaque,
                                  char *text, size_t text_size)
{
    (void)conf, (void)text, (void)text_size;
    (void)rd_kafka_interceptor_add_on_response_received(client, "transaction", on_answered, opaque);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* --- opening and closing --- */

static enum err open_client(struct transaction_producer *t, const rd_kafka_conf_t *conf,
                            struct text name, char *const topics[OUTPUT_TYPE__COUNT],
                            char out_text[256])
{
    rd_kafka_conf_t *copy = rd_kafka_conf_dup(conf);
    enum err e = kafka_client_set(copy, TEXT("transactional.id"), name, out_text);

    if (e != OK) {
        rd_kafka_conf_destroy(copy);
        return e;
    }
    t->requests = mem_alloc(sizeof(*t->requests));
    (void)rd_kafka_conf_interceptor_add_on_new(copy, "transaction", on_new, t->requests);
    e = kafka_client_open(RD_KAFKA_PRODUCER, copy, &t->client, out_text);
    for (size_t i = 0; i < OUTPUT_TYPE__COUNT && e == OK; i++) {
        if (topics[i] != NULL) {
            t->handles[i] = rd_kafka_topic_new(t->client, topics[i], NULL);
            if (t->handles[i] == NULL) {
                (void)text_format(out_text, 256,
                                  "an output topic has a name that Kafka cannot have");
                e = ERR_CONFIG;
            }
        }
    }
    if (e != OK) {
        transaction_close(t);
    }
    return e;
}

enum err transaction_open(struct transaction_producer *t, const rd_kafka_conf_t *conf,
                          struct text name, char *const topics[OUTPUT_TYPE__COUNT],
                          int32_t timeout_ms, char out_text[256])
{
    rd_kafka_error_t *error;
    enum err e = t->client == NULL ? open_client(t, conf, name, topics, out_text) : OK;

    if (e != OK || t->is_ready) {
        return e;
    }
    error = rd_kafka_init_transactions(t->client, timeout_ms);
    if (error == NULL) {
        t->is_ready = true;
        return OK;
    }
    (void)text_format(out_text, 256, "%s", rd_kafka_error_string(error));
    e = rd_kafka_error_is_fatal(error) || !rd_kafka_error_is_retriable(error) ? ERR_CONFIG
                                                                              : ERR_UNAVAILABLE;
    if (e == ERR_CONFIG) {
        transaction_close(t);
    }
    rd_kafka_error_destroy(error);
    return e;
}

void transaction_close(struct transaction_producer *t)
{
    if (t->client != NULL) {
        (void)rd_kafka_purge(t->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        (void)rd_kafka_flush(t->client, FLUSH_MS);
        for (size_t i = 0; i < OUTPUT_TYPE__COUNT; i++) {
            if (t->handles[i] != NULL) {
                rd_kafka_topic_destroy(t->handles[i]);
            }
        }
        rd_kafka_destroy(t->client);
    }
    mem_free(t->requests);
    *t = (struct transaction_producer){ .client = NULL };
}

/* --- one transaction --- */

bool transaction_begin(struct transaction_producer *t)
{
    rd_kafka_error_t *error;

    CHECK(t->is_ready && !transaction_is_suspicious(t));
    error = rd_kafka_begin_transaction(t->client);
    if (error == NULL) {
        return true;
    }
    log_line(LOG_WARN, "transaction.failed", "code=%s reason=\"%s\"", rd_kafka_error_name(error),
             rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return false;
}

bool transaction_produce(struct transaction_producer *t, const struct outbox_entry *entry)
{
    bool is_tombstone = entry->type == OUTPUT_MEMBERSHIP && entry->payload.size == 0;
    void *value = is_tombstone ? NULL : (void *)(uintptr_t)entry->payload.at;

    return rd_kafka_producev(t->client, RD_KAFKA_V_RKT(t->handles[entry->type]),
                             RD_KAFKA_V_KEY(entry->key.at, entry->key.size),
                             RD_KAFKA_V_VALUE(value, entry->payload.size),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                             RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static bool is_refusal(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
           code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
           code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
}

static void say(const char *what, const rd_kafka_error_t *error, const char *then)
{
    log_line(LOG_WARN, "transaction.failed", "step=%s code=%s reason=\"%s\" then=%s", what,
             rd_kafka_error_name(error), rd_kafka_error_string(error), then);
}

/* Nothing that was produced will be seen: EndTxn(commit) was not sent, or refused. */
static enum transaction_result abort_it(struct transaction_producer *t, rd_kafka_error_t *why,
                                        const char *step, const atomic_bool *is_closing)
{
    rd_kafka_resp_err_t code = rd_kafka_error_code(why);
    rd_kafka_error_t *error;
    bool is_again = !rd_kafka_error_is_fatal(why);

    say(step, why, "abort");
    rd_kafka_error_destroy(why);
    while (is_again) {
        error = rd_kafka_abort_transaction(t->client, ASK_MS);
        is_again = error != NULL && rd_kafka_error_is_retriable(error) && !atomic_load(is_closing);
        t->is_ready = error == NULL;
        rd_kafka_error_destroy(error);
    }
    if (code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED) {
        return TRANSACTION_FENCED;
    }
    return is_refusal(code) ? TRANSACTION_REFUSED : TRANSACTION_ABORTED;
}

enum transaction_result transaction_end(struct transaction_producer *t,
                                        const rd_kafka_topic_partition_list_t *offsets,
                                        const rd_kafka_consumer_group_metadata_t *member,
                                        const atomic_bool *is_closing)
{
    rd_kafka_error_t *error = NULL;
    bool is_again = true;

    if (offsets->cnt > 0) {
        error = rd_kafka_send_offsets_to_transaction(t->client, offsets, member, OFFSETS_MS);
    }
    if (error != NULL) { /* it cannot be taken up again, whatever the error */
        t->is_ready = false;
        return abort_it(t, error, "offsets", is_closing);
    }
    while (is_again) {
        error = rd_kafka_commit_transaction(t->client, ASK_MS);
        if (error == NULL) {
            return TRANSACTION_COMMITTED;
        }
        if (rd_kafka_error_txn_requires_abort(error)) {
            t->is_ready = false;
            return abort_it(t, error, "commit", is_closing);
        }
        is_again = rd_kafka_error_is_retriable(error) && !atomic_load(is_closing);
        if (!is_again) {
            say("commit", error, "ask");
        }
        rd_kafka_error_destroy(error);
    }
    t->is_ready = false;
    return TRANSACTION_UNKNOWN;
}

bool transaction_is_suspicious(const struct transaction_producer *t)
{
    return atomic_load(&t->requests->unanswered) > 0;
}
