#include "schemas/json.h"

#include "processor/base/check.h"
#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_MAX_BYTES (1024 * 1024)
#define DEPTH_MAX      8
#define LISTS_MAX      32

/* --- reading --- */
struct list {
    struct text path;
    struct text *items;
    uint32_t count;
};

struct reading {
    struct event_draft draft;
    struct arena *arena;
    struct list lists[LISTS_MAX];
    uint32_t list_count;
};

static struct text copy_text(struct reading *r, const json_t *j)
{
    return arena_text(r->arena, (struct text){ json_string_value(j), json_string_length(j) });
}

static bool scalar_value(struct reading *r, const json_t *j, struct value *out)
{
    if (json_is_string(j)) {
        *out = (struct value){ .type = VALUE_TEXT, .as.text = copy_text(r, j) };
    } else if (json_is_integer(j)) {
        *out = (struct value){ .type = VALUE_INT, .as.integer = json_integer_value(j) };
    } else if (json_is_real(j)) {
        *out = (struct value){ .type = VALUE_DOUBLE, .as.real = json_real_value(j) };
    } else if (json_is_boolean(j)) {
        *out = (struct value){ .type = VALUE_BOOL, .as.boolean = json_is_true(j) };
    } else if (json_is_null(j)) {
        *out = VALUE_NONE;
    } else {
        return false;
    }
    return true;
}

static void list_add(struct reading *r, struct text path, const json_t *j)
{
    struct list *l = NULL;

    for (uint32_t i = 0; i < r->list_count; i++) {
        if (text_equal(r->lists[i].path, path)) {
            l = &r->lists[i];
        }
    }
    if (l == NULL && r->list_count < LISTS_MAX) {
        l = &r->lists[r->list_count++];
        *l = (struct list){ .path = arena_text(r->arena, path) };
        l->items = arena_alloc(r->arena, EVENT_LIST_MAX * sizeof(struct text));
    }
    if (l != NULL && l->count < EVENT_LIST_MAX) {
        if (json_is_string(j)) {
            l->items[l->count++] = copy_text(r, j);
        } else if (json_is_integer(j)) {
            l->items[l->count++] =
                arena_format(r->arena, "%" JSON_INTEGER_FORMAT, json_integer_value(j));
        }
    }
}

static struct text joined(struct reading *r, struct text path, const char *name)
{
    if (path.size == 0) {
        return arena_text(r->arena, text_of(name));
    }
    return arena_format(r->arena, "%.*s.%s", TEXT_PRINTF(path), name);
}

/* Requires: depth is bounded by the parser's caller (DEPTH_MAX). */
static void read_value(struct reading *r, struct text path, json_t *j, bool is_in_array,
                       unsigned depth)
{
    struct value v;

    if (depth > DEPTH_MAX) {
        return; /* deeper things have no name in the language */
    }
    if (json_is_object(j)) {
        const char *name;
        json_t *child;

        json_object_foreach(j, name, child)
        {
            read_value(r, joined(r, path, name), child, is_in_array, depth + 1);
        }
    } else if (json_is_array(j)) {
        size_t i;
        json_t *child;

        json_array_foreach(j, i, child)
        {
            read_value(r, path, child, true, depth + 1);
        }
    } else if (is_in_array) {
        list_add(r, path, j);
    } else if (scalar_value(r, j, &v)) {
        event_draft_field(&r->draft, path, v);
    }
}

static bool attribute_value(struct reading *r, json_t *j, struct value *out)
{
    struct text *items;

    if (!json_is_array(j)) {
        return scalar_value(r, j, out);
    }
    items = arena_alloc(r->arena, (json_array_size(j) + 1) * sizeof(*items));
    for (size_t i = 0; i < json_array_size(j); i++) {
        if (!json_is_string(json_array_get(j, i))) {
            return false;
        }
        items[i] = copy_text(r, json_array_get(j, i));
    }
    *out = (struct value){ .type = VALUE_STRINGS };
    out->as.strings.at = items;
    out->as.strings.count = (uint32_t)json_array_size(j);
    return true;
}

