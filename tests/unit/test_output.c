#include "processor/base/instant.h"
#include "schemas/output.h"
#include "tests/support/random_records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void same_text(struct text a, struct text b)
{
    assert_true(text_equal(a, b));
    assert_int_equal(a.at == NULL, b.at == NULL);
}

static void same_bytes(struct bytes a, struct bytes b)
{
    same_text((struct text){ (const char *)a.at, a.size },
              (struct text){ (const char *)b.at, b.size });
}

static void same_texts(const struct text *a, uint32_t a_count, const struct text *b,
                       uint32_t b_count)
{
    assert_int_equal(a_count, b_count);
    for (uint32_t i = 0; i < a_count; i++) {
        same_text(a[i], b[i]);
    }
}

static void same_pairs(const struct text_pair *a, uint32_t a_count, const struct text_pair *b,
                       uint32_t b_count)
{
    assert_int_equal(a_count, b_count);
    for (uint32_t i = 0; i < a_count; i++) {
        same_text(a[i].name, b[i].name);
        same_text(a[i].value, b[i].value);
    }
}

static void same_trigger_lists(const struct trigger *a, const struct trigger *b)
{
    same_pairs(a->content, a->content_count, b->content, b->content_count);
    same_pairs(a->landing, a->landing_count, b->landing, b->landing_count);
    same_texts(a->segments, a->segment_count, b->segments, b->segment_count);
    same_pairs(a->experiments, a->experiment_count, b->experiments, b->experiment_count);
    same_pairs(a->context, a->context_count, b->context, b->context_count);
    assert_int_equal(a->score_count, b->score_count);
    for (uint32_t i = 0; i < a->score_count; i++) {
        same_text(a->scores[i].name, b->scores[i].name);
        assert_int_equal(a->scores[i].points_millionths, b->scores[i].points_millionths);
        same_text(a->scores[i].level, b->scores[i].level);
    }
    assert_int_equal(a->last_event_count, b->last_event_count);
    for (uint32_t i = 0; i < a->last_event_count; i++) {
        same_text(a->last_events[i].name, b->last_events[i].name);
        assert_int_equal(a->last_events[i].at_ms, b->last_events[i].at_ms);
    }
}

static void same_trigger(const struct trigger *a, const struct trigger *b)
{
    assert_memory_equal(&a->trigger_id, &b->trigger_id, sizeof(a->trigger_id));
    same_text(a->sequence, b->sequence);
    assert_int_equal(a->run, b->run);
    assert_int_equal(a->entered_at_ms, b->entered_at_ms);
    same_text(a->email, b->email);
    assert_int_equal(a->attempt, b->attempt);
    assert_int_equal(a->reason, b->reason);
    assert_int_equal(a->planned_at_ms, b->planned_at_ms);
    assert_int_equal(a->sent_at_ms, b->sent_at_ms);
    assert_int_equal(a->expires_at_ms, b->expires_at_ms);
    same_text(a->template, b->template);
    same_text(a->purpose, b->purpose);
    same_text(a->theme, b->theme);
    assert_int_equal(a->rfm_r, b->rfm_r);
    assert_int_equal(a->rfm_f, b->rfm_f);
    assert_int_equal(a->rfm_m, b->rfm_m);
    same_text(a->rfm_segment, b->rfm_segment);
    same_text(a->lifecycle, b->lifecycle);
    assert_int_equal(a->days_since_engagement, b->days_since_engagement);
    same_text(a->subscription, b->subscription);
    assert_int_equal(a->is_transactional, b->is_transactional);
    same_trigger_lists(a, b);
}

static void same_outcome(const struct outcome_record *a, const struct outcome_record *b)
{
    same_text(a->sequence, b->sequence);
    assert_int_equal(a->run, b->run);
    assert_int_equal(a->entered_at_ms, b->entered_at_ms);
    same_text(a->email, b->email);
    assert_int_equal(a->attempt, b->attempt);
    assert_int_equal(a->outcome, b->outcome);
    assert_int_equal(a->reason, b->reason);
    assert_int_equal(a->is_held_out, b->is_held_out);
    same_pairs(a->experiments, a->experiment_count, b->experiments, b->experiment_count);
}

