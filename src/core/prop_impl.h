/* prop_impl.h - between the files that check values of properties; nobody else includes it. */
#ifndef IOCAGE_CORE_PROP_IMPL_H
#define IOCAGE_CORE_PROP_IMPL_H

#include "base/str.h"
#include "core/prop.h"

/* A value and the property it is meant for. name is as typed: it may be a dynamic one (vnet7_mac). */
struct prop_value {
	const char *name;
	const char *value;
	enum prop_id id;
	const struct prop *p;
};

/* "V is not a valid value for K.\n" and what it must be. Returns -EINVAL. */
int prop_bad(const struct prop_value *v, struct err *e, const char *fmt, ...) printf_like(3, 4);

/*
 * One per kind of value. The stored form is appended to out, which is empty at the call; nothing appended with 0
 * returned means: store it as typed.
 */
must_check int prop_check_addrs(const struct prop_value *v, struct sbuf *out, struct err *e);
must_check int prop_check_nics(const struct prop_value *v, struct sbuf *out, struct err *e);
must_check int prop_check_macpair(const struct prop_value *v, struct sbuf *out, struct err *e);
must_check int prop_check_macprefix(const struct prop_value *v, struct sbuf *out, struct err *e);
must_check int prop_check_vlans(const struct prop_value *v, struct sbuf *out, struct err *e);
must_check int prop_check_mtu(const struct prop_value *v, struct sbuf *out, struct err *e);
must_check int prop_check_ifname(const struct prop_value *v, struct sbuf *out, struct err *e);
must_check int prop_check_router(const struct prop_value *v, struct sbuf *out, struct err *e);
must_check int prop_check_resolver(const struct prop_value *v, struct sbuf *out, struct err *e);
must_check int prop_check_localhost(const struct prop_value *v, struct sbuf *out, struct err *e);
must_check int prop_check_natforwards(const struct prop_value *v, struct sbuf *out, struct err *e);
must_check int prop_check_natprefix(const struct prop_value *v, struct sbuf *out, struct err *e);
must_check int prop_check_cpuset(const struct prop_value *v, struct sbuf *out, struct err *e);
must_check int prop_check_rctl(const struct prop_value *v, struct sbuf *out, struct err *e);
must_check int prop_check_size(const struct prop_value *v, struct sbuf *out, struct err *e);
must_check int prop_check_tmpfs(const struct prop_value *v, struct sbuf *out, struct err *e);

#endif
