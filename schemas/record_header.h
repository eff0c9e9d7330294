/* The single-object header of Avro before every record we write: C3 01 and the schema's
 * fingerprint.
 *
 * Layer: schemas. The fingerprints are CRC-64-AVRO of each schema's parsing canonical form;
 * tests/unit/test_avro.c holds them to the .avsc files, so a schema cannot change without its
 * constant.
 */
#ifndef SCHEMAS_RECORD_HEADER_H
#define SCHEMAS_RECORD_HEADER_H
#include "processor/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

#define RECORD_HEADER_SIZE 10

/* clang-format off */
#define FINGERPRINT_CUSTOMER    UINT64_C(0x43f736034ea78d77)
#define FINGERPRINT_PARTITION   UINT64_C(0x78670cef6f7ec551)
#define FINGERPRINT_OUTBOX      UINT64_C(0xcb2e3176967da112)
#define FINGERPRINT_TRIGGER     UINT64_C(0xff6be9e37cb3b8e7)
#define FINGERPRINT_MEMBERSHIP  UINT64_C(0xa4dd5e93cf5bbb22)
#define FINGERPRINT_OUTCOME     UINT64_C(0x00969d0de789701a)
#define FINGERPRINT_DEAD_LETTER UINT64_C(0x607c42f5cf1a1410)
#define FINGERPRINT_CLICK       UINT64_C(0x2d47763d25695d8c)
#define FINGERPRINT_OPEN        UINT64_C(0x367089b55ce678e6)
#define FINGERPRINT_PURCHASE    UINT64_C(0xe41976d8b689f0a4)
#define FINGERPRINT_FEEDBACK    UINT64_C(0x3fa00b2a9a9d5e56)
#define FINGERPRINT_ACTIVITY    UINT64_C(0xbca6f5767c39eb0c)
#define FINGERPRINT_PROFILE     UINT64_C(0x97e874937f3ec8c2)
/* clang-format on */

static inline void record_header_put(struct bytes_out *out, uint64_t fingerprint)
{
    bytes_put_byte(out, 0xc3);
    bytes_put_byte(out, 0x01);
    bytes_put_u64(out, fingerprint);
}

static inline bool record_header_take(struct bytes_in *in, uint64_t fingerprint)
{
    bool is_marked = bytes_byte(in) == 0xc3 && bytes_byte(in) == 0x01;

    return bytes_u64(in) == fingerprint && is_marked && !in->is_bad;
}

#endif /* SCHEMAS_RECORD_HEADER_H */
