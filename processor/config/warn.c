#include "processor/config/warn.h"

/* --- every predicate --- */

struct walk {
    void (*visit)(void *context, const struct predicate_place *at);
    void *context;
};

static void visit(const struct walk *w, const struct predicate *p, const struct yaml_node *n,
                  enum predicate_role role)
{
    if (p != NULL && n != NULL) {
        w->visit(w->context, &(struct predicate_place){ p, n, role });
    }
}

static void visit_rungs(const struct walk *w, const struct segment_plan *s,
                        const struct yaml_node *rungs)
{
    for (uint32_t i = 0; i < s->rung_count; i++) {
        const struct yaml_node *when = yaml_get(rungs->items[i], "when", NULL);

        visit(w, s->rungs[i].when, when == NULL ? rungs->items[i] : when, ROLE_RUNG);
        visit(w, s->rungs[i].leave_when, yaml_get(rungs->items[i], "leave_when", NULL),
              ROLE_LEAVE_WHEN);
    }
}

static void visit_segments(const struct walk *w, const struct loader *l)
{
    const struct segments_plan *plan = &l->rules->segments;
    const struct yaml_node *n = load_section(l, "segments", YAML_MAP);

    for (uint32_t i = 0; i < plan->count; i++) {
        const struct segment_plan *s = &plan->segments[i];
        const struct yaml_node *rungs = yaml_get(n->items[i], "first_of", NULL);

        visit(w, s->when, yaml_get(n->items[i], "when", NULL), ROLE_WHEN);
        visit(w, s->leave_when, yaml_get(n->items[i], "leave_when", NULL), ROLE_LEAVE_WHEN);
        if (rungs != NULL) {
            visit_rungs(w, s, rungs);
        }
    }
}

static void visit_sequences(const struct walk *w, const struct loader *l)
{
    const struct yaml_node *n = load_section(l, "sequences", YAML_MAP);

    for (uint32_t i = 0; i < l->rules->sequence_count; i++) {
        const struct sequence_plan *s = &l->rules->sequences[i];
        const struct yaml_node *emails = yaml_get(n->items[i], "emails", NULL);

        visit(w, s->condition, yaml_get(yaml_get(n->items[i], "enter", NULL), "if", NULL),
              ROLE_ENTER_IF);
        visit(w, s->stop_if, yaml_get(n->items[i], "stop_if", NULL), ROLE_STOP_IF);
        visit(w, s->goal.when, yaml_get(yaml_get(n->items[i], "goal", NULL), "when", NULL),
              ROLE_GOAL);
        for (uint32_t k = 0; k < s->email_count; k++) {
            visit(w, s->emails[k].condition, yaml_get(emails->items[k], "if", NULL), ROLE_EMAIL_IF);
        }
    }
}

void warn_each_predicate(struct loader *l,
                         void (*with)(void *context, const struct predicate_place *at),
                         void *context)
{
    const struct yaml_node *filters = load_section(l, "filters", YAML_MAP);
    struct walk w = { with, context };

    for (uint32_t i = 0; i < l->rules->facts.filter_count; i++) {
        visit(&w, l->rules->facts.filters[i]->predicate, filters->items[i], ROLE_FILTER);
    }
    visit_segments(&w, l);
    visit(&w, l->rules->send_if, yaml_get(l->root, "send_if", NULL), ROLE_SEND_IF);
    visit_sequences(&w, l);
}

/* --- kinds --- */

/* Named in the language's page, beside those that do something by themselves. */
static const char *const customary[] = { "visit",        "search", "download",
                                         "demo_request", "cart",   "webinar" };

#define CUSTOMARY_COUNT (sizeof(customary) / sizeof(customary[0]))
#define KINDS_MAX       256

struct kinds {
    struct text names[KINDS_MAX];
    uint32_t count;
};

static void add_kind(struct kinds *all, struct text name)
{
    if (all->count < KINDS_MAX) {
        all->names[all->count++] = name;
    }
}

static void add_topics(const struct loader *l, struct kinds *all)
{
    for (uint32_t i = 0; i < l->config->input_count; i++) {
        const struct event_mapping *m = &l->config->inputs[i].mapping;

        if (m->kind.at != NULL) {
            add_kind(all, m->kind);
        }
        for (uint32_t k = 0; k < m->map_count; k++) {
            add_kind(all, m->map_to[k]);
        }
    }
}

static void list_kinds(const struct loader *l, struct kinds *all)
{
    for (int i = EVENT_OTHER + 1; i < EVENT_KIND__COUNT; i++) {
        add_kind(all, text_of(event_kind_name((enum event_kind)i)));
    }
    for (size_t i = 0; i < CUSTOMARY_COUNT; i++) {
        add_kind(all, text_of(customary[i]));
    }
    add_topics(l, all);
    for (uint32_t t = 0; t < l->config->test_count; t++) {
        for (uint32_t i = 0; i < l->config->tests[t].event_count; i++) {
            add_kind(all, l->config->tests[t].events[i].kind_name);
        }
    }
}

void warn_unknown_kind(struct loader *l, const struct yaml_node *n, struct text kind)
{
    struct kinds all = { .count = 0 };
    struct config_problem *p;

    list_kinds(l, &all);
    for (uint32_t i = 0; i < all.count; i++) {
        if (text_equal(all.names[i], kind)) {
            return;
        }
    }
    p = problem_add(l->problems, n->place, "W0103",
                    "`%.*s` is no kind that a topic or a test names", TEXT_PRINTF(kind));
    problem_hint_nearest(p, kind, all.names, all.count);
    if (p->hint[0] == '\0') {
        problem_hint(p, "if a topic brings it, say so: kind: {field: .., map: {%.*s: %.*s}}",
                     TEXT_PRINTF(kind), TEXT_PRINTF(kind));
    }
}

/* --- lists of names --- */

void name_list_add(struct name_list *list, struct text name)
{
    list->count++;
    if (list->left_out > 0 || list->used + name.size + 4 > sizeof(list->text) - 16) {
        list->left_out++;
        return;
    }
    list->used += text_format(list->text + list->used, sizeof(list->text) - list->used, "%s%.*s",
                              list->used == 0 ? "" : ", ", TEXT_PRINTF(name));
}

const char *name_list_end(struct name_list *list)
{
    if (list->left_out > 0) {
        (void)text_format(list->text + list->used, sizeof(list->text) - list->used, " and %u more",
                          list->left_out);
        list->left_out = 0;
    }
    return list->text;
}
