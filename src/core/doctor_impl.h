/* doctor_impl.h - between the files that hold the checks of `doctor`; nobody else includes it. */
#ifndef IOCAGE_CORE_DOCTOR_IMPL_H
#define IOCAGE_CORE_DOCTOR_IMPL_H

#include "core/doctor.h"

/* The host's end of a jail's NIC. */
struct sv_end {
	const struct doctor_jail *d;
	const struct jnic *nic;
};

struct ward {
	const struct doctor_jail *jails;
	size_t n;
	const struct survey *host;
	const char *only;
	struct findings *f;
	struct sv_end *ends; /* of host->links, in their order; d NULL: of no running jail */
};

/* Takes what and fix. NULL: out of memory, or not asked for. */
struct finding *doctor_find(struct ward *w, const char *id, const char *jail, char *what, char *fix);
/* The same for what may be as it should: it does not change the exit status. */
struct finding *doctor_note(struct ward *w, const char *id, const char *jail, char *what, char *fix);

/* The host end of a running jail's NIC, and the jail's; NULL: not there. */
const struct sv_link *doctor_host_end(const struct ward *w, const struct doctor_jail *d, const struct jnic *nic);
const struct sv_link *doctor_jail_end(const struct doctor_jail *d, const struct jnic *nic);
const struct sv_route *doctor_default_route(const struct survey *s, int family);
/* Is it an address of the jail's configuration. */
bool doctor_has_static(const struct jail *j, const struct ipaddr *a);
/* Is the bridge of this index that of a jail we were asked about. */
bool doctor_used_bridge(const struct ward *w, unsigned index);

/* doctor_bridge.c: bridges, their ports, the pairs of interfaces. */
void doctor_check_nic(struct ward *w, const struct doctor_jail *d, const struct jnic *nic);
void doctor_check_ports(struct ward *w);

/* doctor_route.c: a jail's routers, and the way back to it. */
void doctor_check_routes(struct ward *w, const struct doctor_jail *d);

#endif
