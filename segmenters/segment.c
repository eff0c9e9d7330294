/* DESIGN. A membership carries the instant until which time alone cannot change it. One pass in
 * dependency order looks at those that the changed facts, a changed segment or their own instant
 * ask for; the caller comes back at the earliest instant of all, so each is seen at its own.
 */
#include "segmenters/segment.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"

/* What the pass over all segments of one customer shares. */
struct pass {
    const struct segments_plan *plan;
    const struct facts_plan *facts;
    struct customer *c;
    struct view view;
    struct segment_change *changes;
    uint32_t change_count;
    uint64_t changed; /* FACT_ bits, those of segments decided so far in this pass included */
};

const char *dimension_name(enum dimension d)
{
    static const char *const names[DIMENSION__COUNT] = { [DIMENSION_DEMOGRAPHIC] = "demographic",
                                                         [DIMENSION_BEHAVIORAL] = "behavioral",
                                                         [DIMENSION_PSYCHOGRAPHIC] =
                                                             "psychographic",
                                                         [DIMENSION_FIRMOGRAPHIC] = "firmographic",
                                                         [DIMENSION_INTENT] = "intent",
                                                         [DIMENSION_LIFECYCLE] = "lifecycle" };

    CHECK(d < DIMENSION__COUNT);
    return names[d];
}

static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

/* a + b, never when either is, or when nobody lives to see it. */
static int64_t later_by(int64_t a_ms, int64_t by_ms)
{
    int64_t sum;

    if (a_ms == INSTANT_NEVER || __builtin_add_overflow(a_ms, by_ms, &sum)) {
        return INSTANT_NEVER;
    }
    return sum;
}

static bool holds(const struct pass *p, const struct predicate *predicate, int64_t *out_until_ms)
{
    struct answer a = predicate_eval(predicate, &p->view);

    CHECK(a.until_ms > p->view.now_ms);
    *out_until_ms = a.until_ms;
    return a.truth == TRUTH_TRUE; /* unknown at the top counts as false */
}

static void note_change(struct pass *p, const struct segment_plan *s, struct text id, uint32_t rung,
                        bool is_entered)
{
    CHECK(p->change_count < 2 * p->plan->count);
    p->changes[p->change_count++] =
        (struct segment_change){ .id = id, .key = s->key, .rung = rung, .is_entered = is_entered };
    p->changed |= FACT_SEGMENTS;
}

/* Not in it: in at once, or after `for` without a break. */
static void decide_entry(struct pass *p, const struct segment_plan *s, struct membership *m)
{
    int64_t now_ms = p->view.now_ms;

    CHECK(!m->is_member);
    if (!holds(p, s->when, &m->until_ms)) {
        m->pending_ms = INSTANT_NEVER;
        return;
    }
    if (m->pending_ms == INSTANT_NEVER) {
        m->pending_ms = now_ms;
    }
    if (later_by(m->pending_ms, s->for_ms) > now_ms) {
        m->until_ms = earlier(m->until_ms, later_by(m->pending_ms, s->for_ms));
        return;
    }
    m->is_member = true;
    m->since_ms = now_ms;
    m->pending_ms = INSTANT_NEVER;
    if (s->min_stay_ms > 0) {
        m->until_ms = later_by(now_ms, s->min_stay_ms);
    }
    note_change(p, s, s->id, 0, true);
}

/* In it: out when it may be left and its reason to stay is gone. */
static void decide_exit(struct pass *p, const struct segment_plan *s, struct membership *m)
{
    int64_t stay_ms = later_by(m->since_ms, s->min_stay_ms);
    int64_t leave_until_ms;

    CHECK(m->is_member);
    if (p->view.now_ms < stay_ms) {
        m->until_ms = stay_ms;
        return;
    }
    if (holds(p, s->when, &m->until_ms)) {
        return;
    }
    if (s->leave_when != NULL && !holds(p, s->leave_when, &leave_until_ms)) {
        m->until_ms = leave_until_ms; /* until then it is kept whatever `when` does */
        return;
    }
    m->is_member = false;
    m->since_ms = INSTANT_NEVER;
    note_change(p, s, s->id, 0, false);
}

/* The rung of rfm.segment, by name. */
static uint32_t rfm_rung(const struct pass *p, const struct segment_plan *s, int64_t *out_until_ms)
{
    struct rfm rfm = rfm_value(&p->facts->rfm, p->c, p->view.now_ms);
    uint32_t rung = 0;

    while (rung < s->rung_count && !text_equal(s->rungs[rung].name, rfm.segment)) {
        rung++;
    }
    CHECK(rung < s->rung_count);
    *out_until_ms = earlier(earlier(rfm.r_until_ms, rfm.f_until_ms), rfm.m_until_ms);
    return rung;
}

/* The first rung that holds; the current one also while its leave_when does not. */
static uint32_t first_rung(const struct pass *p, const struct segment_plan *s, uint32_t current,
                           int64_t *out_until_ms)
{
    int64_t until_ms = INSTANT_NEVER;

    for (uint32_t i = 0; i < s->rung_count; i++) {
        const struct rung_plan *rung = &s->rungs[i];
        int64_t when_until_ms;
        int64_t leave_until_ms;
        bool is_held = holds(p, rung->when, &when_until_ms);

        if (!is_held && i == current && rung->leave_when != NULL &&
            !holds(p, rung->leave_when, &leave_until_ms)) {
            is_held = true;
            when_until_ms = leave_until_ms;
        }
        until_ms = earlier(until_ms, when_until_ms);
        if (is_held) {
            *out_until_ms = until_ms;
            return i;
        }
    }
    UNREACHABLE(); /* the last rung of a ladder is `true` */
}

