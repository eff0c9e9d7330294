/* Avro records and JSON lines to events and back: the only user of Avro-C (avro.c) and, with
 * json.h, of jansson.
 *
 * Layer: schemas, a target of its own (`schemas_codec`), for sinks and above; the pure layers never
 * link it. Every length, union branch and block count from outside is bounded before use: the
 * decoder walks the writer's schema, as Avro-C parsed it, over the bytes itself, since Avro-C's own
 * readers trust lengths. A faster decoder can take its place behind these calls.
 */
#ifndef SCHEMAS_AVRO_H
#define SCHEMAS_AVRO_H
#include "processor/base/arena.h"
#include "processor/base/bytes.h"
#include "processor/base/err.h"
#include "schemas/event.h"
#include "schemas/output.h"

#include <stdbool.h>
#include <stdint.h>

struct avro_decoder; /* writer schemas known to one thread: the shipped ones, and one of a topic */

/* headerless_schema_json: absent, or the schema of records that carry no header.
 * Errors: ERR_CONFIG with a sentence in out_text. Owner: the caller, avro_decoder_free. Thread: one
 * reader, one thread. */
enum err avro_decoder_new(struct text headerless_schema_json, struct avro_decoder **out_decoder,
                          char out_text[256]);
void avro_decoder_free(struct avro_decoder *r);

/* One record's value to an event, through event_draft. Returns: REJECT_NONE and *out_event, or the
 * reason and a sentence. Texts are views of `value` or in the arena. */
enum reject avro_decode_event(struct avro_decoder *r, struct bytes value,
                              const struct event_mapping *mapping, struct arena *arena,
                              struct event *out_event, char out_text[128]);

/* An event in its shipped input schema (click, open, purchase, feedback, activity, profile),
 * single-object: for the demo, tests and tools. */
void avro_encode_event(const struct event *ev, struct bytes_out *out);

/* The text of a shipped schema ("click", "trigger", ...), NULL: none of that name; and its
 * fingerprint. */
const char *avro_schema_json(struct text name);
uint64_t avro_schema_fingerprint(struct text name);

/* Any shipped record (output, customer record, partition state) behind its single-object header, as
 * JSON text, by Avro-C's generic values: for people and tests. Errors: ERR_BAD_DATA. */
enum err avro_to_json(struct bytes single_object, struct arena *arena, struct text *out_json);

#endif /* SCHEMAS_AVRO_H */
