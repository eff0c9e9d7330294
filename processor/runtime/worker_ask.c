/* DESIGN. Only the worker's thread may touch its tasks, so others leave a question in its box and
 * wake it; it answers between two turns. Who waits too long takes the question back.
 */
#include "processor/base/check.h"
#include "processor/base/instant.h"
#include "processor/runtime/worker_parts.h"

#include <errno.h>
#include <unistd.h>

#define PATIENCE_MS                                                                                \
    250 /* the worker's thread is deep in something: the store knows nearly as much */

struct worker_question { /* on the asker's stack */
    int32_t partition;
    struct text customer;
    struct bytes_out *record;
    int64_t stream_ms;
    bool is_answered, is_known;
    struct worker_question *next;
};

static void answer(struct worker *w, struct worker_question *q)
{
    for (uint32_t i = 0; i < w->slot_count; i++) {
        struct slot *s = w->slots[i];
        const struct customer *c;
        struct task_stats stats;

        if (s->partition != q->partition || s->is_leaving || s->is_lost) {
            continue;
        }
        c = task_customer(s->task, q->customer);
        if (c != NULL) {
            task_stats(s->task, &stats);
            customer_encode(c, q->record);
            q->stream_ms = stats.stream_ms;
            q->is_known = true;
        }
    }
    q->is_answered = true;
}

void worker_answer(struct worker *w)
{
    struct worker_question *q;

    if (atomic_load_explicit(&w->questions_asked, memory_order_acquire) == w->questions_seen) {
        return;
    }
    pthread_mutex_lock(&w->questions_lock);
    w->questions_seen = atomic_load(&w->questions_asked);
    while ((q = w->questions) != NULL) {
        w->questions = q->next;
        answer(w, q);
    }
    pthread_cond_broadcast(&w->questions_answered);
    pthread_mutex_unlock(&w->questions_lock);
}

static void take_back(struct worker *w, const struct worker_question *q)
{
    for (struct worker_question **at = &w->questions; *at != NULL; at = &(*at)->next) {
        if (*at == q) {
            *at = q->next;
            return;
        }
    }
}

bool worker_ask_customer(struct worker *w, int32_t partition, struct text customer,
                         struct bytes_out *out_record, int64_t *out_stream_ms)
{
    static const uint64_t one = 1;
    struct worker_question q = { .partition = partition,
                                 .customer = customer,
                                 .record = out_record,
                                 .stream_ms = INSTANT_NEVER };
    struct timespec until;
    ssize_t written;
    int waited = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += PATIENCE_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&w->questions_lock);
    q.next = w->questions;
    w->questions = &q;
    atomic_fetch_add(&w->questions_asked, 1);
    written = write(w->wake_fd, &one, sizeof(one));
    (void)written;
    while (!q.is_answered && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&w->questions_answered, &w->questions_lock, &until);
    }
    if (!q.is_answered) {
        take_back(w, &q);
    }
    pthread_mutex_unlock(&w->questions_lock);
    *out_stream_ms = q.stream_ms;
    return q.is_known;
}

void worker_questions_init(struct worker *w)
{
    pthread_condattr_t clock;

    atomic_init(&w->questions_asked, 0);
    CHECK(pthread_mutex_init(&w->questions_lock, NULL) == 0);
    CHECK(pthread_condattr_init(&clock) == 0);
    CHECK(pthread_condattr_setclock(&clock, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&w->questions_answered, &clock) == 0);
    CHECK(pthread_condattr_destroy(&clock) == 0);
}

void worker_questions_fini(struct worker *w)
{
    CHECK(w->questions == NULL); /* nobody asks who is being joined */
    CHECK(pthread_cond_destroy(&w->questions_answered) == 0);
    CHECK(pthread_mutex_destroy(&w->questions_lock) == 0);
}
