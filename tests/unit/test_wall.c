/* What needs a clock on the wall, or a second configuration: what is stale, what lies ahead, what a
 * change of the rules does to customers who are there already. Rows of tests/spec/README.md.
 *
 * Through engine/step and engine/task, with rules from YAML. Times are hours after START_MS.
 */
#include "processor/base/arena.h"
#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "processor/config/config.h"
#include "processor/engine/step.h"
#include "processor/engine/task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define START_MS INT64_C(1772442000000) /* 2026-03-02T09:00:00Z */

#define HEAD                                                                                       \
    "version: 1\napp: t\ntime: {allowed_lateness: 0d}\n"                                           \
    "attributes: {vip: {type: bool, default: false}}\n"
#define STORY                                                                                      \
    "sequences:\n  story:\n    enter: {on_event: visit, reenter_after: 0d}\n"                      \
    "    engagement_window: 1h\n"

static const char two_emails[] = HEAD STORY
    "    emails: [{id: one, after: 0d}, {id: two, after: 10h}, {id: three, after: 10h}]\n";
static const char without_two[] =
    HEAD STORY "    emails: [{id: one, after: 0d}, {id: three, after: 10h}]\n";
static const char turned_round[] =
    HEAD STORY "    emails: [{id: three, after: 0d}, {id: more, after: 1h}, {id: two, after: 1h},\n"
               "             {id: one, after: 1h}]\n";
static const char visitors[] =
    HEAD "segments:\n  visitor: {dimension: behavioral, when: 'count(\"visit\", days(30)) >= 1'}\n"
         "  vip: {dimension: behavioral, when: 'customer.vip'}\n";
static const char visitors_edited[] =
    HEAD "segments:\n  visitor: {dimension: behavioral, when: 'count(\"visit\", days(30)) >= 2'}\n"
         "  vip: {dimension: behavioral, when: '!customer.vip'}\n" STORY
         "    emails: [{id: one, after: 0d}]\n"
         "  greet:\n    enter: {on_entering: vip}\n    emails: [{id: hello, after: 0d}]\n";

struct house {
    struct config *config;
    struct customer *customer;
    struct arena arena, scratch;
    struct outputs out;
    char log[1024]; /* "hours:what " of each output */
};

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

static void open_house(struct house *h, const char *yaml)
{
    *h = (struct house){ .config = load(yaml), .customer = customer_new() };
    h->out.arena = &h->arena;
}

static void close_house(struct house *h)
{
    outputs_fini(&h->out);
    customer_free(h->customer);
    arena_fini(&h->arena);
    arena_fini(&h->scratch);
    config_free(h->config);
}

static void reload(struct house *h, const char *yaml)
{
    config_free(h->config);
    h->config = load(yaml);
}

static int64_t instant(double hours)
{
    return START_MS + (int64_t)(hours * 3600000.0 + 0.5);
}

static void log_outputs(struct house *h)
{
    for (uint32_t i = 0; i < h->out.count; i++) {
        const struct output *o = &h->out.items[i];
        size_t used = strlen(h->log);
        double hours = (double)(o->at_ms - START_MS) / 3600000.0;
        char *end = h->log + used;
        size_t room = sizeof(h->log) - used;

        if (o->type == OUTPUT_TRIGGER) {
            snprintf(end, room, "%g:send %.*s ", hours, TEXT_PRINTF(o->as.trigger.email));
        } else if (o->type == OUTPUT_MEMBERSHIP) {
            snprintf(end, room, "%g:%c%.*s%s ", hours, o->as.membership.is_entered ? '+' : '-',
                     TEXT_PRINTF(o->as.membership.segment), o->is_config ? "(config)" : "");
        } else if (o->as.outcome.outcome != OUTCOME_NO_ENGAGEMENT) {
            snprintf(end, room, "%g:%.*s%s%s%s%s ", hours, TEXT_PRINTF(o->as.outcome.email),
                     o->as.outcome.email.at == NULL ? "" : " ", outcome_name(o->as.outcome.outcome),
                     o->as.outcome.reason == REASON_NONE ? "" : " ",
                     o->as.outcome.reason == REASON_NONE ? "" : reason_name(o->as.outcome.reason));
        }
    }
    h->out.count = 0;
}

