#include "processor/cli/customer_source.h"

#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "processor/base/map.h"
#include "processor/base/mem.h"
#include "processor/cli/state_file.h"
#include "processor/cli/store_reader.h"

#define SENTENCE_SIZE STORE_READER_SENTENCE
#define SCAN_PAGE     500

struct customer_source {
    const struct config *config;
    bool is_file;
    struct state_file file;
    struct store_reader redis; /* unless it is a file */
    int64_t stream_ms;
};

static bool ask(struct customer_source *s, const struct store_request *request,
                struct store_reply *out_reply, char sentence[SENTENCE_SIZE])
{
    return store_reader_ask(&s->redis, request, out_reply, sentence);
}

static bool open_redis(struct customer_source *s, int32_t partitions, char sentence[SENTENCE_SIZE])
{
    struct store_reply reply = { .is_new = true };

    s->redis.partition_count = partitions;
    store_reader_open(&s->redis, s->config);
    if (partitions > 0) {
        return true;
    }
    if (!store_reader_count(&s->redis, &reply, sentence)) {
        return false;
    }
    s->stream_ms = reply.state->stream_ms;
    return true;
}

static bool open_file(struct customer_source *s, const char *path, char sentence[SENTENCE_SIZE])
{
    enum err e = state_file_read(path, &s->file);

    if (e != OK) {
        (void)text_format(
            sentence, SENTENCE_SIZE,
            e == ERR_CORRUPT ? "%s is no file of `backtest --state`" : "cannot read %s", path);
        return false;
    }
    s->is_file = true;
    s->stream_ms = s->file.at_ms;
    if (!text_equal(s->file.app, s->config->rules->app)) {
        (void)text_format(sentence, SENTENCE_SIZE, "%s holds the customers of the app `%.*s`", path,
                          TEXT_PRINTF(s->file.app));
        return false;
    }
    return true;
}

struct customer_source *customer_source_open(const struct config *c, const char *state,
                                             int32_t partitions, char out_sentence[SENTENCE_SIZE],
                                             bool *out_is_config)
{
    struct customer_source *s = mem_alloc(sizeof(*s));
    bool is_good;

    s->config = c;
    s->stream_ms = INSTANT_NEVER;
    *out_is_config = state == NULL && c->store != STORE_KIND_REDIS;
    if (*out_is_config) {
        (void)text_format(out_sentence, SENTENCE_SIZE,
                          "`state.store` names no Redis; after a backtest with --state FILE, give "
                          "the same here");
        is_good = false;
    } else {
        is_good = state != NULL ? open_file(s, state, out_sentence)
                                : open_redis(s, partitions, out_sentence);
    }
    if (!is_good) {
        customer_source_close(s);
        return NULL;
    }
    return s;
}

void customer_source_close(struct customer_source *s)
{
    if (s != NULL) {
        store_reader_close(&s->redis);
        state_file_fini(&s->file);
        mem_free(s);
    }
}

static bool decode(struct text id, struct bytes record, struct customer **out_customer,
                   char sentence[SENTENCE_SIZE])
{
    if (customer_decode(record, out_customer) == OK) {
        return true;
    }
    (void)text_format(sentence, SENTENCE_SIZE,
                      "the record of `%.*s` cannot be read; another version may have written it",
                      TEXT_PRINTF(id));
    return false;
}

bool customer_source_find(struct customer_source *s, struct text id,
                          struct customer_found *out_found, char out_sentence[SENTENCE_SIZE])
{
    const struct state_record *stored;
    struct store_request peek = { .verb = STORE_PEEK, .customers = &id, .customer_count = 1 };
    struct store_reply reply;
    struct bytes record = BYTES_NONE;

    *out_found = (struct customer_found){ .stream_ms = s->stream_ms };
    if (s->is_file) {
        stored = state_file_find(&s->file, id);
        record = stored == NULL ? BYTES_NONE : stored->record;
    } else {
        peek.partition = hash_partition(id, s->redis.partition_count);
        out_found->partition = peek.partition;
        out_found->partition_count = s->redis.partition_count;
        if (!ask(s, &peek, &reply, out_sentence)) {
            return false;
        }
        record = reply.records[0];
        out_found->stream_ms = reply.is_new ? INSTANT_NEVER : reply.state->stream_ms;
    }
    out_found->record_size = record.size;
    return record.at == NULL || decode(id, record, &out_found->customer, out_sentence);
}

