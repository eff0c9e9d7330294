/* What a customer's record does when time is long: forgotten, loaded from history, under rules that
 * change. Through engine/timeline, with rules from YAML. Times are days after START_MS.
 */
#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "processor/config/config.h"
#include "processor/engine/timeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define START_MS INT64_C(1772442000000) /* 2026-03-02T09:00:00Z */
#define LOG_SIZE 4096

#define HEAD "version: 1\napp: t\ntime: {allowed_lateness: 0d, clock: event}\n"
#define STORY                                                                                      \
    "sequences:\n  story:\n    enter: {on_event: visit, reenter_after: 1d}\n"                      \
    "    engagement_window: 1h\n"

struct told { /* what left, "days:what " */
    char log[LOG_SIZE];
};

static void append(struct told *t, const char *text)
{
    size_t size = strlen(t->log);

    snprintf(t->log + size, sizeof(t->log) - size, "%s ", text);
}

static void take(void *context, const struct output *o)
{
    char line[128];
    double days = (double)(o->at_ms - START_MS) / 86400000.0;

    switch (o->type) {
    case OUTPUT_MEMBERSHIP:
        snprintf(line, sizeof(line), "%g:%c%.*s(%.*s)", days,
                 o->as.membership.is_tombstone ? '0'
                 : o->as.membership.is_entered ? '+'
                                               : '-',
                 TEXT_PRINTF(o->as.membership.segment), TEXT_PRINTF(o->cause));
        break;
    case OUTPUT_TRIGGER:
        snprintf(line, sizeof(line), "%g:%.*s/%lld", days, TEXT_PRINTF(o->as.trigger.email),
                 (long long)o->as.trigger.run);
        break;
    case OUTPUT_DEAD_LETTER:
    case OUTPUT_TYPE__COUNT:
        return;
    case OUTPUT_OUTCOME:
        snprintf(line, sizeof(line), "%g:%s%s%.*s", days, outcome_name(o->as.outcome.outcome),
                 o->as.outcome.email.at == NULL ? "" : "=", TEXT_PRINTF(o->as.outcome.email));
        break;
    }
    append(context, line);
}

static struct config *load(const char *yaml)
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

static int64_t day(double days)
{
    return START_MS + (int64_t)(days * 86400000.0 + 0.5);
}

static void send(struct timeline *t, const char *kind, double days)
{
    static int number;
    char id[16];
    struct event ev = { .kind_name = text_of(kind),
                        .kind = event_kind_of(text_of(kind)),
                        .customer = TEXT("c"),
                        .at_ms = day(days) };

    snprintf(id, sizeof(id), "e%d", ++number);
    ev.id = text_of(id);
    (void)timeline_event(t, &ev);
}

static void who_is_silent_is_forgotten_but_for_suppressions_and_entries(void **state)
{
    struct config *config =
        load(HEAD "state: {store: memory, forget_after: 30d}\n"
                  "segments:\n  all: {dimension: behavioral, when: 'true'}\n" STORY
                  "    emails: [{id: one, after: 0d}]\n");
    struct told told = { "" };
    struct timeline *t = timeline_new(config->rules, false, take, &told);
    const struct customer *c;

    (void)state;
    send(t, "visit", 0);
    send(t, "unsubscribe", 1);
    timeline_run_to(t, day(31) - 1);
    assert_null(strstr(told.log, "forgotten"));
    timeline_run_to(t, day(31));
    assert_non_null(strstr(told.log, "31:-all(forgotten)"));
    c = timeline_customer(t, TEXT("c"));
    assert_int_equal(c->entry_count, 1);
    assert_int_equal(c->subscription_count, 1);
    assert_int_equal(c->kind_count, 0);
    assert_int_equal(c->id_count, 0);
    assert_int_equal(c->membership_count, 0);
    assert_int_equal(c->due_ms, INSTANT_NEVER);
    told.log[0] = '\0';
    send(t, "subscribe", 40);
    send(t, "visit", 40);
    timeline_run_to(t, day(40));
    assert_non_null(strstr(told.log, "40:+all("));
    assert_non_null(strstr(told.log, "40:one/2")); /* its second run: the first is remembered */
    timeline_free(t);
    config_free(config);
}

