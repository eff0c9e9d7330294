#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/config/load.h"
#include "segmenters/score.h"

static const struct {
    const char *name;
    enum value_type type;
} attribute_types[] = { { "int", VALUE_INT },        { "double", VALUE_DOUBLE },
                        { "string", VALUE_TEXT },    { "bool", VALUE_BOOL },
                        { "enum", VALUE_TEXT },      { "date", VALUE_DATE },
                        { "strings", VALUE_STRINGS } };

static struct attribute_plan *new_attribute(struct loader *l, const struct yaml_node *key)
{
    struct facts_plan *plan = &l->rules->facts;
    struct attribute_plan *a;

    load_check_id(l, key, "an attribute");
    if (facts_attribute(plan, key->text) != NULL) {
        problem_add(l->problems, key->place, "E0110", "`%.*s` is an attribute already",
                    TEXT_PRINTF(key->text));
    }
    plan->attributes = mem_grow32(plan->attributes, plan->attribute_count,
                                  &plan->attribute_capacity, sizeof(struct attribute_plan));
    a = &plan->attributes[plan->attribute_count++];
    a->name = arena_text(l->arena, key->text);
    a->key = hash32(a->name);
    a->fallback = VALUE_NONE;
    return a;
}

static const char *type_in_words(enum value_type type)
{
    static const char *const words[] = {
        [VALUE_INT] = "a whole number",
        [VALUE_DOUBLE] = "a number",
        [VALUE_TEXT] = "a text",
        [VALUE_BOOL] = "true or false",
        [VALUE_DATE] = "a date, 1997-01-31",
        [VALUE_STRINGS] = "a list of texts",
    };

    return words[type];
}

/* The value a scalar or list means for this attribute. Reports what does not fit. */
static struct value load_value(struct loader *l, const struct yaml_node *n,
                               const struct attribute_plan *a)
{
    struct value from = VALUE_NONE, value = VALUE_NONE;
    int64_t number;
    double real;
    bool flag;

    if (n->kind == YAML_LIST) {
        from.type = VALUE_STRINGS;
        from.as.strings.at = load_texts(l, n, &from.as.strings.count);
    } else if (scalar_bool(n, &flag)) {
        from = (struct value){ .type = VALUE_BOOL, .as.boolean = flag };
    } else if (a->type != VALUE_TEXT && scalar_int(n, &number)) {
        from = (struct value){ .type = VALUE_INT, .as.integer = number };
    } else if (a->type != VALUE_TEXT && scalar_double(n, &real)) {
        from = (struct value){ .type = VALUE_DOUBLE, .as.real = real };
    } else {
        from = (struct value){ .type = VALUE_TEXT, .as.text = arena_text(l->arena, n->text) };
    }
    if (a->type == VALUE_TEXT && from.type == VALUE_BOOL) {
        from = (struct value){ .type = VALUE_TEXT, .as.text = arena_text(l->arena, n->text) };
    }
    if (!facts_convert(a, &from, l->arena, &value)) {
        struct config_problem *p = problem_add(l->problems, n->place, "E0111",
                                               "this is no value of `%.*s`", TEXT_PRINTF(a->name));

        if (a->allowed_count > 0) {
            problem_hint_known(p, n->text, a->allowed, a->allowed_count, "its values are");
        } else {
            problem_hint(p, "it is %s", type_in_words(a->type));
        }
    }
    return value;
}

void load_no_attribute(struct loader *l, const struct yaml_node *n, struct text name)
{
    struct text known[256];
    uint32_t count = 0;

    for (uint32_t i = 0; i < l->rules->facts.attribute_count && count < 256; i++) {
        if (l->rules->facts.attributes[i].remember_kind.at == NULL) {
            known[count++] = l->rules->facts.attributes[i].name;
        }
    }
    problem_hint_known(problem_add(l->problems, n->place, "E0112",
                                   "`%.*s` is no declared attribute", TEXT_PRINTF(name)),
                       name, known, count, "there are");
}

