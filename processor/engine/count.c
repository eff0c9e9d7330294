/* What reports count: one line per thing counted, under the names of schemas/counters.h. */
#include "processor/engine/step_work.h"

#include "processor/base/check.h"

#define PARTS_MAX 10

/* So many segments have pairs worth counting; of more the pairs would be all that is counted. */
#define OVERLAPS_MAX 48

/* The parts joined by '/', or nothing when nobody counts. */
static void count(const struct work *w, const struct text *parts, uint32_t part_count, int64_t by)
{
    char room[COUNTERS_NAME_SIZE];
    size_t size = 0;

    if (w->s->counters == NULL) {
        return;
    }
    counters_turn(w->s->counters, instant_floor_days(w->now_ms));
    for (uint32_t i = 0; i < part_count; i++) {
        CHECK(size + 1 + parts[i].size < sizeof(room));
        if (i > 0) {
            room[size++] = '/';
        }
        memcpy(room + size, parts[i].at, parts[i].size);
        size += parts[i].size;
    }
    counters_add(w->s->counters, (struct text){ room, size }, by);
}

#define COUNT_BY(w, by, ...)                                                                       \
    count(w, (const struct text[]){ __VA_ARGS__ },                                                 \
          sizeof((const struct text[]){ __VA_ARGS__ }) / sizeof(struct text), by)
#define COUNT(w, ...) COUNT_BY(w, 1, __VA_ARGS__)

void count_membership(const struct work *w, struct text segment, bool is_entered)
{
    int64_t now_s = w->now_ms / SECOND_MS;

    COUNT(w, TEXT("segment"), segment, is_entered ? TEXT("entered") : TEXT("left"));
    COUNT_BY(w, is_entered ? -now_s : now_s, TEXT("segment"), segment, TEXT("member_s"));
}

static void count_pair(const struct work *w, struct text a, struct text b, int64_t by)
{
    bool is_in_order = text_compare(a, b) < 0;

    COUNT_BY(w, by, TEXT("overlap"), is_in_order ? a : b, is_in_order ? b : a);
}

/* Ids that a configuration can put a customer into. */
static bool has_overlaps(const struct segments_plan *plan)
{
    uint32_t ids = 0;

    for (uint32_t i = 0; i < plan->count && ids <= OVERLAPS_MAX; i++) {
        ids += plan->segments[i].is_ladder ? plan->segments[i].rung_count : 1;
    }
    return ids <= OVERLAPS_MAX;
}

static bool is_among(const struct text *ids, uint32_t count, struct text id)
{
    for (uint32_t i = 0; i < count; i++) {
        if (ids[i].at == id.at || text_equal(ids[i], id)) {
            return true;
        }
    }
    return false;
}

void count_overlaps(const struct work *w, const struct text *left, uint32_t left_count,
                    const struct text *entered, uint32_t entered_count, const struct text *now,
                    uint32_t now_count)
{
    if (w->s->counters == NULL || !has_overlaps(&w->rules->segments)) {
        return;
    }
    for (uint32_t i = 0; i < entered_count; i++) {
        for (uint32_t k = 0; k < now_count; k++) { /* of two that were entered one counts both */
            if (!text_equal(entered[i], now[k]) && !is_among(entered, i, now[k])) {
                count_pair(w, entered[i], now[k], 1);
            }
        }
    }
    for (uint32_t i = 0; i < left_count; i++) {
        for (uint32_t k = i + 1; k < left_count; k++) {
            count_pair(w, left[i], left[k], -1);
        }
        for (uint32_t k = 0; k < now_count; k++) {
            if (!is_among(entered, entered_count, now[k])) {
                count_pair(w, left[i], now[k], -1);
            }
        }
    }
}

void count_content(const struct work *w, struct text slot, struct text id, struct text segment,
                   struct text what)
{
    if (id.size <= CONTENT_ID_COUNTED_MAX) {
        COUNT(w, TEXT("content"), slot, id, segment, what);
    }
}

void count_revenue(const struct work *w, struct text sequence, struct text email, int64_t amount)
{
    COUNT(w, TEXT("email"), sequence, email, TEXT("orders"));
    COUNT_BY(w, amount, TEXT("email"), sequence, email, TEXT("revenue"));
}

void count_order(const struct work *w, int64_t amount)
{
    COUNT(w, TEXT("revenue"), TEXT("orders"));
    COUNT_BY(w, amount, TEXT("revenue"), TEXT("amount"));
}

void count_outcome(const struct work *w, const struct outcome_record *o)
{
    struct text outcome = text_of(outcome_name(o->outcome));

    if (o->email.at != NULL) {
        COUNT(w, TEXT("email"), o->sequence, o->email, outcome);
    } else if (o->is_held_out) {
        COUNT(w, TEXT("sequence"), o->sequence, TEXT("holdout"), outcome);
    } else {
        COUNT(w, TEXT("sequence"), o->sequence, outcome);
    }
}

void count_sent(const struct work *w, const struct trigger *t)
{
    COUNT(w, TEXT("email"), t->sequence, t->email, TEXT("sent"));
}

void count_day(const struct work *w, const struct experiment_plan *x, struct text arm, int64_t day,
               const char *what)
{
    char date[INSTANT_TEXT_SIZE];

    instant_format_date(day, date);
    COUNT(w, TEXT("experiment"), x->id, x->version_text, arm, TEXT("day"), text_of(date),
          text_of(what));
}

void count_week(const struct work *w, const struct experiment_plan *x, struct text arm, int64_t day,
                struct text segment, const char *what)
{
    char monday[INSTANT_TEXT_SIZE];

    instant_format_date(day - (instant_weekday(day) + 6) % 7, monday);
    COUNT(w, TEXT("experiment"), x->id, x->version_text, arm, TEXT("week"), text_of(monday),
          segment, text_of(what));
}
