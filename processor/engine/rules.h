/* The compiled configuration: everything the engine decides by, immutable once loaded.
 *
 * Layer: engine (pure). processor/config builds it; any number of threads read it.
 * Source of every rule: LANGUAGE.md sections 5 to 9.
 */
#ifndef ENGINE_RULES_H
#define ENGINE_RULES_H
#include "processor/base/arena.h"
#include "processor/base/zone.h"
#include "schemas/counters.h"
#include "schemas/output.h"
#include "segmenters/segment.h"

#include <stdbool.h>
#include <stdint.h>

/* The outcomes that may branch; order of run_email.acted. */
enum branch_kind {
    BRANCH_OPENED,
    BRANCH_CLICKED,
    BRANCH_NO_ENGAGEMENT,
    BRANCH_NOT_DELIVERED,
    BRANCH__COUNT
};

enum action_kind { ACTION_NEXT, ACTION_GOTO, ACTION_RESEND, ACTION_START, ACTION_END };

struct branch_plan {
    enum action_kind action; /* NEXT when the configuration names none */
    int64_t after_ms;
    uint32_t email;     /* GOTO: index of the email */
    uint32_t sequence;  /* START: index of the sequence */
    struct text slot;   /* RESEND: slot to vary, absent: none */
    int32_t use_number; /* RESEND: item of the slot's list, 1.. ; 0: use_id */
    struct text use_id;
    int32_t times_in_a_row; /* 1: at once */
    int32_t at_most;        /* per email and run; 0: no limit */
};

struct slot_values { /* one slot of one row of the matrix */
    const struct text *ids;
    uint32_t count; /* 0: not set in this row */
};

struct content_row {
    struct text segment;             /* absent: default */
    uint32_t key, rung;              /* how the customer's membership is read */
    const struct slot_values *slots; /* by slot index */
};

struct channel_plan {
    struct text name; /* email, landing, .. */
    const struct text *slots;
    uint32_t slot_count;
    const bool *is_optional; /* by slot index */
    const struct content_row
        *resolve; /* in order; the first row the customer is in wins, slot by slot */
    uint32_t resolve_count;
    struct content_row fallback; /* `default` */
};

struct own_slot {                /* a slot an email brings: stands instead of the channel's */
    uint32_t slot;               /* index in the email channel */
    struct slot_values fallback; /* default, or the plain id or list */
    const struct content_row
        *rows; /* by segment, in the channel's resolve order; slots[0] is the list */
    uint32_t row_count;
};

struct experiment_aims { /* what reports judge by; nothing in the engine does */
    struct text kind, hypothesis, expected_impact; /* absent: not said */
    bool has_plan;
    int64_t baseline, detect, benchmark; /* hundredths of a percent; benchmark -1: none */
    double alpha, power;
    int64_t guard_unsubscribe, guard_complaint; /* hundredths of a percent; -1: none */
    bool is_promoted;                           /* promote: auto */
};

struct experiment_plan { /* one version; the engine knows no other */
    struct text id;
    int32_t version;
    struct text version_text; /* in decimal */
    uint32_t key;             /* hash32 of the salt: of this version in a customer's record */
    struct arms_plan arms;
    uint64_t arms_hash; /* of what may not change without a new version */
    bool is_template;
    uint32_t slot;                            /* of the email channel, unless is_template */
    const struct text *events;                /* success: kinds or filter names; */
    const struct filter_plan *const *filters; /* by event index; NULL: the plain kind */
    uint32_t event_count;
    int64_t within_ms;
    struct experiment_aims aims;
};

struct email_plan {
    struct text id;
    uint32_t key;
    int64_t after_ms;
    struct text purpose, theme, template, subscription; /* absent: none */
    uint32_t subscription_key;
    bool is_transactional;
    const struct predicate *condition; /* `if`; NULL: none */
    int64_t expires_in_ms;
    const struct text *personalize; /* "customer.x", "event.y" */
    uint32_t personalize_count;
    const struct own_slot *own;
    uint32_t own_count;
    const struct experiment_plan *experiment; /* NULL: none */
};

enum entry_kind { ENTRY_ON_ENTERING, ENTRY_ON_LEAVING, ENTRY_ON_EVENT };

