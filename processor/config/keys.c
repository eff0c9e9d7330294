#include "processor/config/keys.h"

#include "processor/base/instant.h"
#include "processor/config/scalar.h"

/* In these tables what is not named is zero, on purpose. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* clang-format off */
#define KEYS(list)      { list, sizeof(list) / sizeof((list)[0]), false }
#define EACH(name, ...) static const struct key name##_EACH[] = { { NULL, __VA_ARGS__ } }; \
                        static const struct keys name = KEYS(name##_EACH)
#define NOT_YET(what)   .shape = SHAPE_UNSUPPORTED, .choices = what

#define DIMENSIONS "demographic behavioral psychographic firmographic intent lifecycle"
#define YEAR_MS    (INT64_C(365) * DAY_MS)

EACH(TEXT_ITEMS, SHAPE_TEXT);
EACH(DURATION_ITEMS, SHAPE_DURATION);
EACH(INT_ITEMS, SHAPE_INT, .least = 1, .most = INT32_MAX);
EACH(MONEY_ITEMS, SHAPE_MONEY);
EACH(PREDICATES, SHAPE_PREDICATE);

static const struct key KAFKA_KEYS[] = {
    { "brokers", SHAPE_TEXTS, .is_needed = true },
    { "properties", SHAPE_MAP_OF, &TEXT_ITEMS },
    { "consumer_properties", SHAPE_MAP_OF, &TEXT_ITEMS },
    { "producer_properties", SHAPE_MAP_OF, &TEXT_ITEMS },
};
static const struct keys KAFKA = KEYS(KAFKA_KEYS);

static const struct key STATE_KEYS[] = {
    { "store", SHAPE_TEXT, .is_needed = true },
    { "user", SHAPE_TEXT },
    { "password", SHAPE_TEXT },
    { "tls", NOT_YET("Redis over TLS") },
    { "layout", SHAPE_CHOICE, .choices = "single cluster sentinel" },
    { "nodes", NOT_YET("Redis Cluster and Sentinel") },
    { "master", NOT_YET("Redis Sentinel") },
    { "guarantee", SHAPE_CHOICE, .choices = "at_least_once exactly_once" },
    { "forget_after", SHAPE_TEXT },
    { "live_from", NOT_YET("loading history without sending") },
    { "cache", SHAPE_SIZE, .least = 1 << 20, .most = INT64_C(1) << 42 },
    { "commit_every", SHAPE_DURATION, .least = 0, .most = 10 * SECOND_MS },
};
static const struct keys STATE = KEYS(STATE_KEYS);

static const struct key HTTP_KEYS[] = {
    { "listen", SHAPE_TEXT },
    { "token", NOT_YET("a token for customer data, as no page shows any") },
};
static const struct keys HTTP = KEYS(HTTP_KEYS);

static const struct key TIME_KEYS[] = {
    { "zone", SHAPE_TEXT },
    { "zone_from", SHAPE_TEXT },
    { "allowed_lateness", SHAPE_DURATION, .least = 0, .most = 30 * DAY_MS },
    { "bot_wait", SHAPE_DURATION, .least = 0, .most = HOUR_MS },
    { "clock", SHAPE_CHOICE, .choices = "wall event" },
};
static const struct keys TIME = KEYS(TIME_KEYS);

static const struct key KIND_KEYS[] = {
    { "field", SHAPE_TEXT, .is_needed = true },
    { "map", SHAPE_MAP_OF, &TEXT_ITEMS },
};
static const struct keys KIND = KEYS(KIND_KEYS);
static const struct key INPUT_KEYS[] = {
    { "kind", SHAPE_TEXT_OR_MAP, &KIND, .is_needed = true },
    { "customer", SHAPE_TEXT }, { "at", SHAPE_TEXT }, { "id", SHAPE_TEXT },
    { "email", SHAPE_TEXT }, { "order", SHAPE_TEXT }, { "amount", SHAPE_TEXT },
    { "currency", SHAPE_TEXT },
    { "format", SHAPE_CHOICE, .choices = "avro json" },
    { "schema", SHAPE_TEXT },
};
static const struct keys INPUT = KEYS(INPUT_KEYS);
EACH(INPUTS, SHAPE_MAP, &INPUT);
static const struct key OUTPUT_KEYS[] = {
    { "topic", SHAPE_TEXT, .is_needed = true },
    { "format", SHAPE_CHOICE, .choices = "avro" },
    { "stop_above", NOT_YET("stopping when too many dead letters appear") },
};
static const struct keys OUTPUT = KEYS(OUTPUT_KEYS);
static const struct key TOPICS_KEYS[] = {
    { "in", SHAPE_MAP_OF, &INPUTS, .is_needed = true },
    { "triggers", SHAPE_MAP, &OUTPUT }, { "memberships", SHAPE_MAP, &OUTPUT },
    { "outcomes", SHAPE_MAP, &OUTPUT }, { "dead_letters", SHAPE_MAP, &OUTPUT },
};
static const struct keys TOPICS = KEYS(TOPICS_KEYS);

static const struct key ATTRIBUTE_KEYS[] = {
    { "type", SHAPE_CHOICE, .choices = "int double string bool enum date strings",
      .is_needed = true },
    { "dimension", SHAPE_CHOICE, .choices = DIMENSIONS },
    { "values", SHAPE_LIST_OF, &TEXT_ITEMS },
    { "default", SHAPE_TEXTS },
};
static const struct keys ATTRIBUTE = KEYS(ATTRIBUTE_KEYS);
EACH(ATTRIBUTES, SHAPE_MAP, &ATTRIBUTE);
static const struct key REMEMBER_KEYS[] = {
    { "last", SHAPE_TEXT, .is_needed = true }, { "field", SHAPE_TEXT, .is_needed = true },
};
static const struct keys REMEMBER = KEYS(REMEMBER_KEYS);
EACH(REMEMBERS, SHAPE_MAP, &REMEMBER);

EACH(SCORES, SHAPE_ANY); /* rfm or a decaying score: load_facts.c asks for the right one */
static const struct key RFM_KEYS[] = {
    { "window", SHAPE_TEXT, .is_needed = true },
    { "recency", SHAPE_LIST_OF, &DURATION_ITEMS, .is_needed = true },
    { "frequency", SHAPE_LIST_OF, &INT_ITEMS, .is_needed = true },
    { "monetary", SHAPE_LIST_OF, &MONEY_ITEMS, .is_needed = true },
    { "map", SHAPE_TEXT_OR_MAP, &TEXT_ITEMS, .is_needed = true },
    { "cadence", NOT_YET("overdue() by personal cadence") },
};
const struct keys KEYS_RFM = KEYS(RFM_KEYS);
static const struct key SCORE_KEYS[] = {
    { "half_life", SHAPE_DURATION, .least = MINUTE_MS, .most = 10 * YEAR_MS, .is_needed = true },
    { "points", SHAPE_MAP_OF, &TEXT_ITEMS, .is_needed = true },
    { "levels", SHAPE_MAP_OF, &TEXT_ITEMS, .is_needed = true },
};
const struct keys KEYS_SCORE = KEYS(SCORE_KEYS);

static const struct key RUNG_KEYS[] = {
    { "when", SHAPE_PREDICATE, .is_needed = true }, { "leave_when", SHAPE_PREDICATE },
};
const struct keys KEYS_RUNG = KEYS(RUNG_KEYS);
EACH(RUNGS, SHAPE_ANY); /* a predicate or KEYS_RUNG: load_segments.c */
static const struct key SEGMENT_KEYS[] = {
    { "dimension", SHAPE_CHOICE, .choices = DIMENSIONS, .is_needed = true },
    { "first_of", SHAPE_MAP_OF, &RUNGS },
    { "from", SHAPE_CHOICE, .choices = "rfm.segment" },
    { "when", SHAPE_PREDICATE }, { "leave_when", SHAPE_PREDICATE },
    { "for", SHAPE_DURATION }, { "min_stay", SHAPE_DURATION },
    { "profile", SHAPE_ANY },
};
static const struct keys SEGMENT = KEYS(SEGMENT_KEYS);
EACH(SEGMENTS, SHAPE_MAP, &SEGMENT);

static const struct key CHANNEL_KEYS[] = {
    { "slots", SHAPE_LIST_OF, &TEXT_ITEMS, .is_needed = true },
    { "optional", SHAPE_LIST_OF, &TEXT_ITEMS },
    { "want", SHAPE_MAP_OF, &INT_ITEMS },
    { "resolve", SHAPE_LIST_OF, &TEXT_ITEMS },
    { "default", SHAPE_ANY, .is_needed = true },
};
static const struct keys CHANNEL = { CHANNEL_KEYS,
    sizeof(CHANNEL_KEYS) / sizeof(CHANNEL_KEYS[0]), true };
EACH(CHANNELS, SHAPE_MAP, &CHANNEL);
EACH(LISTS, SHAPE_TEXTS);
const struct keys KEYS_ROW = KEYS(LISTS_EACH);

static const struct key ENTER_KEYS[] = {
    { "on_entering", SHAPE_TEXTS }, { "on_leaving", SHAPE_TEXTS }, { "on_event", SHAPE_TEXTS },
    { "if", SHAPE_PREDICATE }, { "reenter_after", SHAPE_DURATION }, { "backfill", SHAPE_BOOL },
};
static const struct keys ENTER = KEYS(ENTER_KEYS);
static const struct key GOAL_KEYS[] = {
    { "event", SHAPE_TEXTS }, { "entering", SHAPE_TEXT }, { "when", SHAPE_PREDICATE },
};
static const struct keys GOAL = KEYS(GOAL_KEYS);
static const struct key WINDOW_KEYS[] = {
    { "days", SHAPE_TEXTS }, { "hours", SHAPE_CLOCKS },
};
static const struct keys WINDOW = KEYS(WINDOW_KEYS);
static const struct key EMAIL_KEYS[] = {
    { "id", SHAPE_TEXT, .is_needed = true },
    { "after", SHAPE_DURATION, .is_needed = true },
    { "purpose", SHAPE_TEXT }, { "theme", SHAPE_TEXT }, { "template", SHAPE_TEXT },
    { "subscription", SHAPE_TEXT }, { "transactional", SHAPE_BOOL },
    { "if", SHAPE_PREDICATE }, { "expires_in", SHAPE_DURATION },
    { "experiment", NOT_YET("experiments") },
    { "personalize", SHAPE_LIST_OF, &TEXT_ITEMS },
};
static const struct keys EMAIL = { EMAIL_KEYS, sizeof(EMAIL_KEYS) / sizeof(EMAIL_KEYS[0]), true };
EACH(EMAILS, SHAPE_MAP, &EMAIL);
static const struct key RESEND_KEYS[] = {
    { "slot", SHAPE_TEXT, .is_needed = true }, { "use", SHAPE_TEXT, .is_needed = true },
};
static const struct keys RESEND = KEYS(RESEND_KEYS);
static const struct key ACTION_KEYS[] = {
    { "next", SHAPE_BOOL }, { "goto", SHAPE_TEXT }, { "resend", SHAPE_MAP, &RESEND },
    { "start", SHAPE_TEXT }, { "end", SHAPE_BOOL },
    { "after", SHAPE_DURATION },
    { "at_most", SHAPE_INT, .least = 1, .most = 1000 },
    { "times_in_a_row", SHAPE_INT, .least = 1, .most = 1000 },
};
static const struct keys ACTION = KEYS(ACTION_KEYS);
static const struct key BRANCH_KEYS[] = {
    { "opened_not_clicked", SHAPE_TEXT_OR_MAP, &ACTION },
    { "clicked_not_converted", SHAPE_TEXT_OR_MAP, &ACTION },
    { "no_engagement", SHAPE_TEXT_OR_MAP, &ACTION },
    { "not_delivered", SHAPE_TEXT_OR_MAP, &ACTION },
};
static const struct keys BRANCH = KEYS(BRANCH_KEYS);
static const struct key SET_KEYS[] = {
    { "set", SHAPE_MAP_OF, &LISTS, .is_needed = true }, { "until", SHAPE_TEXTS },
};
static const struct keys SET = KEYS(SET_KEYS);
static const struct key AT_END_KEYS[] = {
    { "opened_not_clicked", SHAPE_MAP, &SET }, { "clicked_not_converted", SHAPE_MAP, &SET },
    { "no_engagement", SHAPE_MAP, &SET }, { "not_delivered", SHAPE_MAP, &SET },
};
static const struct keys AT_END = KEYS(AT_END_KEYS);
static const struct key SEQUENCE_KEYS[] = {
    { "enter", SHAPE_MAP, &ENTER, .is_needed = true },
    { "goal", SHAPE_MAP, &GOAL },
    { "stop_if", SHAPE_PREDICATE },
    { "send_window", SHAPE_MAP, &WINDOW },
    { "engagement_window", SHAPE_DURATION, .least = 1, .most = YEAR_MS },
    { "conversion_window", SHAPE_DURATION, .least = 0, .most = YEAR_MS },
    { "engagement", SHAPE_CHOICE, .choices = "human any" },
    { "max_emails", SHAPE_INT, .least = 1, .most = 10000 },
    { "holdout", SHAPE_PERCENT },
    { "emails", SHAPE_LIST_OF, &EMAILS, .is_needed = true },
    { "branch", SHAPE_MAP, &BRANCH },
    { "at_end", SHAPE_MAP, &AT_END },
};
static const struct keys SEQUENCE = KEYS(SEQUENCE_KEYS);
EACH(SEQUENCES, SHAPE_MAP, &SEQUENCE);

static const struct key LIMITS_KEYS[] = {
    { "emails", SHAPE_LIST_OF, &TEXT_ITEMS },
    { "quiet_hours", SHAPE_CLOCKS },
    { "priority", SHAPE_LIST_OF, &TEXT_ITEMS },
    { "holdout", SHAPE_PERCENT },
    { "max_delay", SHAPE_DURATION, .least = 1, .most = YEAR_MS },
    { "stale_after", SHAPE_DURATION, .least = 1, .most = YEAR_MS },
    { "per_minute", NOT_YET("a ceiling of emails per minute") },
    { "join_guard", NOT_YET("the guard against feedback that stops joining") },
};
static const struct keys LIMITS = KEYS(LIMITS_KEYS);

static const struct key TEST_KEYS[] = {
    { "name", SHAPE_TEXT, .is_needed = true },
    { "start", SHAPE_INSTANT, .is_needed = true },
    { "given", SHAPE_ANY }, { "events", SHAPE_ANY }, { "expect", SHAPE_ANY },
    { "only", SHAPE_BOOL }, { "holdout", SHAPE_BOOL },
};
static const struct keys TEST = KEYS(TEST_KEYS);
EACH(TESTS, SHAPE_MAP, &TEST);

static const struct key ROOT_KEYS[] = {
    { "version", SHAPE_INT, .least = 1, .most = 1, .is_needed = true },
    { "app", SHAPE_TEXT, .is_needed = true },
    { "currency", SHAPE_TEXT },
    { "kafka", SHAPE_MAP, &KAFKA },
    { "registry", NOT_YET("a schema registry") },
    { "state", SHAPE_MAP, &STATE },
    { "workers", SHAPE_INT, .least = 1, .most = 256 },
    { "http", SHAPE_MAP, &HTTP },
    { "time", SHAPE_MAP, &TIME },
    { "topics", SHAPE_MAP, &TOPICS },
    { "attributes", SHAPE_MAP_OF, &ATTRIBUTES },
    { "remember", SHAPE_MAP_OF, &REMEMBERS },
    { "filters", SHAPE_MAP_OF, &TEXT_ITEMS },
    { "scores", SHAPE_MAP_OF, &SCORES },
    { "segments", SHAPE_MAP_OF, &SEGMENTS },
    { "content", SHAPE_MAP_OF, &CHANNELS },
    { "send_if", SHAPE_PREDICATE },
    { "sequences", SHAPE_MAP_OF, &SEQUENCES },
    { "experiments", NOT_YET("experiments") },
    { "limits", SHAPE_MAP, &LIMITS },
    { "tests", SHAPE_LIST_OF, &TESTS },
};
const struct keys KEYS_ROOT = KEYS(ROOT_KEYS);
/* clang-format on */

struct checking {
    struct config_problems *problems;
    const struct yaml_node *owner; /* the key whose value is looked at; NULL: the root */
};

static void check_value(struct checking *c, const struct yaml_node *n, const struct key *key);

static void expected(struct checking *c, const struct yaml_node *n, const char *code,
                     const char *what)
{
    if (n->kind == YAML_SCALAR) {
        problem_add(c->problems, n->place, code, "expected %s, found `%.*s`", what,
                    (int)(n->text.size < 60 ? n->text.size : 60),
                    n->text.at == NULL ? "" : n->text.at);
    } else {
        problem_add(c->problems, n->place, code, "expected %s, found a %s", what,
                    n->kind == YAML_MAP ? "map" : "list");
    }
}

static const struct key *find_key(const struct keys *keys, struct text name)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        if (keys->items[i].name == NULL || text_is(name, keys->items[i].name)) {
            return &keys->items[i];
        }
    }
    return NULL;
}

