/* segstream dlq ls|show|retry -c CONFIG: what could not be used, why, and once more.
 *
 * A retry writes the record as it was back to the topic and partition it came from, where the
 * workers meet it like any other: to be used once its reason is gone (a schema, a mapping, a
 * configuration). Events with an id that was applied meanwhile are dropped as ever.
 */
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/cli/options.h"
#include "processor/cli/outline.h"
#include "processor/runtime/letters.h"

#include <stdio.h>
#include <stdlib.h>

#define SHOWN_MAX   10
#define SHOWN_BYTES 2000 /* of a value */
#define COUNTS_MAX  1024

enum option_key { KEY_REASON = 256, KEY_TOPIC, KEY_SINCE, KEY_LIMIT, KEY_DRY_RUN };

enum action { ACTION_LS, ACTION_SHOW, ACTION_RETRY };

struct arguments {
    enum action action;
    bool has_action;
    const char *place;  /* PARTITION:OFFSET of the dead-letter topic; NULL: none */
    const char *reason; /* NULL: any */
    const char *topic;  /* of the input; NULL: any */
    int64_t since_ms;
    int64_t limit;
    bool is_dry_run, is_json;
    struct cli_options common;
};

struct count { /* of one topic and reason */
    struct text topic;
    enum reject reason;
    int64_t letters, first_ms, last_ms;
    struct text text; /* of the latest */
};

struct dlq {
    const struct arguments *a;
    struct kafka_tool kafka;
    struct arena arena;
    struct outline out;
    struct count counts[COUNTS_MAX];
    uint32_t count;
    int64_t seen, done;
    int32_t partition; /* of `place` */
    int64_t offset;
    char sentence[256];
    bool is_failed;
};

static const struct argp_option options[] = {
    CLI_OPTION_CONFIG,
    { "reason", KEY_REASON, "CODE", 0, "Only letters with this reason, like schema_unknown", 0 },
    { "topic", KEY_TOPIC, "TOPIC", 0, "Only of this input topic", 0 },
    { "since", KEY_SINCE, "WHEN", 0, "Only written since: a duration like 2h, or an instant", 0 },
    { "limit", KEY_LIMIT, "N", 0, "At most so many (show: 10)", 0 },
    { "dry-run", KEY_DRY_RUN, NULL, 0, "Say what a retry would write, and write nothing", 0 },
    { "output", 'o', "FORM", 0, "text (default) or json", 0 },
    CLI_OPTION_SET,
    { 0 },
};

/* --- arguments --- */

static bool is_reason(const char *name)
{
    for (int r = 1; r < REJECT__COUNT; r++) {
        if (strcmp(reject_name((enum reject)r), name) == 0) {
            return true;
        }
    }
    return false;
}

static void take_argument(struct arguments *a, char *argument, struct argp_state *state)
{
    static const char *const names[] = { "ls", "show", "retry" };

    for (int i = 0; !a->has_action && i < 3; i++) {
        if (strcmp(argument, names[i]) == 0) {
            a->action = (enum action)i;
            a->has_action = true;
            return;
        }
    }
    if (!a->has_action || a->place != NULL || a->action == ACTION_LS) {
        argp_error(state, "ls, show [PARTITION:OFFSET] or retry [PARTITION:OFFSET]; not `%s`",
                   argument);
    }
    a->place = argument;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    int64_t ms = 0;

    switch (key) {
    case KEY_REASON:
        if (!is_reason(argument)) {
            argp_error(state, "there is no reason `%s`", argument);
        }
        a->reason = argument;
        return 0;
    case KEY_TOPIC:
        a->topic = argument;
        return 0;
    case KEY_SINCE:
        if (instant_parse_duration(text_of(argument), &ms)) {
            a->since_ms = cli_now_ms() - ms;
        } else if (!cli_instant(argument, &a->since_ms)) {
            argp_error(state, "--since wants a duration like 2h, or an instant");
        }
        return 0;
    case KEY_LIMIT:
        a->limit = strtoll(argument, NULL, 10);
        if (a->limit < 1) {
            argp_error(state, "--limit wants a number, not `%s`", argument);
        }
        return 0;
    case KEY_DRY_RUN:
        a->is_dry_run = true;
        return 0;
    case 'o':
        a->is_json = cli_form(argument, (const char *const[]){ "text", "json" }, 2, state) == 1;
        return 0;
    case ARGP_KEY_ARG:
        take_argument(a, argument, state);
        return 0;
    case ARGP_KEY_END:
        if (!a->has_action || a->common.config == NULL) {
            argp_error(state, "ls, show or retry, and -c CONFIG");
        }
        return 0;
    default:
        return cli_options_parse(&a->common, key, argument, state);
    }
}

