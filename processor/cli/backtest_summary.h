/* Counts what a backtest decided, and prints it as a page for people.
 *
 * Layer: cli.
 */
#ifndef CLI_BACKTEST_SUMMARY_H
#define CLI_BACKTEST_SUMMARY_H
#include "processor/engine/timeline.h"

#include <stdio.h>

struct summary;
struct summary *summary_new(const struct rules *rules);
void summary_free(struct summary *s);
void summary_add(struct summary *s, const struct output *o);
void summary_print(const struct summary *s, const struct timeline *t, FILE *to);

#endif /* CLI_BACKTEST_SUMMARY_H */
