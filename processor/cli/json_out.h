/* JSON written piece by piece: commas and quotes are its business.
 *
 * Layer: cli. A key of NULL: an item of a list.
 */
#ifndef CLI_JSON_OUT_H
#define CLI_JSON_OUT_H
#include "processor/base/text.h"

#include <stdint.h>
#include <stdio.h>

struct json_out {
    FILE *to;
    bool is_behind_value; /* a comma is due */
};

void json_out_open(struct json_out *j, const char *key, char bracket);      /* '{' or '[' */
void json_out_close(struct json_out *j, char bracket);                      /* '}' or ']' */
void json_out_text(struct json_out *j, const char *key, struct text value); /* absent: null */
void json_out_int(struct json_out *j, const char *key, int64_t value);
void json_out_instant(struct json_out *j, const char *key, int64_t at_ms); /* never: null */
void json_out_bool(struct json_out *j, const char *key, bool value);
void json_out_raw(struct json_out *j, const char *key, struct text json); /* JSON as it is */

#endif /* CLI_JSON_OUT_H */
