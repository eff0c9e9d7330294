/* segstream inspect WHAT -c CONFIG: what Redis holds, field by field: a customer, partitions,
 * timers, the outbox.
 *
 * Reads Redis only, with workers up or down; writes nothing.
 */
#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "processor/cli/cli.h"
#include "processor/cli/inspect_parts.h"
#include "processor/cli/inspected.h"
#include "processor/cli/options.h"

#include <inttypes.h>
#include <stdlib.h>

#define LIMIT_DEFAULT 10
#define LIMIT_MOST    100000

enum option_key { KEY_LIMIT = 256 };

struct arguments {
    const char *what;
    int32_t limit;
    bool is_json;
    struct cli_options common;
};

static const struct argp_option options[] = {
    CLI_OPTION_CONFIG,
    { "limit", KEY_LIMIT, "N", 0, "List so many timers or entries of a partition (default 10)", 0 },
    CLI_OPTION_PARTITIONS,
    { "output", 'o', "FORM", 0, "text (default) or json", 0 },
    CLI_OPTION_SET,
    { 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case KEY_LIMIT:
        if (!cli_partitions(argument, &a->limit)) {
            argp_error(state, "--limit wants a number from 1 to %d, not `%s`", LIMIT_MOST,
                       argument);
        }
        return 0;
    case 'o':
        a->is_json = cli_form(argument, (const char *const[]){ "text", "json" }, 2, state) == 1;
        return 0;
    case ARGP_KEY_ARG:
        if (a->what != NULL) {
            argp_error(state, "one customer, or partitions, timers or outbox");
        }
        a->what = argument;
        return 0;
    case ARGP_KEY_END:
        if (a->what == NULL || a->common.config == NULL) {
            argp_error(state, "what to look at, and -c CONFIG, are needed");
        }
        return 0;
    default:
        return cli_options_parse(&a->common, key, argument, state);
    }
}

static const struct {
    const char *name;
    bool (*say)(struct inspection *i, char sentence[STORE_READER_SENTENCE]);
} views[] = { { "partitions", inspect_partitions },
              { "partition", inspect_partitions },
              { "timers", inspect_timers },
              { "outbox", inspect_outbox } };

#define VIEW_COUNT (sizeof(views) / sizeof(views[0]))

/* "timers", "timers:3". Returns: the view, VIEW_COUNT: it is a customer. */
static size_t view_of(const char *what, const char **out_number)
{
    for (size_t i = 0; i < VIEW_COUNT; i++) {
        size_t size = strlen(views[i].name);

        if (strncmp(what, views[i].name, size) == 0 && (what[size] == '\0' || what[size] == ':')) {
            *out_number = what[size] == ':' ? what + size + 1 : NULL;
            return i;
        }
    }
    return VIEW_COUNT;
}

static enum exit_code fail(const char *sentence, enum exit_code code)
{
    fprintf(stderr, "segstream inspect: %s\n", sentence);
    return code;
}

static enum exit_code say_customer(struct inspection *i, struct text id)
{
    struct store_request peek = { .verb = STORE_PEEK, .customers = &id, .customer_count = 1 };
    char sentence[STORE_READER_SENTENCE];
    struct customer *c = NULL;
    struct store_reply r;

    peek.partition = hash_partition(id, i->redis.partition_count);
    if (!store_reader_ask(&i->redis, &peek, &r, sentence)) {
        return fail(sentence, EXIT_SERVICE);
    }
    if (r.records[0].at == NULL) {
        (void)text_format(sentence, sizeof(sentence),
                          "Redis holds no record of the customer `%.*s` (partition %" PRId32
                          " of %" PRId32 ")",
                          TEXT_PRINTF(id), peek.partition, i->redis.partition_count);
        return fail(sentence, EXIT_TEST_FAILED);
    }
    if (customer_decode(r.records[0], &c) != OK) {
        return fail("the record cannot be read; another version may have written it", EXIT_SERVICE);
    }
    outline_begin(i->out, stdout, i->out->is_json);
    outline_text(i->out, "customer", id);
    outline_int(i->out, "partition", peek.partition);
    outline_int(i->out, "record_bytes", (int64_t)r.records[0].size);
    inspected_say(i->out, i->redis.config->rules, c);
    outline_end(i->out);
    customer_free(c);
    return EXIT_GOOD;
}

static enum exit_code say_view(struct inspection *i, size_t view, const char *number)
{
    char sentence[STORE_READER_SENTENCE];
    char *end = NULL;
    bool is_good;
    long partition = number == NULL ? -1 : strtol(number, &end, 10);

    if ((number == NULL && view == 1) || (number != NULL && (end == number || *end != '\0')) ||
        partition >= i->redis.partition_count || partition < -1) {
        (void)text_format(sentence, sizeof(sentence),
                          "the partitions are 0 to %" PRId32 "; say %s:N, or customer:%s",
                          i->redis.partition_count - 1, views[view].name, views[view].name);
        return fail(sentence, EXIT_USAGE);
    }
    i->partition = (int32_t)partition;
    outline_begin(i->out, stdout, i->out->is_json);
    is_good = views[view].say(i, sentence);
    outline_end(i->out);
    return is_good ? EXIT_GOOD : fail(sentence, EXIT_SERVICE);
}

static enum exit_code inspect(const struct arguments *a, const struct config *config)
{
    struct outline out = { .is_json = a->is_json };
    struct inspection i = { .out = &out, .partition = -1, .limit = (uint32_t)a->limit };
    char sentence[STORE_READER_SENTENCE] = "";
    const char *number = NULL;
    size_t view = view_of(a->what, &number);
    struct text id = text_of(a->what);
    struct store_reply reply;
    enum exit_code code;

    if (config->store != STORE_KIND_REDIS) {
        return fail("`state.store` names no Redis", EXIT_BAD_CONFIG);
    }
    if (text_starts_with(id, TEXT("customer:"))) {
        id = text_of(a->what + sizeof("customer:") - 1);
    }
    i.redis.partition_count = a->common.partitions;
    store_reader_open(&i.redis, config);
    if (a->common.partitions == 0 && !store_reader_count(&i.redis, &reply, sentence)) {
        code = fail(sentence, EXIT_SERVICE);
    } else {
        code = view == VIEW_COUNT ? say_customer(&i, id) : say_view(&i, view, number);
    }
    store_reader_close(&i.redis);
    return code;
}

int cmd_inspect(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "CUSTOMER|partitions|partition:N|timers[:N]|outbox[:N]",
        .doc =
            "What Redis holds, field by field: a customer's record, the state of partitions, the "
            "timers due next and what for, what waits to be published. Reads Redis only, with "
            "workers up or down; writes nothing. A customer with such a name: customer:timers. "
            "Exit code 1: the customer is not known."
            "\vexamples:\n"
            "  segstream inspect c-1042 -c shop.yaml\n"
            "  segstream inspect partitions -c shop.yaml -o json\n"
            "  segstream inspect timers:3 -c shop.yaml --limit 100"
    };
    struct arguments a = { .limit = LIMIT_DEFAULT };
    struct config *config = NULL;
    enum exit_code code;

    cli_parse(&argp, argc, argv, &a);
    code = cli_load(a.common.config, CONFIG_NEED_RULES, &a.common.overrides, &config);
    if (code == EXIT_GOOD) {
        code = inspect(&a, config);
    }
    config_free(config);
    return (int)code;
}
