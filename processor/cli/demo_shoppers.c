/* DESIGN. Every shopper has a persona and an agenda; all agendas share one heap by time. Taking the
 * earliest item makes an event, puts the shopper's next visit on the agenda, and first lets the
 * timeline run up to that instant, which may put answers to emails on the agenda that are earlier
 * still. Chance for an email comes from its id, chance for a shopper from the shopper's own
 * generator: neither depends on the order in which they are asked.
 */
#include "processor/cli/demo_shoppers.h"

#include "processor/base/check.h"
#include "processor/base/hash.h"
#include "processor/base/heap.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/base/rng.h"

#include <stdio.h>
#include <stdlib.h>

#define CLOSING_DAYS 150 /* behind every deadline of the demo's sequences */
#define FIELDS_MAX   8

enum intention {
    INTENTION_JOIN, /* the profile */
    INTENTION_VISIT,
    INTENTION_SEARCH,
    INTENTION_DOWNLOAD,
    INTENTION_CLICK,
    INTENTION_PRICING,
    INTENTION_DEMO_REQUEST,
    INTENTION_BUY,
    INTENTION_MACHINE_OPEN,
    INTENTION_OPEN,
    INTENTION_EMAIL_CLICK,
    INTENTION_SCANNER_CLICK,
    INTENTION_UNSUBSCRIBE,
    INTENTION_BOUNCE,
    INTENTION_CLOSE
};

struct persona { /* chances per 10,000 */
    const char *name;
    uint32_t share;
    int32_t hours_between_visits;
    uint32_t opens, clicks, buys_after_click, buys_on_visit, looks_at_pricing;
};

static const struct persona personas[] = {
    { "browser", 4000, 130, 3500, 900, 800, 120, 900 },
    { "seeker", 2500, 60, 6000, 3000, 2500, 200, 2500 },
    { "bargain", 2000, 90, 7000, 2200, 4500, 900, 700 },
    { "quiet", 1500, 400, 800, 100, 500, 60, 200 },
};

struct shopper {
    char name[16];
    const struct persona *persona;
    struct rng rng;
    uint32_t events;
    int64_t leaves_ms; /* loses interest */
};

struct plan { /* one item of the agenda */
    struct heap_item item;
    char order[40]; /* breaks ties: shopper, then number */
    struct shopper *shopper;
    enum intention intention;
    struct hash128 trigger;
    bool has_trigger;
    uint32_t link;
};

struct demo_shoppers {
    struct demo_options options;
    struct timeline *timeline;
    timeline_sink *said;
    void *context;
    struct heap agenda;
    struct shopper *shoppers;
    struct shopper *closers;
    uint32_t plans;
};

static void plan_add(struct demo_shoppers *d, struct shopper *s, enum intention intention,
                     int64_t at_ms, const struct hash128 *trigger, uint32_t link)
{
    struct plan *p = mem_alloc(sizeof(*p));

    (void)snprintf(p->order, sizeof(p->order), "%s %08x", s->name, s->events++);
    p->shopper = s;
    p->intention = intention;
    p->link = link;
    if (trigger != NULL) {
        p->trigger = *trigger;
        p->has_trigger = true;
    }
    heap_item_init(&p->item, text_of(p->order));
    heap_set(&d->agenda, &p->item, at_ms);
}

static struct shopper *shopper_named(struct demo_shoppers *d, struct text name)
{
    uint32_t place = 0;

    for (size_t i = 1; i < name.size; i++) {
        if (name.at[i] < '0' || name.at[i] > '9') {
            return NULL;
        }
        place = place * 10 + (uint32_t)(name.at[i] - '0');
    }
    if (name.size < 2 || name.at[0] != 's' || place >= d->options.shoppers) {
        return NULL;
    }
    return &d->shoppers[place];
}

