#include "processor/config/load.h"

static const struct {
    const char *name;
    enum branch_kind branch;
} branches[] = { { "opened_not_clicked", BRANCH_OPENED },
                 { "clicked_not_converted", BRANCH_CLICKED },
                 { "no_engagement", BRANCH_NO_ENGAGEMENT },
                 { "not_delivered", BRANCH_NOT_DELIVERED } };

void load_no_email(struct loader *l, const struct yaml_node *n, struct text id,
                   const struct sequence_plan *s)
{
    struct text known[256];
    uint32_t count = 0;

    for (uint32_t i = 0; i < s->email_count && count < 256; i++) {
        known[count++] = s->emails[i].id;
    }
    problem_hint_known(problem_add(l->problems, n->place, "E0210", "`%.*s` names no email of %.*s",
                                   TEXT_PRINTF(n->text), TEXT_PRINTF(s->id)),
                       id, known, count, "its emails are");
}

static void load_goto(struct loader *l, const struct yaml_node *n, const struct sequence_plan *s,
                      struct branch_plan *b)
{
    b->action = ACTION_GOTO;
    for (uint32_t i = 0; i < s->email_count; i++) {
        if (text_equal(s->emails[i].id, n->text)) {
            b->email = i;
            return;
        }
    }
    load_no_email(l, n, n->text, s);
}

static void load_resend(struct loader *l, const struct yaml_node *n, struct branch_plan *b)
{
    const struct channel_plan *c = l->rules->email;
    const struct yaml_node *slot = yaml_get(n, "slot", NULL);
    const struct yaml_node *use = yaml_get(n, "use", NULL);
    int64_t number;
    bool is_slot = false;

    b->action = ACTION_RESEND;
    b->at_most = 1;
    if (slot != NULL) {
        b->slot = arena_text(l->arena, slot->text);
        for (uint32_t i = 0; c != NULL && i < c->slot_count; i++) {
            is_slot = is_slot || text_equal(c->slots[i], slot->text);
        }
        if (!is_slot) {
            struct config_problem *p =
                problem_add(l->problems, slot->place, "E0150", "`%.*s` is no slot of content.email",
                            TEXT_PRINTF(slot->text));

            if (c != NULL) {
                problem_hint_nearest(p, slot->text, c->slots, c->slot_count);
            }
        }
    }
    if (scalar_int(use, &number)) {
        if (number < 1 || number > 1000) {
            problem_add(l->problems, use->place, "E0008", "items of a list are counted from 1");
        }
        b->use_number = (int32_t)number;
    } else if (use != NULL) {
        b->use_id = arena_text(l->arena, use->text);
    }
}

static void load_start(struct loader *l, const struct yaml_node *n, struct branch_plan *b)
{
    b->action = ACTION_START;
    b->sequence = load_sequence_name(l, n, n->text);
}

static void load_action(struct loader *l, const struct yaml_node *key, const struct yaml_node *n,
                        const struct sequence_plan *s, struct branch_plan *b)
{
    const struct yaml_node *target;
    uint32_t actions = 0;
    bool flag;
    int64_t number;

    if (n->kind != YAML_MAP) {
        if (!text_is(n->text, "next")) {
            problem_add(l->problems, n->place, "E0008", "expected `next` or a map with an action");
        }
        return;
    }
    if ((target = yaml_get(n, "goto", NULL)) != NULL && ++actions > 0) {
        load_goto(l, target, s, b);
    }
    if ((target = yaml_get(n, "resend", NULL)) != NULL && ++actions > 0) {
        load_resend(l, target, b);
    }
    if ((target = yaml_get(n, "start", NULL)) != NULL && ++actions > 0) {
        load_start(l, target, b);
    }
    if (scalar_bool(yaml_get(n, "end", NULL), &flag) && flag) {
        actions++;
        b->action = ACTION_END;
    }
    if (scalar_bool(yaml_get(n, "next", NULL), &flag) && flag) {
        actions++;
    }
    if (actions > 1) {
        problem_hint(problem_add(l->problems, key->place, "E0212", "a branch has one action"),
                     "one of next: true, goto, resend, start and end: true");
    }
    b->after_ms = load_duration(n, "after", 0);
    if (scalar_int(yaml_get(n, "at_most", NULL), &number)) {
        b->at_most = (int32_t)number;
    }
    if (scalar_int(yaml_get(n, "times_in_a_row", NULL), &number)) {
        b->times_in_a_row = (int32_t)number;
    }
}

void load_branches(struct loader *l, const struct yaml_node *sequence, struct sequence_plan *s)
{
    const struct yaml_node *branch = yaml_get(sequence, "branch", NULL);

    for (int i = 0; i < BRANCH__COUNT; i++) {
        s->branches[i] = (struct branch_plan){ .action = ACTION_NEXT, .times_in_a_row = 1 };
    }
    for (size_t i = 0; branch != NULL && i < sizeof(branches) / sizeof(branches[0]); i++) {
        struct yaml_node *key = NULL;
        const struct yaml_node *n = yaml_get(branch, branches[i].name, &key);

        if (n != NULL) {
            load_action(l, key, n, s, &s->branches[branches[i].branch]);
        }
    }
}
