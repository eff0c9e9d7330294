/* Questions about history against a model that keeps every event and counts again; how much is
 * known after a configuration changed; what is folded; the published figures of overdue().
 */
#include "tests/support/facts_shop.h"

#include "processor/base/rng.h"

#include <stdio.h>

#define EVENTS 60

static struct predicate *compile(struct shop *s, const char *source)
{
    const struct predicate *p = NULL;
    struct predicate_error error = { .text = "" };

    if (predicate_compile(&s->plan, NULL, text_of(source), PREDICATE_CUSTOMER, &p, &error) != OK) {
        fail_msg("%s: %s", source, error.text);
    }
    return (struct predicate *)(uintptr_t)p;
}

static enum truth ask(struct shop *s, const struct predicate *p, int64_t now_ms)
{
    struct arena scratch = { 0 };
    struct view v = { .plan = &s->plan, .customer = s->c, .now_ms = now_ms, .arena = &scratch };
    struct answer a = predicate_eval(p, &v);

    arena_fini(&scratch);
    return a.truth;
}

static struct draft pages(int64_t at_ms, int64_t number)
{
    struct draft d = visit(at_ms, NULL);

    add_field(&d, "pages", int_value(number));
    return d;
}

/* --- a model --- */
struct event_seen {
    int64_t at_ms;
    int64_t number;
};

/* Every event of all time, counted again; INT64_MIN: nothing is in the window. */
static int64_t model(const struct event_seen *seen, int count, const char *function,
                     int64_t window_ms, int64_t now_ms)
{
    int64_t value = 0, distinct = 0;
    bool has_any = false;

    for (int i = 0; i < count; i++) {
        bool is_known = false;

        if (now_ms - seen[i].at_ms < 0 || now_ms - seen[i].at_ms >= window_ms) {
            continue;
        }
        for (int k = 0; k < i; k++) {
            is_known = is_known ||
                       (seen[k].number == seen[i].number && now_ms - seen[k].at_ms < window_ms);
        }
        distinct += is_known ? 0 : 1;
        if (strcmp(function, "count") == 0) {
            value++;
        } else if (strcmp(function, "sum") == 0) {
            value += seen[i].number;
        } else if (!has_any || (strcmp(function, "min") == 0 ? seen[i].number < value
                                                             : seen[i].number > value)) {
            value = seen[i].number;
        }
        has_any = true;
    }
    if (strcmp(function, "distinct") == 0) {
        return distinct;
    }
    return !has_any && function[0] == 'm' ? INT64_MIN : value;
}

static const struct {
    const char *function;
    int64_t window_hours; /* 0: none */
    int64_t bound;
} questions[] = {
    { "count", 30, 2 }, { "count", 30, 5 },    { "count", 100, 4 },    { "count", 0, 20 },
    { "sum", 30, 7 },   { "sum", 100, 15 },    { "sum", 0, 60 },       { "min", 30, 1 },
    { "min", 100, 2 },  { "min", 0, 1 },       { "max", 30, 4 },       { "max", 100, 5 },
    { "max", 0, 5 },    { "distinct", 30, 3 }, { "distinct", 100, 4 }, { "distinct", 0, 6 },
};

#define QUESTIONS ((int)(sizeof(questions) / sizeof(questions[0])))

static void compile_questions(struct shop *s, struct predicate *out[QUESTIONS])
{
    for (int q = 0; q < QUESTIONS; q++) {
        char source[96], window[32] = "";
        bool has_field = strcmp(questions[q].function, "count") != 0;

        if (questions[q].window_hours > 0) {
            snprintf(window, sizeof window, ", hours(%d)", (int)questions[q].window_hours);
        }
        snprintf(source, sizeof source, "%s(\"visit\"%s%s) >= %d", questions[q].function,
                 has_field ? ", \"pages\"" : "", window, (int)questions[q].bound);
        out[q] = compile(s, source);
    }
}

static void compare(struct shop *s, struct predicate *const p[QUESTIONS],
                    const struct event_seen *seen, int count, int64_t now_ms, uint64_t seed)
{
    for (int q = 0; q < QUESTIONS; q++) {
        int64_t window_ms =
            questions[q].window_hours == 0 ? INSTANT_NEVER : questions[q].window_hours * HOUR_MS;
        int64_t value = model(seen, count, questions[q].function, window_ms, now_ms);
        enum truth expected = value == INT64_MIN            ? TRUTH_UNKNOWN
                              : value >= questions[q].bound ? TRUTH_TRUE
                                                            : TRUTH_FALSE;

        if (ask(s, p[q], now_ms) != expected) {
            fail_msg("seed %llu: %s in %d h >= %d at %lld: the model has %lld",
                     (unsigned long long)seed, questions[q].function,
                     (int)questions[q].window_hours, (int)questions[q].bound, (long long)now_ms,
                     (long long)value);
        }
    }
}

