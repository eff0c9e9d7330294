#include "processor/base/rng.h"
#include "tests/support/facts_shop.h"

#include <stdio.h>

static void history_keeps_the_newest_in_order_of_time(void **state)
{
    struct shop *s = *state;
    static const int64_t at[8] = { 5, 1, 9, 7, 3, 2, 8, 6 };

    for (int i = 0; i < 8; i++) {
        assert_true(apply(s, visit(at[i], NULL)) & FACT_HISTORY(VISITS));
    }
    assert_int_equal(history(s, VISITS)->count, 5);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(history(s, VISITS)->entries[i].at_ms, 5 + i);
    }
    assert_int_equal(history(s, VISITS)->total_count, 8);
    assert_int_equal(history(s, VISITS)->first_ms, 1);
    assert_int_equal(history(s, VISITS)->last_ms, 9);
    assert_false(history(s, VISITS)->is_truncated); /* no rule counts past five */
    assert_null(history(s, PAGES));                 /* nothing without the field */
}

static void history_sheds_what_left_its_window(void **state)
{
    struct shop *s = *state;

    apply(s, visit(0, "/a"));
    apply(s, visit(10 * DAY_MS - 1, "/b"));
    assert_int_equal(history(s, VISITS)->count, 2);
    apply(s, visit(10 * DAY_MS, "/c"));
    assert_int_equal(history(s, VISITS)->count, 2);
    assert_int_equal(history(s, VISITS)->entries[0].at_ms, 10 * DAY_MS - 1);
    apply(s, visit(0, "/d")); /* too late to count for the window, not for all time */
    assert_int_equal(history(s, VISITS)->count, 2);
    assert_int_equal(history(s, VISITS)->total_count, 4);
    assert_int_equal(history(s, PAGES)->count, 4);
}

static void history_past_its_bound_says_so(void **state)
{
    struct shop *s = *state;

    for (int i = 0; i < CUSTOMER_ENTRIES_MAX; i++) {
        apply(s, click(i, NULL));
    }
    assert_false(history(s, CLICKS)->is_truncated);
    apply(s, click(CUSTOMER_ENTRIES_MAX, NULL));
    assert_true(history(s, CLICKS)->is_truncated);
    assert_int_equal(history(s, CLICKS)->count, CUSTOMER_ENTRIES_MAX);
    assert_int_equal(history(s, CLICKS)->entries[0].at_ms, 1);
}

static void lists_count_each_of_their_texts(void **state)
{
    struct shop *s = *state;
    const struct text items[2] = { TEXT("shoes"), TEXT("hats") };
    struct draft d = visit(1, NULL);

    add_field(&d, "url",
              (struct value){ .type = VALUE_STRINGS, .as.strings = { .at = items, .count = 2 } });
    apply(s, d);
    assert_int_equal(history(s, PAGES)->count, 2);
    assert_int_equal(history(s, PAGES)->entries[1].value, (int64_t)hash64(items[1]));
}

/* Why: a click of a trigger of ours is nobody's until bot_wait is over. How: it is applied at once
 * for all, then once more for humans; each name counts once. */
static void waiting_click_counts_at_once_for_any_and_later_for_humans(void **state)
{
    struct shop *s = *state;
    struct draft d = click(100, "/pricing/all");
    bool is_known;
    uint64_t changed = apply_as(s, &d, false, true, &is_known);

    assert_int_equal(changed, FACT_HISTORY(CLICKS_ANY) | FACT_SCORE(0));
    assert_null(history(s, CLICKS));
    assert_null(history(s, PRICING));
    assert_int_equal(customer_score(s->c, 7)->points_q40, 16 * SCORE_POINT);
    assert_int_equal(s->c->kind_count, 0);
    assert_int_equal(s->c->last_engaged_ms, INSTANT_NEVER);
    assert_int_equal(s->c->last_event_ms, 100);
    changed = apply_as(s, &d, true, false, &is_known);
    assert_int_equal(changed, FACT_HISTORY(CLICKS) | FACT_HISTORY(PRICING) | FACT_SCORE(0));
    assert_int_equal(history(s, CLICKS_ANY)->total_count, 1);
    assert_int_equal(history(s, PRICING)->total_count, 1);
    assert_int_equal(customer_score(s->c, 7)->points_q40, (16 + 3 + 6) * SCORE_POINT);
    assert_int_equal(s->c->last_engaged_ms, 100);
}

