/* The files of deploy/starter, embedded when built: what `segstream init` writes.
 *
 * Layer: cli.
 */
#ifndef CLI_STARTER_H
#define CLI_STARTER_H

struct starter_file {
    const char *name;
    const char *text;
};

extern const struct starter_file starter_files[]; /* ends with a NULL name */

#endif /* CLI_STARTER_H */