/* R13, R14, R15, R18 of the requirements: exact at both edges of a window, whatever is late or
 * older than it; windows of several widths over one counter do not mix. */
static void windows_are_exact_at_their_edges_by_seed(void **state)
{
    struct shop *s = *state;
    struct predicate *p[QUESTIONS];

    compile_questions(s, p);
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct event_seen seen[EVENTS];
        int64_t now_ms = 0;
        struct rng r;

        rng_init(&r, seed);
        customer_free(s->c);
        s->c = customer_new();
        s->now_ms = INSTANT_MIN;
        for (int i = 0; i < EVENTS; i++) {
            int64_t late_ms = rng_chance(&r, 3000) ? rng_between(&r, 0, 150 * HOUR_MS) : 0;
            const int64_t widths[] = { 30 * HOUR_MS, 100 * HOUR_MS };
            int64_t edge_ms;

            now_ms += rng_between(&r, 0, 20 * HOUR_MS);
            seen[i] = (struct event_seen){ now_ms - late_ms, rng_between(&r, 0, 6) };
            apply(s, pages(seen[i].at_ms, seen[i].number));
            compare(s, p, seen, i + 1, now_ms, seed);
            edge_ms = seen[rng_below(&r, (uint64_t)i + 1)].at_ms + widths[rng_below(&r, 2)];
            for (int64_t at_ms = edge_ms - 1; at_ms <= edge_ms + 1; at_ms++) {
                if (at_ms >= now_ms) {
                    compare(s, p, seen, i + 1, at_ms, seed);
                }
            }
        }
    }
}

/* R12: "at most", "fewer than" and "exactly none" hold for who never did it. */
static void who_never_did_it_counts_as_none(void **state)
{
    struct shop *s = *state;

    assert_int_equal(ask(s, compile(s, "count(\"webinar\") == 0"), 0), TRUTH_TRUE);
    assert_int_equal(ask(s, compile(s, "count(\"webinar\", days(3)) < 2"), 0), TRUTH_TRUE);
    assert_int_equal(ask(s, compile(s, "count(\"webinar\", days(3)) <= 0"), 0), TRUTH_TRUE);
    assert_int_equal(ask(s, compile(s, "sum(\"webinar\", \"minutes\") <= 0"), 0), TRUTH_TRUE);
    assert_int_equal(ask(s, compile(s, "distinct(\"webinar\", \"topic\") == 0"), 0), TRUTH_TRUE);
    assert_int_equal(ask(s, compile(s, "max(\"webinar\", \"minutes\") < 9"), 0), TRUTH_UNKNOWN);
    assert_int_equal(ask(s, compile(s, "max(\"webinar\", \"minutes\") == null"), 0), TRUTH_TRUE);
    assert_int_equal(ask(s, compile(s, "count(\"purchase\", days(30)) == 0"), 0), TRUTH_TRUE);
}

static const struct history_plan *plan_of(const struct shop *s, const char *name)
{
    for (uint32_t i = s->plan.history_count; i-- > 0;) {
        if (text_is(s->plan.histories[i].name, name)) {
            return &s->plan.histories[i];
        }
    }
    fail_msg("no counter of %s", name);
    return NULL;
}

/* Cost: a rule that counts to n keeps n times, however many come. */
static void a_count_keeps_as_many_as_rules_count_to(void **state)
{
    struct shop *s = *state;

    (void)compile(s, "count(\"call\", days(30)) >= 3 && 5 > count(\"call\", days(2))");
    assert_int_equal(plan_of(s, "call")->keep, 5);
    (void)compile(s, "count(\"call\", days(9)) <= 6");
    assert_int_equal(plan_of(s, "call")->keep, 7);
    (void)compile(s, "count(\"call\") > 100");
    assert_int_equal(plan_of(s, "call")->keep, 7);
    (void)compile(s, "count(\"call\", days(9)) > count(\"visit\", days(1))");
    assert_int_equal(plan_of(s, "call")->keep, CUSTOMER_ENTRIES_MAX);
}

