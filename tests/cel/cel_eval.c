/* Expressions in, answers out: the bridge between the compiler of predicates and other
 * implementations of CEL.
 *
 * Each line of the input is one expression as hexadecimal digits of its UTF-8. Each line of the
 * output is true, false or unknown, or `error` and the sentence. The customer is always the same;
 * test_cel.py knows its attributes.
 */
#include "processor/base/bytes.h"
#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "segmenters/predicate.h"

#include <stdio.h>
#include <string.h>

#define NOW_MS INT64_C(1772438400000)

static const struct text tags[] = { { "a", 1 }, { "b", 1 }, { "red", 3 } };

static const struct {
    const char *name;
    struct value value; /* VALUE_NULL: declared and not set, an int */
} attributes[] = {
    { "i", { .type = VALUE_INT, .as.integer = 7 } },
    { "n", { .type = VALUE_INT, .as.integer = -3 } },
    { "zero", { .type = VALUE_INT, .as.integer = 0 } },
    { "big", { .type = VALUE_INT, .as.integer = INT64_MAX } },
    { "d", { .type = VALUE_DOUBLE, .as.real = 2.5 } },
    { "e", { .type = VALUE_DOUBLE, .as.real = -0.125 } },
    { "s", { .type = VALUE_TEXT, .as.text = { "red", 3 } } },
    { "t",
      { .type = VALUE_TEXT,
        .as.text = { "Stra\xc3\x9f"
                     "e",
                     7 } } },
    { "yes", { .type = VALUE_BOOL, .as.boolean = true } },
    { "no", { .type = VALUE_BOOL, .as.boolean = false } },
    { "tags", { .type = VALUE_STRINGS, .as.strings = { tags, 3 } } },
    { "none", { .type = VALUE_NULL } },
};

static void declare(struct facts_plan *plan, struct customer *c)
{
    for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
        struct text name = text_of(attributes[i].name);
        struct attribute_plan *a;

        plan->attributes = mem_grow32(plan->attributes, plan->attribute_count,
                                      &plan->attribute_capacity, sizeof(*a));
        a = &plan->attributes[plan->attribute_count++];
        *a = (struct attribute_plan){ .name = name,
                                      .key = hash32(name),
                                      .type = attributes[i].value.type == VALUE_NULL
                                                  ? VALUE_INT
                                                  : attributes[i].value.type };
        if (attributes[i].value.type != VALUE_NULL) {
            facts_set_attribute(c, a, &attributes[i].value, 0, 0);
        }
    }
}

static int digit_of(char c)
{
    const char *digits = "0123456789abcdef";
    const char *found = c == '\0' ? NULL : strchr(digits, c);

    return found == NULL ? -1 : (int)(found - digits);
}

/* Returns: false at the end of the line or at what is no digit. */
static bool next_byte(const char **at, char *out)
{
    int high = digit_of((*at)[0]), low = high < 0 ? -1 : digit_of((*at)[1]);

    if (low < 0) {
        return false;
    }
    *out = (char)(high * 16 + low);
    *at += 2;
    return true;
}

static void answer(struct facts_plan *plan, struct customer *c, struct text source)
{
    static const char *const names[] = { "false", "true", "unknown" };
    struct arena scratch = { 0 };
    struct view v = { .plan = plan, .customer = c, .now_ms = NOW_MS, .arena = &scratch };
    const struct predicate *p;
    struct predicate_error error = { .text = "" };

    if (predicate_compile(plan, NULL, source, PREDICATE_CUSTOMER, &p, &error) != OK) {
        (void)printf("error %s\n", error.text);
    } else {
        struct answer a = predicate_eval(p, &v);

        CHECK(a.until_ms > NOW_MS);
        (void)printf("%s\n", names[a.truth]);
    }
    arena_fini(&scratch);
}

int main(void)
{
    static char line[4 * PREDICATE_SOURCE_SIZE_MAX];
    struct arena arena = { 0 };
    struct facts_plan plan = { .arena = &arena };
    struct customer *c = customer_new();

    declare(&plan, c);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        struct bytes_out source = { 0 };
        const char *at = line;
        char byte;

        while (next_byte(&at, &byte)) {
            bytes_put(&source, &byte, 1);
        }
        answer(&plan, c, (struct text){ (const char *)source.at, source.size });
        bytes_out_fini(&source);
    }
    customer_free(c);
    facts_plan_fini(&plan);
    arena_fini(&arena);
    return 0;
}
