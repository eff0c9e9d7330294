/* What the two ways to say a customer share: names and figures, looked up once.
 *
 * Layer: cli. explain_text.c for people, explain_json.c for programs.
 */
#ifndef CLI_EXPLAIN_PARTS_H
#define CLI_EXPLAIN_PARTS_H
#include "processor/cli/explained.h"
#include "processor/cli/value_text.h"

const char *explained_truth(enum truth t); /* "no", "yes", "unknown" */

struct explained_score {
    int64_t points_q40;
    const struct score_level *level; /* NULL: no levels */
    const struct score_level *below; /* where it falls to; NULL: nowhere */
    int64_t falls_ms;
};
struct explained_score explained_score(const struct explained *x, const struct score_plan *s);

/* count of "click.pricing", or with a field "purchase amount". */
struct text explained_history_name(struct explained *x, const struct history_plan *h);

/* "yes", "no", "unknown", or the rung. */
struct text explained_membership(struct explained *x, const struct segment_plan *s,
                                 const struct membership *m);

struct explained_signs {
    int64_t clicked_ms; /* the first that is no machine's by its event; never: none */
    uint32_t machine_clicks;
};
struct explained_signs explained_signs(const struct sent *t);

struct explained_phase {
    struct text what; /* "judges welcome" */
    enum reason held_by;
    const char *when;    /* how due_ms follows: "until"; NULL: it is in `what` */
    int64_t due_ms;      /* D of a judgement, else when it happens */
    bool is_last_moment; /* held so long that it is given up then */
};
struct explained_phase explained_phase(struct explained *x, const struct run *r);

struct text explained_subscription_name(struct explained *x, uint32_t key);

#endif /* CLI_EXPLAIN_PARTS_H */