void load_attribute_values(struct loader *l, const struct yaml_node *map, struct at_end_plan *out)
{
    const struct attribute_plan **attributes =
        arena_alloc(l->arena, (map->count + 1) * sizeof(const struct attribute_plan *));
    struct value *values = arena_alloc(l->arena, (map->count + 1) * sizeof(struct value));
    uint32_t count = 0;

    for (uint32_t i = 0; i < map->count; i++) {
        const struct attribute_plan *a = facts_attribute(&l->rules->facts, map->keys[i]->text);

        if (a == NULL || a->remember_kind.at != NULL) {
            load_no_attribute(l, map->keys[i], map->keys[i]->text);
            continue;
        }
        attributes[count] = a;
        values[count++] = load_value(l, map->items[i], a);
    }
    out->attributes = attributes;
    out->values = values;
    out->count = count;
}

static void load_attribute(struct loader *l, const struct yaml_node *key, const struct yaml_node *n)
{
    struct attribute_plan *a = new_attribute(l, key);
    struct text type = load_text(n, "type");
    const struct yaml_node *values = yaml_get(n, "values", NULL);
    const struct yaml_node *fallback = yaml_get(n, "default", NULL);

    for (size_t i = 0; i < sizeof(attribute_types) / sizeof(attribute_types[0]); i++) {
        if (text_is(type, attribute_types[i].name)) {
            a->type = attribute_types[i].type;
        }
    }
    if (text_is(type, "enum") != (values != NULL)) {
        problem_add(l->problems, key->place, "E0113",
                    values != NULL ? "only an enum has `values`" : "an enum needs its `values`");
    } else if (values != NULL) {
        a->allowed = load_texts(l, values, &a->allowed_count);
        load_check_distinct(l, values);
        if (values->kind == YAML_LIST && values->count == 0) {
            problem_add(l->problems, values->place, "E0113", "an enum needs its `values`");
        }
    }
    if (fallback != NULL) {
        a->fallback = load_value(l, fallback, a);
    }
}

static void check_remember_kind(struct loader *l, const struct yaml_node *n)
{
    if (n != NULL && n->text.size > 0 && memchr(n->text.at, '.', n->text.size) != NULL) {
        problem_hint(problem_add(l->problems, n->place, "E0117",
                                 "`%.*s` is no kind of event; `remember` takes no filters",
                                 TEXT_PRINTF(n->text)),
                     "write the kind alone: the part before the dot");
    }
}

static void load_attributes(struct loader *l)
{
    const struct yaml_node *n = load_section(l, "attributes", YAML_MAP);

    for (uint32_t i = 0; n != NULL && i < n->count; i++) {
        if (n->items[i]->kind == YAML_MAP) {
            load_attribute(l, n->keys[i], n->items[i]);
        }
    }
    n = load_section(l, "remember", YAML_MAP);
    for (uint32_t i = 0; n != NULL && i < n->count; i++) {
        struct text field = load_text(n->items[i], "field");
        struct attribute_plan *a = new_attribute(l, n->keys[i]);

        a->type = VALUE_NULL; /* whatever the field turns out to be */
        a->remember_kind = arena_text(l->arena, load_text(n->items[i], "last"));
        a->remember_field = hash32(field);
        check_remember_kind(l, yaml_get(n->items[i], "last", NULL));
    }
}

static void load_filters(struct loader *l)
{
    const struct yaml_node *n = load_section(l, "filters", YAML_MAP);
    struct facts_plan *plan = &l->rules->facts;

    for (uint32_t i = 0; n != NULL && i < n->count; i++) {
        struct text name = arena_text(l->arena, n->keys[i]->text);
        const char *dot = name.size == 0 ? NULL : memchr(name.at, '.', name.size);
        struct filter_plan *f;

        if (dot == NULL || dot == name.at || dot + 1 == name.at + name.size ||
            text_ends_with(name, TEXT(".any"))) {
            problem_add(l->problems, n->keys[i]->place, "E0114",
                        "a filter is named kind.name, like click.pricing; kind.any is taken");
            continue;
        }
        f = arena_alloc(l->arena, sizeof(*f));
        f->name = name;
        f->kind = (struct text){ name.at, (size_t)(dot - name.at) };
        f->source = arena_text(l->arena, n->items[i]->text);
        f->predicate = load_predicate(l, n->items[i], PREDICATE_EVENT);
        plan->filters = mem_grow32(plan->filters, plan->filter_count, &plan->filter_capacity,
                                   sizeof(struct filter_plan *));
        plan->filters[plan->filter_count++] = f;
    }
}

