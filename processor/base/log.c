#include "processor/base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE        1024
#define EVENTS_MAX       64 /* event names whose rate is watched; a new one replaces the oldest */
#define LINES_PER_SECOND 10

static enum log_level level_least = LOG_INFO;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    char event[48];
    time_t second;
    unsigned written;
    unsigned suppressed;
} rates[EVENTS_MAX];
static unsigned rate_next;

void log_set_level(enum log_level least)
{
    level_least = least;
}

/* Requires: lock held. Returns: false when the line is to be dropped. */
static int passes(const char *event, time_t second, unsigned *out_suppressed)
{
    unsigned i;

    for (i = 0; i < EVENTS_MAX && strcmp(rates[i].event, event) != 0; i++) {
    }
    if (i == EVENTS_MAX) {
        i = rate_next++ % EVENTS_MAX;
        (void)snprintf(rates[i].event, sizeof(rates[i].event), "%s", event);
        rates[i].second = 0;
        rates[i].suppressed = 0;
    }
    if (rates[i].second != second) {
        rates[i].second = second;
        rates[i].written = 0;
    }
    if (rates[i].written++ >= LINES_PER_SECOND) {
        rates[i].suppressed++;
        return 0;
    }
    *out_suppressed = rates[i].suppressed;
    rates[i].suppressed = 0;
    return 1;
}

void log_line(enum log_level level, const char *event, const char *format, ...)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };
    char line[LINE_SIZE];
    unsigned suppressed = 0;
    struct timespec now;
    struct tm utc;
    size_t used;
    int passed;
    va_list arguments;

    if (level < level_least) {
        return;
    }
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    (void)pthread_mutex_lock(&lock);
    passed = passes(event, now.tv_sec, &suppressed);
    (void)pthread_mutex_unlock(&lock);
    if (!passed) {
        return;
    }
    used = (size_t)strftime(line, sizeof(line), "time=%Y-%m-%dT%H:%M:%S", &utc);
    used += (size_t)snprintf(line + used, sizeof(line) - used, ".%03ldZ level=%s event=%s ",
                             now.tv_nsec / 1000000, names[level], event);
    va_start(arguments, format);
    used += (size_t)vsnprintf(line + used, sizeof(line) - used, format, arguments);
    va_end(arguments);
    used = used > sizeof(line) - 40 ? sizeof(line) - 40 : used;
    if (suppressed > 0) {
        used += (size_t)snprintf(line + used, sizeof(line) - used, " suppressed=%u", suppressed);
    }
    for (size_t i = 0; i < used; i++) {
        line[i] = (unsigned char)line[i] < ' ' ? ' ' : line[i]; /* one event, one line */
    }
    line[used++] = '\n';
    if (write(STDERR_FILENO, line, used) < 0) {
        return; /* nobody reads it: there is nobody to tell */
    }
}