static struct step step_of(struct house *h, double stream_hours, double wall_hours)
{
    return (struct step){ .rules = h->config->rules,
                          .customer = TEXT("c"),
                          .stream_ms = instant(stream_hours),
                          .wall_ms = instant(wall_hours),
                          .out = &h->out,
                          .scratch = &h->scratch };
}

static void visit(struct house *h, double hours, double wall_hours)
{
    struct step s = step_of(h, hours, wall_hours);
    struct event ev = { .kind_name = TEXT("visit"),
                        .kind = EVENT_OTHER,
                        .customer = TEXT("c"),
                        .at_ms = instant(hours) };

    (void)step_event(&s, h->customer, &ev);
    log_outputs(h);
}

static void pass_time(struct house *h, double hours, double wall_hours)
{
    struct step s = step_of(h, hours, wall_hours);

    step_time(&s, h->customer);
    log_outputs(h);
}

/* R40. Why: after a long outage nobody wants last week's emails. How: the timer is looked at days
 * after its instant. */
static void an_email_older_than_stale_after_is_suppressed(void **state)
{
    struct house h;

    (void)state;
    open_house(&h, two_emails);
    visit(&h, 0, 0);
    pass_time(&h, 0.001, 0.001);
    pass_time(&h, 10.001, 10 + 72 + 0.1);
    assert_string_equal(h.log, "0:entered 0:send one 10:two suppressed stale ");
    close_house(&h);
}

/* R40. How: the same a minute earlier than stale: planned again from the wall clock. */
static void a_late_email_is_planned_again_from_the_wall_clock(void **state)
{
    struct house h;

    (void)state;
    open_house(&h, two_emails);
    visit(&h, 0, 0);
    pass_time(&h, 0.001, 0.001);
    pass_time(&h, 10.001, 50);
    pass_time(&h, 50.001, 50.001);
    assert_string_equal(h.log, "0:entered 0:send one 50:send two ");
    close_house(&h);
}

/* R40, R49. Why: history that is read late starts no sequence. How: a visit of four days ago. */
static void an_event_older_than_stale_after_enters_nothing_and_says_so(void **state)
{
    struct house h;

    (void)state;
    open_house(&h, two_emails);
    visit(&h, 0, 73);
    visit(&h, 1, 72);
    assert_string_equal(h.log, "0:not_entered stale 1:entered ");
    close_house(&h);
}

/* R35. Why: an email that a new configuration has not must strand nobody. How: it goes while it is
 * planned. */
static void a_removed_email_is_skipped_and_the_run_goes_on(void **state)
{
    struct house h;

    (void)state;
    open_house(&h, two_emails);
    visit(&h, 0, 0);
    pass_time(&h, 0.001, 0.001);
    pass_time(&h, 5, 5);
    reload(&h, without_two);
    pass_time(&h, 10.001, 10.001);
    pass_time(&h, 20.001, 20.001);
    assert_string_equal(h.log, "0:entered 0:send one 10:two skipped gone 20:send three ");
    close_house(&h);
}

/* R35. Why: emails under way must not lose their distances when a marketer moves them. How: the
 * order and the waits change while the run is open; an email is added. */
static void a_run_goes_on_in_the_version_it_entered_with(void **state)
{
    struct house h;

    (void)state;
    open_house(&h, two_emails);
    visit(&h, 0, 0);
    pass_time(&h, 0.001, 0.001);
    reload(&h, turned_round);
    pass_time(&h, 10.001, 10.001);
    pass_time(&h, 20.001, 20.001);
    pass_time(&h, 100, 100);
    assert_string_equal(h.log, "0:entered 0:send one 10:send two 20:send three 21:completed ");
    close_house(&h);
}

/* R19. Why: an edited segment must reach who is dormant, and start no storm of emails. How: new
 * rules for a customer to whom nothing happens. */
