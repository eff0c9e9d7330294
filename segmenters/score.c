/* DESIGN. A factor 2^-(dt/h) is 2^-n * 2^-f: n whole half-lives are a shift, and f, a fraction of
 * 64 bits, is cut into eight digits of 4 bits, each with its own row of factors, and 32 low bits,
 * whose factor is 1 - f*ln 2 to within 2^-65. Factors are in units of 2^-63, so that 1 itself fits;
 * nine products, each rounded by at most 2^-63, leave a relative error under 2^-59: far below one
 * millisecond of any half-life up to a century.
 */
#include "segmenters/score.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"

#define DIGITS      8
#define DIGIT_BITS  4
#define FACTOR_BITS 63
#define LN2_Q64     UINT64_C(0xb17217f7d1cf79ac)
/* 2^62 decayed over so many half-lives is below one unit */
#define LIFETIMES_MAX 63

__extension__ typedef unsigned __int128 wide;

/* factors[i][d] = 2^63 * 2^-(d / 16^(i+1)), rounded to nearest */
/* clang-format off */
static const uint64_t factors[DIGITS][1 << DIGIT_BITS] = {
    { UINT64_C(0x8000000000000000), UINT64_C(0x7a92be8a92436616), UINT64_C(0x75606373ee921c97),
      UINT64_C(0x70666f76154a7089), UINT64_C(0x6ba27e656b4eb57a), UINT64_C(0x6712460a8fc24072),
      UINT64_C(0x62b39508aa836d6f), UINT64_C(0x5e8451cfac061b5f), UINT64_C(0x5a827999fcef3242),
      UINT64_C(0x56ac1f752150a563), UINT64_C(0x52ff6b54d8a89c75), UINT64_C(0x4f7a993048d088d7),
      UINT64_C(0x4c1bf828c6dc54b8), UINT64_C(0x48e1e9b9d588e19b), UINT64_C(0x45cae0f1f545eb73),
      UINT64_C(0x42d561b3e6243d8a) },
    { UINT64_C(0x8000000000000000), UINT64_C(0x7fa765aca88f6453), UINT64_C(0x7f4f08ae3dc7c426),
      UINT64_C(0x7ef6e8da4b544f9a), UINT64_C(0x7e9f06067a4360ba), UINT64_C(0x7e47600890f223de),
      UINT64_C(0x7deff6b672f84e24), UINT64_C(0x7d98c9e62113e1fa), UINT64_C(0x7d41d96db915019d),
      UINT64_C(0x7ceb252375c9cf9b), UINT64_C(0x7c94acddaeea5d3a), UINT64_C(0x7c3e7072d904a6ce),
      UINT64_C(0x7be86fb985689ddc), UINT64_C(0x7b92aa886214411c), UINT64_C(0x7b3d20b6399fc237),
      UINT64_C(0x7ae7d219f329b948) },
    { UINT64_C(0x8000000000000000), UINT64_C(0x7ffa748dff8dc61f), UINT64_C(0x7ff4e9597bed93ab),
      UINT64_C(0x7fef5e6272758c21), UINT64_C(0x7fe9d3a8e07bf086), UINT64_C(0x7fe4492cc3571f68),
      UINT64_C(0x7fdebeee185d94dd), UINT64_C(0x7fd934ecdce5ea7d), UINT64_C(0x7fd3ab290e46d769),
      UINT64_C(0x7fce21a2a9d73041), UINT64_C(0x7fc89859acede72a), UINT64_C(0x7fc30f4e14e20bc6),
      UINT64_C(0x7fbd867fdf0acb3b), UINT64_C(0x7fb7fdef08bf7027), UINT64_C(0x7fb2759b8f5762aa),
      UINT64_C(0x7faced85702a285d) },
    { UINT64_C(0x8000000000000000), UINT64_C(0x7fffa74712c3cdfd), UINT64_C(0x7fff4e8e6306ed59),
      UINT64_C(0x7ffef5d5f0c93372), UINT64_C(0x7ffe9d1dbc0a75aa), UINT64_C(0x7ffe4465c4ca895f),
      UINT64_C(0x7ffdebae0b0943f2), UINT64_C(0x7ffd92f68ec67ac3), UINT64_C(0x7ffd3a3f50020332),
      UINT64_C(0x7ffce1884ebbb29f), UINT64_C(0x7ffc88d18af35e6b), UINT64_C(0x7ffc301b04a8dbf6),
      UINT64_C(0x7ffbd764bbdc00a2), UINT64_C(0x7ffb7eaeb08ca1cd), UINT64_C(0x7ffb25f8e2ba94db),
      UINT64_C(0x7ffacd435265af2b) },
    { UINT64_C(0x8000000000000000), UINT64_C(0x7ffffa746f5f012f), UINT64_C(0x7ffff4e8defb81d7),
      UINT64_C(0x7fffef5d4ed581f7), UINT64_C(0x7fffe9d1beed018a), UINT64_C(0x7fffe4462f42008e),
      UINT64_C(0x7fffdeba9fd47f01), UINT64_C(0x7fffd92f10a47ce0), UINT64_C(0x7fffd3a381b1fa29),
      UINT64_C(0x7fffce17f2fcf6d8), UINT64_C(0x7fffc88c648572eb), UINT64_C(0x7fffc300d64b6e5f),
      UINT64_C(0x7fffbd75484ee933), UINT64_C(0x7fffb7e9ba8fe362), UINT64_C(0x7fffb25e2d0e5cea),
      UINT64_C(0x7fffacd29fca55ca) },
    { UINT64_C(0x8000000000000000), UINT64_C(0x7fffffa746f422d7), UINT64_C(0x7fffff4e8de8832d),
      UINT64_C(0x7ffffef5d4dd2103), UINT64_C(0x7ffffe9d1bd1fc58), UINT64_C(0x7ffffe4462c7152d),
      UINT64_C(0x7ffffdeba9bc6b81), UINT64_C(0x7ffffd92f0b1ff55), UINT64_C(0x7ffffd3a37a7d0a8),
      UINT64_C(0x7ffffce17e9ddf7b), UINT64_C(0x7ffffc88c5942bcd), UINT64_C(0x7ffffc300c8ab59f),
      UINT64_C(0x7ffffbd753817cf0), UINT64_C(0x7ffffb7e9a7881c0), UINT64_C(0x7ffffb25e16fc410),
      UINT64_C(0x7ffffacd286743e0) },
    { UINT64_C(0x8000000000000000), UINT64_C(0x7ffffffa746f4060), UINT64_C(0x7ffffff4e8de80fe),
      UINT64_C(0x7fffffef5d4dc1d9), UINT64_C(0x7fffffe9d1bd02f2), UINT64_C(0x7fffffe4462c4448),
      UINT64_C(0x7fffffdeba9b85dc), UINT64_C(0x7fffffd92f0ac7ad), UINT64_C(0x7fffffd3a37a09bb),
      UINT64_C(0x7fffffce17e94c08), UINT64_C(0x7fffffc88c588e91), UINT64_C(0x7fffffc300c7d159),
      UINT64_C(0x7fffffbd7537145d), UINT64_C(0x7fffffb7e9a6579f), UINT64_C(0x7fffffb25e159b1f),
      UINT64_C(0x7fffffacd284dedc) },
    { UINT64_C(0x8000000000000000), UINT64_C(0x7fffffffa746f404), UINT64_C(0x7fffffff4e8de809),
      UINT64_C(0x7ffffffef5d4dc0d), UINT64_C(0x7ffffffe9d1bd012), UINT64_C(0x7ffffffe4462c417),
      UINT64_C(0x7ffffffdeba9b81d), UINT64_C(0x7ffffffd92f0ac23), UINT64_C(0x7ffffffd3a37a028),
      UINT64_C(0x7ffffffce17e942f), UINT64_C(0x7ffffffc88c58835), UINT64_C(0x7ffffffc300c7c3c),
      UINT64_C(0x7ffffffbd7537042), UINT64_C(0x7ffffffb7e9a6449), UINT64_C(0x7ffffffb25e15851),
      UINT64_C(0x7ffffffacd284c58) },
};
/* clang-format on */

