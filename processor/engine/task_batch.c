/* DESIGN. A batch is what the clock lets pass now: records merged by event time, and the timers
 * that stream time has passed then. Each record keeps the stream time of its own place in the
 * order, so where a batch ends never shows in the result. Everything decided goes into one commit.
 */
#include "processor/base/check.h"
#include "processor/base/mem.h"
#include "processor/engine/task_parts.h"

#define LETTER_VALUE_MAX  1000000 /* message.max.bytes is 1 MiB unless the topic says otherwise */
#define LETTER_VALUE_KEPT 1024
#define TRIM_EVERY_MS     SECOND_MS /* an idle partition writes down so late what was published */

static int64_t head_ms(const struct queue *q)
{
    return q->first == NULL || q->first->event == NULL ? INSTANT_MIN : q->first->event->at_ms;
}

static struct task_record *pop(struct task *t, uint32_t topic)
{
    struct queue *q = &t->queues[topic];
    struct task_record *r = q->first;

    q->first = r->next;
    if (q->first == NULL) {
        q->last = NULL;
    }
    r->next = NULL;
    q->count--;
    q->bytes -= r->key.size + r->value.size;
    t->queued--;
    return r;
}

void task_want(struct task *t, struct known *k)
{
    if (k->customer != NULL) {
        task_use(t, k);
    } else if (!k->is_wanted) {
        k->is_wanted = true;
        task_list_add(&t->wanted, k);
    }
}

/* Bring stream time up to date. The first record of a queue is seen: with every topic in order
 * nothing earlier can come any more, so stream time is that of a backtest of the merged file. */
static void see_heads(struct task *t)
{
    bool are_all_read = true;

    for (uint32_t i = 0; i < t->options.topic_count; i++) {
        const struct queue *q = &t->queues[i];

        clock_at_end(&t->clock, i, q->is_at_end && q->first == NULL);
        are_all_read = are_all_read && q->is_at_end && q->first == NULL;
        if (q->first != NULL) {
            clock_record(&t->clock, i, head_ms(q));
        }
    }
    t->is_caught_up = t->is_caught_up || are_all_read;
    t->stream_ms = clock_advance(&t->clock, t->read_ms);
}

/* Returns: false when it is one dead letter too many, and stays where it is. */
static bool admit(struct task *t, const struct task_record *r)
{
    bool was_open = t->breaker.is_open;

    if (breaker_admits(&t->breaker, r->event == NULL, t->monotonic_ms)) {
        return true;
    }
    if (!was_open) {
        t->stop = (struct task_stop){ r, t->breaker.letters, t->breaker.records };
    }
    return false;
}

static bool pick_record(struct task *t)
{
    int64_t heads_ms[COMMIT_TOPICS_MAX];
    bool has_head[COMMIT_TOPICS_MAX];
    struct picked *p = &t->picked[t->picked_count];
    int32_t topic;

    for (uint32_t i = 0; i < t->options.topic_count; i++) {
        heads_ms[i] = head_ms(&t->queues[i]);
        has_head[i] = t->queues[i].first != NULL;
    }
    topic = clock_next(&t->clock, heads_ms, has_head);
    if (topic < 0 || !admit(t, t->queues[topic].first)) {
        return false;
    }
    *p = (struct picked){ .record = pop(t, (uint32_t)topic), .stream_ms = t->stream_ms };
    see_heads(t);
    t->state.positions[topic].next_offset = p->record->offset + 1;
    t->state.positions[topic].last_hash = 0; /* with the commit */
    if (p->record->event != NULL) {
        p->known = task_need_known(t, p->record->event->customer);
        task_want(t, p->known);
    }
    t->picked_count++;
    return true;
}

static void pick_timers(struct task *t)
{
    struct heap_item *first;

    while (t->timed.count < t->options.batch_timers && (first = heap_first(&t->timers)) != NULL &&
           first->due_ms < t->stream_ms) {
        struct known *k = (struct known *)(void *)first;

        heap_set(&t->timers, first, INSTANT_NEVER);
        task_list_add(&t->timed, k);
        task_want(t, k);
    }
}

static bool are_records_ripe(const struct task *t)
{
    return t->queued >= t->options.batch_records ||
           (t->queued > 0 && t->waiting_since_ms != INSTANT_NEVER &&
            t->monotonic_ms >= t->waiting_since_ms + t->options.commit_every_ms);
}

static void pick_records(struct task *t)
{
    if (t->queued > 0 && t->waiting_since_ms == INSTANT_NEVER) {
        t->waiting_since_ms = t->monotonic_ms;
    }
    while (are_records_ripe(t) || t->picked_count > 0) {
        if (t->picked_count == t->options.batch_records || !pick_record(t)) {
            break;
        }
    }
}

