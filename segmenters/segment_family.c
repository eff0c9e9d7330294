/* DESIGN. Houses with very many segments have them in families: "score >= 5", "score >= 6", ..,
 * the same predicate but for one bound. Who is in a family's segment is in all with an easier bound
 * (predicate_shape.h), so of a family only the two segments at the place between in and out are
 * evaluated, and what an event costs does not grow with the family. The two carry the instant at
 * which that place may move; the others' memberships say never. Those who are not in and say never
 * have no membership at all.
 *
 * The place is counted from the memberships when a record was read, and remembered beside them.
 */
#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/map.h"
#include "processor/base/mem.h"
#include "segmenters/predicate_shape.h"
#include "segmenters/segment_parts.h"

#define FAMILY_MIN 16 /* with fewer, two evaluations gain little */

/* --- building, once --- */

static uint32_t least(const struct segments_plan *plan)
{
    return plan->family_min == 0 ? FAMILY_MIN : plan->family_min;
}

struct candidate {
    uint32_t count; /* segments that could be in it */
    struct segment_family *family;
};

static bool is_simple(const struct segment_plan *s)
{
    return s->when != NULL && !s->is_ladder && s->leave_when == NULL && s->for_ms == 0 &&
           s->min_stay_ms == 0 && (s->depends & FACT_SEGMENTS) == 0;
}

/* What building needs of one segment. */
struct shapes {
    struct predicate_shape items[PREDICATE_SHAPES_MAX];
    uint32_t count;
    const struct predicate_shape *chosen;
};

static void count_shapes(struct map *candidates, struct shapes *shapes, struct arena *arena)
{
    for (uint32_t i = 0; i < shapes->count; i++) {
        struct candidate *c = map_find(candidates, shapes->items[i].text);

        if (c == NULL) {
            c = arena_alloc(arena, sizeof(*c));
            map_put(candidates, shapes->items[i].text, c);
        }
        c->count++;
    }
}

/* The candidate that most segments could be in. */
static struct candidate *choose(const struct map *candidates, struct shapes *shapes)
{
    struct candidate *best = NULL;

    for (uint32_t i = 0; i < shapes->count; i++) {
        struct candidate *c = map_find(candidates, shapes->items[i].text);

        if (best == NULL || c->count > best->count) {
            best = c;
            shapes->chosen = &shapes->items[i];
        }
    }
    return best;
}

/* By bound, the easiest first; equal ones in the order of the file. */
static void add_member(struct segment_family *f, struct shapes *shapes, uint32_t index)
{
    uint32_t place = f->count++;

    for (; place > 0 &&
           predicate_shape_order(shapes[index].chosen, shapes[f->members[place - 1]].chosen) < 0;
         place--) {
        f->members[place] = f->members[place - 1];
    }
    f->members[place] = index;
}

static void fill_families(struct segments_plan *plan, struct arena *arena, struct shapes *shapes,
                          const struct map *candidates)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        struct candidate *c = choose(candidates, &shapes[i]);

        if (c == NULL || c->count < least(plan)) {
            continue;
        }
        if (c->family == NULL) {
            c->family = &plan->families[plan->family_count++];
            c->family->members = arena_alloc(arena, c->count * sizeof(uint32_t));
            c->family->depends = plan->segments[i].depends;
        }
        add_member(c->family, shapes, i);
        plan->segments[i].family = (uint32_t)(c->family - plan->families) + 1;
    }
}

/* The segments that are in no family, in dependency order. */
static void list_plain(struct segments_plan *plan, struct arena *arena)
{
    plan->plain = arena_alloc(arena, plan->count * sizeof plan->plain[0]);
    plan->plain_depends = arena_alloc(arena, plan->count * sizeof plan->plain_depends[0]);
    for (uint32_t i = 0; i < plan->count; i++) {
        struct segment_plan *s = &plan->segments[plan->order[i]];

        s->turn = i;
        if (s->family == 0) {
            plan->plain[plan->plain_count] = plan->order[i];
            plan->plain_depends[plan->plain_count++] = s->depends;
        }
    }
}

