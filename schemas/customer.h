/* The record of one customer: all that segstream remembers, in bounded space.
 *
 * Layer: schemas. Stored as the Avro binary form of schemas/customer.avsc behind the single-object
 * header (C3 01, fingerprint); any Avro reader opens it. Everything named in a configuration is
 * found by a 32-bit key, hash32 of its name (of a history: of its whole definition), never by
 * position, so a changed configuration finds what it already has. Arrays are sorted by key unless
 * said otherwise. Owner: struct customer owns all it points to; customer_free frees. "Never" is
 * INSTANT_NEVER in every instant below.
 */
#ifndef SCHEMAS_CUSTOMER_H
#define SCHEMAS_CUSTOMER_H
#include "processor/base/bytes.h"
#include "processor/base/err.h"
#include "processor/base/hash.h"
#include "schemas/output.h"
#include "schemas/value.h"

#include <stdbool.h>
#include <stdint.h>

#define CUSTOMER_IDS_MAX         64   /* event ids remembered to drop duplicates */
#define CUSTOMER_KINDS_MAX       32   /* kinds whose last time is kept */
#define CUSTOMER_ENTRIES_MAX     1000 /* entries of one history; orders */
#define CUSTOMER_DAYS_MAX        1000 /* days of older entries; beyond, the two oldest become one */
#define CUSTOMER_COUNTERS_MAX    4096
#define CUSTOMER_SENT_MAX        64 /* triggers remembered beyond those of active runs */
#define CUSTOMER_EXPOSURES_MAX   64 /* experiments remembered, each version its own */
#define CUSTOMER_CLICKS_MAX      16 /* clicks kept per trigger, the earliest */
#define CUSTOMER_RECORD_SIZE_MAX (4 * 1024 * 1024)

struct attribute { /* one attribute or remembered value */
    uint32_t key;
    uint32_t set_by;    /* key of the sequence whose at_end set it; 0: an event did */
    int64_t at_ms;      /* event time of the last writer */
    struct value value; /* owned; VALUE_NULL: unset */
};

struct order {
    uint64_t id; /* hash64 of the order; of nothing for an order of its own: a running number */
    uint64_t event_id; /* hash64 of the event's id: the smallest wins among equal times */
    int64_t at_ms;     /* never: only refunds seen so far */
    int64_t amount;    /* minor units as paid */
    int64_t refunded;  /* minor units */
    bool is_foreign;   /* in another currency: counts for R, F and goals, not for M */
};

struct history_entry {
    int64_t at_ms;
    int64_t value; /* of the counted field: integer or money; hash64 of a text for distinct; 0
                      without a field */
};

struct history_day { /* entries too many to be kept one by one, of one UTC day */
    int32_t day;     /* days since 1970-01-01 */
    int64_t count;
    int64_t sum;
    int64_t least; /* of its values */
    int64_t most;
};

struct history { /* of one (kind or filter, field): what the rules can ask for */
    uint32_t key;
    int64_t since_ms;  /* events before were not counted; INSTANT_MIN: all were; never: it stands
                          still, as no rule asks for it */
    int64_t from_ms;   /* entries before may be missing; INSTANT_MIN: none is */
    bool is_truncated; /* entries were folded or dropped that a rule can ask for */
    struct history_entry *entries; /* oldest first; equal times in order of arrival */
    uint32_t count;
    uint32_t capacity;
    struct history_day *days; /* older entries, folded; oldest first */
    uint32_t day_count;
    uint32_t day_capacity;
    int64_t total_count; /* ever */
    int64_t total_sum;   /* ever */
    int64_t least;       /* value ever; 0 when there is none */
    int64_t most;
    int64_t first_ms; /* ever; never: none */
    int64_t last_ms;
};

struct score { /* decayed: points_q40 * 2^-((t - at_ms) / half_life) */
    uint32_t key;
    int64_t points_q40; /* units of 2^-40 point; saturates */
    int64_t at_ms;
};

struct kind_time {
    struct text kind; /* owned */
    int64_t last_ms;
};

struct membership { /* state of one segment or ladder */
    uint32_t key;
    uint32_t rung;      /* ladder: key of the rung the customer is on; segment: 0 */
    bool is_member;     /* a ladder once evaluated: always */
    int64_t since_ms;   /* entered; of a ladder the rung */
    int64_t pending_ms; /* `for`: true without a break since; never: not true */
    int64_t until_ms;   /* earliest instant at which time alone may change it */
};

struct click { /* a click of one trigger, human or not */
    int64_t at_ms;
    uint32_t link;   /* hash32 of the link, else url */
    bool is_machine; /* said so by its event, or within 2 s of sending */
};

