/* One event: what it is (repeat, machine, feedback), what it changes, whose runs it ends. */
#include "processor/engine/step_work.h"

#include "processor/base/check.h"
#include "processor/base/hash.h"
#include "processor/base/mem.h"

#define MACHINE_CLICK_MS (2 * SECOND_MS) /* nobody clicks so soon after the sending */

static bool is_repeat(const struct customer *c, uint64_t id)
{
    for (uint32_t i = c->id_count; i > 0; i--) {
        if (c->ids[i - 1] == id) {
            return true;
        }
    }
    return false;
}

static void remember_id(struct customer *c, uint64_t id)
{
    if (c->id_count == CUSTOMER_IDS_MAX) {
        memmove(c->ids, c->ids + 1, (CUSTOMER_IDS_MAX - 1) * sizeof(c->ids[0]));
        c->id_count--;
    }
    c->ids = mem_grow32(c->ids, c->id_count, &c->id_capacity, sizeof(c->ids[0]));
    c->ids[c->id_count++] = id;
}

bool work_is_match(const struct work *w, struct text kind, const struct filter_plan *filter)
{
    const struct event *ev = w->event;
    struct view v = work_view(w);

    if (text_equal(kind, TEXT("open.any")) || text_equal(kind, TEXT("click.any"))) {
        return w->is_first && ev->kind == (kind.at[0] == 'o' ? EVENT_OPEN : EVENT_CLICK);
    }
    if (filter != NULL) {
        if (!w->is_human || !text_equal(filter->kind, ev->kind_name)) {
            return false;
        }
        v.event = ev;
        return predicate_eval(filter->predicate, &v).truth == TRUTH_TRUE;
    }
    return w->is_human && text_equal(kind, ev->kind_name);
}

static bool is_set_by(const struct at_end_plan *end, const struct attribute *a)
{
    for (uint32_t i = 0; i < end->count; i++) {
        if (end->attributes[i]->key == a->key && value_equal(&end->values[i], &a->value)) {
            return true;
        }
    }
    return false;
}

static bool is_until(const struct work *w, const struct at_end_plan *end)
{
    for (uint32_t i = 0; i < end->until_count; i++) {
        if (work_is_match(w, end->until[i], facts_filter(&w->rules->facts, end->until[i]))) {
            return true;
        }
    }
    return false;
}

/* at_end's attributes are unset by the next event of their `until`. */
static void unset_by_event(struct work *w)
{
    for (uint32_t i = 0; i < w->c->attribute_count; i++) {
        struct attribute *a = &w->c->attributes[i];
        const struct sequence_plan *s = a->set_by == 0 ? NULL : rules_sequence(w->rules, a->set_by);

        for (uint32_t k = 0; s != NULL && k < s->at_end_count; k++) {
            if (a->value.type != VALUE_NULL && w->event->at_ms >= a->at_ms &&
                is_set_by(&s->at_end[k], a) && is_until(w, &s->at_end[k])) {
                value_fini(&a->value);
                a->at_ms = w->event->at_ms;
                a->set_by = 0;
                w->changed |= FACT_ATTRIBUTES;
            }
        }
    }
}

/* Facts, as a human's event or as a machine's; segments see them when the input settles. */
static void apply_facts(struct work *w, const struct event *ev, bool is_human, bool is_first)
{
    const struct facts_event fe = { .event = ev, .is_human = is_human, .is_first = is_first };

    w->event = ev;
    w->is_human = is_human;
    w->changed |= facts_apply(&w->rules->facts, w->c, &fe, w->now_ms, &w->is_known_order);
    exposure_event(w);
    revenue_event(w);
    unset_by_event(w);
}

/* --- engagement --- */
static void move_deadline(struct work *w, const struct sent *t)
{
    struct run *r = customer_run(w->c, t->sequence);

    if (r != NULL && r->number == t->run && r->phase == RUN_JUDGING) {
        sequence_plan_due(w, r);
    }
}

static bool counts_machines(const struct work *w, const struct sent *t)
{
    const struct sequence_plan *s = rules_sequence(w->rules, t->sequence);

    return s != NULL && s->counts_machines;
}

static int64_t window_end(const struct work *w, const struct sent *t)
{
    const struct sequence_plan *s = rules_sequence(w->rules, t->sequence);

    return t->sent_at_ms + (s == NULL ? 0 : s->engagement_window_ms);
}

static bool is_in_window(const struct work *w, const struct sent *t, int64_t at_ms)
{
    return at_ms >= t->sent_at_ms && at_ms <= window_end(w, t);
}

