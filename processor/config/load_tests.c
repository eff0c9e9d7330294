/* DESIGN. An event of a test becomes a line of a backtest and passes the same gate, so a test
 * cannot say what a file could not.
 */
#include "processor/base/instant.h"
#include "processor/config/load.h"
#include "schemas/json.h"

static const char *const kind_names[EXPECT__COUNT] = {
    [EXPECT_ENTERS] = "enters", [EXPECT_LEAVES] = "leaves",   [EXPECT_IN] = "in",
    [EXPECT_NOT_IN] = "not_in", [EXPECT_TRIGGER] = "trigger", [EXPECT_OUTCOME] = "outcome",
    [EXPECT_NEVER] = "never",
};

const char *expectation_name(enum expectation_kind k)
{
    return kind_names[k];
}

/* --- events --- */

static void put_string(struct bytes_out *out, struct text t)
{
    bytes_put_byte(out, '"');
    for (size_t i = 0; i < t.size; i++) {
        unsigned char c = (unsigned char)t.at[i];

        if (c == '"' || c == '\\' || c < ' ') {
            bytes_put_format(out, "\\u%04x", c);
        } else {
            bytes_put_byte(out, c);
        }
    }
    bytes_put_byte(out, '"');
}

static void put_json(struct bytes_out *out, const struct yaml_node *n)
{
    int64_t integer;
    double real;
    bool flag;

    if (n->kind == YAML_SCALAR) {
        if (yaml_is_null(n)) {
            bytes_put(out, "null", 4);
        } else if (scalar_bool(n, &flag) || scalar_int(n, &integer) || scalar_double(n, &real)) {
            bytes_put(out, n->text.at, n->text.size);
        } else {
            put_string(out, n->text);
        }
        return;
    }
    bytes_put_byte(out, n->kind == YAML_MAP ? '{' : '[');
    for (uint32_t i = 0; i < n->count; i++) {
        if (i > 0) {
            bytes_put_byte(out, ',');
        }
        if (n->kind == YAML_MAP) {
            put_string(out, n->keys[i]->text);
            bytes_put_byte(out, ':');
        }
        put_json(out, n->items[i]);
    }
    bytes_put_byte(out, n->kind == YAML_MAP ? '}' : ']');
}

static void check_email_name(struct loader *l, const struct yaml_node *n);

/* A subscription that no email belongs to is a slip. */
static void check_subscription(struct loader *l, const struct yaml_node *n)
{
    struct text known[256];
    uint32_t count = 0;

    if (n == NULL || n->kind != YAML_SCALAR || yaml_is_null(n)) {
        return;
    }
    for (uint32_t i = 0; i < l->rules->sequence_count; i++) {
        for (uint32_t k = 0; k < l->rules->sequences[i].email_count; k++) {
            struct text name = l->rules->sequences[i].emails[k].subscription;

            if (text_equal(name, n->text)) {
                return;
            }
            if (name.at != NULL && count < 256) {
                known[count++] = name;
            }
        }
    }
    problem_hint_known(problem_add(l->problems, n->place, "E0214",
                                   "no email belongs to the subscription `%.*s`",
                                   TEXT_PRINTF(n->text)),
                       n->text, known, count, "there are");
}

static bool load_event(struct loader *l, const struct yaml_node *n, int64_t start_ms,
                       uint32_t number, struct event *out)
{
    struct bytes_out line = { 0 };
    const struct yaml_node *fields = NULL, *kind = NULL;
    char sentence[128] = "";
    enum reject reason;
    struct bytes copy;
    int64_t at_ms;

    for (uint32_t i = 0; n->kind == YAML_MAP && i < n->count; i++) {
        if (!text_is(n->keys[i]->text, "at")) {
            kind = n->keys[i];
            fields = n->items[i];
        }
    }
    if (!scalar_offset(yaml_get(n, "at", NULL), &at_ms)) {
        return false;
    }
    at_ms += start_ms;
    if (n->count == 2 && kind == NULL) {
        return false; /* `at` twice: that is said already */
    }
    if (n->count != 2) {
        problem_add(l->problems, n->place, "E0180", "expected {at: +1h, KIND: {..}}");
        return false;
    }
    check_email_name(l, yaml_get(fields, "email", NULL));
    check_subscription(l, yaml_get(fields, "subscription", NULL));
    bytes_put_format(&line, "{\"kind\":");
    put_string(&line, kind->text);
    bytes_put_format(&line, ",\"customer\":\"" TEST_CUSTOMER "\",\"at\":%lld", (long long)at_ms);
    if (yaml_get(fields, "id", NULL) == NULL) {
        bytes_put_format(&line, ",\"id\":\"event-%u\"", number);
    }
    for (uint32_t i = 0; fields->kind == YAML_MAP && i < fields->count; i++) {
        bytes_put_byte(&line, ',');
        put_string(&line, fields->keys[i]->text);
        bytes_put_byte(&line, ':');
        put_json(&line, fields->items[i]);
    }
    bytes_put_byte(&line, '}');
    copy = bytes_out_view(&line);
    copy.at =
        (const uint8_t *)arena_text(l->arena, (struct text){ (const char *)copy.at, copy.size }).at;
    bytes_out_fini(&line);
    reason = json_decode_event(copy, NULL, l->arena, out, sentence);
    if (reason == REJECT_NONE && out->kind == EVENT_PROFILE &&
        !facts_check_profile(&l->rules->facts, out, sentence)) {
        reason = REJECT_BAD_VALUE;
    }
    if (reason != REJECT_NONE) {
        problem_add(l->problems, kind->place, "E0181", "this is no event: %s: %s",
                    reject_name(reason), sentence);
    }
    return reason == REJECT_NONE;
}