struct sent { /* a trigger that left; in order of sending */
    struct hash128 trigger_id;
    uint32_t sequence;
    uint32_t email;
    int64_t run;
    int32_t attempt;
    int64_t sent_at_ms;
    bool is_transactional;
    bool is_judged;
    int64_t first_open_ms;  /* human, in the engagement window; never: none */
    int64_t first_reply_ms; /* the same */
    int64_t soft_bounce_ms; /* latest */
    int64_t last_sign_ms;   /* latest delivered, open or click of any sort */
    struct click *clicks;   /* by time */
    uint32_t click_count;
    uint32_t click_capacity;
};

struct waiting_click { /* a click of a trigger of ours, until bot_wait tells human from machine; by
                          due_ms */
    int64_t due_ms;    /* its time + bot_wait */
    struct hash128 trigger_id;
    struct bytes event; /* owned: event_encode */
};

enum run_phase {
    RUN_PLANNED, /* the email `email` waits for planned_at_ms, or is held */
    RUN_JUDGING, /* it left; its outcome is decided at D */
    RUN_ACTION,  /* a branch's start or end waits for its own `after` */
    RUN_HELD_OUT /* shadow of a holdout: waits for its end */
};

struct run_email { /* what this run did with one email */
    uint32_t email;
    int32_t sent;     /* times: attempt = 1 + sent */
    int32_t acted[4]; /* times each branch acted: enum branch_kind of engine/rules.h */
};

struct run_step {   /* one email of the version of the sequence that the run entered with */
    struct text id; /* owned */
    uint32_t key;   /* hash32 of it; not stored */
    int64_t after_ms;
};

struct context_entry {
    struct text name;  /* owned: "event.url" */
    struct text value; /* owned */
};

struct run { /* a customer's way through one sequence; only active ones are kept */
    uint32_t sequence;
    int64_t number; /* 1, 2, .. */
    int64_t entered_at_ms;
    struct text cause; /* owned: id of the entering event, else time or config */
    enum run_phase phase;
    uint32_t email;        /* key: planned, being judged, or last judged */
    int32_t slot_use;      /* resend: item of the list to use, 0 none */
    uint32_t use_slot;     /* resend: key of the slot, 0 none */
    struct text use_id;    /* resend: owned id to use instead of a number */
    int64_t previous_ms;   /* sent_at of the previous email, or its stand-in; the entry before the
                              first */
    int64_t planned_at_ms; /* stays when held */
    int64_t not_before_ms; /* the judgement that led here may act at D + allowed_lateness at the
                              earliest */
    int64_t due_ms;        /* next instant at which this run wants to be looked at */
    enum outcome reason;   /* OUTCOME_ENTERED or the judged outcome that led here */
    enum outcome last_judged; /* OUTCOME_ENTERED: none yet */
    int32_t row_count;        /* how often last_judged came in a row */
    int32_t emails_sent;
    uint32_t action;       /* RUN_ACTION: key of the sequence to start; 0: end */
    int64_t held_until_ms; /* a ceiling or the join guard holds it until then; never: none does */
    int64_t held_for_ms;   /* how long a ceiling has held the planned email altogether */
    int32_t shown_rows;    /* the open email's: rows of the email channel's `resolve` that the
                              customer was in, bit i row i; for reports */
    struct run_step *plan; /* the emails in the order of that version */
    uint32_t plan_count;
    uint32_t plan_capacity;
    struct run_email *emails;
    uint32_t email_count;
    uint32_t email_capacity;
    struct context_entry *context; /* personalize values of the entering event */
    uint32_t context_count;
    uint32_t context_capacity;
};

struct entry { /* history of one sequence */
    uint32_t sequence;
    bool is_completed; /* some run ended as completed */
    int64_t runs;      /* entries so far */
    int64_t last_ms;   /* last entry */
};

struct subscription {
    uint32_t key; /* hash32 of the name; 0: all */
    bool is_unsubscribed;
    int64_t at_ms; /* last writer */
};

struct exposure { /* an arm of one version of an experiment was shown */
    uint32_t key; /* hash32 of the experiment's salt */
    uint32_t arm; /* hash32 of its name */
    int64_t at_ms;
    bool is_converted; /* within the time that its success has; so the two below */
    bool is_unsubscribed;
    bool is_complained;
    uint32_t *segments; /* hash32 of the segments' ids then; until nothing more can be counted */
    uint32_t segment_count;
    uint32_t segment_capacity;
};

