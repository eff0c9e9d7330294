#include "processor/engine/takeover.h"

/* Written before any commit: it knows no state and nothing published. */
static bool is_blank(const struct mark *m)
{
    return m == NULL || (m->covered.version == 0 && m->published == 0);
}

/* The mark covers what the store does not have, or has from somebody else. */
static bool is_ahead(const struct mark *m, const struct partition_state *s)
{
    return m->published > s->outbox_last || m->covered.version > s->guard.version ||
           (m->covered.version == s->guard.version && m->covered.epoch != s->guard.epoch);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static enum err judge_new(const struct takeover_case *c, struct takeover *out)
{
    if (!is_blank(c->mark)) {
        return ERR_WIPED;
    }
    *out = (struct takeover){ .lineage = c->mark == NULL ? c->lineage_new : c->mark->lineage };
    return OK;
}

enum err takeover_judge(const struct takeover_case *c, struct takeover *out_takeover)
{
    const struct partition_state *s = c->state;
    const struct mark *m = c->is_volatile ? NULL : c->mark;
    struct takeover t;

    if (s == NULL) {
        return judge_new(&(struct takeover_case){ .mark = m, .lineage_new = c->lineage_new },
                         out_takeover);
    }
    t = (struct takeover){ .lineage = s->lineage, .published = s->outbox_trimmed };
    if (c->is_volatile) {
        /* the group's mark is of another process' memory */
    } else if (m == NULL || (is_blank(m) && m->lineage != s->lineage)) { /* the group was reset */
        if (c->is_exactly_once && s->outbox_last > s->outbox_trimmed) {
            return ERR_UNTOLD;
        }
        t.is_mark_wrong = true;
    } else if (m->lineage != s->lineage) {
        return ERR_FOREIGN;
    } else if (is_ahead(m, s)) {
        if (c->is_exactly_once) {
            return ERR_REGRESSED;
        }
        t.is_mark_wrong = t.is_repeating = true;
    } else {
        t.published = later(m->published, s->outbox_trimmed);
    }
    *out_takeover = t;
    return OK;
}
