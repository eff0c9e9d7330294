/* Every decoder that reads what others wrote or what was stored, as a target of fuzzing.
 *
 * Test support of fuzz_replay.c (seeded mutations, any compiler) and fuzz_guided.c (clang's
 * libFuzzer). No oracle but the sanitizers, and three promises that the targets check: a decoder
 * returns one of its codes, what it accepts can be written again, and a refusal has a sentence in
 * valid UTF-8.
 */
#ifndef TESTS_FUZZ_FUZZ_TARGETS_H
#define TESTS_FUZZ_FUZZ_TARGETS_H
#include "processor/base/arena.h"
#include "processor/base/bytes.h"
#include "processor/base/rng.h"

#include <stdbool.h>
#include <stdint.h>

struct fuzz_target {
    const char *name; /* of the function under test */
    void (*make)(struct rng *r, struct arena *a, struct bytes_out *out); /* a good one, by seed */
    bool (*decode)(struct bytes b, struct arena *a);                     /* true: accepted */
};

extern const struct fuzz_target fuzz_targets[];
extern const uint32_t fuzz_target_count;

/* By name; prints the names there are and ends the program when there is none. */
const struct fuzz_target *fuzz_target_find(const char *name);

void fuzz_targets_init(void);
void fuzz_targets_fini(void);

#endif /* TESTS_FUZZ_FUZZ_TARGETS_H */
