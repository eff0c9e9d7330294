#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "schemas/json.h"
#include "tests/support/random_records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#define NINE INT64_C(1772442000000) /* 2026-03-02T09:00:00Z */
#define HEAD "\"customer\":\"c-1\",\"at\":1772442000000"

struct json_test {
    struct arena arena;
    struct event event;
    char text[128];
};

static enum reject decode_text(struct json_test *t, struct text line, const struct event_mapping *m)
{
    *t = (struct json_test){ .text = "" };
    return json_decode_event((struct bytes){ (const uint8_t *)line.at, line.size }, m, &t->arena,
                             &t->event, t->text);
}

static void decode(struct json_test *t, const char *line, const struct event_mapping *m)
{
    enum reject got = decode_text(t, text_of(line), m);

    if (got != REJECT_NONE) {
        fail_msg("%s: %s: %s", line, reject_name(got), t->text);
    }
}

static const struct value *field(const struct json_test *t, const char *name)
{
    return event_field(&t->event, hash32(text_of(name)));
}

static void is_text(const struct value *v, const char *wanted)
{
    assert_non_null(v);
    assert_int_equal(v->type, VALUE_TEXT);
    assert_true(text_is(v->as.text, wanted));
}

/* A list of texts, written with commas. */
static void is_list(const struct value *v, const char *wanted)
{
    char written[256] = "";
    size_t used = 0;

    assert_non_null(v);
    assert_int_equal(v->type, VALUE_STRINGS);
    for (uint32_t i = 0; i < v->as.strings.count; i++) {
        used += text_format(written + used, sizeof(written) - used, "%s%.*s", i > 0 ? "," : "",
                            TEXT_PRINTF(v->as.strings.at[i]));
    }
    assert_string_equal(written, wanted);
}

static void a_line_of_a_backtest_becomes_an_event(void **state)
{
    struct json_test t;

    (void)state;
    decode(
        &t,
        "{\"kind\":\"click\",\"customer\":\"c-1\",\"at\":\"2026-03-02T09:00:00Z\",\"id\":\"e-1\","
        "\"url\":\"/pricing\",\"email\":\"nurture_trial.welcome\",\"machine\":false,\"x\":null}",
        NULL);
    assert_int_equal(t.event.kind, EVENT_CLICK);
    assert_true(text_is(t.event.customer, "c-1"));
    assert_int_equal(t.event.at_ms, NINE);
    assert_true(text_is(t.event.id, "e-1"));
    assert_true(text_is(t.event.email, "nurture_trial.welcome"));
    assert_int_equal(t.event.machine, EVENT_MACHINE_NO);
    is_text(field(&t, "url"), "/pricing");
    assert_null(field(&t, "x"));
    arena_fini(&t.arena);
}

static void fields_have_the_paths_of_the_language(void **state)
{
    struct json_test t;

    (void)state;
    decode(&t,
           "{\"kind\":\"purchase\"," HEAD ",\"amount\":4990,\"currency\":\"EUR\",\"order\":7,"
           "\"items\":[{\"category\":\"pens\",\"n\":2},{\"category\":\"ink\",\"n\":3},{\"n\":[4]}],"
           "\"tags\":[\"a\",\"b\"],\"properties\":{\"plan\":\"pro\",\"deep\":{\"er\":1.5}},"
           "\"big\":9223372036854775807,\"is\":true}",
           NULL);
    assert_true(text_is(t.event.order, "7"));
    assert_int_equal(t.event.amount, 4990);
    is_list(field(&t, "items.category"), "pens,ink");
    is_list(field(&t, "items.n"), "2,3,4");
    is_list(field(&t, "tags"), "a,b");
    is_text(field(&t, "properties.plan"), "pro");
    assert_int_equal(field(&t, "properties.deep.er")->type, VALUE_DOUBLE);
    assert_int_equal(field(&t, "big")->as.integer, INT64_MAX);
    assert_true(field(&t, "is")->as.boolean);
    arena_fini(&t.arena);
}