static void nobody_is_forgotten_while_a_run_is_active(void **state)
{
    struct config *config =
        load(HEAD "state: {store: memory, forget_after: 2d}\n"
                  "segments:\n  all: {dimension: behavioral, when: 'true'}\n" STORY
                  "    emails: [{id: one, after: 0d}, {id: two, after: 5d}]\n");
    struct told told = { "" };
    struct timeline *t = timeline_new(config->rules, false, take, &told);

    (void)state;
    send(t, "visit", 0);
    timeline_run_to(t, day(9));
    assert_non_null(strstr(told.log, "5:two/1"));
    assert_non_null(strstr(told.log, "completed 5.04167:-all(forgotten)"));
    timeline_free(t);
    config_free(config);
}

static void who_leaves_nothing_worth_keeping_is_blank_after_it(void **state)
{
    struct config *config = load(HEAD "state: {store: memory, forget_after: 2d}\n"
                                      "segments:\n  all: {dimension: behavioral, when: 'true'}\n");
    struct told told = { "" };
    struct timeline *t = timeline_new(config->rules, false, take, &told);

    (void)state;
    send(t, "visit", 0);
    assert_false(customer_is_blank(timeline_customer(t, TEXT("c"))));
    timeline_run_to(t, day(2));
    assert_true(customer_is_blank(timeline_customer(t, TEXT("c"))));
    timeline_free(t);
    config_free(config);
}

/* R49: history changes state only. */
static void before_live_from_nothing_enters_and_nothing_leaves(void **state)
{
    struct config *config =
        load(HEAD "state: {store: memory, live_from: 2026-03-12T09:00:00Z}\n"
                  "segments:\n  all: {dimension: behavioral, when: 'true'}\n"
                  "  twice: {dimension: behavioral, when: 'count(\"visit\") >= 2'}\n" STORY
                  "    emails: [{id: one, after: 0d}]\n");
    struct told told = { "" };
    struct timeline *t = timeline_new(config->rules, false, take, &told);

    (void)state;
    send(t, "visit", 0);
    timeline_run_to(t, day(10) - 1);
    assert_string_equal(told.log, "");
    send(t, "visit", 10);
    timeline_run_to(t, day(10));
    assert_non_null(strstr(told.log, ":+twice("));
    assert_null(strstr(told.log, ":+all("));
    assert_non_null(strstr(told.log, "10:one/1"));
    timeline_free(t);
    config_free(config);
}

/* R35: a run finishes on the emails it entered with, in their order and at their distances. */
static void a_run_keeps_the_emails_it_entered_with_and_skips_those_that_are_gone(void **state)
{
    struct config *before =
        load(HEAD STORY "    emails: [{id: one, after: 0d}, {id: two, after: 2d},"
                        " {id: three, after: 2d}]\n");
    struct config *after =
        load(HEAD STORY "    emails: [{id: three, after: 9d}, {id: one, after: 1d},"
                        " {id: new, after: 3d}]\n");
    struct told told = { "" };
    struct timeline *t = timeline_new(before->rules, false, take, &told);

    (void)state;
    send(t, "visit", 0);
    timeline_run_to(t, day(1));
    timeline_reconfigure(t, after->rules);
    timeline_run_to(t, day(30));
    assert_non_null(strstr(told.log, "2:skipped=two"));
    assert_non_null(strstr(told.log, "4:three/1"));
    assert_null(strstr(told.log, "new"));
    assert_non_null(strstr(told.log, "completed"));
    timeline_free(t);
    config_free(before);
    config_free(after);
}

