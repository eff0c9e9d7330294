#include "processor/report/report.h"

#include "schemas/output.h"

int64_t report_email(const struct report *r, struct text sequence, struct text email,
                     const char *what)
{
    return tally_period(r->tally,
                        (struct tally_name){ { TEXT("email"), sequence, email, text_of(what) } });
}

static int64_t runs(const struct report *r, const struct sequence_plan *p, const char *outcome)
{
    return tally_period(r->tally,
                        (struct tally_name){ { TEXT("sequence"), p->id, text_of(outcome) } });
}

static int64_t held_out(const struct report *r, const struct sequence_plan *p, const char *outcome)
{
    return tally_period(r->tally, (struct tally_name){ { TEXT("sequence"), p->id, TEXT("holdout"),
                                                         text_of(outcome) } });
}

/* How often each run ended, and the goals that its runs and its held-out ones reached. */
static void say_runs(const struct report *r)
{
    static const char *const ends[] = { "completed", "moved",      "ended",      "exhausted",
                                        "stopped",   "bounced",    "complained", "unsubscribed",
                                        "erased",    "not_entered" };
    struct section *s =
        document_section(r->document, "sequences", TEXT("Sequences: goals reached"));

    section_column(s, "sequence", "sequence", false);
    section_column(s, "entered", "entered", true);
    section_column(s, "converted", "goal reached", false);
    section_column(s, "rate", "rate", true);
    section_column_rare(s, "holdout_entered", "held out");
    section_column_rare(s, "holdout_rate", "their rate");
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        section_column_rare(s, ends[i], ends[i]);
    }
    for (uint32_t i = 0; i < r->rules->sequence_count; i++) {
        const struct sequence_plan *p = &r->rules->sequences[i];
        int64_t entered = runs(r, p, "entered"), held = held_out(r, p, "entered");

        section_text(s, p->id);
        section_count(s, entered);
        section_count(s, runs(r, p, "converted"));
        section_rate(s, runs(r, p, "converted"), entered);
        section_count(s, held);
        section_rate(s, held_out(r, p, "converted"), held);
        for (size_t k = 0; k < sizeof(ends) / sizeof(ends[0]); k++) {
            section_count(s, runs(r, p, ends[k]));
        }
    }
    section_note(r->document, s,
                 "a goal needs no click; what the sequence adds shows only beside a holdout");
}

static void say_weakest(const struct report *r, struct section *s, const struct sequence_plan *p)
{
    const struct email_plan *weakest = NULL;
    double least = 2;

    for (uint32_t i = 0; i < p->email_count; i++) {
        int64_t sent = report_email(r, p->id, p->emails[i].id, "sent");
        double rate =
            sent < 100 ? 2
                       : (double)(report_email(r, p->id, p->emails[i].id, "clicked_not_converted") +
                                  report_email(r, p->id, p->emails[i].id, "converted")) /
                             (double)sent;

        if (rate < least) {
            least = rate;
            weakest = &p->emails[i];
        }
    }
    if (weakest != NULL && p->email_count > 1) {
        section_note(r->document, s, "weakest: %.*s, %.1f%% clicked or converted",
                     TEXT_PRINTF(weakest->id), 100 * least);
    }
}

/* What became of each email: the outcome of every attempt. */
static void say_funnel(const struct report *r, const struct sequence_plan *p)
{
    static const char *const outcomes[] = { "converted",
                                            "clicked_not_converted",
                                            "opened_not_clicked",
                                            "no_engagement",
                                            "not_delivered",
                                            "skipped",
                                            "suppressed",
                                            "stopped",
                                            "unsubscribed",
                                            "complained",
                                            "bounced" };
    struct section *s =
        document_section(r->document, "funnel",
                         arena_format(&r->document->arena, "Funnel of %.*s", TEXT_PRINTF(p->id)));

    section_column(s, "email", "email", false);
    section_column(s, "sent", "sent", true);
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        section_column_rare(s, outcomes[i], outcomes[i]);
    }
    section_column(s, "engaged_rate", "clicked or converted", true);
    for (uint32_t i = 0; i < p->email_count; i++) {
        struct text email = p->emails[i].id;
        int64_t sent = report_email(r, p->id, email, "sent");

        section_text(s, email);
        section_count(s, sent);
        for (size_t k = 0; k < sizeof(outcomes) / sizeof(outcomes[0]); k++) {
            section_count(s, report_email(r, p->id, email, outcomes[k]));
        }
        section_rate(s,
                     report_email(r, p->id, email, "clicked_not_converted") +
                         report_email(r, p->id, email, "converted"),
                     sent);
    }
    say_weakest(r, s, p);
}

/* Kept apart from goals: which clicks orders followed. */
static void say_revenue(const struct report *r)
{
    struct section *s = document_section(r->document, "revenue", TEXT("Revenue attributed"));
    int64_t amount =
        tally_period(r->tally, (struct tally_name){ { TEXT("revenue"), TEXT("amount") } });
    int64_t orders =
        tally_period(r->tally, (struct tally_name){ { TEXT("revenue"), TEXT("orders") } });
    int64_t attributed = 0;

    section_column(s, "sequence", "sequence", false);
    section_column(s, "email", "email", false);
    section_column(s, "orders", "orders", false);
    section_column(s, "revenue", "revenue", true);
    section_column(s, "per_sent", "per email sent", false);
    for (uint32_t i = 0; i < r->rules->sequence_count; i++) {
        const struct sequence_plan *p = &r->rules->sequences[i];

        for (uint32_t k = 0; k < p->email_count; k++) {
            struct text email = p->emails[k].id;
            int64_t revenue = report_email(r, p->id, email, "revenue");
            int64_t sent = report_email(r, p->id, email, "sent");

            attributed += revenue;
            section_text(s, p->id);
            section_text(s, email);
            section_count(s, report_email(r, p->id, email, "orders"));
            section_money(s, revenue);
            if (sent > 0) {
                section_money(s, revenue / sent);
            } else {
                section_none(s);
            }
        }
    }
    section_note(
        r->document, s,
        "%lld orders of %lld.%02d %.*s in all, %.1f%% of it after a click of the five days "
        "before; refunds are not taken off, and this proves no effect",
        (long long)orders, (long long)(amount / 100), (int)(amount % 100),
        TEXT_PRINTF(r->document->currency),
        amount > 0 ? 100 * (double)attributed / (double)amount : 0.0);
}

void report_sequences(const struct report *r)
{
    if (r->rules->sequence_count == 0) {
        return;
    }
    say_runs(r);
    for (uint32_t i = 0; i < r->rules->sequence_count; i++) {
        say_funnel(r, &r->rules->sequences[i]);
    }
    say_revenue(r);
}
