/* A writer's schema as a program of steps, compiled once, and the bounded run of it over a record's
 * bytes.
 *
 * Layer: schemas, target schemas_codec. avro_compile.c makes programs of schemas, avro_plan.c runs
 * them and knows no library. Every step takes at least a byte of the record or stands once for each
 * item that does, so work is bounded by the record's size; texts are views of the bytes.
 */
#ifndef SCHEMAS_AVRO_PLAN_H
#define SCHEMAS_AVRO_PLAN_H
#include "schemas/avro_tree.h"
#include "schemas/event.h"

#include <stdbool.h>
#include <stdint.h>

#define AVRO_PLAN_STEPS_MAX 4000 /* what a larger schema has beyond is read past */
#define AVRO_PLAN_DEPTH_MAX 16   /* of values with a name; deeper ones are read past */
#define AVRO_PLAN_LISTS_MAX 64
#define AVRO_SKIP_DEPTH_MAX 1000 /* of what is read past */

enum avro_op {
    AVRO_OP_END,
    AVRO_OP_NULL, /* a null that says something: an attribute is unset */
    AVRO_OP_BOOL,
    AVRO_OP_LONG, /* int and long, by `logical` */
    AVRO_OP_FLOAT,
    AVRO_OP_DOUBLE,
    AVRO_OP_TEXT, /* string, and bytes where text is needed */
    AVRO_OP_ENUM,
    AVRO_OP_DECIMAL, /* bytes, or fixed if size > 0 */
    AVRO_OP_UUID,    /* a fixed of 16 bytes, to text */
    AVRO_OP_SKIP,    /* a value of `type` */
    AVRO_OP_OPTION,  /* a union of null and one more: null, branch `size`, goes on at `target` */
    AVRO_OP_UNION,   /* `size` branches, each to begin at its place */
    AVRO_OP_JUMP,    /* to `target` */
    AVRO_OP_ARRAY,   /* its body follows, up to its END; goes on at `target` */
    AVRO_OP_MAP      /* the same */
};

enum avro_to {
    AVRO_TO_FIELD,     /* under `names` */
    AVRO_TO_KEY,       /* under a map's key, and the path behind it in `names` */
    AVRO_TO_ATTRIBUTE, /* of a profile, `names` */
    AVRO_TO_SET,       /* of a profile, named by a map's key */
    AVRO_TO_UNSET,     /* of a profile: each item of the list */
    AVRO_TO_LIST       /* into `list` */
};

struct avro_step {
    enum avro_op op;
    enum avro_to to;
    enum avro_logical logical;
    bool is_amount; /* DECIMAL: in minor units */
    uint32_t scale;
    uint32_t size;
    uint32_t target;
    uint32_t list;       /* of a leaf under an array; ARRAY: the first of its lists */
    uint32_t list_count; /* ARRAY: 0 under another array */
    uint32_t name_count;
    const struct event_name *names;
    const struct avro_type *type; /* ENUM, SKIP; ARRAY: of an item */
    const uint32_t *branches;     /* UNION */
};

struct avro_list { /* where the leaves under an outermost array go */
    enum avro_to to;
    uint32_t name_count;
    const struct event_name *names;
};

struct avro_plan {
    struct avro_tree tree; /* the writer's schema: what the steps point to */
    struct avro_step *steps;
    uint32_t step_count;
    struct avro_list lists[AVRO_PLAN_LISTS_MAX];
    uint32_t list_count;
    bool has_mapped_keys; /* the mapping looks for built-ins under maps' keys */
    const struct event_mapping *mapping;
    struct text implied_kind;  /* of a shipped schema without a field for it */
    struct avro_plan *profile; /* how records are read that turn out to be profiles; NULL: the same
                                */
};

/* --- avro_compile.c --- */
/* A shipped input schema: a writer's schema called segstream.<name> must be able to follow it. */
struct avro_shipped {
    struct text name;
    struct text json;
    struct text kind; /* implied by it; absent: the record says */
};

/* Compile one writer's schema for the records of one topic.
 * Requires: json and references are the writer's (avro_tree.h); shipped and mapping (NULL: the
 * shipped names) live as long as the plan.
 * Errors: ERR_CONFIG, a sentence that names the field in out_text. Owner: the caller,
 * avro_plan_free. */
enum err avro_plan_new(struct text json, const struct text *references, uint32_t reference_count,
                       const struct avro_shipped *shipped, uint32_t shipped_count,
                       const struct event_mapping *mapping, struct avro_plan **out_plan,
                       char out_text[256]);
void avro_plan_free(struct avro_plan *plan);

/* --- avro_plan.c --- */
/* One record to an event. Returns: REJECT_NONE and *out_event, or the reason and a sentence. */
enum reject avro_plan_decode(const struct avro_plan *plan, struct bytes value, struct arena *arena,
                             struct event *out_event, char out_text[128]);

#endif /* SCHEMAS_AVRO_PLAN_H */
