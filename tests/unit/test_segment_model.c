/* Segments against a model that looks at every segment in every hour. */
#include "processor/base/rng.h"
#include "tests/support/segment_house.h"

static bool is_true(const struct house *h, const struct customer *c, const struct predicate *p,
                    int64_t now_ms)
{
    const struct view view = { .plan = &h->facts,
                               .customer = c,
                               .now_ms = now_ms,
                               .arena = (struct arena *)(uintptr_t)&h->scratch };

    return predicate_eval(p, &view).truth == TRUTH_TRUE;
}

static void model_log(char *log, int64_t now_ms, char sign, struct text id)
{
    size_t size = strlen(log);

    snprintf(log + size, LOG_SIZE - size, "%g:%c%.*s ", (double)now_ms / (double)HOUR_MS, sign,
             TEXT_PRINTF(id));
}

static void model_segment(const struct house *h, struct customer *c, const struct segment_plan *s,
                          int64_t now_ms, char *log)
{
    struct membership *m = customer_need_membership(c, s->key);
    bool holds = is_true(h, c, s->when, now_ms);

    if (!m->is_member) {
        if (!holds) {
            m->pending_ms = -1;
        } else if (m->pending_ms < 0) {
            m->pending_ms = now_ms;
        }
        if (holds && now_ms - m->pending_ms >= s->for_ms) {
            m->is_member = true;
            m->since_ms = now_ms;
            model_log(log, now_ms, '+', s->id);
        }
    } else if (!holds && now_ms - m->since_ms >= s->min_stay_ms &&
               (s->leave_when == NULL || is_true(h, c, s->leave_when, now_ms))) {
        m->is_member = false;
        m->pending_ms = -1;
        model_log(log, now_ms, '-', s->id);
    }
}

static void model_ladder(const struct house *h, struct customer *c, const struct segment_plan *s,
                         int64_t now_ms, char *log)
{
    struct membership *m = customer_need_membership(c, s->key);

    for (uint32_t i = 0; i < s->rung_count; i++) {
        const struct rung_plan *rung = &s->rungs[i];
        bool is_here = m->is_member && m->rung == rung->key;

        if (!is_true(h, c, rung->when, now_ms) &&
            (!is_here || rung->leave_when == NULL || is_true(h, c, rung->leave_when, now_ms))) {
            continue;
        }
        for (uint32_t old = 0; !is_here && m->is_member && old < s->rung_count; old++) {
            if (s->rungs[old].key == m->rung) {
                model_log(log, now_ms, '-', s->rungs[old].id);
            }
        }
        if (!is_here) {
            model_log(log, now_ms, '+', rung->id);
        }
        m->is_member = true;
        m->rung = rung->key;
        return;
    }
}

static void model_pass(const struct house *h, struct customer *c, int64_t now_ms, char *log)
{
    for (uint32_t i = 0; i < h->plan.count; i++) {
        const struct segment_plan *s = &h->plan.segments[h->plan.order[i]];

        if (customer_membership(c, s->key) == NULL) {
            customer_need_membership(c, s->key)->pending_ms = -1;
        }
        (s->is_ladder ? model_ladder : model_segment)(h, c, s, now_ms, log);
    }
}

static const char *random_source(struct rng *r)
{
    static const char *const sources[] = {
        "customer.a == 1",
        "!(customer.b == 1)",
        "customer.a == 1 || count(\"click\", hours(3)) >= 1",
        "count(\"visit\", hours(5)) >= 2",
        "count(\"visit\", hours(7)) < 2",
        "count(\"click\", hours(9)) == 1 && count(\"visit\", hours(4)) >= 1",
        "now - last(\"visit\") >= hours(6)",
        "now - last([\"click\", \"visit\"]) < hours(4)",
        "in_segment(\"s0\")",
        "!in_segment(\"s0\") && customer.a == 1",
        "in_segment(\"low\")",
    };

    return sources[rng_below(r, sizeof sources / sizeof sources[0])];
}

/* Segments that are the same but for one bound, in any order: families, when there are enough. */
static void add_family(struct house *h, struct rng *r, char first)
{
    static const char *const forms[] = {
        "count(\"visit\", hours(12)) >= %d",
        "count(\"click\", hours(9)) < %d",
        "now - last([\"click\", \"visit\"]) >= hours(%d)",
        "count(\"visit\", hours(8)) > %d && customer.a == 1",
        "customer.b == 1 || count(\"click\", hours(20)) >= %d",
        "customer.a >= %d",
        "count(\"visit\", hours(9)) >= %d && count(\"click\", hours(5)) >= 1",
    };
    const char *form = forms[rng_below(r, sizeof forms / sizeof forms[0])];

    for (uint64_t i = 0, count = rng_below(r, 8); i < count; i++) {
        char id[3] = { first, (char)('0' + i), '\0' };
        struct segment_plan *s;
        struct text when;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        when = arena_format(&h->arena, form, (int)rng_between(r, 0, 7));
#pragma GCC diagnostic pop
        s = add_segment(h, arena_text(&h->arena, text_of(id)).at, when.at,
                        rng_chance(r, 500) ? random_source(r) : NULL);
        s->for_ms = rng_chance(r, 500) ? HOUR_MS : 0;
    }
}

