/* DESIGN. A file is looked at line by line in three forms: as it is, without strings, and without
 * strings and comments. No parser: the house style (braces of functions in column 0, one include a
 * line) makes lines enough.
 */
#include "tests/tidy/tidy.h"

#include "processor/base/mem.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>

#define FUNCTION_LINES_MAX 70
#define FILE_LINES_MAX     600
#define COLUMNS_MAX        100
#define LAYER_TESTS        8

struct line {
    struct text raw;
    struct text worded; /* comments kept, strings blank */
    struct text code;
    uint32_t number;
};

struct walk { /* through one file */
    struct tidy *tidy;
    struct text path;
    bool is_test;
    bool is_pure;
    bool is_header;
    uint32_t opened; /* line of the `{` in column 0; 0: outside functions */
    bool is_table;   /* between clang-format off and on */
    uint32_t guard_lines;
    char guard[128];
};

static bool matches(struct text path, const char *pattern)
{
    char name[512];

    (void)snprintf(name, sizeof(name), "%.*s", TEXT_PRINTF(path));
    return fnmatch(pattern, name, FNM_PATHNAME) == 0;
}

static bool matches_any(struct text path, const char *const *patterns)
{
    for (; *patterns != NULL; patterns++) {
        if (matches(path, *patterns)) {
            return true;
        }
    }
    return false;
}

/* --- layers --- */
static int layer_of(struct text path)
{
    static const struct {
        const char *folder;
        int layer;
    } layers[] = {
        { "processor/base/", 1 },
        { "schemas/", 2 },
        { "segmenters/", 3 },
        { "processor/engine/", 4 },
        { "sinks/", 4 },
        { "processor/config/", 5 },
        { "processor/report/", 6 },
        { "processor/runtime/", 6 },
        { "processor/cli/", 7 },
        { "tests/", LAYER_TESTS },
    };

    for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
        if (text_starts_with(path, text_of(layers[i].folder))) {
            return layers[i].layer;
        }
    }
    return 0;
}

static void check_own_include(struct walk *w, uint32_t line, struct text name)
{
    int from = layer_of(w->path), to = layer_of(name);

    if (to == 0) {
        tidy_say(w->tidy, w->path, line, "\"%.*s\" is not a path from the root", TEXT_PRINTF(name));
    } else if (to > from) {
        tidy_say(w->tidy, w->path, line, "%.*s is in a layer above", TEXT_PRINTF(name));
    } else if (text_starts_with(w->path, TEXT("processor/report/")) &&
               text_starts_with(name, TEXT("processor/runtime/"))) {
        tidy_say(w->tidy, w->path, line, "report does not include runtime");
    } else if (from == 4 && to == 4 &&
               text_starts_with(w->path, TEXT("sinks/")) !=
                   text_starts_with(name, TEXT("sinks/"))) {
        tidy_say(w->tidy, w->path, line, "engine and sinks do not include each other");
    }
}

/* --- headers of others --- */
struct library {
    const char *header; /* pattern */
    uint32_t files_max;
    const char *allowed[6];
};

static const struct library libraries[] = {
    { "xxhash.h", 1, { "processor/base/hash.c" } },
    { "avro.h", 100, { "schemas/avro*.c" } },
    { "avro/*", 0, { NULL } },
    { "jansson.h", 100, { "schemas/json.c", "schemas/avro*.c", "processor/report/trial_json.c" } },
    { "hiredis/*", 1, { "sinks/redis_link.c" } },
    { "hiredis.h", 1, { "sinks/redis_link.c" } },
    { "librdkafka/*",
      5,
      { "sinks/kafka_client.[ch]", "sinks/publisher_kafka.c", "processor/runtime/source_parts.h",
        "processor/cli/demo_world.c" } },
    { "libfyaml.h", 1, { "processor/config/yaml.c" } },
    { "microhttpd.h", 1, { "processor/runtime/http.c" } },
    { "curl/*", 0, { NULL } },
    { "jemalloc/*", 0, { NULL } },
    { "cmocka.h", 0, { NULL } },
};

#define LIBRARY_COUNT (sizeof(libraries) / sizeof(libraries[0]))

static void check_library(struct walk *w, uint32_t line, struct text name)
{
    _Static_assert(LIBRARY_COUNT <= TIDY_LIBRARIES_MAX, "room for a count of each");

    for (size_t i = 0; i < LIBRARY_COUNT && !w->is_test; i++) {
        const struct library *l = &libraries[i];

        if (!matches(name, l->header)) {
            continue;
        }
        if (!matches_any(w->path, l->allowed)) {
            tidy_say(w->tidy, w->path, line, "<%.*s> does not belong into this file",
                     TEXT_PRINTF(name));
        } else if (++w->tidy->files[i] > l->files_max) {
            tidy_say(w->tidy, w->path, line, "<%.*s> is in more than %u files", TEXT_PRINTF(name),
                     l->files_max);
        }
    }
}

