/* DESIGN. A store that syncs once a second may come back older than it was: the commits of the last
 * seconds are kept, each in one piece of memory, and written once more. Which of them are missing
 * is told by the pair (epoch, version) of the newest commit that is there. A pair that is not among
 * ours means that somebody else wrote, or that more was lost than we kept.
 */
#include "processor/base/check.h"
#include "processor/base/mem.h"
#include "processor/engine/task_parts.h"

static struct redo_commit *item(const struct redo *r, uint32_t index)
{
    CHECK(index < r->count);
    return &r->items[(r->first + index) % r->capacity];
}

static void drop_first(struct redo *r)
{
    struct redo_commit *first = item(r, 0);

    r->base = first->commit->state.guard;
    r->bytes -= first->bytes;
    mem_free(first->commit);
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

void redo_keep(struct redo *r, const struct commit *c, int64_t now_ms, int64_t keep_ms,
               size_t bytes_max)
{
    size_t bytes = commit_size(c);

    CHECK(c->expected.version ==
          (r->count == 0 ? r->base.version : item(r, r->count - 1)->commit->state.guard.version));
    if (r->count == r->capacity) {
        grow(r);
    }
    r->items[(r->first + r->count) % r->capacity] =
        (struct redo_commit){ commit_copy(c), bytes, now_ms };
    r->count++;
    r->bytes += bytes;
    while (r->count > 0 && (r->bytes > bytes_max || item(r, 0)->at_ms + keep_ms < now_ms)) {
        drop_first(r);
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
            pair = &item(r, i)->commit->state.guard;
        }
    }
    return false;
}

const struct commit *redo_at(const struct redo *r, uint32_t index)
{
    return item(r, index)->commit;
}

void redo_fini(struct redo *r)
{
    while (r->count > 0) {
        drop_first(r);
    }
    mem_free(r->items);
    *r = (struct redo){ 0 };
}
