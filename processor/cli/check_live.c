#include "processor/cli/check_live.h"

#include "processor/base/instant.h"
#include "processor/engine/takeover.h"

#include <inttypes.h>
#include <stdarg.h>

static const char *const levels[] = { [LIVE_OK] = "ok",
                                      [LIVE_INFO] = "info",
                                      [LIVE_WARN] = "warn",
                                      [LIVE_FAIL] = "FAIL",
                                      [LIVE_GONE] = "FAIL" };

void live_say(struct live_check *l, enum live_level level, const char *area, const char *fix,
              const char *format, ...)
{
    char sentence[600];
    va_list arguments;

    va_start(arguments, format);
    (void)text_format_list(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    l->counts[level]++;
    if (l->is_quiet && level < LIVE_WARN) {
        return;
    }
    if (l->out.is_json) {
        outline_open(&l->out, NULL, '{');
        outline_text(&l->out, "level", text_of(level >= LIVE_FAIL ? "fail" : levels[level]));
        outline_text(&l->out, "area", text_of(area));
        outline_text(&l->out, "says", text_of(sentence));
        outline_text(&l->out, "fix", text_of(fix));
        outline_close(&l->out, '}');
        return;
    }
    fprintf(l->out.json.to, "  %-5s %-8s %s\n", levels[level], area, sentence);
    if (fix != NULL) {
        fprintf(l->out.json.to, "                 fix: %s\n", fix);
    }
}

/* --- the state: what both services say of a partition --- */

static const char *takeover_fix(enum err e)
{
    switch ((int)e) {
    case ERR_WIPED:
        return "start the Redis that belongs to this group, or build the state anew: segstream "
               "replay --from earliest --into state";
    case ERR_REGRESSED:
        return "segstream replay --from stored --into state brings it up to date";
    case ERR_FOREIGN:
        return "start the Redis that belongs to this group; an unfinished replay: finish it with "
               "the same command";
    default:
        return "run once with --set state.guarantee=at_least_once, which repeats what is in doubt";
    }
}

static void judge_takeover(struct live_check *l, int32_t partition,
                           const struct kafka_committed *group, const struct store_reply *stored)
{
    struct takeover_case c = { .mark = group->has_mark ? &group->mark : NULL,
                               .state = stored->is_new ? NULL : stored->state,
                               .lineage_new = 1,
                               .is_exactly_once = l->config->is_exactly_once };
    struct takeover found;
    enum err e = takeover_judge(&c, &found);

    if (e != OK) {
        live_say(l, LIVE_FAIL, "state", takeover_fix(e), "partition %" PRId32 ": %s", partition,
                 err_text(e));
    } else if (found.is_repeating) {
        live_say(l, LIVE_WARN, "state", takeover_fix(ERR_REGRESSED),
                 "partition %" PRId32
                 ": Redis is older than the group's mark: outputs of the lost seconds will repeat",
                 partition);
    }
}

struct state_sums {
    int64_t partitions, customers, pending, other_rules;
};

static bool check_partition(struct live_check *l, int32_t partition, struct state_sums *sums)
{
    struct store_request look = { .verb = STORE_LOOK, .partition = partition };
    struct kafka_committed group;
    struct store_reply stored;
    char sentence[STORE_READER_SENTENCE] = "";

    if (!store_reader_ask(&l->redis, &look, &stored, sentence)) {
        live_say(l, LIVE_FAIL, "state", "stop all; restore Redis from its backup", "%s", sentence);
        return false;
    }
    if (!stored.is_new) {
        const struct partition_state *s = stored.state;

        sums->partitions++;
        sums->customers += stored.filed;
        sums->pending += stored.outbox_count;
        sums->other_rules += s->config != l->config->rules->config;
        if (s->partition_count != 0 && s->partition_count != l->partition_count) {
            live_say(l, LIVE_FAIL, "state",
                     "give the topics their old count back, or move the state to the new one",
                     "the stored state is of %" PRId32 " partitions, the topics have %" PRId32,
                     s->partition_count, l->partition_count);
            return false;
        }
    }
    if (kafka_group_committed(&l->kafka, partition, &group, sentence) != OK) {
        live_say(l, LIVE_FAIL, "kafka",
                 "Read on the group is needed (an ACL), or the group's "
                 "coordinator is away",
                 "%s", sentence);
        return false;
    }
    judge_takeover(l, partition, &group, &stored);
    return true;
}

static void check_state(struct live_check *l)
{
    struct state_sums sums = { 0 };
    int64_t failed = l->counts[LIVE_FAIL];

    for (int32_t p = 0; p < l->partition_count; p++) {
        if (!check_partition(l, p, &sums)) {
            return;
        }
    }
    if (sums.partitions == 0 && failed == l->counts[LIVE_FAIL]) {
        live_say(l, LIVE_OK, "state", NULL, "none yet: the app `%.*s` is new to this Redis",
                 TEXT_PRINTF(l->config->rules->app));
        return;
    }
    if (failed == l->counts[LIVE_FAIL]) {
        live_say(l, LIVE_OK, "state", NULL,
                 "%" PRId64 " of %" PRId32 " partitions, %" PRId64 " customers, %" PRId64
                 " outputs to be published; it fits the group",
                 sums.partitions, l->partition_count, sums.customers, sums.pending);
    }
    if (sums.other_rules > 0) {
        live_say(l, LIVE_INFO, "state", NULL,
                 "%" PRId64 " partitions were last written by other rules than these: every "
                 "customer will be visited (check --against OLD says what changes)",
                 sums.other_rules);
    }
}

/* --- all --- */

static enum exit_code sum_up(struct live_check *l, bool denies_warnings)
{
    enum exit_code code = l->counts[LIVE_GONE] > 0                      ? EXIT_SERVICE
                          : l->counts[LIVE_FAIL] > 0                    ? EXIT_BAD_CONFIG
                          : l->counts[LIVE_WARN] > 0 && denies_warnings ? EXIT_TEST_FAILED
                                                                        : EXIT_GOOD;

    if (l->out.is_json) {
        outline_close(&l->out, ']');
        outline_int(&l->out, "failures", l->counts[LIVE_FAIL] + l->counts[LIVE_GONE]);
        outline_int(&l->out, "warnings", l->counts[LIVE_WARN]);
        outline_end(&l->out);
    } else {
        fprintf(l->out.json.to, "%" PRId64 " failures, %" PRId64 " warnings (exit %d)\n",
                l->counts[LIVE_FAIL] + l->counts[LIVE_GONE], l->counts[LIVE_WARN], (int)code);
    }
    return code;
}

enum exit_code check_live(const char *path, const struct cli_overrides *overrides, bool is_json,
                          bool is_quiet, bool denies_warnings)
{
    struct live_check l = { .is_quiet = is_quiet };
    struct config *config = NULL;
    enum exit_code code = cli_load(path, CONFIG_NEED_KAFKA | CONFIG_NEED_STATE | CONFIG_NEED_TOPICS,
                                   overrides, &config);

    if (code != EXIT_GOOD) {
        return code;
    }
    l.config = l.kafka.config = config;
    outline_begin(&l.out, stdout, is_json);
    if (is_json) {
        outline_text(&l.out, "file", text_of(path));
        outline_open(&l.out, "findings", '[');
    } else {
        printf("%s\n", path);
    }
    live_check_kafka(&l);
    live_check_redis(&l);
    if (l.is_kafka_there && l.is_redis_there && l.partition_count > 0) {
        check_state(&l);
    }
    code = sum_up(&l, denies_warnings);
    store_reader_close(&l.redis);
    kafka_tool_close(&l.kafka);
    config_free(config);
    return code;
}
