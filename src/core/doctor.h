/* doctor.h - what is wrong with the network of jails and of the host under them: facts in, findings out. Pure. */
#ifndef IOCAGE_CORE_DOCTOR_H
#define IOCAGE_CORE_DOCTOR_H

#include "core/jail.h"
#include "core/kept.h"
#include "core/survey.h"

struct doctor_jail {
	const struct jail *jail;
	bool running;
	unsigned jid;
	const struct survey *inside; /* VNET and running, else NULL */
	bool rules_gone; /* rules of the packet filter that its start made are not there */
	const struct kept_list *kept; /* what other programs took from it, NULL: nothing */
	const char **kept_by; /* who may have: for each of them, "" when nobody is known */
	bool gave_up; /* it ended so often that it is not started again */
	const char *resolv; /* its etc/resolv.conf, NULL: it could not be read */
};

/* What `doctor --fix` can do about a finding by itself. */
enum doctor_mend { MEND_NOTHING, MEND_ALIAS, MEND_BRIDGE_UP, MEND_RULES };

struct finding {
	const char *id; /* which check: static */
	const char *jail; /* "" = the host; borrowed from the model */
	char *what, *fix; /* what is wrong and how it was seen; the command that mends it. Owned */
	bool note; /* it may be as it should: that cannot be seen from here */
	enum doctor_mend mend;
	char link[IFNAME_CAP]; /* MEND_*: what it is about */
	struct ipaddr addr; /* of MEND_ALIAS; the network of a note */
};

struct findings {
	struct finding *v;
	size_t n, cap;
	bool failed; /* out of memory */
};

/* Run every check. only: findings about this jail and about what it uses alone; NULL: all. -ENOMEM. */
must_check int doctor_examine(const struct doctor_jail *jails, size_t n, const struct survey *host, const char *only,
                              struct findings *ret, struct err *e);
void findings_done(struct findings *f);

#endif
