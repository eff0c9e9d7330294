#include "schemas/avro_plan.h"

#include "processor/base/check.h"
#include "processor/base/hash.h"
#include "processor/base/instant.h"

#include <string.h>

#define DAY_MS       INT64_C(86400000)
#define MINOR_DIGITS 2 /* of an amount: minor units are hundredths */

struct list { /* texts of one leaf under an array */
    struct text *items;
    uint32_t count;
    uint32_t capacity;
};

struct walk {
    const struct avro_plan *plan;
    struct bytes_in in;
    struct event_draft *draft;
    struct text key; /* TO_KEY: the path with the map's key; TO_SET: the key */
    struct list lists[AVRO_PLAN_LISTS_MAX];
};

static bool run(struct walk *w, uint32_t place);

/* --- bytes --- */
static inline int64_t take_long(struct walk *w)
{
    if (w->in.at < w->in.end && *w->in.at < 0x80) { /* most are one byte */
        uint8_t byte = *w->in.at++;

        return (int64_t)(byte >> 1) ^ -(int64_t)(byte & 1);
    }
    return bytes_long(&w->in);
}

static inline struct bytes take_sized(struct walk *w)
{
    int64_t size = take_long(w);

    if (size < 0 || w->in.is_bad || size > w->in.end - w->in.at) {
        w->in.is_bad = true;
        return BYTES_NONE;
    }
    w->in.at += size;
    return (struct bytes){ w->in.at - size, (size_t)size };
}

/* Items of the next block; 0 at the end or when bad. *out_size: of the block in bytes; -1: not
 * said. */
static uint64_t take_block(struct walk *w, bool is_item_empty, int64_t *out_size)
{
    int64_t count = take_long(w);

    *out_size = -1;
    if (count < 0) {
        *out_size = take_long(w);
        w->in.is_bad |= count == INT64_MIN || *out_size < 0 || *out_size > w->in.end - w->in.at;
        count = w->in.is_bad ? 0 : -count;
    }
    if (!is_item_empty && count > w->in.end - w->in.at) { /* each takes at least a byte */
        w->in.is_bad = true;
    }
    return w->in.is_bad ? 0 : (uint64_t)count;
}

/* --- reading past --- */
static void skip(struct walk *w, const struct avro_type *t, uint32_t depth);

static void skip_items(struct walk *w, const struct avro_type *t, uint32_t depth)
{
    const struct avro_type *item = t->parts[0];
    bool is_map = t->kind == AVRO_KIND_MAP;
    uint64_t count;
    int64_t size;

    while ((count = take_block(w, item->is_empty && !is_map, &size)) > 0) {
        if (size >= 0) {
            w->in.at += size;
            continue;
        }
        for (uint64_t i = 0; i < count && !w->in.is_bad && (is_map || !item->is_empty); i++) {
            if (is_map) {
                (void)take_sized(w);
            }
            skip(w, item, depth + 1);
        }
    }
}

static void skip(struct walk *w, const struct avro_type *t, uint32_t depth)
{
    int64_t branch;

    if (depth > AVRO_SKIP_DEPTH_MAX || w->in.is_bad) {
        w->in.is_bad = true;
        return;
    }
    switch (t->kind) {
    case AVRO_KIND_NULL:
        break;
    case AVRO_KIND_BOOL:
        (void)bytes_bool(&w->in);
        break;
    case AVRO_KIND_INT:
    case AVRO_KIND_LONG:
        (void)take_long(w);
        break;
    case AVRO_KIND_ENUM:
        branch = take_long(w);
        w->in.is_bad |= branch < 0 || branch >= t->symbol_count;
        break;
    case AVRO_KIND_FLOAT:
        (void)bytes_fixed(&w->in, 4);
        break;
    case AVRO_KIND_DOUBLE:
        (void)bytes_fixed(&w->in, 8);
        break;
    case AVRO_KIND_FIXED:
        (void)bytes_fixed(&w->in, t->size);
        break;
    case AVRO_KIND_BYTES:
    case AVRO_KIND_TEXT:
        (void)take_sized(w);
        break;
    case AVRO_KIND_RECORD:
        for (uint32_t i = 0; i < t->field_count && !w->in.is_bad; i++) {
            skip(w, t->fields[i].type, depth + 1);
        }
        break;
    case AVRO_KIND_UNION:
        branch = take_long(w);
        if (branch < 0 || branch >= t->part_count || w->in.is_bad) {
            w->in.is_bad = true;
            break;
        }
        skip(w, t->parts[branch], depth + 1);
        break;
    case AVRO_KIND_ARRAY:
    case AVRO_KIND_MAP:
        skip_items(w, t, depth);
        break;
    case AVRO_KIND__COUNT:
        UNREACHABLE();
    }
}

