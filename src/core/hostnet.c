/* hostnet.c - rc.conf's and sysctl.conf's assignments turned into a model of the host's network. */
#include "core/hostnet_impl.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

/* --- interfaces by name --- */

struct hn_if *hostnet_if(const struct hostnet *h, const char *name)
{
	for (size_t i = 0; i < h->n; i++)
		if (streq(h->ifs[i].name, name))
			return &h->ifs[i];
	return NULL;
}

const struct hn_if *hostnet_master_of(const struct hostnet *h, const char *port)
{
	for (size_t i = 0; i < h->n; i++)
		for (size_t k = 0; k < h->ifs[i].nports; k++)
			if (streq(h->ifs[i].ports[k].name, port))
				return &h->ifs[i];
	return NULL;
}

int hostnet_if_add(struct hostnet *h, const char *name, enum hn_kind kind, const struct rcvar *v, struct hn_if **ret,
                   struct err *e)
{
	struct hn_if *grown, *i = hostnet_if(h, name);

	if (!ifname_valid(name))
		return err_set(e, EINVAL, at_fmt "%.40s is not the name of an interface", at_args(v), name);
	if (!i) {
		grown = realloc(h->ifs, (h->n + 1) * sizeof(*grown));
		if (!grown)
			return err_oom(e);
		h->ifs = grown;
		i = &h->ifs[h->n++];
		*i = (struct hn_if){ .kind = kind, .var = v };
		memcpy(i->name, name, strlen(name) + 1);
	}
	if (kind != HN_PLAIN && i->kind != kind)
		return err_set(e, EINVAL, at_fmt "%s is something else already (line %u)", at_args(v), name,
		               i->var->line);
	*ret = i;
	return 0;
}

static bool numbered(const char *s, const char *prefix)
{
	if (!str_starts(s, prefix))
		return false;
	s += strlen(prefix);
	return *s && strspn(s, "0123456789") == strlen(s);
}

/* "em0.666": the parent and the tag are in the name. */
static bool vlan_name(const char *s, char parent[static IFNAME_CAP], unsigned *tag)
{
	const char *dot = strrchr(s, '.');
	uint64_t n;

	if (!dot || dot == s || (size_t)(dot - s) >= IFNAME_CAP || !str_to_uint(dot + 1, 1, 4094, &n))
		return false;
	memcpy(parent, s, (size_t)(dot - s));
	parent[dot - s] = '\0';
	*tag = (unsigned)n;
	return true;
}

/* What cloned_interfaces makes, by the name without its number (rc.conf(5)). */
static const struct {
	const char *prefix;
	enum hn_kind kind;
} clonable[] = {
	{ "bridge", HN_BRIDGE }, { "vlan", HN_VLAN },  { "lo", HN_DUMMY },
	{ "lagg", HN_BOND },     { "gif", HN_TUNNEL }, { "tap", HN_TAP },
};

static enum hn_kind clone_kind(const char *name, char parent[static IFNAME_CAP], unsigned *tag)
{
	for (size_t i = 0; i < sizeof(clonable) / sizeof(*clonable); i++)
		if (numbered(name, clonable[i].prefix))
			return ifname_is_loopback(name) ? HN_PLAIN : clonable[i].kind;
	return vlan_name(name, parent, tag) ? HN_VLAN : HN_PLAIN;
}

static int cloned(struct hostnet *h, const struct rcvar *v, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };

	if (strv_split(&names, v->value, " \t\n") < 0)
		return err_oom(e);
	for (size_t i = 0; i < names.n; i++) {
		char parent[IFNAME_CAP] = "";
		struct hn_if *f;
		unsigned tag = 0;
		enum hn_kind kind = clone_kind(names.v[i], parent, &tag);
		int r;

		if (kind == HN_PLAIN)
			return err_set(e, EINVAL,
			               at_fmt
			               "%.40s cannot be made here: bridge0, vlan0, em0.666, lo1, lagg0, gif0 and "
			               "tap0 can, with any number, and lo0 is there already",
			               at_args(v), names.v[i]);
		r = hostnet_if_add(h, names.v[i], kind, v, &f, e);
		if (r < 0)
			return r;
		memcpy(f->parent, parent, sizeof(parent));
		f->tag = tag;
	}
	return 0;
}

