#include "processor/cli/rule_place.h"

static const struct place nowhere;

static struct place place_of_key(const struct yaml_node *found, const struct yaml_node *key)
{
    return found == NULL || key == NULL ? nowhere : key->place;
}

struct place rule_place_key(const struct config *c, const char *path)
{
    const struct yaml_node *key = NULL, *found = config_find(c, text_of(path), &key);

    return place_of_key(found, key);
}

struct place rule_place_segment(const struct config *c, struct text id)
{
    const char *dot = id.size == 0 ? NULL : memchr(id.at, '.', id.size);
    struct text segment = { id.at, dot == NULL ? id.size : (size_t)(dot - id.at) };
    const struct yaml_node *key = NULL, *rung_key = NULL, *found;
    char path[RULE_PLACE_SIZE];

    (void)text_format(path, sizeof(path), "segments.%.*s", TEXT_PRINTF(segment));
    found = config_find(c, text_of(path), &key);
    if (dot != NULL) {
        (void)text_format(path, sizeof(path), "segments.%.*s.first_of.%.*s", TEXT_PRINTF(segment),
                          (int)(id.size - segment.size - 1), dot + 1);
        if (config_find(c, text_of(path), &rung_key) != NULL) {
            return rung_key->place;
        }
    }
    return place_of_key(found, key);
}

struct place rule_place_sequence(const struct config *c, struct text sequence, const char *path)
{
    const struct yaml_node *key = NULL, *found;
    char full[RULE_PLACE_SIZE];

    (void)text_format(full, sizeof(full), "sequences.%.*s%s%s", TEXT_PRINTF(sequence),
                      path[0] == '\0' ? "" : ".", path);
    found = config_find(c, text_of(full), &key);
    return place_of_key(found, key);
}

struct place rule_place_email(const struct config *c, struct text sequence, struct text email)
{
    const struct yaml_node *list;
    char path[RULE_PLACE_SIZE];

    (void)text_format(path, sizeof(path), "sequences.%.*s.emails", TEXT_PRINTF(sequence));
    list = config_find(c, text_of(path), NULL);
    for (uint32_t i = 0; list != NULL && list->kind == YAML_LIST && i < list->count; i++) {
        const struct yaml_node *id = yaml_get(list->items[i], "id", NULL);

        if (id != NULL && text_equal(id->text, email)) {
            return list->items[i]->place;
        }
    }
    return nowhere;
}

const char *rule_place_branch_name(enum branch_kind k)
{
    static const char *const names[BRANCH__COUNT] = {
        [BRANCH_OPENED] = "opened_not_clicked",
        [BRANCH_CLICKED] = "clicked_not_converted",
        [BRANCH_NO_ENGAGEMENT] = "no_engagement",
        [BRANCH_NOT_DELIVERED] = "not_delivered",
    };

    return names[k];
}

void rule_place_format(const struct place *place, char out[RULE_PLACE_SIZE])
{
    if (place->file == NULL) {
        (void)text_format(out, RULE_PLACE_SIZE, "the command line");
    } else {
        (void)text_format(out, RULE_PLACE_SIZE, "%.*s:%u", TEXT_PRINTF(place->file->name),
                          place->line);
    }
}
