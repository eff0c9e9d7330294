#include "segmenters/predicate_node.h"

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

static struct token lex_number(struct lexer *l)
{
    struct token t = { .kind = TOKEN_INT, .offset = l->at };
    char digits[64];
    int64_t value = 0;
    bool is_too_big = false;

    while (is_digit(peek(l, 0))) {
        is_too_big |= __builtin_mul_overflow(value, 10, &value) ||
                      __builtin_add_overflow(value, peek(l, 0) - '0', &value);
        l->at++;
    }
    if (peek(l, 0) == '.' && is_digit(peek(l, 1))) {
        t.kind = TOKEN_DOUBLE;
        l->at++;
        while (is_digit(peek(l, 0))) {
            l->at++;
        }
    }
    if ((peek(l, 0) | 32) == 'e' &&
        (is_digit(peek(l, 1)) ||
         ((peek(l, 1) == '-' || peek(l, 1) == '+') && is_digit(peek(l, 2))))) {
        t.kind = TOKEN_DOUBLE;
        l->at += 2;
        while (is_digit(peek(l, 0))) {
            l->at++;
        }
    }
    t.size = l->at - t.offset;
    if (is_letter(peek(l, 0))) {
        return bad(l, t.offset, t.size + 1,
                   "a number cannot be followed by a letter; durations are days(3), hours(4) ..");
    }
    if (t.kind == TOKEN_INT) {
        t.value = (struct value){ .type = VALUE_INT, .as.integer = value };
        return is_too_big ? bad(l, t.offset, t.size, "the number is out of range") : t;
    }
    if (t.size >= sizeof(digits)) {
        return bad(l, t.offset, t.size, "the number is too long");
    }
    memcpy(digits, l->source.at + t.offset, t.size);
    digits[t.size] = '\0';
    t.value = (struct value){ .type = VALUE_DOUBLE, .as.real = strtod(digits, NULL) };
    return t;
}

static struct token lex_text(struct lexer *l)
{
    uint32_t offset = l->at;
    char quote = peek(l, 0);
    char *to = arena_alloc(l->arena, l->source.size + 1);
    size_t size = 0;

    l->at++;
    while (l->at < l->source.size && peek(l, 0) != quote) {
        char c = peek(l, 0);

        if (c == '\\') {
            static const char from[] = "\\\"'nrt", into[] = "\\\"'\n\r\t";
            const char *found = peek(l, 1) == '\0' ? NULL : strchr(from, peek(l, 1));

            if (found == NULL) {
                return bad(l, l->at, 2, "unknown escape; use \\\\ \\\" \\' \\n \\r or \\t");
            }
            c = into[found - from];
            l->at++;
        }
        to[size++] = c;
        l->at++;
    }
    if (l->at >= l->source.size) {
        return bad(l, offset, l->at - offset, "the text is not closed");
    }
    l->at++;
    return (struct token){ .kind = TOKEN_TEXT,
                           .offset = offset,
                           .size = l->at - offset,
                           .value = { .type = VALUE_TEXT, .as.text = { to, size } } };
}

struct token predicate_lex_next(struct lexer *l)
{
    static const char *const two[] = { "&&", "||", "==", "!=", "<=", ">=" };
    struct token t;

    while (peek(l, 0) == ' ' || peek(l, 0) == '\t' || peek(l, 0) == '\n' || peek(l, 0) == '\r') {
        l->at++;
    }
    t = (struct token){ .kind = TOKEN_END, .offset = l->at };
    if (l->at >= l->source.size) {
        return t;
    }
    if (is_digit(peek(l, 0))) {
        return lex_number(l);
    }
    if (peek(l, 0) == '"' || peek(l, 0) == '\'') {
        return lex_text(l);
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
