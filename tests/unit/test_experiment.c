/* Experiments: what is shown, and what is counted for it; holdouts.
 *
 * Through engine/timeline with rules from YAML. Times are hours after START_MS.
 */
#include "processor/base/arena.h"
#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "processor/config/config.h"
#include "processor/engine/task.h"
#include "processor/engine/timeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define START_MS INT64_C(1772442000000) /* 2026-03-02T09:00:00Z, a Monday */
#define DRAWN    2000

/* c-2 and c-7 below are in the arm b of version 1. */
#define EXPERIMENT                                                                                 \
    "    slot: email.subject\n"                                                                    \
    "    arms: {a: {weight: 1, use: s-a}, b: {weight: 1, use: s-b}}\n"                             \
    "    success: {event: [purchase, click.buy], within: 7d}\n"                                    \
    "    guard: {unsubscribe: 0.1%}\n"

static const char rules_yaml[] =
    "version: 1\napp: t\ncurrency: EUR\n"
    "time: {allowed_lateness: 1h, clock: event}\n"
    "filters: {click.buy: 'event.url == \"/buy\"'}\n"
    "attributes: {vip: {type: bool, default: false}}\n"
    "segments:\n"
    "  all: {dimension: behavioral, when: 'true'}\n"
    "  vip: {dimension: behavioral, when: 'customer.vip'}\n"
    "  ladder:\n"
    "    dimension: lifecycle\n"
    "    first_of: {buyer: 'count(\"purchase\") > 0', other: 'true'}\n"
    "content:\n  email: {slots: [subject], default: {subject: s}}\n"
    "sequences:\n"
    "  story:\n"
    "    enter: {on_event: visit, reenter_after: 0d}\n"
    "    engagement_window: 1h\n"
    "    emails: [{id: first, after: 0d, experiment: offer}, {id: second, after: 2h}]\n"
    "    branch: {opened_not_clicked: {resend: {slot: subject, use: 1}}}\n"
    "experiments:\n  offer:\n" EXPERIMENT;

struct found {
    struct hash128 trigger; /* the last */
    char log[2048];         /* "email.attempt=arm " of triggers, "email:outcome=arm " of outcomes */
};

static void note_arms(struct found *f, const struct text_pair *pairs, uint32_t count)
{
    size_t used = strlen(f->log);

    if (count > 0) {
        assert_int_equal(count, 1);
        assert_true(text_is(pairs[0].name, "offer"));
        snprintf(f->log + used, sizeof(f->log) - used, "=%.*s", TEXT_PRINTF(pairs[0].value));
    }
    used = strlen(f->log);
    assert_true(used + 2 < sizeof(f->log));
    snprintf(f->log + used, sizeof(f->log) - used, " ");
}

static void take(void *context, const struct output *o)
{
    struct found *f = context;
    size_t used = strlen(f->log);

    if (o->type == OUTPUT_TRIGGER) {
        const struct trigger *t = &o->as.trigger;

        f->trigger = t->trigger_id;
        snprintf(f->log + used, sizeof(f->log) - used, "%.*s.%d(%.*s)", TEXT_PRINTF(t->email),
                 t->attempt, TEXT_PRINTF(t->content[0].value));
        note_arms(f, t->experiments, t->experiment_count);
    } else if (o->type == OUTPUT_OUTCOME) {
        const struct outcome_record *r = &o->as.outcome;

        snprintf(f->log + used, sizeof(f->log) - used, "%.*s:%s%s",
                 (int)(r->email.at == NULL ? 3 : r->email.size),
                 r->email.at == NULL ? "run" : r->email.at, outcome_name(r->outcome),
                 r->is_held_out ? "(held out)" : "");
        note_arms(f, r->experiments, r->experiment_count);
    }
}

static struct config *load_text(const char *yaml)
{
    struct config_problems problems = { 0 };
    struct config *config = NULL;

    (void)config_load_text(text_of(yaml), "rules.yaml", CONFIG_NEED_RULES, NULL, 0, &config,
                           &problems);
    config_problems_print(&problems, stderr);
    config_problems_fini(&problems);
    assert_non_null(config);
    return config;
}

static int64_t instant(double hours)
{
    return START_MS + (int64_t)(hours * 3600000.0 + 0.5);
}

