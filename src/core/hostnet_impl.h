/* hostnet_impl.h - what reading rc.conf's network lines shares. Internal to hostnet*.c. */
#ifndef IOCAGE_CORE_HOSTNET_IMPL_H
#define IOCAGE_CORE_HOSTNET_IMPL_H

#include "core/hostnet.h"

/* How a message about a line begins: FILE:LINE: NAME: */
#define at_fmt     "%s:%u: %s: "
#define at_args(v) (v)->file, (v)->line, (v)->key

/* The interface of that name, added if it is new; -EINVAL: it is of another kind already. HN_PLAIN: of any kind. */
must_check int hostnet_if_add(struct hostnet *h, const char *name, enum hn_kind kind, const struct rcvar *v,
                              struct hn_if **ret, struct err *e);

/* The interface that the n first characters of s name, as in ifconfig_em0_666 (rc.subr(8)); added if it is new. */
must_check int hostnet_if_of_variable(struct hostnet *h, const struct rcvar *v, const char *s, size_t n,
                                      struct hn_if **ret, struct err *e);

/* A line that is understood and asks for nothing on Linux. */
must_check int hostnet_note(struct hostnet *h, const struct rcvar *v, const char *text, struct err *e);

/* ifconfig_IF, its variants, and create_args_IF. */
must_check int hostnet_ifconfig(struct hostnet *h, const struct rcvar *v, struct err *e);

/* static_routes and ipv6_static_routes, with the route_NAME that each names. */
must_check int hostnet_static_routes(struct hostnet *h, const struct rcvar *v, int family, struct err *e);

/* Does static_routes or ipv6_static_routes name the route of this variable. */
bool hostnet_route_named(const struct hostnet *h, const struct rcvar *v);

/* The words of a value, one after another. */
struct words {
	const struct rcvar *v;
	struct strv w;
	size_t i;
	struct err *e;
};
const char *words_next(struct words *w); /* NULL: there are no more */
must_check int words_want(struct words *w, const char *after, const char **ret);
must_check int words_number(struct words *w, const char *after, uint64_t min, uint64_t max, unsigned *ret);
/* The next word is a netmask, "255.255.255.0" or ifconfig's "0xffffff00": the prefix of *a. */
must_check int words_netmask(struct words *w, struct ipaddr *a);

#endif