static void add_click(struct sent *t, const struct event *ev)
{
    const struct value *link = event_field(ev, hash32(TEXT("link")));
    const struct value *url = event_field(ev, hash32(TEXT("url")));
    const struct value *named = link != NULL ? link : url;
    struct click k = { .at_ms = ev->at_ms };
    uint32_t place = t->click_count;

    k.link = named != NULL && named->type == VALUE_TEXT ? hash32(named->as.text) : 0;
    k.is_machine = ev->machine == EVENT_MACHINE_YES || ev->at_ms < t->sent_at_ms + MACHINE_CLICK_MS;
    while (place > 0 && t->clicks[place - 1].at_ms > k.at_ms) {
        place--;
    }
    if (place == CUSTOMER_CLICKS_MAX) {
        return; /* the earliest decide */
    }
    if (t->click_count == CUSTOMER_CLICKS_MAX) {
        t->click_count--;
    }
    t->clicks = mem_grow32(t->clicks, t->click_count, &t->click_capacity, sizeof(struct click));
    memmove(&t->clicks[place + 1], &t->clicks[place],
            (t->click_count - place) * sizeof(struct click));
    t->clicks[place] = k;
    t->click_count++;
}

static void wait_click(struct work *w, const struct sent *t, const struct event *ev)
{
    struct customer *c = w->c;
    struct waiting_click k = { .due_ms = ev->at_ms + w->rules->bot_wait_ms,
                               .trigger_id = t->trigger_id };
    struct bytes_out out = { NULL, 0, 0 };
    uint32_t place;

    event_encode(ev, &out);
    k.event = (struct bytes){ mem_dup(out.at, out.size), out.size };
    bytes_out_fini(&out);
    c->waiting = mem_grow32(c->waiting, c->waiting_count, &c->waiting_capacity, sizeof(k));
    place = c->waiting_count++;
    while (place > 0 && c->waiting[place - 1].due_ms > k.due_ms) {
        c->waiting[place] = c->waiting[place - 1];
        place--;
    }
    c->waiting[place] = k;
}

/* What comes later than the engagement window says nothing about this email: when it arrives would
 * decide. */
static void sign_of_life(const struct work *w, struct sent *t, int64_t at_ms)
{
    if (at_ms <= window_end(w, t) &&
        (t->last_sign_ms == INSTANT_NEVER || at_ms > t->last_sign_ms)) {
        t->last_sign_ms = at_ms;
    }
}

/* Opens and replies count for each attempt of the email they name, in its own window. */
static void note_first(struct work *w, const struct sent *named, int64_t at_ms, bool is_reply)
{
    for (uint32_t i = 0; i < w->c->sent_count; i++) {
        struct sent *t = &w->c->sent[i];
        int64_t *first_ms = is_reply ? &t->first_reply_ms : &t->first_open_ms;

        if (t->sequence == named->sequence && t->run == named->run && t->email == named->email &&
            is_in_window(w, t, at_ms) && (*first_ms == INSTANT_NEVER || at_ms < *first_ms)) {
            *first_ms = at_ms;
        }
    }
}

/* An open or click. Returns: true when it is a human's, now. */
static bool engage(struct work *w, const struct event *ev, struct sent *t)
{
    bool is_machine = ev->machine == EVENT_MACHINE_YES;

    if (t == NULL) {
        return !is_machine;
    }
    sign_of_life(w, t, ev->at_ms);
    if (ev->kind == EVENT_OPEN) {
        if (!is_machine || counts_machines(w, t)) {
            note_first(w, t, ev->at_ms, false);
        }
        return !is_machine;
    }
    add_click(t, ev);
    move_deadline(w, t);
    if (!is_machine && ev->at_ms >= t->sent_at_ms + MACHINE_CLICK_MS) {
        wait_click(w, t, ev);
    }
    return false; /* a human's only when it has waited */
}

static struct sent *answered(const struct work *w, const struct event *ev)
{
    struct hash128 id;

    return ev->email.at != NULL && trigger_id_parse(ev->email, &id) ? customer_sent(w->c, &id)
                                                                    : NULL;
}

static void reply(struct work *w, const struct event *ev, struct sent *t)
{
    if (t != NULL) {
        note_first(w, t, ev->at_ms, true);
        move_deadline(w, t);
    }
}

/* --- feedback --- */
void work_end_all(struct work *w, enum outcome outcome)
{
    while (w->c->run_count > 0) {
        sequence_end(w, &w->c->runs[0], outcome, REASON_NONE, w->now_ms, w->now_ms);
    }
}

static void block(struct work *w, enum outcome outcome)
{
    if (w->c->blocked_ms == INSTANT_NEVER || w->now_ms < w->c->blocked_ms) {
        w->c->blocked_ms = w->now_ms;
    }
    work_end_all(w, outcome);
}

/* The run's open or next email belongs to the subscription (key 0: to any), and is not
 * transactional. */
static bool is_subscribed_to(const struct work *w, const struct run *r, uint32_t key)
{
    const struct sequence_plan *s = rules_sequence(w->rules, r->sequence);
    const struct email_plan *e;
    uint32_t index;

    if (s == NULL || r->phase == RUN_ACTION) {
        return false;
    }
    for (index = 0; r->phase == RUN_HELD_OUT && key == 0 && index < s->email_count; index++) {
        if (!s->emails[index].is_transactional) {
            return true;
        }
    }
    e = r->phase == RUN_HELD_OUT ? NULL : rules_email(s, r->email, &index);
    return e != NULL && !e->is_transactional && (key == 0 || e->subscription_key == key);
}

