/* DESIGN. One map of all customers this partition has in memory or has a timer for. Records are
 * kept up to cache_bytes, the least recently used leave first; a customer without record and
 * without timer is forgotten, since the store knows it, unless the store may still lose it.
 */
#include "processor/base/check.h"
#include "processor/base/mem.h"
#include "processor/engine/task_parts.h"

void task_list_add(struct known_list *list, struct known *k)
{
    list->items = mem_grow32(list->items, list->count, &list->capacity, sizeof(struct known *));
    list->items[list->count++] = k;
}

struct known *task_need_known(struct task *t, struct text id)
{
    struct known *k = map_find(&t->customers, id);

    if (k == NULL) {
        k = mem_alloc(sizeof(*k));
        k->id = text_dup(id);
        heap_item_init(&k->item, k->id);
        map_put(&t->customers, k->id, k);
    }
    return k;
}

const struct customer *task_customer(const struct task *t, struct text id)
{
    const struct known *k = map_find(&t->customers, id);

    return k == NULL ? NULL : k->customer;
}

static void unlink_use(struct task *t, struct known *k)
{
    *(k->newer == NULL ? &t->newest : &k->newer->older) = k->older;
    *(k->older == NULL ? &t->oldest : &k->older->newer) = k->newer;
    k->newer = k->older = NULL;
}

static void link_newest(struct task *t, struct known *k)
{
    k->older = t->newest;
    *(t->newest == NULL ? &t->oldest : &t->newest->newer) = k;
    t->newest = k;
}

/* Decoded, a record takes about twice its bytes. */
static size_t footprint(size_t record_bytes)
{
    return sizeof(struct known) + sizeof(struct customer) + 2 * record_bytes;
}

void task_keep(struct task *t, struct known *k, struct customer *c, size_t record_bytes)
{
    CHECK(k->customer == NULL);
    k->customer = c;
    k->bytes = footprint(record_bytes);
    t->cached_bytes += k->bytes;
    t->cached++;
    link_newest(t, k);
}

void task_resize(struct task *t, struct known *k, size_t record_bytes)
{
    t->cached_bytes += footprint(record_bytes) - k->bytes;
    k->bytes = footprint(record_bytes);
}

void task_use(struct task *t, struct known *k)
{
    if (t->newest != k) {
        unlink_use(t, k);
        link_newest(t, k);
    }
}

static void forget(struct task *t, struct known *k)
{
    (void)map_remove(&t->customers, k->id);
    mem_free((void *)(uintptr_t)k->id.at);
    mem_free(k);
}

static void drop_record(struct task *t, struct known *k)
{
    unlink_use(t, k);
    t->cached_bytes -= k->bytes;
    t->cached--;
    customer_free(k->customer);
    k->customer = NULL;
}

void task_forget_idle(struct task *t, struct known *k)
{
    if (k->customer == NULL && k->kept == NULL && k->item.place == HEAP_NOWHERE) {
        forget(t, k);
    }
}

void task_evict(struct task *t)
{
    while (t->cached_bytes > t->options.cache_bytes && t->oldest != NULL) {
        struct known *k = t->oldest;

        CHECK(!k->is_dirty && !k->is_wanted);
        drop_record(t, k);
        task_forget_idle(t, k);
    }
}

void task_forget_customers(struct task *t)
{
    size_t cursor = 0;
    struct known *k;

    while ((k = map_next(&t->customers, &cursor)) != NULL) {
        customer_free(k->customer);
        mem_free(k->kept);
        mem_free((void *)(uintptr_t)k->id.at);
        mem_free(k);
    }
    map_fini(&t->customers);
    heap_fini(&t->timers);
    t->newest = t->oldest = NULL;
    t->cached_bytes = 0;
    t->cached = 0;
}
