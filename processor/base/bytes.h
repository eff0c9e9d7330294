/* Bounded reading and growing writing of bytes, in the forms Avro uses.
 *
 * Layer: base. Reader: the first malformed or missing byte sets `is_bad` for good; every later read
 * gives 0 or empty, so a decoder checks once at its end. Writer: grows on the heap, cannot fail.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H
#include "processor/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
void bytes_put_byte(struct bytes_out *out, uint8_t value);
void bytes_put_u64(struct bytes_out *out, uint64_t value);
void bytes_put_u32(struct bytes_out *out, uint32_t value);
void bytes_put_long(struct bytes_out *out, int64_t value);
void bytes_put_bool(struct bytes_out *out, bool value);
void bytes_put_double(struct bytes_out *out, double value);
void bytes_put_long_bytes(struct bytes_out *out, struct bytes value);
void bytes_put_text(struct bytes_out *out, struct text value); /* absent is written as "" */
void bytes_put_format(struct bytes_out *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif /* BASE_BYTES_H */