/* 2^-f in units of 2^-63, f in units of 2^-64. */
static uint64_t factor_of(uint64_t f)
{
    uint64_t low = f & UINT32_MAX;
    uint64_t result = UINT64_C(1) << FACTOR_BITS;
    uint64_t loss;

    for (unsigned i = 0; i < DIGITS; i++) {
        unsigned digit = (unsigned)(f >> (64 - DIGIT_BITS * (i + 1))) & ((1U << DIGIT_BITS) - 1);
        wide product = (wide)result * factors[i][digit];

        result = (uint64_t)((product + (UINT64_C(1) << (FACTOR_BITS - 1))) >> FACTOR_BITS);
    }
    loss = (uint64_t)(((wide)low * LN2_Q64) >> 64);
    return result - (uint64_t)(((wide)result * loss) >> 64);
}

/* points * 2^-(dt / h); `half` is 1 to round to nearest, 0 to round down. */
static int64_t decay(int64_t points_q40, uint64_t dt_ms, int64_t half_life_ms, unsigned half)
{
    uint64_t h = (uint64_t)half_life_ms;
    uint64_t lifetimes = dt_ms / h;
    unsigned shift;
    wide product;

    CHECK(points_q40 >= 0 && points_q40 <= SCORE_MAX);
    if (dt_ms == 0 || points_q40 == 0) {
        return points_q40;
    }
    if (lifetimes >= LIFETIMES_MAX) {
        return 0;
    }
    shift = FACTOR_BITS + (unsigned)lifetimes;
    product = (wide)(uint64_t)points_q40 * factor_of((uint64_t)(((wide)(dt_ms % h) << 64) / h));
    return (int64_t)((product + ((wide)half << (shift - 1))) >> shift);
}

