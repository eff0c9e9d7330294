#include "processor/cli/inspect_parts.h"

#include "processor/base/instant.h"
#include "processor/cli/inspected.h"
#include "schemas/avro.h"

#include <inttypes.h>

typedef bool part_sayer(struct inspection *i, int32_t partition, char *sentence);

static bool each(struct inspection *i, const char *name, part_sayer *say, char *sentence)
{
    bool is_good = true;

    outline_open(i->out, name, '[');
    for (int32_t p = 0; is_good && p < i->redis.partition_count; p++) {
        if (i->partition < 0 || i->partition == p) {
            is_good = say(i, p, sentence);
        }
    }
    outline_close(i->out, ']');
    return is_good;
}

static struct text hex(struct arena *arena, uint64_t value)
{
    return arena_format(arena, "%016" PRIx64, value);
}

static bool look(struct inspection *i, int32_t partition, struct store_reply *out, char *sentence)
{
    struct store_request r = { .verb = STORE_LOOK, .partition = partition };

    return store_reader_ask(&i->redis, &r, out, sentence);
}

/* --- states --- */

static int64_t instant_or_never(int64_t at_ms)
{
    return at_ms == INSTANT_MIN ? INSTANT_NEVER : at_ms;
}

static void say_positions(struct inspection *i, const struct partition_state *s)
{
    outline_open(i->out, "positions", '[');
    for (uint32_t k = 0; k < s->position_count; k++) {
        outline_open(i->out, NULL, '{');
        outline_text(i->out, "topic", s->positions[k].topic);
        outline_int(i->out, "next_offset", s->positions[k].next_offset);
        outline_instant(i->out, "watermark", instant_or_never(s->positions[k].watermark_ms));
        outline_close(i->out, '}');
    }
    outline_close(i->out, ']');
}

static void say_limits(struct inspection *i, const struct partition_state *s)
{
    int64_t named = 0, unnamed = 0;

    outline_open(i->out, "ceilings", '[');
    for (uint32_t k = 0; k < s->ceilings.count; k++) {
        const struct ceiling *c = &s->ceilings.items[k];
        const struct sequence_plan *p = rules_sequence(i->redis.config->rules, c->sequence);

        outline_open(i->out, NULL, '{');
        outline_text(i->out, "sequence", p == NULL ? TEXT_NONE : p->id);
        outline_int(i->out, "sent", c->sent);
        outline_int(i->out, "waiting", c->waiting);
        outline_close(i->out, '}');
    }
    outline_close(i->out, ']');
    for (uint32_t k = 0; k < COMMIT_JOIN_ROWS; k++) {
        named += s->joins.rows[k].named;
        unnamed += s->joins.rows[k].unnamed;
    }
    outline_int(i->out, "answers_named", named);
    outline_int(i->out, "answers_unnamed", unnamed);
}

/* What holds in short; the rest only for one partition. */
static void say_state(struct inspection *i, const struct store_reply *r, struct arena *arena)
{
    const struct partition_state *s = r->state;

    outline_text(i->out, "guard",
                 arena_format(arena, "%" PRId64 ".%" PRId64, r->guard.epoch, r->guard.version));
    if (r->is_new) {
        return;
    }
    outline_instant(i->out, "stream_time", instant_or_never(s->stream_ms));
    outline_int(i->out, "customers", r->filed);
    outline_int(i->out, "outbox_pending", r->outbox_count);
    outline_int(i->out, "outbox_last", s->outbox_last);
    outline_int(i->out, "outbox_trimmed", s->outbox_trimmed);
    outline_text(i->out, "config", hex(arena, s->config));
    outline_bool(i->out, "config_is_this", s->config == i->redis.config->rules->config);
    outline_text(i->out, "swept", hex(arena, s->swept));
    outline_text(i->out, "lineage", hex(arena, s->lineage));
    outline_int(i->out, "partition_count", s->partition_count);
    if (i->partition >= 0) {
        say_positions(i, s);
        say_limits(i, s);
    }
}

static bool say_partition(struct inspection *i, int32_t partition, char *sentence)
{
    struct store_reply r;
    struct arena arena = { 0 };
    bool is_good = look(i, partition, &r, sentence);

    if (is_good) {
        bool is_one = i->partition >= 0;

        if (!is_one) {
            outline_open(i->out, NULL, '{');
        }
        outline_int(i->out, "partition", partition);
        say_state(i, &r, &arena);
        if (!is_one) {
            outline_close(i->out, '}');
        }
    }
    arena_fini(&arena);
    return is_good;
}

bool inspect_partitions(struct inspection *i, char sentence[STORE_READER_SENTENCE])
{
    return i->partition >= 0 ? say_partition(i, i->partition, sentence)
                             : each(i, "partitions", say_partition, sentence);
}

/* A heading for people, a field for programs. */
static void open_part(struct inspection *i, int32_t partition, struct arena *arena)
{
    struct text heading = arena_format(arena, "partition %" PRId32, partition);

    outline_open(i->out, i->out->is_json ? NULL : heading.at, '{');
    if (i->out->is_json) {
        outline_int(i->out, "partition", partition);
    }
}

/* --- timers --- */

/* Behind all timers the customers without one are filed. */
static bool is_timer(const struct store_timer *t)
{
    return t->due_ms <= INSTANT_MAX;
}

