#include "processor/base/instant.h"
#include "processor/base/rng.h"
#include "segmenters/rfm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ORDERS_MAX 40

/* The published cuts (R [30, 60, 120, 240] days and so on) as ages and least values. */
static struct rfm_plan plan_of(const char *map)
{
    struct rfm_plan plan = {
        .is_used = true,
        .window_ms = 365 * DAY_MS,
        .recency_ms = { 241 * DAY_MS, 121 * DAY_MS, 61 * DAY_MS, 31 * DAY_MS },
        .frequency = { 2, 3, 4, 6 },
        .monetary = { 2001, 5001, 10001, 20001 },
    };

    assert_true(rfm_map_named(&plan, text_of(map)));
    return plan;
}

static int64_t day(int32_t year, int32_t month, int32_t of_month)
{
    return instant_days_from_civil(year, month, of_month) * DAY_MS;
}

static void assert_segment(const struct rfm *rfm, const char *name)
{
    assert_int_equal(rfm->segment.size, strlen(name));
    assert_memory_equal(rfm->segment.at, name, rfm->segment.size);
}

static int64_t least_until(const struct rfm *rfm)
{
    int64_t until_ms = rfm->r_until_ms;

    until_ms = rfm->f_until_ms < until_ms ? rfm->f_until_ms : until_ms;
    return rfm->m_until_ms < until_ms ? rfm->m_until_ms : until_ms;
}

/* Why: dates and names of a published replay of one customer. How: walk from change to change by
 * "until" alone, and note every instant at which the name is another one. */
static void published_customer_moves_on_the_published_days(void **state)
{
    static const struct {
        int32_t year, month, of_month;
        int32_t code;
        const char *segment;
    } moves[] = {
        { 1997, 1, 1, 512, "new_customers" },      { 1997, 1, 18, 523, "potential_loyalist" },
        { 1997, 3, 20, 323, "about_to_sleep" },    { 1997, 5, 19, 223, "hibernating" },
        { 1997, 8, 2, 533, "potential_loyalist" }, { 1997, 10, 2, 333, "need_attention" },
        { 1997, 12, 1, 233, "at_risk" },           { 1997, 12, 12, 544, "champions" },
        { 1998, 1, 1, 533, "potential_loyalist" }, { 1998, 2, 11, 322, "about_to_sleep" },
        { 1998, 4, 12, 222, "hibernating" },
    };
    struct rfm_plan plan = plan_of("rf11");
    struct order orders[4] = { { .id = 1, .at_ms = day(1997, 1, 1), .amount = 2933 },
                               { .id = 2, .at_ms = day(1997, 1, 18), .amount = 2973 },
                               { .id = 3, .at_ms = day(1997, 8, 2), .amount = 1496 },
                               { .id = 4, .at_ms = day(1997, 12, 12), .amount = 2648 } };
    struct customer c = { .orders = orders, .orders_ever = 4, .order_count = 4 };
    struct text before = TEXT("prospect");
    int64_t now_ms = day(1996, 12, 31);
    size_t seen = 0;

    (void)state;
    /* Orders still to come do not count before their time, so the walk needs no events. */
    while (now_ms < day(1998, 7, 1)) {
        struct rfm rfm = rfm_value(&plan, &c, now_ms);

        if (!text_equal(rfm.segment, before)) {
            assert_true(seen < sizeof moves / sizeof moves[0]);
            assert_int_equal(now_ms,
                             day(moves[seen].year, moves[seen].month, moves[seen].of_month));
            assert_segment(&rfm, moves[seen].segment);
            assert_int_equal(rfm.r * 100 + rfm.f * 10 + rfm.m, moves[seen].code);
            before = rfm.segment;
            seen++;
        }
        assert_true(least_until(&rfm) > now_ms);
        now_ms = least_until(&rfm);
    }
    assert_int_equal(seen, sizeof moves / sizeof moves[0]);
}