void score_add(struct score *s, int64_t points_q40, int64_t at_ms, int64_t half_life_ms)
{
    int64_t other;

    CHECK(half_life_ms > 0);
    CHECK(points_q40 >= 0);
    if (points_q40 == 0) {
        return;
    }
    points_q40 = points_q40 > SCORE_MAX ? SCORE_MAX : points_q40;
    if (s->points_q40 == 0) {
        s->points_q40 = points_q40;
        s->at_ms = at_ms;
        return;
    }
    if (at_ms >= s->at_ms) {
        other = decay(s->points_q40, (uint64_t)at_ms - (uint64_t)s->at_ms, half_life_ms, 1);
        s->at_ms = at_ms;
    } else {
        other = s->points_q40;
        points_q40 = decay(points_q40, (uint64_t)s->at_ms - (uint64_t)at_ms, half_life_ms, 1);
    }
    s->points_q40 = points_q40 > SCORE_MAX - other ? SCORE_MAX : points_q40 + other;
}

int64_t score_value(const struct score *s, int64_t t_ms, int64_t half_life_ms)
{
    CHECK(half_life_ms > 0);
    CHECK(s->points_q40 >= 0);
    if (t_ms <= s->at_ms) {
        return s->points_q40;
    }
    /* Rounded down: below a whole number of units exactly when the real value is. */
    return decay(s->points_q40, (uint64_t)t_ms - (uint64_t)s->at_ms, half_life_ms, 0);
}

/* Roughly how long until points fall to `least`: whole half-lives first, then digit by digit the
 * largest fraction that leaves at least so much. Off by a few ms or h * 2^-31, whichever is more.
 */
static int64_t time_to_fall(int64_t points_q40, int64_t least_q40, int64_t half_life_ms)
{
    uint64_t left = (uint64_t)points_q40 << 1; /* below 2^63 */
    uint64_t least = (uint64_t)least_q40 << 1;
    uint64_t f = 0;
    int64_t lifetimes = 0;

    CHECK(least_q40 > 0 && least_q40 <= points_q40);
    for (; least <= left / 2; lifetimes++) {
        least *= 2;
    }
    for (unsigned i = 0; i < DIGITS; i++) {
        unsigned digit = 0;

        for (unsigned bit = 1U << (DIGIT_BITS - 1); bit > 0; bit /= 2) {
            wide product = (wide)left * factors[i][digit + bit];

            digit += (uint64_t)(product >> FACTOR_BITS) >= least ? bit : 0;
        }
        left = (uint64_t)(((wide)left * factors[i][digit]) >> FACTOR_BITS);
        f = f << DIGIT_BITS | digit;
    }
    return lifetimes * half_life_ms +
           (int64_t)(((wide)f * (uint64_t)half_life_ms) >> (DIGITS * DIGIT_BITS));
}

int64_t score_falls_below(const struct score *s, int64_t least_q40, int64_t now_ms,
                          int64_t half_life_ms)
{
    int64_t start = now_ms > s->at_ms ? now_ms : s->at_ms;
    int64_t value = score_value(s, start, half_life_ms);
    int64_t reach = 2 + (half_life_ms >> 31);
    int64_t low = start;
    int64_t high, guess;

    CHECK(half_life_ms > 0);
    if (least_q40 <= 0 || value < least_q40) {
        return INSTANT_NEVER;
    }
    if (half_life_ms > INSTANT_NEVER / 4 / LIFETIMES_MAX || start > INSTANT_NEVER / 2) {
        return INSTANT_NEVER; /* past any instant that there is */
    }
    high = start + (LIFETIMES_MAX + 1) * half_life_ms; /* nothing is left then */
    guess = start + time_to_fall(value, least_q40, half_life_ms);
    /* A good guess leaves a few ms to search, a bad one costs time, never truth. */
    if (guess - reach > low && score_value(s, guess - reach, half_life_ms) >= least_q40) {
        low = guess - reach;
    }
    if (guess + reach < high && score_value(s, guess + reach, half_life_ms) < least_q40) {
        high = guess + reach;
    }
    while (high - low > 1) { /* at low it holds, at high it does not */
        int64_t middle = low + (high - low) / 2;

        if (score_value(s, middle, half_life_ms) < least_q40) {
            high = middle;
        } else {
            low = middle;
        }
    }
    CHECK(high > now_ms);
    return high;
}
