#include "processor/cli/check_live.h"

#include "processor/base/instant.h"
#include "processor/base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define FUTURE_MS (5 * MINUTE_MS)

/* --- brokers --- */

static void check_version(struct live_check *l, const struct kafka_brokers *b)
{
    static const char *const keys[] = { "inter.broker.protocol.version",
                                        "offsets.retention.minutes" };
    char values[2][KAFKA_SETTING_SIZE], id[16], sentence[256] = "";
    int64_t needed = l->config->is_exactly_once ? 205 : 204, found;
    char *end = NULL;

    (void)text_format(id, sizeof(id), "%" PRId32, b->first_id);
    if (kafka_survey_settings(&l->kafka, true, text_of(id), keys, 2, values, sentence) != OK) {
        live_say(l, LIVE_INFO, "kafka", NULL,
                 "%" PRId32 " brokers: %s; their version is not told (%s)", b->count, b->hosts,
                 sentence);
        return;
    }
    found = strtol(values[0], &end, 10) * 100;
    found += *end == '.' ? strtol(end + 1, NULL, 10) : 0;
    if (values[0][0] != '\0' && found < needed) {
        live_say(l, LIVE_FAIL, "kafka", "upgrade the brokers, or use at_least_once (Kafka 2.4)",
                 "the brokers speak %s; %s needs Kafka 2.%d", values[0],
                 l->config->is_exactly_once ? "exactly_once" : "at_least_once",
                 l->config->is_exactly_once ? 5 : 4);
        return;
    }
    live_say(l, LIVE_OK, "kafka", NULL, "%" PRId32 " brokers: %s, protocol %s", b->count, b->hosts,
             values[0][0] == '\0' ? "not told" : values[0]);
    if (values[1][0] != '\0' && strtoll(values[1], NULL, 10) < 24 * 60) {
        live_say(l, LIVE_WARN, "kafka", "offsets.retention.minutes=10080 on the brokers",
                 "offsets of a group at rest expire after %s minutes: what was published is then "
                 "not known",
                 values[1]);
    }
}

/* --- topics --- */

static void check_settings(struct live_check *l, struct text topic, bool is_input,
                           bool is_memberships, const struct kafka_topic_view *v)
{
    static const char *const keys[] = { "cleanup.policy", "min.insync.replicas" };
    char values[2][KAFKA_SETTING_SIZE], sentence[256] = "";
    bool is_compacted;

    if (kafka_survey_settings(&l->kafka, false, topic, keys, 2, values, sentence) != OK) {
        live_say(l, LIVE_INFO, "kafka", NULL, "%.*s: its settings are not told (%s)",
                 TEXT_PRINTF(topic), sentence);
        return;
    }
    is_compacted = strstr(values[0], "compact") != NULL;
    if (is_compacted && !is_memberships) {
        live_say(
            l, LIVE_FAIL, "kafka", "cleanup.policy=delete",
            "%.*s is compacted: of each customer only the newest record stays, whatever it was",
            TEXT_PRINTF(topic));
    } else if (!is_compacted && is_memberships) {
        live_say(l, LIVE_WARN, "kafka", "cleanup.policy=compact",
                 "%.*s is not compacted: memberships older than its retention are gone for readers",
                 TEXT_PRINTF(topic));
    }
    if (!is_input && v->replicas > 1 && strtol(values[1], NULL, 10) < 2) {
        live_say(l, LIVE_WARN, "kafka", "min.insync.replicas=2",
                 "%.*s has %" PRId32 " replicas and takes records with one in sync: a broker that "
                 "dies then takes them along",
                 TEXT_PRINTF(topic), v->replicas);
    }
}

/* Returns: it is there. */
static bool check_topic(struct live_check *l, struct text topic, bool is_input, bool is_memberships,
                        struct kafka_topic_view *out)
{
    char sentence[256] = "";
    enum err e = kafka_survey_topic(&l->kafka, topic, out, sentence);

    if (e != OK) {
        live_say(l, LIVE_FAIL, "kafka",
                 is_input ? "an ACL: Read and Describe on it" : "an ACL: Write and Describe on it",
                 "%.*s cannot be looked at: %s", TEXT_PRINTF(topic), sentence);
        return false;
    }
    if (!out->is_there) {
        live_say(l, LIVE_FAIL, "kafka", "create it (or allow Describe on it); run waits until then",
                 "there is no topic %.*s", TEXT_PRINTF(topic));
        return false;
    }
    if (out->leaderless > 0) {
        live_say(l, LIVE_FAIL, "kafka", "bring their brokers back",
                 "%.*s: %" PRId32 " partitions have no leader", TEXT_PRINTF(topic),
                 out->leaderless);
    }
    if (out->replicas == 1) {
        live_say(l, LIVE_WARN, "kafka", "replication factor 3, min.insync.replicas=2",
                 "%.*s has one replica: its records are as safe as one disk", TEXT_PRINTF(topic));
    } else if (out->in_sync < out->replicas) {
        live_say(l, LIVE_WARN, "kafka", "look at the brokers that lag",
                 "%.*s: some partition has %" PRId32 " of %" PRId32 " replicas in sync",
                 TEXT_PRINTF(topic), out->in_sync, out->replicas);
    }
    check_settings(l, topic, is_input, is_memberships, out);
    return true;
}

