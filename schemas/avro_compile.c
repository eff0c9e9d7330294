/* DESIGN. One pass over the writer's types writes the steps in the order of a record's bytes. What
 * has a name for rules goes to the draft; what has none (bytes, a record inside itself, what is too
 * deep) becomes one SKIP of its type. A field goes by its name and by its aliases, at each level of
 * a path, so a renamed field is still found by the name that a mapping or a rule knows. At the end
 * every built-in that records cannot do without must have been found, with a type it can be.
 */
#include "schemas/avro_builtins.h"
#include "schemas/avro_plan.h"
#include "schemas/avro_resolve.h"

#include "processor/base/check.h"
#include "processor/base/mem.h"

#include <string.h>

#define PATHS_MAX 4 /* of one field, by aliases */

#define BIT(builtin) (1u << EVENT_BUILTIN_##builtin)

enum mode {
    MODE_FIELD,     /* a field of the record, by its path */
    MODE_KEY,       /* somewhere under a map's key */
    MODE_ATTRIBUTE, /* an attribute of a profile */
    MODE_SET,       /* a value of a profile's `set` */
    MODE_UNSET      /* the list of a profile's `unset` */
};

struct place { /* of a value in the record */
    enum mode mode;
    struct text paths[PATHS_MAX]; /* MODE_KEY: behind the key */
    uint32_t path_count;
    const struct avro_type *reader; /* of the shipped schema; NULL: none */
    bool is_in_array;
    uint32_t depth;
};

struct compile {
    struct avro_plan *plan;
    struct arena *arena;
    const struct event_mapping *mapping;
    bool is_profile;
    uint32_t step_room;
    uint8_t *is_open; /* by type: a record that is being written */
    struct avro_builtins builtins;
};

static void compile_value(struct compile *c, const struct avro_type *t, const struct place *at);

static struct avro_step *new_step(struct compile *c, enum avro_op op)
{
    struct avro_plan *plan = c->plan;

    plan->steps = mem_grow32(plan->steps, plan->step_count, &c->step_room, sizeof(*plan->steps));
    plan->steps[plan->step_count] = (struct avro_step){ .op = op };
    return &plan->steps[plan->step_count++]; /* moves with the next one */
}

static void compile_skip(struct compile *c, const struct avro_type *t)
{
    if (!t->is_empty) {
        new_step(c, AVRO_OP_SKIP)->type = t;
    }
}

/* --- names --- */
static struct text joined(struct compile *c, struct text path, struct text name)
{
    return path.size == 0
               ? name
               : arena_format(c->arena, "%.*s.%.*s", TEXT_PRINTF(path), TEXT_PRINTF(name));
}

/* The names of a value at these paths: its built-ins', else each path. */
static const struct event_name *names_of(struct compile *c, const struct place *at,
                                         uint32_t *out_count)
{
    struct event_name *names =
        arena_alloc(c->arena, PATHS_MAX * EVENT_NAMES_PER_PATH * sizeof(*names));
    uint32_t count = 0, builtin_count = 0;

    for (uint32_t i = 0; i < at->path_count; i++) {
        uint32_t found =
            at->mode != MODE_FIELD ? 1 : event_names_of(c->mapping, at->paths[i], names + count);

        if (at->mode != MODE_FIELD) {
            names[count] =
                (struct event_name){ .name = at->paths[i], .builtin = EVENT_BUILTIN_NONE };
        }
        for (uint32_t k = 0; k < found; k++) {
            struct event_name n = names[count + k];

            if (n.builtin != EVENT_BUILTIN_NONE) { /* those first: they may stand alone */
                names[count + k] = names[builtin_count];
                names[builtin_count++] = n;
            }
        }
        count += found;
    }
    *out_count = builtin_count > 0 ? builtin_count : count;
    return names;
}

static bool has_builtin(const struct event_name *names, uint32_t count, uint32_t bits)
{
    for (uint32_t i = 0; i < count; i++) {
        if (names[i].builtin != EVENT_BUILTIN_NONE && (bits & (1u << names[i].builtin)) != 0) {
            return true;
        }
    }
    return false;
}

/* --- leaves --- */
static enum avro_to to_of(enum mode mode)
{
    static const enum avro_to to[] = { [MODE_FIELD] = AVRO_TO_FIELD,
                                       [MODE_KEY] = AVRO_TO_KEY,
                                       [MODE_ATTRIBUTE] = AVRO_TO_ATTRIBUTE,
                                       [MODE_SET] = AVRO_TO_SET,
                                       [MODE_UNSET] = AVRO_TO_UNSET };

