#include "processor/config/footprint.h"

#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "schemas/customer.h"
#include "schemas/event.h"

#define AT_MS         INT64_C(1772438400000)
#define TYPICAL_TEXT  12
#define TYPICAL_ITEMS 3 /* of a set */
#define TYPICAL_KINDS 8
#define KIND_SIZE     16
#define TYPICAL_SENT  8

/* What a customer has of each; the two that are built. */
struct measure {
    size_t text;
    uint32_t items, orders, entries, days, kinds, sent, clicks;
    int64_t number;
};

static const struct measure typical = { TYPICAL_TEXT,  TYPICAL_ITEMS, 5, 10,  0,
                                        TYPICAL_KINDS, TYPICAL_SENT,  1, 4900 };
static const struct measure most = {
    EVENT_TEXT_SIZE_MAX,  EVENT_LIST_MAX,      CUSTOMER_ENTRIES_MAX,
    CUSTOMER_ENTRIES_MAX, CUSTOMER_DAYS_MAX,   CUSTOMER_KINDS_MAX,
    CUSTOMER_SENT_MAX,    CUSTOMER_CLICKS_MAX, INT64_MAX
};

const char *footprint_name(enum footprint_part part)
{
    static const char *const names[FOOTPRINT__COUNT] = {
        [FOOTPRINT_IDS] = "ids",
        [FOOTPRINT_ATTRIBUTES] = "attributes",
        [FOOTPRINT_ORDERS] = "orders",
        [FOOTPRINT_HISTORIES] = "counters",
        [FOOTPRINT_SCORES] = "scores",
        [FOOTPRINT_MEMBERSHIPS] = "memberships",
        [FOOTPRINT_SEQUENCES] = "sequences",
        [FOOTPRINT_REST] = "rest",
    };

    return names[part];
}

static char *letters(struct arena *arena, size_t size)
{
    char *text = arena_alloc(arena, size + 1);

    memset(text, 'x', size);
    return text;
}

/* --- one part each --- */

struct building {
    const struct rules *rules;
    const struct measure *m;
    struct customer *c;
    struct arena *arena;
};

static void add_ids(const struct building *b)
{
    b->c->ids = mem_alloc(CUSTOMER_IDS_MAX * sizeof(b->c->ids[0]));
    b->c->id_count = b->c->id_capacity = CUSTOMER_IDS_MAX;
}

static void add_attributes(const struct building *b)
{
    struct text text = { letters(b->arena, b->m->text), b->m->text };
    struct text *items = arena_alloc(b->arena, b->m->items * sizeof(struct text));

    for (uint32_t i = 0; i < b->m->items; i++) {
        /* A set shares the room of one text. */
        items[i] = (struct text){ text.at, b->m->text / (b->m == &most ? b->m->items : 1) };
    }
    for (uint32_t i = 0; i < b->rules->facts.attribute_count; i++) {
        const struct attribute_plan *a = &b->rules->facts.attributes[i];
        struct value v = { .type = a->type, .as.integer = b->m->number };
        struct attribute *there;

        if (a->type == VALUE_TEXT || a->type == VALUE_NULL) {
            v = (struct value){ .type = VALUE_TEXT, .as.text = text };
            if (a->allowed_count > 0) {
                v.as.text = a->allowed[0];
            }
        } else if (a->type == VALUE_STRINGS) {
            v.as.strings.at = items;
            v.as.strings.count = b->m->items;
        } else if (a->type == VALUE_BOOL) {
            v.as.boolean = true;
        } else if (a->type == VALUE_DOUBLE) {
            v.as.real = 0.5;
        }
        there = customer_need_attribute(b->c, a->key);
        there->at_ms = AT_MS;
        there->value = value_dup(&v);
    }
}

static struct history_day *new_days(const struct building *b)
{
    struct history_day *days = mem_alloc((b->m->days + 1) * sizeof(struct history_day));

    for (uint32_t i = 0; i < b->m->days; i++) {
        days[i] = (struct history_day){ .day = (int32_t)(AT_MS / DAY_MS),
                                        .count = CUSTOMER_ENTRIES_MAX,
                                        .sum = b->m->number,
                                        .least = b->m->number,
                                        .most = b->m->number };
    }
    return days;
}

static void add_orders(const struct building *b)
{
    b->c->order_days = new_days(b);
    b->c->order_day_count = b->c->order_day_capacity = b->m->days;
    b->c->orders = mem_alloc(b->m->orders * sizeof(struct order));
    b->c->order_count = b->c->order_capacity = b->m->orders;
    for (uint32_t i = 0; i < b->m->orders; i++) {
        b->c->orders[i] = (struct order){
            .id = UINT64_MAX / 3, .event_id = UINT64_MAX / 3, .at_ms = AT_MS, .amount = b->m->number
        };
    }
}

