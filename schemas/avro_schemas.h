/* The shipped .avsc files as text, embedded when the program is built.
 *
 * Layer: schemas, target schemas_codec.
 */
#ifndef SCHEMAS_AVRO_SCHEMAS_H
#define SCHEMAS_AVRO_SCHEMAS_H

struct avro_schema_row {
    const char *name; /* NULL: the end */
    const char *json;
};
extern const struct avro_schema_row avro_schema_rows[];

#endif /* SCHEMAS_AVRO_SCHEMAS_H */
