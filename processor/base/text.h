/* Text as pointer and length: UTF-8 bytes, not NUL-terminated, borrowed unless said otherwise.
 *
 * Layer: base.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
    const char *at; /* NULL: absent, which is not the same as empty */
    size_t size;    /* bytes */
};

#define TEXT_NONE      ((struct text){ NULL, 0 })
#define TEXT(literal)  ((struct text){ "" literal, sizeof(literal) - 1 })
#define TEXT_PRINTF(t) (int)(t).size, (t).at /* for "%.*s" */

static inline struct text text_of(const char *nul_terminated)
{
    return nul_terminated == NULL ? TEXT_NONE
                                  : (struct text){ nul_terminated, strlen(nul_terminated) };
}

static inline bool text_equal(struct text a, struct text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

static inline bool text_is(struct text a, const char *nul_terminated)
{
    return text_equal(a, text_of(nul_terminated));
}

/* Order by bytes; a prefix comes first. */
int text_compare(struct text a, struct text b);

bool text_starts_with(struct text t, struct text prefix);
bool text_ends_with(struct text t, struct text suffix);
bool text_contains(struct text t, struct text part);

/* True when the bytes are valid UTF-8 without surrogates or overlong forms. */
bool text_is_utf8(struct text t);

/* A copy on the heap, NUL behind it. Owner: the caller, frees with mem_free((void *)t.at). Absent
 * stays absent. */
struct text text_dup(struct text t);

/* As snprintf, for sentences that quote input: bytes that are no UTF-8, and a character cut in two
 * by the room, become '?'. Requires: room > 0. Returns: bytes written, the NUL not counted. */
size_t text_format(char *out, size_t room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
size_t text_format_list(char *out, size_t room, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/* Edits from one to the other; texts over 64 bytes count as 64 away. */
unsigned text_distance(struct text a, struct text b);

/* "Did you mean": the nearest name seen so far. Start with { .wrong = what was written }. */
struct text_nearest {
    struct text wrong;
    struct text best; /* absent: none is near enough to be a slip of the finger */
    unsigned distance;
};

/* Near: at most a third of the bytes and one more. Of equals the first. */
void text_nearest_try(struct text_nearest *nearest, struct text candidate);

#endif /* BASE_TEXT_H */
