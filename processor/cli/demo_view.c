#include "processor/cli/demo_view.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "schemas/json.h"

#include <stdarg.h>
#include <stdlib.h>

#define FULL_TRIGGERS_MAX 3 /* printed whole when lines are printed */
#define BAR_WIDTH         24
#define LINE_WIDTH        112

struct email_counts {
    int64_t sent;
    int64_t again; /* attempt 2 and later */
    int64_t outcomes[OUTCOME__COUNT];
};

struct demo_view {
    const struct rules *rules;
    FILE *to;
    bool is_screen;
    uint32_t lines; /* drawn last time */
    int64_t counts[OUTPUT_TYPE__COUNT];
    int64_t **members;               /* by segment, then rung; a plain segment has one */
    struct email_counts **emails;    /* by sequence, then email */
    int64_t (*runs)[OUTCOME__COUNT]; /* by sequence */
    struct bytes_out latest;         /* JSON of the latest trigger */
};

struct demo_view *demo_view_new(const struct rules *rules, FILE *to, bool is_screen)
{
    struct demo_view *v = mem_alloc(sizeof(*v));

    v->rules = rules;
    v->to = to;
    v->is_screen = is_screen;
    v->members = mem_alloc(rules->segments.count * sizeof(*v->members));
    for (uint32_t i = 0; i < rules->segments.count; i++) {
        v->members[i] = mem_alloc((rules->segments.segments[i].rung_count + 1) * sizeof(int64_t));
    }
    v->emails = mem_alloc(rules->sequence_count * sizeof(*v->emails));
    v->runs = mem_alloc(rules->sequence_count * sizeof(*v->runs));
    for (uint32_t i = 0; i < rules->sequence_count; i++) {
        v->emails[i] = mem_alloc(rules->sequences[i].email_count * sizeof(struct email_counts));
    }
    if (is_screen) {
        (void)fputs("\033[?25l", to);
    }
    return v;
}

void demo_view_free(struct demo_view *v)
{
    if (v == NULL) {
        return;
    }
    for (uint32_t i = 0; i < v->rules->segments.count; i++) {
        mem_free(v->members[i]);
    }
    for (uint32_t i = 0; i < v->rules->sequence_count; i++) {
        mem_free(v->emails[i]);
    }
    mem_free(v->members);
    mem_free(v->emails);
    mem_free(v->runs);
    bytes_out_fini(&v->latest);
    mem_free(v);
}

static void add_membership(struct demo_view *v, const struct membership_change *m)
{
    int64_t change = m->is_entered ? 1 : -1;

    for (uint32_t i = 0; i < v->rules->segments.count; i++) {
        const struct segment_plan *s = &v->rules->segments.segments[i];

        if (!s->is_ladder && text_equal(s->id, m->segment)) {
            v->members[i][0] += change;
            return;
        }
        for (uint32_t r = 0; r < s->rung_count; r++) {
            if (text_equal(s->rungs[r].id, m->segment)) {
                v->members[i][r] += change;
                return;
            }
        }
    }
}

static int32_t sequence_place(const struct demo_view *v, struct text id)
{
    for (uint32_t i = 0; i < v->rules->sequence_count; i++) {
        if (text_equal(v->rules->sequences[i].id, id)) {
            return (int32_t)i;
        }
    }
    return -1;
}

static struct email_counts *email_counts_of(const struct demo_view *v, struct text sequence,
                                            struct text email)
{
    int32_t place = sequence_place(v, sequence);

    for (uint32_t i = 0; place >= 0 && i < v->rules->sequences[place].email_count; i++) {
        if (text_equal(v->rules->sequences[place].emails[i].id, email)) {
            return &v->emails[place][i];
        }
    }
    return NULL;
}

