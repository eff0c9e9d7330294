#include "processor/base/bytes.h"
#include "processor/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* A view of its own heap block, so that ASAN sees a byte read behind it. */
static struct bytes exact(struct bytes b)
{
    uint8_t *at = malloc(b.size == 0 ? 1 : b.size);

    assert_non_null(at);
    if (b.size > 0) {
        memcpy(at, b.at, b.size);
    }
    return (struct bytes){ at, b.size };
}

static void release(struct bytes b)
{
    free((void *)(uintptr_t)b.at);
}

static const int64_t longs[] = { 0,
                                 -1,
                                 1,
                                 63,
                                 64,
                                 -64,
                                 -65,
                                 8191,
                                 8192,
                                 INT32_MAX,
                                 INT32_MIN,
                                 INT64_MAX,
                                 INT64_MIN,
                                 INT64_MAX - 1,
                                 INT64_MIN + 1,
                                 1LL << 34,
                                 -(1LL << 34),
                                 1LL << 55,
                                 1LL << 62 };

#define LONG_COUNT (sizeof(longs) / sizeof(longs[0]))

static void write_one_of_each(struct bytes_out *out)
{
    const uint8_t raw[] = { 0, 255, 128 };

    for (size_t i = 0; i < LONG_COUNT; i++) {
        bytes_put_long(out, longs[i]);
    }
    bytes_put_byte(out, 200);
    bytes_put_u32(out, 0xdeadbeef);
    bytes_put_u64(out, UINT64_C(0x0123456789abcdef));
    bytes_put_bool(out, true);
    bytes_put_bool(out, false);
    bytes_put_double(out, -0.1);
    bytes_put_long_bytes(out, (struct bytes){ raw, sizeof(raw) });
    bytes_put_text(out, TEXT("gr\xc3\xbc\xc3\x9f"));
    bytes_put_text(out, TEXT_NONE);
    bytes_put_format(out, "%d-%s", 7, "x");
}

/* Returns: true when all was there and as written. */
static bool read_one_of_each(struct bytes b)
{
    struct bytes_in in = bytes_in(b);
    bool is_same = true;
    struct bytes raw;
    struct text t;
    double real;

    for (size_t i = 0; i < LONG_COUNT; i++) {
        is_same &= bytes_long(&in) == longs[i];
    }
    is_same &= bytes_byte(&in) == 200;
    is_same &= bytes_u32(&in) == 0xdeadbeef;
    is_same &= bytes_u64(&in) == UINT64_C(0x0123456789abcdef);
    is_same &= bytes_bool(&in);
    is_same &= !bytes_bool(&in);
    real = bytes_double(&in);
    is_same &= real <= -0.1 && real >= -0.1;
    raw = bytes_long_bytes(&in, 3);
    is_same &= raw.size == 3 && memcmp(raw.at, "\0\xff\x80", 3) == 0;
    is_same &= text_is(bytes_text(&in, 6), "gr\xc3\xbc\xc3\x9f");
    t = bytes_text(&in, 6);
    is_same &= t.at != NULL && t.size == 0;
    raw = bytes_fixed(&in, 3);
    is_same &= raw.size == 3 && memcmp(raw.at, "7-x", 3) == 0;
    return is_same && !in.is_bad && bytes_left(&in) == 0;
}

static void what_was_written_is_read_back(void **state)
{
    struct bytes_out out = { NULL, 0, 0 };

    (void)state;
    write_one_of_each(&out);
    assert_true(read_one_of_each(bytes_out_view(&out)));
    bytes_out_clear(&out);
    assert_int_equal(out.size, 0);
    write_one_of_each(&out);
    assert_true(read_one_of_each(bytes_out_view(&out)));
    bytes_out_fini(&out);
    assert_null(out.at);
}

static void every_truncation_is_bad(void **state)
{
    struct bytes_out out = { NULL, 0, 0 };

    (void)state;
    write_one_of_each(&out);
    for (size_t size = 0; size < out.size; size++) {
        struct bytes cut = exact((struct bytes){ out.at, size });

        assert_false(read_one_of_each(cut));
        release(cut);
    }
    bytes_out_fini(&out);
}

static void random_longs_come_back(void **state)
{
    struct bytes_out out = { NULL, 0, 0 };
    struct rng r;

    (void)state;
    rng_init(&r, 1);
    for (unsigned i = 0; i < 20000; i++) {
        int64_t value = (int64_t)(rng_next(&r) >> rng_below(&r, 64));
        struct bytes_in in;

        value = rng_chance(&r, 5000) ? value : -value;
        bytes_out_clear(&out);
        bytes_put_long(&out, value);
        in = bytes_in(bytes_out_view(&out));
        assert_int_equal(bytes_long(&in), value);
        assert_false(in.is_bad);
        assert_int_equal(bytes_left(&in), 0);
    }
    bytes_out_fini(&out);
}

