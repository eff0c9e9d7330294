#include "schemas/customer.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"

struct customer *customer_new(void)
{
    struct customer *c = mem_alloc(sizeof(*c));

    c->created_at_ms = INSTANT_NEVER;
    c->decided_at_ms = INSTANT_MIN;
    c->last_event_ms = INSTANT_MIN;
    c->last_engaged_ms = INSTANT_NEVER;
    c->blocked_ms = INSTANT_NEVER;
    c->erased_ms = INSTANT_NEVER;
    c->due_ms = INSTANT_NEVER;
    c->order_first_ms = INSTANT_NEVER;
    c->orders_from_ms = INSTANT_MIN;
    return c;
}

bool customer_is_blank(const struct customer *c)
{
    return c->created_at_ms == INSTANT_NEVER && c->erased_ms == INSTANT_NEVER &&
           c->blocked_ms == INSTANT_NEVER && c->attribute_count == 0 && c->entry_count == 0 &&
           c->subscription_count == 0 && c->run_count == 0;
}

static void text_free(struct text t)
{
    mem_free((void *)(uintptr_t)t.at);
}

static void run_fini(struct run *r)
{
    text_free(r->cause);
    text_free(r->use_id);
    for (uint32_t i = 0; i < r->context_count; i++) {
        text_free(r->context[i].name);
        text_free(r->context[i].value);
    }
    mem_free(r->context);
    for (uint32_t i = 0; i < r->plan_count; i++) {
        text_free(r->plan[i].id);
    }
    mem_free(r->plan);
    mem_free(r->emails);
}

void customer_free(struct customer *c)
{
    if (c == NULL) {
        return;
    }
    for (uint32_t i = 0; i < c->attribute_count; i++) {
        value_fini(&c->attributes[i].value);
    }
    for (uint32_t i = 0; i < c->history_count; i++) {
        mem_free(c->histories[i].entries);
        mem_free(c->histories[i].days);
    }
    for (uint32_t i = 0; i < c->kind_count; i++) {
        text_free(c->kinds[i].kind);
    }
    for (uint32_t i = 0; i < c->sent_count; i++) {
        mem_free(c->sent[i].clicks);
    }
    for (uint32_t i = 0; i < c->waiting_count; i++) {
        mem_free((void *)(uintptr_t)c->waiting[i].event.at);
    }
    for (uint32_t i = 0; i < c->run_count; i++) {
        run_fini(&c->runs[i]);
    }
    mem_free(c->ids);
    mem_free(c->attributes);
    mem_free(c->orders);
    mem_free(c->order_days);
    mem_free(c->histories);
    mem_free(c->counters);
    mem_free(c->scores);
    mem_free(c->kinds);
    mem_free(c->memberships);
    mem_free(c->sent);
    mem_free(c->waiting);
    mem_free(c->runs);
    mem_free(c->entries);
    mem_free(c->subscriptions);
    for (uint32_t i = 0; i < c->exposure_count; i++) {
        mem_free(c->exposures[i].segments);
    }
    mem_free(c->exposures);
    mem_free(c->places);
    mem_free(c);
}

