/* doctor_filter.h - what packet filters of other programs do to what jails send. */
#ifndef IOCAGE_CLI_DOCTOR_FILTER_H
#define IOCAGE_CLI_DOCTOR_FILTER_H

#include "core/jail.h"
#include "core/survey.h"

struct filter_ask {
	const struct jail *jails; /* a rule that accepts on an interface of theirs is meant for them */
	size_t n;
	char *drop; /* holds what host->forward_drop points to */
	size_t cap;
};

/* Sets forward_drop, drop_is_old and translates of the host's survey. A filter that cannot be asked has no rules. */
void doctor_ask_filter(const struct filter_ask *a, struct survey *host);

#endif
