/* One connection to Redis: commands out, replies in, never blocking.
 *
 * Layer: sinks. The only user of hiredis. Owner: the caller; replies are his to free. Errors: any
 * trouble makes the link DOWN with a reason; the caller closes it and opens another. Thread: one.
 */
#ifndef SINKS_REDIS_LINK_H
#define SINKS_REDIS_LINK_H
#include "processor/base/bytes.h"
#include "processor/base/text.h"

#include <stdbool.h>
#include <stdint.h>

struct redis_link;
struct redisReply; /* hiredis's; looked into by the functions below only */

/* At a Unix socket when `socket` is not absent, else at host and port. Resolving a host's name is
 * the one thing here that may wait. NULL: refused at once. */
struct redis_link *redis_link_open(struct text socket, struct text host, int32_t port);
void redis_link_close(struct redis_link *l); /* NULL is fine */

/* Where commands are appended, with the functions below. */
struct bytes_out *redis_link_out(struct redis_link *l);

/* Send and read what can be without waiting. After trouble, replies read before can still be taken.
 */
void redis_link_send(struct redis_link *l);
void redis_link_read(struct redis_link *l);
bool redis_link_take(struct redis_link *l, struct redisReply **out_reply); /* false: none yet */
const char *redis_link_trouble(const struct redis_link *l); /* one word; NULL: none */
int64_t redis_link_moved(const struct redis_link *l);       /* bytes sent and read so far */
int redis_link_fd(const struct redis_link *l);
bool redis_link_is_sending(const struct redis_link *l); /* has more to send, or connects yet */

/* A command is a count of arguments and the arguments. */
void redis_link_command(struct bytes_out *out, uint32_t arguments);
void redis_link_word(struct bytes_out *out, const char *word);
void redis_link_argument(struct bytes_out *out, const void *at, size_t size);
void redis_link_argument_joined(struct bytes_out *out, struct text first, struct text second);
void redis_link_integer(struct bytes_out *out, int64_t value);

enum redis_link_type { REDIS_LINK_NIL, REDIS_LINK_TEXT, REDIS_LINK_ARRAY, REDIS_LINK_ERROR };
void redis_link_reply_free(struct redisReply *r); /* NULL is fine */
/* Status is TEXT; an integer is TEXT without any text, see redis_link_reply_integer. */
enum redis_link_type redis_link_reply_type(const struct redisReply *r);
/* Of TEXT and ERROR, with a NUL behind it; else absent. */
struct text redis_link_reply_text(const struct redisReply *r);
int64_t redis_link_reply_integer(const struct redisReply *r); /* of an integer, else 0 */
uint32_t redis_link_reply_count(const struct redisReply *r);  /* of ARRAY, else 0 */
const struct redisReply *redis_link_reply_at(const struct redisReply *r, uint32_t place);

#endif /* SINKS_REDIS_LINK_H */
