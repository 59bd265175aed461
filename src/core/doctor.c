/* doctor.c - the checks of `doctor`, each a function that looks for one kind of trouble. */
#include "core/doctor.h"
#include "core/doctor_impl.h"
#include "core/restart.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

struct finding *doctor_find(struct ward *w, const char *id, const char *jail, char *what, char *fix)
{
	struct findings *f = w->f;

	if (w->only && *jail && !streq(jail, w->only)) {
		free(what);
		free(fix);
		return NULL;
	}
	if (f->n == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 16;
		struct finding *v = realloc(f->v, cap * sizeof(*v));

		if (v) {
			f->v = v;
			f->cap = cap;
		}
	}
	if (f->n == f->cap || !what || !fix) {
		f->failed = true;
		free(what);
		free(fix);
		return NULL;
	}
	f->v[f->n] = (struct finding){ .id = id, .jail = jail, .what = what, .fix = fix };
	return &f->v[f->n++];
}

struct finding *doctor_note(struct ward *w, const char *id, const char *jail, char *what, char *fix)
{
	struct finding *f = doctor_find(w, id, jail, what, fix);

	if (f)
		f->note = true;
	return f;
}

/* --- inside --- */

static void check_ip6(struct ward *w, const struct doctor_jail *d)
{
	for (size_t i = 0; i < d->inside->naddrs; i++) {
		const struct sv_addr *a = &d->inside->addrs[i];
		const struct sv_link *l = survey_index(d->inside, a->link);
		char text[IPADDR_TEXT];

		if (!l || (!a->failed && (!a->tentative || a->local_scope)))
			continue;
		ipaddr_format_host(&a->addr, text);
		if (a->failed)
			(void)doctor_find(
				w, "ipv6-duplicate", d->jail->name,
				strf("%s on %s is a duplicate: another machine has it, and the kernel does not use it",
			             text, l->name),
				strf("iocage set ip6_addr=ANOTHER %s", d->jail->name));
		else
			(void)doctor_find(w, "ipv6-tentative", d->jail->name,
			                  strf("%s on %s is tentative: not usable yet", text, l->name),
			                  strf("iocage exec %s ip -6 addr, in a moment", d->jail->name));
	}
	for (size_t i = 0; i < d->inside->nlinks; i++)
		if (d->jail->n6 && d->inside->links[i].no_ip6 && !d->inside->links[i].loopback)
			(void)doctor_find(w, "ipv6-off", d->jail->name,
			                  strf("IPv6 is switched off on %s, though ip6_addr is set",
			                       d->inside->links[i].name),
			                  strf("iocage exec %s sysctl net.ipv6.conf.%s.disable_ipv6=0", d->jail->name,
			                       d->inside->links[i].name));
}

bool doctor_has_static(const struct jail *j, const struct ipaddr *a)
{
	for (size_t i = 0; i < j->n4 + j->n6; i++) {
		const struct jaddr *x = i < j->n4 ? &j->a4[i] : &j->a6[i - j->n4];

		if (x->mode == JADDR_STATIC && ipaddr_same_host(&x->addr, a))
			return true;
	}
	return false;
}

/* One that works and is not of the configuration. */
static bool has_learned(const struct doctor_jail *d, const struct sv_link *l, int family)
{
	for (size_t i = 0; i < d->inside->naddrs; i++) {
		const struct sv_addr *a = &d->inside->addrs[i];

		if (a->link == l->index && a->addr.family == family && !a->local_scope && !a->failed && !a->tentative &&
		    !doctor_has_static(d->jail, &a->addr))
			return true;
	}
	return false;
}

/* The NIC that frames of an interface leave by, its own or its parent's; NULL: none on a bridge. */
static const struct jnic *leaves_by(const struct doctor_jail *d, const struct sv_link *l)
{
	for (size_t i = 0; i < d->jail->nnics; i++) {
		const struct jnic *nic = &d->jail->nics[i];
		const struct sv_link *end = doctor_jail_end(d, nic);

		if (end && (l == end || l->parent == end->index))
			return nic->bridge[0] && !(d->jail->nat && i == 0) ? nic : NULL;
	}
	return NULL;
}

