/* DESIGN. Decoders hand over every scalar they meet under its path; finish() then picks the
 * built-ins out by a table of their names (the topic's mapping, else the shipped name, else the
 * language's), checks each, and renames shipped names.
 */
#include "schemas/event.h"

#include "processor/base/check.h"
#include "processor/base/hash.h"
#include "processor/base/instant.h"

#include <stdarg.h>

enum builtin { CUSTOMER, AT, ID, EMAIL, ORDER, AMOUNT, CURRENCY, LINK, BUILTIN_COUNT };

static const struct {
    struct text language; /* event.<language> */
    struct text shipped;
} builtins[BUILTIN_COUNT] = {
    [CUSTOMER] = { { "customer", 8 }, { "customer_id", 11 } },
    [AT] = { { "at", 2 }, { "occurred_at", 11 } },
    [ID] = { { "id", 2 }, { "event_id", 8 } },
    [EMAIL] = { { "email", 5 }, { "trigger_id", 10 } },
    [ORDER] = { { "order", 5 }, { "order_id", 8 } },
    [AMOUNT] = { { "amount", 6 }, { "amount", 6 } },
    [CURRENCY] = { { "currency", 8 }, { "currency", 8 } },
    [LINK] = { { "link", 4 }, { "link_id", 7 } },
};

void event_draft_init(struct event_draft *d, struct arena *arena)
{
    d->arena = arena;
    d->field_count = 0;
    d->set_count = 0;
    d->reject = REJECT_NONE;
    d->reject_text[0] = '\0';
}

__attribute__((format(printf, 3, 4))) static void reject(struct event_draft *d, enum reject r,
                                                         const char *format, ...)
{
    va_list arguments;

    if (d->reject != REJECT_NONE) {
        return;
    }
    d->reject = r;
    va_start(arguments, format);
    (void)text_format_list(d->reject_text, sizeof(d->reject_text), format, arguments);
    va_end(arguments);
}

/* Texts within limits and valid UTF-8? */
static bool is_within_limits(struct event_draft *d, struct text name, const struct value *v)
{
    const struct text *texts = v->type == VALUE_STRINGS ? v->as.strings.at : &v->as.text;
    uint32_t count = v->type == VALUE_STRINGS ? v->as.strings.count : v->type == VALUE_TEXT ? 1 : 0;

    if (count > EVENT_LIST_MAX) {
        reject(d, REJECT_TOO_LARGE, "%.*s has more than %d items",
               (int)(name.size < 40 ? name.size : 40), name.at, EVENT_LIST_MAX);
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (texts[i].size > EVENT_TEXT_SIZE_MAX) {
            reject(d, REJECT_TOO_LARGE, "%.*s is longer than %d bytes",
                   (int)(name.size < 40 ? name.size : 40), name.at, EVENT_TEXT_SIZE_MAX);
            return false;
        }
        if (!text_is_utf8(texts[i])) {
            reject(d, REJECT_BAD_VALUE, "%.*s is not valid UTF-8",
                   (int)(name.size < 40 ? name.size : 40), name.at);
            return false;
        }
    }
    return true;
}

static void add(struct event_draft *d, struct event_field *list, uint32_t *count, struct text name,
                struct value value)
{
    if (name.size == 0 || name.size > EVENT_CUSTOMER_SIZE_MAX || !text_is_utf8(name)) {
        reject(d, REJECT_BAD_VALUE, "a field's name is empty, too long or not valid UTF-8");
        return;
    }
    if (!is_within_limits(d, name, &value)) {
        return;
    }
    if (*count == EVENT_FIELDS_MAX) {
        reject(d, REJECT_TOO_LARGE, "more than %d fields", EVENT_FIELDS_MAX);
        return;
    }
    list[(*count)++] = (struct event_field){ name, 0, value };
}

void event_draft_field(struct event_draft *d, struct text path, struct value value)
{
    if (value.type != VALUE_NULL) { /* null is the same as not there */
        add(d, d->fields, &d->field_count, path, value);
    }
}

void event_draft_set(struct event_draft *d, struct text attribute, struct value value)
{
    add(d, d->set, &d->set_count, attribute, value);
}

static struct event_field *find(struct event_draft *d, struct text name)
{
    for (uint32_t i = 0; name.at != NULL && i < d->field_count; i++) {
        if (text_equal(d->fields[i].name, name)) {
            return &d->fields[i];
        }
    }
    return NULL;
}