static void send_at(struct timeline *t, const char *customer, const char *kind, int64_t at_ms,
                    const struct hash128 *trigger)
{
    struct event_field url = { TEXT("url"), hash32(TEXT("url")), VALUE_NONE };
    char hex[33];
    struct event ev = { .kind_name = text_of(kind),
                        .kind = event_kind_of(text_of(kind)),
                        .customer = text_of(customer),
                        .at_ms = at_ms };

    url.value = (struct value){ .type = VALUE_TEXT, .as.text = TEXT("/buy") };
    ev.fields = &url;
    ev.field_count = 1;
    if (trigger != NULL) {
        hash128_hex(*trigger, hex);
        ev.email = text_of(hex);
    }
    (void)timeline_event(t, &ev);
}

static void send(struct timeline *t, const char *customer, const char *kind, double hours)
{
    send_at(t, customer, kind, instant(hours), NULL);
}

static int64_t counted(const struct timeline *t, const char *name)
{
    return counters_value(timeline_counters(t), text_of(name));
}

#define DAY(arm, what)           "experiment/offer/1/" arm "/day/2026-03-02/" what
#define WEEK(arm, segment, what) "experiment/offer/1/" arm "/week/2026-03-02/" segment "/" what

/* --- what is shown and said --- */

static void records_carry_the_arm_and_attempts_keep_it(void **state)
{
    struct config *config = load_text(rules_yaml);
    struct found found = { 0 };
    struct timeline *t = timeline_new(config->rules, false, take, &found);

    (void)state;
    send(t, "c-2", "visit", 0);
    timeline_run_to(t, instant(0));
    send_at(t, "c-2", "open", instant(0.5), &found.trigger);
    timeline_run_to(t, instant(100));
    assert_string_equal(
        found.log, "run:entered first.1(s-b)=b first:opened_not_clicked=b "
                   "first.2(s)=b first:no_engagement=b " /* the resend's item 1 beats the arm */
                   "second.1(s) second:no_engagement run:completed=b ");
    timeline_free(t);
    config_free(config);
}

/* --- exposure and success --- */

static void exposure_counts_once_per_customer_and_version(void **state)
{
    struct config *config = load_text(rules_yaml);
    struct found found = { 0 };
    struct timeline *t = timeline_new(config->rules, false, take, &found);

    (void)state;
    send(t, "c-2", "visit", 0);
    send(t, "c-2", "visit", 20); /* a second run, a second attempt 1 */
    timeline_run_to(t, instant(30));
    assert_int_equal(counted(t, DAY("b", "exposed")), 1);
    assert_int_equal(counted(t, DAY("a", "exposed")), 0);
    assert_int_equal(counted(t, "experiment/offer/1/b/day/2026-03-03/exposed"), 0);
    assert_int_equal(counted(t, WEEK("b", "all", "exposed")), 1);
    assert_int_equal(counted(t, WEEK("b", "ladder.other", "exposed")), 1);
    assert_int_equal(counted(t, WEEK("b", "vip", "exposed")), 0);
    assert_int_equal(counted(t, "email/story/first/sent"), 2);
    assert_int_equal(counted(t, "sequence/story/entered"), 2);
    assert_int_equal(counted(t, "sequence/story/completed"), 2);
    assert_int_equal(counted(t, "segment/ladder.other/entered"), 1);
    timeline_free(t);
    config_free(config);
}

/* After the exposure, less than `within` later; any event of the list, of humans; once. */
static void success_counts_within_its_time_and_once(void **state)
{
    static const struct {
        const char *kind;
        int64_t after_ms;
        int64_t wanted;
    } cases[] = { { "purchase", 0, 0 },
                  { "purchase", 1, 1 },
                  { "click", HOUR_MS, 1 },
                  { "open", HOUR_MS, 0 },
                  { "purchase", 7 * DAY_MS - 1, 1 },
                  { "purchase", 7 * DAY_MS, 0 } };
    struct config *config = load_text(rules_yaml);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct found found = { 0 };
        struct timeline *t = timeline_new(config->rules, false, take, &found);

        send(t, "c-7", "visit", 0);
        timeline_run_to(t, instant(0));
        send_at(t, "c-7", cases[i].kind, START_MS + cases[i].after_ms, NULL);
        send_at(t, "c-7", cases[i].kind, START_MS + cases[i].after_ms, NULL);
        assert_int_equal(counted(t, DAY("b", "converted")), cases[i].wanted);
        assert_int_equal(counted(t, WEEK("b", "all", "converted")), cases[i].wanted);
        timeline_free(t);
    }
    config_free(config);
}

