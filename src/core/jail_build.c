/* jail_build.c - from the values of a configuration to the model of a jail. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "core/jail.h"
#include "core/nat.h"

static enum ip_mode ip_mode(const char *v)
{
	if (streq(v, "inherit"))
		return IP_INHERIT;
	return streq(v, "disable") || streq(v, "none") ? IP_DISABLE : IP_NEW;
}

static unsigned to_uint(const char *v, unsigned fallback)
{
	uint64_t n;

	return str_to_uint(v, 0, 1000000000, &n) ? (unsigned)n : fallback;
}

static int build_router(const struct conf *c, enum prop_id id, int family, struct router *ret, struct err *e)
{
	const char *v = conf_get(c, id);

	ret->mode = streq(v, "none") ? ROUTER_NONE : streq(v, "auto") ? ROUTER_AUTO : ROUTER_ADDR;
	if (ret->mode != ROUTER_ADDR)
		return 0;
	if (ipaddr_parse(v, family, &ret->addr, e) < 0)
		return err_wrap(e, "%s", prop_table[id].name);
	if (ret->addr.has_prefix)
		return err_set(e, EINVAL, "%s: %s: a router is one address, without prefix", prop_table[id].name, v);
	return 0;
}

static int build_nic(const struct conf *c, struct jnic *nic, struct err *e)
{
	_cleanup_(strv_done) struct strv macs = { 0 };
	char key[IFNAME_CAP + 8];
	const char *v;
	uint64_t mtu;

	snprintf(key, sizeof(key), "%s_mac", nic->name);
	v = conf_get_key(c, key);
	if (v && !streq(v, "none")) {
		if (strv_split(&macs, v, " ,\t") < 0)
			return err_oom(e);
		if (macs.n != 2 || mac_parse(macs.v[0], &nic->mac_host, NULL) < 0 ||
		    mac_parse(macs.v[1], &nic->mac_jail, NULL) < 0)
			return err_set(
				e, EINVAL,
				"Please enter two valid and different space/comma-delimited MAC addresses for %s.",
				key);
	}
	snprintf(key, sizeof(key), "%s_mtu", nic->name);
	v = conf_get_key(c, key);
	if (v && !streq(v, "auto")) {
		if (!str_to_uint(v, 68, 65535, &mtu))
			return err_set(e, EINVAL, "%s: %s is not an MTU: auto or a number from 68 to 65535", key, v);
		nic->mtu = (unsigned)mtu;
	}
	snprintf(key, sizeof(key), "%s_vlan", nic->name);
	v = conf_get_key(c, key);
	if (v && vlans_parse(v, &nic->vlans, e) < 0)
		return err_wrap(e, "%s", key);
	return 0;
}

static int build_passed(const struct conf *c, struct jail *j, struct err *e)
{
	const char *v = conf_get(c, PROP_vnet_interfaces);
	_cleanup_(strv_done) struct strv names = { 0 };

	if (streq(v, "none"))
		return 0;
	if (strv_split(&names, v, " ,\t") < 0)
		return err_oom(e);
	j->passed = calloc(names.n + 1, sizeof(*j->passed));
	if (!j->passed)
		return err_oom(e);
	for (; j->npassed < names.n; j->npassed++)
		if (!ifname_valid(names.v[j->npassed]) ||
		    str_copy(j->passed[j->npassed], sizeof(*j->passed), names.v[j->npassed]) < 0)
			return err_set(e, EINVAL, "vnet_interfaces: %.60s is not an interface name",
			               names.v[j->npassed]);
	return 0;
}

static int build_nics(const struct conf *c, struct jail *j, struct err *e)
{
	const char *v;

	if (jnic_list_parse(conf_get(c, PROP_interfaces), &j->nics, &j->nnics, e) < 0)
		return err_wrap(e, "interfaces");
	for (size_t i = 0; i < j->nnics; i++) {
		int r = build_nic(c, &j->nics[i], e);

		if (r < 0)
			return r;
	}
	j->antispoof = conf_true(c, PROP_vnet_antispoof);
	j->isolated = conf_true(c, PROP_vnet_isolated);
	j->default_mtu = to_uint(conf_get(c, PROP_vnet_default_mtu), 1500);
	v = conf_get(c, PROP_vnet_default_interface);
	if (!streq(v, "none") && (!ifname_valid(v) || str_copy(j->uplink, sizeof(j->uplink), v) < 0))
		return err_set(e, EINVAL, "Please provide a valid NIC to be used with vnet");
	v = conf_get(c, PROP_mac_prefix);
	if (!streq(v, "none") && str_copy(j->mac_prefix, sizeof(j->mac_prefix), v) < 0)
		return err_set(e, EINVAL, "mac_prefix: %.60s is not six hex digits", v);
	return 0;
}

/* dhcp=1 stands for DHCP on every NIC, whatever ip4_addr says */
static int build_dhcp(struct jail *j, struct err *e)
{
	free(j->a4);
	j->n4 = 0;
	j->a4 = calloc(j->nnics ? j->nnics : 1, sizeof(*j->a4));
	if (!j->a4)
		return err_oom(e);
	for (; j->n4 < j->nnics; j->n4++) {
		j->a4[j->n4].mode = JADDR_DHCP;
		memcpy(j->a4[j->n4].ifname, j->nics[j->n4].name, IFNAME_CAP);
	}
	return 0;
}

