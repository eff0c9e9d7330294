/* DESIGN. Seeded mutations of a small corpus made by our own encoders, through every decoder that
 * reads what others wrote or what was stored. No oracle but the sanitizers, and three promises: a
 * decoder returns one of its codes, what it accepts can be written again, and a refusal has a
 * sentence in valid UTF-8. The same number of rounds does the same everywhere.
 */
#include "processor/base/check.h"
#include "schemas/avro.h"
#include "schemas/commit.h"
#include "schemas/json.h"
#include "tests/support/random_customer.h"

#include <stdio.h>
#include <stdlib.h>

#define CORPUS_PER_TARGET 16
#define SIZE_MAX_BYTES    (64 * 1024)

struct target {
    const char *name;
    void (*make)(struct rng *r, struct arena *a, struct bytes_out *out);
    bool (*decode)(struct bytes b, struct arena *a); /* true: accepted */
};

static struct avro_decoder *decoder;

static bool refused(enum reject r, const char *text)
{
    CHECK(r > REJECT_NONE && r < REJECT__COUNT);
    CHECK(text[0] != '\0' && text_is_utf8(text_of(text)));
    return false;
}

/* An accepted event is one that can be kept and read back. */
static bool accepted(const struct event *ev, struct arena *a)
{
    struct bytes_out kept = { NULL, 0, 0 };
    struct event back;

    CHECK(ev->customer.size > 0 && ev->customer.size <= EVENT_CUSTOMER_SIZE_MAX);
    CHECK(ev->at_ms >= INSTANT_MIN && ev->at_ms <= INSTANT_MAX);
    event_encode(ev, &kept);
    CHECK(event_decode(bytes_out_view(&kept), a, &back) == OK);
    bytes_out_clear(&kept);
    avro_encode_event(ev, &kept);
    bytes_out_fini(&kept);
    return true;
}

/* --- input --- */
static void make_avro(struct rng *r, struct arena *a, struct bytes_out *out)
{
    static const char *const kinds[] = { "click",  "open",   "purchase", "profile",
                                         "refund", "bounce", "visit",    "unsubscribe" };
    struct event ev = random_shipped_event(r, a, kinds[rng_below(r, 8)]);

    avro_encode_event(&ev, out);
}

static bool decode_avro(struct bytes b, struct arena *a)
{
    char text[128] = "";
    struct event ev;
    enum reject r = avro_decode_event(decoder, b, NULL, a, &ev, text);

    return r == REJECT_NONE ? accepted(&ev, a) : refused(r, text);
}

static void make_json(struct rng *r, struct arena *a, struct bytes_out *out)
{
    static const char *const lines[] = {
        "{\"kind\":\"click\",\"customer\":\"c-1\",\"at\":\"2026-03-02T09:00:00.5+01:00\","
        "\"id\":\"e\",\"url\":\"/p\",\"email\":\"a.b\",\"machine\":false}",
        "{\"kind\":\"purchase\",\"customer\":\"c\",\"at\":5,\"amount\":99,\"currency\":\"EUR\","
        "\"items\":[{\"category\":\"a\",\"n\":1},{\"category\":\"\\u00fc\"}],\"x\":{\"y\":1.5e3}}",
        "{\"kind\":\"profile\",\"customer\":\"c\",\"at\":5,\"plan\":\"pro\",\"gone\":null,"
        "\"set\":{\"tags\":[\"a\",\"b\"],\"n\":-7},\"unset\":[\"old\"]}",
        "{\"kind\":\"bounce\",\"customer\":\"\xe2\x82\xac\",\"at\":0,\"bounce_class\":\"hard\"}",
    };

    (void)a;
    bytes_put_format(out, "%s", lines[rng_below(r, 4)]);
}

static bool decode_json(struct bytes b, struct arena *a)
{
    char text[128] = "";
    struct event ev;
    enum reject r = json_decode_event(b, NULL, a, &ev, text);

    return r == REJECT_NONE ? accepted(&ev, a) : refused(r, text);
}

/* --- what is stored --- */
static void make_customer(struct rng *r, struct arena *a, struct bytes_out *out)
{
    struct customer *c = random_customer(r, a);

    customer_encode(c, out);
    customer_free(c);
}

static bool decode_customer(struct bytes b, struct arena *a)
{
    struct bytes_out again = { NULL, 0, 0 };
    struct customer *c, *back;
    enum err e = customer_decode(b, &c);

    (void)a;
    CHECK(e == OK || e == ERR_CORRUPT);
    if (e != OK) {
        return false;
    }
    customer_encode(c, &again);
    CHECK(customer_decode(bytes_out_view(&again), &back) == OK);
    bytes_out_fini(&again);
    customer_free(c);
    customer_free(back);
    return true;
}

