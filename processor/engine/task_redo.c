/* DESIGN. A store that syncs once a second may come back older than it was: what the commits of the
 * last seconds wrote is kept, and written once more. Which of it is missing is told by the pair
 * (epoch, version) of the newest commit that is there. A pair that is not among ours means that
 * somebody else wrote, or that more was lost than we kept.
 *
 * Of a customer only the newest durable record is kept, however many commits wrote it: all that is
 * missing goes back in one commit, from the pair found to that of our newest. So what is kept is
 * bounded by the customers of those seconds, not by their events, and a record's place is written
 * over and over while it is warm. Outbox entries wait for their publication anyway, and counters
 * know their durable values.
 */
#include "processor/base/check.h"
#include "processor/base/mem.h"
#include "processor/engine/task_parts.h"

#define ROOM_STEP ((size_t)64) /* a record grows a little with each event */

static struct redo_commit *item(const struct redo *r, uint32_t index)
{
    CHECK(index < r->count);
    return &r->items[(r->first + index) % r->capacity];
}

static size_t list_bytes(const struct redo_commit *c)
{
    return c->customers.count * sizeof(struct known *);
}

static void drop_kept(struct redo *r, struct known *k)
{
    r->bytes -= sizeof(*k->kept) + k->kept->room;
    mem_free(k->kept);
    k->kept = NULL;
}

static void drop_first(struct task *t)
{
    struct redo *r = &t->redo;
    struct redo_commit *first = item(r, 0);

    for (uint32_t i = 0; i < first->customers.count; i++) {
        struct known *k = first->customers.items[i];

        if (k->kept != NULL && k->kept->version == first->guard.version) {
            drop_kept(r, k);
            task_forget_idle(t, k);
        }
    }
    r->bytes -= list_bytes(first);
    r->base = first->guard;
    r->base_outbox = first->outbox_last;
    first->customers.count = 0; /* its room serves a later one */
    r->first = (r->first + 1) % r->capacity;
    r->count--;
}

static void grow(struct redo *r)
{
    uint32_t capacity = r->capacity == 0 ? 64 : 2 * r->capacity;
    struct redo_commit *items = mem_alloc(capacity * sizeof(*items));

    for (uint32_t i = 0; i < r->count; i++) {
        items[i] = *item(r, i);
    }
    mem_free(r->items);
    r->items = items;
    r->first = 0;
    r->capacity = capacity;
}

static void keep_record(struct redo *r, struct known *k, const struct commit_record *record,
                        int64_t version)
{
    size_t size = record->record.size;

    if (k->kept == NULL || size > k->kept->room) {
        size_t room = (size / ROOM_STEP + 1) * ROOM_STEP;

        if (k->kept != NULL) {
            drop_kept(r, k);
        }
        k->kept = mem_room(sizeof(*k->kept) + room);
        k->kept->room = (uint32_t)room;
        r->bytes += sizeof(*k->kept) + room;
    }
    k->kept->version = version;
    k->kept->due_ms = record->due_ms;
    k->kept->size = (uint32_t)size;
    if (size > 0) {
        memcpy(k->kept->at, record->record.at, size);
    }
}

void redo_keep(struct task *t)
{
    struct redo *r = &t->redo;
    const struct commit *c = &t->commit;
    struct redo_commit *newest;

    if (t->options.is_volatile) {
        return; /* what dies with the process is never older than it */
    }
    CHECK(c->expected.version == (r->count == 0 ? r->base : item(r, r->count - 1)->guard).version);
    CHECK(c->record_count == t->dirty.count);
    if (r->count == r->capacity) {
        grow(r);
    }
    newest = &r->items[(r->first + r->count++) % r->capacity];
    newest->guard = c->state.guard;
    newest->outbox_last = c->state.outbox_last;
    newest->at_ms = t->monotonic_ms;
    CHECK(newest->customers.count == 0);
    for (uint32_t i = 0; i < t->dirty.count; i++) {
        task_list_add(&newest->customers, t->dirty.items[i]);
        keep_record(r, t->dirty.items[i], &c->records[i], c->state.guard.version);
    }
    r->bytes += list_bytes(newest);
    r->state = c->state;
    while (r->count > 0 && (r->bytes > t->options.redo_bytes_max ||
                            item(r, 0)->at_ms + t->options.redo_ms < t->monotonic_ms)) {
        drop_first(t);
    }
}

