/* Counters of one partition for reports: named sums that ride in the same commit as what they
 * count, so they are exact through every crash.
 *
 * Layer: schemas. A name is a path whose parts hold no '/':
 *   segment/<id>/entered|left                      size = entered - left
 *   segment/<id>/member_s                          seconds: instants left minus instants entered;
 *                                                  + size * now is the time that all spent in it
 *   overlap/<id>/<id>                              customers in both, the lesser id first; of
 *                                                  configurations with few segments
 *   sequence/<id>/<outcome of a run>               sequence/<id>/holdout/<outcome>: held-out runs
 *   email/<sequence>/<email>/sent|<outcome>
 *   email/<sequence>/<email>/orders|revenue        first records of orders whose last click before
 *                                                  was on it; minor units, before refunds
 *   revenue/orders|amount                          of all orders in the currency
 *   content/<slot>/<content>/<segment>/sent|<outcome>  the first of `resolve` the customer was in
 *   experiment/<id>/<version>/arms                 hash of its arms: no sum, but what was run with
 *   experiment/<id>/<version>/<arm>/day/<date>/exposed|converted|unsubscribed|complained
 *                                                  of the customers exposed on that UTC day
 *   experiment/<id>/<version>/<arm>/day/<date>/successes
 *                                                  conversions that happened on that UTC day
 *   experiment/<id>/<version>/<arm>/week/<date of its Monday>/<segment>/exposed|converted
 *                                                  by segment at the exposure
 *   since/<n>/<name>                               what <name> was when the day in since/<n> began;
 *                                                  n is that day modulo COUNTERS_DAYS
 *   since/day                                      the newest of those days, since 1970-01-01
 * A day begins with the first thing counted on it, so what is counted late belongs to the newest.
 * Sums over partitions are sums over all customers. Owner: whoever has the struct; zeroed is empty.
 */
#ifndef SCHEMAS_COUNTERS_H
#define SCHEMAS_COUNTERS_H
#include "processor/base/arena.h"
#include "processor/base/map.h"
#include "processor/base/text.h"

#include <stdbool.h>
#include <stdint.h>

#define COUNTERS_MAX       100000 /* of one partition; what a later name counts is lost, and .. */
#define COUNTERS_LOST      "lost" /* .. counted here */
#define COUNTERS_NAME_SIZE 1024
#define COUNTERS_DAYS      32 /* days whose beginnings are kept; experiments keep their own */

struct counter_value {
    struct text name;
    int64_t value;
};

struct counter {
    struct text name; /* owned */
    int64_t value;
    int64_t clean;   /* at the last counters_clean */
    bool is_changed; /* since then */
    bool is_new;     /* not written down yet */
};

struct counters {
    struct map by_name;       /* name -> counter */
    struct counter **changed; /* in order of their first change */
    uint32_t changed_count;
    uint32_t changed_capacity;
    int64_t day; /* what since/day says; 0: not looked at yet */
};

void counters_fini(struct counters *c);
void counters_add(struct counters *c, struct text name, int64_t by);
void counters_set(struct counters *c, struct text name, int64_t value);
bool counters_find(const struct counters *c, struct text name, int64_t *out_value);
int64_t counters_value(const struct counters *c, struct text name); /* 0: not there */

/* Something happens on that UTC day: when it is a new one, keep what everything is now. */
void counters_turn(struct counters *c, int64_t day);
void counters_clean(struct counters *c); /* what changed is written down */
/* All as they were at the last counters_clean. Names are those of `c`; Owner: arena. */
const struct counter_value *counters_durable(const struct counters *c, struct arena *arena,
                                             uint32_t *out_count);

#endif /* SCHEMAS_COUNTERS_H */