/* R30: an answer is matched by the id it names, and counts for every attempt of that email. */
static void an_answer_to_the_first_attempt_counts_for_the_second_not_for_another_run(void **state)
{
    static const char yaml[] =
        HEAD "content:\n  email: {slots: [subject], default: {subject: [a, b]}}\n" STORY
             "    emails: [{id: one, after: 0d}]\n"
             "    branch: {no_engagement: {resend: {slot: subject, use: 2}}}\n";
    struct config *config = load(yaml);
    struct told told = { "" };
    struct timeline *t = timeline_new(config->rules, false, take, &told);
    struct event open = { .kind_name = TEXT("open"), .kind = EVENT_OPEN, .customer = TEXT("c") };
    char hex[33];

    (void)state;
    send(t, "visit", 0);
    timeline_run_to(t, day(0.05)); /* the first is judged, the second has left */
    hash128_hex(timeline_customer(t, TEXT("c"))->sent[0].trigger_id, hex);
    open.email = text_of(hex);
    open.at_ms = day(0.06);
    (void)timeline_event(t, &open);
    timeline_run_to(t, day(0.5));
    assert_non_null(strstr(told.log, ":no_engagement=one"));
    assert_non_null(strstr(told.log, ":opened_not_clicked=one"));
    told.log[0] = '\0';
    send(t, "visit", 2); /* another run; the answer still names the old one */
    open.at_ms = day(2) + 1000;
    (void)timeline_event(t, &open);
    timeline_run_to(t, day(2.05));
    assert_non_null(strstr(told.log, ":no_engagement=one"));
    timeline_free(t);
    config_free(config);
}

/* One customer's story under a guard; the partition's answers are given as counts. */
static void judged_under_guard(const struct config *config, struct joins *joins, int64_t stream_ms,
                               struct customer *c, struct told *told, int64_t *counts)
{
    struct arena arena = { 0 }, scratch = { 0 };
    struct outputs out = { .arena = &arena };
    struct step s = { .rules = config->rules,
                      .customer = TEXT("a"),
                      .stream_ms = stream_ms,
                      .wall_ms = STEP_NO_WALL,
                      .out = &out,
                      .scratch = &scratch,
                      .joins = joins,
                      .partition_count = 1,
                      .counts = counts };
    struct event ev = { .kind_name = TEXT("visit"), .customer = s.customer, .at_ms = START_MS };

    if (c->created_at_ms == INSTANT_NEVER) {
        (void)step_event(&s, c, &ev);
        s.stream_ms = stream_ms + 1;
    }
    step_time(&s, c);
    told->log[0] = '\0';
    for (uint32_t i = 0; i < out.count; i++) {
        if (out.items[i].type == OUTPUT_OUTCOME && out.items[i].as.outcome.email.at != NULL) {
            char line[64];

            snprintf(line, sizeof(line), "%s:%lldh", outcome_name(out.items[i].as.outcome.outcome),
                     (long long)((out.items[i].at_ms - START_MS) / HOUR_MS));
            append(told, line);
        }
    }
    outputs_fini(&out);
    arena_fini(&arena);
    arena_fini(&scratch);
}

static void no_engagement_waits_while_answers_name_no_trigger_or_none_ever_did(void **state)
{
    struct config *config =
        load(HEAD "limits: {join_guard: 20%}\n" STORY "    emails: [{id: one, after: 0d}]\n");
    struct joins joins = { .has_named = false };
    struct customer *c = customer_new();
    int64_t counts[STEP_COUNT__COUNT] = { 0 }, now_ms = START_MS;
    struct told told = { "" };

    (void)state;
    judged_under_guard(config, &joins, now_ms, c, &told, counts);
    now_ms += 3 * HOUR_MS + 1; /* past D, and nobody ever named a trigger */
    judged_under_guard(config, &joins, now_ms, c, &told, counts);
    assert_string_equal(told.log, "");
    assert_int_equal(counts[STEP_COUNT_JOIN], 1);
    assert_int_equal(c->due_ms, now_ms + 5 * MINUTE_MS); /* looked at again, not all the time */
    joins.has_named = true;
    joins.rows[joins.latest % COMMIT_JOIN_ROWS] = (struct join_row){ 70, 30 };
    now_ms += 10 * MINUTE_MS; /* three of ten name none: more than a fifth */
    judged_under_guard(config, &joins, now_ms, c, &told, counts);
    assert_string_equal(told.log, "");
    joins.rows[joins.latest % COMMIT_JOIN_ROWS].named = 50;
    now_ms += 10 * MINUTE_MS; /* 30 of 150 is a fifth, not more */
    judged_under_guard(config, &joins, now_ms, c, &told, counts);
    assert_string_equal(told.log, "no_engagement:1h "); /* as of its D */
    assert_int_equal(counts[STEP_COUNT_JOIN], 2);
    customer_free(c);
    config_free(config);
}

