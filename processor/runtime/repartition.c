/* DESIGN. One loop: gather records, then one transaction with what they became and the offsets
 * behind them, in the name of the member that was assigned them. Whenever that does not end well,
 * or partitions have moved meanwhile, what was gathered is forgotten, the producer is opened anew,
 * which makes the outcome final, and the group is joined anew: where to go on is what it remembers,
 * read when nothing is pending.
 */
#include "processor/runtime/repartition.h"

#include "processor/base/check.h"
#include "processor/base/hash.h"
#include "processor/base/log.h"
#include "processor/base/mem.h"
#include "processor/runtime/kafka_settings.h"
#include "processor/runtime/record.h"
#include "processor/runtime/repartition_parts.h"

#include <inttypes.h>
#include <poll.h>
#include <time.h>

#define BATCH_MAX   5000
#define GATHER_MS   100
#define OPEN_MS     2000
#define RETRY_MS    500
#define SAY_MS      5000
#define IDENTITY_AT 7 /* "CGMDv2:", then the generation */

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_stopped(const struct repartition *r, int wait_ms)
{
    struct pollfd fd = { .fd = r->options->stop_fd, .events = POLLIN };

    return poll(&fd, 1, wait_ms) > 0;
}

/* --- the group --- */

static void forget_member(struct repartition *r)
{
    if (r->member != NULL) {
        rd_kafka_consumer_group_metadata_destroy(r->member);
        r->member = NULL;
    }
    r->joins++;
}

/* A member without id or generation is nobody, whose offsets Kafka takes without asking. */
static bool take_member(struct repartition *r)
{
    char *id = rd_kafka_memberid(r->consumer);
    bool is_member = id != NULL && id[0] != '\0';
    void *at = NULL;
    size_t size = 0;
    int32_t generation = -1;

    rd_kafka_mem_free(r->consumer, id);
    r->member = rd_kafka_consumer_group_metadata(r->consumer);
    if (is_member && r->member != NULL) {
        rd_kafka_error_destroy(rd_kafka_consumer_group_metadata_write(r->member, &at, &size));
        if (at != NULL && size > IDENTITY_AT + sizeof(generation)) {
            memcpy(&generation, (const char *)at + IDENTITY_AT, sizeof(generation));
        }
        rd_kafka_mem_free(r->consumer, at);
    }
    return is_member && generation >= 0;
}

static void on_rebalance(rd_kafka_t *consumer, rd_kafka_resp_err_t error,
                         rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct repartition *r = opaque; /* the client is its first member */

    forget_member(r);
    if (error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && take_member(r)) {
        r->is_assigned = true;
        r->open_partitions = 0;
        memset(r->is_read, 0, (size_t)r->from_partitions * sizeof(bool));
        for (int i = 0; i < list->cnt; i++) { /* where the group says; new ones from the start */
            list->elems[i].offset = RD_KAFKA_OFFSET_INVALID;
            r->open_partitions += list->elems[i].partition < r->from_partitions;
        }
        (void)rd_kafka_assign(consumer, list);
        log_line(LOG_INFO, "group.assigned", "partitions=%d", list->cnt);
        return;
    }
    r->is_assigned = false;
    (void)rd_kafka_assign(consumer, NULL);
}

static rd_kafka_resp_err_t subscribe(struct repartition *r)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t error;

    rd_kafka_topic_partition_list_add(topics, r->from, RD_KAFKA_PARTITION_UA);
    error = rd_kafka_subscribe(r->consumer, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return error;
}

/* --- gathering --- */

static void forget_batch(struct repartition *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        rd_kafka_message_destroy(r->messages[i]);
    }
    r->count = 0;
    arena_reset(&r->arena);
}

static bool is_replaced(const struct repartition *r)
{
    char reason[256];

    return rd_kafka_fatal_error(r->consumer, reason, sizeof(reason)) ==
           RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
}

