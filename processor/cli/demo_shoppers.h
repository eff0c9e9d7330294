/* Seeded shoppers for the demo: events in order of time, with believable habits and answers to
 * their emails.
 *
 * Layer: cli. The shoppers' emails come from an own timeline of the same rules, so the same seed
 * gives the same events, whatever the machine does; and what that timeline says is what the real
 * processor must have said at the end.
 */
#ifndef CLI_DEMO_SHOPPERS_H
#define CLI_DEMO_SHOPPERS_H
#include "processor/base/arena.h"
#include "processor/engine/rules.h"
#include "processor/engine/timeline.h"
#include "schemas/event.h"

#include <stdbool.h>
#include <stdint.h>

struct demo_shoppers;

struct demo_options {
    uint64_t seed;
    uint32_t shoppers;
    int64_t start_ms;
    int64_t days;
    int32_t partitions; /* each is closed by one last event behind every deadline */
};

/* `said` receives what the timeline says, as it is decided. Owner: the caller, demo_shoppers_free;
 * the rules outlive it. */
struct demo_shoppers *demo_shoppers_new(const struct rules *rules,
                                        const struct demo_options *options, timeline_sink *said,
                                        void *context);
void demo_shoppers_free(struct demo_shoppers *d);

/* The next event, in order of time; its texts live in the arena. Returns: false when the story is
 * over. */
bool demo_shoppers_next(struct demo_shoppers *d, struct arena *arena, struct event *out_event);

int64_t demo_shoppers_end_ms(const struct demo_shoppers *d); /* time of the closing events */

#endif /* CLI_DEMO_SHOPPERS_H */
