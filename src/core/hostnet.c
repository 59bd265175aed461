/* hostnet.c - rc.conf's and sysctl.conf's assignments turned into a model of the host's network. */
#include "core/hostnet.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

#define at_fmt     "%s:%u: %s: "
#define at_args(v) (v)->file, (v)->line, (v)->key

/* --- interfaces by name --- */

struct hn_if *hostnet_if(const struct hostnet *h, const char *name)
{
	for (size_t i = 0; i < h->n; i++)
		if (streq(h->ifs[i].name, name))
			return &h->ifs[i];
	return NULL;
}

const struct hn_if *hostnet_bridge_of(const struct hostnet *h, const char *port)
{
	for (size_t i = 0; i < h->n; i++)
		for (size_t k = 0; k < h->ifs[i].nports; k++)
			if (streq(h->ifs[i].ports[k].name, port))
				return &h->ifs[i];
	return NULL;
}

static int add_if(struct hostnet *h, const char *name, enum hn_kind kind, const struct rcvar *v, struct hn_if **ret,
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

static int cloned(struct hostnet *h, const struct rcvar *v, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };

	if (strv_split(&names, v->value, " \t\n") < 0)
		return err_oom(e);
	for (size_t i = 0; i < names.n; i++) {
		char parent[IFNAME_CAP] = "";
		struct hn_if *f;
		unsigned tag = 0;
		enum hn_kind kind = numbered(names.v[i], "bridge") ? HN_BRIDGE : HN_VLAN;
		int r;

		if (kind == HN_VLAN && !numbered(names.v[i], "vlan") && !vlan_name(names.v[i], parent, &tag))
			return err_set(e, EINVAL,
			               at_fmt "%.40s: only bridges (bridge0) and VLANs (vlan0, em0.666) are made here",
			               at_args(v), names.v[i]);
		r = add_if(h, names.v[i], kind, v, &f, e);
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
		r = add_if(h, name, HN_VLAN, v, &f, e);
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

static int by_variable(struct hostnet *h, const struct rcvar *v, const char *s, size_t n, struct hn_if **ret,
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
	return add_if(h, name, HN_PLAIN, v, ret, e);
}

/* --- the words of ifconfig --- */

struct words {
	const struct rcvar *v;
	struct strv w;
	size_t i;
	struct err *e;
};

static const char *next(struct words *w)
{
	return w->i < w->w.n ? w->w.v[w->i++] : NULL;
}

static int want(struct words *w, const char *after, const char **ret)
{
	*ret = next(w);
	return *ret ? 0 : err_set(w->e, EINVAL, at_fmt "something is missing after %s", at_args(w->v), after);
}

static int number(struct words *w, const char *after, uint64_t min, uint64_t max, unsigned *ret)
{
	const char *s;
	uint64_t n;
	int r = want(w, after, &s);

	if (r < 0)
		return r;
	if (!str_to_uint(s, min, max, &n))
		return err_set(w->e, EINVAL, at_fmt "%s: a number from %u to %u is wanted, not %.40s", at_args(w->v),
		               after, (unsigned)min, (unsigned)max, s);
	*ret = (unsigned)n;
	return 0;
}

/* "255.255.255.0" or ifconfig's "0xffffff00" to a prefix, by way of the parser of addresses. */
static int netmask(struct words *w, struct ipaddr *a)
{
	_cleanup_free_ char *text = NULL;
	struct ipaddr masked;
	char host[IPADDR_TEXT];
	const char *s;
	char *end;
	unsigned long m;
	int r = want(w, "netmask", &s);

	if (r < 0)
		return r;
	if (str_starts(s, "0x") && strlen(s) == 10 && strspn(s + 2, "0123456789abcdefABCDEF") == 8) {
		m = strtoul(s, &end, 16);
		text = strf("%s/%lu.%lu.%lu.%lu", ipaddr_format_host(a, host), m >> 24 & 255, m >> 16 & 255,
		            m >> 8 & 255, m & 255);
	} else if (strchr(s, '.')) {
		text = strf("%s/%s", ipaddr_format_host(a, host), s);
	} else {
		return err_set(w->e, EINVAL, at_fmt "%.40s is not a netmask", at_args(w->v), s);
	}
	if (!text)
		return err_oom(w->e);
	r = ipaddr_parse(text, 4, &masked, w->e);
	if (r < 0)
		return err_wrap(w->e, "%s:%u: %s", at_args(w->v));
	*a = masked;
	return 0;
}

static int add_addr(struct hn_if *f, const struct words *w, const struct ipaddr *a)
{
	struct hn_addr *grown;

	for (size_t i = 0; i < f->naddrs; i++)
		if (ipaddr_same_host(&f->addrs[i].addr, a))
			return err_set(w->e, EINVAL, at_fmt "this address of %s is said twice (line %u)", at_args(w->v),
			               f->name, f->addrs[i].var->line);
	grown = realloc(f->addrs, (f->naddrs + 1) * sizeof(*grown));
	if (!grown)
		return err_oom(w->e);
	f->addrs = grown;
	f->addrs[f->naddrs++] = (struct hn_addr){ *a, w->v };
	f->up = true; /* as ifconfig does: an interface with an address is up */
	return 0;
}

static int inet(struct hn_if *f, struct words *w, int family, const char *word)
{
	struct ipaddr a;
	unsigned bits;
	int r = ipaddr_parse(word, family, &a, w->e);

	if (r < 0)
		return err_wrap(w->e, "%s:%u: %s", at_args(w->v));
	while (r == 0 && w->i < w->w.n) {
		const char *s = w->w.v[w->i], *ignored;

		if (family == 4 && streq(s, "netmask")) {
			w->i++;
			r = netmask(w, &a);
		} else if (family == 4 && streq(s, "broadcast")) {
			w->i++; /* the kernel's own is the right one */
			r = want(w, s, &ignored);
		} else if (streq(s, "prefixlen")) {
			w->i++;
			r = number(w, s, 0, ipaddr_max_prefix(&a), &bits);
			if (r == 0) {
				a.prefix = (uint8_t)bits;
				a.has_prefix = true;
			}
		} else if (streq(s, "alias")) {
			w->i++;
		} else {
			break;
		}
	}
	if (r < 0)
		return r;
	if (!a.has_prefix)
		return err_set(w->e, EINVAL, at_fmt "%.60s needs a prefix, as in %.60s/%d", at_args(w->v), word, word,
		               family == 4 ? 24 : 64);
	a.zone[0] = '\0';
	return add_addr(f, w, &a);
}

static int inet_words(struct hn_if *f, struct words *w, int family)
{
	const char *s;
	int r = want(w, family == 4 ? "inet" : "inet6", &s);

	if (r < 0)
		return r;
	/* what the kernel does by itself, and no address at all */
	if (family == 6 && (streq(s, "auto_linklocal") || streq(s, "accept_rtadv") || streq(s, "-ifdisabled"))) {
		f->up = true;
		return 0;
	}
	return inet(f, w, family, s);
}

static int addm(struct hostnet *h, struct hn_if *f, struct words *w)
{
	const struct hn_if *other;
	struct hn_port *grown;
	const char *s;
	int r = want(w, "addm", &s);

	if (r < 0)
		return r;
	if (f->kind != HN_BRIDGE)
		return err_set(w->e, EINVAL, at_fmt "addm is for bridges; is %s in cloned_interfaces?", at_args(w->v),
		               f->name);
	if (!ifname_valid(s))
		return err_set(w->e, EINVAL, at_fmt "%.40s is not the name of an interface", at_args(w->v), s);
	other = hostnet_bridge_of(h, s);
	if (other)
		return err_set(w->e, EINVAL, at_fmt "%s is in %s already (line %u)", at_args(w->v), s, other->name,
		               other->var->line);
	grown = realloc(f->ports, (f->nports + 1) * sizeof(*grown));
	if (!grown)
		return err_oom(w->e);
	f->ports = grown;
	f->ports[f->nports] = (struct hn_port){ .var = w->v };
	memcpy(f->ports[f->nports++].name, s, strlen(s) + 1);
	return 0;
}

static int ether(struct hn_if *f, struct words *w, const char *word)
{
	const char *s;
	int r = want(w, word, &s);

	if (r < 0)
		return r;
	return mac_parse(s, &f->mac, w->e) < 0 ? err_wrap(w->e, "%s:%u: %s", at_args(w->v)) : 0;
}

static int vlan_word(struct hn_if *f, struct words *w, const char *word)
{
	const char *s;
	int r;

	if (f->kind != HN_VLAN)
		return err_set(w->e, EINVAL, at_fmt "%s is for VLANs; is %s in cloned_interfaces or vlans_IF?",
		               at_args(w->v), word, f->name);
	if (streq(word, "vlan"))
		return number(w, word, 1, 4094, &f->tag);
	r = want(w, word, &s);
	if (r == 0 && (!ifname_valid(s) || str_copy(f->parent, sizeof(f->parent), s) < 0))
		r = err_set(w->e, EINVAL, at_fmt "%.40s is not the name of an interface", at_args(w->v), s);
	return r;
}

static bool is_dhcp(const char *s)
{
	return !strcasecmp(s, "DHCP") || !strcasecmp(s, "SYNCDHCP") || !strcasecmp(s, "NOSYNCDHCP");
}

static int one_word(struct hostnet *h, struct hn_if *f, struct words *w, const char *s)
{
	if (streq(s, "inet"))
		return inet_words(f, w, 4);
	if (streq(s, "inet6"))
		return inet_words(f, w, 6);
	if (streq(s, "addm"))
		return addm(h, f, w);
	if (streq(s, "mtu"))
		return number(w, s, 68, 65535, &f->mtu);
	if (streq(s, "ether") || streq(s, "link") || streq(s, "lladdr"))
		return ether(f, w, s);
	if (streq(s, "vlan") || streq(s, "vlandev"))
		return vlan_word(f, w, s);
	if (streq(s, "up")) {
		f->up = true;
		return 0;
	}
	if (streq(s, "create"))
		return 0;
	if (is_dhcp(s)) {
		f->dhcp = f->up = true;
		return 0;
	}
	if (isdigit((unsigned char)*s)) /* "10.0.0.1/24": inet is understood */
		return inet(f, w, 4, s);
	return err_set(w->e, EINVAL, at_fmt "%.60s is not understood here", at_args(w->v), s);
}

static int ifconfig_words(struct hostnet *h, struct hn_if *f, const struct rcvar *v, struct err *e)
{
	struct words w = { .v = v, .e = e };
	const char *s;
	int r = strv_split(&w.w, v->value, " \t\n") < 0 ? err_oom(e) : 0;

	while (r == 0 && (s = next(&w)))
		r = one_word(h, f, &w, s);
	strv_done(&w.w);
	return r;
}

/* ifconfig_IF, ifconfig_IF_ipv6, ifconfig_IF_aliasN, ifconfig_IF_aliases: the length of IF in s. */
static size_t without_suffix(const char *s)
{
	size_t n = strlen(s), digits = n;

	if (str_ends(s, "_ipv6"))
		return n - strlen("_ipv6");
	if (str_ends(s, "_aliases"))
		return n - strlen("_aliases");
	while (digits && isdigit((unsigned char)s[digits - 1]))
		digits--;
	if (digits < n && digits > 6 && strncmp(s + digits - 6, "_alias", 6) == 0)
		return digits - 6;
	return n;
}

/* What ifconfig_IF_... says of something that is not configured here. */
static const char *unsupported_suffix(const char *s)
{
	static const char *const no[] = { "_name", "_descr", "_vnet" };

	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		if (str_ends(s, no[i]))
			return no[i];
	return NULL;
}

static int ifconfig(struct hostnet *h, const struct rcvar *v, struct err *e)
{
	const char *s = v->key + strcspn(v->key, "_") + 1;
	struct hn_if *f;
	int r;

	if (str_starts(v->key, "create_args_"))
		s = v->key + strlen("create_args_");
	if (!*s || streq(s, "DEFAULT") || unsupported_suffix(s))
		return err_set(e, EINVAL, at_fmt "not understood here", at_args(v));
	r = by_variable(h, v, s, without_suffix(s), &f, e);
	return r < 0 ? r : ifconfig_words(h, f, v, e);
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

static int note(struct hostnet *h, const struct rcvar *v, const char *text, struct err *e)
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
		return note(h, v, "forwarding is left as it is", e);
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
		return on ? note(h, v, "Linux has nothing like it; without effect", e) : 0;
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
	if (str_starts(v->key, "ifconfig_") || str_starts(v->key, "create_args_"))
		return ifconfig(h, v, e);
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

static int check_whole(const struct hostnet *h, struct err *e)
{
	for (size_t i = 0; i < h->n; i++) {
		const struct hn_if *f = &h->ifs[i];

		if (f->kind == HN_VLAN && (!f->tag || !*f->parent))
			return err_set(e, EINVAL,
			               at_fmt "%s has no %s: vlans_IF=\"TAG\", or ifconfig_%s=\"vlan TAG vlandev IF\"",
			               at_args(f->var), f->name, f->tag ? "interface below it" : "VLAN tag", f->name);
		if (f->kind == HN_BRIDGE && hostnet_bridge_of(h, f->name))
			return err_set(e, EINVAL, at_fmt "%s: a bridge cannot be a member of a bridge", at_args(f->var),
			               f->name);
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
	strv_done(&h->notes);
	rcvars_done(&h->vars);
	*h = (struct hostnet){ 0 };
}

/* --- in words --- */

static void describe_if(const struct hostnet *h, const struct hn_if *f, struct sbuf *out)
{
	const struct hn_if *bridge = hostnet_bridge_of(h, f->name);
	char buf[IPADDR_TEXT];

	sbuf_addf(out, "%s:", f->name);
	if (f->kind == HN_BRIDGE)
		sbuf_add(out, " bridge");
	else if (f->kind == HN_VLAN)
		sbuf_addf(out, " VLAN %u on %s", f->tag, f->parent);
	if (f->up)
		sbuf_add(out, " up");
	if (f->mtu)
		sbuf_addf(out, " mtu %u", f->mtu);
	if (f->mac.set)
		sbuf_addf(out, " ether %s", mac_format(&f->mac, buf));
	for (size_t i = 0; i < f->nports; i++)
		sbuf_addf(out, " member %s", f->ports[i].name);
	for (size_t i = 0; i < f->naddrs; i++)
		sbuf_addf(out, " %s", ipaddr_format(&f->addrs[i].addr, buf));
	if (bridge && f->naddrs)
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
	for (size_t i = 0; i < h->nsysctls; i++)
		sbuf_addf(out, "%s = %d\n", h->sysctls[i].name, h->sysctls[i].on);
}
