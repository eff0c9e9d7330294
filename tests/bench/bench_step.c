/* What one event costs in the engine alone: instructions and CPU of step_event and customer_encode,
 * at several numbers of segments.
 *
 * No Kafka, no store: rules, customers in memory, seeded events. The first half of the events warms
 * the customers up; the second half is what is measured. Instructions are counted by valgrind as
 * the difference of two runs of this program, so loading and warming up fall out and the figure is
 * the same on every run.
 */
#include "processor/base/hash.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/base/rng.h"
#include "processor/config/config.h"
#include "processor/engine/step.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_MS  INT64_C(1772442000000) /* 2026-03-02T09:00:00Z */
#define BATCH     500                    /* events between two resets of the arenas, as in a task */
#define SIZES_MAX 8

static struct {
    const char *rules;
    long events, customers, sizes[SIZES_MAX];
    int size_count;
    double most; /* instructions per event at the first number of segments; 0: no limit */
    bool is_child, is_warm_only, is_dense;
} args = { "tests/bench/bench.yaml", 20000, 1000, { 0, 10, 100, 1000 }, 4, 0, false, false, false };

static const struct argp_option options[] = {
    { "rules", 'c', "FILE", 0, "Rules without kafka, state and topics", 0 },
    { "customers", 'k', "N", 0, "Customers", 0 },
    { "events", 'n', "N", 0, "Events that are measured", 0 },
    { "segments", 's', "N,N,..", 0, "Numbers of segments to add to the rules", 0 },
    { "dense", 'd', NULL, 0, "So close that each event moves a customer over several", 0 },
    { "most", 'm', "N", 0, "Exit 1 when the first line counts more instructions, or none", 0 },
    { "child", 1, NULL, OPTION_HIDDEN, NULL, 0 },
    { "warm-only", 2, NULL, OPTION_HIDDEN, NULL, 0 },
    { 0 }
};