static void add_histories(const struct building *b)
{
    for (uint32_t i = 0; i < b->rules->facts.history_count; i++) {
        const struct history_plan *plan = &b->rules->facts.histories[i];
        struct history *h = customer_need_history(b->c, plan->key);
        uint32_t count = plan->keep < b->m->entries ? plan->keep : b->m->entries;

        if (count == CUSTOMER_ENTRIES_MAX) { /* only then older ones fold into days */
            h->days = new_days(b);
            h->day_count = h->day_capacity = b->m->days;
        }
        h->total_count = h->total_sum = b->m->number;
        h->first_ms = h->last_ms = AT_MS;
        h->entries = mem_alloc((count + 1) * sizeof(struct history_entry));
        h->count = h->capacity = count;
        for (uint32_t k = 0; k < count; k++) {
            h->entries[k] = (struct history_entry){ AT_MS, plan->field == 0 ? 0 : b->m->number };
        }
    }
}

static void add_scores(const struct building *b)
{
    for (uint32_t i = 0; i < b->rules->facts.score_count; i++) {
        struct score *s = customer_need_score(b->c, b->rules->facts.scores[i].key);

        s->points_q40 = INT64_MAX / 4;
        s->at_ms = AT_MS;
    }
}

static void add_memberships(const struct building *b)
{
    for (uint32_t i = 0; i < b->rules->segments.count; i++) {
        const struct segment_plan *s = &b->rules->segments.segments[i];
        struct membership *m = customer_need_membership(b->c, s->key);

        m->rung = s->is_ladder ? s->key : 0;
        m->is_member = true;
        m->since_ms = m->pending_ms = m->until_ms = AT_MS;
    }
}

static void add_sent(const struct building *b, uint32_t count)
{
    b->c->sent = mem_alloc((count + 1) * sizeof(struct sent));
    b->c->sent_count = b->c->sent_capacity = count;
    for (uint32_t i = 0; i < count; i++) {
        struct sent *s = &b->c->sent[i];

        *s = (struct sent){ .sequence = UINT32_MAX / 3,
                            .email = UINT32_MAX / 3,
                            .run = 1,
                            .attempt = 1,
                            .sent_at_ms = AT_MS,
                            .first_open_ms = AT_MS,
                            .first_reply_ms = AT_MS,
                            .soft_bounce_ms = AT_MS,
                            .last_sign_ms = AT_MS };
        s->clicks = mem_alloc(b->m->clicks * sizeof(struct click));
        s->click_count = s->click_capacity = b->m->clicks;
        for (uint32_t k = 0; k < b->m->clicks; k++) {
            s->clicks[k] = (struct click){ .at_ms = AT_MS, .link = UINT32_MAX / 3 };
        }
    }
}

static void add_context(const struct building *b, const struct sequence_plan *s, struct run *r)
{
    for (uint32_t i = 0; i < s->email_count; i++) {
        for (uint32_t k = 0; k < s->emails[i].personalize_count; k++) {
            if (text_starts_with(s->emails[i].personalize[k], TEXT("event."))) {
                r->context = mem_grow32(r->context, r->context_count, &r->context_capacity,
                                        sizeof(r->context[0]));
                r->context[r->context_count++] = (struct context_entry){
                    text_dup(s->emails[i].personalize[k]),
                    text_dup((struct text){ letters(b->arena, b->m->text), b->m->text })
                };
            }
        }
    }
}

static void add_run(const struct building *b, const struct sequence_plan *s)
{
    struct run *r;

    b->c->runs = mem_grow32(b->c->runs, b->c->run_count, &b->c->run_capacity, sizeof(struct run));
    r = &b->c->runs[b->c->run_count++];
    *r =
        (struct run){ .sequence = s->key,
                      .number = 1,
                      .entered_at_ms = AT_MS,
                      .cause = text_dup((struct text){ letters(b->arena, b->m->text), b->m->text }),
                      .phase = RUN_JUDGING,
                      .previous_ms = AT_MS,
                      .planned_at_ms = AT_MS,
                      .not_before_ms = AT_MS,
                      .due_ms = AT_MS };
    r->emails = mem_alloc((s->email_count + 1) * sizeof(struct run_email));
    r->email_count = r->email_capacity = s->email_count;
    r->plan = mem_alloc((s->email_count + 1) * sizeof(struct run_step));
    r->plan_count = r->plan_capacity = s->email_count;
    for (uint32_t i = 0; i < s->email_count; i++) {
        r->emails[i].email = s->emails[i].key;
        r->plan[i].id = text_dup(s->emails[i].id);
        r->plan[i].after_ms = s->emails[i].after_ms;
    }
    add_context(b, s, r);
}

