/* segstream erase CUSTOMER -c CONFIG: have a customer forgotten, and a receipt for it.
 *
 * The record that says so goes the way of every event, through an input topic, so whoever owns the
 * partition does it in a commit of its own: nothing is written behind a worker's back. Then the
 * state is read until it shows that it was done.
 */
#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "processor/cli/cli.h"
#include "processor/cli/options.h"
#include "processor/cli/outline.h"
#include "processor/cli/store_reader.h"
#include "processor/runtime/kafka_tool.h"
#include "processor/runtime/record.h"
#include "schemas/avro.h"
#include "schemas/json.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>

#define WAIT_DEFAULT_MS (60 * SECOND_MS)
#define LOOK_MS         50
#define ID_SIZE         40

enum option_key { KEY_TOPIC = 256, KEY_WAIT, KEY_RECEIPT, KEY_REASON };

struct arguments {
    const char *customer;
    const char *topic;   /* NULL: the first that can carry it */
    const char *receipt; /* NULL: none */
    const char *reason;  /* NULL: none */
    int64_t wait_ms;
    bool is_json;
    struct cli_options common;
};

static const struct argp_option options[] = {
    CLI_OPTION_CONFIG,
    { "topic", KEY_TOPIC, "TOPIC", 0,
      "The input topic that carries it (default: the first that can)", 0 },
    CLI_OPTION_AT("Older events are dropped (default: now)"),
    { "wait", KEY_WAIT, "DURATION", 0, "For a worker to do it (default 60s)", 0 },
    { "receipt", KEY_RECEIPT, "FILE", 0, "Write the receipt there, too, as JSON", 0 },
    { "reason", KEY_REASON, "TEXT", 0, "For the receipt only", 0 },
    { "output", 'o', "FORM", 0, "text (default) or json", 0 },
    CLI_OPTION_SET,
    { 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case KEY_TOPIC:
        a->topic = argument;
        return 0;
    case KEY_WAIT:
        if (!instant_parse_duration(text_of(argument), &a->wait_ms)) {
            argp_error(state, "--wait wants a duration like 60s, not `%s`", argument);
        }
        return 0;
    case KEY_RECEIPT:
        a->receipt = argument;
        return 0;
    case KEY_REASON:
        a->reason = argument;
        return 0;
    case 'o':
        a->is_json = cli_form(argument, (const char *const[]){ "text", "json" }, 2, state) == 1;
        return 0;
    case ARGP_KEY_ARG:
        if (a->customer != NULL) {
            argp_error(state, "one customer");
        }
        a->customer = argument;
        return 0;
    case ARGP_KEY_END:
        if (a->customer == NULL || a->common.config == NULL) {
            argp_error(state, "a customer and -c CONFIG are needed");
        }
        if (a->customer[0] == '\0' || strlen(a->customer) > EVENT_CUSTOMER_SIZE_MAX ||
            !text_is_utf8(text_of(a->customer))) {
            argp_error(state, "a customer has 1 to %d bytes of UTF-8", EVENT_CUSTOMER_SIZE_MAX);
        }
        return 0;
    default:
        return cli_options_parse(&a->common, key, argument, state);
    }
}

struct erasure {
    const struct arguments *a;
    const struct config *config;
    struct kafka_tool kafka;
    struct store_reader redis;
    FILE *receipt;
    struct arena arena;
    char sentence[STORE_READER_SENTENCE];
    char id[ID_SIZE];
    struct event event;
    uint32_t topic; /* index */
    struct bytes_out value;
    int32_t partition;
    int64_t offset;
    int64_t written_ms, applied_ms; /* wall clock; never: not */
    struct customer *was;           /* NULL: no record */
    size_t was_bytes;
};

static bool fail(struct erasure *e, const char *sentence)
{
    (void)text_format(e->sentence, sizeof(e->sentence), "%s", sentence);
    return false;
}

/* --- the record --- */

/* What a topic's mapping makes an erase of. */
static struct text raw_kind(const struct event_mapping *m)
{
    for (uint32_t i = 0; i < m->map_count; i++) {
        if (text_is(m->map_to[i], event_kind_name(EVENT_ERASE))) {
            return m->map_from[i];
        }
    }
    return text_of(event_kind_name(EVENT_ERASE));
}

