/* What `segstream check` found, for people, for tools, and for GitHub workflows.
 *
 * Layer: cli. For people problems go to standard error and the summary to standard output; the
 * other forms write everything to standard output.
 */
#ifndef CLI_CHECK_OUTPUT_H
#define CLI_CHECK_OUTPUT_H
#include "processor/config/config.h"

enum check_form { CHECK_TEXT, CHECK_JSON, CHECK_GITHUB };

struct check_output {
    enum check_form form;
    bool is_quiet; /* no summary */
    int count;     /* configurations so far */
};

struct check_output check_output_begin(enum check_form form, bool is_quiet);
/* config: NULL when it is wrong. */
void check_output_put(struct check_output *o, const char *path, struct config_problems *problems,
                      const struct config *config);
void check_output_end(struct check_output *o);

#endif /* CLI_CHECK_OUTPUT_H */
