/* DESIGN. Decoders hand over every scalar they meet under its path, or under names that they looked
 * up before; a table of the built-ins' names (the topic's mapping, else the shipped name, else the
 * language's) says which of them it is. finish() checks the built-ins.
 */
#include "schemas/event.h"

#include "processor/base/check.h"
#include "processor/base/hash.h"
#include "processor/base/instant.h"

#include <stdarg.h>

static const struct event_mapping no_mapping;

static const struct {
    struct text language; /* event.<language> */
    struct text shipped;
} builtins[EVENT_BUILTIN__COUNT] = {
    [EVENT_BUILTIN_KIND] = { { "kind", 4 }, { "kind", 4 } },
    [EVENT_BUILTIN_CUSTOMER] = { { "customer", 8 }, { "customer_id", 11 } },
    [EVENT_BUILTIN_AT] = { { "at", 2 }, { "occurred_at", 11 } },
    [EVENT_BUILTIN_ID] = { { "id", 2 }, { "event_id", 8 } },
    [EVENT_BUILTIN_EMAIL] = { { "email", 5 }, { "trigger_id", 10 } },
    [EVENT_BUILTIN_ORDER] = { { "order", 5 }, { "order_id", 8 } },
    [EVENT_BUILTIN_AMOUNT] = { { "amount", 6 }, { "amount", 6 } },
    [EVENT_BUILTIN_CURRENCY] = { { "currency", 8 }, { "currency", 8 } },
    [EVENT_BUILTIN_LINK] = { { "link", 4 }, { "link_id", 7 } },
    [EVENT_BUILTIN_MACHINE] = { { "machine", 7 }, { "machine", 7 } },
    [EVENT_BUILTIN_BOUNCE_CLASS] = { { "bounce_class", 12 }, { "bounce_class", 12 } },
    [EVENT_BUILTIN_SUBSCRIPTION] = { { "subscription", 12 }, { "subscription", 12 } },
};

const char *event_builtin_name(enum event_builtin b)
{
    CHECK(b < EVENT_BUILTIN__COUNT);
    return builtins[b].language.at;
}

const char *event_shipped_name(enum event_builtin b)
{
    CHECK(b < EVENT_BUILTIN__COUNT);
    return builtins[b].shipped.at;
}

struct text event_mapped_path(const struct event_mapping *m, enum event_builtin b)
{
    switch ((int)b) {
    case EVENT_BUILTIN_KIND:
        return m->kind_field;
    case EVENT_BUILTIN_CUSTOMER:
        return m->customer;
    case EVENT_BUILTIN_AT:
        return m->at;
    case EVENT_BUILTIN_ID:
        return m->id;
    case EVENT_BUILTIN_EMAIL:
        return m->email;
    case EVENT_BUILTIN_ORDER:
        return m->order;
    case EVENT_BUILTIN_AMOUNT:
        return m->amount;
    case EVENT_BUILTIN_CURRENCY:
        return m->currency;
    default:
        return TEXT_NONE;
    }
}

uint32_t event_names_of(const struct event_mapping *mapping, struct text path,
                        struct event_name out_names[EVENT_NAMES_PER_PATH])
{
    const struct event_mapping *m = mapping == NULL ? &no_mapping : mapping;
    uint32_t count = 0;

    for (int b = 0; b < EVENT_BUILTIN__COUNT && count < EVENT_NAMES_PER_PATH; b++) {
        struct text mapped = event_mapped_path(m, (enum event_builtin)b);
        bool is_first = text_equal(path, mapped.at != NULL ? mapped : builtins[b].shipped);
        bool is_second = !is_first && mapped.at == NULL && text_equal(path, builtins[b].language);

        if (is_first || is_second) {
            /* A field that says the kind keeps its own name: rules may ask for both. */
            struct text name = b == EVENT_BUILTIN_KIND ? path : builtins[b].language;

            out_names[count++] =
                (struct event_name){ name, hash32(name), (enum event_builtin)b, is_second };
        }
    }
    if (count == 0) {
        out_names[count++] = (struct event_name){ path, hash32(path), EVENT_BUILTIN_NONE, false };
    }
    return count;
}