static void check_pure_include(struct walk *w, uint32_t line, struct text name)
{
    static const char *const formatters[] = { "processor/base/bytes.c", "processor/base/text.c",
                                              "processor/base/arena.c", "processor/base/instant.c",
                                              NULL };

    if (w->is_pure && (text_is(name, "math.h") ||
                       (text_is(name, "stdio.h") && !matches_any(w->path, formatters)))) {
        tidy_say(w->tidy, w->path, line, "<%.*s> does not belong into a pure layer",
                 TEXT_PRINTF(name));
    }
}

static void check_include(struct walk *w, const struct line *l)
{
    const char *at = memchr(l->raw.at, '#', l->raw.size);
    const char *end = l->raw.at + l->raw.size, *close;
    struct text name;
    bool is_own;

    at += strspn(at, "# \t");
    at += sizeof("include") - 1;
    at += strspn(at, " \t");
    if (at >= end || (*at != '"' && *at != '<')) {
        return;
    }
    is_own = *at == '"';
    close = memchr(at + 1, is_own ? '"' : '>', (size_t)(end - at - 1));
    if (close == NULL) {
        return;
    }
    name = (struct text){ at + 1, (size_t)(close - at - 1) };
    if (is_own) {
        check_own_include(w, l->number, name);
    } else {
        check_library(w, l->number, name);
        check_pure_include(w, l->number, name);
    }
}

/* --- words --- */
static bool is_one_of(struct text word, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (text_is(word, *words)) {
            return true;
        }
    }
    return false;
}

static void check_call(struct walk *w, const struct line *l, struct text word)
{
    static const char *const heap[] = { "malloc", "calloc", "realloc", "strdup", NULL };
    static const char *const banned[] = { "strcpy",    "strcat", "sprintf", "vsprintf",  "gets",
                                          "strtok",    "atoi",   "atol",    "alloca",    "rand",
                                          "setlocale", "srand",  "time",    "gmtime",    "system",
                                          "localtime", "sleep",  "usleep",  "nanosleep", "popen",
                                          NULL };
    static const char *const effects[] = { "printf", "fprintf",       "fopen",    "open",
                                           "getenv", "clock_gettime", "log_line", NULL };
    bool is_heap =
        is_one_of(word, heap) ||
        (text_is(word, "free") && !text_contains(l->raw, TEXT("/* tidy: library memory */")));

    if (is_heap && !text_is(w->path, "processor/base/mem.c")) {
        tidy_say(w->tidy, w->path, l->number, "%.*s: memory comes from base/mem",
                 TEXT_PRINTF(word));
    } else if (is_one_of(word, banned)) {
        tidy_say(w->tidy, w->path, l->number, "%.*s is banned", TEXT_PRINTF(word));
    } else if (w->is_pure && is_one_of(word, effects)) {
        tidy_say(w->tidy, w->path, l->number, "%.*s: this layer is pure", TEXT_PRINTF(word));
    }
}

static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

typedef void word_rule(struct walk *w, const struct line *l, struct text in, struct text word);

static void each_word(struct walk *w, const struct line *l, struct text in, word_rule *rule)
{
    for (size_t i = 0; i < in.size; i++) {
        size_t begin = i;

        while (i < in.size && is_word_byte(in.at[i])) {
            i++;
        }
        if (i > begin) {
            rule(w, l, in, (struct text){ in.at + begin, i - begin });
        }
    }
}

static void call_rule(struct walk *w, const struct line *l, struct text in, struct text word)
{
    const char *before = word.at, *after = word.at + word.size;
    bool is_member;

    while (after < in.at + in.size && *after == ' ') {
        after++;
    }
    is_member = before > in.at && (before[-1] == '.' ||
                                   (before[-1] == '>' && before - 1 > in.at && before[-2] == '-'));
    if (!is_member && after < in.at + in.size && *after == '(') {
        check_call(w, l, word);
    }
}

static void unfinished_rule(struct walk *w, const struct line *l, struct text in, struct text word)
{
    static const char *const words[] = { "TODO", "FIXME", "XXX", "HACK", NULL };

    (void)in;
    if (is_one_of(word, words)) {
        tidy_say(w->tidy, w->path, l->number, "%.*s: finish it", TEXT_PRINTF(word));
    }
}

