/* Where a report's figures come from: the counters in Redis, or of a backtest's state.
 *
 * Layer: cli.
 */
#ifndef CLI_REPORT_SOURCE_H
#define CLI_REPORT_SOURCE_H
#include "processor/cli/customer_source.h"
#include "processor/cli/options.h"
#include "processor/report/report.h"

struct report_source {
    const struct config *config;
    struct customer_source *source;
    struct tally tally;
    int64_t now_ms;
};

/* since: a duration before now, or an instant; NULL: ever. Says what is wrong on standard error, in
 * the name of that command. Owner: the caller closes it, whatever came of it. */
enum exit_code report_source_open(struct report_source *s, const char *command,
                                  const struct config *config, const struct cli_options *o,
                                  const char *since);

/* The day that a period of `since` begins with; TALLY_EVER for NULL. Returns: false when it is
 * neither a duration nor an instant. */
bool report_since_day(const char *since, int64_t now_ms, int64_t *out_day);
void report_source_close(struct report_source *s);

/* The document may be NULL when no section is asked for. */
struct report report_source_report(const struct report_source *s, struct document *document);

#endif /* CLI_REPORT_SOURCE_H */