static void rules_with_other_meanings_never_share_a_counter(void **state)
{
    struct shop *s = *state;
    uint32_t before = s->plan.history_count;

    (void)compile(s, "count(\"call\", days(3)) > 0 && sum(\"call\", \"minutes\", days(3)) > 0 && "
                     "distinct(\"call\", \"minutes\", days(3)) > 0 && sum(\"call\", \"cost\") > 0");
    assert_int_equal(s->plan.history_count, before + 4);
    (void)compile(s, "min(\"call\", \"minutes\", days(90)) > 0"); /* the numbers are those of sum */
    assert_int_equal(s->plan.history_count, before + 4);
    for (uint32_t i = 0; i < s->plan.history_count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            assert_int_not_equal(s->plan.histories[i].key, s->plan.histories[k].key);
        }
    }
}

/* --- a changed configuration --- */
static void a_counter_that_was_added_is_a_bound_until_its_window_has_filled(void **state)
{
    struct shop *s = *state;
    struct predicate *least, *most, *none, *first, *last;

    facts_adopt(&s->plan, s->c, true);
    apply(s, visit(0, NULL));
    apply(s, visit(DAY_MS, NULL)); /* under a configuration that asks nothing of calls */
    least = compile(s, "count(\"call\", days(3)) >= 1");
    most = compile(s, "count(\"call\", days(3)) < 2");
    none = compile(s, "count(\"call\") == 0");
    first = compile(s, "now - first(\"call\") >= hours(1)");
    last = compile(s, "now - last(\"call\") >= hours(1)");
    facts_adopt(&s->plan, s->c, false);
    assert_int_equal(ask(s, least, 2 * DAY_MS), TRUTH_UNKNOWN);
    assert_int_equal(ask(s, most, 2 * DAY_MS), TRUTH_UNKNOWN);
    assert_int_equal(ask(s, most, 4 * DAY_MS - 1), TRUTH_UNKNOWN);
    assert_int_equal(ask(s, most, 4 * DAY_MS), TRUTH_TRUE); /* all since the last event is known */
    assert_int_equal(ask(s, least, 4 * DAY_MS), TRUTH_FALSE);
    assert_int_equal(ask(s, none, 400 * DAY_MS), TRUTH_UNKNOWN); /* for ever is never filled */
    assert_int_equal(ask(s, last, 2 * DAY_MS), TRUTH_UNKNOWN);
    assert_int_equal(ask(s, compile(s, "last(\"call\") == null"), 2 * DAY_MS), TRUTH_UNKNOWN);
    apply(s, visit(2 * DAY_MS, NULL));
    s->now_ms = 2 * DAY_MS;
    {
        struct draft d = visit(2 * DAY_MS, NULL);

        d.ev.kind_name = TEXT("call");
        apply(s, d);
    }
    assert_int_equal(ask(s, least, 2 * DAY_MS), TRUTH_TRUE);
    assert_int_equal(ask(s, none, 2 * DAY_MS), TRUTH_FALSE);
    assert_int_equal(ask(s, first, 2 * DAY_MS), TRUTH_UNKNOWN); /* it may have been before */
    assert_int_equal(ask(s, first, 2 * DAY_MS + HOUR_MS), TRUTH_TRUE);
    assert_int_equal(ask(s, last, 2 * DAY_MS), TRUTH_FALSE);
    assert_int_equal(ask(s, last, 2 * DAY_MS + HOUR_MS), TRUTH_TRUE);
}

/* Why: who was there when the counter was, knows that nothing came. How: a second change. */
static void a_counter_that_stays_knows_what_it_knew(void **state)
{
    struct shop *s = *state;
    struct predicate *none = compile(s, "count(\"call\") == 0");
    struct bytes_out out = { 0 };
    struct customer *again;

    facts_adopt(&s->plan, s->c, true);
    apply(s, visit(0, NULL));
    (void)compile(s, "count(\"mail\") > 3");
    facts_adopt(&s->plan, s->c, false);
    assert_int_equal(ask(s, none, DAY_MS), TRUTH_TRUE);
    customer_encode(s->c, &out);
    assert_int_equal(customer_decode(bytes_out_view(&out), &again), OK);
    customer_free(s->c);
    s->c = again;
    facts_adopt(&s->plan, s->c, false);
    assert_int_equal(ask(s, none, DAY_MS), TRUTH_TRUE);
    bytes_out_fini(&out);
}

