#include "processor/cli/test_coverage.h"

#include "processor/base/mem.h"
#include "processor/cli/rule_place.h"

struct reached { /* of a segment or rung */
    bool is_entered;
    bool is_left;
};

struct sequence_reached {
    bool *is_sent; /* by email */
    bool is_taken[BRANCH__COUNT];
    enum outcome last; /* judged in the run of the test that runs now; OUTCOME_ENTERED: none */
};

struct test_coverage {
    const struct config *config;
    struct reached **segments; /* by segment; [0] itself, then its rungs */
    struct sequence_reached *sequences;
};

struct figures {
    uint32_t reached, all;
};

struct test_coverage *test_coverage_new(const struct config *config)
{
    struct test_coverage *c = mem_alloc(sizeof(*c));
    const struct rules *rules = config->rules;

    c->config = config;
    c->segments = mem_alloc((rules->segments.count + 1) * sizeof(struct reached *));
    for (uint32_t i = 0; i < rules->segments.count; i++) {
        c->segments[i] =
            mem_alloc((rules->segments.segments[i].rung_count + 1) * sizeof(struct reached));
    }
    c->sequences = mem_alloc((rules->sequence_count + 1) * sizeof(struct sequence_reached));
    for (uint32_t i = 0; i < rules->sequence_count; i++) {
        c->sequences[i].is_sent = mem_alloc(rules->sequences[i].email_count + 1);
    }
    return c;
}

void test_coverage_free(struct test_coverage *c)
{
    if (c == NULL) {
        return;
    }
    for (uint32_t i = 0; i < c->config->rules->segments.count; i++) {
        mem_free(c->segments[i]);
    }
    for (uint32_t i = 0; i < c->config->rules->sequence_count; i++) {
        mem_free(c->sequences[i].is_sent);
    }
    mem_free(c->segments);
    mem_free(c->sequences);
    mem_free(c);
}

void test_coverage_begin(struct test_coverage *c)
{
    for (uint32_t i = 0; i < c->config->rules->sequence_count; i++) {
        c->sequences[i].last = OUTCOME_ENTERED;
    }
}

static void add_membership(struct test_coverage *c, const struct membership_change *m)
{
    const struct segments_plan *plan = &c->config->rules->segments;

    for (uint32_t i = 0; i < plan->count; i++) {
        const struct segment_plan *s = &plan->segments[i];

        for (uint32_t r = 0; r <= s->rung_count; r++) {
            if (text_equal(r == 0 ? s->id : s->rungs[r - 1].id, m->segment)) {
                c->segments[i][r].is_entered |= m->is_entered;
                c->segments[i][r].is_left |= !m->is_entered;
            }
        }
    }
}

static struct sequence_reached *find(struct test_coverage *c, struct text id,
                                     const struct sequence_plan **out_plan)
{
    const struct rules *rules = c->config->rules;

    for (uint32_t i = 0; i < rules->sequence_count; i++) {
        if (text_equal(rules->sequences[i].id, id)) {
            *out_plan = &rules->sequences[i];
            return &c->sequences[i];
        }
    }
    return NULL;
}

static bool branch_of(enum outcome o, enum branch_kind *out_kind)
{
    for (int k = 0; k < BRANCH__COUNT; k++) {
        if (strcmp(outcome_name(o), rule_place_branch_name((enum branch_kind)k)) == 0) {
            *out_kind = (enum branch_kind)k;
            return true;
        }
    }
    return false;
}

static void add_trigger(struct test_coverage *c, const struct trigger *t)
{
    const struct sequence_plan *plan = NULL;
    struct sequence_reached *s = find(c, t->sequence, &plan);
    enum branch_kind kind;

    for (uint32_t i = 0; s != NULL && i < plan->email_count; i++) {
        if (!text_equal(plan->emails[i].id, t->email)) {
            continue;
        }
        s->is_sent[i] = true;
        if (branch_of(t->reason, &kind)) {
            const struct branch_plan *b = &plan->branches[kind];

            s->is_taken[kind] |= (b->action == ACTION_GOTO && b->email == i) ||
                                 (b->action == ACTION_RESEND && t->attempt > 1);
        }
    }
}

static void add_outcome(struct test_coverage *c, const struct outcome_record *r)
{
    const struct sequence_plan *plan = NULL;
    struct sequence_reached *s = find(c, r->sequence, &plan);
    enum branch_kind kind;

    if (s == NULL) {
        return;
    }
    if (r->email.at != NULL && branch_of(r->outcome, &kind)) {
        s->last = r->outcome;
    } else if (r->email.at == NULL && branch_of(s->last, &kind)) {
        enum action_kind action = plan->branches[kind].action;

        s->is_taken[kind] |= (action == ACTION_START && r->outcome == OUTCOME_MOVED) ||
                             (action == ACTION_END && r->outcome == OUTCOME_ENDED);
    }
}

