/* DESIGN. A frame is two blocks of lines, segments and funnels, side by side when the terminal is
 * wide enough, then the latest triggers in as many lines as are left. The cursor goes up over the
 * last frame instead of clearing, so nothing flickers; auto-wrap is off while drawing, so a narrow
 * terminal cuts lines instead of moving them.
 */
#include "processor/cli/demo_view_parts.h"

#include <sys/ioctl.h>
#include <unistd.h>

#define BAR_WIDTH      16
#define LEFT_WIDTH     46 /* columns of the segments */
#define BOTH_WIDTH     106
#define JSON_LINES_MAX 16

static void draw_ladder(const struct demo_view *v, uint32_t place, struct bytes_out *to)
{
    static const char bar[] = "################";
    const struct segment_plan *s = &v->rules->segments.segments[place];
    int64_t most = 1;

    for (uint32_t r = 0; r < s->rung_count; r++) {
        most = v->members[place][r] > most ? v->members[place][r] : most;
    }
    bytes_put_format(to, "%.*s\n", TEXT_PRINTF(s->id));
    for (uint32_t r = 0; r < s->rung_count; r++) {
        int64_t members = v->members[place][r];

        if (s->is_from_rfm && members == 0) {
            continue; /* thirteen names: show those that somebody has */
        }
        bytes_put_format(to, "  %-18.*s %6lld  \033[36m%.*s\033[0m\n",
                         TEXT_PRINTF(s->rungs[r].name), (long long)members,
                         (int)(members * BAR_WIDTH / most), bar);
    }
}

static void draw_segments(const struct demo_view *v, struct bytes_out *to)
{
    for (uint32_t i = 0; i < v->rules->segments.count; i++) {
        const struct segment_plan *s = &v->rules->segments.segments[i];

        if (s->is_ladder) {
            draw_ladder(v, i, to);
        } else {
            bytes_put_format(to, "%-20.*s %6lld  %s\n", TEXT_PRINTF(s->id),
                             (long long)v->members[i][0], dimension_name(s->dimension));
        }
    }
}

void demo_screen_sequence(const struct demo_view *v, uint32_t place, struct bytes_out *to)
{
    const struct sequence_plan *s = &v->rules->sequences[place];
    const int64_t *run = v->runs[place];

    bytes_put_format(to, "%s%.*s%s: %lld entered, %lld converted, %lld moved, %lld completed\n",
                     v->is_screen ? "\033[1m" : "", TEXT_PRINTF(s->id),
                     v->is_screen ? "\033[0m" : "", (long long)run[OUTCOME_ENTERED],
                     (long long)run[OUTCOME_CONVERTED], (long long)run[OUTCOME_MOVED],
                     (long long)run[OUTCOME_COMPLETED]);
    bytes_put_format(to, "  %-12s %5s %5s | %8s %8s %8s %9s\n", "email", "sent", "again", "nothing",
                     "opened", "clicked", "converted");
    for (uint32_t i = 0; i < s->email_count; i++) {
        const struct email_counts *c = &v->emails[place][i];

        bytes_put_format(to, "  %-12.*s %5lld %5lld | %8lld %8lld %8lld %9lld\n",
                         TEXT_PRINTF(s->emails[i].id), (long long)c->sent, (long long)c->again,
                         (long long)c->outcomes[OUTCOME_NO_ENGAGEMENT],
                         (long long)c->outcomes[OUTCOME_OPENED_NOT_CLICKED],
                         (long long)c->outcomes[OUTCOME_CLICKED_NOT_CONVERTED],
                         (long long)c->outcomes[OUTCOME_CONVERTED]);
    }
}

static void draw_sequences(const struct demo_view *v, struct bytes_out *to)
{
    for (uint32_t i = 0; i < v->rules->sequence_count; i++) {
        if (i > 0) {
            bytes_put_format(to, "\n");
        }
        demo_screen_sequence(v, i, to);
    }
}

struct frame {
    struct demo_view *view;
    uint32_t rows, columns; /* of the terminal */
};

static bool has_room(const struct frame *f)
{
    return f->view->lines + 1 < f->rows;
}