static void check_names(struct checking *c, const struct yaml_node *n, const struct keys *keys)
{
    struct text names[32];
    uint32_t count = 0;

    for (uint32_t i = 0; i < keys->count && i < 32; i++) {
        names[count++] = text_of(keys->items[i].name);
    }
    for (uint32_t i = 0; i < n->count; i++) {
        const struct key *key = find_key(keys, n->keys[i]->text);

        if (key != NULL) {
            struct checking inner = { c->problems, n->keys[i] };

            check_value(&inner, n->items[i], key);
        } else if (!keys->is_open) {
            struct config_problem *p =
                problem_add(c->problems, n->keys[i]->place, "E0005", "unknown key `%.*s`",
                            TEXT_PRINTF(n->keys[i]->text));

            problem_hint_nearest(p, n->keys[i]->text, names, count);
        }
    }
    for (uint32_t i = 0; i < keys->count; i++) {
        if (keys->items[i].is_needed && yaml_get(n, keys->items[i].name, NULL) == NULL) {
            problem_add(c->problems, c->owner == NULL ? n->place : c->owner->place, "E0004",
                        "`%s` is missing here", keys->items[i].name);
        }
    }
}

static void check_items(struct checking *c, const struct yaml_node *n, const struct key *key)
{
    if (n->kind != (key->shape == SHAPE_LIST_OF ? YAML_LIST : YAML_MAP)) {
        expected(c, n, "E0006", key->shape == SHAPE_LIST_OF ? "a list" : "a map");
        return;
    }
    for (uint32_t i = 0; i < n->count; i++) {
        struct checking inner = { c->problems, n->kind == YAML_MAP ? n->keys[i] : n->items[i] };

        check_value(&inner, n->items[i], &key->keys->items[0]);
    }
}

