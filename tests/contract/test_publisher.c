/* DESIGN. The same sentences for every publisher; those behind "Kafka only" speak of what memory
 * cannot do. Records are compared as a reader of the topics sees them.
 */
#include "tests/contract/publisher_world.h"

#define KEYS 7

static enum kind kind_of(void **state)
{
    return *(const enum kind *)*state;
}

static const char *key_of(int64_t sequence)
{
    static const char *const keys[KEYS] = { "ann", "bob", "cy", "dee", "eve", "fay", "gus" };

    return keys[sequence % KEYS];
}

/* The mock shows what was aborted, too: then only that it comes first in order can be asked. */
static bool is_once(const struct world *w)
{
    return w->kind != TRANSACTIONAL;
}

/* first..last of one input partition are there, each once, ascending per key. */
static void assert_in_order_once(const struct world *w, int32_t partition, int64_t first,
                                 int64_t last)
{
    int64_t newest[KEYS] = { 0 }, found = 0;

    for (uint32_t i = 0; i < w->record_count; i++) {
        const struct record *r = &w->records[i];

        if (r->partition != partition || r->sequence < first || r->sequence > last ||
            (!is_once(w) && r->sequence <= newest[r->sequence % KEYS])) {
            continue;
        }
        assert_string_equal(r->key, key_of(r->sequence));
        assert_true(r->sequence > newest[r->sequence % KEYS]);
        newest[r->sequence % KEYS] = r->sequence;
        found++;
    }
    assert_int_equal(found, last - first + 1);
}

static void publish_triggers(struct world *w, int32_t partition, int64_t first, int64_t last)
{
    for (int64_t s = first; s <= last; s++) {
        publish(w, partition, s, OUTPUT_TRIGGER, key_of(s));
    }
}

static void what_a_key_gets_leaves_in_order_and_once(void **state)
{
    struct world *w = world_new(kind_of(state), 0);

    publish_triggers(w, 0, 1, 300);
    publish_triggers(w, 3, 1, 100);
    wait_delivered(w, 0, 300);
    wait_delivered(w, 3, 100);
    read_all(w, OUTPUT_TRIGGER);
    assert_int_equal(w->record_count, 400);
    assert_in_order_once(w, 0, 1, 300);
    assert_in_order_once(w, 3, 1, 100);
    world_free(w);
}

static void delivered_means_everything_up_to_there_whatever_its_topic(void **state)
{
    static const enum output_type types[] = { OUTPUT_TRIGGER, OUTPUT_MEMBERSHIP, OUTPUT_OUTCOME };
    struct world *w = world_new(kind_of(state), 0);

    for (int64_t s = 1; s <= 90; s++) {
        publish(w, 1, s, types[s % 3], "ann");
    }
    wait_delivered(w, 1, 90);
    assert_int_equal(delivered(w, 1), 90);
    for (size_t i = 0; i < 3; i++) {
        read_all(w, types[i]);
        assert_int_equal(w->record_count, 30);
        for (uint32_t k = 0; k < 30; k++) {
            assert_int_equal(types[w->records[k].sequence % 3], types[i]);
        }
    }
    world_free(w);
}

static void nothing_is_delivered_while_brokers_are_away(void **state)
{
    struct world *w = world_new(kind_of(state), 0);

    publish_triggers(w, 0, 1, 5);
    wait_delivered(w, 0, 5);
    take_away(w);
    publish_triggers(w, 0, 6, 9);
    publish(w, 1, 1, OUTPUT_TRIGGER, "ann");
    assert_int_equal(delivered(w, 0), 5);
    assert_int_equal(delivered(w, 1), 0);
    bring_back(w);
    wait_delivered(w, 0, 9);
    wait_delivered(w, 1, 1);
    world_free(w);
}

static void brokers_away_for_a_while_cost_no_entry_and_no_order(void **state)
{
    struct world *w = world_new(kind_of(state), 0);

    for (int64_t round = 0; round < 5; round++) {
        publish_triggers(w, 0, round * 100 + 1, round * 100 + 50);
        take_away(w); /* some are on their way now */
        publish_triggers(w, 0, round * 100 + 51, round * 100 + 100);
        bring_back(w);
        wait_delivered(w, 0, round * 100 + 70);
    }
    wait_delivered(w, 0, 500);
    read_all(w, OUTPUT_TRIGGER);
    assert_true(w->record_count == 500 || !is_once(w));
    assert_in_order_once(w, 0, 1, 500);
    world_free(w);
}

