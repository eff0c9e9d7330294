/* What came of it: the sections of a report, from the counters of all partitions.
 *
 * Layer: report. No I/O. Owner of what goes into the document: the document's arena, the rules and
 * the tally, which must live as long.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H
#include "processor/config/config.h"
#include "processor/report/document.h"
#include "processor/report/tally.h"

struct report {
    const struct config *config;
    const struct rules *rules;
    const struct tally *tally;
    int64_t now_ms;
    struct document *document;
};

void report_segments(const struct report *r);    /* sizes, moves, stay, overlap */
void report_sequences(const struct report *r);   /* runs, funnels, goals; revenue apart */
void report_content(const struct report *r);     /* per slot and segment */
void report_experiments(const struct report *r); /* verdicts and next steps */

/* All of them, with title. */
void report_all(const struct report *r);

/* --- figures that other read-outs need, too --- */

struct report_segment {
    struct text id;
    const struct segment_plan *plan;
    const struct rung_plan *rung; /* NULL: a plain segment */
    int64_t size;
    int64_t entered, left; /* in the period */
    int64_t entered_ever;
    int64_t stay_ms; /* on average, of all that entered ever, those still in so far; -1: nobody */
    double estimate; /* share, 0..1; negative: none */
};
/* In the order of the file. Owner: the arena. *out_all: customers, by the first ladder; 0: not
 * known. */
struct report_segment *report_segment_list(const struct report *r, struct arena *arena,
                                           uint32_t *out_count, int64_t *out_all);

struct report_content {
    struct text slot, id, segment;
    int64_t sent, clicked, opened, converted; /* in the period; each customer's best outcome */
};
/* By slot, segment, then id. */
struct report_content *report_content_list(const struct report *r, struct arena *arena,
                                           uint32_t *out_count);

int64_t report_email(const struct report *r, struct text sequence, struct text email,
                     const char *what);

#endif /* REPORT_REPORT_H */
