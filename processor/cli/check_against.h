/* segstream check NEW --against OLD: what a change will do.
 *
 * Layer: cli.
 */
#ifndef CLI_CHECK_AGAINST_H
#define CLI_CHECK_AGAINST_H
#include "processor/cli/cli.h"

/* Load both, compare, say it on standard output. now_ms: when the new one is deployed, for the
 * dates of counters. Returns: EXIT_GOOD; EXIT_BAD_CONFIG when either is wrong, or the change must
 * not be made (other arms under the same version of an experiment). */
enum exit_code check_against(const char *path, const char *old_path,
                             const struct cli_overrides *overrides, int64_t now_ms, bool is_json);

#endif /* CLI_CHECK_AGAINST_H */
