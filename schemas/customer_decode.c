/* DESIGN. Field by field, as customer_codec.c writes it; every count is checked against what is
 * left before anything is allocated.
 */
#include "schemas/customer.h"

#include "processor/base/arena.h"
#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "schemas/record_header.h"

#define TEXT_MAX  EVENT_TEXT_SIZE_MAX
#define ITEMS_MAX 100000 /* of any one list: far beyond what the rules keep */

static int64_t get_instant(struct bytes_in *in)
{
    int64_t branch = bytes_long(in);

    if (branch == 1) {
        return bytes_long(in);
    }
    in->is_bad |= branch != 0;
    return INSTANT_NEVER;
}

static int64_t get_since(struct bytes_in *in)
{
    int64_t at_ms = get_instant(in);

    return at_ms == INSTANT_NEVER ? INSTANT_MIN : at_ms;
}

static uint32_t get_key(struct bytes_in *in)
{
    int64_t key = bytes_long(in);

    in->is_bad |= key < INT32_MIN || key > INT32_MAX;
    return (uint32_t)(int32_t)key;
}

static int32_t get_int(struct bytes_in *in)
{
    return (int32_t)get_key(in);
}

static int64_t get_enum(struct bytes_in *in, int64_t limit)
{
    int64_t value = bytes_long(in);

    if (value < 0 || value >= limit) {
        in->is_bad = true;
    }
    return in->is_bad ? 0 : value;
}

static struct text get_text(struct bytes_in *in) /* owned */
{
    struct text t = bytes_text(in, TEXT_MAX);

    return in->is_bad ? TEXT_NONE : text_dup(t);
}

static struct text get_text_or_null(struct bytes_in *in) /* owned */
{
    int64_t branch = bytes_long(in);

    in->is_bad |= branch != 0 && branch != 1;
    return branch == 1 ? get_text(in) : TEXT_NONE;
}

/* One block is all we write. Returns: zeroed room for its items, the number in *out_count; get_end
 * follows. */
static void *get_list(struct bytes_in *in, size_t item_bytes_min, size_t item_size,
                      uint32_t *out_count, uint32_t *out_capacity)
{
    uint64_t count = bytes_block(in, item_bytes_min);

    if (in->is_bad || count > ITEMS_MAX) {
        in->is_bad = true;
        count = 0;
    }
    *out_count = (uint32_t)count;
    *out_capacity = (uint32_t)count;
    return count == 0 ? NULL : mem_alloc((size_t)count * item_size);
}

static void get_end(struct bytes_in *in, uint32_t count)
{
    if (count > 0 && bytes_long(in) != 0) {
        in->is_bad = true;
    }
}

static void get_attributes(struct bytes_in *in, struct customer *c)
{
    struct arena scratch = { 0 };

    c->attributes =
        get_list(in, 5, sizeof(struct attribute), &c->attribute_count, &c->attribute_capacity);
    for (uint32_t i = 0; i < c->attribute_count; i++) {
        struct attribute *a = &c->attributes[i];
        struct value v;

        a->key = get_key(in);
        a->set_by = get_key(in);
        a->at_ms = bytes_long(in);
        if (event_get_value(in, &scratch, &v)) {
            a->value = value_dup(&v);
        }
        in->is_bad |= i > 0 && a->key <= a[-1].key;
    }
    get_end(in, c->attribute_count);
    arena_fini(&scratch);
}

static struct history_day *get_days(struct bytes_in *in, uint32_t *out_count,
                                    uint32_t *out_capacity)
{
    struct history_day *days = get_list(in, 5, sizeof(struct history_day), out_count, out_capacity);

    for (uint32_t i = 0; i < *out_count; i++) {
        days[i].day = get_int(in);
        days[i].count = bytes_long(in);
        days[i].sum = bytes_long(in);
        days[i].least = bytes_long(in);
        days[i].most = bytes_long(in);
        in->is_bad |= i > 0 && days[i].day <= days[i - 1].day;
    }
    get_end(in, *out_count);
    return days;
}

