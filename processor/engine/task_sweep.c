/* DESIGN. A changed configuration is applied to whoever is touched next; the sweep touches all the
 * others. It walks the index of timers a page at a time, with a pause between pages, so that live
 * events keep flowing. Customers without a timer are filed in that index too, far behind all
 * timers, each at a place of its own: one index reaches everybody, and a page costs the same
 * wherever it begins. How far it came rides in every commit; who changes place meanwhile was
 * touched, so nobody is missed. It begins when the topics were read to their end: rules are asked
 * of what is known, not of what a restart has yet to read.
 */
#include "processor/base/check.h"
#include "processor/base/hash.h"
#include "processor/base/mem.h"
#include "processor/engine/task_parts.h"

#define DORMANT_MS     (INT64_C(1) << 52) /* beyond every instant of an event */
#define PAGE_CUSTOMERS 100
#define PAGE_EVERY_MS  100
#define TIMER_PAGE     10000

int64_t sweep_filed_ms(struct text customer, int64_t due_ms)
{
    return due_ms == INSTANT_NEVER ? DORMANT_MS + hash32(customer) : due_ms;
}

bool sweep_is_dormant(int64_t filed_ms)
{
    return filed_ms >= DORMANT_MS;
}

void sweep_claimed(struct task *t, const struct partition_state *state)
{
    struct partition_state *s = &t->state;

    if (state == NULL) {
        s->swept = t->options.rules->config;
        return;
    }
    s->swept = state->swept;
    if (state->config == t->options.rules->config) { /* begun already */
        s->sweep_due_ms = state->sweep_due_ms;
        s->sweep_customer_size = state->sweep_customer_size;
        memcpy(s->sweep_customer, state->sweep_customer, sizeof(s->sweep_customer));
    }
}

bool sweep_is_open(const struct task *t)
{
    return t->is_claimed && t->state.swept != t->options.rules->config && !t->is_draining;
}

bool sweep_is_due(const struct task *t)
{
    return sweep_is_open(t) && t->is_caught_up && !t->is_visit && t->monotonic_ms >= t->visit_ms &&
           t->outbox.bytes <= t->options.outbox_bytes_max;
}

uint32_t task_timer_limit(const struct task *t)
{
    return t->phase == PHASE_SWEEPING ? PAGE_CUSTOMERS : TIMER_PAGE;
}

void sweep_page(struct task *t, const struct task_timer *timers, uint32_t count, bool is_last)
{
    struct partition_state *s = &t->state;

    CHECK(t->visited.count == 0);
    for (uint32_t i = 0; i < count; i++) {
        task_list_add(&t->visited, task_need_known(t, timers[i].customer));
    }
    if (count > 0) {
        const struct task_timer *last = &timers[count - 1];

        CHECK(last->customer.size <= sizeof(s->sweep_customer));
        s->sweep_due_ms = last->due_ms;
        s->sweep_customer_size = (uint32_t)last->customer.size;
        memcpy(s->sweep_customer, last->customer.at, last->customer.size);
    }
    if (is_last || count == 0) {
        s->swept = t->options.rules->config;
        s->sweep_due_ms = INSTANT_MIN;
        s->sweep_customer_size = 0;
    }
    t->is_visit = true;
    t->visit_ms = t->monotonic_ms + PAGE_EVERY_MS;
    t->phase = PHASE_READY;
}

void sweep_pick(struct task *t)
{
    for (uint32_t i = 0; i < t->visited.count; i++) {
        task_want(t, t->visited.items[i]);
    }
}

void sweep_apply(struct task *t)
{
    for (uint32_t i = 0; i < t->visited.count; i++) {
        struct known *k = t->visited.items[i];
        struct step s = task_step(t, k, t->stream_ms);

        if (k->customer->config != t->options.rules->config && !customer_is_blank(k->customer)) {
            step_time(&s, k->customer);
            task_dirty(t, k);
            t->stats.reconfigured++;
        }
    }
}
