#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "schemas/event.h"
#include "tests/support/random_records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define NINE INT64_C(1772442000000) /* 2026-03-02T09:00:00Z */

/* --- the draft: the gate of every format --- */
struct draft_test {
    struct arena arena;
    struct event_draft draft;
    struct event event;
    char text[128];
};

static struct value text_value(const char *t)
{
    return (struct value){ .type = VALUE_TEXT, .as.text = text_of(t) };
}

static struct value int_value(int64_t i)
{
    return (struct value){ .type = VALUE_INT, .as.integer = i };
}

static void begin_mapped(struct draft_test *t, const struct event_mapping *m)
{
    *t = (struct draft_test){ .text = "" };
    event_draft_init(&t->draft, &t->arena, m);
}

static void begin(struct draft_test *t)
{
    begin_mapped(t, NULL);
}

static void put(struct draft_test *t, const char *path, struct value v)
{
    event_draft_field(&t->draft, text_of(path), v);
}

static void begin_event(struct draft_test *t, const char *kind)
{
    begin(t);
    put(t, "kind", text_value(kind));
    put(t, "customer", text_value("c-1"));
    put(t, "at", int_value(NINE));
}

static enum reject finish(struct draft_test *t)
{
    return event_draft_finish(&t->draft, &t->event, t->text);
}

static void is_rejected(struct draft_test *t, enum reject wanted, const char *text)
{
    enum reject got = finish(t);

    if (got != wanted || strcmp(t->text, text) != 0) {
        fail_msg("%s: %s, wanted %s: %s", reject_name(got), t->text, reject_name(wanted), text);
    }
    arena_fini(&t->arena);
}

static void is_accepted(struct draft_test *t)
{
    enum reject got = finish(t);

    if (got != REJECT_NONE) {
        fail_msg("%s: %s", reject_name(got), t->text);
    }
}

static const struct value *field(const struct draft_test *t, const char *name)
{
    return event_field(&t->event, hash32(text_of(name)));
}

static void shipped_names_become_those_of_the_language(void **state)
{
    struct draft_test t;

    (void)state;
    begin(&t);
    put(&t, "kind", text_value("purchase"));
    put(&t, "customer_id", text_value("c-1"));
    put(&t, "occurred_at", int_value(NINE));
    put(&t, "event_id", text_value("e-1"));
    put(&t, "trigger_id", text_value("t-1"));
    put(&t, "order_id", text_value("o-1"));
    put(&t, "amount", int_value(4990));
    put(&t, "currency", text_value("EUR"));
    put(&t, "properties.plan", text_value("pro"));
    put(&t, "note", VALUE_NONE); /* null is the same as not there */
    is_accepted(&t);
    assert_int_equal(t.event.kind, EVENT_PURCHASE);
    assert_true(text_is(t.event.customer, "c-1"));
    assert_int_equal(t.event.at_ms, NINE);
    assert_true(text_is(t.event.id, "e-1"));
    assert_true(text_is(t.event.email, "t-1"));
    assert_true(text_is(t.event.order, "o-1"));
    assert_true(t.event.has_amount);
    assert_int_equal(t.event.amount, 4990);
    assert_true(text_is(t.event.currency, "EUR"));
    assert_int_equal(field(&t, "amount")->type, VALUE_MONEY);
    assert_int_equal(field(&t, "at")->type, VALUE_INSTANT);
    assert_true(text_is(field(&t, "email")->as.text, "t-1"));
    assert_true(text_is(field(&t, "properties.plan")->as.text, "pro"));
    assert_null(field(&t, "trigger_id"));
    assert_null(field(&t, "note"));
    arena_fini(&t.arena);
}

static void a_mapping_says_where_things_are(void **state)
{
    const struct text from[] = { TEXT("pv"), TEXT("dl") }, to[] = { TEXT("visit"), TEXT("get") };
    struct event_mapping m = { .kind_field = TEXT("type"),
                               .map_from = from,
                               .map_to = to,
                               .map_count = 2,
                               .customer = TEXT("user.id"),
                               .at = TEXT("ts"),
                               .id = TEXT("message_id") };
    struct draft_test t;

    (void)state;
    begin_mapped(&t, &m);
    put(&t, "type", text_value("dl"));
    put(&t, "user.id", int_value(17)); /* a number as an id is common enough */
    put(&t, "ts", text_value("2026-03-02T09:00:00Z"));
    put(&t, "message_id", text_value("m-1"));
    assert_int_equal(finish(&t), REJECT_NONE);
    assert_true(text_is(t.event.kind_name, "get"));
    assert_int_equal(t.event.kind, EVENT_OTHER);
    assert_true(text_is(t.event.customer, "17"));
    assert_int_equal(t.event.at_ms, NINE);
    assert_true(text_is(t.event.id, "m-1"));
    arena_fini(&t.arena);
    begin_mapped(&t, &m);
    put(&t, "type", text_value("other")); /* an unmapped kind is taken as it is */
    put(&t, "customer_id", text_value("c-1"));
    put(&t, "ts", int_value(NINE));
    assert_int_equal(finish(&t), REJECT_MISSING_FIELD); /* the shipped name does not count */
    arena_fini(&t.arena);
    m = (struct event_mapping){ .kind = TEXT("click") };
    begin_mapped(&t, &m);
    put(&t, "customer_id", text_value("c-1"));
    put(&t, "occurred_at", int_value(NINE));
    assert_int_equal(finish(&t), REJECT_NONE);
    assert_int_equal(t.event.kind, EVENT_CLICK);
    arena_fini(&t.arena);
}