/* Four numbers that rise (or fall), read by `read`. */
static void load_cuts(struct loader *l, const struct yaml_node *rfm, const char *key,
                      bool is_falling, bool (*read)(const struct yaml_node *, int64_t *),
                      int64_t out[RFM_CUTS])
{
    const struct yaml_node *n = yaml_get(rfm, key, NULL);

    if (n == NULL || n->kind != YAML_LIST) {
        return;
    }
    if (n->count != RFM_CUTS) {
        problem_add(l->problems, n->place, "E0115", "`%s` has four cuts, between the scores 1 to 5",
                    key);
        return;
    }
    for (uint32_t i = 0; i < RFM_CUTS; i++) {
        if (!read(n->items[i], &out[i])) {
            return;
        }
        if (i > 0 && (is_falling ? out[i] >= out[i - 1] : out[i] <= out[i - 1])) {
            problem_add(l->problems, n->items[i]->place, "E0115", "cuts of `%s` %s", key,
                        is_falling ? "fall: the oldest age first" : "rise");
        }
    }
}

static bool load_named_map(struct loader *l, const struct yaml_node *n)
{
    static const struct text names[] = { { "rf11", 4 }, { "l125", 4 } };

    if (rfm_map_named(&l->rules->facts.rfm, n->text)) {
        return true;
    }
    problem_hint_known(
        problem_add(l->problems, n->place, "E0116", "`%.*s` is no map", TEXT_PRINTF(n->text)),
        n->text, names, 2, "an own map of names and expressions, or one of");
    return false;
}

/* A number above 0. */
static double load_positive(struct loader *l, const struct yaml_node *n)
{
    double real = 0;

    if (n != NULL && (!scalar_double(n, &real) || !(real > 0 && real < 1e9))) {
        problem_add(l->problems, n->place, "E0006", "expected a number above 0");
    }
    return real;
}

static void load_cadence(struct loader *l, const struct yaml_node *n)
{
    struct facts_plan *plan = &l->rules->facts;

    if (n != NULL && n->kind == YAML_MAP) {
        plan->has_cadence = true;
        plan->cadence_r = load_positive(l, yaml_get(n, "r", NULL));
        plan->cadence_alpha = load_positive(l, yaml_get(n, "alpha", NULL));
    }
}

static void load_rfm(struct loader *l, const struct yaml_node *key, const struct yaml_node *n)
{
    struct rfm_plan *rfm = &l->rules->facts.rfm;
    struct yaml_node *map_key = NULL;
    const struct yaml_node *map = yaml_get(n, "map", &map_key);
    const struct yaml_node *window = yaml_get(n, "window", NULL);

    rfm->is_used = true;
    rfm->window_ms = INSTANT_NEVER;
    if (window != NULL && window->kind == YAML_SCALAR && !text_is(window->text, "ever") &&
        (!scalar_duration(window, &rfm->window_ms) || rfm->window_ms == 0)) {
        problem_add(l->problems, window->place, "E0007", "expected a duration, or `ever`");
    }
    load_cuts(l, n, "recency", true, scalar_duration, rfm->recency_ms);
    load_cuts(l, n, "frequency", false, scalar_int, rfm->frequency);
    load_cuts(l, n, "monetary", false, scalar_money, rfm->monetary);
    load_cadence(l, yaml_get(n, "cadence", NULL));
    if (map == NULL || map->kind == YAML_LIST ||
        !(map->kind == YAML_MAP ? load_rfm_map(l, map_key, map) : load_named_map(l, map))) {
        (void)rfm_map_named(rfm, TEXT("rf11")); /* so that what names its parts says no more */
    }
    if (!l->rules->facts.currency.at) {
        problem_add(l->problems, key->place, "E0004", "`currency` is missing: monetary needs it");
    }
}

