#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "schemas/avro.h"
#include "schemas/commit.h"
#include "schemas/record_header.h"
#include "tests/support/random_customer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <avro.h>
#include <cmocka.h>
#include <jansson.h>

#define NINE INT64_C(1772442000000) /* 2026-03-02T09:00:00Z */

/* --- fingerprints --- */
static void put_canonical(struct bytes_out *out, const json_t *j, const char *space);

static void put_canonical_list(struct bytes_out *out, const char *name, const json_t *list,
                               const char *space)
{
    size_t i;
    json_t *item;

    bytes_put_format(out, "%s[", name);
    json_array_foreach(list, i, item)
    {
        bytes_put_format(out, "%s", i > 0 ? "," : "");
        put_canonical(out, item, space);
    }
    bytes_put_byte(out, ']');
}

static bool is_primitive(const char *name)
{
    static const char *const names[] = { "null",  "boolean", "int",   "long",
                                         "float", "double",  "bytes", "string" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false; /* a type named before */
}

/* The parsing canonical form of the Avro specification, for what our schemas use: full names; name,
 * type, fields, items, values in that order; primitives as plain names; nothing else. */
static void put_canonical(struct bytes_out *out, const json_t *j, const char *space)
{
    const char *type = json_string_value(json_object_get(j, "type"));

    if (json_is_string(j)) {
        const char *name = json_string_value(j);

        bytes_put_format(out, "\"%s%s%s\"", is_primitive(name) ? "" : space,
                         is_primitive(name) ? "" : ".", name);
    } else if (json_is_array(j)) {
        put_canonical_list(out, "", j, space);
    } else if (json_object_get(j, "fields") != NULL) {
        bytes_put_format(out, "{\"name\":\"%s.%s\",\"type\":\"record\"", space,
                         json_string_value(json_object_get(j, "name")));
        put_canonical_list(out, ",\"fields\":", json_object_get(j, "fields"), space);
        bytes_put_byte(out, '}');
    } else if (json_object_get(j, "name") != NULL && type != NULL && strcmp(type, "fixed") == 0) {
        bytes_put_format(out, "{\"name\":\"%s.%s\",\"type\":\"fixed\",\"size\":%lld}", space,
                         json_string_value(json_object_get(j, "name")),
                         (long long)json_integer_value(json_object_get(j, "size")));
    } else if (json_object_get(j, "name") != NULL) { /* a field */
        bytes_put_format(
            out, "{\"name\":\"%s\",\"type\":", json_string_value(json_object_get(j, "name")));
        put_canonical(out, json_object_get(j, "type"), space);
        bytes_put_byte(out, '}');
    } else if (type != NULL && (strcmp(type, "array") == 0 || strcmp(type, "map") == 0)) {
        const char *part = strcmp(type, "array") == 0 ? "items" : "values";

        bytes_put_format(out, "{\"type\":\"%s\",\"%s\":", type, part);
        put_canonical(out, json_object_get(j, part), space);
        bytes_put_byte(out, '}');
    } else { /* a primitive with attributes: logicalType */
        put_canonical(out, json_object_get(j, "type"), space);
    }
}

static const struct {
    const char *name;
    uint64_t fingerprint;
} shipped[] = {
    { "customer", FINGERPRINT_CUSTOMER },
    { "partition", FINGERPRINT_PARTITION },
    { "outbox", FINGERPRINT_OUTBOX },
    { "trigger", FINGERPRINT_TRIGGER },
    { "membership", FINGERPRINT_MEMBERSHIP },
    { "outcome", FINGERPRINT_OUTCOME },
    { "click", FINGERPRINT_CLICK },
    { "dead_letter", FINGERPRINT_DEAD_LETTER },
    { "open", FINGERPRINT_OPEN },
    { "purchase", FINGERPRINT_PURCHASE },
    { "feedback", FINGERPRINT_FEEDBACK },
    { "activity", FINGERPRINT_ACTIVITY },
    { "profile", FINGERPRINT_PROFILE },
};

#define SHIPPED_COUNT (sizeof(shipped) / sizeof(shipped[0]))

static void a_fingerprint_is_that_of_its_schema(void **state)
{
    (void)state;
    for (size_t i = 0; i < SHIPPED_COUNT; i++) {
        const char *text = avro_schema_json(text_of(shipped[i].name));
        struct bytes_out canonical = { NULL, 0, 0 };
        json_t *schema;

        assert_non_null(text);
        schema = json_loads(text, 0, NULL);
        assert_non_null(schema);
        put_canonical(&canonical, schema, json_string_value(json_object_get(schema, "namespace")));
        if (hash_rabin((struct text){ (const char *)canonical.at, canonical.size }) !=
                shipped[i].fingerprint ||
            avro_schema_fingerprint(text_of(shipped[i].name)) != shipped[i].fingerprint) {
            fail_msg("%s is 0x%016llx: %.*s", shipped[i].name,
                     (unsigned long long)hash_rabin(
                         (struct text){ (const char *)canonical.at, canonical.size }),
                     (int)canonical.size, (const char *)canonical.at);
        }
        bytes_out_fini(&canonical);
        json_decref(schema);
    }
    assert_null(avro_schema_json(TEXT("clic")));
    assert_true(avro_schema_fingerprint(TEXT("clic")) == 0);
}

/* --- Avro-C as the oracle: what it reads and writes again are the same bytes --- */
static void is_avro(const char *schema_name, struct bytes record)
{
    const char *json = avro_schema_json(text_of(schema_name));
    char *again = test_malloc(record.size + 1);
    avro_schema_t schema;
    avro_value_iface_t *iface;
    avro_reader_t reader;
    avro_writer_t writer;
    avro_value_t value;

    assert_int_equal(avro_schema_from_json_length(json, strlen(json), &schema), 0);
    iface = avro_generic_class_from_schema(schema);
    assert_int_equal(avro_generic_value_new(iface, &value), 0);
    assert_true(record.size > RECORD_HEADER_SIZE);
    record = (struct bytes){ record.at + RECORD_HEADER_SIZE, record.size - RECORD_HEADER_SIZE };
    reader = avro_reader_memory((const char *)record.at, (int64_t)record.size);
    if (avro_value_read(reader, &value) != 0) {
        fail_msg("%s: %s", schema_name, avro_strerror());
    }
    writer = avro_writer_memory(again, (int64_t)record.size);
    assert_int_equal(avro_value_write(writer, &value), 0);
    assert_int_equal(avro_writer_tell(writer), record.size);
    assert_memory_equal(again, record.at, record.size);
    avro_writer_free(writer);
    avro_reader_free(reader);
    avro_value_decref(&value);
    avro_value_iface_decref(iface);
    avro_schema_decref(schema);
    test_free(again);
}

static void same_text_field(avro_value_t *record, const char *name, struct text ours)
{
    avro_value_t field, branch;
    const char *at;
    size_t size;

    assert_int_equal(avro_value_get_by_name(record, name, &field, NULL), 0);
    if (avro_value_get_type(&field) == AVRO_UNION) {
        assert_int_equal(avro_value_get_current_branch(&field, &branch), 0);
        field = branch;
    }
    if (avro_value_get_type(&field) == AVRO_NULL) {
        assert_null(ours.at);
        return;
    }
    assert_int_equal(avro_value_get_string(&field, &at, &size), 0);
    if (size > 1) { /* with its zero; an empty id is none */
        assert_int_equal(ours.size, size - 1);
        assert_memory_equal(ours.at, at, ours.size);
    } else {
        assert_null(ours.at);
    }
}

static void reads_the_same(const char *schema_name, struct bytes record, const struct event *ev)
{
    const char *json = avro_schema_json(text_of(schema_name));
    avro_schema_t schema;
    avro_value_iface_t *iface;
    avro_reader_t reader;
    avro_value_t value, field;
    int64_t at_ms;
    char past;

    assert_int_equal(avro_schema_from_json_length(json, strlen(json), &schema), 0);
    iface = avro_generic_class_from_schema(schema);
    assert_int_equal(avro_generic_value_new(iface, &value), 0);
    reader = avro_reader_memory((const char *)record.at + RECORD_HEADER_SIZE,
                                (int64_t)(record.size - RECORD_HEADER_SIZE));
    if (avro_value_read(reader, &value) != 0) {
        fail_msg("%s: %s", schema_name, avro_strerror());
    }
    assert_int_not_equal(avro_read(reader, &past, 1), 0); /* nothing is left */
    same_text_field(&value, "customer_id", ev->customer);
    same_text_field(&value, "event_id", ev->id);
    assert_int_equal(avro_value_get_by_name(&value, "occurred_at", &field, NULL), 0);
    assert_int_equal(avro_value_get_long(&field, &at_ms), 0);
    assert_int_equal(at_ms, ev->at_ms);
    avro_reader_free(reader);
    avro_value_decref(&value);
    avro_value_iface_decref(iface);
    avro_schema_decref(schema);
}

static void what_leaves_is_avro_by_seed(void **state)
{
    static const char *const names[] = { "trigger", "membership", "outcome", "dead_letter" };

    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct arena arena = { NULL, 0 };
        struct bytes_out out = { NULL, 0, 0 };
        struct output o;
        struct text json;
        struct rng r;

        rng_init(&r, seed);
        o = random_output(&r, &arena, (enum output_type)(seed % OUTPUT_TYPE__COUNT));
        output_encode(&o, &out);
        is_avro(names[o.type], bytes_out_view(&out));
        assert_int_equal(avro_to_json(bytes_out_view(&out), &arena, &json), OK);
        bytes_out_fini(&out);
        arena_fini(&arena);
    }
}

