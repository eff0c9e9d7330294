/* DESIGN. Three steps: files to one tree (read.c, yaml.c; --set and !env and !file applied), the
 * tree against the table of keys (keys.c: everything about form), then one loader per part
 * (everything about meaning). All of them go on after an error, so all errors come at once.
 */
#include "processor/config/config.h"

#include "processor/base/bytes.h"
#include "processor/base/hash.h"
#include "processor/base/mem.h"
#include "processor/config/load.h"
#include "processor/config/read.h"
#include "processor/config/warn.h"

/* --- the hash of the rules: what decides, not where it runs --- */

static void hash_tree(const struct yaml_node *n, struct bytes_out *out)
{
    bytes_put_byte(out, (uint8_t)n->kind);
    if (n->kind == YAML_SCALAR) {
        bytes_put_text(out, n->text);
    }
    for (uint32_t i = 0; i < n->count; i++) {
        if (n->kind == YAML_MAP) {
            if (text_is(n->keys[i]->text, "profile")) {
                continue; /* for people */
            }
            bytes_put_text(out, n->keys[i]->text);
        }
        hash_tree(n->items[i], out);
    }
    bytes_put_byte(out, 0xff);
}

static void hash_rules(struct loader *l)
{
    static const char *const deciding[] = { "version",    "app",        "currency", "time",
                                            "attributes", "remember",   "filters",  "scores",
                                            "segments",   "content",    "send_if",  "sequences",
                                            "limits",     "experiments" };
    struct bytes_out out = { 0 };
    struct bytes all;

    for (size_t i = 0; i < sizeof(deciding) / sizeof(deciding[0]); i++) {
        const struct yaml_node *n = yaml_get(l->root, deciding[i], NULL);

        bytes_put_text(&out, text_of(deciding[i]));
        if (n != NULL) {
            hash_tree(n, &out);
        }
    }
    all = bytes_out_view(&out);
    l->rules->config = hash64((struct text){ (const char *)all.at, all.size });
    l->rules->config_hex = arena_format(l->arena, "%016llx", (unsigned long long)l->rules->config);
    bytes_out_fini(&out);
}

/* --- all of it --- */

/* One sentence for all: they have one place. */
static void need_sections(struct loader *l)
{
    static const struct {
        enum config_need need;
        const char *name;
    } sections[] = { { CONFIG_NEED_KAFKA, "kafka" },
                     { CONFIG_NEED_STATE, "state" },
                     { CONFIG_NEED_TOPICS, "topics" } };
    char missing[64] = "";
    int count = 0;

    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        if ((l->needs & (int)sections[i].need) != 0 &&
            yaml_get(l->root, sections[i].name, NULL) == NULL) {
            size_t used = strlen(missing);

            (void)text_format(missing + used, sizeof(missing) - used, "%s`%s`",
                              count++ > 0 ? ", " : "", sections[i].name);
        }
    }
    if (count > 0) {
        problem_add(l->problems, l->root->place, "E0004", "%s %s missing: this command needs %s",
                    missing, count == 1 ? "is" : "are", count == 1 ? "it" : "them");
    }
}

static void load_app(struct loader *l)
{
    const struct yaml_node *n = load_section(l, "app", YAML_SCALAR);
    bool is_good = n != NULL && n->text.size > 0 && n->text.size <= 32 && n->text.at[0] >= 'a' &&
                   n->text.at[0] <= 'z';

    for (size_t i = 0; is_good && i < n->text.size; i++) {
        char c = n->text.at[i];

        is_good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    }
    if (is_good) {
        l->rules->app = arena_text(l->arena, n->text);
    } else if (n != NULL) {
        problem_add(l->problems, n->place, "E0010",
                    "`app` is small letters, digits, _ and -, a letter first, at most 32");
    }
}

/* Records find names by 32-bit keys. */
static void check_keys(struct loader *l)
{
    static const char *const sections[] = { "attributes", "remember", "scores", "segments",
                                            "sequences" };

    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        const struct yaml_node *n = load_section(l, sections[i], YAML_MAP);

        if (n != NULL) {
            load_check_keys(l, n->keys, n->count);
        }
    }
}

static void load_all(struct loader *l)
{
    keys_check_map(l->root, NULL, &KEYS_ROOT, l->problems);
    need_sections(l);
    check_keys(l);
    load_app(l);
    load_time(l);
    load_facts(l);
    load_arms(l);
    load_segments(l);
    load_limits(l);
    load_content(l);
    load_experiments(l);
    load_sequences(l);
    load_topics(l);
    load_process(l);
    load_tests(l);
    hash_rules(l);
}

