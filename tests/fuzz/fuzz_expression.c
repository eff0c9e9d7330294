/* DESIGN. Seeded mutations of expressions through lexer, parser, checker and compiler; what
 * compiles is asked of a customer to whom random events happen. The sanitizers judge; besides, an
 * error has a sentence in valid UTF-8 and a place within the source, an answer holds until later
 * than now, and the same question has the same answer again. A round depends on its number and the
 * file only.
 */
#include "processor/base/bytes.h"
#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/base/rng.h"
#include "segmenters/predicate.h"
#include "segmenters/score.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 64
#define EVENTS    8

static struct text lines[LINES_MAX];
static uint32_t line_count;

/* --- a plan with something of everything --- */
static const struct score_point points[] = { { { "click", 5 }, NULL, 3 * SCORE_POINT } };
static const struct score_level levels[] = { { { "low", 3 }, 0 }, { { "high", 4 }, SCORE_POINT } };

static void declare(struct facts_plan *plan, const char *name, enum value_type type,
                    const char *kind, const char *field)
{
    struct attribute_plan *a;

    plan->attributes =
        mem_grow32(plan->attributes, plan->attribute_count, &plan->attribute_capacity, sizeof(*a));
    a = &plan->attributes[plan->attribute_count++];
    *a = (struct attribute_plan){ .name = text_of(name),
                                  .key = hash32(text_of(name)),
                                  .type = type,
                                  .remember_kind = text_of(kind),
                                  .remember_field = hash32(text_of(field)) };
}

static void plan_init(struct facts_plan *plan, struct arena *arena, struct filter_plan *filter)
{
    struct predicate_error error;

    *plan = (struct facts_plan){ .arena = arena,
                                 .currency = TEXT("EUR"),
                                 .has_cadence = true,
                                 .cadence_r = 0.5,
                                 .cadence_alpha = 2 };
    plan->rfm = (struct rfm_plan){ .is_used = true,
                                   .window_ms = 20 * DAY_MS,
                                   .recency_ms = { 4 * DAY_MS, 3 * DAY_MS, 2 * DAY_MS, DAY_MS },
                                   .frequency = { 2, 3, 4, 5 },
                                   .monetary = { 1, 20, 300, 4000 } };
    CHECK(rfm_map_named(&plan->rfm, TEXT("rf11")));
    declare(plan, "size", VALUE_INT, NULL, "");
    declare(plan, "rate", VALUE_DOUBLE, NULL, "");
    declare(plan, "city", VALUE_TEXT, NULL, "");
    declare(plan, "tags", VALUE_STRINGS, NULL, "");
    declare(plan, "born", VALUE_DATE, NULL, "");
    declare(plan, "last_page", VALUE_NULL, "click", "url");
    declare(plan, "last_pages", VALUE_NULL, "visit", "pages");
    plan->scores = mem_grow32(NULL, 0, &plan->score_capacity, sizeof(*plan->scores));
    plan->scores[plan->score_count++] = (struct score_plan){
        TEXT("intent"), 7, DAY_MS, points, 1, levels, sizeof(levels) / sizeof(levels[0])
    };
    *filter = (struct filter_plan){ TEXT("click.pricing"), TEXT("click"), TEXT("x"), NULL };
    CHECK(predicate_compile(plan, NULL, TEXT("event.url == \"/pricing\""), PREDICATE_EVENT,
                            &filter->predicate, &error) == OK);
    plan->filters = mem_grow32(NULL, 0, &plan->filter_capacity, sizeof(filter));
    plan->filters[plan->filter_count++] = filter;
}