    return to[mode];
}

/* The part of a reader's union, or the reader itself, that is of this kind. */
static const struct avro_type *reader_of(const struct avro_type *reader, enum avro_kind kind)
{
    for (uint32_t i = 0;
         reader != NULL && reader->kind == AVRO_KIND_UNION && i < reader->part_count; i++) {
        if (reader->parts[i]->kind == kind) {
            return reader->parts[i];
        }
    }
    return reader != NULL && reader->kind == kind ? reader : NULL;
}

static enum avro_op op_of(const struct avro_type *t, const struct place *at, bool is_amount,
                          bool is_text)
{
    switch (t->kind) {
    case AVRO_KIND_NULL:
        return !at->is_in_array && (at->mode == MODE_SET || at->mode == MODE_ATTRIBUTE)
                   ? AVRO_OP_NULL
                   : AVRO_OP_SKIP;
    case AVRO_KIND_BOOL:
        return AVRO_OP_BOOL;
    case AVRO_KIND_INT:
    case AVRO_KIND_LONG:
        return AVRO_OP_LONG;
    case AVRO_KIND_FLOAT:
        return AVRO_OP_FLOAT;
    case AVRO_KIND_DOUBLE:
        return AVRO_OP_DOUBLE;
    case AVRO_KIND_TEXT:
        return AVRO_OP_TEXT;
    case AVRO_KIND_ENUM:
        return AVRO_OP_ENUM;
    case AVRO_KIND_BYTES:
    case AVRO_KIND_FIXED:
        if (t->logical == AVRO_LOGICAL_DECIMAL && (t->kind == AVRO_KIND_BYTES || t->size > 0)) {
            return is_amount || !at->is_in_array ? AVRO_OP_DECIMAL : AVRO_OP_SKIP;
        }
        if (t->logical == AVRO_LOGICAL_UUID) {
            return AVRO_OP_UUID;
        }
        return t->kind == AVRO_KIND_BYTES && is_text ? AVRO_OP_TEXT : AVRO_OP_SKIP;
    case AVRO_KIND_RECORD:
    case AVRO_KIND_UNION:
    case AVRO_KIND_ARRAY:
    case AVRO_KIND_MAP:
    case AVRO_KIND__COUNT:
        break;
    }
    UNREACHABLE();
}

static void compile_scalar(struct compile *c, const struct avro_type *t, const struct place *at)
{
    uint32_t name_count, texts = UINT32_MAX & ~(BIT(AMOUNT) | BIT(MACHINE) | BIT(AT));
    const struct event_name *names = names_of(c, at, &name_count);
    bool is_amount = has_builtin(names, name_count, BIT(AMOUNT));
    bool is_text = reader_of(at->reader, AVRO_KIND_TEXT) != NULL ||
                   has_builtin(names, name_count, texts | BIT(AT));
    enum avro_op op = op_of(t, at, is_amount, is_text);
    struct avro_step *s;

    if (t->kind != AVRO_KIND_NULL) {
        avro_builtins_note(&c->builtins, t, at->is_in_array, at->paths[0], names, name_count);
    }
    if (op == AVRO_OP_SKIP || (at->mode == MODE_UNSET && !at->is_in_array) ||
        (at->is_in_array && (c->plan->list_count == AVRO_PLAN_LISTS_MAX ||
                             (op != AVRO_OP_TEXT && op != AVRO_OP_ENUM && op != AVRO_OP_LONG &&
                              op != AVRO_OP_UUID)))) {
        compile_skip(c, t);
        return;
    }
    s = new_step(c, op);
    s->to = at->is_in_array ? AVRO_TO_LIST : to_of(at->mode);
    s->logical = t->logical;
    s->is_amount = is_amount;
    s->scale = t->scale;
    s->size = t->size;
    s->type = t;
    s->names = names;
    s->name_count = name_count;
    if (at->is_in_array) {
        s->list = c->plan->list_count;
        c->plan->lists[c->plan->list_count++] =
            (struct avro_list){ to_of(at->mode), name_count, names };
    }
}

