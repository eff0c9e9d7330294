/* What a compiler does not check about this source tree: layers, third-party headers, sizes, banned
 * calls, guards, READMEs, links.
 *
 * Test program. Findings are lines of text, "file:line: sentence".
 */
#ifndef TESTS_TIDY_TIDY_H
#define TESTS_TIDY_TIDY_H
#include "processor/base/bytes.h"
#include "processor/base/text.h"

#include <stdint.h>

#define TIDY_LIBRARIES_MAX 16

struct tidy {
    struct bytes_out report;            /* all findings, one a line */
    uint32_t files[TIDY_LIBRARIES_MAX]; /* outside tests, by third-party header */
    uint32_t finding_count;
    uint32_t file_count;
};

void tidy_fini(struct tidy *t);

/* Note a fault. A line of 0 is the whole file's or folder's. */
void tidy_say(struct tidy *t, struct text path, uint32_t line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Check one .c or .h file. `path` is relative to the root. */
void tidy_file(struct tidy *t, struct text path, struct text raw);

/* Check one .md page: what it links to is there. */
void tidy_page(struct tidy *t, const char *root, struct text path, struct text raw);

/* The same text with strings and characters, and if asked comments too, blanked out; lines stay
 * where they are. Owner: the caller, mem_free. */
char *tidy_blank(struct text raw, bool has_comments);

/* Check everything below `root`. */
void tidy_tree(struct tidy *t, const char *root);

/* Plant one fault after the other in a folder of its own and look for the finding.
 * Returns: how many were not found as expected. */
unsigned tidy_find_planted_faults(void);

#endif /* TESTS_TIDY_TIDY_H */