static void an_empty_membership_is_a_tombstone_and_others_are_not(void **state)
{
    struct world *w = world_new(kind_of(state), 0);
    struct outbox_entry e = { .sequence = 1, .type = OUTPUT_MEMBERSHIP, .key = TEXT("ann") };

    assert_int_equal(publisher_publish(w->publisher, 0, &e), OK);
    e.sequence = 2;
    e.type = OUTPUT_OUTCOME;
    assert_int_equal(publisher_publish(w->publisher, 0, &e), OK);
    wait_delivered(w, 0, 2);
    read_all(w, OUTPUT_MEMBERSHIP);
    assert_int_equal(w->record_count, 1);
    assert_true(w->records[0].is_tombstone);
    assert_string_equal(w->records[0].key, "ann");
    read_all(w, OUTPUT_OUTCOME);
    assert_int_equal(w->record_count, 1);
    assert_false(w->records[0].is_tombstone);
    assert_int_equal(w->records[0].value_size, 0);
    world_free(w);
}

static void an_absent_key_is_not_an_empty_one(void **state)
{
    struct world *w = world_new(kind_of(state), 0);

    publish(w, 2, 1, OUTPUT_OUTCOME, NULL);
    publish(w, 2, 2, OUTPUT_OUTCOME, "");
    wait_delivered(w, 2, 2);
    read_all(w, OUTPUT_OUTCOME);
    assert_int_equal(w->record_count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_string_equal(w->records[i].key, "");
        assert_int_equal(w->records[i].has_key, w->records[i].sequence == 2);
    }
    world_free(w);
}

static void of_a_forgotten_partition_nothing_is_reported(void **state)
{
    struct world *w = world_new(kind_of(state), 0);

    publish_triggers(w, 0, 1, 5);
    wait_delivered(w, 0, 5);
    take_away(w);
    publish_triggers(w, 0, 6, 20);
    publish_triggers(w, 1, 1, 20);
    forget(w, 0);
    forget(w, 2); /* of which it knows nothing */
    bring_back(w);
    wait_delivered(w, 1, 20);
    assert_int_equal(delivered(w, 0), 5);
    world_free(w);
}

static void a_partition_claimed_again_starts_anew(void **state)
{
    struct world *w = world_new(kind_of(state), 0);

    take_away(w);
    publish_triggers(w, 0, 1, 20);
    forget(w, 0);
    publish_triggers(w, 0, 3, 12); /* what the outbox shows to the next owner */
    publish_triggers(w, 1, 1, 1);
    assert_int_equal(delivered(w, 0), 0);
    bring_back(w);
    wait_delivered(w, 1, 1);
    wait_delivered(w, 0, 12);
    assert_int_equal(delivered(w, 0), 12); /* never 20, of the earlier owner */
    world_free(w);
}

static void when_full_it_says_so_and_takes_more_later(void **state)
{
    struct world *w = world_new(kind_of(state), 10);

    take_away(w);
    publish_triggers(w, 0, 1, 6);
    publish_triggers(w, 1, 1, 4);
    assert_int_equal(offer(w, 0, 7, OUTPUT_TRIGGER, key_of(7)), ERR_UNAVAILABLE);
    assert_int_equal(offer(w, 2, 1, OUTPUT_TRIGGER, key_of(1)), ERR_UNAVAILABLE);
    bring_back(w);
    wait_delivered(w, 0, 6);
    wait_delivered(w, 1, 4);
    publish_triggers(w, 0, 7, 9);
    wait_delivered(w, 0, 9);
    read_all(w, OUTPUT_TRIGGER);
    assert_true(w->record_count == 13 || !is_once(w));
    assert_in_order_once(w, 0, 1, 9);
    world_free(w);
}

/* --- Kafka only --- */
/* How: payloads of ten bytes and "partition/sequence"; a reader finds what is behind the ten. */
static void a_topic_gets_its_records_in_its_own_format(void **state)
{
    static const char value[] = "header ten2/1";
    struct outbox_entry e = { .sequence = 1, .type = OUTPUT_TRIGGER, .key = TEXT("ann") };

    (void)state;
    e.payload = (struct bytes){ (const uint8_t *)value, sizeof(value) - 1 };
    for (int kind = KAFKA; kind <= TRANSACTIONAL; kind++) {
        struct world *w = world_new((enum kind)kind, 0);
        struct publisher_kafka_options o = kafka_options_of(w);
        char text[256] = "";

        publisher_close(w->publisher);
        o.formats[OUTPUT_TRIGGER] = OUTPUT_FORMAT_AVRO_BARE;
        assert_int_equal(open_publisher(w, &o, &w->publisher, text), OK);
        enter(w);
        assert_int_equal(publisher_publish(w->publisher, 2, &e), OK);
        wait_delivered(w, 2, 1);
        read_all(w, OUTPUT_TRIGGER);
        assert_int_equal(w->record_count, 1);
        assert_int_equal(w->records[0].partition, 2);
        assert_int_equal(w->records[0].sequence, 1);
        world_free(w);
    }
}