static const struct value *set_of(const struct json_test *t, const char *name)
{
    for (uint32_t i = 0; i < t->event.set_count; i++) {
        if (text_is(t->event.set[i].name, name)) {
            return &t->event.set[i].value;
        }
    }
    return NULL;
}

static void attributes_are_plain_fields_or_set_and_unset(void **state)
{
    struct json_test t;

    (void)state;
    decode(&t,
           "{\"kind\":\"profile\"," HEAD ",\"id\":\"e\",\"plan\":\"pro\",\"age\":40,\"gone\":null,"
           "\"set\":{\"tags\":[\"a\",\"b\"],\"none\":[],\"is_vip\":true},\"unset\":[\"old\"]}",
           NULL);
    assert_int_equal(t.event.set_count, 7);
    is_text(set_of(&t, "plan"), "pro");
    assert_int_equal(set_of(&t, "age")->as.integer, 40);
    assert_int_equal(set_of(&t, "gone")->type, VALUE_NULL);
    is_list(set_of(&t, "tags"), "a,b");
    is_list(set_of(&t, "none"), "");
    assert_true(set_of(&t, "is_vip")->as.boolean);
    assert_int_equal(set_of(&t, "old")->type, VALUE_NULL);
    assert_null(set_of(&t, "customer"));
    assert_true(text_is(t.event.id, "e"));
    arena_fini(&t.arena);
}

/* Why: a topic's names are not attributes, and its word for profile is one. */
static void a_profile_of_a_topic_follows_its_mapping(void **state)
{
    const struct text from[] = { TEXT("user_updated") }, to[] = { TEXT("profile") };
    const struct event_mapping m = { .kind_field = TEXT("meta.type"),
                                     .map_from = from,
                                     .map_to = to,
                                     .map_count = 1,
                                     .customer = TEXT("user.id"),
                                     .at = TEXT("ts") };
    struct json_test t;

    (void)state;
    decode(&t,
           "{\"meta\":{\"type\":\"user_updated\"},\"user\":{\"id\":\"c-1\"},\"ts\":1772442000000,"
           "\"plan\":\"pro\"}",
           &m);
    assert_int_equal(t.event.kind, EVENT_PROFILE);
    assert_true(text_is(t.event.customer, "c-1"));
    assert_int_equal(t.event.set_count, 1);
    is_text(set_of(&t, "plan"), "pro");
    arena_fini(&t.arena);
    decode(&t,
           "{\"meta\":{\"type\":\"visit\"},\"user\":{\"id\":\"c-1\"},\"ts\":1772442000000,"
           "\"plan\":\"pro\"}",
           &m);
    assert_int_equal(t.event.kind, EVENT_OTHER);
    assert_int_equal(t.event.set_count, 0);
    is_text(field(&t, "plan"), "pro");
    arena_fini(&t.arena);
}