static void get_orders(struct bytes_in *in, struct customer *c)
{
    c->orders = get_list(in, 6, sizeof(struct order), &c->order_count, &c->order_capacity);
    for (uint32_t i = 0; i < c->order_count; i++) {
        struct order *o = &c->orders[i];

        o->id = (uint64_t)bytes_long(in);
        o->event_id = (uint64_t)bytes_long(in);
        o->at_ms = get_instant(in);
        o->amount = bytes_long(in);
        o->refunded = bytes_long(in);
        o->is_foreign = bytes_bool(in);
    }
    get_end(in, c->order_count);
    c->order_days = get_days(in, &c->order_day_count, &c->order_day_capacity);
}

static void get_one_history(struct bytes_in *in, struct history *h)
{
    h->key = get_key(in);
    h->since_ms = get_since(in);
    h->from_ms = get_since(in);
    h->is_truncated = bytes_bool(in);
    h->total_count = bytes_long(in);
    h->total_sum = bytes_long(in);
    h->least = bytes_long(in);
    h->most = bytes_long(in);
    h->first_ms = get_instant(in);
    h->last_ms = get_instant(in);
    h->entries = get_list(in, 2, sizeof(struct history_entry), &h->count, &h->capacity);
    for (uint32_t k = 0; k < h->count; k++) {
        h->entries[k].at_ms = bytes_long(in);
        h->entries[k].value = bytes_long(in);
    }
    get_end(in, h->count);
    h->days = get_days(in, &h->day_count, &h->day_capacity);
}

static void get_counters(struct bytes_in *in, struct customer *c)
{
    struct bytes b = bytes_long_bytes(in, CUSTOMER_COUNTERS_MAX * 4);
    struct bytes_in keys = bytes_in(b);

    in->is_bad |= b.size % 4 != 0;
    if (in->is_bad || b.size == 0) {
        return;
    }
    c->counter_count = (uint32_t)(b.size / 4);
    c->counter_capacity = c->counter_count;
    c->counters = mem_alloc(b.size);
    for (uint32_t i = 0; i < c->counter_count; i++) {
        c->counters[i] = bytes_u32(&keys);
        in->is_bad |= i > 0 && c->counters[i] <= c->counters[i - 1];
    }
}

static void get_histories(struct bytes_in *in, struct customer *c)
{
    c->histories =
        get_list(in, 12, sizeof(struct history), &c->history_count, &c->history_capacity);
    for (uint32_t i = 0; i < c->history_count; i++) {
        struct history *h = &c->histories[i];

        get_one_history(in, h);
        in->is_bad |= i > 0 && h->key <= h[-1].key;
    }
    get_end(in, c->history_count);
    get_counters(in, c);
}

static void get_scores(struct bytes_in *in, struct customer *c)
{
    c->scores = get_list(in, 3, sizeof(struct score), &c->score_count, &c->score_capacity);
    for (uint32_t i = 0; i < c->score_count; i++) {
        struct score *s = &c->scores[i];

        s->key = get_key(in);
        s->points_q40 = bytes_long(in);
        s->at_ms = bytes_long(in);
        in->is_bad |= (i > 0 && s->key <= s[-1].key) || s->points_q40 < 0;
    }
    get_end(in, c->score_count);
}

static void get_kinds(struct bytes_in *in, struct customer *c)
{
    c->kinds = get_list(in, 2, sizeof(struct kind_time), &c->kind_count, &c->kind_capacity);
    for (uint32_t i = 0; i < c->kind_count; i++) {
        c->kinds[i].kind = get_text(in);
        c->kinds[i].last_ms = bytes_long(in);
    }
    get_end(in, c->kind_count);
}

static void get_memberships(struct bytes_in *in, struct customer *c)
{
    c->memberships =
        get_list(in, 6, sizeof(struct membership), &c->membership_count, &c->membership_capacity);
    for (uint32_t i = 0; i < c->membership_count; i++) {
        struct membership *m = &c->memberships[i];

        m->key = get_key(in);
        m->rung = get_key(in);
        m->is_member = bytes_bool(in);
        m->since_ms = bytes_long(in);
        m->pending_ms = get_instant(in);
        m->until_ms = get_instant(in);
        in->is_bad |= i > 0 && m->key <= m[-1].key;
    }
    get_end(in, c->membership_count);
}

static void get_trigger_id(struct bytes_in *in, struct hash128 *id)
{
    struct bytes b = bytes_fixed(in, sizeof(id->at));

    if (b.at != NULL) {
        memcpy(id->at, b.at, sizeof(id->at));
    }
}