static void load_points(struct loader *l, const struct yaml_node *n, struct score_plan *s)
{
    struct score_point *points = arena_alloc(l->arena, (n->count + 1) * sizeof(struct score_point));

    for (uint32_t i = 0; i < n->count; i++) {
        struct text name = arena_text(l->arena, n->keys[i]->text);
        struct score_point *p = &points[i];

        p->kind = name;
        p->filter = load_event_name(l, n->keys[i]);
        if (p->filter != NULL) {
            p->kind = p->filter->kind;
        }
        if (!scalar_points(n->items[i], &p->points_q40)) {
            problem_add(l->problems, n->items[i]->place, "E0006",
                        "expected points: a number from 0 to 4194303, up to nine decimals");
        }
    }
    s->points = points;
    s->point_count = n->count;
}

static void load_levels(struct loader *l, const struct yaml_node *n, struct score_plan *s)
{
    struct score_level *levels = arena_alloc(l->arena, (n->count + 1) * sizeof(struct score_level));

    for (uint32_t i = 0; i < n->count; i++) {
        levels[i].name = arena_text(l->arena, n->keys[i]->text);
        if (!scalar_points(n->items[i], &levels[i].least_q40)) {
            problem_add(l->problems, n->items[i]->place, "E0006", "expected points");
        } else if (i == 0 ? levels[0].least_q40 != 0
                          : levels[i].least_q40 <= levels[i - 1].least_q40) {
            problem_add(l->problems, n->items[i]->place, "E0118", "levels start at 0 and rise");
        }
    }
    if (n->count == 0) {
        problem_add(l->problems, n->place, "E0118", "levels start at 0 and rise");
    }
    s->levels = levels;
    s->level_count = n->count;
}

static void load_score(struct loader *l, const struct yaml_node *key, const struct yaml_node *n)
{
    static const char *const taken[] = { "customer", "event", "now", "true", "false", "null" };
    struct facts_plan *plan = &l->rules->facts;
    const struct yaml_node *points = yaml_get(n, "points", NULL);
    const struct yaml_node *levels = yaml_get(n, "levels", NULL);
    struct score_plan *s;

    load_check_id(l, key, "a score");
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        if (text_is(key->text, taken[i])) {
            problem_add(l->problems, key->place, "E0010",
                        "a score cannot be called `%s`: expressions have that name already",
                        taken[i]);
        }
    }
    plan->scores = mem_grow32(plan->scores, plan->score_count, &plan->score_capacity,
                              sizeof(struct score_plan));
    s = &plan->scores[plan->score_count++];
    s->name = arena_text(l->arena, key->text);
    s->key = hash32(s->name);
    s->half_life_ms = load_duration(n, "half_life", DAY_MS);
    if (points != NULL && points->kind == YAML_MAP) {
        load_points(l, points, s);
    }
    if (levels != NULL && levels->kind == YAML_MAP) {
        load_levels(l, levels, s);
    }
}

/* The codes of ISO 4217 for money that is paid with. */
static const char currencies[] =
    " AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP "
    "BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP "
    "GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR "
    "KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK "
    "MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR "
    "SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS "
    "UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG ";

static bool is_currency(struct text t)
{
    char code[6];

    if (t.size != 3 || memchr(t.at, ' ', 3) != NULL) {
        return false;
    }
    snprintf(code, sizeof(code), " %.3s ", t.at);
    return strstr(currencies, code) != NULL;
}

void load_facts(struct loader *l)
{
    const struct yaml_node *currency = load_section(l, "currency", YAML_SCALAR);
    const struct yaml_node *scores = load_section(l, "scores", YAML_MAP);

    if (currency != NULL) {
        l->rules->facts.currency = arena_text(l->arena, currency->text);
        if (!is_currency(currency->text)) {
            problem_add(l->problems, currency->place, "E0007",
                        "expected a currency of ISO 4217, like EUR");
        }
    }
    load_attributes(l);
    load_filters(l);
    for (uint32_t i = 0; scores != NULL && i < scores->count; i++) {
        if (scores->items[i]->kind != YAML_MAP) {
            continue;
        }
        if (text_is(scores->keys[i]->text, "rfm")) {
            load_rfm(l, scores->keys[i], scores->items[i]);
        } else {
            load_score(l, scores->keys[i], scores->items[i]);
        }
    }
}