/* Does the port take packets from an address only because the configuration has it: nothing is learned there, nor left open. */
static bool is_listed_only(const struct jail *j, const struct jnic *nic, int family)
{
	const struct jaddr *list = family == 4 ? j->a4 : j->a6;

	for (size_t i = 0; i < (family == 4 ? j->n4 : j->n6); i++)
		if (jnic_has(nic, &list[i]) && list[i].mode != JADDR_STATIC)
			return false;
	return true;
}

/* What the jail gave itself, and vnet_antispoof drops. */
static void check_given(struct ward *w, const struct doctor_jail *d)
{
	for (size_t i = 0; d->jail->antispoof && i < d->inside->naddrs; i++) {
		const struct sv_addr *a = &d->inside->addrs[i];
		const struct sv_link *l = survey_index(d->inside, a->link);
		const struct jnic *nic = l && !a->local_scope ? leaves_by(d, l) : NULL;
		int family = a->addr.family;
		const char *list = conf_get(d->jail->conf, family == 4 ? PROP_ip4_addr : PROP_ip6_addr);
		char text[IPADDR_TEXT];

		if (!nic || doctor_has_static(d->jail, &a->addr) || !is_listed_only(d->jail, nic, family))
			continue;
		(void)doctor_find(w, "address-dropped", d->jail->name,
		                  strf("the jail gave itself %s on %s, and %s takes nothing from it (vnet_antispoof)",
		                       ipaddr_format_host(&a->addr, text), l->name, nic->name),
		                  strf("iocage set ip%d_addr='%s%s%s|self' %s", family, streq(list, "none") ? "" : list,
		                       streq(list, "none") ? "" : ",", nic->name, d->jail->name));
	}
}

/* Why nobody gives addresses on a bridge, as far as it is seen from here; "": it is not. */
static const char *why_nobody(const struct ward *w, const char *bridge)
{
	const struct sv_link *b = survey_link(w->host, bridge);
	bool held = false;

	for (size_t i = 0; b && i < w->host->nlinks; i++) {
		if (w->host->links[i].master != b->index)
			continue;
		if (!w->ends[i].d || !w->ends[i].d->jail->antispoof)
			return ""; /* somebody who may */
		held = true;
	}
	return held ? ": only jails are on that bridge, and vnet_antispoof takes no such answers from them" : "";
}

/* What it is configured to have: there, or learned by now. Where IPv6 is switched off that is the trouble. */
static void check_own(struct ward *w, const struct doctor_jail *d, const struct jaddr *a, int family)
{
	const struct sv_link *l = NULL;
	const struct jnic *nic = NULL;
	char inside[IFNAME_CAP], text[IPADDR_TEXT];

	for (size_t i = 0; !nic && i < d->jail->nnics; i++)
		if (jnic_is_called(&d->jail->nics[i], a->ifname))
			nic = &d->jail->nics[i];
	/* with nat the first NIC's addresses are not used */
	if (!nic || (d->jail->nat && nic == d->jail->nics) || jnic_inside_name(nic->name, inside) < 0)
		return;
	l = survey_link(d->inside, inside);
	if (!l || (family == 6 && l->no_ip6))
		return;
	if (a->mode == JADDR_RTADV && (l->accept_ra == 0 || (l->accept_ra == 1 && d->inside->forward6)))
		(void)doctor_find(w, "ra-off", d->jail->name,
		                  strf("%s is to get its IPv6 address by router advertisements, and %s does not listen "
		                       "to them (accept_ra is %u%s)",
		                       nic->name, l->name, l->accept_ra, l->accept_ra ? ", and the jail forwards" : ""),
		                  strf("iocage exec %s sysctl -w net.ipv6.conf.%s.accept_ra=%u", d->jail->name, l->name,
		                       d->inside->forward6 ? 2 : 1));
	else if (jaddr_is_learned(a) && !has_learned(d, l, family))
		(void)doctor_find(
			w, "no-address", d->jail->name,
			strf("%s is to get its IPv%d address by %s, and %s has none%s", nic->name, family,
		             family == 4 ? "DHCP" : "router advertisements", l->name, why_nobody(w, nic->bridge)),
			strf("look for a %s on %s, then iocage restart %s", family == 4 ? "DHCP server" : "router",
		             nic->bridge[0] ? nic->bridge : "what it leads to", d->jail->name));
	if (a->mode == JADDR_STATIC && !survey_addr(d->inside, &a->addr))
		(void)doctor_find(w, "address-missing", d->jail->name,
		                  strf("%s is not on %s: something inside took it away",
		                       ipaddr_format_host(&a->addr, text), l->name),
		                  strf("iocage restart %s", d->jail->name));
}

