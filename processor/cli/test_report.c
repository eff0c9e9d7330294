#include "processor/cli/test_report.h"

#include "processor/base/instant.h"
#include "processor/cli/rule_place.h"
#include "processor/cli/test_hint.h"

#define HAPPENED_MAX 5 /* of what happened instead, shown per failure */
#define NAME_WIDTH   64

/* --- failures, a line each --- */

/* Lines of one failed test go into its arena first: JUnit wants them quoted. */
struct lines {
    struct arena *arena;
    struct text text;
    const char *prefix;
};

static void add_line(struct lines *l, const char *label, struct text line)
{
    l->text = arena_format(l->arena, "%.*s%s%-9s %.*s\n", TEXT_PRINTF(l->text), l->prefix, label,
                           TEXT_PRINTF(line));
}

static struct text pairs_text(struct arena *arena, struct text line, const char *label,
                              const struct text_pair *pairs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        line = arena_format(arena, "%.*s, %s%.*s %.*s", TEXT_PRINTF(line), i == 0 ? label : "",
                            TEXT_PRINTF(pairs[i].name), TEXT_PRINTF(pairs[i].value));
    }
    return line;
}

static struct text expected_text(const struct test_result *r, const struct expectation_plan *e,
                                 struct arena *arena)
{
    char offset[TEST_OFFSET_SIZE], place[RULE_PLACE_SIZE];
    struct text line;

    test_play_offset(r->test, e->at_ms, offset);
    rule_place_format(&e->place, place);
    line = arena_format(arena, "%s %s: %s %.*s", e->is_by ? "by" : "at", offset,
                        expectation_name(e->kind), TEXT_PRINTF(e->name));
    if (e->outcome.at != NULL) {
        line = arena_format(arena, "%.*s is %.*s", TEXT_PRINTF(line), TEXT_PRINTF(e->outcome));
    }
    if (e->reason.at != NULL) {
        line = arena_format(arena, "%.*s, reason %.*s", TEXT_PRINTF(line), TEXT_PRINTF(e->reason));
    }
    if (e->attempt != 0) {
        line = arena_format(arena, "%.*s, attempt %lld", TEXT_PRINTF(line), (long long)e->attempt);
    }
    line = pairs_text(arena, line, "content ", e->content, e->content_count);
    line = pairs_text(arena, line, "landing ", e->landing, e->landing_count);
    return arena_format(arena, "%.*s   (%s)", TEXT_PRINTF(line), place);
}

/* The content only where it was asked for. */
static struct text happened_text(const struct test_result *r, const struct test_happening *h,
                                 const struct expectation_plan *e, struct arena *arena)
{
    char offset[TEST_OFFSET_SIZE];
    struct text line;

    test_play_offset(r->test, h->at_ms, offset);
    line = arena_format(arena, "at %s: %s %.*s%.*s", offset, expectation_name(h->kind),
                        TEXT_PRINTF(h->name), TEXT_PRINTF(h->line));
    for (uint32_t i = 0; e != NULL && i < e->content_count; i++) {
        for (uint32_t k = 0; k < h->content_count; k++) {
            if (text_equal(h->content[k].name, e->content[i].name)) {
                line = arena_format(arena, "%.*s, %s%.*s %.*s", TEXT_PRINTF(line),
                                    i == 0 ? "content " : "", TEXT_PRINTF(h->content[k].name),
                                    TEXT_PRINTF(h->content[k].value));
            }
        }
    }
    return line;
}

/* How near a happening is to what was expected: 2 the very name, 1 the same ladder or sequence. */
static int nearness(const struct expectation_plan *e, const struct test_happening *h)
{
    const char *dot = e->segment.size == 0 ? NULL : memchr(e->segment.at, '.', e->segment.size);
    struct text ladder = { e->segment.at, dot == NULL ? 0 : (size_t)(dot - e->segment.at) + 1 };

    if (e->segment.at != NULL) {
        return text_equal(h->name, e->segment)                        ? 2
               : ladder.size > 0 && text_starts_with(h->name, ladder) ? 1
                                                                      : 0;
    }
    if (h->sequence.at == NULL || !text_equal(h->sequence, e->sequence)) {
        return 0;
    }
    return text_equal(h->email, e->email) && (h->email.at == NULL) == (e->email.at == NULL) ? 2 : 1;
}

static void add_happened(struct lines *l, const struct test_result *r,
                         const struct expectation_plan *e)
{
    int shown = 0;

    for (int near = 2; near > 0 && shown == 0; near--) {
        for (uint32_t i = 0; i < r->happening_count && shown < HAPPENED_MAX; i++) {
            if (nearness(e, &r->happenings[i]) == near) {
                add_line(l, shown == 0 ? "got" : "",
                         happened_text(r, &r->happenings[i], e, l->arena));
                shown++;
            }
        }
    }
    if (shown == 0) {
        struct text name = e->segment.at != NULL ? e->segment : e->name;

        add_line(l, "got", arena_format(l->arena, "nothing of %.*s", TEXT_PRINTF(name)));
    }
}

static struct text failures(const struct config *config, struct test_result *r, const char *prefix)
{
    struct lines l = { &r->arena, TEXT(""), prefix };

