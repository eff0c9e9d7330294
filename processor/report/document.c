#include "processor/report/document.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"

#include <inttypes.h>

void document_fini(struct document *d)
{
    for (uint32_t i = 0; i < d->section_count; i++) {
        mem_free(d->sections[i].cells);
        mem_free(d->sections[i].notes);
    }
    mem_free(d->sections);
    arena_fini(&d->arena);
}

struct section *document_section(struct document *d, const char *key, struct text title)
{
    d->sections =
        mem_grow32(d->sections, d->section_count, &d->section_capacity, sizeof(struct section));
    d->sections[d->section_count] = (struct section){ .key = key, .title = title };
    return &d->sections[d->section_count++];
}

void section_column(struct section *s, const char *key, const char *title, bool has_bar)
{
    CHECK(s->column_count < SECTION_COLUMNS_MAX);
    s->columns[s->column_count++] = (struct column){ key, title, has_bar, false };
}

void section_column_rare(struct section *s, const char *key, const char *title)
{
    section_column(s, key, title, false);
    s->columns[s->column_count - 1].may_hide = true;
}

bool section_is_hidden(const struct section *s, uint32_t column)
{
    for (uint32_t i = column; i < s->cell_count; i += s->column_count) {
        const struct cell *c = &s->cells[i];

        if (c->kind != CELL_NONE && (c->kind == CELL_TEXT || c->count != 0 || c->value > 0)) {
            return false;
        }
    }
    return s->columns[column].may_hide;
}

static void add(struct section *s, struct cell c)
{
    s->cells = mem_grow32(s->cells, s->cell_count, &s->cell_capacity, sizeof(struct cell));
    s->cells[s->cell_count++] = c;
}

void section_text(struct section *s, struct text text)
{
    add(s, (struct cell){ .kind = text.at == NULL ? CELL_NONE : CELL_TEXT, .text = text });
}

void section_none(struct section *s)
{
    add(s, (struct cell){ .kind = CELL_NONE });
}

void section_count(struct section *s, int64_t count)
{
    add(s, (struct cell){ .kind = CELL_COUNT, .count = count, .value = (double)count });
}

void section_share(struct section *s, double share)
{
    add(s, (struct cell){ .kind = CELL_RATE, .value = share });
}

void section_rate(struct section *s, int64_t hits, int64_t of)
{
    if (of <= 0) {
        section_none(s);
    } else {
        section_share(s, (double)hits / (double)of);
    }
}

void section_number(struct section *s, double value)
{
    add(s, (struct cell){ .kind = CELL_NUMBER, .value = value });
}

void section_money(struct section *s, int64_t minor_units)
{
    add(s, (struct cell){ .kind = CELL_MONEY, .count = minor_units, .value = (double)minor_units });
}

void section_duration(struct section *s, int64_t ms)
{
    add(s, (struct cell){ .kind = CELL_DURATION, .count = ms, .value = (double)ms });
}

void section_interval(struct section *s, double low, double high)
{
    add(s, (struct cell){ .kind = CELL_INTERVAL, .low = low, .high = high });
}

void section_note(struct document *d, struct section *s, const char *format, ...)
{
    char room[1024];
    va_list arguments;
    size_t size;

    va_start(arguments, format);
    size = text_format_list(room, sizeof(room), format, arguments);
    va_end(arguments);
    s->notes = mem_grow32(s->notes, s->note_count, &s->note_capacity, sizeof(struct text));
    s->notes[s->note_count++] = arena_text(&d->arena, (struct text){ room, size });
}

/* --- a cell as people read it --- */

static struct text money_text(const struct document *d, int64_t minor_units, struct arena *arena)
{
    int64_t size = minor_units < 0 ? -minor_units : minor_units;

    return arena_format(arena, "%s%" PRId64 ".%02d%s%.*s", minor_units < 0 ? "-" : "", size / 100,
                        (int)(size % 100), d->currency.at == NULL ? "" : " ",
                        TEXT_PRINTF(d->currency));
}

