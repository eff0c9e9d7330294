/* DESIGN. Send window and quiet hours of a week, minute by minute: is any open, and how long is the
 * longest closed stretch? A customer's own zone shifts the week, it does not change it.
 */
#include "processor/base/instant.h"
#include "processor/config/warn.h"

#define DAY_MINUTES  (24 * 60)
#define WEEK_MINUTES (7 * DAY_MINUTES)

static bool is_in_clocks(const struct window_plan *w, int32_t minute)
{
    return w->from_minutes < w->to_minutes ? minute >= w->from_minutes && minute < w->to_minutes
                                           : minute >= w->from_minutes || minute < w->to_minutes;
}

/* The day of an interval that passes midnight is that of its start. */
static bool is_in_window(const struct window_plan *w, int32_t minute_of_week)
{
    int32_t day = minute_of_week / DAY_MINUTES, minute = minute_of_week % DAY_MINUTES;
    bool is_past_midnight = w->from_minutes > w->to_minutes && minute < w->to_minutes;

    if (is_past_midnight) {
        day = (day + 6) % 7;
    }
    return (w->days >> day & 1) != 0 && is_in_clocks(w, minute);
}

/* The longest closed stretch in minutes; WEEK_MINUTES: never open. */
static int32_t longest_closed(const struct window_plan *window, const struct window_plan *quiet)
{
    int32_t longest = 0, closed = 0;

    for (int32_t m = 0; m < 2 * WEEK_MINUTES && closed < WEEK_MINUTES; m++) {
        int32_t minute = m % WEEK_MINUTES;
        bool is_open = (!window->is_used || is_in_window(window, minute)) &&
                       (!quiet->is_used || !is_in_clocks(quiet, minute % DAY_MINUTES));

        closed = is_open ? 0 : closed + 1;
        longest = closed > longest ? closed : longest;
    }
    return longest;
}

static void check_closed(struct loader *l, const struct yaml_node *key,
                         const struct window_plan *window)
{
    const struct window_plan *quiet = &l->rules->quiet;
    struct yaml_node *quiet_key = NULL;
    int64_t closed_ms = longest_closed(window, quiet) * MINUTE_MS;
    char closed[INSTANT_TEXT_SIZE], most[INSTANT_TEXT_SIZE];
    struct config_problem *p;

    (void)yaml_get(load_section(l, "limits", YAML_MAP), "quiet_hours", &quiet_key);
    if (closed_ms == WEEK_MINUTES * MINUTE_MS) {
        p = problem_add(l->problems, key->place, "W0203",
                        "it lies within the quiet hours: no email of this sequence ever leaves");
        problem_note(p, quiet_key->place, "the quiet hours are here");
    } else if (closed_ms > l->rules->max_delay_ms) {
        instant_format_duration(closed_ms, closed);
        instant_format_duration(l->rules->max_delay_ms, most);
        problem_hint(problem_add(l->problems, key->place, "W0204",
                                 "closed for %s at a time, longer than `max_delay` (%s)", closed,
                                 most),
                     "an email planned early in that time is suppressed");
    }
}

void warn_limits(struct loader *l)
{
    const struct yaml_node *n = load_section(l, "sequences", YAML_MAP);
    const struct window_plan always = { .is_used = false };
    struct yaml_node *key = NULL;

    if (l->rules->quiet.is_used) {
        (void)yaml_get(load_section(l, "limits", YAML_MAP), "quiet_hours", &key);
        check_closed(l, key, &always);
    }
    for (uint32_t i = 0; i < l->rules->sequence_count; i++) {
        if (l->rules->sequences[i].window.is_used) {
            (void)yaml_get(n->items[i], "send_window", &key);
            check_closed(l, key, &l->rules->sequences[i].window);
        }
    }
}
