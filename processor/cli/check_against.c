/* DESIGN. Two trees, section by section; a table says what a change in each section does to the
 * customers there are. What no text shows (counters that begin, arms under one version) is compared
 * in the compiled rules.
 */
#include "processor/cli/check_against.h"

#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/cli/config_diff.h"
#include "processor/cli/json_out.h"
#include "processor/cli/rule_place.h"
#include "processor/cli/value_text.h"

#include <inttypes.h>
#include <stdio.h>

enum weight { WEIGHT_NOTE, WEIGHT_CHANGE, WEIGHT_WARNING, WEIGHT_ERROR };

struct change {
    enum weight weight;
    enum diff_kind kind;
    struct text path;     /* segments.lapsed */
    struct text sentence; /* what it does */
    struct place place, old_place;
    struct diff_details details;
    bool is_counter; /* it has no text of its own */
};

struct comparison {
    const struct config *was, *is;
    int64_t now_ms;
    struct arena arena;
    struct change *changes;
    uint32_t count;
    uint32_t capacity;
    uint32_t errors;
};

#define AGAIN                                                                                      \
    "every customer is looked at again; moves have `origin: config` and enter nothing without "    \
    "`backfill`"
#define RUNS "runs under way finish on the version they entered with, as long as its emails exist"

/* What a change in a section does. has_items: by key of the section. */
static const struct section {
    const char *name;
    bool has_items;
    enum weight weight;
    const char *added, *removed, *changed;
} sections[] = {
    { "app", false, WEIGHT_WARNING, "", "",
      "nothing stored is found under the new name: every customer starts anew" },
    { "currency", false, WEIGHT_WARNING, "orders count as money from now on",
      "orders no longer count as money",
      "stored orders keep their numbers: they become another "
      "currency" },
    { "state", true, WEIGHT_WARNING, "the process, not the rules", "the process, not the rules",
      "if it names another store, every customer starts anew" },
    { "kafka", true, WEIGHT_NOTE, "the process, not the rules", "the process, not the rules",
      "the process, not the rules" },
    { "time", true, WEIGHT_CHANGE, "planned emails are planned again",
      "planned emails are planned "
      "again",
      "planned emails are planned again" },
    { "attributes", true, WEIGHT_CHANGE, "unset for everybody until a profile event sets it",
      "stored values stay in the records, unseen", "stored values of another type are unknown" },
    { "remember", true, WEIGHT_CHANGE, "unset for everybody until such an event comes",
      "stored values stay in the records, unseen",
      "the stored value stays until the next such "
      "event" },
    { "filters", true, WEIGHT_CHANGE, "counters over it begin now", "counters over it end",
      "counters over it begin anew" },
    { "scores", true, WEIGHT_CHANGE, "0 for everybody; grows from now on", "its points are lost",
      "stored points stay; new ones count by the new rules; " AGAIN },
    { "segments", true, WEIGHT_CHANGE, AGAIN,
      "its members leave it without a record, as its name is gone", AGAIN },
    { "content", true, WEIGHT_CHANGE, "from the next email on", "from the next email on",
      "from the next email on" },
    { "send_if", false, WEIGHT_CHANGE, "asked for every email from now on", "no longer asked",
      "asked for every email from now on" },
    { "sequences", true, WEIGHT_CHANGE, "entered by what happens from now on",
      "runs under way end as `ended`, reason `gone`", RUNS },
    { "experiments", true, WEIGHT_CHANGE, "exposure begins with its next email",
      "its counters stay; nobody is exposed any more", "from the next exposure on" },
    { "limits", true, WEIGHT_CHANGE, "planned emails are planned again",
      "planned emails are planned again", "planned emails are planned again" },
    { "topics", true, WEIGHT_WARNING, "", "", "" },
};

static struct change *add_change(struct comparison *c, enum weight weight, enum diff_kind kind,
                                 struct text path, struct text sentence)
{
    struct change *change;

    c->changes = mem_grow32(c->changes, c->count, &c->capacity, sizeof(*c->changes));
    change = &c->changes[c->count++];
    *change = (struct change){ .weight = weight, .kind = kind, .path = path, .sentence = sentence };
    change->place = rule_place_key(c->is, arena_text(&c->arena, path).at);
    change->old_place = rule_place_key(c->was, arena_text(&c->arena, path).at);
    return change;
}

/* --- sections --- */

static struct text sentence_of(const struct section *s, enum diff_kind kind)
{
    return text_of(kind == DIFF_ADDED ? s->added : kind == DIFF_REMOVED ? s->removed : s->changed);
}

