#include "processor/cli/outline.h"

#include "processor/base/instant.h"

#include <inttypes.h>

#define KEY_WIDTH 20

void outline_begin(struct outline *o, FILE *to, bool is_json)
{
    *o = (struct outline){ .json = { .to = to }, .is_json = is_json };
    if (is_json) {
        json_out_open(&o->json, NULL, '{');
    }
}

void outline_end(struct outline *o)
{
    if (o->is_json) {
        json_out_close(&o->json, '}');
        fputc('\n', o->json.to);
    }
}

static void put_words(struct outline *o, const char *key)
{
    for (const char *at = key; *at != '\0'; at++) {
        fputc(*at == '_' ? ' ' : *at, o->json.to);
    }
}

/* What stands before a value, or a bracket, within one line. */
static void put_line_key(struct outline *o, const char *key)
{
    if (o->is_behind_value) {
        fputs(", ", o->json.to);
    }
    if (key != NULL) {
        put_words(o, key);
        fputc(' ', o->json.to);
    }
    o->is_behind_value = true;
}

void outline_open(struct outline *o, const char *key, char bracket)
{
    if (o->is_json) {
        json_out_open(&o->json, key, bracket);
    } else if (o->line_depth > 0) {
        put_line_key(o, key);
        fputc(bracket, o->json.to);
        o->line_depth++;
        o->is_behind_value = false;
    } else if (key == NULL) {
        fprintf(o->json.to, "%*s- ", 2 * o->depth, "");
        o->line_depth = 1;
        o->is_behind_value = false;
    } else {
        fprintf(o->json.to, "%*s", 2 * o->depth, "");
        put_words(o, key);
        fputc('\n', o->json.to);
        o->depth++;
    }
}

void outline_close(struct outline *o, char bracket)
{
    if (o->is_json) {
        json_out_close(&o->json, bracket);
    } else if (o->line_depth > 1) {
        fputc(bracket, o->json.to);
        o->line_depth--;
        o->is_behind_value = true;
    } else if (o->line_depth == 1) {
        fputc('\n', o->json.to);
        o->line_depth = 0;
    } else {
        o->depth--;
    }
}

static void put_line(struct outline *o, const char *key, struct text value)
{
    FILE *to = o->json.to;

    if (o->line_depth > 0) {
        put_line_key(o, key);
        fprintf(to, "%.*s", TEXT_PRINTF(value));
        return;
    }
    fprintf(to, "%*s", 2 * o->depth, "");
    if (key == NULL) {
        fputs("- ", to);
    } else {
        int width = KEY_WIDTH - 2 * o->depth - (int)strlen(key);

        put_words(o, key);
        fprintf(to, "%*s ", width > 0 ? width : 0, "");
    }
    fprintf(to, "%.*s\n", TEXT_PRINTF(value));
}

void outline_text(struct outline *o, const char *key, struct text value)
{
    if (o->is_json) {
        json_out_text(&o->json, key, value);
    } else {
        put_line(o, key, value.at == NULL ? TEXT("-") : value);
    }
}

void outline_int(struct outline *o, const char *key, int64_t value)
{
    char text[24];

    if (o->is_json) {
        json_out_int(&o->json, key, value);
    } else {
        (void)text_format(text, sizeof(text), "%" PRId64, value);
        put_line(o, key, text_of(text));
    }
}

void outline_instant(struct outline *o, const char *key, int64_t at_ms)
{
    char text[INSTANT_TEXT_SIZE] = "never";

    if (o->is_json) {
        json_out_instant(&o->json, key, at_ms);
        return;
    }
    if (at_ms >= INSTANT_MIN && at_ms <= INSTANT_MAX) {
        instant_format(at_ms, text);
    }
    put_line(o, key, text_of(text));
}

void outline_bool(struct outline *o, const char *key, bool value)
{
    if (o->is_json) {
        json_out_bool(&o->json, key, value);
    } else {
        put_line(o, key, value ? TEXT("yes") : TEXT("no"));
    }
}

void outline_json(struct outline *o, const char *key, struct text json)
{
    if (o->is_json) {
        json_out_raw(&o->json, key, json);
    } else {
        put_line(o, key, json);
    }
}
