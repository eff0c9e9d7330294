#include "processor/cli/replay_report.h"

#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/cli/inspected.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define TERMINAL_EVERY_MS 200
#define LINE_EVERY_MS     (10 * SECOND_MS)
#define BAR_WIDTH         20

static int64_t monotonic_ms(void)
{
    struct timespec now = { 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * SECOND_MS + now.tv_nsec / 1000000;
}

void replay_report_begin(struct replay_report *p, const struct rules *rules, int32_t partitions,
                         int64_t limit)
{
    *p = (struct replay_report){ .rules = rules,
                                 .partitions = partitions,
                                 .is_terminal = isatty(STDERR_FILENO) == 1,
                                 .began_ms = monotonic_ms(),
                                 .limit = limit };
    p->said_ms = p->began_ms;
}

void replay_report_fini(struct replay_report *p)
{
    mem_free(p->differing);
    mem_free(p->differing_in);
    arena_fini(&p->arena);
}

/* --- progress --- */

static void say_progress(const struct replay_report *p, int64_t done, int64_t total, int64_t now_ms)
{
    int64_t whole = total < done ? done : total;
    int64_t part = whole == 0 ? 1000 : done * 1000 / whole; /* thousandths */
    int64_t all = (p->partition_index * INT64_C(1000) + part) / p->partitions;
    int64_t taken_ms = now_ms - p->began_ms, rate = 0, left_s = 0;
    char bar[BAR_WIDTH + 1];

    rate = taken_ms > 0 ? (p->records + done) * 1000 / taken_ms : 0;
    left_s = all > 0 ? taken_ms * (1000 - all) / all / 1000 : 0;
    for (int i = 0; i < BAR_WIDTH; i++) {
        bar[i] = i * 1000 < all * BAR_WIDTH ? '#' : '.';
    }
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr,
            "%sreplaying partition %" PRId32 " of %" PRId32 " [%s] %" PRId64 "%%  %" PRId64
            " events  %" PRId64 " events/s  ETA %" PRId64 ":%02" PRId64 "%s",
            p->is_terminal ? "\r" : "", p->partition_index + 1, p->partitions, bar, all / 10,
            p->records + done, rate, left_s / 60, left_s % 60, p->is_terminal ? "  " : "\n");
}

void replay_report_progress(void *context, int32_t partition, int64_t done, int64_t total)
{
    struct replay_report *p = context;
    int64_t now_ms = monotonic_ms();

    (void)partition;
    p->records_of_part = done;
    if (now_ms >= p->said_ms + (p->is_terminal ? TERMINAL_EVERY_MS : LINE_EVERY_MS)) {
        p->said_ms = now_ms;
        say_progress(p, done, total, now_ms);
    }
}

/* --- results --- */

void replay_report_part(struct replay_report *p, struct outline *o, int32_t partition,
                        const struct replay_result *r)
{
    if (p->is_terminal) {
        fputs("\r\033[K", stderr);
    }
    p->partition_index++;
    p->records += p->records_of_part;
    p->records_of_part = 0;
    outline_open(o, NULL, '{');
    outline_int(o, "partition", partition);
    outline_int(o, "records", r->records);
    outline_int(o, "customers", r->customers);
    outline_int(o, "outputs", r->outputs);
    outline_int(o, "gone_from_kafka", r->gone);
    outline_int(o, "differing", r->differing);
    outline_instant(o, "stream_time", r->stream_ms == INSTANT_MIN ? INSTANT_NEVER : r->stream_ms);
    outline_bool(o, "resumed", r->is_resumed);
    outline_bool(o, "was_done", r->was_done);
    outline_close(o, '}');
    if (r->is_other_rules) {
        fprintf(stderr,
                "segstream replay: the state of partition %" PRId32
                " was decided by other rules than these, so differences are to be expected\n",
                partition);
    }
    if (r->gone > 0) {
        fprintf(stderr,
                "segstream replay: partition %" PRId32 ": %" PRId64
                " older records are no longer in Kafka (retention), so what they told is missing\n",
                partition, r->gone);
    }
}

static struct bytes kept(struct arena *arena, struct bytes b)
{
    struct text t = arena_text(arena, (struct text){ (const char *)b.at, b.size });

    return (struct bytes){ (const uint8_t *)t.at, t.size };
}

void replay_report_differs(void *context, int32_t partition, const struct replay_differing *d)
{
    struct replay_report *p = context;
    uint32_t i = p->differing_count;

    if ((int64_t)i >= p->limit) {
        return;
    }
    p->differing = mem_grow32(p->differing, i, &p->differing_capacity, sizeof(*p->differing));
    p->differing_in = mem_grow32(p->differing_in, i, &p->partition_capacity, sizeof(int32_t));
    p->differing[i] =
        (struct replay_differing){ arena_text(&p->arena, d->customer), kept(&p->arena, d->stored),
                                   kept(&p->arena, d->replayed) };
    p->differing_in[i] = partition;
    p->differing_count++;
}

/* --- differences --- */

/* A record as `inspect` says it. Owner: the caller, free. */
static char *said(struct replay_report *p, struct bytes record, bool is_json)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    struct customer *c = NULL;
    struct outline o;

    if (to == NULL) {
        return NULL;
    }
    if (record.at != NULL && customer_decode(record, &c) == OK) {
        outline_begin(&o, to, is_json);
        inspected_say(&o, p->rules, c);
        outline_end(&o);
        customer_free(c);
    }
    (void)fclose(to);
    return text;
}

static bool has_line(const char *text, struct text line)
{
    for (const char *at = text; at != NULL && *at != '\0';) {
        size_t size = strcspn(at, "\n");

        if (text_equal((struct text){ at, size }, line)) {
            return true;
        }
        at += size + (at[size] == '\n');
    }
    return false;
}

/* Lines of one that the other has not. */
static void say_lines(struct outline *o, const char *text, const char *other, const char *sign)
{
    for (const char *at = text; at != NULL && *at != '\0';) {
        struct text line = { at, strcspn(at, "\n") };

        if (!has_line(other, line)) {
            fprintf(o->json.to, "    %s %.*s\n", sign, TEXT_PRINTF(line));
        }
        at += line.size + (at[line.size] == '\n');
    }
}

static void put_json(struct outline *o, const char *key, const char *json)
{
    struct text t = text_of(json);

    while (t.size > 0 && t.at[t.size - 1] == '\n') {
        t.size--;
    }
    if (t.size == 0) {
        outline_text(o, key, TEXT_NONE);
    } else {
        outline_json(o, key, t);
    }
}

void replay_report_differences(struct replay_report *p, struct outline *o)
{
    outline_open(o, "differences", '[');
    for (uint32_t i = 0; i < p->differing_count; i++) {
        char *stored = said(p, p->differing[i].stored, o->is_json);
        char *replayed = said(p, p->differing[i].replayed, o->is_json);

        outline_open(o, NULL, '{');
        outline_int(o, "partition", p->differing_in[i]);
        outline_text(o, "customer", p->differing[i].customer);
        if (o->is_json) {
            put_json(o, "stored", stored);
            put_json(o, "replayed", replayed);
            outline_close(o, '}');
        } else {
            outline_close(o, '}');
            say_lines(o, stored, replayed, "-");
            say_lines(o, replayed, stored, "+");
        }
        free(stored);   /* tidy: library memory */
        free(replayed); /* tidy: library memory */
    }
    outline_close(o, ']');
}
