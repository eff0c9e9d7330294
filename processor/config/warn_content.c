#include "processor/config/warn.h"

#define SEGMENTS_MAX 256 /* of all `resolve` lists together */

/* --- want --- */

static uint32_t variations(const struct yaml_node *row, struct text slot)
{
    for (uint32_t i = 0; row != NULL && row->kind == YAML_MAP && i < row->count; i++) {
        if (text_equal(row->keys[i]->text, slot)) {
            return row->items[i]->kind == YAML_LIST ? row->items[i]->count : 1;
        }
    }
    return 0;
}

static void check_row(struct loader *l, const struct yaml_node *key, const struct yaml_node *row,
                      const struct yaml_node *want)
{
    struct name_list gaps = { .count = 0 };
    char gap[128];

    for (uint32_t i = 0; i < want->count; i++) {
        uint32_t there = variations(row, want->keys[i]->text);
        int64_t wanted = 0;

        (void)scalar_int(want->items[i], &wanted);
        if (there < wanted) {
            (void)text_format(gap, sizeof(gap), "%.*s %u of %lld", TEXT_PRINTF(want->keys[i]->text),
                              there, (long long)wanted);
            name_list_add(&gaps, text_of(gap));
        }
    }
    if (gaps.count > 0) {
        struct config_problem *p =
            problem_add(l->problems, key->place, "W0150", "fewer variations than `want`: %s",
                        name_list_end(&gaps));

        if (!text_is(key->text, "default")) {
            problem_hint(p, "a slot without any falls back to the next segment, then to default");
        }
    }
}

static void check_want(struct loader *l, const struct yaml_node *channel)
{
    const struct yaml_node *want = yaml_get(channel, "want", NULL);
    const struct yaml_node *resolve = yaml_get(channel, "resolve", NULL);
    struct yaml_node *key = NULL;
    const struct yaml_node *row = yaml_get(channel, "default", &key);

    if (want == NULL || want->kind != YAML_MAP) {
        return;
    }
    check_row(l, key, row, want);
    for (uint32_t i = 0; resolve != NULL && i < resolve->count; i++) {
        const struct yaml_node *place = resolve->items[i];

        row = NULL;
        for (uint32_t k = 0; k < channel->count; k++) {
            if (text_equal(channel->keys[k]->text, resolve->items[i]->text)) {
                row = channel->items[k];
                place = channel->keys[k];
            }
        }
        check_row(l, place, row, want);
    }
}

/* --- the same content everywhere --- */

/* A segment as the matrices see it; key 0: everyone else. */
struct reader {
    uint32_t key, rung;
    const struct yaml_node *at; /* its name in the first `resolve` that has it */
};

static bool is_row_of(const struct content_row *row, const struct reader *r)
{
    return row->key == r->key && row->rung == r->rung;
}

static const struct slot_values *slot_of(const struct channel_plan *c, uint32_t slot,
                                         const struct reader *r)
{
    for (uint32_t i = 0; i < c->resolve_count; i++) {
        if (is_row_of(&c->resolve[i], r) && c->resolve[i].slots[slot].count > 0) {
            return &c->resolve[i].slots[slot];
        }
    }
    return &c->fallback.slots[slot];
}

static const struct slot_values *own_of(const struct own_slot *own, const struct reader *r)
{
    for (uint32_t i = 0; i < own->row_count; i++) {
        if (is_row_of(&own->rows[i], r) && own->rows[i].slots[0].count > 0) {
            return &own->rows[i].slots[0];
        }
    }
    return &own->fallback;
}

static bool values_equal(const struct slot_values *a, const struct slot_values *b)
{
    bool is_equal = a->count == b->count;

    for (uint32_t i = 0; is_equal && i < a->count; i++) {
        is_equal = text_equal(a->ids[i], b->ids[i]);
    }
    return is_equal;
}

static bool read_the_same(const struct loader *l, const struct reader *a, const struct reader *b)
{
    const struct rules *rules = l->rules;

    for (uint32_t i = 0; i < l->channel_count; i++) {
        for (uint32_t s = 0; s < l->channels[i]->slot_count; s++) {
            if (!values_equal(slot_of(l->channels[i], s, a), slot_of(l->channels[i], s, b))) {
                return false;
            }
        }
    }
    for (uint32_t i = 0; i < rules->sequence_count; i++) {
        for (uint32_t k = 0; k < rules->sequences[i].email_count; k++) {
            const struct email_plan *e = &rules->sequences[i].emails[k];

            for (uint32_t o = 0; o < e->own_count; o++) {
                if (!values_equal(own_of(&e->own[o], a), own_of(&e->own[o], b))) {
                    return false;
                }
            }
        }
    }
    return true;
}

static uint32_t list_readers(const struct loader *l, const struct yaml_node *content,
                             struct reader readers[SEGMENTS_MAX])
{
    uint32_t count = 0;

    readers[count++] = (struct reader){ 0, 0, NULL };
    for (uint32_t i = 0; i < content->count; i++) {
        const struct yaml_node *resolve = yaml_get(content->items[i], "resolve", NULL);
        const struct channel_plan *c = i < l->channel_count ? l->channels[i] : NULL;

        for (uint32_t k = 0; c != NULL && k < c->resolve_count && count < SEGMENTS_MAX; k++) {
            struct reader r = { c->resolve[k].key, c->resolve[k].rung, resolve->items[k] };
            bool is_there = false;

            for (uint32_t j = 1; j < count; j++) {
                is_there = is_there || is_row_of(&c->resolve[k], &readers[j]);
            }
            if (!is_there) {
                readers[count++] = r;
            }
        }
    }
    return count;
}

static void check_same(struct loader *l, const struct yaml_node *content)
{
    struct reader *readers = arena_alloc(l->arena, SEGMENTS_MAX * sizeof(*readers));
    uint32_t count = list_readers(l, content, readers);

    for (uint32_t i = 1; i < count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            struct config_problem *p;

            if (!read_the_same(l, &readers[i], &readers[k])) {
                continue;
            }
            p = problem_add(l->problems, readers[i].at->place, "W0151",
                            "`%.*s` gets the same content as %s%.*s%s everywhere",
                            TEXT_PRINTF(readers[i].at->text), k == 0 ? "everyone else" : "`",
                            k == 0 ? 0 : (int)readers[k].at->text.size,
                            k == 0 ? "" : readers[k].at->text.at, k == 0 ? "" : "`");
            if (k > 0) {
                problem_note(p, readers[k].at->place, "the other is here");
            }
            break;
        }
    }
}

void warn_content(struct loader *l)
{
    const struct yaml_node *n = load_section(l, "content", YAML_MAP);

    for (uint32_t i = 0; n != NULL && i < n->count; i++) {
        check_want(l, n->items[i]);
    }
    if (n != NULL) {
        check_same(l, n);
    }
}
