#include "processor/base/hash.h"
#include "processor/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* Published vectors: these values are in stored records and in what users see. */
static void hash64_is_xxh3_64(void **state)
{
    (void)state;
    assert_true(hash64(TEXT("")) == UINT64_C(0x2d06800538d394c2));
    assert_true(hash64(TEXT_NONE) == UINT64_C(0x2d06800538d394c2));
    assert_true(hash32(TEXT("")) == UINT32_C(0x38d394c2));
}

static void hash128_is_xxh3_128_in_canonical_order(void **state)
{
    char hex[33];

    (void)state;
    hash128_hex(hash128(TEXT("")), hex);
    assert_string_equal(hex, "99aa06d3014798d86001c324468d497f");
    hash128_hex(hash128(TEXT("shop\x1f"
                             "c-1\x1fnurture_trial\x1f"
                             "1767571200000\x1fwelcome\x1f"
                             "1")),
                hex);
    assert_string_equal(hex, "c13b8d36d56f03e6654e34e2471cce44");
}

static void murmur2_is_that_of_java(void **state)
{
    static const struct {
        const char *key;
        int32_t hash;
    } vectors[] = { { "21", -973932308 },
                    { "foobar", -790332482 },
                    { "a-little-bit-long-string", -985981536 },
                    { "a-little-bit-longer-string", -1486304829 },
                    { "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971 },
                    { "abc", 479470107 } };

    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        assert_int_equal((int32_t)hash_murmur2(text_of(vectors[i].key)), vectors[i].hash);
    }
    /* Java: toPositive(murmur2("21")) % 7 */
    assert_int_equal(hash_partition(TEXT("21"), 7), (-973932308 & 0x7fffffff) % 7);
    assert_int_equal(hash_partition(TEXT("abc"), 1), 0);
}

static void rabin_is_the_fingerprint_of_avro(void **state)
{
    (void)state;
    assert_true(hash_rabin(TEXT("")) == UINT64_C(0xc15d213aa4d7a795));
    assert_true(hash_rabin(TEXT("\"null\"")) == UINT64_C(0x63dd24e7cc258f8a));
    assert_true(hash_rabin(TEXT("\"boolean\"")) == UINT64_C(0x9f42fc78a4d4f764));
    assert_true(hash_rabin(TEXT("\"string\"")) == UINT64_C(0x8f014872634503c7));
}

/* FNV-1a 64 with a zero byte between, then fmix64, written out the slow way. */
static uint64_t slow_draw(struct text salt, struct text unit)
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < salt.size + 1 + unit.size; i++) {
        uint8_t byte = i < salt.size    ? (uint8_t)salt.at[i]
                       : i == salt.size ? 0
                                        : (uint8_t)unit.at[i - salt.size - 1];

        h ^= byte;
        h *= UINT64_C(1099511628211);
    }
    h ^= h >> 33;
    h *= UINT64_C(0xff51afd7ed558ccd);
    h ^= h >> 33;
    h *= UINT64_C(0xc4ceb9fe1a85ec53);
    h ^= h >> 33;
    return h;
}

static void a_draw_is_as_defined_and_its_buckets_are_fair(void **state)
{
    uint32_t tenths[10] = { 0 }, both = 0;

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        char name[16];
        struct text unit;
        uint32_t bucket;

        (void)snprintf(name, sizeof(name), "c-%u", i);
        unit = text_of(name);
        assert_true(hash_draw(TEXT("offer"), unit) == slow_draw(TEXT("offer"), unit));
        bucket = hash_bucket(TEXT("offer"), unit);
        assert_in_range(bucket, 0, 9999);
        tenths[bucket / 1000]++;
        both += bucket < 5000 && hash_bucket(TEXT("banner"), unit) < 5000;
    }
    for (unsigned i = 0; i < 10; i++) {
        assert_in_range(tenths[i], 1800, 2200); /* 2,000 expected, standard deviation 42 */
    }
    assert_in_range(both, 4750, 5250); /* independent: a quarter of them */
    assert_true(hash_draw(TEXT("ab"), TEXT("c")) != hash_draw(TEXT("a"), TEXT("bc")));
}

static void the_same_seed_gives_the_same_numbers(void **state)
{
    struct rng a, b, c;
    bool differs = false;

    (void)state;
    rng_init(&a, 42);
    rng_init(&b, 42);
    rng_init(&c, 43);
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t number = rng_next(&a);

        assert_true(number == rng_next(&b));
        differs |= number != rng_next(&c);
    }
    assert_true(differs);
}

/* The reference: xoshiro256** of state 1, 2, 3, 4. */
static void numbers_are_those_of_xoshiro(void **state)
{
    static const uint64_t wanted[] = { 11520, 0, 1509978240, UINT64_C(1215971899390074240) };
    struct rng r = { { 1, 2, 3, 4 } };

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_true(rng_next(&r) == wanted[i]);
    }
}

static void numbers_stay_in_their_range(void **state)
{
    uint32_t seen[3] = { 0 }, chances = 0;
    struct rng r;

    (void)state;
    rng_init(&r, 9);
    for (unsigned i = 0; i < 30000; i++) {
        int64_t number = rng_between(&r, -1, 1);

        assert_in_range(number + 1, 0, 2);
        seen[number + 1]++;
        assert_int_equal(rng_below(&r, 1), 0);
        assert_int_equal(rng_between(&r, INT64_MAX, INT64_MAX), INT64_MAX);
        (void)rng_between(&r, INT64_MIN, INT64_MAX);
        chances += rng_chance(&r, 2500);
        assert_false(rng_chance(&r, 0));
        assert_true(rng_chance(&r, 10000));
    }
    for (unsigned i = 0; i < 3; i++) {
        assert_in_range(seen[i], 9500, 10500);
    }
    assert_in_range(chances, 7200, 7800);
}

/* The check value of the catalogue of parametrised CRCs, and slots of the cluster specification. */
static void crc16_is_that_of_a_redis_cluster(void **state)
{
    (void)state;
    assert_int_equal(hash_crc16(TEXT("")), 0);
    assert_int_equal(hash_crc16(TEXT("123456789")), 0x31c3);
    assert_int_equal(hash_crc16(TEXT("foo")) % 16384, 12182);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash64_is_xxh3_64),
        cmocka_unit_test(hash128_is_xxh3_128_in_canonical_order),
        cmocka_unit_test(murmur2_is_that_of_java),
        cmocka_unit_test(crc16_is_that_of_a_redis_cluster),
        cmocka_unit_test(rabin_is_the_fingerprint_of_avro),
        cmocka_unit_test(a_draw_is_as_defined_and_its_buckets_are_fair),
        cmocka_unit_test(the_same_seed_gives_the_same_numbers),
        cmocka_unit_test(numbers_are_those_of_xoshiro),
        cmocka_unit_test(numbers_stay_in_their_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
