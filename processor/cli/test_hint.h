/* Why an expectation of a test was not met: a sentence, and the place of the rule it is about.
 *
 * Layer: cli.
 */
#ifndef CLI_TEST_HINT_H
#define CLI_TEST_HINT_H
#include "processor/cli/test_play.h"

/* Absent: nothing useful to say. Owner: the result's arena. */
struct text test_hint(const struct config *config, struct test_result *r,
                      const struct expectation_plan *e);

#endif /* CLI_TEST_HINT_H */