/* Written for the topic, and read back as a worker will: only what arrives as an erase counts. */
static bool fits(struct erasure *e, struct record_decoder *decoder, uint32_t topic)
{
    const struct topic_config *t = &e->config->inputs[topic];
    struct task_record r = { .topic = topic };
    struct event ev = e->event;

    ev.kind_name = raw_kind(&t->mapping);
    bytes_out_clear(&e->value);
    if (t->is_json) {
        json_encode_event(&ev, &t->mapping, &e->value);
    } else {
        avro_encode_event(&ev, &e->value);
    }
    r.key = (struct bytes){ (const uint8_t *)ev.customer.at, ev.customer.size };
    r.value = bytes_out_view(&e->value);
    record_decode(decoder, &e->arena, &r);
    return r.event != NULL && r.event->kind == EVENT_ERASE && r.event->at_ms == ev.at_ms &&
           text_equal(r.event->customer, ev.customer) && text_equal(r.event->id, ev.id);
}

static bool choose_topic(struct erasure *e)
{
    struct record_decoder *decoder = NULL;
    bool is_there = false, is_found = false;

    if (record_decoder_new(e->config, &decoder, e->sentence) != OK) {
        return false;
    }
    for (uint32_t i = 0; !is_found && i < e->config->input_count; i++) {
        if (e->a->topic == NULL || text_is(e->config->inputs[i].topic, e->a->topic)) {
            is_there = true;
            is_found = fits(e, decoder, i);
            e->topic = i;
        }
    }
    record_decoder_free(decoder);
    if (!is_there) {
        (void)text_format(e->sentence, sizeof(e->sentence), "%s is no input topic", e->a->topic);
    } else if (!is_found) {
        (void)text_format(e->sentence, sizeof(e->sentence),
                          "%s carries an erase record: that takes JSON or the shipped schema "
                          "activity, and a kind from the record (`kind: {field: kind}`) or `kind: "
                          "erase`",
                          e->a->topic == NULL ? "no input topic" : "that topic never");
    }
    return is_found;
}

/* --- before --- */

static bool look(struct erasure *e, struct store_reply *out)
{
    struct store_request peek = { .verb = STORE_PEEK,
                                  .partition = e->partition,
                                  .customers = &e->event.customer,
                                  .customer_count = 1 };

    return store_reader_ask(&e->redis, &peek, out, e->sentence);
}

/* The partition by all who know how many there are; they must agree. */
static bool find_partition(struct erasure *e, enum exit_code *out_code)
{
    struct store_reply r;

    if (kafka_tool_partitions(&e->kafka, e->config->inputs[0].topic, &e->redis.partition_count,
                              e->sentence) != OK) {
        return false;
    }
    e->partition = hash_partition(e->event.customer, e->redis.partition_count);
    if (!look(e, &r)) {
        return false;
    }
    if (!r.is_new && r.state->partition_count != e->redis.partition_count) {
        *out_code = EXIT_BAD_CONFIG;
        (void)text_format(e->sentence, sizeof(e->sentence),
                          "%.*s has %" PRId32 " partitions, the stored state is of %" PRId32,
                          TEXT_PRINTF(e->config->inputs[0].topic), e->redis.partition_count,
                          r.state->partition_count);
        return false;
    }
    e->was_bytes = r.records[0].size;
    if (r.records[0].at != NULL && customer_decode(r.records[0], &e->was) != OK) {
        return fail(e, "the stored record cannot be read; another version may have written it");
    }
    return true;
}

/* Without a wall clock, time is what the events say: now is as far as they have come. */
static int64_t instant_of(struct erasure *e, int64_t stream_ms)
{
    int64_t last_ms = e->was == NULL || e->was->created_at_ms == INSTANT_NEVER
                          ? INSTANT_MIN
                          : e->was->last_event_ms;

    if (e->a->common.at_ms != INSTANT_NEVER) {
        return e->a->common.at_ms;
    }
    if (!e->config->rules->is_event_clock) {
        return cli_now_ms();
    }
    return last_ms > stream_ms ? last_ms : stream_ms;
}

