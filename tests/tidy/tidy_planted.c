/* DESIGN. A rule that never fires proves nothing. Each case is a tree of one file (and the READMEs
 * it needs) in a folder of its own; the report must be one finding at the right line, or none for
 * what only looks like a fault.
 */
#include "tests/tidy/tidy.h"

#include "processor/base/check.h"
#include "processor/base/mem.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define GUARD(name) "#ifndef " name "\n#define " name "\n"

struct planted {
    const char *path;
    const char *content;
    const char *finding; /* the report begins with it; NULL: nothing to be found */
};

static const struct planted faults[] = {
    /* layers */
    { "processor/base/a.c", "#include \"schemas/b.h\"\n",
      "processor/base/a.c:1: schemas/b.h is in" },
    { "segmenters/a.c", "\n  #  include \"processor/engine/b.h\"\n",
      "segmenters/a.c:2: processor/" },
    { "sinks/a.c", "#include \"processor/engine/b.h\"\n", "sinks/a.c:1: engine and sinks do not" },
    { "processor/engine/a.c", "#include \"sinks/b.h\"\n", "processor/engine/a.c:1: engine and" },
    { "processor/report/a.c", "#include \"processor/runtime/b.h\"\n",
      "processor/report/a.c:1: report does not" },
    { "processor/cli/a.c", "#include \"tests/support/b.h\"\n", "processor/cli/a.c:1: tests/" },
    { "schemas/a.c", "#include \"b.h\"\n", "schemas/a.c:1: \"b.h\" is not a path" },
    { "processor/cli/a.c", "#include \"processor/base/b.h\"\n", NULL },
    { "tests/unit/a.c", "#include \"processor/cli/b.h\"\n#include <avro.h>\n", NULL },
    /* headers of others */
    { "schemas/event.c", "#include <avro.h>\n", "schemas/event.c:1: <avro.h> does not belong" },
    { "schemas/avro_more.c", "#include <avro.h>\n#include <jansson.h>\n", NULL },
    { "sinks/a.c", "#include <librdkafka/rdkafka.h>\n",
      "sinks/a.c:1: <librdkafka/rdkafka.h> does" },
    { "sinks/kafka_client.h",
      GUARD("SINKS_KAFKA_CLIENT_H") "#include <librdkafka/rdkafka.h>\n#endif\n", NULL },
    { "sinks/redis_link.c", "#include <hiredis/hiredis.h>\n#include <hiredis/sds.h>\n",
      "sinks/redis_link.c:2: <hiredis/sds.h> is in more than 1 files" },
    { "processor/config/yaml.c", "#include <libfyaml.h>\n#include <xxhash.h>\n",
      "processor/config/yaml.c:2: <xxhash.h>" },
    { "processor/base/map.c", "#include <math.h>\n", "processor/base/map.c:1: <math.h> does not" },
    { "segmenters/a.c", "#include <stdio.h>\n", "segmenters/a.c:1: <stdio.h> does not belong" },
    { "processor/base/bytes.c", "#include <stdio.h>\n", NULL },
    /* calls */
    { "sinks/a.c", "int x = sprintf(a);\n", "sinks/a.c:1: sprintf is banned" },
    { "schemas/a.c", "\n\nx = malloc (1);\n", "schemas/a.c:3: malloc: memory comes" },
    { "processor/base/mem.c", "x = malloc(1);\n", NULL },
    { "sinks/a.c", "free(json);\n", "sinks/a.c:1: free: memory" },
    { "sinks/a.c", "free(json); /* tidy: library memory */\n", NULL },
    { "processor/runtime/a.c", "usleep(5);\n", "processor/runtime/a.c:1: usleep is banned" },
    { "processor/engine/a.c", "log_line(1);\n", "processor/engine/a.c:1: log_line: this layer" },
    { "processor/engine/a.c", "world->open(1); w.time(2); reopen(3); int open;\n", NULL },
    { "processor/cli/a.c", "printf(\"x\");\n", NULL },
    { "processor/cli/a.c", "/* strcpy(a, b) */ x = \"rand() \\\" rand()\"; // atoi(a)\n", NULL },
    { "processor/cli/a.c", "/* it's */ x = '\"'; y = '\\''; atoi(x);\n",
      "processor/cli/a.c:1: atoi" },
    /* words and guards */
    { "schemas/a.c",
      "/* \n TO"
      "DO: more */\n",
      "schemas/a.c:2: TO"
      "DO: finish it" },
    { "schemas/a.c",
      "x = \"FIX"
      "ME\"; y = HACKS;\n",
      NULL },
    { "schemas/a.h", "/* x */\nint x;\n", "schemas/a.h:2: expected `#ifndef SCHEMAS_A_H`" },
    { "processor/base/a_b.h", GUARD("BASE_A_H"),
      "processor/base/a_b.h:1: expected `#ifndef BASE_A_B" },
    { "processor/base/a_b.h", "/* x */\n" GUARD("BASE_A_B_H") "#endif\n", NULL },
    { "tests/support/a.h", "/* nothing */\n",
      "tests/support/a.h:1: no include guard TESTS_SUPPORT" },
    /* pages */
    { "sinks/more.md", "x\n[a](../schemas/b.md#c)\n",
      "sinks/more.md:2: a link to ../schemas/b.md" },
    { "sinks/more.md",
      "[a](README.md#b) [b](#c) [c](https://example.org/x) `[d](e)`\n```\n[f](g)\n```\n", NULL },
    { "README.md", "[a](sinks)\n", "README.md:1: a link to sinks" },
};

