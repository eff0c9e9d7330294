/* DESIGN. What the partitions of a new count begin with, field by field. */
#include "processor/base/instant.h"
#include "processor/runtime/rekey_merge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define OLD 3

static const struct text topics[] = { { "clicks", 6 }, { "added later", 11 } };

/* Partition 1 was never committed. */
static void old_states(struct partition_state states[OLD])
{
    for (int i = 0; i < OLD; i++) {
        struct partition_state *s = &states[i];

        partition_state_init(s);
        if (i == 1) {
            continue;
        }
        s->lineage = 7;
        s->partition_count = OLD;
        s->config = s->swept = 5;
        s->stream_ms = 1000 + i;
        s->position_count = 1;
        s->positions[0] = (struct topic_position){ topics[0], 10 * i + 1, 900 + i, 0 };
        s->joins.latest = 20 + i;
        for (int row = 0; row < COMMIT_JOIN_ROWS; row++) {
            s->joins.rows[row] = (struct join_row){ 1, 2 };
        }
        s->ceilings.count = 1;
        s->ceilings.items[0] = (struct ceiling){ 3, 50 + i, 4, 10 };
    }
    states[2].joins.has_named = true;
}

static struct partition_state merged(const struct partition_state *states, int32_t partitions,
                                     int32_t partition, bool is_all_applied)
{
    static const struct sequence_plan sequences[] = { { .key = 3, .per_minute = 100 },
                                                      { .key = 4, .per_minute = 2 } };
    static const struct rules rules = { .sequences = sequences, .sequence_count = 2 };
    struct rekey_old old = { states, OLD };
    struct rekey_goal goal = { partitions, topics, 2, is_all_applied, &rules };
    struct partition_state s;

    rekey_merge_state(&old, &goal, partition, &s);
    return s;
}

static void a_position_stays_with_its_number_and_a_new_one_begins_at_the_start(void **state)
{
    struct partition_state states[OLD], s;

    (void)state;
    old_states(states);
    s = merged(states, 6, 2, true);
    assert_int_equal(s.partition_count, 6);
    assert_int_equal(s.position_count, 2);
    assert_int_equal(s.positions[0].next_offset, 21);
    assert_int_equal(s.positions[1].next_offset, -1);
    assert_int_equal(merged(states, 6, 5, true).positions[0].next_offset, -1);
    assert_int_equal(merged(states, 6, 1, true).positions[0].next_offset, -1);
}

static void with_fewer_partitions_the_topics_are_others_and_are_read_from_their_start(void **state)
{
    struct partition_state states[OLD];

    (void)state;
    old_states(states);
    assert_int_equal(merged(states, 2, 0, true).positions[0].next_offset, -1);
}

static void time_is_the_latest_when_all_is_applied_and_else_the_earliest(void **state)
{
    struct partition_state states[OLD], s;

    (void)state;
    old_states(states);
    s = merged(states, 6, 4, true);
    assert_int_equal(s.stream_ms, 1002);
    assert_int_equal(s.positions[0].watermark_ms, 902);
    s = merged(states, 6, 4, false);
    assert_int_equal(s.stream_ms, 1000);
    assert_int_equal(s.positions[0].watermark_ms, 900);
}

static void everybody_is_visited_again_when_partitions_have_seen_different_rules(void **state)
{
    struct partition_state states[OLD], s;

    (void)state;
    old_states(states);
    s = merged(states, 6, 0, true);
    assert_true(s.config == 5 && s.swept == 5);
    states[2].swept = 4;
    s = merged(states, 6, 0, true);
    assert_true(s.config == 0 && s.swept == 0);
}

static void a_ceiling_is_shared_out_and_one_of_less_than_an_email_a_minute_begins_anew(void **state)
{
    struct partition_state states[OLD], s;

    (void)state;
    old_states(states);
    states[0].ceilings.items[0].window = 52; /* as in partition 2: both count */
    s = merged(states, 6, 0, true);
    assert_int_equal(s.ceilings.count, 1);
    assert_int_equal(s.ceilings.items[0].window, 52);
    assert_int_equal(s.ceilings.items[0].sent, 2);    /* 8 in six */
    assert_int_equal(s.ceilings.items[0].waiting, 4); /* 20 in six */
    states[0].ceilings.items[0].sequence = states[2].ceilings.items[0].sequence = 4;
    assert_int_equal(merged(states, 6, 0, true).ceilings.count, 0);
}

static void answers_of_the_last_hour_are_added_row_by_row(void **state)
{
    struct partition_state states[OLD], s;

    (void)state;
    old_states(states);
    s = merged(states, 6, 0, true);
    assert_true(s.joins.has_named);
    assert_int_equal(s.joins.latest, 22);
    assert_int_equal(s.joins.rows[22 % COMMIT_JOIN_ROWS].named, 1); /* only partition 2 is there */
    assert_int_equal(s.joins.rows[20 % COMMIT_JOIN_ROWS].named, 2);
    assert_int_equal(s.joins.rows[20 % COMMIT_JOIN_ROWS].unnamed, 4);
    assert_int_equal(s.joins.rows[11 % COMMIT_JOIN_ROWS].named, 2);
}

static void arms_of_an_experiment_are_no_sum(void **state)
{
    (void)state;
    assert_true(rekey_is_sum(TEXT("segment/high/entered")));
    assert_true(rekey_is_sum(TEXT("experiment/offer/1/saving/day/2026-01-05/exposed")));
    assert_true(rekey_is_sum(TEXT("sequence/arms/completed")));
    assert_false(rekey_is_sum(TEXT("experiment/offer/1/arms")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_position_stays_with_its_number_and_a_new_one_begins_at_the_start),
        cmocka_unit_test(with_fewer_partitions_the_topics_are_others_and_are_read_from_their_start),
        cmocka_unit_test(time_is_the_latest_when_all_is_applied_and_else_the_earliest),
        cmocka_unit_test(everybody_is_visited_again_when_partitions_have_seen_different_rules),
        cmocka_unit_test(
            a_ceiling_is_shared_out_and_one_of_less_than_an_email_a_minute_begins_anew),
        cmocka_unit_test(answers_of_the_last_hour_are_added_row_by_row),
        cmocka_unit_test(arms_of_an_experiment_are_no_sum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
