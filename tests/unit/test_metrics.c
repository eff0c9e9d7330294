#include "processor/runtime/metrics.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* One metric as a scraper reads it: HELP, TYPE, value. */
struct sample {
    char name[64], type[16], help[128], labels[64];
    double value;
};

static struct sample samples[METRIC__COUNT + 8];
static size_t sample_count;

/* The next line without its newline, in *at. Returns: NULL at the end. */
static char *next_line(char **at)
{
    char *line = *at, *end = strchr(line, '\n');

    if (*line == '\0') {
        return NULL;
    }
    assert_non_null(end); /* the last line has one, too */
    *end = '\0';
    *at = end + 1;
    return line;
}

static void read_sample(char **at, struct sample *s)
{
    char name[64], value[64], *line = next_line(at), *end;

    assert_int_equal(sscanf(line, "# HELP %63s %127[^\n]", s->name, s->help), 2);
    line = next_line(at);
    assert_non_null(line);
    assert_int_equal(sscanf(line, "# TYPE %63s %15s", name, s->type), 2);
    assert_string_equal(name, s->name);
    line = next_line(at);
    assert_non_null(line);
    assert_int_equal(sscanf(line, "%63[^ {]%63[^ ] %63s", name, s->labels, value) == 3 ||
                         sscanf(line, "%63s %63s", name, value) == 2,
                     1);
    assert_string_equal(name, s->name);
    s->value = strtod(value, &end);
    assert_true(*end == '\0' && end > value);
}

static void scrape(void)
{
    struct bytes_out out = { NULL, 0, 0 };
    char *at;

    metrics_print(&out);
    bytes_put_byte(&out, 0);
    at = (char *)out.at;
    for (sample_count = 0; *at != '\0'; sample_count++) {
        assert_true(sample_count < sizeof(samples) / sizeof(samples[0]));
        read_sample(&at, &samples[sample_count]);
    }
    bytes_out_fini(&out);
}

static const struct sample *find(const char *name)
{
    for (size_t i = 0; i < sample_count; i++) {
        if (strcmp(samples[i].name, name) == 0) {
            return &samples[i];
        }
    }
    fail_msg("no metric %s", name);
    return NULL;
}

static void every_metric_has_a_help_a_type_and_a_value(void **state)
{
    (void)state;
    scrape();
    assert_int_equal(sample_count, METRIC__COUNT);
    for (size_t i = 0; i < sample_count; i++) {
        bool is_counter = text_ends_with(text_of(samples[i].name), TEXT("_total"));

        assert_string_equal(samples[i].type, is_counter ? "counter" : "gauge");
        assert_true(text_ends_with(text_of(samples[i].help), TEXT(".")));
    }
}

static void names_are_plain_unlike_each_other_and_say_whose_they_are(void **state)
{
    (void)state;
    scrape();
    for (size_t i = 0; i < sample_count; i++) {
        struct text name = text_of(samples[i].name);

        assert_true(text_starts_with(name, TEXT("segstream_")) ||
                    text_starts_with(name, TEXT("process_")));
        for (size_t k = 0; k < name.size; k++) {
            assert_true(islower((unsigned char)name.at[k]) || name.at[k] == '_');
        }
        assert_ptr_equal(find(samples[i].name), &samples[i]);
    }
}

static void what_is_added_and_set_is_printed(void **state)
{
    (void)state;
    metrics_set(METRIC_COMMITS_TOTAL, 40);
    metrics_add(METRIC_COMMITS_TOTAL, 2);
    metrics_set(METRIC_STREAM_TIME_LAG_SECONDS, -1500);
    scrape();
    assert_int_equal(metrics_get(METRIC_COMMITS_TOTAL), 42);
    assert_true(find("segstream_commits_total")->value == 42.0);
    assert_true(find("segstream_stream_time_lag_seconds")->value == -1.5);
}

static void only_what_is_the_same_for_all_customers_is_a_label(void **state)
{
    (void)state;
    metrics_set_info("1.2.3", TEXT("0123456789abcdef"));
    scrape();
    for (size_t i = 0; i < sample_count; i++) {
        bool is_info = strcmp(samples[i].name, "segstream_info") == 0;

        assert_string_equal(samples[i].labels,
                            is_info ? "{version=\"1.2.3\",config=\"0123456789abcdef\"}" : "");
    }
    assert_true(find("segstream_info")->value == 1.0);
}

static void a_unit_that_prometheus_knows_stands_in_the_name(void **state)
{
    struct bytes_out out = { NULL, 0, 0 };
    char *at, *line, name[64], unit[16];
    size_t rows = 0;

    (void)state;
    metrics_print_page(&out);
    bytes_put_byte(&out, 0);
    at = (char *)out.at;
    while ((line = next_line(&at)) != NULL) {
        if (sscanf(line, "| `%63[^`]` | %*s | %15[^ ] |", name, unit) == 2) {
            bool is_base = strcmp(unit, "seconds") == 0 || strcmp(unit, "bytes") == 0;

            assert_true(!is_base || strstr(name, unit) != NULL);
            rows++;
        }
    }
    assert_int_equal(rows, METRIC__COUNT);
    bytes_out_fini(&out);
}

static void a_name_for_whole_numbers_has_no_prefix_and_says_ms(void **state)
{
    char name[METRICS_NAME_SIZE];

    (void)state;
    metrics_name(METRIC_EVENTS_TOTAL, name);
    assert_string_equal(name, "events_total");
    metrics_name(METRIC_STREAM_TIME_LAG_SECONDS, name);
    assert_string_equal(name, "stream_time_lag_ms");
    metrics_name(METRIC_PROCESS_CPU, name);
    assert_string_equal(name, "process_cpu_ms_total");
}

static void the_process_is_described_as_the_kernel_sees_it(void **state)
{
    double start, cpu;

    (void)state;
    scrape();
    start = find("process_start_time_seconds")->value;
    cpu = find("process_cpu_seconds_total")->value;
    assert_true(start > 1.6e9 && start < 1e10);
    assert_true(find("process_resident_memory_bytes")->value > 100000.0);
    assert_true(cpu >= 0.0);
    scrape();
    assert_true(find("process_start_time_seconds")->value == start);
    assert_true(find("process_cpu_seconds_total")->value >= cpu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_metric_has_a_help_a_type_and_a_value),
        cmocka_unit_test(names_are_plain_unlike_each_other_and_say_whose_they_are),
        cmocka_unit_test(what_is_added_and_set_is_printed),
        cmocka_unit_test(only_what_is_the_same_for_all_customers_is_a_label),
        cmocka_unit_test(a_unit_that_prometheus_knows_stands_in_the_name),
        cmocka_unit_test(a_name_for_whole_numbers_has_no_prefix_and_says_ms),
        cmocka_unit_test(the_process_is_described_as_the_kernel_sees_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