static void order_leaves_the_window_exactly_at_its_end(void **state)
{
    struct rfm_plan plan = plan_of("rf11");
    struct order order = { .id = 1, .at_ms = 0, .amount = 700 };
    struct customer c = { .orders = &order, .orders_ever = 1, .order_count = 1 };
    struct rfm rfm;

    (void)state;
    rfm = rfm_value(&plan, &c, plan.window_ms - 1);
    assert_true(rfm.is_known);
    assert_int_equal(rfm.frequency, 1);
    assert_int_equal(rfm.monetary, 700);
    assert_int_equal(rfm.r_until_ms, plan.window_ms);
    assert_int_equal(rfm.f_until_ms, plan.window_ms);
    assert_int_equal(rfm.m_until_ms, plan.window_ms);
    rfm = rfm_value(&plan, &c, plan.window_ms);
    assert_false(rfm.is_known);
    assert_int_equal(rfm.frequency, 0);
    assert_int_equal(rfm.monetary, 0);
    assert_segment(&rfm, "lapsed");
    assert_int_equal(least_until(&rfm), INSTANT_NEVER);
}

static void window_ever_keeps_every_order(void **state)
{
    struct rfm_plan plan = plan_of("rf11");
    struct order order = { .id = 1, .at_ms = 0, .amount = 700 };
    struct customer c = { .orders = &order, .orders_ever = 1, .order_count = 1 };
    struct rfm rfm;

    (void)state;
    plan.window_ms = INSTANT_NEVER;
    rfm = rfm_value(&plan, &c, 100 * 365 * DAY_MS);
    assert_int_equal(rfm.r, 1);
    assert_segment(&rfm, "lost");
    assert_int_equal(least_until(&rfm), INSTANT_NEVER);
}

static void nobody_without_an_order_is_more_than_a_prospect(void **state)
{
    struct rfm_plan plan = plan_of("rf11");
    struct order order = { .id = 1, .at_ms = 1000, .amount = 700 };
    struct customer c = { .orders = &order, .orders_ever = 1, .order_count = 1 };
    struct rfm rfm = rfm_value(&plan, &c, 999);

    (void)state;
    assert_segment(&rfm, "prospect"); /* its only order is still to come */
    assert_false(rfm.is_known);
    assert_int_equal(least_until(&rfm), 1000);
    rfm = rfm_value(&plan, &c, 1000);
    assert_true(rfm.is_known);
    assert_int_equal(rfm.recency_ms, 0);
    order.refunded = 700;
    c.orders_ever = 0; /* as a refund leaves it */
    rfm = rfm_value(&plan, &c, 1000);
    assert_segment(&rfm, "prospect");
    c.order_count = 0;
    rfm = rfm_value(&plan, &c, 1000);
    assert_segment(&rfm, "prospect");
}

static void foreign_orders_count_but_bring_no_money(void **state)
{
    struct rfm_plan plan = plan_of("rf11");
    struct order orders[2] = { { .id = 1, .at_ms = 0, .amount = 700 },
                               { .id = 2, .at_ms = 5, .amount = 900, .is_foreign = true } };
    struct customer c = { .orders = orders, .orders_ever = 2, .order_count = 2 };
    struct rfm rfm = rfm_value(&plan, &c, 10);

    (void)state;
    assert_int_equal(rfm.frequency, 2);
    assert_int_equal(rfm.monetary, 700);
    assert_int_equal(rfm.recency_ms, 5);
    assert_int_equal(rfm.f, 2);
    assert_int_equal(rfm.m, 1);
}

static void refund_lowers_and_in_full_removes(void **state)
{
    struct rfm_plan plan = plan_of("rf11");
    struct order orders[3] = { { .id = 1, .at_ms = 0, .amount = 9000, .refunded = 3000 },
                               { .id = 2, .at_ms = 5, .amount = 900, .refunded = 900 },
                               { .id = 3, .at_ms = 6, .amount = 0 } };
    struct customer c = { .orders = orders, .orders_ever = 2, .order_count = 3 };
    struct rfm rfm = rfm_value(&plan, &c, 10);

    (void)state;
    assert_int_equal(rfm.frequency, 2); /* one for nothing is an order too */
    assert_int_equal(rfm.monetary, 6000);
    assert_int_equal(rfm.recency_ms, 4);
    orders[0].refunded = INT64_MAX;
    orders[2].refunded = 1;
    rfm = rfm_value(&plan, &c, 10);
    assert_false(rfm.is_known);
}

/* Why: a missed "until" is a segment that is wrong until the next event. How: random orders, and at
 * random instants before each until nothing may differ. */
