/* DESIGN. A topic read to its end says nothing of what was written since, and a process that was
 * stopped wakes with old news. What proves something is a fetch that was answered: at its sending
 * everything before had been written, so it brought it. It counts once the next fetch of that
 * broker is sent, as what it brought is in the queues by then. A broker that owes an answer holds
 * time back; one that is asked nothing any more is forgotten.
 */
#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/runtime/source_parts.h"

#include <time.h>

#define FETCH        1 /* Kafka's number of the request */
#define FORGOTTEN_MS 3000

static int64_t now_ms(clockid_t id)
{
    struct timespec now;

    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* NULL: there are too many brokers; what is proven of the others counts. */
static struct fetches *of_broker(struct source_proof *p, int32_t broker)
{
    for (int i = 0; i < SOURCE_BROKERS_MAX; i++) {
        struct fetches *f = &p->brokers[i];

        if (!f->is_used) {
            *f = (struct fetches){ .broker = broker, .is_used = true, .read_ms = INSTANT_MIN };
        }
        if (f->broker == broker) {
            return f;
        }
    }
    return NULL;
}

static rd_kafka_resp_err_t on_asked(rd_kafka_t *client, int fd, const char *name, int32_t broker,
                                    int16_t api_key, int16_t api_version, int32_t id, size_t size,
                                    void *opaque)
{
    struct source_proof *p = opaque;
    struct fetches *f;

    (void)client, (void)fd, (void)name, (void)api_version, (void)id, (void)size;
    if (api_key != FETCH) {
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    CHECK(pthread_mutex_lock(&p->lock) == 0);
    f = of_broker(p, broker);
    if (f != NULL) {
        f->read_ms = f->is_answered ? f->sent_ms : f->read_ms;
        f->is_asked = true;
        f->is_answered = false;
        f->sent_ms = now_ms(CLOCK_REALTIME);
        f->sent_monotonic_ms = now_ms(CLOCK_MONOTONIC);
    }
    CHECK(pthread_mutex_unlock(&p->lock) == 0);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_answered(rd_kafka_t *client, int fd, const char *name, int32_t broker,
                                       int16_t api_key, int16_t api_version, int32_t id,
                                       size_t size, int64_t rtt_us, rd_kafka_resp_err_t error,
                                       void *opaque)
{
    struct source_proof *p = opaque;
    struct fetches *f;

    (void)client, (void)fd, (void)name, (void)api_version, (void)id, (void)size, (void)rtt_us;
    if (api_key != FETCH) {
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    CHECK(pthread_mutex_lock(&p->lock) == 0);
    f = of_broker(p, broker);
    if (f != NULL) {
        f->is_asked = false;
        f->is_answered = error == RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    CHECK(pthread_mutex_unlock(&p->lock) == 0);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *client, const rd_kafka_conf_t *conf, void *opaque,
                                  char *text, size_t text_size)
{
    (void)conf, (void)text, (void)text_size;
    (void)rd_kafka_interceptor_add_on_request_sent(client, "source", on_asked, opaque);
    (void)rd_kafka_interceptor_add_on_response_received(client, "source", on_answered, opaque);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

void source_proof_begin(struct source *s, rd_kafka_conf_t *conf)
{
    (void)rd_kafka_conf_interceptor_add_on_new(conf, "source", on_new, &s->proof);
}

int64_t source_read_ms(struct source *s)
{
    int64_t now = now_ms(CLOCK_MONOTONIC), least = INSTANT_NEVER;

    CHECK(pthread_mutex_lock(&s->proof.lock) == 0);
    for (int i = 0; i < SOURCE_BROKERS_MAX && s->proof.brokers[i].is_used; i++) {
        const struct fetches *f = &s->proof.brokers[i];

        if (f->is_asked || now - f->sent_monotonic_ms < FORGOTTEN_MS) {
            least = f->read_ms < least ? f->read_ms : least;
        }
    }
    CHECK(pthread_mutex_unlock(&s->proof.lock) == 0);
    return least == INSTANT_NEVER ? INSTANT_MIN : least;
}
