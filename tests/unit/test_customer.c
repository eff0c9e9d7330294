#include "processor/base/instant.h"
#include "schemas/customer.h"
#include "tests/support/random_customer.h"

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

/* Lists of plain items: their padding is zero, since both come from zeroed memory. */
#define SAME_ITEMS(a, b, items, count)                                                             \
    do {                                                                                           \
        assert_int_equal((a)->count, (b)->count);                                                  \
        if ((a)->count > 0) {                                                                      \
            assert_memory_equal((a)->items, (b)->items, (a)->count * sizeof((a)->items[0]));       \
        }                                                                                          \
    } while (0)

static void same_scalars(const struct customer *a, const struct customer *b)
{
    assert_true(a->config == b->config);
    assert_int_equal(a->created_at_ms, b->created_at_ms);
    assert_int_equal(a->decided_at_ms, b->decided_at_ms);
    assert_int_equal(a->last_event_ms, b->last_event_ms);
    assert_int_equal(a->last_engaged_ms, b->last_engaged_ms);
    assert_int_equal(a->erased_ms, b->erased_ms);
    assert_int_equal(a->blocked_ms, b->blocked_ms);
    assert_int_equal(a->due_ms, b->due_ms);
    assert_int_equal(a->orders_ever, b->orders_ever);
    assert_int_equal(a->order_first_ms, b->order_first_ms);
}

static void same_facts(const struct customer *a, const struct customer *b)
{
    SAME_ITEMS(a, b, ids, id_count);
    SAME_ITEMS(a, b, orders, order_count);
    SAME_ITEMS(a, b, scores, score_count);
    assert_int_equal(a->attribute_count, b->attribute_count);
    for (uint32_t i = 0; i < a->attribute_count; i++) {
        assert_int_equal(a->attributes[i].key, b->attributes[i].key);
        assert_int_equal(a->attributes[i].set_by, b->attributes[i].set_by);
        assert_int_equal(a->attributes[i].at_ms, b->attributes[i].at_ms);
        assert_true(value_equal(&a->attributes[i].value, &b->attributes[i].value));
    }
    assert_int_equal(a->history_count, b->history_count);
    for (uint32_t i = 0; i < a->history_count; i++) {
        const struct history *x = &a->histories[i], *y = &b->histories[i];

        assert_int_equal(x->key, y->key);
        assert_int_equal(x->is_truncated, y->is_truncated);
        assert_int_equal(x->total_count, y->total_count);
        assert_int_equal(x->total_sum, y->total_sum);
        assert_int_equal(x->first_ms, y->first_ms);
        assert_int_equal(x->last_ms, y->last_ms);
        SAME_ITEMS(x, y, entries, count);
    }
    assert_int_equal(a->kind_count, b->kind_count);
    for (uint32_t i = 0; i < a->kind_count; i++) {
        same_text(a->kinds[i].kind, b->kinds[i].kind);
        assert_int_equal(a->kinds[i].last_ms, b->kinds[i].last_ms);
    }
}

static void same_sent(const struct sent *a, const struct sent *b)
{
    assert_memory_equal(&a->trigger_id, &b->trigger_id, sizeof(a->trigger_id));
    assert_int_equal(a->sequence, b->sequence);
    assert_int_equal(a->email, b->email);
    assert_int_equal(a->run, b->run);
    assert_int_equal(a->attempt, b->attempt);
    assert_int_equal(a->sent_at_ms, b->sent_at_ms);
    assert_int_equal(a->is_transactional, b->is_transactional);
    assert_int_equal(a->is_judged, b->is_judged);
    assert_int_equal(a->first_open_ms, b->first_open_ms);
    assert_int_equal(a->first_reply_ms, b->first_reply_ms);
    assert_int_equal(a->soft_bounce_ms, b->soft_bounce_ms);
    assert_int_equal(a->last_sign_ms, b->last_sign_ms);
    SAME_ITEMS(a, b, clicks, click_count);
}

