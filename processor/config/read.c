#include "processor/config/read.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILES_MAX       256
#define FILE_SIZE_MAX   (16 * 1024 * 1024)
#define SECRET_SIZE_MAX 4096
#define ITEM_DEPTH      2 /* segments: new: ... */

/* --- reading --- */

static struct config_file *new_file(struct config_problems *problems, struct text name)
{
    static const struct config_file none;
    struct config_file *file = arena_alloc(&problems->arena, sizeof(*file));

    *file = none;
    file->name = arena_text(&problems->arena, name);
    return file;
}

static bool read_file(struct config_file *file, struct arena *arena)
{
    FILE *from = fopen(file->name.at, "rb");
    struct stat found;
    char *text;
    size_t size;

    if (from == NULL) {
        return false;
    }
    if (fstat(fileno(from), &found) != 0 || !S_ISREG(found.st_mode) ||
        found.st_size > FILE_SIZE_MAX) {
        (void)fclose(from);
        return false;
    }
    text = arena_alloc(arena, (size_t)found.st_size + 1);
    size = fread(text, 1, (size_t)found.st_size, from);
    (void)fclose(from);
    file->text = (struct text){ text, size };
    return true;
}

/* Add `from` to `to`; a value defined in both is an error, maps are merged. Of one item (a segment,
 * a topic) that stands in both the first value says it. */
static void merge(struct yaml_node *to, const struct yaml_node *from, uint32_t depth,
                  struct loader *l)
{
    bool has_said = false;

    for (uint32_t i = 0; i < from->count; i++) {
        struct yaml_node *key = NULL;
        struct yaml_node *there = NULL;

        for (uint32_t k = 0; k < to->count && there == NULL; k++) {
            if (text_equal(to->keys[k]->text, from->keys[i]->text)) {
                there = to->items[k];
                key = to->keys[k];
            }
        }
        if (there == NULL) {
            yaml_append(to, from->keys[i], from->items[i], l->arena);
        } else if (there->kind == YAML_MAP && from->items[i]->kind == YAML_MAP) {
            merge(there, from->items[i], depth + 1, l);
        } else if (depth < ITEM_DEPTH || !has_said) {
            has_said = true;
            problem_add(l->problems, from->keys[i]->place, "E0003",
                        "duplicate key `%.*s`; first defined in %.*s:%u:%u",
                        TEXT_PRINTF(from->keys[i]->text), TEXT_PRINTF(key->place.file->name),
                        key->place.line, key->place.column);
        }
    }
}

static struct yaml_node *parse_file(struct loader *l, struct config_file *file)
{
    struct yaml_node *n = yaml_parse(file, l->arena, l->problems);

    if (n != NULL && n->kind != YAML_MAP) {
        n->place = (struct place){ file, 1, 1, 1 };
        problem_add(l->problems, n->place, "E0006", "a configuration is a map of keys");
        return NULL;
    }
    return n;
}

static int compare_names(const void *left, const void *right)
{
    const char *const *a = left, *const *b = right;

    return strcmp(*a, *b);
}

