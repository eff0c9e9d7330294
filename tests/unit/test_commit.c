#include "processor/base/instant.h"
#include "schemas/commit.h"
#include "tests/support/random_records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct partition_state random_partition(struct rng *r, struct arena *a)
{
    struct partition_state s;

    partition_state_init(&s);
    s.guard.epoch = random_long(r);
    s.guard.version = random_long(r);
    s.stream_ms = random_instant(r);
    s.outbox_trimmed = rng_between(r, 0, 1000);
    s.outbox_last = s.outbox_trimmed + rng_between(r, 0, 1000);
    s.lineage = rng_next(r);
    s.config = rng_next(r);
    s.partition_count = random_count(r);
    s.moving_to = random_count(r);
    s.is_moved = rng_chance(r, 5000);
    s.swept = rng_next(r);
    s.sweep_due_ms = random_instant(r);
    s.sweep_customer_size = (uint32_t)rng_below(r, sizeof(s.sweep_customer) + 1);
    for (uint32_t i = 0; i < s.sweep_customer_size; i++) {
        s.sweep_customer[i] = (char)rng_between(r, 'a', 'z');
    }
    s.ceilings.count = (uint32_t)rng_below(r, 4);
    for (uint32_t i = 0; i < s.ceilings.count; i++) {
        s.ceilings.items[i] = (struct ceiling){ (uint32_t)rng_next(r), random_long(r),
                                                random_long(r), random_long(r) };
    }
    s.joins.has_named = rng_chance(r, 5000);
    s.joins.latest = rng_between(r, 0, 3);
    for (uint32_t i = 0; s.joins.latest > 0 && i < COMMIT_JOIN_ROWS; i++) {
        s.joins.rows[i] = (struct join_row){ random_long(r), random_long(r) };
    }
    s.position_count = (uint32_t)(rng_chance(r, 1000) ? COMMIT_TOPICS_MAX : rng_below(r, 5));
    for (uint32_t i = 0; i < s.position_count; i++) {
        s.positions[i].topic = random_name(r, a, i);
        s.positions[i].next_offset = rng_between(r, -1, 1000000);
        s.positions[i].watermark_ms = random_instant(r);
        s.positions[i].last_hash = rng_next(r);
    }
    return s;
}

static void same_partition(const struct partition_state *a, const struct partition_state *b)
{
    assert_int_equal(a->guard.epoch, b->guard.epoch);
    assert_int_equal(a->guard.version, b->guard.version);
    assert_int_equal(a->stream_ms, b->stream_ms);
    assert_int_equal(a->outbox_last, b->outbox_last);
    assert_int_equal(a->outbox_trimmed, b->outbox_trimmed);
    assert_true(a->lineage == b->lineage);
    assert_true(a->config == b->config);
    assert_int_equal(a->partition_count, b->partition_count);
    assert_int_equal(a->moving_to, b->moving_to);
    assert_int_equal(a->is_moved, b->is_moved);
    assert_true(a->swept == b->swept);
    assert_int_equal(a->sweep_due_ms, b->sweep_due_ms);
    assert_int_equal(a->sweep_customer_size, b->sweep_customer_size);
    assert_memory_equal(a->sweep_customer, b->sweep_customer, a->sweep_customer_size);
    assert_int_equal(a->joins.has_named, b->joins.has_named);
    assert_int_equal(a->joins.latest, b->joins.latest);
    assert_memory_equal(a->joins.rows, b->joins.rows, sizeof(a->joins.rows));
    assert_int_equal(a->ceilings.count, b->ceilings.count);
    for (uint32_t i = 0; i < a->ceilings.count; i++) {
        assert_int_equal(a->ceilings.items[i].sequence, b->ceilings.items[i].sequence);
        assert_int_equal(a->ceilings.items[i].window, b->ceilings.items[i].window);
        assert_int_equal(a->ceilings.items[i].sent, b->ceilings.items[i].sent);
        assert_int_equal(a->ceilings.items[i].waiting, b->ceilings.items[i].waiting);
    }
    assert_int_equal(a->position_count, b->position_count);
    for (uint32_t i = 0; i < a->position_count; i++) {
        assert_true(text_equal(a->positions[i].topic, b->positions[i].topic));
        assert_int_equal(a->positions[i].next_offset, b->positions[i].next_offset);
        assert_int_equal(a->positions[i].watermark_ms, b->positions[i].watermark_ms);
        assert_true(a->positions[i].last_hash == b->positions[i].last_hash);
    }
}

static const struct outbox_entry *random_outbox(struct rng *r, struct arena *a, uint32_t *out_count)
{
    struct outbox_entry *entries = arena_alloc(a, 10 * sizeof(*entries));
    int64_t sequence = rng_between(r, 1, INT32_MAX);

    *out_count = (uint32_t)rng_below(r, 10);
    for (uint32_t i = 0; i < *out_count; i++) {
        struct text payload = random_text(r, a, 40);

        entries[i].sequence = sequence++;
        entries[i].type = (enum output_type)rng_below(r, OUTPUT_TYPE__COUNT);
        entries[i].key =
            rng_chance(r, 2000) ? (struct text){ "\xff\0", 2 } : random_text_or_none(r, a);
        entries[i].payload = (struct bytes){ (const uint8_t *)payload.at, payload.size };
    }
    return entries;
}

static void same_outbox(const struct outbox_entry *a, const struct outbox_entry *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(a[i].sequence, b[i].sequence);
        assert_int_equal(a[i].type, b[i].type);
        assert_true(text_equal(a[i].key, b[i].key));
        assert_int_equal(a[i].key.at == NULL, b[i].key.at == NULL);
        assert_int_equal(a[i].payload.size, b[i].payload.size);
        assert_memory_equal(a[i].payload.at, b[i].payload.at, a[i].payload.size);
    }
}

