#include "schemas/commit.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "schemas/record_header.h"

#define TOPIC_SIZE_MAX   249 /* Kafka's own limit */
#define PAYLOAD_SIZE_MAX (16 * 1024 * 1024)
#define ENTRIES_MAX      1000000

void partition_state_init(struct partition_state *s)
{
    *s = (struct partition_state){ .stream_ms = INSTANT_MIN, .sweep_due_ms = INSTANT_MIN };
}

/* No rows until there is something in them. */
static void put_joins(const struct joins *j, struct bytes_out *out)
{
    bytes_put_bool(out, j->has_named);
    bytes_put_long(out, j->latest);
    if (j->latest > 0) {
        bytes_put_long(out, COMMIT_JOIN_ROWS);
    }
    for (uint32_t i = 0; j->latest > 0 && i < COMMIT_JOIN_ROWS; i++) {
        bytes_put_long(out, j->rows[i].named);
        bytes_put_long(out, j->rows[i].unnamed);
    }
    bytes_put_long(out, 0);
}

void partition_state_encode(const struct partition_state *s, struct bytes_out *out)
{
    CHECK(s->position_count <= COMMIT_TOPICS_MAX);
    record_header_put(out, FINGERPRINT_PARTITION);
    bytes_put_long(out, s->guard.epoch);
    bytes_put_long(out, s->guard.version);
    bytes_put_long(out, s->stream_ms);
    bytes_put_long(out, s->outbox_last);
    bytes_put_long(out, s->outbox_trimmed);
    bytes_put_long(out, (int64_t)s->lineage);
    bytes_put_long(out, (int64_t)s->config);
    bytes_put_long(out, s->partition_count);
    bytes_put_long(out, s->moving_to);
    bytes_put_bool(out, s->is_moved);
    bytes_put_long(out, (int64_t)s->swept);
    bytes_put_long(out, s->sweep_due_ms);
    bytes_put_text(out, (struct text){ s->sweep_customer, s->sweep_customer_size });
    if (s->ceilings.count > 0) {
        bytes_put_long(out, s->ceilings.count);
    }
    for (uint32_t i = 0; i < s->ceilings.count; i++) {
        bytes_put_long(out, (int32_t)s->ceilings.items[i].sequence);
        bytes_put_long(out, s->ceilings.items[i].window);
        bytes_put_long(out, s->ceilings.items[i].sent);
        bytes_put_long(out, s->ceilings.items[i].waiting);
    }
    bytes_put_long(out, 0);
    put_joins(&s->joins, out);
    if (s->position_count > 0) {
        bytes_put_long(out, s->position_count);
    }
    for (uint32_t i = 0; i < s->position_count; i++) {
        bytes_put_text(out, s->positions[i].topic);
        bytes_put_long(out, s->positions[i].next_offset);
        bytes_put_long(out, s->positions[i].watermark_ms);
        bytes_put_long(out, (int64_t)s->positions[i].last_hash);
    }
    bytes_put_long(out, 0);
}

static void take_ceilings(struct bytes_in *in, struct ceilings *out)
{
    uint64_t count = bytes_block(in, 4);

    if (in->is_bad || count > COMMIT_CEILINGS_MAX) {
        in->is_bad = true;
        return;
    }
    out->count = (uint32_t)count;
    for (uint32_t i = 0; i < out->count; i++) {
        out->items[i].sequence = (uint32_t)bytes_long(in);
        out->items[i].window = bytes_long(in);
        out->items[i].sent = bytes_long(in);
        out->items[i].waiting = bytes_long(in);
    }
    in->is_bad |= count > 0 && bytes_long(in) != 0;
}

static void take_joins(struct bytes_in *in, struct joins *out)
{
    uint64_t count;

    out->has_named = bytes_bool(in);
    out->latest = bytes_long(in);
    count = bytes_block(in, 2);
    if (in->is_bad || out->latest < 0 || count != (out->latest > 0 ? COMMIT_JOIN_ROWS : 0)) {
        in->is_bad = true;
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        out->rows[i].named = bytes_long(in);
        out->rows[i].unnamed = bytes_long(in);
    }
    in->is_bad |= count > 0 && bytes_long(in) != 0;
}

enum err partition_state_decode(struct bytes b, struct arena *arena,
                                struct partition_state *out_state)
{
    struct bytes_in in = bytes_in(b);
    struct partition_state s;
    struct text customer;
    int64_t partitions, moving_to;
    uint64_t count;

