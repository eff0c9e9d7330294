#include "processor/cli/report_source.h"

#include "processor/base/instant.h"

#include <stdio.h>
#include <time.h>

static void take(void *context, const struct counter_value *counters, uint32_t count)
{
    tally_add(context, counters, count);
}

static int64_t instant_of(const struct cli_options *o, const struct config *config,
                          const struct customer_source *source)
{
    struct timespec now = { 0 };
    int64_t stream_ms = customer_source_stream_ms(source);

    if (o->at_ms != INSTANT_NEVER) {
        return o->at_ms;
    }
    if ((o->state != NULL || config->rules->is_event_clock) && stream_ms != INSTANT_NEVER) {
        return stream_ms;
    }
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * SECOND_MS + now.tv_nsec / 1000000;
}

/* Days begin at 00:00 UTC, so a period is of whole days. */
bool report_since_day(const char *since, int64_t now_ms, int64_t *out_day)
{
    int64_t ms;

    if (since == NULL) {
        *out_day = TALLY_EVER;
        return true;
    }
    if (instant_parse_duration(text_of(since), &ms)) {
        *out_day = instant_floor_days(now_ms - ms);
        return true;
    }
    if (cli_instant(since, &ms)) {
        *out_day = instant_floor_days(ms);
        return true;
    }
    return instant_parse_date(text_of(since), out_day);
}

enum exit_code report_source_open(struct report_source *s, const char *command,
                                  const struct config *config, const struct cli_options *o,
                                  const char *since)
{
    char sentence[256] = "";
    bool is_config = false;

    s->config = config;
    s->source = customer_source_open(config, o->state, o->partitions, sentence, &is_config);
    if (s->source != NULL) {
        s->now_ms = instant_of(o, config, s->source);
        if (!report_since_day(since, s->now_ms, &s->tally.since_day)) {
            fprintf(stderr, "segstream %s: --since wants a duration like 30d, or an instant\n",
                    command);
            return EXIT_USAGE;
        }
        s->tally.from_day = s->tally.since_day;
        if (customer_source_counters(s->source, take, &s->tally, sentence)) {
            s->now_ms = instant_of(o, config, s->source);
            return EXIT_GOOD;
        }
    }
    fprintf(stderr, "segstream %s: %s\n", command, sentence);
    return is_config ? EXIT_BAD_CONFIG : EXIT_SERVICE;
}

void report_source_close(struct report_source *s)
{
    tally_fini(&s->tally);
    customer_source_close(s->source);
}

struct report report_source_report(const struct report_source *s, struct document *document)
{
    return (struct report){ .config = s->config,
                            .rules = s->config->rules,
                            .tally = &s->tally,
                            .now_ms = s->now_ms,
                            .document = document };
}
