#include "processor/base/instant.h"
#include "processor/config/load.h"
#include "schemas/avro.h"
#include "schemas/commit.h"

#include <stdio.h>

#define SCHEMA_FILE_SIZE_MAX (1024 * 1024)
#define TOPIC_SIZE_MAX       249 /* Kafka's own limit */

static const struct {
    const char *key;
    enum output_type type;
} outputs[] = { { "triggers", OUTPUT_TRIGGER },
                { "memberships", OUTPUT_MEMBERSHIP },
                { "outcomes", OUTPUT_OUTCOME },
                { "dead_letters", OUTPUT_DEAD_LETTER } };

static bool check_topic(struct loader *l, const struct yaml_node *n)
{
    struct text t = n->text;
    bool is_good = t.size > 0 && t.size <= TOPIC_SIZE_MAX && !text_is(t, ".") && !text_is(t, "..");

    for (size_t i = 0; is_good && i < t.size; i++) {
        char c = t.at[i];

        is_good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
    }
    if (!is_good) {
        problem_add(l->problems, n->place, "E0170",
                    "this is no name of a topic: letters, digits, ., _ and -, at most 249");
    }
    return is_good;
}

static struct text mapped(struct loader *l, const struct yaml_node *n, const char *key)
{
    return arena_text(l->arena, load_text(n, key));
}

static void load_kinds(struct loader *l, const struct yaml_node *map, struct event_mapping *m)
{
    struct text *from = arena_alloc(l->arena, (map->count + 1) * sizeof(struct text));
    struct text *to = arena_alloc(l->arena, (map->count + 1) * sizeof(struct text));

    for (uint32_t i = 0; i < map->count; i++) {
        from[i] = arena_text(l->arena, map->keys[i]->text);
        to[i] = arena_text(l->arena, map->items[i]->text);
    }
    m->map_from = from;
    m->map_to = to;
    m->map_count = map->count;
}

static void check_schema(struct loader *l, const struct yaml_node *n, const struct topic_config *t)
{
    struct avro_decoder *decoder = NULL;
    char sentence[256] = "";

    if (avro_decoder_new(&t->mapping, t->schema_json, &decoder, sentence) != OK) {
        problem_add(l->problems, n->place, "E0173", "this file is no usable Avro schema: %s",
                    sentence);
    }
    avro_decoder_free(decoder);
}

static void load_schema(struct loader *l, const struct yaml_node *n, struct topic_config *t)
{
    FILE *file;
    char *text;
    size_t size;

    if (n == NULL) {
        return;
    }
    file = fopen(arena_text(l->arena, n->text).at, "rb");
    if (file == NULL) {
        problem_add(l->problems, n->place, "E0002", "cannot read the file `%.*s`",
                    TEXT_PRINTF(n->text));
        return;
    }
    text = arena_alloc(l->arena, SCHEMA_FILE_SIZE_MAX);
    size = fread(text, 1, SCHEMA_FILE_SIZE_MAX, file);
    (void)fclose(file);
    t->schema_json = (struct text){ text, size };
    check_schema(l, n, t);
}

/* One topic has one use: read, or written as one type. */
static void check_uses(struct loader *l, const struct yaml_node *topics)
{
    const struct yaml_node *in = yaml_get(topics, "in", NULL);

    for (size_t i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++) {
        const struct yaml_node *to =
            yaml_get(yaml_get(topics, outputs[i].key, NULL), "topic", NULL);
        const struct yaml_node *other = NULL;

        for (size_t k = 0; to != NULL && k < i; k++) {
            const struct yaml_node *n =
                yaml_get(yaml_get(topics, outputs[k].key, NULL), "topic", NULL);

            other = n != NULL && text_equal(n->text, to->text) ? n : other;
        }
        for (uint32_t k = 0; to != NULL && in != NULL && in->kind == YAML_MAP && k < in->count;
             k++) {
            other = text_equal(in->keys[k]->text, to->text) ? in->keys[k] : other;
        }
        if (other != NULL) {
            problem_note(problem_add(l->problems, to->place, "E0172", "`%.*s` has two uses",
                                     TEXT_PRINTF(to->text)),
                         other->place, "the other is here");
        }
    }
}

