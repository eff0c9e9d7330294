#include "schemas/output.h"

#include "processor/base/check.h"

#include <stdio.h>

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
    char room[512];
    struct bytes_out out = { NULL, 0, 0 };
    struct hash128 id;
    size_t size = app.size + customer.size + sequence.size + email.size + 40;
    int used;

    if (size <= sizeof(room)) { /* the usual case, without the heap */
        used = snprintf(room, sizeof(room), "%.*s\x1f%.*s\x1f%.*s\x1f%lld\x1f%.*s\x1f%d",
                        TEXT_PRINTF(app), TEXT_PRINTF(customer), TEXT_PRINTF(sequence),
                        (long long)entered_at_ms, TEXT_PRINTF(email), attempt);
        CHECK(used > 0 && (size_t)used < sizeof(room));
        return hash128((struct text){ room, (size_t)used });
    }
    bytes_put_format(&out, "%.*s\x1f%.*s\x1f%.*s\x1f%lld\x1f%.*s\x1f%d", TEXT_PRINTF(app),
                     TEXT_PRINTF(customer), TEXT_PRINTF(sequence), (long long)entered_at_ms,
                     TEXT_PRINTF(email), attempt);
    id = hash128((struct text){ (const char *)out.at, out.size });
    bytes_out_fini(&out);
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
