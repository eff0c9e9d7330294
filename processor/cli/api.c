/* DESIGN. One table of paths. An answer is JSON written through json_out into memory; errors are
 * JSON, too: {"error": "..."}. What a page says of a customer is what `segstream explain` says.
 */
#include "processor/cli/api.h"

#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/cli/api_pages.h"
#include "processor/cli/cli.h"
#include "processor/cli/explained.h"
#include "processor/cli/json_out.h"
#include "processor/cli/report_source.h"
#include "processor/runtime/metrics.h"

#define JSON_TYPE "application/json; charset=utf-8"

struct asked { /* one request on its way to an answer */
    const struct config *config;
    struct supervisor *supervisor;
    const struct http_request *request;
    struct http_answer *out;
    struct json_out j; /* to memory, which becomes the body */
};

static void fail(struct asked *a, unsigned status, const char *why)
{
    a->out->status = status;
    json_out_open(&a->j, NULL, '{');
    json_out_text(&a->j, "error", text_of(why));
    json_out_close(&a->j, '}');
}

/* --- the process --- */

static const char *state_word(bool is_ready)
{
    return metrics_get(METRIC_PARTITIONS_STOPPED) > 0    ? "stopped"
           : !is_ready                                   ? "degraded"
           : metrics_get(METRIC_PARTITIONS_SWEEPING) > 0 ? "sweeping"
                                                         : "running";
}

static void say_problems(struct asked *a, struct text lines)
{
    json_out_open(&a->j, "problems", '[');
    while (lines.size > 0) {
        const char *end = memchr(lines.at, '\n', lines.size);
        size_t size = end == NULL ? lines.size : (size_t)(end - lines.at);

        json_out_text(&a->j, NULL, (struct text){ lines.at, size });
        size += end != NULL;
        lines = (struct text){ lines.at + size, lines.size - size };
    }
    json_out_close(&a->j, ']');
}

static void say_numbers(struct asked *a)
{
    json_out_open(&a->j, "metrics", '{');
    for (int m = 0; m < METRIC__COUNT; m++) {
        char name[METRICS_NAME_SIZE];

        metrics_name((enum metric)m, name);
        json_out_int(&a->j, name, metrics_get((enum metric)m));
    }
    json_out_close(&a->j, '}');
}

static void answer_summary(struct asked *a, struct text rest)
{
    struct bytes_out lines = { NULL, 0, 0 };
    bool is_ready = supervisor_say_readiness(a->supervisor, &lines);
    const struct rules *rules = a->config->rules;
    struct bytes said = bytes_out_view(&lines);

    (void)rest;
    json_out_open(&a->j, NULL, '{');
    json_out_text(&a->j, "app", rules->app);
    json_out_text(&a->j, "version", TEXT(SEGSTREAM_VERSION));
    json_out_text(&a->j, "config", rules->config_hex);
    json_out_instant(&a->j, "at", cli_now_ms());
    json_out_text(&a->j, "state", text_of(state_word(is_ready)));
    json_out_bool(&a->j, "ready", is_ready);
    json_out_text(&a->j, "guarantee",
                  a->config->is_exactly_once ? TEXT("exactly_once") : TEXT("at_least_once"));
    json_out_bool(&a->j, "shows_customers", a->config->http_token.at != NULL);
    json_out_int(&a->j, "partition_count",
                 lookup_partition_count(supervisor_lookup(a->supervisor)));
    say_problems(a, (struct text){ (const char *)said.at, said.size });
    say_numbers(a);
    json_out_close(&a->j, '}');
    bytes_out_fini(&lines);
}

/* --- a customer --- */

/* Who may see customers' data. Returns: false, and the answer says why not. */
static bool may_see_customers(struct asked *a)
{
    if (a->config->http_token.at == NULL) {
        fail(a, 403, "customers are shown to who bears `http.token`, and none is configured");
        return false;
    }
    if (!a->request->has_token) {
        fail(a, 401, "this wants `Authorization: Bearer TOKEN` with the token of `http.token`");
        return false;
    }
    return true;
}

/* The instant that `at` of the query asks for; else never. Returns: false, and the answer says so.
 */
static bool instant_of(struct asked *a, int64_t *out_ms)
{
    const char *at = http_argument(a->request, "at");

    *out_ms = INSTANT_NEVER;
    if (at != NULL && !cli_instant(at, out_ms)) {
        fail(a, 400, "`at` wants RFC 3339 or integer ms");
        return false;
    }
    return true;
}