static struct text duration_text(int64_t ms, struct arena *arena)
{
    double days = (double)ms / (double)DAY_MS;

    if (days >= 10) {
        return arena_format(arena, "%.0fd", days);
    }
    return days >= 1 ? arena_format(arena, "%.1fd", days) : arena_format(arena, "%.1fh", days * 24);
}

struct text document_cell_text(const struct document *d, const struct cell *c, struct arena *arena)
{
    switch (c->kind) {
    case CELL_NONE:
        return TEXT("-");
    case CELL_TEXT:
        return c->text;
    case CELL_COUNT:
        return arena_format(arena, "%" PRId64, c->count);
    case CELL_RATE:
        return arena_format(arena, "%.2f%%", 100 * c->value);
    case CELL_NUMBER:
        return arena_format(arena, "%.4g", c->value);
    case CELL_MONEY:
        return money_text(d, c->count, arena);
    case CELL_DURATION:
        return duration_text(c->count, arena);
    case CELL_INTERVAL:
        return arena_format(arena, "%.2f%% .. %.2f%%", 100 * c->low, 100 * c->high);
    }
    UNREACHABLE();
}

/* --- text, Markdown, CSV --- */

static size_t width_of(struct text t)
{
    size_t width = 0;

    for (size_t i = 0; i < t.size; i++) {
        width += ((unsigned char)t.at[i] & 0xc0) != 0x80;
    }
    return width;
}

static uint32_t rows_of(const struct section *s)
{
    return s->column_count == 0 ? 0 : s->cell_count / s->column_count;
}

static void write_padded(struct text t, size_t width, bool is_left, FILE *to)
{
    size_t have = width_of(t);
    int blanks = have < width ? (int)(width - have) : 0;

    fprintf(to, "%*s%.*s%*s", is_left ? 0 : blanks, "", TEXT_PRINTF(t), is_left ? blanks : 0, "");
}

static void write_table_text(const struct document *d, const struct section *s, FILE *to)
{
    struct arena arena = { 0 };
    size_t widths[SECTION_COLUMNS_MAX];
    bool are_left[SECTION_COLUMNS_MAX] = { true }, are_hidden[SECTION_COLUMNS_MAX];

    for (uint32_t k = 0; k < s->column_count; k++) {
        widths[k] = strlen(s->columns[k].title);
        are_hidden[k] = section_is_hidden(s, k);
        for (uint32_t i = k; i < s->cell_count; i += s->column_count) {
            size_t width = width_of(document_cell_text(d, &s->cells[i], &arena));

            widths[k] = width > widths[k] ? width : widths[k];
            are_left[k] = are_left[k] || s->cells[i].kind == CELL_TEXT;
        }
        if (!are_hidden[k]) {
            fputs(k == 0 ? "" : "  ", to);
            write_padded(text_of(s->columns[k].title), widths[k], are_left[k], to);
        }
    }
    for (uint32_t i = 0; i < s->cell_count; i++) {
        uint32_t k = i % s->column_count;
        bool is_last = k + 1 == s->column_count;

        if (!are_hidden[k]) {
            fputs(k == 0 ? "\n" : "  ", to);
            write_padded(document_cell_text(d, &s->cells[i], &arena),
                         are_left[k] && is_last ? 0 : widths[k], are_left[k], to);
        }
    }
    fputc('\n', to);
    arena_fini(&arena);
}

static void write_text(const struct document *d, FILE *to)
{
    fprintf(to, "%.*s\n%.*s\n", TEXT_PRINTF(d->title), TEXT_PRINTF(d->subtitle));
    for (uint32_t i = 0; i < d->section_count; i++) {
        const struct section *s = &d->sections[i];

        fprintf(to, "\n%.*s\n", TEXT_PRINTF(s->title));
        if (rows_of(s) > 0) {
            write_table_text(d, s, to);
        }
        for (uint32_t k = 0; k < s->note_count; k++) {
            fprintf(to, "  %.*s\n", TEXT_PRINTF(s->notes[k]));
        }
    }
}

