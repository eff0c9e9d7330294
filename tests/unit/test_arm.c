/* Arms: the draw against published vectors and a slow obvious model. */
#include "processor/base/hash.h"
#include "processor/base/rng.h"
#include "segmenters/arm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define CUSTOMERS 20000

/* Published: bucket of (exp1, customer-1) 4176, (exp1, customer-2) 6770, (exp2, customer-1) 9753.
 */
static void arms_follow_the_published_vectors(void **state)
{
    const struct arm_plan arms[] = { { .name = TEXT("a"), .weight = 4176 },
                                     { .name = TEXT("b"), .weight = 2594 },
                                     { .name = TEXT("c"), .weight = 3230 } };
    struct arms_plan p = { .salt = TEXT("exp1"), .arms = arms, .count = 3, .weight_total = 10000 };

    (void)state;
    assert_true(text_is(arm_of(&p, TEXT("customer-1"))->name, "b")); /* 4176 is not < 4176 */
    assert_true(text_is(arm_of(&p, TEXT("customer-2"))->name, "c")); /* 6770 is not < 6770 */
    p.salt = TEXT("exp2");
    assert_true(text_is(arm_of(&p, TEXT("customer-1"))->name, "c"));
    p.salt = TEXT("welcome.v1"); /* 5991 */
    assert_true(text_is(arm_of(&p, TEXT("42"))->name, "b"));
}

static void random_arms(struct rng *rng, struct arm_plan *arms, struct arms_plan *p)
{
    *p = (struct arms_plan){ .arms = arms, .count = (uint32_t)rng_between(rng, 2, 6) };
    for (uint32_t i = 0; i < p->count; i++) {
        arms[i].weight = rng_chance(rng, 2000) ? 0 : (uint32_t)rng_between(rng, 1, 1000);
        p->weight_total += arms[i].weight;
    }
    arms[p->count - 1].weight += p->weight_total == 0;
    p->weight_total += p->weight_total == 0;
}

static void an_arm_is_the_first_whose_share_reaches_past_the_bucket(void **state)
{
    struct arm_plan arms[6];
    struct arms_plan p;
    struct rng rng;
    char salt[32];

    (void)state;
    rng_init(&rng, 1);
    for (int i = 0; i < 20000; i++) {
        double bucket, cumulative = 0;
        uint32_t wanted = 0;

        random_arms(&rng, arms, &p);
        snprintf(salt, sizeof(salt), "x%d", i);
        p.salt = text_of(salt);
        bucket = hash_bucket(p.salt, TEXT("someone"));
        for (wanted = 0; wanted < p.count; wanted++) {
            cumulative += arms[wanted].weight;
            if (bucket * (double)p.weight_total < 10000.0 * cumulative) {
                break;
            }
        }
        assert_ptr_equal(arm_of(&p, TEXT("someone")), &arms[wanted]);
        assert_true(arms[wanted].weight > 0);
    }
}

/* R50: the split error stays within 5 standard deviations of a binomial draw, for every arm. */
static void arms_get_their_shares_within_binomial_bounds(void **state)
{
    struct arm_plan arms[6];
    struct arms_plan p;
    struct rng rng;

    (void)state;
    rng_init(&rng, 2);
    for (int x = 0; x < 10; x++) {
        uint32_t counts[6] = { 0 };
        char salt[32], id[32];

        random_arms(&rng, arms, &p);
        snprintf(salt, sizeof(salt), "experiment-%d", x);
        p.salt = text_of(salt);
        for (int i = 0; i < CUSTOMERS; i++) {
            snprintf(id, sizeof(id), "customer-%d", i);
            counts[arm_of(&p, text_of(id)) - arms]++;
        }
        for (uint32_t a = 0; a < p.count; a++) {
            double share = (double)arms[a].weight / (double)p.weight_total;
            double off = counts[a] - CUSTOMERS * share;

            /* buckets of 1/10000 cut a share off by less than one of them */
            assert_true(off * off <=
                        25.0 * CUSTOMERS * share * (1 - share) + 2.0 * CUSTOMERS / 1e4);
        }
    }
}

static void two_experiments_and_two_versions_are_drawn_apart(void **state)
{
    static const char *const salts[][2] = { { "offer", "look" }, { "offer", "offer.2" } };

    (void)state;
    for (int k = 0; k < 2; k++) {
        int64_t both[2][2] = { { 0 } };
        char id[32];

        for (int i = 0; i < CUSTOMERS; i++) {
            snprintf(id, sizeof(id), "customer-%d", i);
            both[hash_bucket(text_of(salts[k][0]), text_of(id)) < 5000]
                [hash_bucket(text_of(salts[k][1]), text_of(id)) < 5000]++;
        }
        for (int c = 0; c < 4; c++) { /* 5 standard deviations: 5 * sqrt(20000 * 1/4 * 3/4) */
            assert_in_range(both[c / 2][c % 2], CUSTOMERS / 4 - 307, CUSTOMERS / 4 + 307);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arms_follow_the_published_vectors),
        cmocka_unit_test(an_arm_is_the_first_whose_share_reaches_past_the_bucket),
        cmocka_unit_test(arms_get_their_shares_within_binomial_bounds),
        cmocka_unit_test(two_experiments_and_two_versions_are_drawn_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
