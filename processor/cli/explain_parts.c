#include "processor/cli/explain_parts.h"

#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "segmenters/score.h"

const char *explained_truth(enum truth t)
{
    return t == TRUTH_TRUE ? "yes" : t == TRUTH_FALSE ? "no" : "unknown";
}

struct explained_score explained_score(const struct explained *x, const struct score_plan *s)
{
    const struct score *is = customer_score(x->customer, s->key);
    struct explained_score r = { .falls_ms = INSTANT_NEVER };
    uint32_t level = s->level_count;

    r.points_q40 = is == NULL ? 0 : score_value(is, x->now_ms, s->half_life_ms);
    while (level > 0 && r.level == NULL) {
        level--;
        if (level == 0 || r.points_q40 >= s->levels[level].least_q40) {
            r.level = &s->levels[level];
        }
    }
    if (r.level != NULL && level > 0 && is != NULL) {
        r.below = &s->levels[level - 1];
        r.falls_ms = score_falls_below(is, s->levels[level].least_q40, x->now_ms, s->half_life_ms);
    }
    return r;
}

struct text explained_history_name(struct explained *x, const struct history_plan *h)
{
    return arena_format(&x->arena, "%.*s%s", TEXT_PRINTF(h->name),
                        h->field == 0 ? "" : ", of one field");
}

struct text explained_membership(struct explained *x, const struct segment_plan *s,
                                 const struct membership *m)
{
    struct view v = explained_view(x);

    if (s->is_ladder) {
        for (uint32_t i = 0; m != NULL && m->is_member && i < s->rung_count; i++) {
            if (s->rungs[i].key == m->rung) {
                return s->rungs[i].name;
            }
        }
        return TEXT("not decided yet");
    }
    if (m != NULL && m->is_member) {
        return TEXT("yes");
    }
    return predicate_eval(s->when, &v).truth == TRUTH_UNKNOWN ? TEXT("no (unknown)") : TEXT("no");
}

struct explained_signs explained_signs(const struct sent *t)
{
    struct explained_signs r = { .clicked_ms = INSTANT_NEVER };

    for (uint32_t i = 0; i < t->click_count; i++) {
        r.machine_clicks += t->clicks[i].is_machine;
        if (!t->clicks[i].is_machine && r.clicked_ms == INSTANT_NEVER) {
            r.clicked_ms = t->clicks[i].at_ms;
        }
    }
    return r;
}

struct explained_phase explained_phase(struct explained *x, const struct run *r)
{
    struct step s = { .rules = x->rules,
                      .customer = x->id,
                      .stream_ms = x->now_ms,
                      .wall_ms = STEP_NO_WALL,
                      .scratch = &x->arena };
    struct text email = explained_email_name(x, r->sequence, r->email);
    struct explained_phase p = { .due_ms = r->due_ms, .when = "at" };

    switch (r->phase) {
    case RUN_PLANNED:
        p.held_by = step_held_by(&s, x->customer, r);
        p.is_last_moment =
            p.held_by != REASON_NONE && r->due_ms >= r->planned_at_ms + x->rules->max_delay_ms;
        p.what = arena_format(&x->arena, "%.*s is planned for %.*s", TEXT_PRINTF(email),
                              TEXT_PRINTF(value_text_instant(&x->arena, r->planned_at_ms)));
        p.when = p.is_last_moment               ? "given up (max_delay) at"
                 : p.held_by != REASON_NONE     ? "until"
                 : r->due_ms > r->planned_at_ms ? "leaves at"
                                                : NULL;
        break;
    case RUN_JUDGING:
        p.what = arena_format(&x->arena, "%.*s is judged", TEXT_PRINTF(email));
        p.due_ms = step_deadline(&s, x->customer, r);
        p.when = "as of";
        break;
    case RUN_ACTION:
        p.what = r->action == 0 ? TEXT("ends")
                                : arena_format(&x->arena, "moves to %.*s",
                                               TEXT_PRINTF(explained_sequence_name(x, r->action)));
        break;
    case RUN_HELD_OUT:
        p.what = TEXT("held out: sends nothing and ends");
        break;
    }
    return p;
}

struct text explained_subscription_name(struct explained *x, uint32_t key)
{
    if (key == 0) {
        return TEXT("everything");
    }
    for (uint32_t i = 0; i < x->rules->sequence_count; i++) {
        const struct sequence_plan *s = &x->rules->sequences[i];

        for (uint32_t e = 0; e < s->email_count; e++) {
            if (s->emails[e].subscription_key == key) {
                return s->emails[e].subscription;
            }
        }
    }
    return TEXT("a subscription of no email");
}