/* --- records, unions, arrays, maps --- */
/* A field of a profile that is no attribute: a built-in of every event, or where one is found. */
static bool is_envelope(const struct compile *c, const struct avro_field *f)
{
    static const enum event_builtin heads[] = { EVENT_BUILTIN_KIND, EVENT_BUILTIN_CUSTOMER,
                                                EVENT_BUILTIN_AT, EVENT_BUILTIN_ID };
    struct event_name names[EVENT_NAMES_PER_PATH];
    uint32_t count = event_names_of(c->mapping, f->name, names);

    if (has_builtin(names, count, BIT(KIND) | BIT(CUSTOMER) | BIT(AT) | BIT(ID))) {
        return true;
    }
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct text mapped = event_mapped_path(c->mapping, heads[i]);

        for (uint32_t k = 0; k <= f->alias_count; k++) {
            struct text name = k == 0 ? f->name : f->aliases[k - 1];

            if (text_starts_with(mapped, name) &&
                (mapped.size == name.size || mapped.at[name.size] == '.')) {
                return true;
            }
        }
    }
    return false;
}

static enum mode field_mode(const struct compile *c, const struct avro_field *f,
                            const struct place *record)
{
    if (!c->is_profile || record->depth > 0 || is_envelope(c, f)) {
        return record->mode;
    }
    return text_is(f->name, "unset") ? MODE_UNSET : MODE_ATTRIBUTE;
}

/* Every name a field goes by, behind every path of its record. */
static void name_field(struct compile *c, const struct avro_type *t, const struct avro_field *f,
                       const struct place *record, struct place *out)
{
    bool is_own = record->mode == MODE_ATTRIBUTE || record->mode == MODE_SET;

    out->path_count = 0;
    for (uint32_t k = 0; k <= f->alias_count; k++) {
        struct text name = k == 0 ? f->name : f->aliases[k - 1];
        const struct avro_field *owner = avro_find_field(t, name);

        if (k > 0 && owner != f) {
            continue; /* another field has that name by right */
        }
        for (uint32_t i = 0; i < record->path_count && out->path_count < PATHS_MAX; i++) {
            out->paths[out->path_count++] = is_own ? name : joined(c, record->paths[i], name);
        }
    }
}

static void compile_record(struct compile *c, const struct avro_type *t, const struct place *at)
{
    const struct avro_type *reader = reader_of(at->reader, AVRO_KIND_RECORD);

    c->is_open[t->number] = 1;
    for (uint32_t i = 0; i < t->field_count; i++) {
        const struct avro_field *f = &t->fields[i];
        const struct avro_field *wanted = reader == NULL ? NULL : avro_find_field(reader, f->name);
        struct place of_field = { .mode = field_mode(c, f, at),
                                  .reader = wanted == NULL ? NULL : wanted->type,
                                  .is_in_array = at->is_in_array,
                                  .depth = at->depth + 1 };

        name_field(c, t, f, at, &of_field);
        compile_value(c, f->type, &of_field);
    }
    c->is_open[t->number] = 0;
}

static void compile_branches(struct compile *c, const struct avro_type *t, const struct place *at)
{
    uint32_t *branches = arena_alloc(c->arena, t->part_count * sizeof(*branches));
    uint32_t *jumps = arena_alloc(c->arena, t->part_count * sizeof(*jumps));
    struct avro_step *s = new_step(c, AVRO_OP_UNION);

    s->size = t->part_count;
    s->branches = branches;
    for (uint32_t i = 0; i < t->part_count; i++) {
        branches[i] = c->plan->step_count;
        compile_value(c, t->parts[i], at);
        jumps[i] = c->plan->step_count;
        (void)new_step(c, AVRO_OP_JUMP);
    }
    for (uint32_t i = 0; i < t->part_count; i++) {
        c->plan->steps[jumps[i]].target = c->plan->step_count;
    }
}

static void compile_union(struct compile *c, const struct avro_type *t, const struct place *at)
{
    bool says_null = !at->is_in_array && (at->mode == MODE_SET || at->mode == MODE_ATTRIBUTE);
    uint32_t null = t->parts[0]->kind == AVRO_KIND_NULL ? 0 : 1;
    uint32_t place = c->plan->step_count;

    if (says_null || t->part_count != 2 || t->parts[null]->kind != AVRO_KIND_NULL) {
        compile_branches(c, t, at);
        return;
    }
    new_step(c, AVRO_OP_OPTION)->size = null;
    compile_value(c, t->parts[1 - null], at);
    c->plan->steps[place].target = c->plan->step_count;
}

