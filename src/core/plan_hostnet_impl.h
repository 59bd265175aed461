/* plan_hostnet_impl.h - what planning the host's own network shares. Internal to plan_hostnet*.c. */
#ifndef IOCAGE_CORE_PLAN_HOSTNET_IMPL_H
#define IOCAGE_CORE_PLAN_HOSTNET_IMPL_H

#include "core/hostnet.h"

struct hn_build {
	const struct hostnet *h;
	const struct hn_facts *f;
	struct plan *p;
	struct strv *left;
	struct err *e;
};

/* Does the link carry the mark of `hostnet apply`. */
bool hn_is_ours(const struct hn_link *l);
/* Is it another program's to configure; false for NULL. */
bool hn_managed(const struct hn_link *l);
/* The same by name; then that is told, once. */
bool hn_leave(struct hn_build *b, const char *name);
/* The alias that marks a link as made by `hostnet apply`; the plan owns it. */
const char *hn_mark(struct hn_build *b, const char *name);
/* NULL: there is none of that index. */
const struct hn_link *hn_link_at(const struct hn_build *b, unsigned index);
/* Has the link an address. */
bool hn_any_ip(const struct hn_build *b, unsigned index);
/* Has the link an address, or is it in a route. */
bool hn_carries(const struct hn_build *b, unsigned index);
/* The member's link, when it can be put into the bridge and nothing stands against it. */
const struct hn_link *hn_usable_port(const struct hn_build *b, const struct hn_if *bridge, const struct hn_port *port);
/* A step; its strings are copied. */
void hn_add(struct hn_build *b, enum phase ph, const struct op *redo, const struct op *undo);

/* The MAC a bridge gets: that of its first member with addresses. */
struct macaddr hn_bridge_mac(const struct hn_build *b, const struct hn_if *i);
/* Up, if it is to be and is not. */
void hn_set_up(struct hn_build *b, enum phase ph, const struct hn_if *i, bool up);
/* MTU and MAC, as far as they are said. A new bridge got its MAC when it was made. */
void hn_plan_values(struct hn_build *b, enum phase ph, const struct hn_if *i);
/* Links that are made, and what is said of those that are there; bridges without their members. */
must_check int hn_plan_links(struct hn_build *b);

#endif
