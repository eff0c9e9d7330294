/* YAML text to a tree of nodes that know their place.
 *
 * Layer: config. yaml.c is the only user of libfyaml. Owner: every node and text is in the arena
 * given to yaml_parse. Depth and size are bounded; anchors and aliases are refused.
 */
#ifndef CONFIG_YAML_H
#define CONFIG_YAML_H
#include "processor/config/problems.h"

#include <stdbool.h>
#include <stdint.h>

#define YAML_SIZE_MAX  (16 * 1024 * 1024)
#define YAML_DEPTH_MAX 32

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;
    struct place place;
    struct text text; /* SCALAR */
    struct text tag;  /* SCALAR: "!file", "!env"; absent: none */
    bool is_plain;    /* SCALAR: written without quotes */
    bool is_one_line; /* SCALAR: text starts at the place (behind its quote) and stays on that line
                       */
    struct yaml_node **keys;  /* MAP: scalars */
    struct yaml_node **items; /* LIST; MAP: values by key */
    uint32_t count;
    uint32_t capacity;
};

/* One document. Errors: NULL, and the first syntax error in *problems. `text` lives as long as the
 * arena. */
struct yaml_node *yaml_parse(struct config_file *file, struct arena *arena,
                             struct config_problems *problems);

/* NULL: `map` is NULL, no map, or has no such key. out_key may be NULL. */
struct yaml_node *yaml_get(const struct yaml_node *map, const char *key,
                           struct yaml_node **out_key);

/* Add a pair or an item (key NULL: item). */
void yaml_append(struct yaml_node *to, struct yaml_node *key, struct yaml_node *value,
                 struct arena *arena);

/* A plain null: nothing, ~ or null. */
bool yaml_is_null(const struct yaml_node *n);

#endif /* CONFIG_YAML_H */
