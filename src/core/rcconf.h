/* rcconf.h - rc.conf and sysctl.conf as FreeBSD writes them, read as text and never executed. Pure. */
#ifndef IOCAGE_CORE_RCCONF_H
#define IOCAGE_CORE_RCCONF_H

#include <stddef.h>

#include "base/err.h"

/* One assignment, with where it stands. value is what a shell would have assigned. */
struct rcvar {
	char *key, *value, *file;
	unsigned line; /* from 1; the line the assignment begins on */
};

/* In the order of their first appearance; of several assignments to one name the last one counts. Owns its strings. */
struct rcvars {
	struct rcvar *v;
	size_t n, cap;
};

/*
 * rc.conf(5): NAME=VALUE lines with the quoting of sh(1): '...', "...", backslash, # comments. Anything else a shell
 * could do ($, `, +=, ;, commands) is an error that names file and line. Appends to ret.
 */
must_check int rcconf_parse(const char *text, const char *file, struct rcvars *ret, struct err *e);

/* sysctl.conf(5): name=value lines and # comments. Appends to ret. */
must_check int sysctlconf_parse(const char *text, const char *file, struct rcvars *ret, struct err *e);

/* NULL: not set. */
const struct rcvar *rcvars_get(const struct rcvars *vars, const char *key);
void rcvars_done(struct rcvars *vars);

#endif
