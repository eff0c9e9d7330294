#include "processor/cli/json_out.h"

#include "processor/base/instant.h"

#include <inttypes.h>

static void put_string(struct json_out *j, struct text t)
{
    fputc('"', j->to);
    for (size_t i = 0; i < t.size; i++) {
        unsigned char c = (unsigned char)t.at[i];

        if (c == '"' || c == '\\') {
            fprintf(j->to, "\\%c", c);
        } else if (c < ' ') {
            fprintf(j->to, "\\u%04x", c);
        } else {
            fputc(c, j->to);
        }
    }
    fputc('"', j->to);
}

static void put_key(struct json_out *j, const char *key)
{
    if (j->is_behind_value) {
        fputc(',', j->to);
    }
    if (key != NULL) {
        put_string(j, text_of(key));
        fputc(':', j->to);
    }
    j->is_behind_value = true;
}

void json_out_open(struct json_out *j, const char *key, char bracket)
{
    put_key(j, key);
    fputc(bracket, j->to);
    j->is_behind_value = false;
}

void json_out_close(struct json_out *j, char bracket)
{
    fputc(bracket, j->to);
    j->is_behind_value = true;
}

void json_out_text(struct json_out *j, const char *key, struct text value)
{
    put_key(j, key);
    if (value.at == NULL) {
        fputs("null", j->to);
    } else {
        put_string(j, value);
    }
}

void json_out_int(struct json_out *j, const char *key, int64_t value)
{
    put_key(j, key);
    fprintf(j->to, "%" PRId64, value);
}

void json_out_instant(struct json_out *j, const char *key, int64_t at_ms)
{
    if (at_ms == INSTANT_NEVER) {
        json_out_text(j, key, TEXT_NONE);
    } else {
        json_out_int(j, key, at_ms);
    }
}

void json_out_bool(struct json_out *j, const char *key, bool value)
{
    put_key(j, key);
    fputs(value ? "true" : "false", j->to);
}

void json_out_raw(struct json_out *j, const char *key, struct text json)
{
    put_key(j, key);
    fprintf(j->to, "%.*s", TEXT_PRINTF(json));
}
