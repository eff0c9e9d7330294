#include "sinks/store_guard.h"

#include <inttypes.h>
#include <stdio.h>

#define NUMBER_DIGITS_MAX 18 /* fits int64_t */
#define TOKEN_DIGITS      16

struct text store_guard_format(const struct store_guard *g, char out[STORE_GUARD_TEXT_SIZE])
{
    int size = snprintf(out, STORE_GUARD_TEXT_SIZE, "%" PRId64 ".%" PRId64 ".%016" PRIx64,
                        g->at.epoch, g->at.version, g->token);

    return (struct text){ out, (size_t)size };
}

/* A decimal number and the dot behind it. Moves *t behind both. */
static bool take_number(struct text *t, int64_t *out_number)
{
    int64_t number = 0;
    size_t digits = 0;

    while (digits < t->size && t->at[digits] >= '0' && t->at[digits] <= '9') {
        if (digits == NUMBER_DIGITS_MAX) {
            return false;
        }
        number = number * 10 + (t->at[digits] - '0');
        digits++;
    }
    if (digits == 0 || digits == t->size || t->at[digits] != '.') {
        return false;
    }
    t->at += digits + 1;
    t->size -= digits + 1;
    *out_number = number;
    return true;
}

bool store_guard_parse(struct text t, struct store_guard *out_guard)
{
    struct store_guard g = { { 0, 0 }, 0 };

    if (!take_number(&t, &g.at.epoch) || !take_number(&t, &g.at.version) ||
        t.size != TOKEN_DIGITS) {
        return false;
    }
    for (size_t i = 0; i < TOKEN_DIGITS; i++) {
        char c = t.at[i];
        bool is_letter = c >= 'a' && c <= 'f';

        if (!is_letter && (c < '0' || c > '9')) {
            return false;
        }
        g.token = g.token << 4 | (uint64_t)(is_letter ? c - 'a' + 10 : c - '0');
    }
    *out_guard = g;
    return true;
}

enum store_guard_verdict store_guard_judge(const struct store_guard *held, struct guard expected,
                                           struct guard next, const struct store_guard *found,
                                           bool is_sent)
{
    if (held == NULL) {
        return STORE_GUARD_FENCED;
    }
    if (found == NULL || found->at.epoch < expected.epoch) {
        return STORE_GUARD_REGRESSED;
    }
    if (found->at.epoch > expected.epoch || found->token != held->token) {
        return STORE_GUARD_FENCED;
    }
    if (found->at.version == expected.version) {
        return STORE_GUARD_GO;
    }
    if (found->at.version < expected.version) {
        return STORE_GUARD_REGRESSED;
    }
    /* Our own newer guard: this commit, or the caller's version is an old one. */
    return is_sent && found->at.version == next.version ? STORE_GUARD_LANDED : STORE_GUARD_FENCED;
}

bool store_guard_may_claim(const struct store_guard *held, const struct store_guard *found,
                           int64_t epoch, uint64_t token)
{
    if (found == NULL || found->at.epoch < epoch) {
        return true;
    }
    return found->at.epoch == epoch &&
           (found->token == token || (held != NULL && found->token == held->token));
}

enum err store_guard_look(const struct store_guard *held, const struct store_guard *found)
{
    if (held == NULL) {
        return OK;
    }
    switch (store_guard_judge(held, held->at, held->at, found, false)) {
    case STORE_GUARD_GO:
        return OK;
    case STORE_GUARD_REGRESSED:
        return ERR_REGRESSED;
    case STORE_GUARD_LANDED:
    case STORE_GUARD_FENCED:
        break;
    }
    return ERR_FENCED;
}
