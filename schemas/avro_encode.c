#include "schemas/avro.h"

#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "schemas/record_header.h"

static void put_text_or_null(struct bytes_out *out, struct text t)
{
    bytes_put_long(out, t.at == NULL ? 0 : 1);
    if (t.at != NULL) {
        bytes_put_text(out, t);
    }
}

static void put_field_or_null(struct bytes_out *out, const struct event *ev, const char *name)
{
    const struct value *v = event_field(ev, hash32(text_of(name)));

    put_text_or_null(out, v != NULL && v->type == VALUE_TEXT ? v->as.text : TEXT_NONE);
}

static void put_machine(struct bytes_out *out, const struct event *ev)
{
    bytes_put_long(out, ev->machine == EVENT_MACHINE_UNKNOWN ? 0 : 1);
    if (ev->machine != EVENT_MACHINE_UNKNOWN) {
        bytes_put_bool(out, ev->machine == EVENT_MACHINE_YES);
    }
}

static void put_head(struct bytes_out *out, uint64_t fingerprint, const struct event *ev)
{
    record_header_put(out, fingerprint);
    put_text_or_null(out, ev->id);
    bytes_put_text(out, ev->customer);
    bytes_put_long(out, ev->at_ms);
}

static void put_no_properties(struct bytes_out *out)
{
    bytes_put_long(out, 0);
}

static void put_click(const struct event *ev, struct bytes_out *out)
{
    put_head(out, FINGERPRINT_CLICK, ev);
    put_text_or_null(out, ev->email);
    put_field_or_null(out, ev, "url");
    put_field_or_null(out, ev, "link");
    put_machine(out, ev);
    put_field_or_null(out, ev, "user_agent");
    put_no_properties(out);
}

static void put_open(const struct event *ev, struct bytes_out *out)
{
    put_head(out, FINGERPRINT_OPEN, ev);
    put_text_or_null(out, ev->email);
    put_machine(out, ev);
    put_field_or_null(out, ev, "user_agent");
    put_no_properties(out);
}

static void put_purchase(const struct event *ev, struct bytes_out *out)
{
    put_head(out, FINGERPRINT_PURCHASE, ev);
    put_text_or_null(out, ev->email);
    put_text_or_null(out, ev->order);
    bytes_put_long(out, ev->amount);
    put_text_or_null(out, ev->currency);
    bytes_put_long(out, 0); /* no items */
    put_no_properties(out);
}

static void put_feedback(const struct event *ev, struct bytes_out *out)
{
    put_head(out, FINGERPRINT_FEEDBACK, ev);
    bytes_put_text(out, ev->kind_name);
    put_text_or_null(out, ev->email);
    put_text_or_null(out, ev->subscription);
    put_text_or_null(out, ev->kind != EVENT_BOUNCE ? TEXT_NONE
                          : ev->is_hard_bounce     ? TEXT("hard")
                                                   : TEXT("soft"));
    put_text_or_null(out, ev->order);
    bytes_put_long(out, ev->has_amount ? 1 : 0);
    if (ev->has_amount) {
        bytes_put_long(out, ev->amount);
    }
    put_text_or_null(out, ev->currency);
    put_no_properties(out);
}

static void put_activity(const struct event *ev, struct bytes_out *out)
{
    put_head(out, FINGERPRINT_ACTIVITY, ev);
    bytes_put_text(out, ev->kind_name);
    put_text_or_null(out, ev->email);
    put_field_or_null(out, ev, "url");
    put_no_properties(out);
}

/* The union of a profile value: null, boolean, long, double, string, array of string. Dates go as
 * text. */
static void put_profile_value(struct bytes_out *out, const struct value *v)
{
    char date[INSTANT_TEXT_SIZE];

    switch (v->type) {
    case VALUE_NULL:
        bytes_put_long(out, 0);
        break;
    case VALUE_BOOL:
        bytes_put_long(out, 1);
        bytes_put_bool(out, v->as.boolean);
        break;
    case VALUE_INT:
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
    case VALUE_DATE:
        instant_format_date(v->as.integer, date);
        bytes_put_long(out, 4);
        bytes_put_text(out, text_of(date));
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

static void put_profile(const struct event *ev, struct bytes_out *out)
{
    put_head(out, FINGERPRINT_PROFILE, ev);
    if (ev->set_count > 0) {
        bytes_put_long(out, ev->set_count);
    }
    for (uint32_t i = 0; i < ev->set_count; i++) {
        bytes_put_text(out, ev->set[i].name);
        put_profile_value(out, &ev->set[i].value);
    }
    bytes_put_long(out, 0);
    bytes_put_long(out, 0); /* unset: null values say it */
}

void avro_encode_event(const struct event *ev, struct bytes_out *out)
{
    switch (ev->kind) {
    case EVENT_CLICK:
        put_click(ev, out);
        break;
    case EVENT_OPEN:
        put_open(ev, out);
        break;
    case EVENT_PURCHASE:
        put_purchase(ev, out);
        break;
    case EVENT_PROFILE:
        put_profile(ev, out);
        break;
    case EVENT_REPLY:
    case EVENT_REFUND:
    case EVENT_DELIVERED:
    case EVENT_BOUNCE:
    case EVENT_COMPLAINT:
    case EVENT_UNSUBSCRIBE:
    case EVENT_SUBSCRIBE:
        put_feedback(ev, out);
        break;
    case EVENT_OTHER:
    case EVENT_ERASE:
    case EVENT_KIND__COUNT:
        put_activity(ev, out);
        break;
    }
}
