/* YAML text to compiled rules and settings, or every error with its place.
 *
 * Layer: config. The only user of libfyaml (yaml.c). Source: LANGUAGE.md, all of it; section 12
 * lists the keys.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H
#include "processor/base/endpoint.h"
#include "processor/config/tests.h"
#include "processor/config/yaml.h"
#include "processor/engine/breaker.h"
#include "processor/engine/rules.h"
#include "schemas/event.h"
#include "schemas/output_format.h"

#include <stdbool.h>
#include <stdint.h>

struct property { /* of librdkafka */
    struct text name, value;
};

struct topic_config {
    struct text topic;
    bool is_json;
    struct text schema_json; /* text of `schema: FILE` for headerless Avro; absent: none */
    struct event_mapping mapping;
};

enum store_kind { STORE_KIND_NONE, STORE_KIND_MEMORY, STORE_KIND_REDIS };

enum redis_layout { REDIS_LAYOUT_SINGLE, REDIS_LAYOUT_CLUSTER, REDIS_LAYOUT_SENTINEL };

struct config {
    struct rules *rules;
    const struct yaml_node *root; /* the checked tree, for places and for what changed; its files
                                     have names, no text */
    /* kafka */
    struct text brokers; /* comma-separated; absent: no kafka section */
    const struct property *properties, *consumer_properties, *producer_properties;
    uint32_t property_count, consumer_property_count, producer_property_count;
    /* topics */
    const struct topic_config *inputs;
    uint32_t input_count;
    struct text outputs[OUTPUT_TYPE__COUNT]; /* topic by output type; absent: not configured */
    enum output_format output_formats[OUTPUT_TYPE__COUNT];
    struct breaker_plan stop_above;          /* of dead letters */
    /* state */
    enum store_kind store;
    struct text redis_host; /* redis:// */
    int32_t redis_port;
    struct text redis_socket; /* redis+unix:// : path; absent: TCP */
    int32_t redis_database;
    struct text redis_user, redis_password;
    enum redis_layout redis_layout;
    const struct endpoint *redis_nodes; /* of a cluster some, first that of redis_host; sentinels */
    uint32_t redis_node_count;
    struct text redis_master; /* its name, of sentinels */
    int64_t cache_bytes;
    int64_t commit_every_ms;
    bool is_exactly_once; /* guarantee */
    int32_t workers;
    const struct test_plan *tests;
    uint32_t test_count;
    struct text http_listen; /* "127.0.0.1:9464"; absent: none */
    struct text http_token;  /* asked for by pages with customers' data; absent: there are none */
};

/* What a command needs beyond version and app; and whether it wants to hear warnings. */
enum config_need {
    CONFIG_NEED_RULES = 0,
    CONFIG_NEED_KAFKA = 1,
    CONFIG_NEED_STATE = 2,
    CONFIG_NEED_TOPICS = 4,
    CONFIG_NEED_WARNINGS = 8,
    CONFIG_NEED_NOTES = 16 /* also W08xx: worth a look */
};

struct config_override {
    struct text path, value;
}; /* --set a.b=value */

/* Read one file, or a folder's *.yaml merged. Errors: ERR_CONFIG, all of them in *problems;
 * ERR_UNAVAILABLE the file cannot be read (said in *problems too). Owner: the caller: config_free,
 * config_problems_fini. */
enum err config_load(const char *path, int needs, const struct config_override *overrides,
                     uint32_t override_count, struct config **out_config,
                     struct config_problems *problems);
/* The same from memory, for tests and fuzzing; `name` stands for the file. */
enum err config_load_text(struct text yaml, const char *name, int needs,
                          const struct config_override *overrides, uint32_t override_count,
                          struct config **out_config, struct config_problems *problems);
void config_free(struct config *c);

/* The value below `root` at "a.b.c", where keys have no dots; NULL: none. out_key may be NULL. */
const struct yaml_node *config_find(const struct config *c, struct text path,
                                    const struct yaml_node **out_key);

/* Experiments of `is` whose arms (or slot) differ from those of the same version in `was`: they
 * need a new version. cursor starts at 0; NULL at the end. */
const struct experiment_plan *experiments_changed(const struct rules *was, const struct rules *is,
                                                  uint32_t *cursor);

#endif /* CONFIG_CONFIG_H */
