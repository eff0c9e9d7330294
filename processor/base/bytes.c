#include "processor/base/bytes.h"

#include "processor/base/check.h"
#include "processor/base/mem.h"

#include <assert.h>
#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define VARINT_BYTES_MAX 10

struct bytes_in bytes_in(struct bytes b)
{
    static const uint8_t nothing;
    const uint8_t *at = b.at == NULL ? &nothing : b.at;

    return (struct bytes_in){ at, at + b.size, false };
}

size_t bytes_left(const struct bytes_in *in)
{
    return in->is_bad ? 0 : (size_t)(in->end - in->at);
}

static bool take(struct bytes_in *in, size_t size)
{
    if (in->is_bad || (size_t)(in->end - in->at) < size) {
        in->is_bad = true;
        return false;
    }
    return true;
}

uint8_t bytes_byte(struct bytes_in *in)
{
    return take(in, 1) ? *in->at++ : 0;
}

uint64_t bytes_u64(struct bytes_in *in)
{
    uint64_t value = 0;

    if (take(in, 8)) {
        for (unsigned i = 0; i < 8; i++) {
            value |= (uint64_t)in->at[i] << (8 * i);
        }
        in->at += 8;
    }
    return value;
}

uint32_t bytes_u32(struct bytes_in *in)
{
    uint32_t value = 0;

    if (take(in, 4)) {
        for (unsigned i = 0; i < 4; i++) {
            value |= (uint32_t)in->at[i] << (8 * i);
        }
        in->at += 4;
    }
    return value;
}

int64_t bytes_long(struct bytes_in *in)
{
    uint64_t zigzag = 0;

    for (unsigned i = 0; i < VARINT_BYTES_MAX; i++) {
        uint8_t byte = bytes_byte(in);

        if (i == VARINT_BYTES_MAX - 1 && byte > 1) {
            break; /* more than 64 bits */
        }
        zigzag |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            return in->is_bad ? 0 : (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
        }
    }
    in->is_bad = true;
    return 0;
}

bool bytes_bool(struct bytes_in *in)
{
    uint8_t byte = bytes_byte(in);

    if (byte > 1) {
        in->is_bad = true;
    }
    return byte == 1;
}

double bytes_double(struct bytes_in *in)
{
    uint64_t bits = bytes_u64(in);
    double value;

    static_assert(sizeof(value) == sizeof(bits), "double is 64 bits");
    memcpy(&value, &bits, sizeof(value));
    return value;
}

struct bytes bytes_fixed(struct bytes_in *in, size_t size)
{
    struct bytes view = BYTES_NONE;

    if (take(in, size)) {
        view = (struct bytes){ in->at, size };
        in->at += size;
    }
    return view;
}

struct bytes bytes_long_bytes(struct bytes_in *in, size_t size_max)
{
    int64_t size = bytes_long(in);

    if (size < 0 || (uint64_t)size > size_max) {
        in->is_bad = true;
    }
    return in->is_bad ? BYTES_NONE : bytes_fixed(in, (size_t)size);
}

struct text bytes_text(struct bytes_in *in, size_t size_max)
{
    struct bytes view = bytes_long_bytes(in, size_max);
    struct text t = { (const char *)view.at, view.size };

    if (!in->is_bad && !text_is_utf8(t)) {
        in->is_bad = true;
    }
    return in->is_bad ? TEXT_NONE : t;
}

uint64_t bytes_block(struct bytes_in *in, size_t item_size_min)
{
    int64_t count = bytes_long(in);

    CHECK(item_size_min > 0);
    if (count < 0) {
        /* A negative count is followed by the size of the block in bytes, which nobody needs here.
         */
        if (count == INT64_MIN || bytes_long(in) < 0) {
            in->is_bad = true;
        }
        count = in->is_bad ? 0 : -count;
    }
    if ((uint64_t)count > bytes_left(in) / item_size_min) {
        in->is_bad = true;
    }
    return in->is_bad ? 0 : (uint64_t)count;
}

void bytes_out_fini(struct bytes_out *out)
{
    mem_free(out->at);
    *out = (struct bytes_out){ NULL, 0, 0 };
}

void bytes_out_clear(struct bytes_out *out)
{
    out->size = 0;
}

struct bytes bytes_out_view(const struct bytes_out *out)
{
    return (struct bytes){ out->at, out->size };
}

__attribute__((noinline, cold)) static void grow(struct bytes_out *out, size_t size)
{
    CHECK(size <= SIZE_MAX / 4 && out->size <= SIZE_MAX / 4);
    while (out->capacity - out->size < size) {
        out->at = mem_grow(out->at, out->capacity, &out->capacity, 1);
    }
}

static inline uint8_t *make_room(struct bytes_out *out, size_t size)
{
    if (out->capacity - out->size < size) {
        grow(out, size);
    }
    return out->at + out->size;
}

void bytes_put(struct bytes_out *out, const void *at, size_t size)
{
    if (size > 0) {
        memcpy(make_room(out, size), at, size);
        out->size += size;
    }
}

void bytes_put_byte_slow(struct bytes_out *out, uint8_t value)
{
    *make_room(out, 1) = value;
    out->size++;
}

void bytes_put_u64(struct bytes_out *out, uint64_t value)
{
    uint64_t little = htole64(value);

    memcpy(make_room(out, sizeof(little)), &little, sizeof(little));
    out->size += sizeof(little);
}

void bytes_put_u64s(struct bytes_out *out, const uint64_t *values, uint32_t count)
{
    uint8_t *to = make_room(out, count * sizeof(*values));

    for (uint32_t i = 0; i < count; i++) {
        uint64_t little = htole64(values[i]);

        memcpy(to + i * sizeof(little), &little, sizeof(little));
    }
    out->size += count * sizeof(*values);
}

void bytes_put_u32(struct bytes_out *out, uint32_t value)
{
    uint32_t little = htole32(value);

    memcpy(make_room(out, sizeof(little)), &little, sizeof(little));
    out->size += sizeof(little);
}

void bytes_put_long_slow(struct bytes_out *out, int64_t value)
{
    uint64_t zigzag = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    uint8_t *to = make_room(out, VARINT_BYTES_MAX);

    if (zigzag >> 56 != 0) { /* a hash */
        uint64_t word = htole64(bytes_spread(zigzag) | UINT64_C(0x8080808080808080));

        memcpy(to, &word, sizeof(word));
        to += sizeof(word);
        zigzag >>= 56;
    }
    while (zigzag > 0x7f) {
        *to++ = (uint8_t)(zigzag | 0x80);
        zigzag >>= 7;
    }
    *to++ = (uint8_t)zigzag;
    out->size = (size_t)(to - out->at);
}

void bytes_put_double(struct bytes_out *out, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    bytes_put_u64(out, bits);
}

void bytes_put_long_bytes(struct bytes_out *out, struct bytes value)
{
    CHECK(value.size <= INT64_MAX);
    bytes_put_long(out, (int64_t)value.size);
    bytes_put(out, value.at, value.size);
}

void bytes_put_text(struct bytes_out *out, struct text value)
{
    bytes_put_long_bytes(out, (struct bytes){ (const uint8_t *)value.at, value.size });
}

void bytes_put_format(struct bytes_out *out, const char *format, ...)
{
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    CHECK(size >= 0);
    va_start(arguments, format);
    (void)vsnprintf((char *)make_room(out, (size_t)size + 1), (size_t)size + 1, format, arguments);
    va_end(arguments);
    out->size += (size_t)size;
}
