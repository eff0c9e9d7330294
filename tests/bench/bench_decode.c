/* What decoding costs: CPU time per record of each shipped schema, from Avro bytes to a checked
 * event. Under `valgrind --tool=callgrind` with two values of ROUNDS, the difference of
 * instructions by the difference of rounds is what one record takes.
 */
#include "processor/base/check.h"
#include "schemas/avro.h"
#include "schemas/record_header.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NINE INT64_C(1772442000000) /* 2026-03-02T09:00:00Z */

static void put_head(struct bytes_out *out, uint64_t fingerprint)
{
    bytes_out_clear(out);
    record_header_put(out, fingerprint);
    bytes_put_long(out, 1);
    bytes_put_text(out, TEXT("e-000000000017"));
    bytes_put_text(out, TEXT("customer-0000042"));
    bytes_put_long(out, NINE);
}

static void put_click(struct bytes_out *out, bool has_map)
{
    put_head(out, FINGERPRINT_CLICK);
    bytes_put_long(out, 1);
    bytes_put_text(out, TEXT("c13b8d36d56f03e6654e34e2471cce44"));
    bytes_put_long(out, 1);
    bytes_put_text(out, TEXT("/guide/evidence"));
    bytes_put_long(out, 0);
    bytes_put_long(out, 1);
    bytes_put_bool(out, false);
    bytes_put_long(out, 0);
    if (has_map) {
        bytes_put_long(out, 2);
        bytes_put_text(out, TEXT("campaign"));
        bytes_put_text(out, TEXT("spring-2026"));
        bytes_put_text(out, TEXT("device"));
        bytes_put_text(out, TEXT("phone"));
    }
    bytes_put_long(out, 0);
}

static void put_purchase(struct bytes_out *out)
{
    put_head(out, FINGERPRINT_PURCHASE);
    bytes_put_long(out, 0);
    bytes_put_long(out, 1);
    bytes_put_text(out, TEXT("o-0017"));
    bytes_put_long(out, 4990);
    bytes_put_long(out, 1);
    bytes_put_text(out, TEXT("EUR"));
    bytes_put_long(out, 2);
    for (int i = 0; i < 2; i++) {
        bytes_put_long(out, 1);
        bytes_put_text(out, TEXT("p-17"));
        bytes_put_long(out, 1);
        bytes_put_text(out, TEXT("shoes"));
        bytes_put_long(out, 0);
        bytes_put_long(out, 0);
    }
    bytes_put_long(out, 0);
    bytes_put_long(out, 0);
}

static double cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void measure(struct avro_decoder *decoder, const char *name, const struct bytes_out *record,
                    long rounds)
{
    struct arena arena = { NULL, 0 };
    double begin = cpu_ns();
    struct event ev;
    char text[128];

    for (long i = 0; i < rounds; i++) {
        CHECK(avro_decode_event(decoder, bytes_out_view(record), &arena, &ev, text) == REJECT_NONE);
        if (i % 256 == 255) {
            arena_reset(&arena);
        }
    }
    printf("%-16s %4zu bytes %8.1f ns of CPU\n", name, record->size,
           (cpu_ns() - begin) / (double)rounds);
    arena_fini(&arena);
}

int main(int count, char **arguments)
{
    long rounds = count > 1 ? strtol(arguments[1], NULL, 10) : 1000000;
    const char *only = count > 2 ? arguments[2] : NULL;
    struct bytes_out out = { NULL, 0, 0 };
    struct avro_decoder *decoder;
    char text[256];

    if (rounds <= 0) {
        (void)fprintf(stderr, "usage: bench_decode [ROUNDS [click | click_map | purchase]]\n");
        return 64;
    }
    CHECK(avro_decoder_new(NULL, TEXT_NONE, &decoder, text) == OK);
    if (only == NULL || strcmp(only, "click") == 0) {
        put_click(&out, false);
        measure(decoder, "click", &out, rounds);
    }
    if (only == NULL || strcmp(only, "click_map") == 0) {
        put_click(&out, true);
        measure(decoder, "click_map", &out, rounds);
    }
    if (only == NULL || strcmp(only, "purchase") == 0) {
        put_purchase(&out);
        measure(decoder, "purchase", &out, rounds);
    }
    avro_decoder_free(decoder);
    bytes_out_fini(&out);
    return 0;
}