static void check_resolver(struct ward *w, const struct doctor_jail *d)
{
	const char *name = d->jail->name, *p = d->resolv;
	bool any = false;

	if (!p || streq(conf_get(d->jail->conf, PROP_resolver), "/dev/null"))
		return;
	for (; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		const char *q = p + 10;

		if (strncmp(p, "nameserver", 10) != 0)
			continue;
		any = true;
		q += strspn(q, " \t");
		if (d->jail->vnet && (strncmp(q, "127.", 4) == 0 || strncmp(q, "::1", 3) == 0))
			(void)doctor_find(
				w, "resolver", name,
				strf("its name server %.*s is the jail's own loopback, where the host's resolver "
			             "does not "
			             "listen",
			             (int)strcspn(q, " \t\n"), q),
				strf("iocage set resolver='nameserver ADDRESS' %s", name));
	}
	if (!any)
		(void)doctor_find(w, "resolver", name, strf("its etc/resolv.conf names no name server"),
		                  strf("iocage set resolver='nameserver ADDRESS' %s", name));
}

/* --- addresses --- */

static void check_alias(struct ward *w, const struct doctor_jail *d, const struct jaddr *a)
{
	const struct sv_link *on = survey_link(w->host, a->ifname);
	const char *link = on ? on->name : a->ifname;
	char text[IPADDR_TEXT];
	struct finding *f;
	struct ipaddr with = a->addr;

	if (a->mode != JADDR_STATIC || survey_is_own(w->host, &a->addr))
		return;
	if (!with.has_prefix) {
		with.prefix = (uint8_t)ipaddr_max_prefix(&with);
		with.has_prefix = true;
	}
	ipaddr_format(&with, text);
	f = doctor_find(w, "alias-missing", d->jail->name,
	                strf("%s is not on %s any more: the jail cannot be reached there", text,
	                     *link ? link : "the host"),
	                *link ? strf("ip addr add %s dev %s", text, link) : strf("iocage restart %s", d->jail->name));
	if (f && on) {
		f->mend = MEND_ALIAS;
		f->addr = with;
		(void)snprintf(f->link, sizeof(f->link), "%s", link);
	}
}

/* That it is put back each time hides nothing: somebody thinks that the address should not be there. */
static void check_kept(struct ward *w, const struct doctor_jail *d)
{
	for (size_t i = 0; d->kept && i < d->kept->n; i++) {
		const struct kept *k = &d->kept->v[i];
		const char *who = d->kept_by[i];
		bool left = k->left && !survey_is_own(w->host, &k->addr);
		char text[IPADDR_TEXT];

		ipaddr_format(&k->addr, text);
		(void)doctor_note(w, "alias-removed", d->jail->name,
		                  strf("another program removed %s from %s, and it was put back %u time%s%s%s%s", text,
		                       k->link, k->times, k->times == 1 ? "" : "s",
		                       left ? "; after too many in a minute it is not put back any more" : "",
		                       *who ? "; it may be " : "", who),
		                  *who ? strf("have it leave %s on %s alone%s%s", text, k->link,
		                              left ? ", then iocage doctor --fix " : "", left ? d->jail->name : "")
		                       : strf("look at what configures %s%s%s", k->link,
		                              left ? ", then iocage doctor --fix " : "", left ? d->jail->name : ""));
	}
}

static const struct jaddr *addr_at(const struct jail *j, size_t i)
{
	return i < j->n4 ? &j->a4[i] : &j->a6[i - j->n4];
}

/* FreeBSD lets two jails share an address that is the only one of its family in both; a VNET jail shares none. */
static bool may_share(const struct jail *a, const struct jail *b, int family)
{
	return !a->vnet && !b->vnet && (family == 4 ? a->n4 == 1 && b->n4 == 1 : a->n6 == 1 && b->n6 == 1);
}

