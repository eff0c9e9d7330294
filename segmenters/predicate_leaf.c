/* What is read and not calculated: attributes, fields, scores, rfm, state; and a score against its
 * bound.
 */
#include "segmenters/predicate_node.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "segmenters/arm.h"
#include "segmenters/rfm.h"
#include "segmenters/score.h"

/* Money that came as a number, of a field named amount. */
static struct result typed(const struct node *n, const struct value *value)
{
    struct result r = result_known(*value, INSTANT_NEVER);

    if (n->type == TYPE_MONEY && value->type == VALUE_INT) {
        r.value.type = VALUE_MONEY;
    }
    return r;
}

static struct result attribute_result(const struct node *n, const struct view *v)
{
    const struct attribute *a = customer_attribute(v->customer, n->attribute->key);
    const struct value *value =
        a == NULL || a->value.type == VALUE_NULL ? &n->attribute->fallback : &a->value;

    return value->type == VALUE_NULL ? result_missing(INSTANT_NEVER) : typed(n, value);
}

static struct result field_result(const struct node *n, const struct view *v)
{
    const struct value *value = v->event == NULL ? NULL : event_field(v->event, n->key);

    if (value == NULL || value->type == VALUE_NULL) {
        return result_missing(INSTANT_NEVER);
    }
    if (n->type == TYPE_MONEY && v->event->currency.at != NULL &&
        !text_equal(v->event->currency, v->plan->currency)) {
        return result_unknown(INSTANT_NEVER); /* money of another currency compares with none */
    }
    return typed(n, value);
}

static struct result rfm_result(const struct node *n, const struct view *v)
{
    struct rfm r = rfm_value(&v->plan->rfm, v->customer, v->now_ms);
    int64_t any_ms = result_least(r.r_until_ms, result_least(r.f_until_ms, r.m_until_ms));
    struct result age;

    switch ((enum rfm_part)n->part) {
    case RFM_SEGMENT:
        return result_known((struct value){ .type = VALUE_TEXT, .as.text = r.segment }, any_ms);
    case RFM_FREQUENCY:
        return result_known(result_integer(VALUE_INT, r.frequency), r.f_until_ms);
    case RFM_MONETARY:
        return result_known(result_integer(VALUE_MONEY, r.monetary), r.m_until_ms);
    case RFM_R:
    case RFM_F:
    case RFM_M:
    case RFM_RECENCY:
        break;
    }
    if (!r.is_known) {
        return result_missing(any_ms);
    }
    switch ((enum rfm_part)n->part) {
    case RFM_R:
        return result_known(result_integer(VALUE_INT, r.r), r.r_until_ms);
    case RFM_F:
        return result_known(result_integer(VALUE_INT, r.f), r.f_until_ms);
    case RFM_M:
        return result_known(result_integer(VALUE_INT, r.m), r.m_until_ms);
    case RFM_RECENCY:
        age = result_known(result_integer(VALUE_DURATION, r.recency_ms), any_ms);
        age.slope = 1;
        return age;
    case RFM_SEGMENT:
    case RFM_FREQUENCY:
    case RFM_MONETARY:
        break;
    }
    UNREACHABLE();
}

static int64_t score_now(const struct node *n, const struct view *v, const struct score **out_score)
{
    *out_score = customer_score(v->customer, n->score->key);
    return *out_score == NULL ? 0 : score_value(*out_score, v->now_ms, n->score->half_life_ms);
}

static int64_t falls_below(const struct node *n, const struct view *v, const struct score *s,
                           int64_t bound)
{
    return s == NULL ? INSTANT_NEVER
                     : score_falls_below(s, bound, v->now_ms, n->score->half_life_ms);
}

static struct result level_result(const struct node *n, const struct view *v)
{
    const struct score *s;
    int64_t points = score_now(n, v, &s);
    uint32_t level = n->score->level_count - 1;

    CHECK(n->score->level_count > 0);
    while (level > 0 && points < n->score->levels[level].least_q40) {
        level--;
    }
    return result_known(
        (struct value){ .type = VALUE_TEXT, .as.text = n->score->levels[level].name },
        level == 0 ? INSTANT_NEVER : falls_below(n, v, s, n->score->levels[level].least_q40));
}

/* score OP bound: >= and < flip when the score falls below the bound; > and <= when it falls to it.
 */
struct answer predicate_score_compare(const struct node *n, const struct view *v)
{
    const struct node *of = n->children[0];
    int64_t bound = n->children[1]->value.as.integer;
    const struct score *s;
    int64_t points = score_now(of, v, &s);
    bool is_strict = n->op == OP_GT || n->op == OP_LE;
    bool is_above = is_strict ? points > bound : points >= bound;

    return (struct answer){ predicate_compare_int(points, n->op, bound) ? TRUTH_TRUE : TRUTH_FALSE,
                            is_above ? falls_below(of, v, s, is_strict ? bound + 1 : bound)
                                     : INSTANT_NEVER };
}

static struct result in_segment_result(const struct node *n, const struct view *v)
{
    const struct membership *m = customer_membership(v->customer, n->key);
    bool is_in = m != NULL && m->is_member && (n->rung == 0 || m->rung == n->rung);

    return result_bool(is_in, INSTANT_NEVER); /* a change of that segment is an input of its own */
}

static struct result state_result(const struct node *n, const struct view *v)
{
    const struct entry *e;

    switch ((int)n->kind) {
    case NODE_IN_SEGMENT:
        return in_segment_result(n, v);
    case NODE_IN_SEQUENCE:
        return result_bool(customer_run(v->customer, n->key) != NULL, INSTANT_NEVER);
    case NODE_COMPLETED:
        e = customer_entry(v->customer, n->key);
        return result_bool(e != NULL && e->is_completed, INSTANT_NEVER);
    case NODE_HAS_ATTRIBUTE: {
        struct result r = attribute_result(n, v);

        return result_bool(!r.is_unknown, INSTANT_NEVER);
    }
    default:
        return result_bool(!field_result(n, v).is_missing, INSTANT_NEVER);
    }
}

/* The draw never changes, whatever happens. */
static struct result arm_result(const struct node *n, const struct view *v)
{
    CHECK(v->id.at != NULL);
    return result_known(
        (struct value){ .type = VALUE_TEXT, .as.text = arm_of(n->arms, v->id)->name },
        INSTANT_NEVER);
}

/* A score by itself is never asked for but in comparisons: a number of points. */
static struct result score_result(const struct node *n, const struct view *v)
{
    const struct score *s;
    int64_t points = score_now(n, v, &s);

    return result_known(result_integer(VALUE_INT, points),
                        points == 0 ? INSTANT_NEVER : v->now_ms + 1);
}

struct result predicate_leaf(const struct node *n, const struct view *v)
{
    struct result r;

    switch ((int)n->kind) {
    case NODE_CONST:
    case NODE_LIST:
        return result_known(n->value, INSTANT_NEVER);
    case NODE_ATTRIBUTE:
        return attribute_result(n, v);
    case NODE_FIELD:
        return field_result(n, v);
    case NODE_NOW:
        r = result_known(result_integer(VALUE_INSTANT, v->now_ms), INSTANT_NEVER);
        r.slope = 1;
        return r;
    case NODE_RFM:
        return rfm_result(n, v);
    case NODE_LEVEL:
        return level_result(n, v);
    case NODE_ARM:
        return arm_result(n, v);
    case NODE_SCORE:
        return score_result(n, v);
    default:
        return state_result(n, v);
    }
}
