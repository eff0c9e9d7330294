/* Seeded random numbers (xoshiro256**, seeded by splitmix64): the same seed, the same numbers,
 * everywhere.
 *
 * Layer: base. For tests, the simulator and the demo; nothing that decides uses it.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H
#include <stdbool.h>
#include <stdint.h>

struct rng {
    uint64_t state[4];
};

void rng_init(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t limit);             /* 0..limit-1, unbiased; limit > 0 */
int64_t rng_between(struct rng *r, int64_t low, int64_t high); /* inclusive */
bool rng_chance(struct rng *r, uint32_t per_10000);

#endif /* BASE_RNG_H */