    for (uint32_t i = 0; i < r->test->expectation_count; i++) {
        const struct expectation_plan *e = &r->test->expectations[i];
        struct text hint;

        if (r->is_good[i]) {
            continue;
        }
        add_line(&l, "expected", expected_text(r, e, l.arena));
        add_happened(&l, r, e);
        hint = test_hint(config, r, e);
        if (hint.at != NULL) {
            add_line(&l, "hint", hint);
        }
    }
    for (uint32_t i = 0; r->test->is_only && i < r->happening_count; i++) {
        if (!r->happenings[i].is_expected) {
            add_line(&l, "not expected (only: true)",
                     happened_text(r, &r->happenings[i], NULL, l.arena));
        }
    }
    return l.text;
}

/* --- forms --- */

static void put_xml(struct text t, FILE *to)
{
    for (size_t i = 0; i < t.size; i++) {
        unsigned char c = (unsigned char)t.at[i];

        if (c == '&') {
            fputs("&amp;", to);
        } else if (c == '<') {
            fputs("&lt;", to);
        } else if (c == '>') {
            fputs("&gt;", to);
        } else if (c == '"') {
            fputs("&quot;", to);
        } else {
            fputc(c < ' ' && c != '\n' && c != '\t' ? '?' : c, to);
        }
    }
}

static void add_text(const struct test_report *r, const struct config *config,
                     struct test_result *result)
{
    char span[TEST_OFFSET_SIZE], place[RULE_PLACE_SIZE];
    struct text name = result->test->name;
    uint32_t events = result->test->event_count, triggers = result->trigger_count;

    if (result->is_passed) {
        instant_format_duration(test_play_end(result->test) - result->test->start_ms, span);
        fprintf(r->to, "PASS  %-*.*s  %s, %u event%s, %u trigger%s\n", NAME_WIDTH,
                TEXT_PRINTF(name), span, events, events == 1 ? "" : "s", triggers,
                triggers == 1 ? "" : "s");
        return;
    }
    rule_place_format(&result->test->place, place);
    fprintf(r->to, "FAIL  %-*.*s  %s\n", NAME_WIDTH, TEXT_PRINTF(name), place);
    fprintf(r->to, "%.*s", TEXT_PRINTF(failures(config, result, "      ")));
}

static void add_tap(const struct test_report *r, const struct config *config,
                    struct test_result *result)
{
    fprintf(r->to, "%s %u - %.*s\n", result->is_passed ? "ok" : "not ok", r->passed + r->failed,
            TEXT_PRINTF(result->test->name));
    if (!result->is_passed) {
        fprintf(r->to, "%.*s", TEXT_PRINTF(failures(config, result, "#   ")));
    }
}

static void add_junit(const struct test_report *r, const struct config *config,
                      struct test_result *result)
{
    const struct place *place = &result->test->place;

    fputs("    <testcase name=\"", r->to);
    put_xml(result->test->name, r->to);
    fputs("\" classname=\"", r->to);
    put_xml(place->file->name, r->to);
    fputs("\" file=\"", r->to);
    put_xml(place->file->name, r->to);
    fprintf(r->to, "\" line=\"%u\"", place->line);
    if (result->is_passed) {
        fputs("/>\n", r->to);
        return;
    }
    fputs(">\n      <failure message=\"not as expected\">", r->to);
    put_xml(failures(config, result, ""), r->to);
    fputs("</failure>\n    </testcase>\n", r->to);
}

void test_report_begin(struct test_report *r)
{
    if (r->form == TEST_FORM_TAP) {
        fputs("TAP version 13\n", r->to);
    } else if (r->form == TEST_FORM_JUNIT) {
        fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"segstream\">\n",
              r->to);
    }
}

void test_report_begin_file(struct test_report *r, const char *path)
{
    if (r->form == TEST_FORM_JUNIT) {
        fputs("  <testsuite name=\"", r->to);
        put_xml(text_of(path), r->to);
        fputs("\">\n", r->to);
    }
}

void test_report_add(struct test_report *r, const struct config *config, struct test_result *result)
{
    static void (*const adders[TEST_FORM__COUNT])(const struct test_report *, const struct config *,
                                                  struct test_result *) = { add_text, add_tap,
                                                                            add_junit };

    r->passed += result->is_passed;
    r->failed += !result->is_passed;
    adders[r->form](r, config, result);
}

void test_report_end_file(struct test_report *r)
{
    if (r->form == TEST_FORM_JUNIT) {
        fputs("  </testsuite>\n", r->to);
    }
}

void test_report_end(struct test_report *r)
{
    switch (r->form) {
    case TEST_FORM_TAP:
        fprintf(r->to, "1..%u\n# %u passed, %u failed\n", r->passed + r->failed, r->passed,
                r->failed);
        break;
    case TEST_FORM_TEXT:
        if (r->passed + r->failed > 0) {
            fprintf(r->to, "%u passed, %u failed\n", r->passed, r->failed);
        }
        break;
    case TEST_FORM_JUNIT:
        fputs("</testsuites>\n", r->to);
        break;
    case TEST_FORM__COUNT:
        break;
    }
}
