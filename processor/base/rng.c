#include "processor/base/rng.h"

#include "processor/base/check.h"

static uint64_t rotate(uint64_t x, unsigned by)
{
    return (x << by) | (x >> (64 - by));
}

void rng_init(struct rng *r, uint64_t seed)
{
    for (unsigned i = 0; i < 4; i++) {
        uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        r->state[i] = z ^ (z >> 31);
    }
}

uint64_t rng_next(struct rng *r)
{
    uint64_t *s = r->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t rng_below(struct rng *r, uint64_t limit)
{
    uint64_t unfair, draw;

    CHECK(limit > 0);
    unfair = (UINT64_MAX - limit + 1) %
             limit; /* so many of the least draws would favour small results */
    do {
        draw = rng_next(r);
    } while (draw < unfair);
    return draw % limit;
}

int64_t rng_between(struct rng *r, int64_t low, int64_t high)
{
    uint64_t span;

    CHECK(low <= high);
    span = (uint64_t)high - (uint64_t)low;
    return (int64_t)((uint64_t)low + (span == UINT64_MAX ? rng_next(r) : rng_below(r, span + 1)));
}

bool rng_chance(struct rng *r, uint32_t per_10000)
{
    return rng_below(r, 10000) < per_10000;
}