/* Typical: of every experiment; most: of as many as are kept. Each with the segments of then. */
static void add_exposures(const struct building *b)
{
    uint32_t count = b->m == &most && b->rules->experiment_count > 0 ? CUSTOMER_EXPOSURES_MAX
                                                                     : b->rules->experiment_count;

    b->c->exposures = mem_alloc((count + 1) * sizeof(struct exposure));
    b->c->exposure_count = b->c->exposure_capacity = count;
    for (uint32_t i = 0; i < count; i++) {
        struct exposure *x = &b->c->exposures[i];

        *x = (struct exposure){ .key = UINT32_MAX / 3, .arm = UINT32_MAX / 3, .at_ms = AT_MS };
        x->segment_count = x->segment_capacity = b->rules->segments.count;
        x->segments = mem_alloc((x->segment_count + 1) * sizeof(uint32_t));
        for (uint32_t k = 0; k < x->segment_count; k++) {
            x->segments[k] = UINT32_MAX / 3;
        }
    }
}

static void add_sequences(const struct building *b)
{
    const struct sequence_plan *longest = NULL;
    uint32_t sent = b->rules->sequence_count == 0 ? 0 : b->m->sent;

    for (uint32_t i = 0; i < b->rules->sequence_count; i++) {
        const struct sequence_plan *s = &b->rules->sequences[i];
        struct entry *e = customer_need_entry(b->c, s->key);

        e->runs = 1;
        e->last_ms = AT_MS;
        longest = longest == NULL || s->email_count > longest->email_count ? s : longest;
        if (b->m == &most) {
            add_run(b, s);
            sent += (uint32_t)s->max_emails;
        }
    }
    if (b->m == &typical && longest != NULL) {
        add_run(b, longest);
    }
    add_sent(b, sent);
    add_exposures(b);
}

static void add_rest(const struct building *b)
{
    struct customer *c = b->c;

    c->config = UINT64_MAX / 3;
    c->created_at_ms = c->decided_at_ms = c->last_event_ms = c->last_engaged_ms = AT_MS;
    c->due_ms = c->order_first_ms = AT_MS;
    c->kinds = mem_alloc(b->m->kinds * sizeof(struct kind_time));
    c->kind_count = c->kind_capacity = b->m->kinds;
    for (uint32_t i = 0; i < b->m->kinds; i++) {
        c->kinds[i].kind = text_dup((struct text){ letters(b->arena, KIND_SIZE), KIND_SIZE });
        c->kinds[i].last_ms = AT_MS;
    }
}

/* --- together --- */

static int64_t size_of(const struct customer *c)
{
    struct bytes_out out = { 0 };
    int64_t size;

    customer_encode(c, &out);
    size = (int64_t)out.size;
    bytes_out_fini(&out);
    return size;
}

static int64_t measure(const struct rules *rules, const struct measure *m,
                       int64_t out_parts[FOOTPRINT__COUNT])
{
    static void (*const add[FOOTPRINT__COUNT])(const struct building *) = {
        [FOOTPRINT_IDS] = add_ids,
        [FOOTPRINT_ATTRIBUTES] = add_attributes,
        [FOOTPRINT_ORDERS] = add_orders,
        [FOOTPRINT_HISTORIES] = add_histories,
        [FOOTPRINT_SCORES] = add_scores,
        [FOOTPRINT_MEMBERSHIPS] = add_memberships,
        [FOOTPRINT_SEQUENCES] = add_sequences,
        [FOOTPRINT_REST] = add_rest,
    };
    struct arena arena = { 0 };
    int64_t total = 0;

    /* Each part by itself, so that a record with every limit reached is never held whole. */
    for (int i = 0; i < FOOTPRINT__COUNT; i++) {
        struct building b = { rules, m, customer_new(), &arena };
        int64_t empty = size_of(b.c);

        add[i](&b);
        out_parts[i] = size_of(b.c) - (i == FOOTPRINT_REST ? 0 : empty);
        total += out_parts[i];
        customer_free(b.c);
        arena_reset(&arena);
    }
    arena_fini(&arena);
    return total;
}

void footprint_of(const struct rules *rules, struct footprint *out)
{
    *out = (struct footprint){ .typical_bytes = 0 };
    out->typical_bytes = measure(rules, &typical, out->typical);
    out->most_bytes = measure(rules, &most, out->most);
}