static void compare_item(struct comparison *c, const struct section *s, struct text path,
                         const struct yaml_node *was, const struct yaml_node *is)
{
    struct diff_details details = { .arena = &c->arena };
    enum diff_kind kind = was == NULL ? DIFF_ADDED : is == NULL ? DIFF_REMOVED : DIFF_CHANGED;

    config_diff(was, is, &details);
    if (details.count == 0) {
        config_diff_fini(&details);
        return;
    }
    add_change(c, s->weight, kind, path, sentence_of(s, kind))->details = details;
}

static const struct yaml_node *child(const struct yaml_node *map, struct text key)
{
    for (uint32_t i = 0; map != NULL && map->kind == YAML_MAP && i < map->count; i++) {
        if (text_equal(map->keys[i]->text, key)) {
            return map->items[i];
        }
    }
    return NULL;
}

static void compare_section(struct comparison *c, const struct section *s)
{
    const struct yaml_node *was = yaml_get(c->was->root, s->name, NULL);
    const struct yaml_node *is = yaml_get(c->is->root, s->name, NULL);

    if (!s->has_items) {
        compare_item(c, s, text_of(s->name), was, is);
        return;
    }
    for (uint32_t i = 0; is != NULL && is->kind == YAML_MAP && i < is->count; i++) {
        struct text key = is->keys[i]->text;

        compare_item(c, s, arena_format(&c->arena, "%s.%.*s", s->name, TEXT_PRINTF(key)),
                     child(was, key), is->items[i]);
    }
    for (uint32_t i = 0; was != NULL && was->kind == YAML_MAP && i < was->count; i++) {
        struct text key = was->keys[i]->text;

        if (child(is, key) == NULL) {
            compare_item(c, s, arena_format(&c->arena, "%s.%.*s", s->name, TEXT_PRINTF(key)),
                         was->items[i], NULL);
        }
    }
}

/* --- what the sections do not say --- */

/* Segments whose text names a changed score, filter or attribute: "intent." */
static void note_users(struct comparison *c, struct change *change, const char *prefix)
{
    const struct segments_plan *plan = &c->is->rules->segments;
    const char *dot = memchr(change->path.at, '.', change->path.size);
    struct text name, users = TEXT("");

    if (dot == NULL) {
        return;
    }
    name = arena_format(&c->arena, "%s%.*s", prefix,
                        (int)(change->path.size - (size_t)(dot + 1 - change->path.at)), dot + 1);
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct yaml_node *n =
            child(yaml_get(c->is->root, "segments", NULL), plan->segments[i].id);

        if (config_diff_mentions(n, name)) {
            users = arena_format(&c->arena, "%.*s%s%.*s", TEXT_PRINTF(users),
                                 users.size == 0 ? "" : ", ", TEXT_PRINTF(plan->segments[i].id));
        }
    }
    if (users.size > 0) {
        change->sentence = arena_format(&c->arena, "%.*s; used by the segments %.*s",
                                        TEXT_PRINTF(change->sentence), TEXT_PRINTF(users));
    }
}

static void note_gone_emails(struct comparison *c, struct change *change)
{
    uint32_t gone = 0;

    for (uint32_t i = 0; i < change->details.count; i++) {
        const struct diff_detail *d = &change->details.items[i];

        gone += d->kind == DIFF_REMOVED && text_starts_with(d->path, TEXT("emails.")) &&
                memchr(d->path.at + sizeof("emails.") - 1, '.',
                       d->path.size - (sizeof("emails.") - 1)) == NULL;
    }
    if (gone > 0) {
        change->weight = WEIGHT_WARNING;
        change->sentence = arena_format(
            &c->arena, "%.*s; %u email%s gone: a run that comes to one skips it (reason `gone`)",
            TEXT_PRINTF(change->sentence), gone, gone == 1 ? " is" : "s are");
    }
}

static void note_topic(struct comparison *c, struct change *change)
{
    static const char *const inputs[] = {
        [DIFF_ADDED] = "an input more: its events count from where the group begins in it; it must "
                       "have as many partitions as the others",
        [DIFF_REMOVED] = "an input less: its events are no longer read",
        [DIFF_CHANGED] = "its records are read by other rules from now on"
    };
    bool is_input = text_is(change->path, "topics.in");

    change->sentence =
        is_input ? text_of(inputs[DIFF_CHANGED]) : TEXT("readers of this topic must follow");
    for (uint32_t i = 0; is_input && i < change->details.count; i++) {
        const struct diff_detail *d = &change->details.items[i];

        if (d->kind != DIFF_CHANGED) {
            change->sentence = text_of(inputs[d->kind]);
        }
    }
    (void)c;
}