static void success_is_of_the_arm_the_day_and_the_segments_of_the_exposure(void **state)
{
    struct config *config = load_text(rules_yaml);
    struct found found = { 0 };
    struct timeline *t = timeline_new(config->rules, false, take, &found);

    (void)state;
    send(t, "c-2", "visit", 0);
    timeline_run_to(t, instant(0));
    send(t, "c-2", "purchase", 7 * 24 - 10); /* on Sunday; ladder.buyer from here on */
    assert_int_equal(counted(t, DAY("b", "converted")), 1);
    assert_int_equal(counted(t, WEEK("b", "ladder.other", "converted")), 1);
    assert_int_equal(counted(t, WEEK("b", "ladder.buyer", "converted")), 0);
    assert_int_equal(counted(t, "experiment/offer/1/b/day/2026-03-08/successes"), 1);
    assert_int_equal(counted(t, "experiment/offer/1/b/day/2026-03-08/converted"), 0);
    timeline_free(t);
    config_free(config);
}

static void a_late_success_counts_by_its_own_time(void **state)
{
    struct config *config = load_text(rules_yaml);
    struct found found = { 0 };
    struct timeline *t = timeline_new(config->rules, false, take, &found);

    (void)state;
    send(t, "c-2", "visit", 0);
    send(t, "c-2", "search", 24 * 9);
    send(t, "c-2", "purchase", 24 * 6); /* arrives on day 9 */
    assert_int_equal(counted(t, DAY("b", "converted")), 1);
    timeline_free(t);
    config_free(config);
}

static void harm_is_counted_for_the_arm(void **state)
{
    struct config *config = load_text(rules_yaml);
    struct found found = { 0 };
    struct timeline *t = timeline_new(config->rules, false, take, &found);

    (void)state;
    send(t, "c-2", "visit", 0);
    send(t, "c-2", "unsubscribe", 3);
    send(t, "c-2", "unsubscribe", 4);
    send(t, "c-7", "visit", 4);
    send(t, "c-7", "complaint", 5);
    send(t, "c-7", "unsubscribe", 24 * 8);
    assert_int_equal(counted(t, DAY("b", "unsubscribed")), 1);
    assert_int_equal(counted(t, DAY("b", "complained")), 1);
    timeline_free(t);
    config_free(config);
}

/* R51 and R54. */
static void held_out_customers_are_never_exposed(void **state)
{
    struct arena arena = { 0 };
    struct text all = arena_format(&arena, "%s\nlimits: {holdout: 100%%}\n", rules_yaml);
    struct config *config = load_text(all.at);
    struct found found = { 0 };
    struct timeline *t = timeline_new(config->rules, false, take, &found);

    (void)state;
    send(t, "c-2", "visit", 0);
    send(t, "c-2", "purchase", 1);
    timeline_run_to(t, instant(200));
    assert_string_equal(found.log, "run:entered(held out) run:completed(held out) ");
    assert_int_equal(counted(t, DAY("b", "exposed")), 0);
    assert_int_equal(counted(t, DAY("b", "converted")), 0);
    assert_int_equal(counted(t, "sequence/story/holdout/entered"), 1);
    assert_int_equal(counted(t, "sequence/story/entered"), 0);
    timeline_free(t);
    config_free(config);
    arena_fini(&arena);
}

struct held {
    struct held_customer {
        int64_t entered, triggers, said;
    } of[DRAWN];
};

static void take_held(void *context, const struct output *o)
{
    struct held *h = context;
    struct held_customer *c;
    int n = -1;

    assert_int_equal(sscanf(o->customer.at, "c%d", &n), 1);
    c = &h->of[n];
    if (o->type == OUTPUT_TRIGGER) {
        c->triggers++;
    } else if (o->type == OUTPUT_OUTCOME) {
        c->entered += o->as.outcome.outcome == OUTCOME_ENTERED;
        c->said += o->as.outcome.is_held_out ? 1 : 1000;
    }
}

