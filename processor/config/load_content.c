#include "processor/base/hash.h"
#include "processor/config/load.h"

static uint32_t slot_index(const struct channel_plan *c, struct text name)
{
    for (uint32_t i = 0; i < c->slot_count; i++) {
        if (text_equal(c->slots[i], name)) {
            return i;
        }
    }
    return UINT32_MAX;
}

static void report_slot(struct loader *l, const struct yaml_node *n, const struct channel_plan *c)
{
    problem_hint_known(problem_add(l->problems, n->place, "E0150", "`%.*s` is no slot of %.*s",
                                   TEXT_PRINTF(n->text), TEXT_PRINTF(c->name)),
                       n->text, c->slots, c->slot_count, "its slots are");
}

/* The slots of one row; NULL node: all unset. */
static const struct slot_values *load_row(struct loader *l, const struct channel_plan *c,
                                          const struct yaml_node *n)
{
    struct slot_values *slots =
        arena_alloc(l->arena, (c->slot_count + 1) * sizeof(struct slot_values));

    if (n == NULL || n->kind != YAML_MAP) {
        return slots;
    }
    for (uint32_t i = 0; i < n->count; i++) {
        uint32_t slot = slot_index(c, n->keys[i]->text);

        if (slot == UINT32_MAX) {
            report_slot(l, n->keys[i], c);
            continue;
        }
        slots[slot].ids = load_texts(l, n->items[i], &slots[slot].count);
        if (n->items[i]->kind == YAML_LIST && n->items[i]->count == 0) {
            problem_add(l->problems, n->items[i]->place, "E0006",
                        "expected the id of a content, or a list of them");
        }
    }
    return slots;
}

static bool is_channel_key(struct text name)
{
    static const char *const keys[] = { "slots", "optional", "want", "resolve", "default" };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (text_is(name, keys[i])) {
            return true;
        }
    }
    return false;
}

bool load_is_row(const struct loader *l, const struct content_row *row, struct text name)
{
    uint32_t key, rung;
    bool is_ambiguous = false;

    return text_equal(name, row->segment) ||
           (segments_find(&l->rules->segments, name, &key, &rung, &is_ambiguous) &&
            key == row->key && rung == row->rung);
}

/* One that could not be loaded was reported: its row is not, too. */
static bool is_resolved(const struct loader *l, const struct channel_plan *c,
                        const struct yaml_node *resolve, struct text name)
{
    for (uint32_t i = 0; resolve != NULL && i < resolve->count; i++) {
        if (text_equal(resolve->items[i]->text, name)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < c->resolve_count; i++) {
        if (load_is_row(l, &c->resolve[i], name)) {
            return true;
        }
    }
    return false;
}

static void load_resolve(struct loader *l, const struct yaml_node *n, struct channel_plan *c)
{
    const struct yaml_node *resolve = yaml_get(n, "resolve", NULL);
    uint32_t room = resolve == NULL ? 0 : resolve->count;
    struct content_row *rows = arena_alloc(l->arena, (room + 1) * sizeof(struct content_row));

    for (uint32_t i = 0; resolve != NULL && resolve->kind == YAML_LIST && i < room; i++) {
        struct content_row *row = &rows[c->resolve_count];
        struct yaml_node *key = resolve->items[i];

        if (!load_segment_name(l, key, &row->key, &row->rung)) {
            continue;
        }
        row->segment = arena_text(l->arena, key->text);
        for (uint32_t k = 0; k < n->count; k++) {
            if (!is_channel_key(n->keys[k]->text) && load_is_row(l, row, n->keys[k]->text)) {
                row->slots = load_row(l, c, n->items[k]);
            }
        }
        if (row->slots == NULL) {
            row->slots = load_row(l, c, NULL);
        }
        c->resolve_count++;
    }
    c->resolve = rows;
    for (uint32_t i = 0; i < n->count; i++) {
        if (!is_channel_key(n->keys[i]->text) && !is_resolved(l, c, resolve, n->keys[i]->text)) {
            problem_add(l->problems, n->keys[i]->place, "E0151",
                        "the row `%.*s` is not in `resolve`: it would never be used",
                        TEXT_PRINTF(n->keys[i]->text));
        }
    }
}

static const struct channel_plan *load_channel(struct loader *l, const struct yaml_node *key,
                                               const struct yaml_node *n)
{
    struct channel_plan *c = arena_alloc(l->arena, sizeof(*c));
    const struct yaml_node *optional = yaml_get(n, "optional", NULL);
    const struct yaml_node *want = yaml_get(n, "want", NULL);
    const struct yaml_node *fallback = yaml_get(n, "default", NULL);
    bool *is_optional;

    c->name = arena_text(l->arena, key->text);
    c->slots = load_texts(l, yaml_get(n, "slots", NULL), &c->slot_count);
    is_optional = arena_alloc(l->arena, (c->slot_count + 1) * sizeof(bool));
    load_check_distinct(l, yaml_get(n, "slots", NULL));
    load_check_distinct(l, yaml_get(n, "resolve", NULL));
    for (uint32_t i = 0; optional != NULL && i < optional->count; i++) {
        uint32_t slot = slot_index(c, optional->items[i]->text);

        if (slot == UINT32_MAX) {
            report_slot(l, optional->items[i], c);
        } else {
            is_optional[slot] = true;
        }
    }
    for (uint32_t i = 0; want != NULL && want->kind == YAML_MAP && i < want->count; i++) {
        if (slot_index(c, want->keys[i]->text) == UINT32_MAX) {
            report_slot(l, want->keys[i], c);
        }
    }
    c->is_optional = is_optional;
    c->fallback.slots = load_row(l, c, fallback);
    load_resolve(l, n, c);
    return c;
}

/* A slot that ends nowhere: of the landing page at once, of emails when no email of its own helps.
 */
static void check_fallback(struct loader *l, const struct yaml_node *n,
                           const struct channel_plan *c)
{
    struct yaml_node *key = NULL;

    (void)yaml_get(n, "default", &key);
    for (uint32_t i = 0; key != NULL && i < c->slot_count; i++) {
        if (c->fallback.slots[i].count == 0 && !c->is_optional[i]) {
            problem_add(l->problems, key->place, "E0152",
                        "the slot `%.*s` ends nowhere: `default` has no content for it",
                        TEXT_PRINTF(c->slots[i]));
        }
    }
}

void load_content(struct loader *l)
{
    const struct yaml_node *n = load_section(l, "content", YAML_MAP);

    l->channels = arena_alloc(l->arena, ((n == NULL ? 0 : n->count) + 1) * sizeof(l->channels[0]));
    for (uint32_t i = 0; n != NULL && i < n->count; i++) {
        const struct channel_plan *c;

        if (n->items[i]->kind != YAML_MAP) {
            continue;
        }
        c = load_channel(l, n->keys[i], n->items[i]);
        l->channels[l->channel_count++] = c;
        if (text_is(c->name, "email")) {
            load_check_slot_names(l, yaml_get(n->items[i], "slots", NULL));
            l->rules->email = c; /* load_email asks what its emails bring themselves */
            if (load_section(l, "sequences", YAML_MAP) == NULL) {
                check_fallback(l, n->items[i], c);
            }
        } else {
            check_fallback(l, n->items[i], c);
        }
        if (text_is(c->name, "landing")) {
            l->rules->landing = c;
        }
    }
    l->rules->channels = l->channels;
    l->rules->channel_count = l->channel_count;
}
