/* Schemas as users' platforms change them. avro/evolution.ndjson was made by Apache Avro for Python
 * and read by fastavro (avro/make_vectors.py): ours must find the same values, and refuse what both
 * refuse, with the field's name. Beside them what those cannot say: mappings, logical types.
 */
#include "processor/base/hash.h"
#include "processor/base/mem.h"
#include "schemas/avro.h"
#include "schemas/avro_tree.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#define VECTORS "tests/unit/avro/evolution.ndjson"
#define NINE    INT64_C(1772442000000) /* 2026-03-02T09:00:00Z */

/* --- vectors of other implementations --- */
static unsigned hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static struct bytes unhex(const char *hex, struct arena *a)
{
    size_t size = strlen(hex) / 2;
    uint8_t *at = arena_alloc(a, size + 1);

    for (size_t i = 0; i < size; i++) {
        at[i] = (uint8_t)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
    }
    return (struct bytes){ at, size };
}

static bool is_same(const struct value *got, const json_t *wanted)
{
    if (json_is_null(wanted)) {
        return got->type == VALUE_NULL;
    }
    if (json_is_boolean(wanted)) {
        return got->type == VALUE_BOOL && got->as.boolean == json_is_true(wanted);
    }
    if (json_is_integer(wanted)) {
        return (got->type == VALUE_INT || got->type == VALUE_INSTANT || got->type == VALUE_MONEY) &&
               got->as.integer == json_integer_value(wanted);
    }
    if (json_is_real(wanted)) { /* a promotion to double may come as the whole number it is */
        double real = got->type == VALUE_INT ? (double)got->as.integer : got->as.real;

        return (got->type == VALUE_INT || got->type == VALUE_DOUBLE) &&
               fabs(real - json_real_value(wanted)) < 1e-9;
    }
    if (json_is_string(wanted)) {
        return got->type == VALUE_TEXT && text_is(got->as.text, json_string_value(wanted));
    }
    if (got->type != VALUE_STRINGS || got->as.strings.count != json_array_size(wanted)) {
        return false;
    }
    for (uint32_t i = 0; i < got->as.strings.count; i++) {
        if (!text_is(got->as.strings.at[i], json_string_value(json_array_get(wanted, i)))) {
            return false;
        }
    }
    return true;
}

static const struct value *attribute(const struct event *ev, const char *name)
{
    const struct value *found = NULL;

    for (uint32_t i = 0; i < ev->set_count; i++) { /* the last one counts */
        found = text_is(ev->set[i].name, name) ? &ev->set[i].value : found;
    }
    return found;
}

static void check_fields(unsigned line, const struct event *ev, json_t *wanted, bool is_set)
{
    const char *name;
    json_t *value;

    json_object_foreach(wanted, name, value)
    {
        const struct value *got;

        if (!is_set && strcmp(name, "set") == 0) {
            check_fields(line, ev, value, true);
            continue;
        }
        got = is_set ? attribute(ev, name) : event_field(ev, hash32(text_of(name)));
        if (got == NULL || !is_same(got, value)) {
            fail_msg("line %u: %s is %s", line, name, got == NULL ? "not there" : "another one");
        }
    }
}

static void check_refused(unsigned line, const char *schema, const char *field)
{
    struct avro_decoder *decoder;
    char text[256] = "", quoted[128];

    (void)snprintf(quoted, sizeof(quoted), "`%s`", field);
    if (avro_decoder_new(NULL, text_of(schema), &decoder, text) == OK) {
        fail_msg("line %u: the schema is taken, in spite of %s", line, field);
    }
    if (strstr(text, quoted) == NULL) {
        fail_msg("line %u: \"%s\" does not name %s", line, text, field);
    }
}