/* What a shopper does with an email, drawn from the email's own id. */
static void answer_email(struct demo_shoppers *d, struct shopper *s, const struct trigger *t)
{
    const struct persona *p = s->persona;
    const struct hash128 *id = &t->trigger_id;
    struct rng rng;
    uint64_t seed = 0;
    int64_t opened;

    for (size_t i = 0; i < 8; i++) {
        seed = seed << 8 | id->at[i];
    }
    rng_init(&rng, seed ^ d->options.seed);
    if (rng_chance(&rng, 60)) {
        plan_add(d, s, INTENTION_BOUNCE, t->sent_at_ms + rng_between(&rng, 500, 60000), id, 0);
        return;
    }
    if (rng_chance(&rng, 2500)) { /* a mail client that fetches pictures ahead */
        plan_add(d, s, INTENTION_MACHINE_OPEN, t->sent_at_ms + rng_between(&rng, 800, 9000), id, 0);
    }
    if (rng_chance(&rng, 500)) { /* a scanner that follows every link */
        int64_t at = t->sent_at_ms + rng_between(&rng, 3000, 20000);

        for (uint32_t link = 1; link <= 3; link++) {
            plan_add(d, s, INTENTION_SCANNER_CLICK, at + 150 * link, id, link);
        }
    }
    if (!rng_chance(&rng, p->opens)) {
        return;
    }
    opened = t->sent_at_ms + rng_between(&rng, 10 * MINUTE_MS, 40 * HOUR_MS);
    plan_add(d, s, INTENTION_OPEN, opened, id, 0);
    if (rng_chance(&rng, 120)) {
        plan_add(d, s, INTENTION_UNSUBSCRIBE, opened + MINUTE_MS, id, 0);
        return;
    }
    if (rng_chance(&rng, p->clicks)) {
        int64_t clicked = opened + rng_between(&rng, 20 * SECOND_MS, 2 * HOUR_MS);

        plan_add(d, s, INTENTION_EMAIL_CLICK, clicked, id, 1);
        if (rng_chance(&rng, p->buys_after_click)) {
            plan_add(d, s, INTENTION_BUY, clicked + rng_between(&rng, 5 * MINUTE_MS, 20 * HOUR_MS),
                     NULL, 0);
        }
    }
}

static void timeline_said(void *context, const struct output *o)
{
    struct demo_shoppers *d = context;

    if (o->type == OUTPUT_TRIGGER) {
        struct shopper *s = shopper_named(d, o->customer);

        CHECK(s != NULL);
        answer_email(d, s, &o->as.trigger);
    }
    d->said(d->context, o);
}

static const struct persona *persona_drawn(struct rng *rng)
{
    uint64_t draw = rng_below(rng, 10000);

    for (size_t i = 0; i < sizeof(personas) / sizeof(personas[0]); i++) {
        if (draw < personas[i].share) {
            return &personas[i];
        }
        draw -= personas[i].share;
    }
    UNREACHABLE();
}

int64_t demo_shoppers_end_ms(const struct demo_shoppers *d)
{
    return d->options.start_ms + (d->options.days + CLOSING_DAYS) * DAY_MS;
}

/* One customer per partition whose only event comes behind every deadline, so that each partition's
 * time runs past them. */
static void plan_closers(struct demo_shoppers *d)
{
    int32_t found = 0;

    d->closers = mem_alloc((size_t)d->options.partitions * sizeof(struct shopper));
    for (uint32_t i = 0; found < d->options.partitions; i++) {
        struct shopper *s = &d->closers[found];

        (void)snprintf(s->name, sizeof(s->name), "closing-%u", i);
        if (hash_partition(text_of(s->name), d->options.partitions) == found) {
            plan_add(d, s, INTENTION_CLOSE, demo_shoppers_end_ms(d), NULL, 0);
            found++;
        }
    }
}

struct demo_shoppers *demo_shoppers_new(const struct rules *rules,
                                        const struct demo_options *options, timeline_sink *said,
                                        void *context)
{
    struct demo_shoppers *d = mem_alloc(sizeof(*d));
    struct rng rng;

    CHECK(options->shoppers > 0 && options->partitions > 0);
    d->options = *options;
    d->said = said;
    d->context = context;
    d->timeline = timeline_new(rules, false, timeline_said, d);
    d->shoppers = mem_alloc(options->shoppers * sizeof(struct shopper));
    rng_init(&rng, options->seed);
    for (uint32_t i = 0; i < options->shoppers; i++) {
        struct shopper *s = &d->shoppers[i];
        /* A first crowd at once, so that there is something to see; the others join over the weeks.
         */
        int64_t joins = i % 4 == 0 ? rng_between(&rng, 0, 6 * HOUR_MS)
                                   : rng_between(&rng, 0, options->days * DAY_MS * 2 / 3);

        (void)snprintf(s->name, sizeof(s->name), "s%u", i);
        s->persona = persona_drawn(&rng);
        rng_init(&s->rng, rng_next(&rng));
        s->leaves_ms = options->start_ms + joins + rng_between(&rng, 2 * DAY_MS, 60 * DAY_MS);
        plan_add(d, s, INTENTION_JOIN, options->start_ms + joins, NULL, 0);
    }
    plan_closers(d);
    return d;
}