struct customer {
    uint64_t config; /* hash of the configuration its memberships were decided under; 0: none yet */
    int64_t created_at_ms; /* time of the first accepted event */
    int64_t
        decided_at_ms; /* latest instant decided: what changes later never has an earlier `at` */
    int64_t last_event_ms;   /* largest event time */
    int64_t last_engaged_ms; /* last human open, click, reply or purchase; never: none */
    int64_t erased_ms;       /* older events are dropped; never: not erased */
    int64_t blocked_ms;      /* hard bounce or complaint: suppressed for ever since; never: not */
    int64_t due_ms;      /* the one timer: earliest instant at which time alone changes something */
    int64_t orders_ever; /* orders placed, those that left the list included */
    int64_t order_first_ms; /* never: none */
    int64_t orders_from_ms; /* orders before may be missing from the list; INSTANT_MIN: none is */

    uint64_t *ids; /* hash64 of accepted event ids, oldest first */
    uint32_t id_count;
    uint32_t id_capacity;
    struct attribute *attributes;
    uint32_t attribute_count;
    uint32_t attribute_capacity;
    struct order *orders; /* by at_ms, then id */
    uint32_t order_count;
    uint32_t order_capacity;
    struct history_day *order_days; /* older orders, folded: purchases and their net sum */
    uint32_t order_day_count;
    uint32_t order_day_capacity;
    struct history *histories;
    uint32_t history_count;
    uint32_t history_capacity;
    uint32_t *counters; /* keys of histories known from the customer's beginning, though nothing
                           came for them yet; ascending */
    uint32_t counter_count;
    uint32_t counter_capacity;
    struct score *scores;
    uint32_t score_count;
    uint32_t score_capacity;
    struct kind_time *kinds; /* in order of first appearance */
    uint32_t kind_count;
    uint32_t kind_capacity;
    struct membership *memberships;
    uint32_t membership_count;
    uint32_t membership_capacity;
    struct sent *sent; /* in order of sending */
    uint32_t sent_count;
    uint32_t sent_capacity;
    struct waiting_click *waiting;
    uint32_t waiting_count;
    uint32_t waiting_capacity;
    struct run *runs; /* in order of entry */
    uint32_t run_count;
    uint32_t run_capacity;
    struct entry *entries;
    uint32_t entry_count;
    uint32_t entry_capacity;
    struct subscription *subscriptions;
    uint32_t subscription_count;
    uint32_t subscription_capacity;
    struct exposure *exposures;
    uint32_t exposure_count;
    uint32_t exposure_capacity;

    /* Not stored, found from the memberships: how many segments of each family the customer is in,
     * by the order of the families of that plan. */
    uint32_t *places;
    const void *places_of;
};

struct customer *customer_new(void); /* all instants never or 0 as their comments say, no items */
void customer_free(struct customer *c);
bool customer_is_blank(const struct customer *c); /* nothing worth a record, `config` aside */

/* Append the stored form; read it back.
 * Errors: ERR_CORRUPT (short, long, unknown fingerprint, count or text out of bounds). Owner: the
 * caller, of *out_customer. */
void customer_encode(const struct customer *c, struct bytes_out *out);
enum err customer_decode(struct bytes b, struct customer **out_customer);

/* Find by key (NULL: not there), or find and else insert a fresh one in its place. Pointers live
 * until the next insert. */
struct attribute *customer_attribute(const struct customer *c, uint32_t key);
struct attribute *customer_need_attribute(struct customer *c, uint32_t key);
struct history *customer_history(const struct customer *c, uint32_t key);
struct history *customer_need_history(struct customer *c, uint32_t key);
struct score *customer_score(const struct customer *c, uint32_t key);
struct score *customer_need_score(struct customer *c, uint32_t key);
struct membership *customer_membership(const struct customer *c, uint32_t key);
struct membership *customer_need_membership(struct customer *c, uint32_t key);
struct entry *customer_entry(const struct customer *c, uint32_t sequence);
struct entry *customer_need_entry(struct customer *c, uint32_t sequence);
struct subscription *customer_subscription(const struct customer *c, uint32_t key);
struct subscription *customer_need_subscription(struct customer *c, uint32_t key);
struct exposure *customer_exposure(const struct customer *c, uint32_t key);
/* The oldest one makes room beyond CUSTOMER_EXPOSURES_MAX. */
struct exposure *customer_need_exposure(struct customer *c, uint32_t key);
struct run *customer_run(const struct customer *c, uint32_t sequence); /* the active one */
struct sent *customer_sent(const struct customer *c, const struct hash128 *trigger_id);

void customer_remove_membership(struct customer *c, const struct membership *m);
/* Remove the item at `place`, freeing what it owns. */
void customer_remove_run(struct customer *c, uint32_t place);
void customer_remove_sent(struct customer *c, uint32_t place);
void customer_remove_waiting(struct customer *c, uint32_t place);

#endif /* SCHEMAS_CUSTOMER_H */
