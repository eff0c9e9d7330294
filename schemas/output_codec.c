/* DESIGN. Plain code, field by field in the order of the shipped schemas; reading back is for
 * readers of the topics that are ours (the demo's view, tests), so that they need no other library.
 */
#include "schemas/output.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "schemas/record_header.h"

#define LIST_MAX 10000
#define TEXT_MAX (1024 * 1024)

/* --- writing --- */
static void put_text_or_null(struct bytes_out *out, struct text t)
{
    bytes_put_long(out, t.at == NULL ? 0 : 1);
    if (t.at != NULL) {
        bytes_put_text(out, t);
    }
}

static void put_long_or_null(struct bytes_out *out, bool is_null, int64_t value)
{
    bytes_put_long(out, is_null ? 0 : 1);
    if (!is_null) {
        bytes_put_long(out, value);
    }
}

static void put_pairs(struct bytes_out *out, const struct text_pair *pairs, uint32_t count,
                      bool is_null_allowed)
{
    if (count > 0) {
        bytes_put_long(out, count);
    }
    for (uint32_t i = 0; i < count; i++) {
        bytes_put_text(out, pairs[i].name);
        if (is_null_allowed) {
            put_text_or_null(out, pairs[i].value);
        } else {
            bytes_put_text(out, pairs[i].value);
        }
    }
    bytes_put_long(out, 0);
}

static void put_texts(struct bytes_out *out, const struct text *texts, uint32_t count)
{
    if (count > 0) {
        bytes_put_long(out, count);
    }
    for (uint32_t i = 0; i < count; i++) {
        bytes_put_text(out, texts[i]);
    }
    bytes_put_long(out, 0);
}

static struct text origin_of(const struct output *o)
{
    return o->is_config ? TEXT("config") : TEXT("live");
}

static void put_numbers(const struct trigger *t, struct bytes_out *out)
{
    bytes_put_long(out, t->rfm_segment.at == NULL ? 0 : 1);
    if (t->rfm_segment.at != NULL) {
        put_long_or_null(out, t->rfm_r == 0, t->rfm_r);
        put_long_or_null(out, t->rfm_f == 0, t->rfm_f);
        put_long_or_null(out, t->rfm_m == 0, t->rfm_m);
        bytes_put_text(out, t->rfm_segment);
    }
    if (t->score_count > 0) {
        bytes_put_long(out, t->score_count);
    }
    for (uint32_t i = 0; i < t->score_count; i++) {
        bytes_put_text(out, t->scores[i].name);
        bytes_put_double(out, (double)t->scores[i].points_millionths / 1e6);
        bytes_put_text(out, t->scores[i].level);
    }
    bytes_put_long(out, 0);
}

static void put_trigger(const struct output *o, struct bytes_out *out)
{
    const struct trigger *t = &o->as.trigger;
    char hex[33];

    hash128_hex(t->trigger_id, hex);
    record_header_put(out, FINGERPRINT_TRIGGER);
    bytes_put_text(out, text_of(hex));
    bytes_put_text(out, o->customer);
    bytes_put_text(out, t->sequence);
    bytes_put_long(out, t->run);
    bytes_put_long(out, t->entered_at_ms);
    bytes_put_text(out, t->email);
    bytes_put_long(out, t->attempt);
    bytes_put_text(out, text_of(outcome_name(t->reason)));
    bytes_put_long(out, t->planned_at_ms);
    bytes_put_long(out, t->sent_at_ms);
    bytes_put_long(out, t->expires_at_ms);
    put_text_or_null(out, t->template);
    put_text_or_null(out, t->purpose);
    put_text_or_null(out, t->theme);
    put_pairs(out, t->content, t->content_count, false);
    put_pairs(out, t->landing, t->landing_count, false);
    put_texts(out, t->segments, t->segment_count);
    put_numbers(t, out);
    put_text_or_null(out, t->lifecycle);
    put_pairs(out, t->experiments, t->experiment_count, false);
    put_pairs(out, t->context, t->context_count, true);
    if (t->last_event_count > 0) {
        bytes_put_long(out, t->last_event_count);
    }
    for (uint32_t i = 0; i < t->last_event_count; i++) {
        bytes_put_text(out, t->last_events[i].name);
        bytes_put_long(out, t->last_events[i].at_ms);
    }
    bytes_put_long(out, 0);
    put_long_or_null(out, t->days_since_engagement < 0, t->days_since_engagement);
    put_text_or_null(out, t->subscription);
    bytes_put_bool(out, t->is_transactional);
    bytes_put_text(out, o->cause);
    bytes_put_text(out, o->config);
    bytes_put_text(out, origin_of(o));
}