void demo_shoppers_free(struct demo_shoppers *d)
{
    struct heap_item *first;

    if (d == NULL) {
        return;
    }
    while ((first = heap_first(&d->agenda)) != NULL) {
        heap_set(&d->agenda, first, INSTANT_NEVER);
        mem_free((struct plan *)(void *)first);
    }
    heap_fini(&d->agenda);
    timeline_free(d->timeline);
    mem_free(d->shoppers);
    mem_free(d->closers);
    mem_free(d);
}

/* After a visit: what the shopper does next, and when. */
static void plan_next_visit(struct demo_shoppers *d, struct shopper *s, int64_t now_ms)
{
    const struct persona *p = s->persona;
    int64_t gap = rng_between(&s->rng, HOUR_MS, 2 * p->hours_between_visits * HOUR_MS);
    int64_t at = now_ms + gap;
    uint64_t mood = rng_below(&s->rng, 100);
    enum intention what = INTENTION_VISIT;

    if (at > s->leaves_ms || at > d->options.start_ms + d->options.days * DAY_MS) {
        return;
    }
    if (rng_chance(&s->rng, p->buys_on_visit)) {
        what = INTENTION_BUY;
    } else if (rng_chance(&s->rng, p->looks_at_pricing)) {
        what = rng_chance(&s->rng, 3500) ? INTENTION_DEMO_REQUEST : INTENTION_PRICING;
    } else if (mood < 25) {
        what = INTENTION_SEARCH;
    } else if (mood < 35) {
        what = INTENTION_DOWNLOAD;
    } else if (mood < 55) {
        what = INTENTION_CLICK;
    }
    plan_add(d, s, what, at, NULL, 0);
    if (what == INTENTION_PRICING && rng_chance(&s->rng, 6000)) { /* keen: twice in an hour */
        plan_add(d, s, INTENTION_PRICING, at + rng_between(&s->rng, MINUTE_MS, HOUR_MS), NULL, 0);
    }
}

struct fields { /* of the event being made */
    struct event_field items[FIELDS_MAX];
    uint32_t count;
};

static void add_field(struct fields *f, const char *name, struct value value)
{
    CHECK(f->count < FIELDS_MAX);
    f->items[f->count++] = (struct event_field){ text_of(name), hash32(text_of(name)), value };
}

static struct value text_value(struct text t)
{
    return (struct value){ .type = VALUE_TEXT, .as.text = t };
}

static const char *const kind_of[] = {
    [INTENTION_JOIN] = "profile",
    [INTENTION_VISIT] = "visit",
    [INTENTION_SEARCH] = "search",
    [INTENTION_DOWNLOAD] = "download",
    [INTENTION_CLICK] = "click",
    [INTENTION_PRICING] = "click",
    [INTENTION_DEMO_REQUEST] = "click",
    [INTENTION_BUY] = "purchase",
    [INTENTION_MACHINE_OPEN] = "open",
    [INTENTION_OPEN] = "open",
    [INTENTION_EMAIL_CLICK] = "click",
    [INTENTION_SCANNER_CLICK] = "click",
    [INTENTION_UNSUBSCRIBE] = "unsubscribe",
    [INTENTION_BOUNCE] = "bounce",
    [INTENTION_CLOSE] = "visit",
};

static void fill_profile(struct shopper *s, struct fields *f)
{
    static const char *const cities[] = { "New York", "Berlin", "Lyon", "Leeds", "Porto" };
    static const char *const industries[] = { "software", "finance", "retail", "health" };
    static const char *const motives[] = { "save_time", "save_money", "status", "security" };
    int64_t born = instant_days_from_civil((int32_t)rng_between(&s->rng, 1958, 2007),
                                           (int32_t)rng_between(&s->rng, 1, 12), 1);

    add_field(f, "consent_email",
              (struct value){ .type = VALUE_BOOL, .as.boolean = rng_chance(&s->rng, 8800) });
    add_field(f, "company_size",
              (struct value){ .type = VALUE_INT, .as.integer = rng_between(&s->rng, 1, 400) });
    add_field(f, "city", text_value(text_of(cities[rng_below(&s->rng, 5)])));
    add_field(f, "industry", text_value(text_of(industries[rng_below(&s->rng, 4)])));
    add_field(f, "motivation", text_value(text_of(motives[rng_below(&s->rng, 4)])));
    add_field(f, "birth_date", (struct value){ .type = VALUE_DATE, .as.integer = born });
}

