#include "processor/engine/step_work.h"

#include "processor/base/check.h"
#include "processor/base/hash.h"
#include "processor/base/mem.h"

struct output *work_output(struct work *w, enum output_type type, int64_t at_ms)
{
    struct outputs *out = w->s->out;
    struct output *o;

    out->items = mem_grow32(out->items, out->count, &out->capacity, sizeof(struct output));
    o = &out->items[out->count++];
    *o = (struct output){ .type = type, .at_ms = at_ms, .decided_ms = w->now_ms };
    o->customer = arena_text(out->arena, w->s->customer);
    o->cause = arena_text(out->arena, w->cause);
    o->is_by_event = w->is_by_event;
    o->is_config = w->is_config;
    o->config = w->rules->config_hex;
    return o;
}

void work_outcome(struct work *w, const struct run *r, struct text email, int32_t attempt,
                  enum outcome outcome, enum reason reason, int64_t at_ms, int64_t decided_ms)
{
    const struct sequence_plan *s = rules_sequence(w->rules, r->sequence);
    struct output *o = work_output(w, OUTPUT_OUTCOME, at_ms);
    uint32_t index;

    o->decided_ms = decided_ms;
    o->as.outcome = (struct outcome_record){
        .sequence = s == NULL ? TEXT("") : s->id,
        .run = r->number,
        .entered_at_ms = r->entered_at_ms,
        .email = email,
        .attempt = attempt,
        .outcome = outcome,
        .reason = reason,
        .is_held_out = r->phase == RUN_HELD_OUT,
    };
    o->as.outcome.experiments = exposure_pairs(w, r, email, &o->as.outcome.experiment_count);
    count_outcome(w, &o->as.outcome);
    if (email.at != NULL && r->phase == RUN_JUDGING && s != NULL) {
        const struct email_plan *e = rules_email(s, hash32(email), &index);

        if (e != NULL) {
            content_count(w, r, e, r->shown_rows, text_of(outcome_name(outcome)));
        }
    }
}

void work_not_entered(struct work *w, const struct sequence_plan *s, enum reason reason)
{
    struct output *o = work_output(w, OUTPUT_OUTCOME, w->now_ms);

    o->as.outcome = (struct outcome_record){ .sequence = s->id,
                                             .entered_at_ms = INSTANT_NEVER,
                                             .outcome = OUTCOME_NOT_ENTERED,
                                             .reason = reason };
    count_outcome(w, &o->as.outcome);
}

/* Did the customer's state of that id change by the whole input? A pair of changes cancels out. */
static bool is_net_change(const struct work *w, uint32_t place)
{
    int balance = 0;
    bool is_last = true;

    for (uint32_t i = 0; i < w->change_count; i++) {
        if (text_equal(w->changes[i].id, w->changes[place].id)) {
            balance += w->changes[i].is_entered ? 1 : -1;
            is_last = is_last && i <= place;
        }
    }
    return balance != 0 && is_last;
}

static void add_membership(struct work *w, const struct segment_change *change,
                           const struct text *segments, uint32_t count)
{
    struct output *o = work_output(w, OUTPUT_MEMBERSHIP, w->now_ms);

    o->as.membership = (struct membership_change){ .segment = change->id,
                                                   .is_entered = change->is_entered,
                                                   .segments = segments,
                                                   .segment_count = count };
    count_membership(w, change->id, change->is_entered);
}

void work_hold_back(struct work *w)
{
    if (w->now_ms < w->rules->live_from_ms) {
        w->s->out->count = w->outputs_begin;
    }
}

void work_memberships(struct work *w)
{
    struct outputs *out = w->s->out;
    uint32_t others = out->count - w->outputs_begin, count, added;
    uint32_t left_count = 0, entered_count = 0;
    const struct text *segments = NULL;
    struct text *left, *entered;
    struct output *kept;

    if (w->change_count == 0) {
        return;
    }
    count = segments_of(&w->rules->segments, w->c, out->arena, &segments);
    left = arena_alloc(w->s->scratch, 2 * w->change_count * sizeof(*left));
    entered = left + w->change_count;
    for (uint32_t i = 0; i < w->change_count; i++) {
        if (is_net_change(w, i)) {
            add_membership(w, &w->changes[i], segments, count);
            if (w->changes[i].is_entered) {
                entered[entered_count++] = w->changes[i].id;
            } else {
                left[left_count++] = w->changes[i].id;
            }
        }
    }
    count_overlaps(w, left, left_count, entered, entered_count, segments, count);
    /* They are decided first, but known whole only now: move them before the input's other outputs.
     */
    added = out->count - w->outputs_begin - others;
    if (added > 0 && others > 0) {
        kept = mem_dup(out->items + w->outputs_begin, others * sizeof(*kept));
        memmove(out->items + w->outputs_begin, out->items + w->outputs_begin + others,
                added * sizeof(*kept));
        memcpy(out->items + w->outputs_begin + added, kept, others * sizeof(*kept));
        mem_free(kept);
    }
    w->change_count = 0;
    w->changes_seen = 0;
}