/* Each says so again when more has come meanwhile: nobody waits for that. */
static void note_end(struct repartition *r, int32_t partition)
{
    if (partition < r->from_partitions && !r->is_read[partition]) {
        r->is_read[partition] = true;
        r->open_partitions--;
    }
}

/* Records until there are enough, or for a while. Returns: false when partitions moved. */
static bool gather(struct repartition *r)
{
    int64_t until_ms = now_ms() + GATHER_MS, left_ms;
    uint64_t joins = r->joins;

    while (r->count < BATCH_MAX && (left_ms = until_ms - now_ms()) > 0 && joins == r->joins) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(r->consumer, (int)left_ms);

        if (m == NULL) {
            continue;
        }
        if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            r->messages[r->count++] = m;
            continue;
        }
        if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            note_end(r, m->partition);
        } else {
            log_line(LOG_WARN, "kafka.fetch", "error=\"%s\"", rd_kafka_message_errstr(m));
        }
        rd_kafka_message_destroy(m);
    }
    return joins == r->joins && r->member != NULL;
}

/* --- one transaction --- */

/* The event of a record, by the first of the keys that is there; or why not. */
static struct task_record decode(struct repartition *r, const rd_kafka_message_t *m)
{
    struct task_record record = { 0 };

    for (uint32_t i = 0; i < r->decoder_count; i++) {
        record = (struct task_record){ .topic = r->options->to,
                                       .offset = m->offset,
                                       .key = { m->key, m->key == NULL ? 0 : m->key_len },
                                       .value = { m->payload, m->payload == NULL ? 0 : m->len } };
        record_decode(r->decoders[i], &r->arena, &record);
        if (record.event != NULL) {
            break;
        }
    }
    return record;
}

static bool divert(struct repartition *r, const rd_kafka_message_t *m,
                   const struct task_record *record)
{
    struct output o = { .type = OUTPUT_DEAD_LETTER };
    struct bytes_out payload = { 0 };
    struct outbox_entry entry = { .type = OUTPUT_DEAD_LETTER,
                                  .key = { (const char *)record->key.at, record->key.size } };
    bool is_produced = true;

    o.as.dead_letter = (struct dead_letter){ .topic = r->options->from,
                                             .partition = m->partition,
                                             .offset = m->offset,
                                             .reason = record->reject,
                                             .text = text_of(record->reject_text),
                                             .key = record->key,
                                             .value = record->value };
    output_encode(&o, &payload);
    entry.payload = bytes_out_view(&payload);
    if (r->topics[OUTPUT_DEAD_LETTER] != NULL) {
        is_produced = transaction_produce(&r->producer, &entry);
    }
    bytes_out_fini(&payload);
    r->letters++;
    return is_produced;
}

static bool forward(struct repartition *r, rd_kafka_message_t *m, const struct event *ev)
{
    rd_kafka_timestamp_type_t type;
    int64_t at_ms = rd_kafka_message_timestamp(m, &type);
    rd_kafka_headers_t *headers = NULL, *copy = NULL;
    rd_kafka_resp_err_t error;

    if (rd_kafka_message_headers(m, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        copy = rd_kafka_headers_copy(headers);
    }
    /* a time of 0 is "now" to librdkafka: it is what a record without time has */
    error = rd_kafka_producev(
        r->producer.client, RD_KAFKA_V_TOPIC(r->to),
        RD_KAFKA_V_PARTITION(hash_partition(ev->customer, r->partitions)),
        RD_KAFKA_V_KEY(ev->customer.at, ev->customer.size), RD_KAFKA_V_VALUE(m->payload, m->len),
        RD_KAFKA_V_TIMESTAMP(type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? 0 : at_ms),
        RD_KAFKA_V_HEADERS(copy), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR && copy != NULL) {
        rd_kafka_headers_destroy(copy);
    }
    return error == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static bool produce(struct repartition *r)
{
    r->letters = 0;
    for (uint32_t i = 0; i < r->count; i++) {
        struct task_record record = decode(r, r->messages[i]);
        bool is_produced = record.event == NULL ? divert(r, r->messages[i], &record)
                                                : forward(r, r->messages[i], record.event);

        if (!is_produced) {
            return false;
        }
    }
    return true;
}

static rd_kafka_topic_partition_list_t *offsets_of(const struct repartition *r)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);

    for (uint32_t i = 0; i < r->count; i++) {
        int32_t partition = r->messages[i]->partition;
        rd_kafka_topic_partition_t *p =
            rd_kafka_topic_partition_list_find(list, r->from, partition);

        p = p != NULL ? p : rd_kafka_topic_partition_list_add(list, r->from, partition);
        p->offset = r->messages[i]->offset + 1; /* in order */
    }
    return list;
}

