/* What the tests of a configuration have reached: rungs, segments, emails and branches.
 *
 * Layer: cli. A segment is reached when a test entered it (and left it: counted by itself), an
 * email when it was sent, a branch when its action followed a judgement.
 */
#ifndef CLI_TEST_COVERAGE_H
#define CLI_TEST_COVERAGE_H
#include "processor/config/config.h"

#include <stdio.h>

struct test_coverage;

struct test_coverage *test_coverage_new(const struct config *c); /* c must outlive it */
void test_coverage_free(struct test_coverage *c);                /* NULL is fine */

void test_coverage_begin(struct test_coverage *c);              /* of a test */
void test_coverage_add(void *coverage, const struct output *o); /* a timeline_sink */

/* A line of figures, then a line per thing never reached, with its place. */
void test_coverage_print(const struct test_coverage *c, const char *prefix, FILE *to);

#endif /* CLI_TEST_COVERAGE_H */
