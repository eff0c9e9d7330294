/* What is no longer kept: erased customers, and those who have been silent for forget_after. */
#include "processor/engine/step_work.h"

#include "processor/base/mem.h"

/* `fresh` takes the customer's place; all memberships are left. */
static void begin_anew(struct work *w, struct customer *fresh, struct text cause)
{
    struct segment_change *changes;
    struct customer old = *w->c;
    const struct text *ids;
    uint32_t count;

    count = segments_of(&w->rules->segments, w->c, w->s->scratch, &ids);
    changes = arena_alloc(w->s->scratch, (count + 1) * sizeof(*changes));
    for (uint32_t i = 0; i < count; i++) {
        changes[i] = (struct segment_change){ .id = ids[i], .is_entered = false };
    }
    *w->c = *fresh;
    *fresh = old;
    customer_free(fresh);
    w->cause = cause;
    w->changes = changes;
    w->change_count = count;
    work_memberships(w);
}

void work_erase(struct work *w, const struct event *ev)
{
    struct customer *fresh = customer_new();

    work_end_all(w, OUTCOME_ERASED);
    fresh->erased_ms = ev->at_ms;
    fresh->decided_at_ms = w->now_ms;
    begin_anew(w, fresh, TEXT("erased"));
    work_output(w, OUTPUT_MEMBERSHIP, w->now_ms)->as.membership.is_tombstone = true;
    work_hold_back(w);
}

int64_t forget_due(const struct rules *rules, const struct customer *c)
{
    if (rules->forget_after_ms == 0 || c->created_at_ms == INSTANT_NEVER || c->run_count > 0 ||
        c->waiting_count > 0) {
        return INSTANT_NEVER;
    }
    return c->last_event_ms + rules->forget_after_ms;
}

/* Never less than suppressions, entries and the mark of an erase; with none of them, nothing. */
void forget(struct work *w)
{
    struct customer *fresh = customer_new(), *c = w->c;

    fresh->blocked_ms = c->blocked_ms;
    fresh->erased_ms = c->erased_ms;
    fresh->entries = c->entries;
    fresh->entry_count = c->entry_count;
    fresh->entry_capacity = c->entry_capacity;
    fresh->subscriptions = c->subscriptions;
    fresh->subscription_count = c->subscription_count;
    fresh->subscription_capacity = c->subscription_capacity;
    c->entries = NULL;
    c->subscriptions = NULL;
    c->entry_count = c->entry_capacity = 0;
    c->subscription_count = c->subscription_capacity = 0;
    if (!customer_is_blank(fresh)) {
        fresh->decided_at_ms = w->now_ms;
    }
    begin_anew(w, fresh, TEXT("forgotten"));
    work_hold_back(w);
}