static bool visit_one(struct text id, struct bytes record, customer_source_visit *visit,
                      void *context, char sentence[SENTENCE_SIZE])
{
    struct customer *c = NULL;

    if (record.at == NULL) {
        return true; /* deleted since it was listed */
    }
    if (!decode(id, record, &c, sentence)) {
        return false;
    }
    visit(context, id, c);
    customer_free(c);
    return true;
}

/* One page of the customers of a partition: those not seen before. */
static bool each_page(struct customer_source *s, struct store_request *scan, struct map *seen,
                      struct arena *arena, customer_source_visit *visit, void *context,
                      char sentence[SENTENCE_SIZE], bool *out_is_last)
{
    static int here; /* any address: what the map holds */
    struct store_request peek = { .verb = STORE_PEEK, .partition = scan->partition };
    struct store_reply reply;
    struct text *ids;

    if (!ask(s, scan, &reply, sentence)) {
        return false;
    }
    ids = arena_alloc(arena, (reply.customer_count + 1) * sizeof(*ids));
    for (uint32_t i = 0; i < reply.customer_count; i++) {
        if (map_find(seen, reply.customers[i]) == NULL) {
            struct text id = arena_text(arena, reply.customers[i]);

            map_put(seen, id, &here);
            ids[peek.customer_count++] = id;
        }
    }
    scan->cursor = reply.cursor;
    *out_is_last = reply.is_last;
    peek.customers = ids;
    if (!ask(s, &peek, &reply, sentence)) {
        return false;
    }
    if (!reply.is_new && (s->stream_ms == INSTANT_NEVER || reply.state->stream_ms > s->stream_ms)) {
        s->stream_ms = reply.state->stream_ms;
    }
    for (uint32_t i = 0; i < peek.customer_count; i++) {
        if (!visit_one(ids[i], reply.records[i], visit, context, sentence)) {
            return false;
        }
    }
    return true;
}

static bool each_in_partition(struct customer_source *s, int32_t partition,
                              customer_source_visit *visit, void *context,
                              char sentence[SENTENCE_SIZE])
{
    struct store_request scan = { .verb = STORE_SCAN, .partition = partition, .limit = SCAN_PAGE };
    struct map seen = { 0 };
    struct arena arena = { 0 };
    bool is_good = true;

    for (bool is_last = false; is_good && !is_last;) {
        is_good = each_page(s, &scan, &seen, &arena, visit, context, sentence, &is_last);
    }
    map_fini(&seen);
    arena_fini(&arena);
    return is_good;
}

bool customer_source_each(struct customer_source *s, customer_source_visit *visit, void *context,
                          char out_sentence[SENTENCE_SIZE])
{
    bool is_good = true;

    if (s->is_file) {
        for (uint32_t i = 0; is_good && i < s->file.count; i++) {
            is_good = visit_one(s->file.records[i].id, s->file.records[i].record, visit, context,
                                out_sentence);
        }
        return is_good;
    }
    for (int32_t p = 0; is_good && p < s->redis.partition_count; p++) {
        is_good = each_in_partition(s, p, visit, context, out_sentence);
    }
    return is_good;
}

bool customer_source_counters(struct customer_source *s, customer_source_count *count,
                              void *context, char out_sentence[SENTENCE_SIZE])
{
    struct store_request look = { .verb = STORE_LOOK };
    struct store_reply reply;

    if (s->is_file) {
        count(context, s->file.counters, s->file.counter_count);
        return true;
    }
    for (; look.partition < s->redis.partition_count; look.partition++) {
        if (!ask(s, &look, &reply, out_sentence)) {
            return false;
        }
        if (!reply.is_new && reply.state->stream_ms != INSTANT_NEVER &&
            (s->stream_ms == INSTANT_NEVER || reply.state->stream_ms > s->stream_ms)) {
            s->stream_ms = reply.state->stream_ms;
        }
        count(context, reply.counters, reply.counter_count);
    }
    return true;
}

int64_t customer_source_stream_ms(const struct customer_source *s)
{
    return s->stream_ms;
}