/* --- where values go --- */
static void list_add(struct walk *w, uint32_t place, struct text t)
{
    struct list *l = &w->lists[place];

    if (l->count == EVENT_LIST_MAX) { /* the rest of a longer list is not looked at */
        return;
    }
    if (l->count == l->capacity) {
        uint32_t capacity = l->capacity == 0 ? 8 : l->capacity * 2;
        struct text *items = arena_room(w->draft->arena, capacity * sizeof(*items));

        if (l->count > 0) {
            memcpy(items, l->items, l->count * sizeof(*items));
        }
        l->items = items;
        l->capacity = capacity;
    }
    l->items[l->count++] = t;
}

static void to_list(struct walk *w, uint32_t place, const struct value *v)
{
    if (v->type == VALUE_TEXT) {
        list_add(w, place, v->as.text);
    } else if (v->type == VALUE_INT || v->type == VALUE_DATE || v->type == VALUE_INSTANT) {
        list_add(w, place, arena_format(w->draft->arena, "%lld", (long long)v->as.integer));
    }
}

static void to_key(struct walk *w, const struct event_name *behind, const struct value *v)
{
    struct text path = w->key;

    if (behind->name.size > 0) {
        path = arena_format(w->draft->arena, "%.*s.%.*s", TEXT_PRINTF(path),
                            TEXT_PRINTF(behind->name));
    }
    if (w->plan->has_mapped_keys) {
        event_draft_field(w->draft, path, *v);
    } else {
        event_draft_plain(w->draft, path, v);
    }
}

static void put(struct walk *w, enum avro_to to, const struct event_name *names,
                uint32_t name_count, const struct value *v)
{
    for (uint32_t i = 0; i < name_count; i++) {
        if (to == AVRO_TO_FIELD) {
            event_draft_named(w->draft, &names[i], v);
        } else if (to == AVRO_TO_KEY) {
            to_key(w, &names[i], v);
        } else if (to == AVRO_TO_ATTRIBUTE) {
            event_draft_set(w->draft, names[i].name, *v);
        } else {
            event_draft_set(w->draft, w->key, *v);
        }
    }
}

static inline void emit(struct walk *w, const struct avro_step *s, const struct value *v)
{
    if (s->to == AVRO_TO_FIELD && s->name_count == 1) { /* nearly all */
        event_draft_named(w->draft, s->names, v);
    } else if (s->to == AVRO_TO_LIST) {
        to_list(w, s->list, v);
    } else {
        put(w, s->to, s->names, s->name_count, v);
    }
}

/* --- values --- */
static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

/* An instant or a date that no calendar knows stays a number, which the checks of `at` refuse. */
static struct value long_value(enum avro_logical logical, int64_t n)
{
    struct value v = { .type = VALUE_INT, .as.integer = n };

    if (logical == AVRO_LOGICAL_NONE || logical == AVRO_LOGICAL_LOCAL) {
        return v;
    }
    if (logical == AVRO_LOGICAL_DATE) {
        v.type = n >= floor_div(INSTANT_MIN, DAY_MS) && n <= floor_div(INSTANT_MAX, DAY_MS)
                     ? VALUE_DATE
                     : VALUE_INT;
        return v;
    }
    v.as.integer = logical == AVRO_LOGICAL_MICROS  ? floor_div(n, 1000)
                   : logical == AVRO_LOGICAL_NANOS ? floor_div(n, 1000000)
                                                   : n;
    v.type = v.as.integer >= INSTANT_MIN && v.as.integer <= INSTANT_MAX ? VALUE_INSTANT : VALUE_INT;
    return v;
}

/* Two's complement, the largest byte first. Returns: false when it does not fit. */
static bool integer_of(struct bytes b, int64_t *out)
{
    uint64_t value = b.size > 0 && (b.at[0] & 0x80) != 0 ? UINT64_MAX : 0;
    uint8_t sign = (uint8_t)value;

    while (b.size > 8 && b.at[0] == sign) {
        b.at++;
        b.size--;
    }
    for (size_t i = 0; i < b.size && i < 8; i++) {
        value = value << 8 | b.at[i];
    }
    *out = (int64_t)value;
    return b.size <= 8 && ((uint8_t)(value >> 56) & 0x80) == (sign & 0x80);
}

static double real_of(struct bytes b, uint32_t scale)
{
    double value = b.size > 0 && (b.at[0] & 0x80) != 0 ? -1 : 0, divisor = 1;

    for (size_t i = 0; i < b.size; i++) {
        value = value * 256 + b.at[i];
    }
    for (uint32_t i = 0; i < scale; i++) {
        divisor *= 10;
    }
    return value / divisor;
}

