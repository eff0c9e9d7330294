/* DESIGN. The same sentences for every store; those behind "Redis only" speak of a server that dies
 * and of connections that are cut. A second store object is a second process.
 */
#include "tests/contract/store_world.h"

#include "processor/base/instant.h"
#include "processor/base/mem.h"

static bool is_redis(void **state)
{
    return *(const bool *)*state;
}

static void a_new_partition_is_claimed_empty(void **state)
{
    struct world *w = world_new(is_redis(state));
    struct store *s = world_open(w);
    struct store_reply r = claim(s, 0);

    assert_true(r.is_new);
    assert_int_equal(r.guard.epoch, 1);
    assert_int_equal(r.guard.version, 0);
    assert_int_equal(r.outbox_count, 0);
    store_close(s);
    world_free(w);
}

static void what_was_committed_is_loaded_byte_by_byte(void **state)
{
    static const char odd[] = "a b\0c\xc3\xa4\r\n{}";
    struct world *w = world_new(is_redis(state));
    struct store *s = world_open(w);
    struct text customers[3] = { TEXT("ann"), { odd, sizeof(odd) - 1 }, TEXT("never seen") };
    struct draft d = draft_of(claim(s, 0).guard, 0);
    struct store_reply r;

    draft_record(&d, customers[0], "\x00\x01\xff", 3, 5);
    draft_record(&d, customers[1], "two", 3, INSTANT_NEVER);
    assert_int_equal(commit(s, &d), OK);
    r = load(s, 0, customers, 3);
    assert_int_equal(r.record_count, 3);
    assert_int_equal(r.records[0].size, 3);
    assert_memory_equal(r.records[0].at, "\x00\x01\xff", 3);
    assert_memory_equal(r.records[1].at, "two", 3);
    assert_null(r.records[2].at);
    store_close(s);
    world_free(w);
}

static void a_record_can_be_large_and_a_commit_can_have_many(void **state)
{
    struct world *w = world_new(is_redis(state));
    struct store *s = world_open(w);
    struct draft d = draft_of(claim(s, 2).guard, 2);
    struct arena arena = { 0 };
    char *large = arena_alloc(&arena, 1 << 20);
    struct text names[1001];
    struct store_reply r;

    memset(large, 'x', 1 << 20);
    for (int i = 0; i < 1000; i++) {
        names[i] = arena_format(&arena, "customer-%d", i);
        draft_record(&d, names[i], names[i].at, names[i].size, i);
    }
    names[1000] = TEXT("large");
    draft_record(&d, names[1000], large, 1 << 20, INSTANT_NEVER);
    assert_int_equal(commit(s, &d), OK);
    r = load(s, 2, names, 1001);
    for (int i = 0; i < 1000; i++) {
        assert_true(text_equal(names[i],
                               (struct text){ (const char *)r.records[i].at, r.records[i].size }));
    }
    assert_int_equal(r.records[1000].size, 1 << 20);
    arena_fini(&arena);
    store_close(s);
    world_free(w);
}

static void a_deleted_record_is_gone_with_its_timer(void **state)
{
    struct world *w = world_new(is_redis(state));
    struct store *s = world_open(w);
    struct draft d = draft_of(claim(s, 0).guard, 0);
    struct text ann = TEXT("ann");

    draft_record(&d, ann, "one", 3, 7);
    assert_int_equal(commit(s, &d), OK);
    draft_next(&d);
    draft_record(&d, ann, NULL, 0, INSTANT_NEVER);
    assert_int_equal(commit(s, &d), OK);
    assert_null(load(s, 0, &ann, 1).records[0].at);
    assert_int_equal(timers(s, 0, INSTANT_MIN, TEXT_NONE, 10).timer_count, 0);
    store_close(s);
    world_free(w);
}