static struct event_field *find_builtin(struct event_draft *d, const struct event_mapping *m,
                                        enum builtin b)
{
    const struct text mapped[BUILTIN_COUNT] = { m->customer, m->at,     m->id,       m->email,
                                                m->order,    m->amount, m->currency, TEXT_NONE };
    struct event_field *f;

    if (mapped[b].at != NULL) {
        f = find(d, mapped[b]);
    } else {
        f = find(d, builtins[b].shipped);
        f = f == NULL ? find(d, builtins[b].language) : f;
    }
    if (f != NULL) {
        f->name = builtins[b].language;
    }
    return f;
}

static struct text text_builtin(struct event_draft *d, const struct event_mapping *m,
                                enum builtin b, size_t size_max)
{
    struct event_field *f = find_builtin(d, m, b);

    if (f == NULL) {
        return TEXT_NONE;
    }
    if (f->value.type == VALUE_INT) { /* a number as an id is common enough */
        f->value.as.text = arena_format(d->arena, "%lld", (long long)f->value.as.integer);
        f->value.type = VALUE_TEXT;
    }
    if (f->value.type != VALUE_TEXT) {
        reject(d, REJECT_BAD_VALUE, "%s is not text", builtins[b].language.at);
        return TEXT_NONE;
    }
    if (f->value.as.text.size > size_max) {
        reject(d, REJECT_TOO_LARGE, "%s is longer than %zu bytes", builtins[b].language.at,
               size_max);
        return TEXT_NONE;
    }
    return f->value.as.text.size == 0 ? TEXT_NONE : f->value.as.text;
}

static void find_kind(struct event_draft *d, const struct event_mapping *m, struct event *ev)
{
    struct event_field *f;

    ev->kind_name = m->kind;
    if (m->kind.at == NULL) {
        f = find(d, m->kind_field.at == NULL ? TEXT("kind") : m->kind_field);
        if (f == NULL) {
            reject(d, REJECT_MISSING_FIELD, "no kind");
            return;
        }
        if (f->value.type != VALUE_TEXT || f->value.as.text.size == 0) {
            reject(d, REJECT_BAD_VALUE, "kind is not text");
            return;
        }
        ev->kind_name = f->value.as.text;
        for (uint32_t i = 0; i < m->map_count; i++) {
            if (text_equal(m->map_from[i], ev->kind_name)) {
                ev->kind_name = m->map_to[i];
                break;
            }
        }
    }
    if (ev->kind_name.size > EVENT_KIND_SIZE_MAX) {
        reject(d, REJECT_TOO_LARGE, "kind is longer than %d bytes", EVENT_KIND_SIZE_MAX);
    }
    ev->kind = event_kind_of(ev->kind_name);
}

static void find_at(struct event_draft *d, const struct event_mapping *m, struct event *ev)
{
    struct event_field *f = find_builtin(d, m, AT);

    if (f == NULL) {
        reject(d, REJECT_MISSING_FIELD, "no time of the event (occurred_at)");
        return;
    }
    if (f->value.type == VALUE_INT || f->value.type == VALUE_INSTANT) {
        ev->at_ms = f->value.as.integer;
    } else if (f->value.type != VALUE_TEXT || !instant_parse(f->value.as.text, &ev->at_ms)) {
        reject(d, REJECT_BAD_VALUE, "at is neither RFC 3339 nor integer ms");
        return;
    }
    if (ev->at_ms < INSTANT_MIN || ev->at_ms > INSTANT_MAX) {
        reject(d, REJECT_BAD_VALUE, "at is outside the years 1 to 9999");
        return;
    }
    f->value = (struct value){ .type = VALUE_INSTANT, .as.integer = ev->at_ms };
}

static void find_amount(struct event_draft *d, const struct event_mapping *m, struct event *ev)
{
    struct event_field *f = find_builtin(d, m, AMOUNT);

    if (f == NULL) {
        if (ev->kind == EVENT_PURCHASE || ev->kind == EVENT_REFUND) {
            reject(d, REJECT_MISSING_FIELD, "a %s without amount",
                   ev->kind == EVENT_PURCHASE ? "purchase" : "refund");
        }
        return;
    }
    if (f->value.type != VALUE_INT && f->value.type != VALUE_MONEY) {
        if (ev->kind == EVENT_PURCHASE || ev->kind == EVENT_REFUND) {
            reject(d, REJECT_BAD_VALUE, "amount is not an integer of minor units");
        }
        return;
    }
    if (f->value.as.integer < 0) {
        reject(d, REJECT_BAD_VALUE, "amount is negative");
        return;
    }
    ev->has_amount = true;
    ev->amount = f->value.as.integer;
    f->value.type = VALUE_MONEY;
}

