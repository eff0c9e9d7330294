#include "processor/base/instant.h"
#include "processor/report/experiment.h"

#include <math.h>

#define DAYS_MIN 7 /* a week has all its weekdays */

struct text experiment_next(const struct experiment *x, struct arena *arena)
{
    const struct read_out *r = &x->read;
    struct text winner = x->trial.arms[r->winner].name;

    if (x->is_harmful) {
        return TEXT("an arm does more harm than its guard allows: take it out (a new version "
                    "without it), and look at what it says");
    }
    switch (r->verdict) {
    case VERDICT_INVALID:
        return TEXT("the arms do not get the customers their weights say: find out why (who is "
                    "kept from an email, and in which arm?) and begin anew with a new version");
    case VERDICT_WINNER:
        if (x->days < DAYS_MIN) {
            return arena_format(arena,
                                "wait until it has run for %d full days, then use %.*s for all",
                                DAYS_MIN, TEXT_PRINTF(winner));
        }
        return arena_format(arena,
                            "use %.*s for 90 %% under a new version, the other arm for 10 %% for "
                            "two weeks to see that it holds, then for all; add it to the journal",
                            TEXT_PRINTF(winner));
    case VERDICT_NONE:
        return TEXT("the sample is reached and the difference is not there, or smaller than was "
                    "planned for: keep the control and test something bolder");
    case VERDICT_INCONCLUSIVE:
        if (x->needed > 0) {
            return arena_format(arena, "go on: %lld more customers in the arm that lacks most",
                                (long long)x->needed);
        }
        return TEXT("go on; a `plan` would say how many customers it needs");
    }
    return TEXT("");
}

/* --- the section --- */

static void say_arms(const struct experiment *x, struct section *s)
{
    for (uint32_t i = 0; i < x->trial.arm_count; i++) {
        const struct trial_arm *a = &x->trial.arms[i];
        const struct comparison *c = &x->read.comparisons[i];

        section_text(s, a->name);
        section_count(s, a->rate.count);
        section_count(s, a->rate.hits);
        section_rate(s, a->rate.hits, a->rate.count);
        section_interval(s, x->read.wilson[i].low, x->read.wilson[i].high);
        if (i == 0) {
            for (int k = 0; k < 5; k++) {
                section_none(s);
            }
        } else {
            section_interval(s, c->newcombe.low, c->newcombe.high);
            section_number(s, c->z);
            section_number(s, c->p);
            section_number(s, exp(fmin(c->ln_e, 690)));
            section_number(s, c->anytime_p);
        }
        section_rate(s, x->arms[i].unsubscribed, a->rate.count);
        section_rate(s, x->arms[i].complained, a->rate.count);
    }
}

static void say_size(const struct report *r, const struct experiment *x, struct section *s)
{
    const struct trial_arm *a = &x->trial.arms[0], *b = &x->trial.arms[x->leader];
    const struct comparison *c = &x->read.comparisons[x->leader];
    double pa = statistics_rate(a->rate), pb = statistics_rate(b->rate);

    if (pa > 0 && b->rate.count > 0) {
        section_note(r->document, s,
                     "%.*s beside %.*s: %+.2f points (%+.0f%%); the ratio of the rates is %.2f to "
                     "%.2f at every look",
                     TEXT_PRINTF(b->name), TEXT_PRINTF(a->name), 100 * (pb - pa),
                     100 * (pb / pa - 1), c->ratio.low, fmin(c->ratio.high, 999.0));
    }
    if (x->arms[0].settled.count > 0 && x->arms[x->leader].settled.count > 0) {
        section_note(r->document, s,
                     "of those whose time for a success has passed: %.2f%% of %lld, %.2f%% of %lld",
                     100 * statistics_rate(x->arms[0].settled), (long long)x->arms[0].settled.count,
                     100 * statistics_rate(x->arms[x->leader].settled),
                     (long long)x->arms[x->leader].settled.count);
    }
    if (x->strata_count > 1) {
        section_note(r->document, s,
                     "weeks and rungs kept apart (Mantel-Haenszel): odds ratio %.2f (%.2f to "
                     "%.2f), p %.3g",
                     x->effect.odds_ratio, x->effect.odds.low, fmin(x->effect.odds.high, 999.0),
                     x->effect.p);
    }
}

