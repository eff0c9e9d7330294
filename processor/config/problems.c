#include "processor/config/problems.h"

#include "processor/base/mem.h"

#include <stdarg.h>
#include <stdlib.h>

#define SOURCE_BYTES_MAX 400 /* a longer line is not shown */

static bool place_equal(const struct place *a, const struct place *b)
{
    return a->file == b->file && a->line == b->line && a->column == b->column;
}

void problems_hide(struct config_problems *problems, struct text secret)
{
    if (secret.size > 0) {
        problems->secrets = mem_grow32(problems->secrets, problems->secret_count,
                                       &problems->secret_capacity, sizeof(struct text));
        problems->secrets[problems->secret_count++] = arena_text(&problems->arena, secret);
    }
}

/* Replace each secret by at most three stars, in place. */
static void mask(const struct config_problems *problems, char *sentence)
{
    for (uint32_t i = 0; i < problems->secret_count; i++) {
        struct text secret = problems->secrets[i];
        size_t stars = secret.size < 3 ? secret.size : 3;
        char *at;

        while ((at = memmem(sentence, strlen(sentence), secret.at, secret.size)) != NULL) {
            memset(at, '*', stars);
            memmove(at + stars, at + secret.size, strlen(at + secret.size) + 1);
            if (memcmp(secret.at, "***", stars) == 0) {
                break; /* of stars itself */
            }
        }
    }
}

struct config_problem *problem_add(struct config_problems *problems, struct place place,
                                   const char *code, const char *format, ...)
{
    struct config_problem p = { .place = place, .is_warning = code[0] == 'W' };
    va_list args;

    snprintf(p.code, sizeof(p.code), "%s", code);
    va_start(args, format);
    (void)text_format_list(p.text, sizeof(p.text), format, args);
    va_end(args);
    mask(problems, p.text);
    for (uint32_t i = 0; i < problems->count; i++) {
        struct config_problem *there = &problems->items[i];

        if (place_equal(&there->place, &place) && strcmp(there->code, code) == 0 &&
            strcmp(there->text, p.text) == 0) {
            return there;
        }
    }
    problems->items = mem_grow32(problems->items, problems->count, &problems->capacity,
                                 sizeof(struct config_problem));
    p.sequence = problems->count;
    problems->error_count += !p.is_warning;
    problems->items[problems->count] = p;
    return &problems->items[problems->count++];
}

void problem_hint(struct config_problem *problem, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)text_format_list(problem->hint, sizeof(problem->hint), format, args);
    va_end(args);
}

void problem_note(struct config_problem *problem, struct place also, const char *format, ...)
{
    va_list args;

    problem->also = also;
    va_start(args, format);
    (void)text_format_list(problem->note, sizeof(problem->note), format, args);
    va_end(args);
}

void problems_drop(struct config_problems *problems, const char *code_prefix)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < problems->count; i++) {
        if (strncmp(problems->items[i].code, code_prefix, strlen(code_prefix)) != 0) {
            problems->items[kept++] = problems->items[i];
        }
    }
    problems->count = kept;
}

void problem_hint_nearest(struct config_problem *problem, struct text wrong,
                          const struct text *names, uint32_t count)
{
    struct text_nearest nearest = { .wrong = wrong };

    for (uint32_t i = 0; i < count; i++) {
        text_nearest_try(&nearest, names[i]);
    }
    if (nearest.best.at != NULL) {
        problem_hint(problem, "did you mean `%.*s`?", TEXT_PRINTF(nearest.best));
    }
}

void problem_hint_known(struct config_problem *problem, struct text wrong, const struct text *names,
                        uint32_t count, const char *lead)
{
    char list[sizeof(problem->hint)];
    size_t used = 0;

    problem_hint_nearest(problem, wrong, names, count);
    if (problem->hint[0] != '\0') {
        return;
    }
    for (uint32_t i = 0; i < count && used + names[i].size + 3 < sizeof(list); i++) {
        used += text_format(list + used, sizeof(list) - used, "%s%.*s", i == 0 ? "" : ", ",
                            TEXT_PRINTF(names[i]));
        if (i + 1 == count) {
            problem_hint(problem, "%s %s", lead, list);
        }
    }
}