/* A decimal to minor units. Returns: false when it has more digits than they can hold. */
static bool minor_units(struct bytes b, uint32_t scale, int64_t *out)
{
    int64_t units;

    if (!integer_of(b, &units)) {
        return false;
    }
    for (; scale > MINOR_DIGITS; scale--) {
        if (units % 10 != 0) {
            return false;
        }
        units /= 10;
    }
    for (; scale < MINOR_DIGITS; scale++) {
        if (__builtin_mul_overflow(units, INT64_C(10), &units)) {
            return false;
        }
    }
    *out = units;
    return true;
}

static void run_decimal(struct walk *w, const struct avro_step *s)
{
    struct bytes b = s->size > 0 ? bytes_fixed(&w->in, s->size) : take_sized(w);
    struct value v = { .type = VALUE_DOUBLE };

    if (w->in.is_bad || b.size > 64) { /* 150 digits: no amount of anything */
        w->in.is_bad = true;
        return;
    }
    if (s->is_amount) {
        v.type = VALUE_INT;
        if (!minor_units(b, s->scale, &v.as.integer)) {
            event_draft_reject(w->draft, REJECT_BAD_VALUE,
                               "amount is not a whole number of minor units");
            return;
        }
    } else {
        v.as.real = real_of(b, s->scale);
    }
    emit(w, s, &v);
}

static void run_uuid(struct walk *w, const struct avro_step *s)
{
    static const char digits[] = "0123456789abcdef";
    struct bytes b = bytes_fixed(&w->in, 16);
    char *text;
    size_t size = 0;

    if (w->in.is_bad) {
        return;
    }
    text = arena_room(w->draft->arena, 36);
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            text[size++] = '-';
        }
        text[size++] = digits[b.at[i] >> 4];
        text[size++] = digits[b.at[i] & 15];
    }
    emit(w, s, &(struct value){ .type = VALUE_TEXT, .as.text = { text, size } });
}

static void run_scalar(struct walk *w, const struct avro_step *s)
{
    struct value v = { .type = VALUE_NULL };
    uint32_t bits;
    float narrow;
    int64_t symbol;

    if (s->op == AVRO_OP_BOOL) {
        v = (struct value){ .type = VALUE_BOOL, .as.boolean = bytes_bool(&w->in) };
    } else if (s->op == AVRO_OP_FLOAT) {
        bits = bytes_u32(&w->in);
        memcpy(&narrow, &bits, sizeof(narrow));
        v = (struct value){ .type = VALUE_DOUBLE, .as.real = (double)narrow };
    } else if (s->op == AVRO_OP_DOUBLE) {
        v = (struct value){ .type = VALUE_DOUBLE, .as.real = bytes_double(&w->in) };
    } else if (s->op == AVRO_OP_ENUM) {
        symbol = take_long(w);
        if (symbol < 0 || symbol >= s->type->symbol_count) {
            w->in.is_bad = true;
            return;
        }
        v = (struct value){ .type = VALUE_TEXT, .as.text = s->type->symbols[symbol] };
    }
    if (!w->in.is_bad) {
        emit(w, s, &v);
    }
}

/* --- arrays and maps --- */
static void run_array(struct walk *w, const struct avro_step *s, uint32_t body)
{
    uint64_t count;
    int64_t size;

    memset(&w->lists[s->list], 0, s->list_count * sizeof(struct list));
    while ((count = take_block(w, s->type->is_empty, &size)) > 0) {
        for (uint64_t i = 0; i < count && !s->type->is_empty; i++) {
            if (!run(w, body)) {
                w->in.is_bad = true;
                return;
            }
        }
    }
    for (uint32_t i = s->list; i < s->list + s->list_count; i++) {
        const struct avro_list *to = &w->plan->lists[i];
        struct value v = { .type = VALUE_STRINGS };

        v.as.strings.at = w->lists[i].items;
        v.as.strings.count = w->lists[i].count;
        if (to->to == AVRO_TO_UNSET) {
            for (uint32_t k = 0; k < w->lists[i].count; k++) {
                event_draft_set(w->draft, w->lists[i].items[k], VALUE_NONE);
            }
        } else if (w->lists[i].count > 0 || to->to == AVRO_TO_SET || to->to == AVRO_TO_ATTRIBUTE) {
            put(w, to->to, to->names, to->name_count, &v); /* a set may be set to nothing */
        }
    }
}

/* The path of a value under a map's key, as in event.properties.plan. */
static struct text key_path(struct walk *w, const struct avro_step *s, struct text outer,
                            struct bytes key)
{
    struct text head = s->names[0].name;
    size_t size = 0;
    char *path;