static void note_changes(struct comparison *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        struct change *change = &c->changes[i];

        if (text_is(change->path, "scores.rfm") && change->kind == DIFF_CHANGED) {
            change->sentence = TEXT("the cut points move: r, f, m and the segments made of them "
                                    "follow at once, from the orders stored; " AGAIN);
            note_users(c, change, "");
        } else if (text_starts_with(change->path, TEXT("scores."))) {
            note_users(c, change, "");
        } else if (text_starts_with(change->path, TEXT("attributes.")) ||
                   text_starts_with(change->path, TEXT("remember."))) {
            note_users(c, change, "customer.");
        } else if (text_starts_with(change->path, TEXT("filters."))) {
            note_users(c, change, "\"");
        } else if (text_starts_with(change->path, TEXT("sequences."))) {
            note_gone_emails(c, change);
        } else if (text_starts_with(change->path, TEXT("topics."))) {
            note_topic(c, change);
        }
    }
}

/* --- counters: what was not counted so far is a lower bound until its window has filled --- */

static void add_counter(struct comparison *c, struct text name, int64_t missing_ms)
{
    struct text sentence =
        missing_ms == INSTANT_NEVER
            ? TEXT("counts from now on: a lower bound for ever (it has no window)")
            : arena_format(&c->arena, "a lower bound until %.*s (%.*s from now)",
                           TEXT_PRINTF(value_text_instant(&c->arena, c->now_ms + missing_ms)),
                           TEXT_PRINTF(value_text_duration(&c->arena, missing_ms)));

    add_change(c, WEIGHT_WARNING, DIFF_ADDED,
               arena_format(&c->arena, "counter of %.*s", TEXT_PRINTF(name)), sentence)
        ->is_counter = true;
}

/* How much of the new window the old one did not keep; 0: all is there. */
static int64_t missing_of(int64_t was_ms, int64_t is_ms)
{
    return is_ms <= was_ms ? 0 : is_ms == INSTANT_NEVER ? INSTANT_NEVER : is_ms - was_ms;
}

static void compare_counters(struct comparison *c)
{
    const struct facts_plan *was = &c->was->rules->facts, *is = &c->is->rules->facts;
    int64_t missing_ms = missing_of(was->order_window_ms, is->order_window_ms);

    for (uint32_t i = 0; i < is->history_count; i++) {
        const struct history_plan *h = &is->histories[i];
        int64_t kept_ms = 0;
        int64_t history_missing_ms;

        for (uint32_t k = 0; k < was->history_count; k++) {
            if (was->histories[k].key == h->key) {
                kept_ms = was->histories[k].window_ms;
            }
        }
        history_missing_ms = missing_of(kept_ms, h->window_ms);
        if (history_missing_ms > 0) {
            add_counter(c,
                        arena_format(&c->arena, "%.*s%s", TEXT_PRINTF(h->name),
                                     h->field == 0 ? "" : ", of one field"),
                        history_missing_ms);
        }
    }
    if (missing_ms > 0) {
        add_counter(c, TEXT("purchase"), missing_ms);
    }
}

static void compare_experiments(struct comparison *c)
{
    const struct experiment_plan *x;
    uint32_t cursor = 0;

    while ((x = experiments_changed(c->was->rules, c->is->rules, &cursor)) != NULL) {
        struct text path = arena_format(&c->arena, "experiments.%.*s", TEXT_PRINTF(x->id));

        for (uint32_t i = 0; i < c->count; i++) { /* the difference was found by its text, too */
            struct change *change = &c->changes[i];

            if (text_equal(change->path, path)) {
                change->weight = WEIGHT_ERROR;
                change->sentence = arena_format(&c->arena,
                                                "other arms under version %" PRId32
                                                ": what was counted so far would mean "
                                                "nothing; give it version: %" PRId32,
                                                x->version, x->version + 1);
                c->errors++;
            }
        }
    }
}

/* --- saying --- */

static const char *const weights[] = { [WEIGHT_NOTE] = "note",
                                       [WEIGHT_CHANGE] = "change",
                                       [WEIGHT_WARNING] = "warning",
                                       [WEIGHT_ERROR] = "error" };
static const char *const kinds[] = {
    [DIFF_ADDED] = "added", [DIFF_REMOVED] = "removed", [DIFF_CHANGED] = "changed"
};

static void print_places(const struct change *change)
{
    char is[RULE_PLACE_SIZE], was[RULE_PLACE_SIZE];

    rule_place_format(&change->place, is);
    rule_place_format(&change->old_place, was);
    if (change->place.file != NULL && change->old_place.file != NULL) {
        printf("   (%s, was %s)", is, was);
    } else if (change->place.file != NULL) {
        printf("   (%s)", is);
    } else if (change->old_place.file != NULL) {
        printf("   (was %s)", was);
    }
}