static struct bytes_in in_of(const char *bytes, size_t size)
{
    return bytes_in((struct bytes){ (const uint8_t *)bytes, size });
}

#define IN(literal) in_of("" literal, sizeof(literal) - 1)

static void a_varint_of_more_than_64_bits_is_bad(void **state)
{
    struct bytes_in most = IN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    struct bytes_in more = IN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02");
    struct bytes_in endless = IN("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00");

    (void)state;
    assert_int_equal(bytes_long(&most), INT64_MIN);
    assert_false(most.is_bad);
    assert_int_equal(bytes_long(&more), 0);
    assert_true(more.is_bad);
    assert_int_equal(bytes_long(&endless), 0);
    assert_true(endless.is_bad);
}

/* Why: a decoder checks once at its end. How: one bad byte, then good ones behind it. */
static void bad_once_is_bad_for_good(void **state)
{
    struct bytes_in in = IN("\x02\x02\x02\x02");

    (void)state;
    assert_false(bytes_bool(&in)); /* 2 is no bool */
    assert_true(in.is_bad);
    assert_int_equal(bytes_left(&in), 0);
    assert_int_equal(bytes_byte(&in), 0);
    assert_int_equal(bytes_long(&in), 0);
    assert_null(bytes_fixed(&in, 1).at);
    assert_null(bytes_text(&in, 10).at);
    assert_int_equal(bytes_block(&in, 1), 0);
    assert_true(in.is_bad);
}

static void lengths_are_bounded_by_what_is_left_and_by_the_limit(void **state)
{
    struct bytes_in negative = IN("\x01x");
    struct bytes_in huge = IN("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01x");
    struct bytes_in over = IN("\x06xyz");
    struct bytes_in not_utf8 = IN("\x02\xff");
    struct bytes_in nothing = bytes_in(BYTES_NONE);

    (void)state;
    assert_null(bytes_long_bytes(&negative, 100).at);
    assert_true(negative.is_bad);
    assert_null(bytes_long_bytes(&huge, SIZE_MAX).at);
    assert_true(huge.is_bad);
    assert_null(bytes_long_bytes(&over, 2).at);
    assert_true(over.is_bad);
    assert_null(bytes_text(&not_utf8, 100).at);
    assert_true(not_utf8.is_bad);
    assert_int_equal(bytes_fixed(&nothing, 0).size, 0);
    assert_false(nothing.is_bad);
    assert_int_equal(bytes_byte(&nothing), 0);
    assert_true(nothing.is_bad);
}

static void a_block_cannot_promise_more_items_than_fit(void **state)
{
    struct bytes_in two = IN("\x04\x01\x02");
    struct bytes_in three = IN("\x06\x01\x02");
    struct bytes_in wide = IN("\x04\x01\x02\x03");
    struct bytes_in sized = IN("\x03\x04\x01\x02"); /* -2, then its size in bytes */
    struct bytes_in negative_size = IN("\x03\x03\x01\x02");
    struct bytes_in least = IN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00");
    struct bytes_in end = IN("\x00");

    (void)state;
    assert_int_equal(bytes_block(&two, 1), 2);
    assert_int_equal(bytes_block(&three, 1), 0);
    assert_true(three.is_bad);
    assert_int_equal(bytes_block(&wide, 2), 0);
    assert_true(wide.is_bad);
    assert_int_equal(bytes_block(&sized, 1), 2);
    assert_int_equal(bytes_left(&sized), 2);
    assert_int_equal(bytes_block(&negative_size, 1), 0);
    assert_true(negative_size.is_bad);
    assert_int_equal(bytes_block(&least, 1), 0);
    assert_true(least.is_bad);
    assert_int_equal(bytes_block(&end, 1), 0);
    assert_false(end.is_bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(every_truncation_is_bad),
        cmocka_unit_test(random_longs_come_back),
        cmocka_unit_test(a_varint_of_more_than_64_bits_is_bad),
        cmocka_unit_test(bad_once_is_bad_for_good),
        cmocka_unit_test(lengths_are_bounded_by_what_is_left_and_by_the_limit),
        cmocka_unit_test(a_block_cannot_promise_more_items_than_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