static void decide_ladder(struct pass *p, const struct segment_plan *s, struct membership *m)
{
    uint32_t current = s->rung_count;
    uint32_t next;

    CHECK(s->rung_count > 0);
    for (uint32_t i = 0; m->is_member && i < s->rung_count; i++) {
        current = s->rungs[i].key == m->rung ? i : current;
    }
    next = s->is_from_rfm ? rfm_rung(p, s, &m->until_ms) : first_rung(p, s, current, &m->until_ms);
    if (next == current) {
        return;
    }
    if (current < s->rung_count) {
        note_change(p, s, s->rungs[current].id, s->rungs[current].key, false);
    }
    m->is_member = true;
    m->rung = s->rungs[next].key;
    m->since_ms = p->view.now_ms;
    note_change(p, s, s->rungs[next].id, s->rungs[next].key, true);
}

/* Memberships are sorted by key: who has all of them has each at its rank. */
static struct membership *membership_of(const struct customer *c, const struct segment_plan *s)
{
    if (s->rank < c->membership_count && c->memberships[s->rank].key == s->key) {
        return &c->memberships[s->rank];
    }
    return customer_membership(c, s->key);
}

static struct membership *decide_one(struct pass *p, const struct segment_plan *s,
                                     struct membership *m)
{
    if (m == NULL) {
        m = customer_need_membership(p->c, s->key);
        m->rung = 0;
        m->is_member = false;
        m->since_ms = INSTANT_NEVER;
        m->pending_ms = INSTANT_NEVER;
    }
    if (s->is_ladder) {
        decide_ladder(p, s, m);
    } else if (m->is_member) {
        decide_exit(p, s, m);
    } else {
        decide_entry(p, s, m);
    }
    CHECK(m->until_ms > p->view.now_ms);
    return m;
}

static const struct segment_plan *by_key(const struct segments_plan *plan, uint32_t key)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        if (plan->segments[i].key == key) {
            return &plan->segments[i];
        }
    }
    return NULL;
}

/* Memberships of segments that the configuration no longer has. */
static void drop_strangers(const struct segments_plan *plan, struct customer *c)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < c->membership_count; i++) {
        if (by_key(plan, c->memberships[i].key) != NULL) {
            c->memberships[count++] = c->memberships[i];
        }
    }
    c->membership_count = count;
}

void segments_adopt(const struct segments_plan *plan, struct customer *c)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        if (customer_membership(c, plan->segments[i].key) == NULL) {
            struct membership *m = customer_need_membership(c, plan->segments[i].key);

            *m = (struct membership){ .key = plan->segments[i].key,
                                      .since_ms = INSTANT_NEVER,
                                      .pending_ms = INSTANT_NEVER,
                                      .until_ms = INSTANT_NEVER };
        }
    }
    drop_strangers(plan, c);
}

static int64_t earliest_until(const struct customer *c)
{
    int64_t until_ms = INSTANT_NEVER;

    for (uint32_t i = 0; i < c->membership_count; i++) {
        until_ms = earlier(until_ms, c->memberships[i].until_ms);
    }
    return until_ms;
}

uint32_t segments_decide(const struct segments_plan *plan, const struct view *view,
                         struct customer *c, uint64_t changed, struct segment_change *out_changes,
                         int64_t *out_until_ms)
{
    int64_t now_ms = view->now_ms;
    struct pass p = { .plan = plan,
                      .facts = view->plan,
                      .c = c,
                      .view = *view,
                      .changes = out_changes,
                      .changed = changed };
    bool is_all = changed == FACT_ALL || c->membership_count != plan->count;
    int64_t until_ms = earliest_until(c);
    bool is_each = is_all || until_ms <= now_ms;
    bool is_until_kept = !is_each;

    CHECK(view->customer == c);
    CHECK(plan->count == 0 || plan->order != NULL);
    for (uint32_t i = 0; i < plan->count; i++) {
        bool is_asked = (plan->order_depends[i] & p.changed) != 0 || changed == FACT_ALL;
        const struct segment_plan *s;
        struct membership *m;

        if (!is_each && !is_asked) {
            continue;
        }
        s = &plan->segments[plan->order[i]];
        m = membership_of(c, s);
        if (m == NULL || is_asked || m->until_ms <= now_ms) {
            is_until_kept = is_until_kept && m != NULL && m->until_ms > until_ms;
            m = decide_one(&p, s, m);
            until_ms = earlier(until_ms, m->until_ms);
        }
    }
    if (c->membership_count > plan->count) {
        drop_strangers(plan, c);
    }
    CHECK(c->membership_count == plan->count);
    *out_until_ms = is_until_kept ? until_ms : earliest_until(c);
    DEEP_CHECK(*out_until_ms == earliest_until(c));
    CHECK(*out_until_ms > now_ms);
    return p.change_count;
}

uint32_t segments_of(const struct segments_plan *plan, const struct customer *c,
                     struct arena *arena, const struct text **out_ids)
{
    struct text *ids = arena_alloc(arena, plan->count * sizeof ids[0]);
    uint32_t count = 0;

    for (uint32_t i = 0; i < plan->count; i++) {
        const struct segment_plan *s = &plan->segments[i];
        const struct membership *m = membership_of(c, s);

        if (m == NULL || !m->is_member) {
            continue;
        }
        if (!s->is_ladder) {
            ids[count++] = s->id;
            continue;
        }
        for (uint32_t r = 0; r < s->rung_count; r++) {
            if (s->rungs[r].key == m->rung) {
                ids[count++] = s->rungs[r].id;
            }
        }
    }
    CHECK(count <= plan->count);
    *out_ids = ids;
    return count;
}

bool segments_is_in(const struct customer *c, uint32_t key, uint32_t rung)
{
    const struct membership *m = customer_membership(c, key);

    return m != NULL && m->is_member && (rung == 0 || m->rung == rung);
}
