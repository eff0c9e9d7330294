/* One typed value: of an attribute, of an event's field, of an expression.
 *
 * Layer: schemas. Text and lists are borrowed unless the holder says it owns them.
 */
#ifndef SCHEMAS_VALUE_H
#define SCHEMAS_VALUE_H
#include "processor/base/text.h"

#include <stdbool.h>
#include <stdint.h>

enum value_type {
    VALUE_NULL, /* absent, or null */
    VALUE_BOOL,
    VALUE_INT,
    VALUE_DOUBLE,
    VALUE_TEXT,     /* also the values of an enum attribute */
    VALUE_STRINGS,  /* a set or list of texts */
    VALUE_DATE,     /* integer: days since 1970-01-01 */
    VALUE_INSTANT,  /* integer: ms since 1970-01-01T00:00Z */
    VALUE_DURATION, /* integer: ms */
    VALUE_MONEY     /* integer: minor units of the deployment's currency */
};

struct value {
    enum value_type type;
    union {
        bool boolean;
        int64_t integer; /* INT, DATE, INSTANT, DURATION, MONEY */
        double real;
        struct text text;
        struct {
            const struct text *at;
            uint32_t count;
        } strings;
    } as;
};

#define VALUE_NONE ((struct value){ .type = VALUE_NULL })

bool value_equal(const struct value *a, const struct value *b);
struct value value_dup(const struct value *v); /* owned copy: strings and list on the heap */
void value_fini(struct value *owned);          /* of a value_dup'ed one; leaves VALUE_NULL */

#endif /* SCHEMAS_VALUE_H */
