/* Files to one tree: a file, or the *.yaml of a folder merged; then what --set, !env and !file put
 * in.
 *
 * Layer: config. Used by config.c alone. What is wrong is reported to the loader's problems; all
 * nodes live in its arena, the files' texts in that of the problems.
 */
#ifndef CONFIG_READ_H
#define CONFIG_READ_H
#include "processor/config/load.h"

/* A file or a folder. Errors: ERR_UNAVAILABLE nothing could be read, and *out_root is NULL. */
enum err read_path(struct loader *l, const char *path, struct yaml_node **out_root);
/* The same of a text with a name for its places. Returns: NULL when it is no map of keys. */
struct yaml_node *read_text(struct loader *l, struct text yaml, const char *name);

/* --set a.b=value: replaces, or adds what is not there. */
void read_override(struct loader *l, struct yaml_node *root, const struct config_override *o);
/* Every !env NAME and !file PATH by its value, which no message shows. */
void read_secrets(struct loader *l, struct yaml_node *n);

#endif /* CONFIG_READ_H */