static void all_matching_points_add_up(void **state)
{
    struct shop *s = *state;

    apply(s, click(100, "/pricing"));
    assert_int_equal(customer_score(s->c, 7)->points_q40, (16 + 3 + 6) * SCORE_POINT);
    apply(s, click(100, "/else"));
    assert_int_equal(customer_score(s->c, 7)->points_q40, (2 * (16 + 3) + 6) * SCORE_POINT);
}

static void second_record_of_an_order_adds_no_points(void **state)
{
    struct shop *s = *state;

    apply(s, money("purchase", 100, "o-1", 900));
    apply(s, money("purchase", 50, "o-1", 900));
    assert_int_equal(customer_score(s->c, 7)->points_q40, 64 * SCORE_POINT);
    assert_int_equal(customer_score(s->c, 7)->at_ms, 100);
}

static void last_times_are_kept_of_the_kinds_that_came_last(void **state)
{
    struct shop *s = *state;
    char kind[16];

    for (int i = 0; i < 40; i++) {
        struct draft d;

        snprintf(kind, sizeof kind, "k%d", (i * 7) % 40);
        event_init(&d, kind, (i * 7) % 40);
        apply(s, d);
    }
    assert_int_equal(s->c->kind_count, CUSTOMER_KINDS_MAX);
    for (uint32_t i = 0; i < s->c->kind_count; i++) {
        assert_in_range(s->c->kinds[i].last_ms, 40 - CUSTOMER_KINDS_MAX, 39);
    }
    assert_int_equal(s->c->created_at_ms, 0);
    assert_int_equal(s->c->last_event_ms, 39);
    assert_int_equal(s->c->last_engaged_ms, INSTANT_NEVER);
}

#define EVENTS 40

static struct draft random_event(struct rng *r, int64_t at_ms)
{
    static const char *const orders[5] = { "o-1", "o-2", "o-3", "o-4", "o-5" };
    static const char *const urls[4] = { "/a", "/b", "/pricing/a", "/pricing/b" };
    const char *order = orders[rng_below(r, 5)];
    const char *url = urls[rng_below(r, 4)];
    struct draft d;

    switch (rng_below(r, 6)) {
    case 0:
        d = money("purchase", at_ms, order, rng_between(r, 1, 5000));
        add_field(&d, "url", text_value(url));
        return d;
    case 1:
        return money("refund", at_ms, order, rng_between(r, 1, 3000));
    case 2:
        return click(at_ms, url);
    case 3:
        return profile(at_ms, rng_chance(r, 5000) ? "size" : "city",
                       rng_chance(r, 2000) ? VALUE_NONE
                                           : text_value(rng_chance(r, 5000) ? "1" : "2"));
    default:
        return visit(at_ms, rng_chance(r, 8000) ? url : NULL);
    }
}

static int by_kind(const void *a, const void *b)
{
    return text_compare(((const struct kind_time *)a)->kind, ((const struct kind_time *)b)->kind);
}

/* What may differ by the order of arrival: the order of kinds, entries outside their window that no
 * later event has touched yet, and a history of which all was undone. */