static void an_older_owner_is_fenced_and_nothing_of_its_commit_stays(void **state)
{
    struct world *w = world_new(is_redis(state));
    struct store *old = world_open(w), *now = world_open(w);
    struct draft before = draft_of(claim(old, 0).guard, 0), after;
    struct text ann = TEXT("ann");

    after = draft_of(claim(now, 0).guard, 0);
    draft_record(&before, ann, "old", 3, 5);
    draft_output(&before, 1, "trigger");
    assert_int_equal(commit(old, &before), ERR_FENCED);
    assert_null(load(now, 0, &ann, 1).records[0].at);
    assert_int_equal(timers(now, 0, INSTANT_MIN, TEXT_NONE, 10).timer_count, 0);
    draft_record(&after, ann, "new", 3, 5);
    assert_int_equal(commit(now, &after), OK);
    assert_memory_equal(load(now, 0, &ann, 1).records[0].at, "new", 3);
    store_close(old);
    store_close(now);
    world_free(w);
}

/* Why: who was slow to claim must not fence the owner who came after him. */
static void a_claim_with_an_epoch_that_was_seen_is_fenced_and_changes_nothing(void **state)
{
    struct world *w = world_new(is_redis(state));
    struct store *slow = world_open(w), *now = world_open(w);
    struct store_reply r = claim_with(now, 0, 7);
    struct draft d = draft_of(r.guard, 0);

    assert_int_equal(r.error, OK);
    assert_int_equal(r.guard.epoch, 7);
    for (int64_t epoch = 6; epoch <= 7; epoch++) {
        r = claim_with(slow, 0, epoch);
        assert_int_equal(r.error, ERR_FENCED);
        assert_int_equal(r.guard.epoch, 7);
    }
    draft_record(&d, TEXT("ann"), "one", 3, 5);
    assert_int_equal(commit(now, &d), OK);
    r = claim_with(slow, 0, 8);
    assert_int_equal(r.error, OK);
    assert_int_equal(r.guard.version, 1);
    store_close(slow);
    store_close(now);
    world_free(w);
}

static void an_owner_may_claim_again_and_is_shown_what_is_there(void **state)
{
    struct world *w = world_new(is_redis(state));
    struct store *s = world_open(w);
    struct draft d = draft_of(claim_with(s, 0, 3).guard, 0);
    struct store_reply r;

    draft_output(&d, 1, "one");
    assert_int_equal(commit(s, &d), OK);
    r = claim_with(s, 0, 3);
    assert_int_equal(r.error, OK);
    assert_int_equal(r.guard.epoch, 3);
    assert_int_equal(r.guard.version, 1);
    assert_int_equal(r.state->guard.version, 1);
    assert_int_equal(r.outbox_count, 1);
    draft_next(&d);
    assert_int_equal(commit(s, &d), OK);
    store_close(s);
    world_free(w);
}

/* Why: state computed from somebody else's later record, or kept by a zombie, would be wrong. */
static void who_was_fenced_is_shown_no_records_and_no_timers(void **state)
{
    struct world *w = world_new(is_redis(state));
    struct store *old = world_open(w), *now = world_open(w), *looker = world_open(w);
    struct text ann = TEXT("ann");
    struct draft d;

    (void)claim(old, 0);
    d = draft_of(claim(now, 0).guard, 0);
    draft_record(&d, ann, "new", 3, 5);
    assert_int_equal(commit(now, &d), OK);
    store_submit(old,
                 &(struct store_request){
                     .verb = STORE_LOAD, .partition = 0, .customers = &ann, .customer_count = 1 });
    assert_int_equal(await(old, STORE_LOAD).error, ERR_FENCED);
    store_submit(
        old, &(struct store_request){
                 .verb = STORE_TIMERS, .partition = 0, .after_due_ms = INSTANT_MIN, .limit = 10 });
    assert_int_equal(await(old, STORE_TIMERS).error, ERR_FENCED);
    assert_memory_equal(load(looker, 0, &ann, 1).records[0].at, "new", 3); /* a plain look */
    store_close(old);
    store_close(now);
    store_close(looker);
    world_free(w);
}