static const struct {
    const char *line;
    enum reject reject;
    const char *text; /* begins with it */
} bad_lines[] = {
    { "", REJECT_UNDECODABLE, "not JSON: " },
    { " ", REJECT_UNDECODABLE, "not JSON: " },
    { "null", REJECT_UNDECODABLE, "not JSON: " },
    { "[]", REJECT_UNDECODABLE, "not a JSON object" },
    { "[1]", REJECT_UNDECODABLE, "not a JSON object" },
    { "{", REJECT_UNDECODABLE, "not JSON: " },
    { "{\"kind\":\"visit\"," HEAD, REJECT_UNDECODABLE, "not JSON: " },
    { "{\"kind\":\"visit\"," HEAD ",}", REJECT_UNDECODABLE, "not JSON: " },
    { "{\"kind\":\"visit\"," HEAD "} {}", REJECT_UNDECODABLE, "not JSON: end of file expected" },
    { "{'kind':'visit'}", REJECT_UNDECODABLE, "not JSON: " },
    { "{\"kind\":\"visit\"," HEAD ",\"at\":5}", REJECT_UNDECODABLE, "not JSON: duplicate" },
    { "{\"kind\":\"visit\"," HEAD ",\"n\":NaN}", REJECT_UNDECODABLE, "not JSON: invalid token" },
    { "{\"kind\":\"visit\"," HEAD ",\"n\":Infinity}", REJECT_UNDECODABLE, "not JSON: invalid" },
    { "{\"kind\":\"visit\"," HEAD ",\"n\":01}", REJECT_UNDECODABLE, "not JSON: " },
    { "{\"kind\":\"visit\"," HEAD ",\"n\":1e999}", REJECT_UNDECODABLE, "not JSON: real number" },
    { "{\"kind\":\"visit\"," HEAD ",\"n\":9223372036854775808}", REJECT_UNDECODABLE,
      "not JSON: too big integer" },
    { "{\"kind\":\"visit\"," HEAD ",\"n\":-9223372036854775809}", REJECT_UNDECODABLE,
      "not JSON: too big negative integer" },
    { "{\"kind\":\"visit\"," HEAD ",\"n\":\"\xff\"}", REJECT_UNDECODABLE,
      "not JSON: unable to decode byte 0xff" },
    { "{\"kind\":\"visit\"," HEAD ",\"n\":\"\xed\xa0\x80\"}", REJECT_UNDECODABLE, "not JSON: " },
    { "{\"kind\":\"visit\"," HEAD ",\"n\":\"\\ud800\"}", REJECT_UNDECODABLE, "not JSON: " },
    { "{\"kind\":\"visit\"," HEAD ",\"n\":\"a\\u0000b\"}", REJECT_UNDECODABLE, "not JSON: " },
    { "{\"kind\":\"visit\"," HEAD ",\"n\":\"a\nb\"}", REJECT_UNDECODABLE, "not JSON: " },
    { "{}", REJECT_MISSING_FIELD, "no kind" },
    { "{" HEAD "}", REJECT_MISSING_FIELD, "no kind" },
    { "{\"kind\":null," HEAD "}", REJECT_MISSING_FIELD, "no kind" },
    { "{\"kind\":\"visit\",\"at\":5}", REJECT_MISSING_FIELD, "no customer" },
    { "{\"kind\":\"visit\",\"customer\":\"\",\"at\":5}", REJECT_MISSING_FIELD, "no customer" },
    { "{\"kind\":\"visit\",\"customer\":\"c\"}", REJECT_MISSING_FIELD, "no time of the event" },
    { "{\"kind\":\"purchase\"," HEAD "}", REJECT_MISSING_FIELD, "a purchase without amount" },
    { "{\"kind\":\"bounce\"," HEAD "}", REJECT_MISSING_FIELD, "a bounce without bounce_class" },
    { "{\"kind\":7," HEAD "}", REJECT_BAD_VALUE, "kind is not text" },
    { "{\"kind\":\"visit\",\"customer\":true,\"at\":5}", REJECT_BAD_VALUE, "customer is not text" },
    { "{\"kind\":\"visit\",\"customer\":[\"c\"],\"at\":5}", REJECT_BAD_VALUE,
      "customer is not text" },
    { "{\"kind\":\"visit\",\"customer\":\"c\",\"at\":\"soon\"}", REJECT_BAD_VALUE,
      "at is neither RFC 3339 nor integer ms" },
    { "{\"kind\":\"visit\",\"customer\":\"c\",\"at\":1.5}", REJECT_BAD_VALUE,
      "at is neither RFC 3339 nor integer ms" },
    { "{\"kind\":\"visit\",\"customer\":\"c\",\"at\":9223372036854775807}", REJECT_BAD_VALUE,
      "at is outside the years 1 to 9999" },
    { "{\"kind\":\"purchase\"," HEAD ",\"amount\":-5}", REJECT_BAD_VALUE, "amount is negative" },
    { "{\"kind\":\"purchase\"," HEAD ",\"amount\":49.90}", REJECT_BAD_VALUE,
      "amount is not an integer of minor units" },
    { "{\"kind\":\"profile\"," HEAD ",\"address\":{\"city\":\"x\"}}", REJECT_BAD_VALUE,
      "an attribute is neither" },
    { "{\"kind\":\"profile\"," HEAD ",\"tags\":[\"a\",1]}", REJECT_BAD_VALUE,
      "an attribute is neither" },
    { "{\"kind\":\"profile\"," HEAD ",\"set\":5}", REJECT_BAD_VALUE, "an attribute is neither" },
    { "{\"kind\":\"profile\"," HEAD ",\"unset\":{\"a\":1}}", REJECT_BAD_VALUE,
      "an attribute is neither" },
    { "{\"kind\":\"profile\"," HEAD ",\"unset\":[5]}", REJECT_BAD_VALUE,
      "an attribute is neither" },
    { "{\"kind\":\"visit\"," HEAD ",\"\":5}", REJECT_BAD_VALUE, "a field's name is empty" },
};

