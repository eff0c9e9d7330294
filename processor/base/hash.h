/* Hashes. All are part of stored state or of what users see: none may ever change.
 *
 * Layer: base. The only user of xxhash (header only).
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H
#include "processor/base/bytes.h"
#include "processor/base/text.h"

#include <stdint.h>

uint64_t hash64(struct text t); /* XXH3-64, seed 0 */
uint32_t hash32(struct text t); /* the low half of hash64: keys inside a customer record */

struct hash128 {
    uint8_t at[16]; /* XXH3-128, seed 0, canonical (big-endian) */
};
struct hash128 hash128(struct text t);

/* 32 lower-case hex digits and a NUL. */
void hash128_hex(struct hash128 h, char out_hex[33]);

/* Experiment and holdout draw (reference: FNV-1a 64 over salt, a zero byte and unit, then the
 * finaliser of MurmurHash3; the finaliser is what makes two experiments independent).
 * Returns: the bucket, 0..9999. */
uint32_t hash_bucket(struct text salt, struct text unit);
uint64_t hash_draw(struct text salt, struct text unit); /* the 64 bits before the bucket */

/* The partition a Java producer (and murmur2 of librdkafka) gives to a key. Requires: partitions >
 * 0. */
uint32_t hash_murmur2(struct text key);
/* CRC-16/XMODEM, of which a Redis Cluster makes slots. */
uint32_t hash_crc16(struct text key);
int32_t hash_partition(struct text key, int32_t partitions);

/* CRC-64-AVRO (Rabin fingerprint), for the parsing canonical form of a schema. */
uint64_t hash_rabin(struct text canonical);

#endif /* BASE_HASH_H */
