#include "processor/runtime/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* A socket as a service manager has it. name: a path, or "@name" for an abstract one. */
static int manager_at(const char *name)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    memcpy(at.sun_path, name, strlen(name));
    if (name[0] == '@') {
        at.sun_path[0] = '\0';
    }
    assert_int_equal(bind(fd, (struct sockaddr *)&at,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
                     0);
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    return fd;
}

static void expect_message(int fd, const char *wanted)
{
    char got[600];
    ssize_t size = recv(fd, got, sizeof(got) - 1, 0);

    assert_true(size >= 0);
    got[size] = '\0';
    assert_string_equal(got, wanted);
}

static void a_message_reaches_the_manager_by_path_and_by_abstract_name(void **state)
{
    char folder[] = "/tmp/segstream-notify-XXXXXX", path[64], name[64];
    int fd;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/socket", folder);
    (void)snprintf(name, sizeof(name), "@segstream-notify-%d", (int)getpid());
    fd = manager_at(path);
    assert_true(notify_send("READY=1\nSTATUS=%d partitions", 8));
    expect_message(fd, "READY=1\nSTATUS=8 partitions");
    (void)close(fd);
    (void)unlink(path);
    (void)rmdir(folder);
    fd = manager_at(name);
    assert_true(notify_send("WATCHDOG=1"));
    expect_message(fd, "WATCHDOG=1");
    (void)close(fd);
}

static void without_a_manager_nothing_is_sent(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    assert_false(notify_send("READY=1"));
    assert_int_equal(setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1), 0);
    assert_false(notify_send("READY=1"));
    assert_int_equal(setenv("NOTIFY_SOCKET", "relative", 1), 0);
    assert_false(notify_send("READY=1"));
}

static void what_the_manager_asks_of_another_process_is_not_for_us(void **state)
{
    struct watchdog w;
    char pid[16];

    (void)state;
    (void)unsetenv("WATCHDOG_PID");
    (void)unsetenv("WATCHDOG_USEC");
    watchdog_init(&w);
    assert_int_equal(w.every_ms, 0);
    (void)setenv("WATCHDOG_USEC", "180000000", 1);
    (void)setenv("WATCHDOG_PID", "1", 1);
    watchdog_init(&w);
    assert_int_equal(w.every_ms, 0);
    (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
    (void)setenv("WATCHDOG_PID", pid, 1);
    watchdog_init(&w);
    assert_int_equal(w.every_ms, 45000);
}

static void one_worker_that_stands_still_silences_all(void **state)
{
    struct watchdog w = { .every_ms = 1000 };
    uint64_t beats[3] = { 1, 1, 1 };

    (void)state;
    assert_true(watchdog_is_due(&w, beats, 3, 5000));
    beats[0] = beats[1] = 2;
    assert_false(watchdog_is_due(&w, beats, 3, 6000)); /* the third has not moved */
    beats[0] = beats[1] = 900;
    assert_false(watchdog_is_due(&w, beats, 3, 600000));
    beats[2] = 2;
    assert_true(watchdog_is_due(&w, beats, 3, 600001));
    beats[0] = beats[1] = beats[2] = 1000;
    assert_false(watchdog_is_due(&w, beats, 3, 600900)); /* too early */
    assert_true(watchdog_is_due(&w, beats, 3, 601001));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_reaches_the_manager_by_path_and_by_abstract_name),
        cmocka_unit_test(without_a_manager_nothing_is_sent),
        cmocka_unit_test(what_the_manager_asks_of_another_process_is_not_for_us),
        cmocka_unit_test(one_worker_that_stands_still_silences_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
