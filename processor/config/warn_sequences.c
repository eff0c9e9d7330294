#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/config/warn.h"
#include "segmenters/predicate_reason.h"

/* --- who can enter --- */

static const struct segment_plan *segment_of(const struct loader *l, uint32_t key)
{
    const struct segments_plan *plan = &l->rules->segments;

    for (uint32_t i = 0; i < plan->count; i++) {
        if (plan->segments[i].key == key) {
            return &plan->segments[i];
        }
    }
    return NULL;
}

/* What holds of who enters that segment; NULL: nothing is known. */
static const struct predicate *when_of(const struct loader *l, uint32_t key, uint32_t rung)
{
    const struct segment_plan *s = segment_of(l, key);

    if (s == NULL || !s->is_ladder) {
        return s == NULL ? NULL : s->when;
    }
    for (uint32_t i = 0; i < s->rung_count; i++) {
        if (s->rungs[i].key == rung && rung != 0) {
            return s->rungs[i].when;
        }
    }
    return NULL;
}

/* Can anybody of whom `when` holds (NULL: anybody) pass the sequence's own conditions? */
static bool passes(struct loader *l, const struct sequence_plan *s, const struct predicate *when)
{
    const struct predicate *all[2], *against[2];
    const struct predicate *condition;
    uint32_t count = 0, against_count = 0;

    if (s->condition != NULL) {
        all[count++] = s->condition;
    }
    if (when != NULL) {
        all[count++] = when;
    }
    if (s->stop_if != NULL) {
        against[against_count++] = s->stop_if;
    }
    if (s->goal.when != NULL) {
        against[against_count++] = s->goal.when;
    }
    if (count == 0) {
        return true;
    }
    condition = predicate_join(&l->rules->facts, PREDICATE_ALL, all, count);
    return !predicate_never(condition) &&
           (against_count == 0 || !predicate_implies_any(condition, against, against_count));
}

/* Can this trigger of entry ever let anybody in? */
static bool can_enter(struct loader *l, const struct sequence_plan *s, const struct entry_plan *e)
{
    bool is_entering = e->kind == ENTRY_ON_ENTERING;

    if (is_entering && s->goal.is_entering && s->goal.key == e->key &&
        (s->goal.rung == e->rung || s->goal.rung == 0)) {
        return false; /* who enters has reached the goal */
    }
    return passes(l, s, is_entering ? when_of(l, e->key, e->rung) : NULL);
}

/* A branch of any sequence may start it, by the same rules. */
static bool is_started(const struct loader *l, const struct sequence_plan *s)
{
    for (uint32_t i = 0; i < l->rules->sequence_count; i++) {
        for (int b = 0; b < BRANCH__COUNT; b++) {
            const struct branch_plan *branch = &l->rules->sequences[i].branches[b];

            if (branch->action == ACTION_START && &l->rules->sequences[branch->sequence] == s) {
                return true;
            }
        }
    }
    return false;
}

static void check_entry(struct loader *l, const struct yaml_node *key,
                        const struct sequence_plan *s)
{
    bool is_open = is_started(l, s) && passes(l, s, NULL);

    for (uint32_t i = 0; i < s->entry_count; i++) {
        is_open = is_open || can_enter(l, s, &s->entries[i]);
    }
    if (!is_open) {
        problem_hint(
            problem_add(l->problems, key->place, "W0201", "nobody can enter `%.*s`",
                        TEXT_PRINTF(s->id)),
            s->entry_count == 0
                ? "`enter` names no on_entering, on_leaving or on_event, and no branch "
                  "starts it"
                : "whoever its `enter` takes is refused by its own `if`, `stop_if` or goal");
    }
}

/* --- caps --- */

/* The first instant from at_ms on that the caps allow after these sends. */
static int64_t allowed_ms(const struct rules *rules, const int64_t *sent_ms, uint32_t count,
                          int64_t at_ms, uint32_t *out_cap)
{
    bool is_held = true;

    while (is_held) {
        is_held = false;
        for (uint32_t i = 0; i < rules->cap_count; i++) {
            const struct cap_plan *cap = &rules->caps[i];
            int64_t free_ms;

            if (count < (uint32_t)cap->count) {
                continue;
            }
            free_ms = sent_ms[count - (uint32_t)cap->count] + cap->window_ms;
            if (free_ms > at_ms) {
                at_ms = free_ms;
                *out_cap = i;
                is_held = true;
            }
        }
    }
    return at_ms;
}