static void fill_event(struct plan *p, struct arena *arena, struct event *ev, struct fields *f)
{
    static const char *const pages[] = { "/", "/blog", "/guide", "/features" };
    struct shopper *s = p->shopper;
    struct text url = TEXT_NONE;

    switch (p->intention) {
    case INTENTION_PRICING:
        url = TEXT("/pricing");
        break;
    case INTENTION_DEMO_REQUEST:
        url = TEXT("/demo/request");
        break;
    case INTENTION_VISIT:
    case INTENTION_CLICK:
        url = text_of(pages[rng_below(&s->rng, 4)]);
        break;
    case INTENTION_EMAIL_CLICK:
    case INTENTION_SCANNER_CLICK:
        url = arena_format(arena, "/mail/%u", p->link);
        break;
    case INTENTION_BUY:
        ev->order = arena_format(arena, "o-%s", p->order);
        ev->has_amount = true;
        ev->amount = rng_between(&s->rng, 900, 24000);
        ev->currency = TEXT("EUR");
        break;
    case INTENTION_MACHINE_OPEN:
        ev->machine = EVENT_MACHINE_YES;
        break;
    case INTENTION_BOUNCE:
        ev->is_hard_bounce = true;
        break;
    case INTENTION_JOIN:
    case INTENTION_SEARCH:
    case INTENTION_DOWNLOAD:
    case INTENTION_OPEN:
    case INTENTION_UNSUBSCRIBE:
    case INTENTION_CLOSE:
        break;
    }
    if (url.at != NULL) {
        add_field(f, "url", text_value(url));
    }
}

static void make_event(struct demo_shoppers *d, struct plan *p, int64_t at_ms, struct arena *arena,
                       struct event *ev)
{
    struct shopper *s = p->shopper;
    struct fields f = { .count = 0 };
    struct event_field *kept;

    *ev = (struct event){ .machine = EVENT_MACHINE_UNKNOWN, .at_ms = at_ms };
    ev->kind_name = text_of(kind_of[p->intention]);
    ev->kind = event_kind_of(ev->kind_name);
    ev->customer = arena_text(arena, text_of(s->name));
    ev->id = arena_text(arena, text_of(p->order));
    if (p->has_trigger) {
        char hex[33];

        hash128_hex(p->trigger, hex);
        ev->email = arena_text(arena, text_of(hex));
    }
    fill_event(p, arena, ev, &f);
    if (p->intention == INTENTION_JOIN) {
        fill_profile(s, &f);
    }
    kept = arena_alloc(arena, (f.count + 1) * sizeof(*kept));
    memcpy(kept, f.items, f.count * sizeof(*kept));
    if (p->intention == INTENTION_JOIN) {
        ev->set = kept;
        ev->set_count = f.count;
    } else {
        ev->fields = kept;
        ev->field_count = f.count;
    }
    if (p->intention <= INTENTION_BUY) {
        plan_next_visit(d, s, at_ms);
    }
}

bool demo_shoppers_next(struct demo_shoppers *d, struct arena *arena, struct event *out_event)
{
    struct heap_item *first = heap_first(&d->agenda);
    int64_t at_ms;

    if (first == NULL) {
        return false;
    }
    /* Emails that leave before then may be answered before then: time moves timer by timer. */
    while (timeline_due_ms(d->timeline) < first->due_ms) {
        timeline_run_to(d->timeline, timeline_due_ms(d->timeline));
        first = heap_first(&d->agenda);
    }
    at_ms = first->due_ms;
    heap_set(&d->agenda, first, INSTANT_NEVER);
    make_event(d, (struct plan *)(void *)first, at_ms, arena, out_event);
    (void)timeline_event(d->timeline, out_event);
    mem_free((struct plan *)(void *)first);
    return true;
}