static void an_output_without_a_topic_is_delivered_at_once(void **state)
{
    struct world *w = world_new(KAFKA, 0);

    (void)state;
    take_away(w);
    publish(w, 0, 1, OUTPUT_DEAD_LETTER, NULL);
    publish(w, 0, 2, OUTPUT_DEAD_LETTER, "ann");
    wait_delivered(w, 0, 2);
    publish(w, 0, 3, OUTPUT_TRIGGER, "ann");
    publish(w, 0, 4, OUTPUT_DEAD_LETTER, "ann");
    publish(w, 1, 1, OUTPUT_DEAD_LETTER, "ann");
    wait_delivered(w, 1, 1);
    assert_int_equal(delivered(w, 0), 2); /* 4 waits for 3 */
    bring_back(w);
    wait_delivered(w, 0, 4);
    world_free(w);
}

static void an_error_that_would_leave_a_gap_is_overcome_in_order(void **state)
{
    struct publisher_kafka_stats stats;
    struct world *w = world_new(KAFKA, 0);

    (void)state;
    publish_triggers(w, 0, 1, 50);
    rd_kafka_mock_push_request_errors(w->cluster, 0 /* Produce */, 2,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    publish_triggers(w, 0, 51, 400);
    publish_triggers(w, 2, 1, 100);
    wait_delivered(w, 0, 400);
    wait_delivered(w, 2, 100);
    publisher_kafka_stats(w->publisher, &stats);
    assert_true(stats.retried > 0);
    assert_int_equal(stats.published, 500);
    assert_int_equal(stats.delivered, 500);
    read_all(w, OUTPUT_TRIGGER);
    assert_in_order_once(w, 0, 1, 400);
    assert_in_order_once(w, 2, 1, 100);
    world_free(w);
}

static void a_topic_that_is_not_there_yet_is_waited_for(void **state)
{
    struct publisher_kafka_stats stats = { .retried = 0 };
    struct world *w = world_new(KAFKA, 0);

    (void)state;
    rd_kafka_mock_topic_set_error(w->cluster, "outcomes", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    reopen(w); /* the first one may have seen the topic */
    for (int64_t s = 1; s <= 20; s++) {
        publish(w, 0, s, OUTPUT_OUTCOME, key_of(s));
    }
    publish_triggers(w, 1, 1, 20);
    wait_delivered(w, 1, 20); /* others go on */
    for (int waited = 0; stats.retried == 0 && waited < GIVE_UP_MS; waited += 5) {
        (void)poll(NULL, 0, 5);
        publisher_kafka_stats(w->publisher, &stats);
    }
    assert_true(stats.retried > 0);
    assert_int_equal(delivered(w, 0), 0);
    rd_kafka_mock_topic_set_error(w->cluster, "outcomes", RD_KAFKA_RESP_ERR_NO_ERROR);
    wait_delivered(w, 0, 20);
    read_all(w, OUTPUT_OUTCOME);
    assert_int_equal(w->record_count, 20);
    assert_in_order_once(w, 0, 1, 20);
    world_free(w);
}

static void it_knows_whether_a_broker_is_there(void **state)
{
    struct publisher_kafka_stats stats = { .is_up = false };
    struct world *w = world_new(KAFKA, 0);

    (void)state;
    for (int round = 0; round < 3; round++) {
        bool is_up = round % 2 == 0;

        if (round > 0) {
            (is_up ? bring_back : take_away)(w);
        }
        for (int waited = 0; waited < GIVE_UP_MS; waited += 5) {
            publisher_kafka_stats(w->publisher, &stats);
            if (stats.is_up == is_up) {
                break;
            }
            (void)poll(NULL, 0, 5);
        }
        assert_int_equal(stats.is_up, is_up);
    }
    world_free(w);
}

static void a_property_that_librdkafka_refuses_is_said(void **state)
{
    static const struct {
        struct kafka_property property;
        const char *said;
    } wrong[] = {
        { { { "linger.millis", 13 }, { "5", 1 } }, "linger.millis" },
        { { { "linger.ms", 9 }, { "soon", 4 } }, "linger.ms" },
        { { { "acks", 4 }, { "1", 1 } }, "acks" }, /* order needs all */
        { { { "security.protocol", 17 }, { "none", 4 } }, "security.protocol" },
    };
    struct world *w = world_new(KAFKA, 0);

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct publisher_kafka_options o = kafka_options_of(w);
        struct publisher *p = NULL;
        char text[256] = "";

        o.kafka.role_properties = &wrong[i].property;
        o.kafka.role_property_count = 1;
        assert_int_equal(publisher_kafka_new(&o, &p, text), ERR_CONFIG);
        assert_null(p);
        if (strstr(text, wrong[i].said) == NULL) {
            fail_msg("%s is not in: %s", wrong[i].said, text);
        }
    }
    world_free(w);
}

static void a_topic_with_an_impossible_name_is_said(void **state)
{
    struct world *w = world_new(KAFKA, 0);
    struct publisher_kafka_options o = kafka_options_of(w);
    struct publisher *p = NULL;
    char name[600], text[256] = "";

    (void)state;
    memset(name, 'x', sizeof(name));
    o.topics[OUTPUT_OUTCOME] = (struct text){ name, sizeof(name) };
    assert_int_equal(publisher_kafka_new(&o, &p, text), ERR_CONFIG);
    assert_null(p);
    assert_non_null(strstr(text, "output topic"));
    world_free(w);
}

static void a_topic_tells_its_partitions_once_it_is_there(void **state)
{
    struct world *w = world_new(KAFKA, 0);
    const char *const pairs[][2] = { { "bootstrap.servers",
                                       rd_kafka_mock_cluster_bootstraps(w->cluster) } };
    rd_kafka_t *client = kafka(RD_KAFKA_PRODUCER, pairs, 1);
    int32_t count = 0;

    (void)state;
    assert_int_equal(kafka_topic_partitions(client, TEXT("triggers"), &count), OK);
    assert_int_equal(count, PARTITIONS);
    rd_kafka_mock_topic_set_error(w->cluster, "outcomes", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    assert_int_equal(kafka_topic_partitions(client, TEXT("outcomes"), &count), ERR_UNAVAILABLE);
    rd_kafka_mock_topic_set_error(w->cluster, "outcomes", RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(kafka_topic_partitions(client, TEXT("outcomes"), &count), OK);
    assert_int_equal(kafka_topic_partitions(client, TEXT(""), &count), ERR_UNAVAILABLE);
    rd_kafka_destroy(client);
    world_free(w);
}

static void closing_waits_for_what_is_handed_over(void **state)
{
    struct world *w = world_new(KAFKA, 0);

    (void)state;
    publish_triggers(w, 0, 1, 200);
    reopen(w);
    assert_int_equal(delivered(w, 0), 200);
    read_all(w, OUTPUT_TRIGGER);
    assert_int_equal(w->record_count, 200);
    assert_in_order_once(w, 0, 1, 200);
    world_free(w);
}

static void closing_does_not_wait_for_what_is_forgotten(void **state)
{
    struct world *w = world_new(KAFKA, 0);
    struct timespec begin, end;

    (void)state;
    take_away(w);
    publish_triggers(w, 1, 1, 20);
    forget(w, 1);
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    publisher_close(w->publisher);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    w->publisher = NULL;
    assert_true(end.tv_sec - begin.tv_sec < 5);
    assert_int_equal(delivered(w, 1), 0);
    world_free(w);
}

/* --- transactional only --- */
static void nothing_leaves_in_transactions_of_nobody_or_before_its_progress_is_known(void **state)
{
    struct world *w = world_new(TRANSACTIONAL, 0);

    (void)state;
    publisher_join(w->publisher, BYTES_NONE);
    publish_triggers(w, 0, 1, 5);
    publish(w, 1, 1, OUTPUT_DEAD_LETTER, NULL); /* no topic takes it: it does not wait */
    wait_delivered(w, 1, 1);
    assert_int_equal(delivered(w, 0), 0);
    publisher_forget(w->publisher, 2);
    publish_triggers(w, 2, 1, 5); /* its new owner has not said yet where it is */
    join_group(w);
    wait_delivered(w, 0, 5);
    assert_int_equal(delivered(w, 2), 0);
    tell_progress(w, 2, false);
    wait_delivered(w, 2, 5);
    assert_int_equal(publisher_trouble(w->publisher), OK);
    world_free(w);
}

static void offsets_leave_without_outputs_when_they_are_urgent(void **state)
{
    struct world *w = world_new(TRANSACTIONAL, 0);
    rd_kafka_resp_err_t refused = RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION;

    (void)state;
    publish_triggers(w, 0, 1, 1);
    wait_delivered(w, 0, 1);
    rd_kafka_mock_push_request_errors(w->cluster, 28 /* TxnOffsetCommit */, 1, refused);
    tell_progress(w, 0, true); /* refused: we are nobody from now on */
    publish_triggers(w, 0, 2, 3);
    publish(w, 1, 1, OUTPUT_DEAD_LETTER, NULL);
    wait_delivered(w, 1, 1);
    assert_int_equal(delivered(w, 0), 1);
    join_group(w);
    wait_delivered(w, 0, 3);
    world_free(w);
}

/* Why: it may come late, and would then end or fill a transaction that it does not belong to. */
static void a_request_that_is_never_answered_costs_its_producer(void **state)
{
    struct publisher_kafka_stats stats = { .reopened = 0 };
    struct world *w = world_new(TRANSACTIONAL, 0);

    (void)state;
    publish_triggers(w, 0, 1, 3);
    wait_delivered(w, 0, 3);
    publisher_transactional_stats(w->publisher, &stats);
    assert_int_equal(stats.reopened, 0);
    rd_kafka_mock_push_request_errors(w->cluster, 26 /* EndTxn */, 1, RD_KAFKA_RESP_ERR__TRANSPORT);
    publish_triggers(w, 0, 4, 6);
    wait_delivered(w, 0, 6);
    for (int waited = 0; stats.reopened == 0 && waited < GIVE_UP_MS; waited += 5) {
        (void)poll(NULL, 0, 5);
        publisher_transactional_stats(w->publisher, &stats);
    }
    assert_int_equal(stats.reopened, 1);
    publish_triggers(w, 0, 7, 9);
    wait_delivered(w, 0, 9);
    assert_int_equal(publisher_trouble(w->publisher), OK);
    world_free(w);
}

static void closing_a_transactional_one_waits_for_what_is_handed_over(void **state)
{
    struct world *w = world_new(TRANSACTIONAL, 0);

    (void)state;
    publish_triggers(w, 0, 1, 200);
    reopen(w);
    assert_int_equal(delivered(w, 0), 200);
    world_free(w);
}

#define CONTRACT(test, state)                                                                      \
    {                                                                                              \
#test " (" #state ")", test, NULL, NULL, &(state)                                          \
    }
#define CONTRACTS(state)                                                                           \
    CONTRACT(what_a_key_gets_leaves_in_order_and_once, state),                                     \
        CONTRACT(delivered_means_everything_up_to_there_whatever_its_topic, state),                \
        CONTRACT(nothing_is_delivered_while_brokers_are_away, state),                              \
        CONTRACT(brokers_away_for_a_while_cost_no_entry_and_no_order, state),                      \
        CONTRACT(an_empty_membership_is_a_tombstone_and_others_are_not, state),                    \
        CONTRACT(an_absent_key_is_not_an_empty_one, state),                                        \
        CONTRACT(of_a_forgotten_partition_nothing_is_reported, state),                             \
        CONTRACT(a_partition_claimed_again_starts_anew, state),                                    \
        CONTRACT(when_full_it_says_so_and_takes_more_later, state)

int main(void)
{
    static enum kind memory = MEMORY, kafka_mock = KAFKA, transactional_mock = TRANSACTIONAL;
    const struct CMUnitTest tests[] = {
        CONTRACTS(memory),
        CONTRACTS(kafka_mock),
        CONTRACTS(transactional_mock),
        cmocka_unit_test(nothing_leaves_in_transactions_of_nobody_or_before_its_progress_is_known),
        cmocka_unit_test(offsets_leave_without_outputs_when_they_are_urgent),
        cmocka_unit_test(a_request_that_is_never_answered_costs_its_producer),
        cmocka_unit_test(closing_a_transactional_one_waits_for_what_is_handed_over),
        cmocka_unit_test(a_topic_gets_its_records_in_its_own_format),
        cmocka_unit_test(an_output_without_a_topic_is_delivered_at_once),
        cmocka_unit_test(an_error_that_would_leave_a_gap_is_overcome_in_order),
        cmocka_unit_test(a_topic_that_is_not_there_yet_is_waited_for),
        cmocka_unit_test(it_knows_whether_a_broker_is_there),
        cmocka_unit_test(a_property_that_librdkafka_refuses_is_said),
        cmocka_unit_test(a_topic_with_an_impossible_name_is_said),
        cmocka_unit_test(a_topic_tells_its_partitions_once_it_is_there),
        cmocka_unit_test(closing_waits_for_what_is_handed_over),
        cmocka_unit_test(closing_does_not_wait_for_what_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, close_host);
}
