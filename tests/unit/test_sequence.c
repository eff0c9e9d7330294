/* What becomes of one email: the published vectors of branching, and every order of five things.
 *
 * Through engine/timeline, with rules from YAML. Times are hours (or seconds) after sending.
 */
#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/base/rng.h"
#include "processor/config/config.h"
#include "processor/engine/timeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define SENT_MS   INT64_C(1772442000000) /* 2026-03-02T09:00:00Z */
#define FACTS_MAX 4

static const char rules_yaml[] = "version: 1\napp: t\ncurrency: EUR\n"
                                 "time: {allowed_lateness: 1h, clock: event}\n"
                                 "segments:\n  all: {dimension: behavioral, when: 'true'}\n"
                                 "content:\n  email: {slots: [subject], default: {subject: s}}\n"
                                 "sequences:\n"
                                 "  story:\n"
                                 "    enter: {on_event: visit}\n"
                                 "    goal: {event: purchase}\n"
                                 "    engagement_window: 72h\n"
                                 "    conversion_window: 24h\n"
                                 "    emails: [{id: first, after: 0d}]\n";

struct fact {
    const char *kind;
    double at_h;      /* after sending; 0 and no kind: none */
    double arrives_h; /* 0: in time */
    const char *link;
    bool is_machine;
};

struct found { /* outcomes of the email */
    struct text email;
    enum outcome outcomes[8];
    int64_t at_ms[8];
    uint32_t count;
    struct hash128 trigger;
    uint32_t triggers;
};

static void take(void *context, const struct output *o)
{
    struct found *f = context;

    if (o->type == OUTPUT_TRIGGER) {
        f->trigger = o->as.trigger.trigger_id;
        f->triggers++;
        assert_int_equal(o->at_ms, SENT_MS);
    } else if (o->type == OUTPUT_OUTCOME && o->as.outcome.email.at != NULL) {
        assert_true(f->count < 8);
        f->outcomes[f->count] = o->as.outcome.outcome;
        f->at_ms[f->count++] = o->at_ms;
    }
}

static struct config *load(void)
{
    struct config_problems problems = { 0 };
    struct config *config = NULL;

    (void)config_load_text(text_of(rules_yaml), "rules.yaml", CONFIG_NEED_RULES, NULL, 0, &config,
                           &problems);
    config_problems_print(&problems, stderr);
    config_problems_fini(&problems);
    assert_non_null(config);
    return config;
}

static int64_t instant(double hours)
{
    return SENT_MS + (int64_t)(hours * 3600000.0 + 0.5);
}

static void send(struct timeline *t, const char *customer, const char *kind, int64_t at_ms,
                 const char *id, const struct fact *fact, const struct hash128 *trigger)
{
    char hex[33];
    struct event_field url = { TEXT("url"), hash32(TEXT("url")), VALUE_NONE };
    struct event ev = { .kind_name = text_of(kind),
                        .kind = event_kind_of(text_of(kind)),
                        .customer = text_of(customer),
                        .at_ms = at_ms,
                        .id = text_of(id) };

    if (trigger != NULL) {
        hash128_hex(*trigger, hex);
        ev.email = text_of(hex);
    }
    if (fact != NULL) {
        ev.machine = fact->is_machine ? EVENT_MACHINE_YES : EVENT_MACHINE_UNKNOWN;
        ev.is_hard_bounce = strcmp(kind, "bounce") == 0;
        if (fact->link != NULL) {
            url.value = (struct value){ .type = VALUE_TEXT, .as.text = text_of(fact->link) };
            ev.fields = &url;
            ev.field_count = 1;
        }
    }
    (void)timeline_event(t, &ev);
}

/* One customer's story: the entry, then the facts in order of arrival. */
static struct found tell(const struct rules *rules, const struct fact *facts, uint32_t count)
{
    struct found found = { 0 };
    struct timeline *t = timeline_new(rules, false, take, &found);

    send(t, "c", "visit", SENT_MS, "entry", NULL, NULL);
    timeline_run_to(t, SENT_MS);
    assert_int_equal(found.triggers, 1);
    for (uint32_t i = 0; i < count; i++) {
        char id[16];

        snprintf(id, sizeof(id), "e%u", i);
        if (facts[i].arrives_h > 0) { /* another customer's event shows how late it is */
            send(t, "other", "search", instant(facts[i].arrives_h), id, NULL, NULL);
        }
        snprintf(id, sizeof(id), "f%u", i);
        send(t, "c", facts[i].kind, instant(facts[i].at_h), id, &facts[i], &found.trigger);
    }
    timeline_run_to(t, instant(400));
    timeline_free(t);
    return found;
}

