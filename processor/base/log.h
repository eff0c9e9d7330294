/* Log lines in logfmt on standard error: time in UTC, level, a stable event name, then fields with
 * units. deploy/LOGS.md lists the events; a test compares.
 *
 *     time=2026-03-02T12:03:11.204Z level=warn event=store.down retrying_in_ms=200
 *
 * Layer: base, called from runtime and cli only; layers below return codes instead.
 * No customer id and no address may appear in clear: log their hash.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_set_level(enum log_level least);

/* Thread: any. A line is written with one write(2). Over 10 lines of one event in a second are
 * counted, not written; the count comes with the next line (`suppressed=`). Control characters
 * become blanks. */
void log_line(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif /* BASE_LOG_H */