void test_coverage_add(void *coverage, const struct output *o)
{
    struct test_coverage *c = coverage;

    switch (o->type) {
    case OUTPUT_MEMBERSHIP:
        add_membership(c, &o->as.membership);
        break;
    case OUTPUT_TRIGGER:
        add_trigger(c, &o->as.trigger);
        break;
    case OUTPUT_OUTCOME:
        add_outcome(c, &o->as.outcome);
        break;
    case OUTPUT_DEAD_LETTER:
    case OUTPUT_TYPE__COUNT:
        break;
    }
}

/* --- saying --- */

/* How things are said: counted in the first walk, named in the second. */
struct saying {
    const char *prefix;
    FILE *to; /* NULL: count */
};

static void say(const struct saying *s, const char *what, struct text name, struct place place)
{
    char at[RULE_PLACE_SIZE];

    rule_place_format(&place, at);
    fprintf(s->to, "%s  %-14s %-40.*s %s\n", s->prefix, what, TEXT_PRINTF(name), at);
}

static void take(const struct saying *s, struct figures *f, bool is_reached, const char *what,
                 struct text name, struct place place)
{
    f->all++;
    f->reached += is_reached;
    if (!is_reached && s->to != NULL) {
        say(s, what, name, place);
    }
}

static void walk_segments(const struct test_coverage *c, const struct saying *s, bool are_rungs,
                          struct figures *entered, struct figures *left)
{
    const struct segments_plan *plan = &c->config->rules->segments;

    for (uint32_t i = 0; i < plan->count; i++) {
        const struct segment_plan *p = &plan->segments[i];

        for (uint32_t r = p->is_ladder ? 1 : 0; p->is_ladder == are_rungs && r <= p->rung_count;
             r++) {
            const struct reached *at = &c->segments[i][r];
            struct text id = r == 0 ? p->id : p->rungs[r - 1].id;
            struct place place = rule_place_segment(c->config, id);

            take(s, entered, at->is_entered, "never entered", id, place);
            if (at->is_entered) {
                take(s, left, at->is_left, "never left", id, place);
            } else {
                left->all++;
            }
        }
    }
}

static void walk_sequences(const struct test_coverage *c, const struct saying *s,
                           struct figures *sent, struct figures *taken)
{
    const struct rules *rules = c->config->rules;
    char name[RULE_PLACE_SIZE], path[64];

    for (uint32_t i = 0; i < rules->sequence_count; i++) {
        const struct sequence_plan *p = &rules->sequences[i];

        for (uint32_t e = 0; e < p->email_count; e++) {
            (void)text_format(name, sizeof(name), "%.*s.%.*s", TEXT_PRINTF(p->id),
                              TEXT_PRINTF(p->emails[e].id));
            take(s, sent, c->sequences[i].is_sent[e], "never sent", text_of(name),
                 rule_place_email(c->config, p->id, p->emails[e].id));
        }
        for (int k = 0; k < BRANCH__COUNT; k++) {
            const char *branch = rule_place_branch_name((enum branch_kind)k);

            if (p->branches[k].action == ACTION_NEXT) {
                continue;
            }
            (void)text_format(name, sizeof(name), "%.*s.%s", TEXT_PRINTF(p->id), branch);
            (void)text_format(path, sizeof(path), "branch.%s", branch);
            take(s, taken, c->sequences[i].is_taken[k], "never taken", text_of(name),
                 rule_place_sequence(c->config, p->id, path));
        }
    }
}

static void print_figures(const char *what, const struct figures *f, FILE *to)
{
    if (f->all > 0) {
        fprintf(to, "   %s %u/%u (%u%%)", what, f->reached, f->all, 100 * f->reached / f->all);
    }
}

void test_coverage_print(const struct test_coverage *c, const char *prefix, FILE *to)
{
    struct figures segments[2] = { { 0, 0 } }, rungs[2] = { { 0, 0 } }, sent = { 0, 0 },
                   taken = { 0, 0 }, unused[4] = { { 0, 0 } };
    struct saying s = { prefix, NULL };

    walk_segments(c, &s, false, &segments[0], &segments[1]);
    walk_segments(c, &s, true, &rungs[0], &rungs[1]);
    walk_sequences(c, &s, &sent, &taken);
    fprintf(to, "%scoverage", prefix);
    print_figures("segments entered", &segments[0], to);
    print_figures("left", &segments[1], to);
    print_figures("rungs entered", &rungs[0], to);
    print_figures("left", &rungs[1], to);
    print_figures("emails sent", &sent, to);
    print_figures("branches taken", &taken, to);
    fputc('\n', to);
    s.to = to;
    walk_segments(c, &s, false, &unused[0], &unused[1]);
    walk_segments(c, &s, true, &unused[0], &unused[1]);
    walk_sequences(c, &s, &unused[2], &unused[3]);
}
