#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "schemas/avro.h"
#include "schemas/avro_tree.h"
#include "schemas/record_header.h"
#include "tests/support/random_records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NINE INT64_C(1772442000000) /* 2026-03-02T09:00:00Z */

/* --- events --- */
struct reading {
    struct avro_decoder *decoder;
    struct arena arena;
    struct event event;
    char text[128];
};

static void open_mapped(struct reading *t, const char *headerless_schema,
                        const struct event_mapping *m)
{
    char text[256] = "";

    *t = (struct reading){ .text = "" };
    if (avro_decoder_new(m, text_of(headerless_schema), &t->decoder, text) != OK) {
        fail_msg("%s", text);
    }
}

static void open_reading(struct reading *t, const char *headerless_schema)
{
    open_mapped(t, headerless_schema, NULL);
}

static void close_reading(struct reading *t)
{
    avro_decoder_free(t->decoder);
    arena_fini(&t->arena);
}

static enum reject decode(struct reading *t, struct bytes b)
{
    return avro_decode_event(t->decoder, b, &t->arena, &t->event, t->text);
}

static const struct value *field(const struct reading *t, const char *name)
{
    return event_field(&t->event, hash32(text_of(name)));
}

static void same_text(struct text a, struct text b)
{
    assert_true(text_equal(a, b));
}

static const char *const kinds[] = { "click",       "open",      "purchase", "profile", "reply",
                                     "refund",      "delivered", "bounce",   "visit",   "complaint",
                                     "unsubscribe", "subscribe", "erase" };

/* A profile's value as the union of its schema can say it. */
static void same_set(const struct event *a, const struct event *b)
{
    assert_int_equal(a->set_count, b->set_count);
    for (uint32_t i = 0; i < a->set_count; i++) {
        struct value wanted = a->set[i].value;
        char date[INSTANT_TEXT_SIZE];

        if (wanted.type == VALUE_DATE) {
            instant_format_date(wanted.as.integer, date);
            wanted = (struct value){ .type = VALUE_TEXT, .as.text = text_of(date) };
        } else if (wanted.type >= VALUE_INSTANT) {
            wanted.type = VALUE_INT;
        }
        same_text(a->set[i].name, b->set[i].name);
        assert_true(value_equal(&wanted, &b->set[i].value));
    }
}

static void each_kind_comes_back_from_its_shipped_schema_by_seed(void **state)
{
    struct reading t;
    struct rng r;

    (void)state;
    open_reading(&t, NULL);
    rng_init(&r, 1);
    for (unsigned i = 0; i < 1300; i++) {
        struct event ev = random_shipped_event(&r, &t.arena, kinds[i % 13]);
        struct bytes_out out = { NULL, 0, 0 };
        enum reject got;

        avro_encode_event(&ev, &out);
        got = decode(&t, bytes_out_view(&out));
        if (got != REJECT_NONE) {
            fail_msg("%s: %s: %s", kinds[i % 13], reject_name(got), t.text);
        }
        assert_int_equal(t.event.kind, ev.kind);
        same_text(t.event.kind_name, ev.kind_name);
        same_text(t.event.customer, ev.customer);
        assert_int_equal(t.event.at_ms, ev.at_ms);
        same_text(t.event.id, ev.id);
        same_text(t.event.email, ev.email);
        assert_int_equal(t.event.machine, ev.machine);
        same_text(t.event.order, ev.order);
        same_text(t.event.currency, ev.currency);
        assert_int_equal(t.event.has_amount, ev.has_amount);
        assert_int_equal(t.event.amount, ev.amount);
        assert_int_equal(t.event.is_hard_bounce, ev.is_hard_bounce);
        same_text(t.event.subscription, ev.subscription);
        assert_int_equal(field(&t, "url") != NULL, ev.field_count == 1);
        same_set(&ev, &t.event);
        bytes_out_fini(&out);
    }
    close_reading(&t);
}

