/* A page's links to other files lead somewhere: a reader never meets a dead end. */
#include "tests/tidy/tidy.h"

#include "processor/base/bytes.h"

#include <stdio.h>
#include <sys/stat.h>

/* The folder of a page, "" for the root. */
static struct text folder_of(struct text path)
{
    size_t size = path.size;

    while (size > 0 && path.at[size - 1] != '/') {
        size--;
    }
    return (struct text){ path.at, size };
}

static void check_link(struct tidy *t, const char *root, struct text path, uint32_t line,
                       struct text target)
{
    const char *anchor = memchr(target.at, '#', target.size);
    struct text folder = folder_of(path);
    struct stat status;
    char name[1024];

    if (anchor != NULL) {
        target.size = (size_t)(anchor - target.at);
    }
    if (target.size == 0 || text_contains(target, TEXT(":"))) {
        return; /* a heading of this page, or a page elsewhere */
    }
    (void)snprintf(name, sizeof(name), "%s/%.*s%.*s", root, TEXT_PRINTF(folder),
                   TEXT_PRINTF(target));
    if (stat(name, &status) != 0) {
        tidy_say(t, path, line, "a link to %.*s, which is not there", TEXT_PRINTF(target));
    }
}

/* Links are "](target)"; what stands in a fenced or indented block or between backticks is text. */
static void check_line(struct tidy *t, const char *root, struct text path, uint32_t number,
                       struct text line)
{
    bool is_code = false;

    for (size_t i = 0; i + 1 < line.size; i++) {
        const char *close;

        is_code = line.at[i] == '`' ? !is_code : is_code;
        if (is_code || line.at[i] != ']' || line.at[i + 1] != '(') {
            continue;
        }
        close = memchr(line.at + i, ')', line.size - i);
        if (close != NULL) {
            check_link(t, root, path, number,
                       (struct text){ line.at + i + 2, (size_t)(close - line.at) - i - 2 });
        }
    }
}

void tidy_page(struct tidy *t, const char *root, struct text path, struct text raw)
{
    bool is_fenced = false;
    uint32_t number = 0;

    for (size_t begin = 0; begin < raw.size;) {
        const char *newline = memchr(raw.at + begin, '\n', raw.size - begin);
        size_t size = newline == NULL ? raw.size - begin : (size_t)(newline - raw.at) - begin;
        struct text line = { raw.at + begin, size };

        number++;
        begin += size + 1;
        if (text_starts_with(line, TEXT("```"))) {
            is_fenced = !is_fenced;
        } else if (!is_fenced && !text_starts_with(line, TEXT("    "))) {
            check_line(t, root, path, number, line);
        }
    }
    t->file_count++;
}
