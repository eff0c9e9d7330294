/* segstream topics plan|apply -c FILE: which topics a configuration needs, which of them are there,
 * and making the others.
 */
#include "processor/cli/options.h"
#include "processor/runtime/kafka_topics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_REPLICATION = 1024 };

struct arguments {
    const char *action;
    int32_t replication; /* 0: not given */
    struct cli_options common;
};

static const struct argp_option options[] = {
    CLI_OPTION_CONFIG,
    { "partitions", CLI_KEY_PARTITIONS, "N", 0,
      "Of topics that are missing (default: as the input topics have that are there, or 12)", 0 },
    { "replication", KEY_REPLICATION, "N", 0,
      "Of topics that are missing (default: 3, or as many as there are brokers)", 0 },
    CLI_OPTION_SET,
    { 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case KEY_REPLICATION:
        if (!cli_partitions(argument, &a->replication) || a->replication > 100) {
            argp_error(state, "--replication wants a number, not `%s`", argument);
        }
        return 0;
    case ARGP_KEY_ARG:
        if (a->action != NULL ||
            (strcmp(argument, "plan") != 0 && strcmp(argument, "apply") != 0)) {
            argp_error(state, "`plan` or `apply`, not `%s`", argument);
        }
        a->action = argument;
        return 0;
    case ARGP_KEY_END:
        if (a->action == NULL || a->common.config == NULL) {
            argp_error(state, "`plan` or `apply`, and -c CONFIG, are needed");
        }
        return 0;
    default:
        return cli_options_parse(&a->common, key, argument, state);
    }
}

static bool is_as_wanted(const struct topic_setting *s)
{
    return s->found[0] == '\0' || strcmp(s->found, s->wanted) == 0;
}

/* One line a topic, and one more for each setting that is not as it should be. Returns: how many
 * settings must be another. */
static int say_topic(const struct config *c, const struct topic_wish *w, int32_t replication,
                     bool is_made)
{
    int wrong = 0;

    if (w->found_partitions == 0) {
        printf("%-7s %s  partitions=%d replication=%d", is_made ? "created" : "create", w->topic.at,
               w->partitions, replication);
        for (uint32_t i = 0; i < w->setting_count; i++) {
            printf(" %s=%s", w->settings[i].name, w->settings[i].wanted);
        }
        printf("%s\n", replication >= 3 ? " min.insync.replicas=2" : "");
        return 0;
    }
    printf("%-7s %s  partitions=%d", "there", w->topic.at, w->found_partitions);
    for (uint32_t i = 0; i < w->setting_count; i++) {
        printf(w->settings[i].found[0] == '\0' ? "" : " %s=%s", w->settings[i].name,
               w->settings[i].found);
    }
    puts("");
    for (uint32_t i = 0; i < w->setting_count; i++) {
        const struct topic_setting *s = &w->settings[i];

        if (!is_as_wanted(s)) {
            wrong += s->is_must;
            printf("        %s: %s=%s; to change it: kafka-configs --bootstrap-server %.*s --alter "
                   "--entity-type topics --entity-name %s --add-config %s=%s\n",
                   s->is_must ? "must be another" : "differs from the advice", s->name, s->found,
                   TEXT_PRINTF(c->brokers), w->topic.at, s->name, s->wanted);
        }
    }
    return wrong;
}

static int say_plan(const struct config *c, const struct topic_plan *plan, bool is_made)
{
    int missing = 0, wrong = 0;

    for (uint32_t i = 0; i < plan->count; i++) {
        missing += plan->wishes[i].found_partitions == 0;
        wrong += say_topic(c, &plan->wishes[i], plan->replication, is_made);
    }
    printf("%u topics: %d there, %d %s", plan->count, (int)plan->count - missing, missing,
           is_made ? "created" : "to create");
    printf(wrong == 0 ? "\n" : "; %d settings must be others\n", wrong);
    return wrong;
}

int cmd_topics(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "plan|apply",
        .doc = "Say which topics the configuration needs and which are there (plan), or make those "
               "that are missing (apply). What is there is never changed: where it differs, the "
               "command that would is printed. Exit 78 when input topics have unequal partition "
               "counts, or a setting must be another."
    };
    struct arguments a = { 0 };
    struct kafka_tool kafka = { 0 };
    struct config *config = NULL;
    struct arena arena = { 0 };
    struct topic_plan plan;
    char sentence[256] = "";
    enum exit_code code;
    enum err e;
    bool is_apply;
    int wrong = 0;

    cli_parse(&argp, argc, argv, &a);
    is_apply = strcmp(a.action, "apply") == 0;
    code = cli_load(a.common.config, CONFIG_NEED_KAFKA | CONFIG_NEED_TOPICS, &a.common.overrides,
                    &config);
    if (code != EXIT_GOOD) {
        return (int)code;
    }
    kafka.config = config;
    topic_plan_init(&plan, config, &arena);
    e = kafka_topics_look(&kafka, &plan, sentence);
    if (e == OK) {
        e = topic_plan_decide(&plan, a.common.partitions, a.replication, sentence);
    }
    if (e == OK && is_apply) {
        e = kafka_topics_create(&kafka, &plan, sentence);
    }
    if (e == OK) {
        wrong = say_plan(config, &plan, is_apply);
    } else {
        fprintf(stderr, "segstream topics: %s\n", sentence);
    }
    kafka_tool_close(&kafka);
    arena_fini(&arena);
    config_free(config);
    return e == ERR_CONFIG || wrong > 0 ? EXIT_BAD_CONFIG : e != OK ? EXIT_SERVICE : EXIT_GOOD;
}