static void each_published_vector_of_branching_holds(void **state)
{
    static const struct {
        struct fact facts[FACTS_MAX];
        enum outcome outcome;
        double at_h;
    } vectors[] = {
        { { { .kind = "open", .at_h = 2 }, { .kind = "click", .at_h = 5 } },
          OUTCOME_CLICKED_NOT_CONVERTED,
          72 },
        { { { .kind = "click", .at_h = 70 } }, OUTCOME_CLICKED_NOT_CONVERTED, 94 },
        { { { .kind = "click", .at_h = 70 }, { .kind = "purchase", .at_h = 80 } },
          OUTCOME_CONVERTED,
          80 },
        { { { .kind = "open", .at_h = 1, .is_machine = true } }, OUTCOME_NO_ENGAGEMENT, 72 },
        { { { .kind = "open", .at_h = 1, .is_machine = true }, { .kind = "open", .at_h = 30 } },
          OUTCOME_OPENED_NOT_CLICKED,
          72 },
        { { { .kind = "click", .at_h = 5.0 / 3600, .link = "/a" },
            { .kind = "click", .at_h = 5.3 / 3600, .link = "/b" },
            { .kind = "click", .at_h = 5.6 / 3600, .link = "/c" } },
          OUTCOME_NO_ENGAGEMENT,
          72 },
        { { { .kind = "click", .at_h = 5.0 / 3600, .link = "/a" },
            { .kind = "click", .at_h = 5.3 / 3600, .link = "/b" },
            { .kind = "click", .at_h = 20, .link = "/a" } },
          OUTCOME_CLICKED_NOT_CONVERTED,
          72 },
        { { { .kind = "open", .at_h = 71.9, .arrives_h = 74 } }, OUTCOME_NO_ENGAGEMENT, 72 },
        { { { .kind = "open", .at_h = 71.9, .arrives_h = 72.5 } }, OUTCOME_OPENED_NOT_CLICKED, 72 },
        { { { .kind = "open", .at_h = 3 }, { .kind = "unsubscribe", .at_h = 10 } },
          OUTCOME_UNSUBSCRIBED,
          10 },
        { { { .kind = "bounce", .at_h = 0.1 } }, OUTCOME_BOUNCED, 0.1 },
        { { { .kind = "click", .at_h = 80 } }, OUTCOME_NO_ENGAGEMENT, 72 },
        { { { .kind = "click", .at_h = 1.5 / 3600 } }, OUTCOME_NO_ENGAGEMENT, 72 },
        { { { .kind = "click", .at_h = 10 } }, OUTCOME_CLICKED_NOT_CONVERTED, 72 },
        { { { .kind = "purchase", .at_h = 40 } }, OUTCOME_CONVERTED, 40 },
    };
    struct config *config = load();

    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        uint32_t count = 0;
        struct found found;

        while (count < FACTS_MAX && vectors[i].facts[count].kind != NULL) {
            count++;
        }
        found = tell(config->rules, vectors[i].facts, count);
        if (found.count != 1 || found.outcomes[0] != vectors[i].outcome ||
            found.at_ms[0] != instant(vectors[i].at_h)) {
            fail_msg("vector %zu: %u outcomes, the first %s at %.3f h", i + 1, found.count,
                     found.count > 0 ? outcome_name(found.outcomes[0]) : "none",
                     (double)(found.at_ms[0] - SENT_MS) / 3600000.0);
        }
    }
    config_free(config);
}

/* What must come of a story, by an obvious model: who is first. */
static enum outcome model(const struct fact *facts, uint32_t count)
{
    double stream_h = 0, deadline_h = 72;
    bool is_opened = false, is_clicked = false;