static void make_event(struct rng *r, struct arena *a, struct bytes_out *out)
{
    struct event ev = random_event(r, a);

    event_encode(&ev, out);
}

static bool decode_event(struct bytes b, struct arena *a)
{
    struct bytes_out again = { NULL, 0, 0 };
    struct event ev, back;
    enum err e = event_decode(b, a, &ev);

    CHECK(e == OK || e == ERR_CORRUPT);
    if (e == OK) {
        event_encode(&ev, &again);
        CHECK(event_decode(bytes_out_view(&again), a, &back) == OK);
    }
    bytes_out_fini(&again);
    return e == OK;
}

static void make_outbox(struct rng *r, struct arena *a, struct bytes_out *out)
{
    struct outbox_entry entries[3] = { { .sequence = rng_between(r, 1, 1000) } };

    for (unsigned i = 0; i < 3; i++) {
        entries[i].sequence = entries[0].sequence + i;
        entries[i].type = (enum output_type)rng_below(r, OUTPUT_TYPE__COUNT);
        entries[i].key = random_text_or_none(r, a);
        entries[i].payload = (struct bytes){ (const uint8_t *)"payload", 7 };
    }
    outbox_encode(entries, (uint32_t)rng_below(r, 4), out);
}

static bool decode_outbox(struct bytes b, struct arena *a)
{
    struct bytes_out again = { NULL, 0, 0 };
    const struct outbox_entry *entries;
    uint32_t count;
    enum err e = outbox_decode(b, a, &entries, &count);

    CHECK(e == OK || e == ERR_CORRUPT);
    if (e == OK) {
        outbox_encode(entries, count, &again);
    }
    bytes_out_fini(&again);
    return e == OK;
}

static void make_partition(struct rng *r, struct arena *a, struct bytes_out *out)
{
    struct partition_state s;

    partition_state_init(&s);
    s.guard.epoch = random_count(r);
    s.outbox_last = 10;
    s.config = rng_next(r);
    s.position_count = (uint32_t)rng_below(r, 4);
    for (uint32_t i = 0; i < s.position_count; i++) {
        s.positions[i] = (struct topic_position){ random_name(r, a, i), random_long(r), 7 };
    }
    partition_state_encode(&s, out);
}

static bool decode_partition(struct bytes b, struct arena *a)
{
    struct bytes_out again = { NULL, 0, 0 };
    struct partition_state s;
    enum err e = partition_state_decode(b, a, &s);

    CHECK(e == OK || e == ERR_CORRUPT);
    if (e == OK) {
        partition_state_encode(&s, &again);
    }
    bytes_out_fini(&again);
    return e == OK;
}

/* --- what leaves: four types, one target each --- */
static bool decode_output(enum output_type type, struct bytes b, struct arena *a)
{
    struct bytes_out again = { NULL, 0, 0 };
    struct output o;
    enum err e = output_decode(type, b, a, &o);

    CHECK(e == OK || e == ERR_BAD_DATA);
    if (e == OK) {
        output_encode(&o, &again);
        json_encode_output(&o, &again);
    }
    bytes_out_fini(&again);
    return e == OK;
}

#define OUTPUT_TARGET(stem, type)                                                                  \
    static void make_##stem(struct rng *r, struct arena *a, struct bytes_out *out)                 \
    {                                                                                              \
        struct output o = random_output(r, a, type);                                               \
                                                                                                   \
        output_encode(&o, out);                                                                    \
    }                                                                                              \
    static bool decode_##stem(struct bytes b, struct arena *a)                                     \
    {                                                                                              \
        return decode_output(type, b, a);                                                          \
    }

OUTPUT_TARGET(trigger, OUTPUT_TRIGGER)
OUTPUT_TARGET(membership, OUTPUT_MEMBERSHIP)
OUTPUT_TARGET(outcome, OUTPUT_OUTCOME)
OUTPUT_TARGET(dead_letter, OUTPUT_DEAD_LETTER)

static const struct target targets[] = {
    { "avro_decode_event", make_avro, decode_avro },
    { "json_decode_event", make_json, decode_json },
    { "customer_decode", make_customer, decode_customer },
    { "event_decode", make_event, decode_event },
    { "output_decode trigger", make_trigger, decode_trigger },
    { "output_decode membership", make_membership, decode_membership },
    { "output_decode outcome", make_outcome, decode_outcome },
    { "output_decode dead_letter", make_dead_letter, decode_dead_letter },
    { "outbox_decode", make_outbox, decode_outbox },
    { "partition_state_decode", make_partition, decode_partition },
};

/* --- mutation --- */
static const uint8_t telling[] = { 0, 1, 2, 3, 4, 0x7f, 0x80, 0xff, '"', '{', '[', ',', '\\', '9' };

