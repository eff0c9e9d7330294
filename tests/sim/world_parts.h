/* What the files of the simulated world share: world.c owners, records and steps; world_kafka.c the
 * group and the outputs.
 */
#ifndef TESTS_SIM_WORLD_PARTS_H
#define TESTS_SIM_WORLD_PARTS_H
#include "tests/sim/sim.h"

#define IN_FLIGHT 4096

struct owner {
    struct task *task; /* NULL: an earlier owner's transaction is still open on the partition */
    struct store *store;
    uint32_t partition;
    bool is_zombie; /* somebody else owns the partition already */
    bool is_under_way;
    bool is_claimed;
    uint32_t cursors[TOPICS_MAX]; /* index of the next record to deliver */
    const struct outbox_entry *in_flight[IN_FLIGHT];
    uint32_t in_flight_count;
    uint32_t number;
    int64_t generation;      /* in which the group named it */
    uint32_t transaction;    /* number of the open one; 0: none */
    uint32_t produced;       /* how many of in_flight are in it */
    bool is_refused;         /* the group knows its generation no more */
    bool is_untold;          /* a transaction ended it does not know how: it must join anew */
    int64_t told_version;    /* covered by the last offsets that left */
    int64_t claimed_version; /* of the state at the claim */
    int64_t comebacks;       /* of the store, seen */
    uint32_t steps_behind;   /* the store is older than what was committed: 2, 1, .. */
};

struct simulation {
    struct world *w;
    struct owner *owners[OWNERS_MAX];
    uint32_t owner_count;
    uint32_t owners_made;
};

bool world_may(struct world *w, uint32_t per_10000); /* a fault, while there are any */

/* --- world_kafka.c --- */
void kafka_mark(struct world *w, struct owner *o);    /* what WANT_MARK asks for */
void kafka_publish(struct world *w, struct owner *o); /* one step of its outputs */
void kafka_die(struct world *w, struct owner *o);     /* what it had sent may have arrived or not */
void kafka_leak(struct world *w, const struct commit *c); /* outputs leave, whatever becomes of c */
/* The mark that a newcomer reads. Returns: false while a transaction is open on the partition. */
bool kafka_read_mark(struct world *w, uint32_t partition, const struct mark **out_mark);

#endif /* TESTS_SIM_WORLD_PARTS_H */
