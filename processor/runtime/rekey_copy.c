/* DESIGN. The index of timers has every customer of a partition, those without a timer far behind
 * (engine/task_sweep), so its pages are the list of customers. A page is copied by one commit for
 * each new partition it concerns; doing it again changes nothing. How many there are, and a sum of
 * hashes over (customer, timer, record), must be the same on both sides for every new partition.
 */
#include "processor/base/hash.h"
#include "processor/base/mem.h"
#include "processor/runtime/rekey_parts.h"
#include "processor/runtime/store_ask.h"

#include <inttypes.h>

#define PAGE_CUSTOMERS 4000

struct page { /* of one partition */
    struct arena arena;
    struct commit_record *records; /* texts live as long as the page, bytes until the next one */
    uint32_t count;
    bool is_last;
};

static enum err unreadable(struct rekey *r, int32_t partition, enum err e)
{
    return rekey_fail(r, e, "partition %" PRId32 " cannot be read: %s", partition, err_text(e));
}

/* The customers behind the last one of the page before. */
static enum err next_page(struct rekey *r, struct rekey_side *side, int32_t partition,
                          struct page *page)
{
    struct store_request ask = { .verb = STORE_TIMERS,
                                 .partition = partition,
                                 .limit = PAGE_CUSTOMERS };
    struct arena before = page->arena;
    struct store_reply reply;
    struct text *ids;
    enum err e;

    if (page->count > 0) {
        ask.after_due_ms = page->records[page->count - 1].due_ms;
        ask.after_customer = page->records[page->count - 1].customer;
    }
    e = store_ask(side->store, &ask, r->options->stop_fd, &reply);
    page->arena = (struct arena){ 0 };
    if (e == OK) {
        page->count = reply.timer_count;
        page->is_last = reply.is_last;
        page->records = arena_alloc(&page->arena, (page->count + 1) * sizeof(*page->records));
        ids = arena_alloc(&page->arena, (page->count + 1) * sizeof(*ids));
        for (uint32_t i = 0; i < page->count; i++) {
            ids[i] = arena_text(&page->arena, reply.timers[i].customer);
            page->records[i] = (struct commit_record){ ids[i], BYTES_NONE, reply.timers[i].due_ms };
        }
    }
    arena_fini(&before);
    if (e != OK || page->count == 0) {
        return e == OK ? OK : unreadable(r, partition, e);
    }
    ask = (struct store_request){
        .verb = STORE_LOAD, .partition = partition, .customers = ids, .customer_count = page->count
    };
    e = store_ask(side->store, &ask, r->options->stop_fd, &reply);
    for (uint32_t i = 0; e == OK && i < page->count; i++) {
        page->records[i].record = reply.records[i];
        e = reply.records[i].at == NULL ? ERR_CORRUPT : OK; /* a timer of nobody */
    }
    return e == OK ? OK : unreadable(r, partition, e);
}

/* The records of a page that go to one new partition. Returns: how many, in `out`. */
static uint32_t select_of(const struct page *page, int32_t partition, int32_t partitions,
                          struct commit_record *out)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < page->count; i++) {
        if (hash_partition(page->records[i].customer, partitions) == partition) {
            out[count++] = page->records[i];
        }
    }
    return count;
}

static enum err copy_page(struct rekey *r, struct page *page)
{
    struct commit_record *records = arena_alloc(&page->arena, (page->count + 1) * sizeof(*records));
    enum err e = OK;

    for (int32_t q = 0; e == OK && q < r->now.count; q++) {
        uint32_t count = select_of(page, q, r->now.count, records);

        if (count > 0) {
            e = rekey_commit(r, &r->now, q, records, count, NULL, 0);
        }
    }
    return e;
}

static enum err copy_partition(struct rekey *r, int32_t partition)
{
    struct page page = { 0 };
    int64_t copied = 0;
    enum err e = OK;

