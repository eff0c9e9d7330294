#include "schemas/avro_resolve.h"

#include "processor/base/check.h"

#include <stdio.h>
#include <string.h>

struct resolve {
    uint8_t *is_assumed; /* by pair of types: fits, or is being looked at further up */
    uint32_t reader_count;
    char path[160];
    char *out_text; /* of 256 bytes; NULL: a trial, nothing is said */
};

#define IS(kind) (1u << AVRO_KIND_##kind)

/* What a writer's kind may be read as, itself included. */
static const uint32_t readable_as[AVRO_KIND__COUNT] = {
    [AVRO_KIND_NULL] = IS(NULL),
    [AVRO_KIND_BOOL] = IS(BOOL),
    [AVRO_KIND_INT] = IS(INT) | IS(LONG) | IS(FLOAT) | IS(DOUBLE),
    [AVRO_KIND_LONG] = IS(LONG) | IS(FLOAT) | IS(DOUBLE),
    [AVRO_KIND_FLOAT] = IS(FLOAT) | IS(DOUBLE),
    [AVRO_KIND_DOUBLE] = IS(DOUBLE),
    [AVRO_KIND_BYTES] = IS(BYTES) | IS(TEXT),
    [AVRO_KIND_TEXT] = IS(TEXT) | IS(BYTES),
    [AVRO_KIND_FIXED] = IS(FIXED),
    [AVRO_KIND_ENUM] = IS(ENUM) | IS(TEXT),
    [AVRO_KIND_RECORD] = IS(RECORD),
    [AVRO_KIND_ARRAY] = IS(ARRAY),
    [AVRO_KIND_MAP] = IS(MAP),
};

static bool fits(struct resolve *v, const struct avro_type *w, const struct avro_type *r);

const struct avro_field *avro_find_field(const struct avro_type *record, struct text name)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        if (text_equal(record->fields[i].name, name)) {
            return &record->fields[i];
        }
    }
    for (uint32_t i = 0; i < record->field_count; i++) {
        for (uint32_t k = 0; k < record->fields[i].alias_count; k++) {
            if (text_equal(record->fields[i].aliases[k], name)) {
                return &record->fields[i];
            }
        }
    }
    return NULL;
}

static bool same_name(const struct avro_type *w, const struct avro_type *r)
{
    if (text_equal(avro_short_name(w->full_name), avro_short_name(r->full_name))) {
        return true;
    }
    for (uint32_t i = 0; i < r->alias_count; i++) {
        if (text_equal(w->full_name, r->aliases[i])) {
            return true;
        }
    }
    return false;
}

static bool fields_fit(struct resolve *v, const struct avro_type *w, const struct avro_type *r)
{
    size_t length = strlen(v->path);

    for (uint32_t i = 0; i < r->field_count; i++) {
        const struct avro_field *wanted = &r->fields[i];
        const struct avro_field *found = avro_find_field(w, wanted->name);
        bool is_good;

        for (uint32_t k = 0; found == NULL && k < wanted->alias_count; k++) {
            found = avro_find_field(w, wanted->aliases[k]);
        }
        if (found == NULL && wanted->has_default) {
            continue;
        }
        (void)snprintf(v->path + length, sizeof(v->path) - length, "%s%.*s", length > 0 ? "." : "",
                       TEXT_PRINTF(wanted->name));
        is_good = found != NULL && fits(v, found->type, wanted->type);
        if (!is_good && v->out_text != NULL && v->out_text[0] == '\0') {
            (void)text_format(v->out_text, 256,
                              found == NULL ? "the field `%s` is missing and has no default"
                                            : "the field `%s` is %s, where %s is needed",
                              v->path, found == NULL ? "" : avro_type_words(found->type),
                              avro_type_words(wanted->type));
        }
        v->path[length] = '\0';
        if (!is_good) {
            return false;
        }
    }
    return true;
}

static bool any_branch_fits(struct resolve *v, const struct avro_type *w, const struct avro_type *r)
{
    const struct avro_type *u = w->kind == AVRO_KIND_UNION ? w : r;
    char *out_text = v->out_text;
    bool is_good = false;

    v->out_text = NULL;
    for (uint32_t i = 0; i < u->part_count && !is_good; i++) {
        if (u == w) {
            /* Null alone carries nothing: a value that is always null fits only a null. */
            is_good = u->parts[i]->kind != AVRO_KIND_NULL || u->part_count == 1 ||
                              r->kind == AVRO_KIND_NULL
                          ? fits(v, u->parts[i], r)
                          : false;
        } else {
            is_good = fits(v, w, u->parts[i]);
        }
    }
    v->out_text = out_text;
    return is_good;
}

static bool fits(struct resolve *v, const struct avro_type *w, const struct avro_type *r)
{
    uint8_t *assumed = &v->is_assumed[(size_t)w->number * v->reader_count + r->number];
    bool is_good;

    if (*assumed != 0) {
        return true;
    }
    *assumed = 1;
    if (w->kind == AVRO_KIND_UNION || r->kind == AVRO_KIND_UNION) {
        is_good = any_branch_fits(v, w, r);
    } else if ((readable_as[w->kind] & (1u << r->kind)) == 0) {
        is_good = false;
    } else if (w->kind == AVRO_KIND_RECORD) {
        is_good = same_name(w, r) && fields_fit(v, w, r);
    } else if (w->kind == AVRO_KIND_ARRAY || w->kind == AVRO_KIND_MAP) {
        is_good = fits(v, w->parts[0], r->parts[0]);
    } else if (w->kind == AVRO_KIND_FIXED) {
        is_good = same_name(w, r) && w->size == r->size;
    } else {
        is_good = w->kind != AVRO_KIND_ENUM || r->kind != AVRO_KIND_ENUM || same_name(w, r);
    }
    *assumed = is_good;
    return is_good;
}

bool avro_resolve(const struct avro_tree *writer, const struct avro_tree *reader,
                  char out_text[256])
{
    struct arena scratch = { NULL, 0 };
    struct resolve v = { .reader_count = reader->type_count, .out_text = out_text };
    bool is_good;

    CHECK(writer->root->kind == AVRO_KIND_RECORD && reader->root->kind == AVRO_KIND_RECORD);
    out_text[0] = '\0';
    v.is_assumed = arena_alloc(&scratch, (size_t)writer->type_count * reader->type_count + 1);
    is_good = fields_fit(&v, writer->root, reader->root);
    arena_fini(&scratch);
    CHECK(is_good || out_text[0] != '\0');
    return is_good;
}
