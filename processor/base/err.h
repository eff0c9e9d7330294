/* Every error code of the program, and what its receiver does about it.
 *
 * Layer: base. Pure layers return codes only; text is added once, at the edge.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_action {
    ERR_ACTION_NONE,
    ERR_ACTION_RETRY,   /* wait and do the same again */
    ERR_ACTION_RELEASE, /* give the partition up: somebody else owns it */
    ERR_ACTION_DIVERT,  /* one input is unusable: dead letter, go on */
    ERR_ACTION_REFUSE,  /* what the operator gave is wrong: say where, exit 78 */
    ERR_ACTION_HALT     /* stored data is not what was written: stop before harm is done */
};

/* clang-format off */
#define ERR_MAP(X)                                                                        \
    X(OK,              NONE,    "ok")                                                     \
    X(ERR_UNAVAILABLE, RETRY,   "temporarily unavailable")                                \
    X(ERR_FULL,        RETRY,   "out of room for now")                                    \
    X(ERR_FENCED,      RELEASE, "another worker owns this partition")                     \
    X(ERR_BAD_DATA,    DIVERT,  "input cannot be decoded")                                \
    X(ERR_LIMIT,       DIVERT,  "input exceeds a limit")                                  \
    X(ERR_CONFIG,      REFUSE,  "configuration is invalid")                               \
    X(ERR_ARMS,        REFUSE,  "the arms of an experiment have changed; it needs a new version") \
    X(ERR_PARTITIONS,  REFUSE,  "the topics have another number of partitions than the stored state") \
    X(ERR_MOVING,      REFUSE,  "the stored state is being moved to another number of partitions") \
    X(ERR_CORRUPT,     HALT,    "stored data cannot be read back")                        \
    X(ERR_REGRESSED,   HALT,    "the store is older than what was committed to it")       \
    X(ERR_WIPED,       HALT,    "the store has lost the partition's state")               \
    X(ERR_FOREIGN,     HALT,    "the store's state is not the one this group worked on")  \
    X(ERR_UNTOLD,      HALT,    "the group cannot tell what was published")               \
    X(ERR_TRUNCATED,   HALT,    "an input topic is not the one that was read") \
    X(ERR_REPLACED,    HALT,    "another process has this instance's name")
/* clang-format on */

enum err {
#define ERR_ENUM(name, action, text) name,
    ERR_MAP(ERR_ENUM)
#undef ERR_ENUM
        ERR__COUNT
};

const char *err_text(enum err e);
enum err_action err_action(enum err e);

#endif /* BASE_ERR_H */
