/* Names and what is selected of them: customer, event, rfm, scores, now; wrong ones get the nearest
 * known as a hint.
 */
#include "segmenters/predicate_node.h"

#include "processor/base/check.h"
#include "processor/base/hash.h"

bool predicate_fail_name(struct compile *c, const struct node *n, const char *what,
                         const char *prefix, const struct text_nearest *near)
{
    bool is_first = c->error->text[0] == '\0';

    predicate_fail(c->error, n->offset, n->size, "unknown %s `%s%.*s`", what, prefix,
                   (int)(near->wrong.size > 60 ? 60 : near->wrong.size), near->wrong.at);
    if (is_first && near->best.at != NULL) {
        (void)text_format(c->error->hint, sizeof(c->error->hint), "did you mean `%s%.*s`?", prefix,
                          TEXT_PRINTF(near->best));
    }
    return false;
}

static bool fail_scope(struct compile *c, const struct node *n, const char *what_a_filter_sees)
{
    return predicate_fail_node(c, n,
                               c->scope == PREDICATE_CELL ? "a map of rfm sees only r, f and m"
                                                          : what_a_filter_sees);
}

/* `amount` is money where there is any, of whatever event. */
static bool is_money(const struct compile *c, uint32_t field)
{
    return c->plan->currency.at != NULL && field == hash32(TEXT("amount"));
}

static bool check_attribute(struct compile *c, struct node *n, struct text name)
{
    n->attribute = facts_attribute(c->plan, name);
    if (n->attribute == NULL) {
        struct text_nearest near = { .wrong = name };

        for (uint32_t i = 0; i < c->plan->attribute_count; i++) {
            text_nearest_try(&near, c->plan->attributes[i].name);
        }
        return predicate_fail_name(c, n, "attribute", "customer.", &near);
    }
    n->kind = NODE_ATTRIBUTE;
    n->type = n->attribute->remember_kind.at == NULL      ? predicate_type_of(n->attribute->type)
              : is_money(c, n->attribute->remember_field) ? TYPE_MONEY
                                                          : TYPE_DYNAMIC; /* as it comes */
    c->depends |= FACT_ATTRIBUTES;
    return true;
}

static bool check_rfm(struct compile *c, struct node *n)
{
    static const struct {
        const char *name;
        enum node_type type;
    } parts[] = { { "r", TYPE_INT },
                  { "f", TYPE_INT },
                  { "m", TYPE_INT },
                  { "segment", TYPE_TEXT },
                  { "recency", TYPE_DURATION },
                  { "frequency", TYPE_INT },
                  { "monetary", TYPE_MONEY } };
    struct text_nearest near = { .wrong = n->name };

    if (!c->plan->rfm.is_used) {
        return predicate_fail_node(c, n, "no score `rfm` is declared under scores:");
    }
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (text_is(n->name, parts[i].name)) {
            n->kind = NODE_RFM;
            n->part = (int)i;
            n->type = parts[i].type;
            c->depends |= FACT_RFM;
            return true;
        }
        text_nearest_try(&near, text_of(parts[i].name));
    }
    return predicate_fail_name(c, n, "part", "rfm.", &near);
}

static bool check_score(struct compile *c, struct node *n, struct text name)
{
    n->score = facts_score(c->plan, name);
    if (n->score == NULL) {
        struct text_nearest near = { .wrong = name };

        text_nearest_try(&near, TEXT("customer"));
        text_nearest_try(&near, TEXT("event"));
        for (uint32_t i = 0; i < c->plan->score_count; i++) {
            text_nearest_try(&near, c->plan->scores[i].name);
        }
        return predicate_fail_name(c, n, "name", "", &near);
    }
    if (text_is(n->name, "score")) {
        n->kind = NODE_SCORE;
        n->type = TYPE_SCORE;
    } else if (text_is(n->name, "level")) {
        n->kind = NODE_LEVEL;
        n->type = TYPE_LEVEL;
    } else {
        return predicate_fail_node(c, n, "a score has `score` and `level`");
    }
    c->depends |= FACT_SCORE((uint32_t)(n->score - c->plan->scores));
    return true;
}

/* The dotted path of a chain of selections that begins with a name; absent when it is something
 * else. */
static struct text path_of(struct compile *c, const struct node *n)
{
    struct text inner;

    if (n->kind == NODE_NAME) {
        return n->name;
    }
    if (n->kind != NODE_SELECT) {
        return TEXT_NONE;
    }
    inner = path_of(c, n->children[0]);
    return inner.at == NULL
               ? TEXT_NONE
               : arena_format(c->arena, "%.*s.%.*s", TEXT_PRINTF(inner), TEXT_PRINTF(n->name));
}

bool predicate_check_select(struct compile *c, struct node *n)
{
    struct text path = path_of(c, n);
    struct text prefix = TEXT("event.");

    if (path.at == NULL) {
        return predicate_fail_node(c, n, "only customer, event, rfm and scores have fields");
    }
    if (text_starts_with(path, prefix) && c->scope != PREDICATE_CELL) {
        if (c->scope != PREDICATE_EVENT) {
            return predicate_fail_node(
                c, n, "`event` exists in filters only; declare a filter and count it");
        }
        n->kind = NODE_FIELD;
        n->key = hash32((struct text){ path.at + prefix.size, path.size - prefix.size });
        n->type = is_money(c, n->key) ? TYPE_MONEY : TYPE_DYNAMIC;
        return true;
    }
    if (c->scope != PREDICATE_CUSTOMER) {
        return fail_scope(c, n, "a filter sees only the event: event.<field>");
    }
    if (n->children[0]->kind != NODE_NAME) {
        return predicate_fail_node(c, n, "only event fields have fields of their own");
    }
    if (text_is(n->children[0]->name, "customer")) {
        return check_attribute(c, n, n->name);
    }
    if (text_is(n->children[0]->name, "rfm")) {
        return check_rfm(c, n);
    }
    return check_score(c, n, n->children[0]->name);
}

bool predicate_check_name(struct compile *c, struct node *n)
{
    struct text_nearest near = { .wrong = n->name };

    if (c->scope == PREDICATE_CELL) {
        return facts_attribute(c->plan, n->name) != NULL ? check_attribute(c, n, n->name)
                                                         : fail_scope(c, n, "");
    }
    if (text_is(n->name, "now")) {
        n->kind = NODE_NOW;
        n->type = TYPE_INSTANT;
        return c->scope == PREDICATE_CUSTOMER ||
               predicate_fail_node(c, n, "a filter sees only the event, not `now`");
    }
    text_nearest_try(&near, TEXT("now"));
    return predicate_fail_name(c, n, "name", "", &near);
}
