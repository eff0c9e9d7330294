/* DESIGN. A ceiling counts the emails of a sequence per minute in each partition, which has an
 * equal share. A share of less than one email a minute is one email in several. Who finds the
 * minute full is held to a later one, as many minutes on as those who already wait will take: so
 * nobody is asked again and again. Time never goes back: an email of an earlier minute counts in
 * the latest one.
 */
#include "processor/engine/step_work.h"

static struct ceiling *ceiling_of(struct ceilings *all, uint32_t sequence)
{
    for (uint32_t i = 0; i < all->count; i++) {
        if (all->items[i].sequence == sequence) {
            return &all->items[i];
        }
    }
    if (all->count == COMMIT_CEILINGS_MAX) { /* only of sequences that are gone from the rules */
        all->count = 0;
    }
    all->items[all->count] = (struct ceiling){ .sequence = sequence };
    return &all->items[all->count++];
}

int64_t ceiling_take(const struct step *s, const struct sequence_plan *plan, int64_t now_ms)
{
    int64_t share, window_ms = MINUTE_MS, window, passed;
    struct ceiling *c;

    if (plan->per_minute == 0 || s->ceilings == NULL) {
        return now_ms;
    }
    share = plan->per_minute / s->partition_count;
    if (share == 0) {
        share = 1;
        window_ms = (s->partition_count + plan->per_minute - 1) / plan->per_minute * MINUTE_MS;
    }
    c = ceiling_of(s->ceilings, plan->key);
    window = now_ms / window_ms;
    if (window > c->window) {
        passed = window - c->window;
        c->waiting = passed < c->waiting / share ? c->waiting - passed * share : 0;
        c->window = window;
        c->sent = 0;
    }
    if (c->sent < share) {
        c->sent++;
        return now_ms;
    }
    step_count(s, STEP_COUNT_CEILING);
    return (c->window + 1 + c->waiting++ / share) * window_ms;
}