/* --- a schema of a topic, without a header --- */
static const char tracking[] =
    "{\"type\":\"record\",\"name\":\"track\",\"fields\":["
    "{\"name\":\"type\",\"type\":{\"type\":\"enum\",\"name\":\"t\",\"symbols\":[\"pv\",\"dl\"]}},"
    "{\"name\":\"user\",\"type\":{\"type\":\"record\",\"name\":\"u\",\"fields\":["
    "{\"name\":\"id\",\"type\":\"int\"},{\"name\":\"mail\",\"type\":[\"null\",\"string\"]}]}},"
    "{\"name\":\"ts\",\"type\":\"long\"},"
    "{\"name\":\"ratio\",\"type\":\"float\"},"
    "{\"name\":\"blob\",\"type\":\"bytes\"},"
    "{\"name\":\"mac\",\"type\":{\"type\":\"fixed\",\"name\":\"m\",\"size\":2}},"
    "{\"name\":\"nothing\",\"type\":\"null\"},"
    "{\"name\":\"other\",\"type\":[\"null\",\"u\"]},"
    "{\"name\":\"cart\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"l\","
    "\"fields\":[{\"name\":\"sku\",\"type\":\"string\"},{\"name\":\"n\",\"type\":\"int\"}]}}},"
    "{\"name\":\"props\",\"type\":{\"type\":\"map\",\"values\":[\"null\",\"string\",\"long\"]}}]}";

static void put_tracking(struct bytes_out *out)
{
    bytes_put_long(out, 1);            /* dl */
    bytes_put_long(out, 17);           /* user.id */
    bytes_put_long(out, 0);            /* no mail */
    bytes_put_long(out, NINE);         /* ts */
    bytes_put_u32(out, 0x3f000000);    /* 0.5f */
    bytes_put_text(out, TEXT("\xff")); /* blob */
    bytes_put(out, "\1\2", 2);         /* mac */
    bytes_put_long(out, 1);            /* other: a u by reference */
    bytes_put_long(out, 18);
    bytes_put_long(out, 1);
    bytes_put_text(out, TEXT("a@b"));
    bytes_put_long(out, 1); /* cart: a block of one */
    bytes_put_text(out, TEXT("pen"));
    bytes_put_long(out, 2);
    bytes_put_long(out, -1); /* and one with its size in bytes */
    bytes_put_long(out, 5);
    bytes_put_text(out, TEXT("ink"));
    bytes_put_long(out, 3);
    bytes_put_long(out, 0);
    bytes_put_long(out, 2); /* props */
    bytes_put_text(out, TEXT("a"));
    bytes_put_long(out, 2);
    bytes_put_long(out, 40);
    bytes_put_text(out, TEXT("b"));
    bytes_put_long(out, 0);
    bytes_put_long(out, 0);
}

static const struct text tracking_from[] = { { "pv", 2 }, { "dl", 2 } };
static const struct text tracking_to[] = { { "visit", 5 }, { "download", 8 } };
static const struct event_mapping tracking_mapping = { .kind_field = { "type", 4 },
                                                       .map_from = tracking_from,
                                                       .map_to = tracking_to,
                                                       .map_count = 2,
                                                       .customer = { "user.id", 7 },
                                                       .at = { "ts", 2 } };

