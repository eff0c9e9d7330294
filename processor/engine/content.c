/* What a trigger carries: slots resolved for this customer, scores, segments, context. */
#include "processor/engine/step_work.h"

#include "processor/base/check.h"
#include "processor/base/hash.h"
#include "segmenters/rfm.h"
#include "segmenters/score.h"

struct lists { /* of one slot, in the order it falls back along */
    const struct slot_values **at;
    uint32_t count;
};

static void lists_add(struct lists *l, const struct slot_values *values)
{
    if (values->count > 0) {
        l->at[l->count++] = values;
    }
}

#define ROWS_KEPT 31 /* of the rows of `resolve`, in struct run */

/* Is the customer in the segment of that row? rows NULL: now; else what was kept of then. */
static bool is_in_row(const struct work *w, const struct content_row *row, uint32_t index,
                      const int32_t *rows)
{
    return rows == NULL ? segments_is_in(w->c, row->key, row->rung)
                        : index < ROWS_KEPT && (*rows >> index & 1) != 0;
}

/* An email's own slots name their rows themselves: which row of the channel is it? */
static uint32_t row_index(const struct channel_plan *channel, const struct content_row *row)
{
    uint32_t i = 0;

    while (i < channel->resolve_count &&
           (channel->resolve[i].key != row->key || channel->resolve[i].rung != row->rung)) {
        i++;
    }
    return i;
}

/* The lists of a slot in the order they are asked: the email's own stand instead of the channel's.
 */
static void lists_of(const struct work *w, const struct channel_plan *channel, uint32_t slot,
                     const struct email_plan *e, const int32_t *rows, struct lists *l)
{
    const struct own_slot *own = NULL;

    l->count = 0;
    l->at = arena_alloc(w->s->out->arena, (channel->resolve_count + 1) * sizeof(*l->at));
    for (uint32_t i = 0; e != NULL && i < e->own_count; i++) {
        own = e->own[i].slot == slot ? &e->own[i] : own;
    }
    if (own != NULL) {
        for (uint32_t i = 0; i < own->row_count; i++) {
            if (is_in_row(w, &own->rows[i], rows == NULL ? 0 : row_index(channel, &own->rows[i]),
                          rows)) {
                lists_add(l, &own->rows[i].slots[0]);
            }
        }
        lists_add(l, &own->fallback);
        return;
    }
    for (uint32_t i = 0; i < channel->resolve_count; i++) {
        if (is_in_row(w, &channel->resolve[i], i, rows)) {
            lists_add(l, &channel->resolve[i].slots[slot]);
        }
    }
    lists_add(l, &channel->fallback.slots[slot]);
}

/* A resend takes item n of the first list that is long enough, else the first item of the first
 * list; otherwise an arm's id stands, else that first item. Returns: absent when nothing fills it.
 */
static struct text pick(const struct lists *l, struct text slot, const struct run *r,
                        struct text arm_use)
{
    bool is_resend = r != NULL && r->use_slot == hash32(slot);

    if (is_resend && r->use_id.at != NULL) {
        return r->use_id;
    }
    for (uint32_t i = 0; is_resend && i < l->count; i++) {
        if (r->slot_use >= 1 && l->at[i]->count >= (uint32_t)r->slot_use) {
            return l->at[i]->ids[r->slot_use - 1];
        }
    }
    if (arm_use.at != NULL && (!is_resend || l->count == 0)) {
        return arm_use;
    }
    return l->count > 0 ? l->at[0]->ids[0] : TEXT_NONE;
}

/* What the customer's arm shows in that slot; absent: the email has no experiment on it. */
static struct text arm_use(const struct work *w, const struct email_plan *e, uint32_t slot)
{
    bool is_on_slot = e != NULL && e->experiment != NULL && !e->experiment->is_template &&
                      e->experiment->slot == slot;

    return is_on_slot ? exposure_arm(w, e)->use : TEXT_NONE;
}