/* The record, decoded. Returns: false, and the answer says why. */
static bool find(struct asked *a, struct text id, struct customer_found *out, bool *out_is_owners)
{
    struct lookup *lookup = supervisor_lookup(a->supervisor);
    struct lookup_answer found;
    enum err error = lookup_customer(lookup, id, &found);
    struct bytes record = bytes_out_view(&found.record);

    *out = (struct customer_found){ .record_size = record.size,
                                    .partition = found.partition,
                                    .partition_count = lookup_partition_count(lookup),
                                    .stream_ms = found.stream_ms };
    *out_is_owners = found.is_owners;
    if (error == OK && record.size > 0) {
        error = customer_decode(record, &out->customer);
    }
    bytes_out_fini(&found.record);
    if (error != OK) {
        fail(a, 503, err_text(error));
    } else if (out->customer == NULL) {
        fail(a, 404, "no event of this customer was ever accepted");
    }
    return error == OK && out->customer != NULL;
}

/* The instant a customer is looked at when nobody says one: now, or what has happened. */
static int64_t now_of(const struct asked *a, const struct customer_found *found)
{
    int64_t at_ms =
        found->stream_ms == INSTANT_NEVER ? found->customer->decided_at_ms : found->stream_ms;

    return a->config->rules->is_event_clock ? at_ms : cli_now_ms();
}

static void answer_customer(struct asked *a, struct text id)
{
    struct customer_found found;
    struct explained x;
    int64_t at_ms;
    bool is_owners;

    if (!may_see_customers(a) || !instant_of(a, &at_ms) || !find(a, id, &found, &is_owners)) {
        return;
    }
    if (at_ms != INSTANT_NEVER && at_ms < found.customer->decided_at_ms) {
        fail(a, 400, "`at` is before what the record has decided, and a record does not go back");
        customer_free(found.customer);
        return;
    }
    explained_init(&x, a->config, id, &found, at_ms, now_of(a, &found));
    explained_say_json(&x, a->j.to);
    explained_fini(&x);
}

static void answer_sections(struct asked *a, void (*sections)(const struct report *r));

static const struct channel_plan *channel_of(const struct rules *rules, struct text name)
{
    for (uint32_t i = 0; i < rules->channel_count; i++) {
        if (text_equal(rules->channels[i]->name, name)) {
            return rules->channels[i];
        }
    }
    return NULL;
}

static void say_content(struct asked *a, struct text id, struct customer *c, int64_t now_ms,
                        const struct channel_plan *channel)
{
    struct arena arena = { 0 };
    struct outputs outputs = { .arena = &arena };
    struct step step = { .rules = a->config->rules,
                         .customer = id,
                         .stream_ms = now_ms + 1,
                         .wall_ms = STEP_NO_WALL,
                         .out = &outputs,
                         .scratch = &arena };
    const struct text_pair *pairs;
    uint32_t count = 0;

    step_time(&step, c); /* a copy: what time does by now, before the owner's timer fires */
    pairs = step_content(&step, c, channel, &count);
    json_out_open(&a->j, "content", '{');
    for (uint32_t i = 0; i < count; i++) {
        json_out_text(&a->j, arena_text(&arena, pairs[i].name).at, pairs[i].value);
    }
    json_out_close(&a->j, '}');
    outputs_fini(&outputs);
    arena_fini(&arena);
}

/* /api/v1/content?customer=ID[&channel=landing]: which content this customer gets now; without a
 * customer, what each content brought. */
static void answer_content(struct asked *a, struct text rest)
{
    const char *customer = http_argument(a->request, "customer");
    const char *name = http_argument(a->request, "channel");
    const struct channel_plan *channel =
        channel_of(a->config->rules, text_of(name == NULL ? "landing" : name));
    struct customer_found found;
    int64_t now_ms;
    bool is_owners;

    (void)rest;
    if (customer == NULL) {
        answer_sections(a, report_content);
        return;
    }
    if (channel == NULL) {
        fail(a, 404, "`content` of the configuration has no such channel");
        return;
    }
    if (!may_see_customers(a) || !find(a, text_of(customer), &found, &is_owners)) {
        return;
    }
    now_ms = now_of(a, &found);
    json_out_open(&a->j, NULL, '{');
    json_out_text(&a->j, "customer", text_of(customer));
    json_out_text(&a->j, "channel", channel->name);
    json_out_instant(&a->j, "at", now_ms);
    json_out_text(&a->j, "from", is_owners ? TEXT("owner") : TEXT("store"));
    say_content(a, text_of(customer), found.customer, now_ms, channel);
    json_out_close(&a->j, '}');
    customer_free(found.customer);
}

