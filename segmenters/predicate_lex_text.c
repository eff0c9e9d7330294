/* Text literals of CEL: '..' and "..", three quotes, raw ones, and every escape of the standard. */
#include "segmenters/predicate_node.h"

#include "processor/base/check.h"

#include <assert.h>

#define CODE_POINT_MAX 0x10FFFF

struct reader {
    struct lexer *l;
    char quote;
    bool is_long; /* three quotes */
    bool is_raw;
    char *to;
    size_t size;
};

static char peek(const struct lexer *l, uint32_t ahead)
{
    return l->at + ahead < l->source.size ? l->source.at[l->at + ahead] : '\0';
}

static bool fail(struct lexer *l, uint32_t offset, uint32_t size, const char *why)
{
    predicate_fail(l->error, offset, size, "%s", why);
    return false;
}

static void put_code_point(struct reader *r, uint32_t code)
{
    char *at = r->to + r->size;

    if (code < 0x80) {
        at[0] = (char)code;
        r->size += 1;
    } else if (code < 0x800) {
        at[0] = (char)(0xC0 | code >> 6);
        at[1] = (char)(0x80 | (code & 0x3F));
        r->size += 2;
    } else if (code < 0x10000) {
        at[0] = (char)(0xE0 | code >> 12);
        at[1] = (char)(0x80 | (code >> 6 & 0x3F));
        at[2] = (char)(0x80 | (code & 0x3F));
        r->size += 3;
    } else {
        at[0] = (char)(0xF0 | code >> 18);
        at[1] = (char)(0x80 | (code >> 12 & 0x3F));
        at[2] = (char)(0x80 | (code >> 6 & 0x3F));
        at[3] = (char)(0x80 | (code & 0x3F));
        r->size += 4;
    }
}

static int digit_of(char c, int base)
{
    int digit = c >= '0' && c <= '9'                 ? c - '0'
                : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                     : base;

    return digit < base ? digit : -1;
}

/* \xHH \uHHHH \UHHHHHHHH \OOO: `skip` bytes stand before the digits. */
static bool read_code(struct reader *r, uint32_t skip, uint32_t digits, int base)
{
    struct lexer *l = r->l;
    uint32_t code = 0;

    for (uint32_t i = 0; i < digits; i++) {
        int digit = digit_of(peek(l, skip + i), base);

        if (digit < 0) {
            return fail(l, l->at, skip + i, "this escape needs more digits");
        }
        code = code * (uint32_t)base + (uint32_t)digit;
    }
    if (code > CODE_POINT_MAX || (code >= 0xD800 && code < 0xE000) || code == 0 ||
        (base == 8 && code > 0xFF)) {
        return fail(l, l->at, skip + digits, "this escape is no character");
    }
    put_code_point(r, code);
    l->at += skip + digits;
    return true;
}

static bool read_escape(struct reader *r)
{
    static const char from[] = "abfnrtv\\?\"'`", into[] = "\a\b\f\n\r\t\v\\?\"'`";
    struct lexer *l = r->l;
    char c = peek(l, 1);
    const char *found = c == '\0' ? NULL : strchr(from, c);

    static_assert(sizeof(from) == sizeof(into), "one for one");
    if (found != NULL) {
        r->to[r->size++] = into[found - from];
        l->at += 2;
        return true;
    }
    if (c >= '0' && c <= '3') {
        return read_code(r, 1, 3, 8);
    }
    if ((c | 32) == 'x' || c == 'u' || c == 'U') {
        return read_code(r, 2, c == 'u' ? 4 : c == 'U' ? 8 : 2, 16);
    }
    return fail(l, l->at, 2, "unknown escape; use \\\\ \\\" \\' \\n \\r or \\t");
}

static bool is_end(const struct reader *r)
{
    for (uint32_t i = 0; i < (r->is_long ? 3u : 1u); i++) {
        if (peek(r->l, i) != r->quote) {
            return false;
        }
    }
    return true;
}

static bool read_body(struct reader *r, uint32_t offset)
{
    struct lexer *l = r->l;

    while (l->at < l->source.size && !is_end(r)) {
        char c = peek(l, 0);

        if (!r->is_long && (c == '\n' || c == '\r')) {
            break;
        }
        if (c == '\\' && !r->is_raw) {
            if (!read_escape(r)) {
                return false;
            }
            continue;
        }
        r->to[r->size++] = c;
        l->at++;
    }
    if (l->at >= l->source.size || !is_end(r)) {
        return fail(l, offset, l->at - offset, "the text is not closed");
    }
    l->at += r->is_long ? 3 : 1;
    return true;
}

bool predicate_lex_is_text(const struct lexer *l)
{
    char first = peek(l, 0), second = peek(l, 1);

    return first == '"' || first == '\'' ||
           ((first | 32) == 'r' && (second == '"' || second == '\''));
}

struct token predicate_lex_text(struct lexer *l)
{
    uint32_t offset = l->at;
    struct reader r = { .l = l, .to = arena_alloc(l->arena, l->source.size + 1) };
    struct token t = { .kind = TOKEN_BAD, .offset = offset };

    CHECK(predicate_lex_is_text(l));
    r.is_raw = (peek(l, 0) | 32) == 'r';
    l->at += r.is_raw;
    r.quote = peek(l, 0);
    r.is_long = peek(l, 1) == r.quote && peek(l, 2) == r.quote;
    l->at += r.is_long ? 3 : 1;
    if (read_body(&r, offset)) {
        t.kind = TOKEN_TEXT;
        t.value = (struct value){ .type = VALUE_TEXT, .as.text = { r.to, r.size } };
    }
    t.size = l->at - offset;
    return t;
}
