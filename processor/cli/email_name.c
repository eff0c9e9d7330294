#include "processor/cli/email_name.h"

#include "processor/base/hash.h"

void email_name_resolve(struct timeline *t, const struct rules *rules, struct arena *arena,
                        struct event *ev)
{
    const char *dot = ev->email.size == 0 ? NULL : memchr(ev->email.at, '.', ev->email.size);
    const struct customer *c;
    struct text sequence, email;

    if (dot == NULL) {
        return;
    }
    timeline_run_to(t, ev->at_ms - 1); /* what is sent before it is sent */
    c = timeline_customer(t, ev->customer);
    sequence = (struct text){ ev->email.at, (size_t)(dot - ev->email.at) };
    email = (struct text){ dot + 1, ev->email.size - sequence.size - 1 };
    ev->email = TEXT_NONE;
    for (uint32_t i = c == NULL ? 0 : c->sent_count; i > 0; i--) {
        const struct sent *s = &c->sent[i - 1];
        const struct sequence_plan *plan = rules_sequence(rules, s->sequence);
        char hex[33];

        if (plan != NULL && text_equal(plan->id, sequence) && s->email == hash32(email) &&
            s->sent_at_ms <= ev->at_ms) {
            hash128_hex(s->trigger_id, hex);
            ev->email = arena_text(arena, text_of(hex));
            return;
        }
    }
}