void segment_families_find(struct segments_plan *plan, struct arena *arena)
{
    struct shapes *shapes = mem_alloc((plan->count + 1) * sizeof(*shapes));
    struct arena scratch = { 0 };
    struct map candidates = { 0 };

    plan->plain_count = plan->family_count = 0;
    plan->families = arena_alloc(arena, (plan->count + 1) * sizeof plan->families[0]);
    for (uint32_t i = 0; i < plan->count; i++) {
        plan->segments[i].family = 0;
        if (is_simple(&plan->segments[i])) {
            shapes[i].count = predicate_shapes(plan->segments[i].when, &scratch, shapes[i].items);
            count_shapes(&candidates, &shapes[i], &scratch);
        }
    }
    fill_families(plan, arena, shapes, &candidates);
    for (uint32_t i = 0; i < plan->family_count; i++) {
        for (uint32_t k = 0; k < plan->families[i].count; k++) {
            plan->segments[plan->families[i].members[k]].place = k;
        }
    }
    list_plain(plan, arena);
    map_fini(&candidates);
    arena_fini(&scratch);
    mem_free(shapes);
}

/* --- the places of one customer --- */

#define NOWHERE UINT32_MAX /* each segment of the family stands for itself */

static const struct segment_plan *member(const struct pass *p, const struct segment_family *f,
                                         uint32_t place)
{
    return &p->plan->segments[f->members[place]];
}

/* Is the customer in the easiest segments of each family, and do only the two at the place say
 * until when? A record of another configuration or release need not be so. */
static void doubt_places(const struct segments_plan *plan, struct customer *c)
{
    for (uint32_t i = 0; i < c->membership_count; i++) {
        const struct membership *m = &c->memberships[i];
        const struct segment_plan *s = segment_by_key(plan, m->key);
        uint32_t *place = s == NULL || s->family == 0 ? NULL : &c->places[s->family - 1];

        if (place != NULL && *place != NOWHERE &&
            ((m->is_member && s->place >= *place) ||
             (m->until_ms != INSTANT_NEVER && s->place != *place && s->place + 1 != *place))) {
            *place = NOWHERE;
        }
    }
}

void segment_places_find(const struct segments_plan *plan, struct customer *c)
{
    if (c->places_of == plan) {
        return;
    }
    mem_free(c->places);
    c->places = mem_alloc((plan->family_count + 1) * sizeof(c->places[0]));
    c->places_of = plan;
    for (uint32_t i = 0; plan->family_count > 0 && i < c->membership_count; i++) {
        const struct segment_plan *s = segment_by_key(plan, c->memberships[i].key);

        if (s != NULL && s->family > 0 && c->memberships[i].is_member) {
            c->places[s->family - 1]++;
        }
    }
    doubt_places(plan, c);
}

void segment_places_forget(const struct segments_plan *plan, struct customer *c)
{
    c->places_of = NULL;
    segment_places_find(plan, c);
    for (uint32_t i = 0; i < plan->family_count; i++) {
        c->places[i] = NOWHERE;
    }
}

static bool is_until_due(const struct pass *p, const struct segment_family *f, uint32_t place)
{
    const struct membership *m =
        place < f->count ? customer_membership(p->c, member(p, f, place)->key) : NULL;

    return m != NULL && m->until_ms <= p->view.now_ms;
}

bool segment_family_is_due(const struct pass *p, uint32_t index)
{
    const struct segment_family *f = &p->plan->families[index];
    uint32_t place = p->c->places[index];

    if (place == NOWHERE) {
        return true;
    }
    return is_until_due(p, f, place) || (place > 0 && is_until_due(p, f, place - 1));
}

static void set_until(struct pass *p, const struct segment_plan *s, int64_t until_ms)
{
    struct membership *m = customer_membership(p->c, s->key);

    if (until_ms != INSTANT_NEVER && m == NULL) {
        m = customer_need_membership(p->c, s->key);
        m->since_ms = INSTANT_NEVER;
    }
    if (m == NULL) {
        return;
    }
    m->until_ms = until_ms;
    if (!m->is_member && until_ms == INSTANT_NEVER) {
        customer_remove_membership(p->c, m);
    }
}

static void enter(struct pass *p, const struct segment_plan *s)
{
    struct membership *m = customer_need_membership(p->c, s->key);

    m->is_member = true;
    m->since_ms = p->view.now_ms;
    segment_note_change(p, s, s->id, 0, true);
}

static void leave(struct pass *p, const struct segment_plan *s)
{
    struct membership *m = customer_membership(p->c, s->key);

    CHECK(m != NULL && m->is_member);
    m->is_member = false;
    m->since_ms = INSTANT_NEVER;
    segment_note_change(p, s, s->id, 0, false);
}