static void a_headerless_record_is_read_by_its_schema(void **state)
{
    struct bytes_out out = { NULL, 0, 0 };
    struct reading t;

    (void)state;
    open_mapped(&t, tracking, &tracking_mapping);
    put_tracking(&out);
    assert_int_equal(decode(&t, bytes_out_view(&out)), REJECT_NONE);
    assert_true(text_is(t.event.kind_name, "download"));
    assert_true(text_is(t.event.customer, "17"));
    assert_int_equal(t.event.at_ms, NINE);
    assert_true(field(&t, "ratio")->as.real > 0.49 && field(&t, "ratio")->as.real < 0.51);
    assert_null(field(&t, "blob"));
    assert_null(field(&t, "user.mail"));
    assert_int_equal(field(&t, "other.id")->as.integer, 18);
    assert_true(text_is(field(&t, "other.mail")->as.text, "a@b"));
    assert_int_equal(field(&t, "cart.sku")->as.strings.count, 2);
    assert_true(text_is(field(&t, "cart.sku")->as.strings.at[1], "ink"));
    assert_true(text_is(field(&t, "cart.n")->as.strings.at[0], "2"));
    assert_int_equal(field(&t, "props.a")->as.integer, 40);
    assert_null(field(&t, "props.b"));
    for (size_t size = 0; size < out.size; size++) {
        assert_int_equal(decode(&t, (struct bytes){ out.at, size }), REJECT_UNDECODABLE);
    }
    bytes_put_byte(&out, 0);
    assert_int_equal(decode(&t, bytes_out_view(&out)), REJECT_UNDECODABLE);
    bytes_out_fini(&out);
    close_reading(&t);
}

static void refuses(const char *schema, const struct event_mapping *m, const char *sentence)
{
    struct avro_decoder *decoder;
    char text[256] = "";

    assert_int_equal(avro_decoder_new(m, text_of(schema), &decoder, text), ERR_CONFIG);
    if (strncmp(text, sentence, strlen(sentence)) != 0) {
        fail_msg("%s", text);
    }
}

#define RECORD(fields)      "{\"type\":\"record\",\"name\":\"a\",\"fields\":[" fields "]}"
#define FIELD(name, type)   "{\"name\":\"" name "\",\"type\":" type "}"
#define LOGICAL(type, name) "{\"type\":\"" type "\",\"logicalType\":\"" name "\"}"
#define CUSTOMER            FIELD("customer", "\"string\"") ","
#define AT                  FIELD("at", "\"long\"") ","

static const struct event_mapping purchase = { .kind = { "purchase", 8 } };
static const struct event_mapping visit = { .kind = { "visit", 5 } };
static const struct event_mapping mapped = { .kind = { "visit", 5 }, .id = { "key", 3 } };

static const struct {
    const char *schema;
    const struct event_mapping *mapping;
    const char *sentence;
} unusable[] = {
    { "", NULL, "not an Avro schema: " },
    { "{", NULL, "not an Avro schema: " },
    { "{\"type\":\"record\"}", NULL, "a record has no name" },
    { "{\"type\":\"record\",\"name\":\"a\"}", NULL, "a record has no list of fields" },
    { "\"string\"", NULL, "the schema is not a record" },
    { "5", NULL, "a type is missing" },
    { RECORD(FIELD("x", "\"b\"")), NULL, "the type `b` is not defined" },
    { RECORD(AT FIELD("at", "\"int\"")), NULL, "the field `at` is there twice" },
    { RECORD(FIELD("x", "[]")), NULL, "a union has no branches" },
    { RECORD(FIELD("x", "[\"null\",[\"int\"]]")), NULL, "a union stands directly inside a union" },
    { RECORD(FIELD("x", "{\"type\":\"fixed\",\"name\":\"f\",\"size\":-1}")), NULL,
      "a fixed has no size, or one over 1 MiB" },
    { RECORD(FIELD("x", "{\"type\":\"fixed\",\"name\":\"a\",\"size\":1}")), NULL,
      "the name `a` is defined twice" },
    { RECORD(FIELD("x", "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[3]}")), NULL,
      "a symbol of `e` is not a name" },
    { RECORD(AT FIELD("kind", "\"string\"")), NULL,
      "no field `customer_id` or `customer`, and the topic maps none to it" },
    { RECORD(CUSTOMER AT FIELD("x", "\"string\"")), NULL, "no field `kind` or `kind`" },
    { tracking, NULL, "no field `kind`" },
    { RECORD(AT FIELD("customer", "\"double\"")), &visit,
      "the field `customer` is a double, but customer is text or a whole number" },
    { RECORD(CUSTOMER FIELD("at", "\"double\"")), &visit,
      "the field `at` is a double, but at is a timestamp, a whole number of ms or RFC 3339 text" },
    { RECORD(CUSTOMER FIELD("at", LOGICAL("long", "local-timestamp-millis"))), &visit,
      "the field `at` is a local timestamp, but at is" },
    { RECORD(CUSTOMER FIELD("at", LOGICAL("int", "date"))), &visit,
      "the field `at` is a date, but at is" },
    { RECORD(CUSTOMER AT FIELD("key", "\"boolean\"")), &mapped,
      "the field `key` is a boolean, but id is text or a whole number" },
    { RECORD(CUSTOMER AT FIELD("x", "\"int\"")), &purchase, "no field `amount`" },
    { RECORD(CUSTOMER AT FIELD("amount", "\"double\"")), &purchase,
      "the field `amount` is a double, but amount is a whole number of minor units or a decimal" },
    { RECORD(CUSTOMER AT FIELD("amount", "\"bytes\"")), &purchase,
      "the field `amount` is bytes, but amount is" },
};

