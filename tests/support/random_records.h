/* Random records by seed: customers, events and outputs with every field in use.
 *
 * Test support: everything is static inline, since no test uses all of it. Texts live in the arena,
 * what a customer owns on the heap.
 */
#ifndef TESTS_SUPPORT_RANDOM_RECORDS_H
#define TESTS_SUPPORT_RANDOM_RECORDS_H
#include "processor/base/arena.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/base/rng.h"
#include "schemas/customer.h"
#include "schemas/event.h"
#include "schemas/output.h"

#define RANDOM_LIST_MAX 4

/* 0 to size_max characters, some of several bytes. */
static inline struct text random_text(struct rng *r, struct arena *a, uint64_t size_max)
{
    static const char *const characters[] = {
        "a", "b", "Z", "7", " ", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80"
    };
    struct bytes_out out = { NULL, 0, 0 };
    struct text t;

    for (uint64_t i = rng_below(r, size_max + 1); i > 0; i--) {
        bytes_put_format(&out, "%s", characters[rng_below(r, 8)]);
    }
    t = arena_text(a, (struct text){ out.at == NULL ? "" : (const char *)out.at, out.size });
    bytes_out_fini(&out);
    return t;
}

static inline struct text random_text_or_none(struct rng *r, struct arena *a)
{
    return rng_chance(r, 3000) ? TEXT_NONE : random_text(r, a, 12);
}

/* Names of one list differ. */
static inline struct text random_name(struct rng *r, struct arena *a, uint32_t place)
{
    return arena_format(a, "n%u_%llu", place, (unsigned long long)rng_below(r, 1000));
}

static inline int64_t random_instant(struct rng *r)
{
    return rng_between(r, INSTANT_MIN, INSTANT_MAX);
}

static inline int64_t random_instant_or_never(struct rng *r)
{
    return rng_chance(r, 3000) ? INSTANT_NEVER : random_instant(r);
}

/* Small and large numbers of both signs. */
static inline int64_t random_long(struct rng *r)
{
    return (int64_t)rng_next(r) >> rng_below(r, 64);
}

static inline int32_t random_count(struct rng *r)
{
    return (int32_t)rng_below(r, 1000);
}

static inline struct hash128 random_hash(struct rng *r)
{
    struct hash128 h;

    for (size_t i = 0; i < sizeof(h.at); i++) {
        h.at[i] = (uint8_t)rng_next(r);
    }
    return h;
}

static inline struct value random_value(struct rng *r, struct arena *a)
{
    struct value v = { .type = (enum value_type)rng_below(r, VALUE_MONEY + 1) };

    if (v.type == VALUE_BOOL) {
        v.as.boolean = rng_chance(r, 5000);
    } else if (v.type == VALUE_DOUBLE) {
        v.as.real = (double)random_long(r) / 1024;
    } else if (v.type == VALUE_TEXT) {
        v.as.text = random_text(r, a, 20);
    } else if (v.type == VALUE_STRINGS) {
        struct text *list = arena_alloc(a, RANDOM_LIST_MAX * sizeof(*list));

        v.as.strings.count = (uint32_t)rng_below(r, RANDOM_LIST_MAX);
        for (uint32_t i = 0; i < v.as.strings.count; i++) {
            list[i] = random_text(r, a, 8);
        }
        v.as.strings.at = list;
    } else if (v.type == VALUE_DATE) {
        v.as.integer = rng_between(r, INSTANT_MIN / DAY_MS, INSTANT_MAX / DAY_MS);
    } else if (v.type != VALUE_NULL) {
        v.as.integer = random_long(r);
    }
    return v;
}

/* --- events --- */
static inline const struct event_field *random_fields(struct rng *r, struct arena *a,
                                                      uint32_t *out_count)
{
    struct event_field *fields = arena_alloc(a, RANDOM_LIST_MAX * sizeof(*fields));

    *out_count = (uint32_t)rng_below(r, RANDOM_LIST_MAX);
    for (uint32_t i = 0; i < *out_count; i++) {
        fields[i].name = random_name(r, a, i);
        fields[i].key = hash32(fields[i].name);
        fields[i].value = random_value(r, a);
    }
    return fields;
}

