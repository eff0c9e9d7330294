/* step over a whole stream in virtual time, in memory: what it says is what the distributed machine
 * must reproduce.
 *
 * Layer: engine (pure). Serves backtest, test, the demo's check and every oracle. LANGUAGE.md
 * section 11.
 */
#ifndef ENGINE_TIMELINE_H
#define ENGINE_TIMELINE_H
#include "processor/engine/step.h"

struct timeline;

/* Receives every output: as it is decided, or all at the end in order of decision (timeline_new's
 * is_sorted). Pointers live during the call. */
typedef void timeline_sink(void *context, const struct output *o);

/* Owner: the caller, timeline_free. rules must outlive it. */
struct timeline *timeline_new(const struct rules *rules, bool is_sorted, timeline_sink *sink,
                              void *context);
void timeline_free(struct timeline *t);

/* One event, in order of arrival; stream time is the largest event time so far. Texts are not kept.
 */
enum step_event_result timeline_event(struct timeline *t, const struct event *ev);

/* A line that could not be used: a dead_letter output at this place. */
void timeline_reject(struct timeline *t, int64_t line, enum reject reason, struct text text);

/* Fire everything due before stream time moves past until_ms: after this, all instants <= until_ms
 * have happened. */
void timeline_run_to(struct timeline *t, int64_t until_ms);

/* The end of a backtest: run to until_ms (inclusive), then make judgements with D <= until_ms at
 * once, hand over all outputs in order of decision (instant; events in file order before time's
 * work by customer bytes; then as decided). */
void timeline_finish(struct timeline *t, int64_t until_ms);

/* From here on other rules: every customer sees them at once, as of stream time. They must outlive
 * it. */
void timeline_reconfigure(struct timeline *t, const struct rules *rules);

int64_t timeline_stream_ms(const struct timeline *t);
const struct counters *timeline_counters(const struct timeline *t); /* of all customers */
int64_t timeline_due_ms(const struct timeline *t); /* the earliest timer; never: none */
const struct customer *timeline_customer(const struct timeline *t, struct text id); /* NULL: none */
/* Every customer: cursor starts at 0; NULL at the end. */
const struct customer *timeline_next(const struct timeline *t, size_t *cursor, struct text *out_id);
struct customer *timeline_need_customer(struct timeline *t,
                                        struct text id); /* for tests' `given` */

#endif /* ENGINE_TIMELINE_H */
