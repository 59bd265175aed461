/* hostnet_ifconfig.c - the words of ifconfig in rc.conf's ifconfig_IF lines, into the model of the host's network. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "core/hostnet_impl.h"

const char *words_next(struct words *w)
{
	return w->i < w->w.n ? w->w.v[w->i++] : NULL;
}

int words_want(struct words *w, const char *after, const char **ret)
{
	*ret = words_next(w);
	return *ret ? 0 : err_set(w->e, EINVAL, at_fmt "something is missing after %s", at_args(w->v), after);
}

int words_number(struct words *w, const char *after, uint64_t min, uint64_t max, unsigned *ret)
{
	const char *s;
	uint64_t n;
	int r = words_want(w, after, &s);

	if (r < 0)
		return r;
	if (!str_to_uint(s, min, max, &n))
		return err_set(w->e, EINVAL, at_fmt "%s: a number from %u to %u is wanted, not %.40s", at_args(w->v),
		               after, (unsigned)min, (unsigned)max, s);
	*ret = (unsigned)n;
	return 0;
}

/* "255.255.255.0" or ifconfig's "0xffffff00" to a prefix, by way of the parser of addresses. */
int words_netmask(struct words *w, struct ipaddr *a)
{
	_cleanup_free_ char *text = NULL;
	struct ipaddr masked;
	char host[IPADDR_TEXT];
	const char *s;
	char *end;
	unsigned long m;
	int r = words_want(w, "netmask", &s);

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

static int add_addr(struct hn_if *f, const struct words *w, const struct ipaddr *a, const struct ipaddr *peer)
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
	f->addrs[f->naddrs++] = (struct hn_addr){ *a, *peer, w->v };
	f->up = true; /* as ifconfig does: an interface with an address is up */
	return 0;
}

