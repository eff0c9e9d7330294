/* The single-object header of Avro before every record we write: C3 01 and the schema's
 * fingerprint.
 *
 * Layer: schemas. The fingerprints are CRC-64-AVRO of each schema's parsing canonical form;
 * tests/unit/test_avro_oracle.c holds them to the .avsc files, so a schema cannot change without
 * its constant.
 */
#ifndef SCHEMAS_RECORD_HEADER_H
#define SCHEMAS_RECORD_HEADER_H
#include "processor/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

#define RECORD_HEADER_SIZE 10

/* clang-format off */
#define FINGERPRINT_CUSTOMER    UINT64_C(0x56d3c0c785adfac4)
#define FINGERPRINT_PARTITION   UINT64_C(0xd72f4986322f4e23)
#define FINGERPRINT_OUTBOX      UINT64_C(0xcb2e3176967da112)
#define FINGERPRINT_TRIGGER     UINT64_C(0xe79c1c7e2cbaa2fd)
#define FINGERPRINT_MEMBERSHIP  UINT64_C(0xc5409e387f99f540)
#define FINGERPRINT_OUTCOME     UINT64_C(0x9ced36bb9ff790fb)
#define FINGERPRINT_DEAD_LETTER UINT64_C(0x607c42f5cf1a1410)
#define FINGERPRINT_CLICK       UINT64_C(0x0d46d11a088273aa)
#define FINGERPRINT_OPEN        UINT64_C(0xf194d6c1f29e8772)
#define FINGERPRINT_PURCHASE    UINT64_C(0x267f579139702195)
#define FINGERPRINT_FEEDBACK    UINT64_C(0xf08873b629e96e7b)
#define FINGERPRINT_ACTIVITY    UINT64_C(0x0ef9edce90db7f3b)
#define FINGERPRINT_PROFILE     UINT64_C(0xe9c7882834dca89d)
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
