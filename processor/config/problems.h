/* Errors and warnings of a configuration, each with its place: collected, sorted, printed at once.
 *
 * Layer: config.
 */
#ifndef CONFIG_PROBLEMS_H
#define CONFIG_PROBLEMS_H
#include "processor/base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define PROBLEMS_SHOWN_MAX 200 /* at a terminal */

struct config_file {
    struct text name;
    struct text text; /* all of it */
    uint32_t order;   /* of reading */
};

struct place {
    const struct config_file *file; /* NULL: none (a --set) */
    uint32_t line, column;          /* 1-based, in characters */
    uint32_t width;                 /* characters the caret underlines, at least 1 */
};

struct config_problem {
    struct place place;
    bool is_warning;
    char code[8];      /* E0102 */
    char text[320];    /* a sentence */
    char hint[256];    /* "" or a hint */
    char note[128];    /* "", or what stands at `also` */
    struct place also; /* the other place, when two conflict */
    uint32_t sequence; /* order of finding: ties of place */
};

struct config_problems { /* a zeroed struct is a good empty one */
    struct config_problem *items;
    uint32_t count;
    uint32_t capacity;
    uint32_t error_count;
    struct text *secrets; /* never shown: a sentence that quotes one gets *** instead */
    uint32_t secret_count, secret_capacity;
    struct arena arena; /* files and their text: places point to them; secrets too */
};

/* From now on this value is masked. Empty ones are not. */
void problems_hide(struct config_problems *problems, struct text secret);

/* A code that starts with W is a warning. The same sentence at the same place is kept once.
 * Returns: the problem, to add a hint; until the next one is added. */
struct config_problem *problem_add(struct config_problems *problems, struct place place,
                                   const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void problem_hint(struct config_problem *problem, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void problem_note(struct config_problem *problem, struct place also, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Forget those whose code starts so. Requires: warnings only. */
void problems_drop(struct config_problems *problems, const char *code_prefix);

/* "did you mean `x`?" when one of the names is near. */
void problem_hint_nearest(struct config_problem *problem, struct text wrong,
                          const struct text *names, uint32_t count);

/* The same, or else "LEAD a, b, c" with all of them, when they are few. */
void problem_hint_known(struct config_problem *problem, struct text wrong, const struct text *names,
                        uint32_t count, const char *lead);

/* By file, line, column; then as found. */
void config_problems_sort(struct config_problems *problems);

/* Sorted by place: file:line:column: error[E0102]: sentence / source line / caret / hint. At most
 * PROBLEMS_SHOWN_MAX, then how many more. */
void config_problems_print(struct config_problems *problems, FILE *to);
void config_problems_fini(struct config_problems *problems);

#endif /* CONFIG_PROBLEMS_H */
