/* What the files of step share; nobody else includes this.
 *
 * Layer: engine. step.c holds the order of things, step_event.c one event, step_output.c records,
 * entry.c who enters, sequence.c judging, branches and ends, send.c holds and triggers, content.c
 * slots, exposure.c experiments, count.c counters.
 */
#ifndef ENGINE_STEP_WORK_H
#define ENGINE_STEP_WORK_H
#include "processor/base/instant.h"
#include "processor/engine/step.h"

/* One input (an event, or an instant of time's work) being decided for one customer. */
struct work {
    const struct step *s;
    const struct rules *rules;
    struct customer *c;
    int64_t now_ms;      /* the instant: `at` of what changes */
    int64_t lateness_ms; /* allowed_lateness, 0 when final */
    struct text cause;   /* of memberships: the event's id, else time or config */
    bool is_by_event;
    bool is_config;
    bool is_early;             /* a judgement was made at once that was to wait for late input */
    const struct event *event; /* the event, while it is one */
    bool is_human;             /* it counts as a human's */
    bool is_first;             /* it has just come, waited for nothing */
    bool is_known_order;       /* second record of an order */
    uint64_t changed;          /* facts changed since the segments were last decided */
    uint32_t outputs_begin;    /* outputs of this input begin here */
    struct segment_change *changes; /* of this input, in order */
    uint32_t change_count;
    uint32_t changes_seen; /* by entries and goals */
    uint32_t *ended;       /* sequences whose run this event ended: it does not enter them again */
    uint32_t *entered;     /* sequences that this event entered: it does not end their run */
    uint32_t ended_count, entered_count;
    int64_t segments_until_ms;
};

static inline void step_count(const struct step *s, enum step_count what)
{
    if (s->counts != NULL) {
        s->counts[what]++;
    }
}

/* Due at this instant, and stream time is past it: with late events the two differ. */
static inline bool work_is_due(const struct work *w, int64_t due_ms)
{
    return due_ms <= w->now_ms && due_ms < w->s->stream_ms;
}

/* --- step.c --- */
struct view work_view(const struct work *w);
bool work_is_true(const struct work *w, const struct predicate *p); /* unknown is not true */

/* --- step_output.c --- */
struct output *work_output(struct work *w, enum output_type type, int64_t at_ms);
void work_outcome(struct work *w, const struct run *r, struct text email, int32_t attempt,
                  enum outcome outcome, enum reason reason, int64_t at_ms, int64_t decided_ms);
void work_not_entered(struct work *w, const struct sequence_plan *s, enum reason reason);
void work_memberships(struct work *w); /* the changes of this input, without pairs that cancel out,
                                          before its other outputs */

void work_hold_back(struct work *w); /* before live_from nothing of this input leaves */

/* --- step_event.c --- */
enum step_event_result work_event(struct work *w, const struct event *ev);
void work_waiting_click(struct work *w); /* the first waiting click has waited */
bool work_is_match(const struct work *w, struct text kind, const struct filter_plan *filter);

void work_end_all(struct work *w, enum outcome outcome); /* every active run */

/* --- forget.c --- */
void work_erase(struct work *w, const struct event *ev);
int64_t forget_due(const struct rules *rules, const struct customer *c); /* never: not to be */
void forget(struct work *w);

/* --- entry.c --- */
void entry_decide(struct work *w); /* entries by segment changes not seen yet, and by the event */
enum reason entry_refusal(const struct work *w, const struct sequence_plan *s, int64_t at_ms);
void entry_enter(struct work *w, const struct sequence_plan *s, int64_t at_ms,
                 int64_t not_before_ms);

/* --- sequence.c --- */
void sequence_ends(struct work *w); /* goal, stop_if: runs that this input ends */
void sequence_end(struct work *w, struct run *r, enum outcome outcome, enum reason reason,
                  int64_t at_ms, int64_t decided_ms);
bool sequence_judge_due(
    struct work *w); /* one judgement, action or held-out end that is due; false: none */
