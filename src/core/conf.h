/* conf.h - a jail's configuration as values: its own over the defaults over the built-in ones. Pure. */
#ifndef IOCAGE_CORE_CONF_H
#define IOCAGE_CORE_CONF_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "core/prop.h"

struct conf_extra { /* dynamic keys, e.g. vnet7_mac */
	char *key, *value;
};

/* One layer: only what is set there. Owns its strings; zero-initialised is empty. */
struct conf_layer {
	char *val[PROP__COUNT];
	struct conf_extra *extra;
	size_t nextra;
};

struct conf {
	struct conf_layer own; /* config.json */
	struct conf_layer base; /* defaults.json */
};

void conf_layer_done(struct conf_layer *l);
void conf_done(struct conf *c);

/* Effective value, never NULL. */
const char *conf_get(const struct conf *c, enum prop_id id);
bool conf_true(const struct conf *c, enum prop_id id);
/* By key, dynamic keys included; NULL when there is no such property. */
const char *conf_get_key(const struct conf *c, const char *key);

/* Put a checked value into a layer (copied); value NULL removes it. 0 or -ENOMEM; -ENOENT: no such property. */
must_check int conf_layer_set(struct conf_layer *l, const char *key, const char *value);

/* Rules that join several properties ("X: dhcp requires vnet!"), one per line in e; 0 when all hold. */
must_check int conf_check_joint(const struct conf *c, const char *jail, struct err *e);

/*
 * What `create` switches on by itself (dhcp requires vnet, ...). Appends one warning text per change to warnings.
 */
must_check int conf_enable_required(struct conf *c, struct strv *warnings, struct err *e);

/*
 * Names of properties whose effective value differs from the built-in one and that this build does not carry out
 * (PF_NOLINUX, PF_LATER; sysv* = inherit), appended to names. Returns how many; for one notice at start.
 */
size_t prop_nolinux_changed(const struct conf *c, struct strv *names);

/* Is the name fit for a jail: ^[A-Za-z0-9][A-Za-z0-9._-]*$, at most 64 characters, not ALL, default or help. */
must_check int jail_name_check(const char *name, struct err *e);

#endif
