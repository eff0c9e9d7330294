/* The dead letters of a deployment, read for tools: from the oldest kept to the newest of now.
 *
 * Layer: runtime. No member of any group, nothing is committed. Thread: one.
 */
#ifndef RUNTIME_LETTERS_H
#define RUNTIME_LETTERS_H
#include "processor/runtime/kafka_tool.h"
#include "schemas/output.h"

struct letter {
    int32_t partition; /* of the dead-letter topic */
    int64_t offset;
    int64_t written_ms;      /* when it was written there; 0: not known */
    struct dead_letter said; /* reason REJECT_NONE: this record is no dead letter of ours */
};

/* Lives during the call. Returns: false to stop. */
typedef bool letters_visit(void *context, const struct letter *letter);

/* Partition by partition, in order. Errors: those of kafka_tool.h, with a sentence. */
enum err letters_each(struct kafka_tool *t, letters_visit *visit, void *context,
                      char out_text[256]);

#endif /* RUNTIME_LETTERS_H */