static void a_schema_that_cannot_be_used_is_refused_with_a_sentence(void **state)
{
    struct bytes_out out = { NULL, 0, 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(unusable) / sizeof(unusable[0]); i++) {
        refuses(unusable[i].schema, unusable[i].mapping, unusable[i].sentence);
    }
    bytes_put_format(&out, "{\"type\":\"record\",\"name\":\"a\",\"fields\":[{\"name\":\"x\","
                           "\"type\":");
    for (unsigned i = 0; i < 70; i++) {
        bytes_put_format(&out, "{\"type\":\"array\",\"items\":");
    }
    bytes_put_format(&out, "\"long\"");
    for (unsigned i = 0; i < 70; i++) {
        bytes_put_format(&out, "}");
    }
    bytes_put_format(&out, "}]}%c", 0);
    refuses((const char *)out.at, NULL, "the schema is nested too deeply");
    bytes_out_clear(&out);
    bytes_put_format(&out, "[\"long\"");
    for (unsigned i = 0; i < AVRO_TREE_TYPES_MAX; i++) {
        bytes_put_format(&out, ",\"long\"");
    }
    bytes_put_format(&out, "]%c", 0);
    refuses((const char *)out.at, NULL, "the schema is too large");
    bytes_out_fini(&out);
}

/* --- fields that no rule can have --- */
/* Why: users' schemas hold trees and lists of any depth; all that matters is to get past them. How:
 * a record that holds itself, 40 arrays in each other, a thousand fields. */
static void what_has_no_name_is_read_past(void **state)
{
    struct bytes_out schema = { NULL, 0, 0 }, out = { NULL, 0, 0 };
    struct reading t;

    (void)state;
    bytes_put_format(&schema, "{\"type\":\"record\",\"name\":\"a\",\"fields\":[" CUSTOMER
                              "{\"name\":\"parent\",\"type\":[\"null\",\"a\"]},"
                              "{\"name\":\"deep\",\"type\":");
    for (unsigned i = 0; i < 40; i++) {
        bytes_put_format(&schema, "{\"type\":\"array\",\"items\":");
    }
    bytes_put_format(&schema, "\"long\"");
    for (unsigned i = 0; i < 40; i++) {
        bytes_put_format(&schema, "}");
    }
    bytes_put_format(&schema, "}");
    for (unsigned i = 0; i < 1000; i++) {
        bytes_put_format(&schema, ",{\"name\":\"f%u\",\"type\":[\"null\",\"long\"]}", i);
    }
    bytes_put_format(&schema, "," FIELD("at", "\"long\"") "]}%c", 0);
    open_mapped(&t, (const char *)schema.at, &visit);
    for (unsigned depth = 0; depth < 3; depth++) { /* c-0, its parent c-1, its parent c-2 .. */
        bytes_put_text(&out, depth == 0 ? TEXT("c-0") : TEXT("c-n"));
        bytes_put_long(&out, depth < 2);
    }
    for (unsigned depth = 0; depth < 3; depth++) { /* .. and the rest of them, inside out */
        for (unsigned i = 0; i < 40; i++) {
            bytes_put_long(&out, 1);
        }
        bytes_put_long(&out, 7);
        for (unsigned i = 0; i < 40; i++) {
            bytes_put_long(&out, 0);
        }
        for (unsigned i = 0; i < 1000; i++) {
            bytes_put_long(&out, i == 5);
            if (i == 5) {
                bytes_put_long(&out, 55);
            }
        }
        bytes_put_long(&out, NINE + depth);
    }
    if (decode(&t, bytes_out_view(&out)) != REJECT_NONE) {
        fail_msg("%s", t.text);
    }
    assert_true(text_is(t.event.customer, "c-0"));
    assert_int_equal(t.event.at_ms, NINE + 2); /* its own comes last */
    assert_int_equal(field(&t, "f5")->as.integer, 55);
    bytes_out_fini(&schema);
    bytes_out_fini(&out);
    close_reading(&t);
}