static void get_one_sent(struct bytes_in *in, struct sent *s)
{
    get_trigger_id(in, &s->trigger_id);
    s->sequence = get_key(in);
    s->email = get_key(in);
    s->run = bytes_long(in);
    s->attempt = get_int(in);
    s->sent_at_ms = bytes_long(in);
    s->is_transactional = bytes_bool(in);
    s->is_judged = bytes_bool(in);
    s->first_open_ms = get_instant(in);
    s->first_reply_ms = get_instant(in);
    s->soft_bounce_ms = get_instant(in);
    s->last_sign_ms = get_instant(in);
    s->clicks = get_list(in, 3, sizeof(struct click), &s->click_count, &s->click_capacity);
    for (uint32_t i = 0; i < s->click_count; i++) {
        s->clicks[i].at_ms = bytes_long(in);
        s->clicks[i].link = get_key(in);
        s->clicks[i].is_machine = bytes_bool(in);
    }
    get_end(in, s->click_count);
}

static void get_sent(struct bytes_in *in, struct customer *c)
{
    c->sent = get_list(in, 28, sizeof(struct sent), &c->sent_count, &c->sent_capacity);
    for (uint32_t i = 0; i < c->sent_count; i++) {
        get_one_sent(in, &c->sent[i]);
    }
    get_end(in, c->sent_count);
}

static void get_waiting(struct bytes_in *in, struct customer *c)
{
    c->waiting =
        get_list(in, 18, sizeof(struct waiting_click), &c->waiting_count, &c->waiting_capacity);
    for (uint32_t i = 0; i < c->waiting_count; i++) {
        struct bytes b;

        c->waiting[i].due_ms = bytes_long(in);
        get_trigger_id(in, &c->waiting[i].trigger_id);
        b = bytes_long_bytes(in, CUSTOMER_RECORD_SIZE_MAX);
        c->waiting[i].event = (struct bytes){ mem_dup(b.at, b.size), b.size };
    }
    get_end(in, c->waiting_count);
}

static void get_plan(struct bytes_in *in, struct run *r)
{
    r->plan = get_list(in, 2, sizeof(struct run_step), &r->plan_count, &r->plan_capacity);
    for (uint32_t i = 0; i < r->plan_count; i++) {
        r->plan[i].id = get_text(in);
        r->plan[i].key = hash32(r->plan[i].id);
        r->plan[i].after_ms = bytes_long(in);
    }
    get_end(in, r->plan_count);
}

static void get_run_lists(struct bytes_in *in, struct run *r)
{
    r->emails = get_list(in, 6, sizeof(struct run_email), &r->email_count, &r->email_capacity);
    for (uint32_t i = 0; i < r->email_count; i++) {
        r->emails[i].email = get_key(in);
        r->emails[i].sent = get_int(in);
        for (unsigned k = 0; k < 4; k++) {
            r->emails[i].acted[k] = get_int(in);
        }
    }
    get_end(in, r->email_count);
    r->context =
        get_list(in, 2, sizeof(struct context_entry), &r->context_count, &r->context_capacity);
    for (uint32_t i = 0; i < r->context_count; i++) {
        r->context[i].name = get_text(in);
        r->context[i].value = get_text_or_null(in);
    }
    get_end(in, r->context_count);
}

static void get_one_run(struct bytes_in *in, struct run *r)
{
    r->sequence = get_key(in);
    r->number = bytes_long(in);
    r->entered_at_ms = bytes_long(in);
    r->cause = get_text(in);
    r->phase = (enum run_phase)get_enum(in, RUN_HELD_OUT + 1);
    r->email = get_key(in);
    r->slot_use = get_int(in);
    r->use_slot = get_key(in);
    r->use_id = get_text_or_null(in);
    r->previous_ms = bytes_long(in);
    r->planned_at_ms = get_instant(in);
    r->not_before_ms = bytes_long(in);
    r->due_ms = get_instant(in);
    r->reason = (enum outcome)get_enum(in, OUTCOME__COUNT);
    r->last_judged = (enum outcome)get_enum(in, OUTCOME__COUNT);
    r->row_count = get_int(in);
    r->emails_sent = get_int(in);
    r->action = get_key(in);
    r->held_until_ms = get_instant(in);
    r->held_for_ms = bytes_long(in);
    r->shown_rows = get_int(in);
    get_plan(in, r);
    get_run_lists(in, r);
}