/* All keyed items begin with their 32-bit key, so one search serves every array. */
static uint32_t place_of(const void *items, uint32_t count, size_t item_size, uint32_t key)
{
    uint32_t low = 0, high = count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        uint32_t at;

        memcpy(&at, (const char *)items + middle * item_size, sizeof(at));
        if (at < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void *find(const void *items, uint32_t count, size_t item_size, uint32_t key)
{
    uint32_t place = place_of(items, count, item_size, key);
    const char *item;

    if (place == count) {
        return NULL;
    }
    item = (const char *)items + place * item_size;
    return memcmp(item, &key, sizeof(key)) == 0 ? (void *)(uintptr_t)item : NULL;
}

/* Make a zeroed item with that key in its place. Requires: not there. */
static void *insert(void **items, uint32_t *count, uint32_t *capacity, size_t item_size,
                    uint32_t key)
{
    uint32_t place = place_of(*items, *count, item_size, key);
    char *item;

    *items = mem_grow32(*items, *count, capacity, item_size);
    item = (char *)*items + place * item_size;
    memmove(item + item_size, item, (*count - place) * item_size);
    memset(item, 0, item_size);
    memcpy(item, &key, sizeof(key));
    (*count)++;
    return item;
}

#define KEYED(type, name, items)                                                                   \
    struct type *customer_##name(const struct customer *c, uint32_t key)                           \
    {                                                                                              \
        return find(c->items, c->name##_count, sizeof(struct type), key);                          \
    }                                                                                              \
    static struct type *insert_##name(struct customer *c, uint32_t key)                            \
    {                                                                                              \
        void *at = c->items;                                                                       \
        struct type *item =                                                                        \
            insert(&at, &c->name##_count, &c->name##_capacity, sizeof(struct type), key);          \
        c->items = at;                                                                             \
        return item;                                                                               \
    }

KEYED(attribute, attribute, attributes)
KEYED(history, history, histories)
KEYED(score, score, scores)
KEYED(membership, membership, memberships)
KEYED(entry, entry, entries)
KEYED(subscription, subscription, subscriptions)
KEYED(exposure, exposure, exposures)

struct attribute *customer_need_attribute(struct customer *c, uint32_t key)
{
    struct attribute *a = customer_attribute(c, key);

    if (a == NULL) {
        a = insert_attribute(c, key);
        a->at_ms = INSTANT_MIN;
    }
    return a;
}

struct history *customer_need_history(struct customer *c, uint32_t key)
{
    struct history *h = customer_history(c, key);

    if (h == NULL) {
        h = insert_history(c, key);
        h->since_ms = INSTANT_MIN;
        h->from_ms = INSTANT_MIN;
        h->first_ms = INSTANT_NEVER;
        h->last_ms = INSTANT_NEVER;
    }
    return h;
}

struct score *customer_need_score(struct customer *c, uint32_t key)
{
    struct score *s = customer_score(c, key);

    return s != NULL ? s : insert_score(c, key);
}

struct membership *customer_need_membership(struct customer *c, uint32_t key)
{
    struct membership *m = customer_membership(c, key);

    if (m == NULL) {
        m = insert_membership(c, key);
        m->pending_ms = INSTANT_NEVER;
        m->until_ms = INSTANT_NEVER;
    }
    return m;
}

struct entry *customer_need_entry(struct customer *c, uint32_t sequence)
{
    struct entry *e = customer_entry(c, sequence);

    return e != NULL ? e : insert_entry(c, sequence);
}

struct subscription *customer_need_subscription(struct customer *c, uint32_t key)
{
    struct subscription *s = customer_subscription(c, key);

    if (s == NULL) {
        s = insert_subscription(c, key);
        s->at_ms = INSTANT_MIN;
    }
    return s;
}

static void drop_oldest_exposure(struct customer *c)
{
    uint32_t oldest = 0;

    for (uint32_t i = 1; i < c->exposure_count; i++) {
        oldest = c->exposures[i].at_ms < c->exposures[oldest].at_ms ? i : oldest;
    }
    mem_free(c->exposures[oldest].segments);
    c->exposure_count--;
    memmove(&c->exposures[oldest], &c->exposures[oldest + 1],
            (c->exposure_count - oldest) * sizeof(struct exposure));
}

struct exposure *customer_need_exposure(struct customer *c, uint32_t key)
{
    struct exposure *e = customer_exposure(c, key);

    if (e == NULL) {
        if (c->exposure_count == CUSTOMER_EXPOSURES_MAX) {
            drop_oldest_exposure(c);
        }
        e = insert_exposure(c, key);
        e->at_ms = INSTANT_MIN;
    }
    return e;
}

struct run *customer_run(const struct customer *c, uint32_t sequence)
{
    for (uint32_t i = 0; i < c->run_count; i++) {
        if (c->runs[i].sequence == sequence) {
            return &c->runs[i];
        }
    }
    return NULL;
}

struct sent *customer_sent(const struct customer *c, const struct hash128 *trigger_id)
{
    for (uint32_t i = c->sent_count; i > 0; i--) {
        if (memcmp(&c->sent[i - 1].trigger_id, trigger_id, sizeof(*trigger_id)) == 0) {
            return &c->sent[i - 1];
        }
    }
    return NULL;
}

void customer_remove_membership(struct customer *c, const struct membership *m)
{
    size_t place = (size_t)(m - c->memberships);

    CHECK(place < c->membership_count);
    c->membership_count--;
    memmove(&c->memberships[place], &c->memberships[place + 1],
            (c->membership_count - place) * sizeof(struct membership));
}

void customer_remove_run(struct customer *c, uint32_t place)
{
    CHECK(place < c->run_count);
    run_fini(&c->runs[place]);
    c->run_count--;
    memmove(&c->runs[place], &c->runs[place + 1], (c->run_count - place) * sizeof(struct run));
}

void customer_remove_sent(struct customer *c, uint32_t place)
{
    CHECK(place < c->sent_count);
    mem_free(c->sent[place].clicks);
    c->sent_count--;
    memmove(&c->sent[place], &c->sent[place + 1], (c->sent_count - place) * sizeof(struct sent));
}

void customer_remove_waiting(struct customer *c, uint32_t place)
{
    CHECK(place < c->waiting_count);
    mem_free((void *)(uintptr_t)c->waiting[place].event.at);
    c->waiting_count--;
    memmove(&c->waiting[place], &c->waiting[place + 1],
            (c->waiting_count - place) * sizeof(struct waiting_click));
}