    while (e == OK && !page.is_last) {
        e = next_page(r, &r->old, partition, &page);
        if (e == OK) {
            e = copy_page(r, &page);
            copied += page.count;
        }
    }
    arena_fini(&page.arena);
    if (e == OK) {
        r->old.states[partition].is_moved = true;
        e = rekey_commit(r, &r->old, partition, NULL, 0, NULL, 0);
    }
    if (e == OK) {
        rekey_say(r, "copied partition %" PRId32 " of %" PRId32 ": %" PRId64 " customers",
                  partition + 1, r->old.count, copied);
    }
    return e;
}

enum err rekey_copy(struct rekey *r)
{
    enum err e = OK;

    for (int32_t p = 0; e == OK && p < r->old.count; p++) {
        if (!r->old.states[p].is_moved) {
            e = copy_partition(r, p);
        }
    }
    return e;
}

struct content { /* of one new partition */
    int64_t customers;
    uint64_t sum; /* of hashes: in whatever order */
};

static void add_content(struct content *content, const struct commit_record *r,
                        struct bytes_out *room)
{
    bytes_out_clear(room);
    bytes_put_text(room, r->customer);
    bytes_put_long(room, r->due_ms);
    bytes_put(room, r->record.at, r->record.size);
    content->customers++;
    content->sum += hash64((struct text){ (const char *)room->at, room->size });
}

static enum err add_side(struct rekey *r, struct rekey_side *side, struct content *contents)
{
    struct bytes_out room = { NULL, 0, 0 };
    enum err e = OK;

    for (int32_t p = 0; e == OK && p < side->count; p++) {
        struct page page = { 0 };

        while (e == OK && !page.is_last) {
            e = next_page(r, side, p, &page);
            for (uint32_t i = 0; e == OK && i < page.count; i++) {
                int32_t q = hash_partition(page.records[i].customer, r->now.count);

                if (side == &r->now && q != p) {
                    e = rekey_fail(r, ERR_CORRUPT,
                                   "a customer of partition %" PRId32 " was copied to %" PRId32, q,
                                   p);
                    break;
                }
                add_content(&contents[q], &page.records[i], &room);
            }
        }
        arena_fini(&page.arena);
    }
    bytes_out_fini(&room);
    return e;
}

enum err rekey_compare(struct rekey *r)
{
    size_t size = (size_t)r->now.count * sizeof(struct content);
    struct content *old = mem_alloc(size), *now = mem_alloc(size);
    enum err e = add_side(r, &r->old, old);

    if (e == OK) {
        e = add_side(r, &r->now, now);
    }
    r->receipt.customers = 0;
    for (int32_t q = 0; e == OK && q < r->now.count; q++) {
        r->receipt.customers += now[q].customers;
        if (old[q].customers != now[q].customers || old[q].sum != now[q].sum) {
            e = rekey_fail(r, ERR_CORRUPT,
                           "new partition %" PRId32 " holds %" PRId64 " customers and should hold "
                           "%" PRId64 ", or one differs; nothing was switched",
                           q, now[q].customers, old[q].customers);
        }
    }
    mem_free(old);
    mem_free(now);
    return e;
}

enum err rekey_remove(struct rekey *r, struct rekey_side *side, int32_t partition)
{
    struct store_request drop = { .verb = STORE_DROP, .partition = partition };
    struct store_reply reply;
    struct page page = { 0 };
    enum err e = OK;

    while (e == OK && !page.is_last) {
        page.count = 0; /* what is removed is not there to be behind of */
        e = next_page(r, side, partition, &page);
        r->receipt.removed += side == &r->old ? page.count : 0;
        for (uint32_t i = 0; e == OK && i < page.count; i++) {
            page.records[i].record = BYTES_NONE;
        }
        if (e == OK && page.count > 0) {
            e = rekey_commit(r, side, partition, page.records, page.count, NULL, 0);
        }
    }
    arena_fini(&page.arena);
    return e == OK ? store_ask(side->store, &drop, r->options->stop_fd, &reply) : e;
}
