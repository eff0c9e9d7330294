/* One customer's record, field by field, in the words of the configuration: what `inspect` shows.
 *
 * Layer: cli. Stored keys are hashes of names; one that the configuration does not know is shown in
 * hexadecimal digits. Nothing is evaluated: `explain` says what the record means.
 */
#ifndef CLI_INSPECTED_H
#define CLI_INSPECTED_H
#include "processor/cli/outline.h"
#include "processor/engine/rules.h"
#include "schemas/customer.h"

void inspected_say(struct outline *o, const struct rules *rules, const struct customer *c);

/* What the customer's timer waits for at due_ms: "segment lifecycle", "nurture judging welcome".
 * Owner: the arena. */
struct text inspected_due(const struct rules *rules, const struct customer *c, int64_t due_ms,
                          struct arena *arena);

#endif /* CLI_INSPECTED_H */