static void check_pair(struct ward *w, const struct doctor_jail *x, const struct doctor_jail *y)
{
	const struct jail *a = x->jail, *b = y->jail;
	char text[IPADDR_TEXT];

	for (size_t i = 0; i < a->n4 + a->n6; i++)
		for (size_t k = 0; k < b->n4 + b->n6; k++) {
			const struct jaddr *p = addr_at(a, i), *q = addr_at(b, k);

			if (p->mode != JADDR_STATIC || q->mode != JADDR_STATIC ||
			    !ipaddr_same_host(&p->addr, &q->addr) || may_share(a, b, p->addr.family) ||
			    (a->vnet && streq(p->ifname, "lo0")) || (b->vnet && streq(q->ifname, "lo0")))
				continue;
			(void)doctor_find(w, "same-address", w->only && streq(w->only, b->name) ? b->name : a->name,
			                  strf("%s is configured in %s and in %s", ipaddr_format_host(&p->addr, text),
			                       a->name, b->name),
			                  strf("iocage set ip%d_addr=ANOTHER %s", p->addr.family, b->name));
		}
	if (streq(a->hostname, b->hostname))
		(void)doctor_find(w, "same-hostname", w->only && streq(w->only, b->name) ? b->name : a->name,
		                  strf("%s and %s have the same host name, %s", a->name, b->name, a->hostname),
		                  strf("iocage set host_hostname=ANOTHER %s", b->name));
}

static void check_neighs(struct ward *w, const struct doctor_jail *d)
{
	for (size_t i = 0; i < w->host->nneighs; i++) {
		const struct sv_neigh *n = &w->host->neighs[i];
		const struct sv_link *l = survey_index(w->host, n->link);
		char text[IPADDR_TEXT];

		for (size_t k = 0; l && k < d->jail->n4 + d->jail->n6; k++) {
			const struct jaddr *a = addr_at(d->jail, k);

			if (a->mode != JADDR_STATIC || !ipaddr_same_host(&a->addr, &n->addr))
				continue;
			ipaddr_format_host(&n->addr, text);
			if (n->permanent)
				(void)doctor_find(w, "stale-neighbour", d->jail->name,
				                  strf("the host has a permanent neighbour entry for %s on %s", text,
				                       l->name),
				                  strf("ip neigh del %s dev %s", text, l->name));
			else if (n->failed && d->running)
				(void)doctor_find(w, "stale-neighbour", d->jail->name,
				                  strf("the host asked for %s on %s, and nobody answered", text,
				                       l->name),
				                  strf("ip neigh flush to %s, and look at what %s is connected to",
				                       text, d->jail->name));
		}
	}
}

/* --- MAC addresses --- */

struct mac_seen {
	const struct macaddr *mac;
	const char *jail, *link;
};

/* A VLAN, a bridge and the like have the address of what is below them. */
static bool has_own_mac(const struct sv_link *l)
{
	return l->mac.set && !l->loopback && (!*l->kind || streq(l->kind, "veth"));
}

static void check_macs(struct ward *w)
{
	size_t cap = w->host->nlinks, n = 0;
	_cleanup_free_ struct mac_seen *seen = NULL;

	for (size_t i = 0; i < w->n; i++)
		cap += w->jails[i].inside ? w->jails[i].inside->nlinks : 0;
	seen = calloc(cap + 1, sizeof(*seen));
	if (!seen) {
		w->f->failed = true;
		return;
	}
	for (size_t i = 0; i < w->host->nlinks; i++)
		if (has_own_mac(&w->host->links[i]))
			seen[n++] = (struct mac_seen){ &w->host->links[i].mac, "", w->host->links[i].name };
	for (size_t i = 0; i < w->n; i++)
		for (size_t k = 0; w->jails[i].inside && k < w->jails[i].inside->nlinks; k++)
			if (has_own_mac(&w->jails[i].inside->links[k]))
				seen[n++] = (struct mac_seen){ &w->jails[i].inside->links[k].mac,
					                       w->jails[i].jail->name,
					                       w->jails[i].inside->links[k].name };
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++) {
			char text[18];

			if (memcmp(seen[i].mac->b, seen[k].mac->b, 6) != 0 || (!*seen[i].jail && !*seen[k].jail))
				continue;
			mac_format(seen[i].mac, text);
			(void)doctor_find(
				w, "mac-duplicate", seen[k].jail,
				strf("%s of %s and %s of %s have the same MAC address %s", seen[i].link,
			             *seen[i].jail ? seen[i].jail : "the host", seen[k].link, seen[k].jail, text),
				strf("iocage set vnet0_mac=none %s; iocage restart %s", seen[k].jail, seen[k].jail));
		}
}

