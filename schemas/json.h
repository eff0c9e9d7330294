/* JSON lines to events, outputs to JSON lines (LANGUAGE.md section 11).
 *
 * Layer: schemas, target `schemas_codec`. Depth, size and counts are bounded.
 */
#ifndef SCHEMAS_JSON_H
#define SCHEMAS_JSON_H
#include "processor/base/arena.h"
#include "processor/base/bytes.h"
#include "schemas/event.h"
#include "schemas/output.h"

/* One JSON object. With the mapping of a topic: its names; `mapping` NULL: the names of a backtest
 * line (kind, customer, at, id, email, ...; `at` RFC 3339 or integer ms; profile attributes as
 * plain fields, or set and unset). Returns: REJECT_NONE and *out_event (all in the arena), or the
 * reason and a sentence. */
enum reject json_decode_event(struct bytes value, const struct event_mapping *mapping,
                              struct arena *arena, struct event *out_event, char out_text[128]);

/* Kind, customer, at and id of an event, where the mapping of a topic finds them (a fixed kind is
 * not written): for tools. */
void json_encode_event(const struct event *ev, const struct event_mapping *mapping,
                       struct bytes_out *out);

/* One line of a backtest, with its newline; field order fixed, times integer ms, decimals with six
 * places. */
void json_encode_output(const struct output *o, struct bytes_out *out);

/* The value of a record of an output topic in JSON: the fields of its schema by their names there,
 * as one object. Requires: no dead letter. */
void json_encode_record(const struct output *o, struct bytes_out *out);

#endif /* SCHEMAS_JSON_H */
