#include "processor/runtime/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static _Atomic int64_t values[METRIC__COUNT];

static const struct {
    const char *name, *type, *help;
} table[METRIC__COUNT] = {
#define METRIC_ROW(name, type, text, help) { "segstream_" text, #type, help },
    METRIC_MAP(METRIC_ROW)
#undef METRIC_ROW
};

void metrics_add(enum metric m, int64_t by)
{
    (void)atomic_fetch_add_explicit(&values[m], by, memory_order_relaxed);
}

void metrics_set(enum metric m, int64_t value)
{
    atomic_store_explicit(&values[m], value, memory_order_relaxed);
}

const char *metrics_name(enum metric m)
{
    return table[m].name + sizeof("segstream_") - 1;
}

int64_t metrics_get(enum metric m)
{
    return atomic_load_explicit(&values[m], memory_order_relaxed);
}

/* --- the process, as the kernel sees it --- */
/* Field 22 of /proc/self/stat is the start in clock ticks since boot. 0: not known. */
static int64_t start_time_seconds(void)
{
    FILE *file = fopen("/proc/self/stat", "re");
    unsigned long long ticks = 0;
    struct timespec wall, boot;
    double since_boot;

    if (file == NULL) {
        return 0;
    }
    /* the name, field 2, is ours: no blank and no parenthesis in it */
    if (fscanf(file,
               "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
               "%*d %llu",
               &ticks) != 1) {
        ticks = 0;
    }
    (void)fclose(file);
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    (void)clock_gettime(CLOCK_BOOTTIME, &boot);
    since_boot = (double)ticks / (double)sysconf(_SC_CLK_TCK);
    return ticks == 0 ? 0 : (int64_t)((double)wall.tv_sec - (double)boot.tv_sec + since_boot);
}

static int64_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    long long pages = 0;

    if (file == NULL) {
        return 0;
    }
    if (fscanf(file, "%*d %lld", &pages) != 1) {
        pages = 0;
    }
    (void)fclose(file);
    return pages * (int64_t)sysconf(_SC_PAGESIZE);
}

static int64_t cpu_ms(void)
{
    struct rusage used;

    if (getrusage(RUSAGE_SELF, &used) != 0) {
        return 0;
    }
    return (int64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
}

/* --- the text --- */
static void put_head(struct bytes_out *out, const char *name, const char *type, const char *help)
{
    bytes_put_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_print(struct bytes_out *out)
{
    int64_t used_ms = cpu_ms();

    if (metrics_get(METRIC_START_TIME_SECONDS) == 0) {
        metrics_set(METRIC_START_TIME_SECONDS, start_time_seconds());
    }
    for (size_t i = 0; i < METRIC__COUNT; i++) {
        put_head(out, table[i].name, table[i].type, table[i].help);
        bytes_put_format(out, "%s %" PRId64 "\n", table[i].name, metrics_get((enum metric)i));
    }
    put_head(out, "process_cpu_seconds_total", "counter", "User and system time used.");
    bytes_put_format(out, "process_cpu_seconds_total %" PRId64 ".%03" PRId64 "\n", used_ms / 1000,
                     used_ms % 1000);
    put_head(out, "process_resident_memory_bytes", "gauge", "Resident memory.");
    bytes_put_format(out, "process_resident_memory_bytes %" PRId64 "\n", resident_bytes());
}
