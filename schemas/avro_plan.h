/* A writer's schema as a small table of nodes, and the bounded walk of it over a record's bytes.
 *
 * Layer: schemas, target schemas_codec. avro.c builds plans from schemas that Avro-C parsed;
 * avro_plan.c walks them and knows no library.
 */
#ifndef SCHEMAS_AVRO_PLAN_H
#define SCHEMAS_AVRO_PLAN_H
#include "processor/base/arena.h"
#include "processor/base/bytes.h"
#include "schemas/event.h"

#include <stdbool.h>
#include <stdint.h>

#define AVRO_PLAN_NODES_MAX 1000
#define AVRO_PLAN_DEPTH_MAX 16
#define AVRO_PLAN_LISTS_MAX 64

enum avro_kind {
    AVRO_KIND_NULL,
    AVRO_KIND_BOOL,
    AVRO_KIND_INTEGER, /* int and long */
    AVRO_KIND_FLOAT,
    AVRO_KIND_DOUBLE,
    AVRO_KIND_BYTES,
    AVRO_KIND_FIXED,
    AVRO_KIND_TEXT,
    AVRO_KIND_ENUM,
    AVRO_KIND_RECORD,
    AVRO_KIND_UNION,
    AVRO_KIND_ARRAY,
    AVRO_KIND_MAP
};

struct avro_node {
    enum avro_kind kind;
    struct text path;     /* of the value in the record: "items.category" */
    uint32_t first_child; /* RECORD fields, UNION branches, ARRAY item, MAP value: places in
                             `children` */
    uint32_t child_count;
    uint32_t size;              /* FIXED */
    const struct text *symbols; /* ENUM */
    uint32_t symbol_count;
    int32_t list;  /* a leaf under an array: its list; else -1 */
    bool is_empty; /* takes no bytes: an array of it could be endless */
};

struct avro_plan {
    struct arena arena;
    struct avro_node *nodes;
    uint32_t node_count;
    uint32_t *children;
    uint32_t child_count;
    uint32_t list_count;
    uint32_t root;
    bool is_profile;          /* the shipped profile: `set` and `unset` are attributes */
    struct text implied_kind; /* of a shipped schema without a field for it: click, open, purchase,
                                 profile */
};

/* Walk one record. Every field goes to the draft. Returns: false when the bytes do not fit the
 * schema. */
bool avro_plan_decode(const struct avro_plan *plan, struct bytes b, struct event_draft *draft);

#endif /* SCHEMAS_AVRO_PLAN_H */
