/* Avro records to events and back; with json.h the only users of Avro-C and jansson.
 *
 * Layer: schemas, a target of its own (`schemas_codec`), for sinks and above; the pure layers never
 * link it. A record is read by the schema of its writer, compiled once (avro_plan.h); Avro-C serves
 * people and tests, since its own readers trust lengths.
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

struct avro_decoder; /* writer schemas known to one thread for one topic: the shipped ones, and its
                        own */

/* mapping: of the topic, lives as long as the decoder; NULL: the shipped names. schema_json:
 * absent, or the schema of records that carry no header. Errors: ERR_CONFIG with a sentence in
 * out_text. Owner: the caller, avro_decoder_free. Thread: one reader, one thread. */
enum err avro_decoder_new(const struct event_mapping *mapping, struct text schema_json,
                          struct avro_decoder **out_decoder, char out_text[256]);
void avro_decoder_free(struct avro_decoder *r);

/* One record's value to an event: by its single-object header, or without one when the topic has a
 * schema of its own. Returns: REJECT_NONE and *out_event, or the reason and a sentence. Texts are
 * views of `value`, of the decoder, or in the arena. */
enum reject avro_decode_event(struct avro_decoder *r, struct bytes value, struct arena *arena,
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
