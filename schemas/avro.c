#include "schemas/avro.h"

#include "processor/base/check.h"
#include "processor/base/hash.h"
#include "processor/base/mem.h"
#include "schemas/avro_plan.h"
#include "schemas/avro_schemas.h"
#include "schemas/record_header.h"

#include <avro.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    uint64_t fingerprint;
    const char *implied_kind; /* NULL: the record says */
} shipped[] = {
    { "click", FINGERPRINT_CLICK, "click" },
    { "open", FINGERPRINT_OPEN, "open" },
    { "purchase", FINGERPRINT_PURCHASE, "purchase" },
    { "feedback", FINGERPRINT_FEEDBACK, NULL },
    { "activity", FINGERPRINT_ACTIVITY, NULL },
    { "profile", FINGERPRINT_PROFILE, "profile" },
    { "trigger", FINGERPRINT_TRIGGER, NULL },
    { "membership", FINGERPRINT_MEMBERSHIP, NULL },
    { "outcome", FINGERPRINT_OUTCOME, NULL },
    { "dead_letter", FINGERPRINT_DEAD_LETTER, NULL },
    { "customer", FINGERPRINT_CUSTOMER, NULL },
    { "partition", FINGERPRINT_PARTITION, NULL },
    { "outbox", FINGERPRINT_OUTBOX, NULL },
};

#define SHIPPED_COUNT (sizeof(shipped) / sizeof(shipped[0]))
#define INPUT_COUNT   6 /* the first ones */

/* A writer's schema, and what became of it when it was first seen. */
struct known {
    uint64_t fingerprint;
    struct text json;
    struct avro_plan *plan; /* NULL: not seen yet, or refused */
    char *refusal;          /* NULL: none */
};

struct avro_decoder {
    const struct event_mapping *mapping;
    struct avro_shipped shipped[INPUT_COUNT];
    struct known by_fingerprint[INPUT_COUNT + 1]; /* the last one is the topic's own */
    bool has_own;
};

const char *avro_schema_json(struct text name)
{
    for (size_t i = 0; avro_schema_rows[i].name != NULL; i++) {
        if (text_is(name, avro_schema_rows[i].name)) {
            return avro_schema_rows[i].json;
        }
    }
    return NULL;
}

uint64_t avro_schema_fingerprint(struct text name)
{
    for (size_t i = 0; i < SHIPPED_COUNT; i++) {
        if (text_is(name, shipped[i].name)) {
            return shipped[i].fingerprint;
        }
    }
    return 0;
}

/* --- schemas, when they are first seen --- */
static const struct avro_plan *plan_of(struct avro_decoder *r, struct known *k, char out_text[128])
{
    char sentence[256] = "";

    if (k->plan == NULL && k->refusal == NULL &&
        avro_plan_new(k->json, NULL, 0, r->shipped, INPUT_COUNT, r->mapping, &k->plan, sentence) !=
            OK) {
        k->refusal = mem_dup_text(sentence);
    }
    if (k->plan == NULL) {
        (void)text_format(out_text, 128, "%s", k->refusal);
    }
    return k->plan;
}

static enum err learn_own(struct avro_decoder *r, struct text json, char out_text[256])
{
    struct known *own = &r->by_fingerprint[INPUT_COUNT];
    enum err e;

    own->json = text_dup(json);
    e = avro_plan_new(own->json, NULL, 0, r->shipped, INPUT_COUNT, r->mapping, &own->plan,
                      out_text);
    if (e == OK) {
        own->fingerprint = avro_tree_fingerprint(&own->plan->tree);
        r->has_own = true;
    }
    return e;
}

enum err avro_decoder_new(const struct event_mapping *mapping, struct text schema_json,
                          struct avro_decoder **out_decoder, char out_text[256])
{
    struct avro_decoder *r = mem_alloc(sizeof(*r));
    enum err e = OK;