static void same_output(const struct output *a, const struct output *b)
{
    assert_int_equal(a->type, b->type);
    if (a->type == OUTPUT_DEAD_LETTER) {
        same_text(a->as.dead_letter.topic, b->as.dead_letter.topic);
        assert_int_equal(a->as.dead_letter.partition, b->as.dead_letter.partition);
        assert_int_equal(a->as.dead_letter.offset, b->as.dead_letter.offset);
        assert_int_equal(a->as.dead_letter.reason, b->as.dead_letter.reason);
        same_text(a->as.dead_letter.text, b->as.dead_letter.text);
        same_bytes(a->as.dead_letter.key, b->as.dead_letter.key);
        same_bytes(a->as.dead_letter.value, b->as.dead_letter.value);
        return;
    }
    same_text(a->customer, b->customer);
    assert_int_equal(a->at_ms, b->at_ms);
    assert_int_equal(a->is_config, b->is_config);
    same_text(a->config, b->config);
    if (a->type == OUTPUT_TRIGGER) {
        same_text(a->cause, b->cause);
        same_trigger(&a->as.trigger, &b->as.trigger);
    } else if (a->type == OUTPUT_MEMBERSHIP) {
        same_text(a->cause, b->cause);
        same_text(a->as.membership.segment, b->as.membership.segment);
        assert_int_equal(a->as.membership.is_entered, b->as.membership.is_entered);
        same_texts(a->as.membership.segments, a->as.membership.segment_count,
                   b->as.membership.segments, b->as.membership.segment_count);
    } else {
        same_outcome(&a->as.outcome, &b->as.outcome);
    }
}

static enum err decode_exact(enum output_type type, const uint8_t *at, size_t size,
                             struct arena *arena)
{
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    struct output o;
    enum err e;

    assert_non_null(copy);
    memcpy(copy, at, size);
    e = output_decode(type, (struct bytes){ copy, size }, arena, &o);
    free(copy);
    return e;
}

static void what_leaves_is_read_back_as_it_was_by_seed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct arena arena = { NULL, 0 };
        struct bytes_out out = { NULL, 0, 0 };
        struct output o, back;
        struct rng r;

        rng_init(&r, seed);
        o = random_output(&r, &arena, (enum output_type)(seed % OUTPUT_TYPE__COUNT));
        output_encode(&o, &out);
        assert_int_equal(output_decode(o.type, bytes_out_view(&out), &arena, &back), OK);
        same_output(&o, &back);
        for (size_t i = 0; i < out.size; i++) {
            uint8_t mask = (uint8_t)rng_between(&r, 1, 255);

            assert_int_equal(decode_exact(o.type, out.at, i, &arena), ERR_BAD_DATA);
            out.at[i] ^= mask;
            (void)decode_exact(o.type, out.at, out.size, &arena);
            out.at[i] ^= mask;
        }
        bytes_put_byte(&out, 0);
        assert_int_equal(decode_exact(o.type, out.at, out.size, &arena), ERR_BAD_DATA);
        bytes_out_fini(&out);
        arena_fini(&arena);
    }
}

/* One record of each type is not one of another. */
static void a_record_of_another_schema_is_bad(void **state)
{
    struct arena arena = { NULL, 0 };
    struct rng r;

    (void)state;
    rng_init(&r, 1);
    for (int type = 0; type < OUTPUT_TYPE__COUNT; type++) {
        struct output o = random_output(&r, &arena, (enum output_type)type);
        struct bytes_out out = { NULL, 0, 0 };

        output_encode(&o, &out);
        for (int other = 0; other < OUTPUT_TYPE__COUNT; other++) {
            assert_int_equal(decode_exact((enum output_type)other, out.at, out.size, &arena),
                             other == type ? OK : ERR_BAD_DATA);
        }
        bytes_out_fini(&out);
    }
    arena_fini(&arena);
}