static void make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        CHECK(mkdir(path, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
}

static void write_file(const char *root, const char *path, struct text content)
{
    char full[512];
    FILE *file;

    (void)snprintf(full, sizeof(full), "%s/%s", root, path);
    make_folders(full);
    file = fopen(full, "we");
    CHECK(file != NULL && fwrite(content.at, 1, content.size, file) == content.size);
    CHECK(fclose(file) == 0);
}

/* A README for every folder on the way to the file. */
static void write_readmes(const char *root, const char *path)
{
    char name[256];

    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        (void)snprintf(name, sizeof(name), "%.*s/README.md", (int)(slash - path), path);
        write_file(root, name, TEXT("# here\n"));
    }
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

/* Returns: 1 when the report is not as expected. */
static unsigned plant(const char *path, struct text content, bool has_readmes, const char *finding)
{
    char root[] = "/tmp/segstream_tidy_XXXXXX"; /* a pattern for mkdtemp */
    struct tidy t = { .file_count = 0 };
    struct text report;
    bool is_good;

    CHECK(mkdtemp(root) != NULL);
    write_file(root, path, content);
    if (has_readmes) {
        write_readmes(root, path);
    }
    tidy_tree(&t, root);
    report = (struct text){ (const char *)t.report.at, t.report.size };
    is_good = finding == NULL ? t.finding_count == 0
                              : t.finding_count == 1 && text_starts_with(report, text_of(finding));
    if (!is_good) {
        (void)printf("%s: expected %s, reported %.*s\n", path,
                     finding == NULL ? "nothing" : finding, TEXT_PRINTF(report));
    }
    tidy_fini(&t);
    CHECK(nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
    return is_good ? 0 : 1;
}

/* `count` lines, behind a head and before a tail. */
static unsigned plant_lines(const char *path, const char *head, unsigned count, const char *line,
                            const char *tail, const char *finding)
{
    struct bytes_out content = { NULL, 0, 0 };
    unsigned wrong;

    bytes_put_format(&content, "%s", head);
    for (unsigned i = 0; i < count; i++) {
        bytes_put_format(&content, "%s", line);
    }
    bytes_put_format(&content, "%s", tail);
    wrong = plant(path, (struct text){ (const char *)content.at, content.size }, true, finding);
    bytes_out_fini(&content);
    return wrong;
}

unsigned tidy_find_planted_faults(void)
{
    unsigned wrong = 0;

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        wrong += plant(faults[i].path, text_of(faults[i].content), true, faults[i].finding);
    }
    wrong += plant_lines("schemas/a.c", "int f(void)\n{\n", 68, "    x++;\n", "}\n", NULL);
    wrong += plant_lines("schemas/a.c", "int f(void)\n{\n", 69, "    x++;\n", "}\n",
                         "schemas/a.c:2: a function of 71 lines");
    wrong += plant_lines("sinks/a.c", "", 600, "int a;\n", "", NULL);
    wrong += plant_lines("sinks/a.c", "", 601, "int a;\n", "", "sinks/a.c:601: a file of more");
    wrong += plant_lines("sinks/a.c", "/*", 96, "\xc3\xa4", "*/\n", NULL);
    wrong += plant_lines("sinks/a.c", "\n/*", 97, "\xc3\xa4", "*/\n", "sinks/a.c:2: 101 columns");
    wrong += plant_lines("sinks/a.c",
                         "/* clang-format o"
                         "ff */\n",
                         120, "+", "\n", NULL);
    wrong += plant("deploy/x.yaml", TEXT("x\n"), false, "deploy/README.md:0: the folder has no");
    wrong += plant("tests/x/a.c", TEXT("int a;\n"), true, NULL);
    (void)printf("%u planted faults not found as expected\n", wrong);
    return wrong;
}