/* One customer, one run, email after email: is any held longer than max_delay by the caps alone? */
static void check_caps(struct loader *l, const struct sequence_plan *s,
                       const struct yaml_node *emails)
{
    const struct rules *rules = l->rules;
    const struct yaml_node *caps = yaml_get(load_section(l, "limits", YAML_MAP), "emails", NULL);
    int64_t *sent_ms = arena_alloc(l->arena, (s->email_count + 1) * sizeof(int64_t));
    char held[INSTANT_TEXT_SIZE], most[INSTANT_TEXT_SIZE];
    uint32_t count = 0, cap = 0;
    int64_t now_ms = 0;

    for (uint32_t i = 0; i < s->email_count; i++) {
        int64_t wait_ms = s->emails[i].after_ms;
        int64_t planned_ms, at_ms;

        wait_ms = i > 0 && s->engagement_window_ms > wait_ms ? s->engagement_window_ms : wait_ms;
        planned_ms = now_ms + wait_ms;
        at_ms = s->emails[i].is_transactional ? planned_ms
                                              : allowed_ms(rules, sent_ms, count, planned_ms, &cap);
        if (at_ms - planned_ms > rules->max_delay_ms) {
            struct config_problem *p;

            instant_format_duration(at_ms - planned_ms, held);
            instant_format_duration(rules->max_delay_ms, most);
            p = problem_add(l->problems, emails->items[i]->place, "W0202",
                            "a cap holds this email for %s, longer than `max_delay` (%s): it is "
                            "never sent",
                            held, most);
            problem_note(p, caps->items[cap]->place, "the cap is here");
            return;
        }
        now_ms = at_ms;
        if (!s->emails[i].is_transactional) {
            sent_ms[count++] = at_ms;
        }
    }
}

/* --- emails --- */

static bool leads_away(const struct branch_plan *b)
{
    return b->times_in_a_row <= 1 && b->at_most == 0 &&
           (b->action == ACTION_GOTO || b->action == ACTION_START || b->action == ACTION_END);
}

static void check_reach(struct loader *l, const struct sequence_plan *s,
                        const struct yaml_node *emails)
{
    for (uint32_t i = 1; i < s->email_count; i++) {
        bool is_reached = false;

        for (int b = 0; b < BRANCH_NOT_DELIVERED; b++) {
            const struct branch_plan *branch = &s->branches[b];

            is_reached = is_reached || !leads_away(branch) ||
                         (branch->action == ACTION_GOTO && branch->email == i);
        }
        if (!is_reached) {
            problem_hint(problem_add(l->problems, emails->items[i]->place, "W0205",
                                     "no branch leads to `%.*s`", TEXT_PRINTF(s->emails[i].id)),
                         "it is only reached when the email before it is skipped, suppressed or "
                         "not delivered");
        }
    }
}

static void check_waits(struct loader *l, const struct sequence_plan *s,
                        const struct yaml_node *emails)
{
    char after[INSTANT_TEXT_SIZE], window[INSTANT_TEXT_SIZE];

    for (uint32_t i = 1; i < s->email_count; i++) {
        if (s->emails[i].after_ms < s->engagement_window_ms) {
            instant_format_duration(s->emails[i].after_ms, after);
            instant_format_duration(s->engagement_window_ms, window);
            problem_hint(problem_add(l->problems, yaml_get(emails->items[i], "after", NULL)->place,
                                     "W0206", "`after` is shorter than the engagement_window (%s)",
                                     window),
                         "the email waits for the judgement of the one before it, %s after that "
                         "was sent, not %s",
                         window, after);
        }
    }
}

static void check_most(struct loader *l, const struct sequence_plan *s, const struct yaml_node *n)
{
    const struct yaml_node *most = yaml_get(n, "max_emails", NULL);

    if (most != NULL && (uint32_t)s->max_emails < s->email_count) {
        problem_add(l->problems, most->place, "W0207",
                    "a run sends at most %d, but the sequence has %u emails: the last are never "
                    "sent to who gets all before",
                    s->max_emails, s->email_count);
    }
}

/* How many items the default list of this slot has for this email. */
static uint32_t default_items(const struct loader *l, const struct email_plan *e, struct text slot)
{
    const struct channel_plan *c = l->rules->email;

    for (uint32_t i = 0; c != NULL && i < c->slot_count; i++) {
        if (!text_equal(c->slots[i], slot)) {
            continue;
        }
        for (uint32_t k = 0; k < e->own_count; k++) {
            if (e->own[k].slot == i) {
                return e->own[k].fallback.count;
            }
        }
        return c->fallback.slots[i].count;
    }
    return 0;
}

static void check_resend(struct loader *l, const struct sequence_plan *s,
                         const struct yaml_node *branch)
{
    for (uint32_t i = 0; branch != NULL && i < branch->count; i++) {
        const struct yaml_node *resend = yaml_get(branch->items[i], "resend", NULL);
        const struct yaml_node *use = yaml_get(resend, "use", NULL);
        struct name_list names = { .count = 0 };
        int64_t number = 0;

        if (!scalar_int(use, &number) || number < 2) {
            continue;
        }
        for (uint32_t k = 0; k < s->email_count; k++) {
            uint32_t items = default_items(l, &s->emails[k], load_text(resend, "slot"));

            if (items > 0 && items < number) {
                name_list_add(&names, s->emails[k].id);
            }
        }
        if (names.count > 0) {
            problem_hint(problem_add(l->problems, use->place, "W0208",
                                     "no item %lld of `%.*s` by default, so these are sent again "
                                     "unchanged: %s",
                                     (long long)number, TEXT_PRINTF(load_text(resend, "slot")),
                                     name_list_end(&names)),
                         "give them a list: [first, other]");
        }
    }
}

