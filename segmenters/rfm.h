/* RFM: recency, frequency and monetary value of a customer's orders, scored 1..5 by fixed cuts.
 *
 * Layer: segmenters (pure). Source: LANGUAGE.md section 4; rf11 is the map of 11 names over R and
 * F.
 */
#ifndef SEGMENTERS_RFM_H
#define SEGMENTERS_RFM_H
#include "schemas/customer.h"

#include <stdbool.h>
#include <stdint.h>

#define RFM_CUTS  4
#define RFM_CELLS 125

struct rfm_plan {
    bool is_used;
    int64_t window_ms;            /* never: `window: ever` */
    int64_t recency_ms[RFM_CUTS]; /* ages at which the score rises from 1 to 5, falling: 180d 90d
                                     30d 7d */
    int64_t frequency[RFM_CUTS];  /* least orders of scores 2..5 */
    int64_t monetary[RFM_CUTS];   /* least net minor units of scores 2..5 */
    struct text cells[RFM_CELLS]; /* name of cell (r-1)*25 + (f-1)*5 + (m-1) */
    struct text names[RFM_CELLS +
                      2]; /* distinct names in order of first cell, then "prospect" and "lapsed" */
    uint32_t name_count;
};

struct rfm {
    bool is_known;       /* an order is in the window: r, f, m, recency have values */
    int32_t r, f, m;     /* 1..5 */
    int64_t recency_ms;  /* age of the last order */
    int64_t frequency;   /* orders in the window */
    int64_t monetary;    /* net, minor units */
    struct text segment; /* name of the cell, "prospect" or "lapsed" */
    /* Earliest later instant at which each may change with no new event. */
    int64_t r_until_ms, f_until_ms, m_until_ms;
};

/* Requires: plan->is_used. now_ms: orders at e count when 0 <= now - e < window. Cannot fail. */
struct rfm rfm_value(const struct rfm_plan *plan, const struct customer *c, int64_t now_ms);

/* An order placed by now_ms that was not refunded to nothing; what it brought in the deployment's
 * currency, net of refunds. Windows are the caller's. */
bool rfm_order_counts(const struct order *o, int64_t now_ms);
int64_t rfm_order_net(const struct order *o);

/* The shipped maps: "rf11", "l125". Returns: false when the name is neither. Fills cells and names.
 */
bool rfm_map_named(struct rfm_plan *plan, struct text name);

/* Fill `names` from `cells`, for an own map. Requires: every cell has a name. */
void rfm_map_names(struct rfm_plan *plan);

#endif /* SEGMENTERS_RFM_H */
