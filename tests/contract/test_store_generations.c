/* DESIGN. What only the Redis store does: partitions exist twice while segstream rekey fills the
 * next generation, and one write makes that the present one.
 */
#include "tests/contract/store_world.h"

static struct store *open_generation(struct world *w, int64_t generation)
{
    struct store_redis_options options = world_options(w);

    options.is_generation_given = true;
    options.generation = generation;
    return store_redis_new(&options);
}

static enum err switch_from(struct store *s, int64_t generation)
{
    store_submit(s, &(struct store_request){ .verb = STORE_SWITCH, .generation = generation });
    return await(s, STORE_SWITCH).error;
}

static void a_switch_makes_the_next_generation_the_one_that_stores_open(void **state)
{
    struct world *w = world_new(true);
    struct store *first = world_open(w), *next = open_generation(w, 1), *opened;
    struct draft a = draft_of(claim(first, 0).guard, 0), b = draft_of(claim(next, 0).guard, 0);
    struct text ann = TEXT("ann");

    (void)state;
    draft_record(&a, ann, "first", 5, 7);
    assert_int_equal(commit(first, &a), OK);
    draft_record(&b, ann, "next", 4, 7);
    assert_int_equal(commit(next, &b), OK);
    assert_int_equal(store_redis_generation(first), 0);
    assert_int_equal(switch_from(first, 0), OK);
    assert_int_equal(switch_from(first, 0), OK); /* made already */
    opened = world_open(w);
    assert_memory_equal(load(opened, 0, &ann, 1).records[0].at, "next", 4);
    assert_int_equal(store_redis_generation(opened), 1);
    world_cut_connections(w); /* who was there before stays with what it knows */
    assert_memory_equal(load(first, 0, &ann, 1).records[0].at, "first", 5);
    assert_int_equal(switch_from(opened, 1), OK);
    assert_int_equal(switch_from(first, 0), ERR_FENCED);
    store_close(first);
    store_close(next);
    store_close(opened);
    world_free(w);
}

static void a_dropped_partition_is_as_new_and_its_neighbours_stay(void **state)
{
    struct world *w = world_new(true);
    struct store *s = world_open(w), *later = open_generation(w, 1);
    struct draft a = draft_of(claim(s, 0).guard, 0), b = draft_of(claim(later, 0).guard, 0);

    (void)state;
    draft_output(&a, 1, "one");
    draft_counter(&a, "sent", 3);
    assert_int_equal(commit(s, &a), OK);
    assert_int_equal(commit(later, &b), OK);
    store_submit(s, &(struct store_request){ .verb = STORE_DROP, .partition = 0 });
    assert_int_equal(await(s, STORE_DROP).error, OK);
    assert_true(claim_with(s, 0, 1).is_new);
    assert_false(claim_with(later, 0, 2).is_new);
    store_close(s);
    store_close(later);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_switch_makes_the_next_generation_the_one_that_stores_open),
        cmocka_unit_test(a_dropped_partition_is_as_new_and_its_neighbours_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
