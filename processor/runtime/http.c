#include "processor/runtime/http.h"

#include "processor/base/check.h"
#include "processor/base/mem.h"
#include "processor/runtime/metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 32
#define IDLE_SECONDS    10
#define BACKLOG         16
#define METRICS_TYPE    "text/plain; version=0.0.4; charset=utf-8"
#define TEXT_TYPE       "text/plain; charset=utf-8"
#define BEARER          "Bearer "

/* A page may load what this process serves and nothing else, and nobody may frame it. */
#define CONTENT_POLICY                                                                             \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "              \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

struct http {
    struct MHD_Daemon *daemon;
    struct http_handlers handlers;
};

/* --- answers --- */
static enum MHD_Result answer(struct MHD_Connection *to, unsigned status, const char *type,
                              struct bytes body)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(body.size, (void *)(uintptr_t)body.at,
                                                             MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result;

    if (r == NULL) {
        return MHD_NO;
    }
    (void)MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    (void)MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    (void)MHD_add_response_header(r, "Content-Security-Policy", CONTENT_POLICY);
    (void)MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    (void)MHD_add_response_header(r, "Referrer-Policy", "no-referrer");
    if (status == MHD_HTTP_UNAUTHORIZED) {
        (void)MHD_add_response_header(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    }
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        (void)MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    }
    result = MHD_queue_response(to, status, r);
    MHD_destroy_response(r);
    return result;
}

static enum MHD_Result answer_text(struct MHD_Connection *to, unsigned status, const char *text)
{
    return answer(to, status, TEXT_TYPE, (struct bytes){ (const uint8_t *)text, strlen(text) });
}

static enum MHD_Result answer_metrics(struct MHD_Connection *to)
{
    struct bytes_out out = { NULL, 0, 0 };
    enum MHD_Result result;

    metrics_print(&out);
    result = answer(to, MHD_HTTP_OK, METRICS_TYPE, bytes_out_view(&out));
    bytes_out_fini(&out);
    return result;
}

static enum MHD_Result answer_ready(const struct http *h, struct MHD_Connection *to)
{
    struct bytes_out out = { NULL, 0, 0 };
    bool is_ready = h->handlers.ready(h->handlers.context, &out);
    enum MHD_Result result;

    if (is_ready) {
        result = answer_text(to, MHD_HTTP_OK, "ok\n");
    } else {
        result = answer(to, MHD_HTTP_SERVICE_UNAVAILABLE, TEXT_TYPE, bytes_out_view(&out));
    }
    bytes_out_fini(&out);
    return result;
}

/* --- other pages --- */

/* How long the comparison takes says nothing about how much of it was right. */
static bool is_secret(struct text secret, const char *given)
{
    struct text g = text_of(given);
    unsigned different = g.size != secret.size;

    for (size_t i = 0; i < g.size && secret.size > 0; i++) {
        different |= (unsigned char)g.at[i] ^ (unsigned char)secret.at[i % secret.size];
    }
    return secret.size > 0 && different == 0;
}

const char *http_argument(const struct http_request *q, const char *name)
{
    return MHD_lookup_connection_value(q->arguments, MHD_GET_ARGUMENT_KIND, name);
}

