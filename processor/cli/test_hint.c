#include "processor/cli/test_hint.h"

#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "processor/cli/rule_place.h"
#include "processor/cli/value_text.h"

#define FAULTS_MAX 3 /* tests of a predicate, shown per hint */

struct hinting {
    const struct config *config;
    struct test_result *r;
    const struct expectation_plan *e;
    struct arena *arena;
};

static struct text with_place(const struct hinting *h, struct text sentence, struct place place)
{
    char at[RULE_PLACE_SIZE];

    if (place.file == NULL) {
        return sentence;
    }
    rule_place_format(&place, at);
    return arena_format(h->arena, "%.*s (%s)", TEXT_PRINTF(sentence), at);
}

static const char *offset_of(const struct hinting *h, int64_t at_ms)
{
    char out[TEST_OFFSET_SIZE];

    test_play_offset(h->r->test, at_ms, out);
    return arena_text(h->arena, text_of(out)).at;
}

/* --- segments --- */

struct faults { /* the tests of a predicate that keep it from being true */
    const struct hinting *h;
    struct text text;
    uint32_t count;
    uint32_t negated_depth; /* parts below it are asked for the opposite; 0: none */
    bool is_negated;
};

static void take_part(void *context, const struct predicate_part *part)
{
    struct faults *f = context;
    struct text currency = f->h->config->rules->facts.currency, operands;

    if (f->is_negated && part->depth <= f->negated_depth) {
        f->is_negated = false;
    }
    if (part->kind == PREDICATE_PART_NOT || part->kind == PREDICATE_PART_NONE) {
        f->is_negated = true;
        f->negated_depth = part->depth;
    }
    if (part->kind != PREDICATE_PART_TEST || f->count == FAULTS_MAX ||
        part->answer.truth == (f->is_negated ? TRUTH_FALSE : TRUTH_TRUE)) {
        return;
    }
    operands = value_text_operands(f->h->arena, part, currency);
    f->text = arena_format(f->h->arena, "%.*s%s`%.*s` is %s%s%.*s", TEXT_PRINTF(f->text),
                           f->count == 0 ? "" : "; ", TEXT_PRINTF(part->source),
                           part->answer.truth == TRUTH_UNKNOWN ? "unknown"
                           : part->answer.truth == TRUTH_TRUE  ? "true"
                                                               : "false",
                           operands.size == 0 ? "" : ": ", TEXT_PRINTF(operands));
    f->count++;
}

static const struct segment_plan *find_segment(const struct hinting *h,
                                               const struct predicate **out_when)
{
    const struct segments_plan *plan = &h->config->rules->segments;

    for (uint32_t i = 0; i < plan->count; i++) {
        const struct segment_plan *s = &plan->segments[i];

        *out_when = s->when;
        if (text_equal(s->id, h->e->segment)) {
            return s;
        }
        for (uint32_t r = 0; r < s->rung_count; r++) {
            if (text_equal(s->rungs[r].id, h->e->segment)) {
                *out_when = s->rungs[r].when;
                return s;
            }
        }
    }
    return NULL;
}

static bool is_in(const struct customer *c, const struct segment_plan *s, struct text id)
{
    for (uint32_t r = 0; r < s->rung_count; r++) {
        if (text_equal(s->rungs[r].id, id)) {
            return segments_is_in(c, s->key, s->rungs[r].key);
        }
    }
    return segments_is_in(c, s->key, 0);
}

/* What the segment's `when` says at the instant of the expectation. */
static struct text explain_when(const struct hinting *h)
{
    struct timeline *timeline = NULL;
    const struct customer *c =
        test_play_customer(h->config, h->r->test, h->e->at_ms, h->arena, &timeline);
    struct place place = rule_place_segment(h->config, h->e->segment);
    const struct predicate *when = NULL;
    const struct segment_plan *s = find_segment(h, &when);
    struct faults f = { .h = h, .text = TEXT("") };
    struct text hint = TEXT_NONE;

    if (c == NULL || c->created_at_ms == INSTANT_NEVER) {
        hint = TEXT("no event has come by then: a customer's first event enters what holds then");
    } else if (s != NULL && h->e->kind == EXPECT_ENTERS && is_in(c, s, h->e->segment)) {
        hint = with_place(h,
                          arena_format(h->arena, "it is in it already, since %s",
                                       offset_of(h, customer_membership(c, s->key)->since_ms)),
                          place);
    } else if (when != NULL && s != NULL) {
        struct view v = { .plan = &h->config->rules->facts,
                          .customer = c,
                          .id = TEXT(TEST_CUSTOMER),
                          .now_ms = h->e->at_ms,
                          .arena = h->arena };

        if (predicate_eval(when, &v).truth != TRUTH_TRUE) {
            predicate_explain(when, &v, take_part, &f);
            hint = with_place(h, f.text, place);
        } else if (s->is_ladder) {
            hint = with_place(h, TEXT("its `when` holds then; a higher rung may hold, too"), place);
        } else {
            hint = with_place(h,
                              s->for_ms > 0
                                  ? TEXT("its `when` holds then, but `for` has not yet passed")
                                  : TEXT("its `when` holds then"),
                              place);
        }
    }
    timeline_free(timeline);
    return hint;
}

