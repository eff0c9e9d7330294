/* `check --live`: whether the services a configuration names are there and fit, and what to fix.
 *
 * Layer: cli. check_live.c: findings and the state; check_live_kafka.c, check_live_redis.c.
 * Reads only; with exactly_once one transactional id APP.check is made known to Kafka.
 */
#ifndef CLI_CHECK_LIVE_H
#define CLI_CHECK_LIVE_H
#include "processor/cli/cli.h"
#include "processor/cli/outline.h"
#include "processor/cli/store_reader.h"
#include "processor/runtime/kafka_group.h"
#include "processor/runtime/kafka_survey.h"

enum live_level {
    LIVE_OK,
    LIVE_INFO,
    LIVE_WARN,
    LIVE_FAIL, /* will not work, or not as promised */
    LIVE_GONE  /* a service does not answer: nothing more can be said of it */
};

struct live_check {
    const struct config *config;
    struct kafka_tool kafka;
    struct store_reader redis;
    struct outline out;
    bool is_quiet; /* failures only, and warnings that are denied */
    bool is_kafka_there, is_redis_there;
    int32_t partition_count; /* of the input; 0: not known, or unequal */
    int64_t counts[LIVE_GONE + 1];
};

/* Say one finding. fix: absent for LIVE_OK and LIVE_INFO. */
void live_say(struct live_check *l, enum live_level level, const char *area, const char *fix,
              const char *format, ...) __attribute__((format(printf, 5, 6)));

void live_check_kafka(struct live_check *l);
void live_check_redis(struct live_check *l);

/* All of it, on standard output. */
enum exit_code check_live(const char *path, const struct cli_overrides *overrides, bool is_json,
                          bool is_quiet, bool denies_warnings);

#endif /* CLI_CHECK_LIVE_H */
