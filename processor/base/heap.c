#include "processor/base/heap.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"

void heap_item_init(struct heap_item *item, struct text key)
{
    *item = (struct heap_item){ .due_ms = INSTANT_NEVER, .key = key, .place = HEAP_NOWHERE };
}

void heap_fini(struct heap *h)
{
    mem_free(h->items);
    *h = (struct heap){ NULL, 0, 0 };
}

struct heap_item *heap_first(const struct heap *h)
{
    return h->count == 0 ? NULL : h->items[0];
}

static bool comes_before(const struct heap_item *a, const struct heap_item *b)
{
    if (a->due_ms != b->due_ms) {
        return a->due_ms < b->due_ms;
    }
    return text_compare(a->key, b->key) < 0;
}

static void put_at(struct heap *h, struct heap_item *item, size_t place)
{
    h->items[place] = item;
    item->place = place;
}

static void sift_up(struct heap *h, struct heap_item *item)
{
    size_t place = item->place;

    while (place > 0 && comes_before(item, h->items[(place - 1) / 2])) {
        put_at(h, h->items[(place - 1) / 2], place);
        place = (place - 1) / 2;
    }
    put_at(h, item, place);
}

static void sift_down(struct heap *h, struct heap_item *item)
{
    size_t place = item->place;

    for (;;) {
        size_t child = 2 * place + 1;

        if (child + 1 < h->count && comes_before(h->items[child + 1], h->items[child])) {
            child++;
        }
        if (child >= h->count || !comes_before(h->items[child], item)) {
            break;
        }
        put_at(h, h->items[child], place);
        place = child;
    }
    put_at(h, item, place);
}

static void take_out(struct heap *h, struct heap_item *item)
{
    struct heap_item *last = h->items[--h->count];
    size_t place = item->place;

    item->place = HEAP_NOWHERE;
    if (last != item) {
        put_at(h, last, place);
        sift_up(h, last);
        sift_down(h, last);
    }
}

void heap_set(struct heap *h, struct heap_item *item, int64_t due_ms)
{
    CHECK(item->place == HEAP_NOWHERE || (item->place < h->count && h->items[item->place] == item));
    item->due_ms = due_ms;
    if (due_ms == INSTANT_NEVER) {
        if (item->place != HEAP_NOWHERE) {
            take_out(h, item);
        }
        return;
    }
    if (item->place == HEAP_NOWHERE) {
        h->items = mem_grow(h->items, h->count, &h->capacity, sizeof(struct heap_item *));
        put_at(h, item, h->count++);
    }
    sift_up(h, item);
    sift_down(h, item);
}

bool heap_is_valid(const struct heap *h)
{
    for (size_t i = 0; i < h->count; i++) {
        if (h->items[i]->place != i || h->items[i]->due_ms == INSTANT_NEVER) {
            return false;
        }
        if (i > 0 && comes_before(h->items[i], h->items[(i - 1) / 2])) {
            return false;
        }
    }
    return true;
}
