/* DESIGN. Counters of an experiment name arm, day or week, and what: one walk over all of them
 * fills arms, days and strata. The evidence is that of the worst moment for chance: the highest
 * e-value at the end of any day, as conversions came in.
 */
#include "processor/report/experiment.h"

#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/config/sample_size.h"

#include <math.h>
#include <stdlib.h>

#define CELL_CONVERSIONS_MIN 100 /* of a segment, to be told apart */

struct day { /* conversions by the day they happened */
    int64_t day;
    int64_t successes[TRIAL_ARMS_MAX];
};

struct week_cell { /* of one week and segment */
    struct text week, segment;
    struct rate arms[TRIAL_ARMS_MAX];
};

struct walk {
    const struct report *r;
    const struct experiment_plan *plan;
    struct experiment *x;
    struct trial_arm *arms;
    struct day *days;
    uint32_t day_count, day_capacity;
    struct week_cell *cells;
    uint32_t cell_count, cell_capacity;
};

static struct day *day_of(struct walk *w, int64_t day)
{
    for (uint32_t i = w->day_count; i > 0; i--) {
        if (w->days[i - 1].day == day) {
            return &w->days[i - 1];
        }
    }
    w->days = mem_grow32(w->days, w->day_count, &w->day_capacity, sizeof(*w->days));
    w->days[w->day_count] = (struct day){ .day = day };
    return &w->days[w->day_count++];
}

static struct week_cell *week_cell_of(struct walk *w, struct text week, struct text segment)
{
    for (uint32_t i = w->cell_count; i > 0; i--) {
        if (text_equal(w->cells[i - 1].week, week) &&
            text_equal(w->cells[i - 1].segment, segment)) {
            return &w->cells[i - 1];
        }
    }
    w->cells = mem_grow32(w->cells, w->cell_count, &w->cell_capacity, sizeof(*w->cells));
    w->cells[w->cell_count] = (struct week_cell){ .week = week, .segment = segment };
    return &w->cells[w->cell_count++];
}

static void take_day(struct walk *w, uint32_t arm, int64_t day, struct text what, int64_t value)
{
    struct experiment_arm *a = &w->x->arms[arm];
    bool is_settled = (day + 1) * DAY_MS + w->plan->within_ms <= w->r->now_ms;

    if (text_is(what, "exposed")) {
        w->arms[arm].rate.count += value;
        a->settled.count += is_settled ? value : 0;
        w->x->first_day = day < w->x->first_day ? day : w->x->first_day;
        w->x->last_day = day > w->x->last_day ? day : w->x->last_day;
    } else if (text_is(what, "converted")) {
        w->arms[arm].rate.hits += value;
        a->settled.hits += is_settled ? value : 0;
    } else if (text_is(what, "unsubscribed")) {
        a->unsubscribed += value;
    } else if (text_is(what, "complained")) {
        a->complained += value;
    } else if (text_is(what, "successes")) {
        day_of(w, day)->successes[arm] += value;
    }
}

/* experiment/<id>/<version>/<arm>/day/<date>/<what>, .../week/<date>/<segment>/<what>. */
static void take(struct walk *w, const struct counter *c)
{
    struct text parts[8];
    uint32_t count = tally_split(c->name, parts, 8), arm = 0;
    int64_t day;

    if (count < 7 || count > 8 || !text_is(parts[0], "experiment") ||
        !text_equal(parts[1], w->plan->id) || !text_equal(parts[2], w->plan->version_text) ||
        !instant_parse_date(parts[5], &day)) {
        return;
    }
    while (arm < w->plan->arms.count && !text_equal(w->plan->arms.arms[arm].name, parts[3])) {
        arm++;
    }
    if (arm == w->plan->arms.count || arm >= TRIAL_ARMS_MAX) {
        return;
    }
    if (count == 7 && text_is(parts[4], "day")) {
        take_day(w, arm, day, parts[6], c->value);
    } else if (count == 8 && text_is(parts[4], "week")) {
        struct rate *rate = &week_cell_of(w, parts[5], parts[6])->arms[arm];

        rate->count += text_is(parts[7], "exposed") ? c->value : 0;
        rate->hits += text_is(parts[7], "converted") ? c->value : 0;
    }
}

/* --- evidence over time --- */

static int compare_days(const void *left, const void *right)
{
    const struct day *a = left, *b = right;

    return a->day < b->day ? -1 : a->day > b->day;
}