static void an_edited_segment_reaches_who_is_dormant_and_starts_nothing(void **state)
{
    struct house h;

    (void)state;
    open_house(&h, visitors);
    visit(&h, 0, 0);
    assert_string_equal(h.log, "0:+visitor ");
    reload(&h, visitors_edited);
    pass_time(&h, 48, 48);
    assert_string_equal(h.log, "0:+visitor 48:-visitor(config) 48:+vip(config) ");
    close_house(&h);
}

/* Answers all that a task asks for until it has nothing to do; the store is empty. Returns: the
 * dead letters among the outputs. */
static uint32_t turn(struct task *t)
{
    uint32_t dead_letters = 0;

    for (int i = 0; i < 100; i++) {
        const struct bytes nobody[8] = { { NULL, 0 } };
        const struct text *customers;
        const struct commit *c;

        switch (task_turn(t, &(struct task_now){ START_MS, START_MS, START_MS })) {
        case TASK_WANT_MARK:
            task_marked(t, OK);
            break;
        case TASK_WANT_CLAIM:
            task_claimed(t, &(struct task_claim){
                                .error = OK, .guard = { .epoch = task_epoch(t) }, .is_new = true });
            break;
        case TASK_WANT_TIMERS:
            task_timers(t, OK, NULL, 0, true);
            break;
        case TASK_WANT_LOAD:
            task_loaded(t, OK, nobody, task_load(t, &customers));
            break;
        case TASK_WANT_COMMIT:
            c = task_commit(t);
            for (uint32_t k = 0; k < c->outbox_count; k++) {
                dead_letters += c->outbox[k].type == OUTPUT_DEAD_LETTER;
            }
            task_committed(t, OK);
            break;
        case TASK_WANT_NOTHING:
        case TASK_WANT_RELEASE:
            return dead_letters;
        }
    }
    fail_msg("the task wants more and more");
    return 0;
}

/* R16. Why: a clock that is wrong by a year must not move the stream time. How: an event 5 minutes
 * ahead of the wall clock, and one a millisecond more. */
static void an_event_too_far_ahead_of_the_wall_clock_is_a_dead_letter(void **state)
{
    const struct text topic = TEXT("in");
    struct config *config = load(two_emails);
    struct task *t = task_new(&(struct task_options){ .rules = config->rules,
                                                      .topics = &topic,
                                                      .topic_count = 1,
                                                      .partition_count = 1,
                                                      .batch_records = 100,
                                                      .batch_timers = 100,
                                                      .cache_bytes = 1 << 20,
                                                      .outbox_bytes_max = 1 << 20,
                                                      .is_volatile = true,
                                                      .lineage = 1,
                                                      .redo_bytes_max = 1 << 20 });
    struct event ahead[2] = { { .kind_name = TEXT("visit"), .customer = TEXT("c") },
                              { .kind_name = TEXT("visit"), .customer = TEXT("c") } };
    struct task_record records[2] = { { .offset = 0, .event = &ahead[0] },
                                      { .offset = 1, .event = &ahead[1] } };

    (void)state;
    ahead[0].kind = ahead[1].kind = EVENT_OTHER;
    ahead[0].at_ms = START_MS + 5 * MINUTE_MS + 1;
    ahead[1].at_ms = START_MS + 5 * MINUTE_MS;
    assert_int_equal(turn(t), 0);
    task_push(t, &records[0], START_MS);
    task_push(t, &records[1], START_MS);
    assert_int_equal(turn(t), 1);
    assert_int_equal(records[0].reject, REJECT_FUTURE);
    assert_int_equal(records[1].reject, REJECT_NONE);
    while (task_take_done(t) != NULL) {
    }
    task_free(t);
    config_free(config);
}

#define TEST(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_email_older_than_stale_after_is_suppressed),
        TEST(a_late_email_is_planned_again_from_the_wall_clock),
        TEST(an_event_older_than_stale_after_enters_nothing_and_says_so),
        TEST(a_removed_email_is_skipped_and_the_run_goes_on),
        TEST(a_run_goes_on_in_the_version_it_entered_with),
        TEST(an_edited_segment_reaches_who_is_dormant_and_starts_nothing),
        TEST(an_event_too_far_ahead_of_the_wall_clock_is_a_dead_letter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
