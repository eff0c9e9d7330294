/* Numbers of the whole process, for Prometheus: one table, atomics, one text, one page.
 *
 * Layer: runtime. Base units, which stand in the name (seconds, bytes); counters end in _total and
 * never go back while the process lives; no labels but those of segstream_info, so no customer and
 * no segment is one. deploy/METRICS.md, the alert rules and the dashboard are compared with the
 * table by tests. Thread: any.
 */
#ifndef RUNTIME_METRICS_H
#define RUNTIME_METRICS_H
#include "processor/base/bytes.h"
#include "processor/base/text.h"

#include <stdint.h>

/* clang-format off */
#define METRIC_MAP(X) \
    X(INFO,                    gauge,   "",          "segstream_info",                     "1; its labels say the version and the hash of the compiled configuration.") \
    X(READY,                   gauge,   "",          "segstream_ready",                    "1 when /readyz says so.") \
    X(STORE_UP,                gauge,   "",          "segstream_store_up",                 "1 when the store answers.") \
    X(KAFKA_UP,                gauge,   "",          "segstream_kafka_up",                 "1 when a broker is connected.") \
    X(PARTITIONS_OWNED,        gauge,   "partitions", "segstream_partitions_owned",         "Input partitions of this process.") \
    X(PARTITIONS_STOPPED,      gauge,   "partitions", "segstream_partitions_stopped",       "Partitions whose input dead_letters.stop_above holds.") \
    X(PARTITIONS_SWEEPING,     gauge,   "partitions", "segstream_partitions_sweeping",      "Partitions whose customers have not all seen the configuration yet.") \
    X(INPUT_LAG_RECORDS,       gauge,   "records",   "segstream_input_lag_records",        "Records of the owned partitions behind the last one committed, all input topics together.") \
    X(STREAM_TIME_LAG_SECONDS, gauge,   "seconds",   "segstream_stream_time_lag_seconds",  "Wall clock minus the least stream time.") \
    X(EVENTS_TOTAL,            counter, "records",   "segstream_events_total",             "Input records handled.") \
    X(EVENTS_LATE_TOTAL,       counter, "records",   "segstream_events_late_total",        "Events behind the allowed lateness.") \
    X(EVENTS_DUPLICATE_TOTAL,  counter, "records",   "segstream_events_duplicate_total",   "Events whose id was seen before.") \
    X(EVENTS_SKIPPED_TOTAL,    counter, "records",   "segstream_events_skipped_total",     "Records read again after a restart and known already.") \
    X(EVENTS_MISPLACED_TOTAL,  counter, "records",   "segstream_events_misplaced_total",   "Events whose customer belongs to another partition (murmur2): dead letters.") \
    X(DEAD_LETTERS_TOTAL,      counter, "records",   "segstream_dead_letters_total",       "Input records that could not be used.") \
    X(TRIGGERS_TOTAL,          counter, "records",   "segstream_triggers_total",           "Emails decided.") \
    X(MEMBERSHIPS_TOTAL,       counter, "records",   "segstream_memberships_total",        "Segments entered and left.") \
    X(OUTCOMES_TOTAL,          counter, "records",   "segstream_outcomes_total",           "Outcomes of emails and runs.") \
    X(PUBLISHED_TOTAL,         counter, "records",   "segstream_published_total",          "Output records acknowledged by Kafka.") \
    X(OUTBOX_PENDING,          gauge,   "records",   "segstream_outbox_pending",           "Output records committed and not acknowledged yet.") \
    X(TIMERS_FIRED_TOTAL,      counter, "customers", "segstream_timers_fired_total",       "Customers handled because time passed.") \
    X(TIMERS_PENDING,          gauge,   "customers", "segstream_timers_pending",           "Customers with a deadline ahead.") \
    X(CUSTOMERS_CACHED,        gauge,   "customers", "segstream_customers_cached",         "Customer records in memory.") \
    X(RECONFIGURED_TOTAL,      counter, "customers", "segstream_reconfigured_total",       "Customers visited because the configuration changed.") \
    X(COMMITS_TOTAL,           counter, "commits",   "segstream_commits_total",            "Atomic writes to the store.") \
    X(COMMITS_REDONE_TOTAL,    counter, "commits",   "segstream_commits_redone_total",     "Commits written again to a store that came back older.") \
    X(CEILING_HELD_TOTAL,      counter, "emails",    "segstream_ceiling_held_total",       "Emails held by limits.per_minute.") \
    X(JOIN_HELD_TOTAL,         counter, "judgements", "segstream_join_held_total",          "Judgements held by limits.join_guard.") \
    X(ZONES_UNKNOWN_TOTAL,     counter, "lookups",   "segstream_zones_unknown_total",      "Times a customer's zone was none and time.zone stood in.") \
    X(PROCESS_START,           gauge,   "seconds",   "process_start_time_seconds",         "Start of the process since 1970.") \
    X(PROCESS_CPU,             counter, "seconds",   "process_cpu_seconds_total",          "User and system time used.") \
    X(PROCESS_RESIDENT,        gauge,   "bytes",     "process_resident_memory_bytes",      "Resident memory.")
/* clang-format on */

enum metric {
#define METRIC_ENUM(name, type, unit, text, help) METRIC_##name,
    METRIC_MAP(METRIC_ENUM)
#undef METRIC_ENUM
        METRIC__COUNT
};

/* Those of unit `seconds` are told and asked in milliseconds, and printed as 0.001. */
void metrics_add(enum metric m, int64_t by);
void metrics_set(enum metric m, int64_t value);
int64_t metrics_get(enum metric m);

#define METRICS_NAME_SIZE 64
/* For what takes the values as they are: without the prefix segstream_, and `ms` for `seconds`. */
void metrics_name(enum metric m, char out_name[METRICS_NAME_SIZE]);

/* The labels of segstream_info; both are copied, the hash up to 16 characters. Call it before
 * anybody prints. */
void metrics_set_info(const char *version, struct text config_hex);

/* Append all, in the text exposition format 0.0.4, with what the kernel says of the process. */
void metrics_print(struct bytes_out *out);

/* Append the table as rows of markdown: name, type, unit, help. */
void metrics_print_page(struct bytes_out *out);

#endif /* RUNTIME_METRICS_H */