    if (s->to == AVRO_TO_SET || s->to == AVRO_TO_LIST) {
        return (struct text){ (const char *)key.at, key.size };
    }
    if (key.size > EVENT_CUSTOMER_SIZE_MAX || outer.size > EVENT_CUSTOMER_SIZE_MAX ||
        (s->to == AVRO_TO_KEY && outer.at == NULL)) {
        event_draft_reject(w->draft, REJECT_BAD_VALUE, "a key of a map is too long");
        return TEXT_NONE;
    }
    path = arena_room(w->draft->arena, outer.size + head.size + key.size + 2);
    if (s->to == AVRO_TO_KEY) { /* a map under a map's key */
        memcpy(path, outer.at, outer.size);
        size = outer.size;
        path[size] = '.';
        size += head.size > 0 ? 1 : 0;
    }
    memcpy(path + size, head.at, head.size);
    size += head.size;
    path[size++] = '.';
    memcpy(path + size, key.at, key.size);
    return (struct text){ path, size + key.size };
}

static void run_map(struct walk *w, const struct avro_step *s, uint32_t body)
{
    struct text outer = w->key;
    uint64_t count;
    int64_t size;

    while ((count = take_block(w, false, &size)) > 0) {
        for (uint64_t i = 0; i < count; i++) {
            struct bytes key = take_sized(w);

            if (!w->in.is_bad) {
                w->key = key_path(w, s, outer, key);
            }
            if (w->in.is_bad || !run(w, body)) {
                w->in.is_bad = true;
                return;
            }
        }
    }
    w->key = outer;
}

/* Where a union's value goes on; 0 when its branch is none. */
static uint32_t take_branch(struct walk *w, const struct avro_step *s, uint32_t place)
{
    int64_t branch = take_long(w);

    if (branch < 0 || branch >= s->size || w->in.is_bad) {
        w->in.is_bad = true;
        return place;
    }
    return s->branches[branch];
}

static bool run(struct walk *w, uint32_t place)
{
    const struct avro_step *steps = w->plan->steps;

    for (;;) {
        const struct avro_step *s = &steps[place++];
        struct value v;
        struct bytes raw;
        int64_t branch;

        switch (s->op) {
        case AVRO_OP_END:
            return true;
        case AVRO_OP_TEXT: /* the draft checks UTF-8 and says so better than "undecodable" */
            raw = take_sized(w);
            v.type = VALUE_TEXT;
            v.as.text = (struct text){ (const char *)raw.at, raw.size };
            if (!w->in.is_bad) {
                emit(w, s, &v);
            }
            break;
        case AVRO_OP_LONG:
            branch = take_long(w);
            if (!w->in.is_bad) {
                v = long_value(s->logical, branch);
                emit(w, s, &v);
            }
            break;
        case AVRO_OP_OPTION:
            branch = take_long(w);
            place = branch == s->size ? s->target : place;
            w->in.is_bad |= branch != 0 && branch != 1;
            break;
        case AVRO_OP_UNION:
            place = take_branch(w, s, place);
            break;
        case AVRO_OP_JUMP:
            place = s->target;
            break;
        case AVRO_OP_ARRAY:
            run_array(w, s, place);
            place = s->target;
            break;
        case AVRO_OP_MAP:
            run_map(w, s, place);
            place = s->target;
            break;
        case AVRO_OP_SKIP:
            skip(w, s->type, 0);
            break;
        case AVRO_OP_DECIMAL:
            run_decimal(w, s);
            break;
        case AVRO_OP_UUID:
            run_uuid(w, s);
            break;
        case AVRO_OP_NULL:
        case AVRO_OP_BOOL:
        case AVRO_OP_FLOAT:
        case AVRO_OP_DOUBLE:
        case AVRO_OP_ENUM:
            run_scalar(w, s);
            break;
        }
        if (w->in.is_bad) {
            return false;
        }
    }
}

enum reject avro_plan_decode(const struct avro_plan *plan, struct bytes value, struct arena *arena,
                             struct event *out_event, char out_text[128])
{
    struct event_draft draft;
    enum reject reject;
    struct walk w;

    w.plan = plan;
    w.in = bytes_in(value);
    w.draft = &draft;
    w.key = TEXT_NONE;
    event_draft_init(&draft, arena, plan->mapping);
    draft.implied_kind = plan->implied_kind;
    if (!run(&w, 0) || bytes_left(&w.in) > 0) {
        (void)text_format(out_text, 128, "the bytes do not fit the schema");
        return REJECT_UNDECODABLE;
    }
    reject = event_draft_finish(&draft, out_event, out_text);
    if (reject == REJECT_NONE && out_event->kind == EVENT_PROFILE && plan->profile != NULL) {
        return avro_plan_decode(plan->profile, value, arena, out_event, out_text);
    }
    return reject;
}
