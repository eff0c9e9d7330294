/* Log lines in logfmt on standard error: first a stable event name, then fields with units.
 *
 *     12:03:11.204 warn store.down partition=7 retrying_in_ms=200
 *
 * Layer: base, called from runtime and cli only; layers below return codes instead.
 * No customer id and no address may appear in clear: log their hash.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_set_level(enum log_level least);

/* Thread: any. A line is written with one write(2). Over 10 lines of one event in a second are
 * counted, not written; the count comes with the next line (`suppressed=`). */
void log_line(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif /* BASE_LOG_H */