static bool prepare(struct erasure *e, enum exit_code *out_code)
{
    uint64_t random[2];
    struct store_reply r;

    while (getrandom(random, sizeof(random), 0) < 0) {
        if (errno != EINTR) {
            return fail(e, "no random numbers for the audit id");
        }
    }
    (void)text_format(e->id, sizeof(e->id), "erase-%016" PRIx64 "%016" PRIx64, random[0],
                      random[1]);
    e->event = (struct event){ .kind = EVENT_ERASE,
                               .customer = text_of(e->a->customer),
                               .id = text_of(e->id) };
    if (!find_partition(e, out_code) || !look(e, &r)) {
        return false;
    }
    e->event.at_ms = instant_of(e, r.is_new ? INSTANT_MIN : r.state->stream_ms);
    *out_code = EXIT_BAD_CONFIG;
    if (!choose_topic(e)) {
        return false;
    }
    *out_code = EXIT_SERVICE;
    return true;
}

/* --- doing it --- */

static bool is_applied(struct erasure *e, const struct store_reply *r)
{
    const struct text topic = e->config->inputs[e->topic].topic;

    for (uint32_t i = 0; !r->is_new && i < r->state->position_count; i++) {
        if (text_equal(r->state->positions[i].topic, topic)) {
            return r->state->positions[i].next_offset > e->offset;
        }
    }
    return false;
}

/* The commit that passed the record also holds what became of the customer. */
static bool is_gone(const struct erasure *e, const struct store_reply *r)
{
    struct customer *c = NULL;
    bool is_gone = r->records[0].at == NULL;

    if (!is_gone && customer_decode(r->records[0], &c) == OK) {
        is_gone = c->erased_ms != INSTANT_NEVER && c->erased_ms >= e->event.at_ms;
    }
    customer_free(c);
    return is_gone;
}

static bool await_applied(struct erasure *e)
{
    int64_t until_ms = cli_now_ms() + e->a->wait_ms;
    struct store_reply r;

    for (;;) {
        if (!look(e, &r)) {
            return false;
        }
        if (is_applied(e, &r)) {
            e->applied_ms = is_gone(e, &r) ? cli_now_ms() : INSTANT_NEVER;
            return e->applied_ms != INSTANT_NEVER ||
                   fail(e, "the record was read, but the customer is still there: see the dead "
                           "letters (a worker's clock that is behind takes it for the future)");
        }
        if (cli_now_ms() >= until_ms) {
            return fail(e, "the record is written, and no worker has come to it yet; one will. "
                           "Look again with `segstream inspect`");
        }
        (void)poll(NULL, 0, LOOK_MS);
    }
}

/* --- the receipt --- */

static void say_removed(const struct erasure *e, struct outline *o)
{
    const struct customer *c = e->was;
    bool was_there = c != NULL && c->created_at_ms != INSTANT_NEVER;
    const struct text *ids = NULL;
    struct arena arena = { 0 };
    uint32_t count = was_there ? segments_of(&e->config->rules->segments, c, &arena, &ids) : 0;

    outline_open(o, "removed", '{');
    outline_int(o, "record_bytes", was_there ? (int64_t)e->was_bytes : 0);
    outline_int(o, "attributes", was_there ? c->attribute_count : 0);
    outline_int(o, "orders", was_there ? c->orders_ever : 0);
    outline_int(o, "histories", was_there ? c->history_count : 0);
    outline_int(o, "active_runs", was_there ? c->run_count : 0);
    outline_int(o, "triggers_remembered", was_there ? c->sent_count : 0);
    outline_int(o, "timers", was_there && c->due_ms != INSTANT_NEVER);
    outline_open(o, "memberships_left", '[');
    for (uint32_t i = 0; i < count; i++) {
        outline_text(o, NULL, ids[i]);
    }
    outline_close(o, ']');
    outline_close(o, '}');
    outline_text(o, "kept", TEXT("a hash of the customer and the instant, to drop older events"));
    arena_fini(&arena);
}

/* Where the customer still is, and nobody asked us to look after. */
static void say_beyond(const struct erasure *e, struct outline *o)
{
    const struct config *c = e->config;

    outline_open(o, "not_reached", '[');
    for (uint32_t i = 0; i < c->input_count; i++) {
        outline_text(o, NULL, c->inputs[i].topic);
    }
    for (int i = 0; i < OUTPUT_TYPE__COUNT; i++) {
        if (i != OUTPUT_MEMBERSHIP && c->outputs[i].at != NULL) {
            outline_text(o, NULL, c->outputs[i]);
        }
    }
    outline_close(o, ']');
}