static void what_is_stored_is_avro_by_seed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct arena arena = { NULL, 0 };
        struct bytes_out out = { NULL, 0, 0 };
        struct outbox_entry entry = { .sequence = 5, .type = OUTPUT_OUTCOME };
        struct partition_state partition;
        struct customer *c;
        struct rng r;

        rng_init(&r, seed);
        c = random_customer(&r, &arena);
        customer_encode(c, &out);
        is_avro("customer", bytes_out_view(&out));
        customer_free(c);
        bytes_out_clear(&out);
        partition_state_init(&partition);
        partition.config = rng_next(&r);
        partition.position_count = 2;
        partition.positions[0] = (struct topic_position){ TEXT("a"), random_long(&r), 5, 0 };
        partition.positions[1] = (struct topic_position){ TEXT("b"), -1, INSTANT_MIN, 0 };
        partition_state_encode(&partition, &out);
        is_avro("partition", bytes_out_view(&out));
        bytes_out_clear(&out);
        entry.key = random_text_or_none(&r, &arena);
        entry.payload = (struct bytes){ (const uint8_t *)"\0\xff", 2 };
        outbox_encode(&entry, 1, &out);
        is_avro("outbox", bytes_out_view(&out));
        bytes_out_fini(&out);
        arena_fini(&arena);
    }
}

