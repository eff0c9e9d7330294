#include "processor/base/mem.h"
#include "processor/base/rng.h"
#include "processor/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void absent_is_not_empty_but_equal_to_it(void **state)
{
    (void)state;
    assert_null(text_of(NULL).at);
    assert_non_null(text_of("").at);
    assert_true(text_equal(TEXT_NONE, TEXT("")));
    assert_null(text_dup(TEXT_NONE).at);
    assert_false(text_equal(TEXT("a"), TEXT("b")));
    assert_true(text_is(TEXT("abc"), "abc"));
    assert_false(text_is(TEXT("abc"), "abcd"));
    assert_true(text_equal(TEXT("a\0b"), TEXT("a\0b")));
    assert_false(text_equal(TEXT("a\0b"), TEXT("a\0c")));
}

static void order_is_by_unsigned_bytes_and_a_prefix_comes_first(void **state)
{
    (void)state;
    assert_true(text_compare(TEXT("a"), TEXT("b")) < 0);
    assert_true(text_compare(TEXT("a"), TEXT("aa")) < 0);
    assert_true(text_compare(TEXT("aa"), TEXT("a")) > 0);
    assert_true(text_compare(TEXT("z"), TEXT("\xc3\xa4")) < 0);
    assert_int_equal(text_compare(TEXT_NONE, TEXT("")), 0);
    assert_true(text_compare(TEXT_NONE, TEXT("a")) < 0);
}

static void parts_are_found(void **state)
{
    (void)state;
    assert_true(text_starts_with(TEXT("/pricing"), TEXT("/pri")));
    assert_false(text_starts_with(TEXT("/p"), TEXT("/pri")));
    assert_true(text_ends_with(TEXT("guide.pdf"), TEXT(".pdf")));
    assert_false(text_ends_with(TEXT("pdf"), TEXT(".pdf")));
    assert_true(text_contains(TEXT("a-b-c"), TEXT("b-")));
    assert_false(text_contains(TEXT("a-b-c"), TEXT("c-")));
    assert_true(text_starts_with(TEXT_NONE, TEXT("")));
    assert_true(text_ends_with(TEXT_NONE, TEXT_NONE));
    assert_true(text_contains(TEXT_NONE, TEXT("")));
    assert_false(text_contains(TEXT_NONE, TEXT("a")));
}

static const struct {
    struct text bytes;
    bool is_utf8;
} utf8[] = {
    { { "", 0 }, true },
    { { NULL, 0 }, true },
    { { "a\0b", 3 }, true },
    { { "\x7f", 1 }, true },
    { { "\xc2\x80", 2 }, true },
    { { "\xdf\xbf", 2 }, true },
    { { "\xe0\xa0\x80", 3 }, true },
    { { "\xed\x9f\xbf", 3 }, true },
    { { "\xef\xbf\xbf", 3 }, true },
    { { "\xf0\x90\x80\x80", 4 }, true },
    { { "\xf4\x8f\xbf\xbf", 4 }, true },
    { { "\x80", 1 }, false },             /* a follower alone */
    { { "\xc0\x80", 2 }, false },         /* overlong NUL */
    { { "\xc1\xbf", 2 }, false },         /* overlong */
    { { "\xe0\x9f\xbf", 3 }, false },     /* overlong */
    { { "\xf0\x8f\xbf\xbf", 4 }, false }, /* overlong */
    { { "\xed\xa0\x80", 3 }, false },     /* a surrogate */
    { { "\xf4\x90\x80\x80", 4 }, false }, /* beyond U+10FFFF */
    { { "\xf5\x80\x80\x80", 4 }, false },
    { { "\xff", 1 }, false },
    { { "\xc3", 1 }, false },             /* cut */
    { { "\xe2\x82", 2 }, false },         /* cut */
    { { "\xf0\x9f\x98", 3 }, false },     /* cut */
    { { "\xe2\x28\xa1", 3 }, false },     /* second byte */
    { { "\xe2\x82\x28", 3 }, false },     /* third byte */
    { { "\xf0\x9f\x98\x28", 4 }, false }, /* fourth byte */
    { { "good \xe2\x82\xac bad \xff", 14 }, false },
};