    partition_state_init(&s);
    if (!record_header_take(&in, FINGERPRINT_PARTITION)) {
        return ERR_CORRUPT;
    }
    s.guard.epoch = bytes_long(&in);
    s.guard.version = bytes_long(&in);
    s.stream_ms = bytes_long(&in);
    s.outbox_last = bytes_long(&in);
    s.outbox_trimmed = bytes_long(&in);
    s.lineage = (uint64_t)bytes_long(&in);
    s.config = (uint64_t)bytes_long(&in);
    partitions = bytes_long(&in);
    moving_to = bytes_long(&in);
    s.is_moved = bytes_bool(&in);
    s.swept = (uint64_t)bytes_long(&in);
    s.sweep_due_ms = bytes_long(&in);
    customer = bytes_text(&in, COMMIT_CUSTOMER_SIZE_MAX);
    s.sweep_customer_size = (uint32_t)customer.size;
    if (customer.size > 0) {
        memcpy(s.sweep_customer, customer.at, customer.size);
    }
    take_ceilings(&in, &s.ceilings);
    take_joins(&in, &s.joins);
    count = bytes_block(&in, 4);
    if (in.is_bad || count > COMMIT_TOPICS_MAX || partitions < 0 || partitions > INT32_MAX ||
        moving_to < 0 || moving_to > INT32_MAX) {
        return ERR_CORRUPT;
    }
    s.partition_count = (int32_t)partitions;
    s.moving_to = (int32_t)moving_to;
    s.position_count = (uint32_t)count;
    for (uint32_t i = 0; i < s.position_count; i++) {
        s.positions[i].topic = arena_text(arena, bytes_text(&in, TOPIC_SIZE_MAX));
        s.positions[i].next_offset = bytes_long(&in);
        s.positions[i].watermark_ms = bytes_long(&in);
        s.positions[i].last_hash = (uint64_t)bytes_long(&in);
    }
    if ((count > 0 && bytes_long(&in) != 0) || in.is_bad || bytes_left(&in) > 0 ||
        s.outbox_trimmed > s.outbox_last || s.outbox_trimmed < 0) {
        return ERR_CORRUPT;
    }
    *out_state = s;
    return OK;
}

void outbox_encode(const struct outbox_entry *entries, uint32_t count, struct bytes_out *out)
{
    record_header_put(out, FINGERPRINT_OUTBOX);
    if (count > 0) {
        bytes_put_long(out, count);
    }
    for (uint32_t i = 0; i < count; i++) {
        CHECK(i == 0 || entries[i].sequence == entries[i - 1].sequence + 1);
        bytes_put_long(out, entries[i].sequence);
        bytes_put_long(out, (int64_t)entries[i].type);
        bytes_put_long(out, entries[i].key.at == NULL ? 0 : 1);
        if (entries[i].key.at != NULL) { /* bytes: a dead letter's key may be anything */
            bytes_put_text(out, entries[i].key);
        }
        bytes_put_long_bytes(out, entries[i].payload);
    }
    bytes_put_long(out, 0);
}

enum err outbox_decode(struct bytes b, struct arena *arena, const struct outbox_entry **out_entries,
                       uint32_t *out_count)
{
    struct bytes_in in = bytes_in(b);
    struct outbox_entry *entries;
    uint64_t count;

    if (!record_header_take(&in, FINGERPRINT_OUTBOX)) {
        return ERR_CORRUPT;
    }
    count = bytes_block(&in, 4);
    if (in.is_bad || count > ENTRIES_MAX) {
        return ERR_CORRUPT;
    }
    entries = arena_alloc(arena, (size_t)(count + 1) * sizeof(*entries));
    for (uint64_t i = 0; i < count; i++) {
        int64_t type, branch;

        entries[i].sequence = bytes_long(&in);
        type = bytes_long(&in);
        branch = bytes_long(&in);
        in.is_bad |= branch != 0 && branch != 1;
        if (branch == 1) {
            struct bytes key = bytes_long_bytes(&in, PAYLOAD_SIZE_MAX);

            entries[i].key = (struct text){ (const char *)key.at, key.size };
        }
        entries[i].payload = bytes_long_bytes(&in, PAYLOAD_SIZE_MAX);
        if (in.is_bad || type < 0 || type >= OUTPUT_TYPE__COUNT ||
            (i > 0 && entries[i].sequence != entries[i - 1].sequence + 1)) {
            return ERR_CORRUPT;
        }
        entries[i].type = (enum output_type)type;
    }
    if ((count > 0 && bytes_long(&in) != 0) || in.is_bad || bytes_left(&in) > 0) {
        return ERR_CORRUPT;
    }
    *out_entries = entries;
    *out_count = (uint32_t)count;
    return OK;
}
