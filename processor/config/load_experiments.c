#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "processor/config/load.h"

#define ALPHA 0.05
#define POWER 0.8

static const struct yaml_node *section(const struct loader *l)
{
    return load_section(l, "experiments", YAML_MAP);
}

static struct experiment_plan *plan_of(const struct loader *l, uint32_t i)
{
    return (struct experiment_plan *)(uintptr_t)&l->rules->experiments[i];
}

/* --- first pass: arms --- */

static void load_arm_list(struct loader *l, const struct yaml_node *key, const struct yaml_node *n,
                          struct arms_plan *p)
{
    struct arm_plan *arms = arena_alloc(l->arena, (n->count + 1) * sizeof(struct arm_plan));

    for (uint32_t i = 0; i < n->count; i++) {
        int64_t weight = 0;

        load_check_id(l, n->keys[i], "an arm");
        (void)scalar_int(yaml_get(n->items[i], "weight", NULL), &weight);
        arms[i].name = arena_text(l->arena, n->keys[i]->text);
        arms[i].key = hash32(arms[i].name);
        arms[i].weight = weight < 0 || weight > ARM_WEIGHT_MAX ? 0 : (uint32_t)weight;
        arms[i].use = arena_text(l->arena, load_text(n->items[i], "use"));
        p->weight_total += arms[i].weight;
    }
    if (n->count < 2 || n->count > ARMS_MAX) {
        problem_add(l->problems, key->place, "E0221", "an experiment has 2 to %d arms", ARMS_MAX);
    } else if (p->weight_total == 0) {
        problem_hint(problem_add(l->problems, key->place, "E0221",
                                 "all weights are 0: nobody would be in any arm"),
                     "a weight is a share relative to the others: 50 and 50, or 9 and 1");
    }
    p->arms = arms;
    p->count = n->count;
}

void load_arms(struct loader *l)
{
    const struct yaml_node *n = section(l);
    uint32_t room = n == NULL ? 0 : n->count;

    l->rules->experiments = arena_alloc(l->arena, (room + 1) * sizeof(struct experiment_plan));
    l->rules->experiment_count = room;
    for (uint32_t i = 0; i < room; i++) {
        struct experiment_plan *x = plan_of(l, i);
        struct yaml_node *key = NULL;
        const struct yaml_node *arms = yaml_get(n->items[i], "arms", &key);
        int64_t version = 1;

        load_check_id(l, n->keys[i], "an experiment");
        (void)scalar_int(yaml_get(n->items[i], "version", NULL), &version);
        x->id = arena_text(l->arena, n->keys[i]->text);
        x->version = (int32_t)version;
        x->version_text = arena_format(l->arena, "%d", x->version);
        x->arms.experiment = x->id;
        x->arms.salt = version == 1
                           ? x->id
                           : arena_format(l->arena, "%.*s.%d", TEXT_PRINTF(x->id), x->version);
        x->key = hash32(x->arms.salt);
        if (arms != NULL && arms->kind == YAML_MAP) {
            load_arm_list(l, key, arms, &x->arms);
        }
    }
}

/* --- second pass: what they fill, what counts, what is planned --- */

static void load_slot(struct loader *l, const struct yaml_node *n, struct experiment_plan *x)
{
    const struct text prefix = TEXT("email.");
    const struct channel_plan *c = l->rules->email;
    struct text t, known[64];
    uint32_t count = 0;

    if (!scalar_text(n, &t)) {
        return;
    }
    x->is_template = text_is(t, "email.template");
    for (uint32_t i = 0; c != NULL && i < c->slot_count; i++) {
        known[count] = arena_format(l->arena, "email.%.*s", TEXT_PRINTF(c->slots[i]));
        if (text_equal(known[count], t)) {
            x->slot = i;
            return;
        }
        count += count + 2 < sizeof(known) / sizeof(known[0]);
    }
    known[count++] = TEXT("email.template");
    if (!x->is_template) {
        problem_hint_known(problem_add(l->problems, n->place, "E0150",
                                       text_starts_with(t, prefix)
                                           ? "`%.*s` is no slot of content.email"
                                           : "`%.*s` is no slot of an email",
                                       TEXT_PRINTF(t)),
                           t, known, count, "the slots here are");
    }
}

