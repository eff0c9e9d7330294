/* Move the stored state of a deployment to another number of partitions, while nobody works on it.
 *
 * Layer: runtime. Where a customer's state lies follows from murmur2 of the id over the partition
 * count, so all customers are written anew, into the next generation of partitions; one atomic
 * write makes that the present one. Killed at any moment it goes on where it was when run again.
 */
#ifndef RUNTIME_REKEY_H
#define RUNTIME_REKEY_H
#include "processor/config/config.h"

#define REKEY_TEXT_SIZE 1024

struct rekey_options {
    const struct config *config; /* state.store is a Redis */
    int32_t partitions;          /* wanted; as many as now: give up what was begun */
    int32_t from;                /* what the state must have; 0: whatever it has */
    bool is_old_kept;            /* remove the old partitions in a later run */
    int stop_fd;                 /* readable: stop, to be run again; -1: none */
    void (*say)(void *context, const char *line); /* progress */
    void *context;
};

struct rekey_receipt {
    int32_t from, to;
    int64_t customers;
    int64_t removed;    /* customers of old partitions */
    int64_t generation; /* the present one */
    bool has_moved;     /* false: there was nothing to move */
    bool is_given_up;
};

/* Errors, each with what to do about it in out_text: ERR_FENCED workers are there; ERR_PARTITIONS
 * topics and wish do not agree; ERR_UNTOLD outputs or input of the old partitions are not done;
 * ERR_UNAVAILABLE no answer, or stopped: run it again; ERR_CORRUPT and those of engine/takeover.h.
 */
enum err rekey_run(const struct rekey_options *options, struct rekey_receipt *out_receipt,
                   char out_text[REKEY_TEXT_SIZE]);

#endif /* RUNTIME_REKEY_H */
