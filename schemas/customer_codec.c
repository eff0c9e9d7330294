/* DESIGN. Plain code, field by field in the order of schemas/customer.avsc; customer_decode.c reads
 * it back in the same order. Instants that may be "never" are a union of null and long.
 */
#include "schemas/customer.h"

#include "processor/base/instant.h"
#include "schemas/record_header.h"

static void put_instant(struct bytes_out *out, int64_t at_ms)
{
    bytes_put_long(out, at_ms == INSTANT_NEVER ? 0 : 1);
    if (at_ms != INSTANT_NEVER) {
        bytes_put_long(out, at_ms);
    }
}

/* An instant of which INSTANT_MIN, from the beginning, is the usual one. */
static void put_since(struct bytes_out *out, int64_t at_ms)
{
    bytes_put_long(out, at_ms == INSTANT_MIN ? 0 : 1);
    if (at_ms != INSTANT_MIN) {
        bytes_put_long(out, at_ms);
    }
}

static void put_key(struct bytes_out *out, uint32_t key)
{
    bytes_put_long(out, (int32_t)key);
}

static void put_count(struct bytes_out *out, uint32_t count)
{
    if (count > 0) {
        bytes_put_long(out, count);
    }
}

static void put_end(struct bytes_out *out)
{
    bytes_put_long(out, 0);
}

static void put_days(const struct history_day *days, uint32_t count, struct bytes_out *out)
{
    put_count(out, count);
    for (uint32_t i = 0; i < count; i++) {
        bytes_put_long(out, days[i].day);
        bytes_put_long(out, days[i].count);
        bytes_put_long(out, days[i].sum);
        bytes_put_long(out, days[i].least);
        bytes_put_long(out, days[i].most);
    }
    put_end(out);
}

static void put_history(const struct history *h, struct bytes_out *out)
{
    put_key(out, h->key);
    put_since(out, h->since_ms);
    put_since(out, h->from_ms);
    bytes_put_bool(out, h->is_truncated);
    bytes_put_long(out, h->total_count);
    bytes_put_long(out, h->total_sum);
    bytes_put_long(out, h->least);
    bytes_put_long(out, h->most);
    put_instant(out, h->first_ms);
    put_instant(out, h->last_ms);
    put_count(out, h->count);
    for (uint32_t k = 0; k < h->count; k++) {
        bytes_put_long(out, h->entries[k].at_ms);
        bytes_put_long(out, h->entries[k].value);
    }
    put_end(out);
    put_days(h->days, h->day_count, out);
}

static void put_keys(const uint32_t *keys, uint32_t count, struct bytes_out *out)
{
    bytes_put_long(out, (int64_t)count * 4);
    for (uint32_t i = 0; i < count; i++) {
        bytes_put_u32(out, keys[i]);
    }
}

static void put_facts(const struct customer *c, struct bytes_out *out)
{
    put_count(out, c->attribute_count);
    for (uint32_t i = 0; i < c->attribute_count; i++) {
        put_key(out, c->attributes[i].key);
        put_key(out, c->attributes[i].set_by);
        bytes_put_long(out, c->attributes[i].at_ms);
        event_put_value(out, &c->attributes[i].value);
    }
    put_end(out);
    put_count(out, c->order_count);
    for (uint32_t i = 0; i < c->order_count; i++) {
        const struct order *o = &c->orders[i];

        bytes_put_long(out, (int64_t)o->id);
        bytes_put_long(out, (int64_t)o->event_id);
        put_instant(out, o->at_ms);
        bytes_put_long(out, o->amount);
        bytes_put_long(out, o->refunded);
        bytes_put_bool(out, o->is_foreign);
    }
    put_end(out);
    put_days(c->order_days, c->order_day_count, out);
    put_count(out, c->history_count);
    for (uint32_t i = 0; i < c->history_count; i++) {
        put_history(&c->histories[i], out);
    }
    put_end(out);
    put_keys(c->counters, c->counter_count, out);
    put_count(out, c->score_count);
    for (uint32_t i = 0; i < c->score_count; i++) {
        put_key(out, c->scores[i].key);
        bytes_put_long(out, c->scores[i].points_q40);
        bytes_put_long(out, c->scores[i].at_ms);
    }
    put_end(out);
    put_count(out, c->kind_count);
    for (uint32_t i = 0; i < c->kind_count; i++) {
        bytes_put_text(out, c->kinds[i].kind);
        bytes_put_long(out, c->kinds[i].last_ms);
    }
    put_end(out);
}

static void put_sent(const struct sent *s, struct bytes_out *out)
{
    bytes_put(out, s->trigger_id.at, sizeof(s->trigger_id.at));
    put_key(out, s->sequence);
    put_key(out, s->email);
    bytes_put_long(out, s->run);
    bytes_put_long(out, s->attempt);
    bytes_put_long(out, s->sent_at_ms);
    bytes_put_bool(out, s->is_transactional);
    bytes_put_bool(out, s->is_judged);
    put_instant(out, s->first_open_ms);
    put_instant(out, s->first_reply_ms);
    put_instant(out, s->soft_bounce_ms);
    put_instant(out, s->last_sign_ms);
    put_count(out, s->click_count);
    for (uint32_t i = 0; i < s->click_count; i++) {
        bytes_put_long(out, s->clicks[i].at_ms);
        put_key(out, s->clicks[i].link);
        bytes_put_bool(out, s->clicks[i].is_machine);
    }
    put_end(out);
}