void event_draft_init(struct event_draft *d, struct arena *arena,
                      const struct event_mapping *mapping)
{
    d->arena = arena;
    d->mapping = mapping == NULL ? &no_mapping : mapping;
    d->implied_kind = TEXT_NONE;
    d->field_count = 0;
    d->set_count = 0;
    memset(d->builtins, 0, sizeof(d->builtins));
    d->seconds = 0;
    d->reject = REJECT_NONE;
    d->reject_text[0] = '\0';
}

void event_draft_reject(struct event_draft *d, enum reject r, const char *format, ...)
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

static bool is_text_within_limits(struct event_draft *d, struct text name, struct text t)
{
    if (t.size > EVENT_TEXT_SIZE_MAX) {
        event_draft_reject(d, REJECT_TOO_LARGE, "%.*s is longer than %d bytes",
                           (int)(name.size < 40 ? name.size : 40), name.at, EVENT_TEXT_SIZE_MAX);
        return false;
    }
    if (!text_is_utf8(t)) {
        event_draft_reject(d, REJECT_BAD_VALUE, "%.*s is not valid UTF-8",
                           (int)(name.size < 40 ? name.size : 40), name.at);
        return false;
    }
    return true;
}

/* Texts within limits and valid UTF-8? */
static bool is_within_limits(struct event_draft *d, struct text name, const struct value *v)
{
    if (v->type == VALUE_TEXT) {
        return is_text_within_limits(d, name, v->as.text);
    }
    if (v->type != VALUE_STRINGS) {
        return true;
    }
    if (v->as.strings.count > EVENT_LIST_MAX) {
        event_draft_reject(d, REJECT_TOO_LARGE, "%.*s has more than %d items",
                           (int)(name.size < 40 ? name.size : 40), name.at, EVENT_LIST_MAX);
        return false;
    }
    for (uint32_t i = 0; i < v->as.strings.count; i++) {
        if (!is_text_within_limits(d, name, v->as.strings.at[i])) {
            return false;
        }
    }
    return true;
}

static bool is_name_good(struct event_draft *d, struct text name)
{
    if (name.size == 0 || name.size > EVENT_CUSTOMER_SIZE_MAX || !text_is_utf8(name)) {
        event_draft_reject(d, REJECT_BAD_VALUE,
                           "a field's name is empty, too long or not valid UTF-8");
        return false;
    }
    return true;
}

void event_draft_named(struct event_draft *d, const struct event_name *name,
                       const struct value *value)
{
    uint32_t bit = 1u << name->builtin;
    struct event_field *f;

    if (!is_within_limits(d, name->name, value)) {
        return;
    }
    if (d->field_count == EVENT_FIELDS_MAX) {
        event_draft_reject(d, REJECT_TOO_LARGE, "more than %d fields", EVENT_FIELDS_MAX);
        return;
    }
    f = &d->fields[d->field_count++];
    f->name = name->name;
    f->key = name->key;
    f->value = *value;
    if (name->builtin != EVENT_BUILTIN_NONE &&
        (d->builtins[name->builtin] == 0 || ((d->seconds & bit) != 0 && !name->is_second))) {
        d->builtins[name->builtin] = (uint16_t)d->field_count;
        d->seconds = (uint16_t)(name->is_second ? d->seconds | bit : d->seconds & ~bit);
    }
}

void event_draft_field(struct event_draft *d, struct text path, struct value value)
{
    struct event_name names[EVENT_NAMES_PER_PATH];
    uint32_t count;

    if (value.type == VALUE_NULL || !is_name_good(d, path)) { /* null: the same as not there */
        return;
    }
    count = event_names_of(d->mapping, path, names);
    for (uint32_t i = 0; i < count; i++) {
        event_draft_named(d, &names[i], &value);
    }
}

void event_draft_plain(struct event_draft *d, struct text path, const struct value *value)
{
    struct event_name name = { path, 0, EVENT_BUILTIN_NONE, false };

    if (value->type != VALUE_NULL && is_name_good(d, path)) {
        name.key = hash32(path);
        event_draft_named(d, &name, value);
    }
}

