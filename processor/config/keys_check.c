/* DESIGN. One walk over the tree beside the table: what a value must look like, which keys a map
 * may and must have. A place of something missing is the key whose value lacks it.
 */
#include "processor/base/instant.h"
#include "processor/config/keys.h"
#include "processor/config/scalar.h"

#define NAMES_MAX 40 /* keys of one map that a hint looks through */
#define SHOWN_MAX 60 /* bytes of a wrong value that a sentence quotes */

struct checking {
    struct config_problems *problems;
    const struct yaml_node *owner; /* the key whose value is looked at; NULL: the root */
};

static void check_value(struct checking *c, const struct yaml_node *n, const struct key *key);

static struct config_problem *expected(struct checking *c, const struct yaml_node *n,
                                       const char *code, const char *what)
{
    if (n->kind != YAML_SCALAR) {
        return problem_add(c->problems, n->place, code, "expected %s, found a %s", what,
                           n->kind == YAML_MAP ? "map" : "list");
    }
    if (yaml_is_null(n)) {
        return problem_add(c->problems, n->place, code, "expected %s, found nothing", what);
    }
    return problem_add(c->problems, n->place, code, "expected %s, found `%.*s`", what,
                       (int)(n->text.size < SHOWN_MAX ? n->text.size : SHOWN_MAX),
                       n->text.at == NULL ? "" : n->text.at);
}

static void check_names(struct checking *c, const struct yaml_node *n, const struct keys *keys)
{
    struct text names[NAMES_MAX];
    uint32_t count = 0;

    for (uint32_t i = 0; i < keys->count && count < NAMES_MAX; i++) {
        if (keys->items[i].name != NULL) {
            names[count++] = text_of(keys->items[i].name);
        }
    }
    for (uint32_t i = 0; i < n->count; i++) {
        const struct key *key = keys_find(keys, n->keys[i]->text);

        if (key != NULL) {
            struct checking inner = { c->problems, n->keys[i] };

            check_value(&inner, n->items[i], key);
        } else {
            struct config_problem *p =
                problem_add(c->problems, n->keys[i]->place, "E0005", "unknown key `%.*s`",
                            TEXT_PRINTF(n->keys[i]->text));

            problem_hint_known(p, n->keys[i]->text, names, count, "the keys here are");
        }
    }
    for (uint32_t i = 0; i < keys->count; i++) {
        if (keys->items[i].is_needed && yaml_get(n, keys->items[i].name, NULL) == NULL) {
            problem_hint(problem_add(c->problems, c->owner == NULL ? n->place : c->owner->place,
                                     "E0004", "`%s` is missing here", keys->items[i].name),
                         "`%s`: %s", keys->items[i].name, keys->items[i].says);
        }
    }
}

static void check_map(struct checking *c, const struct yaml_node *n, const struct keys *keys)
{
    if (n->kind == YAML_MAP) {
        check_names(c, n, keys);
    } else {
        expected(c, n, "E0006", "a map");
    }
}

static void check_list(struct checking *c, const struct yaml_node *n, const struct key *item)
{
    if (n->kind != YAML_LIST) {
        expected(c, n, "E0006", "a list");
        return;
    }
    for (uint32_t i = 0; i < n->count; i++) {
        struct checking inner = { c->problems, n->items[i] };

        check_value(&inner, n->items[i], item);
    }
}

static void check_texts(struct checking *c, const struct yaml_node *n)
{
    if (n->kind == YAML_MAP || yaml_is_null(n)) {
        expected(c, n, "E0006", "a value or a list of values");
    }
    for (uint32_t i = 0; n->kind == YAML_LIST && i < n->count; i++) {
        if (n->items[i]->kind != YAML_SCALAR || yaml_is_null(n->items[i])) {
            expected(c, n->items[i], "E0006", "a value");
        }
    }
}

static bool is_join(struct text name)
{
    return text_is(name, "all") || text_is(name, "any") || text_is(name, "none");
}

static void check_predicate(struct checking *c, const struct yaml_node *n)
{
    static const struct key each = { NULL, .shape = SHAPE_PREDICATE };

    if (n->kind == YAML_LIST || yaml_is_null(n)) {
        expected(c, n, "E0006", "an expression, or a map of all, any or none");
    }
    if (n->kind != YAML_MAP) {
        return;
    }
    if (n->count != 1) {
        expected(c, n, "E0006", "one of all, any and none");
    }
    for (uint32_t i = 0; i < n->count; i++) {
        struct checking inner = { c->problems, n->keys[i] };

        if (!is_join(n->keys[i]->text)) {
            problem_hint(problem_add(c->problems, n->keys[i]->place, "E0005", "unknown key `%.*s`",
                                     TEXT_PRINTF(n->keys[i]->text)),
                         "an expression is a text, or a map with one of all, any and none");
        } else if (n->items[i]->kind == YAML_LIST && n->items[i]->count == 0) {
            expected(c, n->items[i], "E0006", "at least one expression");
        } else {
            check_list(&inner, n->items[i], &each);
        }
    }
}

/* A map is an expression when its first key says so. */
static bool is_predicate(const struct yaml_node *n)
{
    return n->kind != YAML_MAP || (n->count > 0 && is_join(n->keys[0]->text));
}

static void check_choice(struct checking *c, const struct yaml_node *n, const char *choices)
{
    struct text names[16];
    uint32_t count = 0;
    char what[160];

    for (const char *at = choices; *at != '\0' && count < 16;) {
        size_t size = strcspn(at, " ");

        names[count++] = (struct text){ at, size };
        if (text_equal(n->text, names[count - 1])) {
            return;
        }
        at += size + (at[size] == ' ');
    }
    snprintf(what, sizeof(what), "one of %s", choices);
    problem_hint_nearest(expected(c, n, "E0008", count == 1 ? choices : what), n->text, names,
                         count);
}