static void each_bad_line_has_its_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad_lines) / sizeof(bad_lines[0]); i++) {
        struct json_test t;
        enum reject got = decode_text(&t, text_of(bad_lines[i].line), NULL);

        if (got != bad_lines[i].reject ||
            !text_starts_with(text_of(t.text), text_of(bad_lines[i].text)) ||
            !text_is_utf8(text_of(t.text))) {
            fail_msg("%s: %s: %s", bad_lines[i].line, reject_name(got), t.text);
        }
        arena_fini(&t.arena);
    }
}

static void a_record_without_a_value_has_its_reason(void **state)
{
    struct json_test t;

    (void)state;
    assert_int_equal(decode_text(&t, TEXT_NONE, NULL), REJECT_NULL_VALUE);
    assert_string_equal(t.text, "the record has no value");
    arena_fini(&t.arena);
}

/* `count` times the opening, a middle, `count` times the closing, as the field x of a visit. */
static enum reject decode_nested(struct json_test *t, unsigned count, const char *open,
                                 const char *middle, const char *close)
{
    struct bytes_out line = { NULL, 0, 0 };
    enum reject got;

    bytes_put_format(&line, "{\"kind\":\"visit\"," HEAD ",\"x\":");
    for (unsigned i = 0; i < count; i++) {
        bytes_put_format(&line, "%s", open);
    }
    bytes_put_format(&line, "%s", middle);
    for (unsigned i = 0; i < count; i++) {
        bytes_put_format(&line, "%s", close);
    }
    bytes_put_byte(&line, '}');
    got = decode_text(t, (struct text){ (const char *)line.at, line.size }, NULL);
    bytes_out_fini(&line);
    return got;
}

static void deep_nesting_ends_early(void **state)
{
    struct json_test t;

    (void)state;
    assert_int_equal(decode_nested(&t, 3, "{\"a\":", "1", "}"), REJECT_NONE);
    assert_non_null(field(&t, "x.a.a.a"));
    arena_fini(&t.arena);
    assert_int_equal(decode_nested(&t, 50, "{\"a\":", "1", "}"), REJECT_NONE);
    assert_int_equal(t.event.field_count, 3); /* deeper things have no name: only kind .. at */
    arena_fini(&t.arena);
    assert_int_equal(decode_nested(&t, 100000, "[", "", "]"), REJECT_UNDECODABLE);
    assert_string_equal(t.text, "not JSON: maximum parsing depth reached at byte 2104");
    arena_fini(&t.arena);
    assert_int_equal(decode_nested(&t, 100000, "{\"a\":", "1", "}"), REJECT_UNDECODABLE);
    arena_fini(&t.arena);
}

static void what_is_too_large_is_said_to_be(void **state)
{
    char *big = malloc(1024 * 1024 + 2);
    struct json_test t;

    (void)state;
    assert_non_null(big);
    memset(big, ' ', 1024 * 1024 + 1);
    assert_int_equal(decode_text(&t, (struct text){ big, 1024 * 1024 + 1 }, NULL),
                     REJECT_TOO_LARGE);
    arena_fini(&t.arena);
    memset(big, 'x', 4097);
    big[4097] = '"';
    big[4098] = '\0';
    assert_int_equal(decode_nested(&t, 1, "\"", big, ""), REJECT_TOO_LARGE);
    assert_string_equal(t.text, "x is longer than 4096 bytes");
    arena_fini(&t.arena);
    assert_int_equal(decode_nested(&t, 300, "{\"a\":1,\"b\":", "[]", "}"), REJECT_NONE);
    arena_fini(&t.arena);
    free(big);
}