/* A record that claims to be of later than now: a producer's clock, or a broker's, or ours. */
static void check_future(struct live_check *l, uint32_t topic)
{
    struct timespec now = { 0 };
    char sentence[256];
    int64_t offset;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    for (int32_t p = 0; p < l->partition_count; p++) {
        if (kafka_group_offset_at(&l->kafka, topic, p, (int64_t)now.tv_sec * SECOND_MS + FUTURE_MS,
                                  &offset, sentence) == OK &&
            offset >= 0) {
            live_say(l, LIVE_WARN, "kafka",
                     "set the clocks (NTP): of this host, the brokers, the "
                     "producers",
                     "%.*s, partition %" PRId32 ", offset %" PRId64
                     " is stamped more than 5 minutes ahead of this host's clock",
                     TEXT_PRINTF(l->config->inputs[topic].topic), p, offset);
            return;
        }
    }
}

static void check_inputs(struct live_check *l)
{
    const struct config *c = l->config;
    struct kafka_topic_view first = { 0 }, v;
    bool are_all_there = true, are_equal = true;

    for (uint32_t i = 0; i < c->input_count; i++) {
        if (!check_topic(l, c->inputs[i].topic, true, false, &v)) {
            are_all_there = false;
            continue;
        }
        if (first.is_there && v.partitions != first.partitions) {
            are_equal = false;
            live_say(l, LIVE_FAIL, "kafka",
                     "create it anew with as many (segstream repartition moves what is in it)",
                     "%.*s has %" PRId32 " partitions, %.*s has %" PRId32
                     ": a customer's events would meet different workers",
                     TEXT_PRINTF(c->inputs[i].topic), v.partitions, TEXT_PRINTF(c->inputs[0].topic),
                     first.partitions);
        }
        first = first.is_there ? first : v;
    }
    if (are_all_there && are_equal) {
        l->partition_count = first.partitions;
        live_say(l, LIVE_OK, "kafka", NULL, "%" PRIu32 " input topics of %" PRId32 " partitions",
                 c->input_count, first.partitions);
        for (uint32_t i = 0; i < c->input_count; i++) {
            check_future(l, i);
        }
    }
}

static void check_outputs(struct live_check *l)
{
    struct kafka_topic_view v;
    int32_t there = 0;

    for (int i = 0; i < OUTPUT_TYPE__COUNT; i++) {
        if (l->config->outputs[i].at != NULL) {
            there += check_topic(l, l->config->outputs[i], false, i == OUTPUT_MEMBERSHIP, &v);
        }
    }
    live_say(l, LIVE_INFO, "kafka", NULL,
             "%" PRId32 " output topics are there; whether they may be written to shows only in "
             "writing",
             there);
}

/* --- group and transactions --- */

static void check_group(struct live_check *l)
{
    struct kafka_group g;
    char sentence[256] = "";

    if (kafka_group_look(&l->kafka, &g, sentence) != OK) {
        live_say(l, LIVE_FAIL, "kafka", "an ACL: Read and Describe on the group",
                 "the group %.*s: %s", TEXT_PRINTF(l->config->rules->app), sentence);
        return;
    }
    live_say(l, LIVE_OK, "kafka", NULL, "the group %.*s: %s, %" PRId32 " workers",
             TEXT_PRINTF(l->config->rules->app), g.state, g.members);
}

static void check_transactions(struct live_check *l)
{
    struct arena arena = { 0 };
    char sentence[256] = "";
    enum err e;

    if (!l->config->is_exactly_once) {
        return;
    }
    e = kafka_survey_transactions(
        &l->kafka, arena_format(&arena, "%.*s.check", TEXT_PRINTF(l->config->rules->app)),
        sentence);
    if (e == OK) {
        live_say(l, LIVE_OK, "kafka", NULL, "transactions may begin under %.*s.*",
                 TEXT_PRINTF(l->config->rules->app));
    } else {
        live_say(l, LIVE_FAIL, "kafka",
                 e == ERR_CONFIG
                     ? "an ACL: Write and Describe on transactional ids with the prefix APP."
                     : "transaction.state.log.replication.factor and .min.isr must fit the number "
                       "of brokers",
                 "no transaction may begin under %.*s.*: %s", TEXT_PRINTF(l->config->rules->app),
                 sentence);
    }
    arena_fini(&arena);
}

void live_check_kafka(struct live_check *l)
{
    struct kafka_brokers b;
    char sentence[256] = "";

    log_set_level(LOG_ERROR);
    if (kafka_tool_consumer(&l->kafka, sentence) != OK) {
        live_say(l, LIVE_FAIL, "kafka", "kafka.properties", "%s", sentence);
        return;
    }
    if (kafka_survey_brokers(&l->kafka, &b, sentence) != OK) {
        live_say(l, LIVE_GONE, "kafka",
                 "kafka.brokers; with TLS or SASL also kafka.properties: security.protocol, ssl.*, "
                 "sasl.*",
                 "no broker of %.*s answers: %s", TEXT_PRINTF(l->config->brokers), sentence);
        return;
    }
    l->is_kafka_there = true;
    check_version(l, &b);
    check_inputs(l);
    check_outputs(l);
    check_group(l);
    check_transactions(l);
}