static void load_events(struct loader *l, const struct yaml_node *n, struct test_plan *t)
{
    struct event *events;

    if (n == NULL || n->kind != YAML_LIST) {
        return;
    }
    events = arena_alloc(l->arena, (n->count + 1) * sizeof(*events));
    for (uint32_t i = 0; i < n->count; i++) {
        if (!load_event(l, n->items[i], t->start_ms, i + 1, &events[t->event_count])) {
            continue;
        }
        if (t->event_count > 0 && events[t->event_count].at_ms < events[t->event_count - 1].at_ms) {
            problem_add(l->problems, n->items[i]->place, "E0182",
                        "events of a test stand in order of time");
        }
        t->event_count++;
    }
    t->events = events;
}

/* --- expectations --- */

/* sequence.email, or a sequence alone. Reports what does not exist. */
static bool split_email(struct loader *l, const struct yaml_node *n, struct text *out_sequence,
                        struct text *out_email)
{
    const char *dot = n->text.size == 0 ? NULL : memchr(n->text.at, '.', n->text.size);
    struct text id = { n->text.at, dot == NULL ? n->text.size : (size_t)(dot - n->text.at) };
    uint32_t index = load_sequence_name(l, n, id);
    const struct sequence_plan *s;

    if (index >= l->rules->sequence_count) { /* none, or one that could not be loaded */
        return false;
    }
    s = &l->rules->sequences[index];
    *out_sequence = s->id;
    *out_email = TEXT_NONE;
    if (dot == NULL) {
        return true;
    }
    for (uint32_t i = 0; i < s->email_count; i++) {
        if (text_equal(s->emails[i].id, (struct text){ dot + 1, n->text.size - id.size - 1 })) {
            *out_email = s->emails[i].id;
            return true;
        }
    }
    load_no_email(l, n, (struct text){ dot + 1, n->text.size - id.size - 1 }, s);
    return false;
}

/* A trigger's own id may stand there too: 32 hex digits. */
static void check_email_name(struct loader *l, const struct yaml_node *n)
{
    struct hash128 id;
    struct text sequence, email;

    if (n != NULL && n->kind == YAML_SCALAR && !yaml_is_null(n) &&
        !trigger_id_parse(n->text, &id) && memchr(n->text.at, '.', n->text.size) != NULL) {
        (void)split_email(l, n, &sequence, &email);
    }
}

/* One of several lists of words, separated by spaces; else an error at n that names the nearest. */
static void check_word(struct loader *l, const struct yaml_node *n, const char *what,
                       const char *const *lists)
{
    struct text words[64];
    uint32_t count = 0;

    for (; *lists != NULL; lists++) {
        for (const char *at = *lists; *at != '\0' && count < 64;) {
            size_t size = strcspn(at, " ");

            words[count++] = (struct text){ at, size };
            if (text_equal(words[count - 1], n->text)) {
                return;
            }
            at += size + (at[size] == ' ');
        }
    }
    problem_hint_known(
        problem_add(l->problems, n->place, "E0184", "`%.*s` is no %s", TEXT_PRINTF(n->text), what),
        n->text, words, count, "there are");
}

static const char judged_outcomes[] =
    "bounced complained unsubscribed converted clicked_not_converted opened_not_clicked "
    "not_delivered no_engagement stopped";
static const char refusals[] = "active reenter_after if stop_if goal suppression stale";

