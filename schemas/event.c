#include "schemas/event.h"

#include "processor/base/check.h"
#include "processor/base/hash.h"
#include "processor/base/instant.h"

static const char *const kind_names[EVENT_KIND__COUNT] = {
    [EVENT_OTHER] = "",
    [EVENT_OPEN] = "open",
    [EVENT_CLICK] = "click",
    [EVENT_REPLY] = "reply",
    [EVENT_PURCHASE] = "purchase",
    [EVENT_REFUND] = "refund",
    [EVENT_DELIVERED] = "delivered",
    [EVENT_BOUNCE] = "bounce",
    [EVENT_COMPLAINT] = "complaint",
    [EVENT_UNSUBSCRIBE] = "unsubscribe",
    [EVENT_SUBSCRIBE] = "subscribe",
    [EVENT_PROFILE] = "profile",
    [EVENT_ERASE] = "erase",
};

static const char *const reject_names[REJECT__COUNT] = {
    [REJECT_NONE] = "none",
    [REJECT_UNDECODABLE] = "undecodable",
    [REJECT_SCHEMA_UNKNOWN] = "schema_unknown",
    [REJECT_NULL_VALUE] = "null_value",
    [REJECT_KEY_MISSING] = "key_missing",
    [REJECT_WRONG_KEY] = "wrong_key",
    [REJECT_WRONG_PARTITION] = "wrong_partition",
    [REJECT_MISSING_FIELD] = "missing_field",
    [REJECT_BAD_VALUE] = "bad_value",
    [REJECT_TOO_LARGE] = "too_large",
    [REJECT_FUTURE] = "future",
};

const char *event_kind_name(enum event_kind k)
{
    CHECK(k < EVENT_KIND__COUNT);
    return kind_names[k];
}

enum event_kind event_kind_of(struct text name)
{
    for (int i = EVENT_OTHER + 1; i < EVENT_KIND__COUNT; i++) {
        if (text_is(name, kind_names[i])) {
            return (enum event_kind)i;
        }
    }
    return EVENT_OTHER;
}

const char *reject_name(enum reject r)
{
    CHECK(r < REJECT__COUNT);
    return reject_names[r];
}

const struct value *event_field(const struct event *ev, uint32_t key)
{
    for (uint32_t i = 0; i < ev->field_count; i++) {
        if (ev->fields[i].key == key) {
            return &ev->fields[i].value;
        }
    }
    return NULL;
}

/* --- the kept form (no schema of its own): kind customer at id email machine order amount currency
 * hard subscription fields set --- */
static void put_optional(struct bytes_out *out, struct text t)
{
    bytes_put_long(out, t.at == NULL ? 0 : 1);
    if (t.at != NULL) {
        bytes_put_text(out, t);
    }
}

static void put_value(struct bytes_out *out, const struct value *v)
{
    bytes_put_long(out, (int64_t)v->type);
    switch (v->type) {
    case VALUE_NULL:
        bytes_put_long(out, 0);
        break;
    case VALUE_BOOL:
        bytes_put_long(out, 1);
        bytes_put_bool(out, v->as.boolean);
        break;
    case VALUE_INT:
    case VALUE_DATE:
    case VALUE_INSTANT:
    case VALUE_DURATION:
    case VALUE_MONEY:
        bytes_put_long(out, 2);
        bytes_put_long(out, v->as.integer);
        break;
    case VALUE_DOUBLE:
        bytes_put_long(out, 3);
        bytes_put_double(out, v->as.real);
        break;
    case VALUE_TEXT:
        bytes_put_long(out, 4);
        bytes_put_text(out, v->as.text);
        break;
    case VALUE_STRINGS:
        bytes_put_long(out, 5);
        if (v->as.strings.count > 0) {
            bytes_put_long(out, v->as.strings.count);
        }
        for (uint32_t i = 0; i < v->as.strings.count; i++) {
            bytes_put_text(out, v->as.strings.at[i]);
        }
        bytes_put_long(out, 0);
        break;
    }
}

void event_put_value(struct bytes_out *out, const struct value *v)
{
    put_value(out, v);
}

static struct text get_optional(struct bytes_in *in)
{
    int64_t branch = bytes_long(in);

    if (branch == 1) {
        return bytes_text(in, EVENT_TEXT_SIZE_MAX);
    }
    in->is_bad |= branch != 0;
    return TEXT_NONE;
}

static void get_strings(struct bytes_in *in, struct arena *arena, struct value *out)
{
    uint64_t count = bytes_block(in, 1);
    struct text *list;

    if (count > EVENT_LIST_MAX) {
        in->is_bad = true;
        return;
    }
    list = arena_alloc(arena, (size_t)(count + 1) * sizeof(*list));
    for (uint64_t i = 0; i < count; i++) {
        list[i] = bytes_text(in, EVENT_TEXT_SIZE_MAX);
    }
    if (count > 0 && bytes_long(in) != 0) {
        in->is_bad = true;
    }
    out->as.strings.at = list;
    out->as.strings.count = (uint32_t)count;
}