static void check_read(unsigned line, const char *schema, json_t *j)
{
    struct arena arena = { NULL, 0 };
    struct avro_decoder *decoder;
    char text[256] = "";
    struct event ev;
    enum reject r;

    if (avro_decoder_new(NULL, text_of(schema), &decoder, text) != OK) {
        fail_msg("line %u: %s", line, text);
    }
    r = avro_decode_event(decoder, unhex(json_string_value(json_object_get(j, "value")), &arena),
                          &arena, &ev, text);
    if (r != REJECT_NONE) {
        fail_msg("line %u: %s: %s", line, reject_name(r), text);
    }
    check_fields(line, &ev, json_object_get(j, "fields"), false);
    avro_decoder_free(decoder);
    arena_fini(&arena);
}

static void a_writers_schema_is_read_as_others_read_it(void **state)
{
    FILE *file = fopen(VECTORS, "r");
    unsigned line = 0, refused_count = 0;
    char *text = NULL;
    size_t room = 0;

    (void)state;
    assert_non_null(file);
    while (getline(&text, &room, file) > 0) {
        json_t *j = json_loads(text, 0, NULL);
        char *schema = json_dumps(json_object_get(j, "schema"), JSON_COMPACT);
        const char *refused = json_string_value(json_object_get(j, "refused"));

        line++;
        assert_non_null(schema);
        if (refused != NULL) {
            check_refused(line, schema, refused);
            refused_count++;
        } else {
            check_read(line, schema, j);
        }
        free(schema);
        json_decref(j);
    }
    free(text);
    (void)fclose(file);
    assert_true(line >= 200 && refused_count >= 40);
}

/* --- the user's own schemas, by a mapping --- */
struct reading {
    struct avro_decoder *decoder;
    struct arena arena;
    struct event event;
    struct bytes_out bytes;
    char text[256];
};

#define RECORD(fields)      "{\"type\":\"record\",\"name\":\"a\",\"fields\":[" fields "]}"
#define FIELD(name, type)   "{\"name\":\"" name "\",\"type\":" type "}"
#define LOGICAL(type, name) "{\"type\":\"" type "\",\"logicalType\":\"" name "\"}"

static void open_reading(struct reading *t, const char *schema, const struct event_mapping *m)
{
    *t = (struct reading){ .text = "" };
    if (avro_decoder_new(m, text_of(schema), &t->decoder, t->text) != OK) {
        fail_msg("%s", t->text);
    }
}

static void close_reading(struct reading *t)
{
    avro_decoder_free(t->decoder);
    arena_fini(&t->arena);
    bytes_out_fini(&t->bytes);
}

static void reads(struct reading *t)
{
    enum reject r =
        avro_decode_event(t->decoder, bytes_out_view(&t->bytes), &t->arena, &t->event, t->text);

    if (r != REJECT_NONE) {
        fail_msg("%s: %s", reject_name(r), t->text);
    }
}

static void rejects(struct reading *t, enum reject wanted, const char *text)
{
    assert_int_equal(
        avro_decode_event(t->decoder, bytes_out_view(&t->bytes), &t->arena, &t->event, t->text),
        wanted);
    assert_string_equal(t->text, text);
}

static const struct value *field(const struct reading *t, const char *name)
{
    return event_field(&t->event, hash32(text_of(name)));
}

/* Why: who renames a field leaves its old name as an alias, and rules know only that one. */
static void a_renamed_field_is_found_by_its_alias(void **state)
{
    const struct event_mapping m = { .kind = TEXT("visit"), .customer = TEXT("user.id") };
    struct reading t;

    (void)state;
    open_reading(
        &t,
        RECORD("{\"name\":\"account\",\"aliases\":[\"user\"],\"type\":{\"type\":\"record\","
               "\"name\":\"u\",\"fields\":[{\"name\":\"number\",\"aliases\":[\"id\"],"
               "\"type\":\"long\"}]}},{\"name\":\"address\",\"aliases\":[\"url\"],"
               "\"type\":[\"string\",\"null\"]},{\"name\":\"moment\","
               "\"aliases\":[\"occurred_at\"],\"type\":\"long\"}"),
        &m);
    bytes_put_long(&t.bytes, 17);
    bytes_put_long(&t.bytes, 0);
    bytes_put_text(&t.bytes, TEXT("/p"));
    bytes_put_long(&t.bytes, NINE);
    reads(&t);
    assert_true(text_is(t.event.customer, "17"));
    assert_int_equal(t.event.at_ms, NINE);
    assert_true(text_is(field(&t, "url")->as.text, "/p"));
    assert_true(text_is(field(&t, "address")->as.text, "/p"));
    close_reading(&t);
}