static void check_outcome(struct loader *l, const struct yaml_node *n,
                          const struct expectation_plan *e)
{
    static const char *const of_email[] = { judged_outcomes, "erased skipped suppressed", NULL };
    static const char *const of_run[] = { "entered not_entered completed converted moved ended",
                                          "exhausted stopped bounced complained unsubscribed",
                                          "erased", NULL };

    if (n != NULL && n->kind == YAML_SCALAR) {
        bool is_run = e->email.at == NULL;

        check_word(l, n, is_run ? "outcome of a run" : "outcome of an email",
                   is_run ? of_run : of_email);
    }
}

static void check_reason(struct loader *l, const struct yaml_node *n,
                         const struct expectation_plan *e)
{
    static const char *const of_trigger[] = { "entered", judged_outcomes, NULL };
    static const char *const of_outcome[] = { refusals,
                                              "send_if cap quiet_hours send_window ceiling gone",
                                              NULL };

    if (n != NULL && n->kind == YAML_SCALAR && !yaml_is_null(n)) {
        check_word(l, n, "reason", e->kind == EXPECT_TRIGGER ? of_trigger : of_outcome);
    }
}

static void check_slots(struct loader *l, const struct yaml_node *map, const struct channel_plan *c)
{
    for (uint32_t i = 0; map != NULL && map->kind == YAML_MAP && i < map->count; i++) {
        bool is_slot = false;

        for (uint32_t s = 0; c != NULL && s < c->slot_count; s++) {
            is_slot = is_slot || text_equal(c->slots[s], map->keys[i]->text);
        }
        if (!is_slot) {
            struct config_problem *p = problem_add(
                l->problems, map->keys[i]->place, "E0150", "`%.*s` is no slot%s",
                TEXT_PRINTF(map->keys[i]->text), c == NULL ? ", there is no such content" : "");

            if (c != NULL) {
                problem_hint_known(p, map->keys[i]->text, c->slots, c->slot_count, "there are");
            }
        }
    }
}

static const struct text_pair *load_pairs(struct loader *l, const struct yaml_node *n,
                                          uint32_t *out_count)
{
    struct text_pair *pairs;

    *out_count = 0;
    if (n == NULL || n->kind != YAML_MAP) {
        return NULL;
    }
    pairs = arena_alloc(l->arena, (n->count + 1) * sizeof(*pairs));
    for (uint32_t i = 0; i < n->count; i++) {
        pairs[i].name = arena_text(l->arena, n->keys[i]->text);
        pairs[i].value = arena_text(l->arena, n->items[i]->text);
    }
    *out_count = n->count;
    return pairs;
}

static bool load_segment_id(struct loader *l, const struct yaml_node *n, struct text *out_id)
{
    const struct segments_plan *plan = &l->rules->segments;
    uint32_t key, rung;

    if (!load_segment_name(l, n, &key, &rung)) {
        return false;
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct segment_plan *s = &plan->segments[i];

        if (s->key != key) {
            continue;
        }
        *out_id = s->id;
        for (uint32_t r = 0; r < s->rung_count; r++) {
            if (s->rungs[r].key == rung) {
                *out_id = s->rungs[r].id;
                return true;
            }
        }
        if (s->is_ladder) {
            problem_add(l->problems, n->place, "E0103", "name a rung of the ladder");
            return false;
        }
        return true;
    }
    return false;
}

static bool load_subject(struct loader *l, const struct yaml_node *n, struct expectation_plan *e)
{
    struct yaml_node *found = NULL;

    for (int k = 0; k < EXPECT__COUNT; k++) {
        struct yaml_node *value = yaml_get(n, kind_names[k], NULL);

        if (value != NULL && found != NULL) {
            found = NULL;
            break;
        }
        if (value != NULL) {
            found = value;
            e->kind = (enum expectation_kind)k;
        }
    }
    if (found != NULL && found->kind != YAML_SCALAR) {
        return false;
    }
    if (found == NULL) {
        problem_add(l->problems, n->place, "E0183",
                    "expected one of enters, leaves, in, not_in, trigger, outcome and never");
        return false;
    }
    e->name = arena_text(l->arena, found->text);
    if (e->kind <= EXPECT_NOT_IN) {
        return load_segment_id(l, found, &e->segment);
    }
    if (!split_email(l, found, &e->sequence, &e->email)) {
        return false;
    }
    if (e->email.at == NULL && e->kind != EXPECT_OUTCOME) {
        problem_add(l->problems, found->place, "E0210", "expected sequence.email");
        return false;
    }
    return true;
}

static bool is_expectation_key(struct text name)
{
    static const char *const keys[] = { "is", "reason", "attempt", "content", "landing" };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (text_is(name, keys[i])) {
            return true;
        }
    }
    return false;
}

