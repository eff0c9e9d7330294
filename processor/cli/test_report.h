/* What `segstream test` says: for people, as TAP, as JUnit.
 *
 * Layer: cli.
 */
#ifndef CLI_TEST_REPORT_H
#define CLI_TEST_REPORT_H
#include "processor/cli/test_play.h"

#include <stdio.h>

enum test_form { TEST_FORM_TEXT, TEST_FORM_TAP, TEST_FORM_JUNIT, TEST_FORM__COUNT };

struct test_report {
    enum test_form form;
    FILE *to;
    uint32_t passed, failed;
};

void test_report_begin(struct test_report *r);
void test_report_begin_file(struct test_report *r, const char *path);
void test_report_add(struct test_report *r, const struct config *config,
                     struct test_result *result);
void test_report_end_file(struct test_report *r);
void test_report_end(struct test_report *r);

#endif /* CLI_TEST_REPORT_H */
