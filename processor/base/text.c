#include "processor/base/text.h"

#include "processor/base/check.h"
#include "processor/base/mem.h"

#include <stdio.h>

#define DISTANCE_BYTES_MAX 64

int text_compare(struct text a, struct text b)
{
    size_t shared = a.size < b.size ? a.size : b.size;
    int order = shared == 0 ? 0 : memcmp(a.at, b.at, shared);

    if (order != 0) {
        return order;
    }
    return a.size < b.size ? -1 : a.size > b.size;
}

bool text_starts_with(struct text t, struct text prefix)
{
    return prefix.size <= t.size && text_equal((struct text){ t.at, prefix.size }, prefix);
}

bool text_ends_with(struct text t, struct text suffix)
{
    return suffix.size == 0 ||
           (suffix.size <= t.size &&
            text_equal((struct text){ t.at + (t.size - suffix.size), suffix.size }, suffix));
}

bool text_contains(struct text t, struct text part)
{
    return part.size == 0 ||
           (t.size >= part.size && memmem(t.at, t.size, part.at, part.size) != NULL);
}

/* Bytes of the valid sequence at `at`, or 0. Ranges of Unicode 15, table 3-7. */
static size_t utf8_sequence_size(const unsigned char *at, size_t left)
{
    unsigned char low = 0x80, high = 0xBF;
    size_t size;

    if (at[0] < 0x80) {
        return 1;
    }
    if (at[0] < 0xC2 || at[0] > 0xF4) {
        return 0;
    }
    size = at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : 4;
    if (size > left) {
        return 0;
    }
    if (at[0] == 0xE0) {
        low = 0xA0;
    } else if (at[0] == 0xED) {
        high = 0x9F;
    } else if (at[0] == 0xF0) {
        low = 0x90;
    } else if (at[0] == 0xF4) {
        high = 0x8F;
    }
    if (at[1] < low || at[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < size; i++) {
        if (at[i] < 0x80 || at[i] > 0xBF) {
            return 0;
        }
    }
    return size;
}

bool text_is_utf8(struct text t)
{
    const unsigned char *at = (const unsigned char *)t.at;
    size_t left = t.size;

    while (left > 0) {
        uint64_t eight;
        size_t size;

        if (left >= sizeof(eight)) { /* most text is ASCII: eight at once */
            memcpy(&eight, at, sizeof(eight));
            if ((eight & UINT64_C(0x8080808080808080)) == 0) {
                at += sizeof(eight);
                left -= sizeof(eight);
                continue;
            }
        }
        size = at[0] < 0x80 ? 1 : utf8_sequence_size(at, left);
        if (size == 0) {
            return false;
        }
        at += size;
        left -= size;
    }
    return true;
}

struct text text_dup(struct text t)
{
    if (t.at == NULL) {
        return TEXT_NONE;
    }
    return (struct text){ mem_dup(t.at, t.size), t.size };
}

size_t text_format_list(char *out, size_t room, const char *format, va_list arguments)
{
    int wanted = vsnprintf(out, room, format, arguments);
    size_t size, at = 0;

    CHECK(wanted >= 0 && room > 0);
    size = (size_t)wanted < room ? (size_t)wanted : room - 1;
    while (at < size) {
        size_t character = utf8_sequence_size((const unsigned char *)out + at, size - at);

        if (character == 0) {
            out[at] = '?';
            character = 1;
        }
        at += character;
    }
    return size;
}

size_t text_format(char *out, size_t room, const char *format, ...)
{
    va_list arguments;
    size_t size;

    va_start(arguments, format);
    size = text_format_list(out, room, format, arguments);
    va_end(arguments);
    return size;
}

unsigned text_distance(struct text a, struct text b)
{
    unsigned row[DISTANCE_BYTES_MAX + 1];

    if (a.size > DISTANCE_BYTES_MAX || b.size > DISTANCE_BYTES_MAX) {
        return DISTANCE_BYTES_MAX;
    }
    for (unsigned j = 0; j <= b.size; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; i <= a.size; i++) {
        unsigned diagonal = row[0];

        row[0] = i;
        for (unsigned j = 1; j <= b.size; j++) {
            unsigned replaced = diagonal + (a.at[i - 1] != b.at[j - 1]);
            unsigned best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

            diagonal = row[j];
            row[j] = replaced < best ? replaced : best;
        }
    }
    return row[b.size];
}

void text_nearest_try(struct text_nearest *nearest, struct text candidate)
{
    unsigned distance = text_distance(nearest->wrong, candidate);
    bool is_near = distance <= 1 + nearest->wrong.size / 3 && distance < nearest->wrong.size;

    if (is_near && (nearest->best.at == NULL || distance < nearest->distance)) {
        nearest->best = candidate;
        nearest->distance = distance;
    }
}