static enum MHD_Result answer_page(const struct http *h, struct MHD_Connection *to, const char *url)
{
    const char *given =
        MHD_lookup_connection_value(to, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    struct http_request q = { .path = url, .arguments = to };
    struct http_answer a = { .status = MHD_HTTP_OK, .type = TEXT_TYPE };
    enum MHD_Result result;

    q.has_token = given != NULL && strncmp(given, BEARER, sizeof(BEARER) - 1) == 0 &&
                  is_secret(h->handlers.token, given + sizeof(BEARER) - 1);
    if (h->handlers.page == NULL || !h->handlers.page(h->handlers.context, &q, &a)) {
        result = answer_text(to, MHD_HTTP_NOT_FOUND,
                             h->handlers.page == NULL
                                 ? "there are /metrics, /healthz and /readyz\n"
                                 : "there are /, /api/v1, /metrics, /healthz and /readyz\n");
    } else {
        result = answer(to, a.status, a.type, bytes_out_view(&a.body));
    }
    bytes_out_fini(&a.body);
    return result;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *to, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state)
{
    static int seen;
    const struct http *h = context;

    (void)version;
    (void)upload;
    if (*state == NULL) { /* the head only: the answer comes with the call behind the body */
        *state = &seen;
        return MHD_YES;
    }
    if (*upload_size > 0) {
        *upload_size = 0; /* nobody reads it */
        return MHD_YES;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        return answer_text(to, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
    }
    if (strcmp(url, "/metrics") == 0) {
        return answer_metrics(to);
    }
    if (strcmp(url, "/healthz") == 0) {
        return answer_text(to, MHD_HTTP_OK, "ok\n");
    }
    if (strcmp(url, "/readyz") == 0) {
        return answer_ready(h, to);
    }
    return answer_page(h, to, url);
}

/* --- where to listen --- */
static enum err fail(enum err e, struct text listen, const char *why, char out_text[256])
{
    (void)text_format(out_text, 256, "http.listen: %.*s: %s", TEXT_PRINTF(listen), why);
    return e;
}

/* Returns: false when it is not of the form ADDRESS:PORT. */
static bool split(struct text listen, char address[128], char port[8])
{
    const char *colon = memrchr(listen.at, ':', listen.size);
    struct text host = TEXT("127.0.0.1"), number = listen;

    if (colon != NULL) {
        number.at = colon + 1;
        number.size = (size_t)(listen.at + listen.size - number.at);
        if (colon > listen.at) {
            host = (struct text){ listen.at, (size_t)(colon - listen.at) };
        }
    }
    if (host.size > 2 && host.at[0] == '[' && host.at[host.size - 1] == ']') {
        host.at++;
        host.size -= 2;
    } else if (memchr(host.at, ':', host.size) != NULL) {
        return false; /* an IPv6 address without brackets */
    }
    if (host.size >= 128 || number.size == 0 || number.size > 5) {
        return false;
    }
    (void)snprintf(address, 128, "%.*s", TEXT_PRINTF(host));
    (void)snprintf(port, 8, "%.*s", TEXT_PRINTF(number));
    return true;
}

static enum err listen_at(struct text listen_text, int *out_socket, uint16_t *out_port,
                          char out_text[256])
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_NUMERICSERV };
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } bound = { .v6 = { .sin6_family = AF_UNSPEC } };
    socklen_t size = sizeof(bound);
    char address[128], port[8];
    struct addrinfo *found = NULL;
    int fd, one = 1;
    bool is_bound;

    if (listen_text.size == 0 || !split(listen_text, address, port) ||
        strspn(port, "0123456789") != strlen(port) || strtoul(port, NULL, 10) > UINT16_MAX) {
        return fail(ERR_CONFIG, listen_text, "expected ADDRESS:PORT", out_text);
    }
    if (getaddrinfo(address, port, &hints, &found) != 0) {
        return fail(ERR_CONFIG, listen_text, "no such address", out_text);
    }
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    is_bound = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
               bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0 &&
               getsockname(fd, &bound.any, &size) == 0;
    freeaddrinfo(found);
    if (!is_bound) {
        enum err e = fail(ERR_UNAVAILABLE, listen_text, strerror(errno), out_text);

        if (fd >= 0) {
            (void)close(fd);
        }
        return e;
    }
    *out_port = ntohs(bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port);
    *out_socket = fd;
    return OK;
}

/* --- start and stop --- */
enum err http_start(struct text listen_text, const struct http_handlers *handlers,
                    struct http **out, uint16_t *out_port, char out_text[256])
{
    struct http *h;
    sigset_t all, before;
    int fd = -1;
    enum err e = listen_at(listen_text, &fd, out_port, out_text);

    if (e != OK) {
        return e;
    }
    h = mem_alloc(sizeof(*h));
    h->handlers = *handlers;
    sigfillset(&all); /* signals are for the process's main thread */
    CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    h->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL, NULL, on_request, h,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_END);
    CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    if (h->daemon == NULL) { /* which has closed the socket */
        mem_free(h);
        return fail(ERR_UNAVAILABLE, listen_text, "the HTTP server cannot start", out_text);
    }
    *out = h;
    return OK;
}

void http_stop(struct http *h)
{
    if (h == NULL) {
        return;
    }
    MHD_stop_daemon(h->daemon); /* closes the socket and joins the thread */
    mem_free(h);
}