static void compile_array(struct compile *c, const struct avro_type *t, const struct place *at)
{
    uint32_t place = c->plan->step_count, first = c->plan->list_count;
    const struct avro_type *reader = reader_of(at->reader, AVRO_KIND_ARRAY);
    struct place item = *at;

    (void)new_step(c, AVRO_OP_ARRAY);
    item.is_in_array = true;
    item.reader = reader == NULL ? NULL : reader->parts[0];
    item.depth++;
    compile_value(c, t->parts[0], &item);
    (void)new_step(c, AVRO_OP_END);
    c->plan->steps[place].type = t->parts[0];
    c->plan->steps[place].target = c->plan->step_count;
    c->plan->steps[place].list = first;
    c->plan->steps[place].list_count = at->is_in_array ? 0 : c->plan->list_count - first;
}

/* A mapping may look for a built-in under a map's key. */
static void note_keys(struct compile *c, const struct place *at)
{
    for (int b = 0; b < EVENT_BUILTIN__COUNT; b++) {
        struct text mapped = event_mapped_path(c->mapping, (enum event_builtin)b);

        for (uint32_t i = 0; i < at->path_count && at->mode == MODE_FIELD; i++) {
            if (text_starts_with(mapped, at->paths[i]) && mapped.size > at->paths[i].size &&
                mapped.at[at->paths[i].size] == '.') {
                c->builtins.good |= 1u << b;
                c->plan->has_mapped_keys = true;
            }
        }
    }
}

static void compile_map(struct compile *c, const struct avro_type *t, const struct place *at)
{
    bool is_set =
        at->mode == MODE_SET || (at->mode == MODE_ATTRIBUTE && text_is(at->paths[0], "set"));
    const struct avro_type *reader = reader_of(at->reader, AVRO_KIND_MAP);
    uint32_t place = c->plan->step_count;
    struct place value = { .mode = is_set ? MODE_SET : MODE_KEY,
                           .paths = { { "", 0 } },
                           .path_count = 1,
                           .reader = reader == NULL ? NULL : reader->parts[0],
                           .is_in_array = at->is_in_array,
                           .depth = at->depth + 1 };
    struct event_name *name = arena_alloc(c->arena, sizeof(*name));

    if ((at->mode == MODE_ATTRIBUTE && !is_set) || at->mode == MODE_UNSET) {
        compile_skip(c, t); /* no attribute is a map */
        return;
    }
    note_keys(c, at);
    *name = (struct event_name){ .name = at->paths[0], .builtin = EVENT_BUILTIN_NONE };
    (void)new_step(c, AVRO_OP_MAP);
    if (at->is_in_array) {
        value.mode = at->mode;
        memcpy(value.paths, at->paths, sizeof(value.paths));
        value.path_count = at->path_count;
    }
    compile_value(c, t->parts[0], &value);
    (void)new_step(c, AVRO_OP_END);
    c->plan->steps[place].target = c->plan->step_count;
    c->plan->steps[place].to = at->is_in_array ? AVRO_TO_LIST
                               : is_set        ? AVRO_TO_SET
                                               : to_of(at->mode);
    c->plan->steps[place].names = name;
    c->plan->steps[place].name_count = 1;
}

static void compile_value(struct compile *c, const struct avro_type *t, const struct place *at)
{
    bool is_attribute = at->mode == MODE_ATTRIBUTE || at->mode == MODE_SET;

    if (t->kind < AVRO_KIND_RECORD) {
        compile_scalar(c, t, at);
    } else if (c->plan->step_count > AVRO_PLAN_STEPS_MAX || at->depth > AVRO_PLAN_DEPTH_MAX ||
               (t->kind == AVRO_KIND_RECORD && c->is_open[t->number] != 0)) {
        compile_skip(c, t);
    } else if (t->kind == AVRO_KIND_UNION) {
        compile_union(c, t, at);
    } else if (t->kind == AVRO_KIND_ARRAY) {
        compile_array(c, t, at);
    } else if (t->kind == AVRO_KIND_MAP) {
        compile_map(c, t, at);
    } else if (is_attribute && !text_is(at->paths[0], "set")) {
        compile_skip(c, t); /* no attribute is a record */
    } else {
        compile_record(c, t, at);
    }
}

