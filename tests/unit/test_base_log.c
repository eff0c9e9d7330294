#include "processor/base/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char said[65536];

/* What `say` writes to standard error. */
static void listen_to(void (*say)(void))
{
    int ends[2], before = dup(STDERR_FILENO);
    ssize_t size;

    assert_true(before >= 0);
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    say();
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    size = read(ends[0], said, sizeof(said) - 1);
    said[size < 0 ? 0 : size] = '\0';
    (void)close(before);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void say_one(void)
{
    log_line(LOG_WARN, "store.down", "reason=\"%s\" retrying_in_ms=%d", "gone", 50);
}

static void a_line_is_logfmt_with_time_level_and_event_first(void **state)
{
    int year, used = 0;

    (void)state;
    listen_to(say_one);
    assert_int_equal(sscanf(said, "time=%4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*3dZ %n", &year, &used), 1);
    assert_true(year >= 2024 && used > 0);
    assert_string_equal(said + used,
                        "level=warn event=store.down reason=\"gone\" retrying_in_ms=50\n");
}

static void say_broken(void)
{
    log_line(LOG_INFO, "kafka.error", "reason=\"two\nlines\tof \x01 text\"");
}

static void an_event_is_one_line_whatever_its_text_holds(void **state)
{
    (void)state;
    listen_to(say_broken);
    assert_non_null(strstr(said, "reason=\"two lines of   text\"\n"));
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
}

static void say_much(void)
{
    static char text[5000];

    memset(text, 'x', sizeof(text) - 1);
    log_line(LOG_INFO, "kafka.fetch", "error=\"%s\"", text);
}

static void a_long_line_is_cut_and_still_ends(void **state)
{
    (void)state;
    listen_to(say_much);
    assert_true(strlen(said) <= 1024 && strlen(said) > 900);
    assert_int_equal(said[strlen(said) - 1], '\n');
}

static void say_often(void)
{
    for (int i = 0; i < 100; i++) {
        log_line(LOG_INFO, "publish.failed", "count=%d", i);
    }
}

static void a_flood_of_one_event_is_counted_not_written(void **state)
{
    int lines = 0;

    (void)state;
    listen_to(say_often);
    for (const char *at = said; (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    assert_true(lines >= 10 && lines <= 20); /* the second may turn once meanwhile */
}

static void say_debug(void)
{
    log_line(LOG_DEBUG, "kafka.log", "text=\"quiet\"");
}

static void what_is_for_developers_is_not_written(void **state)
{
    (void)state;
    listen_to(say_debug);
    assert_string_equal(said, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_logfmt_with_time_level_and_event_first),
        cmocka_unit_test(an_event_is_one_line_whatever_its_text_holds),
        cmocka_unit_test(a_long_line_is_cut_and_still_ends),
        cmocka_unit_test(a_flood_of_one_event_is_counted_not_written),
        cmocka_unit_test(what_is_for_developers_is_not_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