/* --- outputs --- */
static void written_as(const struct output *o, const char *wanted)
{
    struct bytes_out out = { NULL, 0, 0 };

    json_encode_output(o, &out);
    bytes_put_byte(&out, 0);
    assert_string_equal((const char *)out.at, wanted);
    bytes_out_fini(&out);
}

static void outputs_are_written_as_documented(void **state)
{
    const struct text segments[] = { TEXT("active"), TEXT("vip") };
    struct output o = { .type = OUTPUT_MEMBERSHIP, .at_ms = NINE };

    (void)state;
    o.customer = TEXT("c \"1\"\n");
    o.cause = TEXT("time");
    o.config = TEXT("0123456789abcdef");
    o.as.membership = (struct membership_change){ TEXT("vip"), true, segments, 2, false };
    written_as(&o,
               "{\"type\":\"membership\",\"customer\":\"c \\\"1\\\"\\u000a\",\"segment\":\"vip\","
               "\"status\":\"entered\",\"at\":1772442000000,\"cause\":\"time\","
               "\"segments\":[\"active\",\"vip\"],\"config\":\"0123456789abcdef\","
               "\"origin\":\"live\"}\n");
    o.type = OUTPUT_OUTCOME;
    o.is_config = true;
    o.customer = TEXT("c-1");
    o.as.outcome = (struct outcome_record){ .sequence = TEXT("nurture"),
                                            .entered_at_ms = INSTANT_NEVER,
                                            .outcome = OUTCOME_NOT_ENTERED,
                                            .reason = REASON_STALE };
    written_as(&o,
               "{\"type\":\"outcome\",\"customer\":\"c-1\",\"sequence\":\"nurture\",\"run\":null,"
               "\"entered_at\":null,\"email\":null,\"attempt\":null,"
               "\"outcome\":\"not_entered\",\"reason\":\"stale\",\"holdout\":false,"
               "\"experiments\":{},\"at\":1772442000000,\"config\":\"0123456789abcdef\","
               "\"origin\":\"config\"}\n");
    o.type = OUTPUT_DEAD_LETTER;
    o.as.dead_letter = (struct dead_letter){ .offset = 17, .reason = REJECT_MISSING_FIELD };
    o.as.dead_letter.text = TEXT("no kind");
    written_as(&o, "{\"type\":\"dead_letter\",\"line\":17,\"reason\":\"missing_field\","
                   "\"text\":\"no kind\"}\n");
}

static void a_trigger_is_written_as_documented(void **state)
{
    const struct text_pair content[] = { { TEXT("hero"), TEXT("hero_2") } };
    const struct text_pair context[] = { { TEXT("event.url"), TEXT_NONE } };
    const struct score_view scores[] = { { TEXT("intent"), 12000345, TEXT("hot") } };
    const struct time_view times[] = { { TEXT("visit"), NINE - 1 } };
    struct output o = { .type = OUTPUT_TRIGGER, .at_ms = NINE };
    struct trigger *t = &o.as.trigger;

    (void)state;
    o.customer = TEXT("c-1");
    o.cause = TEXT("e-1");
    o.config = TEXT("0123456789abcdef");
    *t = (struct trigger){ .sequence = TEXT("nurture"), .run = 1, .entered_at_ms = NINE };
    t->email = TEXT("welcome");
    t->attempt = 1;
    t->reason = OUTCOME_ENTERED;
    t->planned_at_ms = t->sent_at_ms = NINE;
    t->expires_at_ms = NINE + DAY_MS;
    t->content = content;
    t->content_count = 1;
    t->context = context;
    t->context_count = 1;
    t->scores = scores;
    t->score_count = 1;
    t->last_events = times;
    t->last_event_count = 1;
    t->rfm_segment = TEXT("champions");
    t->days_since_engagement = -1;
    written_as(
        &o,
        "{\"type\":\"trigger\",\"customer\":\"c-1\",\"at\":1772442000000,"
        "\"trigger_id\":\"00000000000000000000000000000000\",\"sequence\":\"nurture\",\"run\":1,"
        "\"entered_at\":1772442000000,\"email\":\"welcome\",\"attempt\":1,\"reason\":\"entered\","
        "\"planned_at\":1772442000000,\"sent_at\":1772442000000,\"expires_at\":1772528400000,"
        "\"template\":null,\"purpose\":null,\"theme\":null,\"content\":{\"hero\":\"hero_2\"},"
        "\"landing\":{},\"segments\":[],"
        "\"rfm\":{\"r\":null,\"f\":null,\"m\":null,\"segment\":\"champions\"},"
        "\"scores\":{\"intent\":{\"score\":12.000345,\"level\":\"hot\"}},\"lifecycle\":null,"
        "\"experiments\":{},\"context\":{\"event.url\":null},"
        "\"last_events\":{\"visit\":1772441999999},\"days_since_engagement\":null,"
        "\"subscription\":null,\"transactional\":false,\"cause\":\"e-1\","
        "\"config\":\"0123456789abcdef\",\"origin\":\"live\"}\n");
}

