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

struct avro_decoder {
    struct avro_plan plans[INPUT_COUNT];
    struct avro_plan headerless;
    bool has_headerless;
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

/* --- from Avro-C's parsed schema to a plan --- */
struct build {
    struct avro_plan *plan;
    uint32_t depth;
    const char *wrong; /* a sentence; NULL while good */
};

static uint32_t build_node(struct build *b, avro_schema_t schema, struct text path,
                           bool is_in_array);

static uint32_t fail_build(struct build *b, const char *why)
{
    b->wrong = b->wrong == NULL ? why : b->wrong;
    return 0;
}

static struct text child_path(struct build *b, struct text path, const char *name)
{
    if (path.size == 0) {
        return arena_text(&b->plan->arena, text_of(name));
    }
    return arena_format(&b->plan->arena, "%.*s.%s", TEXT_PRINTF(path), name);
}

/* Children are built first, then listed together, so that a node's are neighbours. */
static void build_children(struct build *b, uint32_t place, avro_schema_t schema, struct text path,
                           bool is_in_array)
{
    enum avro_kind kind = b->plan->nodes[place].kind;
    size_t count = kind == AVRO_KIND_RECORD  ? avro_schema_record_size(schema)
                   : kind == AVRO_KIND_UNION ? avro_schema_union_size(schema)
                                             : 1;
    uint32_t *built = mem_alloc(count * sizeof(*built));
    bool is_empty = kind == AVRO_KIND_RECORD;

    for (size_t i = 0; i < count && b->wrong == NULL; i++) {
        if (kind == AVRO_KIND_RECORD) {
            built[i] = build_node(
                b, avro_schema_record_field_get_by_index(schema, (int)i),
                child_path(b, path, avro_schema_record_field_name(schema, (int)i)), is_in_array);
        } else if (kind == AVRO_KIND_UNION) {
            built[i] = build_node(b, avro_schema_union_branch(schema, (int)i), path, is_in_array);
        } else if (kind == AVRO_KIND_ARRAY) {
            built[i] = build_node(b, avro_schema_array_items(schema), path, true);
        } else {
            built[i] = build_node(b, avro_schema_map_values(schema), path, is_in_array);
        }
        is_empty = is_empty && b->plan->nodes[built[i]].is_empty;
    }
    if (b->wrong == NULL && b->plan->child_count + count > AVRO_PLAN_NODES_MAX * 2) {
        (void)fail_build(b, "the schema is too large");
    }
    if (b->wrong == NULL) {
        b->plan->nodes[place].first_child = b->plan->child_count;
        b->plan->nodes[place].child_count = (uint32_t)count;
        b->plan->nodes[place].is_empty = is_empty;
        memcpy(b->plan->children + b->plan->child_count, built, count * sizeof(*built));
        b->plan->child_count += (uint32_t)count;
    }
    mem_free(built);
}

static void build_symbols(struct build *b, struct avro_node *n, avro_schema_t schema)
{
    size_t count = (size_t)avro_schema_enum_number_of_symbols(schema);
    struct text *symbols = arena_alloc(&b->plan->arena, (count + 1) * sizeof(*symbols));

    for (size_t i = 0; i < count; i++) {
        symbols[i] = arena_text(&b->plan->arena, text_of(avro_schema_enum_get(schema, (int)i)));
    }
    n->symbols = symbols;
    n->symbol_count = (uint32_t)count;
}

static bool kind_of_schema(avro_schema_t schema, enum avro_kind *out)
{
    static const struct {
        avro_type_t type;
        enum avro_kind kind;
    } kinds[] = {
        { AVRO_NULL, AVRO_KIND_NULL },     { AVRO_BOOLEAN, AVRO_KIND_BOOL },
        { AVRO_INT32, AVRO_KIND_INTEGER }, { AVRO_INT64, AVRO_KIND_INTEGER },
        { AVRO_FLOAT, AVRO_KIND_FLOAT },   { AVRO_DOUBLE, AVRO_KIND_DOUBLE },
        { AVRO_BYTES, AVRO_KIND_BYTES },   { AVRO_FIXED, AVRO_KIND_FIXED },
        { AVRO_STRING, AVRO_KIND_TEXT },   { AVRO_ENUM, AVRO_KIND_ENUM },
        { AVRO_RECORD, AVRO_KIND_RECORD }, { AVRO_UNION, AVRO_KIND_UNION },
        { AVRO_ARRAY, AVRO_KIND_ARRAY },   { AVRO_MAP, AVRO_KIND_MAP },
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].type == avro_typeof(schema)) {
            *out = kinds[i].kind;
            return true;
        }
    }
    return false;
}

