#include "processor/runtime/store_ask.h"

#include <poll.h>

#define PATIENCE_MS 30000
#define LOOK_MS     100

static bool is_stopped(int stop_fd)
{
    struct pollfd fd = { .fd = stop_fd, .events = POLLIN };

    return stop_fd >= 0 && poll(&fd, 1, 0) > 0;
}

enum err store_ask(struct store *s, const struct store_request *request, int stop_fd,
                   struct store_reply *out_reply)
{
    struct store_request release = { .verb = STORE_RELEASE, .partition = request->partition };

    store_submit(s, request);
    for (int waited_ms = 0; waited_ms < PATIENCE_MS && !is_stopped(stop_fd); waited_ms += LOOK_MS) {
        if (store_poll(s, LOOK_MS, out_reply)) {
            return out_reply->error;
        }
    }
    store_submit(s, &release); /* the request is forgotten: what it points to may go */
    while (store_poll(s, 0, out_reply)) {
    }
    *out_reply = (struct store_reply){ .error = ERR_UNAVAILABLE };
    return ERR_UNAVAILABLE;
}