static int parse(int key, char *argument, struct argp_state *state)
{
    switch (key) {
    case 'c':
        args.rules = argument;
        return 0;
    case 'k':
        args.customers = strtol(argument, NULL, 10);
        return 0;
    case 'n':
        args.events = strtol(argument, NULL, 10);
        return 0;
    case 's':
        args.size_count = 0;
        for (char *at = strtok(argument, ","); at != NULL; at = strtok(NULL, ",")) {
            if (args.size_count == SIZES_MAX) {
                argp_error(state, "at most %d numbers of segments", SIZES_MAX);
            }
            args.sizes[args.size_count++] = strtol(at, NULL, 10);
        }
        return 0;
    case 'm':
        args.most = strtod(argument, NULL);
        return 0;
    case 'd':
        args.is_dense = true;
        return 0;
    case 1:
        args.is_child = true;
        return 0;
    case 2:
        args.is_warm_only = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static double cpu_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- rules: a file's, and as many segments again as asked for --- */

/* Thresholds from 20 to 30,000, closer where they are low: an event seldom moves a customer over
 * one, and everybody is in few, as in a real house. */
static long rising(long number, long count)
{
    double threshold = 20;

    for (long i = 0; i < number; i++) {
        threshold *= 1 + 7.3 / (double)count;
    }
    return (long)threshold;
}

static void add_segment(struct bytes_out *yaml, long number, long count)
{
    static const char *const forms[] = {
        "intent.score >= %ld.5",
        "count(\"click\", days(14)) >= %ld",
        "count(\"visit\", days(30)) >= %ld && customer.company_size > 10",
        "now - last([\"open\", \"click\"]) >= days(%ld)",
        "customer.company_size >= %ld",
        "rfm.monetary >= money(\"%ld.00\")",
    };
    char when[160], line[256];
    long threshold = args.is_dense ? 1 + number * 200 / count : rising(number, count);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(when, sizeof(when), forms[number % 6], threshold);
#pragma GCC diagnostic pop
    snprintf(line, sizeof(line), "  extra_%ld: {dimension: behavioral, when: '%s'}\n", number,
             when);
    bytes_put(yaml, line, strlen(line));
}

static struct config *load_rules(long segments)
{
    struct bytes_out yaml = { NULL, 0, 0 };
    struct config_problems problems = { 0 };
    struct config *config = NULL;
    FILE *file = fopen(args.rules, "r");
    char line[4096];

    if (file == NULL) {
        fprintf(stderr, "bench_step: cannot read %s\n", args.rules);
        exit(64);
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        bytes_put(&yaml, line, strlen(line));
        for (long i = 0; strcmp(line, "segments:\n") == 0 && i < segments; i++) {
            add_segment(&yaml, i, segments);
        }
    }
    (void)fclose(file);
    (void)config_load_text((struct text){ (const char *)yaml.at, yaml.size }, args.rules,
                           CONFIG_NEED_RULES, NULL, 0, &config, &problems);
    config_problems_print(&problems, stderr);
    config_problems_fini(&problems);
    bytes_out_fini(&yaml);
    if (config == NULL) {
        exit(78);
    }
    return config;
}

/* --- events --- */

static void make_event(struct rng *rng, struct arena *arena, long number, struct event *ev)
{
    static const char *const kinds[] = { "click", "click", "click", "open",  "open",
                                         "open",  "open",  "visit", "visit", "purchase" };
    struct event_field *field = arena_alloc(arena, sizeof(*field));

    *ev = (struct event){ .kind_name = text_of(kinds[rng_below(rng, 10)]),
                          .customer = arena_format(
                              arena, "customer-%07llu",
                              (unsigned long long)rng_below(rng, (uint64_t)args.customers)),
                          .at_ms = START_MS + number * 60 * SECOND_MS,
                          .id = arena_format(arena, "e-%012ld", number),
                          .fields = field,
                          .field_count = 1 };
    ev->kind = event_kind_of(ev->kind_name);
    *field = (struct event_field){ .name = TEXT("url"), .key = hash32(TEXT("url")) };
    field->value = (struct value){ .type = VALUE_TEXT,
                                   .as.text = rng_below(rng, 5) == 0 ? TEXT("/pricing")
                                                                     : TEXT("/guide/evidence") };
    if (ev->kind == EVENT_PURCHASE) {
        ev->order = ev->id;
        ev->has_amount = true;
        ev->amount = (int64_t)rng_below(rng, 20000);
        ev->currency = TEXT("EUR");
        ev->field_count = 0;
    }
}

/* --- the work --- */

struct bench {
    const struct rules *rules;
    struct customer **customers;
    struct outputs outputs;
    struct counters counters;
    struct arena arena, scratch, events;
    struct bytes_out encoded;
    struct event *made; /* all of them beforehand: making them is not what is measured */
    long done;
};

static void play(struct bench *b, long count)
{
    for (long i = 0; i < count; i++) {
        const struct event *ev = &b->made[b->done++];
        struct step s = {
            .rules = b->rules, .wall_ms = STEP_NO_WALL, .out = &b->outputs, .counters = &b->counters
        };
        struct customer *c = b->customers[strtol(ev->customer.at + 9, NULL, 10)];

        s.scratch = &b->scratch;
        s.customer = ev->customer;
        s.stream_ms = ev->at_ms;
        (void)step_event(&s, c, ev);
        customer_encode(c, &b->encoded);
        if (i % BATCH == 0) {
            b->outputs.count = 0;
            counters_clean(&b->counters);
            bytes_out_clear(&b->encoded);
            arena_reset(&b->arena);
            arena_reset(&b->scratch);
        }
    }
}

/* CPU seconds of the measured half; 0 when only warmed up. */
static double run(long segments, bool is_warm_only)
{
    struct config *config = load_rules(segments);
    struct bench b = { .rules = config->rules };
    double began, seconds = 0;
    struct rng rng;

    b.outputs.arena = &b.arena;
    b.customers = mem_alloc((size_t)args.customers * sizeof(struct customer *));
    for (long i = 0; i < args.customers; i++) {
        b.customers[i] = customer_new();
    }
    b.made = mem_alloc((size_t)args.events * 2 * sizeof(struct event));
    rng_init(&rng, 1);
    for (long i = 0; i < args.events * 2; i++) {
        make_event(&rng, &b.events, i, &b.made[i]);
    }
    play(&b, args.events);
    if (!is_warm_only) {
        began = cpu_s();
        play(&b, args.events);
        seconds = cpu_s() - began;
    }
    for (long i = 0; i < args.customers; i++) {
        customer_free(b.customers[i]);
    }
    mem_free(b.customers);
    mem_free(b.made);
    outputs_fini(&b.outputs);
    counters_fini(&b.counters);
    bytes_out_fini(&b.encoded);
    arena_fini(&b.arena);
    arena_fini(&b.scratch);
    arena_fini(&b.events);
    config_free(config);
    return seconds;
}

/* --- instructions, counted by valgrind --- */

/* Instructions of this program run as a child; 0: valgrind is not there. */
static double instructions(long segments, bool is_warm_only)
{
    char command[512], line[512];
    double counted = 0;
    FILE *from;

    snprintf(command, sizeof(command),
             "valgrind --tool=callgrind --callgrind-out-file=/dev/null /proc/%d/exe --child "
             "--rules '%.200s' --customers %ld --events %ld --segments %ld%s%s 2>&1 >/dev/null",
             getpid(), args.rules, args.customers, args.events, segments,
             is_warm_only ? " --warm-only" : "", args.is_dense ? " --dense" : "");
    from = popen(command, "r");
    while (from != NULL && fgets(line, sizeof(line), from) != NULL) {
        char *found = strstr(line, "Collected : ");

        counted = found != NULL ? strtod(found + 12, NULL) : counted;
    }
    return from != NULL && pclose(from) == 0 ? counted : 0;
}

int main(int argc, char **argv)
{
    static const struct argp argp = { .options = options,
                                      .parser = parse,
                                      .doc = "What an event costs in the engine." };
    double first = 0;
    bool is_cheap = true;

    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    if (args.is_child) {
        (void)run(args.sizes[0], args.is_warm_only);
        return 0;
    }
    printf("%ld events of %ld customers after as many to warm up: step and encode, per event\n",
           args.events, args.customers);
    printf("%10s %14s %10s %8s\n", "segments", "instructions", "CPU us", "ratio");
    for (int i = 0; i < args.size_count; i++) {
        double micros = run(args.sizes[i], false) / (double)args.events * 1e6;
        double counted = instructions(args.sizes[i], false);
        double warm = counted > 0 ? instructions(args.sizes[i], true) : 0;
        double cost = counted > 0 ? (counted - warm) / (double)args.events : 0;

        is_cheap = is_cheap && (i > 0 || args.most <= 0 || (cost > 0 && cost <= args.most));
        first = i == 0 ? (cost > 0 ? cost : micros) : first;
        printf("%10ld %14.0f %10.2f %8.2f\n", args.sizes[i], cost, micros,
               (cost > 0 ? cost : micros) / first);
        (void)fflush(stdout);
    }
    return is_cheap ? 0 : 1;
}