static void timers_come_by_instant_then_customer_across_pages(void **state)
{
    static const struct {
        const char *customer;
        int64_t due_ms;
    } wanted[] = { { "d", -5 }, { "a", 10 }, { "b", 10 }, { "c", 10 }, { "e", 20 }, { "aa", 30 } };
    struct world *w = world_new(is_redis(state));
    struct store *s = world_open(w);
    struct draft d = draft_of(claim(s, 0).guard, 0);
    struct text after = TEXT_NONE;
    int64_t after_ms = INSTANT_MIN;
    char last[16];
    size_t seen = 0;

    for (int i = 5; i >= 0; i--) {
        draft_record(&d, text_of(wanted[i].customer), "x", 1, wanted[i].due_ms);
    }
    draft_record(&d, TEXT("none"), "x", 1, INSTANT_NEVER);
    assert_int_equal(commit(s, &d), OK);
    for (bool is_last = false; !is_last;) {
        struct store_reply r = timers(s, 0, after_ms, after, 2);

        for (uint32_t i = 0; i < r.timer_count; i++, seen++) {
            assert_true(seen < 6);
            assert_true(text_is(r.timers[i].customer, wanted[seen].customer));
            assert_int_equal(r.timers[i].due_ms, wanted[seen].due_ms);
            snprintf(last, sizeof(last), "%.*s", TEXT_PRINTF(r.timers[i].customer));
            after_ms = r.timers[i].due_ms;
        }
        after = text_of(last);
        is_last = r.is_last;
    }
    assert_int_equal(seen, 6);
    store_close(s);
    world_free(w);
}

static void a_takeover_finds_state_and_what_was_not_published(void **state)
{
    struct world *w = world_new(is_redis(state));
    struct store *s = world_open(w), *next = world_open(w);
    struct draft d = draft_of(claim(s, 1).guard, 1);
    struct store_reply r;

    d.commit.state.stream_ms = 1234;
    d.commit.state.partition_count = 4;
    d.commit.state.positions[0] = (struct topic_position){ TEXT("clicks"), 77, 1200, 0 };
    d.commit.state.position_count = 1;
    draft_output(&d, 1, "one");
    draft_output(&d, 2, "two");
    assert_int_equal(commit(s, &d), OK);
    draft_next(&d);
    draft_output(&d, 3, "three");
    draft_trim(&d, 2);
    assert_int_equal(commit(s, &d), OK);
    r = claim(next, 1);
    assert_false(r.is_new);
    assert_int_equal(r.guard.epoch, 2);
    assert_int_equal(r.guard.version, 2);
    assert_int_equal(r.state->stream_ms, 1234);
    assert_int_equal(r.state->partition_count, 4);
    assert_true(text_is(r.state->positions[0].topic, "clicks"));
    assert_int_equal(r.state->positions[0].next_offset, 77);
    assert_int_equal(r.state->outbox_last, 3);
    assert_int_equal(r.outbox_count, 1);
    assert_int_equal(r.outbox[0].sequence, 3);
    assert_memory_equal(r.outbox[0].payload.at, "three", 5);
    store_close(s);
    store_close(next);
    world_free(w);
}

/* Why: explain and cuts read while a worker owns the partition, and must not disturb it. */
static void one_commit_may_stand_for_several(void **state)
{
    struct world *w = world_new(is_redis(state));
    struct store *s = world_open(w), *next = world_open(w);
    struct draft d = draft_of(claim(s, 1).guard, 1);
    struct store_reply r;

    draft_output(&d, 1, "one");
    d.commit.state.guard.version = 7;
    assert_int_equal(commit(s, &d), OK);
    r = claim(next, 1);
    assert_int_equal(r.guard.version, 7);
    assert_int_equal(r.outbox_count, 1);
    store_close(s);
    store_close(next);
    world_free(w);
}

static void a_peek_reads_without_a_claim_and_fences_nobody(void **state)
{
    struct world *w = world_new(is_redis(state));
    struct store *owner = world_open(w), *tool = world_open(w);
    struct text customers[2] = { TEXT("ann"), TEXT("never seen") };
    struct store_request peek = { .verb = STORE_PEEK, .customers = customers, .customer_count = 2 };
    struct draft d;
    struct store_reply r;

    store_submit(tool, &peek);
    r = await(tool, STORE_PEEK);
    assert_int_equal(r.error, OK);
    assert_true(r.is_new);
    assert_null(r.records[0].at);
    d = draft_of(claim(owner, 0).guard, 0);
    d.commit.state.partition_count = 12;
    draft_record(&d, customers[0], "one", 3, 7);
    draft_output(&d, 1, "trigger");
    assert_int_equal(commit(owner, &d), OK);
    store_submit(tool, &peek);
    r = await(tool, STORE_PEEK);
    assert_int_equal(r.error, OK);
    assert_int_equal(r.state->partition_count, 12);
    assert_memory_equal(r.records[0].at, "one", 3);
    assert_null(r.records[1].at);
    draft_next(&d);
    draft_record(&d, customers[0], "two", 3, 7);
    assert_int_equal(commit(owner, &d), OK);
    store_close(owner);
    store_close(tool);
    world_free(w);
}

