/* `sequence.email` where a trigger's id belongs: the last trigger of that email sent by then.
 *
 * Layer: cli. For backtests and tests, whose writers do not know ids (LANGUAGE.md sections 10, 11).
 */
#ifndef CLI_EMAIL_NAME_H
#define CLI_EMAIL_NAME_H
#include "processor/engine/timeline.h"

/* Replace ev->email if it has that form: by the trigger's id, or by none. Moves the timeline to
 * just before the event. */
void email_name_resolve(struct timeline *t, const struct rules *rules, struct arena *arena,
                        struct event *ev);

#endif /* CLI_EMAIL_NAME_H */
