#include "processor/base/heap.h"
#include "processor/base/instant.h"
#include "processor/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define ITEMS_MAX 200

static struct heap_item items[ITEMS_MAX];
static char names[ITEMS_MAX][8];

static void make_items(void)
{
    for (unsigned i = 0; i < ITEMS_MAX; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "%u", i);
        heap_item_init(&items[i], text_of(names[i]));
    }
}

/* The least of all that are due, by looking at each. */
static struct heap_item *least(void)
{
    struct heap_item *first = NULL;

    for (unsigned i = 0; i < ITEMS_MAX; i++) {
        struct heap_item *it = &items[i];

        if (it->due_ms != INSTANT_NEVER &&
            (first == NULL || it->due_ms < first->due_ms ||
             (it->due_ms == first->due_ms && text_compare(it->key, first->key) < 0))) {
            first = it;
        }
    }
    return first;
}

static void agrees_with_looking_at_all_by_seed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct heap h = { NULL, 0, 0 };
        struct rng r;

        rng_init(&r, seed);
        make_items();
        for (unsigned i = 0; i < 2000; i++) {
            struct heap_item *it = &items[rng_below(&r, ITEMS_MAX)];

            /* few instants, so that keys decide often */
            heap_set(&h, it, rng_chance(&r, 3000) ? INSTANT_NEVER : rng_between(&r, -20, 20));
            assert_true(heap_is_valid(&h));
            assert_ptr_equal(heap_first(&h), least());
        }
        heap_fini(&h);
    }
}

/* Why: what fires first may not depend on history. How: the same items in any order of filing come
 * out the same. */
static void comes_out_by_instant_then_key_whatever_the_history(void **state)
{
    static const char *const wanted[] = { "b", "a", "c", "d" };
    struct heap_item four[4];
    struct rng r;

    (void)state;
    rng_init(&r, 7);
    for (unsigned round = 0; round < 100; round++) {
        struct heap h = { NULL, 0, 0 };

        heap_item_init(&four[0], TEXT("a"));
        heap_item_init(&four[1], TEXT("b"));
        heap_item_init(&four[2], TEXT("c"));
        heap_item_init(&four[3], TEXT("d"));
        for (unsigned i = 0; i < 20; i++) {
            heap_set(&h, &four[rng_below(&r, 4)], rng_between(&r, 0, 100));
        }
        heap_set(&h, &four[3], 5);
        heap_set(&h, &four[2], 5);
        heap_set(&h, &four[1], INSTANT_MIN);
        heap_set(&h, &four[0], 5);
        for (unsigned i = 0; i < 4; i++) {
            assert_true(text_is(heap_first(&h)->key, wanted[i]));
            heap_set(&h, heap_first(&h), INSTANT_NEVER);
        }
        assert_null(heap_first(&h));
        for (unsigned i = 0; i < 4; i++) {
            assert_true(four[i].place == HEAP_NOWHERE);
        }
        heap_fini(&h);
    }
}

static void taking_out_what_is_not_in_does_nothing(void **state)
{
    struct heap h = { NULL, 0, 0 };
    struct heap_item item;

    (void)state;
    heap_item_init(&item, TEXT("a"));
    heap_set(&h, &item, INSTANT_NEVER);
    assert_null(heap_first(&h));
    assert_true(heap_is_valid(&h));
    heap_fini(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_looking_at_all_by_seed),
        cmocka_unit_test(comes_out_by_instant_then_key_whatever_the_history),
        cmocka_unit_test(taking_out_what_is_not_in_does_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
