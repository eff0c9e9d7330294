/* Where a rule of the configuration stands, for people: "shop.yaml:57".
 *
 * Layer: cli. A place without a file: nowhere (a --set, or there is none).
 */
#ifndef CLI_RULE_PLACE_H
#define CLI_RULE_PLACE_H
#include "processor/config/config.h"

#define RULE_PLACE_SIZE 256

/* A key of the configuration by its path, "limits.emails". */
struct place rule_place_key(const struct config *c, const char *path);
/* A segment, or "ladder.rung" (of a ladder `from` a score: the ladder). */
struct place rule_place_segment(const struct config *c, struct text id);
/* A key of a sequence ("" for the sequence itself, "branch.no_engagement"). */
struct place rule_place_sequence(const struct config *c, struct text sequence, const char *path);
struct place rule_place_email(const struct config *c, struct text sequence, struct text email);

const char *rule_place_branch_name(enum branch_kind k); /* "opened_not_clicked" */

/* "shop.yaml:57"; "the command line" without a file. */
void rule_place_format(const struct place *place, char out[RULE_PLACE_SIZE]);

#endif /* CLI_RULE_PLACE_H */