static int build_nat(const struct conf *c, struct jail *j, struct err *e)
{
	const char *v = conf_get(c, PROP_nat_interface);

	if (!j->nnics)
		return err_set(e, EINVAL, "nat needs an interface: interfaces=vnet0:none");
	j->nat = true;
	j->nics[0].bridge[0] = '\0';
	if (streq(v, "none") || streq(v, "auto"))
		return 0;
	return str_copy(j->nat_interface, IFNAME_CAP, v) < 0
	               ? err_set(e, EINVAL, "nat_interface: %.60s is not an interface", v)
	               : 0;
}

int jail_nat_set(struct jail *j, const struct ipaddr *a, struct err *e)
{
	struct jaddr *list = calloc(j->n4 + 1, sizeof(*list));
	size_t n = 1;

	if (!list)
		return err_oom(e);
	list[0] = (struct jaddr){ .mode = JADDR_STATIC, .addr = *a };
	memcpy(list[0].ifname, j->nics[0].name, IFNAME_CAP);
	for (size_t i = 0; i < j->n4; i++)
		if (!jnic_has(&j->nics[0], &j->a4[i]))
			list[n++] = j->a4[i];
	free(j->a4);
	j->a4 = list;
	j->n4 = n;
	j->nat_addr = *a;
	j->router4 = (struct router){ .mode = ROUTER_ADDR, .addr = nat_router(a) };
	return 0;
}

bool jail_wants_localhost(const struct conf *c)
{
	return conf_true(c, PROP_assign_localhost) && !conf_true(c, PROP_vnet) &&
	       ip_mode(conf_get(c, PROP_ip4)) == IP_NEW;
}

int jail_ip4_text(const struct conf *c, struct sbuf *out, struct err *e)
{
	const char *list = conf_get(c, PROP_ip4_addr), *own = conf_get(c, PROP_localhost_ip);
	_cleanup_free_ struct jaddr *a = NULL;
	struct ipaddr lo;
	size_t n = 0;
	int r;

	if (!jail_wants_localhost(c) || streq(own, "none")) {
		sbuf_add(out, list);
		return out->failed ? err_oom(e) : 0;
	}
	if (ipaddr_parse(own, 4, &lo, e) < 0)
		return err_wrap(e, "localhost_ip");
	r = jaddr_list_parse(list, 4, &a, &n, e);
	if (r < 0)
		return err_wrap(e, "ip4_addr");
	if (n)
		sbuf_add(out, list);
	if (!jaddr_list_has(a, n, &lo))
		sbuf_addf(out, "%slo0|%s/32", n ? "," : "", own);
	return out->failed ? err_oom(e) : 0;
}

static int build_ip4(const struct conf *c, struct jail *j, struct err *e)
{
	const char *own = conf_get(c, PROP_localhost_ip);
	_cleanup_(sbuf_done) struct sbuf text = { 0 };
	int r = jail_ip4_text(c, &text, e);

	if (r < 0)
		return r;
	if (jaddr_list_parse(text.p ? text.p : "", 4, &j->a4, &j->n4, e) < 0)
		return err_wrap(e, "ip4_addr");
	if (streq(own, "none"))
		return 0;
	/* what is not in use any more is not what localhost means, either */
	r = ipaddr_parse(jail_wants_localhost(c) ? own : "127.0.0.1", 4, &j->localhost, e);
	return r < 0 ? err_wrap(e, "localhost_ip") : 0;
}