/* Returns: false when it did not, or nobody knows. */
static bool commit_batch(struct repartition *r)
{
    rd_kafka_topic_partition_list_t *offsets;
    enum transaction_result result;

    if (!r->producer.is_ready || transaction_is_suspicious(&r->producer) ||
        !transaction_begin(&r->producer) || !produce(r)) {
        return false;
    }
    offsets = offsets_of(r);
    result = transaction_end(&r->producer, offsets, r->member, &r->is_closing);
    rd_kafka_topic_partition_list_destroy(offsets);
    if (result != TRANSACTION_COMMITTED) {
        return false;
    }
    r->receipt.transactions++;
    r->receipt.records += r->count;
    r->receipt.dead_letters += r->letters;
    return true;
}

/* --- the loop --- */

static void open_producer(struct repartition *r)
{
    char text[256] = "";

    while (!r->producer.is_ready && !is_stopped(r, 0)) {
        enum err e =
            transaction_open(&r->producer, r->conf, text_of(r->name), r->topics, OPEN_MS, text);

        if (e != OK) {
            log_line(LOG_WARN, "transaction.failed", "step=open reason=\"%s\"", text);
            (void)is_stopped(r, RETRY_MS);
        }
    }
}

static void begin_anew(struct repartition *r)
{
    log_line(LOG_WARN, "repartition.again", "reason=\"a transaction did not end well\"");
    r->is_assigned = false; /* until the group says so again */
    transaction_close(&r->producer);
    open_producer(r);
    (void)rd_kafka_unsubscribe(r->consumer);
    (void)subscribe(r);
}

static void say(struct repartition *r, bool is_now)
{
    if (is_now || now_ms() >= r->said_ms + SAY_MS) {
        r->said_ms = now_ms();
        log_line(LOG_INFO, "repartition.progress", "records=%" PRId64 " dead_letters=%" PRId64,
                 r->receipt.records, r->receipt.dead_letters);
    }
}

static enum err work(struct repartition *r)
{
    open_producer(r);
    while (!is_stopped(r, 0) && !is_replaced(r)) {
        if (gather(r) && r->count > 0) {
            if (transaction_is_suspicious(&r->producer)) { /* between two it does no harm */
                transaction_close(&r->producer);
                open_producer(r);
            }
            if (!commit_batch(r)) {
                begin_anew(r);
            }
            say(r, false);
        }
        forget_batch(r);
        if (r->options->is_until_end && r->is_assigned && r->open_partitions <= 0) {
            break;
        }
    }
    say(r, true);
    return is_replaced(r) ? ERR_REPLACED : OK;
}

enum err repartition_run(const struct repartition_options *options,
                         struct repartition_receipt *out_receipt, char out_text[256])
{
    struct repartition *r = mem_alloc(sizeof(*r));
    enum err e;

    r->options = options;
    r->messages = mem_alloc(BATCH_MAX * sizeof(rd_kafka_message_t *));
    e = repartition_open(r, on_rebalance, out_text);
    if (e == OK) {
        (void)subscribe(r);
        e = work(r);
    }
    if (e == ERR_REPLACED) {
        (void)text_format(out_text, 256, "%s", err_text(e));
    }
    *out_receipt = r->receipt;
    forget_batch(r);
    repartition_close(r);
    mem_free(r->messages);
    arena_fini(&r->arena);
    mem_free(r);
    return e;
}
