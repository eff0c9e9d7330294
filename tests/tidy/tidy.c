#include "tests/tidy/tidy.h"

#include "processor/base/check.h"
#include "processor/base/mem.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void tidy_fini(struct tidy *t)
{
    bytes_out_fini(&t->report);
}

void tidy_say(struct tidy *t, struct text path, uint32_t line, const char *format, ...)
{
    char sentence[512];
    va_list arguments;

    va_start(arguments, format);
    (void)text_format_list(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    bytes_put_format(&t->report, "%.*s:%u: %s\n", TEXT_PRINTF(path), line, sentence);
    t->finding_count++;
}

/* --- blanking --- */
enum place { IN_CODE, IN_LINE_COMMENT, IN_COMMENT, IN_STRING, IN_CHARACTER };

/* What place the byte at i leads to. Requires: a NUL behind the text. */
static enum place next_place(enum place place, const char *at, size_t i, bool *out_is_escaped)
{
    bool was_escaped = *out_is_escaped;

    *out_is_escaped = !was_escaped && at[i] == '\\';
    switch (place) {
    case IN_CODE:
        if (at[i] == '/' && at[i + 1] == '*') {
            return IN_COMMENT;
        }
        return at[i] == '/' && at[i + 1] == '/' ? IN_LINE_COMMENT
               : at[i] == '"'                   ? IN_STRING
               : at[i] == '\''                  ? IN_CHARACTER
                                                : IN_CODE;
    case IN_LINE_COMMENT:
        return at[i] == '\n' ? IN_CODE : IN_LINE_COMMENT;
    case IN_COMMENT:
        return at[i] == '/' && at[i - 1] == '*' ? IN_CODE : IN_COMMENT;
    case IN_STRING:
        return at[i] == '"' && !was_escaped ? IN_CODE : IN_STRING;
    case IN_CHARACTER:
        return at[i] == '\'' && !was_escaped ? IN_CODE : IN_CHARACTER;
    }
    return IN_CODE;
}

char *tidy_blank(struct text raw, bool has_comments)
{
    char *all = mem_dup(raw.at, raw.size), *blank = mem_dup(raw.at, raw.size);
    enum place place = IN_CODE;
    bool is_escaped = false;

    for (size_t i = 0; i < raw.size; i++) {
        enum place next = next_place(place, all, i, &is_escaped);
        enum place inside = place != IN_CODE ? place : next; /* delimiters belong to the inside */
        bool is_comment = inside == IN_LINE_COMMENT || inside == IN_COMMENT;

        if (inside != IN_CODE && all[i] != '\n' && !(is_comment && has_comments)) {
            blank[i] = ' ';
        }
        if (place == IN_CODE && next == IN_COMMENT) {
            blank[i + 1] = has_comments ? '*' : ' ';
            i++; /* the star of the opening does not close */
        }
        place = next;
    }
    mem_free(all);
    return blank;
}

/* --- the tree --- */
static char *join(const char *root, struct text path)
{
    struct bytes_out out = { NULL, 0, 0 };

    bytes_put_format(&out, "%s/%.*s", root, TEXT_PRINTF(path));
    bytes_put_byte(&out, 0);
    return (char *)out.at;
}

static void check_file(struct tidy *t, const char *root, struct text path)
{
    char *name = join(root, path), part[4096];
    struct bytes_out raw = { NULL, 0, 0 };
    FILE *file = fopen(name, "re");
    size_t got;

    CHECK(file != NULL);
    while ((got = fread(part, 1, sizeof(part), file)) > 0) {
        bytes_put(&raw, part, got);
    }
    (void)fclose(file);
    bytes_put_byte(&raw, 0); /* rules may look one byte ahead */
    if (text_ends_with(path, TEXT(".md"))) {
        tidy_page(t, root, path, (struct text){ (const char *)raw.at, raw.size - 1 });
    } else {
        tidy_file(t, path, (struct text){ (const char *)raw.at, raw.size - 1 });
    }
    bytes_out_fini(&raw);
    mem_free(name);
}

/* A folder down to the second level says what lives in it. */
static void check_readme(struct tidy *t, const char *root, struct text folder)
{
    char inside[512], *name;
    struct stat status;

    (void)snprintf(inside, sizeof(inside), "%.*s/README.md", TEXT_PRINTF(folder));
    name = join(root, text_of(inside));
    if (stat(name, &status) != 0 || status.st_size == 0) {
        tidy_say(t, text_of(inside), 0, "the folder has no README");
    }
    mem_free(name);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && fnmatch("__*", entry->d_name, 0) != 0;
}

static void check_folder(struct tidy *t, const char *root, struct text folder, unsigned depth)
{
    char *name = join(root, folder);
    struct dirent **entries = NULL;
    int count = scandir(name, &entries, is_visible, alphasort);

    mem_free(name);
    if (count < 0) {
        return; /* a part of the house that is not there */
    }
    if (depth <= 1) {
        check_readme(t, root, folder);
    }
    for (int i = 0; i < count; i++) {
        struct text path;
        struct bytes_out full = { NULL, 0, 0 };
        struct stat status;

        bytes_put_format(&full, "%.*s/%s", TEXT_PRINTF(folder), entries[i]->d_name);
        path = (struct text){ (const char *)full.at, full.size };
        name = join(root, path);
        if (stat(name, &status) == 0 && S_ISDIR(status.st_mode)) {
            check_folder(t, root, path, depth + 1);
        } else if (text_ends_with(path, TEXT(".c")) || text_ends_with(path, TEXT(".h")) ||
                   text_ends_with(path, TEXT(".md"))) {
            check_file(t, root, path);
        }
        mem_free(name);
        bytes_out_fini(&full);
        free(entries[i]);
    }
    free(entries);
}

void tidy_tree(struct tidy *t, const char *root)
{
    static const char *const folders[] = { "deploy",     "processor", "schemas",
                                           "segmenters", "sinks",     "tests" };

    char *first = join(root, TEXT("README.md"));

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        check_folder(t, root, text_of(folders[i]), 0);
    }
    if (access(first, R_OK) == 0) {
        check_file(t, root, TEXT("README.md"));
    }
    mem_free(first);
}

int main(int count, char **arguments)
{
    struct tidy t = { .file_count = 0 };
    bool is_tidy;

    if (count == 2 && strcmp(arguments[1], "--planted") == 0) {
        return tidy_find_planted_faults() == 0 ? 0 : 1;
    }
    if (count != 2) {
        (void)fprintf(stderr, "usage: tidy ROOT | tidy --planted\n");
        return 64;
    }
    tidy_tree(&t, arguments[1]);
    if (t.report.size > 0) {
        (void)fwrite(t.report.at, 1, t.report.size, stdout);
    }
    (void)printf("%u files, %u findings\n", t.file_count, t.finding_count);
    is_tidy = t.finding_count == 0 && t.file_count > 0;
    tidy_fini(&t);
    return is_tidy ? 0 : 1;
}