static enum err decode(bool is_outbox, struct bytes b, struct arena *arena)
{
    const struct outbox_entry *entries;
    struct partition_state s;
    uint32_t count;

    return is_outbox ? outbox_decode(b, arena, &entries, &count)
                     : partition_state_decode(b, arena, &s);
}

/* Every truncation is corrupt; no changed byte does harm; a byte too many is corrupt. */
static void damage(bool is_outbox, struct bytes_out *out, struct rng *r)
{
    struct arena arena = { NULL, 0 };

    for (size_t size = 0; size < out->size; size++) {
        uint8_t *copy = malloc(out->size);

        assert_non_null(copy);
        memcpy(copy, out->at, out->size);
        copy[size] ^= (uint8_t)rng_between(r, 1, 255);
        (void)decode(is_outbox, (struct bytes){ copy, out->size }, &arena);
        free(copy);
        copy = malloc(size + 1);
        assert_non_null(copy);
        memcpy(copy, out->at, size);
        assert_int_equal(decode(is_outbox, (struct bytes){ copy, size }, &arena), ERR_CORRUPT);
        free(copy);
        arena_reset(&arena);
    }
    assert_int_equal(decode(is_outbox, bytes_out_view(out), &arena), OK);
    bytes_put_byte(out, 0);
    assert_int_equal(decode(is_outbox, bytes_out_view(out), &arena), ERR_CORRUPT);
    arena_fini(&arena);
}

static void a_partition_is_read_back_as_it_was_written_by_seed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct arena arena = { NULL, 0 };
        struct bytes_out out = { NULL, 0, 0 };
        struct partition_state s, back;
        struct rng r;

        rng_init(&r, seed);
        s = random_partition(&r, &arena);
        partition_state_encode(&s, &out);
        assert_int_equal(partition_state_decode(bytes_out_view(&out), &arena, &back), OK);
        same_partition(&s, &back);
        damage(false, &out, &r);
        bytes_out_fini(&out);
        arena_fini(&arena);
    }
}

static void topics_outlive_the_bytes_they_were_read_from(void **state)
{
    struct arena arena = { NULL, 0 };
    struct bytes_out out = { NULL, 0, 0 };
    struct partition_state s, back;

    (void)state;
    partition_state_init(&s);
    assert_int_equal(s.stream_ms, INSTANT_MIN);
    s.positions[0] = (struct topic_position){ TEXT("shop.click.v1"), -1, INSTANT_MIN, 0 };
    s.position_count = 1;
    partition_state_encode(&s, &out);
    assert_int_equal(partition_state_decode(bytes_out_view(&out), &arena, &back), OK);
    bytes_out_fini(&out);
    assert_true(text_is(back.positions[0].topic, "shop.click.v1"));
    arena_fini(&arena);
}

static void an_outbox_is_read_back_as_it_was_written_by_seed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct arena arena = { NULL, 0 };
        struct bytes_out out = { NULL, 0, 0 };
        const struct outbox_entry *entries, *back;
        uint32_t count, back_count;
        struct rng r;

        rng_init(&r, seed);
        entries = random_outbox(&r, &arena, &count);
        outbox_encode(entries, count, &out);
        assert_int_equal(outbox_decode(bytes_out_view(&out), &arena, &back, &back_count), OK);
        assert_int_equal(back_count, count);
        same_outbox(entries, back, count);
        damage(true, &out, &r);
        bytes_out_fini(&out);
        arena_fini(&arena);
    }
}

/* Why: gaps would be lost triggers. */
static void an_outbox_with_a_gap_is_corrupt(void **state)
{
    const struct outbox_entry entries[] = {
        { 7, OUTPUT_TRIGGER, TEXT("c-1"), { (const uint8_t *)"x", 1 } },
        { 8, OUTPUT_OUTCOME, TEXT("c-1"), { (const uint8_t *)"y", 1 } },
    };
    struct arena arena = { NULL, 0 };
    struct bytes_out out = { NULL, 0, 0 };
    uint8_t *sequence;

    (void)state;
    outbox_encode(entries, 2, &out);
    sequence = memchr(out.at + 11, 16, out.size - 11); /* 8 as a varint */
    assert_non_null(sequence);
    assert_int_equal(decode(true, bytes_out_view(&out), &arena), OK);
    *sequence = 18;
    assert_int_equal(decode(true, bytes_out_view(&out), &arena), ERR_CORRUPT);
    *sequence = 14;
    assert_int_equal(decode(true, bytes_out_view(&out), &arena), ERR_CORRUPT);
    bytes_out_fini(&out);
    arena_fini(&arena);
}

static void more_trimmed_than_there_ever_was_is_corrupt(void **state)
{
    struct arena arena = { NULL, 0 };
    struct bytes_out out = { NULL, 0, 0 };
    struct partition_state s;

    (void)state;
    partition_state_init(&s);
    s.outbox_trimmed = 1;
    partition_state_encode(&s, &out);
    assert_int_equal(decode(false, bytes_out_view(&out), &arena), ERR_CORRUPT);
    bytes_out_fini(&out);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_partition_is_read_back_as_it_was_written_by_seed),
        cmocka_unit_test(topics_outlive_the_bytes_they_were_read_from),
        cmocka_unit_test(an_outbox_is_read_back_as_it_was_written_by_seed),
        cmocka_unit_test(an_outbox_with_a_gap_is_corrupt),
        cmocka_unit_test(more_trimmed_than_there_ever_was_is_corrupt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
