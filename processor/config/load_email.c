#include "processor/base/hash.h"
#include "processor/config/load.h"

/* `subject: {default: s-guide, security_smb: [..]}`: rows in the channel's resolve order. */
static void load_own_rows(struct loader *l, const struct yaml_node *n, struct own_slot *own)
{
    const struct channel_plan *c = l->rules->email;
    struct content_row *rows =
        arena_alloc(l->arena, (c->resolve_count + 1) * sizeof(struct content_row));
    uint32_t found = 0;

    own->fallback.ids = load_texts(l, yaml_get(n, "default", NULL), &own->fallback.count);
    for (uint32_t r = 0; r < c->resolve_count; r++) {
        for (uint32_t i = 0; i < n->count; i++) {
            if (load_is_row(l, &c->resolve[r], n->keys[i]->text)) {
                struct slot_values *slot = arena_alloc(l->arena, sizeof(*slot));

                slot->ids = load_texts(l, n->items[i], &slot->count);
                rows[own->row_count] = c->resolve[r];
                rows[own->row_count++].slots = slot;
                found++;
            }
        }
    }
    own->rows = rows;
    for (uint32_t i = 0; found + 1 < n->count + (own->fallback.count == 0) && i < n->count; i++) {
        bool is_known = text_is(n->keys[i]->text, "default");

        for (uint32_t r = 0; r < c->resolve_count; r++) {
            is_known = is_known || load_is_row(l, &c->resolve[r], n->keys[i]->text);
        }
        if (!is_known) {
            problem_add(l->problems, n->keys[i]->place, "E0151",
                        "`%.*s` is not in `resolve` of content.email: it would never be used",
                        TEXT_PRINTF(n->keys[i]->text));
        }
    }
}

/* Keys of an email that are slots of the email channel. */
static void load_own_slots(struct loader *l, const struct yaml_node *n, struct email_plan *e)
{
    const struct channel_plan *c = l->rules->email;
    uint32_t slot_count = c == NULL ? 0 : c->slot_count;
    struct own_slot *own = arena_alloc(l->arena, (slot_count + 1) * sizeof(struct own_slot));

    for (uint32_t s = 0; s < slot_count; s++) {
        const struct yaml_node *value = NULL;

        for (uint32_t i = 0; i < n->count; i++) {
            if (text_equal(n->keys[i]->text, c->slots[s])) {
                value = n->items[i];
            }
        }
        if (value == NULL) {
            continue;
        }
        own[e->own_count].slot = s;
        if (value->kind == YAML_MAP) {
            load_own_rows(l, value, &own[e->own_count]);
        } else {
            own[e->own_count].fallback.ids =
                load_texts(l, value, &own[e->own_count].fallback.count);
        }
        e->own_count++;
    }
    e->own = own;
}

static bool is_email_key(struct text name)
{
    static const char *const keys[] = { "id",         "after",        "purpose",       "theme",
                                        "template",   "subscription", "transactional", "if",
                                        "expires_in", "experiment",   "personalize" };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (text_is(name, keys[i])) {
            return true;
        }
    }
    return false;
}

void load_check_slot_names(struct loader *l, const struct yaml_node *slots)
{
    for (uint32_t i = 0; slots != NULL && slots->kind == YAML_LIST && i < slots->count; i++) {
        if (is_email_key(slots->items[i]->text)) {
            problem_add(l->problems, slots->items[i]->place, "E0154",
                        "a slot of emails cannot be called `%.*s`: emails have a key of that name",
                        TEXT_PRINTF(slots->items[i]->text));
        }
    }
}

static void check_email_keys(struct loader *l, const struct yaml_node *n)
{
    const struct channel_plan *c = l->rules->email;

    for (uint32_t i = 0; i < n->count; i++) {
        struct text name = n->keys[i]->text;
        bool is_slot = false;

        for (uint32_t s = 0; c != NULL && s < c->slot_count; s++) {
            is_slot = is_slot || text_equal(c->slots[s], name);
        }
        if (!is_slot && !is_email_key(name) && (c == NULL || c->slot_count > 0)) {
            struct config_problem *p =
                problem_add(l->problems, n->keys[i]->place, "E0005",
                            "`%.*s` is neither a key of an email nor a slot of content.email",
                            TEXT_PRINTF(name));

            if (c != NULL) {
                problem_hint_nearest(p, name, c->slots, c->slot_count);
            }
        }
    }
}