static void answers_are_forgotten_after_an_hour(void **state)
{
    struct config *config =
        load(HEAD "limits: {join_guard: 20%}\n" STORY "    emails: [{id: one, after: 0d}]\n");
    struct joins joins = { .has_named = true, .latest = START_MS / (5 * MINUTE_MS) };
    struct customer *c = customer_new();
    int64_t counts[STEP_COUNT__COUNT] = { 0 };
    struct told told = { "" };

    (void)state;
    joins.rows[joins.latest % COMMIT_JOIN_ROWS].unnamed = 1000;
    judged_under_guard(config, &joins, START_MS, c, &told, counts);
    judged_under_guard(config, &joins, START_MS + 3 * HOUR_MS, c, &told, counts);
    assert_string_equal(told.log, "no_engagement:1h ");
    assert_int_equal(counts[STEP_COUNT_JOIN], 0);
    customer_free(c);
    config_free(config);
}

/* R56: a ceiling holds, loses nothing, and says so when it held too long. Two of the five may leave
 * a minute, one in each of two partitions; this is one of them. */
static void a_ceiling_holds_to_later_minutes_and_suppresses_beyond_max_delay(void **state)
{
    struct config *config = load(HEAD "limits: {per_minute: {story: 2}, max_delay: 3m}\n" STORY
                                      "    emails: [{id: one, after: 0d}]\n");
    struct arena arena = { 0 }, scratch = { 0 };
    struct outputs out = { .arena = &arena };
    struct ceilings ceilings = { .count = 0 };
    int64_t counts[STEP_COUNT__COUNT] = { 0 };
    struct customer *customers[5];
    struct told told = { "" };

    (void)state;
    for (int64_t turn = 0; turn < 10; turn++) { /* all enter at one instant, then time passes */
        static const char *const ids[] = { "a", "b", "c", "d", "e" };
        struct event ev = { .kind_name = TEXT("visit"),
                            .customer = text_of(ids[turn % 5]),
                            .at_ms = START_MS };
        struct step s = { .rules = config->rules,
                          .customer = ev.customer,
                          .stream_ms = turn < 5 ? START_MS : START_MS + 10 * MINUTE_MS,
                          .wall_ms = STEP_NO_WALL,
                          .out = &out,
                          .scratch = &scratch,
                          .ceilings = &ceilings,
                          .partition_count = 2,
                          .counts = counts };

        if (turn < 5) {
            customers[turn] = customer_new();
            (void)step_event(&s, customers[turn], &ev);
            s.stream_ms = START_MS + 1;
        }
        step_time(&s, customers[turn % 5]);
    }
    for (uint32_t i = 0; i < out.count; i++) {
        if (out.items[i].type == OUTPUT_TRIGGER ||
            out.items[i].as.outcome.outcome == OUTCOME_SUPPRESSED) {
            char line[64];

            snprintf(line, sizeof(line), "%.*s:%lld%s", TEXT_PRINTF(out.items[i].customer),
                     (long long)((out.items[i].at_ms - START_MS) / MINUTE_MS),
                     out.items[i].type == OUTPUT_TRIGGER
                         ? ""
                         : reason_name(out.items[i].as.outcome.reason));
            append(&told, line);
        }
    }
    assert_string_equal(told.log, "a:0 b:1 c:2 d:3 e:3ceiling ");
    assert_int_equal(counts[STEP_COUNT_CEILING], 4);
    for (int i = 0; i < 5; i++) {
        customer_free(customers[i]);
    }
    outputs_fini(&out);
    arena_fini(&arena);
    arena_fini(&scratch);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_silent_is_forgotten_but_for_suppressions_and_entries),
        cmocka_unit_test(nobody_is_forgotten_while_a_run_is_active),
        cmocka_unit_test(who_leaves_nothing_worth_keeping_is_blank_after_it),
        cmocka_unit_test(before_live_from_nothing_enters_and_nothing_leaves),
        cmocka_unit_test(a_run_keeps_the_emails_it_entered_with_and_skips_those_that_are_gone),
        cmocka_unit_test(no_engagement_waits_while_answers_name_no_trigger_or_none_ever_did),
        cmocka_unit_test(answers_are_forgotten_after_an_hour),
        cmocka_unit_test(a_ceiling_holds_to_later_minutes_and_suppresses_beyond_max_delay),
        cmocka_unit_test(an_answer_to_the_first_attempt_counts_for_the_second_not_for_another_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
