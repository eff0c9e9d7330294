#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/config/warn.h"
#include "segmenters/predicate_reason.h"

/* --- what is used --- */

struct uses {
    struct loader *l;
    bool *attributes; /* by index */
    bool *filters;
    bool *segments;
    const struct predicate_place *at;
    int64_t kept_ms; /* forget_after; never: no limit */
};

static void use_filter(struct uses *u, const struct filter_plan *filter)
{
    for (uint32_t i = 0; filter != NULL && i < u->l->rules->facts.filter_count; i++) {
        if (u->l->rules->facts.filters[i] == filter) {
            u->filters[i] = true;
        }
    }
}

static void use_segment(struct uses *u, uint32_t key)
{
    const struct segments_plan *plan = &u->l->rules->segments;

    for (uint32_t i = 0; i < plan->count; i++) {
        u->segments[i] = u->segments[i] || plan->segments[i].key == key;
    }
}

static void use_attribute(struct uses *u, const struct attribute_plan *a)
{
    if (a != NULL) {
        u->attributes[a - u->l->rules->facts.attributes] = true;
    }
}

static void check_window(struct uses *u, int64_t window_ms)
{
    char window[INSTANT_TEXT_SIZE], kept[INSTANT_TEXT_SIZE];

    if (window_ms == INSTANT_NEVER || window_ms <= u->kept_ms) {
        return;
    }
    instant_format_duration(window_ms, window);
    instant_format_duration(u->kept_ms, kept);
    problem_hint(problem_add(u->l->problems, u->at->node->place, "W0104",
                             "window longer than retention: %s, but `state.forget_after` is %s",
                             window, kept),
                 "who is silent for %s is forgotten, and what the window should count with them",
                 kept);
}

static void visit_use(void *context, const struct predicate_use *use)
{
    struct uses *u = context;
    const struct facts_plan *plan = &u->l->rules->facts;

    switch (use->kind) {
    case USE_ATTRIBUTE:
        use_attribute(u, use->attribute);
        break;
    case USE_HISTORY:
        use_filter(u, plan->histories[use->history].filter);
        if (plan->histories[use->history].filter == NULL) {
            warn_unknown_kind(u->l, u->at->node, plan->histories[use->history].kind);
        }
        check_window(u, use->window_ms);
        break;
    case USE_ORDERS:
        check_window(u, use->window_ms);
        break;
    case USE_SEGMENT:
        use_segment(u, use->key);
        break;
    case USE_SEQUENCE:
        break;
    }
}

static void visit_predicate(void *context, const struct predicate_place *at)
{
    struct uses *u = context;

    u->at = at;
    predicate_uses(at->predicate, visit_use, u);
}

static void use_names(struct uses *u, const struct email_plan *e)
{
    for (uint32_t i = 0; i < e->personalize_count; i++) {
        struct text t = e->personalize[i];

        if (text_starts_with(t, TEXT("customer."))) {
            use_attribute(
                u, facts_attribute(&u->l->rules->facts, (struct text){ t.at + 9, t.size - 9 }));
        }
    }
}

static void use_sequence(struct uses *u, const struct sequence_plan *s)
{
    for (uint32_t i = 0; i < s->entry_count; i++) {
        use_filter(u, s->entries[i].filter);
        if (s->entries[i].kind != ENTRY_ON_EVENT) {
            use_segment(u, s->entries[i].key);
        }
    }
    for (uint32_t i = 0; i < s->goal.event_count; i++) {
        use_filter(u, s->goal.filters[i]);
    }
    if (s->goal.is_entering) {
        use_segment(u, s->goal.key);
    }
    for (uint32_t i = 0; i < s->at_end_count; i++) {
        for (uint32_t k = 0; k < s->at_end[i].until_count; k++) {
            use_filter(u, facts_filter(&u->l->rules->facts, s->at_end[i].until[k]));
        }
    }
    for (uint32_t i = 0; i < s->email_count; i++) {
        use_names(u, &s->emails[i]);
    }
}

/* What a test speaks of is wanted. */
static void use_tests(struct uses *u)
{
    for (uint32_t t = 0; t < u->l->config->test_count; t++) {
        const struct test_plan *test = &u->l->config->tests[t];

        for (uint32_t i = 0; i < test->expectation_count; i++) {
            bool is_ambiguous;
            uint32_t key, rung;

            if (test->expectations[i].segment.at != NULL &&
                segments_find(&u->l->rules->segments, test->expectations[i].segment, &key, &rung,
                              &is_ambiguous)) {
                use_segment(u, key);
            }
        }
    }
}

static void find_uses(struct uses *u)
{
    const struct rules *rules = u->l->rules;

    warn_each_predicate(u->l, visit_predicate, u);
    use_attribute(u, rules->zone_from);
    use_tests(u);
    for (uint32_t i = 0; i < rules->experiment_count; i++) {
        for (uint32_t k = 0; k < rules->experiments[i].event_count; k++) {
            use_filter(u, rules->experiments[i].filters[k]);
        }
    }
    for (uint32_t i = 0; i < rules->sequence_count; i++) {
        use_sequence(u, &rules->sequences[i]);
    }
    for (uint32_t i = 0; i < rules->facts.score_count; i++) {
        for (uint32_t k = 0; k < rules->facts.scores[i].point_count; k++) {
            use_filter(u, rules->facts.scores[i].points[k].filter);
        }
    }
    for (uint32_t i = 0; i < u->l->channel_count; i++) {
        for (uint32_t k = 0; k < u->l->channels[i]->resolve_count; k++) {
            use_segment(u, u->l->channels[i]->resolve[k].key);
        }
    }
}