static void add_trigger(struct demo_view *v, const struct output *o)
{
    struct email_counts *counts = email_counts_of(v, o->as.trigger.sequence, o->as.trigger.email);

    if (counts != NULL) {
        counts->sent += o->as.trigger.attempt == 1;
        counts->again += o->as.trigger.attempt > 1;
    }
    bytes_out_clear(&v->latest);
    json_encode_output(o, &v->latest);
    if (!v->is_screen && v->counts[OUTPUT_TRIGGER] <= FULL_TRIGGERS_MAX) {
        (void)fprintf(v->to, "%.*s", (int)v->latest.size, (const char *)v->latest.at);
    }
}

static void add_outcome(struct demo_view *v, const struct outcome_record *r)
{
    int32_t place = sequence_place(v, r->sequence);

    if (r->email.at != NULL) {
        struct email_counts *counts = email_counts_of(v, r->sequence, r->email);

        if (counts != NULL) {
            counts->outcomes[r->outcome]++;
        }
    } else if (place >= 0) {
        v->runs[place][r->outcome]++;
    }
}

void demo_view_add(struct demo_view *v, const struct output *o)
{
    v->counts[o->type]++;
    switch (o->type) {
    case OUTPUT_TRIGGER:
        add_trigger(v, o);
        break;
    case OUTPUT_MEMBERSHIP:
        add_membership(v, &o->as.membership);
        break;
    case OUTPUT_OUTCOME:
        add_outcome(v, &o->as.outcome);
        break;
    case OUTPUT_DEAD_LETTER:
    case OUTPUT_TYPE__COUNT:
        break;
    }
}

int64_t demo_view_triggers(const struct demo_view *v)
{
    return v->counts[OUTPUT_TRIGGER];
}

/* One line of the screen: cleared to its end, counted for the next redraw. */
__attribute__((format(printf, 2, 3))) static void line(struct demo_view *v, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vfprintf(v->to, format, arguments);
    va_end(arguments);
    (void)fputs(v->is_screen ? "\033[K\n" : "\n", v->to);
    v->lines++;
}

static void draw_ladder(struct demo_view *v, uint32_t place)
{
    static const char bar[] = "########################";
    const struct segment_plan *s = &v->rules->segments.segments[place];
    int64_t most = 1;

    for (uint32_t r = 0; r < s->rung_count; r++) {
        most = v->members[place][r] > most ? v->members[place][r] : most;
    }
    line(v, "  %.*s", TEXT_PRINTF(s->id));
    for (uint32_t r = 0; r < s->rung_count; r++) {
        int64_t members = v->members[place][r];

        if (s->is_from_rfm && members == 0) {
            continue; /* thirteen names: show those that somebody has */
        }
        line(v, "    %-20.*s %6lld  \033[36m%.*s\033[0m", TEXT_PRINTF(s->rungs[r].name),
             (long long)members, (int)(members * BAR_WIDTH / most), bar);
    }
}

static void draw_segments(struct demo_view *v)
{
    for (uint32_t i = 0; i < v->rules->segments.count; i++) {
        const struct segment_plan *s = &v->rules->segments.segments[i];

        if (s->is_ladder) {
            draw_ladder(v, i);
        } else {
            line(v, "  %-22.*s %6lld  %s", TEXT_PRINTF(s->id), (long long)v->members[i][0],
                 dimension_name(s->dimension));
        }
    }
}