static void check_texts(struct checking *c, const struct yaml_node *n)
{
    if (n->kind == YAML_MAP) {
        expected(c, n, "E0006", "a value or a list of values");
    }
    for (uint32_t i = 0; n->kind == YAML_LIST && i < n->count; i++) {
        if (n->items[i]->kind != YAML_SCALAR) {
            expected(c, n->items[i], "E0006", "a value");
        }
    }
}

static void check_predicate(struct checking *c, const struct yaml_node *n)
{
    if (n->kind == YAML_LIST) {
        expected(c, n, "E0006", "an expression, or a map of all, any or none");
    }
    if (n->kind != YAML_MAP) {
        return;
    }
    if (n->count != 1) {
        expected(c, n, "E0006", "one of all, any and none");
    }
    for (uint32_t i = 0; i < n->count; i++) {
        struct checking inner = { c->problems, n->keys[i] };
        struct text name = n->keys[i]->text;

        if (!text_is(name, "all") && !text_is(name, "any") && !text_is(name, "none")) {
            problem_add(c->problems, n->keys[i]->place, "E0005", "unknown key `%.*s`",
                        TEXT_PRINTF(name));
        } else if (n->items[i]->kind == YAML_LIST && n->items[i]->count == 0) {
            expected(c, n->items[i], "E0006", "at least one expression");
        } else {
            check_items(&inner, n->items[i],
                        &(struct key){ NULL, .shape = SHAPE_LIST_OF, .keys = &PREDICATES });
        }
    }
}