bool task_pick(struct task *t)
{
    see_heads(t);
    if (t->outbox.bytes <= t->options.outbox_bytes_max) {
        if (!t->is_draining) {
            pick_records(t);
        }
        pick_timers(t);
    }
    if (t->picked_count > 0) {
        t->waiting_since_ms = INSTANT_NEVER;
    } else if (are_records_ripe(t)) {
        t->waiting_since_ms = t->monotonic_ms; /* the merge waits for another topic */
    }
    sweep_pick(t);
    if (t->picked_count > 0 || t->timed.count > 0 || t->is_visit) {
        return true;
    }
    return t->outbox.published > t->state.outbox_trimmed &&
           (t->is_draining || t->monotonic_ms >= t->last_commit_ms + TRIM_EVERY_MS);
}

/* --- applying --- */

struct step task_step(struct task *t, const struct known *k, int64_t stream_ms)
{
    return (struct step){ .rules = t->options.rules,
                          .customer = k->id,
                          .stream_ms = stream_ms,
                          .wall_ms = t->options.rules->is_event_clock || t->options.is_history
                                         ? STEP_NO_WALL
                                         : t->wall_ms,
                          .out = &t->outputs,
                          .counters = &t->counters,
                          .ceilings = &t->state.ceilings,
                          .joins = &t->state.joins,
                          .partition_count = t->options.partition_count,
                          .counts = t->counts,
                          .scratch = &t->scratch };
}

void task_dirty(struct task *t, struct known *k)
{
    if (!k->is_dirty) {
        k->is_dirty = true;
        task_list_add(&t->dirty, k);
    }
}

/* A dead letter that its topic would refuse stops the partition: of a record as large as a topic
 * takes by default only the beginning goes along. */
static struct bytes kept_of(struct bytes value)
{
    return value.size > LETTER_VALUE_MAX ? (struct bytes){ value.at, LETTER_VALUE_KEPT } : value;
}

static void divert(struct task *t, const struct task_record *r)
{
    struct outputs *out = &t->outputs;
    struct output *o;

    out->items = mem_grow32(out->items, out->count, &out->capacity, sizeof(struct output));
    o = &out->items[out->count++];
    *o = (struct output){ .type = OUTPUT_DEAD_LETTER };
    o->as.dead_letter =
        (struct dead_letter){ .topic = t->options.topics[r->topic],
                              .partition = t->options.partition,
                              .offset = r->offset,
                              .reason = r->reject,
                              .text = text_of(r->reject_text == NULL ? "" : r->reject_text),
                              .key = r->key,
                              .value = kept_of(r->value) };
    t->stats.diverted++;
}

static void apply_record(struct task *t, const struct picked *p)
{
    struct step s;

    t->stats.records++;
    if (p->known == NULL) {
        divert(t, p->record);
        return;
    }
    s = task_step(t, p->known, p->stream_ms);
    if (t->options.is_history && p->record->written_ms != 0 && !t->options.rules->is_event_clock) {
        step_time(&s, p->known->customer); /* what was due was done in time .. */
        s.wall_ms = p->record->written_ms; /* .. and this came as late as it was written */
    }
    switch (step_event(&s, p->known->customer, p->record->event)) {
    case STEP_APPLIED:
        break;
    case STEP_DUPLICATE:
        t->stats.duplicates++;
        break;
    case STEP_LATE:
        t->stats.late++;
        break;
    case STEP_ERASED_BEFORE:
        break;
    }
    task_dirty(t, p->known);
}

static void encode_records(struct task *t)
{
    size_t begins = 0;

    bytes_out_clear(&t->encoded);
    for (uint32_t i = 0; i < t->dirty.count; i++) {
        t->record_ends = mem_grow32(t->record_ends, i, &t->record_end_capacity, sizeof(size_t));
        t->records = mem_grow32(t->records, i, &t->record_capacity, sizeof(struct commit_record));
        customer_encode(t->dirty.items[i]->customer, &t->encoded);
        t->record_ends[i] = bytes_out_view(&t->encoded).size;
    }
    for (uint32_t i = 0; i < t->dirty.count; i++) {
        struct known *k = t->dirty.items[i];
        size_t size = t->record_ends[i] - begins;

        t->records[i] = (struct commit_record){
            .customer = k->id,
            .record = { bytes_out_view(&t->encoded).at + begins, size },
            .due_ms = sweep_filed_ms(k->id, k->customer->due_ms),
        };
        if (customer_is_blank(k->customer)) {
            t->records[i].record = BYTES_NONE; /* forgotten, with nothing to keep */
        }
        heap_set(&t->timers, &k->item, k->customer->due_ms);
        task_resize(t, k, size);
        begins = t->record_ends[i];
    }
}