    r->mapping = mapping;
    for (size_t i = 0; i < INPUT_COUNT; i++) {
        r->by_fingerprint[i].fingerprint = shipped[i].fingerprint;
        r->by_fingerprint[i].json = text_of(avro_schema_json(text_of(shipped[i].name)));
        r->shipped[i] = (struct avro_shipped){ text_of(shipped[i].name), r->by_fingerprint[i].json,
                                               text_of(shipped[i].implied_kind) };
    }
    if (schema_json.at != NULL) {
        e = learn_own(r, schema_json, out_text);
    }
    if (e != OK) {
        avro_decoder_free(r);
        return e;
    }
    *out_decoder = r;
    return OK;
}

void avro_decoder_free(struct avro_decoder *r)
{
    if (r == NULL) {
        return;
    }
    for (size_t i = 0; i <= INPUT_COUNT; i++) {
        avro_plan_free(r->by_fingerprint[i].plan);
        mem_free(r->by_fingerprint[i].refusal);
    }
    mem_free((void *)(uintptr_t)r->by_fingerprint[INPUT_COUNT].json.at);
    mem_free(r);
}

/* --- decoding --- */
/* The schema that a single-object header names, behind which *value then begins; NULL: none. */
static struct known *headed(struct avro_decoder *r, struct bytes *value)
{
    struct bytes_in in = bytes_in(*value);
    uint64_t fingerprint;

    if (value->size < RECORD_HEADER_SIZE || bytes_byte(&in) != 0xc3 || bytes_byte(&in) != 0x01) {
        return NULL;
    }
    fingerprint = bytes_u64(&in);
    for (size_t i = 0; i < INPUT_COUNT + (r->has_own ? 1u : 0u); i++) {
        if (r->by_fingerprint[i].fingerprint == fingerprint) {
            value->at += RECORD_HEADER_SIZE;
            value->size -= RECORD_HEADER_SIZE;
            return &r->by_fingerprint[i];
        }
    }
    return NULL;
}

enum reject avro_decode_event(struct avro_decoder *r, struct bytes value, struct arena *arena,
                              struct event *out_event, char out_text[128])
{
    const struct avro_plan *plan;
    struct known *k;

    if (value.at == NULL) {
        (void)text_format(out_text, 128, "the record has no value");
        return REJECT_NULL_VALUE;
    }
    k = headed(r, &value);
    if (k == NULL && r->has_own) { /* ten bytes that happen to be a known header do not occur */
        k = &r->by_fingerprint[INPUT_COUNT];
    }
    if (k == NULL) {
        (void)text_format(out_text, 128, "no single-object header of a known schema");
        return REJECT_SCHEMA_UNKNOWN;
    }
    plan = plan_of(r, k, out_text);
    return plan == NULL ? REJECT_UNDECODABLE
                        : avro_plan_decode(plan, value, arena, out_event, out_text);
}

/* --- for people and tests --- */
enum err avro_to_json(struct bytes single_object, struct arena *arena, struct text *out_json)
{
    struct bytes_in in = bytes_in(single_object);
    const char *name = NULL;
    uint64_t fingerprint;
    avro_schema_t schema;
    avro_value_iface_t *iface;
    avro_reader_t reader;
    avro_value_t value;
    char *json = NULL;

    if (bytes_byte(&in) != 0xc3 || bytes_byte(&in) != 0x01) {
        return ERR_BAD_DATA;
    }
    fingerprint = bytes_u64(&in);
    for (size_t i = 0; i < SHIPPED_COUNT; i++) {
        name = shipped[i].fingerprint == fingerprint ? shipped[i].name : name;
    }
    if (in.is_bad || name == NULL ||
        avro_schema_from_json_length(avro_schema_json(text_of(name)),
                                     strlen(avro_schema_json(text_of(name))), &schema) != 0) {
        return ERR_BAD_DATA;
    }
    iface = avro_generic_class_from_schema(schema);
    CHECK(iface != NULL && avro_generic_value_new(iface, &value) == 0);
    reader = avro_reader_memory((const char *)in.at, (int64_t)bytes_left(&in));
    if (avro_value_read(reader, &value) == 0 && avro_value_to_json(&value, 1, &json) == 0) {
        *out_json = arena_text(arena, text_of(json));
    }
    free(json); /* tidy: library memory */
    avro_reader_free(reader);
    avro_value_decref(&value);
    avro_value_iface_decref(iface);
    avro_schema_decref(schema);
    return json == NULL ? ERR_BAD_DATA : OK;
}