/* Why it is still in: what is asked of leaving, in the order in which it is asked. */
static struct text explain_stay(const struct hinting *h)
{
    struct timeline *timeline = NULL;
    const struct customer *c =
        test_play_customer(h->config, h->r->test, h->e->at_ms, h->arena, &timeline);
    struct place place = rule_place_segment(h->config, h->e->segment);
    const struct predicate *when = NULL;
    const struct segment_plan *s = find_segment(h, &when);
    const struct membership *m = c == NULL || s == NULL ? NULL : customer_membership(c, s->key);
    struct view v = { .plan = &h->config->rules->facts,
                      .customer = c,
                      .id = TEXT(TEST_CUSTOMER),
                      .now_ms = h->e->at_ms,
                      .arena = h->arena };
    struct text hint;

    if (m == NULL || !m->is_member) {
        hint = TEXT("it is not in it at that instant");
    } else if (h->e->at_ms - m->since_ms < s->min_stay_ms) {
        hint = TEXT("`min_stay` has not yet passed");
    } else if (when != NULL && predicate_eval(when, &v).truth == TRUTH_TRUE) {
        hint = TEXT("its `when` still holds");
    } else {
        hint = TEXT("its `leave_when` does not hold then");
    }
    timeline_free(timeline);
    return with_place(h, hint, place);
}

/* --- sequences --- */

/* The newest happening that fits, at or before the instant when there is one. */
static const struct test_happening *newest(const struct hinting *h, enum expectation_kind kind,
                                           bool is_run, bool is_email_asked)
{
    const struct test_happening *found = NULL;

    for (uint32_t i = 0; i < h->r->happening_count; i++) {
        const struct test_happening *at = &h->r->happenings[i];

        if (at->kind == kind && text_equal(at->sequence, h->e->sequence) &&
            at->sequence.at != NULL && (at->email.at == NULL) == is_run &&
            (!is_email_asked || text_equal(at->email, h->e->email)) &&
            (!is_run || at->outcome != OUTCOME_ENTERED) &&
            (found == NULL || at->at_ms <= h->e->at_ms)) {
            found = at;
        }
    }
    return found;
}

/* Where the rule stands that lets a run end so. */
static struct place end_place(const struct hinting *h, enum outcome o)
{
    static const struct {
        enum outcome outcome;
        const char *path;
    } places[] = {
        { OUTCOME_CONVERTED, "goal" },       { OUTCOME_STOPPED, "stop_if" },
        { OUTCOME_MOVED, "branch" },         { OUTCOME_ENDED, "branch" },
        { OUTCOME_EXHAUSTED, "max_emails" },
    };

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct place place = rule_place_sequence(h->config, h->e->sequence, places[i].path);

        if (places[i].outcome == o && place.file != NULL) {
            return place;
        }
    }
    return rule_place_sequence(h->config, h->e->sequence, "");
}

static struct place hold_place(const struct hinting *h, enum reason reason)
{
    switch ((int)reason) {
    case REASON_CAP:
        return rule_place_key(h->config, "limits.emails");
    case REASON_QUIET_HOURS:
        return rule_place_key(h->config, "limits.quiet_hours");
    case REASON_SEND_WINDOW:
        return rule_place_sequence(h->config, h->e->sequence, "send_window");
    case REASON_SEND_IF:
        return rule_place_key(h->config, "send_if");
    default:
        return rule_place_email(h->config, h->e->sequence, h->e->email);
    }
}

/* Why the sequence was not entered: its `if` at that instant, else its whole `enter`. */
static struct text explain_entry(const struct hinting *h)
{
    struct timeline *timeline = NULL;
    const struct customer *c =
        test_play_customer(h->config, h->r->test, h->e->at_ms, h->arena, &timeline);
    const struct sequence_plan *plan = rules_sequence(h->config->rules, hash32(h->e->sequence));
    struct faults f = { .h = h, .text = TEXT("") };
    struct view v = { .plan = &h->config->rules->facts,
                      .customer = c,
                      .id = TEXT(TEST_CUSTOMER),
                      .now_ms = h->e->at_ms,
                      .arena = h->arena };
    const char *path = "enter";

    if (c != NULL && plan != NULL && plan->condition != NULL) {
        predicate_explain(plan->condition, &v, take_part, &f);
        path = f.text.size > 0 ? "enter.if" : path;
    }
    timeline_free(timeline);
    return with_place(
        h,
        arena_format(h->arena, "%.*s was not entered%s%.*s", TEXT_PRINTF(h->e->sequence),
                     f.text.size > 0 ? ", its `if` does not hold: " : "", TEXT_PRINTF(f.text)),
        rule_place_sequence(h->config, h->e->sequence, path));
}

/* Absent: it was entered. */
static struct text hint_entry(const struct hinting *h)
{
    for (uint32_t i = 0; i < h->r->happening_count; i++) {
        const struct test_happening *at = &h->r->happenings[i];

        if (at->kind == EXPECT_OUTCOME && at->sequence.at != NULL &&
            text_equal(at->sequence, h->e->sequence)) {
            return TEXT_NONE;
        }
    }
    return explain_entry(h);
}