/* Why: inspect and replay look at a partition that somebody works on. */
static void a_look_shows_guard_state_and_outbox_and_fences_nobody(void **state)
{
    struct world *w = world_new(is_redis(state));
    struct store *owner = world_open(w), *tool = world_open(w);
    struct store_request look = { .verb = STORE_LOOK };
    struct draft d;
    struct store_reply r;

    store_submit(tool, &look);
    r = await(tool, STORE_LOOK);
    assert_int_equal(r.error, OK);
    assert_true(r.is_new);
    assert_int_equal(r.guard.epoch, 0);
    d = draft_of(claim(owner, 0).guard, 0);
    draft_record(&d, TEXT("ann"), "one", 3, 7);
    draft_record(&d, TEXT("ben"), "one", 3, INSTANT_NEVER);
    draft_output(&d, 1, "first");
    draft_output(&d, 2, "second");
    draft_counter(&d, "segment/a/entered", 3);
    assert_int_equal(commit(owner, &d), OK);
    store_submit(tool, &look);
    r = await(tool, STORE_LOOK);
    assert_int_equal(r.error, OK);
    assert_false(r.is_new);
    assert_int_equal(r.guard.version, 1);
    assert_int_equal(r.state->guard.version, 1);
    assert_int_equal(r.outbox_count, 2);
    assert_int_equal(r.outbox[1].sequence, 2);
    assert_int_equal(r.filed, 1);
    assert_int_equal(r.counter_count == 1 ? r.counters[0].value : 0, 3);
    assert_true(text_is(r.counters[0].name, "segment/a/entered"));
    draft_next(&d);
    assert_int_equal(commit(owner, &d), OK);
    store_close(owner);
    store_close(tool);
    world_free(w);
}

/* Why: check --live must not find out by writing. */
static void a_probe_says_what_the_server_is_and_writes_nothing(void **state)
{
    struct world *w = world_new(is_redis(state));
    struct store *s = world_open(w);
    struct store_request probe = { .verb = STORE_PROBE }, look = { .verb = STORE_LOOK };
    struct store_reply r;

    store_submit(s, &probe);
    r = await(s, STORE_PROBE);
    assert_int_equal(r.error, OK);
    assert_null(r.server->refused.at);
    assert_int_equal(r.server->info.at != NULL, is_redis(state));
    if (is_redis(state)) {
        assert_true(text_contains(r.server->info, TEXT("redis_version:")));
        assert_true(text_is(r.server->appendfsync, "always"));
        assert_in_range(r.server->now_ms, 1000, INSTANT_MAX);
    }
    store_submit(s, &look);
    assert_true(await(s, STORE_LOOK).is_new);
    if (is_redis(state)) {
        store_close(s);
        assert_true(world_command(w, "REPLICAOF 127.0.0.1 1\r\n", "+OK"));
        s = world_open(w);
        store_submit(s, &probe);
        r = await(s, STORE_PROBE);
        assert_true(text_is(r.server->refused, "READONLY"));
        assert_string_equal(r.server->refused_for, "MSET");
    }
    store_close(s);
    world_free(w);
}

