/* The one home of time: stream time of a partition, and which topic's record goes next.
 *
 * Layer: engine (pure). Source: LANGUAGE.md section 5 "Time", DESIGN.md section 3. Used by
 * timeline, task and simulator.
 */
#ifndef ENGINE_CLOCK_H
#define ENGINE_CLOCK_H
#include "processor/base/instant.h"
#include "schemas/commit.h"

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_JUMP_MAX_MS HOUR_MS /* the wall clock is believed at once when it jumps so far */

struct clock_topic {
    int64_t watermark_ms; /* largest event time seen; INSTANT_MIN: none */
    bool is_at_end;       /* read to its end, nothing waiting */
};

struct clock {
    bool is_event_clock;                          /* clock: event: the wall stays out */
    int64_t stream_ms;                            /* never goes back; INSTANT_MIN: not known yet */
    struct clock_topic topics[COMMIT_TOPICS_MAX]; /* order of the configuration */
    uint32_t topic_count;
};

/* The wall clock as far as it is believed: one that jumps ahead would let every timer fire at once.
 * It never goes back; beyond a jump of CLOCK_JUMP_MAX_MS it moves at double speed until it is level
 * with the clock again. */
struct clock_wall {
    bool is_set; /* the first look is believed */
    int64_t trusted_ms;
    int64_t elapsed_ms; /* when last looked at .. */
    int64_t credit_ms;  /* .. and how far it may still jump */
};

/* wall_ms: what the clock says; elapsed_ms: a clock that nobody sets. Returns: what is believed. */
int64_t clock_trust(struct clock_wall *w, int64_t wall_ms, int64_t elapsed_ms);

void clock_init(struct clock *k, uint32_t topic_count, bool is_event_clock);

/* A record of that topic at event time at_ms is seen: it goes next, or is applied (one without a
 * time: INSTANT_MIN then). */
void clock_record(struct clock *k, uint32_t topic, int64_t at_ms);
void clock_at_end(struct clock *k, uint32_t topic, bool is_at_end);

/* Bring stream time up to date. wall_ms: up to where the inputs are known to have been read, in
 * wall clock time (frozen while Kafka cannot be reached), or INSTANT_MIN. Smallest watermark of the
 * topics not at their end; all at end: the wall clock, or with clock: event the largest watermark.
 * Returns: stream time. */
int64_t clock_advance(struct clock *k, int64_t wall_ms);

/* Merge: which topic's head goes next. heads_ms[i]: event time of the first fetched record (a
 * record without one: INSTANT_MIN), has_head[i] whether there is one. Returns: the topic, or -1:
 * wait (a topic not read to its end has nothing fetched yet), or -2: nothing anywhere. */
int32_t clock_next(const struct clock *k, const int64_t *heads_ms, const bool *has_head);

#endif /* ENGINE_CLOCK_H */