static inline struct event random_event(struct rng *r, struct arena *a)
{
    static const char *const names[] = {
        "visit", "open", "click", "purchase", "profile", "bounce"
    };
    struct event ev = { .kind = EVENT_OTHER };

    ev.kind_name = text_of(names[rng_below(r, sizeof(names) / sizeof(names[0]))]);
    ev.kind = event_kind_of(ev.kind_name);
    ev.customer = random_name(r, a, 0);
    ev.at_ms = random_instant(r);
    ev.id = random_text_or_none(r, a);
    ev.email = random_text_or_none(r, a);
    ev.machine = (enum event_machine)rng_below(r, EVENT_MACHINE_YES + 1);
    ev.order = random_text_or_none(r, a);
    ev.has_amount = rng_chance(r, 5000);
    ev.amount = ev.has_amount ? random_count(r) : 0;
    ev.currency = random_text_or_none(r, a);
    ev.is_hard_bounce = rng_chance(r, 5000);
    ev.subscription = random_text_or_none(r, a);
    ev.fields = random_fields(r, a, &ev.field_count);
    ev.set = random_fields(r, a, &ev.set_count);
    return ev;
}

/* An event as its shipped schema can carry it. */
static inline struct event random_shipped_event(struct rng *r, struct arena *a, const char *kind)
{
    struct event ev = random_event(r, a);
    struct event_field *url = arena_alloc(a, sizeof(*url));
    bool has_order;

    ev.kind_name = text_of(kind);
    ev.kind = event_kind_of(ev.kind_name);
    has_order = ev.kind == EVENT_PURCHASE || ev.kind == EVENT_REFUND;
    ev.id = random_name(r, a, 1);
    ev.email = ev.kind == EVENT_PROFILE ? TEXT_NONE : random_name(r, a, 2);
    ev.machine =
        ev.kind == EVENT_CLICK || ev.kind == EVENT_OPEN ? ev.machine : EVENT_MACHINE_UNKNOWN;
    ev.order = has_order ? random_name(r, a, 3) : TEXT_NONE;
    ev.currency = has_order ? TEXT("EUR") : TEXT_NONE;
    ev.has_amount = has_order;
    ev.amount = has_order ? random_count(r) : 0;
    ev.is_hard_bounce = ev.kind == EVENT_BOUNCE && ev.is_hard_bounce;
    ev.subscription = ev.kind == EVENT_UNSUBSCRIBE || ev.kind == EVENT_SUBSCRIBE
                          ? random_name(r, a, 4)
                          : TEXT_NONE;
    ev.set_count = ev.kind == EVENT_PROFILE ? ev.set_count : 0;
    *url = (struct event_field){ TEXT("url"), hash32(TEXT("url")), { .type = VALUE_TEXT } };
    url->value.as.text = random_text(r, a, 10);
    ev.fields = url;
    ev.field_count = ev.kind == EVENT_CLICK || ev.kind == EVENT_OTHER ? 1 : 0;
    return ev;
}

/* --- outputs --- */
static inline const struct text_pair *random_pairs(struct rng *r, struct arena *a, bool has_nulls,
                                                   uint32_t *out_count)
{
    struct text_pair *pairs = arena_alloc(a, RANDOM_LIST_MAX * sizeof(*pairs));

    *out_count = (uint32_t)rng_below(r, RANDOM_LIST_MAX);
    for (uint32_t i = 0; i < *out_count; i++) {
        pairs[i].name = random_name(r, a, i);
        pairs[i].value = has_nulls ? random_text_or_none(r, a) : random_text(r, a, 10);
    }
    return pairs;
}

static inline const struct text *random_texts(struct rng *r, struct arena *a, uint32_t *out_count)
{
    struct text *texts = arena_alloc(a, RANDOM_LIST_MAX * sizeof(*texts));

    *out_count = (uint32_t)rng_below(r, RANDOM_LIST_MAX);
    for (uint32_t i = 0; i < *out_count; i++) {
        texts[i] = random_name(r, a, i);
    }
    return texts;
}

static inline void random_trigger_lists(struct rng *r, struct arena *a, struct trigger *t)
{
    struct score_view *scores = arena_alloc(a, RANDOM_LIST_MAX * sizeof(*scores));
    struct time_view *times = arena_alloc(a, RANDOM_LIST_MAX * sizeof(*times));

    t->content = random_pairs(r, a, false, &t->content_count);
    t->landing = random_pairs(r, a, false, &t->landing_count);
    t->experiments = random_pairs(r, a, false, &t->experiment_count);
    t->context = random_pairs(r, a, true, &t->context_count);
    t->segments = random_texts(r, a, &t->segment_count);
    t->score_count = (uint32_t)rng_below(r, RANDOM_LIST_MAX);
    for (uint32_t i = 0; i < t->score_count; i++) {
        scores[i].name = random_name(r, a, i);
        scores[i].points_millionths = rng_between(r, 0, 1000000000);
        scores[i].level = random_text(r, a, 6);
    }
    t->last_event_count = (uint32_t)rng_below(r, RANDOM_LIST_MAX);
    for (uint32_t i = 0; i < t->last_event_count; i++) {
        times[i].name = random_name(r, a, i);
        times[i].at_ms = random_instant(r);
    }
    t->scores = scores;
    t->last_events = times;
}