static enum err compile(struct avro_plan *plan, const struct avro_type *reader, bool is_profile,
                        char out_text[256])
{
    struct compile c = {
        .plan = plan, .arena = &plan->tree.arena, .mapping = plan->mapping, .is_profile = is_profile
    };
    struct place root = {
        .mode = MODE_FIELD, .paths = { { "", 0 } }, .path_count = 1, .reader = reader
    };

    c.is_open = arena_alloc(c.arena, plan->tree.type_count + 1);
    compile_record(&c, plan->tree.root, &root);
    (void)new_step(&c, AVRO_OP_END);
    return avro_builtins_check(&c.builtins, plan->mapping, plan->implied_kind, out_text)
               ? OK
               : ERR_CONFIG;
}

/* The shipped schema that has the writer's full name; NULL: it is the user's own. */
static const struct avro_shipped *followed(const struct avro_tree *tree,
                                           const struct avro_shipped *shipped, uint32_t count)
{
    struct text name = avro_short_name(tree->root->full_name);

    for (uint32_t i = 0; i < count; i++) {
        if (text_equal(shipped[i].name, name) &&
            text_starts_with(tree->root->full_name, TEXT("segstream.")) &&
            tree->root->full_name.size == name.size + strlen("segstream.")) {
            return &shipped[i];
        }
    }
    return NULL;
}

static bool has_kind_field(const struct avro_tree *tree, const struct event_mapping *m)
{
    return avro_find_field(tree->root, m->kind_field.at == NULL ? TEXT("kind") : m->kind_field) !=
           NULL;
}

static enum err fill(struct avro_plan *plan, const struct avro_shipped *shipped,
                     uint32_t shipped_count, bool must_be_profile, char out_text[256])
{
    const struct avro_shipped *follows;
    struct avro_tree reader = { .root = NULL };
    enum err e = OK;
    struct text kind;

    if (plan->tree.root->kind != AVRO_KIND_RECORD) {
        (void)text_format(out_text, 256, "the schema is not a record");
        return ERR_CONFIG;
    }
    follows = followed(&plan->tree, shipped, shipped_count);
    if (follows != NULL) {
        e = avro_tree_parse(&reader, follows->json, NULL, 0, out_text);
        CHECK(e == OK);
        e = avro_resolve(&plan->tree, &reader, out_text) ? OK : ERR_CONFIG;
    }
    if (follows != NULL && plan->mapping->kind.at == NULL &&
        !has_kind_field(&plan->tree, plan->mapping)) {
        plan->implied_kind = follows->kind;
    }
    kind = plan->mapping->kind.at != NULL ? plan->mapping->kind : plan->implied_kind;
    if (e == OK) {
        e = compile(plan, reader.root, must_be_profile || text_is(kind, "profile"), out_text);
    }
    avro_tree_fini(&reader);
    return e;
}

enum err avro_plan_new(struct text json, const struct text *references, uint32_t reference_count,
                       const struct avro_shipped *shipped, uint32_t shipped_count,
                       const struct event_mapping *mapping, struct avro_plan **out_plan,
                       char out_text[256])
{
    static const struct event_mapping no_mapping;
    struct avro_plan *plans[2] = { NULL, NULL };
    enum err e = OK;

    for (size_t i = 0; i < 2 && e == OK; i++) {
        struct avro_plan *plan = mem_alloc(sizeof(*plan));

        plans[i] = plan;
        plan->mapping = mapping == NULL ? &no_mapping : mapping;
        e = avro_tree_parse(&plan->tree, json, references, reference_count, out_text);
        e = e == OK ? fill(plan, shipped, shipped_count, i == 1, out_text) : e;
        if (plan->mapping->kind.at != NULL || plan->implied_kind.at != NULL) {
            break; /* one kind: it is a profile always or never */
        }
    }
    if (e != OK) {
        avro_plan_free(plans[0]);
        avro_plan_free(plans[1]);
        return e;
    }
    plans[0]->profile = plans[1];
    *out_plan = plans[0];
    return OK;
}

void avro_plan_free(struct avro_plan *plan)
{
    if (plan == NULL) {
        return;
    }
    avro_plan_free(plan->profile);
    avro_tree_fini(&plan->tree);
    mem_free(plan->steps);
    mem_free(plan);
}
