/* The targets for clang's libFuzzer, which looks for new ways through the code by itself. One
 * binary; the environment names the target: FUZZ_TARGET=customer_decode fuzz_guided CORPUS
 * -max_total_time=60.
 */
#include "tests/fuzz/fuzz_targets.h"

#include <stdlib.h>

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

static const struct fuzz_target *target;
static struct arena arena;

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    const char *name = getenv("FUZZ_TARGET");

    (void)count;
    (void)arguments;
    target = fuzz_target_find(name == NULL ? "" : name);
    fuzz_targets_init();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
    (void)target->decode((struct bytes){ at, size }, &arena);
    arena_reset(&arena);
    return 0;
}
