#include "schemas/avro.h"
#include "schemas/output_format.h"
#include "schemas/record_header.h"
#include "tests/support/random_customer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>

static const char *const names[] = { "trigger", "membership", "outcome" };

static struct outbox_entry entry_of(struct rng *r, struct arena *a, enum output_type type,
                                    struct bytes_out *payload)
{
    struct output o = random_output(r, a, type);

    bytes_out_clear(payload);
    output_encode(&o, payload);
    return (struct outbox_entry){ .sequence = 1, .type = type, .payload = bytes_out_view(payload) };
}

static void avro_leaves_as_it_is_stored_and_bare_without_its_header(void **state)
{
    struct bytes_out payload = { NULL, 0, 0 }, scratch = { NULL, 0, 0 };
    struct arena arena = { NULL, 0 };
    struct rng r;

    (void)state;
    rng_init(&r, 1);
    for (unsigned i = 0; i < 40; i++) {
        struct outbox_entry e = entry_of(&r, &arena, (enum output_type)(i % 4), &payload);
        struct bytes whole = output_format_value(OUTPUT_FORMAT_AVRO, &e, &scratch);
        struct bytes bare = output_format_value(OUTPUT_FORMAT_AVRO_BARE, &e, &scratch);

        assert_ptr_equal(whole.at, e.payload.at);
        assert_int_equal(whole.size, e.payload.size);
        assert_ptr_equal(bare.at, e.payload.at + RECORD_HEADER_SIZE);
        assert_int_equal(bare.size, e.payload.size - RECORD_HEADER_SIZE);
    }
    bytes_out_fini(&payload);
    arena_fini(&arena);
}

/* Why: a reader of JSON finds what the schemas' page says. How: the names of the object are those
 * of the schema's fields, whatever the record. */
static void json_has_the_fields_of_the_schema(void **state)
{
    struct bytes_out payload = { NULL, 0, 0 }, scratch = { NULL, 0, 0 };
    struct arena arena = { NULL, 0 };
    struct rng r;

    (void)state;
    rng_init(&r, 2);
    for (unsigned i = 0; i < 300; i++) {
        struct outbox_entry e = entry_of(&r, &arena, (enum output_type)(i % 3), &payload);
        struct bytes b = output_format_value(OUTPUT_FORMAT_JSON, &e, &scratch);
        json_t *record = json_loadb((const char *)b.at, b.size, JSON_REJECT_DUPLICATES, NULL);
        json_t *schema = json_loads(avro_schema_json(text_of(names[e.type])), 0, NULL);
        json_t *fields = json_object_get(schema, "fields");
        json_t *field;
        size_t k;

        assert_non_null(record);
        json_array_foreach(fields, k, field)
        {
            const char *name = json_string_value(json_object_get(field, "name"));

            if (json_object_get(record, name) == NULL) {
                fail_msg("%s: no %s", names[e.type], name);
            }
        }
        assert_int_equal(json_object_size(record), json_array_size(fields));
        json_decref(record);
        json_decref(schema);
    }
    bytes_out_fini(&payload);
    bytes_out_fini(&scratch);
    arena_fini(&arena);
}

static void a_tombstone_stays_one_and_an_unknown_schema_leaves_as_it_is(void **state)
{
    struct outbox_entry e = { .type = OUTPUT_MEMBERSHIP };
    struct bytes_out scratch = { NULL, 0, 0 };
    struct bytes b;

    (void)state;
    for (int f = OUTPUT_FORMAT_AVRO; f <= OUTPUT_FORMAT_JSON; f++) {
        assert_int_equal(output_format_value((enum output_format)f, &e, &scratch).size, 0);
    }
    e.payload = (struct bytes){ (const uint8_t *)"\xc3\x01"
                                                 "12345678rest",
                                14 };
    b = output_format_value(OUTPUT_FORMAT_JSON, &e, &scratch);
    assert_ptr_equal(b.at, e.payload.at);
    bytes_out_fini(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(avro_leaves_as_it_is_stored_and_bare_without_its_header),
        cmocka_unit_test(json_has_the_fields_of_the_schema),
        cmocka_unit_test(a_tombstone_stays_one_and_an_unknown_schema_leaves_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
