/* Every key of the language in one table: its shape, its limits, and what of it is not there yet.
 *
 * Layer: config. The table validates the form of a file before any loader looks at what it means,
 * so loaders may read values without asking again: what is malformed was reported once, here.
 */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H
#include "processor/config/yaml.h"

enum shape {
    SHAPE_ANY,       /* never evaluated */
    SHAPE_TEXT,      /* any scalar */
    SHAPE_TEXTS,     /* a scalar or a list of them */
    SHAPE_BOOL,      /* true or false */
    SHAPE_INT,       /* least..most */
    SHAPE_DURATION,  /* least..most ms */
    SHAPE_MONEY,     /* "25.00" */
    SHAPE_PERCENT,   /* 5% */
    SHAPE_SIZE,      /* 64MiB */
    SHAPE_INSTANT,   /* RFC 3339 */
    SHAPE_CLOCKS,    /* "09:00-18:00" */
    SHAPE_CHOICE,    /* one of `choices`, separated by spaces */
    SHAPE_PREDICATE, /* CEL text, or all | any | none of predicates */
    SHAPE_MAP,       /* the keys of `keys` */
    SHAPE_MAP_OF,    /* any names, each of the shape `keys->items[0]` */
    SHAPE_LIST_OF,   /* items of the shape `keys->items[0]` */
    SHAPE_TEXT_OR_MAP,
    SHAPE_UNSUPPORTED /* part of the language, not of this version: refused, `choices` says so */
};

struct keys;

struct key {
    const char *name; /* NULL: every one */
    enum shape shape;
    const struct keys *keys;
    int64_t least, most; /* both 0: no limit */
    const char *choices;
    bool is_needed;
};

struct keys {
    const struct key *items;
    uint32_t count;
    bool is_open; /* other keys are somebody else's to check: slots of an email */
};

extern const struct keys KEYS_ROOT;
extern const struct keys KEYS_RFM;   /* scores.rfm */
extern const struct keys KEYS_SCORE; /* any other score */
extern const struct keys KEYS_RUNG;  /* a rung that is a map */
extern const struct keys KEYS_ROW;   /* slots of one row of a content matrix */

/* Report everything malformed in the map and below. owner: the key whose value it is, the place of
 * what is missing; NULL: the root. */
void keys_check_map(const struct yaml_node *n, const struct yaml_node *owner,
                    const struct keys *keys, struct config_problems *problems);

#endif /* CONFIG_KEYS_H */