static int compare_problems(const void *left, const void *right)
{
    const struct config_problem *a = left, *b = right;
    uint32_t file_a = a->place.file == NULL ? UINT32_MAX : a->place.file->order;
    uint32_t file_b = b->place.file == NULL ? UINT32_MAX : b->place.file->order;

    if (file_a != file_b) {
        return file_a < file_b ? -1 : 1;
    }
    if (a->place.line != b->place.line) {
        return a->place.line < b->place.line ? -1 : 1;
    }
    if (a->place.column != b->place.column) {
        return a->place.column < b->place.column ? -1 : 1;
    }
    return a->sequence < b->sequence ? -1 : 1;
}

void config_problems_sort(struct config_problems *problems)
{
    if (problems->count > 1) {
        qsort(problems->items, problems->count, sizeof(struct config_problem), compare_problems);
    }
}

static struct text line_of(const struct config_file *file, uint32_t line)
{
    const char *at = file->text.at;
    const char *end = at + file->text.size;
    const char *stop;

    for (uint32_t i = 1; i < line && at < end; i++) {
        const char *next = memchr(at, '\n', (size_t)(end - at));

        at = next == NULL ? end : next + 1;
    }
    stop = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
    return (struct text){ at, (size_t)((stop == NULL ? end : stop) - at) };
}

static void print_source(const struct place *place, FILE *to)
{
    struct text line = line_of(place->file, place->line);
    uint32_t column = 1;

    if (line.size > SOURCE_BYTES_MAX || !text_is_utf8(line)) {
        return; /* nothing that helps at a terminal */
    }
    fprintf(to, "%5u | %.*s\n      | ", place->line, TEXT_PRINTF(line));
    for (size_t i = 0; i < line.size && column < place->column; i++) {
        if (((unsigned char)line.at[i] & 0xC0) == 0x80) {
            continue; /* a character counts once */
        }
        fputc(line.at[i] == '\t' ? '\t' : ' ', to);
        column++;
    }
    for (uint32_t i = 0; i < place->width; i++) {
        fputc('^', to);
    }
    fputc('\n', to);
}

static void print_place(const struct place *place, FILE *to)
{
    fprintf(to, "%.*s:%u:%u", TEXT_PRINTF(place->file->name), place->line, place->column);
}

void config_problems_print(struct config_problems *problems, FILE *to)
{
    uint32_t shown = 0, warnings = problems->count - problems->error_count;

    config_problems_sort(problems);
    for (; shown < problems->count && shown < PROBLEMS_SHOWN_MAX; shown++) {
        const struct config_problem *p = &problems->items[shown];

        if (p->place.file != NULL) {
            print_place(&p->place, to);
            fputs(": ", to);
        }
        fprintf(to, "%s[%s]: %s\n", p->is_warning ? "warning" : "error", p->code, p->text);
        if (p->place.file != NULL && p->place.file->text.at != NULL) {
            print_source(&p->place, to);
        }
        if (p->note[0] != '\0' && p->also.file != NULL) {
            fprintf(to, "   note: %s, ", p->note);
            print_place(&p->also, to);
            fputc('\n', to);
        }
        if (p->hint[0] != '\0') {
            fprintf(to, "   hint: %s\n", p->hint);
        }
    }
    if (shown < problems->count) {
        fprintf(to, "and %u more\n", problems->count - shown);
    }
    if (problems->count > 0) {
        fprintf(to, "%u error%s, %u warning%s\n", problems->error_count,
                problems->error_count == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
    }
}

void config_problems_fini(struct config_problems *problems)
{
    mem_free(problems->items);
    mem_free(problems->secrets);
    arena_fini(&problems->arena);
    *problems = (struct config_problems){ 0 };
}
