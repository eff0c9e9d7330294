/* DESIGN. hiredis connects and parses; sending and receiving are done here. Its own writing moves
 * the whole rest of the buffer after each partial write, which is quadratic in a commit of many
 * megabytes, and raises SIGPIPE; and it reads 16 KiB at a time.
 */
#include "sinks/redis_link.h"

#include "processor/base/check.h"
#include "processor/base/mem.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define READ_SIZE       (64 * 1024)
#define READS_PER_MOVE  64                 /* then the caller gets its turn */
#define OUT_KEPT_SIZE   (16 * 1024 * 1024) /* more room is given back once it is sent */
#define NUMBER_SIZE_MAX 24

struct redis_link {
    redisContext *context;
    struct bytes_out out;
    size_t sent; /* bytes of out */
    bool is_connected;
    const char *trouble;
    int64_t moved;
    char room[READ_SIZE];
};

struct redis_link *redis_link_open(struct text socket, struct text host, int32_t port)
{
    struct text address = text_dup(socket.at != NULL ? socket : host);
    redisContext *context = socket.at != NULL ? redisConnectUnixNonBlock(address.at)
                                              : redisConnectNonBlock(address.at, port);
    struct redis_link *l;

    mem_free((void *)(uintptr_t)address.at);
    if (context == NULL || context->err != 0) {
        if (context != NULL) {
            redisFree(context);
        }
        return NULL;
    }
    if (socket.at == NULL) {
        (void)redisEnableKeepAlive(context); /* or the reply timeout finds out */
    }
    l = mem_alloc(sizeof(*l));
    l->context = context;
    return l;
}

void redis_link_close(struct redis_link *l)
{
    if (l != NULL) {
        redisFree(l->context);
        bytes_out_fini(&l->out);
        mem_free(l);
    }
}

struct bytes_out *redis_link_out(struct redis_link *l)
{
    return &l->out;
}

/* Returns: false when it is not decided yet, or failed. */
static bool finish_connecting(struct redis_link *l)
{
    struct pollfd p = { .fd = l->context->fd, .events = POLLOUT };
    int problem = 0;
    socklen_t size = sizeof(problem);

    if (l->is_connected) {
        return true;
    }
    if (poll(&p, 1, 0) <= 0) {
        return false;
    }
    if (getsockopt(p.fd, SOL_SOCKET, SO_ERROR, &problem, &size) != 0 || problem != 0) {
        l->trouble = "refused";
        return false;
    }
    l->is_connected = true;
    return true;
}

void redis_link_send(struct redis_link *l)
{
    if (l->trouble != NULL || !finish_connecting(l)) {
        return;
    }
    while (l->sent < l->out.size) {
        ssize_t size = send(l->context->fd, l->out.at + l->sent, l->out.size - l->sent,
                            MSG_NOSIGNAL | MSG_DONTWAIT);

        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            l->trouble = errno == EAGAIN || errno == EWOULDBLOCK ? l->trouble : "closed";
            return;
        }
        l->sent += (size_t)size;
        l->moved += size;
    }
    l->sent = 0;
    bytes_out_clear(&l->out);
    if (l->out.capacity > OUT_KEPT_SIZE) {
        bytes_out_fini(&l->out);
    }
}

void redis_link_read(struct redis_link *l)
{
    if (l->trouble != NULL || !l->is_connected) {
        return;
    }
    for (int i = 0; i < READS_PER_MOVE; i++) {
        ssize_t size = recv(l->context->fd, l->room, sizeof(l->room), MSG_DONTWAIT);

        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            bool is_later = size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);

            l->trouble = is_later ? l->trouble : "closed";
            return;
        }
        l->moved += size;
        if (redisReaderFeed(l->context->reader, l->room, (size_t)size) != REDIS_OK) {
            l->trouble = "protocol";
            return;
        }
        if ((size_t)size < sizeof(l->room)) {
            return;
        }
    }
}

bool redis_link_take(struct redis_link *l, struct redisReply **out_reply)
{
    void *reply = NULL;

    if (redisReaderGetReply(l->context->reader, &reply) != REDIS_OK) {
        l->trouble = "protocol";
        return false;
    }
    *out_reply = reply;
    return reply != NULL;
}

const char *redis_link_trouble(const struct redis_link *l)
{
    return l->trouble;
}

int64_t redis_link_moved(const struct redis_link *l)
{
    return l->moved;
}

int redis_link_fd(const struct redis_link *l)
{
    return l->context->fd;
}

bool redis_link_is_sending(const struct redis_link *l)
{
    return !l->is_connected || l->sent < l->out.size;
}

/* A letter, a number and the end of the line. */
static void put_line(struct bytes_out *out, char letter, uint64_t number)
{
    char line[NUMBER_SIZE_MAX];
    size_t at = sizeof(line);

    line[--at] = '\n';
    line[--at] = '\r';
    do {
        line[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    line[--at] = letter;
    bytes_put(out, line + at, sizeof(line) - at);
}

void redis_link_command(struct bytes_out *out, uint32_t arguments)
{
    put_line(out, '*', arguments);
}

void redis_link_word(struct bytes_out *out, const char *word)
{
    redis_link_argument(out, word, strlen(word));
}

void redis_link_argument(struct bytes_out *out, const void *at, size_t size)
{
    put_line(out, '$', size);
    bytes_put(out, at, size);
    bytes_put(out, "\r\n", 2);
}

void redis_link_argument_joined(struct bytes_out *out, struct text first, struct text second)
{
    put_line(out, '$', first.size + second.size);
    bytes_put(out, first.at, first.size);
    bytes_put(out, second.at, second.size);
    bytes_put(out, "\r\n", 2);
}

void redis_link_integer(struct bytes_out *out, int64_t value)
{
    char digits[NUMBER_SIZE_MAX];
    size_t at = sizeof(digits);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        digits[--at] = '-';
    }
    redis_link_argument(out, digits + at, sizeof(digits) - at);
}

void redis_link_reply_free(struct redisReply *r)
{
    if (r != NULL) {
        freeReplyObject(r);
    }
}

enum redis_link_type redis_link_reply_type(const struct redisReply *r)
{
    switch (r->type) {
    case REDIS_REPLY_NIL:
        return REDIS_LINK_NIL;
    case REDIS_REPLY_ARRAY:
        return REDIS_LINK_ARRAY;
    case REDIS_REPLY_ERROR:
        return REDIS_LINK_ERROR;
    default:
        return REDIS_LINK_TEXT;
    }
}

struct text redis_link_reply_text(const struct redisReply *r)
{
    if (r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS ||
        r->type == REDIS_REPLY_ERROR) {
        return (struct text){ r->str, (size_t)r->len };
    }
    return TEXT_NONE;
}

int64_t redis_link_reply_integer(const struct redisReply *r)
{
    return r->type == REDIS_REPLY_INTEGER ? r->integer : 0;
}

uint32_t redis_link_reply_count(const struct redisReply *r)
{
    return r->type == REDIS_REPLY_ARRAY ? (uint32_t)r->elements : 0;
}

const struct redisReply *redis_link_reply_at(const struct redisReply *r, uint32_t place)
{
    CHECK(place < r->elements);
    return r->element[place];
}
