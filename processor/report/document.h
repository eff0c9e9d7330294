/* A document of tables: what a report says, before it is text, Markdown, HTML, CSV or JSON.
 *
 * Layer: report. Cells keep their values, so that every form writes the same figures in its way.
 * Owner of all texts and cells: the document's arena; texts that are given must live as long.
 */
#ifndef REPORT_DOCUMENT_H
#define REPORT_DOCUMENT_H
#include "processor/base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum cell_kind {
    CELL_NONE, /* nothing to say */
    CELL_TEXT,
    CELL_COUNT,
    CELL_RATE, /* 0..1 */
    CELL_NUMBER,
    CELL_MONEY,    /* minor units */
    CELL_DURATION, /* ms */
    CELL_INTERVAL  /* of rates or differences of rates */
};

struct cell {
    enum cell_kind kind;
    struct text text;
    int64_t count;
    double value, low, high;
};

#define SECTION_COLUMNS_MAX 24

struct column {
    const char *key; /* in CSV and JSON */
    const char *title;
    bool has_bar;  /* drawn in HTML */
    bool may_hide; /* not shown to people where all of it is 0; CSV and JSON have it */
};

struct section {
    const char *key;
    struct text title;
    struct column columns[SECTION_COLUMNS_MAX];
    uint32_t column_count;
    struct cell *cells; /* row by row */
    uint32_t cell_count, cell_capacity;
    struct text *notes; /* sentences below the table */
    uint32_t note_count, note_capacity;
    struct text picture; /* SVG, for HTML; absent: none */
};

struct document {
    struct arena arena;
    struct text title, subtitle, currency;
    int64_t at_ms;
    struct section *sections;
    uint32_t section_count, section_capacity;
};

void document_fini(struct document *d);

/* Valid until the next section. */
struct section *document_section(struct document *d, const char *key, struct text title);
void section_column(struct section *s, const char *key, const char *title, bool has_bar);
void section_column_rare(struct section *s, const char *key, const char *title);
void section_text(struct section *s, struct text text); /* absent: nothing to say */
void section_none(struct section *s);
void section_count(struct section *s, int64_t count);
void section_rate(struct section *s, int64_t hits, int64_t of); /* of nobody: nothing to say */
void section_share(struct section *s, double share);
void section_number(struct section *s, double value);
void section_money(struct section *s, int64_t minor_units);
void section_duration(struct section *s, int64_t ms);
void section_interval(struct section *s, double low, double high);
void section_note(struct document *d, struct section *s, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

enum document_form { FORM_TEXT, FORM_MD, FORM_HTML, FORM_CSV, FORM_JSON };
void document_write(const struct document *d, enum document_form form, FILE *to);

/* For the forms: a cell as people read it. Owner: the arena. */
struct text document_cell_text(const struct document *d, const struct cell *c, struct arena *arena);
bool section_is_hidden(const struct section *s, uint32_t column);
void document_write_html(const struct document *d, FILE *to);
void document_write_json(const struct document *d, FILE *to);

#endif /* REPORT_DOCUMENT_H */