static void every_written_line_is_json_by_seed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct arena arena = { NULL, 0 };
        struct bytes_out out = { NULL, 0, 0 };
        struct output o;
        json_t *parsed;
        struct rng r;

        rng_init(&r, seed);
        o = random_output(&r, &arena, (enum output_type)(seed % OUTPUT_TYPE__COUNT));
        json_encode_output(&o, &out);
        assert_int_equal(out.at[out.size - 1], '\n');
        assert_null(memchr(out.at, '\n', out.size - 1));
        parsed = json_loadb((const char *)out.at, out.size, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(parsed);
        json_decref(parsed);
        bytes_out_fini(&out);
        arena_fini(&arena);
    }
}

/* Why: erase writes records that workers must read. */
static void what_a_tool_writes_under_a_mapping_is_read_under_it(void **state)
{
    const struct event_mapping mappings[] = {
        { .kind_field = TEXT("kind") },
        { .kind = TEXT("erase"), .customer = TEXT("who.id"), .at = TEXT("who.when") },
        { .kind_field = TEXT("a.b.c"),
          .customer = TEXT("a.b.d"),
          .at = TEXT("a.t"),
          .id = TEXT("a.b.e") },
    };
    struct event ev = { .kind_name = TEXT("erase"),
                        .customer = TEXT("c \"1\" \xc3\xa9"),
                        .at_ms = NINE,
                        .id = TEXT("e-1") };

    (void)state;
    for (size_t i = 0; i < sizeof(mappings) / sizeof(mappings[0]); i++) {
        struct bytes_out out = { 0 };
        struct json_test t;

        json_encode_event(&ev, &mappings[i], &out);
        assert_int_equal(
            decode_text(&t, (struct text){ (const char *)out.at, out.size }, &mappings[i]),
            REJECT_NONE);
        assert_int_equal(t.event.kind, EVENT_ERASE);
        assert_true(text_equal(t.event.customer, ev.customer));
        assert_int_equal(t.event.at_ms, NINE);
        assert_true(text_is(t.event.id, "e-1"));
        arena_fini(&t.arena);
        bytes_out_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_tool_writes_under_a_mapping_is_read_under_it),
        cmocka_unit_test(a_line_of_a_backtest_becomes_an_event),
        cmocka_unit_test(fields_have_the_paths_of_the_language),
        cmocka_unit_test(attributes_are_plain_fields_or_set_and_unset),
        cmocka_unit_test(a_profile_of_a_topic_follows_its_mapping),
        cmocka_unit_test(each_bad_line_has_its_reason),
        cmocka_unit_test(a_record_without_a_value_has_its_reason),
        cmocka_unit_test(deep_nesting_ends_early),
        cmocka_unit_test(what_is_too_large_is_said_to_be),
        cmocka_unit_test(outputs_are_written_as_documented),
        cmocka_unit_test(a_trigger_is_written_as_documented),
        cmocka_unit_test(every_written_line_is_json_by_seed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