/* A goto from an email to itself or back, without a bound of its own. */
static void check_circles(struct loader *l, const struct sequence_plan *s,
                          const struct yaml_node *branch)
{
    for (uint32_t i = 0; branch != NULL && i < branch->count; i++) {
        const struct yaml_node *to = yaml_get(branch->items[i], "goto", NULL);

        if (to != NULL && yaml_get(branch->items[i], "at_most", NULL) == NULL) {
            problem_hint(problem_add(l->problems, to->place, "W0803",
                                     "from `%.*s` and later emails this goes back, at most "
                                     "`max_emails` (%d) times",
                                     TEXT_PRINTF(to->text), s->max_emails),
                         "at_most: 1 goes on with the next email instead");
        }
    }
}

static void check_actions(struct loader *l, const struct yaml_node *branch)
{
    static const char *const actions[] = { "next", "goto", "resend", "start", "end" };

    for (uint32_t i = 0; branch != NULL && i < branch->count; i++) {
        bool has_action = branch->items[i]->kind != YAML_MAP;

        for (size_t k = 0; k < sizeof(actions) / sizeof(actions[0]); k++) {
            bool flag = true;
            const struct yaml_node *n = yaml_get(branch->items[i], actions[k], NULL);

            (void)scalar_bool(n, &flag);
            has_action = has_action || (n != NULL && flag);
        }
        if (!has_action) {
            problem_hint(problem_add(l->problems, branch->keys[i]->place, "W0209",
                                     "no action here: the next email follows, as it does without"),
                         "one of next: true, goto, resend, start and end: true");
        }
    }
}

/* --- tests --- */

static bool is_tested(const struct loader *l, const struct sequence_plan *s,
                      const struct email_plan *e)
{
    for (uint32_t t = 0; t < l->config->test_count; t++) {
        const struct test_plan *test = &l->config->tests[t];

        for (uint32_t i = 0; i < test->expectation_count; i++) {
            if (text_equal(test->expectations[i].sequence, s->id) &&
                text_equal(test->expectations[i].email, e->id)) {
                return true;
            }
        }
    }
    return false;
}

static void check_tests(struct loader *l, const struct yaml_node *key,
                        const struct sequence_plan *s)
{
    struct name_list names = { .count = 0 };

    for (uint32_t i = 0; i < s->email_count; i++) {
        if (!is_tested(l, s, &s->emails[i])) {
            name_list_add(&names, s->emails[i].id);
        }
    }
    if (names.count > 0) {
        problem_add(l->problems, key->place, "W0804", "no test speaks of %s",
                    name_list_end(&names));
    }
}

/* --- kinds --- */

static void check_kinds(struct loader *l, const struct yaml_node *n)
{
    for (uint32_t i = 0; n != NULL && i < (n->kind == YAML_LIST ? n->count : 1); i++) {
        const struct yaml_node *kind = load_item(n, i);

        if (memchr(kind->text.at, '.', kind->text.size) == NULL) {
            warn_unknown_kind(l, kind, kind->text);
        }
    }
}

static void check_all_kinds(struct loader *l, const struct yaml_node *n)
{
    const struct yaml_node *at_end = yaml_get(n, "at_end", NULL);

    check_kinds(l, yaml_get(yaml_get(n, "enter", NULL), "on_event", NULL));
    check_kinds(l, yaml_get(yaml_get(n, "goal", NULL), "event", NULL));
    for (uint32_t i = 0; at_end != NULL && i < at_end->count; i++) {
        check_kinds(l, yaml_get(at_end->items[i], "until", NULL));
    }
}

void warn_sequences(struct loader *l)
{
    const struct yaml_node *n = load_section(l, "sequences", YAML_MAP);

    for (uint32_t i = 0; i < l->rules->sequence_count; i++) {
        const struct sequence_plan *s = &l->rules->sequences[i];
        const struct yaml_node *emails = yaml_get(n->items[i], "emails", NULL);
        const struct yaml_node *branch = yaml_get(n->items[i], "branch", NULL);

        check_entry(l, n->keys[i], s);
        check_caps(l, s, emails);
        check_reach(l, s, emails);
        check_waits(l, s, emails);
        check_most(l, s, n->items[i]);
        check_resend(l, s, branch);
        check_circles(l, s, branch);
        check_actions(l, branch);
        check_all_kinds(l, n->items[i]);
        check_tests(l, n->keys[i], s);
    }
}