/* The *.yaml files of a folder, by name. Returns: their number. */
static uint32_t list_files(struct loader *l, const char *path, const char *names[FILES_MAX])
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    uint32_t count = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL && count < FILES_MAX) {
        if (entry->d_name[0] != '.' && text_ends_with(text_of(entry->d_name), TEXT(".yaml"))) {
            names[count++] = arena_format(l->arena, "%s/%s", path, entry->d_name).at;
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    qsort(names, count, sizeof(names[0]), compare_names);
    return count;
}

enum err read_path(struct loader *l, const char *path, struct yaml_node **out_root)
{
    const char *names[FILES_MAX] = { path };
    uint32_t count = 1;
    struct stat found;
    struct place nowhere = { 0 };

    *out_root = NULL;
    if (stat(path, &found) == 0 && S_ISDIR(found.st_mode)) {
        count = list_files(l, path, names);
        if (count == 0) {
            problem_add(l->problems, nowhere, "E0002", "no *.yaml file in the folder %s", path);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        struct config_file *file = new_file(l->problems, text_of(names[i]));
        struct yaml_node *n;

        file->order = i;
        if (!read_file(file, &l->problems->arena)) {
            problem_add(l->problems, nowhere, "E0002", "cannot read %s", names[i]);
            continue;
        }
        n = parse_file(l, file);
        if (n == NULL) {
            continue;
        }
        if (*out_root == NULL) {
            *out_root = n;
        } else {
            merge(*out_root, n, 0, l);
        }
    }
    return *out_root == NULL ? ERR_UNAVAILABLE : OK;
}

struct yaml_node *read_text(struct loader *l, struct text yaml, const char *name)
{
    struct config_file *file = new_file(l->problems, text_of(name));

    file->text = arena_text(&l->problems->arena, yaml);
    return parse_file(l, file);
}

/* --- !env NAME and !file PATH --- */

static void read_secret(struct loader *l, struct yaml_node *n)
{
    char value[SECRET_SIZE_MAX];
    FILE *from;
    size_t size;

    if (text_is(n->tag, "!env")) {
        const char *found = getenv(n->text.at);

        if (found == NULL) {
            problem_add(l->problems, n->place, "E0011", "the variable `%.*s` is not set",
                        TEXT_PRINTF(n->text));
            return;
        }
        n->text = arena_text(l->arena, text_of(found));
        problems_hide(l->problems, n->text);
    } else if (text_is(n->tag, "!file")) {
        from = fopen(n->text.at, "rb");
        if (from == NULL) {
            problem_add(l->problems, n->place, "E0002", "cannot read the file `%.*s`",
                        TEXT_PRINTF(n->text));
            return;
        }
        size = fread(value, 1, sizeof(value), from);
        (void)fclose(from);
        while (size > 0 && (value[size - 1] == '\n' || value[size - 1] == '\r')) {
            size--;
        }
        n->text = arena_text(l->arena, (struct text){ value, size });
        problems_hide(l->problems, n->text);
    } else if (!text_starts_with(n->tag, TEXT("tag:yaml.org,")) && !text_is(n->tag, "!")) {
        problem_add(l->problems, n->place, "E0001", "the tag `%.*s` is neither !env nor !file",
                    TEXT_PRINTF(n->tag));
    }
    n->is_plain = false;
    n->is_one_line = false;
}

void read_secrets(struct loader *l, struct yaml_node *n)
{
    if (n->kind == YAML_SCALAR && n->tag.at != NULL) {
        read_secret(l, n);
    }
    for (uint32_t i = 0; i < n->count; i++) {
        read_secrets(l, n->items[i]);
    }
}

/* --- --set a.b=value --- */

static struct yaml_node *plain_node(struct loader *l, struct text text)
{
    struct yaml_node *n = arena_alloc(l->arena, sizeof(*n));

    n->text = arena_text(l->arena, text);
    n->is_plain = true;
    n->place.width = 1;
    return n;
}

void read_override(struct loader *l, struct yaml_node *root, const struct config_override *o)
{
    struct config_file *file = new_file(l->problems, TEXT("--set"));
    struct text path = o->path;
    struct yaml_node *value;

    file->text = arena_text(&l->problems->arena, o->value);
    file->order = FILES_MAX;
    value = yaml_parse(file, l->arena, l->problems);
    while (value != NULL && path.size > 0) {
        const char *dot = memchr(path.at, '.', path.size);
        struct text name = { path.at, dot == NULL ? path.size : (size_t)(dot - path.at) };
        uint32_t at = 0;

        while (at < root->count && !text_equal(root->keys[at]->text, name)) {
            at++;
        }
        if (at == root->count) {
            struct yaml_node *map = plain_node(l, TEXT(""));

            map->kind = YAML_MAP;
            yaml_append(root, plain_node(l, name), map, l->arena);
        }
        if (dot == NULL) {
            root->items[at] = value;
            return;
        }
        if (root->items[at]->kind != YAML_MAP) {
            problem_add(l->problems, (struct place){ file, 1, 1, 1 }, "E0006",
                        "`%.*s` of %.*s is no map", TEXT_PRINTF(name), TEXT_PRINTF(o->path));
            return;
        }
        root = root->items[at];
        path = (struct text){ dot + 1, path.size - name.size - 1 };
    }
}