/* Why: an order's number is often the only id of its record. */
static void one_field_may_serve_two_builtins(void **state)
{
    struct event_mapping m = { .kind = TEXT("purchase"),
                               .id = TEXT("number"),
                               .order = TEXT("number") };
    struct draft_test t;

    (void)state;
    begin_mapped(&t, &m);
    put(&t, "number", text_value("o-1"));
    put(&t, "customer_id", text_value("c-1"));
    put(&t, "at", int_value(NINE));
    put(&t, "amount", int_value(1));
    is_accepted(&t);
    assert_true(text_is(t.event.id, "o-1"));
    assert_true(text_is(t.event.order, "o-1"));
    assert_true(text_is(field(&t, "order")->as.text, "o-1"));
    arena_fini(&t.arena);
}

/* How: both names in both orders; the shipped one counts. */
static void a_shipped_name_goes_before_the_languages(void **state)
{
    struct draft_test t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        begin(&t);
        put(&t, "kind", text_value("visit"));
        put(&t, i == 0 ? "customer" : "customer_id", text_value(i == 0 ? "no" : "yes"));
        put(&t, i == 1 ? "customer" : "customer_id", text_value(i == 1 ? "no" : "yes"));
        put(&t, "at", int_value(NINE));
        is_accepted(&t);
        assert_true(text_is(t.event.customer, "yes"));
        arena_fini(&t.arena);
    }
}

static void what_is_missing_is_named(void **state)
{
    struct draft_test t;

    (void)state;
    begin(&t);
    put(&t, "customer", text_value("c-1"));
    put(&t, "at", int_value(NINE));
    is_rejected(&t, REJECT_MISSING_FIELD, "no kind");
    begin(&t);
    put(&t, "kind", text_value("visit"));
    put(&t, "at", int_value(NINE));
    is_rejected(&t, REJECT_MISSING_FIELD, "no customer");
    begin(&t);
    put(&t, "kind", text_value("visit"));
    put(&t, "customer", text_value(""));
    put(&t, "at", int_value(NINE));
    is_rejected(&t, REJECT_MISSING_FIELD, "no customer");
    begin(&t);
    put(&t, "kind", text_value("visit"));
    put(&t, "customer", text_value("c-1"));
    is_rejected(&t, REJECT_MISSING_FIELD, "no time of the event (occurred_at)");
    begin_event(&t, "purchase");
    is_rejected(&t, REJECT_MISSING_FIELD, "a purchase without amount");
    begin_event(&t, "refund");
    is_rejected(&t, REJECT_MISSING_FIELD, "a refund without amount");
    begin_event(&t, "bounce");
    is_rejected(&t, REJECT_MISSING_FIELD, "a bounce without bounce_class");
}