static void logical_types_become_what_they_mean(void **state)
{
    /* clang-format off */
    static const char schema[] = RECORD(
        FIELD("customer", "\"string\"") ","
        FIELD("at", LOGICAL("long", "timestamp-micros")) ","
        FIELD("seen", LOGICAL("long", "timestamp-millis")) ","
        FIELD("nanos", LOGICAL("long", "timestamp-nanos")) ","
        FIELD("local", LOGICAL("long", "local-timestamp-millis")) ","
        FIELD("day", LOGICAL("int", "date")) ","
        FIELD("ratio", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9,"
                       "\"scale\":3}") ","
        FIELD("event_id", "{\"type\":\"fixed\",\"name\":\"u\",\"size\":16,"
                          "\"logicalType\":\"uuid\"}") ","
        FIELD("odd", LOGICAL("string", "date")));
    /* clang-format on */
    const struct event_mapping m = { .kind = TEXT("visit") };
    struct reading t;

    (void)state;
    open_reading(&t, schema, &m);
    bytes_put_text(&t.bytes, TEXT("c"));
    bytes_put_long(&t.bytes, -1); /* before 1970 it is the millisecond before */
    bytes_put_long(&t.bytes, NINE);
    bytes_put_long(&t.bytes, NINE * 1000000 + 999999);
    bytes_put_long(&t.bytes, 5);
    bytes_put_long(&t.bytes, 11078);
    bytes_put_text(&t.bytes, TEXT("\xff\x38")); /* -200 */
    bytes_put(&t.bytes, "\x12\x34\x56\x78\x9a\xbc\xde\xf0\x12\x34\x56\x78\x9a\xbc\xde\xf0", 16);
    bytes_put_text(&t.bytes, TEXT("x"));
    reads(&t);
    assert_int_equal(t.event.at_ms, -1);
    assert_int_equal(field(&t, "seen")->type, VALUE_INSTANT);
    assert_int_equal(field(&t, "nanos")->as.integer, NINE);
    assert_int_equal(field(&t, "local")->type, VALUE_INT);
    assert_int_equal(field(&t, "day")->type, VALUE_DATE);
    assert_int_equal(field(&t, "day")->as.integer, 11078);
    assert_true(fabs(field(&t, "ratio")->as.real + 0.2) < 1e-12);
    assert_true(text_is(t.event.id, "12345678-9abc-def0-1234-56789abcdef0"));
    assert_true(text_is(field(&t, "odd")->as.text, "x"));
    close_reading(&t);
}

static void a_decimal_amount_is_minor_units(void **state)
{
    static const struct {
        const char *scale;
        struct text bytes;
        int64_t amount; /* -1: not a whole number of minor units, or too large */
    } rows[] = {
        { "2", { "\x13\x7e", 2 }, 4990 },
        { "0", { "\x31", 1 }, 4900 },
        { "4", { "\x07\x9d\x38", 3 }, 4990 }, /* 49.9000 */
        { "4", { "\x07\x9d\x39", 3 }, -1 },   /* 49.9001 */
        { "2", { "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05", 10 }, 5 },
        { "2", { "\x00\x80\x00\x00\x00\x00\x00\x00\x00", 9 }, -1 },
        { "0", { "\x7f\xff\xff\xff\xff\xff\xff\xff", 8 }, -1 },
        { "2", { "", 0 }, 0 },
    };
    const struct event_mapping m = { .kind = TEXT("purchase") };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bytes_out schema = { NULL, 0, 0 };
        struct reading t;

        bytes_put_format(
            &schema,
            RECORD(FIELD("customer", "\"string\"") "," FIELD("at", "\"long\"") "," FIELD(
                "amount", "[\"null\",{\"type\":\"bytes\",\"logicalType\":"
                          "\"decimal\",\"precision\":18,\"scale\":%s}]")) "%c",
            rows[i].scale, 0);
        open_reading(&t, (const char *)schema.at, &m);
        bytes_put(&t.bytes, "\2c\2\2", 4);
        bytes_put_text(&t.bytes, rows[i].bytes);
        if (rows[i].amount < 0) {
            rejects(&t, REJECT_BAD_VALUE, "amount is not a whole number of minor units");
        } else {
            reads(&t);
            assert_int_equal(t.event.amount, rows[i].amount);
            assert_int_equal(field(&t, "amount")->type, VALUE_MONEY);
        }
        bytes_out_clear(&t.bytes);
        bytes_put(&t.bytes, "\2c\2\0", 4);
        rejects(&t, REJECT_MISSING_FIELD, "a purchase without amount");
        bytes_out_fini(&schema);
        close_reading(&t);
    }
}

