#include "tests/fuzz/fuzz_targets.h"

#include "processor/base/check.h"
#include "schemas/avro.h"
#include "schemas/commit.h"
#include "schemas/json.h"
#include "schemas/record_header.h"
#include "tests/support/random_customer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    enum reject r = avro_decode_event(decoder, b, a, &ev, text);

    return r == REJECT_NONE ? accepted(&ev, a) : refused(r, text);
}

/* A schema, a zero byte and a record: what a registry and a topic may say together. */
static void make_schema(struct rng *r, struct arena *a, struct bytes_out *out)
{
    static const char own[] =
        "{\"type\":\"record\",\"name\":\"t\",\"fields\":[{\"name\":\"customer\",\"aliases\":[\"u\"]"
        ","
        "\"type\":\"bytes\"},{\"name\":\"at\",\"type\":{\"type\":\"long\",\"logicalType\":"
        "\"timestamp-micros\"}},{\"name\":\"kind\",\"type\":{\"type\":\"enum\",\"name\":\"k\","
        "\"symbols\":[\"visit\",\"profile\"]}},{\"name\":\"amount\",\"type\":[\"null\",{\"type\":"
        "\"bytes\",\"logicalType\":\"decimal\",\"precision\":9,\"scale\":3}]},{\"name\":\"next\","
        "\"type\":[\"null\",\"t\"]},{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":[\"int\","
        "{\"type\":\"array\",\"items\":\"string\"}]}},{\"name\":\"f\",\"type\":{\"type\":\"fixed\","
        "\"name\":\"x\",\"size\":16,\"logicalType\":\"uuid\"}}]}";
    static const char value[] = "\2c\2\2\2\4\x13\x88\0\2\2k\2\2\2v\0\0"
                                "0123456789abcdef";
    static const char *const kinds[] = { "click", "purchase", "profile" };
    uint64_t which = rng_below(r, 4);

    if (which == 3) {
        bytes_put(out, own, sizeof(own)); /* its zero too */
        bytes_put(out, value, sizeof(value) - 1);
    } else {
        struct event ev = random_shipped_event(r, a, kinds[which]);
        struct bytes_out record = { NULL, 0, 0 };

        bytes_put_format(out, "%s%c", avro_schema_json(text_of(kinds[which])), 0);
        avro_encode_event(&ev, &record);
        bytes_put(out, record.at + RECORD_HEADER_SIZE, record.size - RECORD_HEADER_SIZE);
        bytes_out_fini(&record);
    }
}

static bool decode_schema(struct bytes b, struct arena *a)
{
    static const struct event_mapping mappings[] = {
        { .customer = { NULL, 0 } },
        { .kind = { "purchase", 8 }, .customer = { "m.k", 3 }, .id = { "f", 1 } },
    };
    const uint8_t *zero = b.size == 0 ? NULL : memchr(b.at, 0, b.size);
    size_t size = zero == NULL ? b.size : (size_t)(zero - b.at);
    bool is_accepted = false;

    for (size_t i = 0; i < 2; i++) {
        struct text schema = { (const char *)b.at, size };
        struct bytes value = { b.at + size + 1, zero == NULL ? 0 : b.size - size - 1 };
        struct avro_decoder *own;
        char text[256] = "";
        struct event ev;
        enum reject r;

        if (b.size == 0 || avro_decoder_new(&mappings[i], schema, &own, text) != OK) {
            CHECK(b.size == 0 || (text[0] != '\0' && text_is_utf8(text_of(text))));
            continue;
        }
        r = zero == NULL ? REJECT_NULL_VALUE : avro_decode_event(own, value, a, &ev, text);
        if (zero != NULL) {
            is_accepted |= r == REJECT_NONE ? accepted(&ev, a) : refused(r, text);
        }
        avro_decoder_free(own);
    }
    return is_accepted;
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
        s.positions[i] = (struct topic_position){ random_name(r, a, i), random_long(r), 7, 0 };
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

const struct fuzz_target fuzz_targets[] = {
    { "avro_decode_event", make_avro, decode_avro },
    { "avro_plan_new", make_schema, decode_schema },
    { "json_decode_event", make_json, decode_json },
    { "customer_decode", make_customer, decode_customer },
    { "event_decode", make_event, decode_event },
    { "output_decode_trigger", make_trigger, decode_trigger },
    { "output_decode_membership", make_membership, decode_membership },
    { "output_decode_outcome", make_outcome, decode_outcome },
    { "output_decode_dead_letter", make_dead_letter, decode_dead_letter },
    { "outbox_decode", make_outbox, decode_outbox },
    { "partition_state_decode", make_partition, decode_partition },
};
const uint32_t fuzz_target_count = sizeof(fuzz_targets) / sizeof(fuzz_targets[0]);

const struct fuzz_target *fuzz_target_find(const char *name)
{
    for (uint32_t i = 0; i < fuzz_target_count; i++) {
        if (strcmp(fuzz_targets[i].name, name) == 0) {
            return &fuzz_targets[i];
        }
    }
    (void)fprintf(stderr, "no target `%s`; there are:\n", name);
    for (uint32_t i = 0; i < fuzz_target_count; i++) {
        (void)fprintf(stderr, "  %s\n", fuzz_targets[i].name);
    }
    exit(64);
}

void fuzz_targets_init(void)
{
    char text[256];

    CHECK(avro_decoder_new(NULL, TEXT_NONE, &decoder, text) == OK);
}

void fuzz_targets_fini(void)
{
    avro_decoder_free(decoder);
}
