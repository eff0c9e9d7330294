#include "processor/base/instant.h"
#include "processor/report/report.h"
#include "processor/report/statistics.h"

#include <stdlib.h>

#define OVERLAPS_SHOWN 20
#define FAR            1.5 /* times the estimate, or its inverse: worth a word */

static struct tally_name segment_name(struct text id, const char *what)
{
    return (struct tally_name){ { TEXT("segment"), id, text_of(what) } };
}

/* `profile.size_estimate`, like 12%. Returns: -1: none that can be read. */
static double estimate_of(const struct report *r, const struct segment_plan *p)
{
    struct arena arena = { 0 };
    const struct yaml_node *n = config_find(
        r->config, arena_format(&arena, "segments.%.*s.profile.size_estimate", TEXT_PRINTF(p->id)),
        NULL);
    double value = -1;
    char *end;

    if (n != NULL && n->kind == YAML_SCALAR) {
        const char *at = arena_text(&arena, n->text).at;

        value = strtod(at, &end);
        value = end > at && *end == '%' && value >= 0 && value <= 100 ? value / 100 : -1;
    }
    arena_fini(&arena);
    return value;
}

static void add(const struct report *r, struct report_segment *all, uint32_t *count,
                const struct segment_plan *p, const struct rung_plan *rung)
{
    struct report_segment *s = &all[(*count)++];
    struct text id = rung == NULL ? p->id : rung->id;
    int64_t entered = tally_total(r->tally, segment_name(id, "entered")), member_s;

    *s = (struct report_segment){ .id = id, .plan = p, .rung = rung, .stay_ms = -1 };
    s->size = entered - tally_total(r->tally, segment_name(id, "left"));
    s->entered = tally_period(r->tally, segment_name(id, "entered"));
    s->left = tally_period(r->tally, segment_name(id, "left"));
    s->entered_ever = entered;
    s->estimate = rung == NULL ? estimate_of(r, p) : -1;
    member_s =
        tally_total(r->tally, segment_name(id, "member_s")) + s->size * (r->now_ms / SECOND_MS);
    if (entered > 0 && member_s >= 0) {
        s->stay_ms = member_s / entered * SECOND_MS;
    }
}

struct report_segment *report_segment_list(const struct report *r, struct arena *arena,
                                           uint32_t *out_count, int64_t *out_all)
{
    const struct segments_plan *plan = &r->rules->segments;
    struct report_segment *all;
    uint32_t room = 0, count = 0;
    bool is_known = false;

    *out_all = 0;
    for (uint32_t i = 0; i < plan->count; i++) {
        room += plan->segments[i].rung_count + 1;
    }
    all = arena_alloc(arena, (room + 1) * sizeof(*all));
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct segment_plan *p = &plan->segments[i];

        if (!p->is_ladder) {
            add(r, all, &count, p, NULL);
        }
        for (uint32_t k = 0; k < p->rung_count; k++) {
            add(r, all, &count, p, &p->rungs[k]);
            *out_all += is_known ? 0 : all[count - 1].size; /* everyone is on one rung */
        }
        is_known = is_known || p->is_ladder;
    }
    *out_count = count;
    return all;
}

static const char *far_off(const struct report_segment *s, int64_t all)
{
    struct interval share;

    if (s->estimate < 0 || all == 0) {
        return NULL;
    }
    share = statistics_wilson((struct rate){ all, s->size < all ? s->size : all }, 0.05);
    if (share.high < s->estimate && (double)s->size * FAR < s->estimate * (double)all) {
        return "smaller than planned";
    }
    return share.low > s->estimate && (double)s->size > FAR * s->estimate * (double)all
               ? "larger than planned"
               : "as planned";
}

/* --- overlap --- */

struct overlap {
    const struct report_segment *a, *b;
    int64_t both;
    double share; /* of the smaller */
};

static int compare_overlaps(const void *left, const void *right)
{
    const struct overlap *a = left, *b = right;

    return a->share > b->share ? -1 : a->share < b->share ? 1 : text_compare(a->a->id, b->a->id);
}

static void say_overlaps(const struct report *r, const struct report_segment *all, uint32_t count)
{
    struct arena *arena = &r->document->arena;
    struct overlap *found = arena_alloc(arena, ((size_t)count * count / 2 + 1) * sizeof(*found));
    uint32_t found_count = 0;
    struct section *s;

    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = i + 1; k < count; k++) {
            bool is_in_order = text_compare(all[i].id, all[k].id) < 0;
            struct text one = is_in_order ? all[i].id : all[k].id;
            struct text two = is_in_order ? all[k].id : all[i].id;
            int64_t both =
                tally_total(r->tally, (struct tally_name){ { TEXT("overlap"), one, two } });
            int64_t least = all[i].size < all[k].size ? all[i].size : all[k].size;

            if (both > 0 && least > 0) {
                found[found_count++] =
                    (struct overlap){ &all[i], &all[k], both, (double)both / (double)least };
            }
        }
    }
    if (found_count == 0) {
        return;
    }
    qsort(found, found_count, sizeof(*found), compare_overlaps);
    s = document_section(r->document, "overlap", TEXT("Overlap of segments"));
    section_column(s, "a", "segment", false);
    section_column(s, "b", "and", false);
    section_column(s, "both", "in both", false);
    section_column(s, "share_of_a", "of the first", true);
    section_column(s, "share_of_b", "of the second", true);
    for (uint32_t i = 0; i < found_count && i < OVERLAPS_SHOWN; i++) {
        section_text(s, found[i].a->id);
        section_text(s, found[i].b->id);
        section_count(s, found[i].both);
        section_rate(s, found[i].both, found[i].a->size);
        section_rate(s, found[i].both, found[i].b->size);
    }
}

void report_segments(const struct report *r)
{
    uint32_t count;
    int64_t customers;
    struct report_segment *all = report_segment_list(r, &r->document->arena, &count, &customers);
    struct section *s = document_section(r->document, "segments", TEXT("Segments"));

    section_column(s, "segment", "segment", false);
    section_column(s, "dimension", "dimension", false);
    section_column(s, "customers", "customers", true);
    section_column(s, "share", "share", false);
    section_column_rare(s, "estimate", "estimate");
    section_column(s, "entered", "in", false);
    section_column(s, "left", "out", false);
    section_column(s, "mean_stay_ms", "mean stay", false);
    section_column_rare(s, "judgement", "");
    for (uint32_t i = 0; i < count; i++) {
        section_text(s, all[i].id);
        section_text(s, text_of(dimension_name(all[i].plan->dimension)));
        section_count(s, all[i].size);
        section_rate(s, all[i].size, customers);
        if (all[i].estimate < 0) {
            section_none(s);
        } else {
            section_share(s, all[i].estimate);
        }
        section_count(s, all[i].entered);
        section_count(s, all[i].left);
        if (all[i].stay_ms < 0) {
            section_none(s);
        } else {
            section_duration(s, all[i].stay_ms);
        }
        section_text(s, text_of(far_off(&all[i], customers)));
    }
    if (customers == 0 && count > 0) {
        section_note(r->document, s,
                     "shares need a ladder: everyone is on one of its rungs, so it counts all");
    }
    say_overlaps(r, all, count);
}
