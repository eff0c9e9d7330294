/* Scalars of the language to values.
 *
 * Layer: config. Each returns false when the node is absent, no scalar, or malformed; *out is
 * written only on success, so a default stands in the caller.
 */
#ifndef CONFIG_SCALAR_H
#define CONFIG_SCALAR_H
#include "processor/config/yaml.h"

bool scalar_text(const struct yaml_node *n, struct text *out);
bool scalar_bool(const struct yaml_node *n, bool *out);
bool scalar_int(const struct yaml_node *n, int64_t *out);
bool scalar_double(const struct yaml_node *n, double *out);
bool scalar_duration(const struct yaml_node *n, int64_t *out_ms);
bool scalar_offset(const struct yaml_node *n, int64_t *out_ms); /* "+3d" */
bool scalar_money(const struct yaml_node *n, int64_t *out_units);
bool scalar_percent(const struct yaml_node *n, int64_t *out_hundredths); /* 5% is 500 */
bool scalar_size(const struct yaml_node *n, int64_t *out_bytes);
bool scalar_instant(const struct yaml_node *n, int64_t *out_ms);
bool scalar_clocks(const struct yaml_node *n, int32_t *out_from_minutes, int32_t *out_to_minutes);

/* A number with up to 40 binary places: "8.4" points. Returns: false over 2^22, or malformed. */
bool scalar_points(const struct yaml_node *n, int64_t *out_q40);

#endif /* CONFIG_SCALAR_H */