static void utf8_is_told_from_what_only_looks_like_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(utf8) / sizeof(utf8[0]); i++) {
        if (text_is_utf8(utf8[i].bytes) != utf8[i].is_utf8) {
            fail_msg("row %zu", i);
        }
    }
}

/* Why: a sentence that quotes input goes into records, which hold valid UTF-8 only. How: every
 * place of the cut, and random bytes. */
static void a_formatted_sentence_is_utf8_wherever_it_is_cut(void **state)
{
    char room[64];
    struct rng r;

    (void)state;
    assert_int_equal(text_format(room, sizeof(room), "%d \xe2\x82\xac", 5), 5);
    assert_string_equal(room, "5 \xe2\x82\xac");
    assert_int_equal(text_format(room, 5, "%d \xe2\x82\xac", 5), 4);
    assert_string_equal(room, "5 ??");
    assert_int_equal(text_format(room, sizeof(room), "\xff%s", "a\xc3"), 3);
    assert_string_equal(room, "?a?");
    rng_init(&r, 2);
    for (unsigned i = 0; i < 5000; i++) {
        char bytes[40];
        size_t size = (size_t)rng_below(&r, sizeof(bytes)), got;

        for (size_t k = 0; k < size; k++) {
            bytes[k] = (char)rng_between(&r, 1, 255);
        }
        bytes[size] = '\0';
        got = text_format(room, (size_t)rng_between(&r, 1, sizeof(room)), "%s", bytes);
        assert_int_equal(strlen(room), got);
        assert_true(text_is_utf8((struct text){ room, got }));
    }
}

static void a_copy_is_its_own_and_ends_with_a_nul(void **state)
{
    char source[] = "abc";
    struct text copy = text_dup((struct text){ source, 2 });

    (void)state;
    source[0] = 'x';
    assert_true(text_is(copy, "ab"));
    assert_int_equal(copy.at[2], 0);
    mem_free((void *)(uintptr_t)copy.at);
    copy = text_dup(TEXT(""));
    assert_non_null(copy.at);
    mem_free((void *)(uintptr_t)copy.at);
}

static void the_nearest_name_is_one_that_a_slip_of_the_finger_explains(void **state)
{
    struct text_nearest nearest = { .wrong = TEXT("cuont") };

    (void)state;
    text_nearest_try(&nearest, TEXT("sum"));
    assert_null(nearest.best.at);
    text_nearest_try(&nearest, TEXT("mount"));
    text_nearest_try(&nearest, TEXT("count"));
    text_nearest_try(&nearest, TEXT("fount"));
    assert_true(text_is(nearest.best, "count"));
    nearest = (struct text_nearest){ .wrong = TEXT("a") };
    text_nearest_try(&nearest, TEXT("b"));
    assert_null(nearest.best.at);
}

static void distance_counts_edits(void **state)
{
    char long_one[65];

    (void)state;
    memset(long_one, 'a', sizeof(long_one));
    assert_int_equal(text_distance(TEXT("kitten"), TEXT("sitting")), 3);
    assert_int_equal(text_distance(TEXT("sitting"), TEXT("kitten")), 3);
    assert_int_equal(text_distance(TEXT(""), TEXT("abc")), 3);
    assert_int_equal(text_distance(TEXT("abc"), TEXT("")), 3);
    assert_int_equal(text_distance(TEXT("same"), TEXT("same")), 0);
    assert_int_equal(text_distance(TEXT("segmnet"), TEXT("segment")), 2);
    assert_int_equal(text_distance((struct text){ long_one, 65 }, TEXT("a")), 64);
    assert_int_equal(text_distance((struct text){ long_one, 64 }, TEXT("")), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_is_not_empty_but_equal_to_it),
        cmocka_unit_test(order_is_by_unsigned_bytes_and_a_prefix_comes_first),
        cmocka_unit_test(parts_are_found),
        cmocka_unit_test(utf8_is_told_from_what_only_looks_like_it),
        cmocka_unit_test(a_formatted_sentence_is_utf8_wherever_it_is_cut),
        cmocka_unit_test(a_copy_is_its_own_and_ends_with_a_nul),
        cmocka_unit_test(distance_counts_edits),
        cmocka_unit_test(the_nearest_name_is_one_that_a_slip_of_the_finger_explains),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
