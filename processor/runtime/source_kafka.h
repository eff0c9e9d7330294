/* Records of the input topics, partition by partition: one member of the consumer group.
 *
 * Layer: runtime; one of the files that may use librdkafka. A partition number means that partition
 * of every input topic: the range assignor gives them all to one member. Each partition has its own
 * queue per topic, so that one whose task has no room does not hold up the others. Thread: one
 * source, one thread; its callbacks run inside source_poll and source_close.
 */
#ifndef RUNTIME_SOURCE_KAFKA_H
#define RUNTIME_SOURCE_KAFKA_H
#include "processor/runtime/record.h"

#include <stdatomic.h>

struct source;

struct source_options {
    const struct config *config;
    int32_t partitions_max;         /* those behind are left alone; 0: none are */
    struct text instance;           /* of the static member; absent: a dynamic one */
    int wake_fd;                    /* an eventfd: written when there may be something to read */
    const atomic_bool *is_stopping; /* true: no more waiting for the group */
    atomic_uint_fast64_t *beats;    /* counted up while waiting: it is no standstill */
    void *context;
    /* This process is a member now, known to the group by these bytes (valid during the call), and
     * is given its partitions next. */
    void (*joined)(void *context, struct bytes member);
    /* Take the partition over and say where to read each topic from: offsets by topic, -1 for the
     * start. `mark`: what the group remembers of it, read when nothing of it was under way; absent:
     * nothing. Returns: false when it is not to be had: all are given up. */
    bool (*assigned)(void *context, int32_t partition, struct text mark, int64_t *out_offsets);
    /* What was to be read next is not there; the topic's partition has offsets low to high.
     * Returns: where to go on, or -1: nowhere. */
    int64_t (*gone)(void *context, int32_t partition, uint32_t topic, int64_t low, int64_t high);
    /* All partitions leave: finish quickly what is under way, forget the rest. is_lost: somebody
     * else may own them already, nothing more may be written. */
    void (*revoked)(void *context, bool is_lost);
    /* One record in order of offset (to be given back), or NULL: the topic is read to its end. */
    void (*take)(void *context, int32_t partition, uint32_t topic, struct task_record *record);
};

/* Errors: ERR_CONFIG, a sentence in out_text. Owner: the caller, source_close. */
enum err source_kafka_new(const struct source_options *options, struct source **out_source,
                          char out_text[256]);

/* Leaves the group: `revoked` is called, then all is freed. Records must be given back before. */
void source_close(struct source *s);

/* Serve the group and its callbacks, without waiting. */
void source_poll(struct source *s);

/* Fetch up to `room` records of one topic and partition, without waiting; `take` gets them.
 * Returns: how many there were. */
uint32_t source_fetch(struct source *s, int32_t partition, uint32_t topic, uint32_t room);

/* How many offsets stand from `next` on to the end of the topic, as far as fetching has told; -1:
 * from its beginning. 0: not known yet. */
int64_t source_behind(const struct source *s, int32_t partition, uint32_t topic, int64_t next);

void source_give_back(struct task_record *record); /* done with it */

/* Leave the group and join it again: everything is revoked and assigned anew. Errors:
 * ERR_UNAVAILABLE. */
enum err source_rejoin(struct source *s);

/* Only within `assigned`: have the group remember the mark, offsets untouched; refused when the
 * member or its generation is an old one. Waits for the answer. Errors: ERR_FENCED refused;
 * ERR_UNAVAILABLE no answer. */
enum err source_write_mark(struct source *s, int32_t partition, struct text mark);

/* Tell the group what was applied, for lag tools: the state store rules. Asynchronous. */
void source_commit(struct source *s, int32_t partition, const int64_t *next_offsets,
                   struct text mark);
/* Of all topics read to their end, all that was written before this instant of the wall clock has
 * been fetched and is waiting for source_fetch. Ask before fetching. INSTANT_MIN: not known.
 * Thread: any. */
int64_t source_read_ms(struct source *s);
bool source_is_up(const struct source *s); /* brokers answer. Thread: any */

/* The group has given our instance's name to another process: nothing more will come. */
bool source_is_replaced(const struct source *s);

#endif /* RUNTIME_SOURCE_KAFKA_H */