static void check_choice(struct checking *c, const struct yaml_node *n, const char *choices)
{
    struct text names[16];
    uint32_t count = 0;
    char what[160];

    for (const char *at = choices; *at != '\0' && count < 16;) {
        size_t size = strcspn(at, " ");

        names[count++] = (struct text){ at, size };
        if (text_equal(n->text, names[count - 1])) {
            return;
        }
        at += size + (at[size] == ' ');
    }
    snprintf(what, sizeof(what), "one of %s", choices);
    expected(c, n, "E0008", count == 1 ? choices : what);
    problem_hint_nearest(&c->problems->items[c->problems->count - 1], n->text, names, count);
}

static void check_range(struct checking *c, const struct yaml_node *n, const struct key *key,
                        int64_t value)
{
    char least[INSTANT_TEXT_SIZE], most[INSTANT_TEXT_SIZE];

    if ((key->least == 0 && key->most == 0) || (value >= key->least && value <= key->most)) {
        return;
    }
    if (key->shape == SHAPE_DURATION) {
        instant_format_duration(key->least, least);
        instant_format_duration(key->most, most);
    } else {
        snprintf(least, sizeof(least), "%lld", (long long)key->least);
        snprintf(most, sizeof(most), "%lld", (long long)key->most);
    }
    problem_add(c->problems, n->place, "E0008", "`%.*s` is out of range: %s to %s",
                TEXT_PRINTF(n->text), least, most);
}

