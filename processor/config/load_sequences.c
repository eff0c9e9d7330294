#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "processor/config/load.h"

#define ENGAGEMENT_WINDOW_MS (3 * DAY_MS)
#define CONVERSION_WINDOW_MS DAY_MS
#define NOT_LISTED           INT32_MAX

uint32_t load_sequence_index(const struct loader *l, struct text id)
{
    const struct yaml_node *n = load_section(l, "sequences", YAML_MAP);

    for (uint32_t i = 0; n != NULL && i < n->count; i++) {
        if (text_equal(n->keys[i]->text, id)) {
            return i;
        }
    }
    return UINT32_MAX;
}

uint32_t load_sequence_name(struct loader *l, const struct yaml_node *n, struct text id)
{
    const struct yaml_node *all = load_section(l, "sequences", YAML_MAP);
    uint32_t index = load_sequence_index(l, id), count = 0;
    struct text known[256];

    if (index == UINT32_MAX) {
        for (uint32_t i = 0; all != NULL && i < all->count && count < 256; i++) {
            known[count++] = all->keys[i]->text;
        }
        problem_hint_known(
            problem_add(l->problems, n->place, "E0211", "`%.*s` is no sequence", TEXT_PRINTF(id)),
            id, known, count, "there are");
    }
    return index;
}

const struct filter_plan *load_event_name(struct loader *l, const struct yaml_node *n)
{
    const struct filter_plan *f = facts_filter(&l->rules->facts, n->text);

    if (f == NULL && n->text.size > 0 && memchr(n->text.at, '.', n->text.size) != NULL &&
        !text_is(n->text, "open.any") && !text_is(n->text, "click.any")) {
        struct text names[256];
        uint32_t count = 0;

        for (; count < 256 && count < l->rules->facts.filter_count; count++) {
            names[count] = l->rules->facts.filters[count]->name;
        }
        problem_hint_known(problem_add(l->problems, n->place, "E0117",
                                       "`%.*s` is no declared filter", TEXT_PRINTF(n->text)),
                           n->text, names, count, "there are");
    }
    return f;
}

static void load_entries(struct loader *l, const struct yaml_node *enter, struct sequence_plan *s)
{
    static const char *const keys[] = { "on_entering", "on_leaving", "on_event" };
    struct entry_plan *entries;
    uint32_t room = 0;

    for (int k = 0; k < 3; k++) {
        const struct yaml_node *n = yaml_get(enter, keys[k], NULL);

        room += n == NULL ? 0 : n->kind == YAML_LIST ? n->count : 1;
    }
    entries = arena_alloc(l->arena, (room + 1) * sizeof(struct entry_plan));
    for (int k = 0; k < 3; k++) {
        const struct yaml_node *n = yaml_get(enter, keys[k], NULL);
        uint32_t count = n == NULL || n->kind == YAML_MAP ? 0 : n->kind == YAML_LIST ? n->count : 1;

        for (uint32_t i = 0; i < count; i++) {
            const struct yaml_node *item = load_item(n, i);
            struct entry_plan *e = &entries[s->entry_count];

            e->kind = (enum entry_kind)k;
            if (e->kind == ENTRY_ON_EVENT) {
                e->event = arena_text(l->arena, item->text);
                e->filter = load_event_name(l, item);
                s->entry_count++;
            } else if (load_segment_name(l, item, &e->key, &e->rung)) {
                s->entry_count++;
            }
        }
    }
    s->entries = entries;
}

static void load_goal(struct loader *l, const struct yaml_node *n, struct sequence_plan *s)
{
    struct goal_plan *goal = &s->goal;
    const struct yaml_node *events = yaml_get(n, "event", NULL);
    const struct yaml_node *entering = yaml_get(n, "entering", NULL);
    const struct filter_plan **filters;

    goal->events = load_texts(l, events, &goal->event_count);
    filters = arena_alloc(l->arena, (goal->event_count + 1) * sizeof(const struct filter_plan *));
    for (uint32_t i = 0; i < goal->event_count; i++) {
        filters[i] = load_event_name(l, load_item(events, i));
    }
    goal->filters = filters;
    if (entering != NULL) {
        goal->is_entering = load_segment_name(l, entering, &goal->key, &goal->rung);
    }
    goal->when = load_predicate(l, yaml_get(n, "when", NULL), PREDICATE_CUSTOMER);
    if (n != NULL && n->kind == YAML_MAP && n->count == 0) {
        problem_add(l->problems, n->place, "E0004", "a goal needs `event`, `entering` or `when`");
    }
}

