/* Revenue for reports: an order belongs to the email it names, else to the email of the last human
 * click of the five days before it; and to none otherwise. Goals and experiments do not look at
 * this.
 */
#include "processor/engine/step_work.h"

#define CLICKED_MS (5 * DAY_MS)

static bool is_before(const struct work *w, int64_t at_ms)
{
    return at_ms <= w->event->at_ms && w->event->at_ms - at_ms < CLICKED_MS;
}

static const struct sent *clicked_last(const struct work *w)
{
    const struct sent *best = NULL;
    int64_t best_ms = INSTANT_MIN;

    for (uint32_t i = 0; i < w->c->sent_count; i++) {
        const struct sent *t = &w->c->sent[i];

        for (uint32_t k = 0; k < t->click_count; k++) {
            if (t->clicks[k].at_ms >= best_ms && is_before(w, t->clicks[k].at_ms) &&
                sequence_is_human_click(w, t, &t->clicks[k])) {
                best = t;
                best_ms = t->clicks[k].at_ms;
            }
        }
    }
    return best;
}

static const struct sent *named(const struct work *w)
{
    struct hash128 id;
    const struct sent *t = w->event->email.at != NULL && trigger_id_parse(w->event->email, &id)
                               ? customer_sent(w->c, &id)
                               : NULL;

    return t != NULL && t->sent_at_ms <= w->event->at_ms ? t : NULL;
}

static bool is_ours(const struct work *w)
{
    struct text currency = w->rules->facts.currency;

    return currency.at == NULL || w->event->currency.at == NULL ||
           text_equal(currency, w->event->currency);
}

void revenue_event(const struct work *w)
{
    const struct event *ev = w->event;
    const struct sequence_plan *s;
    const struct email_plan *e;
    const struct sent *t;
    uint32_t index;

    if (w->s->counters == NULL || ev->kind != EVENT_PURCHASE || w->is_known_order ||
        !ev->has_amount || ev->amount <= 0 || !is_ours(w)) {
        return;
    }
    count_order(w, ev->amount);
    t = named(w);
    t = t == NULL ? clicked_last(w) : t;
    s = t == NULL ? NULL : rules_sequence(w->rules, t->sequence);
    e = s == NULL ? NULL : rules_email(s, t->email, &index);
    if (e != NULL) {
        count_revenue(w, s->id, e->id, ev->amount);
    }
}
