#include "processor/runtime/record.h"

#include "processor/base/mem.h"
#include "schemas/avro.h"
#include "schemas/json.h"

struct record_decoder {
    bool is_key_free;
    const struct config *config;
    struct avro_decoder **avro; /* by topic; NULL: JSON */
};

enum err record_decoder_new(const struct config *config, struct record_decoder **out_decoder,
                            char out_text[256])
{
    struct record_decoder *d = mem_alloc(sizeof(*d));
    enum err error = OK;

    d->config = config;
    d->avro = mem_alloc(config->input_count * sizeof(struct avro_decoder *));
    for (uint32_t i = 0; error == OK && i < config->input_count; i++) {
        if (!config->inputs[i].is_json) {
            error = avro_decoder_new(&config->inputs[i].mapping, config->inputs[i].schema_json,
                                     &d->avro[i], out_text);
        }
    }
    if (error != OK) {
        record_decoder_free(d);
        d = NULL;
    }
    *out_decoder = d;
    return error;
}

void record_decoder_free(struct record_decoder *d)
{
    if (d == NULL) {
        return;
    }
    for (uint32_t i = 0; i < d->config->input_count; i++) {
        avro_decoder_free(d->avro[i]);
    }
    mem_free(d->avro);
    mem_free(d);
}

static enum reject decode(struct record_decoder *d, struct arena *arena,
                          const struct task_record *r, struct event *ev, char text[128])
{
    const struct topic_config *topic = &d->config->inputs[r->topic];
    enum reject reject;

    if (r->value.at == NULL) {
        return REJECT_NULL_VALUE;
    }
    if (r->key.at == NULL && !d->is_key_free) {
        return REJECT_KEY_MISSING;
    }
    if (r->value.size > RECORD_SIZE_MAX) {
        return REJECT_TOO_LARGE;
    }
    reject = topic->is_json ? json_decode_event(r->value, &topic->mapping, arena, ev, text)
                            : avro_decode_event(d->avro[r->topic], r->value, arena, ev, text);
    if (reject != REJECT_NONE) {
        return reject;
    }
    if (!d->is_key_free &&
        !text_equal(ev->customer, (struct text){ (const char *)r->key.at, r->key.size })) {
        return REJECT_WRONG_KEY;
    }
    return ev->kind == EVENT_PROFILE && !facts_check_profile(&d->config->rules->facts, ev, text)
               ? REJECT_BAD_VALUE
               : REJECT_NONE;
}

void record_decoder_free_key(struct record_decoder *d)
{
    d->is_key_free = true;
}

/* For the reasons that need no detail. */
static const char *sentence_of(enum reject reason)
{
    switch ((int)reason) {
    case REJECT_NULL_VALUE:
        return "the record has no value";
    case REJECT_KEY_MISSING:
        return "the record has no key; it must be the customer";
    case REJECT_WRONG_KEY:
        return "the record's key is not the customer in its value";
    case REJECT_TOO_LARGE:
        return "the record is larger than 1 MiB";
    default:
        return reject_name(reason);
    }
}

void record_decode(struct record_decoder *d, struct arena *arena, struct task_record *record)
{
    struct event *ev = arena_alloc(arena, sizeof(*ev));
    char text[128] = "";

    record->reject = decode(d, arena, record, ev, text);
    record->event = record->reject == REJECT_NONE ? ev : NULL;
    if (record->reject != REJECT_NONE) {
        record->reject_text =
            text[0] != '\0' ? arena_text(arena, text_of(text)).at : sentence_of(record->reject);
    }
}