/* What each of them waits for is in their records. */
static bool say_listed(struct inspection *i, int32_t partition, const struct store_timer *timers,
                       uint32_t count, struct arena *arena, char *sentence)
{
    struct text *ids = arena_alloc(arena, (count + 1) * sizeof(*ids));
    int64_t *dues_ms = arena_alloc(arena, (count + 1) * sizeof(*dues_ms));
    struct store_request peek = { .verb = STORE_PEEK, .partition = partition, .customers = ids };
    struct store_reply r;

    for (uint32_t k = 0; k < count; k++) {
        ids[k] = arena_text(arena, timers[k].customer);
        dues_ms[k] = timers[k].due_ms;
    }
    peek.customer_count = count;
    if (!store_reader_ask(&i->redis, &peek, &r, sentence)) {
        return false;
    }
    for (uint32_t k = 0; k < count; k++) {
        struct customer *c = NULL;
        struct text waits_for = TEXT_NONE;

        if (r.records[k].at != NULL && customer_decode(r.records[k], &c) == OK) {
            waits_for = c->due_ms == dues_ms[k]
                            ? inspected_due(i->redis.config->rules, c, dues_ms[k], arena)
                            : TEXT("a look: its timer has moved on");
        }
        customer_free(c);
        outline_open(i->out, NULL, '{');
        outline_instant(i->out, "due_at", dues_ms[k]);
        outline_text(i->out, "customer", ids[k]);
        outline_text(i->out, "for", waits_for);
        outline_close(i->out, '}');
    }
    return true;
}

static bool say_timers(struct inspection *i, int32_t partition, char *sentence)
{
    struct store_request page = { .verb = STORE_TIMERS, .partition = partition, .limit = i->limit };
    struct store_reply r;
    struct arena arena = { 0 };
    int64_t stream_ms = INSTANT_NEVER;
    bool is_good = look(i, partition, &r, sentence);
    uint32_t count = 0;

    stream_ms = is_good && !r.is_new ? r.state->stream_ms : stream_ms;
    is_good = is_good && store_reader_ask(&i->redis, &page, &r, sentence);
    if (is_good) {
        while (count < r.timer_count && is_timer(&r.timers[count])) {
            count++;
        }
        open_part(i, partition, &arena);
        outline_instant(i->out, "next_due", count == 0 ? INSTANT_NEVER : r.timers[0].due_ms);
        outline_int(i->out, "late_ms",
                    count == 0 || stream_ms == INSTANT_NEVER || stream_ms <= r.timers[0].due_ms
                        ? 0
                        : stream_ms - r.timers[0].due_ms);
        outline_open(i->out, "timers", '[');
        is_good = say_listed(i, partition, r.timers, count, &arena, sentence);
        outline_close(i->out, ']');
        outline_close(i->out, '}');
    }
    arena_fini(&arena);
    return is_good;
}

bool inspect_timers(struct inspection *i, char sentence[STORE_READER_SENTENCE])
{
    return each(i, "partitions", say_timers, sentence);
}

/* --- outbox --- */

static void say_entry(struct inspection *i, const struct outbox_entry *e, struct arena *arena)
{
    static const char *const types[] = { [OUTPUT_TRIGGER] = "trigger",
                                         [OUTPUT_MEMBERSHIP] = "membership",
                                         [OUTPUT_OUTCOME] = "outcome",
                                         [OUTPUT_DEAD_LETTER] = "dead_letter" };
    struct text record = TEXT_NONE;
    char key[300];

    (void)text_format(key, sizeof(key), "%.*s", TEXT_PRINTF(e->key)); /* may be no text at all */
    outline_open(i->out, NULL, '{');
    outline_int(i->out, "sequence", e->sequence);
    outline_text(i->out, "type", text_of(types[e->type]));
    outline_text(i->out, "key", e->key.at == NULL ? TEXT_NONE : text_of(key));
    outline_int(i->out, "bytes", (int64_t)e->payload.size);
    if (e->payload.size > 0 && avro_to_json(e->payload, arena, &record) == OK) {
        outline_json(i->out, "record", record);
    } else {
        outline_text(i->out, "record", TEXT_NONE); /* a tombstone */
    }
    outline_close(i->out, '}');
}

static bool say_outbox(struct inspection *i, int32_t partition, char *sentence)
{
    struct store_reply r;
    struct arena arena = { 0 };
    bool is_good = look(i, partition, &r, sentence);

    if (is_good) {
        open_part(i, partition, &arena);
        outline_int(i->out, "last", r.is_new ? 0 : r.state->outbox_last);
        outline_int(i->out, "trimmed", r.is_new ? 0 : r.state->outbox_trimmed);
        outline_int(i->out, "pending", r.outbox_count);
        outline_open(i->out, "entries", '[');
        for (uint32_t k = 0; k < r.outbox_count && k < i->limit; k++) {
            say_entry(i, &r.outbox[k], &arena);
        }
        outline_close(i->out, ']');
        outline_close(i->out, '}');
    }
    arena_fini(&arena);
    return is_good;
}

bool inspect_outbox(struct inspection *i, char sentence[STORE_READER_SENTENCE])
{
    return each(i, "partitions", say_outbox, sentence);
}
