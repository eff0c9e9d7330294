/* What the commands share: exit codes and how a configuration is loaded.
 *
 * Layer: cli. One file per command; main.c has the table.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H
#include "processor/config/config.h"

#include <stdbool.h>

enum exit_code {
    EXIT_GOOD = 0,
    EXIT_TEST_FAILED = 1,
    EXIT_USAGE = 64,
    EXIT_SERVICE = 69, /* a service is unavailable */
    EXIT_BAD_CONFIG = 78
};

#define OVERRIDES_MAX 64

struct cli_overrides {
    struct config_override items[OVERRIDES_MAX];
    uint32_t count;
};

int cmd_backtest(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_erase(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_cuts(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_dlq(int argc, char **argv);
int cmd_init(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_rekey(int argc, char **argv);
int cmd_repartition(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_samplesize(int argc, char **argv);
int cmd_schema(int argc, char **argv);
int cmd_test(int argc, char **argv);
int cmd_topics(int argc, char **argv);

/* argp_parse, but a mistyped option is told the nearest one. Exits with EXIT_USAGE. */
struct argp;
void cli_parse(const struct argp *argp, int argc, char **argv, void *input);

/* Load and, if there is anything to say, say it on standard error. Returns: EXIT_GOOD and
 * *out_config (owner: the caller), or the exit code. */
enum exit_code cli_load(const char *path, int needs, const struct cli_overrides *overrides,
                        struct config **out_config);

/* "path=value" of --set. Returns: false when it is not of that form, or there are too many. */
bool cli_override(struct cli_overrides *overrides, const char *argument);

/* An eventfd that SIGINT and SIGTERM make readable. Call once. */
int cli_stop_fd(void);

/* An instant as RFC 3339 or integer ms. */
bool cli_instant(const char *argument, int64_t *out_ms);

/* The wall clock, ms since 1970. */
int64_t cli_now_ms(void);

/* A number of partitions, 1..100000. */
bool cli_partitions(const char *argument, int32_t *out_count);

#endif /* CLI_CLI_H */