/* "mon-fri", "mon", or a list of such. Returns: bits, bit 0 Sunday; 0: malformed. */
static uint8_t days_of(struct text t)
{
    static const char *const names[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };
    int from = -1, to = -1;
    uint8_t days = 0;

    for (int d = 0; d < 7; d++) {
        if (text_starts_with(t, text_of(names[d]))) {
            from = d;
        }
        if (text_ends_with(t, text_of(names[d]))) {
            to = d;
        }
    }
    if (from < 0 || to < 0 || (t.size != 3 && (t.size != 7 || t.at[3] != '-')) ||
        (t.size == 3 && from != to)) {
        return 0;
    }
    for (int d = from;; d = (d + 1) % 7) {
        days |= (uint8_t)(1u << d);
        if (d == to) {
            return days;
        }
    }
}

static void load_window(struct loader *l, const struct yaml_node *n, struct window_plan *w)
{
    const struct yaml_node *days = yaml_get(n, "days", NULL);

    if (n == NULL || n->kind != YAML_MAP) {
        return;
    }
    w->is_used = true;
    w->days = days == NULL ? 0x7f : 0;
    w->from_minutes = 0;
    w->to_minutes = 24 * 60;
    (void)scalar_clocks(yaml_get(n, "hours", NULL), &w->from_minutes, &w->to_minutes);
    for (uint32_t i = 0; days != NULL && i < (days->kind == YAML_LIST ? days->count : 1); i++) {
        uint8_t some = days_of(load_item(days, i)->text);

        if (some == 0) {
            problem_add(l->problems, load_item(days, i)->place, "E0007",
                        "expected days like mon-fri, or a list: [mon, wed]");
        }
        w->days |= some;
    }
    if (days != NULL && days->kind == YAML_LIST && days->count == 0) {
        problem_add(l->problems, days->place, "E0007",
                    "expected days like mon-fri, or a list: [mon, wed]");
    }
    if (n->count == 0) {
        problem_add(l->problems, n->place, "E0004", "a send_window needs `days`, `hours`, or both");
    }
}

static void load_emails(struct loader *l, const struct yaml_node *n, struct sequence_plan *s)
{
    struct email_plan *emails =
        arena_alloc(l->arena, ((n == NULL ? 0 : n->count) + 1) * sizeof(struct email_plan));

    for (uint32_t i = 0; n != NULL && n->kind == YAML_LIST && i < n->count; i++) {
        struct email_plan *e = &emails[s->email_count];

        if (n->items[i]->kind != YAML_MAP) {
            continue;
        }
        e->expires_in_ms = 0;
        load_email(l, n->items[i], e);
        if (e->expires_in_ms == 0) {
            e->expires_in_ms = l->rules->stale_after_ms;
        }
        for (uint32_t k = 0; k < s->email_count; k++) {
            if (text_equal(emails[k].id, e->id) && e->id.size > 0) {
                problem_add(l->problems, n->items[i]->place, "E0003",
                            "a second email `%.*s` in this sequence", TEXT_PRINTF(e->id));
            }
        }
        s->email_count++;
    }
    s->emails = emails;
    if (n != NULL && s->email_count == 0) {
        problem_add(l->problems, n->place, "E0213", "a sequence has at least one email");
    }
}