static void take_evidence(struct walk *w, struct trial *t)
{
    int64_t sums[TRIAL_ARMS_MAX] = { 0 };

    if (w->day_count > 0) {
        qsort(w->days, w->day_count, sizeof(*w->days), compare_days);
    }
    t->has_history = true;
    for (uint32_t d = 0; d < w->day_count; d++) {
        for (uint32_t i = 0; i < t->arm_count; i++) {
            sums[i] += w->days[d].successes[i];
        }
        for (uint32_t i = 1; i < t->arm_count; i++) {
            double ln_e = trial_ln_e(sums[0], sums[i], t->arms[0].weight, t->arms[i].weight);

            t->ln_e_most[i] = fmax(t->ln_e_most[i], ln_e);
        }
    }
}

/* --- harm --- */

/* One-sided: the difference is surely beyond the margin, surely within it, or neither. */
static enum harm harm_of(int64_t control, int64_t control_of, int64_t arm, int64_t arm_of,
                         int64_t margin, double alpha)
{
    struct interval d;

    if (margin < 0 || control_of == 0 || arm_of == 0) {
        return HARM_NONE;
    }
    d = statistics_newcombe((struct rate){ control_of, control }, (struct rate){ arm_of, arm },
                            2 * alpha);
    return d.low > (double)margin / 1e4     ? HARM_SURE
           : d.high >= (double)margin / 1e4 ? HARM_POSSIBLE
                                            : HARM_NONE;
}

static void look_at_harm(struct walk *w, struct experiment *x)
{
    const struct experiment_aims *aims = &w->plan->aims;

    for (uint32_t i = 1; i < x->trial.arm_count; i++) {
        struct experiment_arm *a = &x->arms[i], *control = &x->arms[0];
        int64_t of = w->arms[i].rate.count, control_of = w->arms[0].rate.count;

        a->unsubscribes = harm_of(control->unsubscribed, control_of, a->unsubscribed, of,
                                  aims->guard_unsubscribe, x->trial.alpha);
        a->complaints = harm_of(control->complained, control_of, a->complained, of,
                                aims->guard_complaint, x->trial.alpha);
        x->is_harmful = x->is_harmful || a->unsubscribes == HARM_SURE || a->complaints == HARM_SURE;
    }
}

/* --- strata --- */

static const struct segment_plan *ladder_of(const struct rules *rules)
{
    const struct segment_plan *ladder = NULL;

    for (uint32_t i = 0; i < rules->segments.count; i++) {
        const struct segment_plan *p = &rules->segments.segments[i];

        if (p->is_ladder && (ladder == NULL || (p->dimension == DIMENSION_LIFECYCLE &&
                                                ladder->dimension != DIMENSION_LIFECYCLE))) {
            ladder = p;
        }
    }
    return ladder;
}

static bool is_rung(const struct segment_plan *p, struct text id)
{
    for (uint32_t i = 0; i < p->rung_count; i++) {
        if (text_equal(p->rungs[i].id, id)) {
            return true;
        }
    }
    return false;
}

/* Weeks and rungs of a ladder divide the customers; other segments overlap. */
static void look_at_strata(struct walk *w, struct experiment *x, struct arena *arena)
{
    const struct segment_plan *ladder = ladder_of(w->r->rules);
    struct stratum *strata = arena_alloc(arena, (w->cell_count + 1) * sizeof(*strata));

    for (uint32_t i = 0; ladder != NULL && i < w->cell_count; i++) {
        if (is_rung(ladder, w->cells[i].segment)) {
            strata[x->strata_count++] =
                (struct stratum){ w->cells[i].arms[0], w->cells[i].arms[x->leader] };
        }
    }
    x->effect = strata_effect(strata, x->strata_count, x->trial.alpha, false);
}

static struct stratum sum_of(const struct walk *w, const struct experiment *x, struct text segment)
{
    struct stratum s = { { 0, 0 }, { 0, 0 } };

    for (uint32_t i = 0; i < w->cell_count; i++) {
        if (text_equal(w->cells[i].segment, segment)) {
            s.a.count += w->cells[i].arms[0].count;
            s.a.hits += w->cells[i].arms[0].hits;
            s.b.count += w->cells[i].arms[x->leader].count;
            s.b.hits += w->cells[i].arms[x->leader].hits;
        }
    }
    return s;
}

static void add_group(struct experiment_split *s, struct text name, struct stratum rates)
{
    if (rates.a.hits + rates.b.hits >= CELL_CONVERSIONS_MIN && rates.a.count > 0 &&
        rates.b.count > 0) {
        s->groups[s->group_count++] = (struct experiment_group){ name, rates };
    }
}

static void divide(struct walk *w, struct experiment *x, const struct segment_plan *p,
                   struct arena *arena)
{
    struct experiment_split *s = &x->splits[x->split_count];
    struct stratum *strata = arena_alloc(arena, (p->rung_count + 2) * sizeof(*strata));

