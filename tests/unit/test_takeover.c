/* DESIGN. The table of what a newcomer may find, row by row, as the operator's page has it. */
#include "processor/engine/takeover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define OURS  UINT64_C(0xa)
#define OTHER UINT64_C(0xb)
#define NEW   UINT64_C(0xc)

struct row {
    const char *what;
    struct {
        bool is_there;
        uint64_t lineage;
        struct guard covered;
        int64_t published;
    } mark;
    struct {
        bool is_there;
        uint64_t lineage;
        struct guard guard;
        int64_t trimmed, last;
    } state;
    struct {
        enum err exactly, at_least;
        int64_t published; /* when it goes on */
        bool is_mark_wrong, is_repeating;
    } wanted;
};

#define NONE                                                                                       \
    {                                                                                              \
        0                                                                                          \
    }

/* clang-format off */
static const struct row rows[] = {
    { "nobody was ever here",               NONE, NONE, { OK, OK, 0, false, false } },
    { "marked, and died before a commit",   { true, OURS, { 0, 0 }, 0 }, NONE, { OK, OK, 0, false, false } },
    { "all published and trimmed",          { true, OURS, { 3, 9 }, 5 }, { true, OURS, { 3, 9 }, 5, 5 }, { OK, OK, 5, false, false } },
    { "published, not yet trimmed",         { true, OURS, { 3, 9 }, 5 }, { true, OURS, { 3, 9 }, 2, 5 }, { OK, OK, 5, false, false } },
    { "some published",                     { true, OURS, { 3, 8 }, 4 }, { true, OURS, { 3, 9 }, 2, 7 }, { OK, OK, 4, false, false } },
    { "trimmed, the mark is older",         { true, OURS, { 3, 7 }, 2 }, { true, OURS, { 3, 9 }, 4, 7 }, { OK, OK, 4, false, false } },
    { "committed, nothing published yet",   { true, OURS, { 0, 0 }, 0 }, { true, OURS, { 1, 2 }, 0, 3 }, { OK, OK, 0, false, false } },
    { "an owner before covered an older",   { true, OURS, { 2, 7 }, 3 }, { true, OURS, { 3, 9 }, 3, 3 }, { OK, OK, 3, false, false } },
    { "the store lost a commit",            { true, OURS, { 3, 9 }, 5 }, { true, OURS, { 3, 8 }, 2, 5 }, { ERR_REGRESSED, OK, 2, true, true } },
    { "the store lost published entries",   { true, OURS, { 3, 8 }, 6 }, { true, OURS, { 3, 8 }, 2, 5 }, { ERR_REGRESSED, OK, 2, true, true } },
    { "the same version of another owner",  { true, OURS, { 3, 9 }, 5 }, { true, OURS, { 4, 9 }, 5, 5 }, { ERR_REGRESSED, OK, 5, true, true } },
    { "the store was wiped",                { true, OURS, { 3, 9 }, 5 }, NONE, { ERR_WIPED, ERR_WIPED, 0, false, false } },
    { "wiped, only published is known",     { true, OURS, { 0, 0 }, 1 }, NONE, { ERR_WIPED, ERR_WIPED, 0, false, false } },
    { "another history's store",            { true, OTHER, { 3, 9 }, 5 }, { true, OURS, { 3, 9 }, 5, 5 }, { ERR_FOREIGN, ERR_FOREIGN, 0, false, false } },
    { "group reset, nothing pending",       NONE, { true, OURS, { 3, 9 }, 5, 5 }, { OK, OK, 5, true, false } },
    { "group reset, entries pending",       NONE, { true, OURS, { 3, 9 }, 2, 5 }, { ERR_UNTOLD, OK, 2, true, false } },
    { "reset, marked anew, died",           { true, NEW, { 0, 0 }, 0 }, { true, OURS, { 3, 9 }, 5, 5 }, { OK, OK, 5, true, false } },
    { "reset, marked anew, pending",        { true, NEW, { 0, 0 }, 0 }, { true, OURS, { 3, 9 }, 2, 5 }, { ERR_UNTOLD, OK, 2, true, false } },
};
/* clang-format on */

static void check(const struct row *r, bool is_exactly_once)
{
    struct mark mark = { .lineage = r->mark.lineage,
                         .epoch = 8,
                         .covered = r->mark.covered,
                         .published = r->mark.published };
    struct partition_state state = { .lineage = r->state.lineage,
                                     .guard = r->state.guard,
                                     .outbox_trimmed = r->state.trimmed,
                                     .outbox_last = r->state.last };
    struct takeover got = { 0 };
    enum err wanted = is_exactly_once ? r->wanted.exactly : r->wanted.at_least;
    enum err error =
        takeover_judge(&(struct takeover_case){ .mark = r->mark.is_there ? &mark : NULL,
                                                .state = r->state.is_there ? &state : NULL,
                                                .lineage_new = NEW,
                                                .is_exactly_once = is_exactly_once },
                       &got);

    if (error != wanted) {
        fail_msg("%s: %s, wanted %s", r->what, err_text(error), err_text(wanted));
    }
    if (error == OK &&
        (got.published != r->wanted.published || got.is_mark_wrong != r->wanted.is_mark_wrong ||
         got.is_repeating != r->wanted.is_repeating)) {
        fail_msg("%s: published %lld, mark wrong %d, repeating %d", r->what,
                 (long long)got.published, got.is_mark_wrong, got.is_repeating);
    }
    if (error == OK) {
        assert_true(got.lineage == (r->state.is_there  ? r->state.lineage
                                    : r->mark.is_there ? r->mark.lineage
                                                       : NEW));
    }
}

static void what_the_group_and_the_store_say_is_compared_row_by_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check(&rows[i], true);
        check(&rows[i], false);
    }
}

static void a_store_in_memory_begins_anew_whatever_the_group_remembers(void **state)
{
    struct mark mark = { .lineage = OTHER, .covered = { 3, 9 }, .published = 5 };
    struct partition_state stored = { .lineage = OURS, .outbox_last = 3, .outbox_trimmed = 1 };
    struct takeover_case c = { .mark = &mark, .lineage_new = NEW, .is_volatile = true };
    struct takeover got;

    (void)state;
    assert_int_equal(takeover_judge(&c, &got), OK);
    assert_true(got.lineage == NEW && got.published == 0 && !got.is_mark_wrong);
    c.state = &stored;
    assert_int_equal(takeover_judge(&c, &got), OK);
    assert_true(got.lineage == OURS && got.published == 1 && !got.is_mark_wrong);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_group_and_the_store_say_is_compared_row_by_row),
        cmocka_unit_test(a_store_in_memory_begins_anew_whatever_the_group_remembers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
