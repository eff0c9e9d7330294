/* segstream test [FILE...]: the `tests:` of configurations, in virtual time (LANGUAGE.md section
 * 10).
 *
 * Output is TAP: a plan, a line per test, and below a failed one what was expected, where, and what
 * happened instead.
 */
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/cli/cli.h"
#include "processor/cli/email_name.h"

#include <argp.h>
#include <stdio.h>

#define FILES_MAX    64
#define HAPPENED_MAX 5 /* of what happened instead, shown per failure */

struct arguments {
    const char *files[FILES_MAX];
    int count;
};

struct happening { /* one output, as a line for people */
    enum expectation_kind kind;
    struct text name; /* segment id, or sequence[.email] */
    int64_t at_ms;
    struct text line;
    bool is_expected;
};

struct state { /* of one expectation */
    bool is_met;
    bool is_in; /* EXPECT_IN, NOT_IN: as of the newest record up to its instant */
};

struct running {
    const struct test_plan *test;
    struct arena arena;
    struct state *states;
    struct happening *happened;
    uint32_t happened_count;
    uint32_t happened_capacity;
};

static const struct argp_option options[] = {
    { "config", 'c', "FILE", 0, "A file or a folder; the same as naming it", 0 },
    { 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case 'c':
    case ARGP_KEY_ARG:
        if (a->count == FILES_MAX) {
            argp_error(state, "at most %d files", FILES_MAX);
        }
        a->files[a->count++] = argument;
        return 0;
    case ARGP_KEY_END:
        if (a->count == 0) {
            argp_error(state, "which configuration?");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* --- what happens --- */

/* The time from the start of the test, as people wrote it: +3d2h. */
static void format_offset(const struct running *r, int64_t at_ms, char out[INSTANT_TEXT_SIZE + 1])
{
    out[0] = at_ms < r->test->start_ms ? '-' : '+';
    instant_format_duration(
        at_ms < r->test->start_ms ? r->test->start_ms - at_ms : at_ms - r->test->start_ms, out + 1);
}

static struct text email_text(struct running *r, struct text sequence, struct text email)
{
    return email.at == NULL
               ? arena_text(&r->arena, sequence)
               : arena_format(&r->arena, "%.*s.%.*s", TEXT_PRINTF(sequence), TEXT_PRINTF(email));
}

static struct happening *note(struct running *r, const struct output *o)
{
    struct happening *h;

    r->happened = mem_grow32(r->happened, r->happened_count, &r->happened_capacity, sizeof(*h));
    h = &r->happened[r->happened_count++];
    h->at_ms = o->at_ms;
    if (o->type == OUTPUT_MEMBERSHIP) {
        h->kind = o->as.membership.is_entered ? EXPECT_ENTERS : EXPECT_LEAVES;
        h->name = arena_text(&r->arena, o->as.membership.segment);
        h->line = TEXT("");
    } else if (o->type == OUTPUT_TRIGGER) {
        const struct trigger *t = &o->as.trigger;

        h->kind = EXPECT_TRIGGER;
        h->name = email_text(r, t->sequence, t->email);
        h->line =
            arena_format(&r->arena, "reason %s, attempt %d", outcome_name(t->reason), t->attempt);
        for (uint32_t i = 0; i < t->content_count; i++) {
            h->line =
                arena_format(&r->arena, "%.*s, %.*s %.*s", TEXT_PRINTF(h->line),
                             TEXT_PRINTF(t->content[i].name), TEXT_PRINTF(t->content[i].value));
        }
    } else {
        const struct outcome_record *t = &o->as.outcome;

        h->kind = EXPECT_OUTCOME;
        h->name = email_text(r, t->sequence, t->email);
        h->line = arena_format(&r->arena, "is %s%s%s, attempt %d", outcome_name(t->outcome),
                               t->reason == REASON_NONE ? "" : ", reason ", reason_name(t->reason),
                               t->attempt);
    }
    return h;
}

/* --- matching --- */

static bool has_pairs(const struct text_pair *wanted, uint32_t wanted_count,
                      const struct text_pair *got, uint32_t got_count)
{
    for (uint32_t i = 0; i < wanted_count; i++) {
        bool is_there = false;

        for (uint32_t k = 0; k < got_count; k++) {
            is_there = is_there || (text_equal(wanted[i].name, got[k].name) &&
                                    text_equal(wanted[i].value, got[k].value));
        }
        if (!is_there) {
            return false;
        }
    }
    return true;
}

static bool is_trigger(const struct expectation_plan *e, const struct trigger *t)
{
    return text_equal(e->sequence, t->sequence) && text_equal(e->email, t->email) &&
           (e->reason.at == NULL || text_is(e->reason, outcome_name(t->reason))) &&
           (e->attempt == 0 || e->attempt == t->attempt) &&
           has_pairs(e->content, e->content_count, t->content, t->content_count) &&
           has_pairs(e->landing, e->landing_count, t->landing, t->landing_count);
}

static bool is_outcome(const struct expectation_plan *e, const struct outcome_record *r)
{
    bool is_entry = r->outcome == OUTCOME_ENTERED || r->outcome == OUTCOME_NOT_ENTERED;

    return text_equal(e->sequence, r->sequence) && (e->email.at == NULL) == (r->email.at == NULL) &&
           text_equal(e->email, r->email) &&
           (e->outcome.at == NULL ? !is_entry : text_is(e->outcome, outcome_name(r->outcome))) &&
           (e->reason.at == NULL || text_is(e->reason, reason_name(r->reason))) &&
           (e->attempt == 0 || e->attempt == r->attempt);
}

static bool contains(const struct membership_change *m, struct text segment)
{
    for (uint32_t i = 0; i < m->segment_count; i++) {
        if (text_equal(m->segments[i], segment)) {
            return true;
        }
    }
    return false;
}

static bool is_match(const struct expectation_plan *e, const struct output *o)
{
    switch (e->kind) {
    case EXPECT_ENTERS:
    case EXPECT_LEAVES:
        return o->type == OUTPUT_MEMBERSHIP &&
               o->as.membership.is_entered == (e->kind == EXPECT_ENTERS) &&
               text_equal(e->segment, o->as.membership.segment);
    case EXPECT_TRIGGER:
    case EXPECT_NEVER:
        return o->type == OUTPUT_TRIGGER && is_trigger(e, &o->as.trigger);
    case EXPECT_OUTCOME:
        return o->type == OUTPUT_OUTCOME && is_outcome(e, &o->as.outcome);
    case EXPECT_IN:
    case EXPECT_NOT_IN:
    case EXPECT__COUNT:
        break;
    }
    return false;
}

static void take_output(void *context, const struct output *o)
{
    struct running *r = context;
    struct happening *h = note(r, o);

    for (uint32_t i = 0; i < r->test->expectation_count; i++) {
        const struct expectation_plan *e = &r->test->expectations[i];
        bool is_time = e->is_by ? o->at_ms <= e->at_ms : o->at_ms == e->at_ms;

        if (o->type == OUTPUT_MEMBERSHIP && o->at_ms <= e->at_ms && e->segment.at != NULL) {
            r->states[i].is_in = contains(&o->as.membership, e->segment);
            r->states[i].is_met =
                r->states[i].is_met || (e->is_by && e->kind == EXPECT_IN && r->states[i].is_in);
        }
        if (is_time && is_match(e, o)) {
            r->states[i].is_met = true;
            h->is_expected = h->is_expected || e->kind != EXPECT_NEVER;
        }
    }
}

static bool is_good(const struct expectation_plan *e, const struct state *s)
{
    switch (e->kind) {
    case EXPECT_IN:
        return s->is_in || s->is_met;
    case EXPECT_NOT_IN:
        return !s->is_in;
    case EXPECT_NEVER:
        return !s->is_met;
    case EXPECT_ENTERS:
    case EXPECT_LEAVES:
    case EXPECT_TRIGGER:
    case EXPECT_OUTCOME:
    case EXPECT__COUNT:
        break;
    }
    return s->is_met;
}

/* --- saying --- */

static void print_failure(const struct running *r, const struct expectation_plan *e)
{
    char offset[INSTANT_TEXT_SIZE + 1];
    struct text name = e->segment.at != NULL ? e->segment : e->name;
    int shown = 0;

    format_offset(r, e->at_ms, offset);
    printf("#   %.*s:%u:%u: expected %s %s: %s %.*s", TEXT_PRINTF(e->place.file->name),
           e->place.line, e->place.column, e->is_by ? "by" : "at", offset,
           expectation_name(e->kind), TEXT_PRINTF(e->name));
    if (e->outcome.at != NULL) {
        printf(" is %.*s", TEXT_PRINTF(e->outcome));
    }
    if (e->reason.at != NULL) {
        printf(", reason %.*s", TEXT_PRINTF(e->reason));
    }
    if (e->attempt != 0) {
        printf(", attempt %lld", (long long)e->attempt);
    }
    for (uint32_t i = 0; i < e->content_count; i++) {
        printf(", %.*s %.*s", TEXT_PRINTF(e->content[i].name), TEXT_PRINTF(e->content[i].value));
    }
    putchar('\n');
    for (uint32_t i = 0; i < r->happened_count && shown < HAPPENED_MAX; i++) {
        const struct happening *h = &r->happened[i];

        if (text_equal(h->name, name)) {
            format_offset(r, h->at_ms, offset);
            printf("#     got at %s: %s %.*s %.*s\n", offset, expectation_name(h->kind),
                   TEXT_PRINTF(h->name), TEXT_PRINTF(h->line));
            shown++;
        }
    }
    if (shown == 0) {
        printf("#     got nothing of %.*s\n", TEXT_PRINTF(name));
    }
}

static bool print_unexpected(const struct running *r)
{
    bool is_any = false;

    for (uint32_t i = 0; r->test->is_only && i < r->happened_count; i++) {
        const struct happening *h = &r->happened[i];
        char offset[INSTANT_TEXT_SIZE + 1];

        if (!h->is_expected) {
            format_offset(r, h->at_ms, offset);
            printf("#   not expected (only: true): at %s: %s %.*s %.*s\n", offset,
                   expectation_name(h->kind), TEXT_PRINTF(h->name), TEXT_PRINTF(h->line));
            is_any = true;
        }
    }
    return is_any;
}

/* --- running --- */

/* Rules without lateness; without holdouts unless the test wants them. */
static struct rules rules_of(const struct rules *from, const struct test_plan *t,
                             struct arena *arena)
{
    struct rules rules = *from;
    struct sequence_plan *sequences =
        arena_alloc(arena, (from->sequence_count + 1) * sizeof(struct sequence_plan));

    rules.allowed_lateness_ms = 0;
    rules.is_event_clock = true;
    if (!t->has_holdout) {
        for (uint32_t i = 0; i < from->sequence_count; i++) {
            sequences[i] = from->sequences[i];
            sequences[i].holdout_bucket = 0;
        }
        rules.sequences = sequences;
        rules.holdout_bucket = 0;
    }
    return rules;
}

static int64_t end_of(const struct test_plan *t)
{
    int64_t end_ms = t->start_ms;

    for (uint32_t i = 0; i < t->expectation_count; i++) {
        end_ms = t->expectations[i].at_ms > end_ms ? t->expectations[i].at_ms : end_ms;
    }
    return end_ms;
}

static void play(struct running *r, const struct rules *rules)
{
    const struct test_plan *t = r->test;
    struct timeline *timeline = timeline_new(rules, true, take_output, r);
    int64_t end_ms = end_of(t);

    for (uint32_t i = 0; i < t->given.count; i++) {
        facts_set_attribute(timeline_need_customer(timeline, TEXT(TEST_CUSTOMER)),
                            t->given.attributes[i], &t->given.values[i], t->start_ms - 1, 0);
    }
    for (uint32_t i = 0; i < t->event_count && t->events[i].at_ms <= end_ms; i++) {
        struct event ev = t->events[i];

        email_name_resolve(timeline, rules, &r->arena, &ev);
        (void)timeline_event(timeline, &ev);
    }
    timeline_finish(timeline, end_ms);
    timeline_free(timeline);
}

static bool run_test(const struct rules *from, const struct test_plan *t, int number)
{
    struct running r = { .test = t };
    struct rules rules = rules_of(from, t, &r.arena);
    bool is_passed = true;

    r.states = arena_alloc(&r.arena, (t->expectation_count + 1) * sizeof(struct state));
    play(&r, &rules);
    for (uint32_t i = 0; i < t->expectation_count; i++) {
        is_passed = is_passed && is_good(&t->expectations[i], &r.states[i]);
    }
    for (uint32_t i = 0; t->is_only && i < r.happened_count; i++) {
        is_passed = is_passed && r.happened[i].is_expected;
    }
    printf("%s %d - %.*s\n", is_passed ? "ok" : "not ok", number, TEXT_PRINTF(t->name));
    for (uint32_t i = 0; !is_passed && i < t->expectation_count; i++) {
        if (!is_good(&t->expectations[i], &r.states[i])) {
            print_failure(&r, &t->expectations[i]);
        }
    }
    (void)print_unexpected(&r);
    mem_free(r.happened);
    arena_fini(&r.arena);
    return is_passed;
}

static enum exit_code run_file(const char *path, int *number, int *failed)
{
    struct config *config = NULL;
    enum exit_code code = cli_load(path, CONFIG_NEED_RULES, NULL, &config);

    for (uint32_t i = 0; code == EXIT_GOOD && i < config->test_count; i++) {
        *failed += !run_test(config->rules, &config->tests[i], ++*number);
    }
    config_free(config);
    return code;
}

int cmd_test(int argc, char **argv)
{
    static const struct argp argp = { .options = options,
                                      .parser = parse,
                                      .args_doc = "FILE...",
                                      .doc = "Run the tests of configurations in virtual time; no "
                                             "Kafka, no Redis." };
    struct arguments a = { 0 };
    int number = 0, failed = 0;

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    puts("TAP version 13");
    for (int i = 0; i < a.count; i++) {
        enum exit_code code = run_file(a.files[i], &number, &failed);

        if (code != EXIT_GOOD) {
            return (int)code;
        }
    }
    printf("1..%d\n# %d passed, %d failed\n", number, number - failed, failed);
    if (number == 0) {
        puts("# there are no tests here: a configuration holds them under `tests`");
    }
    return failed == 0 ? EXIT_GOOD : EXIT_TEST_FAILED;
}