static void say_segments(const struct report *r, const struct experiment *x, struct section *s)
{
    bool is_any = false;

    for (uint32_t i = 0; i < x->split_count && x->splits[i].p < 0.05; i++) {
        const struct experiment_split *split = &x->splits[i];

        is_any = true;
        for (uint32_t k = 0; k < split->group_count; k++) {
            const struct experiment_group *g = &split->groups[k];

            section_note(r->document, s, "exploratory, by %.*s (p %.3g): %.*s %+.2f points",
                         TEXT_PRINTF(split->name), split->p, TEXT_PRINTF(g->name),
                         100 * (statistics_rate(g->rates.b) - statistics_rate(g->rates.a)));
        }
    }
    if (!is_any) {
        section_note(r->document, s, "%s",
                     x->split_count > 0 ? "by segment: no difference that can be told from chance"
                                        : "by segment: too few conversions to look");
    }
}

static void say_guards(const struct report *r, const struct experiment *x, struct section *s)
{
    static const char *const words[] = { "within", "not yet surely within", "surely beyond" };

    for (uint32_t i = 1; i < x->trial.arm_count; i++) {
        struct text name = x->trial.arms[i].name;

        if (x->plan->aims.guard_unsubscribe >= 0) {
            section_note(r->document, s, "guard: unsubscribes of %.*s are %s the margin",
                         TEXT_PRINTF(name), words[x->arms[i].unsubscribes]);
        }
        if (x->plan->aims.guard_complaint >= 0) {
            section_note(r->document, s, "guard: complaints of %.*s are %s the margin",
                         TEXT_PRINTF(name), words[x->arms[i].complaints]);
        }
    }
}

static void say_plan(const struct report *r, const struct experiment *x, struct section *s)
{
    const struct trial_arm *a = &x->trial.arms[0];
    const struct experiment_aims *aims = &x->plan->aims;

    section_note(r->document, s, "split check: p %.3g (%s), at every look e^%.1f", x->read.split_p,
                 x->read.split_p < TRIAL_SPLIT_ALPHA ? "not what the weights say" : "ok",
                 x->read.split_ln_e);
    if (a->planned > 0) {
        section_note(r->document, s,
                     "sample: %lld of %lld in the first arm; with that many a rise "
                     "to %.2f%% would be seen",
                     (long long)a->rate.count, (long long)a->planned,
                     100 * statistics_detectable((double)aims->baseline / 1e4,
                                                 a->rate.count > 0 ? (double)a->rate.count : 1,
                                                 aims->alpha, aims->power));
    }
    if (aims->benchmark >= 0) {
        section_note(r->document, s, "benchmark %.2f%%", (double)aims->benchmark / 100);
    }
}

static void say(const struct report *r, const struct experiment_plan *plan)
{
    struct arena *arena = &r->document->arena;
    struct experiment x;
    struct section *s;

    experiment_read(r, plan, arena, &x);
    s = document_section(
        r->document, "experiment",
        arena_format(arena, "Experiment %.*s, version %d: %s%s%.*s", TEXT_PRINTF(plan->id),
                     plan->version, verdict_name(x.read.verdict),
                     x.read.verdict == VERDICT_WINNER ? " " : "",
                     TEXT_PRINTF(x.read.verdict == VERDICT_WINNER ? x.trial.arms[x.read.winner].name
                                                                  : TEXT(""))));
    section_column(s, "arm", "arm", false);
    section_column(s, "exposed", "exposed", false);
    section_column(s, "converted", "converted", false);
    section_column(s, "rate", "rate", false);
    section_column(s, "wilson", "interval", false);
    section_column(s, "newcombe", "difference", false);
    section_column(s, "z", "z", false);
    section_column(s, "p", "p", false);
    section_column(s, "evalue", "e-value", false);
    section_column(s, "anytime_p", "anytime p", false);
    section_column(s, "unsubscribed", "unsubscribed", false);
    section_column(s, "complained", "complained", false);
    say_arms(&x, s);
    if (plan->aims.hypothesis.at != NULL) {
        section_note(r->document, s, "hypothesis: %.*s", TEXT_PRINTF(plan->aims.hypothesis));
    }
    say_plan(r, &x, s);
    say_size(r, &x, s);
    say_segments(r, &x, s);
    say_guards(r, &x, s);
    section_note(r->document, s, "next: %.*s", TEXT_PRINTF(experiment_next(&x, arena)));
}

void report_experiments(const struct report *r)
{
    for (uint32_t i = 0; i < r->rules->experiment_count; i++) {
        if (r->rules->experiments[i].arms.count >= 2) {
            say(r, &r->rules->experiments[i]);
        }
    }
}