/* --- the host --- */

/* As start sees to it (conf.IF.forwarding): in by the jail's link, and back by that of the host's own default route. */
static bool link_forwards(const struct survey *h, unsigned link, int family)
{
	const struct sv_link *in = survey_index(h, link);
	bool back = true;

	if (family == 6)
		return h->forward6; /* the kernel asks for all of them */
	for (size_t i = 0; i < h->nroutes; i++) {
		const struct sv_link *l = survey_index(h, h->routes[i].link);

		if (h->routes[i].family == 4 && l)
			back = back && l->forward4;
	}
	return h->forward4 || (in && in->forward4 && back);
}

/* Does a jail send what is not for its own network to the host; only_stuck: which does not pass it on. */
static bool sends_to_host(const struct ward *w, int family, bool only_stuck)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct doctor_jail *d = &w->jails[i];
		const struct sv_route *r = d->inside ? doctor_default_route(d->inside, family) : NULL;

		const struct sv_addr *at = r && r->via.family ? survey_addr(w->host, &r->via) : NULL;

		if (at && !(only_stuck && link_forwards(w->host, at->link, family)) &&
		    (!w->only || streq(w->only, d->jail->name)))
			return true;
	}
	return false;
}

/* A rule for each direction, for the first interface that jails are heard by. */
static char *allow_forward(const struct ward *w)
{
	const struct survey *h = w->host;
	const char *link = h->drop_is_old ? "'vnet0.+'" : "'vnet0.*'";

	for (size_t i = 0; i < h->nlinks; i++)
		if (doctor_used_bridge(w, h->links[i].index)) {
			link = h->links[i].name;
			break;
		}
	if (h->drop_is_old)
		return strf("iptables-legacy -I FORWARD -i %s -j ACCEPT; iptables-legacy -I FORWARD -o %s -j ACCEPT",
		            link, link);
	return strf("nft insert rule %s iifname %s accept; nft insert rule %s oifname %s accept", h->forward_drop, link,
	            h->forward_drop, link);
}

static void check_host(struct ward *w)
{
	const struct survey *h = w->host;
	bool routed = sends_to_host(w, 4, false) || sends_to_host(w, 6, false), bridged = false;

	if (sends_to_host(w, 4, true))
		(void)doctor_find(w, "forwarding-off", "",
		                  strf("jails use an address of this host as IPv4 router, and it does not forward "
		                       "(net.ipv4.ip_forward is 0)"),
		                  strf("sysctl net.ipv4.ip_forward=1; or gateway_enable in hostnet's rc.conf"));
	if (sends_to_host(w, 6, true))
		(void)doctor_find(
			w, "forwarding-off", "",
			strf("jails use an address of this host as IPv6 router, and it does not forward "
		             "(net.ipv6.conf.all.forwarding is 0)"),
			strf("sysctl net.ipv6.conf.all.forwarding=1; or ipv6_gateway_enable in hostnet's rc.conf"));
	for (size_t i = 0; i < h->nroutes; i++) {
		const struct sv_link *l = survey_index(h, h->routes[i].link);

		if (h->forward6 && h->routes[i].by_ra && l && l->accept_ra == 1)
			(void)doctor_find(
				w, "accept-ra", "",
				strf("the host forwards IPv6, so it ignores router advertisements on %s (accept_ra "
			             "is 1), "
			             "and its default route will expire",
			             l->name),
				strf("sysctl net.ipv6.conf.%s.accept_ra=2", l->name));
	}
	if (h->leftovers && !w->only)
		(void)doctor_find(w, "leftover", "",
		                  strf("%zu thing%s of jails that are gone %s left, such as: %s", h->leftovers,
		                       h->leftovers == 1 ? "" : "s", h->leftovers == 1 ? "is" : "are", h->leftover),
		                  strf("iocage gc; with --dry-run it lists them"));
	for (size_t i = 0; i < h->nlinks; i++)
		bridged = bridged || doctor_used_bridge(w, h->links[i].index);
	if (bridged && (h->bridge_filter4 || h->bridge_filter6))
		(void)doctor_find(
			w, "bridge-netfilter", "",
			strf("frames between ports of a bridge go through the host's packet filter "
		             "(net.bridge.bridge-nf-call-ip%stables is 1)",
		             h->bridge_filter4 ? "" : "6"),
			strf("sysctl net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0"));
	if (h->forward_drop && (routed || (bridged && (h->bridge_filter4 || h->bridge_filter6))))
		(void)doctor_find(w, "forward-drop", "",
		                  strf("chain %s of another program drops what it does not know: what jails send "
		                       "through this host is lost",
		                       h->forward_drop),
		                  allow_forward(w));
}

