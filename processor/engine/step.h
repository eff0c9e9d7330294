/* The brain: one customer and one input (an event, or time passing) at one time, to a new record
 * and outputs.
 *
 * Layer: engine (pure). Source: LANGUAGE.md sections 2, 5, 7, 14. One call changes the customer and
 * appends outputs; nothing else. What it appends may leave the process only after the changed
 * record is durable: engine/task sees to it. Files: step.c (order of things), step_event.c (an
 * event), entry.c (who enters a sequence), sequence.c (plan, judge, branch, end), send.c (hold,
 * check, trigger), content.c (slots), exposure.c (experiments), count.c (what reports count).
 */
#ifndef ENGINE_STEP_H
#define ENGINE_STEP_H
#include "processor/base/arena.h"
#include "processor/engine/rules.h"
#include "schemas/commit.h"
#include "schemas/counters.h"
#include "schemas/customer.h"
#include "schemas/event.h"
#include "schemas/output.h"

#define STEP_NO_WALL INT64_MIN

/* Outputs of the steps since the list was last emptied, in order of decision per customer. */
struct outputs {
    struct arena *arena;  /* owns what the items point to */
    struct output *items; /* heap; outputs_fini */
    uint32_t count;
    uint32_t capacity;
};
void outputs_fini(struct outputs *o);

/* What is worth a look by an operator, counted by partition. */
enum step_count {
    STEP_COUNT_ZONE_UNKNOWN, /* a customer's zone is none: time.zone stood in */
    STEP_COUNT_CEILING,      /* an email was held by limits.per_minute */
    STEP_COUNT_JOIN,         /* a judgement was held by limits.join_guard */
    STEP_COUNT__COUNT
};

struct step {
    const struct rules *rules;
    struct text customer; /* its id; must outlive the call */
    int64_t stream_ms;    /* stream time of the partition, this input included */
    int64_t wall_ms;      /* STEP_NO_WALL with clock: event */
    struct outputs *out;
    struct counters *counters; /* NULL: nobody counts */
    struct arena *scratch;     /* reset by the caller between batches */
    struct ceilings *ceilings; /* of the partition; NULL: none hold (tests, backtests) */
    struct joins *joins;       /* the same for limits.join_guard */
    int32_t partition_count;   /* that share them */
    int64_t *counts;           /* by enum step_count; NULL: nobody counts */
    bool is_final; /* end of a backtest: judgements with D <= stream_ms are made at once */
};

enum step_event_result {
    STEP_APPLIED,
    STEP_DUPLICATE,    /* its id was among the last accepted: dropped */
    STEP_LATE,         /* applied; its time is before the stream time */
    STEP_ERASED_BEFORE /* older than the customer's erase: dropped */
};

/* Time first, then the event: what time alone changes before the event's time happens at its own
 * instants, then the event. The customer is new when created by customer_new. */
enum step_event_result step_event(const struct step *s, struct customer *c, const struct event *ev);

/* Time only: everything due before stream time happens, each at its own instant. */
void step_time(const struct step *s, struct customer *c);

/* For people: what holds the email that this run has planned (RUN_PLANNED); NONE: nothing does. */
enum reason step_held_by(const struct step *s, struct customer *c, const struct run *r);
/* .. and D of the email that it waits to judge (RUN_JUDGING), as far as is known. */
int64_t step_deadline(const struct step *s, struct customer *c, const struct run *r);

/* For landing pages and other channels: the content ids of `channel` for the customer as the record
 * is, of the first list that fills each slot; what an email brings of its own and experiments have
 * no part in it. Owner: out's arena. */
const struct text_pair *step_content(const struct step *s, struct customer *c,
                                     const struct channel_plan *channel, uint32_t *out_count);

/* After both, c->due_ms is the customer's one timer: step_time does nothing while stream_ms <=
 * due_ms. A judgement as of D is due at D + allowed_lateness. */

#endif /* ENGINE_STEP_H */