static void get_runs(struct bytes_in *in, struct customer *c)
{
    c->runs = get_list(in, 22, sizeof(struct run), &c->run_count, &c->run_capacity);
    for (uint32_t i = 0; i < c->run_count; i++) {
        get_one_run(in, &c->runs[i]);
    }
    get_end(in, c->run_count);
}

static void get_entries(struct bytes_in *in, struct customer *c)
{
    c->entries = get_list(in, 4, sizeof(struct entry), &c->entry_count, &c->entry_capacity);
    for (uint32_t i = 0; i < c->entry_count; i++) {
        struct entry *e = &c->entries[i];

        e->sequence = get_key(in);
        e->is_completed = bytes_bool(in);
        e->runs = bytes_long(in);
        e->last_ms = bytes_long(in);
        in->is_bad |= i > 0 && e->sequence <= e[-1].sequence;
    }
    get_end(in, c->entry_count);
    c->subscriptions = get_list(in, 3, sizeof(struct subscription), &c->subscription_count,
                                &c->subscription_capacity);
    for (uint32_t i = 0; i < c->subscription_count; i++) {
        struct subscription *s = &c->subscriptions[i];

        s->key = get_key(in);
        s->is_unsubscribed = bytes_bool(in);
        s->at_ms = bytes_long(in);
        in->is_bad |= i > 0 && s->key <= s[-1].key;
    }
    get_end(in, c->subscription_count);
}

static void get_exposures(struct bytes_in *in, struct customer *c)
{
    c->exposures =
        get_list(in, 7, sizeof(struct exposure), &c->exposure_count, &c->exposure_capacity);
    for (uint32_t i = 0; i < c->exposure_count; i++) {
        struct exposure *e = &c->exposures[i];

        e->key = get_key(in);
        e->arm = get_key(in);
        e->at_ms = bytes_long(in);
        e->is_converted = bytes_bool(in);
        e->is_unsubscribed = bytes_bool(in);
        e->is_complained = bytes_bool(in);
        e->segments = get_list(in, 1, sizeof(uint32_t), &e->segment_count, &e->segment_capacity);
        for (uint32_t k = 0; k < e->segment_count; k++) {
            e->segments[k] = get_key(in);
        }
        get_end(in, e->segment_count);
        in->is_bad |= i > 0 && e->key <= e[-1].key;
    }
    get_end(in, c->exposure_count);
}

static void get_ids(struct bytes_in *in, struct customer *c)
{
    struct bytes b = bytes_long_bytes(in, CUSTOMER_IDS_MAX * 8);
    struct bytes_in ids = bytes_in(b);

    in->is_bad |= b.size % 8 != 0;
    if (in->is_bad || b.size == 0) {
        return;
    }
    c->id_count = (uint32_t)(b.size / 8);
    c->id_capacity = c->id_count;
    c->ids = mem_alloc(b.size);
    for (uint32_t i = 0; i < c->id_count; i++) {
        c->ids[i] = bytes_u64(&ids);
    }
}

enum err customer_decode(struct bytes b, struct customer **out_customer)
{
    struct bytes_in in = bytes_in(b);
    struct customer *c;

    if (b.size > CUSTOMER_RECORD_SIZE_MAX || !record_header_take(&in, FINGERPRINT_CUSTOMER)) {
        return ERR_CORRUPT;
    }
    c = customer_new();
    c->config = (uint64_t)bytes_long(&in);
    c->created_at_ms = get_instant(&in);
    c->decided_at_ms = bytes_long(&in);
    c->last_event_ms = bytes_long(&in);
    c->last_engaged_ms = get_instant(&in);
    c->blocked_ms = get_instant(&in);
    c->erased_ms = get_instant(&in);
    c->due_ms = get_instant(&in);
    c->orders_ever = bytes_long(&in);
    c->order_first_ms = get_instant(&in);
    c->orders_from_ms = get_since(&in);
    get_ids(&in, c);
    get_attributes(&in, c);
    get_orders(&in, c);
    get_histories(&in, c);
    get_scores(&in, c);
    get_kinds(&in, c);
    get_memberships(&in, c);
    get_sent(&in, c);
    get_waiting(&in, c);
    get_runs(&in, c);
    get_entries(&in, c);
    get_exposures(&in, c);
    if (in.is_bad || bytes_left(&in) > 0) {
        customer_free(c);
        return ERR_CORRUPT;
    }
    *out_customer = c;
    return OK;
}
