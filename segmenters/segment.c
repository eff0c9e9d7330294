/* DESIGN. A membership carries the instant until which time alone cannot change it. One pass in
 * dependency order looks at those that the changed facts, a changed segment or their own instant
 * ask for; the caller comes back at the earliest instant of all, so each is seen at its own.
 */
#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "segmenters/segment_parts.h"

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

bool segment_holds(const struct pass *p, const struct predicate *predicate, int64_t *out_until_ms)
{
    struct answer a = predicate_eval(predicate, &p->view);

    CHECK(a.until_ms > p->view.now_ms);
    *out_until_ms = a.until_ms;
    return a.truth == TRUTH_TRUE; /* unknown at the top counts as false */
}

void segment_note_change(struct pass *p, const struct segment_plan *s, struct text id,
                         uint32_t rung, bool is_entered)
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
    if (!segment_holds(p, s->when, &m->until_ms)) {
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
    segment_note_change(p, s, s->id, 0, true);
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
    if (segment_holds(p, s->when, &m->until_ms)) {
        return;
    }
    if (s->leave_when != NULL && !segment_holds(p, s->leave_when, &leave_until_ms)) {
        m->until_ms = leave_until_ms; /* until then it is kept whatever `when` does */
        return;
    }
    m->is_member = false;
    m->since_ms = INSTANT_NEVER;
    segment_note_change(p, s, s->id, 0, false);
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
        bool is_held = segment_holds(p, rung->when, &when_until_ms);

        if (!is_held && i == current && rung->leave_when != NULL &&
            !segment_holds(p, rung->leave_when, &leave_until_ms)) {
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
        segment_note_change(p, s, s->rungs[current].id, s->rungs[current].key, false);
    }
    m->is_member = true;
    m->rung = s->rungs[next].key;
    m->since_ms = p->view.now_ms;
    segment_note_change(p, s, s->rungs[next].id, s->rungs[next].key, true);
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

const struct segment_plan *segment_by_key(const struct segments_plan *plan, uint32_t key)
{
    uint32_t low = 0, high = plan->count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (plan->segments[plan->by_key[middle]].key < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < plan->count && plan->segments[plan->by_key[low]].key == key
               ? &plan->segments[plan->by_key[low]]
               : NULL;
}

/* Memberships of segments that the configuration no longer has. */
static void drop_strangers(const struct segments_plan *plan, struct customer *c)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < c->membership_count; i++) {
        if (segment_by_key(plan, c->memberships[i].key) != NULL) {
            c->memberships[count++] = c->memberships[i];
        }
    }
    c->membership_count = count;
}

void segments_adopt(const struct segments_plan *plan, struct customer *c)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        if (plan->segments[i].family == 0 &&
            customer_membership(c, plan->segments[i].key) == NULL) {
            struct membership *m = customer_need_membership(c, plan->segments[i].key);

            *m = (struct membership){ .key = plan->segments[i].key,
                                      .since_ms = INSTANT_NEVER,
                                      .pending_ms = INSTANT_NEVER,
                                      .until_ms = INSTANT_NEVER };
        }
    }
    drop_strangers(plan, c);
    segment_places_forget(plan, c);
}

static int64_t earliest_until(const struct customer *c)
{
    int64_t until_ms = INSTANT_NEVER;

    for (uint32_t i = 0; i < c->membership_count; i++) {
        until_ms = earlier(until_ms, c->memberships[i].until_ms);
    }
    return until_ms;
}

/* Families go first, as they ask for no other segment: the order of the changes is made good. */
static void sort_changes(struct pass *p)
{
    for (uint32_t i = 1; i < p->change_count; i++) {
        struct segment_change change = p->changes[i];
        uint32_t turn = segment_by_key(p->plan, change.key)->turn, place = i;

        for (; place > 0 && segment_by_key(p->plan, p->changes[place - 1].key)->turn > turn;
             place--) {
            p->changes[place] = p->changes[place - 1];
        }
        p->changes[place] = change;
    }
}

static void decide_families(struct pass *p, bool is_each, bool is_all)
{
    segment_places_find(p->plan, p->c);
    for (uint32_t i = 0; i < p->plan->family_count; i++) {
        bool is_asked = is_all || (p->plan->families[i].depends & p->changed) != 0;

        if (is_asked || (is_each && segment_family_is_due(p, i))) {
            segment_family_decide(p, i, is_asked);
        }
    }
}

