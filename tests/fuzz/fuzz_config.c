/* DESIGN. Seeded mutations of whole configurations through the loader: the YAML reader, the table
 * of keys, every loader, the lexer, parser, checker and compiler of expressions. Mutations cut at
 * words, as slips of people do, so that most of them pass the YAML reader. The sanitizers judge;
 * besides, the loader gives either rules or at least one error, and prints them in valid UTF-8;
 * what is good is searched for warnings and priced.
 * A round depends on its number and the files only.
 */
#include "processor/base/bytes.h"
#include "processor/base/check.h"
#include "processor/base/mem.h"
#include "processor/base/rng.h"
#include "processor/config/config.h"
#include "processor/config/footprint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 64

static struct bytes_out blocks[FILES_MAX]; /* own the text */
static struct text files[FILES_MAX];
static uint32_t file_count;

static void read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct bytes_out *all = &blocks[file_count];
    char block[4096];
    size_t got;

    CHECK(file != NULL && file_count < FILES_MAX);
    while ((got = fread(block, 1, sizeof(block), file)) > 0) {
        bytes_put(all, block, got);
    }
    (void)fclose(file);
    files[file_count++] = (struct text){ (const char *)all->at, all->size };
}

static bool is_word_byte(char c)
{
    return c == '_' || c == '.' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

/* A random word of a text, or a sign between words. */
static struct text random_word(struct rng *r, struct text t)
{
    size_t from = (size_t)rng_below(r, t.size), to = from;

    while (from > 0 && is_word_byte(t.at[from]) && is_word_byte(t.at[from - 1])) {
        from--;
    }
    while (to < t.size && is_word_byte(t.at[to])) {
        to++;
    }
    to += to == from;
    return (struct text){ t.at + from, to - from };
}

static struct text random_line(struct rng *r, struct text t)
{
    struct text line = random_word(r, t);

    while (line.at > t.at && line.at[-1] != '\n') {
        line.at--;
        line.size++;
    }
    while (line.at + line.size < t.at + t.size && line.at[line.size - 1] != '\n') {
        line.size++;
    }
    return line;
}

static void put(struct bytes_out *out, struct text t)
{
    bytes_put(out, t.at, t.size);
}

/* `from` with one part of it replaced. */
static void mutate(struct rng *r, struct text from, struct bytes_out *out)
{
    static const char *const telling[] = {
        "-1",      "0",        "9223372036854775808",
        "1e400",   "true",     "null",
        "''",      "\"\xff\"", "[",
        "]",       "{",        "}",
        "'",       "&a",       "*a",
        "|",       "\t",       ": ",
        "- a",     "()",       "((((((((((((((((",
        "!!",      "1ms",      "400000d",
        "100.01%", "\xc3",     "!env",
        "~",       "!file",
    };
    struct text other = files[rng_below(r, file_count)];
    struct text part = random_word(r, from), instead;
    const char *end;

    switch (rng_below(r, 6)) {
    case 0: /* a word of any file */
        instead = random_word(r, other);
        break;
    case 1:
        instead = text_of(telling[rng_below(r, sizeof(telling) / sizeof(telling[0]))]);
        break;
    case 2: /* nothing */
        instead = TEXT("");
        break;
    case 3: /* a line of any file, before this line */
        part = random_line(r, from);
        part.size = 0;
        instead = random_line(r, other);
        break;
    case 4: /* another line, or none */
        part = random_line(r, from);
        instead = rng_chance(r, 5000) ? random_line(r, other) : TEXT("");
        break;
    default: /* the same word of two characters less or more */
        instead = (struct text){ part.at, part.size / 2 };
        break;
    }
    put(out, (struct text){ from.at, (size_t)(part.at - from.at) });
    put(out, instead);
    end = part.at + part.size;
    put(out, (struct text){ end, from.size - (size_t)(end - from.at) });
}

/* From a block of its own size, so that ASAN sees a byte read behind it. */
static bool load(struct text yaml)
{
    struct config_problems problems = { 0 };
    struct config *config = NULL;
    char *exact = mem_alloc(yaml.size), *said = NULL;
    size_t said_size = 0;
    FILE *memory = open_memstream(&said, &said_size);
    bool is_good;

    memcpy(exact, yaml.at, yaml.size);
    is_good = config_load_text((struct text){ exact, yaml.size }, "fuzz.yaml",
                               CONFIG_NEED_RULES | CONFIG_NEED_WARNINGS | CONFIG_NEED_NOTES, NULL,
                               0, &config, &problems) == OK;
    CHECK(is_good == (config != NULL) && is_good == (problems.error_count == 0));
    CHECK(memory != NULL);
    if (is_good) {
        struct event_cost costs[8];
        struct footprint f;

        footprint_of(config->rules, &f);
        CHECK(f.typical_bytes > 0 && f.typical_bytes < f.most_bytes);
        (void)footprint_events(config->rules, costs, 8);
    }
    config_problems_print(&problems, memory);
    (void)fclose(memory);
    CHECK(text_is_utf8((struct text){ said, said_size }));
    free(said);
    config_problems_fini(&problems);
    config_free(config);
    mem_free(exact);
    return is_good;
}

int main(int count, char **arguments)
{
    uint64_t rounds = count > 2 ? strtoull(arguments[1], NULL, 10) : 0, accepted = 0;

    if (rounds == 0) {
        (void)fprintf(stderr, "usage: fuzz_config ROUNDS FILE...\n");
        return 64;
    }
    for (int i = 2; i < count; i++) {
        read_file(arguments[i]);
    }
    for (uint64_t i = 1; i <= rounds; i++) {
        struct bytes_out a = { NULL, 0, 0 }, b = { NULL, 0, 0 };
        struct rng r;

        rng_init(&r, i);
        put(&a, files[rng_below(&r, file_count)]);
        for (uint64_t k = 1 + rng_below(&r, 3); k > 0 && a.size > 0; k--) {
            struct bytes_out swap = b;

            bytes_out_clear(&swap);
            mutate(&r, (struct text){ (const char *)a.at, a.size }, &swap);
            b = a;
            a = swap;
        }
        accepted += a.size > 0 && load((struct text){ (const char *)a.at, a.size });
        bytes_out_fini(&a);
        bytes_out_fini(&b);
    }
    (void)printf("%llu rounds, %llu accepted\n", (unsigned long long)rounds,
                 (unsigned long long)accepted);
    for (uint32_t i = 0; i < file_count; i++) {
        bytes_out_fini(&blocks[i]);
    }
    return 0;
}