static void same_run(const struct run *a, const struct run *b)
{
    assert_int_equal(a->sequence, b->sequence);
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->entered_at_ms, b->entered_at_ms);
    same_text(a->cause, b->cause);
    assert_int_equal(a->phase, b->phase);
    assert_int_equal(a->email, b->email);
    assert_int_equal(a->slot_use, b->slot_use);
    assert_int_equal(a->use_slot, b->use_slot);
    same_text(a->use_id, b->use_id);
    assert_int_equal(a->previous_ms, b->previous_ms);
    assert_int_equal(a->planned_at_ms, b->planned_at_ms);
    assert_int_equal(a->not_before_ms, b->not_before_ms);
    assert_int_equal(a->due_ms, b->due_ms);
    assert_int_equal(a->reason, b->reason);
    assert_int_equal(a->last_judged, b->last_judged);
    assert_int_equal(a->row_count, b->row_count);
    assert_int_equal(a->emails_sent, b->emails_sent);
    assert_int_equal(a->shown_rows, b->shown_rows);
    assert_int_equal(a->action, b->action);
    SAME_ITEMS(a, b, emails, email_count);
    assert_int_equal(a->context_count, b->context_count);
    for (uint32_t i = 0; i < a->context_count; i++) {
        same_text(a->context[i].name, b->context[i].name);
        same_text(a->context[i].value, b->context[i].value);
    }
}

static void same_state(const struct customer *a, const struct customer *b)
{
    SAME_ITEMS(a, b, memberships, membership_count);
    SAME_ITEMS(a, b, entries, entry_count);
    SAME_ITEMS(a, b, subscriptions, subscription_count);
    assert_int_equal(a->sent_count, b->sent_count);
    for (uint32_t i = 0; i < a->sent_count; i++) {
        same_sent(&a->sent[i], &b->sent[i]);
    }
    assert_int_equal(a->waiting_count, b->waiting_count);
    for (uint32_t i = 0; i < a->waiting_count; i++) {
        const struct waiting_click *x = &a->waiting[i], *y = &b->waiting[i];

        assert_int_equal(x->due_ms, y->due_ms);
        assert_memory_equal(&x->trigger_id, &y->trigger_id, sizeof(x->trigger_id));
        assert_int_equal(x->event.size, y->event.size);
        assert_memory_equal(x->event.at, y->event.at, x->event.size);
    }
    assert_int_equal(a->run_count, b->run_count);
    for (uint32_t i = 0; i < a->run_count; i++) {
        same_run(&a->runs[i], &b->runs[i]);
    }
}

static void a_customer_is_read_back_as_it_was_written_by_seed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 500; seed++) {
        struct arena arena = { NULL, 0 };
        struct bytes_out first = { NULL, 0, 0 }, second = { NULL, 0, 0 };
        struct customer *c, *back;
        struct rng r;

        rng_init(&r, seed);
        c = random_customer(&r, &arena);
        customer_encode(c, &first);
        assert_int_equal(customer_decode(bytes_out_view(&first), &back), OK);
        same_scalars(c, back);
        same_facts(c, back);
        same_state(c, back);
        customer_encode(back, &second);
        assert_int_equal(first.size, second.size);
        assert_memory_equal(first.at, second.at, first.size);
        customer_free(c);
        customer_free(back);
        bytes_out_fini(&first);
        bytes_out_fini(&second);
        arena_fini(&arena);
    }
}

/* From a heap block of its own, so that ASAN sees a byte read behind it. What is accepted must be
 * writable again. */
static enum err decode_exact(const uint8_t *at, size_t size)
{
    uint8_t *copy = malloc(size + 1);
    struct bytes_out again = { NULL, 0, 0 };
    struct customer *c = NULL;
    enum err e;

    assert_non_null(copy);
    memcpy(copy, at, size);
    copy = realloc(copy, size == 0 ? 1 : size);
    assert_non_null(copy);
    e = customer_decode((struct bytes){ copy, size }, &c);
    assert_true(e == OK || e == ERR_CORRUPT);
    if (e == OK) {
        customer_encode(c, &again);
        customer_free(c);
    }
    bytes_out_fini(&again);
    free(copy);
    return e;
}