static bool is_place_right(struct pass *p, const struct segment_family *f, uint32_t place)
{
    bool is_right = true;

    for (uint32_t i = 0; i < f->count; i++) {
        const struct membership *m = customer_membership(p->c, member(p, f, i)->key);
        int64_t until_ms;

        is_right = is_right && (m != NULL && m->is_member) == (i < place) &&
                   segment_holds(p, member(p, f, i)->when, &until_ms) == (i < place);
    }
    return is_right;
}

/* From `before` to `place`: nothing is said of until when by whom the place has passed. */
static void forget_untils(struct pass *p, const struct segment_family *f, uint32_t before,
                          uint32_t place)
{
    uint32_t from = place < before ? place : before, to = place < before ? before : place;

    for (uint32_t i = from > 0 ? from - 1 : 0; i <= to && i < f->count; i++) {
        set_until(p, member(p, f, i), INSTANT_NEVER);
    }
}

/* One for itself. Returns: the customer is in it. */
static bool decide_alone(struct pass *p, const struct segment_plan *s)
{
    const struct membership *m = customer_membership(p->c, s->key);
    bool was_in = m != NULL && m->is_member;
    int64_t until_ms;
    bool is_in = segment_holds(p, s->when, &until_ms);

    if (is_in && !was_in) {
        enter(p, s);
    } else if (!is_in && was_in) {
        leave(p, s);
    }
    set_until(p, s, until_ms);
    return is_in;
}

/* All of a family that has no place: from then on it has one. */
static void decide_all(struct pass *p, uint32_t index)
{
    const struct segment_family *f = &p->plan->families[index];
    uint32_t place = 0;

    for (uint32_t i = 0; i < f->count; i++) {
        place += decide_alone(p, member(p, f, i));
    }
    for (uint32_t i = 0; i < f->count; i++) {
        if (i != place && i + 1 != place) {
            set_until(p, member(p, f, i), INSTANT_NEVER);
        }
    }
    p->c->places[index] = place;
    DEEP_CHECK(is_place_right(p, f, place));
}

/* Of a family that has no place: whose instant has come. Those the customer is in say until when
 * for themselves then; the others may be new, and are not looked at before all are. */
static void decide_due(struct pass *p, uint32_t index)
{
    const struct segment_family *f = &p->plan->families[index];
    bool is_due = false;

    for (uint32_t i = 0; i < f->count; i++) {
        is_due = is_due || is_until_due(p, f, i);
    }
    for (uint32_t i = 0; is_due && i < f->count; i++) {
        const struct membership *m = customer_membership(p->c, member(p, f, i)->key);

        if (m != NULL && (m->is_member || m->until_ms != INSTANT_NEVER)) {
            (void)decide_alone(p, member(p, f, i));
        }
    }
}

static void move_place(struct pass *p, uint32_t index)
{
    const struct segment_family *f = &p->plan->families[index];
    uint32_t before = p->c->places[index], place = before;
    int64_t in_ms = INSTANT_NEVER;  /* until then the last that is in stays in .. */
    int64_t out_ms = INSTANT_NEVER; /* .. and the first that is out, out */

    CHECK(before <= f->count);
    while (place < f->count && segment_holds(p, member(p, f, place)->when, &out_ms)) {
        enter(p, member(p, f, place++));
        in_ms = out_ms;
        out_ms = INSTANT_NEVER;
    }
    for (bool is_moved = place != before; !is_moved && place > 0; in_ms = INSTANT_NEVER) {
        if (segment_holds(p, member(p, f, place - 1)->when, &in_ms)) {
            break;
        }
        leave(p, member(p, f, --place));
        out_ms = in_ms;
    }
    if (place != before) {
        forget_untils(p, f, before, place);
    }
    if (place > 0) {
        set_until(p, member(p, f, place - 1), in_ms);
    }
    if (place < f->count) {
        set_until(p, member(p, f, place), out_ms);
    }
    p->c->places[index] = place;
    DEEP_CHECK(is_place_right(p, f, place));
}

void segment_family_decide(struct pass *p, uint32_t index, bool is_asked)
{
    if (p->c->places[index] != NOWHERE) {
        move_place(p, index);
    } else if (is_asked) {
        decide_all(p, index);
    } else {
        decide_due(p, index);
    }
}