/* Either draw holds out: salt holdout.<sequence> of 10%, salt holdout of 5%. */
static void a_customer_is_held_out_if_either_draw_says_so(void **state)
{
    struct arena arena = { 0 };
    const char *emails = strstr(rules_yaml, "    emails:");
    struct text all = arena_format(&arena, "%.*s    holdout: 10%%\n%s\nlimits: {holdout: 5%%}\n",
                                   (int)(emails - rules_yaml), rules_yaml, emails);
    struct config *config = load_text(all.at);
    struct held *held = arena_alloc(&arena, sizeof(*held));
    struct timeline *t = timeline_new(config->rules, false, take_held, held);
    int64_t held_out = 0;
    char id[16];

    (void)state;
    for (int i = 0; i < DRAWN; i++) {
        snprintf(id, sizeof(id), "c%d", i);
        send(t, id, "visit", 0);
    }
    timeline_run_to(t, instant(100));
    for (int i = 0; i < DRAWN; i++) {
        const struct held_customer *c = &held->of[i];
        bool is_held_out;

        snprintf(id, sizeof(id), "c%d", i);
        is_held_out = hash_bucket(TEXT("holdout.story"), text_of(id)) < 1000 ||
                      hash_bucket(TEXT("holdout"), text_of(id)) < 500;
        held_out += is_held_out;
        assert_int_equal(c->entered, 1);
        assert_int_equal(c->triggers, is_held_out ? 0 : 2);
        assert_int_equal(c->said, is_held_out ? 2 : 4000); /* entered, completed; and two emails */
    }
    assert_in_range(held_out, DRAWN * 145 / 1000 - 79, DRAWN * 145 / 1000 + 79); /* 5 deviations */
    assert_int_equal(counted(t, "sequence/story/holdout/completed"), held_out);
    assert_int_equal(counted(t, "sequence/story/completed"), DRAWN - held_out);
    assert_int_equal(counted(t, DAY("a", "exposed")) + counted(t, DAY("b", "exposed")),
                     DRAWN - held_out);
    timeline_free(t);
    config_free(config);
    arena_fini(&arena);
}

/* --- versions --- */

static struct config *with_version(struct arena *arena, int version, const char *weights)
{
    const char *arms = strstr(rules_yaml, EXPERIMENT);

    assert_non_null(arms);
    return load_text(arena_format(arena,
                                  "%.*s    version: %d\n    slot: email.subject\n    arms: %s\n"
                                  "    success: {event: purchase, within: 7d}\n",
                                  (int)(arms - rules_yaml), rules_yaml, version, weights)
                         .at);
}

#define EVEN   "{a: {weight: 1, use: s-a}, b: {weight: 1, use: s-b}}"
#define UNEVEN "{a: {weight: 9, use: s-a}, b: {weight: 1, use: s-b}}"
#define OTHER  "{a: {weight: 1, use: s-a}, b: {weight: 1, use: s-c}}"

static void changed_arms_need_a_new_version(void **state)
{
    static const struct {
        int version;
        const char *arms;
        bool is_refused;
    } cases[] = { { 1, EVEN, false },
                  { 1, UNEVEN, true },
                  { 1, OTHER, true },
                  { 2, UNEVEN, false },
                  { 2, EVEN, false } };
    struct arena arena = { 0 };
    struct config *was = with_version(&arena, 1, EVEN);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config *is = with_version(&arena, cases[i].version, cases[i].arms);
        struct counters counters = { 0 };
        uint32_t cursor = 0;

        assert_int_equal(experiments_changed(was->rules, is->rules, &cursor) != NULL,
                         cases[i].is_refused);
        assert_null(rules_note_arms(was->rules, &counters));
        assert_null(rules_note_arms(was->rules, &counters));
        assert_int_equal(rules_note_arms(is->rules, &counters) != NULL, cases[i].is_refused);
        counters_fini(&counters);
        config_free(is);
    }
    config_free(was);
    arena_fini(&arena);
}

/* The customer's record as another configuration finds it. */
static void hand_over(const struct timeline *from, struct timeline *to, const char *customer)
{
    struct customer *theirs = timeline_need_customer(to, text_of(customer)), *read, swapped;
    struct bytes_out stored = { NULL, 0, 0 };

    customer_encode(timeline_customer(from, text_of(customer)), &stored);
    assert_int_equal(customer_decode(bytes_out_view(&stored), &read), OK);
    bytes_out_fini(&stored);
    swapped = *theirs;
    *theirs = *read;
    *read = swapped;
    customer_free(read);
}

/* R54: what comes after the edit counts for the new version alone. */
static void a_new_version_closes_the_old_and_pools_nothing(void **state)
{
    struct arena arena = { 0 };
    struct config *v1 = with_version(&arena, 1, EVEN), *v2 = with_version(&arena, 2, OTHER);
    struct found found = { 0 };
    struct timeline *before = timeline_new(v1->rules, false, take, &found);
    struct timeline *after = timeline_new(v2->rules, false, take, &found);

    (void)state;
    send(before, "c-2", "visit", 0); /* in version 2 c-2 is in the arm a */
    timeline_run_to(before, instant(20));
    assert_int_equal(counted(before, DAY("b", "exposed")), 1);
    hand_over(before, after, "c-2");
    send(after, "c-2", "purchase", 21); /* exposed to version 1 only, which is closed */
    send(after, "c-2", "visit", 22);
    timeline_run_to(after, instant(23));
    send(after, "c-2", "purchase", 24);
    assert_int_equal(counted(after, DAY("b", "converted")), 0);
    assert_int_equal(counted(after, "experiment/offer/2/a/day/2026-03-03/exposed"), 1);
    assert_int_equal(counted(after, "experiment/offer/2/a/day/2026-03-03/converted"), 1);
    timeline_free(before);
    timeline_free(after);
    config_free(v1);
    config_free(v2);
    arena_fini(&arena);
}