static void encode_outputs(struct task *t)
{
    struct bytes_out payload = { 0 };

    for (uint32_t i = 0; i < t->outputs.count; i++) {
        const struct output *o = &t->outputs.items[i];
        bool is_letter = o->type == OUTPUT_DEAD_LETTER;
        struct bytes key = { (const uint8_t *)o->customer.at, o->customer.size };

        bytes_out_clear(&payload);
        if (o->type != OUTPUT_MEMBERSHIP || !o->as.membership.is_tombstone) {
            output_encode(o, &payload);
        }
        outbox_add(&t->outbox, o->type, t->outbox.newest + 1,
                   is_letter ? o->as.dead_letter.key : key,
                   !is_letter || o->as.dead_letter.key.at != NULL, bytes_out_view(&payload));
        t->entries = mem_grow32(t->entries, i, &t->entry_capacity, sizeof(struct outbox_entry));
        t->entries[i] = t->outbox.last->entry;
        t->stats.outputs[o->type]++;
    }
    bytes_out_fini(&payload);
}

static void list_counters(struct task *t)
{
    for (uint32_t i = 0; i < t->counters.changed_count; i++) {
        const struct counter *c = t->counters.changed[i];

        t->counted = mem_grow32(t->counted, i, &t->counted_capacity, sizeof(struct counter_value));
        t->counted[i] = (struct counter_value){ c->name, c->value };
    }
}

/* The last record of each topic in the batch: a takeover looks whether it still is there. */
static void note_last_records(struct task *t)
{
    const struct task_record *last[COMMIT_TOPICS_MAX] = { NULL };

    for (uint32_t i = 0; i < t->picked_count; i++) {
        last[t->picked[i].record->topic] = t->picked[i].record;
    }
    for (uint32_t i = 0; t->picked_count > 0 && i < t->state.position_count; i++) {
        if (last[i] != NULL) {
            t->state.positions[i].last_hash = task_record_hash(last[i]);
        }
    }
}

static void fill_commit(struct task *t)
{
    struct partition_state *s = &t->state;

    s->guard = (struct guard){ t->guard.epoch, t->guard.version + 1 };
    s->stream_ms = t->stream_ms;
    s->outbox_last = t->outbox.newest;
    s->outbox_trimmed = t->outbox.published;
    s->config = t->options.rules->config;
    note_last_records(t);
    for (uint32_t i = 0; i < s->position_count; i++) {
        s->positions[i].watermark_ms = t->clock.topics[i].watermark_ms;
    }
    t->commit = (struct commit){ .expected = t->guard,
                                 .state = *s,
                                 .records = t->records,
                                 .record_count = t->dirty.count,
                                 .outbox = t->entries,
                                 .outbox_count = t->outputs.count,
                                 .outbox_trim = t->outbox.published,
                                 .counters = t->counted,
                                 .counter_count = t->counters.changed_count };
}

void task_apply(struct task *t)
{
    for (uint32_t i = 0; i < t->picked_count; i++) {
        apply_record(t, &t->picked[i]);
    }
    for (uint32_t i = 0; i < t->timed.count; i++) {
        struct known *k = t->timed.items[i];
        struct step s = task_step(t, k, t->stream_ms);

        step_time(&s, k->customer);
        task_dirty(t, k);
        t->stats.timers_fired++;
    }
    sweep_apply(t);
    encode_records(t);
    if (t->options.is_silent) {
        t->outputs.count = 0;
    }
    encode_outputs(t);
    list_counters(t);
    fill_commit(t);
}

void task_hand_back(struct task *t, struct task_record *r)
{
    r->next = NULL;
    if (t->done_last == NULL) {
        t->done_first = r;
    } else {
        t->done_last->next = r;
    }
    t->done_last = r;
}

void task_batch_done(struct task *t)
{
    for (uint32_t i = 0; i < t->picked_count; i++) {
        task_hand_back(t, t->picked[i].record);
    }
    for (uint32_t i = 0; i < t->dirty.count; i++) {
        t->dirty.items[i]->is_dirty = false;
    }
    t->picked_count = 0;
    t->timed.count = t->wanted.count = t->dirty.count = t->visited.count = 0;
    t->is_visit = false;
    t->outputs.count = 0;
    arena_reset(&t->output_arena);
    arena_reset(&t->scratch);
}