/* A field of a profile that is no attribute: a built-in's name, or where the topic's mapping finds
 * one. */
static bool is_envelope(const struct event_mapping *m, const char *name)
{
    static const char *const names[] = { "kind", "customer", "customer_id", "at",
                                         "id",   "event_id", "occurred_at" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    if (m != NULL) {
        const struct text mapped[] = { m->kind_field, m->customer, m->at, m->id };
        struct text own = text_of(name);

        for (size_t i = 0; i < sizeof(mapped) / sizeof(mapped[0]); i++) {
            if (text_equal(mapped[i], own) ||
                (mapped[i].size > own.size && mapped[i].at[own.size] == '.' &&
                 text_starts_with(mapped[i], own))) {
                return true;
            }
        }
    }
    return false;
}

static bool is_set_or_unset(const char *name)
{
    return strcmp(name, "set") == 0 || strcmp(name, "unset") == 0;
}

static bool is_profile(struct reading *r, const json_t *root, const struct event_mapping *m)
{
    struct text path = m == NULL || m->kind_field.at == NULL ? TEXT("kind") : m->kind_field;
    struct text name;

    if (m != NULL && m->kind.at != NULL) {
        return text_is(m->kind, "profile");
    }
    while (path.size > 0) {
        const char *dot = memchr(path.at, '.', path.size);
        size_t size = dot == NULL ? path.size : (size_t)(dot - path.at);

        root = json_object_get(root, arena_text(r->arena, (struct text){ path.at, size }).at);
        path.at += dot == NULL ? size : size + 1;
        path.size -= dot == NULL ? size : size + 1;
    }
    name = (struct text){ json_string_value(root), json_string_length(root) };
    for (uint32_t i = 0; m != NULL && i < m->map_count; i++) {
        if (text_equal(m->map_from[i], name)) {
            return text_is(m->map_to[i], "profile");
        }
    }
    return text_is(name, "profile");
}

/* A profile's attributes: `set` and `unset`, and all other fields. Returns: false when one has a
 * form that no attribute can have. */
static bool read_profile(struct reading *r, json_t *root, const struct event_mapping *mapping)
{
    json_t *set = json_object_get(root, "set");
    json_t *unset = json_object_get(root, "unset");
    const char *name;
    json_t *child;
    size_t i;

    if ((set != NULL && !json_is_object(set) && !json_is_null(set)) ||
        (unset != NULL && !json_is_array(unset) && !json_is_null(unset))) {
        return false;
    }
    json_object_foreach(root, name, child)
    {
        struct value v;

        if (!is_envelope(mapping, name) && !is_set_or_unset(name)) {
            if (!attribute_value(r, child, &v)) {
                return false;
            }
            event_draft_set(&r->draft, arena_text(r->arena, text_of(name)), v);
        }
    }
    json_object_foreach(set, name, child)
    {
        struct value v;

        if (!attribute_value(r, child, &v)) {
            return false;
        }
        event_draft_set(&r->draft, arena_text(r->arena, text_of(name)), v);
    }
    json_array_foreach(unset, i, child)
    {
        if (!json_is_string(child)) {
            return false;
        }
        event_draft_set(&r->draft, copy_text(r, child), VALUE_NONE);
    }
    return true;
}

static enum reject say(char out_text[128], enum reject r, const char *text)
{
    (void)text_format(out_text, 128, "%s", text);
    return r;
}

static enum reject decode(struct reading *r, json_t *root, const struct event_mapping *mapping,
                          struct event *out_event, char out_text[128])
{
    bool has_attributes = is_profile(r, root, mapping);
    const char *name;
    json_t *child;

    if (has_attributes && !read_profile(r, root, mapping)) {
        return say(
            out_text, REJECT_BAD_VALUE,
            "an attribute is neither a scalar nor a list of texts, or set or unset is wrong");
    }
    json_object_foreach(root, name, child)
    {
        if (!has_attributes || is_envelope(mapping, name)) {
            read_value(r, arena_text(r->arena, text_of(name)), child, false, 0);
        }
    }
    for (uint32_t i = 0; i < r->list_count; i++) {
        struct value v = { .type = VALUE_STRINGS };

        v.as.strings.at = r->lists[i].items;
        v.as.strings.count = r->lists[i].count;
        event_draft_field(&r->draft, r->lists[i].path, v);
    }
    return event_draft_finish(&r->draft, out_event, out_text);
}

enum reject json_decode_event(struct bytes value, const struct event_mapping *mapping,
                              struct arena *arena, struct event *out_event, char out_text[128])
{
    struct reading r;
    json_error_t error;
    enum reject result;
    json_t *root;

    if (value.at == NULL) {
        return say(out_text, REJECT_NULL_VALUE, "the record has no value");
    }
    if (value.size > SIZE_MAX_BYTES) {
        return say(out_text, REJECT_TOO_LARGE, "more than 1 MiB of JSON");
    }
    root = json_loadb((const char *)value.at, value.size, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        /* .. with what stands there, which may be a customer's and belongs into no log */
        const char *near = strstr(error.text, " near ");

        (void)text_format(out_text, 128, "not JSON: %.*s at byte %d",
                          (int)(near == NULL ? (ptrdiff_t)strlen(error.text) : near - error.text),
                          error.text, error.position);
        return REJECT_UNDECODABLE;
    }
    event_draft_init(&r.draft, arena, mapping);
    r.arena = arena;
    r.list_count = 0;
    result = json_is_object(root) ? decode(&r, root, mapping, out_event, out_text)
                                  : say(out_text, REJECT_UNDECODABLE, "not a JSON object");
    json_decref(root);
    return result;
}

/* --- writing --- */

/* The objects on the way are made. */
static void put_at(json_t *object, struct text path, json_t *value)
{
    for (;;) {
        const char *dot = memchr(path.at, '.', path.size);
        size_t size = dot == NULL ? path.size : (size_t)(dot - path.at);
        struct text name = text_dup((struct text){ path.at, size });
        json_t *next = json_object_get(object, name.at);

        if (dot == NULL) {
            (void)json_object_set_new(object, name.at, value);
        } else if (next == NULL) {
            next = json_object();
            (void)json_object_set_new(object, name.at, next);
        }
        mem_free((void *)(uintptr_t)name.at);
        if (dot == NULL) {
            return;
        }
        object = next;
        path = (struct text){ dot + 1, path.size - size - 1 };
    }
}

static struct text path_of(struct text mapped, const char *shipped)
{
    return mapped.at == NULL ? text_of(shipped) : mapped;
}

static json_t *string_of(struct text t)
{
    return json_stringn_nocheck(t.at, t.size);
}

void json_encode_event(const struct event *ev, const struct event_mapping *mapping,
                       struct bytes_out *out)
{
    json_t *root = json_object();
    char *text;

    if (mapping->kind.at == NULL) {
        put_at(root, path_of(mapping->kind_field, "kind"), string_of(ev->kind_name));
    }
    put_at(root, path_of(mapping->customer, "customer_id"), string_of(ev->customer));
    put_at(root, path_of(mapping->at, "occurred_at"), json_integer(ev->at_ms));
    if (ev->id.at != NULL) {
        put_at(root, path_of(mapping->id, "event_id"), string_of(ev->id));
    }
    text = json_dumps(root, JSON_COMPACT);
    CHECK(text != NULL);
    bytes_put(out, text, strlen(text));
    free(text); /* tidy: library memory */
    json_decref(root);
}

static void put_string(struct bytes_out *out, struct text t)
{
    static const char digits[] = "0123456789abcdef";

    bytes_put_byte(out, '"');
    for (size_t i = 0; i < t.size; i++) {
        uint8_t c = (uint8_t)t.at[i];

        if (c == '"' || c == '\\') {
            bytes_put_byte(out, '\\');
            bytes_put_byte(out, c);
        } else if (c < 0x20) {
            bytes_put(out, "\\u00", 4);
            bytes_put_byte(out, (uint8_t)digits[c >> 4]);
            bytes_put_byte(out, (uint8_t)digits[c & 15]);
        } else {
            bytes_put_byte(out, c);
        }
    }
    bytes_put_byte(out, '"');
}

static void put_name(struct bytes_out *out, const char *name)
{
    bytes_put_byte(out, ',');
    put_string(out, text_of(name));
    bytes_put_byte(out, ':');
}

static void put_text(struct bytes_out *out, const char *name, struct text t)
{
    put_name(out, name);
    if (t.at == NULL) {
        bytes_put(out, "null", 4);
    } else {
        put_string(out, t);
    }
}

static void put_integer(struct bytes_out *out, const char *name, int64_t value)
{
    put_name(out, name);
    bytes_put_format(out, "%lld", (long long)value);
}

static void put_integer_or_null(struct bytes_out *out, const char *name, bool is_null,
                                int64_t value)
{
    if (is_null) {
        put_text(out, name, TEXT_NONE);
    } else {
        put_integer(out, name, value);
    }
}

static void put_bool(struct bytes_out *out, const char *name, bool value)
{
    put_name(out, name);
    bytes_put_format(out, "%s", value ? "true" : "false");
}

static void put_pairs(struct bytes_out *out, const char *name, const struct text_pair *pairs,
                      uint32_t count)
{
    put_name(out, name);
    bytes_put_byte(out, '{');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0) {
            bytes_put_byte(out, ',');
        }
        put_string(out, pairs[i].name);
        bytes_put_byte(out, ':');
        if (pairs[i].value.at == NULL) {
            bytes_put(out, "null", 4);
        } else {
            put_string(out, pairs[i].value);
        }
    }
    bytes_put_byte(out, '}');
}

