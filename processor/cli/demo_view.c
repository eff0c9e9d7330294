#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/cli/demo_view_parts.h"
#include "schemas/json.h"

#define FULL_TRIGGERS_MAX 3 /* printed whole when lines are printed */

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

/* c-17  nurture.guide  (opened_not_clicked)  subject s-guide, hook h-plain */
static void remember_trigger(struct demo_view *v, struct text customer, const struct trigger *t)
{
    char *out = v->recent[v->recent_count++ % DEMO_RECENT_TRIGGERS];
    size_t used =
        text_format(out, DEMO_TRIGGER_TEXT, "%-8.*s %.*s.%.*s%s  (%s)  ", TEXT_PRINTF(customer),
                    TEXT_PRINTF(t->sequence), TEXT_PRINTF(t->email), t->attempt > 1 ? " again" : "",
                    outcome_name(t->reason));

    for (uint32_t i = 0; i < t->content_count; i++) {
        used += text_format(out + used, DEMO_TRIGGER_TEXT - used, "%s%.*s %.*s", i > 0 ? ", " : "",
                            TEXT_PRINTF(t->content[i].name), TEXT_PRINTF(t->content[i].value));
    }
}

static void add_trigger(struct demo_view *v, const struct output *o)
{
    struct email_counts *counts = email_counts_of(v, o->as.trigger.sequence, o->as.trigger.email);

    if (counts != NULL) {
        counts->sent += o->as.trigger.attempt == 1;
        counts->again += o->as.trigger.attempt > 1;
    }
    remember_trigger(v, o->customer, &o->as.trigger);
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

void demo_view_draw(struct demo_view *v, const struct demo_status *status)
{
    int64_t day = (status->now_ms - status->start_ms) / DAY_MS + 1;
    char date[INSTANT_TEXT_SIZE];

    CHECK(status->days > 0);
    day = day < 1 ? 1 : day > status->days ? status->days : day;
    instant_format_date(instant_floor_days(status->start_ms) + day - 1, date);
    if (v->is_screen) {
        demo_screen_draw(v, status, date, day);
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
        struct bytes_out lines = { 0 };

        for (uint32_t i = 0; i < v->rules->sequence_count; i++) {
            demo_screen_sequence(v, i, &lines);
        }
        (void)fwrite(lines.at, 1, lines.size, v->to);
        bytes_out_fini(&lines);
    }
    (void)fflush(v->to);
}