/* --- all of them --- */

static void examine_jail(struct ward *w, const struct doctor_jail *d)
{
	const struct jail *j = d->jail;

	for (size_t i = 0; j->vnet && i < j->nnics; i++)
		doctor_check_nic(w, d, &j->nics[i]);
	for (size_t i = 0; d->running && !j->vnet && i < j->n4 + j->n6; i++)
		if ((i < j->n4 ? j->ip4 : j->ip6) == IP_NEW)
			check_alias(w, d, addr_at(j, i));
	if (d->running)
		check_kept(w, d);
	if (d->inside) {
		doctor_check_routes(w, d);
		check_ip6(w, d);
		for (size_t i = 0; i < j->n4 + j->n6; i++)
			check_own(w, d, addr_at(j, i), i < j->n4 ? 4 : 6);
		check_given(w, d);
	}
	if (d->running)
		check_resolver(w, d);
	if (d->rules_gone) {
		struct finding *f =
			doctor_find(w, "rules-missing", j->name,
		                    strf("its rules are gone from the packet filter: somebody flushed them"),
		                    strf("iocage doctor --fix %s", j->name));

		if (f)
			f->mend = MEND_RULES;
	}
	if (d->gave_up)
		(void)doctor_find(
			w, "restarts", j->name,
			strf("it ended again and again, and is not started any more: %d restarts within %d seconds",
		             RESTARTS_MAX, RESTARTS_WITHIN),
			strf("iocage start %s; its console log may say why it ends", j->name));
	check_neighs(w, d);
}

static void know_ends(struct ward *w)
{
	for (size_t i = 0; i < w->n; i++)
		for (size_t k = 0; w->jails[i].jail->vnet && k < w->jails[i].jail->nnics; k++) {
			const struct sv_link *l = doctor_host_end(w, &w->jails[i], &w->jails[i].jail->nics[k]);

			if (l)
				w->ends[l - w->host->links] =
					(struct sv_end){ &w->jails[i], &w->jails[i].jail->nics[k] };
		}
}

int doctor_examine(const struct doctor_jail *jails, size_t n, const struct survey *host, const char *only,
                   struct findings *ret, struct err *e)
{
	_cleanup_free_ struct sv_end *ends = calloc(host->nlinks + 1, sizeof(*ends));
	struct ward w = { jails, n, host, only, ret, ends };

	*ret = (struct findings){ 0 };
	if (!ends)
		return err_oom(e);
	know_ends(&w);
	check_host(&w);
	doctor_check_ports(&w);
	check_macs(&w);
	for (size_t i = 0; i < n; i++) {
		examine_jail(&w, &jails[i]);
		for (size_t k = i + 1; k < n; k++)
			if (!only || streq(only, jails[i].jail->name) || streq(only, jails[k].jail->name))
				check_pair(&w, &jails[i], &jails[k]);
	}
	return ret->failed ? err_oom(e) : 0;
}

void findings_done(struct findings *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].what);
		free(f->v[i].fix);
	}
	free(f->v);
	*f = (struct findings){ 0 };
}