bool event_get_value(struct bytes_in *in, struct arena *arena, struct value *out)
{
    static const int64_t branch_of[] = {
        [VALUE_NULL] = 0,     [VALUE_BOOL] = 1,    [VALUE_INT] = 2,  [VALUE_DOUBLE] = 3,
        [VALUE_TEXT] = 4,     [VALUE_STRINGS] = 5, [VALUE_DATE] = 2, [VALUE_INSTANT] = 2,
        [VALUE_DURATION] = 2, [VALUE_MONEY] = 2
    };
    int64_t type = bytes_long(in);
    int64_t branch = bytes_long(in);
    struct value v = VALUE_NONE;

    if (type < 0 || type > VALUE_MONEY || branch != branch_of[type]) {
        in->is_bad = true;
        return false;
    }
    v.type = (enum value_type)type;
    if (branch == 1) {
        v.as.boolean = bytes_bool(in);
    } else if (branch == 2) {
        v.as.integer = bytes_long(in);
    } else if (branch == 3) {
        v.as.real = bytes_double(in);
    } else if (branch == 4) {
        v.as.text = bytes_text(in, EVENT_TEXT_SIZE_MAX);
    } else if (branch == 5) {
        get_strings(in, arena, &v);
    }
    if (in->is_bad) {
        return false;
    }
    *out = v;
    return true;
}

static void put_fields(struct bytes_out *out, const struct event_field *fields, uint32_t count)
{
    if (count > 0) {
        bytes_put_long(out, count);
    }
    for (uint32_t i = 0; i < count; i++) {
        bytes_put_text(out, fields[i].name);
        put_value(out, &fields[i].value);
    }
    bytes_put_long(out, 0);
}

static const struct event_field *get_fields(struct bytes_in *in, struct arena *arena,
                                            uint32_t *out_count)
{
    uint64_t count = bytes_block(in, 3);
    struct event_field *fields;

    if (count > EVENT_FIELDS_MAX) {
        in->is_bad = true;
    }
    if (in->is_bad) {
        return NULL;
    }
    fields = arena_alloc(arena, (size_t)(count + 1) * sizeof(*fields));
    for (uint64_t i = 0; i < count; i++) {
        fields[i].name = bytes_text(in, EVENT_TEXT_SIZE_MAX);
        fields[i].key = hash32(fields[i].name);
        if (!event_get_value(in, arena, &fields[i].value)) {
            return NULL;
        }
    }
    if (count > 0 && bytes_long(in) != 0) {
        in->is_bad = true;
    }
    *out_count = (uint32_t)count;
    return fields;
}

void event_encode(const struct event *ev, struct bytes_out *out)
{
    bytes_put_text(out, ev->kind_name);
    bytes_put_text(out, ev->customer);
    bytes_put_long(out, ev->at_ms);
    put_optional(out, ev->id);
    put_optional(out, ev->email);
    bytes_put_long(out, (int64_t)ev->machine);
    put_optional(out, ev->order);
    bytes_put_long(out, ev->has_amount ? 1 : 0);
    if (ev->has_amount) {
        bytes_put_long(out, ev->amount);
    }
    put_optional(out, ev->currency);
    bytes_put_bool(out, ev->is_hard_bounce);
    put_optional(out, ev->subscription);
    put_fields(out, ev->fields, ev->field_count);
    put_fields(out, ev->set, ev->set_count);
}

enum err event_decode(struct bytes b, struct arena *arena, struct event *out_event)
{
    struct bytes_in in = bytes_in(b);
    struct event ev = { .kind = EVENT_OTHER };
    int64_t machine, has_amount;

    ev.kind_name = bytes_text(&in, EVENT_KIND_SIZE_MAX);
    ev.kind = event_kind_of(ev.kind_name);
    ev.customer = bytes_text(&in, EVENT_CUSTOMER_SIZE_MAX);
    ev.at_ms = bytes_long(&in);
    ev.id = get_optional(&in);
    ev.email = get_optional(&in);
    machine = bytes_long(&in);
    ev.order = get_optional(&in);
    has_amount = bytes_long(&in);
    in.is_bad |= has_amount != 0 && has_amount != 1;
    ev.has_amount = has_amount == 1;
    ev.amount = ev.has_amount ? bytes_long(&in) : 0;
    ev.currency = get_optional(&in);
    ev.is_hard_bounce = bytes_bool(&in);
    ev.subscription = get_optional(&in);
    ev.fields = get_fields(&in, arena, &ev.field_count);
    if (!in.is_bad) {
        ev.set = get_fields(&in, arena, &ev.set_count);
    }
    if (in.is_bad || bytes_left(&in) > 0 || machine < EVENT_MACHINE_UNKNOWN ||
        machine > EVENT_MACHINE_YES || ev.at_ms < INSTANT_MIN || ev.at_ms > INSTANT_MAX) {
        return ERR_CORRUPT;
    }
    ev.machine = (enum event_machine)machine;
    *out_event = ev;
    return OK;
}
