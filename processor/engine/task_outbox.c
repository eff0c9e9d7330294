#include "processor/base/check.h"
#include "processor/base/mem.h"
#include "processor/engine/task_parts.h"

void outbox_add(struct outbox *o, enum output_type type, int64_t sequence, struct bytes key,
                bool has_key, struct bytes payload)
{
    struct outbox_node *n = mem_alloc(sizeof(*n) + key.size + payload.size + 1);
    uint8_t *at = (uint8_t *)(n + 1);

    CHECK(sequence == o->newest + 1);
    if (key.size > 0) {
        memcpy(at, key.at, key.size);
    }
    if (payload.size > 0) {
        memcpy(at + key.size, payload.at, payload.size);
    }
    n->bytes = sizeof(*n) + key.size + payload.size;
    n->entry = (struct outbox_entry){ .sequence = sequence,
                                      .type = type,
                                      .key = has_key ? (struct text){ (const char *)at, key.size }
                                                     : TEXT_NONE,
                                      .payload = { at + key.size, payload.size } };
    if (o->last == NULL) {
        o->first = n;
    } else {
        o->last->next = n;
    }
    o->last = n;
    if (o->next_out == NULL) {
        o->next_out = n;
    }
    o->newest = sequence;
    o->bytes += n->bytes;
    o->count++;
}

void outbox_published(struct outbox *o, int64_t sequence)
{
    CHECK(sequence <= o->durable);
    while (o->first != NULL && o->first->entry.sequence <= sequence) {
        struct outbox_node *n = o->first;

        CHECK(n != o->next_out);
        o->first = n->next;
        o->bytes -= n->bytes;
        o->count--;
        mem_free(n);
    }
    if (o->first == NULL) {
        o->last = NULL;
    }
    if (sequence > o->published) {
        o->published = sequence;
    }
}

const struct outbox_entry *task_take_publish(struct task *t)
{
    struct outbox_node *n = t->outbox.next_out;

    if (t->phase == PHASE_RELEASED || n == NULL || n->entry.sequence > t->outbox.durable) {
        return NULL;
    }
    t->outbox.next_out = n->next;
    return &n->entry;
}

void outbox_fini(struct outbox *o)
{
    while (o->first != NULL) {
        struct outbox_node *n = o->first;

        o->first = n->next;
        mem_free(n);
    }
    *o = (struct outbox){ 0 };
}