static void nothing_changes_before_until(void **state)
{
    struct rfm_plan plan = plan_of("l125");

    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct order orders[ORDERS_MAX];
        struct customer c = { .orders = orders };
        struct rng r;
        int64_t now_ms = 0;

        rng_init(&r, seed);
        c.order_count = (uint32_t)rng_between(&r, 0, 12);
        for (uint32_t i = 0; i < c.order_count; i++) {
            orders[i] = (struct order){ .id = i,
                                        .at_ms = (i > 0 ? orders[i - 1].at_ms : 0) +
                                                 rng_between(&r, 0, 90 * DAY_MS),
                                        .amount = rng_between(&r, 0, 9000),
                                        .is_foreign = rng_chance(&r, 1500) };
            if (rng_chance(&r, 2000)) {
                orders[i].refunded = rng_between(&r, 0, 9000);
            }
            c.orders_ever += rfm_order_counts(&orders[i], INSTANT_MAX);
        }
        for (int step = 0; step < 40; step++) {
            struct rfm now = rfm_value(&plan, &c, now_ms);
            int64_t end_ms = least_until(&now);

            assert_true(end_ms > now_ms);
            for (int probe = 0; probe < 8; probe++) {
                int64_t last_ms = end_ms == INSTANT_NEVER ? now_ms + 800 * DAY_MS : end_ms - 1;
                int64_t t_ms = probe == 0 ? last_ms : rng_between(&r, now_ms, last_ms);
                struct rfm then = rfm_value(&plan, &c, t_ms);

                assert_true(text_equal(now.segment, then.segment));
                assert_int_equal(now.frequency, then.frequency);
                assert_int_equal(now.monetary, then.monetary);
                assert_int_equal(now.r * 100 + now.f * 10 + now.m,
                                 then.r * 100 + then.f * 10 + then.m);
            }
            if (end_ms == INSTANT_NEVER) {
                break;
            }
            now_ms = end_ms;
        }
    }
}

static uint32_t cells_named(const struct rfm_plan *plan, struct text name)
{
    uint32_t count = 0;

    for (int i = 0; i < RFM_CELLS; i++) {
        count += text_equal(plan->cells[i], name);
    }
    return count;
}

/* Why: the list of 125 codes is easily mistyped. How: the published sizes, and one cell each that
 * people disagree about. */
static void list_map_has_the_published_sizes(void **state)
{
    static const struct {
        const char *name;
        uint32_t cells;
    } sizes[] = { { "champions", 7 },      { "loyal", 8 },      { "potential_loyalist", 24 },
                  { "new_customers", 7 },  { "promising", 16 }, { "need_attention", 8 },
                  { "about_to_sleep", 8 }, { "at_risk", 22 },   { "cannot_lose_them", 8 },
                  { "hibernating", 11 },   { "lost", 6 } };
    struct rfm_plan plan = plan_of("l125");

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_int_equal(cells_named(&plan, text_of(sizes[i].name)), sizes[i].cells);
    }
    assert_true(text_is(plan.cells[0 * 25 + 0 * 5 + 2], "cannot_lose_them")); /* 113 */
}

static void every_map_ends_with_prospect_and_lapsed(void **state)
{
    static const char *const maps[2] = { "rf11", "l125" };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct rfm_plan plan = plan_of(maps[i]);

        assert_int_equal(plan.name_count, 13);
        assert_true(text_is(plan.names[0], "lost"));
        assert_true(text_is(plan.names[11], "prospect"));
        assert_true(text_is(plan.names[12], "lapsed"));
    }
}

static void unknown_map_is_refused(void **state)
{
    struct rfm_plan plan = { 0 };

    (void)state;
    assert_false(rfm_map_named(&plan, TEXT("rf12")));
    assert_int_equal(plan.name_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_customer_moves_on_the_published_days),
        cmocka_unit_test(order_leaves_the_window_exactly_at_its_end),
        cmocka_unit_test(window_ever_keeps_every_order),
        cmocka_unit_test(nobody_without_an_order_is_more_than_a_prospect),
        cmocka_unit_test(foreign_orders_count_but_bring_no_money),
        cmocka_unit_test(refund_lowers_and_in_full_removes),
        cmocka_unit_test(nothing_changes_before_until),
        cmocka_unit_test(list_map_has_the_published_sizes),
        cmocka_unit_test(every_map_ends_with_prospect_and_lapsed),
        cmocka_unit_test(unknown_map_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
