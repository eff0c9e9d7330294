#include "tests/support/segment_house.h"

/* --- segments --- */

static void segment_is_entered_and_left_by_its_predicate(void **state)
{
    struct house *h = *state;

    add_segment(h, "big", "customer.a >= 10", NULL);
    must_settle(h);
    set(h, "b", 1, 0); /* unknown is not true */
    set(h, "a", 10, 1);
    set(h, "a", 11, 2);
    set(h, "a", -1, 3);
    assert_string_equal(h->log, "1:+big 3:-big ");
    assert_int_equal(h->until_ms, INSTANT_NEVER);
}

static void time_alone_leaves_at_the_exact_instant(void **state)
{
    struct house *h = *state;

    add_segment(h, "busy", "count(\"visit\", hours(5)) >= 2", NULL);
    must_settle(h);
    event(h, "visit", 1);
    event(h, "visit", 3);
    assert_int_equal(h->until_ms, 6 * HOUR_MS);
    run_to(h, 100);
    assert_string_equal(h->log, "3:+busy 6:-busy ");
}

static void leave_when_keeps_until_it_holds_and_when_does_not(void **state)
{
    struct house *h = *state;

    add_segment(h, "eager", "customer.a >= 10", "customer.b >= 10");
    must_settle(h);
    set(h, "a", 10, 0);
    set(h, "b", 10, 1); /* when still holds */
    set(h, "b", 5, 2);
    set(h, "a", 5, 3); /* leave_when does not */
    set(h, "b", 12, 4);
    assert_string_equal(h->log, "0:+eager 4:-eager ");
}

static void for_enters_at_the_end_of_its_time_without_a_break(void **state)
{
    struct house *h = *state;

    add_segment(h, "steady", "customer.a >= 10", NULL)->for_ms = 5 * HOUR_MS;
    must_settle(h);
    set(h, "a", 10, 0);
    set(h, "a", -1, 4); /* unknown is a break */
    set(h, "a", 10, 4);
    set(h, "a", 20, 6); /* no break */
    run_to(h, 100);
    set(h, "a", 5, 200);
    set(h, "a", 10, 201);
    set(h, "a", 5, 206); /* false at the very end of its time */
    run_to(h, 300);
    assert_string_equal(h->log, "9:+steady 200:-steady ");
}

static void for_starts_again_after_a_break_by_time_alone(void **state)
{
    struct house *h = *state;

    add_segment(h, "steady", "count(\"visit\", hours(5)) >= 1", NULL)->for_ms = 8 * HOUR_MS;
    must_settle(h);
    event(h, "visit", 0);
    event(h, "visit", 6); /* none in the hour from 5 to 6 */
    event(h, "visit", 10);
    event(h, "visit", 14);
    run_to(h, 100);
    assert_string_equal(h->log, "14:+steady 19:-steady ");
}

static void min_stay_leaves_at_its_end_if_the_reason_still_holds(void **state)
{
    struct house *h = *state;

    add_segment(h, "guest", "customer.a >= 10", NULL)->min_stay_ms = 10 * HOUR_MS;
    must_settle(h);
    set(h, "a", 10, 0);
    set(h, "a", 5, 2);
    run_to(h, 50);
    set(h, "a", 10, 51);
    set(h, "a", 5, 52);
    set(h, "a", 10, 60); /* the reason is gone before the end */
    run_to(h, 70);
    set(h, "a", 5, 71);
    assert_string_equal(h->log, "0:+guest 10:-guest 51:+guest 71:-guest ");
}

/* --- ladders --- */

static struct segment_plan *add_lifecycle(struct house *h)
{
    struct segment_plan *s = add_segment(h, "lifecycle", NULL, NULL);

    add_rung(h, s, "top", "customer.a >= 10", NULL);
    add_rung(h, s, "middle", "customer.b >= 10", "customer.b < 5");
    add_rung(h, s, "busy", "count(\"visit\", hours(5)) >= 2", NULL);
    add_rung(h, s, "bottom", "true", NULL);
    return s;
}

static void ladder_moves_to_the_first_rung_that_holds_left_first(void **state)
{
    struct house *h = *state;

    add_lifecycle(h);
    must_settle(h);
    event(h, "visit", 0);
    event(h, "visit", 1);
    set(h, "a", 10, 2);
    set(h, "a", 5, 3);
    run_to(h, 100);
    assert_string_equal(h->log, "0:+lifecycle.bottom 1:-lifecycle.bottom 1:+lifecycle.busy "
                                "2:-lifecycle.busy 2:+lifecycle.top "
                                "3:-lifecycle.top 3:+lifecycle.busy "
                                "5:-lifecycle.busy 5:+lifecycle.bottom ");
}