/* How: more levels than the stack should bear, in one record. */
static void a_record_inside_itself_for_ever_is_undecodable(void **state)
{
    struct bytes_out out = { NULL, 0, 0 };
    struct reading t;

    (void)state;
    open_mapped(&t, RECORD(CUSTOMER AT FIELD("next", "[\"null\",\"a\"]")), &visit);
    for (unsigned levels = 100; levels <= 100000; levels *= 1000) {
        bytes_out_clear(&out);
        for (unsigned i = 0; i < levels; i++) {
            bytes_put(&out, "\2c\0\2", 4);
        }
        bytes_put(&out, "\2c\0\0", 4);
        assert_int_equal(decode(&t, bytes_out_view(&out)),
                         levels == 100 ? REJECT_NONE : REJECT_UNDECODABLE);
    }
    bytes_out_fini(&out);
    close_reading(&t);
}

/* --- hostile bytes --- */
#define HOSTILE(literal)                                                                           \
    {                                                                                              \
        (const uint8_t *)"" literal, sizeof(literal) - 1                                           \
    }
#define HEAD "\0\2c\0" /* no id, customer "c", 1970 */

/* Of a purchase, behind its header: what Avro-C's own reader would trust. */
static const struct bytes hostile[] = {
    HOSTILE(""),
    HOSTILE("\4"),   /* union branch 2 of 2 */
    HOSTILE("\1"),   /* union branch -1 */
    HOSTILE("\0\1"), /* a text of -1 bytes */
    HOSTILE("\0\x80\x80\x80\x80\x08"
            "c"),                                                   /* of a gigabyte */
    HOSTILE("\0\xfe\xff\xff\xff\xff\xff\xff\xff\xff\1c"),           /* of 2^63 - 1 bytes */
    HOSTILE("\0\2c\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),       /* a long of 70 bits */
    HOSTILE(HEAD "\0\0\2\0\x80\x80\x80\x80\x08"),                   /* a gigabyte of items */
    HOSTILE(HEAD "\0\0\2\0\1\0"),                                   /* a block of -1, its size 0 */
    HOSTILE(HEAD "\0\0\2\0\1\1"),                                   /* and of size -1 */
    HOSTILE(HEAD "\0\0\2\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"), /* of INT64_MIN items */
    HOSTILE(HEAD "\0\0\2\0\2\0\0\0\0\0"),                           /* the items do not end */
    HOSTILE(HEAD "\0\0\2\0\0\x80\x80\x80\x80\x08"),                 /* a gigabyte of properties */
    HOSTILE(HEAD "\0\0\2\0\0\2\1\0\0"),                             /* a key of -1 bytes */
    HOSTILE(HEAD "\0\0\2\0\0\0\0"),                                 /* one byte too many */
};

static void hostile_bytes_are_undecodable(void **state)
{
    struct reading t;

    (void)state;
    open_reading(&t, NULL);
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        struct bytes_out out = { NULL, 0, 0 };

        record_header_put(&out, FINGERPRINT_PURCHASE);
        bytes_put(&out, hostile[i].at, hostile[i].size);
        if (decode(&t, bytes_out_view(&out)) != REJECT_UNDECODABLE) {
            fail_msg("row %zu", i);
        }
        assert_string_equal(t.text, "the bytes do not fit the schema");
        bytes_out_fini(&out);
    }
    close_reading(&t);
}

