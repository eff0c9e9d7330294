#include "processor/base/instant.h"
#include "processor/base/mem.h"
#include "processor/config/load.h"
#include "schemas/commit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define ZONE_FOLDER         "/usr/share/zoneinfo"
#define ZONE_FILE_SIZE_MAX  (64 * 1024)
#define ALLOWED_LATENESS_MS HOUR_MS
#define BOT_WAIT_MS         SECOND_MS
#define MAX_DELAY_MS        (7 * DAY_MS)
#define STALE_AFTER_MS      (72 * HOUR_MS)
#define ZONE_FOLDERS_DEEP   3

/* `room` takes one file at a time: there are hundreds of them. */
static void add_zone(struct zone_table *zones, uint8_t *room, const char *path, const char *name)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, room, ZONE_FILE_SIZE_MAX);

    if (size > 0) { /* what is no zone (tables, leap seconds) is refused by its form */
        (void)zone_table_add(zones, text_of(name), (struct bytes){ room, (size_t)size });
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

/* Every zone of the system, since customers bring their own (zone_from). */
static void add_zones(struct zone_table *zones, uint8_t *room, const char *prefix, int deep)
{
    char path[512], name[256];
    struct dirent *entry;
    struct stat found;
    DIR *dir;

    snprintf(path, sizeof(path), ZONE_FOLDER "/%s", prefix);
    dir = opendir(path);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] < 'A' || entry->d_name[0] > 'Z') {
            continue; /* posix/, right/ and the tables are in small letters */
        }
        snprintf(name, sizeof(name), "%.80s%.160s", prefix, entry->d_name);
        snprintf(path, sizeof(path), ZONE_FOLDER "/%s", name);
        if (stat(path, &found) != 0) {
            continue;
        }
        if (S_ISREG(found.st_mode)) {
            add_zone(zones, room, path, name);
        } else if (S_ISDIR(found.st_mode) && deep > 0) {
            snprintf(name, sizeof(name), "%.80s%.160s/", prefix, entry->d_name);
            add_zones(zones, room, name, deep - 1);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

void load_time(struct loader *l)
{
    const struct yaml_node *n = load_section(l, "time", YAML_MAP);
    const struct yaml_node *zone = yaml_get(n, "zone", NULL);
    struct rules *rules = l->rules;
    uint8_t *room = mem_room(ZONE_FILE_SIZE_MAX);

    add_zones(&rules->zones, room, "", ZONE_FOLDERS_DEEP);
    mem_free(room);
    rules->facts.zones = &rules->zones;
    rules->zone = zone_utc();
    if (zone != NULL && !text_is(zone->text, "UTC")) {
        rules->zone = zone_find(&rules->zones, zone->text);
        if (rules->zone == NULL) {
            problem_hint(problem_add(l->problems, zone->place, "E0160", "`%.*s` is no time zone",
                                     TEXT_PRINTF(zone->text)),
                         "a name of the IANA database, like Europe/Berlin; see " ZONE_FOLDER);
            rules->zone = zone_utc();
        }
    }
    rules->allowed_lateness_ms = load_duration(n, "allowed_lateness", ALLOWED_LATENESS_MS);
    rules->bot_wait_ms = load_duration(n, "bot_wait", BOT_WAIT_MS);
    rules->is_event_clock = text_is(load_text(n, "clock"), "event");
}

static void load_zone_from(struct loader *l)
{
    const struct yaml_node *n = yaml_get(load_section(l, "time", YAML_MAP), "zone_from", NULL);

    if (n == NULL) {
        return;
    }
    if (text_starts_with(n->text, TEXT("customer."))) {
        l->rules->zone_from =
            facts_attribute(&l->rules->facts, (struct text){ n->text.at + 9, n->text.size - 9 });
    }
    if (l->rules->zone_from == NULL && text_starts_with(n->text, TEXT("customer."))) {
        load_no_attribute(l, n, (struct text){ n->text.at + 9, n->text.size - 9 });
    } else if (l->rules->zone_from == NULL) {
        problem_add(l->problems, n->place, "E0112", "expected customer.<attribute>");
    } else if (l->rules->zone_from->type != VALUE_TEXT) {
        problem_add(l->problems, n->place, "E0161",
                    "`%.*s` is no text, and a zone is one, like Europe/Berlin",
                    TEXT_PRINTF(n->text));
    }
}

/* "3 per 7d" */
static bool parse_cap(struct text t, struct cap_plan *out)
{
    const char *per = t.size == 0 ? NULL : memmem(t.at, t.size, " per ", 5);
    int64_t count = 0;

    if (per == NULL || per == t.at || per - t.at > 6) {
        return false;
    }
    for (const char *at = t.at; at < per; at++) {
        if (*at < '0' || *at > '9') {
            return false;
        }
        count = count * 10 + (*at - '0');
    }
    out->count = (int32_t)count;
    return count > 0 &&
           instant_parse_duration((struct text){ per + 5, t.size - (size_t)(per - t.at) - 5 },
                                  &out->window_ms) &&
           out->window_ms > 0;
}

static void load_caps(struct loader *l, const struct yaml_node *n)
{
    uint32_t room = n == NULL || n->kind != YAML_LIST ? 0 : n->count;
    struct cap_plan *caps = arena_alloc(l->arena, (room + 1) * sizeof(struct cap_plan));

    for (uint32_t i = 0; i < room; i++) {
        if (parse_cap(n->items[i]->text, &caps[l->rules->cap_count])) {
            l->rules->cap_count++;
        } else {
            problem_add(l->problems, n->items[i]->place, "E0007", "expected a cap like 3 per 7d");
        }
    }
    l->rules->caps = caps;
}

/* The sequences read theirs themselves: here only that each is one. */
static void load_ceilings(struct loader *l, const struct yaml_node *n)
{
    for (uint32_t i = 0; n != NULL && n->kind == YAML_MAP && i < n->count; i++) {
        (void)load_sequence_name(l, n->keys[i], n->keys[i]->text);
    }
    if (n != NULL && n->kind == YAML_MAP && n->count > COMMIT_CEILINGS_MAX) {
        problem_add(l->problems, n->place, "E0008", "at most %d ceilings", COMMIT_CEILINGS_MAX);
    }
}

void load_limits(struct loader *l)
{
    const struct yaml_node *n = load_section(l, "limits", YAML_MAP);
    const struct yaml_node *priority = yaml_get(n, "priority", NULL);
    struct window_plan *quiet = &l->rules->quiet;
    int64_t hundredths;

    load_zone_from(l);
    load_ceilings(l, yaml_get(n, "per_minute", NULL));
    load_caps(l, yaml_get(n, "emails", NULL));
    quiet->days = 0x7f;
    quiet->is_used =
        scalar_clocks(yaml_get(n, "quiet_hours", NULL), &quiet->from_minutes, &quiet->to_minutes);
    if (scalar_percent(yaml_get(n, "holdout", NULL), &hundredths)) {
        l->rules->holdout_bucket = (uint32_t)hundredths;
    }
    l->rules->has_join_guard =
        scalar_percent(yaml_get(n, "join_guard", NULL), &l->rules->join_guard);
    l->rules->max_delay_ms = load_duration(n, "max_delay", MAX_DELAY_MS);
    l->rules->stale_after_ms = load_duration(n, "stale_after", STALE_AFTER_MS);
    load_check_distinct(l, priority);
    for (uint32_t i = 0; priority != NULL && priority->kind == YAML_LIST && i < priority->count;
         i++) {
        (void)load_sequence_name(l, priority->items[i], priority->items[i]->text);
    }
}
