/* How records of an output topic are written, made of the single-object Avro that is stored.
 *
 * Layer: schemas, target schemas_codec. What is stored and what leaves are told apart here, so that
 * a topic may change its format while records wait in the outbox.
 */
#ifndef SCHEMAS_OUTPUT_FORMAT_H
#define SCHEMAS_OUTPUT_FORMAT_H
#include "schemas/commit.h"

enum output_format {
    OUTPUT_FORMAT_AVRO,      /* single-object */
    OUTPUT_FORMAT_AVRO_BARE, /* without a header: readers are given the schema */
    OUTPUT_FORMAT_JSON
};

/* The value of the record that leaves for this entry; a tombstone stays one. An entry whose schema
 * this version does not know, written before an upgrade, leaves as it is.
 * Owner: a view of the payload, or of `scratch`, until it is written again. */
struct bytes output_format_value(enum output_format format, const struct outbox_entry *entry,
                                 struct bytes_out *scratch);

#endif /* SCHEMAS_OUTPUT_FORMAT_H */
