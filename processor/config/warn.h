/* What a good configuration probably does not mean: warnings, with places (W....).
 *
 * Layer: config. Asked only of a configuration without errors, so every node and every plan is
 * there and in the same order. W08xx are worth a look, not a worry: only when asked for.
 */
#ifndef CONFIG_WARN_H
#define CONFIG_WARN_H
#include "processor/config/load.h"

/* One part each. */
void warn_facts(struct loader *l);
void warn_segments(struct loader *l);
void warn_content(struct loader *l);
void warn_sequences(struct loader *l);
void warn_experiments(struct loader *l);
void warn_limits(struct loader *l);

/* --- every predicate of the configuration --- */

enum predicate_role {
    ROLE_WHEN,
    ROLE_RUNG,
    ROLE_LEAVE_WHEN,
    ROLE_ENTER_IF,
    ROLE_STOP_IF,
    ROLE_GOAL,
    ROLE_EMAIL_IF,
    ROLE_SEND_IF,
    ROLE_FILTER,
    ROLE__COUNT
};

struct predicate_place {
    const struct predicate *predicate;
    const struct yaml_node *node;
    enum predicate_role role;
};

void warn_each_predicate(struct loader *l,
                         void (*visit)(void *context, const struct predicate_place *at),
                         void *context);

/* --- which kinds of event there are --- */

/* A kind of LANGUAGE.md section 2, of a topic's mapping or of a test; else a warning at n. */
void warn_unknown_kind(struct loader *l, const struct yaml_node *n, struct text kind);

/* "a, b, c" of names that were added one by one; the rest is counted. */
struct name_list {
    char text[160];
    size_t used;
    uint32_t count, left_out;
};
void name_list_add(struct name_list *list, struct text name);
const char *name_list_end(struct name_list *list);

#endif /* CONFIG_WARN_H */
