#include "processor/cli/check_output.h"

#include "processor/config/footprint.h"
#include "processor/config/sample_size.h"

#include <stdio.h>

#define KINDS_MAX   64
#define KINDS_SHOWN 4
#define KIB         1024

/* --- for people --- */

static void print_size(int64_t bytes)
{
    if (bytes < 10 * KIB) {
        printf("%lld bytes", (long long)bytes);
    } else if (bytes < INT64_C(10) * KIB * KIB) {
        printf("%lld KiB", (long long)(bytes / KIB));
    } else {
        printf("%lld MiB", (long long)(bytes / KIB / KIB));
    }
}

static void print_state(const struct rules *rules)
{
    struct footprint f;

    footprint_of(rules, &f);
    printf("  state per customer: about ");
    print_size(f.typical_bytes);
    printf(" (");
    for (int i = 0; i < FOOTPRINT__COUNT; i++) {
        printf("%s%s %lld", i == 0 ? "" : ", ", footprint_name((enum footprint_part)i),
               (long long)f.typical[i]);
    }
    printf("), at most ");
    print_size(f.most_bytes);
    putchar('\n');
}

static void print_costs(const struct rules *rules)
{
    struct event_cost costs[KINDS_MAX];
    uint32_t count = footprint_events(rules, costs, KINDS_MAX), shown = 0;

    while (shown < count && shown < KINDS_SHOWN && costs[shown].steps > 0) {
        printf("%s %.*s %u of %u segments, %u steps",
               shown == 0 ? "  an event looks again at:" : ";", TEXT_PRINTF(costs[shown].kind),
               costs[shown].segments, rules->segments.count, costs[shown].steps);
        shown++;
    }
    if (shown > 0) {
        puts(shown < count && costs[shown].steps > 0 ? "; other kinds less" : "");
    }
}

static void print_experiments(const struct rules *r)
{
    for (uint32_t i = 0; i < r->experiment_count; i++) {
        const struct experiment_plan *x = &r->experiments[i];

        if (!x->aims.has_plan) {
            continue;
        }
        printf("  experiment %.*s: to tell %.2f%% from %.2f%% (alpha %.2f, power %.2f) it needs",
               TEXT_PRINTF(x->id), (double)x->aims.baseline / 100, (double)x->aims.detect / 100,
               x->aims.alpha, x->aims.power);
        for (uint32_t a = 0; a < x->arms.count; a++) {
            printf("%s %lld customers in `%.*s`", a == 0 ? "" : ",", (long long)sample_of_arm(x, a),
                   TEXT_PRINTF(x->arms.arms[a].name));
        }
        putchar('\n');
    }
}

static void print_summary(const char *path, const struct config *c)
{
    const struct rules *r = c->rules;
    uint32_t rungs = 0, emails = 0;

    for (uint32_t i = 0; i < r->segments.count; i++) {
        rungs += r->segments.segments[i].rung_count;
    }
    for (uint32_t i = 0; i < r->sequence_count; i++) {
        emails += r->sequences[i].email_count;
    }
    printf("%s: good. %u segments and ladders (%u rungs), %u sequences (%u emails), "
           "%u attributes, %u counters, %u tests; config %.*s\n",
           path, r->segments.count, rungs, r->sequence_count, emails, r->facts.attribute_count,
           r->facts.history_count, c->test_count, TEXT_PRINTF(r->config_hex));
    print_state(r);
    print_costs(r);
    print_experiments(r);
}

/* --- for tools --- */

static void put_string(const char *at, size_t size)
{
    putchar('"');
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)at[i];

        if (c < ' ') {
            printf("\\u%04x", c);
        } else {
            if (c == '"' || c == '\\') {
                putchar('\\');
            }
            putchar(c);
        }
    }
    putchar('"');
}

static void put_member(const char *name, const char *value)
{
    printf(", \"%s\": ", name);
    put_string(value, strlen(value));
}

static void put_place(const struct place *p)
{
    printf("\"file\": ");
    put_string(p->file->name.at, p->file->name.size);
    printf(", \"line\": %u, \"column\": %u", p->line, p->column);
}

static void put_problem(const struct config_problem *p, bool is_first)
{
    printf("%s\n      {", is_first ? "" : ",");
    if (p->place.file != NULL) {
        put_place(&p->place);
        printf(", \"width\": %u, ", p->place.width);
    }
    printf("\"severity\": \"%s\"", p->is_warning ? "warning" : "error");
    put_member("code", p->code);
    put_member("message", p->text);
    if (p->note[0] != '\0' && p->also.file != NULL) {
        printf(", \"note\": {");
        put_place(&p->also);
        put_member("message", p->note);
        putchar('}');
    }
    if (p->hint[0] != '\0') {
        put_member("hint", p->hint);
    }
    putchar('}');
}

