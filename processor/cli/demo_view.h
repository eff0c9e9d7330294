/* What the demo shows: counts of what left the real processor, as a screen that redraws or as plain
 * lines.
 *
 * Layer: cli. Fed with outputs read back from the topics; knows nothing of how they were made.
 */
#ifndef CLI_DEMO_VIEW_H
#define CLI_DEMO_VIEW_H
#include "processor/engine/rules.h"
#include "schemas/output.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct demo_view;

struct demo_status { /* what is not an output */
    int64_t now_ms;  /* the shoppers' time */
    int64_t start_ms;
    int64_t days;
    int64_t events;
    double events_per_second;
    uint64_t seed;
    uint32_t shoppers;
    bool is_catching_up; /* the story is told; the processor still reads */
};

/* is_screen: redraw in place with ANSI sequences; else lines. Owner: the caller. The rules outlive
 * it. */
struct demo_view *demo_view_new(const struct rules *rules, FILE *to, bool is_screen);
void demo_view_free(struct demo_view *v);

void demo_view_add(struct demo_view *v, const struct output *o);
void demo_view_draw(struct demo_view *v, const struct demo_status *status);

/* Leave the screen as it should stay: cursor shown, below the last line. */
void demo_view_end(struct demo_view *v);
int64_t demo_view_triggers(const struct demo_view *v);

#endif /* CLI_DEMO_VIEW_H */
