#include "processor/cli/backtest_summary.h"

#include "processor/base/instant.h"
#include "processor/base/mem.h"

struct moves { /* of a segment or rung */
    int64_t entered, left;
};

struct funnel { /* of an email, or (index email_count) of the runs */
    int64_t sent, outcomes[OUTCOME__COUNT];
    int64_t wait_ms; /* planned to sent, all together */
};

struct summary {
    const struct rules *rules;
    struct moves **moves;    /* by segment, by rung (index 0: the segment) */
    struct funnel **funnels; /* by sequence, by email */
    int64_t dead_letters[REJECT__COUNT];
    int64_t first_ms, last_ms;
};

struct summary *summary_new(const struct rules *rules)
{
    struct summary *s = mem_alloc(sizeof(*s));

    s->rules = rules;
    s->first_ms = INSTANT_NEVER;
    s->last_ms = INSTANT_MIN;
    s->moves = mem_alloc(rules->segments.count * sizeof(struct moves *));
    for (uint32_t i = 0; i < rules->segments.count; i++) {
        s->moves[i] =
            mem_alloc((rules->segments.segments[i].rung_count + 1) * sizeof(struct moves));
    }
    s->funnels = mem_alloc(rules->sequence_count * sizeof(struct funnel *));
    for (uint32_t i = 0; i < rules->sequence_count; i++) {
        s->funnels[i] = mem_alloc((rules->sequences[i].email_count + 1) * sizeof(struct funnel));
    }
    return s;
}

void summary_free(struct summary *s)
{
    for (uint32_t i = 0; i < s->rules->segments.count; i++) {
        mem_free(s->moves[i]);
    }
    for (uint32_t i = 0; i < s->rules->sequence_count; i++) {
        mem_free(s->funnels[i]);
    }
    mem_free(s->moves);
    mem_free(s->funnels);
    mem_free(s);
}

static void count_move(struct summary *s, const struct membership_change *m)
{
    for (uint32_t i = 0; i < s->rules->segments.count; i++) {
        const struct segment_plan *p = &s->rules->segments.segments[i];

        for (uint32_t r = 0; r <= p->rung_count; r++) {
            if (text_equal(r == 0 ? p->id : p->rungs[r - 1].id, m->segment)) {
                s->moves[i][r].entered += m->is_entered;
                s->moves[i][r].left += !m->is_entered;
                return;
            }
        }
    }
}

static struct funnel *find_funnel(const struct summary *s, struct text sequence, struct text email)
{
    for (uint32_t i = 0; i < s->rules->sequence_count; i++) {
        const struct sequence_plan *p = &s->rules->sequences[i];
        uint32_t e = 0;

        if (!text_equal(p->id, sequence)) {
            continue;
        }
        while (e < p->email_count && (email.at == NULL || !text_equal(p->emails[e].id, email))) {
            e++;
        }
        return &s->funnels[i][e];
    }
    return NULL;
}

void summary_add(struct summary *s, const struct output *o)
{
    struct funnel *f;

    s->first_ms = o->at_ms < s->first_ms ? o->at_ms : s->first_ms;
    s->last_ms = o->at_ms > s->last_ms ? o->at_ms : s->last_ms;
    switch (o->type) {
    case OUTPUT_TRIGGER:
        f = find_funnel(s, o->as.trigger.sequence, o->as.trigger.email);
        if (f != NULL) {
            f->sent++;
            f->wait_ms += o->as.trigger.sent_at_ms - o->as.trigger.planned_at_ms;
        }
        break;
    case OUTPUT_MEMBERSHIP:
        count_move(s, &o->as.membership);
        break;
    case OUTPUT_OUTCOME:
        f = find_funnel(s, o->as.outcome.sequence, o->as.outcome.email);
        if (f != NULL) {
            f->outcomes[o->as.outcome.outcome]++;
        }
        break;
    case OUTPUT_DEAD_LETTER:
        s->dead_letters[o->as.dead_letter.reason]++;
        break;
    case OUTPUT_TYPE__COUNT:
        break;
    }
}

/* Entries first, then what became of them; before the first so many blanks. */
static void print_outcomes(const struct funnel *f, int blanks, FILE *to)
{
    for (int i = -1; i < OUTCOME__COUNT; i++) {
        int outcome = i == -1 ? OUTCOME_ENTERED : i;

        if (f->outcomes[outcome] > 0 && i != OUTCOME_ENTERED) {
            fprintf(to, "%*s  %s %lld", blanks, "", outcome_name((enum outcome)outcome),
                    (long long)f->outcomes[outcome]);
            blanks = 0;
        }
    }
    fputc('\n', to);
}