/* --- what an event looks at --- */

static bool is_kind(struct text name, struct text kind)
{
    return text_equal(name, kind) || (text_is(name, "open.any") && text_is(kind, "open")) ||
           (text_is(name, "click.any") && text_is(kind, "click"));
}

static uint64_t changed_by(const struct facts_plan *plan, struct text kind)
{
    bool is_refund = text_is(kind, "refund");
    uint64_t changed = 0;

    if (text_is(kind, "profile")) {
        changed |= FACT_ATTRIBUTES;
    }
    if (text_is(kind, "purchase") || is_refund) {
        changed |= FACT_RFM;
    }
    for (uint32_t i = 0; i < plan->attribute_count; i++) {
        if (text_equal(plan->attributes[i].remember_kind, kind)) {
            changed |= FACT_ATTRIBUTES;
        }
    }
    for (uint32_t i = 0; i < plan->history_count; i++) {
        if (text_equal(plan->histories[i].kind, kind) ||
            (is_refund && text_is(plan->histories[i].kind, "purchase"))) {
            changed |= FACT_HISTORY(i);
        }
    }
    for (uint32_t i = 0; i < plan->score_count; i++) {
        for (uint32_t k = 0; k < plan->scores[i].point_count; k++) {
            if (is_kind(plan->scores[i].points[k].kind, kind)) {
                changed |= FACT_SCORE(i);
            }
        }
    }
    return changed;
}

static uint32_t cost_of(const struct predicate *p)
{
    return p == NULL ? 0 : predicate_cost(p);
}

static uint32_t segment_cost(const struct segment_plan *s)
{
    uint32_t cost = cost_of(s->when) + cost_of(s->leave_when) + (s->is_from_rfm ? 1 : 0);

    for (uint32_t i = 0; i < s->rung_count; i++) {
        cost += cost_of(s->rungs[i].when) + cost_of(s->rungs[i].leave_when);
    }
    return cost;
}

static struct event_cost cost_of_kind(const struct rules *rules, struct text kind)
{
    struct event_cost cost = { .kind = kind };
    uint64_t changed = changed_by(&rules->facts, kind);

    for (uint32_t i = 0; i < rules->facts.filter_count; i++) {
        if (text_equal(rules->facts.filters[i]->kind, kind)) {
            cost.steps += predicate_cost(rules->facts.filters[i]->predicate);
        }
    }
    for (uint32_t i = 0; i < rules->segments.count; i++) {
        const struct segment_plan *s = &rules->segments.segments[rules->segments.order[i]];

        /* What names another segment may follow it. */
        if ((s->depends & changed) != 0) {
            changed |= FACT_SEGMENTS;
            cost.segments++;
            cost.steps += segment_cost(s);
        }
    }
    for (uint32_t i = 0; i < rules->sequence_count; i++) {
        cost.steps += cost_of(rules->sequences[i].stop_if) + cost_of(rules->sequences[i].goal.when);
    }
    return cost;
}

struct costs {
    struct event_cost *items;
    uint32_t count, room;
};

static void add_kind(const struct rules *rules, struct costs *all, struct text kind)
{
    struct event_cost cost;
    uint32_t place;

    kind = text_is(kind, "open.any")    ? TEXT("open")
           : text_is(kind, "click.any") ? TEXT("click")
                                        : kind;
    for (uint32_t i = 0; i < all->count; i++) {
        if (text_equal(all->items[i].kind, kind)) {
            return;
        }
    }
    if (kind.size == 0 || all->count == all->room) {
        return;
    }
    cost = cost_of_kind(rules, kind);
    for (place = all->count; place > 0 && all->items[place - 1].steps < cost.steps; place--) {
        all->items[place] = all->items[place - 1];
    }
    all->items[place] = cost;
    all->count++;
}

uint32_t footprint_events(const struct rules *rules, struct event_cost *out, uint32_t room)
{
    const struct facts_plan *plan = &rules->facts;
    struct costs all = { out, 0, room };

    add_kind(rules, &all, TEXT("purchase"));
    add_kind(rules, &all, TEXT("profile"));
    for (uint32_t i = 0; i < plan->history_count; i++) {
        add_kind(rules, &all, plan->histories[i].kind);
    }
    for (uint32_t i = 0; i < plan->score_count; i++) {
        for (uint32_t k = 0; k < plan->scores[i].point_count; k++) {
            add_kind(rules, &all, plan->scores[i].points[k].kind);
        }
    }
    for (uint32_t i = 0; i < plan->attribute_count; i++) {
        add_kind(rules, &all, plan->attributes[i].remember_kind);
    }
    return all.count;
}
