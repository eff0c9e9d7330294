#include "processor/base/arena.h"
#include "processor/base/mem.h"
#include "processor/base/rng.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define PIECES 400

/* Why: pieces may not overlap and begin as zeros, also after a reset. How: random sizes, each
 * filled with its own number. */
static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    struct arena a = { NULL, 0 };
    struct rng r;

    (void)state;
    rng_init(&r, 1);
    for (unsigned round = 0; round < 5; round++) {
        uint8_t *pieces[PIECES];
        size_t sizes[PIECES];

        for (unsigned i = 0; i < PIECES; i++) {
            sizes[i] =
                rng_chance(&r, 300) ? (size_t)rng_below(&r, 200000) : (size_t)rng_below(&r, 600);
            pieces[i] = arena_alloc(&a, sizes[i]);
            assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
            for (size_t k = 0; k < sizes[i]; k++) {
                assert_int_equal(pieces[i][k], 0);
            }
            memset(pieces[i], (int)(i % 255) + 1, sizes[i]);
        }
        for (unsigned i = 0; i < PIECES; i++) {
            for (size_t k = 0; k < sizes[i]; k++) {
                assert_int_equal(pieces[i][k], i % 255 + 1);
            }
        }
        assert_true(a.used > 0);
        arena_reset(&a);
        assert_int_equal(a.used, 0);
    }
    arena_fini(&a);
    assert_null(a.blocks);
}

static void texts_are_copied_with_a_nul_behind(void **state)
{
    struct arena a = { NULL, 0 };
    char source[] = "abc";
    struct text copy = arena_text(&a, (struct text){ source, 2 });

    (void)state;
    source[0] = 'x';
    assert_string_equal(copy.at, "ab");
    assert_null(arena_text(&a, TEXT_NONE).at);
    assert_non_null(arena_text(&a, TEXT("")).at);
    copy = arena_format(&a, "%s-%05d", "run", 42);
    assert_true(text_is(copy, "run-00042"));
    assert_int_equal(copy.at[copy.size], 0);
    arena_fini(&a);
}

static void a_growing_array_keeps_what_it_has_and_new_room_is_zero(void **state)
{
    uint32_t *items = NULL, count = 0, capacity = 0;

    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        items = mem_grow32(items, count, &capacity, sizeof(*items));
        assert_true(capacity > count);
        assert_int_equal(items[count], 0);
        items[count++] = i;
    }
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(items[i], i);
    }
    mem_free(items);
    mem_free(NULL);
}

static void memory_is_zeroed_and_copies_end_with_a_nul(void **state)
{
    uint8_t *zeros = mem_alloc(100);
    char *copy = mem_dup("abc", 2), *text = mem_dup_text("xyz"), *nothing = mem_dup(NULL, 0);

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(zeros[i], 0);
    }
    assert_string_equal(copy, "ab");
    assert_string_equal(text, "xyz");
    assert_string_equal(nothing, "");
    mem_free(zeros);
    mem_free(copy);
    mem_free(text);
    mem_free(nothing);
    zeros = mem_alloc(0);
    assert_non_null(zeros);
    mem_free(zeros);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(texts_are_copied_with_a_nul_behind),
        cmocka_unit_test(a_growing_array_keeps_what_it_has_and_new_room_is_zero),
        cmocka_unit_test(memory_is_zeroed_and_copies_end_with_a_nul),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
