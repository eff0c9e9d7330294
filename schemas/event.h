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

/* Builds an event field by field, checking each: the one gate that every format passes (JSON, Avro,
 * tests). */
struct event_draft {
    struct arena *arena;
    struct event_field fields[EVENT_FIELDS_MAX];
    struct event_field set[EVENT_FIELDS_MAX];
    uint32_t field_count;
    uint32_t set_count;
    enum reject reject;    /* first reason found */
    char reject_text[128]; /* a sentence for people */
};

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

void event_draft_init(struct event_draft *d, struct arena *arena);

/* Add one field under its path in the record, values already typed. Shipped names are renamed to
 * the language's (trigger_id -> email, ...) by event_draft_finish. Too many fields or too long a
 * text is recorded as a reject. */
void event_draft_field(struct event_draft *d, struct text path, struct value value);
void event_draft_set(struct event_draft *d, struct text attribute,
                     struct value value); /* profile `set`; NULL unsets */

/* Pick out the built-ins by the mapping, check them all.
 * Returns: REJECT_NONE and *out_event, or the first reason, with a sentence in out_text. */
enum reject event_draft_finish(struct event_draft *d, const struct event_mapping *mapping,
                               struct event *out_event, char out_text[128]);

#endif /* SCHEMAS_EVENT_H */