static void rung_with_leave_when_is_kept_until_a_higher_one_holds(void **state)
{
    struct house *h = *state;

    add_lifecycle(h);
    must_settle(h);
    set(h, "b", 10, 0);
    set(h, "b", 7, 1); /* kept */
    set(h, "a", 10, 2);
    set(h, "a", 5, 3); /* not on middle any more, which 7 does not enter */
    set(h, "b", 10, 4);
    set(h, "b", 4, 5);
    assert_string_equal(h->log, "0:+lifecycle.middle "
                                "2:-lifecycle.middle 2:+lifecycle.top "
                                "3:-lifecycle.top 3:+lifecycle.bottom "
                                "4:-lifecycle.bottom 4:+lifecycle.middle "
                                "5:-lifecycle.middle 5:+lifecycle.bottom ");
}

static void ladder_of_rfm_follows_orders_and_their_age(void **state)
{
    struct house *h = *state;
    struct segment_plan *s = add_segment(h, "value", NULL, NULL);
    struct rfm_plan *rfm = &h->facts.rfm;

    *rfm =
        (struct rfm_plan){ .is_used = true,
                           .window_ms = 100 * HOUR_MS,
                           .recency_ms = { 40 * HOUR_MS, 30 * HOUR_MS, 20 * HOUR_MS, 10 * HOUR_MS },
                           .frequency = { 2, 3, 4, 5 },
                           .monetary = { 1, 2, 3, 4 } };
    for (int cell = 0; cell < RFM_CELLS; cell++) {
        rfm->cells[cell] = cell / 25 >= 3 ? TEXT("fresh") : TEXT("stale");
    }
    rfm_map_names(rfm);
    s->is_from_rfm = true;
    for (uint32_t i = 0; i < rfm->name_count; i++) {
        add_rung(h, s, rfm->names[i].at, NULL, NULL);
    }
    must_settle(h);
    event(h, "visit", 0);
    event(h, "purchase", 5);
    run_to(h, 1000);
    assert_string_equal(h->log, "0:+value.prospect 5:-value.prospect 5:+value.fresh "
                                "25:-value.fresh 25:+value.stale "
                                "105:-value.stale 105:+value.lapsed ");
}

/* --- several --- */

static void segments_of_segments_change_in_the_same_instant(void **state)
{
    struct house *h = *state;

    add_segment(h, "third", "in_segment(\"second\") && customer.b == 1", NULL);
    add_segment(h, "second", "in_segment(\"first\")", NULL);
    add_segment(h, "outside", "!in_segment(\"first\")", NULL);
    add_segment(h, "first", "count(\"visit\", hours(5)) >= 1", NULL);
    must_settle(h);
    set(h, "b", 1, 0);
    event(h, "visit", 2);
    run_to(h, 100);
    assert_string_equal(h->log, "0:+outside 2:+first 2:+second 2:+third 2:-outside "
                                "7:-first 7:-second 7:-third 7:+outside ");
}

static void rung_is_a_segment_to_others(void **state)
{
    struct house *h = *state;

    add_segment(h, "quiet", "in_segment(\"bottom\")", NULL);
    add_segment(h, "anyone", "in_segment(\"lifecycle\")", NULL);
    add_lifecycle(h);
    must_settle(h);
    event(h, "visit", 0);
    set(h, "a", 10, 1);
    assert_string_equal(h->log, "0:+lifecycle.bottom 0:+quiet 0:+anyone "
                                "1:-lifecycle.bottom 1:+lifecycle.top 1:-quiet ");
}

static void cycle_is_named(void **state)
{
    struct house *h = *state;
    char text[256] = "";

    add_segment(h, "other", "in_segment(\"vip\")", NULL);
    add_segment(h, "vip", "in_segment(\"active\")", NULL);
    add_segment(h, "active", "true", "in_segment(\"vip\")");
    assert_int_equal(settle(h, text), ERR_CONFIG);
    assert_non_null(strstr(text, ": vip -> active -> vip"));
}

