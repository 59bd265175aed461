/* kept.h - which addresses of a running jail other programs took from the host, and how often; as text in RUN. Pure. */
#ifndef IOCAGE_CORE_KEPT_H
#define IOCAGE_CORE_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "core/addr.h"

#define KEPT_MAX 510 /* addresses of a jail, both families */

struct kept {
	struct ipaddr addr; /* with its prefix */
	char link[IFNAME_CAP]; /* the host's interface */
	unsigned times; /* it was put back since the jail started */
	int64_t last; /* seconds since the epoch */
	bool left; /* it was taken too often, and is not put back any more */
};
struct kept_list {
	struct kept *v; /* owned */
	size_t n;
};

/* The entry of this address, made when there is none. NULL: out of memory, or there are too many. */
struct kept *kept_get(struct kept_list *l, const struct ipaddr *a, const char *link);
/* One line for each entry, and back; lines that are none are passed over. -ENOMEM. */
void kept_format(const struct kept_list *l, struct sbuf *out);
must_check int kept_parse(const char *text, struct kept_list *ret);
void kept_done(struct kept_list *l);

#endif
