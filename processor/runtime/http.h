/* What a process tells over HTTP: GET /metrics, /healthz, /readyz, and pages that others answer.
 *
 * Layer: runtime. The only user of libmicrohttpd. Owner: the caller, http_stop. Thread: handlers
 * are called on the server's own.
 */
#ifndef RUNTIME_HTTP_H
#define RUNTIME_HTTP_H
#include "processor/base/bytes.h"
#include "processor/base/err.h"
#include "processor/base/text.h"

#include <stdbool.h>
#include <stdint.h>

struct http_request {
    const char *path;
    bool has_token; /* it bears the secret of the handlers: may see customers' data */
    void *arguments;
};

struct http_answer {
    unsigned status;       /* 200 unless changed */
    const char *type;      /* of the body; plain text unless changed */
    struct bytes_out body; /* freed by the server */
};

/* An argument of the query, decoded. Returns: NULL when there is none. Owner: the request. */
const char *http_argument(const struct http_request *q, const char *name);

struct http_handlers {
    void *context;
    /* Returns: true when ready, else false after appending a line per thing that is not. */
    bool (*ready)(void *context, struct bytes_out *out);
    /* Any other path. Returns: false when there is no such page. NULL: there is none. */
    bool (*page)(void *context, const struct http_request *q, struct http_answer *out);
    struct text token; /* the secret of "Authorization: Bearer SECRET"; absent: nobody has it */
};

struct http;

/* listen: "ADDRESS:PORT", "[ADDRESS]:PORT" for IPv6, ":PORT" and "PORT" on loopback; port 0: any
 * free one. Errors: ERR_CONFIG no such form or address; ERR_UNAVAILABLE it cannot be listened at,
 * for one since it is in use. A sentence in out_text. */
enum err http_start(struct text listen, const struct http_handlers *handlers, struct http **out,
                    uint16_t *out_port, char out_text[256]);
void http_stop(struct http *h); /* NULL is fine; no handler runs afterwards */

#endif /* RUNTIME_HTTP_H */
