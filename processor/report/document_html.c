/* One file, no outside request: style within, bars and pictures as inline SVG, light and dark by
 * the reader's setting, tables that scroll on a phone. And JSON, which is the other form that
 * programs read.
 */
#include "processor/base/instant.h"
#include "processor/report/document.h"

#include <inttypes.h>
#include <math.h>

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--line:#d8dde3;--soft:#5b6673;"
    "--bar:#2f6fde}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e9ed;--paper:#14171b;--line:#333a42;"
    "--soft:#9aa5b1;--bar:#6aa0ff}}"
    "body{margin:0 auto;padding:1rem;max-width:72rem;background:var(--paper);color:var(--ink);"
    "font:16px/1.5 system-ui,sans-serif}"
    "h1{font-size:1.5rem;margin:.5rem 0 0}h2{font-size:1.15rem;margin:2rem 0 .5rem}"
    ".soft{color:var(--soft);margin:0}"
    ".wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    "th,td{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:right;"
    "white-space:nowrap}th{color:var(--soft);font-weight:600}"
    "td:first-child,th:first-child,td.t{text-align:left}"
    "svg{vertical-align:middle}.b{fill:var(--bar)}.l{stroke:var(--bar);stroke-width:2;fill:none}"
    ".z{stroke:var(--soft);stroke-dasharray:2 2}.n{fill:none;stroke:var(--line)}"
    "svg text{fill:var(--ink);font:12px system-ui,sans-serif}li{margin:.2rem 0}";

static void put_html(struct text t, FILE *to)
{
    for (size_t i = 0; i < t.size; i++) {
        switch (t.at[i]) {
        case '<':
            fputs("&lt;", to);
            break;
        case '>':
            fputs("&gt;", to);
            break;
        case '&':
            fputs("&amp;", to);
            break;
        case '"':
            fputs("&quot;", to);
            break;
        default:
            fputc(t.at[i], to);
        }
    }
}

#define BAR_WIDTH      80
#define INTERVAL_WIDTH 160

/* All intervals of a column share one scale, which includes 0. */
static void put_interval(const struct section *s, uint32_t column, const struct cell *c, FILE *to)
{
    double low = 0, high = 0, scale;

    for (uint32_t i = column; i < s->cell_count; i += s->column_count) {
        if (s->cells[i].kind == CELL_INTERVAL) {
            low = fmin(low, s->cells[i].low);
            high = fmax(high, s->cells[i].high);
        }
    }
    scale = high > low ? INTERVAL_WIDTH / (high - low) : 0;
    fprintf(to,
            " <svg width=\"%d\" height=\"14\" aria-hidden=\"true\"><path class=\"z\" "
            "d=\"M%.1f 0v14\"/><path class=\"l\" d=\"M%.1f 3v8m0-4H%.1fm0-4v8\"/></svg>",
            INTERVAL_WIDTH + 4, 2 - low * scale, 2 + (c->low - low) * scale,
            2 + (c->high - low) * scale);
}

static void put_bar(const struct section *s, uint32_t column, const struct cell *c, FILE *to)
{
    double most = 0;

    for (uint32_t i = column; i < s->cell_count; i += s->column_count) {
        most = fmax(most, s->cells[i].value);
    }
    if (most > 0 && c->kind != CELL_NONE) {
        fprintf(to,
                " <svg width=\"%d\" height=\"12\" aria-hidden=\"true\"><rect class=\"b\" rx=\"2\" "
                "width=\"%.1f\" height=\"12\"/></svg>",
                BAR_WIDTH, fmax(0, BAR_WIDTH * c->value / most));
    }
}

static void put_table(const struct document *d, const struct section *s, FILE *to)
{
    struct arena arena = { 0 };

    fputs("<div class=\"wide\" tabindex=\"0\"><table><thead><tr>", to);
    for (uint32_t k = 0; k < s->column_count; k++) {
        if (section_is_hidden(s, k)) {
            continue;
        }
        fprintf(to, "<th scope=\"col\">%s</th>", s->columns[k].title);
    }
    fputs("</tr></thead><tbody>", to);
    for (uint32_t i = 0; i < s->cell_count; i++) {
        const struct cell *c = &s->cells[i];
        uint32_t column = i % s->column_count;

        fputs(column == 0 ? "\n<tr>" : "", to);
        if (section_is_hidden(s, column)) {
            continue;
        }
        fputs(c->kind == CELL_TEXT ? "<td class=\"t\">" : "<td>", to);
        put_html(document_cell_text(d, c, &arena), to);
        if (c->kind == CELL_INTERVAL) {
            put_interval(s, column, c, to);
        } else if (s->columns[column].has_bar) {
            put_bar(s, column, c, to);
        }
        fputs("</td>", to);
    }
    fputs("\n</tbody></table></div>\n", to);
    arena_fini(&arena);
}

void document_write_html(const struct document *d, FILE *to)
{
    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>",
          to);
    put_html(d->title, to);
    fprintf(to, "</title>\n<style>%s</style></head><body>\n<h1>", style);
    put_html(d->title, to);
    fputs("</h1>\n<p class=\"soft\">", to);
    put_html(d->subtitle, to);
    fputs("</p>\n", to);
    for (uint32_t i = 0; i < d->section_count; i++) {
        const struct section *s = &d->sections[i];

        fprintf(to, "<section id=\"%s-%u\"><h2>", s->key, i + 1);
        put_html(s->title, to);
        fputs("</h2>\n", to);
        if (s->cell_count > 0) {
            put_table(d, s, to);
        }
        if (s->picture.at != NULL) {
            fprintf(to, "<div class=\"wide\" tabindex=\"0\">%.*s</div>\n", TEXT_PRINTF(s->picture));
        }
        fputs(s->note_count > 0 ? "<ul>" : "", to);
        for (uint32_t k = 0; k < s->note_count; k++) {
            fputs("<li>", to);
            put_html(s->notes[k], to);
            fputs("</li>\n", to);
        }
        fputs(s->note_count > 0 ? "</ul></section>\n" : "</section>\n", to);
    }
    fputs("</body></html>\n", to);
}