/* R36: the winner is content like any other; runs under way go on with it. */
static void a_run_goes_on_when_its_experiment_is_over(void **state)
{
    struct arena arena = { 0 };
    const char *end = strstr(rules_yaml, "experiments:"),
               *use = strstr(rules_yaml, ", experiment:");
    struct config *config = load_text(rules_yaml);
    struct config *over =
        load_text(arena_format(&arena, "%.*s, subject: s-a%.*s", (int)(use - rules_yaml),
                               rules_yaml, (int)(end - strchr(use, '}')), strchr(use, '}'))
                      .at);
    struct found found = { 0 };
    struct timeline *before = timeline_new(config->rules, false, take, &found);
    struct timeline *after = timeline_new(over->rules, false, take, &found);

    (void)state;
    send(before, "c-2", "visit", 0);
    timeline_run_to(before, instant(0));
    hand_over(before, after, "c-2");
    send_at(after, "c-2", "open", instant(0.5), &found.trigger);
    send(after, "c-2", "purchase", 0.6);
    timeline_run_to(after, instant(100));
    assert_string_equal(found.log,
                        "run:entered first.1(s-b)=b first:opened_not_clicked first.2(s-a) "
                        "first:no_engagement second.1(s) second:no_engagement run:completed ");
    timeline_free(before);
    timeline_free(after);
    config_free(config);
    config_free(over);
    arena_fini(&arena);
}

/* The counters remember what ran; a partition does not go on with other arms. */
static void a_partition_refuses_arms_that_have_changed_under_one_version(void **state)
{
    struct arena arena = { 0 };
    struct config *was = with_version(&arena, 1, EVEN), *is = with_version(&arena, 1, UNEVEN);
    const struct text topic = TEXT("events"), arms = TEXT("experiment/offer/1/arms");

    (void)state;
    for (int i = 0; i < 2; i++) {
        const struct config *config = i == 0 ? was : is;
        const struct counter_value ran = { arms, (int64_t)was->rules->experiments[0].arms_hash };
        const struct task_claim claim = {
            .guard = { 1, 0 }, .is_new = true, .counters = &ran, .counter_count = 1
        };
        struct task *t = task_new(&(struct task_options){ .rules = config->rules,
                                                          .topics = &topic,
                                                          .topic_count = 1,
                                                          .partition_count = 1,
                                                          .batch_records = 10,
                                                          .batch_timers = 10,
                                                          .lineage = 7 });

        assert_int_equal(task_turn(t, &(struct task_now){ INSTANT_MIN, INSTANT_MIN, 0 }),
                         TASK_WANT_MARK);
        task_marked(t, OK);
        assert_int_equal(task_turn(t, &(struct task_now){ INSTANT_MIN, INSTANT_MIN, 0 }),
                         TASK_WANT_CLAIM);
        task_claimed(t, &claim);
        assert_int_equal(task_error(t), i == 0 ? OK : ERR_ARMS);
        assert_int_equal(task_turn(t, &(struct task_now){ INSTANT_MIN, INSTANT_MIN, 0 }),
                         i == 0 ? TASK_WANT_NOTHING : TASK_WANT_RELEASE);
        assert_ptr_equal(task_changed_experiment(t), i == 0 ? NULL : &is->rules->experiments[0]);
        task_free(t);
    }
    config_free(was);
    config_free(is);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_carry_the_arm_and_attempts_keep_it),
        cmocka_unit_test(exposure_counts_once_per_customer_and_version),
        cmocka_unit_test(success_counts_within_its_time_and_once),
        cmocka_unit_test(success_is_of_the_arm_the_day_and_the_segments_of_the_exposure),
        cmocka_unit_test(a_late_success_counts_by_its_own_time),
        cmocka_unit_test(harm_is_counted_for_the_arm),
        cmocka_unit_test(held_out_customers_are_never_exposed),
        cmocka_unit_test(a_customer_is_held_out_if_either_draw_says_so),
        cmocka_unit_test(changed_arms_need_a_new_version),
        cmocka_unit_test(a_new_version_closes_the_old_and_pools_nothing),
        cmocka_unit_test(a_run_goes_on_when_its_experiment_is_over),
        cmocka_unit_test(a_partition_refuses_arms_that_have_changed_under_one_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