    for (uint32_t i = 0; i < count; i++) {
        const struct fact *f = &facts[i];
        bool is_in_window = f->at_h <= 72;

        stream_h = f->arrives_h > stream_h ? f->arrives_h : stream_h;
        stream_h = f->at_h > stream_h ? f->at_h : stream_h;
        if (stream_h > deadline_h + 1) {
            break; /* judged before it arrives */
        }
        if (strcmp(f->kind, "purchase") == 0) {
            return OUTCOME_CONVERTED;
        }
        if (strcmp(f->kind, "unsubscribe") == 0) {
            return OUTCOME_UNSUBSCRIBED;
        }
        if (strcmp(f->kind, "bounce") == 0) {
            return OUTCOME_BOUNCED;
        }
        if (strcmp(f->kind, "complaint") == 0) {
            return OUTCOME_COMPLAINED;
        }
        if (is_in_window && !f->is_machine) {
            bool is_click = strcmp(f->kind, "open") != 0;

            is_opened = is_opened || !is_click;
            if (is_click && (!is_clicked || f->at_h + 24 < deadline_h)) {
                deadline_h = f->at_h + 24 > 72 ? f->at_h + 24 : 72;
            }
            is_clicked = is_clicked || is_click;
        }
    }
    return is_clicked  ? OUTCOME_CLICKED_NOT_CONVERTED
           : is_opened ? OUTCOME_OPENED_NOT_CLICKED
                       : OUTCOME_NO_ENGAGEMENT;
}

static void check_story(const struct rules *rules, const struct fact *facts, uint32_t count)
{
    struct found found = tell(rules, facts, count);

    if (found.count == 1 && found.outcomes[0] == model(facts, count)) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        print_error("%s at %g, arrives %g\n", facts[i].kind, facts[i].at_h, facts[i].arrives_h);
    }
    fail_msg("%u outcomes, the first %s, not %s", found.count,
             found.count > 0 ? outcome_name(found.outcomes[0]) : "none",
             outcome_name(model(facts, count)));
}

/* R24. Open, click, goal and unsubscribe, each absent, before, at or after the deadline (so also at
 * the same millisecond), arriving in each of their orders. */
static void
each_permutation_of_open_click_goal_unsubscribe_and_deadline_has_one_outcome(void **state)
{
    static const char *const kinds[] = { "open", "click", "purchase", "unsubscribe" };
    static const double instants_h[] = { 0, 10, 72, 72.5 };
    struct config *config = load();

    (void)state;
    for (uint32_t choice = 0; choice < 256; choice++) {
        for (uint32_t order = 0; order < 24; order++) {
            uint32_t left[4] = { 0, 1, 2, 3 }, code = order, count = 0;
            struct fact facts[4] = { 0 };

            for (uint32_t i = 0; i < 4; i++) {
                uint32_t pick = code % (4 - i), kind = left[pick];
                double at_h = instants_h[(choice >> (2 * kind)) & 3];

                code /= 4 - i;
                left[pick] = left[3 - i];
                if (at_h > 0) {
                    facts[count].kind = kinds[kind];
                    facts[count++].at_h = at_h;
                }
            }
            check_story(config->rules, facts, count);
        }
    }
    config_free(config);
}

/* R24 R25 R26. The same with all that can answer an email, and arrivals late enough to miss it. */
static void any_story_of_answers_has_the_outcome_of_an_obvious_model(void **state)
{
    static const struct {
        const char *kind;
        bool is_machine;
    } kinds[] = { { "open", false },        { "open", true },    { "click", false },
                  { "click", true },        { "reply", false },  { "purchase", false },
                  { "unsubscribe", false }, { "bounce", false }, { "complaint", false } };
    static const double instants_h[] = { 1, 71.9995, 72, 72.5, 73, 73.0001, 90, 96, 120 };
    struct config *config = load();
    struct rng rng;

    (void)state;
    rng_init(&rng, 11);
    for (int story = 0; story < 4000; story++) {
        struct fact facts[FACTS_MAX] = { 0 };
        uint32_t count = (uint32_t)rng_between(&rng, 0, FACTS_MAX);

        for (uint32_t i = 0; i < count; i++) {
            uint64_t kind = rng_below(&rng, i < 2 ? 5 : 9); /* ends are rarer */

            facts[i].kind = kinds[kind].kind;
            facts[i].is_machine = kinds[kind].is_machine;
            facts[i].at_h = instants_h[rng_below(&rng, 9)];
            facts[i].arrives_h = rng_chance(&rng, 3000) ? instants_h[rng_below(&rng, 9)] : 0;
        }
        check_story(config->rules, facts, count);
    }
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_published_vector_of_branching_holds),
        cmocka_unit_test(
            each_permutation_of_open_click_goal_unsubscribe_and_deadline_has_one_outcome),
        cmocka_unit_test(any_story_of_answers_has_the_outcome_of_an_obvious_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