void report_all(const struct report *r)
{
    char at[INSTANT_TEXT_SIZE], from[INSTANT_TEXT_SIZE];
    struct document *d = r->document;

    d->title = arena_format(&d->arena, "Report of %.*s", TEXT_PRINTF(r->rules->app));
    d->currency = r->rules->facts.currency;
    d->at_ms = r->now_ms;
    instant_format(r->now_ms, at);
    d->subtitle =
        arena_format(&d->arena, "as of %s, rules %.*s", at, TEXT_PRINTF(r->rules->config_hex));
    if (r->tally->since_day != TALLY_EVER) {
        instant_format_date(r->tally->from_day, from);
        d->subtitle =
            arena_format(&d->arena,
                         "as of %s, rules %.*s; moves, funnels, content and revenue since "
                         "%s, experiments as a whole",
                         at, TEXT_PRINTF(r->rules->config_hex), from);
    }
    report_segments(r);
    report_sequences(r);
    report_content(r);
    report_experiments(r);
}

/* --- the journal --- */

static void journal_result(const struct experiment *x, FILE *to)
{
    for (uint32_t i = 0; i < x->trial.arm_count; i++) {
        const struct trial_arm *a = &x->trial.arms[i];

        fprintf(to, "- %.*s: %lld of %lld, %.2f%% (%.2f%% to %.2f%%)", TEXT_PRINTF(a->name),
                (long long)a->rate.hits, (long long)a->rate.count, 100 * statistics_rate(a->rate),
                100 * x->read.wilson[i].low, 100 * x->read.wilson[i].high);
        if (i > 0) {
            fprintf(to, ", anytime p %.3g", x->read.comparisons[i].anytime_p);
        }
        fputc('\n', to);
    }
}

static void journal_learning(const struct experiment *x, FILE *to)
{
    const struct trial_arm *a = &x->trial.arms[0], *b = &x->trial.arms[x->leader];

    switch (x->read.verdict) {
    case VERDICT_WINNER:
        fprintf(to, "%s: %.*s is better.\n",
                x->read.winner > 0 ? "The hypothesis holds" : "The opposite holds",
                TEXT_PRINTF(x->trial.arms[x->read.winner].name));
        break;
    case VERDICT_NONE:
        fprintf(to, "No difference of the size planned for between %.*s and %.*s.\n",
                TEXT_PRINTF(a->name), TEXT_PRINTF(b->name));
        break;
    case VERDICT_INVALID:
        fputs("Nothing: the split was not what the weights say.\n", to);
        break;
    case VERDICT_INCONCLUSIVE:
        fputs("Nothing yet: it was written down before it was decided.\n", to);
        break;
    }
    for (uint32_t i = 0; i < x->split_count && x->splits[i].p < 0.05; i++) {
        fprintf(to, "It may differ by %.*s (exploratory).\n", TEXT_PRINTF(x->splits[i].name));
    }
}

/* Where the same kind of content is not tested: emails without an experiment. */
static void journal_elsewhere(const struct report *r, const struct experiment *x, FILE *to)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < r->rules->sequence_count; i++) {
        const struct sequence_plan *s = &r->rules->sequences[i];

        for (uint32_t k = 0; k < s->email_count; k++) {
            if (s->emails[k].experiment == NULL) {
                fprintf(to, "%s`%.*s.%.*s`", count++ == 0 ? "" : ", ", TEXT_PRINTF(s->id),
                        TEXT_PRINTF(s->emails[k].id));
            }
        }
    }
    fprintf(to, "%s (%.*s, nothing tested there now)\n", count == 0 ? "nowhere" : "",
            TEXT_PRINTF(x->plan->aims.kind.at == NULL ? TEXT("content") : x->plan->aims.kind));
}

void experiment_journal(const struct report *r, const struct experiment *x, FILE *to)
{
    char date[INSTANT_TEXT_SIZE];
    struct arena arena = { 0 };

    instant_format_date(instant_floor_days(r->now_ms), date);
    fprintf(to, "\n## %s: %.*s, version %d: %s\n\n**Hypothesis.** %.*s\n\n**Result.**\n\n", date,
            TEXT_PRINTF(x->plan->id), x->plan->version, verdict_name(x->read.verdict),
            TEXT_PRINTF(x->plan->aims.hypothesis.at == NULL ? TEXT("none was written down")
                                                            : x->plan->aims.hypothesis));
    journal_result(x, to);
    fputs("\n**Learning.** ", to);
    journal_learning(x, to);
    fprintf(to, "\n**Next.** %.*s\n\n**Where else to apply.** ",
            TEXT_PRINTF(experiment_next(x, &arena)));
    journal_elsewhere(r, x, to);
    arena_fini(&arena);
}
