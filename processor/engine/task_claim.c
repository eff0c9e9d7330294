/* DESIGN. Taking a partition over, and taking it again from a store that has come back older than
 * it was. Nothing here is guessed: engine/takeover judges what was found the first time, the kept
 * commits (task_redo.c) any later time.
 */
#include "processor/base/check.h"
#include "processor/base/mem.h"
#include "processor/engine/takeover.h"
#include "processor/engine/task_parts.h"

void task_begin_claim(struct task *t)
{
    CHECK(t->phase == PHASE_NEW);
    if (!t->has_mark) {
        t->mark = (struct mark){ .lineage = t->options.lineage, .stream_ms = INSTANT_MIN };
    }
    t->mark.epoch = t->epoch;
    t->phase = PHASE_MARKING;
    t->resumed_phase = PHASE_CLAIMING;
}

void task_marked(struct task *t, enum err error)
{
    if (t->phase != PHASE_MARKING) {
        return;
    }
    if (error != OK) {
        task_release(t, error);
        return;
    }
    t->phase = t->resumed_phase;
}

/* The store has seen an epoch as high as ours: either a later owner is there, and the group will
 * refuse us, or the group has forgotten what it knew. */
static void raise_epoch(struct task *t, int64_t seen)
{
    t->is_epoch_raised = true;
    t->epoch = seen + 1;
    t->mark.epoch = t->epoch;
    t->phase = PHASE_MARKING;
    t->resumed_phase = PHASE_CLAIMING;
}

static void take_positions(struct task *t, const struct task_claim *claim)
{
    t->state.position_count = t->options.topic_count;
    for (uint32_t i = 0; i < t->options.topic_count; i++) {
        struct topic_position *p = &t->state.positions[i];

        *p = (struct topic_position){ t->options.topics[i], -1, INSTANT_MIN, 0 };
        for (uint32_t k = 0; !claim->is_new && k < claim->state->position_count; k++) {
            if (text_equal(claim->state->positions[k].topic, p->topic)) {
                p->next_offset = claim->state->positions[k].next_offset;
                p->watermark_ms = claim->state->positions[k].watermark_ms;
                p->last_hash = claim->state->positions[k].last_hash;
            }
        }
        t->clock.topics[i].watermark_ms = p->watermark_ms;
        t->committed[i] = p->next_offset;
        t->queues[i].expected = p->next_offset;
    }
}

/* Entries that were published are not shown to the publisher again. */
static void take_outbox(struct task *t, const struct task_claim *claim)
{
    t->outbox.newest = t->outbox.published;
    for (uint32_t i = 0; i < claim->outbox_count; i++) {
        const struct outbox_entry *e = &claim->outbox[i];

        if (e->sequence > t->outbox.published) {
            outbox_add(&t->outbox, e->type, e->sequence,
                       (struct bytes){ (const uint8_t *)e->key.at, e->key.size }, e->key.at != NULL,
                       e->payload);
        }
    }
    t->outbox.durable = t->outbox.newest;
}

/* Returns: OK, or ERR_ARMS: the configuration would pool what two different tests say. */
static enum err take_counters(struct task *t, const struct task_claim *claim)
{
    for (uint32_t i = 0; i < claim->counter_count; i++) {
        counters_set(&t->counters, claim->counters[i].name, claim->counters[i].value);
    }
    counters_clean(&t->counters);
    t->changed_experiment = rules_note_arms(t->options.rules, &t->counters);
    return t->changed_experiment == NULL ? OK : ERR_ARMS;
}

static void take_state(struct task *t, const struct task_claim *claim, const struct takeover *found)
{
    t->guard = claim->guard;
    take_positions(t, claim);
    t->state.partition_count = t->options.partition_count;
    t->state.lineage = found->lineage;
    t->is_repeating = found->is_repeating;
    t->covered_ms = INSTANT_MIN;
    if (!claim->is_new) {
        t->covered = claim->state->guard;
        t->covered_ms = t->clock.stream_ms = claim->state->stream_ms;
        t->state.outbox_last = claim->state->outbox_last;
        t->state.outbox_trimmed = claim->state->outbox_trimmed;
        t->outbox.published = found->published;
        t->state.ceilings = claim->state->ceilings;
        t->state.joins = claim->state->joins;
        take_outbox(t, claim);
    }
    sweep_claimed(t, claim->is_new ? NULL : claim->state);
    t->redo.base = t->covered;
    t->redo.base_outbox = t->state.outbox_last;
    t->is_claimed = true;
}