/* --- which letters --- */

static bool is_asked_for(const struct dlq *d, const struct letter *l)
{
    const struct arguments *a = d->a;

    if (a->place != NULL) {
        return l->partition == d->partition && l->offset == d->offset;
    }
    return l->written_ms >= a->since_ms &&
           (a->reason == NULL || strcmp(reject_name(l->said.reason), a->reason) == 0) &&
           (a->topic == NULL || text_is(l->said.topic, a->topic));
}

static struct count *count_of(struct dlq *d, const struct letter *l)
{
    for (uint32_t i = 0; i < d->count; i++) {
        if (d->counts[i].reason == l->said.reason &&
            text_equal(d->counts[i].topic, l->said.topic)) {
            return &d->counts[i];
        }
    }
    if (d->count == COUNTS_MAX) {
        return &d->counts[COUNTS_MAX - 1];
    }
    d->counts[d->count] = (struct count){ .topic = arena_text(&d->arena, l->said.topic),
                                          .reason = l->said.reason,
                                          .first_ms = l->written_ms,
                                          .text = TEXT("") };
    return &d->counts[d->count++];
}

static bool visit_ls(void *context, const struct letter *l)
{
    struct dlq *d = context;
    struct count *c;

    if (!is_asked_for(d, l)) {
        return true;
    }
    d->seen++;
    c = count_of(d, l);
    c->letters++;
    c->first_ms = l->written_ms < c->first_ms ? l->written_ms : c->first_ms;
    if (l->written_ms >= c->last_ms) {
        c->last_ms = l->written_ms;
        c->text = arena_text(&d->arena, l->said.text);
    }
    return true;
}

static struct text reason_of(const struct letter *l)
{
    return l->said.reason == REJECT_NONE ? TEXT_NONE : text_of(reject_name(l->said.reason));
}

/* As text when it is some, else as hex digits; not more than people read. */
static struct text readable(struct arena *arena, struct bytes b)
{
    struct text t = { (const char *)b.at, b.size < SHOWN_BYTES ? b.size : SHOWN_BYTES };
    struct text hex = TEXT("0x");

    if (b.at == NULL) {
        return TEXT_NONE;
    }
    if (text_is_utf8((struct text){ (const char *)b.at, b.size })) {
        while (t.size > 0 && t.size < b.size && ((unsigned char)t.at[t.size] & 0xc0) == 0x80) {
            t.size--;
        }
        return arena_format(arena, "%.*s%s", TEXT_PRINTF(t), t.size < b.size ? " .." : "");
    }
    for (size_t i = 0; i < b.size && i < SHOWN_BYTES / 4; i++) {
        hex = arena_format(arena, "%.*s%02x", TEXT_PRINTF(hex), b.at[i]);
    }
    return hex;
}

static bool visit_show(void *context, const struct letter *l)
{
    struct dlq *d = context;
    struct arena arena = { 0 };

    if (!is_asked_for(d, l)) {
        return true;
    }
    d->seen++;
    outline_open(&d->out, NULL, '{');
    outline_text(&d->out, "letter",
                 arena_format(&arena, "%d:%lld", l->partition, (long long)l->offset));
    outline_instant(&d->out, "written_at", l->written_ms);
    outline_text(&d->out, "reason", reason_of(l));
    outline_text(&d->out, "text", l->said.text);
    outline_text(&d->out, "topic", l->said.topic);
    outline_int(&d->out, "partition", l->said.partition);
    outline_int(&d->out, "offset", l->said.offset);
    outline_text(&d->out, "key", readable(&arena, l->said.key));
    outline_text(&d->out, "value", readable(&arena, l->said.value));
    outline_close(&d->out, '}');
    arena_fini(&arena);
    return d->seen < (d->a->limit > 0 ? d->a->limit : SHOWN_MAX);
}

/* Without a topic, or shortened, it cannot be what it was. */
static bool is_whole(const struct letter *l)
{
    return l->said.reason != REJECT_NONE && l->said.topic.size > 0 && l->said.value.at != NULL;
}

