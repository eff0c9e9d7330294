#include "processor/runtime/lookup.h"

#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"

#define STORE_PATIENCE_MS 2000
#define STORE_WAIT_MS     50

struct lookup {
    struct lookup_options options;
};

struct lookup *lookup_new(const struct lookup_options *options)
{
    struct lookup *l = mem_alloc(sizeof(*l));

    l->options = *options;
    return l;
}

void lookup_free(struct lookup *l)
{
    if (l != NULL) {
        store_close(l->options.store);
        mem_free(l);
    }
}

int32_t lookup_partition_count(const struct lookup *l)
{
    return l->options.partition_count;
}

/* One request, one answer; those that nobody waits for any more are passed over. */
static enum err ask_store(struct lookup *l, struct store_request *request,
                          struct store_reply *out_reply)
{
    request->context = request;
    store_submit(l->options.store, request);
    for (int waited_ms = 0; waited_ms < STORE_PATIENCE_MS; waited_ms += STORE_WAIT_MS) {
        if (store_poll(l->options.store, STORE_WAIT_MS, out_reply) &&
            out_reply->verb == request->verb && out_reply->context == request &&
            out_reply->partition == request->partition) {
            return out_reply->error;
        }
    }
    store_submit(l->options.store,
                 &(struct store_request){ .verb = STORE_RELEASE, .partition = request->partition });
    return ERR_UNAVAILABLE;
}

static enum err peek(struct lookup *l, struct text id, struct lookup_answer *out)
{
    struct store_request request = {
        .verb = STORE_PEEK, .partition = out->partition, .customers = &id, .customer_count = 1
    };
    struct store_reply reply;
    enum err error = ask_store(l, &request, &reply);

    if (error == OK && reply.record_count == 1) {
        bytes_put(&out->record, reply.records[0].at, reply.records[0].size);
        out->stream_ms = reply.is_new ? INSTANT_NEVER : reply.state->stream_ms;
    }
    return error;
}

enum err lookup_customer(struct lookup *l, struct text id, struct lookup_answer *out_answer)
{
    *out_answer =
        (struct lookup_answer){ .partition = hash_partition(id, l->options.partition_count),
                                .stream_ms = INSTANT_NEVER };
    for (int32_t i = 0; i < l->options.worker_count; i++) {
        if (worker_ask_customer(l->options.workers[i], out_answer->partition, id,
                                &out_answer->record, &out_answer->stream_ms)) {
            out_answer->is_owners = true;
            return OK;
        }
    }
    return peek(l, id, out_answer);
}

enum err lookup_counters(struct lookup *l, lookup_count *count, void *context,
                         int64_t *out_stream_ms)
{
    struct store_request request = { .verb = STORE_LOOK };
    struct store_reply reply;

    *out_stream_ms = INSTANT_NEVER;
    for (; request.partition < l->options.partition_count; request.partition++) {
        enum err error = ask_store(l, &request, &reply);

        if (error != OK) {
            return error;
        }
        if (!reply.is_new && reply.state->stream_ms != INSTANT_NEVER &&
            (*out_stream_ms == INSTANT_NEVER || reply.state->stream_ms > *out_stream_ms)) {
            *out_stream_ms = reply.state->stream_ms;
        }
        count(context, reply.counters, reply.counter_count);
    }
    return OK;
}