static void every_input_record_is_avro(void **state)
{
    static const struct {
        const char *kind, *schema;
    } rows[] = { { "click", "click" },     { "open", "open" },      { "purchase", "purchase" },
                 { "refund", "feedback" }, { "visit", "activity" }, { "profile", "profile" } };
    struct arena arena = { NULL, 0 };
    struct rng r;

    (void)state;
    rng_init(&r, 2);
    for (unsigned i = 0; i < 300; i++) {
        struct event ev = random_shipped_event(&r, &arena, rows[i % 6].kind);
        struct bytes_out out = { NULL, 0, 0 };

        avro_encode_event(&ev, &out);
        is_avro(rows[i % 6].schema, bytes_out_view(&out));
        bytes_out_fini(&out);
    }
    arena_fini(&arena);
}

/* Why: our reader of records is our own. How: bytes a few of which are changed; what ours accepts
 * is bounded, so Avro-C may read it too, and must find it whole and the same. */
static void what_ours_accepts_avro_c_reads_by_seed(void **state)
{
    static const char *const kinds[] = { "click", "open", "purchase", "profile" };
    struct avro_decoder *decoder;
    struct arena arena = { NULL, 0 };
    unsigned changed_count = 0;
    char text[256];
    struct rng r;

    (void)state;
    rng_init(&r, 5);
    assert_int_equal(avro_decoder_new(NULL, TEXT_NONE, &decoder, text), OK);
    for (unsigned i = 0; i < 8000; i++) {
        const char *kind = kinds[rng_below(&r, 4)];
        struct event ev = random_shipped_event(&r, &arena, kind);
        struct bytes_out out = { NULL, 0, 0 };

        avro_encode_event(&ev, &out);
        for (uint64_t k = rng_below(&r, 4); k > 0; k--) {
            size_t at = RECORD_HEADER_SIZE + rng_below(&r, out.size - RECORD_HEADER_SIZE);

            out.at[at] ^= (uint8_t)(rng_below(&r, 2) == 0 ? rng_next(&r) : 1u << rng_below(&r, 8));
        }
        if (avro_decode_event(decoder, bytes_out_view(&out), &arena, &ev, text) == REJECT_NONE) {
            reads_the_same(kind, bytes_out_view(&out), &ev);
            changed_count++;
        }
        bytes_out_fini(&out);
        arena_reset(&arena);
    }
    assert_true(changed_count > 3000);
    avro_decoder_free(decoder);
    arena_fini(&arena);
}