static void print_detail(const struct diff_detail *d)
{
    printf("           %.*s%s", TEXT_PRINTF(d->path), d->path.size > 0 ? ": " : "");
    if (d->kind == DIFF_CHANGED) {
        printf("%.*s -> %.*s\n", TEXT_PRINTF(d->was), TEXT_PRINTF(d->is));
    } else {
        printf("%s %.*s\n", kinds[d->kind], TEXT_PRINTF(d->kind == DIFF_ADDED ? d->is : d->was));
    }
}

static void say_text(const struct comparison *c, const char *path, const char *old_path)
{
    printf("%s against %s: ", path, old_path);
    if (c->count == 0) {
        printf("no change; config %.*s\n", TEXT_PRINTF(c->is->rules->config_hex));
        return;
    }
    printf("%u change%s\n", c->count, c->count == 1 ? "" : "s");
    for (int weight = WEIGHT_ERROR; weight >= WEIGHT_NOTE; weight--) {
        for (uint32_t i = 0; i < c->count; i++) {
            const struct change *change = &c->changes[i];

            if ((int)change->weight != weight) {
                continue;
            }
            printf("%-8s %.*s %s", weights[weight], TEXT_PRINTF(change->path),
                   change->is_counter ? "begins" : kinds[change->kind]);
            print_places(change);
            printf("\n         %.*s\n", TEXT_PRINTF(change->sentence));
            for (uint32_t k = 0; change->kind == DIFF_CHANGED && k < change->details.count; k++) {
                print_detail(&change->details.items[k]);
            }
        }
    }
}

static void say_json(const struct comparison *c, const char *path, const char *old_path)
{
    struct json_out j = { .to = stdout };

    json_out_open(&j, NULL, '{');
    json_out_text(&j, "file", text_of(path));
    json_out_text(&j, "against", text_of(old_path));
    json_out_text(&j, "config", c->is->rules->config_hex);
    json_out_text(&j, "old_config", c->was->rules->config_hex);
    json_out_int(&j, "errors", c->errors);
    json_out_open(&j, "changes", '[');
    for (uint32_t i = 0; i < c->count; i++) {
        const struct change *change = &c->changes[i];

        json_out_open(&j, NULL, '{');
        json_out_text(&j, "severity", text_of(weights[change->weight]));
        json_out_text(&j, "kind", text_of(kinds[change->kind]));
        json_out_text(&j, "path", change->path);
        json_out_text(&j, "effect", change->sentence);
        json_out_int(&j, "line", change->place.line);
        json_out_int(&j, "old_line", change->old_place.line);
        json_out_open(&j, "details", '[');
        for (uint32_t k = 0; k < change->details.count; k++) {
            const struct diff_detail *d = &change->details.items[k];

            json_out_open(&j, NULL, '{');
            json_out_text(&j, "path", d->path);
            json_out_text(&j, "kind", text_of(kinds[d->kind]));
            json_out_text(&j, "old", d->was);
            json_out_text(&j, "new", d->is);
            json_out_close(&j, '}');
        }
        json_out_close(&j, ']');
        json_out_close(&j, '}');
    }
    json_out_close(&j, ']');
    json_out_close(&j, '}');
    putchar('\n');
}

static enum exit_code compare(const struct config *was, const struct config *is, const char *path,
                              const char *old_path, int64_t now_ms, bool is_json)
{
    struct comparison c = { .was = was, .is = is, .now_ms = now_ms };
    uint32_t errors;

    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        compare_section(&c, &sections[i]);
    }
    note_changes(&c);
    compare_counters(&c);
    compare_experiments(&c);
    if (is_json) {
        say_json(&c, path, old_path);
    } else {
        say_text(&c, path, old_path);
    }
    errors = c.errors;
    for (uint32_t i = 0; i < c.count; i++) {
        config_diff_fini(&c.changes[i].details);
    }
    mem_free(c.changes);
    arena_fini(&c.arena);
    return errors > 0 ? EXIT_BAD_CONFIG : EXIT_GOOD;
}

enum exit_code check_against(const char *path, const char *old_path,
                             const struct cli_overrides *overrides, int64_t now_ms, bool is_json)
{
    struct config *was = NULL, *is = NULL;
    enum exit_code code = cli_load(old_path, CONFIG_NEED_RULES, NULL, &was);

    code = code == EXIT_GOOD ? cli_load(path, CONFIG_NEED_RULES, overrides, &is) : code;
    if (code == EXIT_GOOD) {
        code = compare(was, is, path, old_path, now_ms, is_json);
    }
    config_free(was);
    config_free(is);
    return code;
}
