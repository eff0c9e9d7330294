/* May a writer's schema follow a reader's: the rules of schema resolution, looked at once per
 * schema.
 *
 * Layer: schemas, target schemas_codec. More lenient than the specification in three places, each
 * told per record instead: a writer's union needs one branch that fits, an enum may stand for a
 * string, and a writer's alias counts as its field's name.
 */
#ifndef SCHEMAS_AVRO_RESOLVE_H
#define SCHEMAS_AVRO_RESOLVE_H
#include "schemas/avro_tree.h"

/* The names of the two root records are not compared: the caller has found them to be one.
 * Returns: false, with a sentence that names the field in out_text. */
bool avro_resolve(const struct avro_tree *writer, const struct avro_tree *reader,
                  char out_text[256]);

/* The writer's field for a name a reader uses; NULL: none. */
const struct avro_field *avro_find_field(const struct avro_type *record, struct text name);

#endif /* SCHEMAS_AVRO_RESOLVE_H */