static const struct text_pair *resolve(const struct work *w, const struct channel_plan *channel,
                                       const struct run *r, const struct email_plan *e,
                                       uint32_t *out_count)
{
    struct arena *arena = w->s->out->arena;
    struct text_pair *pairs;
    uint32_t count = 0;

    *out_count = 0;
    if (channel == NULL) {
        return NULL;
    }
    pairs = arena_alloc(arena, (channel->slot_count + 1) * sizeof(*pairs));
    for (uint32_t i = 0; i < channel->slot_count; i++) {
        struct text used;
        struct lists l;

        lists_of(w, channel, i, e, NULL, &l);
        used = pick(&l, channel->slots[i], r, arm_use(w, e, i));
        if (used.at != NULL) {
            pairs[count++] = (struct text_pair){ channel->slots[i], arena_text(arena, used) };
        }
    }
    *out_count = count;
    return pairs;
}

const struct text_pair *step_content(const struct step *s, struct customer *c,
                                     const struct channel_plan *channel, uint32_t *out_count)
{
    struct work w = { .s = s, .rules = s->rules, .c = c, .now_ms = c->decided_at_ms };

    return resolve(&w, channel, NULL, NULL, out_count);
}

int32_t content_rows(const struct work *w)
{
    const struct channel_plan *channel = w->rules->email;
    int32_t rows = 0;

    for (uint32_t i = 0; channel != NULL && i < channel->resolve_count && i < ROWS_KEPT; i++) {
        if (is_in_row(w, &channel->resolve[i], i, NULL)) {
            rows |= (int32_t)1 << i;
        }
    }
    return rows;
}

void content_count(const struct work *w, const struct run *r, const struct email_plan *e,
                   int32_t rows, struct text what)
{
    const struct channel_plan *channel = w->rules->email;
    struct text segment = TEXT("default");

    if (channel == NULL || w->s->counters == NULL) {
        return;
    }
    for (uint32_t i = channel->resolve_count; i > 0; i--) {
        if (is_in_row(w, &channel->resolve[i - 1], i - 1, &rows)) {
            segment = channel->resolve[i - 1].segment;
        }
    }
    for (uint32_t i = 0; i < channel->slot_count; i++) {
        struct text used;
        struct lists l;

        lists_of(w, channel, i, e, &rows, &l);
        used = pick(&l, channel->slots[i], r, arm_use(w, e, i));
        if (used.at != NULL) {
            count_content(w, channel->slots[i], used, segment, what);
        }
    }
}

struct text content_value_text(struct arena *a, const struct value *v)
{
    char room[INSTANT_TEXT_SIZE];
    struct text joined = TEXT("");

    switch (v->type) {
    case VALUE_NULL:
        return TEXT_NONE;
    case VALUE_BOOL:
        return v->as.boolean ? TEXT("true") : TEXT("false");
    case VALUE_TEXT:
        return arena_text(a, v->as.text);
    case VALUE_DOUBLE:
        return arena_format(a, "%.15g", v->as.real);
    case VALUE_DATE:
        instant_format_date(v->as.integer, room);
        return arena_text(a, text_of(room));
    case VALUE_INSTANT:
        instant_format(v->as.integer, room);
        return arena_text(a, text_of(room));
    case VALUE_STRINGS:
        for (uint32_t i = 0; i < v->as.strings.count; i++) {
            joined = arena_format(a, "%.*s%s%.*s", TEXT_PRINTF(joined), i == 0 ? "" : ", ",
                                  TEXT_PRINTF(v->as.strings.at[i]));
        }
        return joined;
    case VALUE_INT:
    case VALUE_DURATION:
    case VALUE_MONEY:
        return arena_format(a, "%lld", (long long)v->as.integer);
    }
    return TEXT_NONE;
}

static struct text personal_value(const struct work *w, const struct run *r, struct text name)
{
    const struct text prefix = TEXT("customer.");
    const struct attribute_plan *plan;
    const struct attribute *a;

    if (!text_starts_with(name, prefix)) {
        for (uint32_t i = 0; i < r->context_count; i++) {
            if (text_equal(r->context[i].name, name)) {
                return arena_text(w->s->out->arena, r->context[i].value);
            }
        }
        return TEXT_NONE;
    }
    plan = facts_attribute(&w->rules->facts,
                           (struct text){ name.at + prefix.size, name.size - prefix.size });
    if (plan == NULL) {
        return TEXT_NONE;
    }
    a = customer_attribute(w->c, plan->key);
    return content_value_text(
        w->s->out->arena, a != NULL && a->value.type != VALUE_NULL ? &a->value : &plan->fallback);
}

