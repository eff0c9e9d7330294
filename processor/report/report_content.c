#include "processor/report/report.h"

#include <stdlib.h>

/* content/<slot>/<content>/<segment>/sent: a content's id may hold '/', the others not. */
static bool read_name(struct text name, struct report_content *out)
{
    const struct text first = TEXT("content/"), last = TEXT("/sent");
    const char *at = name.at + first.size, *end = name.at + name.size - last.size, *slash;

    if (name.size < first.size + last.size || !text_starts_with(name, first) ||
        !text_ends_with(name, last)) {
        return false;
    }
    slash = memchr(at, '/', (size_t)(end - at));
    if (slash == NULL) {
        return false;
    }
    out->slot = (struct text){ at, (size_t)(slash - at) };
    at = slash + 1;
    slash = memrchr(at, '/', (size_t)(end - at));
    if (slash == NULL) {
        return false;
    }
    out->id = (struct text){ at, (size_t)(slash - at) };
    out->segment = (struct text){ slash + 1, (size_t)(end - slash - 1) };
    return true;
}

static int compare(const void *left, const void *right)
{
    const struct report_content *a = left, *b = right;
    int order = text_compare(a->slot, b->slot);

    order = order != 0 ? order : text_compare(a->segment, b->segment);
    return order != 0 ? order : text_compare(a->id, b->id);
}

static int64_t count_of(const struct report *r, const struct report_content *c, const char *what)
{
    return tally_period(r->tally, (struct tally_name){ { TEXT("content"), c->slot, c->id,
                                                         c->segment, text_of(what) } });
}

struct report_content *report_content_list(const struct report *r, struct arena *arena,
                                           uint32_t *out_count)
{
    const struct map *names = &r->tally->now.by_name;
    struct report_content *all = arena_alloc(arena, (names->count + 1) * sizeof(*all));
    const struct counter *one;
    uint32_t count = 0;
    size_t cursor = 0;

    while ((one = map_next(names, &cursor)) != NULL) {
        struct report_content c = { .sent = 0 };

        if (read_name(one->name, &c)) {
            c.sent = count_of(r, &c, "sent");
            c.opened = count_of(r, &c, "opened_not_clicked");
            c.clicked = count_of(r, &c, "clicked_not_converted");
            c.converted = count_of(r, &c, "converted");
            all[count++] = c;
        }
    }
    if (count > 0) {
        qsort(all, count, sizeof(*all), compare);
    }
    *out_count = count;
    return all;
}

void report_content(const struct report *r)
{
    uint32_t count;
    struct report_content *all = report_content_list(r, &r->document->arena, &count);
    struct section *s;

    if (count == 0) {
        return;
    }
    s = document_section(r->document, "content", TEXT("Content by slot and segment"));
    section_column(s, "slot", "slot", false);
    section_column(s, "segment", "segment", false);
    section_column(s, "content", "content", false);
    section_column(s, "sent", "sent", true);
    section_column(s, "opened", "opened only", false);
    section_column(s, "clicked", "clicked", false);
    section_column(s, "converted", "converted", false);
    section_column(s, "engaged_rate", "clicked or converted", true);
    for (uint32_t i = 0; i < count; i++) {
        section_text(s, all[i].slot);
        section_text(s, all[i].segment);
        section_text(s, all[i].id);
        section_count(s, all[i].sent);
        section_count(s, all[i].opened);
        section_count(s, all[i].clicked);
        section_count(s, all[i].converted);
        section_rate(s, all[i].clicked + all[i].converted, all[i].sent);
    }
    section_note(
        r->document, s,
        "a segment is the first of `resolve` that the customer was in; which content works "
        "better is for an experiment to say: who gets which is no accident here");
}