void event_draft_set(struct event_draft *d, struct text attribute, struct value value)
{
    if (!is_name_good(d, attribute) || !is_within_limits(d, attribute, &value)) {
        return;
    }
    if (d->set_count == EVENT_FIELDS_MAX) {
        event_draft_reject(d, REJECT_TOO_LARGE, "more than %d fields", EVENT_FIELDS_MAX);
        return;
    }
    d->set[d->set_count++] = (struct event_field){ attribute, hash32(attribute), value };
}

static struct event_field *find(struct event_draft *d, enum event_builtin b)
{
    return d->builtins[b] == 0 ? NULL : &d->fields[d->builtins[b] - 1];
}

static struct text text_builtin(struct event_draft *d, enum event_builtin b, size_t size_max)
{
    struct event_field *f = find(d, b);

    if (f == NULL) {
        return TEXT_NONE;
    }
    if (f->value.type == VALUE_INT) { /* a number as an id is common enough */
        f->value.as.text = arena_format(d->arena, "%lld", (long long)f->value.as.integer);
        f->value.type = VALUE_TEXT;
    }
    if (f->value.type != VALUE_TEXT) {
        event_draft_reject(d, REJECT_BAD_VALUE, "%s is not text", builtins[b].language.at);
        return TEXT_NONE;
    }
    if (f->value.as.text.size > size_max) {
        event_draft_reject(d, REJECT_TOO_LARGE, "%s is longer than %zu bytes",
                           builtins[b].language.at, size_max);
        return TEXT_NONE;
    }
    return f->value.as.text.size == 0 ? TEXT_NONE : f->value.as.text;
}