static void a_scan_shows_every_customer_of_its_partition_and_no_other(void **state)
{
    struct world *w = world_new(is_redis(state));
    struct store *s = world_open(w);
    struct draft d = draft_of(claim(s, 1).guard, 1), other = draft_of(claim(s, 11).guard, 11);
    struct store_request scan = { .verb = STORE_SCAN, .partition = 1, .limit = 50 };
    bool is_seen[1000] = { false };
    struct arena arena = { 0 };

    for (int i = 0; i < 1000; i++) {
        struct text name = arena_format(&arena, "*:c:%d", i);

        draft_record(&d, name, "one", 3, INSTANT_NEVER);
    }
    draft_record(&other, TEXT("*:c:1000"), "one", 3, INSTANT_NEVER);
    assert_int_equal(commit(s, &d), OK);
    assert_int_equal(commit(s, &other), OK);
    for (bool is_last = false; !is_last;) {
        struct store_reply r;

        store_submit(s, &scan);
        r = await(s, STORE_SCAN);
        for (uint32_t i = 0; i < r.customer_count; i++) {
            struct text name = arena_text(&arena, r.customers[i]);
            int number = (int)strtol(name.at + 4, NULL, 10);

            assert_in_range(number, 0, 999);
            is_seen[number] = true;
        }
        scan.cursor = r.cursor;
        is_last = r.is_last;
    }
    for (int i = 0; i < 1000; i++) {
        assert_true(is_seen[i]);
    }
    arena_fini(&arena);
    store_close(s);
    world_free(w);
}

static void partitions_do_not_see_each_other(void **state)
{
    struct world *w = world_new(is_redis(state));
    struct store *s = world_open(w);
    struct draft one = draft_of(claim(s, 0).guard, 0), two = draft_of(claim(s, 1).guard, 1);
    struct text ann = TEXT("ann");

    draft_record(&one, ann, "one", 3, 5);
    draft_record(&two, ann, "two", 3, 6);
    assert_int_equal(commit(s, &one), OK);
    assert_int_equal(commit(s, &two), OK);
    assert_memory_equal(load(s, 0, &ann, 1).records[0].at, "one", 3);
    assert_memory_equal(load(s, 1, &ann, 1).records[0].at, "two", 3);
    store_close(s);
    world_free(w);
}

/* The value of that name among those that a claim shows; -1: not there. */
static int64_t shown_counter(const struct store_reply *r, const char *name)
{
    int64_t value = -1;

    for (uint32_t i = 0; i < r->counter_count; i++) {
        if (text_is(r->counters[i].name, name)) {
            assert_int_equal(value, -1);
            value = r->counters[i].value;
        }
    }
    return value;
}

static void counters_are_what_the_last_commit_that_named_them_said(void **state)
{
    struct world *w = world_new(is_redis(state));
    struct store *s = world_open(w);
    struct store_reply r = claim(s, 1);
    struct draft d = draft_of(r.guard, 1);

    assert_int_equal(r.counter_count, 0);
    draft_counter(&d, "segment/a/entered", 1);
    draft_counter(&d, "email/s/e/sent", 7);
    draft_counter(&d, "experiment/x/1/arms", INT64_MIN);
    assert_int_equal(commit(s, &d), OK);
    draft_next(&d);
    draft_counter(&d, "segment/a/entered", 2);
    assert_int_equal(commit(s, &d), OK);
    draft_next(&d);
    assert_int_equal(commit(s, &d), OK);
    r = claim(s, 1);
    assert_int_equal(r.counter_count, 3);
    assert_int_equal(shown_counter(&r, "segment/a/entered"), 2);
    assert_int_equal(shown_counter(&r, "email/s/e/sent"), 7);
    assert_int_equal(shown_counter(&r, "experiment/x/1/arms"), INT64_MIN);
    r = claim(s, 2);
    assert_int_equal(r.counter_count, 0);
    store_close(s);
    world_free(w);
}

static void counters_of_a_fenced_commit_are_not_kept(void **state)
{
    struct world *w = world_new(is_redis(state));
    struct store *old = world_open(w), *now = world_open(w);
    struct draft before = draft_of(claim(old, 0).guard, 0), after;
    struct store_reply r;

    draft_counter(&before, "lost", 1);
    assert_int_equal(commit(old, &before), OK);
    draft_next(&before);
    after = draft_of(claim(now, 0).guard, 0);
    draft_counter(&before, "lost", 99);
    assert_int_equal(commit(old, &before), ERR_FENCED);
    draft_counter(&after, "segment/a/left", 1);
    assert_int_equal(commit(now, &after), OK);
    r = claim(now, 0);
    assert_int_equal(shown_counter(&r, "lost"), 1);
    assert_int_equal(shown_counter(&r, "segment/a/left"), 1);
    store_close(old);
    store_close(now);
    world_free(w);
}