/* Why: items that take no bytes could be endless, and nested arrays multiply. How: 2^62 nulls, and
 * as many empty arrays as the bytes can say. */
static void work_is_bounded_whatever_a_record_says(void **state)
{
    struct bytes_out out = { NULL, 0, 0 };
    struct reading t;

    (void)state;
    open_mapped(&t,
                RECORD(CUSTOMER AT FIELD("x", "{\"type\":\"array\",\"items\":\"null\"}") "," FIELD(
                    "y", "{\"type\":\"array\",\"items\":{\"type\":\"array\","
                         "\"items\":\"int\"}}")),
                &visit);
    bytes_put(&out, "\2c\0", 3);
    bytes_put_long(&out, INT64_C(1) << 62);
    bytes_put_long(&out, -(INT64_C(1) << 62)); /* with its size in bytes: 0 */
    bytes_put_long(&out, 0);
    bytes_put_byte(&out, 0);               /* the end of x */
    for (unsigned i = 0; i < 50000; i++) { /* blocks of one empty array each */
        bytes_put(&out, "\2\0", 2);
    }
    bytes_put_byte(&out, 0);
    assert_int_equal(decode(&t, bytes_out_view(&out)), REJECT_NONE);
    bytes_put_byte(&out, 0);
    assert_int_equal(decode(&t, bytes_out_view(&out)), REJECT_UNDECODABLE);
    bytes_out_fini(&out);
    close_reading(&t);
}

static void what_a_record_lacks_has_its_reason(void **state)
{
    struct bytes_out out = { NULL, 0, 0 };
    struct reading t;

    (void)state;
    open_reading(&t, NULL);
    assert_int_equal(decode(&t, BYTES_NONE), REJECT_NULL_VALUE);
    assert_string_equal(t.text, "the record has no value");
    assert_int_equal(decode(&t, (struct bytes){ (const uint8_t *)"", 0 }), REJECT_SCHEMA_UNKNOWN);
    record_header_put(&out, FINGERPRINT_TRIGGER); /* shipped, but no input */
    assert_int_equal(decode(&t, bytes_out_view(&out)), REJECT_SCHEMA_UNKNOWN);
    assert_string_equal(t.text, "no single-object header of a known schema");
    assert_int_equal(decode(&t, (struct bytes){ out.at, 9 }), REJECT_SCHEMA_UNKNOWN);
    bytes_out_clear(&out);
    record_header_put(&out, FINGERPRINT_ACTIVITY);
    bytes_put(&out, "\0\0\0\2v\0\0\0", 8);
    assert_int_equal(decode(&t, bytes_out_view(&out)), REJECT_MISSING_FIELD);
    assert_string_equal(t.text, "no customer");
    bytes_out_clear(&out);
    record_header_put(&out, FINGERPRINT_ACTIVITY);
    bytes_put(&out, "\0\2\xff\0\2v\0\0\0", 9);
    assert_int_equal(decode(&t, bytes_out_view(&out)), REJECT_BAD_VALUE);
    assert_string_equal(t.text, "customer is not valid UTF-8");
    bytes_out_fini(&out);
    close_reading(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_comes_back_from_its_shipped_schema_by_seed),
        cmocka_unit_test(a_headerless_record_is_read_by_its_schema),
        cmocka_unit_test(a_schema_that_cannot_be_used_is_refused_with_a_sentence),
        cmocka_unit_test(what_has_no_name_is_read_past),
        cmocka_unit_test(a_record_inside_itself_for_ever_is_undecodable),
        cmocka_unit_test(hostile_bytes_are_undecodable),
        cmocka_unit_test(work_is_bounded_whatever_a_record_says),
        cmocka_unit_test(what_a_record_lacks_has_its_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