static void put_membership(const struct output *o, struct bytes_out *out)
{
    const struct membership_change *m = &o->as.membership;

    if (m->is_tombstone) {
        return; /* no bytes: published as a key without a value */
    }
    record_header_put(out, FINGERPRINT_MEMBERSHIP);
    bytes_put_text(out, o->customer);
    bytes_put_text(out, m->segment);
    bytes_put_text(out, m->is_entered ? TEXT("entered") : TEXT("left"));
    bytes_put_long(out, o->at_ms);
    bytes_put_text(out, o->cause);
    put_texts(out, m->segments, m->segment_count);
    bytes_put_text(out, origin_of(o));
    bytes_put_text(out, o->config);
}

static void put_outcome(const struct output *o, struct bytes_out *out)
{
    const struct outcome_record *r = &o->as.outcome;

    record_header_put(out, FINGERPRINT_OUTCOME);
    bytes_put_text(out, o->customer);
    bytes_put_text(out, r->sequence);
    put_long_or_null(out, r->run == 0, r->run);
    put_long_or_null(out, r->entered_at_ms == INSTANT_NEVER, r->entered_at_ms);
    put_text_or_null(out, r->email);
    put_long_or_null(out, r->attempt == 0, r->attempt);
    bytes_put_text(out, text_of(outcome_name(r->outcome)));
    put_text_or_null(out, r->reason == REASON_NONE ? TEXT_NONE : text_of(reason_name(r->reason)));
    bytes_put_long(out, o->at_ms);
    bytes_put_bool(out, r->is_held_out);
    put_pairs(out, r->experiments, r->experiment_count, false);
    bytes_put_text(out, o->config);
    bytes_put_text(out, origin_of(o));
}

static void put_bytes_or_null(struct bytes_out *out, struct bytes b)
{
    bytes_put_long(out, b.at == NULL ? 0 : 1);
    if (b.at != NULL) {
        bytes_put_long_bytes(out, b);
    }
}

static void put_dead_letter(const struct output *o, struct bytes_out *out)
{
    const struct dead_letter *d = &o->as.dead_letter;

    record_header_put(out, FINGERPRINT_DEAD_LETTER);
    bytes_put_text(out, d->topic);
    bytes_put_long(out, d->partition);
    bytes_put_long(out, d->offset);
    bytes_put_text(out, text_of(reject_name(d->reason)));
    bytes_put_text(out, d->text);
    put_bytes_or_null(out, d->key);
    put_bytes_or_null(out, d->value);
}

void output_encode(const struct output *o, struct bytes_out *out)
{
    switch (o->type) {
    case OUTPUT_TRIGGER:
        put_trigger(o, out);
        break;
    case OUTPUT_MEMBERSHIP:
        put_membership(o, out);
        break;
    case OUTPUT_OUTCOME:
        put_outcome(o, out);
        break;
    case OUTPUT_DEAD_LETTER:
        put_dead_letter(o, out);
        break;
    case OUTPUT_TYPE__COUNT:
        UNREACHABLE();
    }
}

/* --- reading back --- */
/* The branch of a union of null and one other type. */
static bool get_is_there(struct bytes_in *in)
{
    int64_t branch = bytes_long(in);

    in->is_bad |= branch != 0 && branch != 1;
    return branch == 1;
}

static struct text get_text_or_null(struct bytes_in *in)
{
    return get_is_there(in) ? bytes_text(in, TEXT_MAX) : TEXT_NONE;
}

static int64_t get_long_or(struct bytes_in *in, int64_t when_null)
{
    return get_is_there(in) ? bytes_long(in) : when_null;
}

static struct bytes get_bytes_or_null(struct bytes_in *in)
{
    return get_is_there(in) ? bytes_long_bytes(in, TEXT_MAX * 16) : BYTES_NONE;
}

static int32_t to_int(struct bytes_in *in, int64_t value)
{
    in->is_bad |= value < INT32_MIN || value > INT32_MAX;
    return in->is_bad ? 0 : (int32_t)value;
}

/* One of two words: true for the first. */
static bool get_either(struct bytes_in *in, const char *when_true, const char *when_false)
{
    struct text word = bytes_text(in, 16);

    in->is_bad |= !text_is(word, when_true) && !text_is(word, when_false);
    return text_is(word, when_true);
}