/* Why: a platform's own customer records are profiles too, with no `set` in them. How: plain
 * fields, null, a list, a record called set; the kind by a field, so that it is known only
 * afterwards. */
static void a_users_own_record_may_be_a_profile(void **state)
{
    /* clang-format off */
    static const char schema[] = RECORD(
        FIELD("plan", "[\"null\",\"string\"]") ","
        FIELD("gone", "[\"null\",\"string\"]") ","
        FIELD("tags", "{\"type\":\"array\",\"items\":\"string\"}") ","
        FIELD("set", "{\"type\":\"record\",\"name\":\"s\",\"fields\":["
                     FIELD("size", "\"int\"") "," FIELD("born", LOGICAL("int", "date")) "]}") ","
        FIELD("type", "\"string\"") ","
        FIELD("customer", "\"string\"") ","
        FIELD("at", "\"long\""));
    /* clang-format on */
    const struct event_mapping m = { .kind_field = TEXT("type") };
    struct reading t;

    (void)state;
    open_reading(&t, schema, &m);
    for (unsigned i = 0; i < 2; i++) {
        bytes_out_clear(&t.bytes);
        bytes_put_long(&t.bytes, 1);
        bytes_put_text(&t.bytes, TEXT("pro"));
        bytes_put_long(&t.bytes, 0);
        bytes_put(&t.bytes, "\2\2x\0", 4);
        bytes_put_long(&t.bytes, 40);
        bytes_put_long(&t.bytes, 11078);
        bytes_put_text(&t.bytes, i == 0 ? TEXT("profile") : TEXT("visit"));
        bytes_put(&t.bytes, "\2c\2", 3);
        reads(&t);
        if (i == 1) {
            assert_int_equal(t.event.set_count, 0);
            assert_true(text_is(field(&t, "plan")->as.text, "pro"));
            assert_int_equal(field(&t, "set.size")->as.integer, 40);
            continue;
        }
        assert_int_equal(t.event.kind, EVENT_PROFILE);
        assert_int_equal(t.event.set_count, 5);
        assert_true(text_is(attribute(&t.event, "plan")->as.text, "pro"));
        assert_int_equal(attribute(&t.event, "gone")->type, VALUE_NULL);
        assert_int_equal(attribute(&t.event, "tags")->as.strings.count, 1);
        assert_int_equal(attribute(&t.event, "size")->as.integer, 40);
        assert_int_equal(attribute(&t.event, "born")->type, VALUE_DATE);
    }
    close_reading(&t);
}

static void a_builtin_may_stand_under_a_maps_key(void **state)
{
    const struct event_mapping m = { .kind = TEXT("visit"), .customer = TEXT("tags.user") };
    struct reading t;

    (void)state;
    open_reading(
        &t,
        RECORD(FIELD("tags",
                     "{\"type\":\"map\",\"values\":[\"null\",\"string\","
                     "{\"type\":\"map\",\"values\":\"long\"}]}") "," FIELD("at", "\"long\"")),
        &m);
    bytes_put_long(&t.bytes, 2);
    bytes_put_text(&t.bytes, TEXT("user"));
    bytes_put_long(&t.bytes, 1);
    bytes_put_text(&t.bytes, TEXT("c-9"));
    bytes_put_text(&t.bytes, TEXT("more"));
    bytes_put_long(&t.bytes, 2);
    bytes_put_long(&t.bytes, 1);
    bytes_put_text(&t.bytes, TEXT("deep"));
    bytes_put_long(&t.bytes, 7);
    bytes_put(&t.bytes, "\0\0\2", 3);
    reads(&t);
    assert_true(text_is(t.event.customer, "c-9"));
    assert_int_equal(field(&t, "tags.more.deep")->as.integer, 7);
    close_reading(&t);
}

