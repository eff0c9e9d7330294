#include "schemas/output.h"

#include "processor/base/check.h"
#include "processor/base/mem.h"

static const char *const outcome_names[OUTCOME__COUNT] = {
#define OUTCOME_NAME(name, text) [OUTCOME_##name] = text,
    OUTCOME_MAP(OUTCOME_NAME)
#undef OUTCOME_NAME
};

static const char *const reason_names[REASON__COUNT] = {
#define REASON_NAME(name, text) [REASON_##name] = text,
    REASON_MAP(REASON_NAME)
#undef REASON_NAME
};

const char *outcome_name(enum outcome o)
{
    CHECK(o < OUTCOME__COUNT);
    return outcome_names[o];
}

const char *reason_name(enum reason r)
{
    CHECK(r < REASON__COUNT);
    return reason_names[r];
}

struct hash128 trigger_id(struct text app, struct text customer, struct text sequence,
                          int64_t entered_at_ms, struct text email, int32_t attempt)
{
    char room[512], entered_digits[24], attempt_digits[16];
    const struct text entered = { entered_digits,
                                  text_format(entered_digits, sizeof(entered_digits), "%lld",
                                              (long long)entered_at_ms) };
    const struct text number = { attempt_digits, text_format(attempt_digits, sizeof(attempt_digits),
                                                             "%d", attempt) };
    const struct text parts[] = { app, customer, sequence, entered, email, number };
    struct bytes_out out = { NULL, 0, 0 };
    struct hash128 id;

    out.at = (uint8_t *)room;
    out.capacity = app.size + customer.size + sequence.size + email.size + 40;
    if (out.capacity > sizeof(room)) { /* not the usual case */
        out.at = mem_alloc(out.capacity);
    }
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (i > 0) {
            bytes_put_byte(&out, 0x1f);
        }
        bytes_put(&out, parts[i].at, parts[i].size);
    }
    id = hash128((struct text){ (const char *)out.at, out.size });
    if (out.at != (uint8_t *)room) {
        bytes_out_fini(&out);
    }
    return id;
}

bool trigger_id_parse(struct text hex, struct hash128 *out_id)
{
    struct hash128 id;

    if (hex.at == NULL || hex.size != 2 * sizeof(id.at)) {
        return false;
    }
    for (size_t i = 0; i < hex.size; i++) {
        char c = hex.at[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

        if (digit < 0) {
            return false;
        }
        id.at[i / 2] = (uint8_t)(i % 2 == 0 ? digit << 4 : id.at[i / 2] | digit);
    }
    *out_id = id;
    return true;
}
