/* Bounded reading and growing writing of bytes, in the forms Avro uses.
 *
 * Layer: base. Reader: the first malformed or missing byte sets `is_bad` for good; every later read
 * gives 0 or empty, so a decoder checks once at its end. Writer: grows on the heap, cannot fail.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H
#include "processor/base/text.h"

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *at; /* NULL: absent */
    size_t size;
};

#define BYTES_NONE ((struct bytes){ NULL, 0 })

struct bytes_in {
    const uint8_t *at;
    const uint8_t *end;
    bool is_bad;
};

struct bytes_out {
    uint8_t *at; /* owner: this struct; bytes_out_fini frees */
    size_t size;
    size_t capacity;
};

struct bytes_in bytes_in(struct bytes b);
size_t bytes_left(const struct bytes_in *in);
uint8_t bytes_byte(struct bytes_in *in);
uint64_t bytes_u64(struct bytes_in *in); /* fixed, little-endian */
uint32_t bytes_u32(struct bytes_in *in); /* fixed, little-endian */
int64_t bytes_long(struct bytes_in *in); /* Avro int and long: zigzag varint, at most 10 bytes */
bool bytes_bool(struct bytes_in *in);    /* anything but 0 and 1 is bad */
double bytes_double(struct bytes_in *in);
struct bytes bytes_fixed(struct bytes_in *in, size_t size); /* a view */
struct bytes bytes_long_bytes(struct bytes_in *in,
                              size_t size_max); /* Avro bytes: length first; a view */
struct text
bytes_text(struct bytes_in *in,
           size_t size_max); /* Avro string, checked as UTF-8; a view; "" is not absent */

/* Next block of an Avro array or map: its number of items, 0 at the end. A count that could not fit
 * in what is left (each item takes at least item_size_min bytes, itself at least 1) is bad. */
uint64_t bytes_block(struct bytes_in *in, size_t item_size_min);

void bytes_out_fini(struct bytes_out *out);
void bytes_out_clear(struct bytes_out *out); /* keeps the room */
struct bytes bytes_out_view(const struct bytes_out *out);
void bytes_put(struct bytes_out *out, const void *at, size_t size);
void bytes_put_u64(struct bytes_out *out, uint64_t value);
void bytes_put_u64s(struct bytes_out *out, const uint64_t *values, uint32_t count);
void bytes_put_u32(struct bytes_out *out, uint32_t value);
void bytes_put_double(struct bytes_out *out, double value);
void bytes_put_long_bytes(struct bytes_out *out, struct bytes value);
void bytes_put_text(struct bytes_out *out, struct text value); /* absent is written as "" */
void bytes_put_format(struct bytes_out *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Records are made of these: in line while there is room. */
void bytes_put_byte_slow(struct bytes_out *out, uint8_t value);
void bytes_put_long_slow(struct bytes_out *out, int64_t value);

static inline void bytes_put_byte(struct bytes_out *out, uint8_t value)
{
    if (out->size == out->capacity) {
        bytes_put_byte_slow(out, value);
        return;
    }
    out->at[out->size++] = value;
}

static inline void bytes_put_bool(struct bytes_out *out, bool value)
{
    bytes_put_byte(out, value ? 1 : 0);
}

/* The low 56 bits, seven to a byte of the word: moved apart in three steps that halve the distance.
 */
static inline uint64_t bytes_spread(uint64_t word)
{
    word = (word & UINT64_C(0x00fffffff0000000)) << 4 | (word & UINT64_C(0x000000000fffffff));
    word = (word & UINT64_C(0x0fffc0000fffc000)) << 2 | (word & UINT64_C(0x00003fff00003fff));
    return (word & UINT64_C(0x3f803f803f803f80)) << 1 | (word & UINT64_C(0x007f007f007f007f));
}

/* Up to 8 bytes at once; all but the last get the mark "more follows". */
static inline void bytes_put_long(struct bytes_out *out, int64_t value)
{
    uint64_t zigzag = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    uint64_t word;
    unsigned size;

    if (zigzag >> 56 != 0 || out->capacity - out->size < 8) {
        bytes_put_long_slow(out, value);
        return;
    }
    if (zigzag <= 0x7f) {
        out->at[out->size++] = (uint8_t)zigzag;
        return;
    }
    size = (70 - (unsigned)__builtin_clzll(zigzag)) / 7;
    word = htole64(bytes_spread(zigzag) | UINT64_C(0x8080808080808080) >> (72 - 8 * size));
    memcpy(out->at + out->size, &word, sizeof(word));
    out->size += size;
}

#endif /* BASE_BYTES_H */
