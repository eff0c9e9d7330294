/* What reports count: one line per thing counted, under the names of schemas/counters.h. */
#include "processor/engine/step_work.h"

#include "processor/base/check.h"

#define PARTS_MAX 10

/* The parts joined by '/', or nothing when nobody counts. */
static void count(const struct work *w, const struct text *parts, uint32_t part_count)
{
    char room[COUNTERS_NAME_SIZE];
    size_t size = 0;

    if (w->s->counters == NULL) {
        return;
    }
    for (uint32_t i = 0; i < part_count; i++) {
        CHECK(size + 1 + parts[i].size < sizeof(room));
        if (i > 0) {
            room[size++] = '/';
        }
        memcpy(room + size, parts[i].at, parts[i].size);
        size += parts[i].size;
    }
    counters_add(w->s->counters, (struct text){ room, size }, 1);
}

#define COUNT(w, ...)                                                                              \
    count(w, (const struct text[]){ __VA_ARGS__ },                                                 \
          sizeof((const struct text[]){ __VA_ARGS__ }) / sizeof(struct text))

void count_membership(const struct work *w, struct text segment, bool is_entered)
{
    COUNT(w, TEXT("segment"), segment, is_entered ? TEXT("entered") : TEXT("left"));
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
