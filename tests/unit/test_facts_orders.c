#include "tests/support/facts_shop.h"

#include <stdio.h>

/* Why: shops send an order twice. How: the later record first, then the earlier, then one more. */
static void same_order_counts_once_at_its_earliest_time(void **state)
{
    struct shop *s = *state;

    assert_false(is_known_order(s, money("purchase", 500, "o-1", 900)));
    assert_true(is_known_order(s, money("purchase", 400, "o-1", 800)));
    assert_true(is_known_order(s, money("purchase", 600, "o-1", 700)));
    assert_int_equal(s->c->order_count, 1);
    assert_int_equal(s->c->orders[0].at_ms, 400);
    assert_int_equal(s->c->orders[0].amount, 800);
    assert_int_equal(s->c->orders_ever, 1);
    assert_int_equal(s->c->order_first_ms, 400);
    assert_int_equal(history(s, AMOUNTS)->count, 1);
    assert_int_equal(history(s, AMOUNTS)->entries[0].value, 800);
    assert_int_equal(history(s, AMOUNTS)->total_sum, 800);
    assert_int_equal(history(s, AMOUNTS)->last_ms, 400);
}

static void smallest_event_id_stands_among_equal_times(void **state)
{
    struct shop *s = *state;
    static const char *const ids[3] = { "e-2", "e-1", "e-10" };

    for (int i = 0; i < 3; i++) {
        struct draft d = money("purchase", 500, "o-1", 100 + i);

        d.ev.id = text_of(ids[i]);
        apply(s, d);
    }
    assert_int_equal(s->c->orders[0].amount, 101);
}

static void purchase_without_an_order_is_an_order_of_its_own(void **state)
{
    struct shop *s = *state;

    for (int i = 0; i < 3; i++) {
        assert_false(is_known_order(s, money("purchase", 500, NULL, 100)));
    }
    assert_int_equal(s->c->order_count, 3);
    assert_int_equal(s->c->orders_ever, 3);
}

static void refund_that_comes_first_waits_for_its_order(void **state)
{
    struct shop *s = *state;

    assert_int_equal(apply(s, money("refund", 700, "o-1", 300)), 0);
    assert_int_equal(s->c->orders_ever, 0);
    assert_int_equal(s->c->order_first_ms, INSTANT_NEVER);
    assert_false(is_known_order(s, money("purchase", 500, "o-1", 900)));
    assert_int_equal(s->c->order_count, 1);
    assert_int_equal(rfm_order_net(&s->c->orders[0]), 600);
    assert_int_equal(s->c->orders_ever, 1);
}

static void order_refunded_to_nothing_is_no_purchase(void **state)
{
    struct shop *s = *state;

    apply(s, money("purchase", 500, "o-1", 900));
    apply(s, money("purchase", 600, "o-2", 900));
    assert_true(apply(s, money("refund", 700, "o-1", 500)) & FACT_RFM);
    assert_int_equal(s->c->orders_ever, 2);
    assert_true(apply(s, money("refund", 800, "o-1", 400)) & FACT_RFM);
    assert_int_equal(s->c->orders_ever, 1);
    assert_int_equal(s->c->order_first_ms, 600);
    assert_false(rfm_order_counts(&s->c->orders[0], 1000));
    apply(s, money("purchase", 100, "o-1", 5000)); /* its true amount: a purchase again */
    assert_int_equal(s->c->orders_ever, 2);
    assert_int_equal(s->c->order_first_ms, 100);
}

static void order_for_nothing_is_a_purchase_until_refunded(void **state)
{
    struct shop *s = *state;

    apply(s, money("purchase", 500, "o-1", 0));
    assert_true(rfm_order_counts(&s->c->orders[0], 1000));
    apply(s, money("refund", 700, "o-1", 0));
    assert_false(rfm_order_counts(&s->c->orders[0], 1000));
    apply(s, money("refund", 700, "o-2", 0)); /* the other way round */
    apply(s, money("purchase", 800, "o-2", 0));
    assert_int_equal(s->c->orders_ever, 0);
    apply(s, money("purchase", 800, "o-3", 900));
    assert_int_equal(apply(s, money("refund", 900, "o-3", 0)) & FACT_RFM, 0);
    assert_int_equal(s->c->orders_ever, 1);
}

static void refund_without_an_amount_is_of_all(void **state)
{
    struct shop *s = *state;
    struct draft d = money("refund", 700, "o-1", 0);

    d.ev.has_amount = false;
    apply(s, money("purchase", 500, "o-1", 900));
    apply(s, d);
    apply(s, d);
    assert_int_equal(s->c->orders_ever, 0);
}

static struct draft guide(int64_t at_ms, const char *order, int64_t amount)
{
    struct draft d = money("purchase", at_ms, order, amount);

    add_field(&d, "url", text_value("/pricing/guide"));
    return d;
}

/* Why: count("purchase.guides") must follow refunds as count("purchase") does, whichever comes
 * first. */