static void load_at_end(struct loader *l, const struct yaml_node *n, struct sequence_plan *s)
{
    static const enum outcome outcomes[] = { OUTCOME_OPENED_NOT_CLICKED,
                                             OUTCOME_CLICKED_NOT_CONVERTED, OUTCOME_NO_ENGAGEMENT,
                                             OUTCOME_NOT_DELIVERED };
    struct at_end_plan *plans = arena_alloc(l->arena, 5 * sizeof(struct at_end_plan));

    for (int i = 0; i < 4; i++) {
        const struct yaml_node *item = yaml_get(n, outcome_name(outcomes[i]), NULL);
        const struct yaml_node *set = yaml_get(item, "set", NULL);
        struct at_end_plan *plan = &plans[s->at_end_count];

        if (set == NULL || set->kind != YAML_MAP) {
            continue;
        }
        plan->outcome = outcomes[i];
        load_attribute_values(l, set, plan);
        plan->until = load_texts(l, yaml_get(item, "until", NULL), &plan->until_count);
        for (uint32_t k = 0; k < plan->until_count; k++) {
            (void)load_event_name(l, load_item(yaml_get(item, "until", NULL), k));
        }
        s->at_end_count++;
    }
    s->at_end = plans;
}

static const struct yaml_node *ceiling_node(const struct loader *l, struct text id)
{
    const struct yaml_node *n = yaml_get(load_section(l, "limits", YAML_MAP), "per_minute", NULL);

    for (uint32_t i = 0; n != NULL && n->kind == YAML_MAP && i < n->count; i++) {
        if (text_equal(n->keys[i]->text, id)) {
            return n->items[i];
        }
    }
    return NULL;
}

static int32_t priority_of(const struct loader *l, struct text id)
{
    const struct yaml_node *list = yaml_get(load_section(l, "limits", YAML_MAP), "priority", NULL);

    for (uint32_t i = 0; list != NULL && list->kind == YAML_LIST && i < list->count; i++) {
        if (text_equal(list->items[i]->text, id)) {
            return (int32_t)i;
        }
    }
    return NOT_LISTED;
}

static void load_sequence(struct loader *l, const struct yaml_node *key, const struct yaml_node *n,
                          struct sequence_plan *s)
{
    const struct yaml_node *enter = yaml_get(n, "enter", NULL);
    int64_t number;

    load_check_id(l, key, "a sequence");
    s->id = arena_text(l->arena, key->text);
    s->key = hash32(s->id);
    load_entries(l, enter, s);
    s->condition = load_predicate(l, yaml_get(enter, "if", NULL), PREDICATE_CUSTOMER);
    s->is_once = !scalar_duration(yaml_get(enter, "reenter_after", NULL), &s->reenter_after_ms);
    (void)scalar_bool(yaml_get(enter, "backfill", NULL), &s->is_backfill);
    load_goal(l, yaml_get(n, "goal", NULL), s);
    s->stop_if = load_predicate(l, yaml_get(n, "stop_if", NULL), PREDICATE_CUSTOMER);
    load_window(l, yaml_get(n, "send_window", NULL), &s->window);
    s->engagement_window_ms = load_duration(n, "engagement_window", ENGAGEMENT_WINDOW_MS);
    s->conversion_window_ms = load_duration(n, "conversion_window", CONVERSION_WINDOW_MS);
    s->counts_machines = text_is(load_text(n, "engagement"), "any");
    if (scalar_percent(yaml_get(n, "holdout", NULL), &number)) {
        s->holdout_bucket = (uint32_t)number;
    }
    s->priority = priority_of(l, s->id);
    (void)scalar_int(ceiling_node(l, s->id), &s->per_minute);
    load_emails(l, yaml_get(n, "emails", NULL), s);
    number = 3 * (int64_t)s->email_count;
    (void)scalar_int(yaml_get(n, "max_emails", NULL), &number);
    s->max_emails = (int32_t)number;
    load_branches(l, n, s);
    load_at_end(l, yaml_get(n, "at_end", NULL), s);
}

void load_sequences(struct loader *l)
{
    const struct yaml_node *n = load_section(l, "sequences", YAML_MAP);
    struct sequence_plan *sequences =
        arena_alloc(l->arena, ((n == NULL ? 0 : n->count) + 1) * sizeof(struct sequence_plan));

    l->rules->send_if = load_predicate(l, yaml_get(l->root, "send_if", NULL), PREDICATE_CUSTOMER);
    l->rules->sequences = sequences;
    for (uint32_t i = 0; n != NULL && i < n->count; i++) {
        if (n->items[i]->kind == YAML_MAP) {
            load_sequence(l, n->keys[i], n->items[i], &sequences[i]);
        }
        l->rules->sequence_count++;
    }
}