static void words_and_branches_outside_their_lists_are_bad(void **state)
{
    struct output o = { .type = OUTPUT_MEMBERSHIP, .at_ms = 1 };
    struct arena arena = { NULL, 0 };
    struct bytes_out out = { NULL, 0, 0 };
    char *word;

    (void)state;
    o.customer = TEXT("c");
    o.cause = TEXT("time");
    o.config = TEXT("0123456789abcdef");
    o.as.membership.segment = TEXT("s");
    output_encode(&o, &out);
    word = memmem(out.at, out.size, "left", 4);
    assert_non_null(word);
    *word = 'L';
    assert_int_equal(decode_exact(o.type, out.at, out.size, &arena), ERR_BAD_DATA);
    *word = 'l';
    word = memmem(out.at, out.size, "live", 4);
    assert_non_null(word);
    *word = 'L';
    assert_int_equal(decode_exact(o.type, out.at, out.size, &arena), ERR_BAD_DATA);
    bytes_out_clear(&out);
    o = (struct output){ .type = OUTPUT_DEAD_LETTER };
    o.as.dead_letter.reason = REJECT_FUTURE;
    output_encode(&o, &out); /* ends with the null branches of key and value */
    assert_int_equal(decode_exact(o.type, out.at, out.size, &arena), OK);
    out.at[out.size - 1] = 4;
    assert_int_equal(decode_exact(o.type, out.at, out.size, &arena), ERR_BAD_DATA);
    bytes_out_fini(&out);
    arena_fini(&arena);
}

static void a_tombstone_has_no_bytes(void **state)
{
    struct output o = { .type = OUTPUT_MEMBERSHIP };
    struct bytes_out out = { NULL, 0, 0 };

    (void)state;
    o.as.membership.is_tombstone = true;
    output_encode(&o, &out);
    assert_int_equal(out.size, 0);
    bytes_out_fini(&out);
}

static void a_trigger_id_is_the_published_one(void **state)
{
    struct hash128 id = trigger_id(TEXT("shop"), TEXT("c-1"), TEXT("nurture_trial"), 1767571200000,
                                   TEXT("welcome"), 1);
    struct hash128 back;
    char hex[33];

    (void)state;
    hash128_hex(id, hex);
    assert_string_equal(hex, "c13b8d36d56f03e6654e34e2471cce44");
    assert_true(trigger_id_parse(text_of(hex), &back));
    assert_memory_equal(&id, &back, sizeof(id));
    assert_false(trigger_id_parse(TEXT("c13b8d36d56f03e6654e34e2471cce4"), &back));
    assert_false(trigger_id_parse(TEXT("C13B8D36D56F03E6654E34E2471CCE44"), &back));
    assert_false(trigger_id_parse(TEXT("c13b8d36d56f03e6654e34e2471cce4g"), &back));
    assert_false(trigger_id_parse(TEXT_NONE, &back));
}

/* Why: email systems drop repeats by it. How: long names, and bytes behind a NUL, count too. */
static void a_trigger_id_covers_every_byte(void **state)
{
    char name[600];
    struct hash128 a, b;
    struct text long_name = { name, sizeof(name) };

    (void)state;
    memset(name, 'x', sizeof(name));
    a = trigger_id(TEXT("shop"), long_name, TEXT("s"), INSTANT_MIN, TEXT("e"), INT32_MAX);
    name[599] = 'y';
    b = trigger_id(TEXT("shop"), long_name, TEXT("s"), INSTANT_MIN, TEXT("e"), INT32_MAX);
    assert_memory_not_equal(&a, &b, sizeof(a));
    a = trigger_id(TEXT("shop"), TEXT("c\0a"), TEXT("s"), 1, TEXT("e"), 1);
    b = trigger_id(TEXT("shop"), TEXT("c\0b"), TEXT("s"), 1, TEXT("e"), 1);
    assert_memory_not_equal(&a, &b, sizeof(a));
    long_name.size = 500; /* the sizes around where the heap begins */
    for (size_t size = 400; size < 520; size++) {
        struct bytes_out plain = { NULL, 0, 0 };

        long_name.size = size;
        bytes_put_format(&plain,
                         "a\x1f%.*s\x1fs\x1f%d\x1f"
                         "e\x1f%d",
                         TEXT_PRINTF(long_name), -5, 7);
        a = trigger_id(TEXT("a"), long_name, TEXT("s"), -5, TEXT("e"), 7);
        b = hash128((struct text){ (const char *)plain.at, plain.size });
        assert_memory_equal(&a, &b, sizeof(a));
        bytes_out_fini(&plain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_leaves_is_read_back_as_it_was_by_seed),
        cmocka_unit_test(a_record_of_another_schema_is_bad),
        cmocka_unit_test(words_and_branches_outside_their_lists_are_bad),
        cmocka_unit_test(a_tombstone_has_no_bytes),
        cmocka_unit_test(a_trigger_id_is_the_published_one),
        cmocka_unit_test(a_trigger_id_covers_every_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
