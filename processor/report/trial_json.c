#include "processor/report/trial_json.h"

#include <jansson.h>
#include <math.h>

#define COUNT_MAX 9007199254740992.0 /* 2^53: numbers of JSON are exact up to it */
#define SAY(...)  (void)text_format(sentence, 256, __VA_ARGS__)

static bool read_count(const json_t *arm, const char *key, size_t number, int64_t *out,
                       char sentence[256])
{
    const json_t *node = json_object_get(arm, key);
    double value = json_number_value(node);

    if (!json_is_number(node) || value < 0 || value > COUNT_MAX || floor(value) < value) {
        SAY("`%s` of arm %zu is not a number of customers", key, number);
        return false;
    }
    *out = (int64_t)value;
    return true;
}

static bool refuse_unknown(json_t *object, const char *const *known, const char *where,
                           char sentence[256])
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        const char *const *k = known;

        while (*k != NULL && strcmp(*k, key) != 0) {
            k++;
        }
        if (*k == NULL) {
            SAY("`%s` is no key of %s", key, where);
            return false;
        }
    }
    return true;
}

static bool read_arm(json_t *node, size_t number, struct arena *arena, struct trial_arm *out,
                     char sentence[256])
{
    static const char *const known[] = { "name", "assigned", "converted", "weight", NULL };
    const json_t *name, *weight;

    if (!json_is_object(node)) {
        SAY("arm %zu is not an object", number);
        return false;
    }
    name = json_object_get(node, "name");
    weight = json_object_get(node, "weight");
    if (!refuse_unknown(node, known, "an arm", sentence) ||
        !read_count(node, "assigned", number, &out->rate.count, sentence) ||
        !read_count(node, "converted", number, &out->rate.hits, sentence)) {
        return false;
    }
    if (out->rate.hits > out->rate.count) {
        SAY("arm %zu has more conversions than customers", number);
        return false;
    }
    if (weight != NULL && (!json_is_number(weight) || json_number_value(weight) < 0)) {
        SAY("`weight` of arm %zu is not a number from 0 on", number);
        return false;
    }
    if (name != NULL && !json_is_string(name)) {
        SAY("`name` of arm %zu is not a text", number);
        return false;
    }
    out->name = name == NULL ? arena_format(arena, "%zu", number)
                             : arena_text(arena, text_of(json_string_value(name)));
    out->weight = weight == NULL ? 1 : json_number_value(weight);
    return true;
}

static bool read_arms(const json_t *nodes, struct arena *arena, struct trial *out,
                      char sentence[256])
{
    size_t count = json_array_size(nodes);
    struct trial_arm *arms;
    double weights = 0;

    if (!json_is_array(nodes) || count < 2 || count > TRIAL_ARMS_MAX) {
        SAY("`arms` is not a list of 2 to %d arms", TRIAL_ARMS_MAX);
        return false;
    }
    arms = arena_alloc(arena, count * sizeof(*arms));
    for (size_t i = 0; i < count; i++) {
        if (!read_arm(json_array_get(nodes, i), i + 1, arena, &arms[i], sentence)) {
            return false;
        }
        weights += arms[i].weight;
    }
    if (weights <= 0 || !isfinite(weights)) {
        SAY("the weights are all zero, or beyond all bounds");
        return false;
    }
    out->arms = arms;
    out->arm_count = (uint32_t)count;
    return true;
}

static bool read_trial(json_t *root, struct arena *arena, struct trial *out, char sentence[256])
{
    static const char *const known[] = { "alpha", "arms", NULL };
    const json_t *alpha = json_object_get(root, "alpha");

    if (!json_is_object(root)) {
        SAY("it is not an object {\"alpha\": .., \"arms\": [..]}");
        return false;
    }
    out->alpha = alpha == NULL ? 0.05 : json_number_value(alpha);
    if ((alpha != NULL && !json_is_number(alpha)) || out->alpha <= 0 || out->alpha >= 1) {
        SAY("`alpha` is not between 0 and 1");
        return false;
    }
    return refuse_unknown(root, known, "this file", sentence) &&
           read_arms(json_object_get(root, "arms"), arena, out, sentence);
}

bool trial_json_read(struct bytes file, struct arena *arena, struct trial *out_trial,
                     char out_sentence[256])
{
    struct trial t = { 0 };
    json_error_t error;
    json_t *root = json_loadb((const char *)file.at, file.size, JSON_REJECT_DUPLICATES, &error);
    bool is_good;

    if (root == NULL) {
        (void)text_format(out_sentence, 256, "line %d: %s", error.line, error.text);
        return false;
    }
    is_good = read_trial(root, arena, &t, out_sentence);
    json_decref(root);
    if (is_good) {
        *out_trial = t;
    }
    return is_good;
}