static void load_input(struct loader *l, const struct yaml_node *key, const struct yaml_node *n,
                       struct topic_config *t)
{
    const struct yaml_node *kind = yaml_get(n, "kind", NULL);
    const struct yaml_node *map;

    (void)check_topic(l, key);
    t->topic = arena_text(l->arena, key->text);
    t->is_json = text_is(load_text(n, "format"), "json");
    if (kind != NULL && kind->kind == YAML_MAP) {
        t->mapping.kind_field = mapped(l, kind, "field");
        map = yaml_get(kind, "map", NULL);
        if (map != NULL && map->kind == YAML_MAP) {
            load_kinds(l, map, &t->mapping);
        }
    } else if (kind != NULL) {
        t->mapping.kind = arena_text(l->arena, kind->text);
    }
    t->mapping.customer = mapped(l, n, "customer");
    t->mapping.at = mapped(l, n, "at");
    t->mapping.id = mapped(l, n, "id");
    t->mapping.email = mapped(l, n, "email");
    t->mapping.order = mapped(l, n, "order");
    t->mapping.amount = mapped(l, n, "amount");
    t->mapping.currency = mapped(l, n, "currency");
    load_schema(l, yaml_get(n, "schema", NULL), t);
}

/* "5% per 1m" */
static void load_stop_above(struct loader *l, const struct yaml_node *n)
{
    struct breaker_plan plan = { 0, 0 };
    const char *per =
        n == NULL || n->text.size == 0 ? NULL : memmem(n->text.at, n->text.size, " per ", 5);
    struct yaml_node share, window;

    if (n == NULL || n->kind != YAML_SCALAR) {
        return;
    }
    share = window = *n;
    if (per != NULL) {
        share.text.size = (size_t)(per - n->text.at);
        window.text = (struct text){ per + 5, n->text.size - share.text.size - 5 };
    }
    if (per == NULL || !scalar_percent(&share, &plan.share) ||
        !scalar_duration(&window, &plan.window_ms) || plan.window_ms < SECOND_MS ||
        plan.window_ms > DAY_MS) {
        problem_add(l->problems, n->place, "E0007",
                    "expected a share of the input and a time from 1s to 1d, like 5%% per 1m");
        return;
    }
    l->config->stop_above = plan;
}

void load_topics(struct loader *l)
{
    const struct yaml_node *n = load_section(l, "topics", YAML_MAP);
    const struct yaml_node *in = yaml_get(n, "in", NULL);
    struct config *c = l->config;
    struct topic_config *inputs;

    if (n == NULL) {
        return;
    }
    inputs = arena_alloc(l->arena, ((in == NULL ? 0 : in->count) + 1) * sizeof(*inputs));
    for (uint32_t i = 0; in != NULL && in->kind == YAML_MAP && i < in->count; i++) {
        if (in->items[i]->kind == YAML_MAP) {
            load_input(l, in->keys[i], in->items[i], &inputs[c->input_count++]);
        }
    }
    c->inputs = inputs;
    load_stop_above(l, yaml_get(yaml_get(n, "dead_letters", NULL), "stop_above", NULL));
    check_uses(l, n);
    if (in != NULL && (c->input_count == 0 || c->input_count > COMMIT_TOPICS_MAX)) {
        problem_add(l->problems, in->place, "E0171", "1 to %d input topics", COMMIT_TOPICS_MAX);
    }
    for (size_t i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++) {
        const struct yaml_node *output = yaml_get(n, outputs[i].key, NULL);
        const struct yaml_node *topic = yaml_get(output, "topic", NULL);
        struct text format = load_text(output, "format");

        c->output_formats[outputs[i].type] = text_is(format, "json") ? OUTPUT_FORMAT_JSON
                                             : text_is(format, "avro_bare")
                                                 ? OUTPUT_FORMAT_AVRO_BARE
                                                 : OUTPUT_FORMAT_AVRO;
        if (topic != NULL && check_topic(l, topic)) {
            c->outputs[outputs[i].type] = arena_text(l->arena, topic->text);
        } else if (topic == NULL && (l->needs & CONFIG_NEED_TOPICS) != 0) {
            problem_add(l->problems, n->place, "E0004", "`%s` is missing here", outputs[i].key);
        }
    }
}