static void check_scalar(struct checking *c, const struct yaml_node *n, const struct key *key)
{
    int64_t number = 0;
    int32_t from, to;
    bool flag;

    if (n->kind != YAML_SCALAR || yaml_is_null(n)) {
        expected(c, n, "E0006", key->shape == SHAPE_BOOL ? "true or false" : "a value");
        return;
    }
    switch ((int)key->shape) {
    case SHAPE_BOOL:
        if (!scalar_bool(n, &flag)) {
            expected(c, n, "E0009", "true or false");
        }
        break;
    case SHAPE_INT:
        if (!scalar_int(n, &number)) {
            expected(c, n, "E0006", "a whole number");
            return;
        }
        break;
    case SHAPE_DURATION:
        if (!scalar_duration(n, &number)) {
            expected(c, n, "E0007", "a duration like 90s, 15m, 3d or 2w");
            return;
        }
        break;
    case SHAPE_MONEY:
        if (!scalar_money(n, &number)) {
            expected(c, n, "E0007", "money like \"25.00\"");
        }
        break;
    case SHAPE_PERCENT:
        if (!scalar_percent(n, &number)) {
            expected(c, n, "E0007", "a percentage like 5%, from 0% to 100%");
        }
        break;
    case SHAPE_SIZE:
        if (!scalar_size(n, &number)) {
            expected(c, n, "E0007", "a size like 64MiB");
            return;
        }
        break;
    case SHAPE_INSTANT:
        if (!scalar_instant(n, &number)) {
            expected(c, n, "E0007", "an instant like 2026-03-02T09:00:00Z");
        }
        return;
    case SHAPE_CLOCKS:
        if (!scalar_clocks(n, &from, &to)) {
            expected(c, n, "E0007", "times of the day like \"09:00-18:00\", not equal");
        }
        break;
    case SHAPE_CHOICE:
        check_choice(c, n, key->choices);
        break;
    default:
        break;
    }
    if (key->shape == SHAPE_INT || key->shape == SHAPE_DURATION || key->shape == SHAPE_SIZE) {
        check_range(c, n, key, number);
    }
}