    *s = (struct experiment_split){ .name = p->id };
    s->groups = arena_alloc(arena, (p->rung_count + 2) * sizeof(*s->groups));
    for (uint32_t i = 0; i < p->rung_count; i++) {
        add_group(s, p->rungs[i].id, sum_of(w, x, p->rungs[i].id));
    }
    if (!p->is_ladder) {
        const struct rate *a = &w->arms[0].rate, *b = &w->arms[x->leader].rate;
        struct stratum in = sum_of(w, x, p->id);

        add_group(s, p->id, in);
        add_group(s, arena_format(arena, "not %.*s", TEXT_PRINTF(p->id)),
                  (struct stratum){ { a->count - in.a.count, a->hits - in.a.hits },
                                    { b->count - in.b.count, b->hits - in.b.hits } });
    }
    for (uint32_t i = 0; i < s->group_count; i++) {
        strata[i] = s->groups[i].rates;
    }
    s->differences = strata_differences(strata, s->group_count);
    s->p = s->differences.p;
    x->split_count += s->group_count >= 2;
}

static int compare_splits(const void *left, const void *right)
{
    const struct experiment_split *a = left, *b = right;

    return a->p < b->p ? -1 : a->p > b->p;
}

static void look_at_segments(struct walk *w, struct experiment *x, struct arena *arena)
{
    const struct segments_plan *plan = &w->r->rules->segments;
    double p[STATISTICS_MANY_MAX];

    x->splits = arena_alloc(arena, (plan->count + 1) * sizeof(*x->splits));
    for (uint32_t i = 0; i < plan->count && x->split_count < STATISTICS_MANY_MAX; i++) {
        divide(w, x, &plan->segments[i], arena);
    }
    for (uint32_t i = 0; i < x->split_count; i++) {
        p[i] = x->splits[i].p;
    }
    statistics_benjamini_hochberg(p, x->split_count);
    for (uint32_t i = 0; i < x->split_count; i++) {
        x->splits[i].p = p[i];
    }
    if (x->split_count > 0) {
        qsort(x->splits, x->split_count, sizeof(*x->splits), compare_splits);
    }
}

/* --- all of it --- */

static uint32_t leader_of(const struct trial *t, const struct read_out *read)
{
    uint32_t leader = 1;

    if (read->verdict == VERDICT_WINNER && read->winner > 0) {
        return read->winner;
    }
    for (uint32_t i = 2; i < t->arm_count; i++) {
        if (statistics_rate(t->arms[i].rate) > statistics_rate(t->arms[leader].rate)) {
            leader = i;
        }
    }
    return leader;
}

void experiment_read(const struct report *r, const struct experiment_plan *plan,
                     struct arena *arena, struct experiment *out)
{
    uint32_t count = plan->arms.count < TRIAL_ARMS_MAX ? plan->arms.count : TRIAL_ARMS_MAX;
    struct walk w = { .r = r, .plan = plan, .x = out };
    const struct counter *one;
    size_t cursor = 0;

    *out = (struct experiment){ .plan = plan, .first_day = INT64_MAX, .last_day = INT64_MIN };
    w.arms = arena_alloc(arena, count * sizeof(*w.arms));
    out->arms = arena_alloc(arena, count * sizeof(*out->arms));
    for (uint32_t i = 0; i < count; i++) {
        w.arms[i].name = plan->arms.arms[i].name;
        w.arms[i].weight = (double)plan->arms.arms[i].weight;
        w.arms[i].planned = sample_of_arm(plan, i);
    }
    while ((one = map_next(&r->tally->now.by_name, &cursor)) != NULL) {
        take(&w, one);
    }
    out->trial = (struct trial){ .alpha = plan->aims.has_plan ? plan->aims.alpha : 0.05,
                                 .arms = w.arms,
                                 .arm_count = count };
    if (count >= 2) {
        take_evidence(&w, &out->trial);
        trial_read(&out->trial, &out->read);
        out->leader = leader_of(&out->trial, &out->read);
        look_at_harm(&w, out);
        look_at_strata(&w, out, arena);
        look_at_segments(&w, out, arena);
    }
    for (uint32_t i = 0; i < count; i++) {
        int64_t lacks = w.arms[i].planned - w.arms[i].rate.count;

        out->needed = lacks > out->needed ? lacks : out->needed;
    }
    if (out->first_day <= out->last_day) {
        out->days = instant_floor_days(r->now_ms) - out->first_day;
    }
    mem_free(w.days);
    mem_free(w.cells);
}
