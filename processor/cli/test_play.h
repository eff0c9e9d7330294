/* One test of a configuration, played in virtual time (LANGUAGE.md section 10).
 *
 * Layer: cli. Without lateness; without holdouts unless the test wants them.
 */
#ifndef CLI_TEST_PLAY_H
#define CLI_TEST_PLAY_H
#include "processor/base/instant.h"
#include "processor/config/config.h"
#include "processor/engine/timeline.h"

struct test_happening {         /* one output, as a line for people */
    enum expectation_kind kind; /* ENTERS LEAVES TRIGGER OUTCOME */
    struct text name;           /* segment id, or sequence[.email] */
    struct text sequence;       /* absent: a membership */
    struct text email;          /* absent: a membership, or the run's own record */
    enum outcome outcome;       /* OUTCOME */
    enum reason reason;         /* OUTCOME */
    int64_t at_ms;
    struct text line;                /* what else it says */
    const struct text_pair *content; /* TRIGGER: email slots */
    uint32_t content_count;
    bool is_expected;
};

struct test_result {
    const struct test_plan *test;
    struct arena arena;
    bool *is_good; /* by expectation */
    struct test_happening *happenings;
    uint32_t happening_count;
    uint32_t happening_capacity;
    uint32_t trigger_count;
    bool is_passed;
};

/* Play it. `also` (NULL: none) sees every output. Owner: the caller, test_result_fini. */
void test_play(const struct config *config, const struct test_plan *test, timeline_sink *also,
               void *context, struct test_result *out_result);
void test_result_fini(struct test_result *r);

/* The customer of the test when everything up to at_ms (inclusive) has happened; NULL when there is
 * none yet. Owner: the caller, timeline_free of *out_timeline. The arena must live as long. */
const struct customer *test_play_customer(const struct config *config, const struct test_plan *test,
                                          int64_t at_ms, struct arena *arena,
                                          struct timeline **out_timeline);

int64_t test_play_end(const struct test_plan *test); /* its last `at` or `by` */

/* The time from the start of the test, as people wrote it: +3d2h. */
#define TEST_OFFSET_SIZE (INSTANT_TEXT_SIZE + 1)
void test_play_offset(const struct test_plan *test, int64_t at_ms, char out[]);

#endif /* CLI_TEST_PLAY_H */