void sequence_plan_due(struct work *w, struct run *r); /* bring r->due_ms up to date */
void sequence_next(struct work *w, struct run *r, const struct sequence_plan *s, int64_t judged_ms,
                   int64_t not_before_ms);
void sequence_entered(struct work *w, uint32_t sequence); /* by this input */
bool sequence_has(const uint32_t *list, uint32_t count, uint32_t sequence);
int64_t sequence_until(const struct work *w,
                       const struct run *r); /* when goal or stop_if may become true by time */
int64_t sequence_deadline(const struct work *w, const struct run *r, const struct sent *t); /* D */
bool sequence_is_human_click(const struct work *w, const struct sent *t, const struct click *k);
struct run_email *sequence_run_email(struct run *r, uint32_t email);
struct text sequence_email_id(const struct work *w, const struct run *r, uint32_t email);

/* --- send.c --- */
bool send_due(struct work *w); /* the first email that may be decided now; false: none */
bool send_is_suppressed(const struct customer *c,
                        const struct email_plan *e); /* e NULL: for an entry */

/* --- exposure.c --- */
const struct arm_plan *exposure_arm(const struct work *w,
                                    const struct email_plan *e);      /* NULL: no experiment */
void exposure_note(const struct work *w, const struct email_plan *e); /* its attempt 1 leaves */
void exposure_event(const struct work *w); /* success or harm of who was exposed */
/* Experiment -> arm: of an email's record its own, of the run's record (email absent) those of the
 * emails that it sent. Owner: the outputs' arena. */
const struct text_pair *exposure_pairs(const struct work *w, const struct run *r, struct text email,
                                       uint32_t *out_count);

/* --- count.c --- */
void count_membership(const struct work *w, struct text segment, bool is_entered);
void count_outcome(const struct work *w, const struct outcome_record *o);
void count_sent(const struct work *w, const struct trigger *t);
/* The ids that an input left and entered, and all after it. */
void count_overlaps(const struct work *w, const struct text *left, uint32_t left_count,
                    const struct text *entered, uint32_t entered_count, const struct text *now,
                    uint32_t now_count);
#define CONTENT_ID_COUNTED_MAX 200 /* bytes; longer ids are used, and not counted */
void count_content(const struct work *w, struct text slot, struct text id, struct text segment,
                   struct text what);
void count_revenue(const struct work *w, struct text sequence, struct text email, int64_t amount);
void count_order(const struct work *w, int64_t amount);
void count_day(const struct work *w, const struct experiment_plan *x, struct text arm, int64_t day,
               const char *what);
void count_week(const struct work *w, const struct experiment_plan *x, struct text arm, int64_t day,
                struct text segment, const char *what);

/* --- ceiling.c --- */
/* Take a place of the sequence's ceiling. Returns: now_ms, or the later instant it is held to. */
int64_t ceiling_take(const struct step *s, const struct sequence_plan *plan, int64_t now_ms);

/* --- join_guard.c --- */
void join_note(const struct step *s, bool is_named); /* an open or click that carries an email id */
/* Until when no_engagement is not concluded. Returns: now_ms, or the later instant to look again.
 */
int64_t join_held_until(const struct step *s, int64_t now_ms);

/* --- send_hold.c --- */
/* The first instant from from_ms on that all allow, and what held it longest from there on. */
int64_t send_allowed(const struct work *w, const struct run *r, const struct sequence_plan *s,
                     const struct email_plan *e, int64_t from_ms, enum reason *out_held_by);

/* --- revenue.c --- */
void revenue_event(const struct work *w); /* an order, and the email whose click led to it */

/* --- content.c --- */
/* The rows of the email channel's `resolve` that the customer is in: bit i row i. */
int32_t content_rows(const struct work *w);
/* What the run's open email showed to who was in those rows. */
void content_count(const struct work *w, const struct run *r, const struct email_plan *e,
                   int32_t rows, struct text what);
void content_fill(struct work *w, const struct run *r, const struct email_plan *e,
                  struct trigger *out_trigger);
struct text content_value_text(struct arena *a, const struct value *v);

#endif /* ENGINE_STEP_WORK_H */