static struct text different_values(const struct hinting *h, const struct test_happening *sent)
{
    for (uint32_t i = 0; i < h->e->content_count; i++) {
        for (uint32_t k = 0; k < sent->content_count; k++) {
            if (text_equal(h->e->content[i].name, sent->content[k].name) &&
                !text_equal(h->e->content[i].value, sent->content[k].value)) {
                return arena_format(h->arena, "it left with %.*s %.*s, not %.*s",
                                    TEXT_PRINTF(sent->content[k].name),
                                    TEXT_PRINTF(sent->content[k].value),
                                    TEXT_PRINTF(h->e->content[i].value));
            }
        }
    }
    return TEXT("it left, but with other values than expected");
}

/* The same email left, but not as expected. */
static struct text hint_sent(const struct hinting *h, const struct test_happening *sent)
{
    struct place place = rule_place_email(h->config, h->e->sequence, h->e->email);
    int64_t late_ms = sent->at_ms - h->e->at_ms;
    char size[INSTANT_TEXT_SIZE];

    if (late_ms == 0 || (h->e->is_by && late_ms < 0)) {
        return with_place(h, different_values(h, sent), place);
    }
    instant_format_duration(late_ms < 0 ? -late_ms : late_ms, size);
    return with_place(h,
                      arena_format(h->arena, "it left %s %s than expected", size,
                                   late_ms < 0 ? "earlier" : "later"),
                      place);
}

static struct text hint_trigger(const struct hinting *h)
{
    const struct test_happening *sent = newest(h, EXPECT_TRIGGER, false, true);
    const struct test_happening *outcome = newest(h, EXPECT_OUTCOME, false, true);
    const struct test_happening *end = newest(h, EXPECT_OUTCOME, true, false);
    struct text hint = hint_entry(h);

    if (hint.at != NULL) {
        return hint;
    }
    if (outcome != NULL &&
        (outcome->outcome == OUTCOME_SUPPRESSED || outcome->outcome == OUTCOME_SKIPPED)) {
        return with_place(h,
                          arena_format(h->arena, "%s at %s: %s", outcome_name(outcome->outcome),
                                       offset_of(h, outcome->at_ms), reason_name(outcome->reason)),
                          hold_place(h, outcome->reason));
    }
    if (end != NULL && end->at_ms <= h->e->at_ms && (sent == NULL || sent->at_ms < end->at_ms)) {
        return with_place(h,
                          arena_format(h->arena, "the run ended at %s as %s",
                                       offset_of(h, end->at_ms), outcome_name(end->outcome)),
                          end_place(h, end->outcome));
    }
    return sent != NULL ? hint_sent(h, sent)
                        : with_place(h, TEXT("the run has not come to this email by then"),
                                     rule_place_email(h->config, h->e->sequence, h->e->email));
}

static struct text hint_outcome(const struct hinting *h)
{
    const struct test_happening *end = newest(h, EXPECT_OUTCOME, true, false);
    const struct test_happening *sent = newest(h, EXPECT_TRIGGER, false, true);
    const struct test_happening *outcome = newest(h, EXPECT_OUTCOME, false, true);
    struct text hint = hint_entry(h);

    if (hint.at != NULL) {
        return hint;
    }
    if (h->e->email.at != NULL && outcome != NULL) {
        return with_place(h,
                          arena_format(h->arena, "it was judged %s at %s",
                                       outcome_name(outcome->outcome),
                                       offset_of(h, outcome->at_ms)),
                          rule_place_email(h->config, h->e->sequence, h->e->email));
    }
    if (h->e->email.at != NULL && sent == NULL) {
        return with_place(h, TEXT("this email never left"),
                          rule_place_email(h->config, h->e->sequence, h->e->email));
    }
    if (end != NULL) {
        return with_place(h,
                          arena_format(h->arena, "the run ended at %s as %s",
                                       offset_of(h, end->at_ms), outcome_name(end->outcome)),
                          end_place(h, end->outcome));
    }
    return with_place(h,
                      TEXT("an email is judged at the end of its engagement_window, or "
                           "conversion_window after the first click"),
                      rule_place_sequence(h->config, h->e->sequence, ""));
}

struct text test_hint(const struct config *config, struct test_result *r,
                      const struct expectation_plan *e)
{
    struct hinting h = { config, r, e, &r->arena };

    switch (e->kind) {
    case EXPECT_ENTERS:
    case EXPECT_IN:
        return explain_when(&h);
    case EXPECT_LEAVES:
    case EXPECT_NOT_IN:
        return explain_stay(&h);
    case EXPECT_TRIGGER:
        return hint_trigger(&h);
    case EXPECT_OUTCOME:
        return hint_outcome(&h);
    case EXPECT_NEVER:
        return with_place(&h, TEXT("it did leave; a branch or the order of the emails leads to it"),
                          rule_place_email(config, e->sequence, e->email));
    case EXPECT__COUNT:
        break;
    }
    return TEXT_NONE;
}
