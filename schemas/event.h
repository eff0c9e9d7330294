/* One event of a customer, decoded and within limits: what every input becomes, whatever its
 * format.
 *
 * Layer: schemas. Names are those of the language: `email` is the id of a trigger, `id` the event's
 * own id. Owner: the decoder's arena; all texts are views of it or of the input bytes.
 */
#ifndef SCHEMAS_EVENT_H
#define SCHEMAS_EVENT_H
#include "processor/base/arena.h"
#include "processor/base/bytes.h"
#include "processor/base/err.h"
#include "schemas/value.h"

#include <stdbool.h>
#include <stdint.h>

#define EVENT_CUSTOMER_SIZE_MAX 256
#define EVENT_TEXT_SIZE_MAX     4096 /* any one text */
#define EVENT_FIELDS_MAX        128
#define EVENT_LIST_MAX          256 /* items of a list */
#define EVENT_KIND_SIZE_MAX     64

/* Kinds that do something by themselves (LANGUAGE.md section 2); any other name is OTHER and
 * countable. */
enum event_kind {
    EVENT_OTHER,
    EVENT_OPEN,
    EVENT_CLICK,
    EVENT_REPLY,
    EVENT_PURCHASE,
    EVENT_REFUND,
    EVENT_DELIVERED,
    EVENT_BOUNCE,
    EVENT_COMPLAINT,
    EVENT_UNSUBSCRIBE,
    EVENT_SUBSCRIBE,
    EVENT_PROFILE,
    EVENT_ERASE,
    EVENT_KIND__COUNT
};

enum event_machine { EVENT_MACHINE_UNKNOWN, EVENT_MACHINE_NO, EVENT_MACHINE_YES };

struct event_field {
    struct text name;   /* path, as after "event.": url, properties.plan, items.category */
    uint32_t key;       /* hash32(name) */
    struct value value; /* NULL BOOL INT DOUBLE TEXT STRINGS INSTANT; a field over an array of
                           records is STRINGS */
};

struct event {
    enum event_kind kind;
    struct text kind_name; /* 1..64 bytes */
    struct text customer;  /* 1..256 bytes of UTF-8 */
    int64_t at_ms;         /* INSTANT_MIN..INSTANT_MAX */
    struct text id;        /* absent: never a duplicate */
    struct text email;     /* trigger id it answers; absent or not one of ours counts as none */
    enum event_machine machine;
    struct text order; /* purchase, refund; absent: an order of its own */
    bool has_amount;
    int64_t amount; /* minor units, >= 0 */
    struct text currency;
    bool is_hard_bounce;      /* bounce only */
    struct text subscription; /* unsubscribe, subscribe; absent: all */
    const struct event_field
        *fields; /* every scalar field, those above included under their language names */
    uint32_t field_count;
    const struct event_field *set; /* profile: attribute name -> value; VALUE_NULL unsets */
    uint32_t set_count;
};

enum event_kind event_kind_of(struct text name);
const char *event_kind_name(enum event_kind k); /* "" for EVENT_OTHER */

/* The value of `event.<name>`, by hash32(name); NULL: no such field. */
const struct value *event_field(const struct event *ev, uint32_t key);

/* Compact form, to keep an event inside a customer record (a click that waits). decode(encode(e))
 * equals e. Errors: ERR_CORRUPT. Owner: `arena` and the bytes. */
void event_encode(const struct event *ev, struct bytes_out *out);
enum err event_decode(struct bytes b, struct arena *arena, struct event *out_event);

/* One value of the kept form: its type, then a union by how it is stored. Shared with the customer
 * record. */
void event_put_value(struct bytes_out *out, const struct value *v);
bool event_get_value(struct bytes_in *in, struct arena *arena,
                     struct value *out); /* false: in->is_bad */

/* Why an input record cannot be used: the closed list of dead-letter reasons. */
enum reject {
    REJECT_NONE,
    REJECT_UNDECODABLE,
    REJECT_SCHEMA_UNKNOWN,
    REJECT_NULL_VALUE,
    REJECT_KEY_MISSING,
    REJECT_WRONG_KEY,
    REJECT_WRONG_PARTITION,
    REJECT_MISSING_FIELD,
    REJECT_BAD_VALUE,
    REJECT_TOO_LARGE,
    REJECT_FUTURE,
    REJECT__COUNT
};
const char *reject_name(enum reject r); /* "undecodable", ... */