static void a_counter_that_was_away_is_a_bound_again(void **state)
{
    struct shop *s = *state;
    struct predicate *one = compile(s, "count(\"call\") == 1");
    uint32_t with = s->plan.history_count;
    struct draft d = visit(0, NULL);

    d.ev.kind_name = TEXT("call");
    facts_adopt(&s->plan, s->c, true);
    apply(s, d);
    assert_int_equal(ask(s, one, 0), TRUTH_TRUE);
    s->plan.history_count = with - 1; /* a configuration without it */
    facts_adopt(&s->plan, s->c, false);
    apply(s, visit(DAY_MS, NULL));
    s->plan.history_count = with;
    facts_adopt(&s->plan, s->c, false);
    assert_int_equal(ask(s, one, DAY_MS), TRUTH_UNKNOWN);
    assert_int_equal(ask(s, compile(s, "count(\"call\") >= 1"), DAY_MS), TRUTH_TRUE);
}

/* --- beyond the bound --- */
static void what_is_too_much_folds_into_days(void **state)
{
    struct shop *s = *state;
    struct predicate *sum = compile(s, "sum(\"visit\", \"pages\", days(30)) == 1500");
    struct predicate *max = compile(s, "max(\"visit\", \"pages\", days(30)) == 1");
    const struct history *h;

    for (int i = 0; i < 1500; i++) { /* one every ten minutes: ten days */
        apply(s, pages(i * 10 * MINUTE_MS, 1));
    }
    h = customer_history(s->c, plan_of(s, "visit")->key);
    assert_true(h->is_truncated);
    assert_int_equal(h->count, CUSTOMER_ENTRIES_MAX);
    assert_int_equal(h->day_count, 4);
    assert_int_equal(h->days[0].count, 144);
    assert_int_equal(ask(s, sum, 11 * DAY_MS), TRUTH_TRUE);
    assert_int_equal(ask(s, max, 11 * DAY_MS), TRUTH_TRUE);
    assert_int_equal(ask(s, sum, 31 * DAY_MS - 2), TRUTH_TRUE); /* until the first day has left */
    assert_int_equal(ask(s, sum, 31 * DAY_MS - 1), TRUTH_FALSE);
    assert_int_equal(
        ask(s, compile(s, "sum(\"visit\", \"pages\", days(30)) == 1356"), 31 * DAY_MS - 1),
        TRUTH_TRUE);
}

static void orders_beyond_the_bound_count_by_their_days(void **state)
{
    struct shop *s = *state;
    struct predicate *all = compile(s, "count(\"purchase\") == 1200");
    struct predicate *year = compile(s, "count(\"purchase\", days(365)) == 1200");
    struct predicate *brought = compile(s, "sum(\"purchase\", \"amount\") == money(\"12.00\")");
    char order[16];

    for (int i = 0; i < 1200; i++) {
        snprintf(order, sizeof order, "o-%d", i);
        apply(s, money("purchase", i * HOUR_MS, order, 1));
    }
    assert_int_equal(s->c->order_count, CUSTOMER_ENTRIES_MAX);
    assert_int_equal(ask(s, all, 60 * DAY_MS), TRUTH_TRUE);
    assert_int_equal(ask(s, year, 60 * DAY_MS), TRUTH_TRUE);
    assert_int_equal(ask(s, brought, 60 * DAY_MS), TRUTH_TRUE);
}

/* --- refunds --- */
static void refunds_undo_sums_and_not_extremes(void **state)
{
    struct shop *s = *state;
    struct predicate *sum = compile(s, "sum(\"purchase\", \"amount\", days(9)) == money(\"5.00\")");
    struct predicate *max = compile(s, "max(\"purchase\", \"amount\") == money(\"9.00\")");
    struct predicate *min = compile(s, "min(\"purchase\", \"amount\", days(9)) == money(\"5.00\")");
    struct predicate *orders = compile(s, "distinct(\"purchase\", \"url\") == 2");
    struct draft d = money("purchase", 0, "o-1", 900);

    add_field(&d, "url", text_value("/a"));
    apply(s, d);
    d = money("purchase", 1, "o-2", 500);
    add_field(&d, "url", text_value("/b"));
    apply(s, d);
    apply(s, money("refund", 2, "o-1", 900));
    assert_int_equal(ask(s, sum, 3), TRUTH_TRUE);
    assert_int_equal(ask(s, max, 3), TRUTH_TRUE);
    assert_int_equal(ask(s, min, 3), TRUTH_TRUE);
    assert_int_equal(ask(s, orders, 3), TRUTH_TRUE);
    assert_int_equal(ask(s, compile(s, "count(\"purchase\") == 1"), 3), TRUTH_TRUE);
    assert_int_equal(
        ask(s, compile(s, "first(\"purchase\") == timestamp(\"1970-01-01T00:00:00.001Z\")"), 3),
        TRUTH_TRUE);
}

/* --- overdue --- */
static void order_at(struct shop *s, int64_t at_ms, int number)
{
    char order[16];

    snprintf(order, sizeof order, "o-%d", number);
    apply(s, money("purchase", at_ms, order, 1));
}

