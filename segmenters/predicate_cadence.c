/* DESIGN. How long a customer may stay away before it is unusual for this customer: the time
 * between orders is exponential at a rate that differs by customer, gamma-distributed over all of
 * them with shape r and scale alpha. After x repeat orders in a span t the share q of gaps is over
 * by g = (alpha + t) * ((1 - q)^(-1 / (r + x)) - 1). With one order nothing is known of the
 * customer, and a fixed time stands in. (Fader, Hardie: the gamma mixture of exponentials, also
 * behind BG/NBD.)
 *
 * No libm: exp and log are summed here, so that every machine gets the same bits.
 */
#include "segmenters/predicate_node.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "segmenters/rfm.h"

#define WEEK_MS          ((double)(7 * DAY_MS))
#define GAP_MS_MIN       (14 * DAY_MS)
#define GAP_MS_MAX       (365 * DAY_MS)
#define GAP_MS_ONE_ORDER (90 * DAY_MS)
#define TERMS_MAX        200 /* of a series: by far enough for doubles */

/* -ln(1 - q) for 0 < q < 1, by halving what is left and a series on the rest. */
static double patience_of(double q)
{
    const double ln2 = 0.69314718055994530942;
    double left = 1 - q, sum = 0, y, term;

    while (left < 0.5) {
        left *= 2;
        sum += ln2;
    }
    y = (1 - left) / (1 + left); /* -ln(left) = 2 atanh(y) */
    term = y;
    for (int i = 1; i < TERMS_MAX && term > 0; i += 2) {
        sum += 2 * term / i;
        term *= y * y;
    }
    return sum;
}

/* e^x - 1 for x >= 0: the series of a small part of x, then (1 + a)^2 - 1 = a (2 + a). */
static double exp_less_one(double x)
{
    double value = 0, term;
    int doublings = 0;

    while (x > 0.5) {
        x /= 2;
        doublings++;
    }
    term = x;
    for (int i = 2; i < TERMS_MAX && term > value * 1e-18; i++) {
        value += term;
        term *= x / i;
    }
    for (; doublings > 0; doublings--) {
        value *= 2 + value;
    }
    return value;
}

/* The gap that is overdue after `repeats` orders more than one over span_ms. */
static int64_t gap_of(const struct facts_plan *plan, double patience, int64_t repeats,
                      int64_t span_ms)
{
    double weeks;

    if (repeats <= 0) {
        return GAP_MS_ONE_ORDER;
    }
    weeks = (plan->cadence_alpha + (double)span_ms / WEEK_MS) *
            exp_less_one(patience / (plan->cadence_r + (double)repeats));
    if (weeks * WEEK_MS >= (double)GAP_MS_MAX) {
        return GAP_MS_MAX;
    }
    return weeks * WEEK_MS <= (double)GAP_MS_MIN ? GAP_MS_MIN : (int64_t)(weeks * WEEK_MS) + 1;
}

bool predicate_check_overdue(struct compile *c, struct node *n)
{
    const struct node *q = n->child_count == 2 ? n->children[1] : NULL;

    if (q == NULL || !predicate_is_text_constant(n->children[0]) ||
        !text_is(n->children[0]->value.as.text, "purchase") || q->kind != NODE_CONST ||
        q->type != TYPE_DOUBLE || !(q->value.as.real > 0 && q->value.as.real < 1)) {
        return predicate_fail_node(
            c, n, "write overdue(\"purchase\", 0.9): the share of gaps that are shorter");
    }
    if (!c->plan->has_cadence) {
        return predicate_fail_node(c, n,
                                   "overdue() needs `cadence: {r, alpha}` under scores: rfm:");
    }
    n->kind = NODE_OVERDUE;
    n->type = TYPE_BOOL;
    n->patience = patience_of(q->value.as.real);
    c->depends |= FACT_RFM;
    c->plan->order_window_ms =
        GAP_MS_MAX > c->plan->order_window_ms ? GAP_MS_MAX : c->plan->order_window_ms;
    return true;
}

struct result predicate_overdue(const struct node *n, const struct view *v)
{
    const struct customer *c = v->customer;
    int64_t last_ms = INSTANT_NEVER, next_ms = INSTANT_NEVER, coming = 0, due_ms;
    struct result r = { .value.type = VALUE_BOOL };

    for (uint32_t i = 0; i < c->order_count; i++) {
        const struct order *o = &c->orders[i];

        if (!rfm_order_counts(o, INSTANT_NEVER - 1)) {
            continue;
        }
        if (o->at_ms <= v->now_ms) {
            last_ms = o->at_ms;
        } else {
            next_ms = o->at_ms < next_ms ? o->at_ms : next_ms;
            coming++;
        }
    }
    r.until_ms = next_ms;
    if (last_ms == INSTANT_NEVER) {
        r.is_unknown = r.is_missing = true;
        return r;
    }
    due_ms = last_ms +
             gap_of(v->plan, n->patience, c->orders_ever - coming - 1, last_ms - c->order_first_ms);
    r.value.as.boolean = due_ms <= v->now_ms;
    r.until_ms = due_ms > v->now_ms && due_ms < next_ms ? due_ms : next_ms;
    return r;
}
