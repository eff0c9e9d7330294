#include "processor/config/sample_size.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void published_sizes_come_out(void **state)
{
    (void)state;
    assert_int_equal(sample_size(0.50, 0.75, 0.05, 0.9, 1), 77); /* R: 76.70692 */
    assert_int_equal(sample_size(0.04, 0.05, 0.05, 0.8, 1), 6745);
}

static void it_is_the_same_whichever_of_two_equal_arms_is_better(void **state)
{
    (void)state;
    assert_int_equal(sample_size(0.05, 0.04, 0.05, 0.8, 1), 6745);
}

static void a_larger_second_arm_needs_fewer_in_the_first_and_more_in_all(void **state)
{
    int64_t first = sample_size(0.04, 0.05, 0.05, 0.8, 3);

    (void)state;
    assert_true(first < 6745);
    assert_true(4 * first > 2 * 6745);
}

static void what_cannot_be_told_apart_has_no_size(void **state)
{
    (void)state;
    assert_int_equal(sample_size(0.04, 0.04, 0.05, 0.8, 1), 0);
    assert_int_equal(sample_size(0.04, 0.05, 0, 0.8, 1), 0);
    assert_int_equal(sample_size(0.04, 0.05, 0.05, 1, 1), 0);
    assert_int_equal(sample_size(0.04, 0.05, 0.05, 0.8, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_sizes_come_out),
        cmocka_unit_test(it_is_the_same_whichever_of_two_equal_arms_is_better),
        cmocka_unit_test(a_larger_second_arm_needs_fewer_in_the_first_and_more_in_all),
        cmocka_unit_test(what_cannot_be_told_apart_has_no_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
