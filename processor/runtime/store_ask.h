/* One request of a store and its answer, for tools that have nothing else to do.
 *
 * Layer: runtime.
 */
#ifndef RUNTIME_STORE_ASK_H
#define RUNTIME_STORE_ASK_H
#include "sinks/store.h"

/* Waits for the answer, up to half a minute without any sign of the store. Returns: OK and
 * *out_reply, or its error; ERR_UNAVAILABLE it does not answer, or stop_fd (-1: none) became
 * readable. The reply lives until the next request. */
enum err store_ask(struct store *s, const struct store_request *request, int stop_fd,
                   struct store_reply *out_reply);

#endif /* RUNTIME_STORE_ASK_H */