static void fields_have_their_names_for_every_reader(void **state)
{
    const struct text segments[] = { TEXT("active"), TEXT("vip") };
    struct output o = { .type = OUTPUT_MEMBERSHIP, .at_ms = NINE };
    struct arena arena = { NULL, 0 };
    struct bytes_out out = { NULL, 0, 0 };
    struct text json;

    (void)state;
    o.customer = TEXT("c-1");
    o.cause = TEXT("time");
    o.config = TEXT("0123456789abcdef");
    o.as.membership = (struct membership_change){ TEXT("vip"), true, segments, 2, false };
    output_encode(&o, &out);
    assert_int_equal(avro_to_json(bytes_out_view(&out), &arena, &json), OK);
    assert_string_equal(json.at,
                        "{\"customer_id\": \"c-1\", \"segment\": \"vip\", \"status\": \"entered\", "
                        "\"at\": 1772442000000, \"cause\": \"time\", "
                        "\"segments\": [\"active\", \"vip\"], \"origin\": \"live\", "
                        "\"config\": \"0123456789abcdef\"}");
    /* Avro-C keeps a text that ends too early for itself, so the cut is before the first one. */
    assert_int_equal(avro_to_json((struct bytes){ out.at, RECORD_HEADER_SIZE }, &arena, &json),
                     ERR_BAD_DATA);
    assert_int_equal(avro_to_json((struct bytes){ out.at, 5 }, &arena, &json), ERR_BAD_DATA);
    out.at[0] = 0;
    assert_int_equal(avro_to_json(bytes_out_view(&out), &arena, &json), ERR_BAD_DATA);
    out.at[0] = 0xc3;
    out.at[5] ^= 1;
    assert_int_equal(avro_to_json(bytes_out_view(&out), &arena, &json), ERR_BAD_DATA);
    bytes_out_fini(&out);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fingerprint_is_that_of_its_schema),
        cmocka_unit_test(what_leaves_is_avro_by_seed),
        cmocka_unit_test(what_is_stored_is_avro_by_seed),
        cmocka_unit_test(every_input_record_is_avro),
        cmocka_unit_test(what_ours_accepts_avro_c_reads_by_seed),
        cmocka_unit_test(fields_have_their_names_for_every_reader),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