static void put_list(struct bytes_out *out, const char *name, const struct text *texts,
                     uint32_t count)
{
    put_name(out, name);
    bytes_put_byte(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0) {
            bytes_put_byte(out, ',');
        }
        put_string(out, texts[i]);
    }
    bytes_put_byte(out, ']');
}

static void put_numbers(struct bytes_out *out, const struct trigger *t)
{
    put_name(out, "rfm");
    if (t->rfm_segment.at == NULL) {
        bytes_put(out, "null", 4);
    } else {
        bytes_put(out, "{\"r\":", 5);
        bytes_put_format(out, t->rfm_r == 0 ? "null,\"f\":null,\"m\":null" : "%d,\"f\":%d,\"m\":%d",
                         t->rfm_r, t->rfm_f, t->rfm_m);
        put_text(out, "segment", t->rfm_segment);
        bytes_put_byte(out, '}');
    }
    put_name(out, "scores");
    bytes_put_byte(out, '{');
    for (uint32_t i = 0; i < t->score_count; i++) {
        const struct score_view *s = &t->scores[i];

        if (i > 0) {
            bytes_put_byte(out, ',');
        }
        put_string(out, s->name);
        bytes_put_format(out, ":{\"score\":%lld.%06lld",
                         (long long)(s->points_millionths / 1000000),
                         (long long)(s->points_millionths % 1000000));
        put_text(out, "level", s->level);
        bytes_put_byte(out, '}');
    }
    bytes_put_byte(out, '}');
}

