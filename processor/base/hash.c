#include "processor/base/hash.h"

#include "processor/base/check.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME  UINT64_C(0x100000001b3)
#define BUCKETS    10000

uint64_t hash64(struct text t)
{
    return XXH3_64bits(t.at == NULL ? "" : t.at, t.size);
}

uint32_t hash32(struct text t)
{
    return (uint32_t)hash64(t);
}

struct hash128 hash128(struct text t)
{
    XXH128_canonical_t canonical;
    struct hash128 h;

    XXH128_canonicalFromHash(&canonical, XXH3_128bits(t.at == NULL ? "" : t.at, t.size));
    memcpy(h.at, canonical.digest, sizeof(h.at));
    return h;
}

void hash128_hex(struct hash128 h, char out_hex[33])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < sizeof(h.at); i++) {
        out_hex[2 * i] = digits[h.at[i] >> 4];
        out_hex[2 * i + 1] = digits[h.at[i] & 15];
    }
    out_hex[32] = '\0';
}

static uint64_t fnv1a(uint64_t h, struct text t)
{
    for (size_t i = 0; i < t.size; i++) {
        h = (h ^ (uint8_t)t.at[i]) * FNV_PRIME;
    }
    return h;
}

uint64_t hash_draw(struct text salt, struct text unit)
{
    uint64_t h =
        fnv1a(FNV_OFFSET, salt) * FNV_PRIME; /* a zero byte between: xor with it changes nothing */

    h = fnv1a(h, unit);
    h = (h ^ (h >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ (h >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ (h >> 33);
}

uint32_t hash_bucket(struct text salt, struct text unit)
{
    __extension__ typedef unsigned __int128 wide;

    return (uint32_t)(((wide)hash_draw(salt, unit) * BUCKETS) >> 64);
}

uint32_t hash_murmur2(struct text key)
{
    const uint32_t m = 0x5bd1e995;
    const uint8_t *at = (const uint8_t *)key.at;
    size_t left = key.size;
    uint32_t h = 0x9747b28c ^ (uint32_t)key.size;

    for (; left >= 4; at += 4, left -= 4) {
        uint32_t k =
            (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;

        k *= m;
        k = (k ^ (k >> 24)) * m;
        h = (h * m) ^ k;
    }
    if (left > 0) {
        for (size_t i = left; i > 0; i--) {
            h ^= (uint32_t)at[i - 1] << (8 * (i - 1));
        }
        h *= m;
    }
    h = (h ^ (h >> 13)) * m;
    return h ^ (h >> 15);
}

uint32_t hash_crc16(struct text key)
{
    uint32_t crc = 0;

    for (size_t i = 0; i < key.size; i++) {
        crc ^= (uint32_t)(unsigned char)key.at[i] << 8;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1;
        }
        crc &= 0xffff;
    }
    return crc;
}

int32_t hash_partition(struct text key, int32_t partitions)
{
    CHECK(partitions > 0);
    return (int32_t)(hash_murmur2(key) & 0x7fffffff) % partitions;
}

uint64_t hash_rabin(struct text canonical)
{
    const uint64_t empty = UINT64_C(0xc15d213aa4d7a795);
    uint64_t h = empty;

    for (size_t i = 0; i < canonical.size; i++) {
        h ^= (uint8_t)canonical.at[i];
        for (unsigned bit = 0; bit < 8; bit++) {
            h = (h >> 1) ^ (empty & (uint64_t) - (int64_t)(h & 1));
        }
    }
    return h;
}
