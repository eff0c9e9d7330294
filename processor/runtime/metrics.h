/* Numbers of the whole process, for Prometheus: one table, atomics, one text.
 *
 * Layer: runtime. Names: segstream_<name>, units in the name; counters end in _total and never go
 * back while the process lives. Thread: any.
 */
#ifndef RUNTIME_METRICS_H
#define RUNTIME_METRICS_H
#include "processor/base/bytes.h"

#include <stdint.h>

/* clang-format off */
#define METRIC_MAP(X)                                                                             \
    X(EVENTS_TOTAL,           counter, "events_total",           "Input records handled.")         \
    X(EVENTS_LATE_TOTAL,      counter, "events_late_total",      "Events behind the allowed lateness.") \
    X(EVENTS_DUPLICATE_TOTAL, counter, "events_duplicate_total", "Events whose id was seen before.") \
    X(EVENTS_SKIPPED_TOTAL,   counter, "events_skipped_total",   "Records read again after a restart and known already.") \
    X(DEAD_LETTERS_TOTAL,     counter, "dead_letters_total",     "Input records that could not be used.") \
    X(EVENTS_MISPLACED_TOTAL, counter, "events_misplaced_total", "Events whose customer belongs to another partition (murmur2): dead letters.") \
    X(TIMERS_FIRED_TOTAL,     counter, "timers_fired_total",     "Customers handled because time passed.") \
    X(COMMITS_TOTAL,          counter, "commits_total",          "Atomic writes to the store.")    \
    X(TRIGGERS_TOTAL,         counter, "triggers_total",         "Emails decided.")                \
    X(MEMBERSHIPS_TOTAL,      counter, "memberships_total",      "Segments entered and left.")     \
    X(OUTCOMES_TOTAL,         counter, "outcomes_total",         "Outcomes of emails and runs.")   \
    X(PUBLISHED_TOTAL,        counter, "published_total",        "Output records acknowledged by Kafka.") \
    X(CUSTOMERS_CACHED,       gauge,   "customers_cached",       "Customer records in memory.")    \
    X(TIMERS_PENDING,         gauge,   "timers_pending",         "Customers with a deadline ahead.") \
    X(OUTBOX_PENDING,         gauge,   "outbox_pending",         "Output records committed and not acknowledged yet.") \
    X(PARTITIONS_OWNED,       gauge,   "partitions_owned",       "Input partitions of this process.") \
    X(RECONFIGURED_TOTAL,     counter, "reconfigured_total",     "Customers visited because the configuration changed.") \
    X(CEILING_HELD_TOTAL,     counter, "ceiling_held_total",     "Emails held by limits.per_minute.") \
    X(JOIN_HELD_TOTAL,        counter, "join_held_total",        "Judgements held by limits.join_guard.") \
    X(ZONES_UNKNOWN_TOTAL,    counter, "zones_unknown_total",    "Times a customer's zone was none and time.zone stood in.") \
    X(PARTITIONS_SWEEPING,    gauge,   "partitions_sweeping",    "Partitions whose customers have not all seen the configuration yet.") \
    X(PARTITIONS_STOPPED,     gauge,   "partitions_stopped",     "Partitions whose input dead_letters.stop_above holds.") \
    X(STREAM_TIME_LAG_MS,     gauge,   "stream_time_lag_ms",     "Wall clock minus the least stream time, in milliseconds.") \
    X(STORE_UP,               gauge,   "store_up",               "1 when the store answers.")      \
    X(KAFKA_UP,               gauge,   "kafka_up",               "1 when a broker is connected.")  \
    X(READY,                  gauge,   "ready",                  "1 when /readyz says so.")        \
    X(START_TIME_SECONDS,     gauge,   "start_time_seconds",     "Start of the process, in seconds since 1970.")
/* clang-format on */

enum metric {
#define METRIC_ENUM(name, type, text, help) METRIC_##name,
    METRIC_MAP(METRIC_ENUM)
#undef METRIC_ENUM
        METRIC__COUNT
};

void metrics_add(enum metric m, int64_t by);
void metrics_set(enum metric m, int64_t value);
int64_t metrics_get(enum metric m);
const char *metrics_name(enum metric m); /* without the prefix */

/* Append all, in the text exposition format 0.0.4, with process_cpu_seconds_total and
 * process_resident_memory_bytes as of now. The start time is found when nobody set it. */
void metrics_print(struct bytes_out *out);

#endif /* RUNTIME_METRICS_H */