static void put_origin(struct bytes_out *out, const struct output *o)
{
    put_text(out, "origin", o->is_config ? TEXT("config") : TEXT("live"));
}

static void put_trigger(struct bytes_out *out, const struct output *o)
{
    const struct trigger *t = &o->as.trigger;
    char hex[33];

    hash128_hex(t->trigger_id, hex);
    put_text(out, "trigger_id", text_of(hex));
    put_text(out, "sequence", t->sequence);
    put_integer(out, "run", t->run);
    put_integer(out, "entered_at", t->entered_at_ms);
    put_text(out, "email", t->email);
    put_integer(out, "attempt", t->attempt);
    put_text(out, "reason", text_of(outcome_name(t->reason)));
    put_integer(out, "planned_at", t->planned_at_ms);
    put_integer(out, "sent_at", t->sent_at_ms);
    put_integer(out, "expires_at", t->expires_at_ms);
    put_text(out, "template", t->template);
    put_text(out, "purpose", t->purpose);
    put_text(out, "theme", t->theme);
    put_pairs(out, "content", t->content, t->content_count);
    put_pairs(out, "landing", t->landing, t->landing_count);
    put_list(out, "segments", t->segments, t->segment_count);
    put_numbers(out, t);
    put_text(out, "lifecycle", t->lifecycle);
    put_pairs(out, "experiments", t->experiments, t->experiment_count);
    put_pairs(out, "context", t->context, t->context_count);
    put_name(out, "last_events");
    bytes_put_byte(out, '{');
    for (uint32_t i = 0; i < t->last_event_count; i++) {
        if (i > 0) {
            bytes_put_byte(out, ',');
        }
        put_string(out, t->last_events[i].name);
        bytes_put_format(out, ":%lld", (long long)t->last_events[i].at_ms);
    }
    bytes_put_byte(out, '}');
    put_integer_or_null(out, "days_since_engagement", t->days_since_engagement < 0,
                        t->days_since_engagement);
    put_text(out, "subscription", t->subscription);
    put_bool(out, "transactional", t->is_transactional);
    put_text(out, "cause", o->cause);
}

