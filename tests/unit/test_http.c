#include "processor/runtime/http.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static atomic_bool is_store_up;

static bool ready(void *context, struct bytes_out *out)
{
    assert_ptr_equal(context, &is_store_up);
    if (!atomic_load(&is_store_up)) {
        bytes_put_format(out, "store: does not answer\n");
        bytes_put_format(out, "partitions: 3 of 4 ready\n");
    }
    return atomic_load(&is_store_up);
}

static const struct http_handlers handlers = { .context = &is_store_up, .ready = ready };
static char response[65536];

/* Send the bytes, read to the end. Returns: the status. */
static int talk(uint16_t port, const char *request)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0), status = 0;
    size_t used = 0;
    ssize_t got;

    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(write(fd, request, strlen(request)), (ssize_t)strlen(request));
    while ((got = read(fd, response + used, sizeof(response) - 1 - used)) > 0) {
        used += (size_t)got;
    }
    response[used] = '\0';
    (void)close(fd);
    assert_int_equal(sscanf(response, "HTTP/1.1 %d", &status), 1);
    return status;
}

static int ask(uint16_t port, const char *method, const char *path)
{
    char request[256];

    (void)snprintf(request, sizeof(request),
                   "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", method, path);
    return talk(port, request);
}

static const char *body(void)
{
    const char *at = strstr(response, "\r\n\r\n");

    assert_non_null(at);
    return at + 4;
}

static struct http *start(const char *listen_text, uint16_t *out_port)
{
    char text[256] = "";
    struct http *h = NULL;

    assert_int_equal(http_start(text_of(listen_text), &handlers, &h, out_port, text), OK);
    assert_non_null(h);
    assert_true(*out_port > 0);
    return h;
}

static void a_scraper_gets_metrics_in_the_text_format(void **state)
{
    uint16_t port;
    struct http *h = start("127.0.0.1:0", &port);

    (void)state;
    assert_int_equal(ask(port, "GET", "/metrics"), 200);
    assert_non_null(strstr(response, "Content-Type: text/plain; version=0.0.4; charset=utf-8"));
    assert_non_null(strstr(body(), "\n# TYPE segstream_events_total counter\n"));
    http_stop(h);
}

static void a_process_is_alive_although_not_ready(void **state)
{
    uint16_t port;
    struct http *h = start(":0", &port);

    (void)state;
    atomic_store(&is_store_up, false);
    assert_int_equal(ask(port, "GET", "/healthz"), 200);
    assert_string_equal(body(), "ok\n");
    assert_int_equal(ask(port, "GET", "/readyz"), 503);
    assert_string_equal(body(), "store: does not answer\npartitions: 3 of 4 ready\n");
    atomic_store(&is_store_up, true);
    assert_int_equal(ask(port, "GET", "/readyz"), 200);
    assert_string_equal(body(), "ok\n");
    http_stop(h);
}

static void head_is_get_without_the_body(void **state)
{
    uint16_t port;
    struct http *h = start("0", &port);

    (void)state;
    assert_int_equal(ask(port, "HEAD", "/metrics"), 200);
    assert_string_equal(body(), "");
    http_stop(h);
}

static void other_paths_and_methods_are_refused(void **state)
{
    uint16_t port;
    struct http *h = start("localhost:0", &port);

    (void)state;
    assert_int_equal(ask(port, "GET", "/"), 404);
    assert_int_equal(ask(port, "GET", "/metrics/"), 404);
    assert_int_equal(ask(port, "DELETE", "/metrics"), 405);
    assert_non_null(strstr(response, "Allow: GET, HEAD"));
    assert_int_equal(talk(port, "POST /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                "Content-Length: 5\r\n\r\nhello"),
                     405);
    http_stop(h);
}

static void what_is_no_address_and_port_is_a_configuration_error(void **state)
{
    static const char *const wrong[] = {
        "",  "here",      "127.0.0.1:",      ":70000", "::1:9464", "127.0.0.1:-1", "127.0.0.1:80a",
        ":", "300.0.0:1", "127.0.0.1:000000"
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[256] = "";
        struct http *h = NULL;
        uint16_t port;

        assert_int_equal(http_start(text_of(wrong[i]), &handlers, &h, &port, text), ERR_CONFIG);
        assert_null(h);
        assert_non_null(strstr(text, "http.listen: "));
    }
}

static void a_port_in_use_is_said_with_the_reason(void **state)
{
    char text[256] = "", second[32];
    uint16_t port, other;
    struct http *h = start("127.0.0.1:0", &port), *none = NULL;

    (void)state;
    (void)snprintf(second, sizeof(second), "127.0.0.1:%u", port);
    assert_int_equal(http_start(text_of(second), &handlers, &none, &other, text), ERR_UNAVAILABLE);
    assert_null(none);
    assert_non_null(strstr(text, "Address already in use"));
    http_stop(h);
    http_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scraper_gets_metrics_in_the_text_format),
        cmocka_unit_test(a_process_is_alive_although_not_ready),
        cmocka_unit_test(head_is_get_without_the_body),
        cmocka_unit_test(other_paths_and_methods_are_refused),
        cmocka_unit_test(what_is_no_address_and_port_is_a_configuration_error),
        cmocka_unit_test(a_port_in_use_is_said_with_the_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
