#include "schemas/mark.h"

#include "processor/base/instant.h"

#include <inttypes.h>

#define DIGITS_MAX     18 /* fits int64_t */
#define LINEAGE_DIGITS 16

struct text mark_format(const struct mark *m, char out[MARK_TEXT_SIZE])
{
    size_t size = text_format(
        out, MARK_TEXT_SIZE,
        "sg1 l=%016" PRIx64 " e=%" PRId64 " g=%" PRId64 ".%" PRId64 " s=%" PRId64 " t=", m->lineage,
        m->epoch, m->covered.epoch, m->covered.version, m->published);

    if (m->stream_ms == INSTANT_MIN) {
        size += text_format(out + size, MARK_TEXT_SIZE - size, "-");
    } else {
        size += text_format(out + size, MARK_TEXT_SIZE - size, "%" PRId64, m->stream_ms);
    }
    return (struct text){ out, size };
}

static bool skip(struct text *t, const char *what)
{
    struct text prefix = text_of(what);

    if (!text_starts_with(*t, prefix)) {
        return false;
    }
    t->at += prefix.size;
    t->size -= prefix.size;
    return true;
}

/* Moves *t behind the digits. */
static bool take_number(struct text *t, int64_t *out_number)
{
    int64_t number = 0;
    size_t digits = 0;

    while (digits < t->size && digits < DIGITS_MAX && t->at[digits] >= '0' &&
           t->at[digits] <= '9') {
        number = number * 10 + (t->at[digits++] - '0');
    }
    t->at += digits;
    t->size -= digits;
    *out_number = number;
    return digits > 0;
}

static bool take_lineage(struct text *t, uint64_t *out_lineage)
{
    uint64_t lineage = 0;

    if (t->size < LINEAGE_DIGITS) {
        return false;
    }
    for (size_t i = 0; i < LINEAGE_DIGITS; i++) {
        char c = t->at[i];
        bool is_letter = c >= 'a' && c <= 'f';

        if (!is_letter && (c < '0' || c > '9')) {
            return false;
        }
        lineage = lineage << 4 | (uint64_t)(is_letter ? c - 'a' + 10 : c - '0');
    }
    t->at += LINEAGE_DIGITS;
    t->size -= LINEAGE_DIGITS;
    *out_lineage = lineage;
    return true;
}

static bool take_instant(struct text *t, int64_t *out_ms)
{
    bool is_negative;

    if (text_is(*t, "-")) {
        *out_ms = INSTANT_MIN;
        *t = TEXT("");
        return true;
    }
    is_negative = skip(t, "-");
    if (!take_number(t, out_ms)) {
        return false;
    }
    *out_ms = is_negative ? -*out_ms : *out_ms;
    return true;
}

enum err mark_parse(struct text t, struct mark *out_mark)
{
    struct mark m;

    if (!skip(&t, "sg1 l=") || !take_lineage(&t, &m.lineage) || !skip(&t, " e=") ||
        !take_number(&t, &m.epoch) || !skip(&t, " g=") || !take_number(&t, &m.covered.epoch) ||
        !skip(&t, ".") || !take_number(&t, &m.covered.version) || !skip(&t, " s=") ||
        !take_number(&t, &m.published) || !skip(&t, " t=") || !take_instant(&t, &m.stream_ms) ||
        t.size > 0) {
        return ERR_CORRUPT;
    }
    *out_mark = m;
    return OK;
}