static void put_outcome(struct bytes_out *out, const struct output *o)
{
    const struct outcome_record *r = &o->as.outcome;

    put_text(out, "sequence", r->sequence);
    put_integer_or_null(out, "run", r->run == 0, r->run);
    put_integer_or_null(out, "entered_at", r->entered_at_ms == INSTANT_NEVER, r->entered_at_ms);
    put_text(out, "email", r->email);
    put_integer_or_null(out, "attempt", r->attempt == 0, r->attempt);
    put_text(out, "outcome", text_of(outcome_name(r->outcome)));
    put_text(out, "reason", r->reason == REASON_NONE ? TEXT_NONE : text_of(reason_name(r->reason)));
    put_bool(out, "holdout", r->is_held_out);
    put_pairs(out, "experiments", r->experiments, r->experiment_count);
    put_integer(out, "at", o->at_ms);
}

static void put_decision(struct bytes_out *out, const struct output *o)
{
    if (o->type == OUTPUT_TRIGGER) {
        put_trigger(out, o);
    } else if (o->type == OUTPUT_MEMBERSHIP) {
        put_text(out, "segment", o->as.membership.segment);
        put_text(out, "status", o->as.membership.is_entered ? TEXT("entered") : TEXT("left"));
        put_integer(out, "at", o->at_ms);
        put_text(out, "cause", o->cause);
        put_list(out, "segments", o->as.membership.segments, o->as.membership.segment_count);
    } else {
        put_outcome(out, o);
    }
    put_text(out, "config", o->config);
    put_origin(out, o);
}

void json_encode_record(const struct output *o, struct bytes_out *out)
{
    CHECK(o->type < OUTPUT_TYPE__COUNT && o->type != OUTPUT_DEAD_LETTER);
    bytes_put(out, "{\"customer_id\":", 15);
    put_string(out, o->customer);
    put_decision(out, o);
    bytes_put_byte(out, '}');
}

void json_encode_output(const struct output *o, struct bytes_out *out)
{
    static const char *const names[OUTPUT_TYPE__COUNT] = { "trigger", "membership", "outcome",
                                                           "dead_letter" };

    CHECK(o->type < OUTPUT_TYPE__COUNT);
    bytes_put_format(out, "{\"type\":\"%s\"", names[o->type]);
    if (o->type == OUTPUT_DEAD_LETTER) {
        put_integer(out, "line", o->as.dead_letter.offset);
        put_text(out, "reason", text_of(reject_name(o->as.dead_letter.reason)));
        put_text(out, "text", o->as.dead_letter.text);
        bytes_put(out, "}\n", 2);
        return;
    }
    put_text(out, "customer", o->customer);
    if (o->type == OUTPUT_TRIGGER) {
        put_integer(out, "at", o->at_ms);
    }
    put_decision(out, o);
    bytes_put(out, "}\n", 2);
}