static bool visit_retry(void *context, const struct letter *l)
{
    struct dlq *d = context;
    struct text key = { (const char *)l->said.key.at, l->said.key.size };
    int64_t offset = -1;

    if (!is_asked_for(d, l)) {
        return true;
    }
    d->seen++;
    if (!is_whole(l)) {
        return true;
    }
    if (!d->a->is_dry_run && kafka_tool_produce(&d->kafka, l->said.topic, l->said.partition, key,
                                                l->said.value, &offset, d->sentence) != OK) {
        d->is_failed = true;
        return false;
    }
    d->done++;
    outline_open(&d->out, NULL, '{');
    outline_text(&d->out, "topic", l->said.topic);
    outline_int(&d->out, "partition", l->said.partition);
    outline_int(&d->out, "was_offset", l->said.offset);
    outline_int(&d->out, "is_offset", offset);
    outline_text(&d->out, "reason", reason_of(l));
    outline_close(&d->out, '}');
    return d->a->limit == 0 || d->done < d->a->limit;
}

static void say_counts(struct dlq *d)
{
    outline_open(&d->out, "letters", '[');
    for (uint32_t i = 0; i < d->count; i++) {
        const struct count *c = &d->counts[i];

        outline_open(&d->out, NULL, '{');
        outline_text(&d->out, "topic", c->topic);
        outline_text(&d->out, "reason",
                     c->reason == REJECT_NONE ? TEXT_NONE : text_of(reject_name(c->reason)));
        outline_int(&d->out, "count", c->letters);
        outline_instant(&d->out, "first_at", c->first_ms);
        outline_instant(&d->out, "last_at", c->last_ms);
        outline_text(&d->out, "last", c->text);
        outline_close(&d->out, '}');
    }
    outline_close(&d->out, ']');
}

static enum exit_code work(struct dlq *d)
{
    static letters_visit *const visits[] = { visit_ls, visit_show, visit_retry };
    const struct arguments *a = d->a;
    enum err e;

    outline_begin(&d->out, stdout, a->is_json);
    if (a->action != ACTION_LS) {
        outline_open(&d->out, a->action == ACTION_SHOW ? "letters" : "written", '[');
    }
    e = letters_each(&d->kafka, visits[a->action], d, d->sentence);
    if (a->action == ACTION_LS) {
        say_counts(d);
    } else {
        outline_close(&d->out, ']');
    }
    outline_int(&d->out, "matching", d->seen);
    if (a->action == ACTION_RETRY) {
        outline_int(&d->out, "retried", d->done);
        outline_bool(&d->out, "dry_run", a->is_dry_run);
    }
    outline_end(&d->out);
    if (e != OK || d->is_failed) {
        fprintf(stderr, "segstream dlq: %s\n", d->sentence);
        return EXIT_SERVICE;
    }
    return EXIT_GOOD;
}

static bool read_place(struct dlq *d)
{
    long long offset;

    if (d->a->place != NULL && sscanf(d->a->place, "%d:%lld", &d->partition, &offset) != 2) {
        fprintf(stderr, "segstream dlq: PARTITION:OFFSET as `dlq show` says it, not `%s`\n",
                d->a->place);
        return false;
    }
    d->offset = d->a->place == NULL ? -1 : offset;
    return true;
}

int cmd_dlq(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "ls|show|retry [PARTITION:OFFSET]",
        .doc = "Dead letters: how many of each reason (ls), each whole (show), and written back to "
               "the topic and partition they came from (retry), once their reason is gone. A retry "
               "takes all that match, every time it is asked; events with an id that was applied "
               "meanwhile are dropped."
               "\vexamples:\n"
               "  segstream dlq ls    -c shop.yaml --since 1d\n"
               "  segstream dlq show  -c shop.yaml --reason bad_value\n"
               "  segstream dlq retry -c shop.yaml --reason schema_unknown --since 2h --dry-run"
    };
    struct arguments a = { 0 };
    struct dlq d = { .a = &a };
    struct config *config = NULL;
    enum exit_code code;

    cli_parse(&argp, argc, argv, &a);
    if (!read_place(&d)) {
        return EXIT_USAGE;
    }
    code = cli_load(a.common.config, CONFIG_NEED_KAFKA | CONFIG_NEED_TOPICS, &a.common.overrides,
                    &config);
    if (code == EXIT_GOOD) {
        d.kafka.config = config;
        code = work(&d);
    }
    kafka_tool_close(&d.kafka);
    arena_fini(&d.arena);
    config_free(config);
    return (int)code;
}