/* --- what is not --- */

/* One warning for a section: the names of it that `used` has not, at the first of them. */
static void warn_unused(struct loader *l, const char *section, const bool *used, const char *code,
                        const char *sentence, const char *hint)
{
    const struct yaml_node *n = load_section(l, section, YAML_MAP);
    const struct yaml_node *first = NULL;
    struct name_list names = { .count = 0 };

    for (uint32_t i = 0; n != NULL && i < n->count; i++) {
        if (!used[i]) {
            first = first == NULL ? n->keys[i] : first;
            name_list_add(&names, n->keys[i]->text);
        }
    }
    if (first != NULL) {
        problem_hint(
            problem_add(l->problems, first->place, code, "%s: %s", sentence, name_list_end(&names)),
            "%s", hint);
    }
}

static void warn_uses(struct loader *l, const struct uses *u)
{
    const struct yaml_node *attributes = load_section(l, "attributes", YAML_MAP);
    /* Without a sequence the segments are all there is: of course nothing uses them. */
    bool is_carried =
        l->config->outputs[OUTPUT_MEMBERSHIP].at != NULL || l->rules->sequence_count == 0;

    warn_unused(l, "filters", u->filters, "W0105", "used by no rule",
                "count it, score it, or let it enter a sequence; else it does nothing");
    warn_unused(l, "attributes", u->attributes, "W0805", "used by no rule",
                "it is kept of every customer all the same");
    warn_unused(l, "remember", u->attributes + (attributes == NULL ? 0 : attributes->count),
                "W0805", "used by no rule", "it is kept of every customer all the same");
    warn_unused(l, "segments", u->segments, is_carried ? "W0802" : "W0107",
                "used by no sequence, content, test or other segment",
                is_carried ? "only the memberships topic carries it"
                           : "nor does a memberships topic carry it");
}

/* --- kinds, and the window of rfm --- */

static void check_kinds(struct loader *l)
{
    const struct yaml_node *n = load_section(l, "scores", YAML_MAP);

    for (uint32_t i = 0; n != NULL && i < n->count; i++) {
        const struct yaml_node *points = yaml_get(n->items[i], "points", NULL);

        for (uint32_t k = 0; points != NULL && k < points->count; k++) {
            if (memchr(points->keys[k]->text.at, '.', points->keys[k]->text.size) == NULL) {
                warn_unknown_kind(l, points->keys[k], points->keys[k]->text);
            }
        }
    }
    n = load_section(l, "remember", YAML_MAP);
    for (uint32_t i = 0; n != NULL && i < n->count; i++) {
        const struct yaml_node *kind = yaml_get(n->items[i], "last", NULL);

        if (memchr(kind->text.at, '.', kind->text.size) == NULL) {
            warn_unknown_kind(l, kind, kind->text);
        }
    }
    n = load_section(l, "filters", YAML_MAP);
    for (uint32_t i = 0; n != NULL && i < n->count; i++) {
        warn_unknown_kind(l, n->keys[i], l->rules->facts.filters[i]->kind);
    }
}

static int64_t kept_ms(const struct loader *l)
{
    int64_t ms = INSTANT_NEVER;

    (void)scalar_duration(yaml_get(load_section(l, "state", YAML_MAP), "forget_after", NULL), &ms);
    return ms;
}

/* Who has no order in the window has no r, so a cut beyond it gives nobody a score. */
static void check_recency(struct loader *l, const struct yaml_node *rfm)
{
    const struct rfm_plan *plan = &l->rules->facts.rfm;
    const struct yaml_node *cuts = yaml_get(rfm, "recency", NULL);

    if (plan->window_ms != INSTANT_NEVER && plan->window_ms <= plan->recency_ms[0]) {
        problem_hint(problem_add(l->problems, cuts->items[0]->place, "W0108",
                                 "nobody has an r of 1: orders leave the window before"),
                     "a window longer than the oldest cut, or younger cuts");
    }
}

static void check_rfm_window(struct loader *l, struct uses *u)
{
    const struct yaml_node *rfm = yaml_get(load_section(l, "scores", YAML_MAP), "rfm", NULL);
    const struct predicate_place at = { .node = yaml_get(rfm, "window", NULL) };

    if (at.node != NULL) {
        u->at = &at;
        check_window(u, l->rules->facts.rfm.window_ms);
        check_recency(l, rfm);
    }
}

void warn_facts(struct loader *l)
{
    const struct facts_plan *plan = &l->rules->facts;
    struct uses u = {
        .l = l,
        .attributes = arena_alloc(l->arena, plan->attribute_count + 1),
        .filters = arena_alloc(l->arena, plan->filter_count + 1),
        .segments = arena_alloc(l->arena, l->rules->segments.count + 1),
        .kept_ms = kept_ms(l),
    };

    check_kinds(l);
    find_uses(&u);
    check_rfm_window(l, &u);
    warn_uses(l, &u);
}
