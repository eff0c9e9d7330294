/* What `segstream explain` knows of one customer, before it is said.
 *
 * Layer: cli. Works on a copy of the record: nothing is written. What comes next is the same engine
 * running on with no new event.
 */
#ifndef CLI_EXPLAINED_H
#define CLI_EXPLAINED_H
#include "processor/cli/customer_source.h"
#include "processor/engine/step.h"

#include <stdio.h>

struct explained {
    const struct config *config;
    const struct rules *rules;
    struct text id;
    struct customer *customer; /* as of now_ms; owner: this */
    int64_t recorded_ms;       /* what the record had decided */
    int64_t now_ms;
    size_t record_size;
    int32_t partition, partition_count; /* 0 of 0: no partitions */
    struct arena arena;
    struct outputs since; /* what time alone did between the record and now_ms */
    struct outputs next;  /* and will do after now_ms */
};

#define EXPLAINED_NEXT_MAX 12 /* of what comes next */

/* at_ms: bring the copy forward to there, as if nothing new came; never: as the record is, looked
 * at at now_ms. Owner: *found's customer passes to out_explained; explained_fini. */
void explained_init(struct explained *out_explained, const struct config *c, struct text id,
                    struct customer_found *found, int64_t at_ms, int64_t now_ms);
void explained_fini(struct explained *x);

struct view explained_view(struct explained *x);

/* An output of since or next as a line: "trigger nurture.guide, reason no_engagement". */
struct text explained_output(struct explained *x, const struct output *o);

/* How many more emails a cap lets through at now_ms, and when the next one that it holds may go. */
int32_t explained_cap_left(const struct explained *x, const struct cap_plan *cap,
                           int64_t *out_again_ms);

/* The trigger that this run waits to judge; NULL: none. */
const struct sent *explained_open(const struct explained *x, const struct run *r);

const struct sequence_plan *explained_sequence(const struct explained *x, uint32_t key);
struct text explained_sequence_name(const struct explained *x, uint32_t key);
struct text explained_email_name(const struct explained *x, uint32_t sequence, uint32_t email);

/* Why a sequence would not be entered now: "active", "reenter_after" ...; NULL: it could be. */
const char *explained_refusal(struct explained *x, const struct sequence_plan *s,
                              int64_t *out_from_ms);

void explained_say_text(struct explained *x, FILE *to);
void explained_say_json(struct explained *x, FILE *to);

#endif /* CLI_EXPLAINED_H */