static const struct text_pair *get_pairs(struct bytes_in *in, struct arena *arena,
                                         bool is_null_allowed, uint32_t *out_count)
{
    uint64_t count = bytes_block(in, 2);
    struct text_pair *pairs;

    in->is_bad |= count > LIST_MAX;
    if (in->is_bad) {
        return NULL;
    }
    pairs = arena_alloc(arena, (size_t)(count + 1) * sizeof(*pairs));
    for (uint64_t i = 0; i < count; i++) {
        pairs[i].name = bytes_text(in, TEXT_MAX);
        pairs[i].value = is_null_allowed ? get_text_or_null(in) : bytes_text(in, TEXT_MAX);
    }
    in->is_bad |= count > 0 && bytes_long(in) != 0;
    *out_count = (uint32_t)count;
    return pairs;
}

static const struct text *get_texts(struct bytes_in *in, struct arena *arena, uint32_t *out_count)
{
    uint64_t count = bytes_block(in, 1);
    struct text *texts;

    in->is_bad |= count > LIST_MAX;
    if (in->is_bad) {
        return NULL;
    }
    texts = arena_alloc(arena, (size_t)(count + 1) * sizeof(*texts));
    for (uint64_t i = 0; i < count; i++) {
        texts[i] = bytes_text(in, TEXT_MAX);
    }
    in->is_bad |= count > 0 && bytes_long(in) != 0;
    *out_count = (uint32_t)count;
    return texts;
}

static enum outcome get_outcome_name(struct bytes_in *in)
{
    struct text name = bytes_text(in, 64);

    for (int i = 0; i < OUTCOME__COUNT; i++) {
        if (text_is(name, outcome_name((enum outcome)i))) {
            return (enum outcome)i;
        }
    }
    in->is_bad = true;
    return OUTCOME_ENTERED;
}

static enum reason get_reason_name(struct bytes_in *in)
{
    struct text name = get_text_or_null(in);

    for (int i = 0; name.at != NULL && i < REASON__COUNT; i++) {
        if (text_is(name, reason_name((enum reason)i))) {
            return (enum reason)i;
        }
    }
    in->is_bad |= name.at != NULL;
    return REASON_NONE;
}

static enum reject get_reject_name(struct bytes_in *in)
{
    struct text name = bytes_text(in, 64);

    for (int i = 0; i < REJECT__COUNT; i++) {
        if (text_is(name, reject_name((enum reject)i))) {
            return (enum reject)i;
        }
    }
    in->is_bad = true;
    return REJECT_NONE;
}

static void get_numbers(struct bytes_in *in, struct arena *arena, struct trigger *t)
{
    struct score_view *scores;
    uint64_t count;

    if (get_is_there(in)) {
        t->rfm_r = to_int(in, get_long_or(in, 0));
        t->rfm_f = to_int(in, get_long_or(in, 0));
        t->rfm_m = to_int(in, get_long_or(in, 0));
        t->rfm_segment = bytes_text(in, TEXT_MAX);
    }
    count = bytes_block(in, 10);
    in->is_bad |= count > LIST_MAX;
    if (in->is_bad) {
        return;
    }
    scores = arena_alloc(arena, (size_t)(count + 1) * sizeof(*scores));
    for (uint64_t i = 0; i < count; i++) {
        double points;

        scores[i].name = bytes_text(in, TEXT_MAX);
        points = bytes_double(in) * 1e6;
        scores[i].points_millionths = points >= 0 && points < 9e15 ? (int64_t)(points + 0.5) : 0;
        scores[i].level = bytes_text(in, TEXT_MAX);
    }
    in->is_bad |= count > 0 && bytes_long(in) != 0;
    t->scores = scores;
    t->score_count = (uint32_t)count;
}

static void get_last_events(struct bytes_in *in, struct arena *arena, struct trigger *t)
{
    uint64_t count = bytes_block(in, 2);
    struct time_view *times;

    in->is_bad |= count > LIST_MAX;
    if (in->is_bad) {
        return;
    }
    times = arena_alloc(arena, (size_t)(count + 1) * sizeof(*times));
    for (uint64_t i = 0; i < count; i++) {
        times[i].name = bytes_text(in, TEXT_MAX);
        times[i].at_ms = bytes_long(in);
    }
    in->is_bad |= count > 0 && bytes_long(in) != 0;
    t->last_events = times;
    t->last_event_count = (uint32_t)count;
}