/* --- read-outs --- */

static void tally_take(void *context, const struct counter_value *counters, uint32_t count)
{
    tally_add(context, counters, count);
}

/* The sections of a report from the counters of the last commits. */
static void answer_sections(struct asked *a, void (*sections)(const struct report *r))
{
    struct document document = { .at_ms = 0 };
    struct tally tally = { .since_day = TALLY_EVER };
    struct report r = { .config = a->config,
                        .rules = a->config->rules,
                        .tally = &tally,
                        .now_ms = cli_now_ms(),
                        .document = &document };
    int64_t stream_ms;
    enum err error;

    if (!report_since_day(http_argument(a->request, "since"), r.now_ms, &tally.since_day)) {
        fail(a, 400, "`since` wants a duration like 30d, or an instant");
        return;
    }
    tally.from_day = tally.since_day;
    error = lookup_counters(supervisor_lookup(a->supervisor), tally_take, &tally, &stream_ms);
    if (error != OK) {
        fail(a, 503, err_text(error));
    } else {
        r.now_ms =
            a->config->rules->is_event_clock && stream_ms != INSTANT_NEVER ? stream_ms : r.now_ms;
        sections(&r);
        document.at_ms = r.now_ms;
        document_write(&document, FORM_JSON, a->j.to);
    }
    document_fini(&document);
    tally_fini(&tally);
}

static void answer_report(struct asked *a, struct text rest)
{
    (void)rest;
    answer_sections(a, report_all);
}

static void answer_segments(struct asked *a, struct text rest)
{
    (void)rest;
    answer_sections(a, report_segments);
}

static void answer_sequences(struct asked *a, struct text rest)
{
    (void)rest;
    answer_sections(a, report_sequences);
}

static void answer_experiments(struct asked *a, struct text rest)
{
    (void)rest;
    answer_sections(a, report_experiments);
}

/* --- paths --- */

static const struct {
    const char *path;
    bool has_rest; /* what follows is its argument */
    void (*answer)(struct asked *a, struct text rest);
} answers[] = {
    { "/api/v1/summary", false, answer_summary },
    { "/api/v1/customers/", true, answer_customer },
    { "/api/v1/content", false, answer_content },
    { "/api/v1/segments", false, answer_segments },
    { "/api/v1/sequences", false, answer_sequences },
    { "/api/v1/experiments", false, answer_experiments },
    { "/api/v1/report", false, answer_report },
};

static const struct {
    const char *path, *type, *text;
} files[] = {
    { "/", "text/html; charset=utf-8", api_index_html },
    { "/dashboard.css", "text/css; charset=utf-8", api_dashboard_css },
    { "/dashboard.js", "text/javascript; charset=utf-8", api_dashboard_js },
    { "/api/v1/openapi.yaml", "application/yaml; charset=utf-8", api_openapi_yaml },
};

static void answer_json(struct asked *a, void (*answer)(struct asked *a, struct text rest),
                        struct text rest)
{
    char *body = NULL;
    size_t size = 0;

    a->out->type = JSON_TYPE;
    a->j.to = open_memstream(&body, &size);
    if (a->j.to == NULL) {
        a->out->status = 503;
        return;
    }
    answer(a, rest);
    fclose(a->j.to);
    bytes_put(&a->out->body, body, size);
    mem_free(body);
}

bool api_page(void *context, struct supervisor *s, const struct http_request *q,
              struct http_answer *out)
{
    struct asked a = { .config = context, .supervisor = s, .request = q, .out = out };
    struct text path = text_of(q->path);

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (text_is(path, files[i].path)) {
            out->type = files[i].type;
            bytes_put(&out->body, files[i].text, strlen(files[i].text));
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct text known = text_of(answers[i].path);
        struct text rest = { path.at + known.size, path.size - known.size };

        if (text_starts_with(path, known) && answers[i].has_rest == (rest.size > 0)) {
            answer_json(&a, answers[i].answer, rest);
            return true;
        }
    }
    return false;
}
