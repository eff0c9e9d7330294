/* What the rules cost: bytes of state per customer, and what an event of each kind looks at again.
 *
 * Layer: config. Sizes are those of records that are really built and encoded, one as a busy
 * customer has it (typical), one at every limit (most).
 */
#ifndef CONFIG_FOOTPRINT_H
#define CONFIG_FOOTPRINT_H
#include "processor/engine/rules.h"

enum footprint_part {
    FOOTPRINT_IDS, /* to drop repeats */
    FOOTPRINT_ATTRIBUTES,
    FOOTPRINT_ORDERS,
    FOOTPRINT_HISTORIES,
    FOOTPRINT_SCORES,
    FOOTPRINT_MEMBERSHIPS,
    FOOTPRINT_SEQUENCES, /* runs, triggers sent, entries, exposures to experiments */
    FOOTPRINT_REST,
    FOOTPRINT__COUNT
};
const char *footprint_name(enum footprint_part part);

struct footprint {
    int64_t typical[FOOTPRINT__COUNT], most[FOOTPRINT__COUNT]; /* bytes */
    int64_t typical_bytes, most_bytes;                         /* the whole record */
};

/* Typical: 64 ids, every attribute set (texts of 12 bytes), 5 orders, 10 entries a counter, 8
 * triggers with a click each, one run of the longest sequence. Most: texts of 4 KiB, 1,000 orders
 * and entries and as many days of older ones, a run of every sequence at its last email. */
void footprint_of(const struct rules *rules, struct footprint *out);

struct event_cost {
    struct text kind;
    uint32_t segments; /* of all, looked at again at most */
    uint32_t steps;    /* nodes of predicates evaluated: filters, segments, goal and stop_if of an
                          active run of every sequence */
};

/* By kind that the rules name, dearest first. Returns: how many were written. */
uint32_t footprint_events(const struct rules *rules, struct event_cost *out, uint32_t room);

#endif /* CONFIG_FOOTPRINT_H */