static void get_trigger(struct bytes_in *in, struct arena *arena, struct output *o)
{
    struct trigger *t = &o->as.trigger;

    in->is_bad |= !trigger_id_parse(bytes_text(in, 32), &t->trigger_id);
    o->customer = bytes_text(in, TEXT_MAX);
    t->sequence = bytes_text(in, TEXT_MAX);
    t->run = bytes_long(in);
    t->entered_at_ms = bytes_long(in);
    t->email = bytes_text(in, TEXT_MAX);
    t->attempt = to_int(in, bytes_long(in));
    t->reason = get_outcome_name(in);
    t->planned_at_ms = bytes_long(in);
    t->sent_at_ms = bytes_long(in);
    t->expires_at_ms = bytes_long(in);
    t->template = get_text_or_null(in);
    t->purpose = get_text_or_null(in);
    t->theme = get_text_or_null(in);
    t->content = get_pairs(in, arena, false, &t->content_count);
    t->landing = get_pairs(in, arena, false, &t->landing_count);
    t->segments = get_texts(in, arena, &t->segment_count);
    get_numbers(in, arena, t);
    t->lifecycle = get_text_or_null(in);
    t->experiments = get_pairs(in, arena, false, &t->experiment_count);
    t->context = get_pairs(in, arena, true, &t->context_count);
    get_last_events(in, arena, t);
    t->days_since_engagement = get_long_or(in, -1);
    t->subscription = get_text_or_null(in);
    t->is_transactional = bytes_bool(in);
    o->cause = bytes_text(in, TEXT_MAX);
    o->config = bytes_text(in, 16);
    o->is_config = get_either(in, "config", "live");
    o->at_ms = t->sent_at_ms;
}

static void get_membership(struct bytes_in *in, struct arena *arena, struct output *o)
{
    struct membership_change *m = &o->as.membership;

    o->customer = bytes_text(in, TEXT_MAX);
    m->segment = bytes_text(in, TEXT_MAX);
    m->is_entered = get_either(in, "entered", "left");
    o->at_ms = bytes_long(in);
    o->cause = bytes_text(in, TEXT_MAX);
    m->segments = get_texts(in, arena, &m->segment_count);
    o->is_config = get_either(in, "config", "live");
    o->config = bytes_text(in, 16);
}

static void get_outcome(struct bytes_in *in, struct arena *arena, struct output *o)
{
    struct outcome_record *r = &o->as.outcome;

    o->customer = bytes_text(in, TEXT_MAX);
    r->sequence = bytes_text(in, TEXT_MAX);
    r->run = get_long_or(in, 0);
    r->entered_at_ms = get_long_or(in, INSTANT_NEVER);
    r->email = get_text_or_null(in);
    r->attempt = to_int(in, get_long_or(in, 0));
    r->outcome = get_outcome_name(in);
    r->reason = get_reason_name(in);
    o->at_ms = bytes_long(in);
    r->is_held_out = bytes_bool(in);
    r->experiments = get_pairs(in, arena, false, &r->experiment_count);
    o->config = bytes_text(in, 16);
    o->is_config = get_either(in, "config", "live");
}

static void get_dead_letter(struct bytes_in *in, struct output *o)
{
    struct dead_letter *d = &o->as.dead_letter;

    d->topic = bytes_text(in, TEXT_MAX);
    d->partition = to_int(in, bytes_long(in));
    d->offset = bytes_long(in);
    d->reason = get_reject_name(in);
    d->text = bytes_text(in, TEXT_MAX);
    d->key = get_bytes_or_null(in);
    d->value = get_bytes_or_null(in);
}

enum err output_decode(enum output_type type, struct bytes b, struct arena *arena,
                       struct output *out_output)
{
    static const uint64_t fingerprints[OUTPUT_TYPE__COUNT] = {
        [OUTPUT_TRIGGER] = FINGERPRINT_TRIGGER,
        [OUTPUT_MEMBERSHIP] = FINGERPRINT_MEMBERSHIP,
        [OUTPUT_OUTCOME] = FINGERPRINT_OUTCOME,
        [OUTPUT_DEAD_LETTER] = FINGERPRINT_DEAD_LETTER,
    };
    struct bytes_in in = bytes_in(b);
    struct output o = { .type = type };

    CHECK(type < OUTPUT_TYPE__COUNT);
    if (!record_header_take(&in, fingerprints[type])) {
        return ERR_BAD_DATA;
    }
    if (type == OUTPUT_TRIGGER) {
        get_trigger(&in, arena, &o);
    } else if (type == OUTPUT_MEMBERSHIP) {
        get_membership(&in, arena, &o);
    } else if (type == OUTPUT_OUTCOME) {
        get_outcome(&in, arena, &o);
    } else {
        get_dead_letter(&in, &o);
    }
    if (in.is_bad || bytes_left(&in) > 0) {
        return ERR_BAD_DATA;
    }
    *out_output = o;
    return OK;
}
