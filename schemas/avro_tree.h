/* An Avro schema as a graph of types, from its JSON text: names resolved, limits checked.
 *
 * Layer: schemas, target schemas_codec. Our own reading, since Avro-C drops logical types, defaults
 * and aliases, and trusts sizes; texts of schemas come from outside. Types may refer to themselves.
 */
#ifndef SCHEMAS_AVRO_TREE_H
#define SCHEMAS_AVRO_TREE_H
#include "processor/base/arena.h"
#include "processor/base/bytes.h"
#include "processor/base/err.h"
#include "processor/base/map.h"

#include <stdbool.h>
#include <stdint.h>

#define AVRO_TREE_TYPES_MAX 20000
#define AVRO_TREE_DEPTH_MAX 64 /* of JSON inside JSON */
#define AVRO_TREE_SIZE_MAX  (1024 * 1024)
#define AVRO_TREE_FIXED_MAX (1024 * 1024)

enum avro_kind {
    AVRO_KIND_NULL,
    AVRO_KIND_BOOL,
    AVRO_KIND_INT,
    AVRO_KIND_LONG,
    AVRO_KIND_FLOAT,
    AVRO_KIND_DOUBLE,
    AVRO_KIND_BYTES,
    AVRO_KIND_TEXT,
    AVRO_KIND_FIXED,
    AVRO_KIND_ENUM,
    AVRO_KIND_RECORD,
    AVRO_KIND_UNION,
    AVRO_KIND_ARRAY,
    AVRO_KIND_MAP,
    AVRO_KIND__COUNT
};

enum avro_logical {
    AVRO_LOGICAL_NONE, /* also those that mean nothing here, or do not suit their type */
    AVRO_LOGICAL_DATE,
    AVRO_LOGICAL_MILLIS,
    AVRO_LOGICAL_MICROS,
    AVRO_LOGICAL_NANOS,
    AVRO_LOGICAL_LOCAL, /* a local timestamp: no instant without a zone */
    AVRO_LOGICAL_DECIMAL,
    AVRO_LOGICAL_UUID
};

struct avro_field {
    struct text name;
    const struct text *aliases;
    uint32_t alias_count;
    struct avro_type *type;
    bool has_default;
};

struct avro_type {
    enum avro_kind kind;
    enum avro_logical logical;
    uint32_t scale;        /* DECIMAL: digits behind the point */
    uint32_t size;         /* FIXED: bytes */
    struct text full_name; /* RECORD, ENUM, FIXED */
    const struct text *aliases;
    uint32_t alias_count;
    struct avro_field *fields; /* RECORD */
    uint32_t field_count;
    struct avro_type **parts; /* UNION: branches; ARRAY: its item; MAP: its value */
    uint32_t part_count;
    const struct text *symbols; /* ENUM */
    uint32_t symbol_count;
    struct text default_symbol; /* ENUM; absent: none */
    bool is_empty;              /* a value of it takes no bytes */
    bool is_recursive;          /* a RECORD that may hold itself */
    uint32_t number;            /* 0, 1, .. within its schema */
};

struct avro_tree {
    struct arena arena;
    struct map names; /* full name to type */
    struct avro_type *root;
    uint32_t type_count;
};

/* references: schemas whose names this one uses, in an order in which each needs earlier ones only.
 * Errors: ERR_CONFIG, a sentence in out_text. Owner: the caller, avro_tree_fini, also after an
 * error. */
enum err avro_tree_parse(struct avro_tree *tree, struct text json, const struct text *references,
                         uint32_t reference_count, char out_text[256]);
void avro_tree_fini(struct avro_tree *tree);

/* The parsing canonical form of the specification, appended; its CRC-64-AVRO is the fingerprint of
 * single-object records. */
void avro_tree_canonical(const struct avro_tree *tree, struct bytes_out *out);
uint64_t avro_tree_fingerprint(const struct avro_tree *tree);

/* "a long", "a timestamp-micros", "an array", .. for sentences. */
const char *avro_type_words(const struct avro_type *type);

/* The part of a full name behind its last dot. */
struct text avro_short_name(struct text full_name);

#endif /* SCHEMAS_AVRO_TREE_H */
