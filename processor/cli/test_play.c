#include "processor/cli/test_play.h"

#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/cli/email_name.h"

struct state { /* of one expectation */
    bool is_met;
    bool is_in; /* EXPECT_IN, NOT_IN: as of the newest record up to its instant */
};

struct playing {
    struct test_result *result;
    struct state *states; /* by expectation */
    timeline_sink *also;
    void *also_context;
};

int64_t test_play_end(const struct test_plan *t)
{
    int64_t end_ms = t->start_ms;

    for (uint32_t i = 0; i < t->expectation_count; i++) {
        end_ms = t->expectations[i].at_ms > end_ms ? t->expectations[i].at_ms : end_ms;
    }
    return end_ms;
}

void test_play_offset(const struct test_plan *t, int64_t at_ms, char out[])
{
    out[0] = at_ms < t->start_ms ? '-' : '+';
    instant_format_duration(at_ms < t->start_ms ? t->start_ms - at_ms : at_ms - t->start_ms,
                            out + 1);
}

/* --- what happens --- */

static struct text email_text(struct arena *arena, struct text sequence, struct text email)
{
    return email.at == NULL
               ? arena_text(arena, sequence)
               : arena_format(arena, "%.*s.%.*s", TEXT_PRINTF(sequence), TEXT_PRINTF(email));
}

static void note_trigger(struct test_result *r, struct test_happening *h, const struct trigger *t)
{
    struct text_pair *pairs;

    h->kind = EXPECT_TRIGGER;
    h->sequence = arena_text(&r->arena, t->sequence);
    h->email = arena_text(&r->arena, t->email);
    h->name = email_text(&r->arena, t->sequence, t->email);
    h->line =
        arena_format(&r->arena, ", reason %s, attempt %d", outcome_name(t->reason), t->attempt);
    pairs = arena_alloc(&r->arena, (t->content_count + 1) * sizeof(*pairs));
    for (uint32_t i = 0; i < t->content_count; i++) {
        pairs[i].name = arena_text(&r->arena, t->content[i].name);
        pairs[i].value = arena_text(&r->arena, t->content[i].value);
    }
    h->content = pairs;
    h->content_count = t->content_count;
    r->trigger_count++;
}

static struct test_happening *note(struct test_result *r, const struct output *o)
{
    struct test_happening *h;