static void end_line(const struct frame *f)
{
    (void)fputs("\033[K\n", f->view->to);
    f->view->lines++;
}

/* The next line of a block, without its end. */
static void put_line(const struct frame *f, struct bytes *block)
{
    const uint8_t *end = block->size == 0 ? NULL : memchr(block->at, '\n', block->size);

    if (end != NULL) {
        size_t size = (size_t)(end - block->at);

        (void)fwrite(block->at, 1, size, f->view->to);
        *block = (struct bytes){ end + 1, block->size - size - 1 };
    }
}

static void put_blocks(const struct frame *f, struct bytes left, struct bytes right)
{
    bool is_wide = f->columns >= BOTH_WIDTH;

    while (has_room(f) && (left.size > 0 || (is_wide && right.size > 0))) {
        put_line(f, &left);
        if (is_wide) {
            (void)fprintf(f->view->to, "\033[K\033[%dG", LEFT_WIDTH);
            put_line(f, &right);
        }
        end_line(f);
    }
    while (has_room(f) && right.size > 0) {
        put_line(f, &right);
        end_line(f);
    }
}

static void put_triggers(const struct frame *f)
{
    const struct demo_view *v = f->view;
    uint64_t width = f->columns > 20 ? f->columns - 4 : 16, known = v->recent_count;
    uint64_t json_lines = v->latest.size / width + 1;

    for (uint64_t i = 0; has_room(f) && i < DEMO_RECENT_TRIGGERS && i < known; i++) {
        (void)fprintf(v->to, "%s  %s", i == 0 ? "\033[1mlatest triggers\033[0m" : "               ",
                      v->recent[(known - 1 - i) % DEMO_RECENT_TRIGGERS]);
        end_line(f);
    }
    if (known == 0 || json_lines > JSON_LINES_MAX || v->lines + 2 + json_lines > f->rows) {
        return;
    }
    for (size_t at = 0; at + 1 < v->latest.size; at += width) {
        size_t left = v->latest.size - 1 - at; /* without the newline */

        (void)fprintf(v->to, "  \033[2m%.*s\033[0m", (int)(left < width ? left : width),
                      (const char *)v->latest.at + at);
        end_line(f);
    }
}

void demo_screen_draw(struct demo_view *v, const struct demo_status *status, const char *date,
                      int64_t day)
{
    struct winsize size = { 0 };
    struct frame f = { v, 24, 80 };
    struct bytes_out left = { 0 }, right = { 0 };

    if (ioctl(fileno(v->to), TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
        f.rows = size.ws_row;
        f.columns = size.ws_col;
    }
    (void)fputs("\033[?7l", v->to);
    if (v->lines > 0) {
        (void)fprintf(v->to, "\033[%uA", v->lines < f.rows ? v->lines : f.rows - 1);
    }
    v->lines = 0;
    (void)fprintf(
        v->to, "\033[1msegstream demo\033[0m   day %lld of %lld, %s   %u shoppers, seed %llu   %s",
        (long long)day, (long long)status->days, date, status->shoppers,
        (unsigned long long)status->seed,
        status->is_catching_up ? "finishing: reading what is left" : "Ctrl-C ends it");
    end_line(&f);
    (void)fprintf(v->to,
                  "events %lld (%.0f/s)   triggers %lld   membership changes %lld   outcomes %lld  "
                  " dead letters %lld",
                  (long long)status->events, status->events_per_second,
                  (long long)v->counts[OUTPUT_TRIGGER], (long long)v->counts[OUTPUT_MEMBERSHIP],
                  (long long)v->counts[OUTPUT_OUTCOME], (long long)v->counts[OUTPUT_DEAD_LETTER]);
    end_line(&f);
    end_line(&f);
    draw_segments(v, &left);
    draw_sequences(v, &right);
    put_blocks(&f, bytes_out_view(&left), bytes_out_view(&right));
    bytes_out_fini(&left);
    bytes_out_fini(&right);
    if (has_room(&f)) {
        end_line(&f);
    }
    put_triggers(&f);
    (void)fputs("\033[J\033[?7h", v->to);
}
