#include "processor/runtime/notify.h"

#include "processor/base/check.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool notify_send(const char *format, ...)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    char message[512];
    size_t size = path == NULL ? 0 : strlen(path);
    va_list arguments;
    bool is_sent;
    int fd;

    if (size < 2 || size >= sizeof(to.sun_path) || (path[0] != '/' && path[0] != '@')) {
        return false;
    }
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    memcpy(to.sun_path, path, size);
    if (path[0] == '@') {
        to.sun_path[0] = '\0'; /* an abstract name */
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    is_sent =
        sendto(fd, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT,
               (struct sockaddr *)&to, /* of the size that is used: an abstract name has no end */
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)) > 0;
    (void)close(fd);
    return is_sent;
}

void watchdog_init(struct watchdog *w)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

    memset(w, 0, sizeof(*w));
    if (usec != NULL && (pid == NULL || strtol(pid, NULL, 10) == (long)getpid())) {
        w->every_ms = strtoll(usec, NULL, 10) / 1000 / 4;
    }
}

bool watchdog_is_due(struct watchdog *w, const uint64_t *beats, int32_t count, int64_t now_ms)
{
    CHECK(count <= NOTIFY_WORKERS_MAX);
    if (w->every_ms <= 0 || now_ms < w->told_ms + w->every_ms) {
        return false;
    }
    for (int32_t i = 0; i < count; i++) {
        if (beats[i] == w->seen[i]) {
            return false;
        }
    }
    memcpy(w->seen, beats, (size_t)count * sizeof(*beats));
    w->told_ms = now_ms;
    return true;
}
