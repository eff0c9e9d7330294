#include "segmenters/arm.h"

#include "processor/base/check.h"
#include "processor/base/hash.h"

#define BUCKETS 10000

const struct arm_plan *arm_of(const struct arms_plan *p, struct text customer)
{
    uint64_t bucket = hash_bucket(p->salt, customer), cumulative = 0;

    CHECK(p->count > 0 && p->weight_total > 0);
    for (uint32_t i = 0; i < p->count; i++) {
        cumulative += p->arms[i].weight;
        if (bucket * p->weight_total < BUCKETS * cumulative) {
            return &p->arms[i];
        }
    }
    UNREACHABLE(); /* the last cumulative weight is the total, and a bucket is less than BUCKETS */
}
