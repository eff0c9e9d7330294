/* What of a writer's schema can be the built-ins of an event, and whether all that are needed are
 * there.
 *
 * Layer: schemas, target schemas_codec. Serves avro_compile.c.
 */
#ifndef SCHEMAS_AVRO_BUILTINS_H
#define SCHEMAS_AVRO_BUILTINS_H
#include "schemas/avro_tree.h"
#include "schemas/event.h"

struct avro_builtins { /* zeroed: nothing found yet */
    uint32_t good;     /* found as something they can be, by bit */
    const struct avro_type *wrong[EVENT_BUILTIN__COUNT]; /* found as something else */
    struct text wrong_path[EVENT_BUILTIN__COUNT];
};

/* A value at `path` that goes by these names has this type. */
void avro_builtins_note(struct avro_builtins *b, const struct avro_type *type, bool is_in_array,
                        struct text path, const struct event_name *names, uint32_t name_count);

/* Returns: false, with a sentence that names the field in out_text, when a record can be no event.
 */
bool avro_builtins_check(const struct avro_builtins *b, const struct event_mapping *mapping,
                         struct text implied_kind, char out_text[256]);

#endif /* SCHEMAS_AVRO_BUILTINS_H */