static void warn_all(struct loader *l)
{
    warn_facts(l);
    warn_segments(l);
    warn_content(l);
    warn_sequences(l);
    warn_experiments(l);
    warn_limits(l);
    if ((l->needs & CONFIG_NEED_NOTES) == 0) {
        problems_drop(l->problems, "W08");
    }
}

static void loader_init(struct loader *l, int needs, struct config_problems *problems)
{
    struct config *c = mem_alloc(sizeof(*c));

    c->rules = mem_alloc(sizeof(*c->rules));
    *l = (struct loader){ .config = c,
                          .rules = c->rules,
                          .arena = &c->rules->arena,
                          .problems = problems,
                          .needs = needs };
    c->rules->facts.arena = l->arena;
}

/* Places outlive the problems: their files move to the rules' arena, without their text. */
static void keep_files(struct loader *l, struct yaml_node *n, const struct config_file **was,
                       struct config_file **is)
{
    if (n->place.file != NULL && n->place.file != *was) {
        *was = n->place.file;
        *is = arena_alloc(l->arena, sizeof(**is));
        (*is)->name = arena_text(l->arena, n->place.file->name);
        (*is)->order = n->place.file->order;
    }
    n->place.file = n->place.file == NULL ? NULL : *is;
    for (uint32_t i = 0; i < n->count; i++) {
        if (n->kind == YAML_MAP) {
            keep_files(l, n->keys[i], was, is);
        }
        keep_files(l, n->items[i], was, is);
    }
}

static enum err finish(struct loader *l, struct yaml_node *root, const struct config_override *o,
                       uint32_t override_count, struct config **out_config)
{
    const struct config_file *was = NULL;
    struct config_file *is = NULL;

    *out_config = NULL;
    if (root != NULL) {
        for (uint32_t i = 0; i < override_count; i++) {
            read_override(l, root, &o[i]);
        }
        read_secrets(l, root);
        l->root = root;
        load_all(l);
    }
    if (root == NULL || l->problems->error_count > 0) {
        config_free(l->config);
        return ERR_CONFIG;
    }
    if ((l->needs & CONFIG_NEED_WARNINGS) != 0) {
        warn_all(l);
    }
    keep_files(l, root, &was, &is);
    l->config->root = root;
    *out_config = l->config;
    return OK;
}

enum err config_load(const char *path, int needs, const struct config_override *overrides,
                     uint32_t override_count, struct config **out_config,
                     struct config_problems *problems)
{
    struct yaml_node *root = NULL;
    struct loader l;
    enum err error;

    loader_init(&l, needs, problems);
    error = read_path(&l, path, &root);
    if (error != OK) {
        config_free(l.config);
        *out_config = NULL;
        return problems->count > 0 && problems->items[0].place.file != NULL ? ERR_CONFIG : error;
    }
    return finish(&l, root, overrides, override_count, out_config);
}

enum err config_load_text(struct text yaml, const char *name, int needs,
                          const struct config_override *overrides, uint32_t override_count,
                          struct config **out_config, struct config_problems *problems)
{
    struct loader l;

    loader_init(&l, needs, problems);
    return finish(&l, read_text(&l, yaml, name), overrides, override_count, out_config);
}

const struct yaml_node *config_find(const struct config *c, struct text path,
                                    const struct yaml_node **out_key)
{
    const struct yaml_node *n = c->root;

    while (n != NULL && path.size > 0) {
        const char *dot = memchr(path.at, '.', path.size);
        struct text name = { path.at, dot == NULL ? path.size : (size_t)(dot - path.at) };
        const struct yaml_node *found = NULL;

        for (uint32_t i = 0; n->kind == YAML_MAP && i < n->count; i++) {
            if (text_equal(n->keys[i]->text, name)) {
                found = n->items[i];
                if (out_key != NULL) {
                    *out_key = n->keys[i];
                }
            }
        }
        n = found;
        path = dot == NULL ? TEXT("") : (struct text){ dot + 1, path.size - name.size - 1 };
    }
    return n;
}

void config_free(struct config *c)
{
    if (c == NULL) {
        return;
    }
    rules_fini(c->rules);
    mem_free(c->rules);
    mem_free(c);
}
