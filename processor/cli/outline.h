/* What a tool says, once: as one JSON object for programs, or as lines for people.
 *
 *     record               412 bytes          {"record":"412
 * bytes","runs":[{"sequence":"nurture","run":1}]} runs
 *       - sequence nurture, run 1
 *
 * Layer: cli. Keys are JSON's; people see '_' as a space. An object within a list is one line.
 * Instants are integer ms in JSON, RFC 3339 in lines.
 */
#ifndef CLI_OUTLINE_H
#define CLI_OUTLINE_H
#include "processor/cli/json_out.h"

struct outline {
    struct json_out json;
    bool is_json;
    int depth;            /* of lines */
    int line_depth;       /* > 0: within one line, so many brackets deep */
    bool is_behind_value; /* of that line: a comma is due */
};

void outline_begin(struct outline *o, FILE *to, bool is_json);
void outline_end(struct outline *o);

/* '{' or '['. A key of NULL: an item of a list, one line. */
void outline_open(struct outline *o, const char *key, char bracket);
void outline_close(struct outline *o, char bracket); /* '}' or ']' */

void outline_text(struct outline *o, const char *key, struct text value); /* absent: null, "-" */
void outline_int(struct outline *o, const char *key, int64_t value);
void outline_instant(struct outline *o, const char *key, int64_t at_ms); /* never: null, "never" */
void outline_bool(struct outline *o, const char *key, bool value);       /* "yes", "no" */
void outline_json(struct outline *o, const char *key, struct text json); /* JSON text as it is */

#endif /* CLI_OUTLINE_H */
