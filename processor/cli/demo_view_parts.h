/* What demo_view.c counts and demo_screen.c draws.
 *
 * Layer: cli. Private to the two.
 */
#ifndef CLI_DEMO_VIEW_PARTS_H
#define CLI_DEMO_VIEW_PARTS_H
#include "processor/base/bytes.h"
#include "processor/cli/demo_view.h"

#define DEMO_RECENT_TRIGGERS 4
#define DEMO_TRIGGER_TEXT    256

struct email_counts {
    int64_t sent;
    int64_t again; /* attempt 2 and later */
    int64_t outcomes[OUTCOME__COUNT];
};

struct demo_view {
    const struct rules *rules;
    FILE *to;
    bool is_screen;
    uint32_t lines; /* drawn last time */
    int64_t counts[OUTPUT_TYPE__COUNT];
    int64_t **members;               /* by segment, then rung; a plain segment has one */
    struct email_counts **emails;    /* by sequence, then email */
    int64_t (*runs)[OUTCOME__COUNT]; /* by sequence */
    char recent[DEMO_RECENT_TRIGGERS][DEMO_TRIGGER_TEXT]; /* a ring of lines for people */
    uint64_t recent_count;                                /* ever */
    struct bytes_out latest;                              /* JSON of the latest trigger */
};

/* One frame over the one before: never more lines than the terminal has. */
void demo_screen_draw(struct demo_view *v, const struct demo_status *status, const char *date,
                      int64_t day);

/* The funnel of one sequence, as lines. */
void demo_screen_sequence(const struct demo_view *v, uint32_t place, struct bytes_out *to);

#endif /* CLI_DEMO_VIEW_PARTS_H */