/* --- mutations --- */
static bool is_word(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct text random_part(struct rng *r, struct text t)
{
    size_t from = (size_t)rng_below(r, t.size), to = from;

    while (from > 0 && is_word(t.at[from]) && is_word(t.at[from - 1])) {
        from--;
    }
    while (to < t.size && is_word(t.at[to])) {
        to++;
    }
    to += to == from;
    return (struct text){ t.at + from, to - from };
}

/* Up to the closing bracket of a random opening one: an operand. */
static struct text random_operand(struct rng *r, struct text t)
{
    struct text part = random_part(r, t);
    const char *open = memchr(part.at, '(', (size_t)(t.at + t.size - part.at));
    const char *close = open == NULL ? NULL : memchr(open, ')', (size_t)(t.at + t.size - open));

    return close == NULL ? part : (struct text){ part.at, (size_t)(close + 1 - part.at) };
}

static void mutate(struct rng *r, struct text from, struct bytes_out *out)
{
    static const char *const telling[] = {
        "-1",
        "0",
        "9223372036854775807",
        "1e308",
        "null",
        "\"\"",
        "[]",
        "(",
        ")",
        "\xff",
        "!",
        "-",
        "&&",
        "||",
        "?",
        ":",
        "==",
        "in",
        ".",
        "now",
        "true",
        "days(0)",
        "weeks(5217)",
        "'''",
        "\\",
        "// x",
        "((((((((((((((((((((((((((",
        "now - now",
        "event.x",
        "[[1]]",
        "intent.score",
        "customer",
        "count(\"x\")",
        "rfm",
        "1.0 / 0.0",
        "customer.none",
    };
    struct text other = lines[rng_below(r, line_count)];
    struct text part = rng_chance(r, 5000) ? random_part(r, from) : random_operand(r, from);
    struct text instead = rng_chance(r, 4000)   ? random_operand(r, other)
                          : rng_chance(r, 4000) ? random_part(r, other)
                          : rng_chance(r, 7000)
                              ? text_of(telling[rng_below(r, sizeof(telling) / sizeof(telling[0]))])
                              : TEXT("");
    const char *end = part.at + part.size;

    bytes_put(out, from.at, (size_t)(part.at - from.at));
    bytes_put(out, instead.at, instead.size);
    bytes_put(out, end, from.size - (size_t)(end - from.at));
}

/* --- what happens to the customer --- */
static void random_event(struct rng *r, const struct facts_plan *plan, struct customer *c,
                         int64_t now_ms)
{
    static const char *const kinds[] = { "click", "visit", "open", "purchase", "refund", "x" };
    struct event_field fields[3] = {
        { TEXT("url"), hash32(TEXT("url")), { .type = VALUE_TEXT, .as.text = TEXT("/pricing") } },
        { TEXT("pages"),
          hash32(TEXT("pages")),
          { .type = VALUE_INT, .as.integer = (int64_t)rng_next(r) >> rng_below(r, 64) } },
        { TEXT("amount"), hash32(TEXT("amount")), { .type = VALUE_INT } },
    };
    struct event ev = { .kind_name = text_of(kinds[rng_below(r, 6)]),
                        .customer = TEXT("c"),
                        .at_ms = now_ms - (int64_t)rng_below(r, 3 * DAY_MS),
                        .order = rng_chance(r, 5000) ? TEXT("o-1") : TEXT("o-2"),
                        .has_amount = true,
                        .amount = (int64_t)(rng_next(r) >> (1 + rng_below(r, 63))),
                        .fields = fields,
                        .field_count = 3 };
    struct facts_event e = { .event = &ev, .is_human = true, .is_first = true };
    bool is_known;

    if (rng_chance(r, 3000)) {
        fields[1].value = (struct value){ .type = VALUE_DOUBLE, .as.real = 1e300 };
    }
    fields[2].value.as.integer = ev.amount;
    ev.kind = event_kind_of(ev.kind_name);
    (void)facts_apply(plan, c, &e, now_ms, &is_known);
}

static struct answer ask(const struct facts_plan *plan, const struct customer *c,
                         const struct predicate *p, int64_t now_ms)
{
    struct arena scratch = { 0 };
    struct view v = { .plan = plan, .customer = c, .now_ms = now_ms, .arena = &scratch };
    struct answer a = predicate_eval(p, &v);

    CHECK(a.until_ms > now_ms);
    arena_fini(&scratch);
    return a;
}

static void live(struct rng *r, const struct facts_plan *plan, const struct predicate *p)
{
    struct customer *c = customer_new();
    int64_t now_ms = INT64_C(1772438400000);

    for (int i = 0; i < EVENTS; i++) {
        struct answer a, again;

        now_ms += (int64_t)rng_below(r, 2 * DAY_MS);
        random_event(r, plan, c, now_ms);
        a = ask(plan, c, p, now_ms);
        again = ask(plan, c, p, now_ms);
        CHECK(a.truth == again.truth && a.until_ms == again.until_ms);
        if (a.until_ms < now_ms + 400 * DAY_MS) {
            CHECK(ask(plan, c, p, a.until_ms - 1).truth == a.truth); /* never late */
        }
    }
    customer_free(c);
}

static bool run(struct rng *r, struct text source)
{
    struct arena arena = { 0 };
    struct facts_plan plan;
    struct filter_plan filter;
    struct predicate_error error = { .text = "" };
    const struct predicate *p = NULL;
    char *exact = mem_alloc(source.size + 1);
    bool is_event = text_contains(source, TEXT("event.")) && rng_chance(r, 5000);
    bool is_good;

    memcpy(exact, source.at, source.size);
    plan_init(&plan, &arena, &filter);
    is_good = predicate_compile(&plan, NULL, (struct text){ exact, source.size },
                                is_event ? PREDICATE_EVENT : PREDICATE_CUSTOMER, &p, &error) == OK;
    if (!is_good) {
        CHECK(error.text[0] != '\0' && error.offset <= source.size);
    } else if (!is_event) {
        live(r, &plan, p);
    }
    mem_free(exact);
    facts_plan_fini(&plan);
    arena_fini(&arena);
    return is_good;
}

static void read_lines(const char *path, struct bytes_out *all)
{
    FILE *file = fopen(path, "rb");
    char line[1024];
    size_t offsets[LINES_MAX + 1] = { 0 };

    CHECK(file != NULL);
    while (fgets(line, sizeof(line), file) != NULL && line_count < LINES_MAX) {
        bytes_put(all, line, strcspn(line, "\n"));
        offsets[++line_count] = all->size;
    }
    (void)fclose(file);
    for (uint32_t i = 0; i < line_count; i++) {
        lines[i] = (struct text){ (const char *)all->at + offsets[i], offsets[i + 1] - offsets[i] };
    }
    CHECK(line_count > 0);
}

/* A line of the corpus, or several as one. */
static void begin(struct rng *r, uint64_t round, struct bytes_out *out)
{
    static const char *const joints[] = { ") && !(", ") || (", ") ? 3 > 2 : (", ") == (" };
    uint64_t more = round < line_count ? 0 : rng_below(r, 3);
    struct text line = lines[round % line_count];

    bytes_put(out, "(", 1);
    bytes_put(out, line.at, line.size);
    for (; more > 0; more--) {
        struct text joint = text_of(joints[rng_below(r, 4)]);

        line = lines[rng_below(r, line_count)];
        bytes_put(out, "\n", 1); /* ends a comment */
        bytes_put(out, joint.at, joint.size);
        bytes_put(out, line.at, line.size);
    }
    bytes_put(out, "\n)", 2);
}

int main(int count, char **arguments)
{
    uint64_t rounds = count == 3 ? strtoull(arguments[1], NULL, 10) : 0, accepted = 0;
    struct bytes_out corpus = { 0 };

    if (rounds == 0) {
        (void)fprintf(stderr, "usage: fuzz_expression ROUNDS CORPUS\n");
        return 64;
    }
    read_lines(arguments[2], &corpus);
    for (uint64_t i = 0; i < rounds; i++) {
        struct bytes_out a = { 0 };
        struct rng r;

        rng_init(&r, i);
        begin(&r, i, &a);
        for (uint64_t k = i < line_count ? 0 : rng_below(&r, 3); k > 0 && a.size > 0; k--) {
            struct bytes_out b = { 0 };

            mutate(&r, (struct text){ (const char *)a.at, a.size }, &b);
            bytes_out_fini(&a);
            a = b;
        }
        accepted += a.size > 0 && run(&r, (struct text){ (const char *)a.at, a.size });
        bytes_out_fini(&a);
    }
    (void)printf("%llu rounds, %llu accepted\n", (unsigned long long)rounds,
                 (unsigned long long)accepted);
    bytes_out_fini(&corpus);
    return 0;
}