/* --- canonical form and single-object records of a topic's own schema --- */
/* How: canonical forms as Apache Avro for Python gives them. */
static void a_schema_of_the_users_has_the_fingerprint_that_others_compute(void **state)
{
    static const struct {
        const char *json, *canonical;
    } rows[] = {
        { "\"int\"", "\"int\"" },
        { "{\"type\":\"array\",\"items\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}}",
          "{\"type\":\"array\",\"items\":\"long\"}" },
        { "{\"type\":\"record\",\"doc\":\"d\",\"name\":\"r\",\"namespace\":\"x.y\",\"fields\":["
          "{\"default\":null,\"type\":[\"null\",\"r\"],\"name\":\"next\"},"
          "{\"name\":\"f\",\"type\":{\"size\":4,\"type\":\"fixed\",\"name\":\"q\"}},"
          "{\"name\":\"g\",\"type\":\"q\"},"
          "{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"symbols\":[\"A\"],\"name\":\"z.e\"}}]}",
          "{\"name\":\"x.y.r\",\"type\":\"record\",\"fields\":[{\"name\":\"next\",\"type\":"
          "[\"null\",\"x.y.r\"]},{\"name\":\"f\",\"type\":{\"name\":\"x.y.q\",\"type\":\"fixed\","
          "\"size\":4}},{\"name\":\"g\",\"type\":\"x.y.q\"},{\"name\":\"e\",\"type\":{\"name\":"
          "\"z.e\",\"type\":\"enum\",\"symbols\":[\"A\"]}}]}" },
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bytes_out out = { NULL, 0, 0 };
        struct avro_tree tree;

        assert_int_equal(avro_tree_parse(&tree, text_of(rows[i].json), NULL, 0, text), OK);
        avro_tree_canonical(&tree, &out);
        bytes_put_byte(&out, 0);
        assert_string_equal((const char *)out.at, rows[i].canonical);
        assert_true(avro_tree_fingerprint(&tree) == hash_rabin(text_of(rows[i].canonical)));
        bytes_out_fini(&out);
        avro_tree_fini(&tree);
    }
}

static void a_topics_own_schema_is_known_by_its_fingerprint_too(void **state)
{
    static const char schema[] =
        RECORD(FIELD("customer", "\"string\"") "," FIELD("at", "\"long\""));
    const struct event_mapping m = { .kind = TEXT("visit") };
    struct avro_tree tree;
    struct reading t;

    (void)state;
    open_reading(&t, schema, &m);
    assert_int_equal(avro_tree_parse(&tree, text_of(schema), NULL, 0, t.text), OK);
    bytes_put(&t.bytes, "\xc3\x01", 2);
    bytes_put_u64(&t.bytes, avro_tree_fingerprint(&tree));
    bytes_put(&t.bytes, "\2c\2", 3);
    reads(&t);
    assert_true(text_is(t.event.customer, "c"));
    avro_tree_fini(&tree);
    close_reading(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_writers_schema_is_read_as_others_read_it),
        cmocka_unit_test(a_renamed_field_is_found_by_its_alias),
        cmocka_unit_test(logical_types_become_what_they_mean),
        cmocka_unit_test(a_decimal_amount_is_minor_units),
        cmocka_unit_test(a_users_own_record_may_be_a_profile),
        cmocka_unit_test(a_builtin_may_stand_under_a_maps_key),
        cmocka_unit_test(a_schema_of_the_users_has_the_fingerprint_that_others_compute),
        cmocka_unit_test(a_topics_own_schema_is_known_by_its_fingerprint_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