static void check_value(struct checking *c, const struct yaml_node *n, const struct key *key)
{
    switch (key->shape) {
    case SHAPE_ANY:
        break;
    case SHAPE_UNSUPPORTED:
        problem_add(c->problems, c->owner->place, "E0901", "not supported yet: %s", key->choices);
        break;
    case SHAPE_TEXTS:
        check_texts(c, n);
        break;
    case SHAPE_PREDICATE:
        check_predicate(c, n);
        break;
    case SHAPE_MAP_OF:
    case SHAPE_LIST_OF:
        check_items(c, n, key);
        break;
    case SHAPE_TEXT_OR_MAP:
        if (n->kind == YAML_LIST) {
            expected(c, n, "E0006", "a name or a map");
        } else if (n->kind == YAML_MAP) {
            check_names(c, n, key->keys);
        }
        break;
    case SHAPE_MAP:
        if (n->kind == YAML_MAP) {
            check_names(c, n, key->keys);
        } else {
            expected(c, n, "E0006", "a map");
        }
        break;
    case SHAPE_TEXT:
    case SHAPE_BOOL:
    case SHAPE_INT:
    case SHAPE_DURATION:
    case SHAPE_MONEY:
    case SHAPE_PERCENT:
    case SHAPE_SIZE:
    case SHAPE_INSTANT:
    case SHAPE_CLOCKS:
    case SHAPE_CHOICE:
        check_scalar(c, n, key);
        break;
    }
}

void keys_check_map(const struct yaml_node *n, const struct yaml_node *owner,
                    const struct keys *keys, struct config_problems *problems)
{
    struct checking c = { problems, owner };

    if (n->kind == YAML_MAP) {
        check_names(&c, n, keys);
    } else {
        expected(&c, n, "E0006", "a map");
    }
}