static const struct {
    const char *kind, *path;
    struct value value;
    enum reject reject;
    const char *text;
} values[] = {
    { "visit",
      "at",
      { VALUE_TEXT, { .text = { "noon", 4 } } },
      REJECT_BAD_VALUE,
      "at is neither RFC 3339 nor integer ms" },
    { "visit",
      "at",
      { VALUE_DOUBLE, { .real = 1e12 } },
      REJECT_BAD_VALUE,
      "at is neither RFC 3339 nor integer ms" },
    { "visit",
      "at",
      { VALUE_INT, { .integer = INSTANT_MIN - 1 } },
      REJECT_BAD_VALUE,
      "at is outside the years 1 to 9999" },
    { "visit",
      "at",
      { VALUE_INT, { .integer = INSTANT_MAX + 1 } },
      REJECT_BAD_VALUE,
      "at is outside the years 1 to 9999" },
    { "visit", "kind", { VALUE_INT, { .integer = 5 } }, REJECT_BAD_VALUE, "kind is not text" },
    { "visit",
      "kind",
      { VALUE_TEXT, { .text = { "", 0 } } },
      REJECT_BAD_VALUE,
      "kind is not text" },
    { "visit",
      "customer",
      { VALUE_BOOL, { .boolean = true } },
      REJECT_BAD_VALUE,
      "customer is not text" },
    { "visit", "id", { VALUE_DOUBLE, { .real = 1.5 } }, REJECT_BAD_VALUE, "id is not text" },
    { "visit",
      "x",
      { VALUE_TEXT, { .text = { "a\xff", 2 } } },
      REJECT_BAD_VALUE,
      "x is not valid UTF-8" },
    { "visit",
      "",
      { VALUE_INT, { .integer = 1 } },
      REJECT_BAD_VALUE,
      "a field's name is empty, too long or not valid UTF-8" },
    { "visit",
      "\xc3",
      { VALUE_INT, { .integer = 1 } },
      REJECT_BAD_VALUE,
      "a field's name is empty, too long or not valid UTF-8" },
    { "purchase",
      "amount",
      { VALUE_INT, { .integer = -1 } },
      REJECT_BAD_VALUE,
      "amount is negative" },
    { "purchase",
      "amount",
      { VALUE_DOUBLE, { .real = 49.9 } },
      REJECT_BAD_VALUE,
      "amount is not an integer of minor units" },
    { "refund",
      "amount",
      { VALUE_TEXT, { .text = { "49", 2 } } },
      REJECT_BAD_VALUE,
      "amount is not an integer of minor units" },
    { "click",
      "machine",
      { VALUE_TEXT, { .text = { "yes", 3 } } },
      REJECT_BAD_VALUE,
      "machine is not true, false or null" },
    { "bounce",
      "bounce_class",
      { VALUE_TEXT, { .text = { "mild", 4 } } },
      REJECT_BAD_VALUE,
      "bounce_class is neither hard nor soft" },
    { "unsubscribe",
      "subscription",
      { VALUE_INT, { .integer = 1 } },
      REJECT_BAD_VALUE,
      "subscription is not text" },
    { "visit", "amount", { VALUE_TEXT, { .text = { "49", 2 } } }, REJECT_NONE, "" },
    { "visit", "machine", { VALUE_TEXT, { .text = { "lathe", 5 } } }, REJECT_NONE, "" },
    { "visit", "bounce_class", { VALUE_INT, { .integer = 1 } }, REJECT_NONE, "" },
    { "purchase", "amount", { VALUE_INT, { .integer = 0 } }, REJECT_NONE, "" },
    { "bounce", "bounce_class", { VALUE_TEXT, { .text = { "soft", 4 } } }, REJECT_NONE, "" },
};

static void each_bad_value_has_its_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        static const char *const common[] = { "kind", "customer", "at" };
        struct draft_test t;

        begin(&t);
        put(&t, values[i].path, values[i].value);
        for (size_t k = 0; k < 3; k++) {
            if (strcmp(common[k], values[i].path) != 0) {
                put(&t, common[k],
                    k == 0   ? text_value(values[i].kind)
                    : k == 1 ? text_value("c-1")
                             : int_value(NINE));
            }
        }
        is_rejected(&t, values[i].reject, values[i].text);
    }
}

static char *filled(size_t size, char with)
{
    char *at = malloc(size + 1);

    assert_non_null(at);
    memset(at, with, size);
    at[size] = '\0';
    return at;
}

static void what_is_too_large_is_said_to_be(void **state)
{
    char *at_most = filled(EVENT_TEXT_SIZE_MAX, 'x'), *more = filled(EVENT_TEXT_SIZE_MAX + 1, 'x');
    struct value list = { .type = VALUE_STRINGS };
    struct text items[EVENT_LIST_MAX + 1] = { { NULL, 0 } };
    struct draft_test t;

    (void)state;
    begin_event(&t, "visit");
    put(&t, "url", text_value(at_most));
    is_accepted(&t);
    arena_fini(&t.arena);
    begin_event(&t, "visit");
    put(&t, "url", text_value(more));
    is_rejected(&t, REJECT_TOO_LARGE, "url is longer than 4096 bytes");
    begin(&t);
    put(&t, "customer", text_value(more + EVENT_TEXT_SIZE_MAX - EVENT_CUSTOMER_SIZE_MAX));
    put(&t, "kind", text_value("visit"));
    put(&t, "at", int_value(NINE));
    is_rejected(&t, REJECT_TOO_LARGE, "customer is longer than 256 bytes");
    begin_event(&t, more + EVENT_TEXT_SIZE_MAX - EVENT_KIND_SIZE_MAX);
    is_rejected(&t, REJECT_TOO_LARGE, "kind is longer than 64 bytes");
    begin_event(&t, "visit");
    list.as.strings.at = items;
    list.as.strings.count = EVENT_LIST_MAX + 1;
    put(&t, "items", list);
    is_rejected(&t, REJECT_TOO_LARGE, "items has more than 256 items");
    begin_event(&t, "visit");
    for (unsigned i = 0; i <= EVENT_FIELDS_MAX; i++) {
        event_draft_field(&t.draft, arena_format(&t.arena, "f%u", i), int_value(1));
    }
    is_rejected(&t, REJECT_TOO_LARGE, "more than 128 fields");
    free(at_most);
    free(more);
}

