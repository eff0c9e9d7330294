/* The `tests:` of a configuration, prepared (LANGUAGE.md section 10).
 *
 * Layer: config. Owner: the arena of the rules.
 */
#ifndef CONFIG_TESTS_H
#define CONFIG_TESTS_H
#include "processor/config/problems.h"
#include "processor/engine/rules.h"
#include "schemas/event.h"

#define TEST_CUSTOMER "tested"

enum expectation_kind {
    EXPECT_ENTERS,
    EXPECT_LEAVES,
    EXPECT_IN,
    EXPECT_NOT_IN,
    EXPECT_TRIGGER,
    EXPECT_OUTCOME,
    EXPECT_NEVER,
    EXPECT__COUNT
};
const char *expectation_name(enum expectation_kind k);

struct expectation_plan {
    struct place place;
    enum expectation_kind kind;
    struct text name; /* as written */
    int64_t at_ms;
    bool is_by;           /* at any instant up to at_ms */
    struct text segment;  /* id that records carry */
    struct text sequence; /* TRIGGER OUTCOME NEVER */
    struct text email;    /* absent: the run */
    struct text outcome;  /* `is`; absent: any */
    struct text reason;   /* absent: any */
    int64_t attempt;      /* 0: any */
    const struct text_pair *content;
    uint32_t content_count;
    const struct text_pair *landing;
    uint32_t landing_count;
};

struct test_plan {
    struct text name;
    struct place place;
    int64_t start_ms;
    struct at_end_plan given;   /* attributes and values */
    const struct event *events; /* in order; `email` may be sequence.email */
    uint32_t event_count;
    const struct expectation_plan *expectations;
    uint32_t expectation_count;
    bool is_only;
    bool has_holdout;
};

#endif /* CONFIG_TESTS_H */