static void find_flags(struct event_draft *d, struct event *ev)
{
    struct event_field *machine = find(d, TEXT("machine"));
    struct event_field *bounce = find(d, TEXT("bounce_class"));
    struct event_field *subscription = find(d, TEXT("subscription"));

    if (machine != NULL && machine->value.type == VALUE_BOOL) {
        ev->machine = machine->value.as.boolean ? EVENT_MACHINE_YES : EVENT_MACHINE_NO;
    } else if (machine != NULL && (ev->kind == EVENT_OPEN || ev->kind == EVENT_CLICK)) {
        reject(d, REJECT_BAD_VALUE, "machine is not true, false or null");
    }
    if (ev->kind == EVENT_BOUNCE) {
        if (bounce == NULL) {
            reject(d, REJECT_MISSING_FIELD, "a bounce without bounce_class");
        } else if (bounce->value.type != VALUE_TEXT || (!text_is(bounce->value.as.text, "hard") &&
                                                        !text_is(bounce->value.as.text, "soft"))) {
            reject(d, REJECT_BAD_VALUE, "bounce_class is neither hard nor soft");
        } else {
            ev->is_hard_bounce = text_is(bounce->value.as.text, "hard");
        }
    }
    if (subscription != NULL && (ev->kind == EVENT_UNSUBSCRIBE || ev->kind == EVENT_SUBSCRIBE)) {
        if (subscription->value.type != VALUE_TEXT) {
            reject(d, REJECT_BAD_VALUE, "subscription is not text");
        } else if (subscription->value.as.text.size > 0) {
            ev->subscription = subscription->value.as.text;
        }
    }
}

static void keep_fields(struct event_draft *d, struct event *ev)
{
    struct event_field *fields = arena_alloc(d->arena, (d->field_count + 1) * sizeof(*fields));
    struct event_field *set = arena_alloc(d->arena, (d->set_count + 1) * sizeof(*set));

    for (uint32_t i = 0; i < d->field_count; i++) {
        fields[i] = d->fields[i];
        fields[i].key = hash32(fields[i].name);
    }
    for (uint32_t i = 0; i < d->set_count; i++) {
        set[i] = d->set[i];
        set[i].key = hash32(set[i].name);
    }
    ev->fields = fields;
    ev->field_count = d->field_count;
    ev->set = set;
    ev->set_count = d->set_count;
}

enum reject event_draft_finish(struct event_draft *d, const struct event_mapping *mapping,
                               struct event *out_event, char out_text[128])
{
    static const struct event_mapping shipped;
    const struct event_mapping *m = mapping == NULL ? &shipped : mapping;
    struct event ev = { .kind = EVENT_OTHER };

    find_kind(d, m, &ev);
    ev.customer = text_builtin(d, m, CUSTOMER, EVENT_CUSTOMER_SIZE_MAX);
    if (ev.customer.at == NULL) {
        reject(d, REJECT_MISSING_FIELD, "no customer");
    }
    find_at(d, m, &ev);
    ev.id = text_builtin(d, m, ID, EVENT_TEXT_SIZE_MAX);
    ev.email = text_builtin(d, m, EMAIL, EVENT_TEXT_SIZE_MAX);
    if (ev.kind == EVENT_PURCHASE || ev.kind == EVENT_REFUND) {
        ev.order = text_builtin(d, m, ORDER, EVENT_TEXT_SIZE_MAX);
        ev.currency = text_builtin(d, m, CURRENCY, EVENT_TEXT_SIZE_MAX);
    }
    find_amount(d, m, &ev);
    (void)find_builtin(d, m, LINK);
    find_flags(d, &ev);
    if (d->reject != REJECT_NONE) {
        (void)text_format(out_text, 128, "%s", d->reject_text);
        return d->reject;
    }
    keep_fields(d, &ev);
    *out_event = ev;
    return REJECT_NONE;
}