/* What an email brings itself stands instead of the channel's, so the channel's default is no help.
 */
static bool has_fallback(const struct channel_plan *c, const struct email_plan *e, uint32_t slot)
{
    for (uint32_t i = 0; i < e->own_count; i++) {
        if (e->own[i].slot == slot) {
            return e->own[i].fallback.count > 0;
        }
    }
    return c->fallback.slots[slot].count > 0;
}

/* Arms fill their slot for everybody. */
static bool is_filled_by_arms(const struct email_plan *e, uint32_t slot)
{
    return e->experiment != NULL && !e->experiment->is_template && e->experiment->slot == slot;
}

static void check_slots(struct loader *l, const struct yaml_node *n, const struct email_plan *e)
{
    const struct channel_plan *c = l->rules->email;

    for (uint32_t s = 0; c != NULL && s < c->slot_count; s++) {
        struct yaml_node *own = NULL;

        if (c->is_optional[s] || has_fallback(c, e, s) || is_filled_by_arms(e, s)) {
            continue;
        }
        for (uint32_t i = 0; i < n->count; i++) {
            own = text_equal(n->keys[i]->text, c->slots[s]) ? n->keys[i] : own;
        }
        if (own != NULL) {
            problem_add(l->problems, own->place, "E0152",
                        "`%.*s` ends nowhere for who is in none of these segments: it needs a "
                        "`default`, as an email's own slot stands instead of the channel's",
                        TEXT_PRINTF(c->slots[s]));
        } else {
            problem_add(l->problems, n->place, "E0152",
                        "the slot `%.*s` of this email ends nowhere: neither it nor `default` has "
                        "content for it",
                        TEXT_PRINTF(c->slots[s]));
        }
    }
}

/* Only attributes and fields of the event can travel in a trigger. */
static void check_personalize(struct loader *l, const struct yaml_node *list)
{
    for (uint32_t i = 0; list != NULL && list->kind == YAML_LIST && i < list->count; i++) {
        struct text t = list->items[i]->text;

        if (text_starts_with(t, TEXT("customer."))) {
            struct text name = { t.at + 9, t.size - 9 };

            if (facts_attribute(&l->rules->facts, name) == NULL) {
                load_no_attribute(l, list->items[i], name);
            }
        } else if (!text_starts_with(t, TEXT("event.")) || t.size == 6) {
            problem_add(l->problems, list->items[i]->place, "E0112",
                        "expected customer.<attribute> or event.<field>");
        }
    }
}

void load_email(struct loader *l, const struct yaml_node *n, struct email_plan *e)
{
    struct yaml_node *id = yaml_get(n, "id", NULL);
    const struct yaml_node *personalize = yaml_get(n, "personalize", NULL);

    e->id = TEXT("");
    if (id != NULL && load_check_id(l, id, "an email")) {
        e->id = arena_text(l->arena, id->text);
    }
    e->key = hash32(e->id);
    e->after_ms = load_duration(n, "after", 0);
    e->purpose = arena_text(l->arena, load_text(n, "purpose"));
    e->theme = arena_text(l->arena, load_text(n, "theme"));
    e->template = arena_text(l->arena, load_text(n, "template"));
    e->subscription = arena_text(l->arena, load_text(n, "subscription"));
    e->subscription_key = e->subscription.at == NULL ? 0 : hash32(e->subscription);
    (void)scalar_bool(yaml_get(n, "transactional", NULL), &e->is_transactional);
    e->condition = load_predicate(l, yaml_get(n, "if", NULL), PREDICATE_CUSTOMER);
    e->expires_in_ms = load_duration(n, "expires_in", 0);
    e->personalize = load_texts(l, personalize, &e->personalize_count);
    check_personalize(l, personalize);
    e->experiment = load_experiment_name(l, yaml_get(n, "experiment", NULL));
    check_email_keys(l, n);
    load_own_slots(l, n, e);
    check_slots(l, n, e);
}
