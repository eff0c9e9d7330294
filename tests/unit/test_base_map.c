#include "processor/base/map.h"
#include "processor/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define KEYS_MAX 500

struct known {
    char name[16];
    struct text key;
    bool is_there; /* the naive list */
    unsigned seen;
};

static struct known all[KEYS_MAX];

static void make_keys(void)
{
    for (unsigned i = 0; i < KEYS_MAX; i++) {
        (void)snprintf(all[i].name, sizeof(all[i].name), "k%u", i);
        all[i].key = text_of(all[i].name);
        all[i].is_there = false;
    }
}

/* Every entry is found and walked once, nothing else is. */
static void agrees(const struct map *m)
{
    size_t cursor = 0, count = 0;
    struct known *k;

    for (unsigned i = 0; i < KEYS_MAX; i++) {
        all[i].seen = 0;
        count += all[i].is_there;
        assert_ptr_equal(map_find(m, all[i].key), all[i].is_there ? &all[i] : NULL);
    }
    assert_int_equal(m->count, count);
    assert_true(m->count * 2 <= m->capacity);
    while ((k = map_next(m, &cursor)) != NULL) {
        k->seen++;
    }
    for (unsigned i = 0; i < KEYS_MAX; i++) {
        assert_int_equal(all[i].seen, all[i].is_there);
    }
    assert_null(map_next(m, &cursor));
}

static void an_empty_map_knows_nothing(void **state)
{
    struct map m = { NULL, 0, 0 };
    size_t cursor = 0;

    (void)state;
    assert_null(map_find(&m, TEXT("a")));
    assert_null(map_remove(&m, TEXT("a")));
    assert_null(map_next(&m, &cursor));
    map_fini(&m);
}

/* Why: removal closes gaps in probe chains. How: random puts and removes against a list, by seed,
 * with few keys (mostly removal) to many (growth). */
static void agrees_with_a_list_by_seed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct map m = { NULL, 0, 0 };
        struct rng r;
        uint64_t keys;

        rng_init(&r, seed);
        keys = 1 + rng_below(&r, KEYS_MAX);
        make_keys();
        for (unsigned i = 0; i < 1000; i++) {
            struct known *k = &all[rng_below(&r, keys)];

            if (!k->is_there) {
                map_put(&m, k->key, k);
                k->is_there = true;
            } else {
                assert_ptr_equal(map_remove(&m, k->key), k);
                assert_null(map_remove(&m, k->key));
                k->is_there = false;
            }
            if (i % 50 == 0) {
                agrees(&m);
            }
        }
        agrees(&m);
        map_fini(&m);
    }
}

static void a_key_is_its_bytes_and_may_be_empty(void **state)
{
    struct map m = { NULL, 0, 0 };
    int a, b, c;

    (void)state;
    map_put(&m, TEXT(""), &a);
    map_put(&m, TEXT("x\0y"), &b);
    map_put(&m, TEXT("x\0z"), &c);
    assert_ptr_equal(map_find(&m, TEXT_NONE), &a);
    assert_ptr_equal(map_find(&m, TEXT("x\0y")), &b);
    assert_ptr_equal(map_find(&m, TEXT("x\0z")), &c);
    assert_null(map_find(&m, TEXT("x")));
    map_fini(&m);
    assert_int_equal(m.capacity, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_knows_nothing),
        cmocka_unit_test(agrees_with_a_list_by_seed),
        cmocka_unit_test(a_key_is_its_bytes_and_may_be_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