/* Numbers where decoders go wrong, as varints. */
static const int64_t numbers[] = { -1,        INT32_MAX,        INT64_MAX,           INT64_MIN,
                                   INT32_MIN, INT64_C(1) << 30, -(INT64_C(1) << 30), 256 };

static void change(struct rng *r, struct bytes_out *b, const struct bytes_out *other)
{
    size_t at = b->size == 0 ? 0 : (size_t)rng_below(r, b->size);
    size_t left = b->size - at, size;
    struct bytes_out tail = { NULL, 0, 0 };

    switch (b->size == 0 ? 4 : rng_below(r, 14)) { /* mostly small changes */
    case 0:
        b->at[at] ^= (uint8_t)(1u << rng_below(r, 8));
        break;
    case 1:
        b->at[at] = telling[rng_below(r, sizeof(telling))];
        break;
    case 2:
        b->size = at;
        break;
    case 3: /* take some out */
        size = (size_t)rng_between(r, 1, left < 16 ? (int64_t)left : 16);
        memmove(b->at + at, b->at + at + size, left - size);
        b->size -= size;
        break;
    case 4: /* a number, before what follows */
        bytes_put(&tail, b->at == NULL ? NULL : b->at + at, left);
        b->size = at;
        bytes_put_long(b, numbers[rng_below(r, sizeof(numbers) / sizeof(numbers[0]))]);
        bytes_put(b, tail.at, tail.size);
        break;
    case 5: /* the rest of another one */
        b->size = at;
        size = other->size == 0 ? 0 : (size_t)rng_below(r, other->size);
        bytes_put(b, other->at + size, other->size - size);
        break;
    case 6: /* a part twice */
        size = left < 64 ? left : 64;
        bytes_put(&tail, b->at + at, left);
        b->size = at + size;
        bytes_put(b, tail.at, tail.size);
        break;
    case 7:
        b->at[at] = (uint8_t)rng_next(r);
        break;
    default:
        b->at[at] ^= (uint8_t)(1u << rng_below(r, 3)); /* a near neighbour */
        break;
    }
    bytes_out_fini(&tail);
}

/* From a block of its own size, so that ASAN sees a byte read behind it. */
static bool run_one(const struct target *t, const struct bytes_out *b, struct arena *a)
{
    uint8_t *exact = mem_alloc(b->size);
    bool is_accepted;

    if (b->size > 0) {
        memcpy(exact, b->at, b->size);
    }
    is_accepted = t->decode((struct bytes){ exact, b->size }, a);
    arena_reset(a);
    mem_free(exact);
    return is_accepted;
}

static void fuzz(const struct target *t, uint64_t rounds)
{
    struct bytes_out corpus[CORPUS_PER_TARGET] = { { NULL, 0, 0 } }, b = { NULL, 0, 0 };
    struct arena arena = { NULL, 0 };
    uint64_t accepted_count = 0;
    struct rng r;

    rng_init(&r, 1);
    for (unsigned i = 0; i < CORPUS_PER_TARGET; i++) {
        t->make(&r, &arena, &corpus[i]);
        CHECK(run_one(t, &corpus[i], &arena)); /* as made, it is good */
    }
    for (uint64_t i = 0; i < rounds; i++) {
        const struct bytes_out *from;

        rng_init(&r, i + 2); /* a round is its number: easy to repeat */
        from = &corpus[rng_below(&r, CORPUS_PER_TARGET)];
        bytes_out_clear(&b);
        bytes_put(&b, from->at, from->size);
        for (uint64_t k = 1 + rng_below(&r, 3); k > 0; k--) {
            change(&r, &b, &corpus[rng_below(&r, CORPUS_PER_TARGET)]);
        }
        if (b.size <= SIZE_MAX_BYTES) {
            accepted_count += run_one(t, &b, &arena);
        }
    }
    (void)printf("%s: %llu rounds, %llu accepted\n", t->name, (unsigned long long)rounds,
                 (unsigned long long)accepted_count);
    for (unsigned i = 0; i < CORPUS_PER_TARGET; i++) {
        bytes_out_fini(&corpus[i]);
    }
    bytes_out_fini(&b);
    arena_fini(&arena);
}

int main(int count, char **arguments)
{
    uint64_t rounds = count > 1 ? strtoull(arguments[1], NULL, 10) : 20000;
    char text[256];

    if (count > 2 || rounds == 0) {
        (void)fprintf(stderr, "usage: fuzz_replay [ROUNDS]\n");
        return 64;
    }
    CHECK(avro_decoder_new(TEXT_NONE, &decoder, text) == OK);
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        fuzz(&targets[i], rounds);
    }
    avro_decoder_free(decoder);
    return 0;
}