static void find_kind(struct event_draft *d, struct event *ev)
{
    const struct event_mapping *m = d->mapping;
    const struct event_field *f = find(d, EVENT_BUILTIN_KIND);

    ev->kind_name = m->kind.at != NULL ? m->kind : f == NULL ? d->implied_kind : TEXT_NONE;
    if (ev->kind_name.at == NULL) {
        if (f == NULL) {
            event_draft_reject(d, REJECT_MISSING_FIELD, "no kind");
            return;
        }
        if (f->value.type != VALUE_TEXT || f->value.as.text.size == 0) {
            event_draft_reject(d, REJECT_BAD_VALUE, "kind is not text");
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
        event_draft_reject(d, REJECT_TOO_LARGE, "kind is longer than %d bytes",
                           EVENT_KIND_SIZE_MAX);
    }
    ev->kind = event_kind_of(ev->kind_name);
}

static void find_at(struct event_draft *d, struct event *ev)
{
    struct event_field *f = find(d, EVENT_BUILTIN_AT);

    if (f == NULL) {
        event_draft_reject(d, REJECT_MISSING_FIELD, "no time of the event (occurred_at)");
        return;
    }
    if (f->value.type == VALUE_INT || f->value.type == VALUE_INSTANT) {
        ev->at_ms = f->value.as.integer;
    } else if (f->value.type != VALUE_TEXT || !instant_parse(f->value.as.text, &ev->at_ms)) {
        event_draft_reject(d, REJECT_BAD_VALUE, "at is neither RFC 3339 nor integer ms");
        return;
    }
    if (ev->at_ms < INSTANT_MIN || ev->at_ms > INSTANT_MAX) {
        event_draft_reject(d, REJECT_BAD_VALUE, "at is outside the years 1 to 9999");
        return;
    }
    f->value = (struct value){ .type = VALUE_INSTANT, .as.integer = ev->at_ms };
}

static void find_amount(struct event_draft *d, struct event *ev)
{
    struct event_field *f = find(d, EVENT_BUILTIN_AMOUNT);

    if (f == NULL) {
        if (ev->kind == EVENT_PURCHASE || ev->kind == EVENT_REFUND) {
            event_draft_reject(d, REJECT_MISSING_FIELD, "a %s without amount",
                               ev->kind == EVENT_PURCHASE ? "purchase" : "refund");
        }
        return;
    }
    if (f->value.type != VALUE_INT && f->value.type != VALUE_MONEY) {
        if (ev->kind == EVENT_PURCHASE || ev->kind == EVENT_REFUND) {
            event_draft_reject(d, REJECT_BAD_VALUE, "amount is not an integer of minor units");
        }
        return;
    }
    if (f->value.as.integer < 0) {
        event_draft_reject(d, REJECT_BAD_VALUE, "amount is negative");
        return;
    }
    ev->has_amount = true;
    ev->amount = f->value.as.integer;
    f->value.type = VALUE_MONEY;
}

static void find_flags(struct event_draft *d, struct event *ev)
{
    struct event_field *machine = find(d, EVENT_BUILTIN_MACHINE);
    struct event_field *bounce = find(d, EVENT_BUILTIN_BOUNCE_CLASS);
    struct event_field *subscription = find(d, EVENT_BUILTIN_SUBSCRIPTION);

    if (machine != NULL && machine->value.type == VALUE_BOOL) {
        ev->machine = machine->value.as.boolean ? EVENT_MACHINE_YES : EVENT_MACHINE_NO;
    } else if (machine != NULL && (ev->kind == EVENT_OPEN || ev->kind == EVENT_CLICK)) {
        event_draft_reject(d, REJECT_BAD_VALUE, "machine is not true, false or null");
    }
    if (ev->kind == EVENT_BOUNCE) {
        if (bounce == NULL) {
            event_draft_reject(d, REJECT_MISSING_FIELD, "a bounce without bounce_class");
        } else if (bounce->value.type != VALUE_TEXT || (!text_is(bounce->value.as.text, "hard") &&
                                                        !text_is(bounce->value.as.text, "soft"))) {
            event_draft_reject(d, REJECT_BAD_VALUE, "bounce_class is neither hard nor soft");
        } else {
            ev->is_hard_bounce = text_is(bounce->value.as.text, "hard");
        }
    }
    if (subscription != NULL && (ev->kind == EVENT_UNSUBSCRIBE || ev->kind == EVENT_SUBSCRIBE)) {
        if (subscription->value.type != VALUE_TEXT) {
            event_draft_reject(d, REJECT_BAD_VALUE, "subscription is not text");
        } else if (subscription->value.as.text.size > 0) {
            ev->subscription = subscription->value.as.text;
        }
    }
}

static const struct event_field *keep(struct event_draft *d, const struct event_field *from,
                                      uint32_t count)
{
    struct event_field *fields = arena_room(d->arena, (count + 1) * sizeof(*fields));

    memcpy(fields, from, count * sizeof(*fields));
    return fields;
}

enum reject event_draft_finish(struct event_draft *d, struct event *out_event, char out_text[128])
{
    struct event ev = { .kind = EVENT_OTHER };

    find_kind(d, &ev);
    ev.customer = text_builtin(d, EVENT_BUILTIN_CUSTOMER, EVENT_CUSTOMER_SIZE_MAX);
    if (ev.customer.at == NULL) {
        event_draft_reject(d, REJECT_MISSING_FIELD, "no customer");
    }
    find_at(d, &ev);
    ev.id = text_builtin(d, EVENT_BUILTIN_ID, EVENT_TEXT_SIZE_MAX);
    ev.email = text_builtin(d, EVENT_BUILTIN_EMAIL, EVENT_TEXT_SIZE_MAX);
    if (ev.kind == EVENT_PURCHASE || ev.kind == EVENT_REFUND) {
        ev.order = text_builtin(d, EVENT_BUILTIN_ORDER, EVENT_TEXT_SIZE_MAX);
        ev.currency = text_builtin(d, EVENT_BUILTIN_CURRENCY, EVENT_TEXT_SIZE_MAX);
    }
    find_amount(d, &ev);
    find_flags(d, &ev);
    if (d->reject != REJECT_NONE) {
        (void)text_format(out_text, 128, "%s", d->reject_text);
        return d->reject;
    }
    ev.fields = keep(d, d->fields, d->field_count);
    ev.field_count = d->field_count;
    ev.set = keep(d, d->set, d->set_count);
    ev.set_count = d->set_count;
    *out_event = ev;
    return REJECT_NONE;
}