static void draw_sequence(struct demo_view *v, uint32_t place)
{
    const struct sequence_plan *s = &v->rules->sequences[place];
    const int64_t *run = v->runs[place];

    line(v,
         "%s%.*s%s  entered %lld   converted %lld   moved %lld   completed %lld   unsubscribed %lld"
         "   bounced %lld   stopped %lld",
         v->is_screen ? "\033[1m" : "", TEXT_PRINTF(s->id), v->is_screen ? "\033[0m" : "",
         (long long)run[OUTCOME_ENTERED], (long long)run[OUTCOME_CONVERTED],
         (long long)run[OUTCOME_MOVED], (long long)run[OUTCOME_COMPLETED],
         (long long)run[OUTCOME_UNSUBSCRIBED], (long long)run[OUTCOME_BOUNCED],
         (long long)run[OUTCOME_STOPPED]);
    line(v, "  %-12s %6s %6s   %14s %14s %14s %10s", "email", "sent", "again", "no engagement",
         "opened only", "clicked only", "converted");
    for (uint32_t i = 0; i < s->email_count; i++) {
        const struct email_counts *c = &v->emails[place][i];

        line(v, "  %-12.*s %6lld %6lld   %14lld %14lld %14lld %10lld", TEXT_PRINTF(s->emails[i].id),
             (long long)c->sent, (long long)c->again, (long long)c->outcomes[OUTCOME_NO_ENGAGEMENT],
             (long long)c->outcomes[OUTCOME_OPENED_NOT_CLICKED],
             (long long)c->outcomes[OUTCOME_CLICKED_NOT_CONVERTED],
             (long long)c->outcomes[OUTCOME_CONVERTED]);
    }
}

static void draw_screen(struct demo_view *v, const struct demo_status *status, const char *date,
                        int64_t day)
{
    if (v->lines > 0) {
        (void)fprintf(v->to, "\033[%uA", v->lines);
    }
    v->lines = 0;
    line(v, "\033[1msegstream demo\033[0m   day %lld of %lld, %s   %u shoppers, seed %llu   %s",
         (long long)day, (long long)status->days, date, status->shoppers,
         (unsigned long long)status->seed,
         status->is_catching_up ? "the story is told; reading the rest" : "Ctrl-C ends it");
    line(v,
         "events %lld (%.0f/s)   triggers %lld   membership changes %lld   outcomes %lld   dead "
         "letters %lld",
         (long long)status->events, status->events_per_second, (long long)v->counts[OUTPUT_TRIGGER],
         (long long)v->counts[OUTPUT_MEMBERSHIP], (long long)v->counts[OUTPUT_OUTCOME],
         (long long)v->counts[OUTPUT_DEAD_LETTER]);
    line(v, "%s", "");
    draw_segments(v);
    for (uint32_t i = 0; i < v->rules->sequence_count; i++) {
        line(v, "%s", "");
        draw_sequence(v, i);
    }
    line(v, "%s", "");
    line(v, "latest trigger");
    for (size_t at = 0; at + 1 < v->latest.size; at += LINE_WIDTH) {
        size_t left = v->latest.size - 1 - at; /* without the newline */

        line(v, "  %.*s", (int)(left < LINE_WIDTH ? left : LINE_WIDTH),
             (const char *)v->latest.at + at);
    }
    (void)fputs("\033[J", v->to);
}

void demo_view_draw(struct demo_view *v, const struct demo_status *status)
{
    int64_t day = (status->now_ms - status->start_ms) / DAY_MS + 1;
    char date[INSTANT_TEXT_SIZE];

    CHECK(status->days > 0);
    day = day < 1 ? 1 : day > status->days ? status->days : day;
    instant_format_date(instant_floor_days(status->start_ms) + day - 1, date);
    if (v->is_screen) {
        draw_screen(v, status, date, day);
    } else {
        (void)fprintf(
            v->to,
            "day %lld (%s)  events %lld (%.0f/s)  triggers %lld  memberships %lld  outcomes %lld\n",
            (long long)day, date, (long long)status->events, status->events_per_second,
            (long long)v->counts[OUTPUT_TRIGGER], (long long)v->counts[OUTPUT_MEMBERSHIP],
            (long long)v->counts[OUTPUT_OUTCOME]);
    }
    (void)fflush(v->to);
}

void demo_view_end(struct demo_view *v)
{
    if (v->is_screen) {
        (void)fputs("\033[?25h", v->to);
    } else {
        for (uint32_t i = 0; i < v->rules->sequence_count; i++) {
            draw_sequence(v, i);
        }
    }
    (void)fflush(v->to);
}