/* Why: the sentence goes into a dead letter, a record of valid UTF-8. How: a name whose 40th byte
 * is in the middle of a character. */
static void a_sentence_about_a_field_stays_utf8(void **state)
{
    struct draft_test t;

    (void)state;
    begin_event(&t, "visit");
    put(&t, "123456789012345678901234567890123456789\xc3\xbc",
        (struct value){ .type = VALUE_TEXT, .as.text = { "\xff", 1 } });
    is_rejected(&t, REJECT_BAD_VALUE,
                "123456789012345678901234567890123456789? is not valid UTF-8");
}

static void kinds_and_reasons_have_their_names(void **state)
{
    (void)state;
    assert_int_equal(event_kind_of(TEXT("open")), EVENT_OPEN);
    assert_int_equal(event_kind_of(TEXT("erase")), EVENT_ERASE);
    assert_int_equal(event_kind_of(TEXT("Open")), EVENT_OTHER);
    assert_int_equal(event_kind_of(TEXT("")), EVENT_OTHER);
    assert_string_equal(reject_name(REJECT_WRONG_PARTITION), "wrong_partition");
    for (int i = 0; i < REJECT__COUNT; i++) {
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(reject_name((enum reject)i), reject_name((enum reject)k));
        }
    }
}

/* --- the kept form --- */
static void same_text(struct text a, struct text b)
{
    assert_true(text_equal(a, b));
    assert_int_equal(a.at == NULL, b.at == NULL);
}

static void same_fields(const struct event_field *a, const struct event_field *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        same_text(a[i].name, b[i].name);
        assert_int_equal(a[i].key, b[i].key);
        assert_true(value_equal(&a[i].value, &b[i].value));
    }
}

static void same_event(const struct event *a, const struct event *b)
{
    assert_int_equal(a->kind, b->kind);
    same_text(a->kind_name, b->kind_name);
    same_text(a->customer, b->customer);
    assert_int_equal(a->at_ms, b->at_ms);
    same_text(a->id, b->id);
    same_text(a->email, b->email);
    assert_int_equal(a->machine, b->machine);
    same_text(a->order, b->order);
    assert_int_equal(a->has_amount, b->has_amount);
    assert_int_equal(a->amount, b->amount);
    same_text(a->currency, b->currency);
    assert_int_equal(a->is_hard_bounce, b->is_hard_bounce);
    same_text(a->subscription, b->subscription);
    assert_int_equal(a->field_count, b->field_count);
    same_fields(a->fields, b->fields, a->field_count);
    assert_int_equal(a->set_count, b->set_count);
    same_fields(a->set, b->set, a->set_count);
}

/* Also: every truncation is corrupt, and no changed byte does harm. */
static void a_kept_event_is_read_back_as_it_was_by_seed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct arena arena = { NULL, 0 };
        struct bytes_out out = { NULL, 0, 0 };
        struct event ev, back;
        struct rng r;

        rng_init(&r, seed);
        ev = random_event(&r, &arena);
        event_encode(&ev, &out);
        assert_int_equal(event_decode(bytes_out_view(&out), &arena, &back), OK);
        same_event(&ev, &back);
        for (size_t size = 0; size < out.size; size++) {
            uint8_t *cut = malloc(size + 1), *flipped = malloc(out.size);

            assert_true(cut != NULL && flipped != NULL);
            memcpy(cut, out.at, size);
            memcpy(flipped, out.at, out.size);
            flipped[size] ^= (uint8_t)rng_between(&r, 1, 255);
            assert_int_equal(event_decode((struct bytes){ cut, size }, &arena, &back), ERR_CORRUPT);
            (void)event_decode((struct bytes){ flipped, out.size }, &arena, &back);
            free(cut);
            free(flipped);
        }
        bytes_out_fini(&out);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shipped_names_become_those_of_the_language),
        cmocka_unit_test(a_mapping_says_where_things_are),
        cmocka_unit_test(one_field_may_serve_two_builtins),
        cmocka_unit_test(a_shipped_name_goes_before_the_languages),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(each_bad_value_has_its_reason),
        cmocka_unit_test(what_is_too_large_is_said_to_be),
        cmocka_unit_test(a_sentence_about_a_field_stays_utf8),
        cmocka_unit_test(kinds_and_reasons_have_their_names),
        cmocka_unit_test(a_kept_event_is_read_back_as_it_was_by_seed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
