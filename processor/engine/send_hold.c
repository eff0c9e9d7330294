/* DESIGN. When an email may leave: send window, quiet hours, caps, a ceiling's slot, until none of
 * them moves it any more. Intervals of clock time are asked of the local time that a clock on the
 * wall shows: so a repeated hour counts both times, and what begins or ends in a gap does so at the
 * first instant after it.
 */
#include "processor/engine/step_work.h"

#define ROUNDS_MAX  400 /* of windows, quiet hours and caps moving one another */
#define STRETCHES   40  /* of equal offset from UTC, looked through for a window */
#define WINDOW_DAYS 8   /* a window that opens at all opens within a week */

static const struct zone *zone_of(const struct work *w)
{
    const struct attribute *a;
    const struct zone *z = NULL;

    if (w->rules->zone_from == NULL) {
        return w->rules->zone;
    }
    a = customer_attribute(w->c, w->rules->zone_from->key);
    if (a != NULL && a->value.type == VALUE_TEXT) {
        z = zone_find(&w->rules->zones, a->value.as.text);
        if (z == NULL) {
            step_count(w->s, STEP_COUNT_ZONE_UNKNOWN);
        }
    }
    return z != NULL ? z : w->rules->zone;
}

static int64_t day_of(int64_t local_ms)
{
    return local_ms >= 0 ? local_ms / DAY_MS : -((DAY_MS - 1 - local_ms) / DAY_MS);
}

static bool is_day(const struct window_plan *p, int64_t day)
{
    return (p->days & (1u << instant_weekday(day))) != 0;
}

/* It may pass midnight: it belongs to the day it begins on. */
static bool is_inside(const struct window_plan *p, int64_t local_ms)
{
    int64_t day = day_of(local_ms), from_ms = p->from_minutes * MINUTE_MS,
            to_ms = p->to_minutes * MINUTE_MS, of_day_ms = local_ms - day * DAY_MS;

    if (from_ms < to_ms) {
        return of_day_ms >= from_ms && of_day_ms < to_ms && is_day(p, day);
    }
    return (of_day_ms >= from_ms && is_day(p, day)) || (of_day_ms < to_ms && is_day(p, day - 1));
}

/* The next local time after this one at which it opens; never: on no day. */
static int64_t next_opening(const struct window_plan *p, int64_t local_ms)
{
    for (int64_t day = day_of(local_ms), last = day + WINDOW_DAYS; day <= last; day++) {
        int64_t begins_ms = day * DAY_MS + p->from_minutes * MINUTE_MS;

        if (begins_ms > local_ms && is_day(p, day)) {
            return begins_ms;
        }
    }
    return INSTANT_NEVER;
}

static int64_t window_next(const struct window_plan *p, const struct zone *z, int64_t at_ms)
{
    for (int stretch = 0; p->is_used && stretch < STRETCHES; stretch++) {
        int64_t until_ms, opens_ms;
        int64_t offset_ms = zone_offset_ms(z, at_ms, &until_ms);

        if (is_inside(p, at_ms + offset_ms)) {
            return at_ms;
        }
        opens_ms = next_opening(p, at_ms + offset_ms);
        if (opens_ms == INSTANT_NEVER) {
            return INSTANT_NEVER;
        }
        if (opens_ms - offset_ms < until_ms) {
            return opens_ms - offset_ms;
        }
        at_ms = until_ms;
    }
    return at_ms;
}

static int64_t quiet_next(const struct window_plan *p, const struct zone *z, int64_t at_ms)
{
    for (int stretch = 0; p->is_used && stretch < STRETCHES; stretch++) {
        int64_t until_ms;
        int64_t offset_ms = zone_offset_ms(z, at_ms, &until_ms);
        int64_t local_ms = at_ms + offset_ms, day = day_of(local_ms), ends_ms;

        if (!is_inside(p, local_ms)) {
            break;
        }
        ends_ms = day * DAY_MS + p->to_minutes * MINUTE_MS;
        ends_ms += ends_ms <= local_ms ? DAY_MS : 0;
        at_ms = ends_ms - offset_ms < until_ms ? ends_ms - offset_ms : until_ms;
    }
    return at_ms;
}

/* With n sends in a window W allowed: no earlier than W after the n-th newest. */
static int64_t caps_next(const struct work *w, int64_t from_ms)
{
    for (uint32_t i = 0; i < w->rules->cap_count; i++) {
        const struct cap_plan *cap = &w->rules->caps[i];
        int32_t seen = 0;

        for (uint32_t k = w->c->sent_count; k > 0 && seen < cap->count; k--) {
            const struct sent *t = &w->c->sent[k - 1];

            if (!t->is_transactional && ++seen == cap->count &&
                t->sent_at_ms + cap->window_ms > from_ms) {
                from_ms = t->sent_at_ms + cap->window_ms;
            }
        }
    }
    return from_ms;
}

enum hold { HOLD_CAP, HOLD_QUIET_HOURS, HOLD_SEND_WINDOW, HOLD_CEILING, HOLD__COUNT };

static enum reason longest(const int64_t held_ms[HOLD__COUNT])
{
    static const enum reason reasons[HOLD__COUNT] = { REASON_CAP, REASON_QUIET_HOURS,
                                                      REASON_SEND_WINDOW, REASON_CEILING };
    int best = 0;

    for (int i = 1; i < HOLD__COUNT; i++) {
        best = held_ms[i] > held_ms[best] ? i : best;
    }
    return reasons[best];
}

/* How long something that is over at `to_ms` held an email, no longer than the email is held. */
static int64_t held(int64_t from_ms, int64_t to_ms, int64_t last_ms)
{
    to_ms = to_ms < last_ms ? to_ms : last_ms;
    return to_ms > from_ms ? to_ms - from_ms : 0;
}

int64_t send_allowed(const struct work *w, const struct run *r, const struct sequence_plan *s,
                     const struct email_plan *e, int64_t from_ms, enum reason *out_held_by)
{
    const struct zone *z = zone_of(w);
    int64_t held_ms[HOLD__COUNT] = { 0 };
    int64_t at_ms = from_ms, last_ms = from_ms + w->rules->max_delay_ms;

    held_ms[HOLD_CEILING] = r->held_for_ms;
    if (r->held_until_ms != INSTANT_NEVER && r->held_until_ms > at_ms) {
        at_ms = r->held_until_ms;
    }
    for (uint32_t round = 0; round < ROUNDS_MAX && at_ms <= last_ms; round++) {
        int64_t window_ms = window_next(&s->window, z, at_ms);
        int64_t quiet_ms =
            window_ms == INSTANT_NEVER ? window_ms : quiet_next(&w->rules->quiet, z, window_ms);
        int64_t capped_ms =
            quiet_ms == INSTANT_NEVER || e->is_transactional ? quiet_ms : caps_next(w, quiet_ms);

        if (capped_ms == at_ms) {
            break;
        }
        held_ms[HOLD_SEND_WINDOW] += held(at_ms, window_ms, last_ms);
        held_ms[HOLD_QUIET_HOURS] += held(window_ms, quiet_ms, last_ms);
        held_ms[HOLD_CAP] += held(quiet_ms, capped_ms, last_ms);
        at_ms = capped_ms;
    }
    *out_held_by = longest(held_ms);
    return at_ms;
}