    r->happenings =
        mem_grow32(r->happenings, r->happening_count, &r->happening_capacity, sizeof(*h));
    h = &r->happenings[r->happening_count++];
    *h = (struct test_happening){ .at_ms = o->at_ms, .line = TEXT("") };
    if (o->type == OUTPUT_MEMBERSHIP) {
        h->kind = o->as.membership.is_entered ? EXPECT_ENTERS : EXPECT_LEAVES;
        h->name = arena_text(&r->arena, o->as.membership.segment);
    } else if (o->type == OUTPUT_TRIGGER) {
        note_trigger(r, h, &o->as.trigger);
    } else {
        const struct outcome_record *t = &o->as.outcome;

        h->kind = EXPECT_OUTCOME;
        h->sequence = arena_text(&r->arena, t->sequence);
        h->email = arena_text(&r->arena, t->email);
        h->name = email_text(&r->arena, t->sequence, t->email);
        h->outcome = t->outcome;
        h->reason = t->reason;
        h->line = arena_format(&r->arena, " is %s%s%s", outcome_name(t->outcome),
                               t->reason == REASON_NONE ? "" : ", reason ", reason_name(t->reason));
        if (t->attempt > 0) {
            h->line = arena_format(&r->arena, "%.*s, attempt %d", TEXT_PRINTF(h->line), t->attempt);
        }
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

/* `by` in: at some instant up to then; `by` not_in: after having been in, or never in at all. */
static void take_membership(const struct expectation_plan *e, struct state *s,
                            const struct membership_change *m)
{
    bool was_in = s->is_in;

    s->is_in = contains(m, e->segment);
    s->is_met = s->is_met || (e->is_by && e->kind == EXPECT_IN && s->is_in) ||
                (e->is_by && e->kind == EXPECT_NOT_IN && was_in && !s->is_in);
}

static void take_output(void *context, const struct output *o)
{
    struct playing *p = context;
    const struct test_plan *t = p->result->test;
    struct test_happening *h = note(p->result, o);

    for (uint32_t i = 0; i < t->expectation_count; i++) {
        const struct expectation_plan *e = &t->expectations[i];
        bool is_time = e->is_by ? o->at_ms <= e->at_ms : o->at_ms == e->at_ms;

        if (o->type == OUTPUT_MEMBERSHIP && o->at_ms <= e->at_ms && e->segment.at != NULL) {
            take_membership(e, &p->states[i], &o->as.membership);
        }
        if (is_time && is_match(e, o)) {
            p->states[i].is_met = true;
            h->is_expected = h->is_expected || e->kind != EXPECT_NEVER;
        }
    }
    if (p->also != NULL) {
        p->also(p->also_context, o);
    }
}

static bool is_good(const struct expectation_plan *e, const struct state *s)
{
    switch (e->kind) {
    case EXPECT_IN:
        return s->is_in || s->is_met;
    case EXPECT_NOT_IN:
        return !s->is_in || s->is_met;
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

/* --- playing --- */

/* Rules without lateness; without holdouts unless the test wants them. Owner: the arena. */
static const struct rules *rules_of(const struct rules *from, const struct test_plan *t,
                                    struct arena *arena)
{
    struct rules *rules = arena_alloc(arena, sizeof(*rules));
    struct sequence_plan *sequences =
        arena_alloc(arena, (from->sequence_count + 1) * sizeof(struct sequence_plan));

    *rules = *from;
    rules->allowed_lateness_ms = 0;
    rules->is_event_clock = true;
    if (!t->has_holdout) {
        for (uint32_t i = 0; i < from->sequence_count; i++) {
            sequences[i] = from->sequences[i];
            sequences[i].holdout_bucket = 0;
        }
        rules->sequences = sequences;
        rules->holdout_bucket = 0;
    }
    return rules;
}

static void play_events(struct timeline *timeline, const struct rules *rules,
                        const struct test_plan *t, int64_t end_ms, struct arena *arena)
{
    for (uint32_t i = 0; i < t->given.count; i++) {
        facts_set_attribute(timeline_need_customer(timeline, TEXT(TEST_CUSTOMER)),
                            t->given.attributes[i], &t->given.values[i], t->start_ms - 1, 0);
    }
    for (uint32_t i = 0; i < t->event_count && t->events[i].at_ms <= end_ms; i++) {
        struct event ev = t->events[i];

        email_name_resolve(timeline, rules, arena, &ev);
        (void)timeline_event(timeline, &ev);
    }
    timeline_finish(timeline, end_ms);
}

void test_play(const struct config *config, const struct test_plan *test, timeline_sink *also,
               void *context, struct test_result *out_result)
{
    struct test_result *r = out_result;
    struct playing p = { .result = r, .also = also, .also_context = context };
    const struct rules *rules;
    struct timeline *timeline;

    *r = (struct test_result){ .test = test, .is_passed = true };
    p.states = arena_alloc(&r->arena, (test->expectation_count + 1) * sizeof(struct state));
    r->is_good = arena_alloc(&r->arena, test->expectation_count + 1);
    rules = rules_of(config->rules, test, &r->arena);
    timeline = timeline_new(rules, true, take_output, &p);
    play_events(timeline, rules, test, test_play_end(test), &r->arena);
    timeline_free(timeline);
    for (uint32_t i = 0; i < test->expectation_count; i++) {
        r->is_good[i] = is_good(&test->expectations[i], &p.states[i]);
        r->is_passed = r->is_passed && r->is_good[i];
    }
    for (uint32_t i = 0; test->is_only && i < r->happening_count; i++) {
        r->is_passed = r->is_passed && r->happenings[i].is_expected;
    }
}

void test_result_fini(struct test_result *r)
{
    mem_free(r->happenings);
    arena_fini(&r->arena);
}

static void ignore(void *context, const struct output *o)
{
    (void)context;
    (void)o;
}

const struct customer *test_play_customer(const struct config *config, const struct test_plan *test,
                                          int64_t at_ms, struct arena *arena,
                                          struct timeline **out_timeline)
{
    const struct rules *rules = rules_of(config->rules, test, arena);

    *out_timeline = timeline_new(rules, true, ignore, NULL);
    play_events(*out_timeline, rules, test, at_ms, arena);
    return timeline_customer(*out_timeline, TEXT(TEST_CUSTOMER));
}
