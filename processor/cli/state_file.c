#include "processor/cli/state_file.h"

#include "processor/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FIRST_LINE    "segstream-state 2\n"
#define ID_SIZE_MAX   256
#define APP_SIZE_MAX  32
#define FILE_SIZE_MAX (INT64_C(1) << 36)

static struct text path_of(struct arena *arena, const char *path)
{
    struct stat found;

    if (stat(path, &found) == 0 && S_ISDIR(found.st_mode)) {
        return arena_format(arena, "%s/" STATE_FILE_NAME, path);
    }
    return arena_text(arena, text_of(path));
}

static int compare_ids(const void *left, const void *right)
{
    const struct state_record *a = left, *b = right;

    return text_compare(a->id, b->id);
}

static void put_customers(struct bytes_out *out, const struct timeline *t, struct arena *arena)
{
    const struct customer *c;
    struct state_record *all;
    struct text id;
    size_t cursor = 0;
    uint32_t count = 0, at = 0;

    while (timeline_next(t, &cursor, &id) != NULL) {
        count++;
    }
    all = arena_alloc(arena, (count + 1) * sizeof(*all));
    cursor = 0;
    while ((c = timeline_next(t, &cursor, &id)) != NULL) {
        struct bytes_out record = { 0 };
        struct bytes view;

        customer_encode(c, &record);
        view = bytes_out_view(&record);
        all[at].id = id;
        all[at].record.at = memcpy(arena_room(arena, view.size + 1), view.at, view.size);
        all[at].record.size = view.size;
        at++;
        bytes_out_fini(&record);
    }
    if (count > 0) {
        qsort(all, count, sizeof(*all), compare_ids);
    }
    bytes_put_long(out, count);
    for (uint32_t i = 0; i < count; i++) {
        bytes_put_text(out, all[i].id);
        bytes_put_long_bytes(out, all[i].record);
    }
}

static int counter_order(const void *left, const void *right)
{
    const struct counter *const *a = left, *const *b = right;

    return text_compare((*a)->name, (*b)->name);
}

static void put_counters(struct bytes_out *out, const struct counters *c)
{
    const struct counter **all = mem_alloc((c->by_name.count + 1) * sizeof(*all));
    const struct counter *one;
    size_t cursor = 0, count = 0;

    while ((one = map_next(&c->by_name, &cursor)) != NULL) {
        all[count++] = one;
    }
    if (count > 0) {
        qsort(all, count, sizeof(*all), counter_order);
    }
    bytes_put_long(out, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        bytes_put_text(out, all[i]->name);
        bytes_put_long(out, all[i]->value);
    }
    mem_free(all);
}

enum err state_file_write(const char *path, const struct rules *rules, const struct timeline *t,
                          int64_t at_ms)
{
    struct bytes_out out = { 0 };
    struct arena arena = { 0 };
    struct text to = path_of(&arena, path);
    struct text draft = arena_format(&arena, "%.*s.draft", TEXT_PRINTF(to));
    FILE *file = fopen(draft.at, "wb");
    bool is_good = file != NULL;

    bytes_put(&out, FIRST_LINE, sizeof(FIRST_LINE) - 1);
    bytes_put_text(&out, rules->app);
    bytes_put_u64(&out, rules->config);
    bytes_put_long(&out, at_ms);
    put_customers(&out, t, &arena);
    put_counters(&out, timeline_counters(t));
    if (is_good) {
        is_good = fwrite(out.at, 1, out.size, file) == out.size;
        is_good = fclose(file) == 0 && is_good;
        is_good = is_good && rename(draft.at, to.at) == 0; /* whole, or not at all */
    }
    bytes_out_fini(&out);
    arena_fini(&arena);
    return is_good ? OK : ERR_UNAVAILABLE;
}

static enum err read_all(FILE *file, struct arena *arena, struct bytes *out_bytes)
{
    struct stat found;
    uint8_t *at;
    size_t size;

    if (fstat(fileno(file), &found) != 0 || !S_ISREG(found.st_mode) ||
        found.st_size > FILE_SIZE_MAX) {
        return ERR_UNAVAILABLE;
    }
    at = arena_room(arena, (size_t)found.st_size + 1);
    size = fread(at, 1, (size_t)found.st_size, file);
    *out_bytes = (struct bytes){ at, size };
    return size == (size_t)found.st_size ? OK : ERR_UNAVAILABLE;
}

static bool decode_counters(struct bytes_in *in, struct state_file *f)
{
    int64_t count = bytes_long(in);
    struct counter_value *counters;

    if (in->is_bad || count < 0 || (uint64_t)count > bytes_left(in) / 2) {
        return false;
    }
    counters = arena_alloc(&f->arena, ((size_t)count + 1) * sizeof(*counters));
    for (int64_t i = 0; i < count; i++) {
        counters[i].name = bytes_text(in, COUNTERS_NAME_SIZE);
        counters[i].value = bytes_long(in);
        if (counters[i].name.size == 0) {
            return false;
        }
    }
    f->counters = counters;
    f->counter_count = (uint32_t)count;
    return true;
}

static enum err decode(struct bytes b, struct state_file *f)
{
    struct bytes_in in = bytes_in(b);
    struct bytes first = bytes_fixed(&in, sizeof(FIRST_LINE) - 1);
    struct state_record *records;
    int64_t count;

    if (in.is_bad || memcmp(first.at, FIRST_LINE, first.size) != 0) {
        return ERR_CORRUPT;
    }
    f->app = bytes_text(&in, APP_SIZE_MAX);
    f->config = bytes_u64(&in);
    f->at_ms = bytes_long(&in);
    count = bytes_long(&in);
    if (in.is_bad || count < 0 || (uint64_t)count > bytes_left(&in) / 2) {
        return ERR_CORRUPT;
    }
    records = arena_alloc(&f->arena, ((size_t)count + 1) * sizeof(*records));
    for (int64_t i = 0; i < count; i++) {
        records[i].id = bytes_text(&in, ID_SIZE_MAX);
        records[i].record = bytes_long_bytes(&in, CUSTOMER_RECORD_SIZE_MAX);
    }
    f->records = records;
    f->count = (uint32_t)count;
    return !decode_counters(&in, f) || in.is_bad || bytes_left(&in) != 0 ? ERR_CORRUPT : OK;
}

enum err state_file_read(const char *path, struct state_file *out_file)
{
    struct state_file f = { 0 };
    struct text from = path_of(&f.arena, path);
    FILE *file = fopen(from.at, "rb");
    struct bytes b = BYTES_NONE;
    enum err e = ERR_UNAVAILABLE;

    if (file != NULL) {
        e = read_all(file, &f.arena, &b);
        (void)fclose(file);
    }
    e = e == OK ? decode(b, &f) : e;
    if (e != OK) {
        arena_fini(&f.arena);
        return e;
    }
    *out_file = f;
    return OK;
}

void state_file_fini(struct state_file *f)
{
    arena_fini(&f->arena);
}

const struct state_record *state_file_find(const struct state_file *f, struct text id)
{
    struct state_record wanted = { .id = id };

    return f->count == 0 ? NULL
                         : bsearch(&wanted, f->records, f->count, sizeof(wanted), compare_ids);
}