/* How a topic's records become events (LANGUAGE.md section 2): where each built-in is found. */
struct event_mapping {
    struct text kind;            /* fixed kind, or absent */
    struct text kind_field;      /* path, when kind is absent */
    const struct text *map_from; /* renamed kinds */
    const struct text *map_to;
    uint32_t map_count;
    /* Paths; absent means the shipped name: customer_id occurred_at event_id trigger_id order_id
     * amount currency. */
    struct text customer, at, id, email, order, amount, currency;
};

/* What does something by itself, and where a draft keeps it. */
enum event_builtin {
    EVENT_BUILTIN_KIND,
    EVENT_BUILTIN_CUSTOMER,
    EVENT_BUILTIN_AT,
    EVENT_BUILTIN_ID,
    EVENT_BUILTIN_EMAIL,
    EVENT_BUILTIN_ORDER,
    EVENT_BUILTIN_AMOUNT,
    EVENT_BUILTIN_CURRENCY,
    EVENT_BUILTIN_LINK,
    EVENT_BUILTIN_MACHINE,
    EVENT_BUILTIN_BOUNCE_CLASS,
    EVENT_BUILTIN_SUBSCRIPTION,
    EVENT_BUILTIN__COUNT,
    EVENT_BUILTIN_NONE = EVENT_BUILTIN__COUNT
};

/* A field's name as rules ask for it, looked up once for a whole schema. */
struct event_name {
    struct text name;
    uint32_t key; /* hash32(name) */
    enum event_builtin builtin;
    bool is_second; /* counts only where the builtin's first name is not there */
};

#define EVENT_NAMES_PER_PATH 4

/* The names that a field at `path` of a record goes by: those of the built-ins that the mapping
 * finds there, else the path itself. Returns: how many, at least 1. */
uint32_t event_names_of(const struct event_mapping *mapping, struct text path,
                        struct event_name out_names[EVENT_NAMES_PER_PATH]);

/* Where the mapping finds a built-in; absent: by its own names. */
struct text event_mapped_path(const struct event_mapping *mapping, enum event_builtin b);
const char *event_builtin_name(enum event_builtin b); /* as in the language */
const char *event_shipped_name(enum event_builtin b); /* as in the shipped schemas */

/* Builds an event field by field, checking each: the one gate that every format passes (JSON, Avro,
 * tests). */
struct event_draft {
    struct arena *arena;
    const struct event_mapping *mapping;
    struct text implied_kind; /* where no field says it; absent: none */
    uint32_t field_count;
    uint32_t set_count;
    uint16_t builtins[EVENT_BUILTIN__COUNT]; /* place in fields + 1; 0: not there */
    uint16_t seconds;                        /* builtins found under their second name, by bit */
    enum reject reject;                      /* first reason found */
    char reject_text[128];                   /* a sentence for people */
    struct event_field fields[EVENT_FIELDS_MAX];
    struct event_field set[EVENT_FIELDS_MAX];
};

/* mapping NULL: the shipped names. It must live as long as the draft. */
void event_draft_init(struct event_draft *d, struct arena *arena,
                      const struct event_mapping *mapping);

/* Add one field under its path in the record, value already typed; NULL adds nothing. Too many
 * fields or too long a text is recorded as a reject. */
void event_draft_field(struct event_draft *d, struct text path, struct value value);
/* The same, its name looked up before; and under a path that is known to be no built-in's. */
void event_draft_named(struct event_draft *d, const struct event_name *name,
                       const struct value *value);
void event_draft_plain(struct event_draft *d, struct text path, const struct value *value);
void event_draft_set(struct event_draft *d, struct text attribute,
                     struct value value); /* profile `set`; NULL unsets */
/* For decoders that find a value wrong themselves. */
void event_draft_reject(struct event_draft *d, enum reject r, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Check the built-ins.
 * Returns: REJECT_NONE and *out_event, or the first reason, with a sentence in out_text. */
enum reject event_draft_finish(struct event_draft *d, struct event *out_event, char out_text[128]);

#endif /* SCHEMAS_EVENT_H */
