/* DESIGN. Which partition a customer's state lies in depends on how many there are. A partition
 * that was ever committed knows how many there were; one that is new cannot tell, so the others are
 * asked before the first claim: all of them once, if need be, in a deployment that begins.
 */
#include "processor/base/log.h"
#include "processor/runtime/worker_parts.h"

#define ASK_MS 100

struct question {
    bool is_answered;
};

void worker_take_count(struct worker *w, const struct store_reply *r)
{
    struct question *q = r->context;

    q->is_answered = true;
    if (r->error == OK && !r->is_new && r->state->partition_count != 0) {
        w->stored_partitions = r->state->partition_count;
        w->moving_to = r->state->moving_to;
    }
}

static void ask(struct worker *w, int32_t partition)
{
    struct question q = { false };

    store_submit(w->options.store, &(struct store_request){
                                       .verb = STORE_PEEK, .partition = partition, .context = &q });
    /* the answer always comes, in the end: stopping must not leave q behind */
    while (!q.is_answered) {
        if (atomic_load(&w->is_stopping)) {
            store_submit(w->options.store,
                         &(struct store_request){ .verb = STORE_RELEASE, .partition = partition });
        }
        worker_serve_store(w, ASK_MS);
    }
}

enum err worker_check_count(struct worker *w)
{
    int32_t count = w->options.partition_count;

    for (int32_t p = 0; !w->is_stored_known && p < count && w->stored_partitions == 0; p++) {
        ask(w, p);
        if (atomic_load(&w->is_stopping)) {
            return ERR_UNAVAILABLE;
        }
    }
    w->is_stored_known = true;
    if (w->moving_to != 0) {
        return ERR_MOVING;
    }
    return w->stored_partitions != 0 && w->stored_partitions != count ? ERR_PARTITIONS : OK;
}
