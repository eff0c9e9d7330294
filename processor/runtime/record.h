/* One input record as read to an event, or to the reason why it cannot be used.
 *
 * Layer: runtime. Thread: one decoder, one thread.
 */
#ifndef RUNTIME_RECORD_H
#define RUNTIME_RECORD_H
#include "processor/config/config.h"
#include "processor/engine/task.h"

#define RECORD_SIZE_MAX (1024 * 1024)

struct record_decoder; /* of all input topics */

/* Errors: ERR_CONFIG, a sentence in out_text (a topic's schema is none). Owner: the caller. */
enum err record_decoder_new(const struct config *config, struct record_decoder **out_decoder,
                            char out_text[256]);
void record_decoder_free(struct record_decoder *d);

/* From now on any key is as good as the customer, or none. */
void record_decoder_free_key(struct record_decoder *d);

/* Fill event or reject of a record whose topic, key and value are set; a key that is absent has at
 * NULL. What it points to is in the arena or a view of key and value. */
void record_decode(struct record_decoder *d, struct arena *arena, struct task_record *record);

#endif /* RUNTIME_RECORD_H */
