/* Arms of an experiment: which one a customer is in, by the published draw.
 *
 * Layer: segmenters (pure). Source: LANGUAGE.md section 8. A draw depends on nothing but the salt
 * and the customer, so everybody who knows both computes the same arm, at any time.
 */
#ifndef SEGMENTERS_ARM_H
#define SEGMENTERS_ARM_H
#include "processor/base/text.h"

#include <stdint.h>

#define ARM_WEIGHT_MAX 1000000
#define ARMS_MAX       32

struct arm_plan {
    struct text name;
    uint32_t key;    /* hash32(name): in a customer's record */
    uint32_t weight; /* 0..ARM_WEIGHT_MAX */
    struct text use; /* id of the content, or template, that it shows */
};

struct arms_plan { /* of one version of one experiment */
    struct text experiment;
    struct text salt; /* the experiment's id; from version 2 on id.version */
    const struct arm_plan *arms;
    uint32_t count;        /* 1..ARMS_MAX */
    uint64_t weight_total; /* > 0 */
};

/* The first arm, in order, with bucket * total weight < 10000 * cumulative weight. */
const struct arm_plan *arm_of(const struct arms_plan *p, struct text customer);

#endif /* SEGMENTERS_ARM_H */
