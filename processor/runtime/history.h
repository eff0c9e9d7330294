/* The records of one partition of all input topics, from given offsets up to given ones: for a task
 * that goes through history again.
 *
 * Layer: runtime. No member of any group. Thread: one.
 */
#ifndef RUNTIME_HISTORY_H
#define RUNTIME_HISTORY_H
#include "processor/runtime/kafka_tool.h"
#include "processor/runtime/record.h"

struct history_reader;

/* from, to: by input topic; of each topic the records at from <= offset < to are read. Needs
 * kafka_tool_consumer. Owner: the caller, history_close, after all records were given back. Errors:
 * with a sentence. */
enum err history_open(struct kafka_tool *t, struct record_decoder *decoder, int32_t partition,
                      const int64_t *from, const int64_t *to, struct history_reader **out_reader,
                      char out_text[256]);
void history_close(struct history_reader *r); /* NULL is fine */

/* Push what there is of each topic that the task has room for, and tell it of those that are at
 * their end, without waiting. Returns: how many records. */
uint32_t history_feed(struct history_reader *r, struct task *task);
bool history_is_at_end(const struct history_reader *r); /* all topics */
void history_give_back(struct task_record *record);

/* ERR_UNAVAILABLE: records that should be there are gone, or may not be read: a sentence. */
enum err history_trouble(const struct history_reader *r, char out_text[256]);

#endif /* RUNTIME_HISTORY_H */