static void put_state(const struct rules *rules)
{
    struct footprint f;

    footprint_of(rules, &f);
    printf(",\n    \"state\": {\"typical_bytes\": %lld, \"most_bytes\": %lld, \"parts\": {",
           (long long)f.typical_bytes, (long long)f.most_bytes);
    for (int i = 0; i < FOOTPRINT__COUNT; i++) {
        printf("%s\"%s\": {\"typical_bytes\": %lld, \"most_bytes\": %lld}", i == 0 ? "" : ", ",
               footprint_name((enum footprint_part)i), (long long)f.typical[i],
               (long long)f.most[i]);
    }
    printf("}}");
}

static void put_costs(const struct rules *rules)
{
    struct event_cost costs[KINDS_MAX];
    uint32_t count = footprint_events(rules, costs, KINDS_MAX);

    printf(",\n    \"events\": [");
    for (uint32_t i = 0; i < count; i++) {
        printf("%s{\"kind\": ", i == 0 ? "" : ", ");
        put_string(costs[i].kind.at, costs[i].kind.size);
        printf(", \"segments\": %u, \"steps\": %u}", costs[i].segments, costs[i].steps);
    }
    putchar(']');
}

static void put_experiments(const struct rules *r)
{
    printf(",\n    \"experiments\": [");
    for (uint32_t i = 0; i < r->experiment_count; i++) {
        const struct experiment_plan *x = &r->experiments[i];

        printf("%s{\"id\": \"%.*s\", \"customers\": {", i == 0 ? "" : ", ", TEXT_PRINTF(x->id));
        for (uint32_t a = 0; a < x->arms.count; a++) {
            printf("%s\"%.*s\": %lld", a == 0 ? "" : ", ", TEXT_PRINTF(x->arms.arms[a].name),
                   (long long)sample_of_arm(x, a));
        }
        printf("}}");
    }
    putchar(']');
}

static void put_json(const struct check_output *o, const char *path,
                     const struct config_problems *problems, const struct config *c)
{
    printf("%s\n  {\"path\": ", o->count == 0 ? "" : ",");
    put_string(path, strlen(path));
    printf(", \"good\": %s, \"errors\": %u, \"warnings\": %u", c == NULL ? "false" : "true",
           problems->error_count, problems->count - problems->error_count);
    if (c != NULL) {
        printf(", \"config\": \"%.*s\"", TEXT_PRINTF(c->rules->config_hex));
    }
    printf(",\n    \"problems\": [");
    for (uint32_t i = 0; i < problems->count; i++) {
        put_problem(&problems->items[i], i == 0);
    }
    putchar(']');
    if (c != NULL) {
        put_state(c->rules);
        put_costs(c->rules);
        put_experiments(c->rules);
    }
    putchar('}');
}

/* --- for GitHub: workflow commands, which show beside the line of a change --- */

static void put_escaped(const char *at, size_t size, const char *escaped)
{
    for (size_t i = 0; i < size; i++) {
        if (at[i] != '\0' && strchr(escaped, at[i]) != NULL) {
            printf("%%%02X", (unsigned char)at[i]);
        } else {
            putchar(at[i]);
        }
    }
}

static void put_github(const struct config_problem *p)
{
    printf("::%s ", p->is_warning ? "warning" : "error");
    if (p->place.file != NULL) {
        printf("file=");
        put_escaped(p->place.file->name.at, p->place.file->name.size, "%\r\n:,");
        printf(",line=%u,col=%u,endColumn=%u,", p->place.line, p->place.column,
               p->place.column + p->place.width);
    }
    printf("title=%s::", p->code);
    put_escaped(p->text, strlen(p->text), "%\r\n");
    if (p->note[0] != '\0' && p->also.file != NULL) {
        printf("%%0Anote: ");
        put_escaped(p->note, strlen(p->note), "%\r\n");
        printf(", ");
        put_escaped(p->also.file->name.at, p->also.file->name.size, "%\r\n");
        printf(":%u:%u", p->also.line, p->also.column);
    }
    if (p->hint[0] != '\0') {
        printf("%%0Ahint: ");
        put_escaped(p->hint, strlen(p->hint), "%\r\n");
    }
    putchar('\n');
}

/* --- all --- */

struct check_output check_output_begin(enum check_form form, bool is_quiet)
{
    if (form == CHECK_JSON) {
        printf("{\"configurations\": [");
    }
    return (struct check_output){ .form = form, .is_quiet = is_quiet };
}

void check_output_put(struct check_output *o, const char *path, struct config_problems *problems,
                      const struct config *config)
{
    if (o->form == CHECK_TEXT) {
        config_problems_print(problems, stderr);
        if (config != NULL && !o->is_quiet) {
            print_summary(path, config);
        }
    } else {
        config_problems_sort(problems);
        if (o->form == CHECK_JSON) {
            put_json(o, path, problems, config);
        }
        for (uint32_t i = 0; o->form == CHECK_GITHUB && i < problems->count; i++) {
            put_github(&problems->items[i]);
        }
    }
    o->count++;
}

void check_output_end(struct check_output *o)
{
    if (o->form == CHECK_JSON) {
        printf("\n]}\n");
    }
}