/* The figures of the gamma mixture over orders, r 0.243, alpha 4.414 weeks: after x repeats in t
 * weeks the gap that nine (or eight) of ten are shorter than. */
static void overdue_turns_at_its_published_gap(void **state)
{
    static const struct {
        int repeats;
        double span_weeks;
        const char *q;
        double gap_weeks;
    } vectors[] = {
        { 1, 1.71, "0.8", 16.230255 },  { 1, 1.71, "0.9", 32.918751 },
        { 2, 30.43, "0.5", 12.616975 }, { 2, 30.43, "0.8", 36.564652 },
        { 5, 30, "0.5", 4.864126 },     { 5, 30, "0.8", 12.364905 },
        { 5, 30, "0.9", 18.976705 },    { 5, 30, "0.95", 26.523026 },
        { 26, 30.86, "0.9", 3.234811 }, { 26, 30.86, "0.95", 4.265482 },
    };
    struct shop *s = *state;

    s->plan.has_cadence = true;
    s->plan.cadence_r = 0.243;
    s->plan.cadence_alpha = 4.414;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        int64_t span_ms = (int64_t)(vectors[i].span_weeks * 7 * (double)DAY_MS);
        int64_t gap_ms = (int64_t)(vectors[i].gap_weeks * 7 * (double)DAY_MS);
        int64_t slack_ms = 2 + (int64_t)(1e-6 * 7 * (double)DAY_MS);
        char source[64];
        struct predicate *p;

        snprintf(source, sizeof source, "overdue(\"purchase\", %s)", vectors[i].q);
        p = compile(s, source);
        customer_free(s->c);
        s->c = customer_new();
        s->now_ms = INSTANT_MIN;
        for (int k = 0; k <= vectors[i].repeats; k++) {
            order_at(s, k < vectors[i].repeats ? k : span_ms, k);
        }
        assert_int_equal(ask(s, p, span_ms + gap_ms - slack_ms), TRUTH_FALSE);
        assert_int_equal(ask(s, p, span_ms + gap_ms + slack_ms), TRUTH_TRUE);
    }
}

static void overdue_stays_within_two_weeks_and_a_year(void **state)
{
    struct shop *s = *state;
    struct predicate *p;

    s->plan.has_cadence = true;
    s->plan.cadence_r = 0.243;
    s->plan.cadence_alpha = 4.414;
    p = compile(s, "overdue(\"purchase\", 0.9)");
    assert_int_equal(ask(s, p, 0), TRUTH_UNKNOWN); /* never bought */
    order_at(s, 0, 0);
    assert_int_equal(ask(s, p, 90 * DAY_MS - 1), TRUTH_FALSE);
    assert_int_equal(ask(s, p, 90 * DAY_MS), TRUTH_TRUE);
    for (int i = 1; i < 60; i++) {
        order_at(s, i * HOUR_MS, i);
    }
    assert_int_equal(ask(s, p, 59 * HOUR_MS + 14 * DAY_MS - 1), TRUTH_FALSE);
    assert_int_equal(ask(s, p, 59 * HOUR_MS + 14 * DAY_MS), TRUTH_TRUE);
    p = compile(s, "overdue(\"purchase\", 0.99999)");
    customer_free(s->c);
    s->c = customer_new();
    order_at(s, 0, 0);
    order_at(s, 50 * DAY_MS, 1);
    assert_int_equal(ask(s, p, 415 * DAY_MS - 1), TRUTH_FALSE);
    assert_int_equal(ask(s, p, 415 * DAY_MS), TRUTH_TRUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHOP_TEST(windows_are_exact_at_their_edges_by_seed),
        SHOP_TEST(who_never_did_it_counts_as_none),
        SHOP_TEST(a_count_keeps_as_many_as_rules_count_to),
        SHOP_TEST(rules_with_other_meanings_never_share_a_counter),
        SHOP_TEST(a_counter_that_was_added_is_a_bound_until_its_window_has_filled),
        SHOP_TEST(a_counter_that_stays_knows_what_it_knew),
        SHOP_TEST(a_counter_that_was_away_is_a_bound_again),
        SHOP_TEST(what_is_too_much_folds_into_days),
        SHOP_TEST(orders_beyond_the_bound_count_by_their_days),
        SHOP_TEST(refunds_undo_sums_and_not_extremes),
        SHOP_TEST(overdue_turns_at_its_published_gap),
        SHOP_TEST(overdue_stays_within_two_weeks_and_a_year),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