static void subscribe(struct work *w, const struct event *ev)
{
    uint32_t key = ev->subscription.at == NULL ? 0 : hash32(ev->subscription);
    struct subscription *s = customer_need_subscription(w->c, key);

    if (ev->at_ms < s->at_ms) {
        return; /* an older word */
    }
    s->at_ms = ev->at_ms;
    s->is_unsubscribed = ev->kind == EVENT_UNSUBSCRIBE;
    for (uint32_t i = 0; i < w->c->run_count && s->is_unsubscribed;) {
        if (is_subscribed_to(w, &w->c->runs[i], key)) {
            sequence_end(w, &w->c->runs[i], OUTCOME_UNSUBSCRIBED, REASON_NONE, w->now_ms,
                         w->now_ms);
        } else {
            i++;
        }
    }
    if (key == 0 && !s->is_unsubscribed) { /* a subscribe to all lifts each */
        for (uint32_t i = 0; i < w->c->subscription_count; i++) {
            if (w->c->subscriptions[i].at_ms <= ev->at_ms) {
                w->c->subscriptions[i].is_unsubscribed = false;
            }
        }
    }
}

static void feedback(struct work *w, const struct event *ev, struct sent *t)
{
    switch (ev->kind) {
    case EVENT_DELIVERED:
        if (t != NULL) {
            sign_of_life(w, t, ev->at_ms);
        }
        break;
    case EVENT_BOUNCE:
        if (ev->is_hard_bounce) {
            block(w, OUTCOME_BOUNCED);
        } else if (t != NULL && is_in_window(w, t, ev->at_ms) &&
                   (t->soft_bounce_ms == INSTANT_NEVER || ev->at_ms > t->soft_bounce_ms)) {
            t->soft_bounce_ms = ev->at_ms;
        }
        break;
    case EVENT_COMPLAINT:
        block(w, OUTCOME_COMPLAINED);
        break;
    case EVENT_UNSUBSCRIBE:
    case EVENT_SUBSCRIBE:
        subscribe(w, ev);
        break;
    case EVENT_REPLY:
        reply(w, ev, t);
        break;
    case EVENT_OTHER:
    case EVENT_OPEN:
    case EVENT_CLICK:
    case EVENT_PURCHASE:
    case EVENT_REFUND:
    case EVENT_PROFILE:
    case EVENT_ERASE:
    case EVENT_KIND__COUNT:
        break;
    }
}

enum step_event_result work_event(struct work *w, const struct event *ev)
{
    uint64_t id = ev->id.at == NULL ? 0 : hash64(ev->id);
    bool is_new = w->c->created_at_ms == INSTANT_NEVER, is_human = true;
    struct sent *t;

    if (ev->id.at != NULL) {
        if (is_repeat(w->c, id)) {
            return STEP_DUPLICATE;
        }
        w->cause = ev->id;
    }
    if (ev->kind == EVENT_ERASE) {
        work_erase(w, ev);
        return STEP_ERASED_BEFORE;
    }
    if (ev->id.at != NULL) {
        remember_id(w->c, id);
    }
    w->changed = is_new ? FACT_ALL : 0;
    t = answered(w, ev);
    if (ev->kind == EVENT_OPEN || ev->kind == EVENT_CLICK) {
        if (ev->email.at != NULL) {
            join_note(w->s, t != NULL);
        }
        is_human = engage(w, ev, t);
    }
    w->event = ev;
    w->is_human = is_human;
    w->is_first = true;
    feedback(w, ev, t);
    apply_facts(w, ev, is_human, true);
    return STEP_APPLIED;
}

void work_waiting_click(struct work *w)
{
    struct waiting_click *k = &w->c->waiting[0];
    struct sent *t = customer_sent(w->c, &k->trigger_id);
    struct event *ev = arena_alloc(w->s->scratch, sizeof(*ev));
    struct bytes_out kept = { NULL, 0, 0 };
    struct bytes copy;
    bool is_human = true;

    bytes_put(&kept, k->event.at, k->event.size);
    copy.size = kept.size;
    copy.at = memcpy(arena_alloc(w->s->scratch, kept.size + 1), kept.at, kept.size);
    bytes_out_fini(&kept);
    customer_remove_waiting(w->c, 0);
    if (event_decode(copy, w->s->scratch, ev) != OK) {
        return; /* what this program wrote it reads; a record from elsewhere loses one click */
    }
    for (uint32_t i = 0; t != NULL && i < t->click_count; i++) {
        if (t->clicks[i].at_ms == ev->at_ms) {
            is_human = is_human && sequence_is_human_click(w, t, &t->clicks[i]);
        }
    }
    if (is_human) {
        w->cause = ev->id.at != NULL ? ev->id : TEXT("time");
        apply_facts(w, ev, true, false);
    }
}