bool redo_find(const struct redo *r, struct guard found, uint32_t *out_index)
{
    const struct guard *pair = &r->base;

    for (uint32_t i = 0; i <= r->count; i++) {
        if (pair->epoch == found.epoch && pair->version == found.version) {
            *out_index = i;
            return true;
        }
        if (i < r->count) {
            pair = &item(r, i)->guard;
        }
    }
    return false;
}

/* The records of customers that a missing commit wrote, each once: where it was written last. */
static void list_records(struct redo *r, uint32_t index, struct commit *c)
{
    struct commit_record *records;
    size_t most = 0;

    for (uint32_t i = index; i < r->count; i++) {
        most += item(r, i)->customers.count;
    }
    records = arena_alloc(&r->arena, (most + 1) * sizeof(*records));
    for (uint32_t i = index; i < r->count; i++) {
        const struct redo_commit *one = item(r, i);

        for (uint32_t k = 0; k < one->customers.count; k++) {
            const struct known *known = one->customers.items[k];
            const struct redo_kept *kept = known->kept;

            if (kept->version == one->guard.version) {
                records[c->record_count++] = (struct commit_record){
                    known->id, { kept->size > 0 ? kept->at : NULL, kept->size }, kept->due_ms
                };
            }
        }
    }
    c->records = records;
}

/* Entries that the store has not seen, or has seen no more; what was published since need not come
 * back. */
static void list_outbox(struct redo *r, const struct outbox *o, int64_t seen, struct commit *c)
{
    struct outbox_entry *entries =
        arena_alloc(&r->arena, ((size_t)o->count + 1) * sizeof(*entries));

    for (const struct outbox_node *n = o->first; n != NULL; n = n->next) {
        struct outbox_entry *e = &entries[c->outbox_count];

        if (n->entry.sequence <= seen || n->entry.sequence > c->state.outbox_last) {
            continue;
        }
        *e = n->entry; /* a copy: it may be published and gone before this is written */
        e->key = n->entry.key.at == NULL ? TEXT_NONE : arena_text(&r->arena, n->entry.key);
        e->payload.at = memcpy(arena_alloc(&r->arena, e->payload.size + 1), n->entry.payload.at,
                               n->entry.payload.size);
        c->outbox_count++;
    }
    c->outbox = entries;
}

static void trim_to(struct commit *c, int64_t published)
{
    c->state.outbox_trimmed = c->outbox_trim = published;
}

void redo_begin(struct task *t, uint32_t index)
{
    struct redo *r = &t->redo;
    struct commit *c = &r->again;
    int64_t version = index == 0 ? r->base.version : item(r, index - 1)->guard.version;
    int64_t seen = index == 0 ? r->base_outbox : item(r, index - 1)->outbox_last;

    CHECK(index < r->count);
    arena_reset(&r->arena);
    *c = (struct commit){ .expected = { t->epoch, version }, .state = r->state };
    list_records(r, index, c);
    list_outbox(r, &t->outbox, seen, c);
    trim_to(c, t->outbox.published);
    if (t->resumed_phase == PHASE_COMMITTING) {
        trim_to(&t->commit, t->outbox.published); /* what is gone does not come back with it */
    }
    c->counters = counters_durable(&t->counters, &r->arena, &c->counter_count);
}

void redo_fini(struct redo *r)
{
    for (uint32_t i = 0; i < r->capacity; i++) {
        mem_free(r->items[i].customers.items);
    }
    mem_free(r->items);
    arena_fini(&r->arena);
    *r = (struct redo){ 0 };
}