/* vlans_em0="666 guests": a number is a tag, a name gets its tag from create_args_NAME. */
static int vlans(struct hostnet *h, const struct rcvar *v, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	const char *parent = v->key + strlen("vlans_");

	if (strv_split(&names, v->value, " \t\n") < 0)
		return err_oom(e);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *name = NULL;
		struct hn_if *f;
		uint64_t tag = 0;
		int r;

		if (isdigit((unsigned char)names.v[i][0])) {
			if (!str_to_uint(names.v[i], 1, 4094, &tag))
				return err_set(e, EINVAL, at_fmt "a VLAN has a number from 1 to 4094", at_args(v));
			name = strf("%s.%u", parent, (unsigned)tag);
		} else {
			name = strdup(names.v[i]);
		}
		if (!name)
			return err_oom(e);
		r = hostnet_if_add(h, name, HN_VLAN, v, &f, e);
		if (r == 0 && str_copy(f->parent, sizeof(f->parent), parent) < 0)
			r = err_set(e, EINVAL, at_fmt "%.40s is not the name of an interface", at_args(v), parent);
		if (r < 0)
			return r;
		if (tag)
			f->tag = (unsigned)tag;
	}
	return 0;
}

/* In a variable's name '.', '-', '/' and '+' of an interface's name are '_' (rc.subr). */
static bool same_mangled(const char *name, const char *s, size_t n)
{
	if (strlen(name) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (name[i] != s[i] && !(s[i] == '_' && strchr(".-+", name[i])))
			return false;
	return true;
}

int hostnet_if_of_variable(struct hostnet *h, const struct rcvar *v, const char *s, size_t n, struct hn_if **ret,
                           struct err *e)
{
	char name[IFNAME_CAP];

	for (size_t i = 0; i < h->n; i++)
		if (same_mangled(h->ifs[i].name, s, n)) {
			*ret = &h->ifs[i];
			return 0;
		}
	if (n >= sizeof(name))
		return err_set(e, EINVAL, at_fmt "%.*s is longer than an interface's name can be", at_args(v), (int)n,
		               s);
	memcpy(name, s, n);
	name[n] = '\0';
	return hostnet_if_add(h, name, HN_PLAIN, v, ret, e);
}

/* --- the other variables --- */

static int yes_or_no(const struct rcvar *v, bool *ret, struct err *e)
{
	static const char *const yes[] = { "YES", "TRUE", "ON", "1" }, *const no[] = { "NO", "FALSE", "OFF", "0" };

	for (size_t i = 0; i < 4; i++) {
		*ret = !strcasecmp(v->value, yes[i]);
		if (*ret || !strcasecmp(v->value, no[i]))
			return 0;
	}
	return err_set(e, EINVAL, at_fmt "YES or NO is wanted, not %.60s", at_args(v), v->value);
}

static int router(const struct rcvar *v, int family, struct ipaddr *ret, const struct rcvar **ret_var, struct err *e)
{
	int r;

	if (!strcasecmp(v->value, "NO") || !*v->value)
		return 0;
	r = ipaddr_parse(v->value, family, ret, e);
	if (r < 0)
		return err_wrap(e, "%s:%u: %s", at_args(v));
	if (ret->has_prefix)
		return err_set(e, EINVAL, at_fmt "a router has no prefix", at_args(v));
	*ret_var = v;
	return 0;
}

static void want_sysctl(struct hostnet *h, const char *name, bool on, const struct rcvar *v)
{
	for (size_t i = 0; i < h->nsysctls; i++)
		if (streq(h->sysctls[i].name, name)) {
			/* two of FreeBSD's become one of Linux's: one that filters is enough */
			h->sysctls[i].on = h->sysctls[i].on || on;
			return;
		}
	if (h->nsysctls < HN_SYSCTLS)
		h->sysctls[h->nsysctls++] = (struct hn_sysctl){ name, on, v };
}

int hostnet_note(struct hostnet *h, const struct rcvar *v, const char *text, struct err *e)
{
	char *s = strf(at_fmt "%s", at_args(v), text);

	return s && strv_adopt(&h->notes, s) == 0 ? 0 : err_oom(e);
}

static int gateway(struct hostnet *h, const struct rcvar *v, const char *name, struct err *e)
{
	bool on;
	int r = yes_or_no(v, &on, e);

	if (r < 0)
		return r;
	if (!on)
		return hostnet_note(h, v, "forwarding is left as it is", e);
	want_sysctl(h, name, true, v);
	return 0;
}

#define FORWARD4 "net/ipv4/ip_forward"
#define FORWARD6 "net/ipv6/conf/all/forwarding"

static int sysctl(struct hostnet *h, const struct rcvar *v, struct err *e)
{
	const char *pfil = str_starts(v->key, "net.link.bridge.pfil_") ? strrchr(v->key, '_') + 1 : "";
	bool on = streq(v->value, "1");

	if (!on && !streq(v->value, "0"))
		return err_set(e, EINVAL, at_fmt "0 or 1 is wanted, not %.60s", at_args(v), v->value);
	if (streq(v->key, "net.inet.ip.forwarding")) {
		want_sysctl(h, FORWARD4, on, v);
	} else if (streq(v->key, "net.inet6.ip6.forwarding")) {
		want_sysctl(h, FORWARD6, on, v);
	} else if (streq(v->key, "net.link.bridge.pfil_member") || streq(v->key, "net.link.bridge.pfil_bridge")) {
		want_sysctl(h, "net/bridge/bridge-nf-call-iptables", on, v);
		want_sysctl(h, "net/bridge/bridge-nf-call-ip6tables", on, v);
	} else if (streq(pfil, "onlyip") && !on) {
		want_sysctl(h, "net/bridge/bridge-nf-call-arptables", false, v);
	} else if (streq(pfil, "onlyip") || streq(v->key, "net.link.bridge.pfil_local_phys")) {
		return on ? hostnet_note(h, v, "Linux has nothing like it; without effect", e) : 0;
	} else {
		return err_set(e, EINVAL, at_fmt "not understood here; Linux's own sysctls belong into /etc/sysctl.d",
		               at_args(v));
	}
	return 0;
}

static int variable(struct hostnet *h, const struct rcvar *v, struct err *e)
{
	bool on;

	if (strchr(v->key, '.'))
		return sysctl(h, v, e);
	if (streq(v->key, "cloned_interfaces") || str_starts(v->key, "vlans_"))
		return 0; /* done before the others */
	if (streq(v->key, "static_routes"))
		return hostnet_static_routes(h, v, 4, e);
	if (streq(v->key, "ipv6_static_routes"))
		return hostnet_static_routes(h, v, 6, e);
	if (str_starts(v->key, "route_") || str_starts(v->key, "ipv6_route_"))
		return hostnet_route_named(h, v) ? 0 : hostnet_note(h, v, "no static_routes names it", e);
	if (str_starts(v->key, "ifconfig_") || str_starts(v->key, "create_args_"))
		return hostnet_ifconfig(h, v, e);
	if (streq(v->key, "defaultrouter"))
		return router(v, 4, &h->gw4, &h->gw4_var, e);
	if (streq(v->key, "ipv6_defaultrouter"))
		return router(v, 6, &h->gw6, &h->gw6_var, e);
	if (streq(v->key, "gateway_enable"))
		return gateway(h, v, FORWARD4, e);
	if (streq(v->key, "ipv6_gateway_enable"))
		return gateway(h, v, FORWARD6, e);
	/* lines of the same manual that ask for nothing: jails at boot are iocage.service's, IPv6 is on */
	if (streq(v->key, "iocage_enable") || streq(v->key, "ipv6_activate_all_interfaces"))
		return yes_or_no(v, &on, e);
	return err_set(e, EINVAL, at_fmt "not understood here", at_args(v));
}

/* A bond's port receives nothing of its own; a bridge's port does on FreeBSD, so there the bridge gets the address. */
static int check_port_addr(const struct hostnet *h, const struct hn_if *f, struct err *e)
{
	const struct hn_if *bond = hostnet_master_of(h, f->name);

	if (!bond || bond->kind != HN_BOND)
		return 0;
	return err_set(e, EINVAL, at_fmt "%s is a port of %s: the address belongs into ifconfig_%s",
	               at_args(f->addrs[0].var), f->name, bond->name, bond->name);
}

static int check_whole(const struct hostnet *h, struct err *e)
{
	for (size_t i = 0; i < h->n; i++) {
		const struct hn_if *f = &h->ifs[i];
		int r;

		if (f->kind == HN_VLAN && (!f->tag || !*f->parent))
			return err_set(e, EINVAL,
			               at_fmt "%s has no %s: vlans_IF=\"TAG\", or ifconfig_%s=\"vlan TAG vlandev IF\"",
			               at_args(f->var), f->name, f->tag ? "interface below it" : "VLAN tag", f->name);
		if (f->kind == HN_BRIDGE && hostnet_master_of(h, f->name))
			return err_set(e, EINVAL, at_fmt "%s: a bridge cannot be a member of a bridge or a lagg",
			               at_args(f->var), f->name);
		if (f->kind == HN_TUNNEL && !f->outer.family)
			return err_set(e, EINVAL, at_fmt "%s has no ends: ifconfig_%s=\"tunnel SOURCE DESTINATION\"",
			               at_args(f->var), f->name, f->name);
		if (f->kind == HN_BOND && !f->nports)
			return err_set(e, EINVAL, at_fmt "%s has no ports: ifconfig_%s=\"laggport IF ...\"",
			               at_args(f->var), f->name, f->name);
		r = f->naddrs ? check_port_addr(h, f, e) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

int hostnet_build(struct rcvars *vars, struct hostnet *ret, struct err *e)
{
	int r = 0;

	*ret = (struct hostnet){ .vars = *vars };
	*vars = (struct rcvars){ 0 };
	for (size_t i = 0; r == 0 && i < ret->vars.n; i++) {
		const struct rcvar *v = &ret->vars.v[i];

		if (streq(v->key, "cloned_interfaces"))
			r = cloned(ret, v, e);
		else if (str_starts(v->key, "vlans_"))
			r = vlans(ret, v, e);
	}
	for (size_t i = 0; r == 0 && i < ret->vars.n; i++)
		r = variable(ret, &ret->vars.v[i], e);
	return r < 0 ? r : check_whole(ret, e);
}

void hostnet_done(struct hostnet *h)
{
	for (size_t i = 0; i < h->n; i++) {
		free(h->ifs[i].ports);
		free(h->ifs[i].addrs);
	}
	free(h->ifs);
	free(h->routes);
	strv_done(&h->notes);
	rcvars_done(&h->vars);
	*h = (struct hostnet){ 0 };
}

/* --- in words --- */

static void describe_kind(const struct hn_if *f, struct sbuf *out)
{
	char a[IPADDR_TEXT], b[IPADDR_TEXT];

	switch (f->kind) {
	case HN_PLAIN:
		break;
	case HN_BRIDGE:
		sbuf_addf(out, " bridge%s", f->stp ? " with a spanning tree" : "");
		break;
	case HN_VLAN:
		sbuf_addf(out, " VLAN %u on %s", f->tag, f->parent);
		break;
	case HN_DUMMY:
		sbuf_add(out, " dummy");
		break;
	case HN_BOND:
		sbuf_addf(out, " bond (%s)", f->mode ? f->mode : HN_BOND_DEFAULT);
		break;
	case HN_TUNNEL:
		sbuf_addf(out, " tunnel from %s to %s", ipaddr_format_host(&f->outer, a),
		          ipaddr_format_host(&f->outer_peer, b));
		break;
	case HN_TAP:
		sbuf_add(out, " tap");
		break;
	}
}

static void describe_route(const struct hn_static *r, struct sbuf *out)
{
	char dst[IPADDR_TEXT], gw[IPADDR_TEXT];

	sbuf_addf(out, "route %s: %s\n", ipaddr_format(&r->dst, dst),
	          r->gw.family ? ipaddr_format_host(&r->gw, gw) : r->link);
}

static void describe_if(const struct hostnet *h, const struct hn_if *f, struct sbuf *out)
{
	const struct hn_if *bridge = hostnet_master_of(h, f->name);
	char buf[IPADDR_TEXT];

	sbuf_addf(out, "%s:", f->name);
	describe_kind(f, out);
	if (f->up)
		sbuf_add(out, " up");
	if (f->mtu)
		sbuf_addf(out, " mtu %u", f->mtu);
	if (f->mac.set)
		sbuf_addf(out, " ether %s", mac_format(&f->mac, buf));
	for (size_t i = 0; i < f->nports; i++)
		sbuf_addf(out, " %s %s", f->kind == HN_BOND ? "port" : "member", f->ports[i].name);
	for (size_t i = 0; i < f->naddrs; i++)
		sbuf_addf(out, " %s", ipaddr_format(&f->addrs[i].addr, buf));
	if (bridge && bridge->kind == HN_BRIDGE && f->naddrs)
		sbuf_addf(out, " (on %s, whose member it is)", bridge->name);
	if (f->dhcp)
		sbuf_add(out, " DHCP (by a client of the host's own)");
	sbuf_addc(out, '\n');
}

void hostnet_describe(const struct hostnet *h, struct sbuf *out)
{
	char buf[IPADDR_TEXT];

	for (size_t i = 0; i < h->n; i++)
		describe_if(h, &h->ifs[i], out);
	if (h->gw4.family)
		sbuf_addf(out, "default router: %s\n", ipaddr_format_host(&h->gw4, buf));
	if (h->gw6.family)
		sbuf_addf(out, "default router: %s\n", ipaddr_format_host(&h->gw6, buf));
	for (size_t i = 0; i < h->nroutes; i++)
		describe_route(&h->routes[i], out);
	for (size_t i = 0; i < h->nsysctls; i++)
		sbuf_addf(out, "%s = %d\n", h->sysctls[i].name, h->sysctls[i].on);
}