static void load_success(struct loader *l, const struct yaml_node *n, struct experiment_plan *x)
{
    const struct yaml_node *events = yaml_get(n, "event", NULL);
    const struct filter_plan **filters;

    x->events = load_texts(l, events, &x->event_count);
    filters = arena_alloc(l->arena, (x->event_count + 1) * sizeof(const struct filter_plan *));
    for (uint32_t i = 0; i < x->event_count; i++) {
        filters[i] = load_event_name(l, load_item(events, i));
    }
    x->filters = filters;
    x->within_ms = load_duration(n, "within", 0);
}

static int64_t percent_of(const struct yaml_node *map, const char *key)
{
    int64_t hundredths = -1;

    (void)scalar_percent(yaml_get(map, key, NULL), &hundredths);
    return hundredths;
}

static void load_aims(struct loader *l, const struct yaml_node *n, struct experiment_aims *aims)
{
    struct yaml_node *key = NULL;
    const struct yaml_node *plan = yaml_get(n, "plan", &key);
    const struct yaml_node *guard = yaml_get(n, "guard", NULL);

    aims->kind = arena_text(l->arena, load_text(n, "kind"));
    aims->hypothesis = arena_text(l->arena, load_text(n, "hypothesis"));
    aims->expected_impact = arena_text(l->arena, load_text(n, "expected_impact"));
    aims->is_promoted = text_is(load_text(n, "promote"), "auto");
    aims->guard_unsubscribe = percent_of(guard, "unsubscribe");
    aims->guard_complaint = percent_of(guard, "complaint");
    aims->baseline = percent_of(plan, "baseline");
    aims->detect = percent_of(plan, "detect");
    aims->benchmark = percent_of(plan, "benchmark");
    aims->alpha = ALPHA;
    aims->power = POWER;
    (void)scalar_double(yaml_get(plan, "alpha", NULL), &aims->alpha);
    (void)scalar_double(yaml_get(plan, "power", NULL), &aims->power);
    aims->has_plan = aims->baseline >= 0 && aims->detect >= 0;
    if (aims->has_plan && aims->baseline == aims->detect) {
        problem_add(l->problems, key->place, "E0222",
                    "`baseline` and `detect` are the same: there is nothing to tell apart");
    }
}

/* Of all that makes an arm what it is: it may not change without a new version. */
static uint64_t hash_arms(const struct experiment_plan *x, struct text slot)
{
    struct bytes_out out = { 0 };
    struct bytes all;
    uint64_t hash;

    bytes_put_text(&out, slot);
    for (uint32_t i = 0; i < x->arms.count; i++) {
        bytes_put_text(&out, x->arms.arms[i].name);
        bytes_put_long(&out, x->arms.arms[i].weight);
        bytes_put_text(&out, x->arms.arms[i].use);
    }
    all = bytes_out_view(&out);
    hash = hash64((struct text){ (const char *)all.at, all.size });
    bytes_out_fini(&out);
    return hash;
}

void load_experiments(struct loader *l)
{
    const struct yaml_node *n = section(l);

    for (uint32_t i = 0; n != NULL && i < n->count; i++) {
        struct experiment_plan *x = plan_of(l, i);

        load_slot(l, yaml_get(n->items[i], "slot", NULL), x);
        load_success(l, yaml_get(n->items[i], "success", NULL), x);
        load_aims(l, n->items[i], &x->aims);
        x->arms_hash = hash_arms(x, load_text(n->items[i], "slot"));
    }
}

/* --- who names them --- */

const struct experiment_plan *load_experiment_name(struct loader *l, const struct yaml_node *n)
{
    const struct experiment_plan *x;
    struct text id, known[256];
    uint32_t count = 0;

    if (!scalar_text(n, &id)) {
        return NULL;
    }
    x = rules_experiment(l->rules, id);
    if (x == NULL) {
        for (uint32_t i = 0; i < l->rules->experiment_count && i < 256; i++) {
            known[count++] = l->rules->experiments[i].id;
        }
        problem_hint_known(
            problem_add(l->problems, n->place, "E0220", "`%.*s` is no experiment", TEXT_PRINTF(id)),
            id, known, count, "the experiments are");
    }
    return x;
}

const struct experiment_plan *experiments_changed(const struct rules *was, const struct rules *is,
                                                  uint32_t *cursor)
{
    while (*cursor < is->experiment_count) {
        const struct experiment_plan *x = &is->experiments[(*cursor)++];
        const struct experiment_plan *before = rules_experiment(was, x->id);

        if (before != NULL && before->version == x->version && before->arms_hash != x->arms_hash) {
            return x;
        }
    }
    return NULL;
}