/* --- Redis only --- */

static void commits_survive_a_server_that_is_killed_again_and_again(void **state)
{
    struct world *w = world_new(true);
    struct store *s = world_open(w);
    struct draft d = draft_of(claim(s, 0).guard, 0);
    struct text ann = TEXT("ann");
    struct store_reply r;
    char text[16] = "";

    (void)state;
    for (int i = 0; i < 40; i++) {
        snprintf(text, sizeof(text), "%d", i);
        draft_record(&d, ann, text, strlen(text), i);
        draft_counter(&d, "commits", i + 1);
        submit_commit(s, &d);
        if (i % 8 == 3) {
            world_kill_redis(w);
            world_start_redis(w);
        }
        assert_int_equal(await_commit(s), OK);
        draft_next(&d);
    }
    assert_memory_equal(load(s, 0, &ann, 1).records[0].at, "39", 2);
    r = claim(s, 0);
    assert_int_equal(shown_counter(&r, "commits"), 40);
    store_close(s);
    world_free(w);
}

static void commits_survive_connections_that_are_cut(void **state)
{
    struct world *w = world_new(true);
    struct store *s = world_open(w);
    struct draft d = draft_of(claim(s, 0).guard, 0);
    struct text ann = TEXT("ann");

    (void)state;
    for (int i = 0; i < 60; i++) {
        draft_record(&d, ann, "x", 1, i);
        submit_commit(s, &d);
        if (i % 3 == 0) {
            world_cut_connections(w);
        }
        assert_int_equal(await_commit(s), OK);
        draft_next(&d);
    }
    assert_int_equal(claim(s, 0).guard.version, 60);
    store_close(s);
    world_free(w);
}

int main(void)
{
    static bool memory = false, redis = true;
    const struct CMUnitTest both[] = {
        cmocka_unit_test(a_new_partition_is_claimed_empty),
        cmocka_unit_test(what_was_committed_is_loaded_byte_by_byte),
        cmocka_unit_test(a_record_can_be_large_and_a_commit_can_have_many),
        cmocka_unit_test(a_deleted_record_is_gone_with_its_timer),
        cmocka_unit_test(an_older_owner_is_fenced_and_nothing_of_its_commit_stays),
        cmocka_unit_test(a_claim_with_an_epoch_that_was_seen_is_fenced_and_changes_nothing),
        cmocka_unit_test(an_owner_may_claim_again_and_is_shown_what_is_there),
        cmocka_unit_test(who_was_fenced_is_shown_no_records_and_no_timers),
        cmocka_unit_test(timers_come_by_instant_then_customer_across_pages),
        cmocka_unit_test(a_takeover_finds_state_and_what_was_not_published),
        cmocka_unit_test(one_commit_may_stand_for_several),
        cmocka_unit_test(partitions_do_not_see_each_other),
        cmocka_unit_test(counters_are_what_the_last_commit_that_named_them_said),
        cmocka_unit_test(counters_of_a_fenced_commit_are_not_kept),
        cmocka_unit_test(a_peek_reads_without_a_claim_and_fences_nobody),
        cmocka_unit_test(a_scan_shows_every_customer_of_its_partition_and_no_other),
        cmocka_unit_test(a_look_shows_guard_state_and_outbox_and_fences_nobody),
        cmocka_unit_test(a_probe_says_what_the_server_is_and_writes_nothing),
    };
    const struct CMUnitTest redis_only[] = {
        cmocka_unit_test(commits_survive_a_server_that_is_killed_again_and_again),
        cmocka_unit_test(commits_survive_connections_that_are_cut),
    };
    struct CMUnitTest tests[2 * sizeof(both) / sizeof(both[0])];
    size_t count = sizeof(both) / sizeof(both[0]);

    for (size_t i = 0; i < count; i++) {
        tests[i] = both[i];
        tests[i].initial_state = &memory;
        tests[count + i] = both[i];
        tests[count + i].initial_state = &redis;
    }
    return cmocka_run_group_tests_name("memory and Redis", tests, NULL, NULL) +
           cmocka_run_group_tests_name("Redis", redis_only, NULL, NULL);
}
