/* What the loaders share: each reads one part of a checked tree into the rules or the settings.
 *
 * Layer: config. Order matters and is config.c's: names before the predicates that use them.
 */
#ifndef CONFIG_LOAD_H
#define CONFIG_LOAD_H
#include "processor/config/config.h"
#include "processor/config/keys.h"
#include "processor/config/scalar.h"

struct loader {
    struct config *config;
    struct rules *rules;
    struct arena *arena; /* of the rules */
    struct config_problems *problems;
    const struct yaml_node *root;
    int needs;
    struct predicate_names names;
    const struct channel_plan **channels; /* of content, in order; owner: arena */
    uint32_t channel_count;
};

/* One part each. Malformed values were reported by keys_check_map; these report what they mean. */
void load_time(struct loader *l);
void load_facts(struct loader *l);    /* currency attributes remember filters scores */
void load_segments(struct loader *l); /* also the names that predicates may use */
void load_content(struct loader *l);
void load_sequences(struct loader *l); /* send_if too */
void load_limits(struct loader *l);
void load_topics(struct loader *l);
void load_process(struct loader *l); /* kafka state workers http */
void load_tests(struct loader *l);

/* Values of declared attributes, as in `set`. */
void load_attribute_values(struct loader *l, const struct yaml_node *map, struct at_end_plan *out);

/* Part of load_facts: names and predicates over r, f and m. Returns: false, and every gap and
 * overlap is reported. */
bool load_rfm_map(struct loader *l, const struct yaml_node *key, const struct yaml_node *map);

/* Experiments in two parts: arms before the predicates that draw them (load_segments), the rest
 * once filters and slots are known. */
void load_arms(struct loader *l);
void load_experiments(struct loader *l);
/* The experiment that an email names. Returns: NULL, and the error is reported at n. */
const struct experiment_plan *load_experiment_name(struct loader *l, const struct yaml_node *n);

/* A kind of event, or a declared filter (returned; NULL: a kind, or an error that is reported). */
const struct filter_plan *load_event_name(struct loader *l, const struct yaml_node *n);

/* Part of load_content: whether a key names the segment of a row; a rung may go by either name. */
bool load_is_row(const struct loader *l, const struct content_row *row, struct text name);

/* n names no attribute: reported with those there are. */
void load_no_attribute(struct loader *l, const struct yaml_node *n, struct text name);

/* Part of load_sequences. */
void load_email(struct loader *l, const struct yaml_node *n, struct email_plan *e);
/* Slots of the email channel whose name is a key of emails are reported. */
void load_check_slot_names(struct loader *l, const struct yaml_node *slots);
/* n names no email `id` of the sequence: reported with those it has. */
void load_no_email(struct loader *l, const struct yaml_node *n, struct text id,
                   const struct sequence_plan *s);
void load_branches(struct loader *l, const struct yaml_node *sequence, struct sequence_plan *s);
/* A sequence by name, among those of the file, loaded or not. Returns: UINT32_MAX, and the error is
 * reported at n. */
uint32_t load_sequence_name(struct loader *l, const struct yaml_node *n, struct text id);
uint32_t load_sequence_index(const struct loader *l, struct text id); /* the same, silently */

/* A section of the file; NULL: not there, or not of that kind (which was reported). */
const struct yaml_node *load_section(const struct loader *l, const char *name, enum yaml_kind kind);

/* NULL: no node, or an error that is reported. */
const struct predicate *load_predicate(struct loader *l, const struct yaml_node *n,
                                       enum predicate_scope scope);

/* The same over another plan and other names (NULL: none). */
const struct predicate *load_predicate_over(struct loader *l, struct facts_plan *plan,
                                            const struct predicate_names *names,
                                            const struct yaml_node *n, enum predicate_scope scope);

/* The texts of a scalar or list; count 0 for no node. Owner: the arena. */
const struct text *load_texts(struct loader *l, const struct yaml_node *n, uint32_t *out_count);
const struct yaml_node *load_item(const struct yaml_node *n, uint32_t i); /* of such a node */

struct text load_text(const struct yaml_node *map, const char *key); /* absent: none */
int64_t load_duration(const struct yaml_node *map, const char *key, int64_t otherwise_ms);

/* A segment or rung by name. Returns: false, and the error is reported. */
bool load_segment_name(struct loader *l, const struct yaml_node *n, uint32_t *out_key,
                       uint32_t *out_rung);

/* Reports two of these names that have one 32-bit key: records tell them apart by it. */
void load_check_keys(struct loader *l, struct yaml_node *const *names, uint32_t count);

/* Reports names of a list that stand there twice, with both places. */
void load_check_distinct(struct loader *l, const struct yaml_node *list);

/* Letters, digits, _ and -, starting with a letter; at most 64. Reports what is not. */
bool load_check_id(struct loader *l, const struct yaml_node *n, const char *what);

#endif /* CONFIG_LOAD_H */
