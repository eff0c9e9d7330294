#include "processor/cli/store_reader.h"

#include "processor/base/log.h"
#include "processor/runtime/store_settings.h"

#include <inttypes.h>

#define PATIENCE_MS     5000 /* for one answer of Redis */
#define WAIT_MS         50
#define PARTITIONS_SEEN 64 /* looked into for one that knows the partition count */

void store_reader_open(struct store_reader *r, const struct config *c)
{
    struct store_redis_options options = store_settings(c);

    log_set_level(LOG_ERROR); /* what the store says while it connects is not for people */
    r->config = c;
    r->store = store_redis_new(&options);
}

void store_reader_close(struct store_reader *r)
{
    store_close(r->store);
    r->store = NULL;
}

bool store_reader_ask(struct store_reader *r, const struct store_request *request,
                      struct store_reply *out_reply, char sentence[STORE_READER_SENTENCE])
{
    store_submit(r->store, request);
    for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += WAIT_MS) {
        if (!store_poll(r->store, WAIT_MS, out_reply)) {
            continue;
        }
        if (out_reply->error == OK) {
            return true;
        }
        (void)text_format(sentence, STORE_READER_SENTENCE,
                          "the stored state of partition %" PRId32 " cannot be read: %s",
                          request->partition, err_text(out_reply->error));
        return false;
    }
    (void)text_format(sentence, STORE_READER_SENTENCE, "Redis does not answer (%s)",
                      store_redis_trouble(r->store));
    return false;
}

bool store_reader_count(struct store_reader *r, struct store_reply *out_reply,
                        char sentence[STORE_READER_SENTENCE])
{
    for (int32_t p = 0; p < PARTITIONS_SEEN && r->partition_count == 0; p++) {
        struct store_request peek = { .verb = STORE_PEEK, .partition = p };

        if (!store_reader_ask(r, &peek, out_reply, sentence)) {
            return false;
        }
        if (!out_reply->is_new) {
            r->partition_count = out_reply->state->partition_count;
        }
    }
    if (r->partition_count == 0) {
        (void)text_format(sentence, STORE_READER_SENTENCE,
                          "this Redis holds no state of the app `%.*s` (if it does: --partitions)",
                          TEXT_PRINTF(r->config->rules->app));
    }
    return r->partition_count > 0;
}