static int inet(struct hn_if *f, struct words *w, int family, const char *word)
{
	struct ipaddr a, peer = { 0 };
	unsigned bits;
	int r = ipaddr_parse(word, family, &a, w->e);

	if (r < 0)
		return err_wrap(w->e, "%s:%u: %s", at_args(w->v));
	while (r == 0 && w->i < w->w.n) {
		const char *s = w->w.v[w->i], *ignored;

		if (family == 4 && streq(s, "netmask")) {
			w->i++;
			r = words_netmask(w, &a);
		} else if (family == 4 && streq(s, "broadcast")) {
			w->i++; /* the kernel's own is the right one */
			r = words_want(w, s, &ignored);
		} else if (streq(s, "prefixlen")) {
			w->i++;
			r = words_number(w, s, 0, ipaddr_max_prefix(&a), &bits);
			if (r == 0) {
				a.prefix = (uint8_t)bits;
				a.has_prefix = true;
			}
		} else if (streq(s, "alias")) {
			w->i++;
		} else if (f->kind == HN_TUNNEL && !peer.family && ipaddr_parse(s, family, &peer, NULL) == 0) {
			w->i++; /* the other end: such an address is alone in its network */
			a.prefix = (uint8_t)ipaddr_max_prefix(&a);
			a.has_prefix = true;
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
	return add_addr(f, w, &a, &peer);
}

/* ND6 flags of ifconfig(8) that say what the kernel does by itself. */
static bool is_nd6_default(const char *s)
{
	return streq(s, "auto_linklocal") || streq(s, "accept_rtadv") || streq(s, "-ifdisabled");
}

static int inet_words(struct hn_if *f, struct words *w, int family)
{
	const char *s;
	int r = words_want(w, family == 4 ? "inet" : "inet6", &s);

	if (r < 0)
		return r;
	/* what the kernel does by itself, and no address at all */
	if (family == 6 && is_nd6_default(s)) {
		f->up = true;
		return 0;
	}
	return inet(f, w, family, s);
}

/* "addm em0" of a bridge, "laggport em0" of a bond. */
static int port(struct hostnet *h, struct hn_if *f, struct words *w, const char *word, enum hn_kind kind)
{
	const struct hn_if *other;
	struct hn_port *grown;
	const char *s;
	int r = words_want(w, word, &s);

	if (r < 0)
		return r;
	if (f->kind != kind)
		return err_set(w->e, EINVAL, at_fmt "%s is for %s; is %s in cloned_interfaces?", at_args(w->v), word,
		               kind == HN_BOND ? "laggs" : "bridges", f->name);
	if (!ifname_valid(s))
		return err_set(w->e, EINVAL, at_fmt "%.40s is not the name of an interface", at_args(w->v), s);
	other = hostnet_master_of(h, s);
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
	int r = words_want(w, word, &s);

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
		return words_number(w, word, 1, 4094, &f->tag);
	r = words_want(w, word, &s);
	if (r == 0 && (!ifname_valid(s) || str_copy(f->parent, sizeof(f->parent), s) < 0))
		r = err_set(w->e, EINVAL, at_fmt "%.40s is not the name of an interface", at_args(w->v), s);
	return r;
}

/* Of a bridge: Linux runs the spanning tree on all ports or on none. */
static int stp(struct hostnet *h, struct hn_if *f, struct words *w)
{
	const char *member;
	int r = words_want(w, "stp", &member);

	if (r < 0)
		return r;
	if (f->kind != HN_BRIDGE)
		return err_set(w->e, EINVAL, at_fmt "stp is for bridges; is %s in cloned_interfaces?", at_args(w->v),
		               f->name);
	if (f->stp)
		return 0;
	f->stp = true;
	return hostnet_note(h, w->v, "the spanning tree runs on all members of the bridge", w->e);
}

/* lagg(4)'s protocols. */
static int laggproto(struct hn_if *f, struct words *w)
{
	static const char *const known[] = { "failover", "lacp", "loadbalance", "roundrobin", "broadcast" };
	const char *s;
	int r = words_want(w, "laggproto", &s);

	if (r < 0)
		return r;
	if (f->kind != HN_BOND)
		return err_set(w->e, EINVAL, at_fmt "laggproto is for laggs; is %s in cloned_interfaces?",
		               at_args(w->v), f->name);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (streq(s, known[i])) {
			f->mode = known[i];
			return 0;
		}
	return err_set(w->e, EINVAL,
	               at_fmt "laggproto is failover, lacp, loadbalance, roundrobin or broadcast, not %.40s",
	               at_args(w->v), s);
}

static int tunnel_end(struct words *w, int family, struct ipaddr *ret)
{
	const char *s;
	int r = words_want(w, "tunnel", &s);

	if (r == 0 && ipaddr_parse(s, family, ret, w->e) < 0)
		r = err_wrap(w->e, "%s:%u: %s", at_args(w->v));
	if (r == 0 && ret->has_prefix)
		r = err_set(w->e, EINVAL, at_fmt "an end of a tunnel has no prefix: %.60s", at_args(w->v), s);
	return r;
}

/* gif(4): "tunnel SOURCE DESTINATION". */
static int tunnel(struct hn_if *f, struct words *w)
{
	int r;

	if (f->kind != HN_TUNNEL)
		return err_set(w->e, EINVAL, at_fmt "tunnel is for gif interfaces; is %s in cloned_interfaces?",
		               at_args(w->v), f->name);
	r = tunnel_end(w, 0, &f->outer);
	return r < 0 ? r : tunnel_end(w, f->outer.family, &f->outer_peer);
}

/*
 * What ifconfig(8) turns on or off in the hardware. Linux's drivers do so by themselves, and take back what a bridge or a
 * VLAN cannot use: such a wish is fulfilled.
 */
static bool is_offload(const char *s)
{
	static const char *const flags[] = { "rxcsum",    "txcsum",     "rxcsum6",      "txcsum6",   "tso",
		                             "tso4",      "tso6",       "lro",          "vlanhwtso", "vlanmtu",
		                             "vlanhwtag", "vlanhwcsum", "vlanhwfilter", "toe",       "txtls",
		                             "mextpg",    "rxtls",      "hwrxtstmp",    "polling",   "wol",
		                             "wol_ucast", "wol_mcast",  "wol_magic",    "linkstate" };

	s += *s == '-';
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (streq(s, flags[i]))
			return true;
	return false;
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
		return port(h, f, w, s, HN_BRIDGE);
	if (streq(s, "laggport"))
		return port(h, f, w, s, HN_BOND);
	if (streq(s, "laggproto"))
		return laggproto(f, w);
	if (streq(s, "tunnel"))
		return tunnel(f, w);
	if (streq(s, "stp"))
		return stp(h, f, w);
	if (is_offload(s))
		return 0;
	if (is_nd6_default(s)) {
		f->up = true;
		return 0;
	}
	if (streq(s, "mtu"))
		return words_number(w, s, 68, 65535, &f->mtu);
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

	while (r == 0 && (s = words_next(&w)))
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

int hostnet_ifconfig(struct hostnet *h, const struct rcvar *v, struct err *e)
{
	const char *s = v->key + strcspn(v->key, "_") + 1;
	struct hn_if *f;
	int r;

	if (str_starts(v->key, "create_args_"))
		s = v->key + strlen("create_args_");
	if (!*s || streq(s, "DEFAULT") || unsupported_suffix(s))
		return err_set(e, EINVAL, at_fmt "not understood here", at_args(v));
	r = hostnet_if_of_variable(h, v, s, without_suffix(s), &f, e);
	return r < 0 ? r : ifconfig_words(h, f, v, e);
}