static void put_run(const struct run *r, struct bytes_out *out)
{
    put_key(out, r->sequence);
    bytes_put_long(out, r->number);
    bytes_put_long(out, r->entered_at_ms);
    bytes_put_text(out, r->cause);
    bytes_put_long(out, (int64_t)r->phase);
    put_key(out, r->email);
    bytes_put_long(out, r->slot_use);
    put_key(out, r->use_slot);
    bytes_put_long(out, r->use_id.at == NULL ? 0 : 1);
    if (r->use_id.at != NULL) {
        bytes_put_text(out, r->use_id);
    }
    bytes_put_long(out, r->previous_ms);
    put_instant(out, r->planned_at_ms);
    bytes_put_long(out, r->not_before_ms);
    put_instant(out, r->due_ms);
    bytes_put_long(out, (int64_t)r->reason);
    bytes_put_long(out, (int64_t)r->last_judged);
    bytes_put_long(out, r->row_count);
    bytes_put_long(out, r->emails_sent);
    put_key(out, r->action);
    put_instant(out, r->held_until_ms);
    bytes_put_long(out, r->held_for_ms);
    bytes_put_long(out, r->shown_rows);
    put_count(out, r->plan_count);
    for (uint32_t i = 0; i < r->plan_count; i++) {
        bytes_put_text(out, r->plan[i].id);
        bytes_put_long(out, r->plan[i].after_ms);
    }
    put_end(out);
    put_count(out, r->email_count);
    for (uint32_t i = 0; i < r->email_count; i++) {
        put_key(out, r->emails[i].email);
        bytes_put_long(out, r->emails[i].sent);
        for (unsigned k = 0; k < 4; k++) {
            bytes_put_long(out, r->emails[i].acted[k]);
        }
    }
    put_end(out);
    put_count(out, r->context_count);
    for (uint32_t i = 0; i < r->context_count; i++) {
        bytes_put_text(out, r->context[i].name);
        bytes_put_long(out, r->context[i].value.at == NULL ? 0 : 1);
        if (r->context[i].value.at != NULL) {
            bytes_put_text(out, r->context[i].value);
        }
    }
    put_end(out);
}

static void put_exposure(const struct exposure *e, struct bytes_out *out)
{
    put_key(out, e->key);
    put_key(out, e->arm);
    bytes_put_long(out, e->at_ms);
    bytes_put_bool(out, e->is_converted);
    bytes_put_bool(out, e->is_unsubscribed);
    bytes_put_bool(out, e->is_complained);
    put_count(out, e->segment_count);
    for (uint32_t i = 0; i < e->segment_count; i++) {
        put_key(out, e->segments[i]);
    }
    put_end(out);
}

static void put_state(const struct customer *c, struct bytes_out *out)
{
    put_count(out, c->membership_count);
    for (uint32_t i = 0; i < c->membership_count; i++) {
        const struct membership *m = &c->memberships[i];

        put_key(out, m->key);
        put_key(out, m->rung);
        bytes_put_bool(out, m->is_member);
        bytes_put_long(out, m->since_ms);
        put_instant(out, m->pending_ms);
        put_instant(out, m->until_ms);
    }
    put_end(out);
    put_count(out, c->sent_count);
    for (uint32_t i = 0; i < c->sent_count; i++) {
        put_sent(&c->sent[i], out);
    }
    put_end(out);
    put_count(out, c->waiting_count);
    for (uint32_t i = 0; i < c->waiting_count; i++) {
        bytes_put_long(out, c->waiting[i].due_ms);
        bytes_put(out, c->waiting[i].trigger_id.at, sizeof(c->waiting[i].trigger_id.at));
        bytes_put_long_bytes(out, c->waiting[i].event);
    }
    put_end(out);
    put_count(out, c->run_count);
    for (uint32_t i = 0; i < c->run_count; i++) {
        put_run(&c->runs[i], out);
    }
    put_end(out);
    put_count(out, c->entry_count);
    for (uint32_t i = 0; i < c->entry_count; i++) {
        put_key(out, c->entries[i].sequence);
        bytes_put_bool(out, c->entries[i].is_completed);
        bytes_put_long(out, c->entries[i].runs);
        bytes_put_long(out, c->entries[i].last_ms);
    }
    put_end(out);
    put_count(out, c->subscription_count);
    for (uint32_t i = 0; i < c->subscription_count; i++) {
        put_key(out, c->subscriptions[i].key);
        bytes_put_bool(out, c->subscriptions[i].is_unsubscribed);
        bytes_put_long(out, c->subscriptions[i].at_ms);
    }
    put_end(out);
    put_count(out, c->exposure_count);
    for (uint32_t i = 0; i < c->exposure_count; i++) {
        put_exposure(&c->exposures[i], out);
    }
    put_end(out);
}

void customer_encode(const struct customer *c, struct bytes_out *out)
{
    record_header_put(out, FINGERPRINT_CUSTOMER);
    bytes_put_long(out, (int64_t)c->config);
    put_instant(out, c->created_at_ms);
    bytes_put_long(out, c->decided_at_ms);
    bytes_put_long(out, c->last_event_ms);
    put_instant(out, c->last_engaged_ms);
    put_instant(out, c->blocked_ms);
    put_instant(out, c->erased_ms);
    put_instant(out, c->due_ms);
    bytes_put_long(out, c->orders_ever);
    put_instant(out, c->order_first_ms);
    put_since(out, c->orders_from_ms);
    bytes_put_long(out, (int64_t)c->id_count * 8);
    bytes_put_u64s(out, c->ids, c->id_count);
    put_facts(c, out);
    put_state(c, out);
}