static int build_network(const struct conf *c, struct jail *j, struct err *e)
{
	int r;

	j->vnet = conf_true(c, PROP_vnet);
	j->ip4 = ip_mode(conf_get(c, PROP_ip4));
	j->ip6 = ip_mode(conf_get(c, PROP_ip6));
	j->ip4_saddrsel = conf_true(c, PROP_ip4_saddrsel);
	j->ip6_saddrsel = conf_true(c, PROP_ip6_saddrsel);
	r = build_ip4(c, j, e);
	if (r < 0)
		return r;
	if (jaddr_list_parse(conf_get(c, PROP_ip6_addr), 6, &j->a6, &j->n6, e) < 0)
		return err_wrap(e, "ip6_addr");
	if (!j->vnet)
		return 0;
	r = build_nics(c, j, e);
	if (r == 0)
		r = build_passed(c, j, e);
	if (r == 0)
		r = build_router(c, PROP_defaultrouter, 4, &j->router4, e);
	if (r == 0)
		r = build_router(c, PROP_defaultrouter6, 6, &j->router6, e);
	if (r == 0 && conf_true(c, PROP_dhcp))
		r = build_dhcp(j, e);
	return r == 0 && conf_true(c, PROP_nat) ? build_nat(c, j, e) : r;
}

static unsigned build_allow(const struct conf *c)
{
	static const struct {
		enum prop_id id;
		unsigned flag;
	} map[] = {
		{ PROP_allow_raw_sockets, ALLOW_RAW_SOCKETS },
		{ PROP_allow_mount, ALLOW_MOUNT },
		{ PROP_allow_set_hostname, ALLOW_SET_HOSTNAME },
		{ PROP_allow_chflags, ALLOW_CHFLAGS },
		{ PROP_allow_mlock, ALLOW_MLOCK },
		{ PROP_allow_socket_af, ALLOW_SOCKET_AF },
		{ PROP_allow_tun, ALLOW_TUN },
		{ PROP_allow_mount_fusefs, ALLOW_FUSE },
		{ PROP_allow_quotas, ALLOW_QUOTAS },
		{ PROP_bpf, ALLOW_BPF },
		{ PROP_allow_sysvipc, ALLOW_SYSVMSG | ALLOW_SYSVSEM | ALLOW_SYSVSHM },
	};
	unsigned allow = 0;

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (conf_true(c, map[i].id))
			allow |= map[i].flag;
	if (!streq(conf_get(c, PROP_sysvmsg), "disable"))
		allow |= ALLOW_SYSVMSG;
	if (!streq(conf_get(c, PROP_sysvsem), "disable"))
		allow |= ALLOW_SYSVSEM;
	if (!streq(conf_get(c, PROP_sysvshm), "disable"))
		allow |= ALLOW_SYSVSHM;
	return allow;
}

static int build_names(const struct conf *c, const char *name, struct jail *j, struct err *e)
{
	const char *host = conf_get(c, PROP_host_hostname), *domain = conf_get(c, PROP_host_domainname);

	if (str_copy(j->name, sizeof(j->name), name) < 0)
		return err_set(e, ENAMETOOLONG, "'%.16s...' is too long for a jail's name", name);
	if (!*host)
		jail_default_hostname(name, j->hostname, sizeof(j->hostname));
	else if (str_copy(j->hostname, sizeof(j->hostname), host) < 0)
		return err_set(e, ENAMETOOLONG, "host_hostname is too long: %zu characters", strlen(host));
	/* "none" was the default once, and became a domain of that name */
	if (!streq(domain, "none") && str_copy(j->domainname, sizeof(j->domainname), domain) < 0)
		return err_set(e, ENAMETOOLONG, "host_domainname is too long: %zu characters", strlen(domain));
	return 0;
}

/*
 * In a stack of its own, an address without a prefix gets what ifconfig(8) of FreeBSD gives it: the mask of its class, or 64.
 * One of the loopback is a host.
 */
static void give_prefix(struct jaddr *a)
{
	struct ipaddr *ip = &a->addr;

	if (a->mode != JADDR_STATIC || ip->has_prefix || ifname_is_loopback(a->ifname))
		return;
	ip->prefix = ip->family == 6 ? 64 : ip->b[0] < 128 ? 8 : ip->b[0] < 192 ? 16 : ip->b[0] < 224 ? 24 : 32;
	ip->has_prefix = true;
}

int jail_build(const struct conf *c, const char *name, struct jail *ret, struct err *e)
{
	struct jail j = { .conf = c };
	int r = build_names(c, name, &j, e);

	if (r == 0)
		r = build_network(c, &j, e);
	if (r < 0) {
		jail_done(&j);
		return r;
	}
	for (size_t i = 0; j.vnet && i < j.n4; i++)
		give_prefix(&j.a4[i]);
	for (size_t i = 0; j.vnet && i < j.n6; i++)
		give_prefix(&j.a6[i]);
	j.allow = build_allow(c);
	j.children_max = to_uint(conf_get(c, PROP_children_max), 0);
	j.sockets_max = to_uint(conf_get(c, PROP_maxsockets), 0);
	j.conflict_wait = to_uint(conf_get(c, PROP_conflict_wait), 0);
	if (j.children_max)
		j.allow |= ALLOW_NESTED;
	*ret = j;
	return 0;
}