static void fill_context(const struct work *w, const struct run *r, const struct email_plan *e,
                         struct trigger *t)
{
    struct text_pair *pairs =
        arena_alloc(w->s->out->arena, (e->personalize_count + 1) * sizeof(*pairs));

    t->context_count = 0;
    for (uint32_t i = 0; i < e->personalize_count; i++) {
        struct text value = personal_value(w, r, e->personalize[i]);

        if (value.at != NULL) { /* what there is not is absent, not null */
            pairs[t->context_count++] = (struct text_pair){ e->personalize[i], value };
        }
    }
    t->context = pairs;
}

static int64_t millionths(int64_t points_q40)
{
    __extension__ typedef __int128 wide;

    return (int64_t)((wide)points_q40 * 1000000 / SCORE_POINT);
}

static void fill_scores(const struct work *w, struct trigger *t)
{
    const struct facts_plan *plan = &w->rules->facts;
    struct score_view *views =
        arena_alloc(w->s->out->arena, (plan->score_count + 1) * sizeof(*views));

    for (uint32_t i = 0; i < plan->score_count; i++) {
        const struct score_plan *p = &plan->scores[i];
        const struct score *s = customer_score(w->c, p->key);
        int64_t points = s == NULL ? 0 : score_value(s, w->now_ms, p->half_life_ms);
        uint32_t level = p->level_count;

        while (level > 1 && points < p->levels[level - 1].least_q40) {
            level--;
        }
        views[i] = (struct score_view){ p->name, millionths(points),
                                        level == 0 ? TEXT("") : p->levels[level - 1].name };
    }
    t->scores = views;
    t->score_count = plan->score_count;
    if (plan->rfm.is_used) {
        struct rfm r = rfm_value(&plan->rfm, w->c, w->now_ms);

        t->rfm_segment = r.segment;
        t->rfm_r = r.is_known ? r.r : 0;
        t->rfm_f = r.is_known ? r.f : 0;
        t->rfm_m = r.is_known ? r.m : 0;
    }
}

static struct text lifecycle_of(const struct work *w)
{
    for (uint32_t i = 0; i < w->rules->segments.count; i++) {
        const struct segment_plan *p = &w->rules->segments.segments[i];
        const struct membership *m = customer_membership(w->c, p->key);

        if (!p->is_ladder || p->dimension != DIMENSION_LIFECYCLE) {
            continue;
        }
        for (uint32_t k = 0; m != NULL && k < p->rung_count; k++) {
            if (p->rungs[k].key == m->rung) {
                return p->rungs[k].name;
            }
        }
        break;
    }
    return TEXT_NONE;
}

static void fill_times(const struct work *w, struct trigger *t)
{
    struct time_view *times =
        arena_alloc(w->s->out->arena, (w->c->kind_count + 1) * sizeof(*times));

    for (uint32_t i = 0; i < w->c->kind_count; i++) {
        times[i] = (struct time_view){ arena_text(w->s->out->arena, w->c->kinds[i].kind),
                                       w->c->kinds[i].last_ms };
    }
    t->last_events = times;
    t->last_event_count = w->c->kind_count;
    t->days_since_engagement = w->c->last_engaged_ms == INSTANT_NEVER
                                   ? -1
                                   : instant_floor_days(w->now_ms - w->c->last_engaged_ms);
    if (t->days_since_engagement < -1) {
        t->days_since_engagement = 0;
    }
}

void content_fill(struct work *w, const struct run *r, const struct email_plan *e,
                  struct trigger *out_trigger)
{
    out_trigger->content = resolve(w, w->rules->email, r, e, &out_trigger->content_count);
    out_trigger->landing = resolve(w, w->rules->landing, NULL, NULL, &out_trigger->landing_count);
    out_trigger->segment_count =
        segments_of(&w->rules->segments, w->c, w->s->out->arena, &out_trigger->segments);
    out_trigger->lifecycle = lifecycle_of(w);
    fill_scores(w, out_trigger);
    fill_context(w, r, e, out_trigger);
    fill_times(w, out_trigger);
}