static void filtered_purchases_follow_their_orders(void **state)
{
    struct shop *s = *state;

    apply(s, guide(100, "o-1", 900));
    apply(s, guide(200, "o-2", 500));
    apply(s, money("purchase", 300, "o-3", 77)); /* no guide */
    apply(s, money("refund", 400, "o-4", 200));
    apply(s, guide(500, "o-4", 700));
    apply(s, money("refund", 600, "o-5", 700));
    apply(s, guide(700, "o-5", 700));
    assert_int_equal(history(s, GUIDES)->total_count, 3);
    assert_int_equal(history(s, GUIDE_AMOUNTS)->total_sum, 900 + 500 + 500);
    apply(s, money("refund", 800, "o-1", 300));
    assert_int_equal(history(s, GUIDES)->total_count, 3);
    assert_int_equal(history(s, GUIDE_AMOUNTS)->total_sum, 600 + 500 + 500);
    assert_int_equal(apply(s, money("refund", 30 * DAY_MS, "o-1", 600)),
                     FACT_RFM | FACT_HISTORY(GUIDES) | FACT_HISTORY(GUIDE_AMOUNTS));
    assert_int_equal(history(s, GUIDES)->total_count, 2);
    assert_int_equal(history(s, GUIDES)->first_ms, 200);
    assert_int_equal(history(s, GUIDE_AMOUNTS)->total_sum, 500 + 500);
    apply(s, money("refund", 30 * DAY_MS, "o-3", 77));
    assert_int_equal(history(s, GUIDES)->total_count, 2);
}

static void other_currencies_stay_out_of_money(void **state)
{
    struct shop *s = *state;
    struct draft d = money("purchase", 500, "o-1", 900);

    d.ev.currency = TEXT("USD");
    apply(s, d);
    assert_true(s->c->orders[0].is_foreign);
    assert_int_equal(s->c->orders_ever, 1);
    assert_null(history(s, AMOUNTS));
    assert_int_equal(history(s, BUYS)->count, 1);
    apply(s, money("purchase", 600, "o-2", 900));
    d = money("refund", 700, "o-2", 900);
    d.ev.currency = TEXT("USD"); /* nobody knows how many euros that is */
    apply(s, d);
    assert_int_equal(s->c->orders_ever, 2);
}

static void orders_are_bounded_and_shed_after_their_window(void **state)
{
    struct shop *s = *state;
    char order[16];

    for (int i = 0; i < 1100; i++) {
        snprintf(order, sizeof order, "o-%d", i);
        apply(s, money("purchase", i, order, 1));
        apply(s, money("refund", i, order + 1, 1)); /* of orders nobody ever sees */
    }
    assert_true(s->c->order_count <= CUSTOMER_ENTRIES_MAX);
    assert_int_equal(s->c->orders_ever, 1100);
    assert_int_equal(s->c->order_first_ms, 0);
    apply(s, money("purchase", 365 * DAY_MS + 1099, "late", 1));
    assert_int_equal(s->c->order_count, 1 + 1 + 64); /* the newest, it, refunds that still wait */
    assert_int_equal(s->c->orders_ever, 1101);
    apply(s, money("refund", 365 * DAY_MS + 1099, "o-x", 1));
    assert_int_equal(s->c->order_count, 1 + 64);
    apply(s, money("purchase", 1, "later", 1)); /* left every window before it came */
    assert_int_equal(s->c->order_count, 1 + 64);
    assert_int_equal(s->c->orders_ever, 1102);
}

/* Why: last("purchase") has no window. How: years later, a refund of something else; then the
 * first purchase heard of is years old. */
static void newest_purchase_is_held_whatever_its_age(void **state)
{
    struct shop *s = *state;

    apply(s, money("purchase", 0, "o-1", 5));
    apply(s, money("purchase", 10, "o-2", 5));
    apply(s, money("refund", 900 * DAY_MS, "o-3", 5));
    assert_int_equal(s->c->order_count, 2);
    assert_int_equal(s->c->orders[0].at_ms, 10);
    apply(s, money("refund", 900 * DAY_MS, "o-2", 5));
    apply(s, money("purchase", 20, "o-4", 5));
    assert_int_equal(s->c->orders[s->c->order_count - 2].at_ms, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHOP_TEST(same_order_counts_once_at_its_earliest_time),
        SHOP_TEST(smallest_event_id_stands_among_equal_times),
        SHOP_TEST(purchase_without_an_order_is_an_order_of_its_own),
        SHOP_TEST(refund_that_comes_first_waits_for_its_order),
        SHOP_TEST(order_refunded_to_nothing_is_no_purchase),
        SHOP_TEST(order_for_nothing_is_a_purchase_until_refunded),
        SHOP_TEST(refund_without_an_amount_is_of_all),
        SHOP_TEST(filtered_purchases_follow_their_orders),
        SHOP_TEST(other_currencies_stay_out_of_money),
        SHOP_TEST(newest_purchase_is_held_whatever_its_age),
        SHOP_TEST(orders_are_bounded_and_shed_after_their_window),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