static void every_truncation_is_corrupt(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct arena arena = { NULL, 0 };
        struct bytes_out out = { NULL, 0, 0 };
        struct customer *c;
        struct rng r;

        rng_init(&r, seed);
        c = random_customer(&r, &arena);
        customer_encode(c, &out);
        for (size_t size = 0; size < out.size; size++) {
            assert_int_equal(decode_exact(out.at, size), ERR_CORRUPT);
        }
        assert_int_equal(decode_exact(out.at, out.size), OK);
        bytes_put_byte(&out, 0); /* too long is no better */
        assert_int_equal(decode_exact(out.at, out.size), ERR_CORRUPT);
        customer_free(c);
        bytes_out_fini(&out);
        arena_fini(&arena);
    }
}

static void no_flipped_byte_does_harm(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct arena arena = { NULL, 0 };
        struct bytes_out out = { NULL, 0, 0 };
        struct customer *c;
        struct rng r;

        rng_init(&r, seed);
        c = random_customer(&r, &arena);
        customer_encode(c, &out);
        for (size_t i = 0; i < out.size; i++) {
            for (unsigned bit = 0; bit < 9; bit++) {
                uint8_t mask = (uint8_t)(bit < 8 ? 1u << bit : 0xffu);

                out.at[i] ^= mask;
                (void)decode_exact(out.at, out.size);
                out.at[i] ^= mask;
            }
        }
        customer_free(c);
        bytes_out_fini(&out);
        arena_fini(&arena);
    }
}

static void keyed_items_are_found_in_order_and_begin_as_said(void **state)
{
    struct customer *c = customer_new();
    struct rng r;

    (void)state;
    rng_init(&r, 1);
    assert_null(customer_attribute(c, 5));
    assert_int_equal(customer_need_attribute(c, 5)->at_ms, INSTANT_MIN);
    assert_int_equal(customer_need_history(c, 5)->first_ms, INSTANT_NEVER);
    assert_int_equal(customer_need_membership(c, 5)->pending_ms, INSTANT_NEVER);
    assert_int_equal(customer_need_subscription(c, 0)->at_ms, INSTANT_MIN);
    assert_int_equal(customer_need_score(c, UINT32_MAX)->points_q40, 0);
    assert_int_equal(customer_need_entry(c, 5)->runs, 0);
    for (unsigned i = 0; i < 200; i++) {
        uint32_t key = (uint32_t)rng_next(&r);
        struct score *s = customer_need_score(c, key);

        assert_int_equal(s->key, key);
        s->at_ms = key;
        assert_ptr_equal(customer_score(c, key), s);
        assert_ptr_equal(customer_need_score(c, key), s);
    }
    assert_int_equal(c->score_count, 201);
    for (uint32_t i = 1; i < c->score_count; i++) {
        assert_true(c->scores[i].key > c->scores[i - 1].key);
    }
    customer_free(c);
    customer_free(NULL);
}

static void removing_frees_what_an_item_owns(void **state)
{
    struct arena arena = { NULL, 0 };
    struct rng r;

    (void)state;
    rng_init(&r, 11);
    for (unsigned round = 0; round < 50; round++) {
        struct customer *c = random_customer(&r, &arena);

        while (c->run_count > 0) {
            uint32_t sequence = c->runs[c->run_count - 1].sequence;

            assert_non_null(customer_run(c, sequence));
            customer_remove_run(c, (uint32_t)rng_below(&r, c->run_count));
        }
        while (c->sent_count > 0) {
            struct hash128 id = c->sent[0].trigger_id;

            assert_ptr_equal(customer_sent(c, &id), &c->sent[0]);
            customer_remove_sent(c, 0);
            assert_null(customer_sent(c, &id));
        }
        while (c->waiting_count > 0) {
            customer_remove_waiting(c, (uint32_t)rng_below(&r, c->waiting_count));
        }
        assert_null(customer_run(c, 1));
        customer_free(c);
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_customer_is_read_back_as_it_was_written_by_seed),
        cmocka_unit_test(every_truncation_is_corrupt),
        cmocka_unit_test(no_flipped_byte_does_harm),
        cmocka_unit_test(keyed_items_are_found_in_order_and_begin_as_said),
        cmocka_unit_test(removing_frees_what_an_item_owns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