static void normalise(struct shop *s, int64_t now_ms)
{
    uint32_t histories = 0;

    if (s->c->kind_count > 0) {
        qsort(s->c->kinds, s->c->kind_count, sizeof s->c->kinds[0], by_kind);
    }
    for (int i = 0; i < SHOP_HISTORIES; i++) {
        struct history *h = customer_history(s->c, s->plan.histories[i].key);
        uint32_t count = 0;

        for (uint32_t k = 0; h != NULL && k < h->count; k++) {
            if (s->plan.histories[i].window_ms == INSTANT_NEVER ||
                now_ms - h->entries[k].at_ms < s->plan.histories[i].window_ms) {
                h->entries[count++] = h->entries[k];
            }
        }
        if (h != NULL) {
            h->count = count;
            h->from_ms = INSTANT_MIN; /* what left its window did so at one instant or another */
        }
    }
    s->c->orders_from_ms = INSTANT_MIN;
    for (uint32_t i = 0; i < s->c->history_count; i++) {
        if (s->c->histories[i].total_count > 0) {
            s->c->histories[histories++] = s->c->histories[i];
        } else {
            mem_free(s->c->histories[i].entries);
        }
    }
    s->c->history_count = histories;
}

/* Returns: the score, which may differ in its last bits and is left out of the bytes. */
static int64_t play(struct shop *s, const struct draft *events, const uint32_t *order,
                    struct bytes_out *out)
{
    struct score *score;
    int64_t points_q40 = 0;

    customer_free(s->c);
    s->c = customer_new();
    s->now_ms = INSTANT_MIN;
    for (int i = 0; i < EVENTS; i++) {
        apply(s, events[order[i]]);
    }
    normalise(s, s->now_ms);
    score = customer_score(s->c, 7);
    if (score != NULL) {
        points_q40 = score->points_q40;
        score->points_q40 = 0;
    }
    customer_encode(s->c, out);
    return points_q40;
}

static void shuffle(struct rng *r, uint32_t *order)
{
    for (uint32_t i = EVENTS - 1; i > 0; i--) {
        uint32_t other = (uint32_t)rng_below(r, i + 1);
        uint32_t kept = order[i];

        order[i] = order[other];
        order[other] = kept;
    }
}

/* Why: records arrive late, from several topics, again. How: random events, dealt again and again;
 * the stored form must be the same bytes. */
static void facts_are_the_same_in_any_order_of_arrival(void **state)
{
    struct shop *s = *state;

    s->points[3].points_q40 = 0; /* points of an order stay where its first record put them */
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct draft events[EVENTS];
        uint32_t order[EVENTS];
        struct bytes_out first = { 0 };
        struct rng r;
        int64_t points_q40;

        rng_init(&r, seed);
        for (uint32_t i = 0; i < EVENTS; i++) {
            order[i] = i;
            events[i] = random_event(&r, (int64_t)i * DAY_MS + rng_between(&r, 0, DAY_MS - 1));
        }
        points_q40 = play(s, events, order, &first);
        for (int deal = 0; deal < 6; deal++) {
            struct bytes_out again = { 0 };

            shuffle(&r, order);
            assert_in_range(play(s, events, order, &again) - points_q40 + EVENTS, 0, 2 * EVENTS);
            if (first.size != again.size || memcmp(first.at, again.at, first.size) != 0) {
                fail_msg("seed %llu, deal %d", (unsigned long long)seed, deal);
            }
            bytes_out_fini(&again);
        }
        bytes_out_fini(&first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHOP_TEST(history_keeps_the_newest_in_order_of_time),
        SHOP_TEST(history_sheds_what_left_its_window),
        SHOP_TEST(history_past_its_bound_says_so),
        SHOP_TEST(lists_count_each_of_their_texts),
        SHOP_TEST(waiting_click_counts_at_once_for_any_and_later_for_humans),
        SHOP_TEST(all_matching_points_add_up),
        SHOP_TEST(second_record_of_an_order_adds_no_points),
        SHOP_TEST(last_times_are_kept_of_the_kinds_that_came_last),
        SHOP_TEST(facts_are_the_same_in_any_order_of_arrival),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
