/* config_json.h - between a configuration layer and the JSON document it is kept in. */
#ifndef IOCAGE_STORE_CONFIG_JSON_H
#define IOCAGE_STORE_CONFIG_JSON_H

#include <jansson.h>

#include "core/conf.h"

/* Parse one object, owned by the caller; NULL with where and why in e's message, "PATH:LINE:COLUMN: reason". */
json_t *config_json_parse(const char *text, size_t len, const char *path, struct err *e);

/* Value as text, the form properties have; anything that is no plain value as compact JSON. NULL: out of memory. */
char *config_json_text(const json_t *v);

/* All known keys of doc into the empty layer, old spellings repaired. */
must_check int config_json_to_layer(json_t *doc, struct conf_layer *l, struct err *e);

/* A copy of doc (NULL: an empty one) with the known keys as the layer has them; owned by the caller. */
must_check int config_json_from_layer(json_t *doc, const struct conf_layer *l, json_t **ret, struct err *e);

#endif
