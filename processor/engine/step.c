/* DESIGN. Time first, then the event. time_to() takes the customer's due instants one by one, in
 * order; each is decided as one input: segments, ends, judgements with their actions, entries,
 * sends, again until nothing is due. An event is one input of its own: facts, segments, ends,
 * entries. Segments change at their own instants even when stream time has not come so far;
 * judgements and sends only when stream time is past them.
 */
#include "processor/engine/step_work.h"

#include "processor/base/check.h"
#include "processor/base/mem.h"

#define ROUNDS_MAX                                                                                 \
    1000 /* of one instant: every round ends a run, sends an email or starts a run                 \
          */

void outputs_fini(struct outputs *o)
{
    mem_free(o->items);
    *o = (struct outputs){ .arena = o->arena };
}

struct view work_view(const struct work *w)
{
    return (struct view){ .plan = &w->rules->facts,
                          .customer = w->c,
                          .id = w->s->customer,
                          .now_ms = w->now_ms,
                          .arena = w->s->scratch };
}

bool work_is_true(const struct work *w, const struct predicate *p)
{
    struct view v = work_view(w);

    return predicate_eval(p, &v).truth == TRUTH_TRUE;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void begin(struct work *w, const struct step *s, struct customer *c, int64_t now_ms)
{
    const struct rules *rules = s->rules;

    *w = (struct work){ .s = s, .rules = rules, .c = c, .now_ms = now_ms };
    w->lateness_ms = s->is_final ? 0 : rules->allowed_lateness_ms;
    w->cause = TEXT("time");
    w->outputs_begin = s->out->count;
    w->segments_until_ms = INSTANT_NEVER;
}

/* Decide the segments that what changed, or time, may have changed; remember their changes. */
static void decide_segments(struct work *w)
{
    const struct segments_plan *plan = &w->rules->segments;
    const struct view v = work_view(w);
    struct segment_change *room;
    uint32_t found;

    room = arena_room(w->s->scratch, (w->change_count + 2 * plan->count + 1) * sizeof(*room));
    if (w->change_count > 0) {
        memcpy(room, w->changes, w->change_count * sizeof(*room));
    }
    found =
        segments_decide(plan, &v, w->c, w->changed, room + w->change_count, &w->segments_until_ms);
    w->changed = 0;
    w->changes = room;
    w->change_count += found;
}

static int64_t runs_due(const struct work *w, bool is_waiting_counted)
{
    int64_t due = INSTANT_NEVER;

    for (uint32_t i = 0; i < w->c->run_count; i++) {
        const struct run *r = &w->c->runs[i];

        due = least(due, r->due_ms);
        due = least(due, sequence_until(w, r));
    }
    if (is_waiting_counted && w->c->waiting_count > 0) {
        due = least(due, w->c->waiting[0].due_ms);
    }
    return due;
}

/* After an input: its memberships, the runs' plans, the customer's one timer. */
static void finish(struct work *w)
{
    bool is_decision;

    work_memberships(w);
    /* Time at which nothing changed decides nothing: where `until` comes early must not show. */
    is_decision = w->event != NULL || w->s->out->count > w->outputs_begin;
    for (uint32_t i = w->outputs_begin; w->is_early && i < w->s->out->count; i++) {
        w->s->out->items[i].decided_ms += w->rules->allowed_lateness_ms;
    }
    for (uint32_t i = 0; i < w->c->run_count; i++) {
        sequence_plan_due(w, &w->c->runs[i]);
    }
    if (is_decision && w->now_ms > w->c->decided_at_ms) {
        w->c->decided_at_ms = w->now_ms;
    }
    w->c->due_ms = least(w->segments_until_ms, runs_due(w, true));
    w->c->due_ms = least(w->c->due_ms, forget_due(w->rules, w->c));
    work_hold_back(w);
}

/* The order within one instant: segments, ends, judgements with their actions, entries, one send;
 * again until nothing is due. */
static void settle(struct work *w, bool are_runs_due)
{
    bool is_any = true;

    for (uint32_t round = 0; is_any; round++) {
        CHECK(round < ROUNDS_MAX);
        is_any = false;
        decide_segments(w);
        sequence_ends(w);
        while (are_runs_due && sequence_judge_due(w)) {
            is_any = true;
        }
        entry_decide(w);
        is_any = (are_runs_due && send_due(w)) || is_any || w->changed != 0;
    }
}

/* One instant of time's work. */
static void decide_instant(const struct step *s, struct customer *c, int64_t now_ms,
                           bool are_runs_due)
{
    struct work w;

    begin(&w, s, c, now_ms);
    while (are_runs_due && c->waiting_count > 0 && work_is_due(&w, c->waiting[0].due_ms)) {
        work_waiting_click(&w);
        settle(&w, false);
        finish(&w);
        begin(&w, s, c, now_ms);
    }
    settle(&w, are_runs_due);
    finish(&w);
    if (work_is_due(&w, forget_due(s->rules, c))) {
        begin(&w, s, c, now_ms);
        forget(&w);
    }
}

/* The next instant at which time alone changes something: segments always, runs only before stream
 * time. */
static int64_t next_instant(const struct step *s, struct customer *c, int64_t seen_ms,
                            bool *out_are_runs_due)
{
    struct work w;
    int64_t segments_ms = INSTANT_NEVER, runs_ms;

    begin(&w, s, c, seen_ms);
    for (uint32_t i = 0; i < c->membership_count; i++) {
        segments_ms = least(segments_ms, c->memberships[i].until_ms);
    }
    for (uint32_t i = 0; s->is_final && i < c->run_count; i++) {
        sequence_plan_due(&w, &c->runs[i]); /* judgements no longer wait for late input */
    }
    runs_ms = least(runs_due(&w, true), forget_due(s->rules, c));
    if (runs_ms >= s->stream_ms) {
        runs_ms = INSTANT_NEVER;
    }
    *out_are_runs_due = runs_ms <= segments_ms && runs_ms != INSTANT_NEVER;
    return least(segments_ms, runs_ms);
}

/* Everything that time alone changes before `end_ms`. */
static void time_to(const struct step *s, struct customer *c, int64_t end_ms)
{
    int64_t seen_ms = c->decided_at_ms;

    for (;;) {
        bool are_runs_due;
        int64_t at_ms = next_instant(s, c, seen_ms, &are_runs_due);

        if (at_ms >= end_ms) {
            return;
        }
        /* A run may have become due while the clock stood still: it is decided no earlier than what
         * was. */
        seen_ms = at_ms > seen_ms ? at_ms : seen_ms;
        decide_instant(s, c, seen_ms, are_runs_due);
    }
}

/* A record written under another configuration. First what time was about to change anyway, at its
 * own instants; then all segments as of now, with origin config: that starts nothing unless asked,
 * and what a new segment would have done in the past is nobody's news. */
static void reconfigure(const struct step *s, struct customer *c)
{
    struct work w;

    if (c->config == s->rules->config) {
        return;
    }
    facts_adopt(&s->rules->facts, c, c->config == 0 && c->created_at_ms == INSTANT_NEVER);
    if (c->config != 0 && c->created_at_ms != INSTANT_NEVER) {
        segments_adopt(&s->rules->segments, c);
        time_to(s, c, s->stream_ms);
        begin(&w, s, c, s->stream_ms > c->decided_at_ms ? s->stream_ms : c->decided_at_ms);
        w.is_config = true;
        w.cause = TEXT("config");
        w.changed = FACT_ALL;
        settle(&w, false);
        finish(&w);
    }
    c->config = s->rules->config;
}

void step_time(const struct step *s, struct customer *c)
{
    reconfigure(s, c);
    if (c->due_ms < s->stream_ms || s->is_final) {
        time_to(s, c, s->stream_ms);
    }
}

enum step_event_result step_event(const struct step *s, struct customer *c, const struct event *ev)
{
    enum step_event_result result;
    struct work w;

    if (c->erased_ms != INSTANT_NEVER && ev->at_ms < c->erased_ms) {
        return STEP_ERASED_BEFORE;
    }
    step_time(s, c); /* what stream time has passed, however late its timer is looked at */
    if (c->due_ms < ev->at_ms) {
        time_to(s, c, ev->at_ms);
    }
    begin(&w, s, c, ev->at_ms > c->decided_at_ms ? ev->at_ms : c->decided_at_ms);
    w.is_by_event = true;
    result = work_event(&w, ev);
    if (result == STEP_APPLIED) {
        settle(&w, false);
        finish(&w);
        result = ev->at_ms < s->stream_ms ? STEP_LATE : STEP_APPLIED;
        step_time(s, c); /* a late event may make something due that stream time has passed */
    }
    return result;
}
