#include "processor/runtime/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static _Atomic int64_t values[METRIC__COUNT];

static char info_labels[64];

static const struct {
    const char *name, *type, *unit, *help;
} table[METRIC__COUNT] = {
#define METRIC_ROW(name, type, unit, text, help) { text, #type, unit, help },
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

void metrics_name(enum metric m, char out_name[METRICS_NAME_SIZE])
{
    static const char prefix[] = "segstream_", seconds[] = "seconds";
    const char *name = table[m].name;
    const char *at = strstr(name, seconds);

    name += strncmp(name, prefix, sizeof(prefix) - 1) == 0 ? sizeof(prefix) - 1 : 0;
    if (at == NULL) {
        (void)snprintf(out_name, METRICS_NAME_SIZE, "%s", name);
    } else {
        (void)snprintf(out_name, METRICS_NAME_SIZE, "%.*sms%s", (int)(at - name), name,
                       at + sizeof(seconds) - 1);
    }
}

int64_t metrics_get(enum metric m)
{
    return atomic_load_explicit(&values[m], memory_order_relaxed);
}

/* --- the process, as the kernel sees it --- */
/* Field 22 of /proc/self/stat is the start in clock ticks since boot. 0: not known. */
static int64_t start_ms(void)
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
    return ticks == 0
               ? 0
               : (int64_t)(((double)wall.tv_sec - (double)boot.tv_sec + since_boot) * 1000.0);
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
void metrics_set_info(const char *version, struct text config_hex)
{
    metrics_set(METRIC_INFO, 1);
    (void)snprintf(info_labels, sizeof(info_labels), "{version=\"%.16s\",config=\"%.*s\"}", version,
                   config_hex.size > 16 ? 16 : (int)config_hex.size, config_hex.at);
}

static void put_value(struct bytes_out *out, enum metric m)
{
    int64_t value = metrics_get(m);

    if (strcmp(table[m].unit, "seconds") != 0) {
        bytes_put_format(out, "%" PRId64 "\n", value);
        return;
    }
    bytes_put_format(out, "%s%" PRId64 ".%03" PRId64 "\n", value < 0 ? "-" : "",
                     value < 0 ? -(value / 1000) : value / 1000,
                     value < 0 ? -(value % 1000) : value % 1000);
}

void metrics_print(struct bytes_out *out)
{
    if (metrics_get(METRIC_PROCESS_START) == 0) {
        metrics_set(METRIC_PROCESS_START, start_ms());
    }
    metrics_set(METRIC_PROCESS_CPU, cpu_ms());
    metrics_set(METRIC_PROCESS_RESIDENT, resident_bytes());
    for (size_t i = 0; i < METRIC__COUNT; i++) {
        bytes_put_format(out, "# HELP %s %s\n# TYPE %s %s\n%s%s ", table[i].name, table[i].help,
                         table[i].name, table[i].type, table[i].name,
                         i == METRIC_INFO ? info_labels : "");
        put_value(out, (enum metric)i);
    }
}

void metrics_print_page(struct bytes_out *out)
{
    bytes_put_format(out, "| metric | type | unit | what it says |\n|---|---|---|---|\n");
    for (size_t i = 0; i < METRIC__COUNT; i++) {
        bytes_put_format(out, "| `%s` | %s | %s | %s |\n", table[i].name, table[i].type,
                         table[i].unit[0] == '\0' ? "-" : table[i].unit, table[i].help);
    }
}