static uint32_t build_node(struct build *b, avro_schema_t schema, struct text path,
                           bool is_in_array)
{
    struct avro_node *n;
    uint32_t place;

    if (b->wrong != NULL || b->plan->node_count == AVRO_PLAN_NODES_MAX) {
        return fail_build(b, "the schema is too large");
    }
    if (avro_typeof(schema) == AVRO_LINK) {
        schema =
            avro_schema_link_target(schema); /* a recursive one ends at the depth limit below */
    }
    if (++b->depth > AVRO_PLAN_DEPTH_MAX) {
        return fail_build(b, "the schema is nested too deeply, or refers to itself");
    }
    place = b->plan->node_count++;
    n = &b->plan->nodes[place];
    *n = (struct avro_node){ .path = path, .list = -1 };
    if (!kind_of_schema(schema, &n->kind)) {
        return fail_build(b, "the schema has a type that is not known here");
    }
    n->is_empty = n->kind == AVRO_KIND_NULL;
    if (n->kind == AVRO_KIND_FIXED) {
        n->size = (uint32_t)avro_schema_fixed_size(schema);
        n->is_empty = n->size == 0;
    }
    if (n->kind == AVRO_KIND_ENUM) {
        build_symbols(b, n, schema);
    }
    if (n->kind >= AVRO_KIND_RECORD) {
        build_children(b, place, schema, path, is_in_array);
    } else if (is_in_array && b->plan->list_count < AVRO_PLAN_LISTS_MAX &&
               (n->kind == AVRO_KIND_TEXT || n->kind == AVRO_KIND_ENUM ||
                n->kind == AVRO_KIND_INTEGER)) {
        n->list = (int32_t)b->plan->list_count++;
    }
    b->depth--;
    return place;
}

static enum err plan_build(struct avro_plan *plan, struct text json, char out_text[256])
{
    struct build b = { .plan = plan };
    avro_schema_t schema;

    if (avro_schema_from_json_length(json.at, json.size, &schema) != 0) {
        (void)text_format(out_text, 256, "not an Avro schema: %.200s", avro_strerror());
        return ERR_CONFIG;
    }
    plan->nodes = mem_alloc(AVRO_PLAN_NODES_MAX * sizeof(struct avro_node));
    plan->children = mem_alloc(AVRO_PLAN_NODES_MAX * 2 * sizeof(uint32_t));
    if (avro_typeof(schema) != AVRO_RECORD) {
        b.wrong = "the schema is not a record";
    } else {
        plan->root = build_node(&b, schema, (struct text){ "", 0 }, false);
    }
    avro_schema_decref(schema);
    if (b.wrong != NULL) {
        (void)text_format(out_text, 256, "%s", b.wrong);
        return ERR_CONFIG;
    }
    return OK;
}

static void plan_fini(struct avro_plan *plan)
{
    arena_fini(&plan->arena);
    mem_free(plan->nodes);
    mem_free(plan->children);
}

enum err avro_decoder_new(struct text headerless_schema_json, struct avro_decoder **out_decoder,
                          char out_text[256])
{
    struct avro_decoder *r = mem_alloc(sizeof(*r));
    enum err e = OK;

    for (size_t i = 0; i < INPUT_COUNT; i++) {
        e = plan_build(&r->plans[i], text_of(avro_schema_json(text_of(shipped[i].name))), out_text);
        CHECK(e == OK);
        r->plans[i].is_profile = strcmp(shipped[i].name, "profile") == 0;
        r->plans[i].implied_kind = text_of(shipped[i].implied_kind);
    }
    if (headerless_schema_json.at != NULL) {
        r->has_headerless = true;
        e = plan_build(&r->headerless, headerless_schema_json, out_text);
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
    for (size_t i = 0; i < INPUT_COUNT; i++) {
        plan_fini(&r->plans[i]);
    }
    plan_fini(&r->headerless);
    mem_free(r);
}

/* --- decoding --- */
static const struct avro_plan *plan_of(const struct avro_decoder *r, struct bytes *value)
{
    struct bytes_in in = bytes_in(*value);
    uint64_t fingerprint;

    if (r->has_headerless) {
        return &r->headerless;
    }
    if (value->size < RECORD_HEADER_SIZE || bytes_byte(&in) != 0xc3 || bytes_byte(&in) != 0x01) {
        return NULL;
    }
    fingerprint = bytes_u64(&in);
    for (size_t i = 0; i < INPUT_COUNT; i++) {
        if (shipped[i].fingerprint == fingerprint) {
            value->at += RECORD_HEADER_SIZE;
            value->size -= RECORD_HEADER_SIZE;
            return &r->plans[i];
        }
    }
    return NULL;
}

/* A shipped schema says the kind by its name where the topic reads it from a field. */
static void imply_kind(struct event_draft *d, const struct avro_plan *plan,
                       const struct event_mapping *mapping)
{
    struct text field =
        mapping == NULL || mapping->kind_field.at == NULL ? TEXT("kind") : mapping->kind_field;

    if (plan->implied_kind.at == NULL || (mapping != NULL && mapping->kind.at != NULL)) {
        return;
    }
    for (uint32_t i = 0; i < d->field_count; i++) {
        if (text_equal(d->fields[i].name, field)) {
            return;
        }
    }
    event_draft_field(d, field,
                      (struct value){ .type = VALUE_TEXT, .as.text = plan->implied_kind });
}

enum reject avro_decode_event(struct avro_decoder *r, struct bytes value,
                              const struct event_mapping *mapping, struct arena *arena,
                              struct event *out_event, char out_text[128])
{
    const struct avro_plan *plan;
    struct event_draft draft;

    if (value.at == NULL) {
        (void)text_format(out_text, 128, "the record has no value");
        return REJECT_NULL_VALUE;
    }
    plan = plan_of(r, &value);
    if (plan == NULL) {
        (void)text_format(out_text, 128, "no single-object header of a known schema");
        return REJECT_SCHEMA_UNKNOWN;
    }
    event_draft_init(&draft, arena);
    if (!avro_plan_decode(plan, value, &draft)) {
        (void)text_format(out_text, 128, "the bytes do not fit the schema");
        return REJECT_UNDECODABLE;
    }
    imply_kind(&draft, plan, mapping);
    return event_draft_finish(&draft, mapping, out_event, out_text);
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