static void segment_that_asks_for_itself_is_a_cycle(void **state)
{
    struct house *h = *state;
    char text[256] = "";

    add_segment(h, "vip", "in_segment(\"vip\")", NULL);
    assert_int_equal(settle(h, text), ERR_CONFIG);
    assert_non_null(strstr(text, ": vip -> vip"));
}

static void name_is_an_id_a_whole_rung_or_a_bare_one(void **state)
{
    struct house *h = *state;
    struct segment_plan *s;
    uint32_t key = 0, rung = 0;
    bool is_ambiguous = true;

    add_lifecycle(h);
    add_segment(h, "busy", "true", NULL);
    s = add_segment(h, "tier", NULL, NULL);
    add_rung(h, s, "top", "customer.a > 1", NULL);
    add_rung(h, s, "rest", "true", NULL);
    assert_true(segments_find(&h->plan, TEXT("busy"), &key, &rung, &is_ambiguous));
    assert_int_equal(key, hash32(TEXT("busy"))); /* a segment's own id wins */
    assert_int_equal(rung, 0);
    assert_false(is_ambiguous);
    assert_true(segments_find(&h->plan, TEXT("tier.top"), &key, &rung, &is_ambiguous));
    assert_int_equal(key, hash32(TEXT("tier")));
    assert_int_equal(rung, hash32(TEXT("top")));
    assert_true(segments_find(&h->plan, TEXT("rest"), &key, &rung, &is_ambiguous));
    assert_int_equal(key, hash32(TEXT("tier")));
    assert_false(segments_find(&h->plan, TEXT("top"), &key, &rung, &is_ambiguous));
    assert_true(is_ambiguous);
    assert_false(segments_find(&h->plan, TEXT("toppest"), &key, &rung, &is_ambiguous));
    assert_false(is_ambiguous);
}

/* Why: a configuration changes while customers stay. How: one segment goes, one comes, between two
 * events. */
static void new_configuration_is_decided_and_what_it_lacks_is_dropped(void **state)
{
    struct house *h = *state;
    const struct text *ids;

    add_segment(h, "old", "customer.a >= 1", NULL);
    add_lifecycle(h);
    must_settle(h);
    set(h, "a", 2, 0);
    h->plan.count = 0;
    memset(h->rungs, 0, sizeof h->rungs);
    add_lifecycle(h);
    add_segment(h, "new", "customer.a >= 2", NULL);
    must_settle(h);
    decide(h, FACT_ALL, HOUR_MS);
    assert_string_equal(h->log, "0:+old 0:+lifecycle.bottom 1:+new ");
    assert_int_equal(segments_of(&h->plan, h->c, &h->scratch, &ids), 2);
    assert_true(text_is(ids[0], "lifecycle.bottom"));
    assert_true(text_is(ids[1], "new"));
    assert_true(segments_is_in(h->c, hash32(TEXT("lifecycle")), hash32(TEXT("bottom"))));
    assert_false(segments_is_in(h->c, hash32(TEXT("lifecycle")), hash32(TEXT("top"))));
    assert_true(segments_is_in(h->c, hash32(TEXT("lifecycle")), 0));
    assert_false(segments_is_in(h->c, hash32(TEXT("old")), 0));
}

#define HOUSE_TEST(f) cmocka_unit_test_setup_teardown(f, open_house, close_house)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOUSE_TEST(segment_is_entered_and_left_by_its_predicate),
        HOUSE_TEST(time_alone_leaves_at_the_exact_instant),
        HOUSE_TEST(leave_when_keeps_until_it_holds_and_when_does_not),
        HOUSE_TEST(for_enters_at_the_end_of_its_time_without_a_break),
        HOUSE_TEST(for_starts_again_after_a_break_by_time_alone),
        HOUSE_TEST(min_stay_leaves_at_its_end_if_the_reason_still_holds),
        HOUSE_TEST(ladder_moves_to_the_first_rung_that_holds_left_first),
        HOUSE_TEST(rung_with_leave_when_is_kept_until_a_higher_one_holds),
        HOUSE_TEST(ladder_of_rfm_follows_orders_and_their_age),
        HOUSE_TEST(segments_of_segments_change_in_the_same_instant),
        HOUSE_TEST(rung_is_a_segment_to_others),
        HOUSE_TEST(cycle_is_named),
        HOUSE_TEST(segment_that_asks_for_itself_is_a_cycle),
        HOUSE_TEST(name_is_an_id_a_whole_rung_or_a_bare_one),
        HOUSE_TEST(new_configuration_is_decided_and_what_it_lacks_is_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