/* Who moves the state, or has moved it, speaks first: whatever else is wrong comes from that. */
static enum err judge_partitions(const struct task *t, const struct partition_state *s,
                                 enum err error)
{
    if (s->moving_to != 0) {
        return ERR_MOVING;
    }
    return s->partition_count != 0 && s->partition_count != t->options.partition_count
               ? ERR_PARTITIONS
               : error;
}

static void claimed(struct task *t, const struct task_claim *claim)
{
    struct takeover found = { 0 };
    enum err error =
        takeover_judge(&(struct takeover_case){ .mark = t->has_mark ? &t->mark : NULL,
                                                .state = claim->is_new ? NULL : claim->state,
                                                .lineage_new = t->options.lineage,
                                                .is_exactly_once = t->options.is_exactly_once,
                                                .is_volatile = t->options.is_volatile },
                       &found);

    if (!claim->is_new) {
        error = judge_partitions(t, claim->state, error);
    }
    if (error == OK) {
        error = take_counters(t, claim);
    }
    if (error != OK) {
        task_release(t, error);
        return;
    }
    take_state(t, claim, &found);
    t->phase = claim->is_new ? PHASE_READY : PHASE_TIMERS;
    if (found.is_mark_wrong) {
        t->resumed_phase = t->phase;
        t->phase = PHASE_MARKING;
    }
}

static void claimed_again(struct task *t, const struct task_claim *claim)
{
    struct guard found = { 0, 0 };
    uint32_t missing;

    if (!claim->is_new) {
        if (claim->state->lineage != t->state.lineage) {
            task_release(t, ERR_FOREIGN);
            return;
        }
        found = claim->state->guard;
    }
    if (!redo_find(&t->redo, found, &missing)) {
        task_release(t, claim->is_new ? ERR_WIPED : ERR_REGRESSED);
        return;
    }
    t->phase = t->resumed_phase;
    if (missing < t->redo.count) {
        redo_begin(t, missing);
        t->stats.redone += t->redo.count - missing;
        t->phase = PHASE_REDOING;
    }
}

void task_claimed(struct task *t, const struct task_claim *claim)
{
    if (t->phase != PHASE_CLAIMING) {
        return;
    }
    if (claim->error == ERR_FENCED && !t->is_claimed && !t->is_epoch_raised &&
        claim->guard.epoch >= t->epoch) {
        raise_epoch(t, claim->guard.epoch);
    } else if (claim->error != OK) {
        task_release(t, claim->error);
    } else if (t->is_claimed) {
        claimed_again(t, claim);
    } else {
        claimed(t, claim);
    }
}

void task_store_failed(struct task *t, enum err error)
{
    if (error != ERR_REGRESSED || !t->is_claimed) {
        task_release(t, error);
        return;
    }
    if (t->phase != PHASE_REDOING) {
        t->resumed_phase = t->phase;
    }
    t->phase = PHASE_CLAIMING;
}

void task_timers(struct task *t, enum err error, const struct task_timer *timers, uint32_t count,
                 bool is_last)
{
    if (t->phase != PHASE_TIMERS && t->phase != PHASE_SWEEPING) {
        return;
    }
    if (error != OK) {
        task_store_failed(t, error);
        return;
    }
    if (t->phase == PHASE_SWEEPING) {
        sweep_page(t, timers, count, is_last);
        return;
    }
    for (uint32_t i = 0; i < count && !is_last; i++) {
        is_last = sweep_is_dormant(timers[i].due_ms);
    }
    for (uint32_t i = 0; i < count && !sweep_is_dormant(timers[i].due_ms); i++) {
        struct known *k = task_need_known(t, timers[i].customer);

        heap_set(&t->timers, &k->item, timers[i].due_ms);
    }
    if (is_last || count == 0) {
        t->phase = PHASE_READY;
        return;
    }
    mem_free((void *)(uintptr_t)t->cursor_customer.at);
    t->cursor_customer = text_dup(timers[count - 1].customer);
    t->cursor_due_ms = timers[count - 1].due_ms;
}

struct mark task_mark(const struct task *t)
{
    struct mark m = { .lineage = t->state.lineage, .epoch = t->epoch, .stream_ms = INSTANT_MIN };

    if (t->phase == PHASE_MARKING && !t->is_claimed) {
        return t->mark;
    }
    if (!t->options.is_volatile) {
        m.covered = t->covered;
        m.published = t->outbox.published;
        m.stream_ms = t->covered_ms;
    }
    return m;
}

int64_t task_epoch(const struct task *t)
{
    CHECK(t->phase == PHASE_CLAIMING);
    return t->epoch;
}

bool task_is_repeating(const struct task *t)
{
    return t->is_repeating;
}