struct entry_plan {
    enum entry_kind kind;
    uint32_t key, rung; /* segment */
    struct text event;  /* kind, or name of `filter` */
    const struct filter_plan *filter;
};

struct goal_plan {
    const struct text *events;                /* kinds or filter names; */
    const struct filter_plan *const *filters; /* by event index; NULL: the plain kind */
    uint32_t event_count;
    bool is_entering;
    uint32_t key, rung;           /* entering */
    const struct predicate *when; /* NULL: none */
};

struct at_end_plan { /* one outcome's attribute writes */
    enum outcome outcome;
    const struct attribute_plan *const *attributes;
    const struct value *values;
    uint32_t count;
    const struct text *until; /* kinds that unset */
    uint32_t until_count;
};

struct window_plan { /* send_window; is_used false: none */
    bool is_used;
    uint8_t days;                     /* bit per weekday, bit 0 Sunday */
    int32_t from_minutes, to_minutes; /* half-open, may pass midnight */
};

struct sequence_plan {
    struct text id;
    uint32_t key;
    const struct entry_plan *entries; /* any of them */
    uint32_t entry_count;
    const struct predicate *condition; /* enter.if */
    bool is_once;                      /* no reenter_after: once ever */
    int64_t reenter_after_ms;
    bool is_backfill;
    struct goal_plan goal;
    const struct predicate *stop_if;
    struct window_plan window;
    int64_t engagement_window_ms;
    int64_t conversion_window_ms;
    bool counts_machines; /* engagement: any */
    int64_t per_minute;   /* limits.per_minute; 0: none */
    int32_t max_emails;
    uint32_t holdout_bucket; /* held out iff bucket < this; 0: none */
    int32_t priority;        /* place in limits.priority; large: not listed */
    const struct email_plan *emails;
    uint32_t email_count;
    struct branch_plan branches[BRANCH__COUNT];
    const struct at_end_plan *at_end;
    uint32_t at_end_count;
};

struct cap_plan {
    int32_t count;
    int64_t window_ms;
};

struct rules {
    struct arena arena; /* owns everything */
    struct text app;
    uint64_t config;        /* hash of the compiled configuration */
    struct text config_hex; /* 16 digits */
    struct facts_plan facts;
    struct segments_plan segments;
    const struct channel_plan *email; /* NULL: no such channel */
    const struct channel_plan *landing;
    const struct channel_plan *const *channels; /* all, file order */
    uint32_t channel_count;
    const struct predicate *send_if;
    const struct sequence_plan *sequences;
    uint32_t sequence_count;
    const struct experiment_plan *experiments; /* file order */
    uint32_t experiment_count;
    const struct cap_plan *caps;
    uint32_t cap_count;
    struct window_plan quiet; /* quiet_hours: from..to is quiet, on every day */
    uint32_t holdout_bucket;
    bool has_join_guard;
    int64_t join_guard; /* hundredths of a percent of the answers that may name no trigger */
    int64_t max_delay_ms;
    int64_t stale_after_ms;
    int64_t allowed_lateness_ms;
    int64_t bot_wait_ms;
    int64_t forget_after_ms;                /* 0: never */
    int64_t live_from_ms;                   /* before it state only; INSTANT_MIN: always live */
    bool is_event_clock;                    /* clock: event */
    const struct zone *zone;                /* time.zone */
    const struct attribute_plan *zone_from; /* NULL: none */
    struct zone_table zones;
};

void rules_fini(struct rules *rules);
const struct sequence_plan *rules_sequence(const struct rules *rules,
                                           uint32_t key); /* NULL: gone */
const struct email_plan *rules_email(const struct sequence_plan *s, uint32_t key,
                                     uint32_t *out_index);

const struct experiment_plan *rules_experiment(const struct rules *rules,
                                               struct text id); /* NULL: none */

/* Write down in the counters which arms each version of an experiment runs with. Returns: NULL, or
 * the first experiment that ran with other arms under the same version: it must not go on. */
const struct experiment_plan *rules_note_arms(const struct rules *rules, struct counters *counters);

#endif /* ENGINE_RULES_H */
