/* What the files of rekey share; nobody else includes this.
 *
 * Layer: runtime. rekey.c: the order of things; rekey_check.c: what must hold before; rekey_rest.c:
 * what of the input was not applied; rekey_copy.c: customers, page by page: copied, compared,
 * removed; rekey_merge.h: what is not a customer.
 */
#ifndef RUNTIME_REKEY_PARTS_H
#define RUNTIME_REKEY_PARTS_H
#include "processor/base/arena.h"
#include "processor/runtime/kafka_group.h"
#include "processor/runtime/rekey.h"
#include "processor/runtime/rekey_merge.h"
#include "sinks/store.h"

struct rekey_side { /* the partitions of one generation */
    struct store *store;
    struct partition_state *states; /* as last committed; texts in the arena */
    struct guard *claimed;          /* of our claims and commits since */
    int32_t count;
};

struct rekey {
    const struct rekey_options *options;
    const struct config *config;
    struct kafka_tool kafka;
    struct arena arena;
    struct text *topics;
    int64_t generation; /* of old */
    struct rekey_side old, now;
    struct mark *marks; /* of the group, by partition .. */
    bool *has_mark;     /* .. if it has any */
    int32_t mark_count;
    int64_t epoch; /* above all that was ever seen */
    struct counters sums;
    struct rekey_receipt receipt;
    char *text;
};

/* --- rekey.c --- */
void rekey_side_init(struct rekey *r, struct rekey_side *side, int32_t count);
enum err rekey_fail(struct rekey *r, enum err error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void rekey_say(struct rekey *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
enum err rekey_claim(struct rekey *r, struct rekey_side *side, int32_t partition,
                     struct store_reply *out_reply);
/* The state as it is now, with these records and counters (may be none). */
enum err rekey_commit(struct rekey *r, struct rekey_side *side, int32_t partition,
                      const struct commit_record *records, uint32_t record_count,
                      const struct counter_value *counters, uint32_t counter_count);

/* --- rekey_check.c --- */
enum err rekey_wait_for_nobody(struct rekey *r);
enum err rekey_check_topics(struct rekey *r);
enum err rekey_read_marks(struct rekey *r);
enum err rekey_check_published(struct rekey *r, int32_t p); /* of an old partition, claimed */
/* Records that the old partitions must have applied; and whether they have applied all there is. */
enum err rekey_check_applied(struct rekey *r, bool *out_is_all_applied);

/* --- rekey_rest.c --- */
struct rekey_rest {    /* of one topic's partition */
    int64_t records;   /* committed ones, not applied */
    int64_t misplaced; /* of these: whose key belongs elsewhere under the new count */
    int64_t end;
    bool is_beyond; /* it ends before what was applied: it is not the one that was read */
};
/* Reads what is behind next_offset (-1: the start). */
enum err rekey_rest(struct rekey *r, uint32_t topic, int32_t partition, int64_t next_offset,
                    struct rekey_rest *out_rest);
int64_t rekey_session_ms(const struct rekey *r); /* as the configuration says */

/* --- rekey_copy.c --- */
enum err rekey_copy(struct rekey *r);    /* all old partitions that are not copied yet */
enum err rekey_compare(struct rekey *r); /* each customer once, where they belong, byte by byte */
/* All customers of a claimed partition, then the partition itself. */
enum err rekey_remove(struct rekey *r, struct rekey_side *side, int32_t partition);

#endif /* RUNTIME_REKEY_PARTS_H */