/* --- JSON --- */

static void put_json(struct text t, FILE *to)
{
    fputc('"', to);
    for (size_t i = 0; i < t.size; i++) {
        unsigned char c = (unsigned char)t.at[i];

        if (c < ' ') {
            fprintf(to, "\\u%04x", c);
        } else {
            fprintf(to, c == '"' || c == '\\' ? "\\%c" : "%c", c);
        }
    }
    fputc('"', to);
}

static void put_json_cell(const struct cell *c, FILE *to)
{
    switch (c->kind) {
    case CELL_NONE:
        fputs("null", to);
        break;
    case CELL_TEXT:
        put_json(c->text, to);
        break;
    case CELL_COUNT:
    case CELL_MONEY:
    case CELL_DURATION:
        fprintf(to, "%" PRId64, c->count);
        break;
    case CELL_RATE:
    case CELL_NUMBER:
        fprintf(to, isfinite(c->value) ? "%.9g" : "null", c->value);
        break;
    case CELL_INTERVAL:
        fprintf(to, "[%.9g, %.9g]", c->low, c->high);
        break;
    }
}

void document_write_json(const struct document *d, FILE *to)
{
    fputs("{\"title\": ", to);
    put_json(d->title, to);
    fputs(", \"subtitle\": ", to);
    put_json(d->subtitle, to);
    fprintf(to, ", \"at\": %" PRId64 ", \"sections\": [", d->at_ms);
    for (uint32_t i = 0; i < d->section_count; i++) {
        const struct section *s = &d->sections[i];

        fprintf(to, "%s\n {\"key\": \"%s\", \"title\": ", i == 0 ? "" : ",", s->key);
        put_json(s->title, to);
        fputs(", \"rows\": [", to);
        for (uint32_t k = 0; k < s->cell_count; k++) {
            uint32_t column = k % s->column_count;

            fputs(column > 0 ? ", " : k == 0 ? "\n  {" : ",\n  {", to);
            fprintf(to, "\"%s\": ", s->columns[column].key);
            put_json_cell(&s->cells[k], to);
            fputs(column + 1 == s->column_count ? "}" : "", to);
        }
        fputs("], \"notes\": [", to);
        for (uint32_t k = 0; k < s->note_count; k++) {
            fputs(k == 0 ? "" : ", ", to);
            put_json(s->notes[k], to);
        }
        fputs("]}", to);
    }
    fputs("\n]}\n", to);
}