static void say_receipt(const struct erasure *e, FILE *to, bool is_json)
{
    struct outline o;

    outline_begin(&o, to, is_json);
    outline_text(&o, "audit_id", text_of(e->id));
    outline_text(&o, "customer", e->event.customer);
    outline_text(&o, "app", e->config->rules->app);
    outline_text(&o, "reason", text_of(e->a->reason));
    outline_bool(&o, "applied", e->applied_ms != INSTANT_NEVER);
    outline_instant(&o, "erased_at", e->event.at_ms);
    outline_instant(&o, "written_at", e->written_ms);
    outline_instant(&o, "applied_by", e->applied_ms);
    outline_text(&o, "topic", e->config->inputs[e->topic].topic);
    outline_int(&o, "partition", e->partition);
    outline_int(&o, "offset", e->offset);
    say_removed(e, &o);
    outline_text(&o, "tombstone", e->config->outputs[OUTPUT_MEMBERSHIP]);
    say_beyond(e, &o);
    outline_end(&o);
}

static enum exit_code erase(struct erasure *e)
{
    enum exit_code code = EXIT_SERVICE;
    bool is_done = false, is_written = false;

    if (prepare(e, &code)) {
        is_written = kafka_tool_produce(&e->kafka, e->config->inputs[e->topic].topic, e->partition,
                                        e->event.customer, bytes_out_view(&e->value), &e->offset,
                                        e->sentence) == OK;
    }
    if (is_written) {
        e->written_ms = cli_now_ms();
        is_done = await_applied(e);
        say_receipt(e, stdout, e->a->is_json);
        if (e->receipt != NULL) {
            say_receipt(e, e->receipt, true);
        }
    }
    if (!is_done) {
        fprintf(stderr, "segstream erase: %s\n", e->sentence);
        return code;
    }
    return EXIT_GOOD;
}

static enum exit_code open_and_erase(const struct arguments *a, const struct config *config)
{
    struct erasure e = { .a = a,
                         .config = config,
                         .kafka = { .config = config },
                         .written_ms = INSTANT_NEVER,
                         .applied_ms = INSTANT_NEVER };
    enum exit_code code;

    if (config->store != STORE_KIND_REDIS) {
        fputs("segstream erase: `state.store` names no Redis: nobody could see that it is done\n",
              stderr);
        return EXIT_BAD_CONFIG;
    }
    if (a->receipt != NULL && (e.receipt = fopen(a->receipt, "w")) == NULL) {
        fprintf(stderr, "segstream erase: cannot write %s: %s\n", a->receipt, strerror(errno));
        return EXIT_USAGE;
    }
    store_reader_open(&e.redis, config);
    code = erase(&e);
    if (e.receipt != NULL && fclose(e.receipt) != 0) {
        fprintf(stderr, "segstream erase: cannot write %s: %s\n", a->receipt, strerror(errno));
        code = EXIT_SERVICE;
    }
    customer_free(e.was);
    bytes_out_fini(&e.value);
    arena_fini(&e.arena);
    store_reader_close(&e.redis);
    kafka_tool_close(&e.kafka);
    return code;
}

int cmd_erase(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "CUSTOMER",
        .doc =
            "Have a customer forgotten: an erase record goes to an input topic, whoever owns the "
            "partition does it in a commit, and the receipt says what was removed once the state "
            "shows it. Events older than the erase are dropped from then on. Exit code 69: "
            "written, but not seen to be done within --wait."
            "\vexamples:\n"
            "  segstream erase c-1042 -c shop.yaml --reason 'request 2026-117'\n"
            "  segstream erase c-1042 -c shop.yaml -o json --receipt c-1042.json"
    };
    struct arguments a = { .common = { .at_ms = INSTANT_NEVER }, .wait_ms = WAIT_DEFAULT_MS };
    struct config *config = NULL;
    enum exit_code code;

    cli_parse(&argp, argc, argv, &a);
    code = cli_load(a.common.config, CONFIG_NEED_KAFKA | CONFIG_NEED_STATE | CONFIG_NEED_TOPICS,
                    &a.common.overrides, &config);
    if (code == EXIT_GOOD) {
        code = open_and_erase(&a, config);
    }
    config_free(config);
    return (int)code;
}