static void check_range(struct checking *c, const struct yaml_node *n, const struct key *key,
                        int64_t value)
{
    char least[INSTANT_TEXT_SIZE], most[INSTANT_TEXT_SIZE];

    if ((key->least == 0 && key->most == 0) || (value >= key->least && value <= key->most)) {
        return;
    }
    if (key->shape == SHAPE_DURATION) {
        instant_format_duration(key->least, least);
        instant_format_duration(key->most, most);
    } else {
        snprintf(least, sizeof(least), "%lld", (long long)key->least);
        snprintf(most, sizeof(most), "%lld", (long long)key->most);
    }
    problem_add(c->problems, n->place, "E0008", "`%.*s` is out of range: %s to %s",
                TEXT_PRINTF(n->text), least, most);
}

static void check_fraction(struct checking *c, const struct yaml_node *n)
{
    double real;

    if (!scalar_double(n, &real) || !(real > 0 && real < 1)) {
        expected(c, n, "E0007", "a number between 0 and 1, like 0.05");
    }
}

static void check_scalar(struct checking *c, const struct yaml_node *n, const struct key *key)
{
    int64_t number = 0;
    int32_t from, to;
    bool flag;

    if (n->kind != YAML_SCALAR || yaml_is_null(n)) {
        expected(c, n, "E0006", key->shape == SHAPE_BOOL ? "true or false" : "a value");
        return;
    }
    switch ((int)key->shape) {
    case SHAPE_BOOL:
        if (!scalar_bool(n, &flag)) {
            expected(c, n, "E0009", "true or false");
        }
        break;
    case SHAPE_INT:
        if (!scalar_int(n, &number)) {
            expected(c, n, "E0006", "a whole number");
            return;
        }
        break;
    case SHAPE_OFFSET:
        if (!scalar_offset(n, &number)) {
            expected(c, n, "E0007", "a time from the start, like +3d or +61d8h30m");
        }
        return;
    case SHAPE_DURATION:
        if (!scalar_duration(n, &number)) {
            expected(c, n, "E0007", "a duration like 90s, 15m, 3d or 2w");
            return;
        }
        break;
    case SHAPE_MONEY:
        if (!scalar_money(n, &number)) {
            expected(c, n, "E0007", "money like \"25.00\"");
        }
        break;
    case SHAPE_PERCENT:
        if (!scalar_percent(n, &number)) {
            expected(c, n, "E0007", "a percentage like 5%, from 0% to 100%");
        }
        break;
    case SHAPE_SIZE:
        if (!scalar_size(n, &number)) {
            expected(c, n, "E0007", "a size like 64MiB");
            return;
        }
        break;
    case SHAPE_INSTANT:
        if (!scalar_instant(n, &number)) {
            expected(c, n, "E0007", "an instant like 2026-03-02T09:00:00Z");
        }
        return;
    case SHAPE_CLOCKS:
        if (!scalar_clocks(n, &from, &to)) {
            expected(c, n, "E0007", "times of the day like \"09:00-18:00\", not equal");
        }
        break;
    case SHAPE_CHOICE:
        check_choice(c, n, key->choices);
        break;
    default:
        break;
    }
    if (key->shape == SHAPE_INT || key->shape == SHAPE_DURATION || key->shape == SHAPE_SIZE) {
        check_range(c, n, key, number);
    }
}

static void check_value(struct checking *c, const struct yaml_node *n, const struct key *key)
{
    switch (key->shape) {
    case SHAPE_ANY:
        break;
    case SHAPE_UNSUPPORTED:
        problem_add(c->problems, c->owner->place, "E0901", "not supported yet: %s", key->choices);
        break;
    case SHAPE_TEXTS:
        check_texts(c, n);
        break;
    case SHAPE_PREDICATE:
        check_predicate(c, n);
        break;
    case SHAPE_PREDICATE_OR_MAP:
        if (is_predicate(n)) {
            check_predicate(c, n);
        } else {
            check_names(c, n, key->keys);
        }
        break;
    case SHAPE_LIST_OF:
        check_list(c, n, &key->keys->items[0]);
        break;
    case SHAPE_TEXTS_OR_MAP:
        if (n->kind == YAML_MAP) {
            check_names(c, n, key->keys);
        } else {
            check_texts(c, n);
        }
        break;
    case SHAPE_TEXT_OR_MAP:
        if (n->kind == YAML_MAP) {
            check_names(c, n, key->keys);
        } else if (n->kind == YAML_LIST || yaml_is_null(n)) {
            expected(c, n, "E0006", "a name or a map");
        }
        break;
    case SHAPE_MAP:
    case SHAPE_MAP_OF:
        check_map(c, n, key->keys);
        break;
    case SHAPE_FRACTION:
        check_fraction(c, n);
        break;
    case SHAPE_TEXT:
    case SHAPE_BOOL:
    case SHAPE_INT:
    case SHAPE_DURATION:
    case SHAPE_OFFSET:
    case SHAPE_MONEY:
    case SHAPE_PERCENT:
    case SHAPE_SIZE:
    case SHAPE_INSTANT:
    case SHAPE_CLOCKS:
    case SHAPE_CHOICE:
        check_scalar(c, n, key);
        break;
    }
}

void keys_check_map(const struct yaml_node *n, const struct yaml_node *owner,
                    const struct keys *keys, struct config_problems *problems)
{
    struct checking c = { problems, owner };

    check_map(&c, n, keys);
}
