/* What differs between two configurations, key by key.
 *
 * Layer: cli. Compares what is written, not how: order of keys, quotes and comments do not count.
 * Items of lists that have an `id` are told apart by it. Profiles and tests are for people and are
 * left out. Owner: the arena.
 */
#ifndef CLI_CONFIG_DIFF_H
#define CLI_CONFIG_DIFF_H
#include "processor/config/yaml.h"

enum diff_kind { DIFF_ADDED, DIFF_REMOVED, DIFF_CHANGED };

struct diff_detail {
    enum diff_kind kind;
    struct text path;    /* below the item: "emails.guide.after"; empty: the item itself */
    struct text was, is; /* short texts; absent: not there */
    struct place place;  /* of what is, else of what was */
};

struct diff_details {
    struct arena *arena;
    struct diff_detail *items; /* heap: config_diff_fini */
    uint32_t count;
    uint32_t capacity;
};

/* Append all that differs below two nodes; either may be NULL. */
void config_diff(const struct yaml_node *was, const struct yaml_node *is, struct diff_details *out);
void config_diff_fini(struct diff_details *d);

/* A node as one short line, without secrets: the path says what it is. */
struct text config_diff_text(const struct yaml_node *n, struct text path, struct arena *arena);

/* Does any text below the node contain this? */
bool config_diff_mentions(const struct yaml_node *n, struct text part);

#endif /* CLI_CONFIG_DIFF_H */
