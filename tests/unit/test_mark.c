#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/base/rng.h"
#include "schemas/mark.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct mark random_mark(struct rng *r)
{
    int64_t most = rng_chance(r, 5000) ? 10 : INT64_C(999999999999999999);

    return (struct mark){ .lineage = rng_next(r),
                          .epoch = rng_between(r, 0, most),
                          .covered = { rng_between(r, 0, most), rng_between(r, 0, most) },
                          .published = rng_between(r, 0, most),
                          .stream_ms =
                              rng_chance(r, 1000) ? INSTANT_MIN : rng_between(r, -most, most) };
}

static void a_mark_is_read_back_as_it_was_written_by_seed(void **state)
{
    struct rng r;

    (void)state;
    rng_init(&r, 1);
    for (int i = 0; i < 2000; i++) {
        struct mark m = random_mark(&r), back;
        char text[MARK_TEXT_SIZE];
        struct text t = mark_format(&m, text);

        assert_true(t.size < MARK_TEXT_SIZE - 1);
        assert_int_equal(mark_parse(t, &back), OK);
        assert_memory_equal(&m, &back, sizeof(m));
    }
}

static void a_mark_is_a_line_of_text_that_people_can_read(void **state)
{
    struct mark m = { 0x1f, 8, { 7, 1234 }, 567, 1767571200000 };
    char text[MARK_TEXT_SIZE];

    (void)state;
    assert_true(text_is(mark_format(&m, text),
                        "sg1 l=000000000000001f e=8 g=7.1234 s=567 t=1767571200000"));
    m.stream_ms = INSTANT_MIN;
    assert_true(text_ends_with(mark_format(&m, text), TEXT(" t=-")));
}

/* Why: metadata of somebody else's commits must not be taken for ours. */
static void anything_else_is_refused_whatever_was_cut_or_changed(void **state)
{
    static const char *const wrong[] = {
        "",
        "sg1",
        "sg2 l=000000000000001f e=8 g=7.1234 s=567 t=1",
        "sg1 l=000000000000001F e=8 g=7.1234 s=567 t=1",
        "sg1 l=1f e=8 g=7.1234 s=567 t=1",
        "sg1 l=000000000000001f e=-8 g=7.1234 s=567 t=1",
        "sg1 l=000000000000001f e=8 g=7 s=567 t=1",
        "sg1 l=000000000000001f e=8 g=7.1234 s= t=1",
        "sg1 l=000000000000001f e=1234567890123456789 g=7.1234 s=567 t=1",
        "sg1 l=000000000000001f e=8 g=7.1234 s=567 t=1 ",
        "sg1 l=000000000000001f e=8 g=7.1234 s=567 t=--1",
    };
    struct mark m = { 0x1f, 8, { 7, 1234 }, 567, 5 }, back;
    char text[MARK_TEXT_SIZE];
    struct text t = mark_format(&m, text);

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(mark_parse(text_of(wrong[i]), &back), ERR_CORRUPT);
    }
    assert_int_equal(mark_parse(TEXT_NONE, &back), ERR_CORRUPT);
    for (size_t size = 0; size < t.size; size++) {
        char *copy = mem_dup(t.at, size); /* a block of its own: reading behind it is seen */

        assert_int_equal(mark_parse((struct text){ copy, size }, &back), ERR_CORRUPT);
        mem_free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_is_read_back_as_it_was_written_by_seed),
        cmocka_unit_test(a_mark_is_a_line_of_text_that_people_can_read),
        cmocka_unit_test(anything_else_is_refused_whatever_was_cut_or_changed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
