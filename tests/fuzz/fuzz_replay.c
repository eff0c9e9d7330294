/* DESIGN. Seeded mutations of a small corpus made by our own encoders, through every target. The
 * same number of rounds does the same everywhere. `--corpus` writes the corpus for fuzz_guided.
 */
#include "processor/base/check.h"
#include "processor/base/mem.h"
#include "tests/fuzz/fuzz_targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CORPUS_PER_TARGET 16
#define SIZE_MAX_BYTES    (64 * 1024)

/* --- mutation --- */
static const uint8_t telling[] = { 0, 1, 2, 3, 4, 0x7f, 0x80, 0xff, '"', '{', '[', ',', '\\', '9' };

/* Numbers where decoders go wrong, as varints. */
static const int64_t numbers[] = { -1,        INT32_MAX,        INT64_MAX,           INT64_MIN,
                                   INT32_MIN, INT64_C(1) << 30, -(INT64_C(1) << 30), 256 };

static void change(struct rng *r, struct bytes_out *b, const struct bytes_out *other)
{
    size_t at = b->size == 0 ? 0 : (size_t)rng_below(r, b->size);
    size_t left = b->size - at, size;
    struct bytes_out tail = { NULL, 0, 0 };

    switch (b->size == 0 ? 4 : rng_below(r, 14)) { /* mostly small changes */
    case 0:
        b->at[at] ^= (uint8_t)(1u << rng_below(r, 8));
        break;
    case 1:
        b->at[at] = telling[rng_below(r, sizeof(telling))];
        break;
    case 2:
        b->size = at;
        break;
    case 3: /* take some out */
        size = (size_t)rng_between(r, 1, left < 16 ? (int64_t)left : 16);
        memmove(b->at + at, b->at + at + size, left - size);
        b->size -= size;
        break;
    case 4: /* a number, before what follows */
        bytes_put(&tail, b->at == NULL ? NULL : b->at + at, left);
        b->size = at;
        bytes_put_long(b, numbers[rng_below(r, sizeof(numbers) / sizeof(numbers[0]))]);
        bytes_put(b, tail.at, tail.size);
        break;
    case 5: /* the rest of another one */
        b->size = at;
        size = other->size == 0 ? 0 : (size_t)rng_below(r, other->size);
        bytes_put(b, other->at + size, other->size - size);
        break;
    case 6: /* a part twice */
        size = left < 64 ? left : 64;
        bytes_put(&tail, b->at + at, left);
        b->size = at + size;
        bytes_put(b, tail.at, tail.size);
        break;
    case 7:
        b->at[at] = (uint8_t)rng_next(r);
        break;
    default:
        b->at[at] ^= (uint8_t)(1u << rng_below(r, 3)); /* a near neighbour */
        break;
    }
    bytes_out_fini(&tail);
}

/* From a block of its own size, so that ASAN sees a byte read behind it. */
static bool run_one(const struct fuzz_target *t, const struct bytes_out *b, struct arena *a)
{
    uint8_t *exact = mem_alloc(b->size);
    bool is_accepted;

    if (b->size > 0) {
        memcpy(exact, b->at, b->size);
    }
    is_accepted = t->decode((struct bytes){ exact, b->size }, a);
    arena_reset(a);
    mem_free(exact);
    return is_accepted;
}

static void fuzz(const struct fuzz_target *t, uint64_t rounds)
{
    struct bytes_out corpus[CORPUS_PER_TARGET] = { { NULL, 0, 0 } }, b = { NULL, 0, 0 };
    struct arena arena = { NULL, 0 };
    uint64_t accepted_count = 0;
    struct rng r;

    rng_init(&r, 1);
    for (unsigned i = 0; i < CORPUS_PER_TARGET; i++) {
        t->make(&r, &arena, &corpus[i]);
        CHECK(run_one(t, &corpus[i], &arena)); /* as made, it is good */
    }
    for (uint64_t i = 0; i < rounds; i++) {
        const struct bytes_out *from;

        rng_init(&r, i + 2); /* a round is its number: easy to repeat */
        from = &corpus[rng_below(&r, CORPUS_PER_TARGET)];
        bytes_out_clear(&b);
        bytes_put(&b, from->at, from->size);
        for (uint64_t k = 1 + rng_below(&r, 3); k > 0; k--) {
            change(&r, &b, &corpus[rng_below(&r, CORPUS_PER_TARGET)]);
        }
        if (b.size <= SIZE_MAX_BYTES) {
            accepted_count += run_one(t, &b, &arena);
        }
    }
    (void)printf("%s: %llu rounds, %llu accepted\n", t->name, (unsigned long long)rounds,
                 (unsigned long long)accepted_count);
    for (unsigned i = 0; i < CORPUS_PER_TARGET; i++) {
        bytes_out_fini(&corpus[i]);
    }
    bytes_out_fini(&b);
    arena_fini(&arena);
}

/* Write what the encoders make into a folder, a file each: a corpus for a fuzzer that is guided by
 * coverage. */
static void write_corpus(const struct fuzz_target *t, const char *folder)
{
    struct bytes_out made = { NULL, 0, 0 };
    struct arena arena = { NULL, 0 };
    struct rng r;

    rng_init(&r, 1);
    for (unsigned i = 0; i < CORPUS_PER_TARGET; i++) {
        char path[512];
        FILE *file;

        bytes_out_clear(&made);
        t->make(&r, &arena, &made);
        (void)snprintf(path, sizeof(path), "%s/%u", folder, i);
        file = fopen(path, "wb");
        CHECK(file != NULL && fwrite(made.at, 1, made.size, file) == made.size);
        CHECK(fclose(file) == 0);
        arena_reset(&arena);
    }
    bytes_out_fini(&made);
    arena_fini(&arena);
}

int main(int count, char **arguments)
{
    uint64_t rounds = count > 1 ? strtoull(arguments[1], NULL, 10) : 20000;

    if (count == 4 && strcmp(arguments[1], "--corpus") == 0) {
        write_corpus(fuzz_target_find(arguments[2]), arguments[3]);
        return 0;
    }
    if (count > 2 || rounds == 0) {
        (void)fprintf(stderr, "usage: fuzz_replay [ROUNDS] | --corpus TARGET FOLDER\n");
        return 64;
    }
    fuzz_targets_init();
    for (uint32_t i = 0; i < fuzz_target_count; i++) {
        fuzz(&fuzz_targets[i], rounds);
    }
    fuzz_targets_fini();
    return 0;
}
