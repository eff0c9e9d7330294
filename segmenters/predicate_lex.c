#include "segmenters/predicate_node.h"

#include <float.h>
#include <stdarg.h>
#include <stdlib.h>

void predicate_fail(struct predicate_error *error, uint32_t offset, uint32_t size,
                    const char *format, ...)
{
    va_list arguments;

    if (error->text[0] != '\0') {
        return;
    }
    error->offset = offset;
    error->size = size == 0 ? 1 : size;
    error->hint[0] = '\0';
    va_start(arguments, format);
    (void)text_format_list(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_hex_letter(char c)
{
    return (c | 32) >= 'a' && (c | 32) <= 'f';
}

static char peek(const struct lexer *l, uint32_t ahead)
{
    if (l->at + ahead >= l->source.size) {
        return '\0';
    }
    return l->source.at[l->at + ahead];
}

static struct token bad(struct lexer *l, uint32_t offset, uint32_t size, const char *why)
{
    predicate_fail(l->error, offset, size, "%s", why);
    return (struct token){ .kind = TOKEN_BAD, .offset = offset, .size = size };
}

/* 2^63 is one too much, and right behind a minus: the parser knows. */
static bool add_digit(uint64_t *value, uint64_t base, uint64_t digit)
{
    return !__builtin_mul_overflow(*value, base, value) &&
           !__builtin_add_overflow(*value, digit, value) && *value <= (uint64_t)INT64_MAX + 1;
}

static struct token lex_hexadecimal(struct lexer *l)
{
    struct token t = { .kind = TOKEN_INT, .offset = l->at };
    uint64_t value = 0;
    bool is_good = true;

    for (l->at += 2; is_digit(peek(l, 0)) || is_hex_letter(peek(l, 0)); l->at++) {
        char c = peek(l, 0);

        is_good = is_good &&
                  add_digit(&value, 16, (uint64_t)(is_digit(c) ? c - '0' : (c | 32) - 'a' + 10));
    }
    t.size = l->at - t.offset;
    t.value = (struct value){ .type = VALUE_INT, .as.integer = (int64_t)value };
    if (t.size == 2 || is_letter(peek(l, 0))) {
        return bad(l, t.offset, t.size + 1, "this is no number");
    }
    return is_good ? t : bad(l, t.offset, t.size, "the number is out of range");
}

/* Digits, then a fraction or an exponent or both. Returns: is it a double? */
static bool skip_real(struct lexer *l)
{
    bool is_real = false;

    if (peek(l, 0) == '.' && is_digit(peek(l, 1))) {
        is_real = true;
        for (l->at++; is_digit(peek(l, 0)); l->at++) {
        }
    }
    if ((peek(l, 0) | 32) == 'e' &&
        (is_digit(peek(l, 1)) ||
         ((peek(l, 1) == '-' || peek(l, 1) == '+') && is_digit(peek(l, 2))))) {
        is_real = true;
        for (l->at += 2; is_digit(peek(l, 0)); l->at++) {
        }
    }
    return is_real;
}

static struct token lex_number(struct lexer *l)
{
    struct token t = { .kind = TOKEN_INT, .offset = l->at };
    char digits[64];
    uint64_t value = 0;
    bool is_good = true;
    double real;

    if (peek(l, 0) == '0' && (peek(l, 1) | 32) == 'x') {
        return lex_hexadecimal(l);
    }
    for (; is_digit(peek(l, 0)); l->at++) {
        is_good = is_good && add_digit(&value, 10, (uint64_t)(peek(l, 0) - '0'));
    }
    t.kind = skip_real(l) ? TOKEN_DOUBLE : TOKEN_INT;
    t.size = l->at - t.offset;
    if (is_letter(peek(l, 0))) {
        return bad(l, t.offset, t.size + 1,
                   "a number cannot be followed by a letter; durations are days(3), hours(4) ..");
    }
    if (t.kind == TOKEN_INT) {
        t.value = (struct value){ .type = VALUE_INT, .as.integer = (int64_t)value };
        return is_good ? t : bad(l, t.offset, t.size, "the number is out of range");
    }
    if (t.size >= sizeof(digits)) {
        return bad(l, t.offset, t.size, "the number is too long");
    }
    memcpy(digits, l->source.at + t.offset, t.size);
    digits[t.size] = '\0';
    real = strtod(digits, NULL);
    if (real > DBL_MAX) {
        return bad(l, t.offset, t.size, "the number is out of range");
    }
    t.value = (struct value){ .type = VALUE_DOUBLE, .as.real = real };
    return t;
}

/* Between tokens: white space, and comments to the end of their line. */
static void skip_space(struct lexer *l)
{
    for (;;) {
        char c = peek(l, 0);

        if (c == '/' && peek(l, 1) == '/') {
            while (l->at < l->source.size && peek(l, 0) != '\n') {
                l->at++;
            }
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
            l->at++;
        } else {
            return;
        }
    }
}

struct token predicate_lex_next(struct lexer *l)
{
    static const char *const two[] = { "&&", "||", "==", "!=", "<=", ">=" };
    struct token t;

    skip_space(l);
    t = (struct token){ .kind = TOKEN_END, .offset = l->at };
    if (l->at >= l->source.size) {
        return t;
    }
    if (is_digit(peek(l, 0)) || (peek(l, 0) == '.' && is_digit(peek(l, 1)))) {
        return lex_number(l);
    }
    if (predicate_lex_is_text(l)) {
        return predicate_lex_text(l);
    }
    if (is_letter(peek(l, 0))) {
        t.kind = TOKEN_NAME;
        while (is_letter(peek(l, 0)) || is_digit(peek(l, 0))) {
            l->at++;
        }
        t.size = l->at - t.offset;
        return t;
    }
    t.kind = TOKEN_SIGN;
    for (size_t i = 0; i < sizeof(two) / sizeof(two[0]); i++) {
        if (peek(l, 0) == two[i][0] && peek(l, 1) == two[i][1]) {
            memcpy(t.sign, two[i], 3);
            t.size = 2;
            l->at += 2;
            return t;
        }
    }
    if (strchr("<>+-*/%!?:()[],.", peek(l, 0)) == NULL) {
        return bad(l, l->at, 1,
                   peek(l, 0) == '='   ? "`=` compares nothing; write =="
                   : peek(l, 0) == '&' ? "write && for and"
                   : peek(l, 0) == '|' ? "write || for or"
                   : peek(l, 0) == '{' ? "maps and messages are not part of the language"
                                       : "unexpected character");
    }
    t.sign[0] = peek(l, 0);
    t.size = 1;
    l->at++;
    return t;
}