/* --- sizes --- */
static void check_width(struct walk *w, const struct line *l)
{
    size_t columns = 0;

    if (text_contains(l->raw, TEXT("clang-format o"
                                   "ff"))) {
        w->is_table = true;
    } else if (text_contains(l->raw, TEXT("clang-format o"
                                          "n"))) {
        w->is_table = false;
    }
    for (size_t i = 0; i < l->raw.size; i++) {
        columns += ((unsigned char)l->raw.at[i] & 0xc0) != 0x80; /* characters, not bytes */
    }
    if (columns > COLUMNS_MAX && !w->is_table) {
        tidy_say(w->tidy, w->path, l->number, "%zu columns, more than %d", columns, COLUMNS_MAX);
    }
}

static void check_function(struct walk *w, const struct line *l)
{
    if (l->code.size == 0) {
        return;
    }
    if (l->code.at[0] == '{') {
        w->opened = l->number;
    } else if (l->code.at[0] == '}' && w->opened > 0) {
        uint32_t lines = l->number - w->opened + 1;

        if (lines > FUNCTION_LINES_MAX) {
            tidy_say(w->tidy, w->path, w->opened, "a function of %u lines, more than %d", lines,
                     FUNCTION_LINES_MAX);
        }
        w->opened = 0;
    }
}

/* --- guards --- */
static void name_guard(struct walk *w)
{
    static const char processor[] = "processor/";
    struct text path = w->path;
    size_t i;

    if (text_starts_with(path, TEXT("processor/"))) {
        path.at += sizeof(processor) - 1;
        path.size -= sizeof(processor) - 1;
    }
    for (i = 0; i < path.size && i + 1 < sizeof(w->guard); i++) {
        char c = path.at[i];

        w->guard[i] = isalnum((unsigned char)c) ? (char)toupper((unsigned char)c) : '_';
    }
    w->guard[i] = '\0';
}

/* The first two lines that are not comments. */
static void check_guard(struct walk *w, const struct line *l)
{
    char wanted[160];
    struct text code = l->code;

    while (code.size > 0 && isspace((unsigned char)code.at[code.size - 1])) {
        code.size--;
    }
    if (!w->is_header || w->guard_lines == 2 || code.size == 0) {
        return;
    }
    (void)snprintf(wanted, sizeof(wanted), "#%s %s", w->guard_lines == 0 ? "ifndef" : "define",
                   w->guard);
    if (!text_is(code, wanted)) {
        tidy_say(w->tidy, w->path, l->number, "expected `%s`", wanted);
        w->guard_lines = 1; /* one finding is enough */
    }
    w->guard_lines++;
}

/* --- all of them --- */
static bool is_pure(struct text path)
{
    static const char *const impure[] = { "processor/base/log.[ch]",   "processor/base/mem.[ch]",
                                          "processor/base/check.[ch]", "schemas/avro*",
                                          "schemas/json.[ch]",         NULL };
    int layer = layer_of(path);

    return layer >= 1 && layer <= 4 && !text_starts_with(path, TEXT("sinks/")) &&
           !matches_any(path, impure);
}

static void check_line(struct walk *w, const struct line *l)
{
    struct text code = l->code;

    check_width(w, l);
    check_function(w, l);
    check_guard(w, l);
    each_word(w, l, l->worded, unfinished_rule);
    while (code.size > 0 && isspace((unsigned char)code.at[0])) {
        code.at++;
        code.size--;
    }
    if (code.size > 0 && code.at[0] == '#') {
        size_t skipped = strspn(code.at, "# \t");

        if (skipped < code.size &&
            text_starts_with((struct text){ code.at + skipped, code.size - skipped },
                             TEXT("include"))) {
            check_include(w, l);
        }
    }
    if (!w->is_test) {
        each_word(w, l, l->code, call_rule);
    }
}

void tidy_file(struct tidy *t, struct text path, struct text raw)
{
    char *worded = tidy_blank(raw, true), *code = tidy_blank(raw, false);
    struct walk w = { .tidy = t,
                      .path = path,
                      .is_test = text_starts_with(path, TEXT("tests/")),
                      .is_pure = is_pure(path),
                      .is_header = text_ends_with(path, TEXT(".h")) };
    struct line l = { .number = 0 };

    name_guard(&w);
    for (size_t begin = 0; begin < raw.size;) {
        const char *newline = memchr(raw.at + begin, '\n', raw.size - begin);
        size_t size = newline == NULL ? raw.size - begin : (size_t)(newline - raw.at) - begin;

        l.number++;
        l.raw = (struct text){ raw.at + begin, size };
        l.worded = (struct text){ worded + begin, size };
        l.code = (struct text){ code + begin, size };
        check_line(&w, &l);
        begin += size + 1;
    }
    if (l.number > FILE_LINES_MAX) {
        tidy_say(t, path, l.number, "a file of more than %d lines", FILE_LINES_MAX);
    }
    if (w.is_header && w.guard_lines < 2) {
        tidy_say(t, path, l.number, "no include guard %s", w.guard);
    }
    t->file_count++;
    mem_free(worded);
    mem_free(code);
}