/* Returns: some segment was decided whose instant may have been the earliest, `until_ms`. */
static bool decide_plain(struct pass *p, bool is_each, int64_t until_ms)
{
    const struct segments_plan *plan = p->plan;
    bool is_all = p->changed == FACT_ALL, is_lost = is_each;

    for (uint32_t i = 0; i < plan->plain_count; i++) {
        bool is_asked = is_all || (plan->plain_depends[i] & p->changed) != 0;
        const struct segment_plan *s;
        struct membership *m;

        if (!is_each && !is_asked) {
            continue;
        }
        s = &plan->segments[plan->plain[i]];
        m = membership_of(p->c, s);
        if (m == NULL || is_asked || m->until_ms <= p->view.now_ms) {
            is_lost = is_lost || m == NULL || m->until_ms <= until_ms;
            m = decide_one(p, s, m);
            is_lost = is_lost || m->until_ms < until_ms;
        }
    }
    return is_lost;
}

uint32_t segments_decide(const struct segments_plan *plan, const struct view *view,
                         struct customer *c, uint64_t changed, struct segment_change *out_changes,
                         int64_t *out_until_ms)
{
    struct pass p = { .plan = plan,
                      .facts = view->plan,
                      .c = c,
                      .view = *view,
                      .changes = out_changes,
                      .changed = changed };
    int64_t until_ms = earliest_until(c);
    bool is_all =
        changed == FACT_ALL || c->membership_count == 0 || c->membership_count < plan->plain_count;
    bool is_each = is_all || until_ms <= view->now_ms;

    CHECK(view->customer == c);
    CHECK(plan->count == 0 || plan->order != NULL);
    if (changed == FACT_ALL) {
        drop_strangers(plan, c);
    }
    if (plan->family_count > 0) {
        decide_families(&p, is_each, is_all);
    }
    if (decide_plain(&p, is_each, until_ms) || plan->family_count > 0) {
        until_ms = earliest_until(c);
    }
    if (p.change_count > 1 && plan->family_count > 0) {
        sort_changes(&p);
    }
    *out_until_ms = until_ms;
    DEEP_CHECK(*out_until_ms == earliest_until(c));
    CHECK(*out_until_ms > view->now_ms);
    return p.change_count;
}

static struct text id_of(const struct segment_plan *s, const struct membership *m)
{
    for (uint32_t r = 0; s->is_ladder && r < s->rung_count; r++) {
        if (s->rungs[r].key == m->rung) {
            return s->rungs[r].id;
        }
    }
    return s->is_ladder ? TEXT_NONE : s->id;
}

/* Memberships and `by_key` are both sorted by key; a bit for each place in the file brings them
 * back into its order. */
uint32_t segments_of(const struct segments_plan *plan, const struct customer *c,
                     struct arena *arena, const struct text **out_ids)
{
    uint64_t *is_in = arena_alloc(arena, (plan->count / 64 + 1) * sizeof is_in[0]);
    struct text *ids = arena_alloc(arena, (c->membership_count + 1) * sizeof ids[0]);
    uint32_t count = 0, rank = 0;

    for (uint32_t i = 0; i < c->membership_count; i++) {
        const struct membership *m = &c->memberships[i];

        while (rank < plan->count && plan->segments[plan->by_key[rank]].key < m->key) {
            rank++;
        }
        if (m->is_member && rank < plan->count &&
            plan->segments[plan->by_key[rank]].key == m->key) {
            is_in[plan->by_key[rank] / 64] |= UINT64_C(1) << plan->by_key[rank] % 64;
        }
    }
    for (uint32_t word = 0; word <= plan->count / 64; word++) {
        for (uint64_t bits = is_in[word]; bits != 0; bits &= bits - 1) {
            const struct segment_plan *s =
                &plan->segments[word * 64 + (uint32_t)__builtin_ctzll(bits)];
            struct text id = id_of(s, membership_of(c, s));

            if (id.at != NULL) {
                ids[count++] = id;
            }
        }
    }
    *out_ids = ids;
    return count;
}

bool segments_is_in(const struct customer *c, uint32_t key, uint32_t rung)
{
    const struct membership *m = customer_membership(c, key);

    return m != NULL && m->is_member && (rung == 0 || m->rung == rung);
}
