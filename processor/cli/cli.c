#include "processor/cli/cli.h"

#include "processor/base/instant.h"

#include <errno.h>
#include <stdlib.h>

#define PARTITIONS_MAX 100000

enum exit_code cli_load(const char *path, int needs, const struct cli_overrides *overrides,
                        struct config **out_config)
{
    struct config_problems problems = { 0 };
    enum err error = config_load(path, needs, overrides == NULL ? NULL : overrides->items,
                                 overrides == NULL ? 0 : overrides->count, out_config, &problems);

    config_problems_print(&problems, stderr);
    config_problems_fini(&problems);
    return error == OK ? EXIT_GOOD : EXIT_BAD_CONFIG;
}

bool cli_override(struct cli_overrides *overrides, const char *argument)
{
    const char *equals = strchr(argument, '=');

    if (equals == NULL || equals == argument || overrides->count == OVERRIDES_MAX) {
        return false;
    }
    overrides->items[overrides->count++] =
        (struct config_override){ { argument, (size_t)(equals - argument) }, text_of(equals + 1) };
    return true;
}

bool cli_instant(const char *argument, int64_t *out_ms)
{
    char *end = NULL;
    long long value;

    if (instant_parse(text_of(argument), out_ms)) {
        return true;
    }
    errno = 0;
    value = strtoll(argument, &end, 10);
    if (errno != 0 || end == argument || *end != '\0' || value < INSTANT_MIN ||
        value > INSTANT_MAX) {
        return false;
    }
    *out_ms = value;
    return true;
}

bool cli_partitions(const char *argument, int32_t *out_count)
{
    char *end = NULL;
    long number = strtol(argument, &end, 10);

    if (end == argument || *end != '\0' || number < 1 || number > PARTITIONS_MAX) {
        return false;
    }
    *out_count = (int32_t)number;
    return true;
}
