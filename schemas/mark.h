/* What the consumer group remembers of a partition beside its offsets: a line of text that rides in
 * the metadata of every offset commit, so that whoever takes the partition over knows which state
 * it must find and what was published.
 *
 *     sg1 l=<lineage> e=<epoch> g=<epoch>.<version> s=<sequence> t=<stream ms>
 *
 * Layer: schemas.
 */
#ifndef SCHEMAS_MARK_H
#define SCHEMAS_MARK_H
#include "schemas/commit.h"

struct mark {
    uint64_t lineage;     /* of the state it speaks of; 0: none */
    int64_t epoch;        /* of the owner who wrote it */
    struct guard covered; /* the commit of the state it covers; version 0: none */
    int64_t published;    /* outbox entries up to here are published */
    int64_t stream_ms;    /* of that state, for people who look; INSTANT_MIN: none */
};

#define MARK_TEXT_SIZE 160
struct text mark_format(const struct mark *m, char out[MARK_TEXT_SIZE]);

/* Errors: ERR_CORRUPT, not what mark_format writes. */
enum err mark_parse(struct text t, struct mark *out_mark);

#endif /* SCHEMAS_MARK_H */