static inline struct trigger random_trigger(struct rng *r, struct arena *a)
{
    struct trigger t = { .trigger_id = random_hash(r) };

    t.sequence = random_text(r, a, 12);
    t.run = random_long(r);
    t.entered_at_ms = random_instant(r);
    t.email = random_text(r, a, 12);
    t.attempt = random_count(r);
    t.reason = (enum outcome)rng_below(r, OUTCOME__COUNT);
    t.planned_at_ms = random_instant(r);
    t.sent_at_ms = random_instant(r);
    t.expires_at_ms = random_instant(r);
    t.template = random_text_or_none(r, a);
    t.purpose = random_text_or_none(r, a);
    t.theme = random_text_or_none(r, a);
    t.rfm_segment = random_text_or_none(r, a);
    if (t.rfm_segment.at != NULL && rng_chance(r, 7000)) {
        t.rfm_r = (int32_t)rng_between(r, 1, 5);
        t.rfm_f = (int32_t)rng_between(r, 1, 5);
        t.rfm_m = (int32_t)rng_between(r, 1, 5);
    }
    t.lifecycle = random_text_or_none(r, a);
    t.days_since_engagement = rng_between(r, -1, 400);
    t.subscription = random_text_or_none(r, a);
    t.is_transactional = rng_chance(r, 5000);
    random_trigger_lists(r, a, &t);
    return t;
}

static inline struct outcome_record random_outcome(struct rng *r, struct arena *a)
{
    struct outcome_record o = { .sequence = random_text(r, a, 12) };

    o.run = rng_between(r, 0, 5);
    o.entered_at_ms = random_instant_or_never(r);
    o.email = random_text_or_none(r, a);
    o.attempt = (int32_t)rng_between(r, 0, 3);
    o.outcome = (enum outcome)rng_below(r, OUTCOME__COUNT);
    o.reason = (enum reason)rng_below(r, REASON__COUNT);
    o.is_held_out = rng_chance(r, 5000);
    o.experiments = random_pairs(r, a, false, &o.experiment_count);
    return o;
}

static inline struct output random_output(struct rng *r, struct arena *a, enum output_type type)
{
    struct output o = { .type = type };
    struct text raw = random_text_or_none(r, a);

    if (type == OUTPUT_DEAD_LETTER) { /* all it has */
        o.as.dead_letter.topic = random_text(r, a, 12);
        o.as.dead_letter.partition = random_count(r);
        o.as.dead_letter.offset = random_long(r);
        o.as.dead_letter.reason = (enum reject)rng_below(r, REJECT__COUNT);
        o.as.dead_letter.text = random_text(r, a, 30);
        o.as.dead_letter.key = (struct bytes){ (const uint8_t *)raw.at, raw.size };
        o.as.dead_letter.value =
            rng_chance(r, 2000) ? BYTES_NONE : (struct bytes){ (const uint8_t *)"\0\xff\xc3", 3 };
        return o;
    }
    o.customer = random_text(r, a, 20);
    o.cause = random_text(r, a, 12);
    o.is_config = rng_chance(r, 3000);
    o.config = arena_format(a, "%016llx", (unsigned long long)rng_next(r));
    o.at_ms = random_instant(r);
    if (type == OUTPUT_TRIGGER) {
        o.as.trigger = random_trigger(r, a);
        o.at_ms = o.as.trigger.sent_at_ms;
    } else if (type == OUTPUT_MEMBERSHIP) {
        o.as.membership.segment = random_text(r, a, 12);
        o.as.membership.is_entered = rng_chance(r, 5000);
        o.as.membership.segments = random_texts(r, a, &o.as.membership.segment_count);
    } else {
        o.as.outcome = random_outcome(r, a);
    }
    return o;
}

#endif /* TESTS_SUPPORT_RANDOM_RECORDS_H */
