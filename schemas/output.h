/* What leaves: triggers, memberships, outcomes, dead letters (LANGUAGE.md section 9).
 *
 * Layer: schemas. Closed lists are tables here; names are what users read.
 * Owner: an output's texts and arrays belong to the arena or the rules they were made from.
 */
#ifndef SCHEMAS_OUTPUT_H
#define SCHEMAS_OUTPUT_H
#include "processor/base/bytes.h"
#include "processor/base/hash.h"
#include "processor/base/text.h"
#include "schemas/event.h"

#include <stdbool.h>
#include <stdint.h>

/* Outcomes of emails (email set) and of runs (email null), and `entered`, the reason of a first
 * email. */
/* clang-format off */
#define OUTCOME_MAP(X)                                                                   \
    X(BOUNCED, "bounced") X(COMPLAINED, "complained") X(UNSUBSCRIBED, "unsubscribed")    \
    X(CONVERTED, "converted") X(STOPPED, "stopped") X(ERASED, "erased")                  \
    X(CLICKED_NOT_CONVERTED, "clicked_not_converted") X(OPENED_NOT_CLICKED, "opened_not_clicked") \
    X(NOT_DELIVERED, "not_delivered") X(NO_ENGAGEMENT, "no_engagement")                  \
    X(SKIPPED, "skipped") X(SUPPRESSED, "suppressed")                                    \
    X(ENTERED, "entered") X(NOT_ENTERED, "not_entered")                                  \
    X(COMPLETED, "completed") X(MOVED, "moved") X(ENDED, "ended") X(EXHAUSTED, "exhausted")
#define REASON_MAP(X)                                                                    \
    X(NONE, "") X(SUPPRESSION, "suppression") X(SEND_IF, "send_if") X(CAP, "cap")        \
    X(QUIET_HOURS, "quiet_hours") X(SEND_WINDOW, "send_window") X(CEILING, "ceiling")    \
    X(STALE, "stale") X(IF, "if") X(GONE, "gone") X(ACTIVE, "active")                    \
    X(REENTER_AFTER, "reenter_after") X(STOP_IF, "stop_if") X(GOAL, "goal")
/* clang-format on */

enum outcome {
#define OUTCOME_ENUM(name, text) OUTCOME_##name,
    OUTCOME_MAP(OUTCOME_ENUM)
#undef OUTCOME_ENUM
        OUTCOME__COUNT
};
enum reason {
#define REASON_ENUM(name, text) REASON_##name,
    REASON_MAP(REASON_ENUM)
#undef REASON_ENUM
        REASON__COUNT
};
const char *outcome_name(enum outcome o);
const char *reason_name(enum reason r); /* "" for REASON_NONE, which is null in records */

struct text_pair {
    struct text name;
    struct text value; /* absent: null, where null is allowed */
};

struct score_view {
    struct text name;
    int64_t points_millionths; /* rounded down, from the integer score */
    struct text level;
};

struct time_view {
    struct text name;
    int64_t at_ms;
};

struct trigger {
    struct hash128 trigger_id;
    struct text sequence;
    int64_t run;
    int64_t entered_at_ms;
    struct text email;
    int32_t attempt;
    enum outcome reason;
    int64_t planned_at_ms;
    int64_t sent_at_ms;
    int64_t expires_at_ms;
    struct text template; /* absent: null; so purpose, theme, lifecycle, subscription */
    struct text purpose;
    struct text theme;
    const struct text_pair *content;
    uint32_t content_count;
    const struct text_pair *landing;
    uint32_t landing_count;
    const struct text *segments;
    uint32_t segment_count;
    int32_t rfm_r, rfm_f, rfm_m; /* 1..5, 0: unknown */
    struct text rfm_segment;     /* absent: no rfm score configured */
    const struct score_view *scores;
    uint32_t score_count;
    struct text lifecycle; /* rung of the first ladder of dimension lifecycle */
    const struct text_pair *experiments;
    uint32_t experiment_count;
    const struct text_pair *context; /* personalize values as text; absent value: null */
    uint32_t context_count;
    const struct time_view *last_events;
    uint32_t last_event_count;
    int64_t days_since_engagement; /* -1: never engaged */
    struct text subscription;
    bool is_transactional;
};

struct membership_change {
    struct text segment;         /* "ladder.rung" for a rung */
    bool is_entered;             /* else left */
    const struct text *segments; /* all memberships after the whole instant */
    uint32_t segment_count;
    bool is_tombstone; /* the last record of an erase: a key without a value */
};

struct outcome_record {
    struct text sequence;
    int64_t run;           /* 0: null (not_entered) */
    int64_t entered_at_ms; /* never: null */
    struct text email;     /* absent: null, the run's own record */
    int32_t attempt;       /* 0: null */
    enum outcome outcome;
    enum reason reason; /* NONE: null */
    bool is_held_out;
    const struct text_pair *experiments;
    uint32_t experiment_count;
};

struct dead_letter {
    struct text topic; /* of the input; a backtest leaves it absent */
    int32_t partition;
    int64_t offset; /* a backtest: the line */
    enum reject reason;
    struct text text; /* a sentence */
    struct bytes key;
    struct bytes value;
};

enum output_type {
    OUTPUT_TRIGGER,
    OUTPUT_MEMBERSHIP,
    OUTPUT_OUTCOME,
    OUTPUT_DEAD_LETTER,
    OUTPUT_TYPE__COUNT
};

struct output {
    enum output_type type;
    int64_t at_ms;      /* what the record says: sent_at of a trigger */
    int64_t decided_ms; /* the instant it was decided in: a judgement's D + allowed_lateness */
    struct text customer;
    struct text cause;  /* the event's id, else time, config, erased, forgotten */
    bool is_by_event;   /* decided by an event of that instant (which go before what time does) */
    bool is_config;     /* origin: config, else live */
    struct text config; /* 16 hex digits */
    union {
        struct trigger trigger;
        struct membership_change membership;
        struct outcome_record outcome;
        struct dead_letter dead_letter;
    } as;
};

/* trigger_id: XXH3-128 of app US customer US sequence US entered_at US email US attempt. */
struct hash128 trigger_id(struct text app, struct text customer, struct text sequence,
                          int64_t entered_at_ms, struct text email, int32_t attempt);
bool trigger_id_parse(struct text hex, struct hash128 *out_id); /* 32 lower-case hex digits */

/* Append the record as single-object Avro of its shipped schema. (Plain code, tested against
 * Avro-C.) */
void output_encode(const struct output *o, struct bytes_out *out);

/* Read one back, as a reader of the topics would. Errors: ERR_BAD_DATA. Owner: the arena and the
 * bytes. */
enum err output_decode(enum output_type type, struct bytes b, struct arena *arena,
                       struct output *out_output);

#endif /* SCHEMAS_OUTPUT_H */