static void random_house(struct house *h, struct rng *r)
{
    struct segment_plan *s = add_segment(h, "s0", "count(\"visit\", hours(6)) >= 1",
                                         rng_chance(r, 5000) ? "customer.b == 1" : NULL);
    static const char *const ids[4] = { "s1", "s2", "s3", "s4" };

    s->for_ms = rng_between(r, 0, 3) * HOUR_MS;
    add_family(h, r, 'f');
    s = add_segment(h, "tier", NULL, NULL);
    add_rung(h, s, "high", "count(\"click\", hours(8)) >= 2",
             rng_chance(r, 5000) ? "count(\"visit\", hours(5)) == 0" : NULL);
    add_rung(h, s, "middle", "customer.b == 1", rng_chance(r, 5000) ? "customer.a == 1" : NULL);
    add_rung(h, s, "low", "true", NULL);
    for (int i = 0; i < 4; i++) {
        s = add_segment(h, ids[i], random_source(r), rng_chance(r, 5000) ? random_source(r) : NULL);
        s->for_ms = rng_chance(r, 4000) ? rng_between(r, 1, 6) * HOUR_MS : 0;
        s->min_stay_ms = rng_chance(r, 4000) ? rng_between(r, 1, 9) * HOUR_MS : 0;
    }
    add_family(h, r, 'g');
    must_settle(h);
}

/* As when it was read from the store, or written under another configuration. */
static void forget_what_is_not_stored(struct house *h, struct rng *r, int64_t hour)
{
    struct bytes_out stored = { NULL, 0, 0 };

    if (rng_chance(r, 2000)) {
        customer_encode(h->c, &stored);
        customer_free(h->c);
        assert_int_equal(customer_decode(bytes_out_view(&stored), &h->c), OK);
        bytes_out_fini(&stored);
    }
    if (rng_chance(r, 500) && hour > 0) {
        run_to(h, hour - 1);
        segments_adopt(&h->plan, h->c);
        decide(h, FACT_ALL, (hour - 1) * HOUR_MS);
    }
}

static uint64_t seeds = 150;

/* Why: looking only at what changed facts and due instants ask for must never miss a change. How:
 * random segments and events on whole hours; the model looks at everything in every hour, and
 * knows of no families. */
static void agrees_with_looking_at_everything_in_every_hour(void **state)
{
    static const char *const kinds[3] = { "visit", "click", "profile" };
    static char log[LOG_SIZE];

    (void)state;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct customer *c = customer_new();
        struct house *h;
        void *opened;
        struct rng r;

        rng_init(&r, seed);
        open_house(&opened);
        h = opened;
        random_house(h, &r);
        log[0] = '\0';
        for (int64_t hour = 0; hour < 120; hour++) {
            bool is_event = hour == 0 || rng_chance(&r, 2500);

            forget_what_is_not_stored(h, &r, hour);

            for (; is_event; is_event = rng_chance(&r, 2000)) {
                const char *kind = kinds[rng_below(&r, 3)];
                struct event_field field =
                    setting(rng_chance(&r, 5000) ? "a" : "b", rng_between(&r, -1, 1));
                bool is_profile = strcmp(kind, "profile") == 0;

                run_to(h, hour - 1);
                decide(h, apply(h, h->c, kind, hour, is_profile ? &field : NULL), hour * HOUR_MS);
                (void)apply(h, c, kind, hour, is_profile ? &field : NULL);
                model_pass(h, c, hour * HOUR_MS, log);
            }
            model_pass(h, c, hour * HOUR_MS, log);
        }
        run_to(h, 119);
        if (strcmp(h->log, log) != 0) {
            fail_msg("seed %llu:\n%s\nmodel:\n%s", (unsigned long long)seed, h->log, log);
        }
        customer_free(c);
        close_house(&opened);
    }
}

int main(int count, char **arguments) /* [SEEDS] */
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_looking_at_everything_in_every_hour),
    };

    seeds = count > 1 ? strtoull(arguments[1], NULL, 10) : seeds;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
