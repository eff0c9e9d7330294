/* Every key of the language in one table: its shape, its limits, what it means in a sentence, and
 * what of it is not there yet.
 *
 * Layer: config. The table validates the form of a file before any loader looks at what it means
 * (keys_check.c), so loaders may read values without asking again: what is malformed was reported
 * once. The same table is the JSON Schema that editors read (schema.c).
 */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H
#include "processor/config/yaml.h"

enum shape {
    SHAPE_ANY,              /* never evaluated; `keys`: what people may expect there */
    SHAPE_TEXT,             /* any scalar */
    SHAPE_TEXTS,            /* a scalar or a list of them */
    SHAPE_BOOL,             /* true or false */
    SHAPE_INT,              /* least..most */
    SHAPE_DURATION,         /* least..most ms */
    SHAPE_OFFSET,           /* +3d: a duration after a start */
    SHAPE_MONEY,            /* "25.00" */
    SHAPE_PERCENT,          /* 5% */
    SHAPE_FRACTION,         /* 0.05: between 0 and 1, both left out */
    SHAPE_SIZE,             /* 64MiB */
    SHAPE_INSTANT,          /* RFC 3339 */
    SHAPE_CLOCKS,           /* "09:00-18:00" */
    SHAPE_CHOICE,           /* one of `choices`, separated by spaces */
    SHAPE_PREDICATE,        /* CEL text, or all | any | none of predicates */
    SHAPE_PREDICATE_OR_MAP, /* the same, or the keys of `keys` */
    SHAPE_MAP,              /* the keys of `keys` */
    SHAPE_MAP_OF,           /* the same, where most names are the user's: a wildcard */
    SHAPE_LIST_OF,          /* items of the shape `keys->items[0]` */
    SHAPE_TEXT_OR_MAP,
    SHAPE_TEXTS_OR_MAP,
    SHAPE_UNSUPPORTED /* part of the language, not of this version: refused, `choices` says so */
};

struct keys;

struct key {
    const char *name; /* NULL, the last of its list: every other one */
    enum shape shape;
    const struct keys *keys;
    int64_t least, most; /* both 0: no limit */
    const char *choices;
    bool is_needed;
    const char *says; /* one sentence for people: editors show it */
};

struct keys {
    const struct key *items;
    uint32_t count;
};

extern const struct keys KEYS_ROOT;

/* The key of that name, else the wildcard; NULL: neither. */
const struct key *keys_find(const struct keys *keys, struct text name);

/* Report everything malformed in the map and below. owner: the key whose value it is, the place of
 * what is missing; NULL: the root. */
void keys_check_map(const struct yaml_node *n, const struct yaml_node *owner,
                    const struct keys *keys, struct config_problems *problems);

/* Write the JSON Schema (draft 2020-12) of the table, for editors and other tools. */
void keys_write_schema(FILE *to);

#endif /* CONFIG_KEYS_H */