static void check_expectation_keys(struct loader *l, const struct yaml_node *n,
                                   enum expectation_kind kind)
{
    static const char *const trigger_keys[] = { "reason", "attempt", "content", "landing", NULL };
    static const char *const outcome_keys[] = { "is", "attempt", "reason", NULL };
    static const char *const none[] = { NULL };
    const char *const *keys = kind == EXPECT_TRIGGER   ? trigger_keys
                              : kind == EXPECT_OUTCOME ? outcome_keys
                                                       : none;

    for (uint32_t i = 0; i < n->count; i++) {
        struct text name = n->keys[i]->text;
        bool is_known =
            text_is(name, "at") || text_is(name, "by") || text_is(name, kind_names[kind]);

        for (int k = 0; keys[k] != NULL; k++) {
            is_known = is_known || text_is(name, keys[k]);
        }
        if (!is_known && is_expectation_key(name)) { /* what is no key at all was reported */
            problem_add(l->problems, n->keys[i]->place, "E0005", "`%s` takes no `%.*s`",
                        kind_names[kind], TEXT_PRINTF(name));
        }
    }
}

static bool load_expectation(struct loader *l, const struct yaml_node *n, int64_t start_ms,
                             struct expectation_plan *e)
{
    const struct yaml_node *at = yaml_get(n, "at", NULL), *by = yaml_get(n, "by", NULL);
    const struct yaml_node *is = yaml_get(n, "is", NULL);

    *e = (struct expectation_plan){ .place = n->place };
    if (n->kind != YAML_MAP) {
        return false;
    }
    if ((at == NULL) == (by == NULL)) {
        problem_add(l->problems, n->place, "E0183", "an expectation has either `at` or `by`");
        return false;
    }
    e->is_by = by != NULL;
    if (!scalar_offset(at != NULL ? at : by, &e->at_ms) || !load_subject(l, n, e)) {
        return false;
    }
    e->at_ms += start_ms;
    check_expectation_keys(l, n, e->kind);
    e->outcome = arena_text(l->arena, load_text(n, "is"));
    e->reason = arena_text(l->arena, load_text(n, "reason"));
    (void)scalar_int(yaml_get(n, "attempt", NULL), &e->attempt);
    e->content = load_pairs(l, yaml_get(n, "content", NULL), &e->content_count);
    e->landing = load_pairs(l, yaml_get(n, "landing", NULL), &e->landing_count);
    check_outcome(l, is, e);
    check_reason(l, yaml_get(n, "reason", NULL), e);
    check_slots(l, yaml_get(n, "content", NULL), l->rules->email);
    check_slots(l, yaml_get(n, "landing", NULL), l->rules->landing);
    return true;
}

/* A place that outlives the problems: only the file's name is kept. */
static struct place keep_place(struct loader *l, struct place place)
{
    struct config_file *file = arena_alloc(l->arena, sizeof(*file));

    file->name = arena_text(l->arena, place.file->name);
    place.file = file;
    return place;
}

static void load_test(struct loader *l, const struct yaml_node *n, struct test_plan *t)
{
    const struct yaml_node *given = yaml_get(n, "given", NULL);
    const struct yaml_node *expect = yaml_get(n, "expect", NULL);
    struct expectation_plan *plans;

    t->name = arena_text(l->arena, load_text(n, "name"));
    t->place = keep_place(l, n->place);
    (void)scalar_instant(yaml_get(n, "start", NULL), &t->start_ms);
    (void)scalar_bool(yaml_get(n, "only", NULL), &t->is_only);
    (void)scalar_bool(yaml_get(n, "holdout", NULL), &t->has_holdout);
    if (given != NULL && given->kind == YAML_MAP) {
        load_attribute_values(l, given, &t->given);
    }
    load_events(l, yaml_get(n, "events", NULL), t);
    if (expect == NULL || expect->kind != YAML_LIST) {
        return;
    }
    plans = arena_alloc(l->arena, (expect->count + 1) * sizeof(*plans));
    for (uint32_t i = 0; i < expect->count; i++) {
        struct expectation_plan *e = &plans[t->expectation_count];

        if (load_expectation(l, expect->items[i], t->start_ms, e)) {
            e->place = (struct place){ t->place.file, e->place.line, e->place.column, 1 };
            t->expectation_count++;
        }
    }
    t->expectations = plans;
}

void load_tests(struct loader *l)
{
    const struct yaml_node *n = load_section(l, "tests", YAML_LIST);
    struct test_plan *tests;

    if (n == NULL) {
        return;
    }
    tests = arena_alloc(l->arena, (n->count + 1) * sizeof(*tests));
    for (uint32_t i = 0; i < n->count; i++) {
        if (n->items[i]->kind == YAML_MAP) {
            load_test(l, n->items[i], &tests[l->config->test_count++]);
        }
    }
    l->config->tests = tests;
}