static void print_moves(const struct summary *s, FILE *to)
{
    if (s->rules->segments.count > 0) {
        fprintf(to, "\n%-40s %10s %10s %10s\n", "segment", "now", "entered", "left");
    }
    for (uint32_t i = 0; i < s->rules->segments.count; i++) {
        const struct segment_plan *p = &s->rules->segments.segments[i];

        for (uint32_t r = p->is_ladder ? 1 : 0; r <= p->rung_count; r++) {
            const struct moves *m = &s->moves[i][r];
            struct text id = r == 0 ? p->id : p->rungs[r - 1].id;

            fprintf(to, "%-40.*s %10lld %10lld %10lld\n", TEXT_PRINTF(id),
                    (long long)(m->entered - m->left), (long long)m->entered, (long long)m->left);
        }
    }
}

static void print_funnels(const struct summary *s, FILE *to)
{
    for (uint32_t i = 0; i < s->rules->sequence_count; i++) {
        const struct sequence_plan *p = &s->rules->sequences[i];

        fprintf(to, "\nsequence %-31.*s %10s %10s  outcomes\n  runs", TEXT_PRINTF(p->id), "sent",
                "held");
        print_outcomes(&s->funnels[i][p->email_count], 56, to);
        for (uint32_t e = 0; e < p->email_count; e++) {
            const struct funnel *f = &s->funnels[i][e];
            int64_t held_ms = f->sent > 0 ? f->wait_ms / f->sent / MINUTE_MS * MINUTE_MS : 0;
            char held[INSTANT_TEXT_SIZE] = "-"; /* planned to sent, on average */

            if (held_ms > 0) {
                instant_format_duration(held_ms, held);
            }
            fprintf(to, "  %-38.*s %10lld %10s", TEXT_PRINTF(p->emails[e].id), (long long)f->sent,
                    held);
            print_outcomes(f, 0, to);
        }
    }
}

/* --- experiments --- */

/* Of one arm: the sum over all days of what is counted under that name. */
static int64_t sum_of_arm(const struct counters *c, const struct experiment_plan *x,
                          struct text arm, const char *what)
{
    char prefix[COUNTERS_NAME_SIZE], suffix[64];
    const struct text begin = { prefix,
                                text_format(prefix, sizeof(prefix), "experiment/%.*s/%d/%.*s/day/",
                                            TEXT_PRINTF(x->id), x->version, TEXT_PRINTF(arm)) };
    const struct text end = { suffix, text_format(suffix, sizeof(suffix), "/%s", what) };
    const struct counter *one;
    size_t cursor = 0;
    int64_t sum = 0;

    while ((one = map_next(&c->by_name, &cursor)) != NULL) {
        sum +=
            text_starts_with(one->name, begin) && text_ends_with(one->name, end) ? one->value : 0;
    }
    return sum;
}

static void print_experiments(const struct rules *rules, const struct counters *c, FILE *to)
{
    static const char *const counted[] = { "exposed", "converted", "unsubscribed", "complained" };

    for (uint32_t i = 0; i < rules->experiment_count; i++) {
        const struct experiment_plan *x = &rules->experiments[i];

        fprintf(to, "\nexperiment %.*s, version %d\n", TEXT_PRINTF(x->id), x->version);
        for (uint32_t a = 0; a < x->arms.count; a++) {
            struct text arm = x->arms.arms[a].name;

            fprintf(to, "  %-16.*s", TEXT_PRINTF(arm));
            for (size_t k = 0; k < sizeof(counted) / sizeof(counted[0]); k++) {
                fprintf(to, " %s %lld", counted[k], (long long)sum_of_arm(c, x, arm, counted[k]));
            }
            fputc('\n', to);
        }
    }
}

void summary_print(const struct summary *s, const struct timeline *t, FILE *to)
{
    char first[INSTANT_TEXT_SIZE] = "-", last[INSTANT_TEXT_SIZE] = "-";
    size_t cursor = 0, customers = 0;
    struct text id;

    while (timeline_next(t, &cursor, &id) != NULL) {
        customers++;
    }
    if (s->first_ms <= s->last_ms) {
        instant_format(s->first_ms, first);
        instant_format(s->last_ms, last);
    }
    fprintf(to, "%zu customer%s; decisions from %s to %s\n", customers, customers == 1 ? "" : "s",
            first, last);
    print_moves(s, to);
    print_funnels(s, to);
    print_experiments(s->rules, timeline_counters(t), to);
    for (int i = 0; i < REJECT__COUNT; i++) {
        if (s->dead_letters[i] > 0) {
            fprintf(to, "\ndead letters: %s %lld", reject_name((enum reject)i),
                    (long long)s->dead_letters[i]);
        }
    }
    fputc('\n', to);
}