static void write_table_md(const struct document *d, const struct section *s, FILE *to)
{
    struct arena arena = { 0 };

    fputs("|", to);
    for (uint32_t k = 0; k < s->column_count; k++) {
        if (!section_is_hidden(s, k)) {
            fprintf(to, " %s |", s->columns[k].title);
        }
    }
    fputs("\n|", to);
    for (uint32_t k = 0; k < s->column_count; k++) {
        fputs(section_is_hidden(s, k) ? "" : k == 0 ? "---|" : "---:|", to);
    }
    for (uint32_t i = 0; i < s->cell_count; i++) {
        struct text t = document_cell_text(d, &s->cells[i], &arena);

        if (section_is_hidden(s, i % s->column_count)) {
            continue;
        }
        fputs(i % s->column_count == 0 ? "\n| " : " ", to);
        for (size_t k = 0; k < t.size; k++) {
            fputs(t.at[k] == '|' ? "\\" : "", to);
            fputc(t.at[k] == '\n' ? ' ' : t.at[k], to);
        }
        fputs(" |", to);
    }
    fputs("\n\n", to);
    arena_fini(&arena);
}

static void write_md(const struct document *d, FILE *to)
{
    fprintf(to, "# %.*s\n\n%.*s\n", TEXT_PRINTF(d->title), TEXT_PRINTF(d->subtitle));
    for (uint32_t i = 0; i < d->section_count; i++) {
        const struct section *s = &d->sections[i];

        fprintf(to, "\n## %.*s\n\n", TEXT_PRINTF(s->title));
        if (rows_of(s) > 0) {
            write_table_md(d, s, to);
        }
        for (uint32_t k = 0; k < s->note_count; k++) {
            fprintf(to, "- %.*s\n", TEXT_PRINTF(s->notes[k]));
        }
    }
}

static void write_csv_text(struct text t, FILE *to)
{
    fputc('"', to);
    for (size_t i = 0; i < t.size; i++) {
        fputs(t.at[i] == '"' ? "\"" : "", to);
        fputc(t.at[i], to);
    }
    fputc('"', to);
}

/* One line a figure, so that sections of other columns fit one table: section, row, column, value.
 */
static void write_csv(const struct document *d, FILE *to)
{
    fputs("section,row,column,value\n", to);
    for (uint32_t i = 0; i < d->section_count; i++) {
        const struct section *s = &d->sections[i];

        for (uint32_t k = 0; k < s->cell_count; k++) {
            const struct cell *c = &s->cells[k];

            fprintf(to, "%s,%u,%s,", s->key, k / s->column_count + 1,
                    s->columns[k % s->column_count].key);
            switch (c->kind) {
            case CELL_NONE:
                break;
            case CELL_TEXT:
                write_csv_text(c->text, to);
                break;
            case CELL_COUNT:
            case CELL_MONEY:
            case CELL_DURATION:
                fprintf(to, "%" PRId64, c->count);
                break;
            case CELL_RATE:
            case CELL_NUMBER:
                fprintf(to, "%.9g", c->value);
                break;
            case CELL_INTERVAL:
                fprintf(to, "\"%.9g..%.9g\"", c->low, c->high);
                break;
            }
            fputc('\n', to);
        }
    }
}

void document_write(const struct document *d, enum document_form form, FILE *to)
{
    switch (form) {
    case FORM_TEXT:
        write_text(d, to);
        break;
    case FORM_MD:
        write_md(d, to);
        break;
    case FORM_HTML:
        document_write_html(d, to);
        break;
    case FORM_CSV:
        write_csv(d, to);
        break;
    case FORM_JSON:
        document_write_json(d, to);
        break;
    }
}
